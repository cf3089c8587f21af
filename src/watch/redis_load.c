/* redis_load: see redis_load.h. */
#include "redis_load.h"

#include "redis.h"
#include "snapshot.h"

#include <stdlib.h>

enum { READS_TO_TELL = 1000 }; /* of fewer reads than these a rate says nothing */

void redis_load_read(const char *info, struct redis_load *out)
{
    *out = (struct redis_load){.memory = redis_info_int(info, "used_memory"),
                               .limit = redis_info_int(info, "maxmemory"),
                               .clients = redis_info_int(info, "connected_clients"),
                               .hits = redis_info_int(info, "keyspace_hits"),
                               .misses = redis_info_int(info, "keyspace_misses"),
                               .evicted = redis_info_int(info, "evicted_keys")};
    char *role = redis_info_text(info, "role"), *policy = redis_info_text(info, "maxmemory_policy");
    out->loading = redis_info_int(info, "loading") == 1;
    out->replica = str_is(role, "slave");
    out->full = out->limit > 0 && out->memory >= out->limit && str_is(policy, "noeviction");
    free(role);
    free(policy);
    if (out->limit <= 0) /* it takes what it gets, until the host has no more */
        out->limit = redis_info_int(info, "total_system_memory");
}

static double S_percent(int64_t part, int64_t whole)
{
    return 100.0 * (double)part / (double)whole;
}

double redis_load_memory(const struct redis_load *load)
{
    return load->memory >= 0 && load->limit > 0 ? S_percent(load->memory, load->limit) : UNKNOWN;
}

double redis_load_hit_rate(const struct redis_load *load)
{
    bool told = load->hits >= 0 && load->misses >= 0 && load->hits + load->misses >= READS_TO_TELL;
    return told ? S_percent(load->hits, load->hits + load->misses) : UNKNOWN;
}

static void S_ring(struct buf *out, const char *what)
{
    buf_format(out, "%s%s", out->len ? ", " : "", what);
}

static void S_tell_state(const struct redis_load *load, struct buf *out)
{
    if (load->loading)
        S_ring(out, "reads its data from disk");
    if (load->replica)
        S_ring(out, "a replica: takes no writes");
    if (load->full)
        S_ring(out, "full: takes no writes");
}

void redis_load_alarms(const struct redis_load *load, const struct plan_alarms *alarms,
                       struct buf *out)
{
    static const struct plan_alarms none;
    double memory = redis_load_memory(load), hit_rate = redis_load_hit_rate(load);
    S_tell_state(load, out);
    alarms = alarms ? alarms : &none;
    if (alarms->memory && memory >= (double)alarms->memory)
        buf_format(out, "%smemory %.0f %%", out->len ? ", " : "", memory);
    if (alarms->clients && load->clients > alarms->clients)
        buf_format(out, "%s%lld connections", out->len ? ", " : "", (long long)load->clients);
    if (alarms->hit_rate && hit_rate >= 0 && hit_rate < (double)alarms->hit_rate)
        buf_format(out, "%shit rate %.0f %%", out->len ? ", " : "", hit_rate);
}
