/* blockers: see blockers.h. */
#include "blockers.h"

#include "map.h"

#include <stdlib.h>
#include <string.h>

enum { NOBODY = -1 };

struct web { /* who waits for whom, by number of the row */
    size_t count;
    bool *waits;     /* [waiter * count + blocker] */
    bool *reached;   /* of one walk */
    size_t *queue;   /* likewise */
    int64_t *parent; /* in the tree; NOBODY: on top */
    bool *placed;
};

static bool S_waits_for(const struct web *web, size_t waiter, size_t blocker)
{
    return web->waits[waiter * web->count + blocker];
}

/* ---- reading ---- */

static void S_add_edges(struct web *web, const struct map *ids, size_t waiter, const char *blockers)
{
    while (blockers && *blockers) {
        size_t length = strcspn(blockers, " ");
        char *id = str_ndup(blockers, length);
        int64_t blocker = map_get(ids, id);
        if (blocker != MAP_NONE)
            web->waits[waiter * web->count + (size_t)blocker] = true;
        free(id);
        blockers += length;
        blockers += strspn(blockers, " ");
    }
}

static void S_read(struct web *web, const struct blocker_view *rows)
{
    struct map ids = {0};
    for (size_t i = 0; i < web->count; i++)
        map_put(&ids, rows[i].id, (int64_t)i);
    for (size_t i = 0; i < web->count; i++)
        S_add_edges(web, &ids, i, rows[i].blocked_by);
    map_release(&ids);
}

/* ---- who is behind whom ---- */

/* All that wait for one, by others or at once; itself as well when they wait in a circle. */
static void S_count_behind(struct web *web, struct blocker_view *rows, size_t first)
{
    size_t head = 0, tail = 0;
    memset(web->reached, 0, web->count * sizeof(*web->reached));
    web->queue[tail++] = first;
    while (head < tail) {
        size_t blocker = web->queue[head++];
        for (size_t waiter = 0; waiter < web->count; waiter++) {
            if (web->reached[waiter] || !S_waits_for(web, waiter, blocker))
                continue;
            web->reached[waiter] = true;
            if (waiter == first)
                rows[first].circle = true;
            else
                web->queue[tail++] = waiter;
        }
    }
    rows[first].behind = (int64_t)tail - 1;
}

/* ---- the tree ---- */

/* Takes everybody below `tail` rows of the queue into the tree, the nearest first. */
static void S_grow(struct web *web, struct blocker_view *rows, size_t tail)
{
    for (size_t head = 0; head < tail; head++) {
        size_t blocker = web->queue[head];
        for (size_t waiter = 0; waiter < web->count; waiter++) {
            if (web->placed[waiter] || !S_waits_for(web, waiter, blocker))
                continue;
            web->placed[waiter] = true;
            web->parent[waiter] = (int64_t)blocker;
            rows[waiter].depth = rows[blocker].depth + 1;
            web->queue[tail++] = waiter;
        }
    }
}

/* The next top: of those that are in no tree yet, whoever holds up most. */
static size_t S_next_top(const struct web *web, const struct blocker_view *rows, bool free_only)
{
    size_t best = web->count;
    for (size_t i = 0; i < web->count; i++) {
        bool fits = !web->placed[i] && (!free_only || !rows[i].blocked_by);
        if (fits && (best == web->count || rows[i].behind > rows[best].behind))
            best = i;
    }
    return best;
}

static void S_emit(const struct web *web, const struct blocker_view *rows, int64_t parent,
                   struct blocker_view *out, size_t *done)
{
    for (size_t i = 0; i < web->count; i++)
        if (web->parent[i] == parent) {
            out[(*done)++] = rows[i];
            S_emit(web, rows, (int64_t)i, out, done);
        }
}

/* All tops grow at the same time, so that everybody stands as near to one as can be. */
static void S_build(struct web *web, struct blocker_view *rows, size_t *tops, size_t *top_count)
{
    size_t tail = 0, top;
    while ((top = S_next_top(web, rows, true)) < web->count) {
        web->placed[top] = true;
        tops[(*top_count)++] = web->queue[tail++] = top;
    }
    S_grow(web, rows, tail);
    while ((top = S_next_top(web, rows, false)) < web->count) {
        web->placed[top] = true;
        tops[(*top_count)++] = web->queue[0] = top;
        S_grow(web, rows, 1);
    }
}

void blockers_arrange(struct blocker_view *rows, size_t count)
{
    struct web web = {.count = count};
    size_t done = 0, top_count = 0, *tops = mem_array(count, sizeof(*tops));
    struct blocker_view *ordered = mem_array(count, sizeof(*ordered));
    web.waits = mem_array(count * count, sizeof(*web.waits));
    web.reached = mem_array(count, sizeof(*web.reached));
    web.queue = mem_array(count + 1, sizeof(*web.queue));
    web.parent = mem_array(count, sizeof(*web.parent));
    web.placed = mem_array(count, sizeof(*web.placed));
    for (size_t i = 0; i < count; i++)
        web.parent[i] = NOBODY;
    S_read(&web, rows);
    for (size_t i = 0; i < count; i++)
        S_count_behind(&web, rows, i);
    S_build(&web, rows, tops, &top_count);
    for (size_t i = 0; i < top_count; i++) {
        ordered[done++] = rows[tops[i]];
        S_emit(&web, rows, (int64_t)tops[i], ordered, &done);
    }
    if (count)
        memcpy(rows, ordered, count * sizeof(*rows));
    free(web.waits);
    free(web.reached);
    free(web.queue);
    free(web.parent);
    free(web.placed);
    free(ordered);
    free(tops);
}
