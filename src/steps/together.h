/*
 * together: commands to Redis that belong together: all of them, or as few as can be.
 *
 * A single server does them in one MULTI, and nobody sees a half. Where there is none (a cluster,
 * whose keys lie on several servers), they are done one after the other in the order in which they
 * were added; so whoever adds them chooses an order of which each half does no harm, and can be
 * done again.
 */
#ifndef TD_TOGETHER_H
#define TD_TOGETHER_H

#include "keyspace.h"

struct together { /* zeroed: empty */
    char **words; /* of all commands, one after the other */
    size_t word_count, word_cap;
    size_t *ends; /* where each of them ends */
    size_t count, end_cap;
};

/* A command of C strings, ended by NULL; they are copied. */
void together_add(struct together *together, const char *first, ...);
void together_release(struct together *together);

/*
 * Does them, and empties `together` in any case. After a WATCH of the caller's, `*done` says
 * whether they were done, or a watched key had changed; `done` NULL: nothing was watched. An error
 * among them is an error of the whole, though others of them may be done.
 */
bool together_do(struct together *together, struct keyspace *keyspace, bool *done, struct err *err);

#endif
