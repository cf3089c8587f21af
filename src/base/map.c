/* map: see map.h. Open addressing; never more than two thirds full. */
#include "map.h"

#include <stdlib.h>
#include <string.h>

struct map_slot {
    char *key; /* NULL: free */
    int64_t value;
};

static uint64_t S_hash(const char *key)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 1099511628211u;
    return hash;
}

/* Where the key is, or where it would go. */
static struct map_slot *S_slot(const struct map *map, const char *key)
{
    size_t at = S_hash(key) & (map->cap - 1);
    while (map->slots[at].key && strcmp(map->slots[at].key, key) != 0)
        at = (at + 1) & (map->cap - 1);
    return &map->slots[at];
}

static void S_grow(struct map *map)
{
    struct map bigger = {.cap = map->cap ? map->cap * 2 : 64, .count = map->count};
    bigger.slots = mem_array(bigger.cap, sizeof(*bigger.slots));
    for (size_t i = 0; i < map->cap; i++)
        if (map->slots[i].key)
            *S_slot(&bigger, map->slots[i].key) = map->slots[i];
    free(map->slots);
    *map = bigger;
}

int64_t map_get(const struct map *map, const char *key)
{
    if (!map->count)
        return MAP_NONE;
    const struct map_slot *slot = S_slot(map, key);
    return slot->key ? slot->value : MAP_NONE;
}

void map_put(struct map *map, const char *key, int64_t value)
{
    if ((map->count + 1) * 3 > map->cap * 2)
        S_grow(map);
    struct map_slot *slot = S_slot(map, key);
    if (!slot->key) {
        slot->key = str_dup(key);
        map->count++;
    }
    slot->value = value;
}

void map_release(struct map *map)
{
    for (size_t i = 0; i < map->cap; i++)
        free(map->slots[i].key);
    free(map->slots);
    *map = (struct map){0};
}
