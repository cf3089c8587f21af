/*
 * lane: see lane.h. The callbacks of the connections only note what came; all decisions are made
 * between two turns of the loop, so no lane ever waits inside of another's answer.
 */
#include "lane.h"

#include "clock.h"
#include "failpoint.h"
#include "sql.h"
#include "throttle.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_LANES = 8,
    USUAL_LANES = 2,
    USUAL_BATCH_MS = 250,
    FIRST_PAUSE_MS = 100,
    LONGEST_PAUSE_MS = 10000,
    LOOK_MS = 50,
};

enum lane_state { LANE_IDLE, LANE_BUSY, LANE_ANSWERED, LANE_WAITS, LANE_SLEEPS };

struct lane {
    struct lanes *lanes;
    struct pg *pg;
    enum lane_state state;
    struct blocks_range range;
    char part[96];
    int64_t sent_at, due; /* due: when it tries again, or has slept */
    int tries;
    bool failed, cancelled, fenced;
    const char *prepared, *preparing; /* the pass->prepare that its connection has run, or runs */
    int64_t changed;
    struct err err;
};

struct lanes {
    struct run *run;
    struct lane lane[MOST_LANES];
    size_t count;
    int64_t *done;
    const int64_t *total;
    struct lane_pass *pass;
    int pages, most_pages; /* of the next batch, and of any */
    bool failed;
    struct err err; /* of the first lane that cannot go on */
};

struct lanes *lanes_new(struct run *run, int64_t *done, const int64_t *total)
{
    struct lanes *lanes = mem_new(sizeof(*lanes));
    const char *wanted = run_option(run, "lanes");
    int64_t count = USUAL_LANES;
    if (wanted && (!str_to_int(wanted, &count) || count < 1))
        count = 1;
    *lanes = (struct lanes){.run = run,
                            .done = done,
                            .total = total,
                            .count = count > MOST_LANES ? MOST_LANES : (size_t)count};
    for (size_t i = 0; i < lanes->count; i++)
        lanes->lane[i].lanes = lanes;
    return lanes;
}

void lanes_free(struct lanes *lanes)
{
    if (!lanes)
        return;
    for (size_t i = 0; i < lanes->count; i++)
        pg_free(lanes->lane[i].pg);
    free(lanes);
}

/* ---- connections ---- */

/* Without the right to silence triggers a person must have said that they may fire. */
static bool S_refuse_triggers(struct run *run, struct pg *pg, struct err *err)
{
    const char *values[] = {run->document};
    struct pg_result *result;
    if (!pg_run(pg, sql_get("fill_triggers"), values, 1, &result, err))
        return false;
    bool some = pg_rows(result) > 0;
    if (some) {
        err_set(err, ERR_REFUSED, "the fill would fire triggers of the application: %s",
                pg_text(result, 0, 0));
        err_hint(err, "let '%s' SET session_replication_role, or say --triggers if they may fire",
                 pg_user(pg));
    }
    pg_result_free(result);
    return !some;
}

static bool S_silence_triggers(struct run *run, struct pg *pg, struct err *err)
{
    if (run_flag(run, "triggers"))
        return true;
    struct err denied = {0};
    if (pg_run(pg, sql_get("fill_quiet"), NULL, 0, NULL, &denied))
        return true;
    if (str_is(denied.sqlstate, "42501"))
        return S_refuse_triggers(run, pg, err);
    *err = denied;
    return false;
}

static bool S_open(struct lane *lane, struct err *err)
{
    struct run *run = lane->lanes->run;
    if (lane->pg && pg_is_up(lane->pg))
        return true;
    pg_free(lane->pg);
    lane->pg = NULL;
    lane->prepared = lane->preparing = NULL;
    if (!run_connect(run, "fill", &lane->pg, err))
        return false;
    if (S_silence_triggers(run, lane->pg, err) &&
        pg_run(lane->pg, sql_get("fill_unhurried"), NULL, 0, NULL, err))
        return true;
    pg_free(lane->pg);
    lane->pg = NULL;
    return false;
}

