/*
 * redis_survey: the map of a cluster and the nodes on it: reads CLUSTER SLOTS from the first node
 * that answers, when somebody asks or when an answer has shown that the map is old.
 */
#include "redis_cluster.h"

#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 100, PATIENCE_MS = 3000 };

/* ---- members ---- */

static struct member *S_new_member(struct redis_cluster *cluster, const char *name)
{
    struct member *member = mem_new(sizeof(*member));
    member->cluster = cluster;
    member->name = str_dup(name);
    cluster->known = mem_room(cluster->known, cluster->known_count, &cluster->known_cap,
                              sizeof(struct member *));
    cluster->known[cluster->known_count++] = member;
    return member;
}

static struct member *S_known(const struct redis_cluster *cluster, const char *name)
{
    for (size_t i = 0; i < cluster->known_count; i++)
        if (str_is(cluster->known[i]->name, name))
            return cluster->known[i];
    return NULL;
}

struct member *redis_member_at(struct redis_cluster *cluster, const char *host, int port)
{
    char *name =
        strchr(host, ':') ? str_format("[%s]:%d", host, port) : str_format("%s:%d", host, port);
    struct member *member = S_known(cluster, name);
    if (!member) {
        member = S_new_member(cluster, name);
        redis_target_for(cluster->target, host, port, NULL, &member->target);
        member->link = redis_link_new(cluster->loop, &member->target);
    }
    free(name);
    return member;
}

struct member *redis_member_named(struct redis_cluster *cluster, const char *name)
{
    struct member *member = S_known(cluster, name);
    const char *colon = strrchr(name, ':');
    int64_t port = 0;
    if (member)
        return member;
    bool bracket = *name == '[' && colon && colon > name + 1 && colon[-1] == ']';
    if (!colon || !str_to_int(colon + 1, &port) || port < 1 || port > 65535)
        die("'%s' is no name of a node", name);
    char *host = str_ndup(name + bracket, (size_t)(colon - name) - 2 * bracket);
    member = redis_member_at(cluster, host, (int)port);
    free(host);
    return member;
}

static void S_free_member(struct member *member)
{
    redis_link_free(member->link);
    redis_target_release(&member->target);
    free(member->name);
    free(member);
}

/* ---- a new map ---- */

static struct member *S_take_place(struct redis_cluster *cluster, const struct redis_place *place)
{
    struct member *member = redis_member_at(cluster, place->host, place->port);
    /* Addresses change hands, and a certificate is rather made out to a name. */
    if (place->tls_name && !cluster->target->tls_name &&
        !str_is(member->target.tls_name, place->tls_name)) {
        free(member->target.tls_name);
        member->target.tls_name = str_dup(place->tls_name);
    }
    member->view = (struct redis_node){.name = place->name,
                                       .primary = place->primary,
                                       .slots = place->slots,
                                       .ranges = place->ranges};
    return member;
}

static void S_take_map(struct redis_cluster *cluster, struct redis_map *map)
{
    if (!cluster->members || !redis_map_same(&cluster->map, map))
        cluster->topology++;
    redis_map_release(&cluster->map);
    cluster->map = *map;
    free(cluster->members);
    cluster->members = mem_array(map->count, sizeof(struct member *));
    for (size_t i = 0; i < map->count; i++)
        cluster->members[i] = S_take_place(cluster, &map->places[i]);
    for (size_t slot = 0; slot < REDIS_SLOTS; slot++)
        cluster->owner[slot] =
            map->owner[slot] == REDIS_NOBODY ? NULL : cluster->members[map->owner[slot]];
}

/* ---- asking for it ---- */

static void S_ask(struct redis_cluster *cluster);

static void S_tell(struct redis_cluster *cluster, const struct err *err)
{
    struct survey_waiter *waiters = cluster->waiters;
    size_t count = cluster->waiter_count;
    cluster->waiters = NULL;
    cluster->waiter_count = cluster->waiter_cap = 0;
    for (size_t i = 0; i < count; i++)
        waiters[i].done(waiters[i].ctx, err);
    free(waiters);
}

static void S_end(struct redis_cluster *cluster, const struct err *err)
{
    cluster->surveying = false;
    loop_cancel(cluster->survey_patience);
    cluster->survey_patience = NULL;
    S_tell(cluster, err);
}

static bool S_any_is_up(const struct redis_cluster *cluster)
{
    for (size_t i = 0; i < cluster->known_count; i++)
        if (redis_link_is_up(cluster->known[i]->link))
            return true;
    return false;
}

static void S_give_up(struct redis_cluster *cluster, const struct err *err)
{
    struct err told = *err;
    if (S_any_is_up(cluster)) {
        S_end(cluster, &told);
        return;
    }
    err_context(&told, "no node of the cluster answers");
    redis_cluster_fail(cluster, &told);
}

static void S_next(struct redis_cluster *cluster, const struct err *err)
{
    if (cluster->over)
        return;
    loop_cancel(cluster->survey_patience);
    cluster->survey_patience = NULL;
    if (++cluster->survey_at >= cluster->known_count)
        S_give_up(cluster, err);
    else
        S_ask(cluster);
}

