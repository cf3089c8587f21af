/*
 * crew: pieces of work that do not disturb each other, done over two connections at the same time.
 *
 * The first of them is the run's own; the second is opened when there is more than one piece, and
 * when it cannot be had the first does all. Each piece is one statement that may take long, between
 * a beginning and an end that are short: those run one after the other, with run->work set to the
 * connection of the piece, so that run_begin(), run_keep(), run_mark() and run_commit() go there. A
 * pause, a stop or the throttle is left to run_breathe(), for which all connections come to rest.
 */
#ifndef TD_CREW_H
#define TD_CREW_H

#include "run.h"

struct crew_work {
    void *ctx;
    int count; /* pieces; they are begun in this order, except for those that must wait */
    const char *(*statement)(void *ctx, int piece);
    /* Two pieces with the same one are not under way at the same time; NULL: it does not matter. */
    const char *(*unit)(void *ctx, int piece);
    bool (*begin)(struct run *run, void *ctx, int piece, struct err *err);
    /* Takes from the answer what it needs, and does nothing else; `answer` is borrowed. */
    void (*answer)(void *ctx, int piece, const struct pg_result *answer);
    /* `failure`: of the statement; NULL: it succeeded. False: nothing more is begun. */
    bool (*end)(struct run *run, void *ctx, int piece, const struct err *failure, struct err *err);
};

/* False with the first error, once all that was under way has ended. */
bool crew_do(struct run *run, const struct crew_work *work, struct err *err);

#endif
