/*
 * inherit: what an earlier worker of the plan has left: is it dead at all, and what of it still
 * works?
 *
 * Its backends and commands are ended before a new worker begins, and only those, each only if its
 * number and its start agree.
 */
#ifndef TD_INHERIT_H
#define TD_INHERIT_H

#include "run.h"

/*
 * The lock's session may end alone, and its worker go on: listens for a sign of life as long as
 * backends of it are at work. One that was killed has none, or falls silent.
 */
bool inherit_listen(struct run *run, bool *beats, struct err *err);

/* Ends them. A command on another host is somebody's to look at, unless he says `takeover`. */
bool inherit_end(struct run *run, bool takeover, struct err *err);

#endif
