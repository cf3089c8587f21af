/* keyttl: see keyttl.h. */
#include "keyttl.h"

#include "clock.h"
#include "failpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 100 };

/* For a server before Redis 7: the same comparison and the same setting, as one thing. */
static const char SCRIPT[] = "local left = redis.call('PTTL', KEYS[1]) "
                             "if left == -1 or left > ARGV[1] * 1000 then "
                             "return redis.call('PEXPIRE', KEYS[1], ARGV[1] * 1000) end return 0";

struct keyttl_key { /* whose time was asked for */
    struct keyttl *ttl;
    struct keyttl_type *type;
    char *key;
    size_t len;
    int64_t pttl;       /* milliseconds; -1: no end; -2: gone */
    int64_t expires_at; /* as its value says; -1: it does not */
    bool refused;
};

void keyttl_begin(struct keyttl *ttl)
{
    ttl->types = mem_array(ttl->choice->plan->key_count, sizeof(*ttl->types));
    ttl->batch = mem_array(BATCH, sizeof(*ttl->batch));
    for (size_t i = 0; i < ttl->choice->plan->key_count; i++)
        ttl->types[i].samples = json_array();
}

void keyttl_end(struct keyttl *ttl)
{
    for (size_t i = 0; ttl->types && i < ttl->choice->plan->key_count; i++)
        json_decref(ttl->types[i].samples);
    for (size_t i = 0; i < ttl->batch_count; i++)
        free(ttl->batch[i].key);
    free(ttl->types);
    free(ttl->batch);
}

/* ---- asking ---- */

static void S_take_pttl(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct keyttl_key *key = ctx;
    key->pttl = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : -2;
}

static void S_take_value(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct keyttl_key *key = ctx;
    bool text = !err && redis_type(reply) == REDIS_STRING;
    json_t *value = text ? json_loadb(redis_text(reply), redis_length(reply),
                                      JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL)
                         : NULL;
    const json_t *ends = json_object_get(value, "expiresAt");
    key->expires_at = json_is_number(ends) ? (int64_t)json_number_value(ends) : -1;
    key->ttl->unread += text && key->expires_at < 0;
    if (err && !strstr(err->text, "WRONGTYPE") && key->ttl->refused.kind == ERR_NONE)
        key->ttl->refused = *err;
    json_decref(value);
}

static bool S_ask(struct keyttl *ttl, struct keyttl_key *key, struct err *err)
{
    char last[16];
    snprintf(last, sizeof(last), "%d", KEYTTL_READ_MAX - 1);
    const char *pttl[] = {"PTTL", key->key}, *range[] = {"GETRANGE", key->key, "0", last};
    const size_t lengths[] = {4, key->len}, range_lengths[] = {8, key->len, 1, strlen(last)};
    /* A set or a hash has no such value, which the server says as an error. */
    return keyspace_send(ttl->keyspace, 2, pttl, lengths, S_take_pttl, key, err) &&
           (!ttl->drift ||
            keyspace_try(ttl->keyspace, 4, range, range_lengths, S_take_value, key, err));
}

/* ---- setting ---- */

static bool S_is_wrong(const struct keyttl_key *key)
{
    int64_t policy = key->type->policy;
    return policy > 0 && (key->pttl == -1 || key->pttl > policy * 1000);
}

static void S_take_set(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct keyttl_key *key = ctx;
    key->refused = err != NULL;
    key->type->set += !err && redis_type(reply) == REDIS_INTEGER && redis_int(reply) == 1;
}

static bool S_send_expire(struct keyttl *ttl, struct keyttl_key *key, struct err *err)
{
    char policy[24];
    snprintf(policy, sizeof(policy), "%lld", (long long)key->type->policy);
    const char *expire[] = {"EXPIRE", key->key, policy, "LT"};
    const size_t expire_lengths[] = {6, key->len, strlen(policy), 2};
    const char *script[] = {"EVAL", SCRIPT, "1", key->key, policy};
    const size_t script_lengths[] = {4, strlen(SCRIPT), 1, key->len, strlen(policy)};
    if (ttl->by_script)
        return keyspace_send(ttl->keyspace, ARRAY_LEN(script), script, script_lengths, S_take_set,
                             key, err);
    return keyspace_try(ttl->keyspace, ARRAY_LEN(expire), expire, expire_lengths, S_take_set, key,
                        err);
}

