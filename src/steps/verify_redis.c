/*
 * verify_redis: see verify_redis.h. One walk over the keys, each asked for its time to live; whose
 * they are is looked up in the codes of the mapping. Never reads or writes a value.
 */
#include "verify_redis.h"

#include "keyspace.h"
#include "map.h"
#include "sql.h"

#include <stdlib.h>
#include <string.h>

struct figures { /* of one template */
    int64_t keys, endless, over;
    json_t *samples; /* of those whose time to live breaks the policy */
};

struct suspects { /* keys of one sort that should not be there */
    int64_t count;
    json_t *samples;
};

struct census_of_run {
    struct run *run;
    struct keyspace *keyspace;
    struct figures *templates; /* the plan's, and one more for keys of none */
    struct map tenants, organizations, pairs;
    struct suspects unknown, crossed, old, unclaimed;
};

struct asked { /* a key whose PTTL is under way */
    struct figures *figures;
    int64_t policy;
    char *key;
    size_t len;
};

/* ---- whose a key is ---- */

static char *S_pair(const char *tenant, const char *organization)
{
    return str_format("%s\n%s", tenant, organization); /* no code holds a newline */
}

static bool S_read_codes(struct census_of_run *c, struct err *err)
{
    const struct plan *plan = c->run->plan;
    const char *values[] = {plan->name, plan->mapping.default_tenant,
                            plan->mapping.default_organization};
    struct pg_result *codes;
    if (!run_query(c->run, sql_get("cache_codes"), values, ARRAY_LEN(values), &codes, err))
        return false;
    for (int row = 0; row < pg_rows(codes); row++) {
        char *pair = S_pair(pg_text(codes, row, 0), pg_text(codes, row, 1));
        map_put(&c->tenants, pg_text(codes, row, 0), 0);
        if (!pg_null(codes, row, 1)) {
            map_put(&c->organizations, pg_text(codes, row, 1), 0);
            map_put(&c->pairs, pair, 0);
        }
        free(pair);
    }
    pg_result_free(codes);
    return true;
}

static void S_suspect(struct suspects *suspects, const char *key, size_t len)
{
    suspects->count++;
    keyspace_sample(suspects->samples, key, len);
}

static void S_judge_owner(struct census_of_run *c, const struct key_owner *owner, const char *key,
                          size_t len)
{
    char *tenant = owner->tenant ? key_part(owner->tenant, owner->tenant_len) : NULL;
    char *organization =
        owner->organization ? key_part(owner->organization, owner->organization_len) : NULL;
    bool tenant_known = !tenant || map_get(&c->tenants, tenant) != MAP_NONE;
    /* A plan without organization codes cannot judge them. */
    bool judged = organization && c->organizations.count;
    if (!tenant_known || (judged && map_get(&c->organizations, organization) == MAP_NONE)) {
        S_suspect(&c->unknown, key, len);
    } else if (tenant && judged) {
        char *pair = S_pair(tenant, organization);
        if (map_get(&c->pairs, pair) == MAP_NONE)
            S_suspect(&c->crossed, key, len);
        free(pair);
    }
    free(tenant);
    free(organization);
}

/* ---- the walk ---- */

static void S_take_ttl(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct asked *asked = ctx;
    int64_t ms = err ? -2 : redis_int(reply); /* -1: no end, -2: gone by now */
    bool over = ms > asked->policy * 1000;
    asked->figures->endless += ms == -1;
    asked->figures->over += over;
    if (ms == -1 || over)
        keyspace_sample(asked->figures->samples, asked->key, asked->len);
    free(asked->key);
    free(asked);
}

static bool S_ask_ttl(struct census_of_run *c, size_t template, const char *key, size_t len,
                      struct err *err)
{
    const char *argv[] = {"PTTL", key};
    size_t lengths[] = {strlen("PTTL"), len};
    struct asked *asked = mem_new(sizeof(*asked));
    *asked = (struct asked){.figures = &c->templates[template],
                            .policy = c->run->plan->keys[template].ttl,
                            .key = str_ndup(key, len),
                            .len = len};
    if (keyspace_send(c->keyspace, 2, argv, lengths, S_take_ttl, asked, err))
        return true;
    free(asked->key);
    free(asked);
    return false;
}

static bool S_has_tenant(const struct plan_keys *keys)
{
    return strstr(keys->pattern, "{tenant}") != NULL;
}

/* Parted by organization, as before, where the new layout parts by tenant. */
static bool S_is_old(const struct plan *plan, size_t template)
{
    bool parted = false;
    for (size_t i = 0; i < plan->key_count; i++)
        parted |= !plan->keys[i].foreign && S_has_tenant(&plan->keys[i]);
    return parted && !S_has_tenant(&plan->keys[template]) &&
           strstr(plan->keys[template].pattern, "{org}");
}