static bool S_open_attempt(struct run *run, void *ctx, struct err *err)
{
    (void)run;
    return S_open(ctx, err);
}

bool lanes_borrow(struct lanes *lanes, struct pg **out, struct err *err)
{
    if (!S_open(&lanes->lane[0], err))
        return false;
    *out = lanes->lane[0].pg;
    return true;
}

static bool S_open_all(struct lanes *lanes, struct err *err)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (!run_try(lanes->run, S_open_attempt, &lanes->lane[i], "open a connection", err))
            return false;
    return true;
}

/* ---- a batch ---- */

static void S_answered(void *ctx, const struct pg_result *result, const struct err *err)
{
    struct lane *lane = ctx;
    lane->state = LANE_ANSWERED;
    lane->failed = err != NULL;
    if (err) {
        lane->err = *err;
        return;
    }
    lane->fenced = !pg_bool(result, 0, pg_col(result, "fenced"));
    lane->changed = pg_int(result, 0, pg_col(result, "changed"));
}

static void S_prepared(void *ctx, const struct pg_result *result, const struct err *err)
{
    struct lane *lane = ctx;
    if (err) {
        S_answered(lane, result, err);
        return;
    }
    lane->prepared = lane->preparing;
    lane->preparing = NULL;
    lane->state = LANE_WAITS;
    lane->due = clock_ms();
}

/* Leaves the connection as the pass wants it; false: it is at work on that. */
static bool S_prepare(struct lane *lane)
{
    const char *wanted = lane->lanes->pass->prepare;
    if (lane->prepared == wanted)
        return true;
    lane->state = LANE_BUSY;
    lane->preparing = wanted;
    lane->cancelled = false;
    pg_query(lane->pg, wanted ? wanted : sql_get("fill_forget"), NULL, 0, S_prepared, lane);
    return false;
}

static void S_send(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    const struct lane_pass *pass = lanes->pass;
    struct number_text epoch = number_text(lanes->run->epoch),
                       step = number_text(lanes->run->step->id), low = number_text(pass->low),
                       high = number_text(pass->high);
    char from[32], to[32];
    snprintf(from, sizeof(from), "(%lld,0)", (long long)lane->range.from);
    snprintf(to, sizeof(to), "(%lld,0)", (long long)lane->range.to);
    const char *values[] = {
        lanes->run->plan->name, epoch.text, step.text, lane->part, from, to, low.text, high.text};
    lane->state = LANE_BUSY;
    lane->cancelled = false;
    lane->sent_at = clock_ms();
    if (pass->prepare)
        pg_query_prepared(lane->pg, "tenantdeck_batch", values, ARRAY_LEN(values), S_answered,
                          lane);
    else
        pg_query(lane->pg, pass->statement, values, ARRAY_LEN(values), S_answered, lane);
    FAILPOINT("K3");
    FAILPOINT("K5");
}

static bool S_take_next(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    if (!blocks_next(lanes->pass->blocks, lanes->pages, &lane->range))
        return false;
    snprintf(lane->part, sizeof(lane->part), "pass %d blocks %lld-%lld", lanes->pass->number,
             (long long)lane->range.from, (long long)lane->range.to - 1);
    lane->tries = 0;
    return true;
}

/* ---- what came of it ---- */

static void S_fail(struct lane *lane, const struct err *err)
{
    struct lanes *lanes = lane->lanes;
    lane->state = LANE_IDLE;
    if (lanes->failed)
        return;
    lanes->failed = true;
    lanes->err = *err;
    if (!lanes->run->fenced && !lanes->run->aborted && !lanes->run->stop_wanted)
        err_context(&lanes->err, "'%s', %s", lanes->pass->unit, lane->part);
}

static void S_count(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    lane->state = LANE_IDLE;
    lanes->pass->changed += lane->changed;
    *lanes->done += lane->changed;
    FAILPOINT("K6");
    run_progress(lanes->run, *lanes->done,
                 *lanes->total > *lanes->done ? *lanes->total : *lanes->done);
}

