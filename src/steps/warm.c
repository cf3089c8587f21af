/*
 * warm: step cache-warm. Runs the plan's warming queries, and sets what they answer in Redis.
 *
 * A query only reads, in a transaction that can do nothing else. Its columns are named like the
 * placeholders of its key ({tenant}, {org}, {id}), and one is `value`. A key that is there already
 * was set by a service, from rows at least as new: it stays (SET NX), so a second run harms nobody.
 * No key is set that would be another service's, or that cache-clear could not find again.
 */
#include "failpoint.h"
#include "keyspace.h"
#include "sqlscript.h"
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENTS_MAX = 32 };

struct segment { /* of the key, between colons */
    char *text;  /* as in the template: "tenant" or "{tenant}" */
    int column;  /* of the answer, for a placeholder; -1: it is itself */
};

struct warming { /* one file */
    struct run *run;
    struct keyspace *keyspace;
    const struct plan_file *file;
    struct segment segments[SEGMENTS_MAX];
    size_t count;
    int value; /* its column */
    int64_t sent, set;
    int64_t unfit; /* rows without a value, or with a part that fits in no key */
    char *unfit_key;
    size_t piped; /* commands under way */
};

/* ---- the key ---- */

static bool S_cut_key(struct warming *w, struct err *err)
{
    for (const char *at = w->file->key;;) {
        size_t len = strcspn(at, ":");
        if (w->count == SEGMENTS_MAX)
            return err_set(err, ERR_FAILED, "%s:%d: the key has more than %d parts",
                           w->run->plan->path, w->file->line, SEGMENTS_MAX);
        w->segments[w->count++] = (struct segment){.text = str_ndup(at, len), .column = -1};
        if (!at[len])
            return true;
        at += len + 1;
    }
}

static bool S_is_placeholder(const char *text, const char *name)
{
    size_t len = strlen(text);
    return len > 2 && text[0] == '{' && text[len - 1] == '}' &&
           (!name || (strlen(name) == len - 2 && strncmp(text + 1, name, len - 2) == 0));
}

/* Every column has its use, and every placeholder its column: a typo is told, not passed over. */
static bool S_bind_columns(struct warming *w, const struct sqlscript *script,
                           const struct pg_result *rows, struct err *err)
{
    w->value = -1;
    for (int col = 0; col < pg_cols(rows); col++) {
        bool used = str_is(pg_name(rows, col), "value");
        if (used)
            w->value = col;
        for (size_t i = 0; i < w->count; i++)
            if (S_is_placeholder(w->segments[i].text, pg_name(rows, col))) {
                w->segments[i].column = col;
                used = true;
            }
        if (!used)
            return sqlscript_error(script, 1, err,
                                   "nothing of the key '%s' is named like column '%s'",
                                   w->file->key, pg_name(rows, col));
    }
    for (size_t i = 0; i < w->count; i++)
        if (w->segments[i].column < 0 && S_is_placeholder(w->segments[i].text, NULL))
            return sqlscript_error(script, 1, err, "it has no column for the key's %s",
                                   w->segments[i].text);
    return w->value >= 0 || sqlscript_error(script, 1, err, "it has no column 'value'");
}

/* False: a part of it is empty, or would be two parts. */
static bool S_make_key(const struct warming *w, const struct pg_result *rows, int row,
                       struct buf *key)
{
    bool fits = !pg_null(rows, row, w->value);
    buf_clear(key);
    for (size_t i = 0; i < w->count; i++) {
        const struct segment *segment = &w->segments[i];
        const char *text =
            segment->column < 0 ? segment->text : pg_text(rows, row, segment->column);
        buf_format(key, "%s%s", i ? ":" : "", text);
        fits = fits && text[0] && (segment->column < 0 || !strchr(text, ':'));
    }
    return fits;
}

static bool S_require_own(const struct warming *w, const char *key, struct err *err)
{
    const struct plan *plan = w->run->plan;
    struct key_owner owner;
    size_t template = keyspace_template(plan, key, strlen(key), &owner);
    if (template <plan->key_count && !plan->keys[template].foreign)
        return true;
    err_set(err, ERR_REFUSED,
            template == plan->key_count ? "the key '%s' fits no [keys] of the plan"
                                        : "the key '%s' would be one of others",
            key);
    return err_hint(err, "'key' of [warm \"%s\"] must fit a template that cache-clear finds again",
                    w->file->name);
}

/* ---- rows into keys ---- */

static bool S_send_row(struct warming *w, const char *key, const char *value, struct err *err)
{
    char ttl[24];
    snprintf(ttl, sizeof(ttl), "%lld", (long long)w->file->ttl);
    const char *argv[] = {"SET", key, value, "NX", "EX", ttl};
    int argc = w->file->ttl ? 6 : 4;
    return keyspace_send(w->keyspace, argc, argv, NULL, keyspace_count_yes, &w->set, err);
}

static bool S_settle(struct warming *w, struct err *err)
{
    bool ok = keyspace_settle(w->keyspace, err);
    w->piped = 0;
    FAILPOINT("K3");
    return ok;
}

static bool S_take_row(struct warming *w, const struct pg_result *rows, int row, struct buf *key,
                       struct err *err)
{
    if (!S_make_key(w, rows, row, key)) {
        w->unfit++;
        if (!w->unfit_key)
            w->unfit_key = str_dup(buf_text(key));
        return true;
    }
    if (!S_require_own(w, buf_text(key), err))
        return false;
    /* No transaction fences Redis: so the lease is asked for before each pipeline. */
    if (w->piped == 0 && !run_holds(w->run, err))
        return false;
    w->sent++;
    w->piped++;
    if (!S_send_row(w, buf_text(key), pg_text(rows, row, w->value), err))
        return false;
    return w->piped < KEYSPACE_BATCH || S_settle(w, err);
}

