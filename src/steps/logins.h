/*
 * logins: the sessions of the service in Redis: looked at, created, used, ended.
 *
 * To look changes nothing: no expiry is touched, no value written (the service itself extends what
 * it reads). What takes several keys is done at once where the server can (together.h). Elsewhere a
 * session begins and ends with its own key, the set of its user comes after: who is cut off between
 * the two leaves what 'session check' names, and never somebody logged in whose session has ended.
 */
#ifndef TD_LOGINS_H
#define TD_LOGINS_H

#include "keyspace.h"
#include "login.h"

/* One session; its ttl_ms is LOGIN_GONE when there is none. Release it. */
bool logins_get(struct keyspace *keyspace, const char *tenant, const char *id, struct login *out,
                struct err *err);

typedef bool login_fn(void *ctx, const struct login *login, struct err *err);

/*
 * Hands out every session, of one tenant or of all (NULL), with that id or with any (NULL); one
 * that ends meanwhile is left out, and one may come twice. `each` may send what keyspace_walk()
 * allows.
 */
bool logins_walk(struct keyspace *keyspace, const char *tenant, const char *id, login_fn *each,
                 void *ctx, struct err *err);

/* Makes a session; `*id` is yours. */
bool login_create(struct keyspace *keyspace, const struct login_order *order, char **id,
                  struct err *err);

struct login_use {
    const char *tenant, *id;
    const char *address, *agent; /* NULL: as they were */
    json_t *metadata;            /* an object whose members come to those that it has; NULL */
    int64_t ttl;                 /* seconds that it gets; never less than it has */
    bool fixed;                  /* it keeps the end that it has */
};

/* Somebody used it. `*ttl_ms`: what it has now; LOGIN_GONE: there is none, and nothing was done. */
bool login_touch(struct keyspace *keyspace, const struct login_use *use, int64_t *ttl_ms,
                 struct err *err);

/*
 * Ends one, and looks whether it is gone. Of a session that is gone already it tidies up the rest.
 */
bool login_end(struct keyspace *keyspace, const char *tenant, const char *id, const char *user,
               struct err *err);

#endif