static void S_adapt(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    const struct throttle *throttle = lanes->run->throttle;
    int most = lanes->pass->most_pages;
    int64_t target = throttle ? throttle_batch_ms(throttle) : USUAL_BATCH_MS;
    int pages = (int)(lane->range.to - lane->range.from);
    if (pages < lanes->pages) /* the short end of a pass says nothing of a whole batch */
        return;
    lanes->pages = throttle_next_pages(pages, clock_ms() - lane->sent_at, target, most);
}

/* A lock, a deadlock: the same again, later each time and not when the others do. */
static void S_wait(struct lane *lane)
{
    int64_t pause = FIRST_PAUSE_MS;
    for (int i = 0; i < lane->tries && pause < LONGEST_PAUSE_MS; i++)
        pause *= 2;
    lane->tries++;
    lane->state = LANE_WAITS;
    lane->due = clock_ms() + pause / 2 + random() % (pause / 2);
    char *reason = str_format("to fill '%s': %s (try %d)", lane->lanes->pass->unit, lane->err.text,
                              lane->tries);
    run_waits_for(lane->lanes->run, reason);
    if (lane->tries == 1 || lane->tries % 10 == 0)
        run_say(lane->lanes->run, "warn", "worker", "waits %s", reason);
    free(reason);
}

/* The answer did not come: does the journal have the batch? */
static bool S_find_out(struct run *run, void *ctx, struct err *err)
{
    struct lane *lane = ctx;
    struct number_text step = number_text(run->step->id);
    const char *values[] = {step.text, lane->lanes->pass->unit, lane->part};
    struct pg_result *result;
    if (!S_open(lane, err) || !run_query(run, sql_get("fill_part"), values, 3, &result, err))
        return false;
    bool marked = pg_rows(result) == 1;
    lane->changed = marked ? pg_int(result, 0, 0) : 0;
    pg_result_free(result);
    lane->fenced = false;
    lane->failed = !marked;
    return true;
}

/* What cannot be prepared is done without: the statement itself looks for each row. */
static void S_do_without(struct lane *lane)
{
    struct lane_pass *pass = lane->lanes->pass;
    run_say(lane->lanes->run, "warn", "worker", "'%s' is filled without a prepared batch: %s",
            pass->unit, lane->err.text);
    pass->prepare = lane->prepared = lane->preparing = NULL;
    lane->state = LANE_WAITS;
    lane->due = clock_ms();
}

static bool S_look_up(struct lane *lane, const struct err *cause, struct err *err)
{
    struct run *run = lane->lanes->run;
    run_say(run, "warn", "worker", "'%s', %s, was not answered: %s", lane->lanes->pass->unit,
            lane->part, cause->text);
    return run_try(run, S_find_out, lane, "open a connection", err);
}

static void S_take_failure(struct lane *lane)
{
    struct run *run = lane->lanes->run;
    struct err cause = lane->err, err = {0};
    /* Twice the same checkpoint: an earlier attempt was committed after all. */
    bool twice = str_is(cause.sqlstate, "23505");
    if (run->aborted) {
        err_set(&err, ERR_FAILED, "aborted, as asked");
        S_fail(lane, &err);
    } else if (cause.kind == ERR_RETRY) {
        S_wait(lane);
    } else if (cause.kind != ERR_LOST && lane->preparing) {
        S_do_without(lane);
    } else if (cause.kind != ERR_LOST && !twice) {
        S_fail(lane, &cause);
    } else if (!S_look_up(lane, &cause, &err)) {
        S_fail(lane, &err);
    } else if (!lane->failed) {
        S_count(lane);
    } else if (twice) {
        S_fail(lane, &cause);
    } else {
        lane->state = LANE_WAITS;
        lane->due = clock_ms();
    }
}

/* Others shall have the server for a while; what is asked of the run then is obeyed at once. */
static void S_sleep(struct lane *lane, int64_t took_ms)
{
    const struct throttle *throttle = lane->lanes->run->throttle;
    int64_t rest = throttle ? throttle_rest_ms(throttle_sleep(throttle), took_ms) : 0;
    if (!rest)
        return;
    lane->state = LANE_SLEEPS;
    lane->due = clock_ms() + rest;
}