static bool S_take_rows(struct warming *w, const struct pg_result *rows, struct err *err)
{
    struct buf key = {0};
    bool ok = true;
    for (int row = 0; ok && row < pg_rows(rows); row++)
        ok = S_take_row(w, rows, row, &key, err);
    buf_release(&key);
    return ok && S_settle(w, err);
}

/* ---- the query ---- */

/* A pause waits for the end of the file: the transaction would keep its snapshot meanwhile. */
static bool S_goes_on(struct run *run, struct err *err)
{
    return !(run->stop_wanted || run->aborted || run->fenced) || run_breathe(run, err);
}

static bool S_fetch(struct warming *w, const struct sqlscript *script, struct err *err)
{
    for (bool first = true, more = true; more; first = false) {
        struct pg_result *rows;
        if (!S_goes_on(w->run, err))
            return false;
        if (!run_query(w->run, sql_get("cache_warm_rows"), NULL, 0, &rows, err))
            return sqlscript_context(script, 0, err);
        more = pg_rows(rows) > 0;
        bool ok = (!first || S_bind_columns(w, script, rows, err)) && S_take_rows(w, rows, err);
        run_progress(w->run, w->run->step->done + pg_rows(rows), -1);
        pg_result_free(rows);
        if (!ok)
            return false;
    }
    return true;
}

static bool S_fill(struct warming *w, const struct sqlscript *script, char **query, struct err *err)
{
    const struct sql_variable schema = {"schema", w->run->plan->schema};
    if (script->count != 1)
        return sqlscript_error(script, script->statements[1].line, err,
                               "a warming file holds one query, and nothing else");
    for (size_t i = 0; i < script->variable_count; i++)
        if (!str_is(script->variables[i].name, schema.name))
            return sqlscript_error(script, script->variables[i].line, err,
                                   "the variable '%s' is not known here: only :\"schema\" is",
                                   script->variables[i].name);
    return sqlscript_fill(script, 0, &schema, 1, query, err);
}

static bool S_query(struct warming *w, const struct sqlscript *script, struct err *err)
{
    char *query = NULL;
    FAILPOINT("K2");
    if (!S_fill(w, script, &query, err))
        return false;
    const char *values[] = {query};
    struct err ignored = {0};
    bool ok = run_query(w->run, sql_get("cache_warm_begin"), NULL, 0, NULL, err) &&
              run_query(w->run, sql_get("cache_warm_query"), values, 1, NULL, err) &&
              S_fetch(w, script, err);
    if (pg_is_up(w->run->work))
        run_query(w->run, sql_get("cache_warm_end"), NULL, 0, NULL, &ignored);
    free(query);
    return ok;
}

/* ---- the step ---- */

static void S_tell(const struct warming *w)
{
    run_say(w->run, "info", "redis",
            "%s: warming '%s': keys set: %lld; there already, and left: %lld",
            keyspace_name(w->keyspace), w->file->name, (long long)w->set,
            (long long)(w->sent - w->set));
    if (w->unfit)
        run_say(w->run, "warn", "redis",
                "warming '%s': rows that make no key, being empty in part or with a ':' inside: "
                "%lld, '%s' for one",
                w->file->name, (long long)w->unfit, w->unfit_key);
}

/* What is set ends by itself; who takes the step back need not wait for that. */
static bool S_keep(struct run *run, const char *key, struct err *err)
{
    const struct undo_record record = {
        .type = "keys", .object = key, .statement = key, .alone = true};
    if (run_begin(run, err) && run_keep(run, &record, err) && run_commit(run, err))
        return true;
    run_rollback(run);
    return false;
}

static bool S_warm(struct run *run, struct keyspace *keyspace, const struct plan_file *file,
                   struct err *err)
{
    struct warming w = {.run = run, .keyspace = keyspace, .file = file};
    struct sqlscript *script = NULL;
    FAILPOINT("K1");
    run_say(run, "info", "redis", "%s: will set '%s' from %s, where no key is yet",
            keyspace_name(keyspace), file->key, file->path);
    bool ok = sqlscript_read(file->path, &file->trust, &script, err) && S_cut_key(&w, err) &&
              S_keep(run, file->key, err) && S_query(&w, script, err);
    if (ok)
        S_tell(&w);
    for (size_t i = 0; i < w.count; i++)
        free(w.segments[i].text);
    free(w.unfit_key);
    sqlscript_free(script);
    return ok;
}

bool step_warm_fits(struct run *run, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < run->plan->warm_count; i++) {
        struct sqlscript *script = NULL;
        ok = sqlscript_read(run->plan->warms[i].path, &run->plan->warms[i].trust, &script, err);
        sqlscript_free(script);
    }
    return ok;
}

static bool S_note_done(struct run *run, const char *name, struct err *err)
{
    if (run_begin(run, err) && run_mark_again(run, name, "warmed", err) && run_commit(run, err))
        return true;
    run_rollback(run);
    return false;
}

bool step_cache_warm(struct run *run, struct err *err)
{
    if (!run->session->has_redis)
        return run_skip(run, "no Redis is named, so there is no cache to warm");
    struct keyspace *keyspace = NULL;
    run_progress(run, 0, -1);
    bool ok = keyspace_open(run, &keyspace, err);
    for (size_t i = 0; ok && i < run->plan->warm_count; i++)
        ok = run_breathe(run, err) && S_warm(run, keyspace, &run->plan->warms[i], err);
    ok = ok && S_note_done(run, keyspace_name(keyspace), err);
    keyspace_free(keyspace);
    return ok;
}
