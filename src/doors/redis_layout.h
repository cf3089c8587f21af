/*
 * redis_layout: which primary of a cluster has which slots at one moment, as each of them says of
 * itself (CLUSTER NODES), and which slots are on their way from one node to another. CLUSTER SLOTS,
 * by which commands are sent, tells nothing of the latter: keys move one by one meanwhile.
 */
#ifndef TD_REDIS_LAYOUT_H
#define TD_REDIS_LAYOUT_H

#include "redis.h"

struct redis_move { /* the names are as redis_send_named() takes them */
    int slot;
    char *from, *to;
};

struct layout_node {
    struct redis_layout *layout;
    char *name; /* as in struct redis_node */
    char *id;
    int64_t epoch; /* is raised when it is given a slot, or takes over */
    char *text;    /* its answer; only while the others are waited for */
};

enum { LAYOUT_NOBODY = 0xffff };

struct redis_layout { /* zeroed: empty; of one server it stays so */
    struct layout_node *nodes;
    size_t node_count;
    uint16_t owner[REDIS_SLOTS]; /* one of the nodes, or LAYOUT_NOBODY */
    struct redis_move *moves;
    size_t move_count, move_cap;

    size_t pending;
    struct err trouble;
    redis_connected_fn *done;
    void *ctx;
};

/*
 * Asks all primaries; `done` is told when all have answered. Until then the layout stays where it
 * is.
 */
void redis_layout_ask(struct redis *redis, struct redis_layout *layout, redis_connected_fn *done,
                      void *ctx);
void redis_layout_release(struct redis_layout *layout);
/* What a node answers to CLUSTER NODES, read as part of the layout; for tests. */
bool redis_layout_read(struct redis_layout *layout, struct err *err);

const char *redis_layout_owner(const struct redis_layout *layout, int slot); /* NULL: nobody */
/* Has a node been given slots, and shows none that it had not before? Then they came and went. */
bool redis_layout_is_plain(const struct redis_layout *before, const struct redis_layout *after);
/* Has nothing moved from the one to the other, and is nothing on its way? */
bool redis_layout_is_still(const struct redis_layout *before, const struct redis_layout *after);

#endif
