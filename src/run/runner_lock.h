/*
 * runner_lock: the runner's lock of a plan, held by a session that does nothing else.
 *
 * When that session is lost (a firewall, an administrator) the worker goes on under the fence of
 * its lease, and takes the lock again by another session; so nobody else begins meanwhile.
 */
#ifndef TD_RUNNER_LOCK_H
#define TD_RUNNER_LOCK_H

#include "run.h"

/* One attempt; `*backend` says which session has it. The connection must be open. */
struct lock_session {
    struct number_text pid;
    char start[64];
};
bool runner_lock_try(struct run *run, bool *got, struct lock_session *session, struct err *err);

/* For the pulse: sees to it that the lock is held, or is being taken again. Returns at once. */
void runner_lock_keep(struct run *run);
bool runner_lock_is_held(const struct run *run);

#endif
