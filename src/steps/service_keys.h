/*
 * service_keys: how the service of a plan of kind cache names its keys in Redis.
 *
 * FAMILY:{tenant}:{rest}, parted at the first two colons alone: the rest may hold any letter, a
 * tenant no colon. What somebody has to do with such keys asks here, and puts none together itself.
 */
#ifndef TD_SERVICE_KEYS_H
#define TD_SERVICE_KEYS_H

#include "err.h"
#include "plan.h"

#define FAMILY_SESSION "session"           /* {id}: a session, JSON */
#define FAMILY_USER "user_sessions"        /* {user}: the set of a user's session ids */
#define FAMILY_ACTIVITY "session_activity" /* {id}: what was done, by time */
#define FAMILY_CACHE "cache"               /* {namespace}:{key}: an entry, JSON */
#define FAMILY_TAG "cache_tags"            /* {tag}: the set of the keys that carry it */
#define FAMILY_METRICS "cache_metrics"     /* no rest: a hash of counters */

enum {
    SERVICE_SESSION_TTL = 86400, /* seconds, unless the plan says otherwise: the guide's figures */
    SERVICE_CACHE_TTL = 3600,
};

/* "session:org_1:sess_9"; a rest of NULL: the family has none. Yours. */
char *service_key(const char *family, const char *tenant, const char *rest);
/* "cache:org_1:users:user_456"; yours. */
char *service_cache_key(const char *tenant, const char *name_space, const char *key);

/*
 * Parts a key of that family. False: it is none, or holds a NUL, so that no name of ours can mean
 * it. Both strings are yours; a family without a rest gives "".
 */
bool service_key_cut(const char *family, const char *key, size_t len, char **tenant, char **rest);

/* Whom keys can belong to: not empty, and without a colon. `what`: "tenant", "namespace". */
bool service_name_fits(const char *what, const char *name, struct err *err);

/* The glob of a family's keys, of all tenants (NULL) or of one, whose letters mean themselves. */
void service_glob(struct buf *out, const char *family, const char *tenant);

/* The plan's time to live for a key, in seconds; `otherwise` where it has none. */
int64_t service_ttl(const struct plan *plan, const char *key, int64_t otherwise);

#endif
