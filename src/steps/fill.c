/*
 * fill: gives every row its codes, table by table, parents before their children.
 *
 * The generator work_fill says how each table is done. In batches: passes over its blocks, of which
 * the first ones take a share of each page's rows, so that new versions find room on their page;
 * then sweeps over all of it as it is by then, until one of them changes nothing. Or by one
 * rewrite. What is done stands in the checkpoints, and nowhere else.
 */
#include "fill_parts.h"

#include "blocks.h"
#include "failpoint.h"
#include "fill_wait.h"
#include "lane.h"
#include "sql.h"
#include "steps.h"
#include "throttle.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    USUAL_PAGES = 32,
    USUAL_ROWS = 700, /* that so many pages of narrow rows have for one pass */
    MOST_FACTOR = 8,
    MOST_PASSES = 60,
    SETTLE_ROUNDS = 20,
};

struct filling {
    struct run *run;
    struct pg_result *list;
    struct fill_unit *units;
    int count;
    struct lanes *lanes;
    int64_t done, total; /* rows */
    int64_t waited_ms;   /* for those who might only read */

    const struct fill_unit *unit; /* the one under way … */
    struct blocks blocks;         /* … and its pass */
    struct lane_pass pass;
    int64_t pages;
    bool is_begun, is_rewritten, is_over;

    struct pg_result *taken; /* the users that are settled just now; NULL: every row is looked at */
    bool is_bound;           /* by foreign keys: all tables change together */
    bool is_settled;         /* the round under way has left no row of theirs that differs */
    int64_t mended;          /* rows, in it */
};

/* ---- what is to be done ---- */

static const char *S_text(const struct filling *f, int row, const char *column)
{
    int col = pg_col(f->list, column);
    return pg_null(f->list, row, col) ? NULL : pg_text(f->list, row, col);
}

/* "{33,60,100}" */
static int S_read_shares(const char *text, int *shares)
{
    int count = 0;
    for (const char *at = text; *at && count < FILL_MOST_SHARES; at++)
        if ((*at == '{' || *at == ',') && at[1] != '}')
            shares[count++] = atoi(at + 1);
    return count;
}

static void S_read_unit(struct filling *f, int row)
{
    struct fill_unit *unit = &f->units[row];
    int turn = pg_col(f->list, "turn");
    *unit = (struct fill_unit){
        .name = S_text(f, row, "unit"),
        .relation = S_text(f, row, "relation"),
        .how = S_text(f, row, "how"),
        .prepare = S_text(f, row, "prepare"),
        .statement = S_text(f, row, "statement"),
        .settle = S_text(f, row, "settle"),
        .tidy = S_text(f, row, "tidy"),
        .records = S_text(f, row, "records"),
        .rows = pg_int(f->list, row, pg_col(f->list, "rows")),
        .turn = pg_null(f->list, row, turn) ? 0 : (int)pg_int(f->list, row, turn),
        .is_done = pg_bool(f->list, row, pg_col(f->list, "done")),
    };
    const struct plan_table *table = plan_find_table(f->run->plan, unit->name);
    unit->is_child = table && table->source == FROM_PARENT;
    unit->share_count = S_read_shares(S_text(f, row, "shares"), unit->shares);
    f->total += unit->rows;
}

static bool S_read_list(struct run *run, void *ctx, struct err *err)
{
    struct filling *f = ctx;
    if (!step_list(run, "work_fill", &f->list, err))
        return false;
    f->count = pg_rows(f->list);
    f->units = mem_array((size_t)f->count, sizeof(*f->units));
    for (int row = 0; row < f->count; row++)
        S_read_unit(f, row);
    return true;
}

/* ---- what is done already ---- */

static void S_begin_pass_as(struct filling *f, int number, int64_t pages, int low, int high)
{
    blocks_release(&f->blocks);
    bool sweeps = low == 0 && high == 100; /* and so looks for itself */
    f->pass = (struct lane_pass){.unit = f->unit->name,
                                 .prepare = sweeps ? NULL : f->unit->prepare,
                                 .statement = f->unit->statement,
                                 .number = number,
                                 .low = low,
                                 .high = high,
                                 .blocks = &f->blocks};
    f->pages = pages;
    f->is_begun = true;
}

