/*
 * mending: which steps bring back what a check of a validation finds wrong, without deciding anything
 * about data. One table for the verb that mends and for the pane that tells whether it would.
 */
#ifndef TD_MENDING_H
#define TD_MENDING_H

#include "base.h"

enum { MENDING_STEPS = 4 };

/*
 * Names in the order in which they are done, NULL after the last; NULL: only a person can decide. After
 * step release the fill triggers are gone for good, so that nothing makes them again.
 */
const char *const *mending_steps(const char *check_name, const char *message, bool released);

#endif
