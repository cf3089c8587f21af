/* logind: whether the end of a login session would end the worker with it. */
#ifndef TD_LOGIND_H
#define TD_LOGIND_H

#include <stdbool.h>

/*
 * True when this process stands in a session of logind's, KillUserProcesses is on for this user, and
 * the user does not linger: what is launched from here dies when the user logs out.
 */
bool logind_would_kill(void);

/* The same, asked of files below `root` ("" on a real system), for user `name` in cgroup `cgroup`. */
bool logind_judges(const char *root, const char *name, const char *cgroup);

#endif
