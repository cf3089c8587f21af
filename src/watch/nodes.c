/* nodes: see nodes.h. */
#include "nodes.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct nodes *nodes;
    char *name, *primary, *ranges; /* primary: of a replica; else NULL */
    int slots;
    char *version, *role, *run_id, *master_link, *trouble, *hint;
    int64_t keys, memory;
    struct redis_load load;
    int64_t answered_at; /* wall clock; UNKNOWN: never */
    bool present;        /* on the map of this round, */
    size_t index;        /* where it has this number */
};

struct nodes {
    struct node **list;
    size_t count, cap;
    int db;
    size_t waiting, good; /* answers of this round that are to come, and that were some */
    struct err trouble;   /* the last one of this round */
    redis_connected_fn *done;
    void *ctx;
    struct redis *redis; /* NULL: no round is under way */
    int64_t restarted_at;
    nodes_told_fn *told;
    void *told_ctx;
};

struct nodes *nodes_new(int db)
{
    struct nodes *nodes = mem_new(sizeof(*nodes));
    nodes->db = db;
    nodes->restarted_at = UNKNOWN;
    return nodes;
}

static void S_free_node(struct node *node)
{
    free(node->name);
    free(node->primary);
    free(node->ranges);
    free(node->version);
    free(node->role);
    free(node->run_id);
    free(node->master_link);
    free(node->trouble);
    free(node->hint);
    free(node);
}

void nodes_free(struct nodes *nodes)
{
    if (!nodes)
        return;
    for (size_t i = 0; i < nodes->count; i++)
        S_free_node(nodes->list[i]);
    free(nodes->list);
    free(nodes);
}

void nodes_on_event(struct nodes *nodes, nodes_told_fn *told, void *ctx)
{
    nodes->told = told;
    nodes->told_ctx = ctx;
}

static void S_replace(char **held, char *value)
{
    free(*held);
    *held = value;
}

/* ---- the nodes of the map ---- */

static struct node *S_find(struct nodes *nodes, const char *name)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (str_is(nodes->list[i]->name, name))
            return nodes->list[i];
    struct node *node = mem_new(sizeof(*node));
    *node = (struct node){.nodes = nodes,
                          .name = str_dup(name),
                          .keys = UNKNOWN,
                          .memory = UNKNOWN,
                          .answered_at = UNKNOWN};
    redis_load_read("", &node->load);
    nodes->list = mem_room(nodes->list, nodes->count, &nodes->cap, sizeof(*nodes->list));
    nodes->list[nodes->count++] = node;
    return node;
}

static void S_take_map(struct nodes *nodes, const struct redis *redis)
{
    for (size_t i = 0; i < nodes->count; i++)
        nodes->list[i]->present = false;
    for (size_t i = 0; i < redis_members(redis); i++) {
        const struct redis_node *view = redis_node(redis, i);
        struct node *node = S_find(nodes, view->name);
        node->present = true;
        node->index = i;
        node->slots = view->slots;
        S_replace(&node->primary, str_dup(view->primary));
        S_replace(&node->ranges, str_dup(view->ranges));
    }
}

/* A replica that the cluster has given up is on no map any more, and yet a person looks for it. */
static void S_mark_absent(struct nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (!nodes->list[i]->present) {
            nodes->list[i]->slots = 0;
            S_replace(&nodes->list[i]->ranges, str_dup(""));
            S_replace(&nodes->list[i]->trouble, str_dup("the cluster no longer names it"));
            S_replace(&nodes->list[i]->hint, NULL);
        }
}

/* ---- what a node says ---- */

/* "db0:keys=12,expires=3,avg_ttl=0": no line for a database without keys. */
static int64_t S_keys_of(const char *info, int db)
{
    char field[24];
    int64_t keys = 0;
    snprintf(field, sizeof(field), "db%d", db);
    char *line = redis_info_text(info, field);
    if (line && str_starts(line, "keys=")) {
        char *digits = str_ndup(line + 5, strcspn(line + 5, ","));
        if (!str_to_int(digits, &keys))
            keys = UNKNOWN;
        free(digits);
    }
    free(line);
    return keys;
}