static bool S_set_batch(struct keyttl *ttl, struct err *err)
{
    bool refused = false;
    for (size_t i = 0; i < ttl->batch_count; i++)
        if (S_is_wrong(&ttl->batch[i]) && !S_send_expire(ttl, &ttl->batch[i], err))
            return false;
    if (!keyspace_settle(ttl->keyspace, err))
        return false;
    for (size_t i = 0; i < ttl->batch_count; i++)
        refused |= ttl->batch[i].refused;
    if (!refused || ttl->by_script)
        return true;
    ttl->by_script = true; /* for those that were refused, and all to come */
    for (size_t i = 0; i < ttl->batch_count; i++)
        if (ttl->batch[i].refused && !S_send_expire(ttl, &ttl->batch[i], err))
            return false;
    return keyspace_settle(ttl->keyspace, err);
}

/* ---- the walk ---- */

static void S_count(const struct keyttl_key *key)
{
    struct keyttl_type *type = key->type;
    if (key->pttl == -2)
        return;
    int64_t ends_at = key->pttl < 0 ? INT64_MAX : clock_wall() + key->pttl;
    int64_t off = key->expires_at < 0 ? 0 : ends_at - key->expires_at;
    bool drifts = off > KEYTTL_DRIFT_S * 1000 || off < -KEYTTL_DRIFT_S * 1000;
    type->keys++;
    type->endless += type->policy > 0 && key->pttl == -1;
    type->over += type->policy > 0 && key->pttl > type->policy * 1000;
    type->drifting += drifts;
    if (drifts || S_is_wrong(key))
        keyspace_sample(type->samples, key->key, key->len);
}

static bool S_flush(struct keyttl *ttl, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < ttl->batch_count; i++)
        ok = S_ask(ttl, &ttl->batch[i], err);
    ok = ok && keyspace_settle(ttl->keyspace, err);
    if (ok && ttl->refused.kind != ERR_NONE) { /* what is not read could drift unseen */
        *err = ttl->refused;
        ok = false;
    }
    for (size_t i = 0; ok && i < ttl->batch_count; i++)
        S_count(&ttl->batch[i]);
    ok = ok && (!ttl->acts || S_set_batch(ttl, err));
    for (size_t i = 0; i < ttl->batch_count; i++)
        free(ttl->batch[i].key);
    ttl->batch_count = 0;
    FAILPOINT("K3");
    return ok;
}

static bool S_take_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct keyttl *ttl = ctx;
    struct key_owner owner;
    size_t template;
    if (ttl->stop && *ttl->stop)
        return err_set(err, ERR_FAILED, "stopped, as asked: what was set by then stays set");
    if (key_choice_judge(ttl->choice, key, len, &template, &owner) != KEY_CHOSEN ||
        template >= ttl->choice->plan->key_count)
        return true;
    ttl->batch[ttl->batch_count++] = (struct keyttl_key){.ttl = ttl,
                                                         .type = &ttl->types[template],
                                                         .key = str_ndup(key, len),
                                                         .len = len,
                                                         .expires_at = -1};
    return ttl->batch_count < BATCH || S_flush(ttl, err);
}

bool keyttl_walk(struct keyttl *ttl, bool set, struct err *err)
{
    ttl->acts = set;
    ttl->unread = 0;
    for (size_t i = 0; i < ttl->choice->plan->key_count; i++) {
        struct keyttl_type *type = &ttl->types[i];
        type->keys = type->endless = type->over = type->drifting = 0;
        json_array_clear(type->samples);
    }
    return keyspace_walk(ttl->keyspace, ttl->match, S_take_key, ttl, err) && S_flush(ttl, err);
}
