/* inherit: see inherit.h. */
#include "inherit.h"

#include "clock.h"
#include "control.h"
#include "process.h"

#include <stdio.h>

enum {
    ENDING_MS = 30000,   /* how long an old backend may take to end */
    PATIENCE_MS = 10000, /* between asking an old command to end and ending it */
    LISTEN_MS = 3500,    /* who is alive beats within this time: every 1.9 s, by a pulse of 0.5 s */
    LOOK_MS = 100,
};

static bool S_count(struct run *run, const char *statement, int64_t *count, struct err *err)
{
    const char *values[] = {run->plan->name};
    struct pg_result *answer;
    if (!control_run(run, statement, values, 1, &answer, err))
        return false;
    *count = pg_int(answer, 0, 0);
    pg_result_free(answer);
    return true;
}

static bool S_end_backends(struct run *run, struct err *err)
{
    int64_t alive, until = clock_ms() + ENDING_MS;
    for (;;) {
        if (!S_count(run, "run_old_backends", &alive, err))
            return false;
        if (!alive)
            return true;
        if (clock_ms() > until)
            return err_set(err, ERR_HELD,
                           "%lld backends of an earlier worker are still at work and do not end",
                           (long long)alive);
        run_wait(run, LOOK_MS);
    }
}

static bool S_end_command(struct run *run, const struct pg_result *list, int row, bool takeover,
                          struct err *err)
{
    struct process_identity who = {.pid = (pid_t)pg_int(list, row, 2),
                                   .start_ticks = pg_int(list, row, 5)};
    bool elsewhere = false;
    snprintf(who.host, sizeof(who.host), "%s", pg_text(list, row, 3));
    snprintf(who.boot_id, sizeof(who.boot_id), "%s", pg_text(list, row, 4));
    process_family(&who, NULL, 0, &elsewhere);
    if (elsewhere && !takeover) {
        err_set(err, ERR_HELD, "process %d (%s) of an earlier worker may still run on host '%s'",
                (int)who.pid, pg_text(list, row, 6), who.host);
        return err_hint(err, "see to it that it has ended there, then say --takeover");
    }
    const char *values[] = {pg_text(list, row, 0), NULL, NULL};
    return (elsewhere || process_put_down(run->loop, &who, PATIENCE_MS, err)) &&
           control_run(run, "run_child_ended", values, ARRAY_LEN(values), NULL, err);
}

static bool S_end_commands(struct run *run, bool takeover, struct err *err)
{
    const char *values[] = {run->plan->name};
    struct pg_result *list;
    if (!control_run(run, "run_old_children", values, 1, &list, err))
        return false;
    bool ok = true;
    for (int row = 0; ok && row < pg_rows(list); row++)
        ok = S_end_command(run, list, row, takeover, err);
    pg_result_free(list);
    return ok;
}

bool inherit_end(struct run *run, bool takeover, struct err *err)
{
    return S_end_backends(run, err) && S_end_commands(run, takeover, err);
}

/* ---- has it died? ---- */

/* Since when its heartbeat is silent; -1: nobody has the lease. */
static bool S_silence(struct run *run, int64_t *ms, struct err *err)
{
    const char *values[] = {run->plan->name};
    struct pg_result *holder;
    if (!control_run(run, "run_holder", values, 1, &holder, err))
        return false;
    *ms = pg_rows(holder) ? pg_int(holder, 0, pg_col(holder, "silent_ms")) : -1;
    pg_result_free(holder);
    return true;
}

bool inherit_listen(struct run *run, bool *beats, struct err *err)
{
    int64_t silent, alive, began = clock_ms();
    *beats = false;
    for (;;) {
        if (!S_silence(run, &silent, err))
            return false;
        int64_t listened = clock_ms() - began;
        *beats = silent >= 0 && silent < listened;
        if (*beats || silent < 0 || silent > LISTEN_MS || listened > LISTEN_MS)
            return true;
        if (!S_count(run, "run_backends_alive", &alive, err))
            return false;
        if (!alive)
            return true;
        run_wait(run, LOOK_MS);
    }
}
