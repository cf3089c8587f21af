/* blocks: see blocks.h. A sorted list, walked once. */
#include "blocks.h"

#include "base.h"

#include <stdlib.h>

void blocks_add(struct blocks *blocks, int64_t from, int64_t to)
{
    blocks->done = mem_room(blocks->done, blocks->count, &blocks->cap, sizeof(*blocks->done));
    blocks->done[blocks->count++] = (struct blocks_range){from, to};
}

static int S_compare(const void *a, const void *b)
{
    const struct blocks_range *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

void blocks_begin(struct blocks *blocks, int64_t total)
{
    if (blocks->count)
        qsort(blocks->done, blocks->count, sizeof(*blocks->done), S_compare);
    blocks->at = 0;
    blocks->cursor = 0;
    blocks->total = total;
}

bool blocks_next(struct blocks *blocks, int64_t most, struct blocks_range *out)
{
    const struct blocks_range *done = blocks->done;
    for (; blocks->at < blocks->count && done[blocks->at].from <= blocks->cursor; blocks->at++)
        if (done[blocks->at].to > blocks->cursor)
            blocks->cursor = done[blocks->at].to;
    if (blocks->cursor >= blocks->total)
        return false;
    int64_t to = blocks->cursor + (most > 0 ? most : 1);
    if (to > blocks->total)
        to = blocks->total;
    if (blocks->at < blocks->count && to > done[blocks->at].from)
        to = done[blocks->at].from;
    *out = (struct blocks_range){blocks->cursor, to};
    blocks->cursor = to;
    return true;
}

void blocks_release(struct blocks *blocks)
{
    free(blocks->done);
    *blocks = (struct blocks){0};
}
