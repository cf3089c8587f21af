/* verb_cache_change: see verb_cache_change.h. */
#include "verb_cache_change.h"

#include "clock.h"
#include "journal.h"
#include "person.h"
#include "sql.h"
#include "verb_launch.h"

#include <stdlib.h>
#include <string.h>

/* ---- the journal ---- */

/* A name that another host takes for another Redis, where this is one of our own. */
static char *S_place(const struct verb_call *call, const char *server)
{
    static const char *const local[] = {"localhost", "127.0.0.1", "::1"};
    const struct redis_target *target = &call->session->redis;
    char *here = person_here();
    bool ours = target->path != NULL;
    for (size_t i = 0; target->host && i < ARRAY_LEN(local); i++)
        ours |= str_is(target->host, local[i]);
    char *place = str_format("%s%s%s", ours ? strrchr(here, '@') + 1 : "", ours ? " " : "", server);
    free(here);
    return place;
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
    if (journal_look(out->pg, &state, &ignored) && state.exists &&
        state.version == JOURNAL_VERSION && state.may_write)
        return;
    pg_free(out->pg);
    out->pg = NULL;
}

static bool S_refuse_other(const char *what, const char *order, struct err *err)
{
    err_set(err, ERR_REFUSED, "an earlier '%s' of this Redis was cut off: %.300s", what, order);
    return err_hint(err, "say that one again, so that it comes to its end, or --abandon to give "
                         "it up");
}

/* A role whose rights are of an older version may write to the log, and not this. */
static bool S_may_keep(struct pg *pg)
{
    struct err ignored = {0};
    struct pg_result *answer;
    if (!pg || !pg_run(pg, sql_get("redis_change_may"), NULL, 0, &answer, &ignored))
        return false;
    bool may = pg_bool(answer, 0, 0);
    pg_result_free(answer);
    return may;
}

/* An answer that names no row: somebody has ended the change meanwhile. */
static bool S_tell_journal(struct verb_change *change, const char *statement, const char *value,
                           struct err *err)
{
    const char *values[] = {change->id, value};
    struct pg_result *result;
    if (!pg_run(change->pg, sql_get(statement), values, value ? 2 : 1, &result, err))
        return err_context(err, "the journal does not know it yet, and the same command again "
                                "goes on");
    bool ok = pg_rows(result) == 1;
    pg_result_free(result);
    return ok || err_set(err, ERR_REFUSED, "the change %s was given up by somebody meanwhile",
                         change->id);
}

static bool S_resume(struct verb_change *out, const struct pg_result *found, const char *what,
                     struct err *err)
{
    if (!pg_bool(found, 0, pg_col(found, "same")))
        return S_refuse_other(what, pg_text(found, 0, pg_col(found, "intent")), err);
    bool acted = pg_bool(found, 0, pg_col(found, "acted"));
    out->resumed = true;
    out->id = str_dup(pg_text(found, 0, pg_col(found, "id")));
    out->before = str_format("goes on with what %s began at %s, and what was cut off %s",
                             pg_text(found, 0, pg_col(found, "who")),
                             pg_text(found, 0, pg_col(found, "meant_at")),
                             acted ? "when all was done, before it was looked at"
                                   : "before it was told that all was done");
    return S_tell_journal(out, "redis_change_again", NULL, err);
}

static bool S_mean(struct verb_change *out, const char *const values[3], struct err *err)
{
    char *who = person_here();
    const char *all[] = {values[0], values[1], values[2], who};
    struct pg_result *made;
    bool ok = pg_run(out->pg, sql_get("redis_change_mean"), all, ARRAY_LEN(all), &made, err);
    if (ok) {
        out->id = str_dup(pg_text(made, 0, 0));
        pg_result_free(made);
    }
    free(who);
    return ok;
}

static bool S_begin_journal(struct verb_change *out, const char *place, const char *what,
                            const json_t *order, struct err *err)
{
    char *intent = json_dumps(order, JSON_COMPACT | JSON_SORT_KEYS);
    const char *values[] = {place, what, intent};
    struct pg_result *found;
    bool ok = pg_run(out->pg, sql_get("redis_change_open"), values, ARRAY_LEN(values), &found, err);
    if (ok && !pg_bool(found, 0, pg_col(found, "mine"))) {
        ok = err_set(err, ERR_HELD, "another '%s' of this Redis is under way", what);
        err_hint(err, "tenantdeck.redis_change says whose it is, and since when");
    } else if (ok) {
        ok = pg_null(found, 0, pg_col(found, "id")) ? S_mean(out, values, err)
                                                    : S_resume(out, found, what, err);
    }
    pg_result_free(found);
    free(intent);
    return ok;
}

/* ---- the disk ---- */