static void S_tell(struct nodes *nodes, char *text)
{
    if (nodes->told)
        nodes->told(nodes->told_ctx, text);
    free(text);
}

/* Another run id is another process: what it holds may be nothing of what was counted. */
static void S_notice_restart(struct node *node, const char *run_id, int64_t keys)
{
    bool restarted = run_id && node->run_id && !str_is(run_id, node->run_id);
    if (restarted && !node->primary) {
        node->nodes->restarted_at = clock_wall();
        S_tell(node->nodes,
               str_format("%s was restarted: it has %lld keys now, and had %lld before; all counts "
                          "are from before until the next pass",
                          node->name, (long long)keys, (long long)node->keys));
    }
    if (run_id)
        S_replace(&node->run_id, str_dup(run_id));
}

static void S_take_info(struct node *node, const char *info)
{
    char *run_id = redis_info_text(info, "run_id");
    int64_t keys = S_keys_of(info, node->nodes->db);
    S_notice_restart(node, run_id, keys);
    free(run_id);
    S_replace(&node->version, redis_info_text(info, "redis_version"));
    S_replace(&node->role, redis_info_text(info, "role"));
    S_replace(&node->master_link, redis_info_text(info, "master_link_status"));
    node->keys = keys;
    redis_load_read(info, &node->load);
    node->memory = node->load.memory;
}

static void S_end_round(struct nodes *nodes)
{
    struct err err = nodes->trouble;
    bool told = err.kind != ERR_NONE && !(nodes->good && err.kind == ERR_LOST);
    nodes->redis = NULL;
    nodes->done(nodes->ctx, told ? &err : NULL);
}

static void S_heard(struct node *node)
{
    node->answered_at = clock_wall();
    node->nodes->good++;
}

static void S_fail(struct node *node, const struct err *err)
{
    S_replace(&node->trouble, str_dup(err->text));
    S_replace(&node->hint, *err->hint ? str_dup(err->hint) : NULL);
    node->nodes->trouble = *err;
}

static void S_answered(struct nodes *nodes)
{
    if (--nodes->waiting == 0)
        S_end_round(nodes);
}

/* Where INFO is forbidden or unknown (Upstash), the number of keys at least. */
static void S_on_size(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct node *node = arg;
    if (err) {
        S_fail(node, err);
    } else {
        node->keys = redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : UNKNOWN;
        S_replace(&node->trouble, NULL); /* it is there; that INFO is refused the log has */
        S_heard(node);
    }
    S_answered(node->nodes);
}

static void S_on_info(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct node *node = arg;
    struct redis *redis = node->nodes->redis;
    if (err && err->kind != ERR_LOST && redis_is_up(redis)) {
        S_fail(node, err);
        /* By its name: the map may be another one by now, where it has another number. */
        redis_send_named(redis, node->name, 1, (const char *[]){"DBSIZE"}, NULL, S_on_size, node);
        return;
    }
    if (err) {
        S_fail(node, err);
    } else {
        S_replace(&node->trouble, NULL);
        S_take_info(node, redis_text(reply));
        S_heard(node);
    }
    S_answered(node->nodes);
}

void nodes_ask(struct nodes *nodes, struct redis *redis, redis_connected_fn *done, void *ctx)
{
    size_t count = redis_members(redis);
    S_take_map(nodes, redis);
    S_mark_absent(nodes);
    nodes->redis = redis;
    nodes->done = done;
    nodes->ctx = ctx;
    nodes->good = 0;
    nodes->waiting = count;
    err_clear(&nodes->trouble);
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->list[i]->present)
            redis_send_node(redis, nodes->list[i]->index, 1, (const char *[]){"INFO"}, NULL,
                            S_on_info, nodes->list[i]);
}

bool nodes_are_asked(const struct nodes *nodes)
{
    return nodes->waiting > 0;
}

/* ---- together ---- */

static bool S_is_primary(const struct node *node)
{
    return node->present && !node->primary;
}

/* Of a figure that one of them has never said, the whole is not known. */
static void S_add(int64_t *sum, int64_t part)
{
    *sum = *sum == UNKNOWN || part < 0 ? UNKNOWN : *sum + part;
}

