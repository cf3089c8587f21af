/*
 * redis: see redis.h. Finds out whether a cluster is behind the address, and hands each command to
 * the one link or to the cluster.
 */
#include "redis_parts.h"

#include <stdlib.h>
#include <string.h>

struct redis {
    struct loop *loop;
    const struct redis_target *target;
    struct redis_link *link;       /* of one server; NULL once a cluster has it */
    struct redis_cluster *cluster; /* NULL: one server */
    bool asking_map;               /* whether there is a cluster is not known yet */
    int timeout_ms;
    struct timer *patience;
    redis_connected_fn *connected;
    void *connected_ctx;
    char *name;
    struct redis_node only; /* the view of a single server */
};

/* ---- life ---- */

struct redis *redis_new(struct loop *loop, const struct redis_target *target)
{
    struct redis *redis = mem_new(sizeof(*redis));
    *redis = (struct redis){.loop = loop, .target = target, .name = redis_target_describe(target)};
    redis->only = (struct redis_node){.name = redis->name, .ranges = ""};
    return redis;
}

static void S_drop(struct redis *redis)
{
    loop_cancel(redis->patience);
    redis->patience = NULL;
    redis_link_free(redis->link);
    redis_cluster_free(redis->cluster);
    redis->link = NULL;
    redis->cluster = NULL;
    redis->asking_map = false;
}

void redis_free(struct redis *redis)
{
    if (!redis)
        return;
    S_drop(redis);
    free(redis->name);
    free(redis);
}

struct loop *redis_loop(const struct redis *redis)
{
    return redis->loop;
}

bool redis_is_up(const struct redis *redis)
{
    if (redis->cluster)
        return !redis_cluster_is_over(redis->cluster);
    return redis->link && !redis->asking_map && redis_link_is_up(redis->link);
}

size_t redis_pending(const struct redis *redis)
{
    if (redis->cluster)
        return redis_cluster_pending(redis->cluster);
    return redis->link ? redis_link_pending(redis->link) : 0;
}

void redis_close(struct redis *redis)
{
    struct err err = {0};
    err_set(&err, ERR_LOST, "no answer came, so the connection was closed");
    if (redis->cluster)
        redis_cluster_fail(redis->cluster, &err);
    else if (redis->link)
        redis_link_close(redis->link);
}

/* ---- connecting ---- */

static char *S_format(int argc, const char *const *argv, const size_t *lengths, size_t *len)
{
    char *bytes = NULL;
    long long made = redisFormatCommandArgv(&bytes, argc, (const char **)argv, lengths);
    if (made < 0)
        die("out of memory: a Redis command could not be formatted");
    *len = (size_t)made;
    return bytes;
}

static void S_connected(struct redis *redis, const struct err *err)
{
    redis_connected_fn *connected = redis->connected;
    redis->connected = NULL;
    redis->asking_map = false;
    loop_cancel(redis->patience);
    redis->patience = NULL;
    if (err && redis->link && redis_link_is_up(redis->link))
        redis_link_close(redis->link);
    if (connected)
        connected(redis->connected_ctx, err);
}

static void S_say(struct redis *redis, int argc, const char *const *argv, redis_done_fn *done)
{
    size_t len;
    char *bytes = S_format(argc, argv, NULL, &len);
    redis_link_send(redis->link, bytes, len, true, done, redis);
    redisFreeCommand(bytes);
}

/* A user who may not read the map is not let into a cluster: a part would look like the whole. */
static void S_on_info(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct redis *redis = arg;
    struct err refused = {0};
    if (err && !reply) {
        S_connected(redis, err);
        return;
    }
    if (err || redis_info_int(redis_text(reply), "cluster_enabled") != 1) {
        S_connected(redis, NULL);
        return;
    }
    err_set(&refused, ERR_REFUSED,
            "%s is a node of a Redis Cluster, and this user may not read which node has which keys",
            redis->name);
    err_hint(&refused, "ACL SETUSER ... +cluster|slots");
    S_connected(redis, &refused);
}

static void S_on_slots(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct redis *redis = arg;
    struct err wrong = {0};
    if (err && !reply) { /* lost */
        S_connected(redis, err);
    } else if (err && str_starts(redis_text(reply), "NOPERM")) {
        S_say(redis, 2, (const char *[]){"INFO", "cluster"}, S_on_info);
    } else if (err) { /* no cluster, or a server that has never heard of them */
        S_connected(redis, NULL);
    } else {
        redis->cluster = redis_cluster_new(redis->loop, redis->target, redis->link,
                                           redis->timeout_ms, reply, &wrong);
        if (redis->cluster)
            redis->link = NULL;
        S_connected(redis, redis->cluster ? NULL : &wrong);
    }
}

static void S_too_slow(void *arg)
{
    struct redis *redis = arg;
    redis->patience = NULL;
    redis_link_close(redis->link); /* tells S_on_slots or S_on_info */
}

