/* pgtool: see pgtool.h. */
#include "pgtool.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TICK_MS = 1000,
    ALONE_MS = 600000, /* without a server it has nothing to wait for */
    NEWER = 8,         /* major versions that are looked for beyond the server's */
    TAIL_LINES = 4
};

/* ---- the last lines of what it says, for the error ---- */

struct S_tail {
    char *lines[TAIL_LINES];
    size_t count;
};

static void S_keep_line(struct S_tail *tail, const char *line, size_t len)
{
    if (!len)
        return;
    free(tail->lines[tail->count % TAIL_LINES]);
    tail->lines[tail->count++ % TAIL_LINES] = str_ndup(line, len);
}

static char *S_last_lines(struct S_tail *tail)
{
    struct buf text = {0};
    size_t from = tail->count > TAIL_LINES ? tail->count - TAIL_LINES : 0;
    for (size_t i = from; i < tail->count; i++)
        buf_format(&text, "%s%s", text.len ? "\n" : "", tail->lines[i % TAIL_LINES]);
    for (size_t i = 0; i < TAIL_LINES; i++)
        free(tail->lines[i]);
    return buf_take(&text);
}

/* ---- running ---- */

/* The words of the environment, wiped when they are let go of. */
struct S_words {
    char **words;
    size_t count, cap;
};

static void S_add_word(struct S_words *list, char *word)
{
    list->words = mem_room(list->words, list->count + 1, &list->cap, sizeof(*list->words));
    list->words[list->count++] = word;
    list->words[list->count] = NULL;
}

/* A dump is of the encoding that the database has, and not of the one that our session speaks. */
static void S_take_setting(void *ctx, const char *keyword, const char *variable, const char *value)
{
    if (variable && !str_is(keyword, "dbname") && !str_is(keyword, "client_encoding"))
        S_add_word(ctx, str_format("%s=%s", variable, value));
}

/* Not in the user's language: what it says is looked into, and stands beside words of ours. */
static void S_fill_environment(const struct pgtool_job *job, struct S_words *out)
{
    S_add_word(out, str_dup("LC_ALL=C"));
    if (!job->pg)
        return;
    pg_each_setting(job->pg, S_take_setting, out);
    S_add_word(out,
               str_format("PGDATABASE=%s", job->database ? job->database : pg_database(job->pg)));
}

static void S_release_environment(struct S_words *list)
{
    for (size_t i = 0; i < list->count; i++)
        str_wipe(list->words[i]);
    free(list->words);
}

static const char **S_argv(const struct pgtool_job *job)
{
    size_t count = 0;
    while (job->words[count])
        count++;
    const char **argv = mem_array(count + 2, sizeof(*argv));
    argv[0] = job->tool->path;
    memcpy(argv + 1, job->words, count * sizeof(*argv));
    return argv;
}

/* What everybody may see of it in `ps` is what the journal keeps of it. */
static char *S_command(const char *const *argv)
{
    struct buf command = {0};
    for (size_t i = 0; argv[i]; i++)
        buf_format(&command, "%s%s", i ? " " : "", argv[i]);
    return buf_take(&command);
}

struct S_listener {
    const struct pgtool_job *job;
    struct S_tail tail;
};

static void S_hear(void *ctx, const char *line, size_t len, bool whole)
{
    struct S_listener *listener = ctx;
    if (listener->job->line)
        listener->job->line(listener->job->ctx, line, len, whole);
    S_keep_line(&listener->tail, line, len);
}

/* The loop turns for the heartbeat, too: a dump may take hours. */
static void S_attend(const struct pgtool_job *job, struct process *process)
{
    bool ended = false;
    process_go(process);
    while (!process_is_over(process)) {
        loop_turn(job->loop, TICK_MS);
        if (!ended && job->run && (job->run->aborted || job->run->fenced)) {
            process_end(process);
            ended = true;
        }
        if (job->tick)
            job->tick(job->ctx);
    }
}

static const char *S_name(const struct pgtool_job *job)
{
    const char *slash = strrchr(job->tool->path, '/');
    return slash ? slash + 1 : job->tool->path;
}

static bool S_judge(const struct pgtool_job *job, const struct process_result *result,
                    const char *said, struct err *err)
{
    if (result->outcome == PROCESS_EXITED && result->status == 0)
        return true;
    if (result->outcome == PROCESS_NOT_STARTED)
        return err_set(err, ERR_FAILED, "%s could not be started: %s", S_name(job),
                       result->trouble);
    char *what = process_describe(result);
    err_set(err, ERR_FAILED, "%s failed (%s)%s%s", S_name(job), what, *said ? ": " : "", said);
    free(what);
    return false;
}

