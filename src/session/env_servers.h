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
/* Nothing set, or only an address over HTTP: true, and *found is false. */
bool env_redis(const struct env *env, const struct plan *plan, struct redis_target *out,
               bool *found, struct err *err);

/* The password that REDIS_PASSWORD names, for an address that has none of its own; yours. */
bool env_redis_password(const struct env *env, const struct plan *plan, char **out,
                        struct err *err);

#endif