/* The newest pass that was begun; the ones before it had come to their end. */
static void S_find_pass(struct filling *f, const struct pg_result *marks)
{
    for (int row = 0; row < pg_rows(marks); row++) {
        int number, low, high, end = 0;
        long long pages;
        const char *part = pg_text(marks, row, 0);
        if (sscanf(part, "pass %d begins%n", &number, &end) == 1 && end && !part[end] &&
            sscanf(pg_text(marks, row, 1), "%lld pages, %d to %d", &pages, &low, &high) == 3 &&
            number > f->pass.number)
            S_begin_pass_as(f, number, pages, low, high);
    }
}

static void S_find_blocks(struct filling *f, const struct pg_result *marks)
{
    for (int row = 0; row < pg_rows(marks); row++) {
        int number;
        long long from, to;
        const char *part = pg_text(marks, row, 0);
        f->done += pg_int(marks, row, 2);
        f->is_over = f->is_over || str_is(part, "filled");
        f->is_rewritten = f->is_rewritten || str_is(part, "rewritten");
        if (sscanf(part, "pass %d blocks %lld-%lld", &number, &from, &to) != 3 ||
            number != f->pass.number)
            continue;
        blocks_add(&f->blocks, from, to + 1);
        f->pass.changed += pg_int(marks, row, 2);
    }
}

static bool S_ask_marks(struct run *run, const char *unit, struct pg_result **marks,
                        struct err *err)
{
    struct number_text step = number_text(run->step->id);
    const char *values[] = {step.text, unit};
    return run_query(run, sql_get("fill_marks"), values, ARRAY_LEN(values), marks, err);
}

static bool S_read_marks(struct run *run, void *ctx, struct err *err)
{
    struct filling *f = ctx;
    struct pg_result *marks;
    if (!S_ask_marks(run, f->unit->name, &marks, err))
        return false;
    f->pass = (struct lane_pass){0};
    f->is_begun = f->is_rewritten = f->is_over = false;
    S_find_pass(f, marks);
    S_find_blocks(f, marks);
    pg_result_free(marks);
    return true;
}

static bool S_finish_transaction(struct run *run, bool ok, struct err *err)
{
    ok = ok && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    return ok;
}

static bool S_mark_over(struct run *run, void *ctx, struct err *err)
{
    struct filling *f = ctx;
    bool marked;
    if (!run_is_marked(run, f->unit->name, "filled", &marked, err))
        return false;
    if (marked)
        return true;
    if (!run_begin(run, err))
        return false;
    return S_finish_transaction(run, run_mark(run, f->unit->name, "filled", NULL, 0, err), err);
}

/* ---- passes ---- */

/* Nobody is left who could write a child without codes: the rows of the parent have theirs. */
static bool S_wait_for_others(struct filling *f, struct err *err)
{
    return fill_wait_for_snapshots(f->run, f->unit->name, &f->waited_ms, err) &&
           fill_wait_for_writers(f->run, err);
}

static bool S_count_pages(struct run *run, const char *relation, int64_t *pages, struct err *err)
{
    const char *values[] = {relation};
    struct pg_result *result;
    if (!run_query(run, sql_get("fill_pages"), values, 1, &result, err))
        return false;
    *pages = pg_int(result, 0, 0);
    pg_result_free(result);
    return true;
}

/* Was it begun by an attempt whose answer did not come? Then that is the pass. */
static bool S_look_for_pass(struct filling *f, struct err *err)
{
    struct pg_result *marks;
    if (!S_ask_marks(f->run, f->unit->name, &marks, err))
        return false;
    S_find_pass(f, marks);
    pg_result_free(marks);
    return true;
}

/*
 * Its size and share are kept with its beginning, so that a resume goes on with the very same pass.
 */