int64_t nodes_keys(const struct nodes *nodes)
{
    int64_t sum = nodes->count ? 0 : UNKNOWN;
    for (size_t i = 0; i < nodes->count; i++)
        if (S_is_primary(nodes->list[i]))
            S_add(&sum, nodes->list[i]->keys);
    return sum;
}

int64_t nodes_memory(const struct nodes *nodes)
{
    int64_t sum = nodes->count ? 0 : UNKNOWN;
    for (size_t i = 0; i < nodes->count; i++)
        if (S_is_primary(nodes->list[i]))
            S_add(&sum, nodes->list[i]->memory);
    return sum;
}

/* The first one that is full refuses writes: so the fullest one speaks for the memory of all. */
void nodes_load(const struct nodes *nodes, struct redis_load *out)
{
    redis_load_read("", out);
    for (size_t i = 0, seen = 0; i < nodes->count; i++) {
        const struct redis_load *load = &nodes->list[i]->load;
        if (!S_is_primary(nodes->list[i]))
            continue;
        if (!seen++) {
            *out = *load;
            continue;
        }
        if (redis_load_memory(load) > redis_load_memory(out)) {
            out->memory = load->memory;
            out->limit = load->limit;
        }
        S_add(&out->clients, load->clients);
        S_add(&out->hits, load->hits);
        S_add(&out->misses, load->misses);
        S_add(&out->evicted, load->evicted);
    }
}

int64_t nodes_answered_at(const struct nodes *nodes)
{
    int64_t oldest = UNKNOWN;
    for (size_t i = 0; i < nodes->count; i++) {
        const struct node *node = nodes->list[i];
        if (S_is_primary(node) && (oldest == UNKNOWN || node->answered_at < oldest))
            oldest = node->answered_at;
    }
    return oldest;
}

const char *nodes_version(const struct nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (S_is_primary(nodes->list[i]) && nodes->list[i]->version)
            return nodes->list[i]->version;
    return "";
}

char *nodes_trouble(const struct nodes *nodes)
{
    size_t primaries = 0, away = 0;
    const struct node *last = NULL;
    for (size_t i = 0; i < nodes->count; i++) {
        if (!S_is_primary(nodes->list[i]))
            continue;
        primaries++;
        if (nodes->list[i]->trouble) {
            away++;
            last = nodes->list[i];
        }
    }
    if (!away || primaries < 2)
        return NULL;
    return str_format("%zu of %zu primaries do not answer: %s", away, primaries, last->trouble);
}

int64_t nodes_restarted_at(const struct nodes *nodes)
{
    return nodes->restarted_at;
}

/* ---- as the panes show them ---- */

static struct node_view S_view(struct arena *arena, const struct node *node)
{
    bool own = node->nodes->count == 1 && !node->slots; /* a single server */
    const char *role = node->role ? node->role : node->primary ? "slave" : own ? "" : "master";
    return (struct node_view){
        .group = own ? "redis" : "cluster",
        .name = arena_str(arena, node->name),
        .role = str_is(role, "slave")    ? "replica"
                : str_is(role, "master") ? "primary"
                                         : arena_str(arena, role),
        .of = arena_str(arena, node->primary),
        .slots = own ? UNKNOWN : node->slots,
        .ranges = arena_str(arena, node->ranges),
        .version = arena_str(arena, node->version ? node->version : ""),
        .link = arena_str(arena, node->master_link),
        .trouble = arena_str(arena, node->trouble),
        .hint = node->trouble ? arena_str(arena, node->hint) : NULL,
        .keys = node->keys,
        .memory = node->memory,
        .memory_limit = node->load.limit > 0 ? node->load.limit : UNKNOWN,
        .clients = node->load.clients,
        .answered_at = node->answered_at,
    };
}

void nodes_views(const struct nodes *nodes, struct arena *arena, struct node_view **views,
                 size_t *count)
{
    *views = arena_array(arena, nodes->count, sizeof(**views));
    for (size_t i = 0; i < nodes->count; i++)
        (*views)[i] = S_view(arena, nodes->list[i]);
    *count = nodes->count;
}
