/* silence: see silence.h. */
#include "silence.h"

#include "clock.h"
#include "failpoint.h"

#include <stdio.h>
#include <unistd.h>

enum {
    TICK_MS = 1000,
    SHORT_MS = 2 * TICK_MS, /* what is answered so soon is no silence */
    ANEW_MS = 60000,
    REPORT_MS = 180000, /* for the words after a server did not come back */
};

/* As a kill would: each child is told by the kernel, and what was committed is there. */
_Noreturn static void S_end_worker(const struct run *run, int64_t silent_ms)
{
    char span[16];
    clock_format_span(silent_ms, span);
    fprintf(stderr,
            "tenantdeck: PostgreSQL has given no answer for %s, so this worker ends (run %lld); "
            "what was committed is there\n"
            "  hint: the same command goes on from there when the server answers again\n",
            span, (long long)run->id);
    fflush(stderr);
    _exit(err_exit_code(ERR_LOST));
}

static bool S_is_heard(const struct pg *pg)
{
    return pg_is_ready(pg) || (pg_is_up(pg) && pg_waits_ms(pg) < SHORT_MS);
}

static void S_tick(void *ctx)
{
    struct run *run = ctx;
    const int64_t anew = FAILPOINT_HURRY(ANEW_MS), most = FAILPOINT_HURRY(RUN_LOST_FOR_MS);
    run->silence = loop_after(run->loop, TICK_MS, S_tick, run);
    run->silent_ms = S_is_heard(run->control) ? 0 : run->silent_ms + TICK_MS;
    if (run->silent_ms >= most + FAILPOINT_HURRY(REPORT_MS))
        S_end_worker(run, run->silent_ms);
    /* While a plan is claimed its journal may be made anew, which takes what it takes. */
    if (run->pulse && pg_is_up(run->control) && pg_waits_ms(run->control) >= anew)
        pg_close(run->control);
}

void silence_watch(struct run *run)
{
    run->silence = loop_after(run->loop, TICK_MS, S_tick, run);
}

void silence_forget(struct run *run)
{
    loop_cancel(run->silence);
    run->silence = NULL;
}
