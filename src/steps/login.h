/*
 * login: one session that the service keeps in Redis: who is logged in, since when, until when.
 *
 * Its value is JSON of the service's own making; what we do not know in it stays as it is. This
 * file knows the shape and talks to no server; logins.h reads and changes them.
 */
#ifndef TD_LOGIN_H
#define TD_LOGIN_H

#include "err.h"

#include <jansson.h>

enum { LOGIN_UNKNOWN = -1 };

struct login {         /* release it; zeroed, it is empty */
    char *tenant, *id; /* of its key */
    json_t *value;     /* NULL: it is no JSON object, or no string at all */
    int64_t ttl_ms;    /* PTTL: LOGIN_ENDLESS without an expiry */
};

enum { LOGIN_ENDLESS = -1, LOGIN_GONE = -2 };

void login_release(struct login *login);

/* Reads the value as it stands in Redis. What is none leaves `value` NULL. */
void login_read(struct login *login, const char *text, size_t len);

/* A text of the value, a number as digits; yours, NULL when it has none of these. */
char *login_text(const struct login *login, const char *member);
/* The same of its metadata. */
char *login_metadata(const struct login *login, const char *member);
/* Milliseconds since 1970; LOGIN_UNKNOWN. */
int64_t login_moment(const struct login *login, const char *member);
/* When it was used last, by either name that the guide and the code give it. */
int64_t login_used_at(const struct login *login);

/* A new id as the service makes them: "sess_1763719200000_k3v9x2m1q", of good randomness; yours. */
char *login_new_id(int64_t now_ms);

struct login_order { /* what a new one is made of; NULL where nothing is told */
    const char *tenant, *user, *email, *name, *organization, *address, *agent;
    const char *const *roles;
    const char *const *permissions;
    size_t role_count, permission_count;
    json_t *metadata; /* an object, borrowed */
    int64_t ttl;      /* seconds */
};

/* Its value, as the service writes it; yours, free(). */
char *login_compose(const struct login_order *order, const char *id, int64_t now_ms);
/* The value of one that is used now, everything else in it as it was; members of `metadata` (NULL:
 * none) come to those that it has. Yours. */
char *login_touched(const struct login *login, const char *address, const char *agent,
                    json_t *metadata, int64_t now_ms, int64_t expires_ms);

/* A copy whose secrets (by the names of the members) are masked; yours, json_decref(). */
json_t *login_masked(const json_t *value);

#endif
