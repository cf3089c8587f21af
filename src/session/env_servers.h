/*
 * env_servers: the database and the Redis that the names of env.h speak of.
 *
 * The documents scatter one address over many names: a URL for each run mode, host and port beside
 * it, two spellings. Here they become one target, or a refusal that names the two that disagree.
 */
#ifndef TD_ENV_SERVERS_H
#define TD_ENV_SERVERS_H

#include "env.h"
#include "pg.h"
#include "plan.h"
#include "redis.h"

/* `plan` may be NULL. Nothing set: true, and the target stays empty (conninfo NULL). */
bool env_database(const struct env *env, const struct plan *plan, struct pg_target *out,
                  struct err *err);
/* Nothing set: true, and *found is false. */
bool env_redis(const struct env *env, const struct plan *plan, struct redis_target *out,
               bool *found, struct err *err);

/*
 * What an address from elsewhere (-r, the deck) leaves open: the password that REDIS_PASSWORD
 * names, the token of an address over HTTP, the certificates of one over TLS.
 */
bool env_redis_fill(const struct env *env, const struct plan *plan, struct redis_target *target,
                    struct err *err);

#endif
