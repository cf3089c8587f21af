/*
 * redis_map: the map of a cluster: which node serves which slots, as CLUSTER SLOTS tells it.
 *
 * An entry is [first, last, primary, replica…], and a node [address, port, id, [name, value…]…]. A
 * server is not trusted to say just that. A node that does not know its own address gives none.
 */
#include "redis_parts.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES_MAX = 2000 }; /* a cluster has at most 1000 nodes, says its specification */

static bool S_is_number(const struct redis_reply *reply, int64_t least, int64_t most)
{
    return redis_type(reply) == REDIS_INTEGER && redis_int(reply) >= least &&
           redis_int(reply) <= most;
}

/* The value that the node's metadata have for a name; NULL: none. */
static const char *S_metadata(const struct redis_reply *node, const char *name)
{
    if (redis_length(node) < 4 || redis_type(redis_at(node, 3)) != REDIS_ARRAY)
        return NULL;
    const struct redis_reply *list = redis_at(node, 3);
    for (size_t i = 0; i + 1 < redis_length(list); i += 2)
        if (str_is(redis_text(redis_at(list, i)), name) && *redis_text(redis_at(list, i + 1)))
            return redis_text(redis_at(list, i + 1));
    return NULL;
}

static char *S_name(const char *host, int port)
{
    return strchr(host, ':') ? str_format("[%s]:%d", host, port) : str_format("%s:%d", host, port);
}

static size_t S_find(const struct redis_map *map, const char *name)
{
    size_t i = 0;
    while (i < map->count && !str_is(map->places[i].name, name))
        i++;
    return i;
}

/* The place of a node, which is made when it is new; map->count: there are too many. */
static size_t S_place(struct redis_map *map, const struct redis_reply *node, const char *host,
                      const char *primary)
{
    const char *announced = redis_text(redis_at(node, 0));
    if (!*announced || str_is(announced, "?"))
        announced = host;
    int port = (int)redis_int(redis_at(node, 1));
    char *name = S_name(announced, port);
    size_t at = S_find(map, name);
    if (at < map->count || map->count == PLACES_MAX) {
        free(name);
        return at;
    }
    map->places[map->count++] =
        (struct redis_place){.name = name,
                             .host = str_dup(announced),
                             .port = port,
                             .tls_name = str_dup(S_metadata(node, "hostname")),
                             .primary = str_dup(primary),
                             .ranges = str_dup("")};
    return at;
}

static bool S_is_node(const struct redis_reply *node)
{
    if (redis_type(node) != REDIS_ARRAY || redis_length(node) < 2)
        return false;
    enum redis_type host = redis_type(redis_at(node, 0));
    return (host == REDIS_STRING || host == REDIS_NIL) && S_is_number(redis_at(node, 1), 1, 65535);
}

static bool S_is_entry(const struct redis_reply *entry)
{
    if (redis_type(entry) != REDIS_ARRAY || redis_length(entry) < 3 ||
        !S_is_number(redis_at(entry, 0), 0, REDIS_SLOTS - 1) ||
        !S_is_number(redis_at(entry, 1), redis_int(redis_at(entry, 0)), REDIS_SLOTS - 1))
        return false;
    for (size_t i = 2; i < redis_length(entry); i++)
        if (!S_is_node(redis_at(entry, i)))
            return false;
    return true;
}

static void S_add_range(struct redis_place *place, int first, int last)
{
    char *range = first == last ? str_format("%d", first) : str_format("%d-%d", first, last);
    char *ranges = str_format("%s%s%s", place->ranges, *place->ranges ? " " : "", range);
    free(place->ranges);
    free(range);
    place->ranges = ranges;
    place->slots += last - first + 1;
}

static void S_take_primary(struct redis_map *map, const struct redis_reply *entry, const char *host)
{
    int first = (int)redis_int(redis_at(entry, 0)), last = (int)redis_int(redis_at(entry, 1));
    size_t place = S_place(map, redis_at(entry, 2), host, NULL);
    if (place >= map->count)
        return;
    S_add_range(&map->places[place], first, last);
    for (int slot = first; slot <= last; slot++)
        map->owner[slot] = (uint16_t)place;
}

static void S_take_replicas(struct redis_map *map, const struct redis_reply *entry,
                            const char *host)
{
    int first = (int)redis_int(redis_at(entry, 0)), last = (int)redis_int(redis_at(entry, 1));
    if (map->owner[first] == REDIS_NOBODY)
        return;
    const char *primary = map->places[map->owner[first]].name;
    for (size_t i = 3; i < redis_length(entry); i++) {
        size_t place = S_place(map, redis_at(entry, i), host, primary);
        if (place < map->count && place >= map->primaries)
            S_add_range(&map->places[place], first, last);
    }
}

static int S_compare(const void *a, const void *b)
{
    const struct redis_reply *const *left = a, *const *right = b;
    int64_t x = redis_int(redis_at(*left, 0)), y = redis_int(redis_at(*right, 0));
    return x < y ? -1 : x > y;
}

/* In the order of their slots: the server's own order differs from node to node. */
static const struct redis_reply **S_sorted(const struct redis_reply *slots)
{
    size_t count = redis_length(slots);
    const struct redis_reply **entries = mem_array(count, sizeof(*entries));
    for (size_t i = 0; i < count; i++)
        entries[i] = redis_at(slots, i);
    if (count)
        qsort(entries, count, sizeof(*entries), S_compare);
    return entries;
}

bool redis_map_read(const struct redis_reply *slots, const char *host, struct redis_map *out,
                    struct err *err)
{
    bool fits = redis_type(slots) == REDIS_ARRAY;
    for (size_t i = 0; fits && i < redis_length(slots); i++)
        fits = S_is_entry(redis_at(slots, i));
    if (!fits)
        return err_set(err, ERR_FAILED, "the answer to CLUSTER SLOTS is no map of slots");
    *out = (struct redis_map){.places = mem_array(PLACES_MAX, sizeof(*out->places))};
    memset(out->owner, 0xff, sizeof(out->owner));
    const struct redis_reply **entries = S_sorted(slots);
    for (size_t i = 0; i < redis_length(slots); i++)
        S_take_primary(out, entries[i], host);
    out->primaries = out->count;
    for (size_t i = 0; i < redis_length(slots) && out->primaries; i++)
        S_take_replicas(out, entries[i], host);
    free(entries);
    if (out->primaries)
        return true;
    redis_map_release(out);
    err_set(err, ERR_RETRY, "this is a node of a Redis Cluster that serves no slots");
    return err_hint(err, "join it to a cluster (redis-cli --cluster), or name another node");
}

void redis_map_release(struct redis_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->places[i].name);
        free(map->places[i].host);
        free(map->places[i].tls_name);
        free(map->places[i].primary);
        free(map->places[i].ranges);
    }
    free(map->places);
    map->places = NULL;
    map->count = map->primaries = 0;
}

/* The same slots on the same primaries. */
bool redis_map_same(const struct redis_map *a, const struct redis_map *b)
{
    for (size_t slot = 0; slot < REDIS_SLOTS; slot++) {
        bool none = a->owner[slot] == REDIS_NOBODY;
        if (none != (b->owner[slot] == REDIS_NOBODY))
            return false;
        if (!none && !str_is(a->places[a->owner[slot]].name, b->places[b->owner[slot]].name))
            return false;
    }
    return true;
}