static bool S_take_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct census_of_run *c = ctx;
    const struct plan *plan = c->run->plan;
    struct key_owner owner = {0};
    size_t template = keyspace_template(plan, key, len, &owner);
    c->templates[template].keys++;
    if (template == plan->key_count) {
        S_suspect(&c->unclaimed, key, len);
        return true;
    }
    if (plan->keys[template].foreign)
        return true;
    S_judge_owner(c, &owner, key, len);
    if (S_is_old(plan, template))
        S_suspect(&c->old, key, len);
    return !plan->keys[template].ttl || S_ask_ttl(c, template, key, len, err);
}

/* ---- findings ---- */

static bool S_find(struct census_of_run *c, const char *name, const char *subject,
                   const char *verdict, const char *severity, int64_t count, json_t *samples,
                   const char *message, struct err *err)
{
    char *list = samples && json_array_size(samples) ? json_dumps(samples, JSON_COMPACT) : NULL;
    struct finding finding = {.group = "cache",
                              .name = name,
                              .subject = subject,
                              .verdict = verdict,
                              .severity = severity,
                              .count = count,
                              .message = message,
                              .samples = list};
    bool ok = run_find(c->run, &finding, err);
    free(list);
    return ok;
}

static bool S_find_template(struct census_of_run *c, size_t template, struct err *err)
{
    const struct plan_keys *keys = &c->run->plan->keys[template];
    const struct figures *figures = &c->templates[template];
    struct buf message = {0};
    int64_t wrong = figures->endless + figures->over;
    buf_format(&message, "keys of '%s': %lld", keys->pattern, (long long)figures->keys);
    if (keys->foreign)
        buf_add(&message, "; they belong to others and are not touched");
    else if (keys->ttl)
        buf_format(&message, "; without an end: %lld; beyond the policy's %lld s: %lld",
                   (long long)figures->endless, (long long)keys->ttl, (long long)figures->over);
    bool ok = S_find(c, keys->foreign ? "cache_foreign" : "cache_ttl", keys->name,
                     wrong ? "warn" : "pass", "warn", wrong ? wrong : figures->keys,
                     figures->samples, buf_text(&message), err);
    buf_release(&message);
    return ok;
}

/* `what` completes "keys … : 3"; `advice` follows when there are any, and may be "". */
static bool S_find_suspects(struct census_of_run *c, const char *name,
                            const struct suspects *suspects, const char *severity, const char *what,
                            const char *advice, struct err *err)
{
    char *message = str_format("keys %s: %lld%s", what, (long long)suspects->count,
                               suspects->count ? advice : "");
    bool ok = S_find(c, name, keyspace_name(c->keyspace), suspects->count ? "warn" : "pass",
                     severity, suspects->count, suspects->samples, message, err);
    free(message);
    return ok;
}

static bool S_find_all(struct census_of_run *c, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < c->run->plan->key_count; i++)
        ok = S_find_template(c, i, err);
    return ok &&
           S_find_suspects(c, "cache_codes", &c->unknown, "warn",
                           "with a tenant or an organization that the mapping does not know", "",
                           err) &&
           S_find_suspects(c, "cache_isolation", &c->crossed, "error",
                           "with an organization under a tenant that it does not belong to", "",
                           err) &&
           S_find_suspects(c, "cache_old_layout", &c->old, "warn", "of a layout without tenants",
                           "; nothing of a new release reads them, and 'tenantdeck run "
                           "cache-clear' removes them",
                           err) &&
           S_find_suspects(c, "cache_unclaimed", &c->unclaimed, "info",
                           "without a template of the plan", "; they are not touched", err);
}

/* ---- the whole ---- */

static void S_prepare(struct census_of_run *c)
{
    c->templates = mem_array(c->run->plan->key_count + 1, sizeof(*c->templates));
    for (size_t i = 0; i <= c->run->plan->key_count; i++)
        c->templates[i].samples = json_array();
    c->unknown.samples = json_array();
    c->crossed.samples = json_array();
    c->old.samples = json_array();
    c->unclaimed.samples = json_array();
}

static void S_release(struct census_of_run *c)
{
    for (size_t i = 0; i <= c->run->plan->key_count; i++)
        json_decref(c->templates[i].samples);
    free(c->templates);
    json_decref(c->unknown.samples);
    json_decref(c->crossed.samples);
    json_decref(c->old.samples);
    json_decref(c->unclaimed.samples);
    map_release(&c->tenants);
    map_release(&c->organizations);
    map_release(&c->pairs);
    keyspace_free(c->keyspace);
}

bool verify_redis(struct run *run, struct err *err)
{
    struct census_of_run c = {.run = run};
    struct err trouble = {0};
    S_prepare(&c);
    bool ok = S_read_codes(&c, err);
    if (ok && keyspace_open(run, &c.keyspace, &trouble) &&
        keyspace_walk(c.keyspace, NULL, S_take_key, &c, &trouble))
        ok = S_find_all(&c, err);
    else if (ok && (run->aborted || run->stop_wanted || run->fenced)) {
        *err = trouble;
        ok = false;
    } else if (ok)
        ok = S_find(&c, "cache_keys", "Redis", "unknown", "warn", -1, NULL, trouble.text, err);
    S_release(&c);
    return ok;
}
