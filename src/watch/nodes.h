/*
 * nodes: what each server behind the Redis of the session says of itself: one, or the nodes of a
 * cluster.
 *
 * A round asks every node for INFO. Each figure is as old as that node's own last answer; a node
 * that is away keeps what it said before, and is told to be away. Nothing here blocks.
 */
#ifndef TD_NODES_H
#define TD_NODES_H

#include "redis.h"
#include "redis_load.h"
#include "snapshot.h"

struct nodes;

struct nodes *nodes_new(int db);
void nodes_free(struct nodes *nodes);

typedef void nodes_told_fn(void *ctx, const char *text);
/* Told of what a person should know at once: a node that was restarted, or has lost its keys. */
void nodes_on_event(struct nodes *nodes, nodes_told_fn *told, void *ctx);

/* err: ERR_LOST when none has answered; else what one of them has refused. */
void nodes_ask(struct nodes *nodes, struct redis *redis, redis_connected_fn *done, void *ctx);
bool nodes_are_asked(const struct nodes *nodes);

/* Of all primaries together; UNKNOWN when one of them has never said. */
int64_t nodes_keys(const struct nodes *nodes);
int64_t nodes_memory(const struct nodes *nodes);
/* … but memory and its limit are those of the fullest. */
void nodes_load(const struct nodes *nodes, struct redis_load *out);
int64_t nodes_answered_at(const struct nodes *nodes); /* wall clock: of the one heard longest ago */
const char *nodes_version(const struct nodes *nodes); /* "7.0.15"; "" while unknown */
char *nodes_trouble(const struct nodes *nodes);       /* "node …: …"; NULL: none; yours */
int64_t nodes_restarted_at(const struct nodes *nodes); /* wall clock; UNKNOWN: not that we saw */

void nodes_views(const struct nodes *nodes, struct arena *arena, struct node_view **views,
                 size_t *count);

#endif
