/*
 * preflight: see preflight.h.
 *
 * Asks each of two connections for its backend, and the file system of this host for its room; it
 * changes no setting, takes no lock and opens no transaction.
 */
#include "preflight.h"

#include "control.h"
#include "keyspace.h"
#include "sql.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* ---- a pooler ---- */

enum { ROUNDS = 3 };

enum pooler preflight_judge_pooler(const struct pooler_signs *signs)
{
    if (signs->work_before == signs->control || signs->work_after == signs->control ||
        signs->work_before != signs->work_after || !signs->is_pinned)
        return POOLER_SHARES;
    return signs->told == signs->work_before ? POOLER_NONE : POOLER_KEEPS_APART;
}

static bool S_ask_work(struct run *run, int64_t *pid, bool *is_pinned, struct err *err)
{
    struct pg_result *answer;
    if (!run_query(run, sql_get("preflight_session"), NULL, 0, &answer, err))
        return false;
    *pid = pg_int(answer, 0, pg_col(answer, "pid"));
    *is_pinned = *is_pinned && pg_bool(answer, 0, pg_col(answer, "is_pinned"));
    pg_result_free(answer);
    return true;
}

static bool S_ask_control(struct run *run, int64_t *pid, struct err *err)
{
    struct pg_result *answer;
    if (!control_run(run, "preflight_session", NULL, 0, &answer, err))
        return false;
    *pid = pg_int(answer, 0, pg_col(answer, "pid"));
    pg_result_free(answer);
    return true;
}

/* One after the other, never at a time: an idle pooler then hands the same backend to both. */
static bool S_look_for_pooler(struct run *run, enum pooler *out, struct err *err)
{
    *out = POOLER_NONE;
    for (int i = 0; i < ROUNDS && *out != POOLER_SHARES; i++) {
        struct pooler_signs signs = {.told = pg_backend_pid(run->work), .is_pinned = true};
        if (!S_ask_work(run, &signs.work_before, &signs.is_pinned, err) ||
            !S_ask_control(run, &signs.control, err) ||
            !S_ask_work(run, &signs.work_after, &signs.is_pinned, err))
            return false;
        *out = preflight_judge_pooler(&signs);
    }
    return true;
}

bool preflight_pooler(struct run *run, struct err *err)
{
    static const struct {
        const char *verdict, *message, *fix;
    } found[] = {
        [POOLER_NONE] = {"pass", "no pooler stands between us and the server", NULL},
        [POOLER_KEEPS_APART] =
            {"warn",
             "a pooler stands between us and the server; it has kept our sessions apart so far, as "
             "in session mode",
             "connect to the server itself, or make sure that the pooler's pool_mode is session"},
        [POOLER_SHARES] =
            {"fail",
             "a pooler stands between us and the server and gives our sessions' backends to "
             "others, "
             "as in transaction mode: locks and settings would be somebody else's",
             "connect to the server itself, or through a pool whose pool_mode is session"},
    };
    enum pooler pooler;
    if (!S_look_for_pooler(run, &pooler, err))
        return false;
    struct finding finding = {
        .group = "server",
        .name = "pooler",
        .subject = pg_database(run->work),
        .severity = "error",
        .verdict = found[pooler].verdict,
        .count = -1,
        .message = found[pooler].message,
        .fix = found[pooler].fix,
    };
    if (!run_find(run, &finding, err))
        return false;
    if (pooler != POOLER_SHARES)
        return true;
    err_set(err, ERR_REFUSED, "%s", found[pooler].message);
    return err_hint(err, "%s; nothing was changed", found[pooler].fix);
}

/* ---- disks ---- */

const char *preflight_judge_room(int64_t need, int64_t free_bytes)
{
    if (need < 0 || free_bytes < 0)
        return "unknown";
    /* The need is an estimate, so only what is far from it is a failure. */
    return free_bytes < need / 3 ? "fail" : free_bytes < need ? "warn" : "pass";
}

/*
 * What is free in a directory of the server, when it can only be a directory of this host: we reach
 * the server by a socket file, and the socket's place and this directory have one owner.
 */
static int64_t S_free_bytes(struct run *run, const char *directory)
{
    struct stat socket, there;
    struct statvfs room;
    const char *host = pg_host(run->work);
    if (host[0] != '/' || stat(host, &socket) || stat(directory, &there) ||
        !S_ISDIR(there.st_mode) || there.st_uid != socket.st_uid || statvfs(directory, &room))
        return -1;
    return (int64_t)(room.f_bavail * room.f_frsize);
}