static bool S_begin_pass(struct run *run, void *ctx, struct err *err)
{
    struct filling *f = ctx;
    const struct fill_unit *unit = f->unit;
    int number = f->pass.number + 1;
    bool shared = !unit->is_done && number <= unit->share_count;
    int low = shared && number > 1 ? unit->shares[number - 2] : 0;
    int high = shared ? unit->shares[number - 1] : 100;
    int64_t pages;
    char part[32], next[64];
    FAILPOINT("K1");
    if (!S_look_for_pass(f, err) || f->is_begun)
        return f->is_begun;
    if (run->mode == MODE_ONLINE && unit->is_child && low == 0 && high == 100 &&
        !S_wait_for_others(f, err))
        return false;
    if (!S_count_pages(run, unit->relation, &pages, err) || !run_begin(run, err))
        return false;
    snprintf(part, sizeof(part), "pass %d begins", number);
    snprintf(next, sizeof(next), "%lld pages, %d to %d per cent", (long long)pages, low, high);
    bool ok = (number > 1 || step_keep(run, unit->records, err)) &&
              run_mark(run, unit->name, part, next, 0, err);
    if (!S_finish_transaction(run, ok, err))
        return false;
    FAILPOINT("K2");
    S_begin_pass_as(f, number, pages, low, high);
    return true;
}

/* Locks are held for rows, not for pages: where few are changed on each, a batch may have more. */
static int S_most_pages(const struct filling *f)
{
    const struct run *run = f->run;
    int pages = run->throttle ? throttle_pages(run->throttle) : USUAL_PAGES;
    double rows = f->pages > 0 ? (double)f->unit->rows / (double)f->pages : 0;
    double changed = rows * pages * (f->pass.high - f->pass.low) / 100;
    bool sweeps = f->pass.number > 1 && f->pass.low == 0;
    int factor = changed > 0 && changed < USUAL_ROWS ? (int)(USUAL_ROWS / changed) : 1;
    return pages * (sweeps || factor > MOST_FACTOR ? MOST_FACTOR : factor > 0 ? factor : 1);
}

/* The triggers fill what is new, so each pass finds less, unless somebody takes the codes away. */
static bool S_has_no_end(const struct filling *f, struct err *err)
{
    err_set(err, ERR_FAILED, "'%s' was gone over %d times, and every time there were rows to fill",
            f->unit->name, f->pass.number);
    return err_hint(err,
                    "see what empties its new columns again: a trigger of the application, or a "
                    "job that copies rows");
}

static bool S_fill_by_batches(struct filling *f, struct err *err)
{
    for (;;) {
        if (!f->is_begun && !run_try(f->run, S_begin_pass, f, "begin a pass", err))
            return false;
        blocks_begin(&f->blocks, f->pages);
        f->pass.most_pages = S_most_pages(f);
        if (!lanes_go_over(f->lanes, &f->pass, err))
            return false;
        f->is_begun = false;
        if (f->pass.low == 0 && f->pass.high == 100 && f->pass.changed == 0)
            return true;
        if (f->pass.number >= MOST_PASSES)
            return S_has_no_end(f, err);
    }
}

/* ---- or all at once ---- */

/*
 * Those that need no code of another table do not wait for each other; what is done is found
 * marked.
 */
static bool S_rewrite_some(struct filling *f, struct err *err)
{
    const struct fill_unit **units = mem_array((size_t)f->count, sizeof(const struct fill_unit *));
    int64_t done = 0;
    int count = 0;
    for (int turn = 1; turn <= f->count; turn++)
        for (int i = 0; i < f->count; i++)
            if (f->units[i].turn == turn && !f->units[i].is_done)
                units[count++] = &f->units[i];
    bool ok = count == 0 || fill_rewrite(f->run, units, count, &done, f->total, err);
    free(units);
    return ok;
}

static bool S_fill_by_rewrite(struct filling *f, struct err *err)
{
    return f->is_rewritten || f->unit->is_done ||
           fill_rewrite(f->run, &f->unit, 1, &f->done, f->total, err);
}

/* ---- a table ---- */

void fill_tidy(struct run *run, const struct fill_unit *unit)
{
    struct err err = {0};
    if (unit->tidy && !run_query(run, unit->tidy, NULL, 0, NULL, &err))
        run_say(run, "warn", "worker", "'%s' was filled, but not tidied: %s", unit->name, err.text);
}

