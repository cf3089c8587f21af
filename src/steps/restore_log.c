/* restore_log: see restore_log.h. */
#include "restore_log.h"

#include "clock.h"
#include "file.h"
#include "wholefile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool S_directory(const char *room, char **out, struct err *err)
{
    if (!state_directory(room, out, err))
        return false;
    if (private_directory(*out, err))
        return true;
    free(*out);
    return false;
}

/* ---- writing ---- */

static bool S_write_line(struct restore_log *log, const json_t *line, struct err *err)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
    struct buf bytes = {0};
    buf_format(&bytes, "%s\n", text);
    free(text);
    /* One write, so that a kill leaves a whole line or a piece that is not JSON. */
    ssize_t written = write(log->fd, bytes.text, bytes.len);
    bool ok = written == (ssize_t)bytes.len && fsync(log->fd) == 0;
    buf_release(&bytes);
    return ok || err_set(err, ERR_FAILED, "'%s' could not be written: %s", log->path,
                         written < 0 ? strerror(errno) : "no room is left");
}

static bool S_write(struct restore_log *log, const char *what, const char *is, json_t *more,
                    struct err *err)
{
    char at[21];
    clock_format_iso(clock_wall(), at);
    json_t *line = json_pack("{s:s, s:s, s:s}", "at", at, "what", what, "is", is);
    if (more)
        json_object_update(line, more);
    json_decref(more);
    bool ok = S_write_line(log, line, err);
    json_decref(line);
    return ok;
}

bool restore_log_means(struct restore_log *log, const char *what, json_t *more, struct err *err)
{
    json_object_set_new(log->meant, what, more ? json_incref(more) : json_true());
    return S_write(log, what, "intent", more, err);
}

bool restore_log_did(struct restore_log *log, const char *what, json_t *more, struct err *err)
{
    json_object_set_new(log->done, what, more ? json_incref(more) : json_true());
    return S_write(log, what, "done", more, err);
}

bool restore_log_end(struct restore_log *log, const char *how, struct err *err)
{
    return S_write(log, "end", "done", json_pack("{s:s}", "how", how), err);
}

bool restore_log_has(const struct restore_log *log, const char *what)
{
    return json_object_get(log->done, what) != NULL;
}

const char *restore_log_text(const struct restore_log *log, const char *name)
{
    return json_string_value(json_object_get(log->begin, name));
}

/* ---- beginning ---- */

