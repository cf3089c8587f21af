/*
 * dry: every statement that a run would send, in order, as text: what is printed is what runs.
 *
 * Asked over a read-only connection. Batches are shown as their one statement, whose parameters are
 * named in the comment above it.
 */
#ifndef TD_DRY_H
#define TD_DRY_H

#include "run.h"

#include <stdio.h>

enum { DRY_LOCKS = 8, DRY_LOCK_SIZE = 128 };

struct dry_tally { /* what the statements of a step come to */
    bool listed;   /* they could be told; else the journal has to know something first */
    size_t statements;
    size_t batched, rewritten; /* tables that are filled in batches, and in one statement */
    int64_t rows;              /* of those, by estimate */
    struct dry_lock {
        char takes[DRY_LOCK_SIZE]; /* "ACCESS EXCLUSIVE, for moments" */
        size_t statements;
    } locks[DRY_LOCKS];
    size_t lock_count; /* what is beyond the last is counted with it */
};

struct dry_scope {
    const char *const *steps; /* NULL: all but release */
    size_t step_count;
    const char *const *units; /* tables; NULL: all */
    size_t unit_count;
    bool mends; /* of step fill the statement that mends rows, and not the one that fills all */
    struct dry_tally *tallies; /* one for each of `steps`; NULL: nobody asks */
    size_t *statements;        /* how many were printed or would be; NULL: nobody asks */
};

/* `out` NULL: only counts. */
bool dry_print(struct pg *pg, const struct plan *plan, enum run_mode mode,
               const struct dry_scope *scope, FILE *out, struct err *err);

/*
 * A statement and its ';': byte for byte, unless it goes to a terminal, which its names and
 * literals might steer.
 */
void dry_statement(FILE *out, const char *statement);

#endif
