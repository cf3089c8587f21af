/*
 * kind: what each kind of plan expands into: the steps, in order.
 *
 * A step is one of a few types; what it does and how it is undone is told in words here, once,
 * for the Steps pane, the confirmation, the manual and `plan show`.
 */
#ifndef TD_KIND_H
#define TD_KIND_H

#include "plan.h"

enum step_type {
    STEP_ONCE,    /* some statements a table, each done once */
    STEP_BATCH,   /* many transactions with a checkpoint each */
    STEP_REWRITE, /* one statement a table that rewrites it */
    STEP_COPY,    /* rows in from a file or from Redis */
    STEP_SCAN,    /* walks Redis */
    STEP_VERIFY,  /* reads only */
    STEP_OUTSIDE, /* a command of somebody else */
};

struct step_def {
    const char *name;
    enum step_type type;
    const char *does;                        /* a sentence without a full stop */
    const char *undo;                        /* likewise; NULL: nothing to undo */
    const char *stands_on;                   /* "columns fill": steps that must stay as long as it
                                                does; NULL: nobody knows, so all before it */
    bool (*wanted)(const struct plan *plan); /* NULL: always */
};

const char *step_type_name(enum step_type type);
/* A backup and somebody else's commands may be left out; whoever wants them runs them. */
bool step_may_be_left_out(const char *name, const char *type_name);

/* The steps of this plan, in order, without those it has no use for. `out` is an arena's array. */
size_t kind_steps(const struct plan *plan, struct arena *arena, const struct step_def ***out);
/* The same with those: an earlier version of the plan may have done them. */
size_t kind_every_step(const struct plan *plan, struct arena *arena, const struct step_def ***out);

#endif
