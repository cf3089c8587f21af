/*
 * blocks: which ranges of a table's blocks one pass has done, and which is next.
 *
 * Filled from the checkpoints when a pass is resumed; the ranges may come in any order.
 */
#ifndef TD_BLOCKS_H
#define TD_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blocks_range {
    int64_t from, to; /* `to` is the first one after it */
};

struct blocks {
    struct blocks_range *done; /* sorted by blocks_begin() */
    size_t count, cap, at;
    int64_t cursor, total;
};

void blocks_add(struct blocks *blocks, int64_t from, int64_t to);
/* From here on blocks_next() answers what is left of `total` blocks. */
void blocks_begin(struct blocks *blocks, int64_t total);
/* The next range that is not done, of at most `most` blocks; false: there is none. */
bool blocks_next(struct blocks *blocks, int64_t most, struct blocks_range *out);
void blocks_release(struct blocks *blocks);

#endif