static bool S_fill_unit(struct filling *f, const struct fill_unit *unit, struct err *err)
{
    f->unit = unit;
    if (str_is(unit->how, "nothing"))
        return true;
    int64_t before = f->done; /* of this table, and of all its workers, is what comes on top */
    if (!run_try(f->run, S_read_marks, f, "read the checkpoints", err))
        return false;
    if (f->is_over)
        return true;
    bool rewrites = str_is(unit->how, "rewrite");
    if (!(rewrites ? S_fill_by_rewrite(f, err) : S_fill_by_batches(f, err)))
        return false;
    if (!rewrites && f->done > before)
        fill_tidy(f->run, unit);
    run_say(f->run, "info", "worker", "'%s' is filled: %lld rows", unit->name,
            (long long)(f->done - before));
    run_progress(f->run, f->done, f->total > f->done ? f->total : f->done);
    return run_try(f->run, S_mark_over, f, "write a checkpoint", err);
}

/* ---- users who changed their organization meanwhile ---- */

static bool S_settle_unit(struct filling *f, struct pg *pg, const struct fill_unit *unit,
                          struct err *err)
{
    struct run *run = f->run;
    struct number_text epoch = number_text(run->epoch);
    const char *values[] = {run->plan->name, epoch.text, f->taken ? pg_text(f->taken, 0, 1) : NULL};
    int64_t changed = 1;
    /* A look takes some of the rows; one that was just being changed shows in the next. */
    for (int looks = 0; unit->settle && changed && looks < MOST_PASSES; looks++) {
        struct pg_result *result;
        if (!pg_run(pg, unit->settle, values, ARRAY_LEN(values), &result, err))
            return err_context(err, "'%s'", unit->name);
        bool fenced = pg_bool(result, 0, 0);
        changed = pg_int(result, 0, 1);
        f->mended += changed;
        pg_result_free(result);
        if (!fenced)
            return !run_holds(run, err)
                       ? false
                       : err_set(err, ERR_BUG, "the lease was not found, but held");
    }
    if (unit->settle && changed)
        f->is_settled = false;
    return true;
}

/*
 * Each table by itself, so that rows are locked for moments; they are done again if it comes to
 * that. Once foreign keys hold parents and children together, all tables in one transaction. Who
 * has more rows than a round takes stays noted, and the next round goes on with the rest.
 */
static bool S_settle_all(struct filling *f, struct pg *pg, struct err *err)
{
    const char *values[] = {f->run->plan->name, pg_text(f->taken, 0, 2)};
    bool ok = !f->is_bound || pg_run(pg, sql_get("run_begin"), NULL, 0, NULL, err);
    for (int i = 0; ok && i < f->count; i++)
        ok = S_settle_unit(f, pg, &f->units[i], err);
    ok = ok && (!f->is_settled || pg_run(pg, sql_get("fill_taken"), values, 2, NULL, err)) &&
         (!f->is_bound || pg_run(pg, sql_get("run_commit"), NULL, 0, NULL, err));
    struct err ignored = {0};
    if (!ok && f->is_bound && pg_is_up(pg))
        pg_run(pg, sql_get("run_rollback"), NULL, 0, NULL, &ignored);
    return ok;
}

/* Takes those who are noted by now; `is_over` when there are none. */
static bool S_settle_round(struct run *run, void *ctx, struct err *err)
{
    struct filling *f = ctx;
    const char *values[] = {run->plan->name};
    struct pg *pg;
    pg_result_free(f->taken);
    f->taken = NULL;
    f->is_settled = true;
    if (!run_query(run, sql_get("fill_take"), values, 1, &f->taken, err))
        return false;
    int64_t count = pg_int(f->taken, 0, 0);
    f->is_over = count == 0;
    if (f->is_over)
        return true;
    if (!fill_wait_for_writers(run, err) || !lanes_borrow(f->lanes, &pg, err) ||
        !S_settle_all(f, pg, err))
        return false;
    run_say(run, "info", "worker", "the rows of %lld users were looked at again%s",
            (long long)count, f->is_settled ? "" : "; there are more of them");
    return true;
}

static bool S_settle_some(struct filling *f, struct err *err)
{
    return run_breathe(f->run, err) &&
           run_try(f->run, S_settle_round, f, "settle users who changed their organization", err);
}

/* Beside the application it need not come to an end: who is left stays noted, for step release. */
static bool S_settle(struct filling *f, struct err *err)
{
    for (int round = 0; round < SETTLE_ROUNDS; round++) {
        if (!S_settle_some(f, err))
            return false;
        if (f->is_over)
            return true;
    }
    run_say(f->run, "info", "worker",
            "users go on changing; step release settles the last of them");
    return true;
}

