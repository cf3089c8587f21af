/*
 * login_sets: the sets in which the service keeps the ids of each user's sessions.
 *
 * The service extends a session each time that it is used, and its set only when one begins: so
 * sets hold ids of sessions that are over, and sessions outlive their sets. Neither is an error of
 * a user; both are looked for here, and what is over is swept.
 */
#ifndef TD_LOGIN_SETS_H
#define TD_LOGIN_SETS_H

#include "keyspace.h"

struct login_set { /* borrowed for the call */
    const char *key, *tenant, *user;
    bool wrong;  /* the key is no set at all; then there is nothing in it */
    char **ids;  /* its members; one that holds a NUL, which no id does, is left out */
    bool *alive; /* … of which these are sessions that are there */
    size_t count, alive_count;
};

typedef bool login_set_fn(void *ctx, const struct login_set *set, struct err *err);

/*
 * Hands out the sets of one tenant, or of all (NULL); one may come twice. `each` may send and ask.
 */
bool login_sets_walk(struct keyspace *keyspace, const char *tenant, login_set_fn *each, void *ctx,
                     struct err *err);
/* The set of one user: handed out as empty when there is none. */
bool login_set_look(struct keyspace *keyspace, const char *tenant, const char *user,
                    login_set_fn *each, void *ctx, struct err *err);

/* Takes the ids out of which the sessions are over; says how many were there to be taken. */
bool login_set_sweep(struct keyspace *keyspace, const struct login_set *set, int64_t *swept,
                     struct err *err);

#endif
