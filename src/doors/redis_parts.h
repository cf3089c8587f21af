/*
 * redis_parts: what the files behind redis.h share; the only one that includes hiredis, of which
 * the formatter and the reader are used: both are the same in 0.14 and 1.2, and touch no socket.
 */
#ifndef TD_REDIS_PARTS_H
#define TD_REDIS_PARTS_H

#include "redis.h"

#include <hiredis/hiredis.h>

/* ---- redis.c ---- */

struct loop *redis_loop(const struct redis *redis);

/* ---- redis_trouble.c ---- */

/* What an error reply of a server means, and what the DBA can do about it. */
void redis_trouble(const char *message, struct err *err);

/* ---- redis_link.c: one connection, and the pipeline on it ---- */

struct redis_link;

struct redis_link *redis_link_new(struct loop *loop, const struct redis_target *target);
void redis_link_free(struct redis_link *link); /* NULL is fine; pending callbacks are not called */
void redis_link_connect(struct redis_link *link, int timeout_ms, redis_connected_fn *connected,
                        void *ctx);
bool redis_link_is_up(const struct redis_link *link);
bool redis_link_is_down(const struct redis_link *link); /* neither up nor on the way there */
void redis_link_close(struct redis_link *link);         /* pending callbacks get ERR_LOST */
size_t redis_link_pending(const struct redis_link *link);
/* How long it has owed an answer without sending a byte; 0: it owes none. */
int64_t redis_link_silence_ms(const struct redis_link *link);
/*
 * A command as hiredis has formatted it. With `faults` an error reply comes with both: the reply,
 * which is of type REDIS_FAULT, and what it means as err.
 */
void redis_link_send(struct redis_link *link, const char *bytes, size_t len, bool faults,
                     redis_done_fn *done, void *ctx);

void redis_link_hold(struct redis_link *link, bool hold); /* as redis_hold() */
void redis_link_flush(struct redis_link *link);
size_t redis_link_held(const struct redis_link *link);

/* From now on every reply goes to `each`, also those that nobody asked for: MONITOR. */
void redis_link_listen(struct redis_link *link, redis_done_fn *each, void *ctx);

/* ---- redis_cluster.c: which node has which slot, and what to do when that changes ---- */

struct redis_cluster;

/*
 * Takes over the link, which has given `slots`, an answer to CLUSTER SLOTS, and borrows the target
 * it was opened with. NULL: that is no map, and the link stays the caller's.
 */
struct redis_cluster *redis_cluster_new(struct loop *loop, const struct redis_target *target,
                                        struct redis_link *link, int timeout_ms,
                                        const struct redis_reply *slots, struct err *err);
void redis_cluster_free(struct redis_cluster *cluster); /* NULL is fine */
/* Everybody who waits is told; nothing is sent any more, and it is over. */
void redis_cluster_fail(struct redis_cluster *cluster, const struct err *err);
/* `slot` -1: to `node`. The command is copied. */
void redis_cluster_send(struct redis_cluster *cluster, int slot, size_t node, const char *bytes,
                        size_t len, redis_done_fn *done, void *ctx);
/* To the node of this name, which need not be one of the map. */
void redis_cluster_send_named(struct redis_cluster *cluster, const char *name, const char *bytes,
                              size_t len, redis_done_fn *done, void *ctx);
size_t redis_cluster_pending(const struct redis_cluster *cluster);
bool redis_cluster_is_over(const struct redis_cluster *cluster);
size_t redis_cluster_nodes(const struct redis_cluster *cluster);
size_t redis_cluster_members(const struct redis_cluster *cluster);
const struct redis_node *redis_cluster_node(const struct redis_cluster *cluster, size_t node);
unsigned redis_cluster_topology(const struct redis_cluster *cluster);
int redis_cluster_uncovered(const struct redis_cluster *cluster);
void redis_cluster_survey(struct redis_cluster *cluster, redis_connected_fn *done, void *ctx);

/* ---- redis_map.c: the map of a cluster, as CLUSTER SLOTS tells it ---- */

enum { REDIS_NOBODY = 0xffff };

struct redis_place { /* a node, by the address that the cluster announces */
    char *name;      /* "10.0.0.1:7000" */
    char *host;
    int port;
    char *tls_name; /* the announced host name; NULL: none beside the address */
    char *primary;  /* of a replica; NULL */
    int slots;
    char *ranges;
};

struct redis_map {
    struct redis_place *places; /* the primaries, then the replicas */
    size_t primaries, count;
    uint16_t owner[REDIS_SLOTS]; /* a primary, or REDIS_NOBODY */
};

/* `host` stands for a node that does not know its own address. */
bool redis_map_read(const struct redis_reply *slots, const char *host, struct redis_map *out,
                    struct err *err);
void redis_map_release(struct redis_map *map);
bool redis_map_same(const struct redis_map *a, const struct redis_map *b);

/* ---- redis_route.c: where a command belongs ---- */

enum redis_route { ROUTE_KEY, ROUTE_ANYWHERE, ROUTE_WHOLE };

/* ROUTE_KEY: `*key` is the number of the argument that decides. */
enum redis_route redis_route(int argc, const char *const *argv, int *key);

#endif
