/*
 * fill_rewrite: tables that are given their codes by one ALTER TABLE each, with the application
 * stopped.
 *
 * What tells the codes is read first, in a transaction of its own, and stays in the session as the
 * statement to be run: so a table is locked by its own rewrite alone, and two of them can be under
 * way. The rewrite and its checkpoint are one transaction.
 */
#include "fill_parts.h"

#include "crew.h"
#include "failpoint.h"
#include "steps.h"

#include <stdlib.h>

struct rewriting {
    const struct fill_unit *const *units;
    int count;
    const struct fill_unit **left; /* those without a checkpoint, in the same order */
    int left_count;
    int64_t *done, total;
};

static const char *S_statement(void *ctx, int piece)
{
    return ((struct rewriting *)ctx)->left[piece]->statement;
}

static bool S_begin(struct run *run, void *ctx, int piece, struct err *err)
{
    const struct fill_unit *unit = ((struct rewriting *)ctx)->left[piece];
    FAILPOINT("K1");
    if (!run_query(run, unit->prepare, NULL, 0, NULL, err) || !run_begin(run, err))
        return err_context(err, "'%s'", unit->name);
    run_say(run, "info", "worker", "rewrites '%s': about %lld rows", unit->name,
            (long long)unit->rows);
    FAILPOINT("K2");
    return true;
}

static bool S_commit(struct run *run, const struct fill_unit *unit, struct err *err)
{
    bool ok = step_keep(run, unit->records, err) &&
              run_mark(run, unit->name, "rewritten", NULL, unit->rows, err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    return ok;
}

static bool S_end(struct run *run, void *ctx, int piece, const struct err *failure, struct err *err)
{
    struct rewriting *r = ctx;
    const struct fill_unit *unit = r->left[piece];
    if (failure) {
        run_rollback(run);
        *err = *failure;
        return err_context(err, "'%s'", unit->name);
    }
    FAILPOINT("K3");
    if (!S_commit(run, unit, err))
        return err_context(err, "'%s'", unit->name);
    FAILPOINT("K6");
    run_say(run, "info", "worker", "'%s' is rewritten: %lld rows", unit->name,
            (long long)unit->rows);
    fill_tidy(run, unit);
    *r->done += unit->rows;
    run_progress(run, *r->done, r->total > *r->done ? r->total : *r->done);
    return true;
}

/* An attempt may have been committed though its answer did not come: the checkpoint tells. */
static bool S_find_left(struct run *run, struct rewriting *r, struct err *err)
{
    r->left_count = 0;
    for (int i = 0; i < r->count; i++) {
        bool marked;
        if (!run_is_marked(run, r->units[i]->name, "rewritten", &marked, err))
            return false;
        if (!marked)
            r->left[r->left_count++] = r->units[i];
    }
    return true;
}

static bool S_rewrite(struct run *run, void *ctx, struct err *err)
{
    struct rewriting *r = ctx;
    if (!S_find_left(run, r, err))
        return false;
    struct crew_work work = {
        .ctx = r, .count = r->left_count, .statement = S_statement, .begin = S_begin, .end = S_end};
    return crew_do(run, &work, err);
}

bool fill_rewrite(struct run *run, const struct fill_unit *const *units, int count, int64_t *done,
                  int64_t total, struct err *err)
{
    struct rewriting r = {.units = units, .count = count, .done = done, .total = total};
    r.left = mem_array((size_t)count, sizeof(const struct fill_unit *));
    bool ok = run_breathe(run, err) && run_try(run, S_rewrite, &r, "rewrite tables", err);
    free(r.left);
    return ok;
}