static void S_on_slots(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct redis_cluster *cluster = arg;
    struct redis_map map;
    struct err wrong = {0};
    if (!cluster->surveying)
        return;
    if (err ||
        !redis_map_read(reply, cluster->known[cluster->survey_at]->target.host, &map, &wrong)) {
        S_next(cluster, err ? err : &wrong);
        return;
    }
    S_take_map(cluster, &map);
    S_end(cluster, NULL);
}

static void S_too_slow(void *arg)
{
    struct redis_cluster *cluster = arg;
    cluster->survey_patience = NULL;
    redis_link_close(cluster->known[cluster->survey_at]->link); /* tells S_on_slots */
}

static void S_ask(struct redis_cluster *cluster)
{
    static const char slots[] = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";
    struct member *member = cluster->known[cluster->survey_at];
    if (!redis_link_is_up(member->link)) {
        redis_member_reach(member);
        return;
    }
    cluster->survey_patience = loop_after(cluster->loop, PATIENCE_MS, S_too_slow, cluster);
    redis_link_send(member->link, slots, sizeof(slots) - 1, false, S_on_slots, cluster);
}

void redis_member_told(struct member *member, const struct err *err)
{
    struct redis_cluster *cluster = member->cluster;
    if (!cluster->surveying || cluster->known[cluster->survey_at] != member)
        return;
    if (err)
        S_next(cluster, err);
    else
        S_ask(cluster);
}

static void S_begin(struct redis_cluster *cluster)
{
    if (cluster->surveying || cluster->over)
        return;
    loop_cancel(cluster->survey_soon);
    cluster->survey_soon = NULL;
    cluster->surveying = true;
    cluster->survey_at = 0;
    S_ask(cluster);
}

static void S_is_time(void *arg)
{
    struct redis_cluster *cluster = arg;
    cluster->survey_soon = NULL;
    S_begin(cluster);
}

void redis_cluster_want_survey(struct redis_cluster *cluster)
{
    if (!cluster->over && !cluster->surveying && !cluster->survey_soon)
        cluster->survey_soon = loop_after(cluster->loop, SOON_MS, S_is_time, cluster);
}

void redis_cluster_survey(struct redis_cluster *cluster, redis_connected_fn *done, void *ctx)
{
    cluster->waiters = mem_room(cluster->waiters, cluster->waiter_count, &cluster->waiter_cap,
                                sizeof(*cluster->waiters));
    cluster->waiters[cluster->waiter_count++] = (struct survey_waiter){done, ctx};
    S_begin(cluster);
}

void redis_cluster_stop_survey(struct redis_cluster *cluster, const struct err *err)
{
    loop_cancel(cluster->survey_soon);
    cluster->survey_soon = NULL;
    S_end(cluster, err);
}

/* ---- life ---- */

struct redis_cluster *redis_cluster_new(struct loop *loop, const struct redis_target *target,
                                        struct redis_link *link, int timeout_ms,
                                        const struct redis_reply *slots, struct err *err)
{
    struct redis_map map;
    if (!redis_map_read(slots, target->host ? target->host : "127.0.0.1", &map, err))
        return NULL;
    struct redis_cluster *cluster = mem_new(sizeof(*cluster));
    *cluster = (struct redis_cluster){.loop = loop, .target = target, .timeout_ms = timeout_ms};
    char *name =
        target->path ? str_dup(target->path) : str_format("%s:%d", target->host, target->port);
    struct member *first = S_new_member(cluster, name);
    redis_target_for(target, target->host, target->port, NULL, &first->target);
    first->link = link;
    free(name);
    S_take_map(cluster, &map);
    return cluster;
}

void redis_cluster_free(struct redis_cluster *cluster)
{
    if (!cluster)
        return;
    loop_cancel(cluster->again);
    loop_cancel(cluster->look);
    loop_cancel(cluster->survey_soon);
    loop_cancel(cluster->survey_patience);
    for (size_t i = 0; i < cluster->known_count; i++)
        S_free_member(cluster->known[i]);
    redis_cluster_forget_questions(cluster);
    redis_map_release(&cluster->map);
    free(cluster->waiters);
    free(cluster->members);
    free(cluster->known);
    free(cluster);
}

/* ---- what is known ---- */

bool redis_cluster_is_over(const struct redis_cluster *cluster)
{
    return cluster->over;
}

size_t redis_cluster_nodes(const struct redis_cluster *cluster)
{
    return cluster->map.primaries;
}

size_t redis_cluster_members(const struct redis_cluster *cluster)
{
    return cluster->map.count;
}

const struct redis_node *redis_cluster_node(const struct redis_cluster *cluster, size_t node)
{
    return &cluster->members[node]->view;
}

unsigned redis_cluster_topology(const struct redis_cluster *cluster)
{
    return cluster->topology;
}

int redis_cluster_uncovered(const struct redis_cluster *cluster)
{
    int uncovered = 0;
    for (size_t slot = 0; slot < REDIS_SLOTS; slot++)
        uncovered += cluster->owner[slot] == NULL;
    return uncovered;
}
