/*
 * lane: several connections that go over one table at the same time, a range of blocks each.
 *
 * A batch is one statement, and so one transaction that holds its checkpoint too. When its answer
 * does not come, the checkpoint tells whether it was committed; nothing is guessed. A pass leaves a
 * pause, a stop or the throttle to run_breathe(), for which all lanes come to rest first.
 */
#ifndef TD_LANE_H
#define TD_LANE_H

#include "blocks.h"
#include "run.h"

struct lanes;

struct lane_pass {
    const char *unit, *statement; /* the batch; its parameters are told in fill.sql */
    const char *prepare; /* makes a batch of its own in each connection, used instead; or NULL */
    int number;
    int low, high; /* per cent of a page's rows */
    int most_pages;
    struct blocks *blocks; /* what is left to do */
    int64_t changed;       /* rows; what an earlier worker has changed included */
};

/*
 * Opens no connection yet. `*done` counts the rows for run_progress(), `*total` is the other
 * figure.
 */
struct lanes *lanes_new(struct run *run, int64_t *done, const int64_t *total);
void lanes_free(struct lanes *lanes); /* NULL is fine */

bool lanes_go_over(struct lanes *lanes, struct lane_pass *pass, struct err *err);
/* The first lane's connection, open and quiet, for what is not a batch; between passes only. */
bool lanes_borrow(struct lanes *lanes, struct pg **out, struct err *err);

#endif
