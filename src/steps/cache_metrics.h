/*
 * cache_metrics: what the service counts of its cache per tenant: hits, misses, sets, deletes,
 * errors.
 *
 * Its code writes "misss" (miss + s) and reads "misses", so its own figure is always 0; both are
 * read here, and added.
 */
#ifndef TD_CACHE_METRICS_H
#define TD_CACHE_METRICS_H

#include "keyspace.h"

struct cache_metrics {
    const char *tenant; /* borrowed for the call */
    int64_t hits, misses, sets, deletes, errors;
    int64_t ttl_ms; /* until the service counts from 0 again; -1: never */
};

typedef void cache_metrics_fn(void *ctx, const struct cache_metrics *metrics);

/* Of one tenant, or of all (NULL); each once. Says how many keys of that name hold no counters. */
bool cache_metrics_read(struct keyspace *keyspace, const char *tenant, cache_metrics_fn *each,
                        void *ctx, int64_t *wrong, struct err *err);

#endif
