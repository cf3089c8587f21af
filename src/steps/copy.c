/*
 * copy: the mapping file into the journal, where the fill and its triggers find the codes.
 *
 * All of it in one transaction: the old codes are there until the new ones are. A file that csvmap
 * refuses changes nothing.
 */
#include "steps.h"

#include "failpoint.h"
#include "sql.h"

#include <stdlib.h>

enum { ROWS_AT_ONCE = 1000 };

struct copying {
    struct run *run;
    json_t *rows; /* not sent yet */
    int64_t count;
    bool compares; /* instead of writing */
    int64_t differing, known, loaded;
};

static bool S_compare(struct copying *c, const char *const *values, struct err *err)
{
    struct pg_result *answer;
    if (!run_query(c->run, sql_get("mapping_differs"), values, 2, &answer, err))
        return false;
    c->differing += pg_int(answer, 0, pg_col(answer, "differing"));
    c->known += pg_int(answer, 0, pg_col(answer, "known"));
    c->loaded = pg_int(answer, 0, pg_col(answer, "loaded"));
    pg_result_free(answer);
    return true;
}

static bool S_flush(struct copying *c, struct err *err)
{
    char *rows = json_dumps(c->rows, JSON_COMPACT);
    const char *values[] = {c->run->plan->name, rows};
    bool ok = c->compares
                  ? S_compare(c, values, err)
                  : run_query(c->run, sql_get("mapping_add"), values, ARRAY_LEN(values), NULL, err);
    free(rows);
    json_array_clear(c->rows);
    return ok;
}

static bool S_take_row(void *ctx, const struct csvmap_row *row, struct err *err)
{
    struct copying *c = ctx;
    json_t *one = json_pack("{s:s, s:s?, s:s}", "key", row->key, "organization_code",
                            row->organization, "tenant_code", row->tenant);
    if (json_array_append_new(c->rows, one) != 0)
        return err_set(err, ERR_FAILED, "row %lld of the mapping is no UTF-8",
                       (long long)c->count + 1);
    c->count++;
    return json_array_size(c->rows) < ROWS_AT_ONCE || S_flush(c, err);
}

static void S_warn(void *ctx, int line, const char *text)
{
    struct copying *c = ctx;
    run_say(c->run, "warn", "mapping", "line %d: %s", line, text);
}

static bool S_keep_undo(struct run *run, struct err *err)
{
    struct sql_variable plan[] = {{"plan", run->plan->name}};
    char *statement;
    if (!sql_fill(sql_get("mapping_undo"), plan, 1, &statement, err))
        return false;
    struct undo_record record = {
        .type = "mapping", .object = run->plan->name, .statement = statement};
    bool ok = run_keep(run, &record, err);
    free(statement);
    return ok;
}

static bool S_copy(struct run *run, struct copying *c, struct err *err)
{
    const char *plan[] = {run->plan->name};
    struct csvmap_sink sink = {.row = S_take_row, .warning = S_warn, .ctx = c};
    return S_keep_undo(run, err) && run_query(run, sql_get("mapping_forget"), plan, 1, NULL, err) &&
           csvmap_read(run->plan->mapping.path, &run->plan->mapping.shape, &sink, NULL, err) &&
           S_flush(c, err) && run_query(run, sql_get("mapping_analyze"), NULL, 0, NULL, err) &&
           run_mark_again(run, "mapping", run->plan->mapping.path, err);
}

static bool S_attempt(struct run *run, void *ctx, struct err *err)
{
    struct copying *c = ctx;
    c->count = 0;
    json_array_clear(c->rows);
    FAILPOINT("K1");
    if (!run_begin(run, err))
        return false;
    FAILPOINT("K2");
    bool ok = S_copy(run, c, err);
    FAILPOINT("K3");
    ok = ok && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    FAILPOINT("K6");
    return ok;
}

bool step_mapping(struct run *run, struct err *err)
{
    struct copying c = {.run = run, .rows = json_array()};
    bool ok = run_try(run, S_attempt, &c, "keep the mapping", err);
    if (ok)
        run_progress(run, c.count, c.count);
    json_decref(c.rows);
    return ok;
}

bool step_mapping_differs(struct run *run, int64_t *keys, struct err *err)
{
    const struct plan *plan = run->plan;
    struct copying c = {.run = run, .rows = json_array(), .compares = true};
    struct csvmap_sink sink = {.row = S_take_row, .ctx = &c};
    struct csvmap_totals totals;
    bool ok = csvmap_read(plan->mapping.path, &plan->mapping.shape, &sink, &totals, err) &&
              S_flush(&c, err);
    if (ok) {
        int64_t gone = c.loaded - (c.known - totals.duplicates);
        *keys = c.loaded ? c.differing + (gone > 0 ? gone : 0) : 0;
    }
    json_decref(c.rows);
    return ok;
}
