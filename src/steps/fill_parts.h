/*
 * fill_parts: what the two files of the fill share: fill.c goes over the tables, fill_rewrite.c
 * rewrites those that can be. Nobody else includes it.
 */
#ifndef TD_FILL_PARTS_H
#define TD_FILL_PARTS_H

#include "fill.h"

enum { FILL_MOST_SHARES = 16 };

struct fill_unit { /* a row of work_fill; borrowed */
    const char *name, *relation, *how, *prepare, *statement, *settle, *tidy, *records;
    int64_t rows;
    int shares[FILL_MOST_SHARES];
    int share_count;
    int turn; /* of a rewrite, among those that may go beside each other; 0: it may not */
    bool is_done, is_child;
};

/* Statistics and visibility, for the steps that follow; they do without, if need be. */
void fill_tidy(struct run *run, const struct fill_unit *unit);

/*
 * Rewrites these tables, two at a time, in this order; what a checkpoint says is rewritten stays as
 * it is. `*done` grows by the rows of each, and goes to run_progress() with `total`.
 */
bool fill_rewrite(struct run *run, const struct fill_unit *const *units, int count, int64_t *done,
                  int64_t total, struct err *err);

#endif
