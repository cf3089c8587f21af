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

/* The statements of the steps that are named (NULL: all but release). */
bool dry_print(struct pg *pg, const struct plan *plan, enum run_mode mode, const char *const *steps,
               size_t count, FILE *out, struct err *err);

/*
 * A statement and its ';': byte for byte, unless it goes to a terminal, which its names and literals
 * might steer.
 */
void dry_statement(FILE *out, const char *statement);

#endif
