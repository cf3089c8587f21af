/*
 * login_check: are the sessions of the service as they should be? Reads all of them, changes none.
 *
 * The findings: a session that says it is another tenant's (a leak), one that never ends, one that
 * no reader understands, users with more than the plan allows, and what has drifted apart between a
 * session and the set of its user. Memory grows by 16 bytes for a session and with the users.
 */
#ifndef TD_LOGIN_CHECK_H
#define TD_LOGIN_CHECK_H

#include "keyspace.h"
#include "snapshot.h"

/* Of one tenant or of all (NULL). The checks are an arena's array. */
bool login_check(struct keyspace *keyspace, const struct plan *plan, const char *tenant,
                 struct arena *arena, struct check_view **out, size_t *count, struct err *err);

#endif
