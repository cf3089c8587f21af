/* await: see await.h. */
#include "await.h"

#include "clock.h"
#include "run_limits.h"
#include "sql.h"
#include "throttle.h"

#include <stdlib.h>

enum { LOOK_MS = 100, TOLD_AFTER_MS = 1000 };

bool await_look(struct run *run, struct await *await, struct err *err)
{
    const char *values[] = {await->list, run->document};
    struct pg_result *result;
    if (!run_query(run, sql_get(await->statement), values, ARRAY_LEN(values), &result, err))
        return false;
    await->count = pg_int(result, 0, 0);
    if (!await->list)
        await->list = str_dup(pg_text(result, 0, 1));
    free(await->names);
    await->names = str_dup(pg_text(result, 0, 2));
    pg_result_free(result);
    return true;
}

/* Asked each time, since a person may set the limit meanwhile. */
static bool S_has_patience(const struct run *run, const struct await *await)
{
    int64_t most = run->throttle ? throttle_patience_ms(run->throttle) : USUAL_PATIENCE_MS;
    return !await->waited_ms || most == LIMIT_OFF ||
           *await->waited_ms + clock_ms() - await->begun_ms < most;
}

/* On screen at once; into the journal when it is worth a line. */
static void S_show(struct run *run, const struct await *await, bool *told)
{
    char *reason = str_format("%s (%s)", await->reason, await->names);
    run_waits_for(run, reason);
    if (!*told && clock_ms() - await->begun_ms >= TOLD_AFTER_MS) {
        run_say(run, "info", "worker", "waits %s", reason);
        *told = true;
    }
    free(reason);
}

bool await_ends(struct run *run, struct await *await, struct err *err)
{
    bool told = false;
    await->begun_ms = clock_ms();
    bool ok = await_look(run, await, err);
    while (ok && await->count > 0 && S_has_patience(run, await)) {
        S_show(run, await, &told);
        run_wait(run, LOOK_MS);
        ok = run_breathe(run, err) && await_look(run, await, err);
    }
    run_waits_for(run, NULL);
    return ok;
}

void await_release(struct await *await)
{
    free(await->list);
    free(await->names);
}
