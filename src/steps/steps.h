/*
 * steps: how each step is done. One file for each type of work; this is the table of them.
 *
 * A step is done again without harm: what it finds done it leaves. What is left to do is asked of
 * the catalog, of Redis or of the checkpoints, never of a flag of our own.
 */
#ifndef TD_STEPS_H
#define TD_STEPS_H

#include "run.h"

typedef bool step_perform_fn(struct run *run, struct err *err); /* of run->step */

struct step_doer {
    const char *name; /* as in kind.c */
    step_perform_fn *perform;
    const char *generator; /* the statement that tells what is left to do; NULL: none */
};

const struct step_doer *steps_find(const char *name); /* NULL: nobody knows how */

/* once.c: the items that the generator answers, each in a transaction of its own or alone */
step_perform_fn step_once, step_distribute, step_release;
/* … for whoever does a part of a step so: what is left to do, all of it, and its undo records */
/* What step release would take away now: fill triggers of how many tables, how many indexes. */
bool step_release_left(struct run *run, int *tables, int *indexes, struct err *err);
bool step_list(struct run *run, const char *generator, struct pg_result **out, struct err *err);
bool step_items(struct run *run, const char *generator, struct err *err);
bool step_keep(struct run *run, const char *records, struct err *err);

/* fill.c */
step_perform_fn step_fill;
/* verify.c: runs the checks that the generator answers, and writes a finding for each */
step_perform_fn step_verify;
bool step_checks(struct run *run, const char *generator, struct err *err);
/* copy.c: the mapping file into the journal */
step_perform_fn step_mapping;
/*
 * How many keys of the file, or of what is loaded of it, have other codes in the other; 0 before.
 */
bool step_mapping_differs(struct run *run, int64_t *keys, struct err *err);
/* outside.c: somebody else's command */
step_perform_fn step_outside;
/* backup.c */
step_perform_fn step_backup;
/* functions.c and views.c: the plan's .sql files */
step_perform_fn step_functions, step_views;
/*
 * What these steps, and cache-warm, would refuse in their turn: their files can be read and hold
 * what they may, and no tenant's view has a name that it cannot have. The latter needs the mapping.
 */
step_perform_fn step_functions_fit, step_views_fit, step_warm_fits, step_view_names_fit;
/* clear.c and warm.c: Redis */
step_perform_fn step_cache_clear, step_cache_warm;
/*
 * The undo of warm, whose records have the type "keys" and a key template as their statement:
 * removes the keys that fit. A Redis that is away does not hold up the others: they end by
 * themselves.
 */
bool step_unwarm(struct run *run, const char *key, struct err *err);
/* report.c */
step_perform_fn step_report;

#endif
