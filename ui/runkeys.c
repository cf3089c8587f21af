/*
 * runkeys: the keys of the pane Steps: they begin a run, or speak to the one at work.
 *
 * Each is a verb of the table, as if it was typed after ':', and so comes by the same checks and
 * the same questions; here is only what a key bar wants to know beforehand.
 */
#include "console_state.h"
#include "kind.h"

#include <stdlib.h>

static const struct step_view *S_step(const struct console *console)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    size_t row;
    return pane_row(&console->panes.panes[TABLE_STEPS], &row) ? &snapshot->steps[row] : NULL;
}

static const struct run_view *S_run(const struct console *console)
{
    return &sampler_snapshot(console->sampler)->run;
}

/* ---- what is not possible ---- */

static bool S_is_done(const struct step_view *step)
{
    return step->state == STEP_DONE || step->state == STEP_SKIPPED;
}

static bool S_is_out_of_order(const struct console *console)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    for (const struct step_view *at = snapshot->steps, *step = S_step(console); at < step; at++)
        if (!S_is_done(at) && !step_may_be_left_out(at->name, at->type))
            return true;
    return false;
}

static bool S_begins(enum action action)
{
    return action == ACT_RUN_STEP || action == ACT_RUN_TO || action == ACT_RUN_ALL;
}

static bool S_needs_row(enum action action)
{
    return action == ACT_RUN_STEP || action == ACT_RUN_TO || action == ACT_HOLD;
}

static bool S_waits(const struct run_view *run)
{
    return str_is(run->state, "paused") || str_is(run->state, "held");
}

const char *runkeys_barred(const struct console *console, enum action action)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    const struct run_view *run = S_run(console);
    if (!snapshot->operator_mode)
        return "this console only looks; open it with --operator";
    if (snapshot->database.state != SERVER_UP)
        return "the database does not answer";
    if (!snapshot->step_count)
        return "no plan with steps is open";
    if (S_begins(action) && run->present && run->alive)
        return "a run is at work already: p pauses it, t stops it";
    if (!S_begins(action) && !(run->present && run->alive))
        return "no run is at work: M begins one";
    if (S_needs_row(action) && !S_step(console))
        return "there is no step here";
    if (action == ACT_RUN_STEP && S_is_out_of_order(console))
        return "a step before this one has not been done: u runs all up to this one";
    return NULL;
}

/* ---- what they do ---- */

static unsigned S_with_step(struct console *console, const char *verb, bool steers)
{
    char *line = str_format("%s %s", verb, S_step(console)->name);
    unsigned wishes = steers ? verbline_steer(console, line, true) : verbline_run(console, line);
    free(line);
    return wishes;
}

/* Nothing is lost by a pause or by other batches; everything else is asked about. */
unsigned runkeys_do(struct console *console, enum action action)
{
    switch (action) {
    case ACT_RUN_STEP:
        return S_with_step(console, "run", false);
    case ACT_RUN_TO:
        return S_with_step(console, "migrate --to", false);
    case ACT_RUN_ALL:
        return verbline_run(console, "migrate");
    case ACT_PAUSE:
        return S_waits(S_run(console)) ? verbline_steer(console, "resume", true)
                                       : verbline_steer(console, "pause", false);
    case ACT_HOLD:
        return S_with_step(console, "hold", true);
    case ACT_HOLD_NOT:
        return verbline_steer(console, "hold", true);
    case ACT_STOP:
        return verbline_steer(console, "stop", true);
    case ACT_ABORT:
        return verbline_steer(console, "abort", true);
    case ACT_FASTER:
        return verbline_steer(console, "throttle batch=*2", false);
    case ACT_SLOWER:
        return verbline_steer(console, "throttle batch=/2", false);
    case ACT_SLEEP_LESS:
        return verbline_steer(console, "throttle sleep=-0.5", false);
    case ACT_SLEEP_MORE:
        return verbline_steer(console, "throttle sleep=+0.5", false);
    default:
        return 0;
    }
}
