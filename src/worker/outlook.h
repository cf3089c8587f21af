/*
 * outlook: what stands before somebody who is asked whether steps shall be run: what each does, how
 * many statements it sends and which locks they take, how many rows, how long, and how it is taken
 * back.
 *
 * The figures come from the same generators that the run goes by, from the catalog, and from what
 * the journal knows of earlier runs. What nobody can know is said to be unknown.
 */
#ifndef TD_OUTLOOK_H
#define TD_OUTLOOK_H

#include "token.h"

#include "run.h"

#include <stdio.h>

struct outlook {
    const struct plan *plan;
    enum run_mode mode;
    const struct step_def *const *defs; /* the steps that are asked for, in order */
    const char *const *states;          /* the journal's last word of each; NULL: it never ran */
    size_t count;
    const char *where; /* "mentoring@db1 as dba" */
    int64_t batch_ms;  /* how long a batch should take */
};

/*
 * `sql` (65 bytes) becomes the digest of all that would be sent. The connection should be
 * read-only.
 */
bool outlook_print(struct pg *pg, const struct outlook *outlook, FILE *out,
                   char sql[static TOKEN_HASH_SIZE], struct err *err);

#endif
