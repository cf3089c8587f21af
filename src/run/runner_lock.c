/*
 * runner_lock: see runner_lock.h. Taken again step by step, by callbacks: opened, locked, noted
 * with the lease; whatever fails is begun anew by the next pulse.
 */
#include "runner_lock.h"

#include "sql.h"

#include <stdio.h>

enum { OPEN_MS = 10000 };

bool runner_lock_try(struct run *run, bool *got, struct lock_session *session, struct err *err)
{
    const char *values[] = {run->plan->name};
    struct pg_result *lock;
    if (!pg_run(run->lock, sql_get("run_try_lock"), values, 1, &lock, err))
        return false;
    *got = run->locked = pg_bool(lock, 0, 0);
    snprintf(session->pid.text, sizeof(session->pid.text), "%s", pg_text(lock, 0, 1));
    snprintf(session->start, sizeof(session->start), "%s", pg_text(lock, 0, 2));
    pg_result_free(lock);
    return true;
}

bool runner_lock_is_held(const struct run *run)
{
    return run->locked && pg_is_up(run->lock);
}

/* No row: the lease was taken while nobody had the lock. */
static void S_noted(void *ctx, const struct pg_result *result, const struct err *err)
{
    struct run *run = ctx;
    if (err)
        return;
    run->locked = pg_rows(result) == 1;
    if (run->locked)
        return;
    run->fenced = true;
    pg_cancel(run->work);
}

static void S_tried(void *ctx, const struct pg_result *result, const struct err *err)
{
    struct run *run = ctx;
    if (err || !pg_bool(result, 0, 0))
        return; /* our old session is not yet seen to be gone; or another's, which the fence tells */
    struct number_text epoch = number_text(run->epoch);
    const char *values[] = {run->plan->name, epoch.text, pg_text(result, 0, 1),
                            pg_text(result, 0, 2)};
    pg_query(run->lock, sql_get("run_lock_again"), values, ARRAY_LEN(values), S_noted, run);
}

static void S_opened(void *ctx, const struct err *err)
{
    (void)err; /* the next pulse tries again */
    ((struct run *)ctx)->lock_opens = false;
}

void runner_lock_keep(struct run *run)
{
    const char *values[] = {run->plan->name};
    if (runner_lock_is_held(run) || run->lock_opens)
        return;
    run->locked = false;
    if (pg_is_ready(run->lock)) {
        pg_query(run->lock, sql_get("run_try_lock"), values, 1, S_tried, run);
    } else if (!pg_is_up(run->lock)) {
        run->lock_opens = true;
        pg_connect(run->lock, OPEN_MS, S_opened, run);
    }
}
