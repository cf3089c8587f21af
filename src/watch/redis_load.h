/*
 * redis_load: how hard a Redis has it, from its INFO, and which of the plan's alarms that rings.
 *
 * The hit rate is the server's own, since it was started: it counts every read, ours included.
 */
#ifndef TD_REDIS_LOAD_H
#define TD_REDIS_LOAD_H

#include "plan.h"

struct redis_load {        /* UNKNOWN (-1) where INFO does not say */
    int64_t memory, limit; /* bytes; the limit is maxmemory, or else all that the host has */
    int64_t clients;       /* connections */
    int64_t hits, misses;  /* reads of keys since the server was started */
    int64_t evicted;       /* keys that had to go for others, since then */
    bool loading;          /* it reads its data from disk, and answers nobody's commands yet */
    bool replica;          /* it takes no writes */
    bool full;             /* … nor here: its memory is used up, and it lets no key go */
};

void redis_load_read(const char *info, struct redis_load *out);

double redis_load_memory(const struct redis_load *load);   /* percent of the limit; -1: unknown */
double redis_load_hit_rate(const struct redis_load *load); /* percent; -1: too few reads to tell */

/* "full: takes no writes, 120 connections": what rings of the plan's (NULL: none), and what keeps
 * everybody from writing; "" when nothing does. */
void redis_load_alarms(const struct redis_load *load, const struct plan_alarms *alarms,
                       struct buf *out);

#endif
