/*
 * once: steps that are some statements a table, each done once.
 *
 * What is left to do is asked of the catalog, by the step's generator (sql/columns/): it answers the
 * items in order, each with its statement and with what restores what it changes. An item runs in a
 * transaction with its undo records and its checkpoint, or, where the server does not allow that
 * (CONCURRENTLY), alone, its records written before. Whether it is done is asked again afterwards.
 */
#include "steps.h"

#include "failpoint.h"
#include "fill.h"
#include "sql.h"

#include <stdlib.h>

enum { ROUNDS = 20 }; /* of asking and doing; a step needs two, one more after each leftover */

struct item {
    const char *unit, *part, *statement, *takes, *records;
    bool done, alone;
};

static struct item S_item(const struct pg_result *list, int row)
{
    return (struct item){
        .unit = pg_text(list, row, pg_col(list, "unit")),
        .part = pg_text(list, row, pg_col(list, "part")),
        .statement = pg_text(list, row, pg_col(list, "statement")),
        .takes = pg_text(list, row, pg_col(list, "takes")),
        .records = pg_null(list, row, pg_col(list, "records"))
                       ? NULL
                       : pg_text(list, row, pg_col(list, "records")),
        .done = pg_bool(list, row, pg_col(list, "done")),
        .alone = pg_bool(list, row, pg_col(list, "alone")),
    };
}

/* Those that make the structure, or judge it: rows that are put aside stand in its way. */
static bool S_is_structure(const char *generator)
{
    static const char *const names[] = {"work_not_null",     "work_keys",
                                        "work_foreign_keys", "work_distribute",
                                        "check_validate",    "work_release_lookups"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(generator, names[i]))
            return true;
    return false;
}

bool step_list(struct run *run, const char *generator, struct pg_result **out, struct err *err)
{
    const char *values[] = {run->document, run_mode_name(run->mode)};
    struct pg_result *left = NULL;
    if (S_is_structure(generator)) {
        if (!run_query(run, sql_get("plan_without_parked"), values, 1, &left, err))
            return false;
        values[0] = pg_text(left, 0, 0);
    }
    bool ok = run_query(run, sql_get(generator), values, ARRAY_LEN(values), out, err);
    pg_result_free(left);
    return ok;
}

/* ---- one item ---- */

bool step_keep(struct run *run, const char *records, struct err *err)
{
    json_t *list = json_loads(records ? records : "[]", 0, NULL), *one;
    size_t i;
    bool ok = json_is_array(list) ||
              err_set(err, ERR_BUG, "the undo records cannot be read, so nothing was changed");
    json_array_foreach(list, i, one)
    {
        struct undo_record record = {
            .type = json_string_value(json_object_get(one, "type")),
            .object = json_string_value(json_object_get(one, "object")),
            .definition = json_string_value(json_object_get(one, "definition")),
            .statement = json_string_value(json_object_get(one, "statement")),
            .alone = json_is_true(json_object_get(one, "alone")),
        };
        ok = ok && run_keep(run, &record, err);
    }
    json_decref(list);
    return ok;
}

static bool S_do_in_transaction(struct run *run, const struct item *item, struct err *err)
{
    FAILPOINT("K1");
    if (!run_begin(run, err))
        return false;
    bool ok = step_keep(run, item->records, err);
    FAILPOINT("K2");
    ok = ok && run_query(run, item->statement, NULL, 0, NULL, err);
    FAILPOINT("K3");
    ok = ok && run_mark_again(run, item->unit, item->part, err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    FAILPOINT("K6");
    return ok;
}

static bool S_keep_first(struct run *run, const struct item *item, struct err *err)
{
    FAILPOINT("K1");
    if (!run_begin(run, err))
        return false;
    bool ok = step_keep(run, item->records, err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    return ok;
}

static bool S_mark_after(struct run *run, const struct item *item, struct err *err)
{
    if (!run_begin(run, err))
        return false;
    bool ok = run_mark_again(run, item->unit, item->part, err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    return ok;
}

/* Intent, act, confirmation; the last is the generator's, which looks at the catalog. */
static bool S_do_alone(struct run *run, const struct item *item, struct err *err)
{
    if (!S_keep_first(run, item, err))
        return false;
    FAILPOINT("K2");
    if (!run_query(run, item->statement, NULL, 0, NULL, err))
        return false;
    FAILPOINT("K6");
    return S_mark_after(run, item, err);
}

static bool S_do(struct run *run, const struct item *item, struct err *err)
{
    bool ok = item->alone ? S_do_alone(run, item, err) : S_do_in_transaction(run, item, err);
    if (ok)
        run_say(run, "info", "worker", "%s: %s", item->unit, item->part);
    else
        err_context(err, "%s: %s", item->unit, item->part);
    return ok;
}

/* ---- all of them ---- */

struct round {
    const char *generator;
    int todo; /* items that were not done when this round began */
};

static bool S_refused(const struct item *item, struct err *err)
{
    if (!str_is(item->part, "refused"))
        return false;
    err_set(err, ERR_REFUSED, "%s: %s", item->unit, item->takes);
    return true;
}

static int S_count_todo(const struct pg_result *list)
{
    int todo = 0;
    for (int row = 0; row < pg_rows(list); row++)
        todo += !S_item(list, row).done;
    return todo;
}

static bool S_do_round(struct run *run, void *ctx, struct err *err)
{
    struct round *round = ctx;
    struct pg_result *list;
    if (!step_list(run, round->generator, &list, err))
        return false;
    int total = pg_rows(list), left = S_count_todo(list);
    bool ok = true;
    round->todo = left;
    for (int row = 0; ok && row < total; row++) {
        struct item item = S_item(list, row);
        run_progress(run, total - left, total);
        if (item.done)
            continue;
        ok = !S_refused(&item, err) && run_breathe(run, err) && S_do(run, &item, err);
        left--;
    }
    if (ok)
        run_progress(run, total - left, total);
    pg_result_free(list);
    return ok;
}

bool step_items(struct run *run, const char *generator, struct err *err)
{
    struct round round = {.generator = generator};
    for (int i = 0; i < ROUNDS; i++) {
        if (!run_try(run, S_do_round, &round, "change the definitions", err))
            return false;
        if (!round.todo)
            return true;
    }
    return err_set(
        err, ERR_FAILED,
        "the statements of step '%s' ran, but the catalog does not show what they should "
        "have done",
        run->step->def->name);
}

bool step_once(struct run *run, struct err *err)
{
    return step_items(run, steps_find(run->step->def->name)->generator, err);
}

/*
 * What served the old application goes: its triggers, and the indexes that its queries went by. Users
 * who changed their organization until the very last moment are looked at before and after.
 */
bool step_release(struct run *run, struct err *err)
{
    return fill_settle(run, err) && step_once(run, err) && fill_settle(run, err) &&
           step_items(run, "work_release_lookups", err);
}
