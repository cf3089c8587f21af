/*
 * redis_cluster: what redis_cluster.c, which routes the questions, shares with redis_survey.c,
 * which keeps the map and the members. Nothing else includes it.
 */
#ifndef TD_REDIS_CLUSTER_H
#define TD_REDIS_CLUSTER_H

#include "redis_parts.h"

struct question;

struct member { /* a node that was seen; it lives as long as the cluster does */
    struct redis_cluster *cluster;
    char *name;
    struct redis_target target;
    struct redis_link *link;
    struct question *waiting; /* for the link to be up, in order */
    struct redis_node view;   /* its texts are the map's */
};

struct survey_waiter {
    redis_connected_fn *done;
    void *ctx;
};

struct redis_cluster {
    struct loop *loop;
    const struct redis_target *target; /* of the node that was named */
    int timeout_ms;
    bool over;

    struct member **known; /* every node that was ever seen; the first is the one that was named */
    size_t known_count, known_cap;
    struct redis_map map;
    struct member **members; /* those of the map, in its order */
    struct member *owner[REDIS_SLOTS];
    unsigned topology;

    struct question *first, *last; /* in the order they were asked */
    size_t pending;
    struct question *parked; /* those that are tried again soon */
    struct timer *again, *look;

    bool surveying;
    size_t survey_at; /* the one of `known` that is asked */
    struct timer *survey_soon, *survey_patience;
    struct survey_waiter *waiters;
    size_t waiter_count, waiter_cap;
};

/* ---- redis_survey.c ---- */

struct member *redis_member_at(struct redis_cluster *cluster, const char *host, int port);
/* The same for "10.0.0.1:7000", "[::1]:7000", or the path of a socket that is known. */
struct member *redis_member_named(struct redis_cluster *cluster, const char *name);
/* The link of a member has come up, or failed to. */
void redis_member_told(struct member *member, const struct err *err);
/* Reads the map anew, a moment later: many who want it get one. */
void redis_cluster_want_survey(struct redis_cluster *cluster);
void redis_cluster_stop_survey(struct redis_cluster *cluster, const struct err *err);

/* ---- redis_cluster.c ---- */

void redis_member_reach(struct member *member); /* opens its link unless it is open */
void redis_cluster_forget_questions(struct redis_cluster *cluster);

#endif