static void S_stamp(char stamp[21])
{
    clock_format_iso(clock_wall(), stamp);
    for (char *c = stamp; *c; c++)
        if (*c == ':' || *c == '-')
            *c = '_';
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

static bool S_resume_log(struct verb_change *out, const char *what, const json_t *order,
                         struct err *err)
{
    const json_t *meant = json_object_get(out->log.begin, "order");
    const char *at = restore_log_text(&out->log, "at");
    bool acted = restore_log_has(&out->log, "acted");
    if (!json_equal(meant, order)) {
        char *text = json_dumps(meant, JSON_COMPACT);
        S_refuse_other(what, text ? text : "?", err);
        free(text);
        return false;
    }
    out->before =
        str_format("goes on with what was begun here at %s, and was cut off %s", at ? at : "?",
                   acted ? "when all was done, before it was looked at"
                         : "before it was told that all was done");
    return true;
}

/* ---- one or the other ---- */

json_t *verb_change_order(const struct verb_call *call, const char *const *names, size_t count)
{
    json_t *order = json_object();
    for (size_t i = 0; i < count; i++)
        if (verb_given(call, names[i]))
            json_object_set_new(order, names[i], verb_json_text(verb_given(call, names[i])));
    return order;
}

static void S_say_before(const struct verb_call *call, const struct verb_change *change)
{
    char *clean = text_cleaned(change->before);
    if (!call->json)
        fprintf(call->out, "%s\n", clean);
    free(clean);
}

bool verb_change_begin(struct verb_call *call, const char *server, const char *what, json_t *order,
                       struct verb_change *out, struct err *err)
{
    *out = (struct verb_change){0};
    bool ok = restore_log_find(CACHE_ROOM, server, what, &out->log, &out->resumed, err);
    out->on_disk = ok && out->resumed;
    if (ok)
        S_find_journal(call, out);
    if (ok && out->on_disk) {
        ok = S_resume_log(out, what, order, err);
    } else if (ok && S_may_keep(out->pg)) {
        char *place = S_place(call, server);
        ok = S_begin_journal(out, place, what, order, err);
        free(place);
    } else if (ok) {
        ok = out->on_disk = S_begin_log(server, what, order, out, err);
    }
    json_decref(order);
    if (ok && out->before)
        S_say_before(call, out);
    return ok;
}

void verb_change_note(struct verb_change *change, const char *severity, const char *text)
{
    struct err ignored = {0};
    const char *values[] = {severity, text};
    if (change->pg)
        pg_run(change->pg, sql_get("cache_note"), values, ARRAY_LEN(values), NULL, &ignored);
}

void verb_change_tell(struct verb_call *call, const char *severity, const char *text)
{
    struct verb_change change = {0};
    char *who = person_here(), *whole = str_format("%s; by %s", text, who);
    S_find_journal(call, &change);
    verb_change_note(&change, severity, whole);
    verb_change_release(&change);
    free(whole);
    free(who);
}

bool verb_change_acted(struct verb_change *change, json_t *counts, struct err *err)
{
    if (!change->id)
        return restore_log_did(&change->log, "acted", counts, err);
    char *text = json_dumps(counts, JSON_COMPACT);
    bool ok = S_tell_journal(change, "redis_change_acted", text, err);
    free(text);
    json_decref(counts);
    return ok;
}

bool verb_change_end(struct verb_change *change, const char *how, struct err *err)
{
    return change->id ? S_tell_journal(change, "redis_change_end", how, err)
                      : restore_log_end(&change->log, how, err);
}

void verb_change_release(struct verb_change *change)
{
    if (change->on_disk)
        restore_log_release(&change->log);
    pg_free(change->pg);
    free(change->id);
    free(change->before);
    *change = (struct verb_change){0};
}

/* ---- giving up ---- */

static bool S_abandon_log(const char *server, const char *what, bool *found, struct err *err)
{
    struct restore_log log;
    bool ok = restore_log_find(CACHE_ROOM, server, what, &log, found, err);
    if (ok && *found) {
        ok = restore_log_end(&log, "abandoned", err);
        restore_log_release(&log);
    }
    return ok;
}

/* What is under way is not what was cut off: its lock keeps it from being given up. */
static bool S_abandon_journal(struct verb_call *call, const char *server, const char *what,
                              bool *found, struct err *err)
{
    struct verb_change change = {0};
    char *place = S_place(call, server);
    const char *values[] = {place, what, "{}"};
    struct pg_result *open = NULL;
    S_find_journal(call, &change);
    bool ok = !S_may_keep(change.pg) || pg_run(change.pg, sql_get("redis_change_open"), values,
                                               ARRAY_LEN(values), &open, err);
    if (ok && open && !pg_bool(open, 0, pg_col(open, "mine")))
        ok = err_set(err, ERR_HELD, "that '%s' is under way, and was not cut off", what);
    if (ok && open && !pg_null(open, 0, pg_col(open, "id"))) {
        change.id = str_dup(pg_text(open, 0, pg_col(open, "id")));
        *found = true;
        ok = verb_change_end(&change, "abandoned", err);
    }
    pg_result_free(open);
    verb_change_release(&change);
    free(place);
    return ok;
}

bool verb_change_abandon(struct verb_call *call, const char *what, struct err *err)
{
    bool found = false;
    char *server = redis_target_describe(&call->session->redis);
    bool ok = S_abandon_log(server, what, &found, err) &&
              S_abandon_journal(call, server, what, &found, err);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:b}", "abandoned", found));
    else if (ok)
        fprintf(call->out, "%s\n",
                found ? "it was given up; what it had done stays done" : "there is none");
    free(server);
    return ok;
}
