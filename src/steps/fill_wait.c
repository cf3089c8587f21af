/* fill_wait: see fill_wait.h. */
#include "fill_wait.h"

#include "await.h"
#include "clock.h"

bool fill_wait_for_writers(struct run *run, struct err *err)
{
    struct await await = {.statement = "fill_writers",
                          .reason = "for transactions that were writing to end"};
    bool ok = await_ends(run, &await, err);
    await_release(&await);
    return ok;
}

bool fill_wait_for_snapshots(struct run *run, const char *unit, int64_t *waited_ms, struct err *err)
{
    struct await await = {.statement = "fill_snapshots",
                          .reason = "for transactions that see the rows as they were to end",
                          .waited_ms = waited_ms};
    bool ok = await_ends(run, &await, err);
    *waited_ms += clock_ms() - await.begun_ms;
    if (ok && await.count > 0)
        run_say(
            run, "warn", "worker",
            "'%s' is gone over although transactions still see its parent without codes (%s): rows "
            "that they write into it get none, which step confirm tells, and 'fix' mends",
            unit, await.names);
    await_release(&await);
    return ok;
}
