/*
 * probes: what a round of the sampler asks the database, in this order, and how often.
 *
 * A list, no more: sampler.c sends it, gather.c takes the answers. A probe may rest on what one
 * before it in the same round has learned.
 */
#ifndef TD_PROBES_H
#define TD_PROBES_H

#include "parts.h"

enum { PROBE_VALUES = 8 };

struct probe {
    const char *statement;
    int every_ms; /* 0: in each round */
    /* NULL: always. */
    bool (*wanted)(const struct parts *parts);
    /* Sets the parameters, with room for numbers; says how many there are. NULL: none. */
    int (*values)(const struct parts *parts, const char **values, char numbers[PROBE_VALUES][24]);
    void (*gather)(struct parts *parts, const struct pg_result *result);
    /* It is due before its time; NULL: it never is. */
    bool (*is_urgent)(const struct parts *parts);
};

extern const struct probe probes[];
extern const size_t probe_count;

#endif
