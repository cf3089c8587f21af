/* snapshot: see snapshot.h. The names here are the ones that users, JSON and the journal see. */
#include "snapshot.h"

void snapshot_free(struct snapshot *snapshot)
{
    /* The struct lies in its own arena. */
    if (snapshot)
        arena_free(snapshot->arena);
}

const char *step_state_name(enum step_state state)
{
    static const char *const names[] = {
        [STEP_WAITS] = "waits",     [STEP_RUNS] = "runs",     [STEP_PAUSED] = "paused",
        [STEP_DONE] = "done",       [STEP_FAILED] = "failed", [STEP_UNDONE] = "undone",
        [STEP_SKIPPED] = "skipped",
    };
    return names[state];
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_PASS] = "pass",
        [VERDICT_WARN] = "warn",
        [VERDICT_FAIL] = "fail",
        [VERDICT_UNKNOWN] = "unknown",
    };
    return names[verdict];
}

const char *severity_name(enum severity severity)
{
    static const char *const names[] = {
        [SEVERITY_DEBUG] = "debug",
        [SEVERITY_INFO] = "info",
        [SEVERITY_WARN] = "warn",
        [SEVERITY_ERROR] = "error",
    };
    return names[severity];
}

const struct step_view *snapshot_step(const struct snapshot *snapshot)
{
    const struct step_view *next = NULL;
    for (size_t i = 0; i < snapshot->step_count; i++) {
        const struct step_view *step = &snapshot->steps[i];
        bool under_way = step->state == STEP_RUNS || step->state == STEP_PAUSED ||
                         step->state == STEP_FAILED || step->waits;
        if (step->current && under_way)
            return step;
        if (step->current && step->state == STEP_WAITS && !next)
            next = step;
    }
    return str_is(snapshot->run.state, "stopped") ? next : NULL;
}
