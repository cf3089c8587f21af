/* verb_cache_change: see verb_cache_change.h. */
#include "verb_cache_change.h"

#include "clock.h"
#include "journal.h"
#include "sql.h"

#include <stdlib.h>
#include <string.h>

static void S_stamp(char stamp[21])
{
    clock_format_iso(clock_wall(), stamp);
    for (char *c = stamp; *c; c++)
        if (*c == ':' || *c == '-')
            *c = '_';
}

static bool S_refuse_other(const struct restore_log *log, const char *what, struct err *err)
{
    char *order = json_dumps(json_object_get(log->begin, "order"), JSON_COMPACT);
    err_set(err, ERR_REFUSED, "an earlier '%s' of this Redis was cut off: %.300s", what, order);
    err_hint(err, "say that one again, so that it comes to its end, or --abandon to give it up");
    free(order);
    return false;
}

/* A journal that is away, or that this role may not write to, keeps nobody from Redis. */
static void S_find_journal(struct verb_call *call, struct verb_change *out)
{
    struct journal_state state;
    struct err ignored = {0};
    if (!call->session->has_database || !verb_connect(call, &out->pg, &ignored)) {
        out->pg = NULL;
        return;
    }
    if (journal_look(out->pg, &state, &ignored) && state.exists && state.may_write)
        return;
    pg_free(out->pg);
    out->pg = NULL;
}

static bool S_begin_log(const char *server, const char *what, json_t *order,
                        struct verb_change *out, struct err *err)
{
    char stamp[21];
    S_stamp(stamp);
    json_t *begin = json_pack("{s:s, s:s, s:s, s:O}", "server", server, "database", what, "stamp",
                              stamp, "order", order);
    return restore_log_begin(CACHE_ROOM, begin, &out->log, err) &&
           restore_log_means(&out->log, what, NULL, err);
}

bool verb_change_begin(struct verb_call *call, const char *server, const char *what, json_t *order,
                       struct verb_change *out, struct err *err)
{
    *out = (struct verb_change){0};
    bool ok = restore_log_find(CACHE_ROOM, server, what, &out->log, &out->resumed, err);
    out->begun = ok && out->resumed;
    if (ok && out->resumed && !json_equal(json_object_get(out->log.begin, "order"), order))
        ok = S_refuse_other(&out->log, what, err);
    else if (ok && !out->resumed)
        ok = out->begun = S_begin_log(server, what, order, out, err);
    json_decref(order);
    if (ok)
        S_find_journal(call, out);
    return ok;
}

void verb_change_note(struct verb_change *change, const char *severity, const char *text)
{
    struct err ignored = {0};
    const char *values[] = {severity, text};
    if (change->pg)
        pg_run(change->pg, sql_get("cache_note"), values, ARRAY_LEN(values), NULL, &ignored);
}

bool verb_change_end(struct verb_change *change, const char *how, struct err *err)
{
    return restore_log_end(&change->log, how, err);
}

void verb_change_release(struct verb_change *change)
{
    if (change->begun)
        restore_log_release(&change->log);
    pg_free(change->pg);
    *change = (struct verb_change){0};
}

bool verb_change_abandon(struct verb_call *call, const char *what, struct err *err)
{
    struct restore_log log;
    bool found;
    char *server = redis_target_describe(&call->session->redis);
    bool ok = restore_log_find(CACHE_ROOM, server, what, &log, &found, err);
    if (ok && found) {
        ok = restore_log_end(&log, "abandoned", err);
        restore_log_release(&log);
    }
    if (ok && call->json)
        verb_answer(call, json_pack("{s:b}", "abandoned", found));
    else if (ok)
        fprintf(call->out, "%s\n",
                found ? "it was given up; what it had done stays done" : "there is none");
    free(server);
    return ok;
}
