/*
 * outside_wait: what the server still does for a command that is gone.
 *
 * A command that is killed leaves its statement to the server, which notices only when it wants to
 * answer: an ALTER TABLE or a COPY of an hour goes on for an hour, and commits. Such a session is
 * found by the name that every command of ours is given for its sessions (process_session()). It is
 * waited for, and never cancelled: whoever wants it ended is told its pid.
 */
#ifndef TD_OUTSIDE_WAIT_H
#define TD_OUTSIDE_WAIT_H

#include "run.h"

/* Until no statement of an earlier command of the plan is under way, whichever step began it. */
bool outside_wait(struct run *run, struct err *err);

/*
 * Asked once, by a run that ends without waiting: what is under way is said. False as well when the
 * server does not tell.
 */
bool outside_has_ended(struct run *run);

#endif