/* Nobody is noted any more, so it has to: rows of those who are left would keep their old codes. */
static bool S_settle_last(struct filling *f, struct err *err)
{
    for (int in_vain = 0; in_vain < MOST_PASSES; in_vain = f->is_settled ? 0 : in_vain + 1) {
        if (!S_settle_some(f, err))
            return false;
        if (f->is_over)
            return true;
    }
    err_set(err, ERR_FAILED, "rows of users who changed their organization still have other codes");
    return err_hint(err, "'tenantdeck run release' goes on with them; if they never end, see what "
                         "changes them back: a trigger of the application, or a job");
}

/* ---- rows that lost their codes, or have others ---- */

static bool S_keep_old(struct run *run, void *ctx, struct err *err)
{
    struct filling *f = ctx;
    bool ok = run_begin(run, err);
    for (int i = 0; ok && i < f->count; i++)
        if (run_wants_unit(run, f->units[i].name))
            ok = step_keep(run, f->units[i].records, err);
    return S_finish_transaction(run, ok, err);
}

/*
 * All tables in one transaction, parents first: nobody sees a child with other codes than its
 * parent.
 */
static bool S_mend_round(struct run *run, void *ctx, struct err *err)
{
    struct filling *f = ctx;
    struct pg *pg;
    f->mended = 0;
    if (!lanes_borrow(f->lanes, &pg, err) || !pg_run(pg, sql_get("run_begin"), NULL, 0, NULL, err))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < f->count; i++)
        if (run_wants_unit(run, f->units[i].name))
            ok = S_settle_unit(f, pg, &f->units[i], err);
    struct err ignored = {0};
    ok = ok && pg_run(pg, sql_get("run_commit"), NULL, 0, NULL, err);
    if (!ok && pg_is_up(pg))
        pg_run(pg, sql_get("run_rollback"), NULL, 0, NULL, &ignored);
    return ok;
}

static bool S_mend(struct filling *f, struct err *err)
{
    if (!run_try(f->run, S_keep_old, f, "write undo records", err))
        return false;
    for (int round = 0; round < MOST_PASSES; round++) {
        if (!run_breathe(f->run, err) || !run_try(f->run, S_mend_round, f, "mend rows", err))
            return false;
        f->done += f->mended;
        run_progress(f->run, f->done, f->total);
        if (!f->mended)
            return true;
    }
    return err_set(err, ERR_FAILED, "%d times rows were mended, and every time there were more",
                   MOST_PASSES);
}

/* ---- all of it ---- */

static bool S_begin(struct filling *f, struct err *err)
{
    f->lanes = lanes_new(f->run, &f->done, &f->total);
    return run_try(f->run, S_read_list, f, "read the plan's tables", err);
}

static void S_end(struct filling *f)
{
    lanes_free(f->lanes);
    blocks_release(&f->blocks);
    pg_result_free(f->taken);
    pg_result_free(f->list);
    free(f->units);
}

bool step_fill(struct run *run, struct err *err)
{
    struct filling f = {.run = run};
    bool ok = S_begin(&f, err);
    if (ok)
        run_progress(run, 0, f.total);
    ok = ok && S_rewrite_some(&f, err);
    for (int i = 0; ok && i < f.count; i++)
        ok = S_fill_unit(&f, &f.units[i], err);
    if (ok && run->mode == MODE_ONLINE)
        ok = S_settle(&f, err);
    FAILPOINT("K7");
    S_end(&f);
    return ok;
}

bool fill_settle(struct run *run, bool last, struct err *err)
{
    struct filling f = {.run = run, .is_bound = true};
    bool ok = S_begin(&f, err) && (last ? S_settle_last(&f, err) : S_settle(&f, err));
    S_end(&f);
    return ok;
}

bool fill_mend(struct run *run, struct err *err)
{
    struct filling f = {.run = run};
    bool ok = S_begin(&f, err) && S_mend(&f, err) && step_items(run, FILL_MOVES, err);
    if (ok && f.done)
        run_say(run, "info", "worker", "%lld rows got the codes of the mapping", (long long)f.done);
    S_end(&f);
    return ok;
}