static void S_on_link(void *arg, const struct err *err)
{
    struct redis *redis = arg;
    if (err || redis->target->rest) {
        S_connected(redis, err);
        return;
    }
    redis->patience = loop_after(redis->loop, redis->timeout_ms, S_too_slow, redis);
    S_say(redis, 2, (const char *[]){"CLUSTER", "SLOTS"}, S_on_slots);
}

void redis_connect(struct redis *redis, int timeout_ms, redis_connected_fn *connected, void *ctx)
{
    S_drop(redis);
    redis->connected = connected;
    redis->connected_ctx = ctx;
    redis->timeout_ms = timeout_ms;
    redis->asking_map = true;
    redis->link = redis_link_new(redis->loop, redis->target);
    redis_link_connect(redis->link, timeout_ms, S_on_link, redis);
}

/* ---- commands ---- */

static void S_require_up(const struct redis *redis)
{
    if (!redis_is_up(redis))
        die("a Redis command was sent on a connection that is not up");
}

/* Wiped afterwards: a value may be somebody's session. */
static void S_release(char *bytes, size_t len)
{
    mem_wipe(bytes, len);
    redisFreeCommand(bytes);
}

static void S_send_to(struct redis *redis, int slot, size_t node, int argc, const char *const *argv,
                      const size_t *lengths, redis_done_fn *done, void *ctx)
{
    size_t len;
    char *bytes = S_format(argc, argv, lengths, &len);
    if (redis->cluster)
        redis_cluster_send(redis->cluster, slot, node, bytes, len, done, ctx);
    else
        redis_link_send(redis->link, bytes, len, false, done, ctx);
    S_release(bytes, len);
}

void redis_send(struct redis *redis, int argc, const char *const *argv, const size_t *lengths,
                redis_done_fn *done, void *ctx)
{
    int key, slot = -1;
    S_require_up(redis);
    if (redis->cluster && redis_route(argc, argv, &key) == ROUTE_WHOLE)
        die("'%s' was sent to one node of a cluster for all of them", argv[0]);
    if (redis->cluster && redis_route(argc, argv, &key) == ROUTE_KEY)
        slot = (int)redis_slot(argv[key], lengths ? lengths[key] : strlen(argv[key]));
    S_send_to(redis, slot, 0, argc, argv, lengths, done, ctx);
}

void redis_send_node(struct redis *redis, size_t node, int argc, const char *const *argv,
                     const size_t *lengths, redis_done_fn *done, void *ctx)
{
    S_require_up(redis);
    if (node >= redis_members(redis))
        die("Redis has no node %zu", node);
    S_send_to(redis, -1, node, argc, argv, lengths, done, ctx);
}

void redis_hold(struct redis *redis, bool hold)
{
    if (redis->link)
        redis_link_hold(redis->link, hold);
}

void redis_flush(struct redis *redis)
{
    if (redis->link)
        redis_link_flush(redis->link);
    else
        loop_turn(redis->loop, 0);
}

size_t redis_held(const struct redis *redis)
{
    return redis->link ? redis_link_held(redis->link) : 0;
}

void redis_send_named(struct redis *redis, const char *name, int argc, const char *const *argv,
                      const size_t *lengths, redis_done_fn *done, void *ctx)
{
    S_require_up(redis);
    if (!redis->cluster) {
        S_send_to(redis, -1, 0, argc, argv, lengths, done, ctx);
        return;
    }
    size_t len;
    char *bytes = S_format(argc, argv, lengths, &len);
    redis_cluster_send_named(redis->cluster, name, bytes, len, done, ctx);
    S_release(bytes, len);
}

bool redis_monitor(struct redis *redis, redis_done_fn *each, void *ctx, struct err *err)
{
    if (redis->cluster)
        return err_set(err, ERR_REFUSED,
                       "in a Redis Cluster MONITOR shows what one node is sent, and "
                       "not what all are");
    if (!redis_run(redis, 1, (const char *[]){"MONITOR"}, NULL, err))
        return false;
    redis_link_listen(redis->link, each, ctx);
    return true;
}

/* ---- nodes ---- */

bool redis_is_cluster(const struct redis *redis)
{
    return redis->cluster != NULL;
}

size_t redis_nodes(const struct redis *redis)
{
    return redis->cluster ? redis_cluster_nodes(redis->cluster) : 1;
}

size_t redis_members(const struct redis *redis)
{
    return redis->cluster ? redis_cluster_members(redis->cluster) : 1;
}

const struct redis_node *redis_node(const struct redis *redis, size_t node)
{
    return redis->cluster ? redis_cluster_node(redis->cluster, node) : &redis->only;
}

unsigned redis_topology(const struct redis *redis)
{
    return redis->cluster ? redis_cluster_topology(redis->cluster) : 0;
}

int redis_uncovered(const struct redis *redis)
{
    return redis->cluster ? redis_cluster_uncovered(redis->cluster) : 0;
}

void redis_survey(struct redis *redis, redis_connected_fn *surveyed, void *ctx)
{
    S_require_up(redis);
    if (redis->cluster)
        redis_cluster_survey(redis->cluster, surveyed, ctx);
    else
        surveyed(ctx, NULL);
}
