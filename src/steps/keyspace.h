/*
 * keyspace: the hand that steps and verbs have on Redis.
 *
 * One connection, opened for one step or one verb. Every wait has an end, at the latest with a
 * person's abort. Keys are walked with SCAN, as many at a time as the server hands out quickly, and
 * with rests in between, so that the services which share the server hardly notice. What fits which
 * template of the plan is decided here for all alike: the first template that fits a key counts, as
 * in the console.
 */
#ifndef TD_KEYSPACE_H
#define TD_KEYSPACE_H

#include "key_glob.h"
#include "key_template.h"
#include "run.h"

enum { KEYSPACE_BATCH = 256 }; /* commands that are under way together, at most */

struct keyspace;

/* Of the session's Redis, which may be a cluster: then all of its nodes are one keyspace. */
bool keyspace_open(struct run *run, struct keyspace **out, struct err *err);
/* The same for a verb, which no run stands behind; borrows both. */
bool keyspace_open_for(struct loop *loop, const struct redis_target *target, struct keyspace **out,
                       struct err *err);
void keyspace_free(struct keyspace *keyspace);              /* NULL is fine */
const char *keyspace_name(const struct keyspace *keyspace); /* "localhost:6379/0" */

/*
 * Queues a command, after it has waited for the others when there are too many. `done` may be NULL.
 */
bool keyspace_send(struct keyspace *keyspace, int argc, const char *const *argv,
                   const size_t *lengths, redis_done_fn *done, void *ctx, struct err *err);
/* The same for what a server may refuse: its error goes to `done` alone, and nothing fails. */
bool keyspace_try(struct keyspace *keyspace, int argc, const char *const *argv,
                  const size_t *lengths, redis_done_fn *done, void *ctx, struct err *err);
/* For commands about a whole server (DBSIZE, FLUSHDB), which each of the nodes needs. */
size_t keyspace_nodes(const struct keyspace *keyspace);
bool keyspace_send_node(struct keyspace *keyspace, size_t node, int argc, const char *const *argv,
                        const size_t *lengths, redis_done_fn *done, void *ctx, struct err *err);
/* To a node by its name; of a single server the name is not looked at. */
bool keyspace_send_named(struct keyspace *keyspace, const char *node, int argc,
                         const char *const *argv, const size_t *lengths, redis_done_fn *done,
                         void *ctx, struct err *err);
bool keyspace_is_cluster(const struct keyspace *keyspace);
/* Can several keys be watched and changed in one MULTI? A cluster has them on several servers. */
bool keyspace_has_multi(const struct keyspace *keyspace);
/* Waits for all answers; false with the first error among them. */
bool keyspace_settle(struct keyspace *keyspace, struct err *err);

/* What came of a pipeline, for `done`: how many answers were a number above 0, or a plain OK. */
void keyspace_count_yes(void *count, const struct redis_reply *reply, const struct err *err);

/* Waits, while the loop turns. */
void keyspace_rest(struct keyspace *keyspace, int64_t ms);
/*
 * From now on a walk ends after so long, as if with an error; keyspace_is_late() tells that apart.
 */
void keyspace_limit(struct keyspace *keyspace, int64_t ms);
bool keyspace_is_late(const struct keyspace *keyspace);
/* How much of the time a walk may be at work, in percent; a third of it unless it is set. */
void keyspace_pace(struct keyspace *keyspace, int share);

typedef bool keyspace_key_fn(void *ctx, const char *key, size_t len, struct err *err);

/*
 * Hands out every key that is there from the beginning to the end: some of them more than once, and
 * perhaps such that come or go meanwhile. Obeys people between two bursts; settles what `each` has
 * sent. A walk that does not come to an end since keys are written faster than it goes is given up;
 * so is one through a cluster that changes a primary meanwhile, or that has slots without a node.
 * Of slots that move from node to node no key is missed. `match` is a glob that the server applies,
 * so that only what fits travels; NULL: everything.
 */
bool keyspace_walk(struct keyspace *keyspace, const struct key_glob *match, keyspace_key_fn *each,
                   void *ctx, struct err *err);
/*
 * After the connection was lost in a walk: connects again, with longer and longer pauses, and
 * keyspace_walk_on() then goes on from the page it was in, of which some keys come again. Refused
 * when the server is another process by now, whose cursors are others, and in a cluster.
 */
bool keyspace_again(struct keyspace *keyspace, struct err *err);
bool keyspace_walk_on(struct keyspace *keyspace, const struct key_glob *match,
                      keyspace_key_fn *each, void *ctx, struct err *err);
/* DBSIZE of all nodes, asked now; -1 when an ACL refuses it. */
bool keyspace_measure(struct keyspace *keyspace, int64_t *size, struct err *err);
/* How much of the keys of its start the walk under way, or the last one, has met: 0 to 100. */
double keyspace_seen(const struct keyspace *keyspace);
int64_t keyspace_size(const struct keyspace *keyspace); /* … and how many those were; -1: unknown */
/*
 * Slots of a cluster that were on their way when the last walk began: each of their keys came once.
 */
int keyspace_moving(const struct keyspace *keyspace);
/* … and such that have moved since: some of their keys came twice. */
int keyspace_repeated(const struct keyspace *keyspace);

/* One command, waited for: the answer is yours, redis_reply_free(). */
bool keyspace_ask(struct keyspace *keyspace, int argc, const char *const *argv,
                  const size_t *lengths, struct redis_reply **out, struct err *err);

/*
 * The template of the plan that a key fits; plan->key_count: none, or it is in somebody's job
 * queue, which no template makes ours.
 */
size_t keyspace_template(const struct plan *plan, const char *key, size_t len,
                         struct key_owner *owner);

enum { KEYSPACE_SAMPLES = 5 };
/* Adds a key, in a form that any reader can bear, unless the JSON array has enough. */
void keyspace_sample(json_t *samples, const char *key, size_t len);

/* The number that a command of one key answers: PTTL, SCARD. */
bool keyspace_ask_int(struct keyspace *keyspace, const char *command, const char *key,
                      int64_t *answer, struct err *err);
/*
 * Refuses a key that holds something else than `wanted` ("hash"), before anything is written half.
 */
bool keyspace_check_type(struct keyspace *keyspace, const char *key, const char *wanted,
                         struct err *err);

#endif
