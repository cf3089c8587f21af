/* map: from a string to a number; grows, never shrinks, owns its keys. */
#ifndef TD_MAP_H
#define TD_MAP_H

#include "base.h"

struct map {
    struct map_slot *slots;
    size_t count, cap;
};

enum { MAP_NONE = -1 };

int64_t map_get(const struct map *map, const char *key);       /* MAP_NONE when it is not there */
void map_put(struct map *map, const char *key, int64_t value); /* replaces; value >= 0 */
void map_release(struct map *map);

#endif
