/* undo: see undo.h. */
#include "undo.h"

#include "control.h"
#include "failpoint.h"
#include "outside.h"
#include "plan_json.h"
#include "sql.h"
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    const char *id, *type, *object, *statement;
    bool alone;
};

struct undoing { /* of the step under way */
    int total;   /* records that it had when it began; 0: not read yet */
    int proved;  /* read back from the catalog */
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

/* What only a restore takes back is given up, and not undone. */
static bool S_settle(struct run *run, const struct record *record, struct err *err)
{
    struct number_text id = number_text(run->id);
    const char *values[] = {record->id, id.text,
                            str_is(record->type, "restore") ? "dropped" : "undone"};
    return run_query(run, sql_get("undo_settle"), values, ARRAY_LEN(values), NULL, err);
}

/* The statement has said that it worked; whether it did is read from the catalog by other SQL. */
static bool S_prove(struct run *run, const struct record *record, bool *proved, struct err *err)
{
    const char *values[] = {record->id};
    struct pg_result *answer;
    if (!run_query(run, sql_get("undo_proof"), values, 1, &answer, err))
        return false;
    int proven = pg_col(answer, "proven"), shown = pg_col(answer, "shown");
    bool known = pg_rows(answer) == 1 && !pg_null(answer, 0, proven);
    bool ok = !known || pg_bool(answer, 0, proven) ||
              err_set(err, ERR_FAILED, "its statement ran, but the catalog shows %s%s",
                      pg_null(answer, 0, shown) ? "nothing" : "this: ",
                      pg_null(answer, 0, shown) ? "" : pg_text(answer, 0, shown));
    *proved = known && ok;
    pg_result_free(answer);
    return ok;
}

/* The proof stands in the transaction: what cannot be proved is not settled either. */
static bool S_undo_by(struct run *run, const struct record *record, const char *statement,
                      bool *proved, struct err *err)
{
    if (!run_begin(run, err))
        return false;
    bool ok = !statement || run_query(run, statement, NULL, 0, NULL, err);
    FAILPOINT("K3");
    ok = ok && S_prove(run, record, proved, err) &&
         (statement || *proved || err_set(err, ERR_FAILED, "the catalog cannot tell")) &&
         S_settle(run, record, err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    return ok;
}

/* A column, a table or another object that a statement names and nobody has. */
static bool S_is_missing(const struct err *err)
{
    return str_is(err->sqlstate, "42703") || str_is(err->sqlstate, "42P01") ||
           str_is(err->sqlstate, "42704");
}

/* What somebody has dropped meanwhile is as it was before, if the catalog says so, too. */
static bool S_undo_in_transaction(struct run *run, const struct record *record, bool *proved,
                                  struct err *err)
{
    struct err why = {0}, still = {0};
    FAILPOINT("K1");
    bool ok = S_undo_by(run, record, record->statement, proved, &why) ||
              (S_is_missing(&why) && S_undo_by(run, record, NULL, proved, &still));
    FAILPOINT("K6");
    if (!ok)
        *err = why;
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

static bool S_run_alone(struct run *run, const char *statement, struct err *err)
{
    struct err lost = {0}; /* with the connection; a new one waits as usual */
    bool ok =
        run_set_patience(run, statement, err) && run_query(run, statement, NULL, 0, NULL, err);
    run_set_patience(run, NULL, &lost);
    return ok;
}

static bool S_undo_alone(struct run *run, const struct record *record, bool *proved,
                         struct err *err)
{
    FAILPOINT("K2");
    if (!S_drop_leftover(run, record, err) || !S_run_alone(run, record->statement, err) ||
        !S_prove(run, record, proved, err))
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

static bool S_undo(struct run *run, const struct record *record, bool *proved, struct err *err)
{
    bool ok;
    *proved = false;
    if (str_is(record->type, "restore"))
        ok = S_undo_command(run, record, err);
    else if (str_is(record->type, "command"))
        ok = outside_undo(run, record->statement, err) && S_undo_command(run, record, err);
    else if (str_is(record->type, "keys"))
        ok = step_unwarm(run, record->statement, err) && S_undo_command(run, record, err);
    else
        ok = record->alone ? S_undo_alone(run, record, proved, err)
                           : S_undo_in_transaction(run, record, proved, err);
    if (!ok)
        return err_context(err, "%s %s", record->type, record->object);
    if (str_is(record->type, "restore"))
        run_say(run, "warn", "undo", "not taken back: %s: %s", record->object, record->statement);
    else
        run_say(run, "info", "undo", "took back: %s %s%s", record->type, record->object,
                *proved ? "; the catalog agrees" : "; the catalog cannot tell");
    return true;
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

static bool S_is_wanted(const struct run *run, const struct pg_result *list, int row)
{
    return str_is(pg_text(list, row, pg_col(list, "step")), run->step->def->name) &&
           !(run_flag(run, "preserve_data") &&
             S_is_data(pg_text(list, row, pg_col(list, "object_type"))));
}

static int S_count_wanted(const struct run *run, const struct pg_result *list)
{
    int count = 0;
    for (int row = 0; row < pg_rows(list); row++)
        count += S_is_wanted(run, list, row);
    return count;
}

static bool S_attempt(struct run *run, void *ctx, struct err *err)
{
    struct undoing *undoing = ctx;
    const char *values[] = {run->plan->name};
    struct pg_result *list;
    if (!run_query(run, sql_get("undo_records"), values, 1, &list, err))
        return false;
    bool ok = true;
    int left = S_count_wanted(run, list);
    if (!undoing->total)
        undoing->total = left;
    for (int row = 0; ok && row < pg_rows(list); row++) {
        bool proved;
        struct record record = S_record(list, row);
        if (!S_is_wanted(run, list, row))
            continue;
        run_progress(run, undoing->total - left, undoing->total);
        ok = run_breathe(run, err) && S_undo(run, &record, &proved, err);
        undoing->proved += ok && proved;
        left -= ok;
    }
    if (ok && undoing->total)
        run_progress(run, undoing->total, undoing->total);
    pg_result_free(list);
    return ok;
}

bool undo_step(struct run *run, struct err *err)
{
    struct undoing undoing = {0};
    if (!run_try(run, S_attempt, &undoing, "take definitions back", err))
        return false;
    if (undoing.total)
        run_say(run, undoing.proved == undoing.total ? "info" : "warn", "undo",
                "of %d records %d are read back from the catalog, %d it cannot tell of",
                undoing.total, undoing.proved, undoing.total - undoing.proved);
    return true;
}

/* Of what is taken back now, and not of all that could be. */
bool undo_prepare(struct run *run, struct err *err)
{
    if (!str_is(run->verb, "rollback") || !run->step_count)
        return true;
    const char **steps = mem_array(run->step_count, sizeof(*steps));
    for (size_t i = 0; i < run->step_count; i++)
        steps[i] = run->steps[i].def->name;
    char *whole = run->document;
    run->document =
        undo_document(run->plan, steps, run->step_count, run_flag(run, "preserve_data"));
    run->step = &run->steps[0];
    bool ok = step_checks(run, "check_undo", err);
    run->step = NULL;
    free(run->document);
    run->document = whole;
    free(steps);
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
        out->drops_columns |= str_is(record.type, "table column");
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
bool undo_read(struct pg *pg, const struct plan *plan, const struct undo_choice *choice,
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
    while (count-- > 0 && !str_is(defs[count]->name, choice->to))
        if ((!choice->only || str_is(defs[count]->name, choice->only)) &&
            S_add_step(out, arena, list, defs[count]->name, choice->preserve_data))
            out->steps[out->step_count++] = defs[count]->name;
    pg_result_free(list);
    return true;
}

/* ---- one step alone ---- */

static bool S_stands_on(const struct step_def *def, const char *step)
{
    size_t len = strlen(step);
    if (!def->stands_on)
        return true;
    for (const char *at = def->stands_on; (at = strstr(at, step)); at += len)
        if ((at == def->stands_on || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

bool undo_stands_alone(const struct step_def *const *defs, const char *const *states, size_t count,
                       const char *step, struct err *err)
{
    size_t at = 0;
    while (at < count && !str_is(defs[at]->name, step))
        at++;
    for (size_t i = at + 1; i < count; i++) {
        bool is_there = states[i] && !str_is(states[i], "undone") &&
                        !str_is(states[i], "skipped") && !str_is(states[i], "waits");
        if (!is_there || defs[i]->type == STEP_VERIFY || !S_stands_on(defs[i], step))
            continue;
        err_set(err, ERR_REFUSED, "'%s' cannot be taken back alone: step '%s' came after it and %s",
                step, defs[i]->name,
                defs[i]->stands_on ? "stands on it" : "may stand on it, as nobody here can know");
        return at ? err_hint(err, "--to %s takes back all that came after that step",
                             defs[at - 1]->name)
                  : err_hint(err, "take back all of it");
    }
    return true;
}

char *undo_document(const struct plan *plan, const char *const *steps, size_t count,
                    bool preserve_data)
{
    char *text = plan_to_json(plan);
    json_t *document = json_loads(text, 0, NULL), *names = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(names, json_string(steps[i]));
    json_object_set_new(document, "undo",
                        json_pack("{s:o, s:b}", "steps", names, "preserve", preserve_data));
    free(text);
    text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    return text;
}