static bool S_lock(struct restore_log *log, struct err *err)
{
    if (flock(log->fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    err_set(err, ERR_HELD, "another of its kind is under way on this host");
    return err_hint(err, "'%s' says how far it is", log->path);
}

bool restore_log_begin(const char *room, json_t *begin, struct restore_log *out, struct err *err)
{
    char *directory = NULL;
    *out = (struct restore_log){
        .fd = -1, .begin = begin, .done = json_object(), .meant = json_object()};
    bool ok = S_directory(room, &directory, err);
    if (ok) {
        out->path = str_format("%s/%s_%ld.jsonl", directory, restore_log_text(out, "stamp"),
                               (long)getpid());
        /* Empty, and durable with its name, before the first word is written into it. */
        char *name = strrchr(out->path, '/') + 1;
        ok = wholefile_write(directory, name, "", 0, err);
        out->fd = ok ? open(out->path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (ok && out->fd < 0)
            ok = err_set(err, ERR_FAILED, "'%s' could not be opened: %s", out->path,
                         strerror(errno));
    }
    free(directory);
    ok = ok && S_lock(out, err) && S_write(out, "begin", "done", json_incref(begin), err);
    if (!ok)
        restore_log_release(out);
    return ok;
}

void restore_log_release(struct restore_log *log)
{
    if (log->fd >= 0 && log->path)
        close(log->fd);
    free(log->path);
    json_decref(log->begin);
    json_decref(log->done);
    json_decref(log->meant);
    *log = (struct restore_log){.fd = -1};
}

/* ---- finding ---- */

static void S_take_line(struct restore_log *log, json_t *line)
{
    const char *what = json_string_value(json_object_get(line, "what"));
    const char *is = json_string_value(json_object_get(line, "is"));
    if (!what || !is)
        return;
    if (str_is(what, "begin") && !log->begin)
        log->begin = json_incref(line);
    json_object_set(str_is(is, "done") ? log->done : log->meant, what, line);
}

/* What was cut off by a kill is no JSON, and was not done. `*torn`: the last line was. */
static bool S_read(struct restore_log *log, bool *torn, struct err *err)
{
    struct file file;
    if (!file_read(log->path, &file, err))
        return false;
    for (const char *at = buf_text(&file.text); *at;) {
        size_t len = strcspn(at, "\n");
        json_t *line = json_loadb(at, len, 0, NULL);
        if (line)
            S_take_line(log, line);
        json_decref(line);
        at += len + (at[len] == '\n');
    }
    *torn = file.text.len && file.text.text[file.text.len - 1] != '\n';
    file_release(&file);
    return true;
}

/* The next line must not become part of one that was cut off. */
static bool S_mend(struct restore_log *log, struct err *err)
{
    return write(log->fd, "\n", 1) == 1 ||
           err_set(err, ERR_FAILED, "'%s' could not be written: %s", log->path, strerror(errno));
}

static bool S_is_meant(const struct restore_log *log, const char *server, const char *database)
{
    return log->begin && !restore_log_has(log, "end") &&
           str_is(restore_log_text(log, "database"), database) &&
           str_is(restore_log_text(log, "server"), server);
}

static bool S_open(char *path, struct restore_log *out, bool *torn, struct err *err)
{
    *out = (struct restore_log){.path = path,
                                .fd = open(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC),
                                .done = json_object(),
                                .meant = json_object()};
    if (out->fd < 0)
        return err_set(err, ERR_FAILED, "'%s' could not be opened: %s", path, strerror(errno));
    return S_read(out, torn, err);
}

/* Calls until `each` has taken one (true), or one cannot be read. */
typedef bool S_each_fn(void *ctx, struct restore_log *log, bool torn);

static bool S_each(const char *room, S_each_fn *each, void *ctx, struct err *err)
{
    char *directory;
    if (!state_directory(room, &directory, err))
        return false;
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    bool ok = true, taken = false;
    while (ok && !taken && dir && (entry = readdir(dir))) {
        struct restore_log log;
        bool torn = false;
        if (entry->d_name[0] == '.' || !str_ends(entry->d_name, ".jsonl"))
            continue;
        ok = S_open(str_format("%s/%s", directory, entry->d_name), &log, &torn, err);
        taken = ok && each(ctx, &log, torn);
        if (!taken)
            restore_log_release(&log);
    }
    if (dir)
        closedir(dir);
    free(directory);
    return ok;
}

struct S_search {
    const char *server, *database;
    struct restore_log *out;
    bool found, torn;
};

static bool S_take_meant(void *ctx, struct restore_log *log, bool torn)
{
    struct S_search *search = ctx;
    if (!S_is_meant(log, search->server, search->database))
        return false;
    *search->out = *log;
    search->torn = torn;
    return search->found = true;
}

bool restore_log_find(const char *room, const char *server, const char *database,
                      struct restore_log *out, bool *found, struct err *err)
{
    struct S_search search = {.server = server, .database = database, .out = out};
    char *directory;
    *out = (struct restore_log){.fd = -1};
    *found = false;
    /* What it says may lead to a DROP, so nobody else may have written it. */
    if (!S_directory(room, &directory, err))
        return false;
    free(directory);
    if (!S_each(room, S_take_meant, &search, err))
        return false;
    if (!search.found)
        return true;
    if (!S_lock(out, err) || (search.torn && !S_mend(out, err))) {
        restore_log_release(out);
        return false;
    }
    return *found = true;
}

struct S_teller {
    bool finished;
    restore_log_fn *each;
    void *ctx;
};

static bool S_tell(void *ctx, struct restore_log *log, bool torn)
{
    (void)torn;
    const struct S_teller *teller = ctx;
    if (log->begin && restore_log_has(log, "end") == teller->finished)
        teller->each(teller->ctx, log);
    return false;
}

bool restore_log_each(const char *room, bool finished, restore_log_fn *each, void *ctx,
                      struct err *err)
{
    struct S_teller teller = {finished, each, ctx};
    return S_each(room, S_tell, &teller, err);
}
