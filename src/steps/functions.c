/*
 * functions: step functions. The plan's functions, each from its .sql file.
 *
 * Which functions a file makes is learned from the catalog: the file is run in a transaction that
 * is given up. Then the definitions of just those are kept for undo, in the transaction in which
 * the file runs for good. A file whose functions are there already, just so, is not run again.
 */
#include "failpoint.h"
#include "sqlscript.h"
#include "steps.h"

#include <stdlib.h>
#include <string.h>

struct making { /* one file */
    struct run *run;
    struct sqlscript *script;
    char **statements; /* as they are sent */
    char *made;        /* what functions_made answered */
};

/* ---- the file ---- */

/* Anything else could not be taken back; a COMMIT would even break the transaction. */
static bool S_require_functions(const struct sqlscript *script, struct err *err)
{
    static const char *const allowed[] = {"create function", "create procedure",
                                          "comment on function", "comment on procedure"};
    return sqlscript_require(script, allowed, ARRAY_LEN(allowed),
                             "a file of [functions] holds only CREATE OR REPLACE FUNCTION or "
                             "PROCEDURE, and their comments",
                             err);
}

static bool S_fill(struct making *making, struct err *err)
{
    const struct sql_variable schema = {"schema", making->run->plan->schema};
    for (size_t i = 0; i < making->script->variable_count; i++) {
        const struct sqlscript_variable *variable = &making->script->variables[i];
        if (!str_is(variable->name, schema.name))
            return sqlscript_error(making->script, variable->line, err,
                                   "the variable '%s' is not known here: only :\"schema\" is",
                                   variable->name);
    }
    making->statements = mem_array(making->script->count, sizeof(char *));
    for (size_t i = 0; i < making->script->count; i++)
        if (!sqlscript_fill(making->script, i, &schema, 1, &making->statements[i], err))
            return false;
    return true;
}

static bool S_run_file(struct making *making, struct err *err)
{
    for (size_t i = 0; i < making->script->count; i++)
        if (!run_query(making->run, making->statements[i], NULL, 0, NULL, err))
            return sqlscript_context(making->script, i, err);
    return true;
}

/* ---- what it makes ---- */

static bool S_ask_text(struct run *run, const char *name, const char *const *values, int count,
                       char **out, struct err *err)
{
    struct pg_result *result;
    if (!run_query(run, sql_get(name), values, count, &result, err))
        return false;
    *out = pg_null(result, 0, 0) ? NULL : str_dup(pg_text(result, 0, 0));
    pg_result_free(result);
    return true;
}

static bool S_read_made(struct making *making, const struct pg_result *result, struct err *err)
{
    if (!pg_null(result, 0, pg_col(result, "misplaced"))) {
        sqlscript_error(making->script, 1, err, "'%s' would stand among the system's own functions",
                        pg_text(result, 0, pg_col(result, "misplaced")));
        return err_hint(err, "write :\"schema\". in front of its name");
    }
    if (!pg_int(result, 0, pg_col(result, "count")))
        return sqlscript_error(making->script, 1, err, "it makes no function");
    free(making->made);
    making->made = str_dup(pg_text(result, 0, 0));
    return true;
}

static bool S_learn(struct making *making, struct err *err)
{
    char *before = NULL;
    struct pg_result *result = NULL;
    if (!run_begin(making->run, err))
        return false;
    bool ok = S_ask_text(making->run, "functions_before", NULL, 0, &before, err) &&
              S_run_file(making, err);
    const char *values[] = {before};
    ok = ok && run_query(making->run, sql_get("functions_made"), values, 1, &result, err) &&
         S_read_made(making, result, err);
    pg_result_free(result);
    free(before);
    run_rollback(making->run);
    return ok;
}

/* ---- for good ---- */

static bool S_hand_over(struct making *making, struct err *err)
{
    struct pg_result *list;
    const char *values[] = {making->made, making->run->document};
    if (!run_query(making->run, sql_get("functions_handover"), values, 2, &list, err))
        return false;
    bool ok = true;
    for (int row = 0; ok && row < pg_rows(list); row++)
        ok = run_query(making->run, pg_text(list, row, 0), NULL, 0, NULL, err);
    pg_result_free(list);
    return ok;
}

/* Within the transaction: what was there, then the file. */
static bool S_make(struct making *making, bool *changed, struct err *err)
{
    struct pg_result *records;
    const char *values[] = {making->made};
    if (!run_query(making->run, sql_get("functions_records"), values, 1, &records, err))
        return false;
    *changed = !pg_null(records, 0, 1);
    bool ok = !*changed || step_keep(making->run, pg_text(records, 0, 0), err);
    FAILPOINT("K2");
    ok = ok && (!*changed || (S_run_file(making, err) && S_hand_over(making, err)));
    FAILPOINT("K3");
    if (ok)
        run_say(making->run, "info", "database", "%s: %s%s", making->script->file,
                *changed ? "makes " : "what it makes is there already, just so",
                pg_text(records, 0, 1));
    pg_result_free(records);
    return ok;
}

static bool S_attempt(struct run *run, void *ctx, struct err *err)
{
    struct making *making = ctx;
    bool changed = false;
    FAILPOINT("K1");
    if (!S_learn(making, err) || !run_begin(run, err))
        return false;
    bool ok = S_make(making, &changed, err) &&
              run_mark_again(run, making->script->file, "made", err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    FAILPOINT("K6");
    return ok;
}

/* A read by other SQL than that which wrote. */
static bool S_confirm(struct making *making, struct err *err)
{
    char *missing = NULL;
    const char *values[] = {making->made};
    if (!S_ask_text(making->run, "functions_missing", values, 1, &missing, err))
        return false;
    if (missing)
        sqlscript_error(making->script, 1, err, "afterwards the catalog does not have it so: %s",
                        missing);
    free(missing);
    return !missing;
}

static bool S_open(struct making *making, const struct plan_file *file, struct err *err)
{
    return sqlscript_read(file->path, &file->trust, &making->script, err) &&
           S_require_functions(making->script, err) && S_fill(making, err);
}

static void S_close(struct making *making)
{
    for (size_t i = 0; making->statements && i < making->script->count; i++)
        free(making->statements[i]);
    free(making->statements);
    free(making->made);
    sqlscript_free(making->script);
}

static bool S_perform(struct run *run, const struct plan_file *file, struct err *err)
{
    struct making making = {.run = run};
    char *what = str_format("create the functions of '%s'", file->path);
    bool ok = S_open(&making, file, err) && run_try(run, S_attempt, &making, what, err) &&
              S_confirm(&making, err);
    free(what);
    S_close(&making);
    return ok;
}

bool step_functions_fit(struct run *run, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < run->plan->function_count; i++) {
        struct making making = {.run = run};
        ok = S_open(&making, &run->plan->functions[i], err);
        S_close(&making);
    }
    return ok;
}

bool step_functions(struct run *run, struct err *err)
{
    const struct plan *plan = run->plan;
    for (size_t i = 0; i < plan->function_count; i++) {
        run_progress(run, (int64_t)i, (int64_t)plan->function_count);
        if (!run_breathe(run, err) || !S_perform(run, &plan->functions[i], err))
            return false;
    }
    run_progress(run, (int64_t)plan->function_count, (int64_t)plan->function_count);
    return true;
}
