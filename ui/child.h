/*
 * child: a piece of work beside the console, in a forked process, with its output in a pipe.
 *
 * So a verb may wait for servers as long as it likes, crash, or be ended, and the console answers
 * keys all the while. The child has no terminal, no connection and no signal handler of ours.
 */
#ifndef TD_CHILD_H
#define TD_CHILD_H

#include "err.h"
#include "loop.h"

#include <stdio.h>

struct child;

/* Runs in the child, with stdout and stderr of its own; its result is the exit status. */
typedef int child_work_fn(void *ctx, FILE *out);

struct child_ears {
    void (*heard)(void *ctx, const char *bytes, size_t length);
    /* The exit status, or minus the number of the signal; the child is gone after that. */
    void (*ended)(void *ctx, int status);
    void *ctx;
};

struct child *child_start(struct loop *loop, child_work_fn *work, void *work_ctx,
                          const struct child_ears *ears, struct err *err);

/* Ends it, politely at first, and waits for it; `ended` is not called. NULL is fine. */
void child_end(struct child *child);

#endif
