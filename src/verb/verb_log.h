/*
 * verb_log: what the two kinds of log have in common: which lines are wanted, and how one is
 * printed.
 */
#ifndef TD_VERB_LOG_H
#define TD_VERB_LOG_H

#include "logline.h"
#include "verb.h"

struct log_order {
    bool follow;
    int64_t lines; /* -1: all */
    enum severity least;
    const char *step, *table, *grep; /* NULL: any */
    int64_t run;                     /* 0: any */
};

/* Waits a moment; false: somebody wants to leave, or nobody reads any more. */
bool log_wait(struct verb_call *call);

/* The end of a file, and what is written to it. */
bool log_of_file(struct verb_call *call, const struct log_order *order, const char *path,
                 struct err *err);

#endif
