/*
 * once: steps that are some statements a table, each done once.
 *
 * What is left to do is asked of the catalog, by the step's generator (sql/columns/): it answers
 * the items in order, each with its statement and with what restores what it changes. An item runs
 * in a transaction with its undo records and its checkpoint, or, where the server does not allow
 * that (CONCURRENTLY), alone, its records written before. Items that say so are done beside each
 * other, by a crew. Whether something is done is asked again afterwards.
 */
#include "steps.h"

#include "crew.h"
#include "failpoint.h"
#include "fill.h"
#include "sql.h"

#include <stdlib.h>

enum { ROUNDS = 20 }; /* of asking and doing; a step needs two, one more after each leftover */

struct item {
    const char *unit, *part, *statement, *takes, *records;
    bool done, alone, beside;
};

/* A generator without that column has no items that go beside others. */
static bool S_is_beside(const struct pg_result *list, int row)
{
    for (int col = 0; col < pg_cols(list); col++)
        if (str_is(pg_name(list, col), "beside"))
            return pg_bool(list, row, col);
    return false;
}

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
        .beside = S_is_beside(list, row),
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

/*
 * Records have an order, so whoever writes one waits for whoever has: what goes beside others
 * writes them with its checkpoint, when the long statement is over.
 */
static bool S_keeps_last(const struct item *item)
{
    return item->beside && !item->alone;
}

static bool S_open(struct run *run, const struct item *item, struct err *err)
{
    FAILPOINT("K1");
    if (!run_begin(run, err))
        return false;
    if ((!S_keeps_last(item) && !step_keep(run, item->records, err)) ||
        (item->alone && !run_commit(run, err))) {
        run_rollback(run);
        return false;
    }
    return !item->alone || run_set_patience(run, item->statement, err);
}

static bool S_mark(struct run *run, const struct item *item, struct err *err)
{
    return (!S_keeps_last(item) || step_keep(run, item->records, err)) &&
           run_mark_again(run, item->unit, item->part, err) && run_commit(run, err);
}

/* Alone: intent, act, confirmation; the last is the generator's, which looks at the catalog. */
static bool S_close(struct run *run, const struct item *item, const struct err *failure,
                    struct err *err)
{
    if (failure) {
        struct err lost = {0}; /* with the connection; a new one waits as usual */
        run_rollback(run);
        if (item->alone)
            run_set_patience(run, NULL, &lost);
        *err = *failure;
        return false;
    }
    FAILPOINT(item->alone ? "K6" : "K3");
    if (item->alone && !(run_set_patience(run, NULL, err) && run_begin(run, err)))
        return false;
    if (!S_mark(run, item, err)) {
        run_rollback(run);
        return false;
    }
    if (!item->alone)
        FAILPOINT("K6");
    return true;
}

static bool S_tell(struct run *run, const struct item *item, bool ok, struct err *err)
{
    if (ok)
        run_say(run, "info", "worker", "%s: %s", item->unit, item->part);
    else
        err_context(err, "%s: %s", item->unit, item->part);
    return ok;
}

static bool S_do(struct run *run, const struct item *item, struct err *err)
{
    struct err failure = {0};
    bool ok = S_open(run, item, err);
    if (ok) {
        FAILPOINT("K2");
        ok = run_query(run, item->statement, NULL, 0, NULL, &failure);
        ok = S_close(run, item, ok ? NULL : &failure, err);
    }
    return S_tell(run, item, ok, err);
}

/* ---- some of them beside each other ---- */

struct group {
    struct item *items;
    int count, done, total; /* done, total: of all items of the step */
};

static const char *S_statement(void *ctx, int piece)
{
    return ((struct group *)ctx)->items[piece].statement;
}

/* What runs outside of a transaction locks its table against another of its kind. */
static const char *S_unit(void *ctx, int piece)
{
    const struct item *item = &((struct group *)ctx)->items[piece];
    return item->alone ? item->unit : NULL;
}

