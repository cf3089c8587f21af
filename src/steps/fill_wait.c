/* fill_wait: see fill_wait.h. */
#include "fill_wait.h"

#include "clock.h"
#include "sql.h"

#include <stdlib.h>

enum { LOOK_MS = 100 };

struct wait {
    const char *statement; /* $1: only those of a list, $2: the plan; answers count, list, names */
    const char *reason;
    int64_t until_ms; /* of clock_ms(); 0: as long as it takes */
    char *list;       /* those of the first look: others came later, and do no harm */
    char *names;      /* of those that are left */
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

/* Until those of the first look have ended, or the time is over: then `count` of them are left. */
static bool S_wait(struct run *run, struct wait *wait, struct err *err)
{
    bool ok = S_look(run, wait, err);
    while (ok && wait->count > 0 && (!wait->until_ms || clock_ms() < wait->until_ms)) {
        run_waits_for(run, wait->reason);
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

bool fill_wait_for_snapshots(struct run *run, const char *unit, int64_t *patience_ms,
                             struct err *err)
{
    int64_t begun = clock_ms();
    struct wait wait = {.statement = "fill_snapshots",
                        .reason = "for transactions that see the rows as they were to end",
                        .until_ms = begun + *patience_ms};
    bool ok = S_wait(run, &wait, err);
    int64_t left = *patience_ms - (clock_ms() - begun);
    *patience_ms = left > 0 ? left : 0;
    if (ok && wait.count > 0)
        run_say(
            run, "warn", "worker",
            "'%s' is gone over although transactions still see its parent without codes (%s): rows "
            "that they write into it get none, which step confirm tells, and 'fix' mends",
            unit, wait.names);
    S_release(&wait);
    return ok;
}
