/* undo: see undo.h. */
#include "undo.h"

#include "control.h"
#include "failpoint.h"
#include "outside.h"
#include "sql.h"
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    const char *id, *type, *object, *statement;
    bool alone;
};

/* With --preserve-data the columns and what they hold stay. */
static bool S_is_data(const char *type)
{
    return str_is(type, "table column") || str_is(type, "table rows") || str_is(type, "mapping");
}

static bool S_is_sql(const char *type)
{
    return !str_is(type, "command") && !str_is(type, "restore") && !str_is(type, "keys");
}

/* ---- one record ---- */

static bool S_settle(struct run *run, const struct record *record, struct err *err)
{
    struct number_text id = number_text(run->id);
    const char *values[] = {record->id, id.text, "undone"};
    return run_query(run, sql_get("undo_settle"), values, ARRAY_LEN(values), NULL, err);
}

static bool S_undo_in_transaction(struct run *run, const struct record *record, struct err *err)
{
    FAILPOINT("K1");
    if (!run_begin(run, err))
        return false;
    bool ok = run_query(run, record->statement, NULL, 0, NULL, err);
    FAILPOINT("K3");
    ok = ok && S_settle(run, record, err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    FAILPOINT("K6");
    return ok;
}

/* An index that a build left invalid bears the name that IF NOT EXISTS looks for: away with it. */
static bool S_drop_leftover(struct run *run, const struct record *record, struct err *err)
{
    const char *values[] = {record->object};
    struct pg_result *found;
    if (!run_query(run, sql_get("undo_invalid_index"), values, 1, &found, err))
        return false;
    bool ok = !pg_rows(found) || run_query(run, pg_text(found, 0, 0), NULL, 0, NULL, err);
    pg_result_free(found);
    return ok;
}

static bool S_undo_alone(struct run *run, const struct record *record, struct err *err)
{
    FAILPOINT("K2");
    if (!S_drop_leftover(run, record, err) ||
        !run_query(run, record->statement, NULL, 0, NULL, err))
        return false;
    FAILPOINT("K6");
    if (!run_begin(run, err))
        return false;
    bool ok = S_settle(run, record, err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    return ok;
}

static bool S_undo_command(struct run *run, const struct record *record, struct err *err)
{
    if (!run_begin(run, err))
        return false;
    bool ok = S_settle(run, record, err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    return ok;
}

static bool S_undo(struct run *run, const struct record *record, struct err *err)
{
    bool ok;
    if (str_is(record->type, "restore")) {
        run_say(run, "warn", "undo", "%s: %s", record->object, record->statement);
        ok = S_undo_command(run, record, err);
    } else if (str_is(record->type, "command")) {
        ok = outside_undo(run, record->statement, err) && S_undo_command(run, record, err);
    } else if (str_is(record->type, "keys")) {
        ok = step_unwarm(run, record->statement, err) && S_undo_command(run, record, err);
    } else {
        ok = record->alone ? S_undo_alone(run, record, err)
                           : S_undo_in_transaction(run, record, err);
    }
    if (ok)
        run_say(run, "info", "undo", "took back: %s %s", record->type, record->object);
    return ok || err_context(err, "%s %s", record->type, record->object);
}

/* ---- the records of a step ---- */

static struct record S_record(const struct pg_result *list, int row)
{
    return (struct record){
        .id = pg_text(list, row, pg_col(list, "id")),
        .type = pg_text(list, row, pg_col(list, "object_type")),
        .object = pg_text(list, row, pg_col(list, "object")),
        .statement = pg_text(list, row, pg_col(list, "statement")),
        .alone = pg_bool(list, row, pg_col(list, "alone")),
    };
}

static bool S_attempt(struct run *run, void *ctx, struct err *err)
{
    (void)ctx;
    const char *values[] = {run->plan->name};
    struct pg_result *list;
    if (!run_query(run, sql_get("undo_records"), values, 1, &list, err))
        return false;
    bool ok = true, preserve = run_flag(run, "preserve_data");
    for (int row = 0; ok && row < pg_rows(list); row++) {
        struct record record = S_record(list, row);
        if (!str_is(pg_text(list, row, pg_col(list, "step")), run->step->def->name) ||
            (preserve && S_is_data(record.type)))
            continue;
        ok = run_breathe(run, err) && S_undo(run, &record, err);
    }
    pg_result_free(list);
    return ok;
}

bool undo_step(struct run *run, struct err *err)
{
    return run_try(run, S_attempt, NULL, "take definitions back", err);
}

bool undo_prepare(struct run *run, struct err *err)
{
    if (!str_is(run->verb, "rollback") || !run->step_count)
        return true;
    run->step = &run->steps[0];
    bool ok = step_checks(run, "check_undo", err);
    run->step = NULL;
    return ok || err_context(err, "nothing was taken back");
}

/* ---- what would be taken back ---- */

/* The records of one step, the last one first. */
static size_t S_add_step(struct undo_plan *out, struct arena *arena, const struct pg_result *list,
                         const char *step, bool preserve_data)
{
    size_t before = out->statement_count;
    for (int row = 0; row < pg_rows(list); row++) {
        struct record record = S_record(list, row);
        if (!str_is(pg_text(list, row, pg_col(list, "step")), step) ||
            (preserve_data && S_is_data(record.type)))
            continue;
        out->owners[out->statement_count] = step;
        out->is_sql[out->statement_count] = S_is_sql(record.type);
        out->statements[out->statement_count++] = arena_str(arena, record.statement);
    }
    return out->statement_count - before;
}

/*
 * By the order of the steps, and not by that of the records: a step that was run again later has
 * records that are younger than those of the steps after it. Of all steps of the kind: a plan that
 * has no use for one now may have had some when it was run.
 */
bool undo_read(struct pg *pg, const struct plan *plan, const char *to, bool preserve_data,
               struct arena *arena, struct undo_plan *out, struct err *err)
{
    const char *values[] = {plan->name};
    const struct step_def **defs;
    size_t count = kind_every_step(plan, arena, &defs);
    struct pg_result *list;
    if (!pg_run(pg, sql_get("undo_records"), values, 1, &list, err))
        return false;
    *out = (struct undo_plan){
        .steps = arena_array(arena, count, sizeof(*out->steps)),
        .statements = arena_array(arena, (size_t)pg_rows(list), sizeof(*out->statements)),
        .owners = arena_array(arena, (size_t)pg_rows(list), sizeof(*out->owners)),
        .is_sql = arena_array(arena, (size_t)pg_rows(list), sizeof(*out->is_sql)),
    };
    while (count-- > 0 && !str_is(defs[count]->name, to))
        if (S_add_step(out, arena, list, defs[count]->name, preserve_data))
            out->steps[out->step_count++] = defs[count]->name;
    pg_result_free(list);
    return true;
}

bool undo_rows_since(struct pg *pg, const char *document, int64_t *rows, struct buf *by_table,
                     struct err *err)
{
    const char *values[] = {document};
    struct pg_result *list, *count;
    if (!pg_run(pg, sql_get("undo_rows_since"), values, 1, &list, err))
        return false;
    bool ok = true;
    *rows = pg_rows(list) ? 0 : -1;
    for (int row = 0; ok && row < pg_rows(list); row++) {
        ok = pg_run(pg, pg_text(list, row, 1), NULL, 0, &count, err);
        if (!ok)
            break;
        int64_t n = pg_int(count, 0, 0);
        *rows += n;
        if (n)
            buf_format(by_table, "%s%s: %lld", by_table->len ? ", " : "", pg_text(list, row, 0),
                       (long long)n);
        pg_result_free(count);
    }
    pg_result_free(list);
    return ok;
}
