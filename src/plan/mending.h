/*
 * mending: which steps bring back what a check of a validation finds wrong, without deciding
 * anything about data. One table for the verb that mends and for the pane that tells whether it
 * would.
 */
#ifndef TD_MENDING_H
#define TD_MENDING_H

#include "base.h"

enum { MENDING_STEPS = 4 };

struct mending {   /* what has been done of the plan */
    bool released; /* the fill triggers are gone for good, so that nothing makes them again */
    bool spread;   /* Citus has the tables: it takes no triggers */
};

/*
 * Names in the order in which they are done, NULL after the last; NULL: only a person can decide.
 */
const char *const *mending_steps(const char *check_name, const char *message,
                                 const struct mending *done);
/* What is said where there are none. */
#define MENDING_NONE                                                                               \
    "Nothing mends this by itself, since that would decide about data or about what is somebody "  \
    "else's."

#endif
