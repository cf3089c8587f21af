/* fill_wait: see fill_wait.h. */
#include "fill_wait.h"

#include "clock.h"
#include "run_limits.h"
#include "sql.h"
#include "throttle.h"

#include <stdlib.h>

enum { LOOK_MS = 100, TOLD_AFTER_MS = 1000 };

struct wait {
    const char *statement; /* $1: only those of a list, $2: the plan; answers count, list, names */
    const char *reason;
    const int64_t *waited_ms; /* before this; NULL: it takes as long as it takes */
    int64_t begun_ms;
    char *list;  /* those of the first look: others came later, and do no harm */
    char *names; /* of those that are left */
    int64_t count;
};

static bool S_look(struct run *run, struct wait *wait, struct err *err)
{
    const char *values[] = {wait->list, run->document};
    struct pg_result *result;
    if (!run_query(run, sql_get(wait->statement), values, ARRAY_LEN(values), &result, err))
        return false;
    wait->count = pg_int(result, 0, 0);
    if (!wait->list)
        wait->list = str_dup(pg_text(result, 0, 1));
    free(wait->names);
    wait->names = str_dup(pg_text(result, 0, 2));
    pg_result_free(result);
    return true;
}

/* Asked each time, since a person may set the limit meanwhile. */
static bool S_has_patience(const struct run *run, const struct wait *wait)
{
    int64_t most = run->throttle ? throttle_patience_ms(run->throttle) : USUAL_PATIENCE_MS;
    return !wait->waited_ms || most == LIMIT_OFF ||
           *wait->waited_ms + clock_ms() - wait->begun_ms < most;
}

/* On screen at once; into the journal when it is worth a line. */
static void S_show(struct run *run, const struct wait *wait, bool *told)
{
    char *reason = str_format("%s (%s)", wait->reason, wait->names);
    run_waits_for(run, reason);
    if (!*told && clock_ms() - wait->begun_ms >= TOLD_AFTER_MS) {
        run_say(run, "info", "worker", "waits %s", reason);
        *told = true;
    }
    free(reason);
}

/* Until those of the first look have ended, or the patience has: then `count` of them are left. */
static bool S_wait(struct run *run, struct wait *wait, struct err *err)
{
    bool told = false;
    wait->begun_ms = clock_ms();
    bool ok = S_look(run, wait, err);
    while (ok && wait->count > 0 && S_has_patience(run, wait)) {
        S_show(run, wait, &told);
        run_wait(run, LOOK_MS);
        ok = run_breathe(run, err) && S_look(run, wait, err);
    }
    run_waits_for(run, NULL);
    return ok;
}

static void S_release(struct wait *wait)
{
    free(wait->list);
    free(wait->names);
}

bool fill_wait_for_writers(struct run *run, struct err *err)
{
    struct wait wait = {.statement = "fill_writers",
                        .reason = "for transactions that were writing to end"};
    bool ok = S_wait(run, &wait, err);
    S_release(&wait);
    return ok;
}

bool fill_wait_for_snapshots(struct run *run, const char *unit, int64_t *waited_ms, struct err *err)
{
    struct wait wait = {.statement = "fill_snapshots",
                        .reason = "for transactions that see the rows as they were to end",
                        .waited_ms = waited_ms};
    bool ok = S_wait(run, &wait, err);
    *waited_ms += clock_ms() - wait.begun_ms;
    if (ok && wait.count > 0)
        run_say(
            run, "warn", "worker",
            "'%s' is gone over although transactions still see its parent without codes (%s): rows "
            "that they write into it get none, which step confirm tells, and 'fix' mends",
            unit, wait.names);
    S_release(&wait);
    return ok;
}
