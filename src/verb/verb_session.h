/* verb_session: what the verbs on sessions share: their options, and the hand on Redis. */
#ifndef TD_VERB_SESSION_H
#define TD_VERB_SESSION_H

#include "keyspace.h"
#include "login.h"
#include "verb.h"

/* The tenant of --tenant, checked; NULL when it was not given. */
bool session_tenant(const struct verb_call *call, const char **tenant, struct err *err);
bool session_open_keys(const struct verb_call *call, struct keyspace **out, struct err *err);

/*
 * The one session of that id, in the tenant of --tenant or, without it, wherever it is. Not there,
 * or there in several tenants: an error that says what to do. Release it.
 */
bool session_find(const struct verb_call *call, struct keyspace *keyspace, const char *id,
                  struct login *out, struct err *err);

struct session_list { /* copies of sessions, each once */
    struct login *list;
    size_t count, cap;
};

/* Those of a user (NULL: of all users) in a tenant (NULL: in all), by what they say themselves. */
bool session_gather(struct keyspace *keyspace, const char *tenant, const char *user,
                    struct session_list *out, struct err *err);
void session_list_release(struct session_list *list);

/* What is wrong with a session by itself: yours, NULL when nothing is. */
char *session_trouble(const struct login *login);

#endif
