/*
 * claim: begins a run, or goes on with one: one runner a plan, and who holds it, since when.
 *
 * Two things exclude each other's worker: the runner's lock, which ends with its session, and the
 * lease, whose epoch is raised at each claim. What a dead worker has left at work is ended first
 * (inherit.h).
 */
#ifndef TD_CLAIM_H
#define TD_CLAIM_H

#include "run.h"
#include "token.h"

struct run_order {    /* what a verb wants to have done; borrowed until the claim is over */
    const char *verb; /* "migrate", "run fill", "validate", "rollback" */
    enum run_mode mode;
    bool mode_given;          /* else a resume takes that of its run */
    const char *const *steps; /* names, in order */
    size_t step_count;
    json_t *options;
    bool takeover;                 /* end the lock session of a worker that gives no sign of life */
    const struct run_token *token; /* what was shown before somebody said yes to it; NULL */
};

/* Connects, makes the journal if there is none, and claims. `*out` is yours, run_close(). */
bool run_open(struct loop *loop, struct session *session, const struct run_order *order,
              struct run **out, struct err *err);
/* Gives the lease back with the run's last state ("done", "failed", "stopped", "undone"). */
void run_close(struct run *run, const char *state, const char *trouble);

/* The steps of the plan and the last word of the journal about each: NULL when it never ran. */
bool run_read_order(struct pg *pg, const struct plan *plan, struct arena *arena,
                    const struct step_def ***defs, const char ***states, size_t *count,
                    struct err *err);

#endif
