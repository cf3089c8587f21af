/* logind: whether the end of a login session would end the worker with it. */
#ifndef TD_LOGIND_H
#define TD_LOGIND_H

#include <stdbool.h>
#include <sys/types.h>

enum logind_verdict {
    LOGIND_SPARES,       /* no logind, or it leaves alone what stands where this process stands */
    LOGIND_ENDS_SESSION, /* it stands in a session's scope, whose processes are killed at logout */
    LOGIND_ENDS_MANAGER, /* below the user's own manager, which ends with the last session */
};

/* Of what is launched from here. */
enum logind_verdict logind_ask(void);

/* Whose login a process in this cgroup belongs to, also below sudo; false: to nobody's. */
bool logind_owner(const char *cgroup, uid_t *uid);

/*
 * The same, asked of files below `root` ("" on a real system), for user `name` in cgroup `cgroup`.
 */
enum logind_verdict logind_judges(const char *root, const char *name, const char *cgroup);

#endif
