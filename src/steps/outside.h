/*
 * outside: takes back what a command of somebody else did, by the command that the plan names for
 * it.
 *
 * The step itself is step_outside() of steps.h.
 */
#ifndef TD_OUTSIDE_H
#define TD_OUTSIDE_H

#include "run.h"

/*
 * Runs what the undo record of run->step holds: the words of a command, as JSON. It is run and
 * judged like the command itself, in its folder, within its time.
 */
bool outside_undo(struct run *run, const char *statement, struct err *err);

#endif