static bool S_begin_one(struct run *run, void *ctx, int piece, struct err *err)
{
    const struct item *item = &((struct group *)ctx)->items[piece];
    bool ok = S_open(run, item, err);
    FAILPOINT("K2");
    return ok || S_tell(run, item, false, err);
}

static bool S_end_one(struct run *run, void *ctx, int piece, const struct err *failure,
                      struct err *err)
{
    struct group *group = ctx;
    const struct item *item = &group->items[piece];
    if (!S_tell(run, item, S_close(run, item, failure, err), err))
        return false;
    run_progress(run, ++group->done, group->total);
    return true;
}

static bool S_do_group(struct run *run, struct group *group, struct err *err)
{
    struct crew_work work = {.ctx = group,
                             .count = group->count,
                             .statement = S_statement,
                             .unit = S_unit,
                             .begin = S_begin_one,
                             .end = S_end_one};
    bool ok = crew_do(run, &work, err);
    group->count = 0;
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

static bool S_is_todo(const struct run *run, const struct item *item)
{
    return !item->done && run_wants_unit(run, item->unit);
}

static int S_count_todo(const struct run *run, const struct pg_result *list)
{
    int todo = 0;
    for (int row = 0; row < pg_rows(list); row++) {
        struct item item = S_item(list, row);
        todo += S_is_todo(run, &item);
    }
    return todo;
}

static bool S_do_alone(struct run *run, struct group *group, const struct item *item,
                       struct err *err)
{
    run_progress(run, group->done, group->total);
    if (S_refused(item, err) || !run_breathe(run, err) || !S_do(run, item, err))
        return false;
    group->done++;
    return true;
}

static bool S_do_round(struct run *run, void *ctx, struct err *err)
{
    struct round *round = ctx;
    struct pg_result *list;
    if (!step_list(run, round->generator, &list, err))
        return false;
    int total = pg_rows(list);
    round->todo = S_count_todo(run, list);
    struct group group = {.items = mem_array((size_t)total, sizeof(*group.items)),
                          .done = total - round->todo,
                          .total = total};
    bool ok = true;
    for (int row = 0; ok && row < total; row++) {
        struct item item = S_item(list, row);
        bool is_todo = S_is_todo(run, &item);
        if (is_todo && item.beside) {
            group.items[group.count++] = item;
        } else if (is_todo) {
            ok = (!group.count || S_do_group(run, &group, err)) &&
                 S_do_alone(run, &group, &item, err);
        }
    }
    ok = ok && (!group.count || S_do_group(run, &group, err));
    if (ok)
        run_progress(run, group.done, total);
    free(group.items);
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
 * Citus takes no table with our triggers: whom they have noted until now is looked at before they
 * go.
 */
bool step_distribute(struct run *run, struct err *err)
{
    return (run->mode != MODE_ONLINE || fill_settle(run, false, err)) && step_once(run, err);
}

/*
 * What served the old application goes: its triggers, and the indexes that its queries went by.
 * Users who changed their organization until the very last moment are looked at before and after.
 */
bool step_release(struct run *run, struct err *err)
{
    return fill_settle(run, false, err) && step_once(run, err) && fill_settle(run, true, err) &&
           step_items(run, "work_release_lookups", err);
}

static bool S_count_left(struct run *run, const char *generator, int *items, int *units,
                         struct err *err)
{
    struct pg_result *list;
    if (!step_list(run, generator, &list, err))
        return false;
    const char *before = NULL;
    *items = *units = 0;
    for (int row = 0; row < pg_rows(list); row++) {
        struct item item = S_item(list, row);
        if (item.done)
            continue;
        *items += 1;
        *units += !str_is(item.unit, before);
        before = item.unit;
    }
    pg_result_free(list);
    return true;
}

bool step_release_left(struct run *run, int *tables, int *indexes, struct err *err)
{
    int ignored;
    return S_count_left(run, "work_release", &ignored, tables, err) &&
           S_count_left(run, "work_release_lookups", indexes, &ignored, err);
}
