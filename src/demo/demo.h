/*
 * demo: a private PostgreSQL and Redis with sample data, gone when its owner is gone.
 *
 * The servers listen on unix sockets in a directory of their own (0700), under another user when
 * we are root, and are children of a guard process that stops them and removes the directory when
 * the program ends, however it ends. The sample is the mentoring service's schema as it is before
 * the migration; sql/demo_mentoring*.sql hold it all, and psql runs them as well.
 */
#ifndef TD_DEMO_H
#define TD_DEMO_H

#include "loop.h"
#include "pg.h"
#include "redis.h"

struct demo;

struct demo_options {
    double scale; /* 1: 20,000 sessions and 60,000 attendees */
    bool dirty;   /* plant the defects that the checks must find */
    bool
        of_keys; /* sessions and caches in a Redis of its own, under the plan sessions; no database */
};

/* What is going on, one sentence at a time, for a terminal. May be NULL. */
typedef void demo_progress_fn(void *ctx, const char *sentence);

bool demo_start(struct loop *loop, const struct demo_options *options, demo_progress_fn *progress,
                void *ctx, struct demo **out, struct err *err);
void demo_stop(struct demo *demo); /* NULL is fine; waits until the servers are gone */

const char *demo_database_url(const struct demo *demo); /* NULL: it has none */
const char *demo_redis_url(const struct demo *demo);
/* Holds the deck demo.conf, mentoring.plan, its .sql files and its data_codes.csv, too. */
const char *demo_directory(const struct demo *demo);
/* Where logs, backups and reports go; they go with the demo. */
const char *demo_state(const struct demo *demo);

/*
 * Loads the sample into servers that run already. Refused unless the database has no table of its
 * own and the Redis database has no key. redis may be NULL. When the loading itself fails, no table
 * is left behind, and the connection is closed.
 */
bool demo_load(struct pg *pg, struct redis *redis, const struct demo_options *options,
               struct err *err);

/*
 * Writes the sample of sessions and caches into a Redis database that is empty, with what the
 * checks must find in it: sessions that say another tenant, users over the limit, sets that name
 * what is over.
 */
bool demo_sessions_load(struct redis *redis, const struct demo_options *options, struct err *err);

#endif