struct disk {
    const char *place, *directory; /* "tablespace pg_default"; NULL: the role is not shown where */
    int64_t need, total, free_bytes;
};

static char *S_describe(const struct disk *disk)
{
    struct buf text = {0};
    if (disk->need < 0) {
        buf_add(&text, "how much is needed cannot be said, since a table was never analysed");
    } else {
        buf_add(&text, "about ");
        text_bytes(&text, disk->need);
        buf_add(&text, " more are needed");
    }
    if (disk->free_bytes >= 0) {
        buf_add(&text, ", and ");
        text_bytes(&text, disk->free_bytes);
        buf_add(&text, " are free");
    } else {
        buf_add(&text, "; how much is free cannot be asked of the server");
    }
    if (disk->total >= 0) {
        buf_add(&text, "; about ");
        text_bytes(&text, disk->total);
        buf_add(&text, " go through it to archive and replicas");
    }
    return buf_take(&text);
}

static char *S_advise(const struct disk *disk, const char *verdict)
{
    if (str_is(verdict, "pass"))
        return NULL;
    if (disk->need < 0)
        return str_dup("let the server know the sizes: ANALYZE the tables of the plan");
    if (disk->free_bytes >= 0)
        return str_format("make room in %s", disk->directory);
    return str_format("look with df on the server's host%s%s", disk->directory ? ": df -h " : "",
                      disk->directory ? disk->directory : "");
}

static bool S_note_disk(struct run *run, const struct disk *disk, struct err *err)
{
    const char *verdict = preflight_judge_room(disk->need, disk->free_bytes);
    char *message = S_describe(disk), *fix = S_advise(disk, verdict);
    struct finding finding = {
        .group = "server",
        .name = "disk",
        .subject = disk->place,
        .severity = "error",
        .verdict = verdict,
        .count = disk->need,
        .message = message,
        .fix = fix,
    };
    bool ok = run_find(run, &finding, err);
    if (ok && str_is(verdict, "fail")) {
        ok = err_set(err, ERR_REFUSED, "%s: %s", disk->place, message);
        err_hint(err, "%s; nothing was changed", fix);
    }
    free(message);
    free(fix);
    return ok;
}

static int64_t S_or_unknown(const struct pg_result *list, int row, const char *column)
{
    int col = pg_col(list, column);
    return pg_null(list, row, col) ? -1 : pg_int(list, row, col);
}

bool preflight_disks(struct run *run, struct err *err)
{
    const char *values[] = {run->document, run_mode_name(run->mode)};
    struct pg_result *list;
    if (!run_query(run, sql_get("preflight_room"), values, 2, &list, err))
        return false;
    bool ok = true;
    for (int row = 0; ok && row < pg_rows(list); row++) {
        int directory = pg_col(list, "directory");
        struct disk disk = {
            .place = pg_text(list, row, pg_col(list, "place")),
            .directory = pg_null(list, row, directory) ? NULL : pg_text(list, row, directory),
            .need = S_or_unknown(list, row, "need"),
            .total = S_or_unknown(list, row, "total"),
            .free_bytes = -1,
        };
        if (disk.directory && pg_bool(list, row, pg_col(list, "is_local")))
            disk.free_bytes = S_free_bytes(run, disk.directory);
        ok = S_note_disk(run, &disk, err);
    }
    pg_result_free(list);
    return ok;
}

/* ---- Redis ---- */

/* One that is away stops no work on the tables, so it is a warning: the cache steps would fail. */
bool preflight_redis(struct run *run, struct err *err)
{
    struct keyspace *keyspace = NULL;
    struct err trouble = {0};
    if (!run->session->has_redis)
        return true;
    bool answers = keyspace_open(run, &keyspace, &trouble);
    char *name = redis_target_describe(&run->session->redis);
    char *message = answers ? str_dup("it answers")
                            : str_format("the steps for the cache would fail: %s", trouble.text);
    struct finding finding = {
        .group = "redis",
        .name = "reachable",
        .subject = name,
        .verdict = answers ? "pass" : "warn",
        .severity = "warn",
        .count = -1,
        .message = message,
        .fix = *trouble.hint ? trouble.hint : NULL,
    };
    bool ok = run_find(run, &finding, err);
    keyspace_free(keyspace);
    free(message);
    free(name);
    return ok;
}
