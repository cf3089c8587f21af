/* cache_metrics: see cache_metrics.h. */
#include "cache_metrics.h"

#include "seen.h"
#include "service_keys.h"

#include <stdlib.h>
#include <string.h>

enum { HITS, MISSES, MISSS, SETS, DELETES, ERRORS, FIELDS };

static const char *const S_fields[FIELDS] = {"hits", "misses",  "misss",
                                             "sets", "deletes", "errors"};

struct S_counters { /* of one tenant, whose answers come in */
    char *tenant, *key;
    bool is_hash, wrong;
    int64_t figures[FIELDS], ttl_ms;
};

struct S_reading {
    struct seen seen;
    struct S_counters *list;
    size_t count, cap;
};

static void S_note(struct S_reading *reading, const char *tenant)
{
    reading->list = mem_room(reading->list, reading->count, &reading->cap, sizeof(*reading->list));
    reading->list[reading->count++] = (struct S_counters){
        .tenant = str_dup(tenant), .key = service_key(FAMILY_METRICS, tenant, NULL)};
}

static bool S_take_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct S_reading *reading = ctx;
    char *tenant, *rest;
    (void)err;
    if (!service_key_cut(FAMILY_METRICS, key, len, &tenant, &rest))
        return true;
    if (!*rest && seen_first(&reading->seen, tenant, strlen(tenant)))
        S_note(reading, tenant);
    free(tenant);
    free(rest);
    return true;
}

static void S_read_type(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_counters *counters = ctx;
    counters->is_hash = !err && str_is(redis_text(reply), "hash");
    counters->wrong = !err && !counters->is_hash && !str_is(redis_text(reply), "none");
}

static void S_read_figures(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_counters *counters = ctx;
    bool list = !err && redis_type(reply) == REDIS_ARRAY && redis_length(reply) == FIELDS;
    for (size_t i = 0; list && i < FIELDS; i++)
        if (redis_type(redis_at(reply, i)) == REDIS_STRING)
            counters->figures[i] = redis_int(redis_at(reply, i));
}

static void S_read_ttl(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err)
        ((struct S_counters *)ctx)->ttl_ms = redis_int(reply);
}

static bool S_ask_types(struct S_reading *reading, struct keyspace *keyspace, struct err *err)
{
    for (size_t i = 0; i < reading->count; i++) {
        const char *const argv[] = {"TYPE", reading->list[i].key};
        if (!keyspace_send(keyspace, 2, argv, NULL, S_read_type, &reading->list[i], err))
            return false;
    }
    return keyspace_settle(keyspace, err);
}

static bool S_ask_figures(struct S_reading *reading, struct keyspace *keyspace, struct err *err)
{
    for (size_t i = 0; i < reading->count; i++) {
        struct S_counters *counters = &reading->list[i];
        const char *argv[FIELDS + 2] = {"HMGET", counters->key};
        const char *const ttl[] = {"PTTL", counters->key};
        memcpy(argv + 2, S_fields, sizeof(S_fields));
        if (counters->is_hash &&
            (!keyspace_send(keyspace, FIELDS + 2, argv, NULL, S_read_figures, counters, err) ||
             !keyspace_send(keyspace, 2, ttl, NULL, S_read_ttl, counters, err)))
            return false;
    }
    return keyspace_settle(keyspace, err);
}

static void S_hand_out(const struct S_counters *counters, cache_metrics_fn *each, void *ctx)
{
    const struct cache_metrics metrics = {.tenant = counters->tenant,
                                          .hits = counters->figures[HITS],
                                          .misses =
                                              counters->figures[MISSES] + counters->figures[MISSS],
                                          .sets = counters->figures[SETS],
                                          .deletes = counters->figures[DELETES],
                                          .errors = counters->figures[ERRORS],
                                          .ttl_ms = counters->ttl_ms};
    each(ctx, &metrics);
}

bool cache_metrics_read(struct keyspace *keyspace, const char *tenant, cache_metrics_fn *each,
                        void *ctx, int64_t *wrong, struct err *err)
{
    struct S_reading reading = {0};
    const struct key_glob match = {FAMILY_METRICS ":*", strlen(FAMILY_METRICS ":*")};
    bool ok = true;
    *wrong = 0;
    if (tenant)
        S_note(&reading, tenant);
    else
        ok = keyspace_walk(keyspace, &match, S_take_key, &reading, err);
    ok = ok && S_ask_types(&reading, keyspace, err) && S_ask_figures(&reading, keyspace, err);
    for (size_t i = 0; i < reading.count; i++) {
        if (ok && reading.list[i].is_hash)
            S_hand_out(&reading.list[i], each, ctx);
        *wrong += reading.list[i].wrong;
        free(reading.list[i].tenant);
        free(reading.list[i].key);
    }
    free(reading.list);
    seen_release(&reading.seen);
    return ok;
}
