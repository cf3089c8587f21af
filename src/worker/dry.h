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

struct dry_scope {
    const char *const *steps; /* NULL: all but release */
    size_t step_count;
    const char *const *units; /* tables; NULL: all */
    size_t unit_count;
    bool mends; /* of step fill the statement that mends rows, and not the one that fills all */
    size_t *statements; /* how many were printed or would be; NULL: nobody asks */
};

/* `out` NULL: only counts. */
bool dry_print(struct pg *pg, const struct plan *plan, enum run_mode mode,
               const struct dry_scope *scope, FILE *out, struct err *err);

/*
 * A statement and its ';': byte for byte, unless it goes to a terminal, which its names and literals
 * might steer.
 */
void dry_statement(FILE *out, const char *statement);

#endif