static bool S_run_noted(const struct pgtool_job *job, struct process *process,
                        const char *const *argv, struct err *err)
{
    struct err unnoted = {0};
    int64_t child = 0;
    char *command = S_command(argv);
    bool noted =
        !job->run || run_child_begins(job->run, process_pid(process), command, &child, err);
    free(command);
    if (!noted)
        return false;
    S_attend(job, process);
    return !job->run ||
           run_child_ended(job->run, child, process_result(process)->status, &unnoted) ||
           (*err = unnoted, false);
}

static char *S_title(const struct pgtool_job *job)
{
    return job->run ? str_format("%s of %s", job->run->step->def->name, job->run->plan->name)
                    : str_dup(S_name(job));
}

bool pgtool_run(const struct pgtool_job *job, struct err *err)
{
    struct S_listener listener = {.job = job};
    struct S_words environment = {0};
    const char **argv = S_argv(job);
    char *title = S_title(job);
    S_fill_environment(job, &environment);
    const struct process_order order = {
        .argv = argv,
        .title = title,
        .added = (const char *const *)environment.words,
        .timeout_ms = job->pg ? 0 : ALONE_MS,
    };
    struct process *process = process_new(job->loop, &order, S_hear, &listener, err);
    S_release_environment(&environment);
    free(title);
    bool ok = process && S_run_noted(job, process, argv, err);
    char *said = S_last_lines(&listener.tail);
    ok = ok && S_judge(job, process_result(process), said, err);
    process_free(process);
    free(said);
    free(argv);
    return ok;
}

/* ---- finding ---- */

struct S_version {
    char text[128];
};

static void S_hear_version(void *ctx, const char *line, size_t len, bool whole)
{
    (void)whole;
    struct S_version *version = ctx;
    if (!*version->text && len < sizeof(version->text))
        memcpy(version->text, line, len);
}

/* "pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", "… 18beta1": 15, 18; 0: none. */
static int S_major_of(const char *text)
{
    const char *number = strstr(text, ") ");
    return number ? atoi(number + 2) : 0;
}

static bool S_ask_version(struct loop *loop, const char *path, struct pgtool *out)
{
    struct S_version version = {{0}};
    struct err ignored = {0};
    struct pgtool candidate = {.path = (char *)path};
    const char *words[] = {"--version", NULL};
    const struct pgtool_job job = {
        .loop = loop, .tool = &candidate, .words = words, .line = S_hear_version, .ctx = &version};
    if (!pgtool_run(&job, &ignored))
        return false;
    *out = (struct pgtool){.path = str_dup(path),
                           .version = text_cleaned(version.text),
                           .major = S_major_of(version.text)};
    return true;
}

static bool S_take(struct loop *loop, const char *path, int major, struct pgtool *out)
{
    if (strchr(path, '/') && access(path, X_OK) < 0)
        return false;
    if (!S_ask_version(loop, path, out))
        return false;
    if (out->major >= major)
        return true;
    pgtool_release(out);
    return false;
}

/* Where the packagers put the programs of each version: Debian's way, and Red Hat's. */
static bool S_take_packaged(struct loop *loop, const char *name, int version, int major,
                            struct pgtool *out)
{
    char *debian = str_format("/usr/lib/postgresql/%d/bin/%s", version, name);
    char *redhat = str_format("/usr/pgsql-%d/bin/%s", version, name);
    bool found = S_take(loop, debian, major, out) || S_take(loop, redhat, major, out);
    free(debian);
    free(redhat);
    return found;
}

static bool S_take_newer(struct loop *loop, const char *name, int major, struct pgtool *out)
{
    for (int newer = major + 1; newer <= major + NEWER; newer++)
        if (S_take_packaged(loop, name, newer, major, out))
            return true;
    return false;
}

bool pgtool_find(struct loop *loop, const char *name, int major, struct pgtool *out,
                 struct err *err)
{
    struct pgtool in_path = {0};
    *out = (struct pgtool){0};
    bool has = S_take(loop, name, major, &in_path);
    if (has && in_path.major > major && S_take_packaged(loop, name, major, major, out)) {
        pgtool_release(&in_path);
        return true;
    }
    *out = in_path;
    if (has || S_take_packaged(loop, name, major, major, out) ||
        S_take_newer(loop, name, major, out))
        return true;
    err_set(err, ERR_FAILED, "no %s of version %d or newer was found on this host", name, major);
    return err_hint(err,
                    "install it (Debian: apt install postgresql-client-%d), or put the directory "
                    "it is in into PATH",
                    major);
}

void pgtool_release(struct pgtool *tool)
{
    free(tool->path);
    free(tool->version);
    *tool = (struct pgtool){0};
}

char *pgtool_database_word(const char *database)
{
    struct buf word = {0};
    buf_add(&word, "--dbname=dbname='");
    for (const char *c = database; *c; c++) {
        if (*c == '\'' || *c == '\\')
            buf_add_char(&word, '\\');
        buf_add_char(&word, *c);
    }
    buf_add_char(&word, '\'');
    return buf_take(&word);
}