static void S_take_answer(struct lane *lane)
{
    struct run *run = lane->lanes->run;
    struct err err = {0};
    if (lane->failed) {
        S_take_failure(lane);
    } else if (lane->fenced) {
        if (run_holds(run, &err)) /* else it has said so */
            err_set(&err, ERR_BUG, "a batch did not find the lease that this worker holds");
        S_fail(lane, &err);
    } else {
        if (lane->tries)
            run_waits_for(run, NULL);
        int64_t took = clock_ms() - lane->sent_at;
        S_adapt(lane);
        S_count(lane);
        S_sleep(lane, took);
    }
}

/* ---- a pass ---- */

static bool S_is_any(const struct lanes *lanes, enum lane_state state)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->lane[i].state == state)
            return true;
    return false;
}

/* A connection may be lost while it has nothing to do; false: it cannot be had again. */
static bool S_is_open(struct lane *lane)
{
    struct err err = {0};
    if (pg_is_ready(lane->pg) ||
        run_try(lane->lanes->run, S_open_attempt, lane, "open a connection", &err))
        return true;
    S_fail(lane, &err);
    return false;
}

static void S_send_all(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count && !lanes->failed; i++) {
        struct lane *lane = &lanes->lane[i];
        bool due = clock_ms() >= lane->due, again = lane->state == LANE_WAITS && due;
        if (lane->state == LANE_SLEEPS && due)
            lane->state = LANE_IDLE;
        if ((again || lane->state == LANE_IDLE) && S_is_open(lane) &&
            (again || S_take_next(lane)) && S_prepare(lane))
            S_send(lane);
    }
}

static void S_cancel_all(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++) {
        struct lane *lane = &lanes->lane[i];
        if (lane->state == LANE_BUSY && !lane->cancelled)
            pg_cancel(lane->pg);
        lane->cancelled = true;
    }
}

static void S_take_answers(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->lane[i].state == LANE_ANSWERED)
            S_take_answer(&lanes->lane[i]);
}

/* Until somebody is due, and not long: nobody tells when that is. */
static int S_patience(const struct lanes *lanes)
{
    int64_t now = clock_ms(), patience = LOOK_MS;
    for (size_t i = 0; i < lanes->count; i++) {
        const struct lane *lane = &lanes->lane[i];
        if (lane->state == LANE_SLEEPS && lane->due - now < patience)
            patience = lane->due > now ? lane->due - now : 0;
    }
    return (int)patience;
}

/* All lanes rest: obeys what was asked, or ends. */
static bool S_rest(struct lanes *lanes, struct err *err)
{
    if (lanes->failed)
        *err = lanes->err;
    return !lanes->failed && run_breathe(lanes->run, err);
}

bool lanes_go_over(struct lanes *lanes, struct lane_pass *pass, struct err *err)
{
    struct run *run = lanes->run;
    lanes->pass = pass;
    lanes->failed = false;
    if (lanes->most_pages != pass->most_pages)
        lanes->pages = lanes->most_pages = pass->most_pages;
    for (size_t i = 0; i < lanes->count; i++)
        lanes->lane[i].state = LANE_IDLE;
    if (!S_open_all(lanes, err))
        return false;
    for (;;) {
        S_take_answers(lanes);
        bool rests = lanes->failed || run_is_hindered(run);
        if (!rests)
            S_send_all(lanes);
        if (S_is_any(lanes, LANE_ANSWERED)) /* while a connection was opened again */
            continue;
        bool busy = S_is_any(lanes, LANE_BUSY);
        bool waits = S_is_any(lanes, LANE_WAITS) || S_is_any(lanes, LANE_SLEEPS);
        if (rests && !busy) {
            if (!S_rest(lanes, err))
                return false;
            continue;
        }
        if (!busy && !waits && !lanes->failed)
            return true;
        if (run->aborted)
            S_cancel_all(lanes);
        loop_turn(run->loop, busy && !waits ? -1 : S_patience(lanes));
    }
}
