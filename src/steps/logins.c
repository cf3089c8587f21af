/* logins: see logins.h. */
#include "logins.h"

#include "clock.h"
#include "login_parts.h"
#include "service_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACTIVITY_KEPT = 100, /* as the service keeps them */
};

/* ---- reading one ---- */

/* MGET and not GET: of a key that is no string it says nothing, where GET fails. */
static void S_read_value(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (err || redis_type(reply) != REDIS_ARRAY || redis_length(reply) != 1)
        return;
    const struct redis_reply *value = redis_at(reply, 0);
    if (redis_type(value) == REDIS_STRING)
        login_read(ctx, redis_text(value), redis_length(value));
}

static void S_read_ttl(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct login *login = ctx;
    login->ttl_ms = err ? LOGIN_GONE : redis_int(reply);
}

static bool S_send_reads(struct keyspace *keyspace, const char *key, size_t len,
                         redis_done_fn *read_ttl, void *ctx, struct login *login, struct err *err)
{
    const char *const value[] = {"MGET", key}, *const ttl[] = {"PTTL", key};
    const size_t value_lengths[] = {4, len}, ttl_lengths[] = {4, len};
    return keyspace_send(keyspace, 2, value, value_lengths, S_read_value, login, err) &&
           keyspace_send(keyspace, 2, ttl, ttl_lengths, read_ttl, ctx, err);
}

bool logins_get(struct keyspace *keyspace, const char *tenant, const char *id, struct login *out,
                struct err *err)
{
    char *key = service_key(FAMILY_SESSION, tenant, id);
    *out = (struct login){.tenant = str_dup(tenant), .id = str_dup(id), .ttl_ms = LOGIN_GONE};
    bool ok = S_send_reads(keyspace, key, strlen(key), S_read_ttl, out, out, err) &&
              keyspace_settle(keyspace, err);
    free(key);
    if (!ok)
        login_release(out);
    return ok;
}

/* ---- all of them ---- */

/* A session whose answers are still to come; they come in the order of the questions. */
struct S_coming {
    struct login login;
    bool there;
    struct S_coming *next;
};

struct S_walk {
    struct keyspace *keyspace;
    login_fn *each;
    void *ctx;
    struct S_coming *first, **last;
};

static void S_came(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_coming *coming = ctx;
    S_read_ttl(&coming->login, reply, err);
    coming->there = true;
}

static void S_drop_first(struct S_walk *walk)
{
    struct S_coming *first = walk->first;
    walk->first = first->next;
    if (!walk->first)
        walk->last = &walk->first;
    login_release(&first->login);
    free(first);
}

/* Not in the callback of an answer: what `each` sends may have to wait for others. */
static bool S_hand_out(struct S_walk *walk, struct err *err)
{
    while (walk->first && walk->first->there) {
        const struct login *login = &walk->first->login;
        if (login->ttl_ms != LOGIN_GONE && !walk->each(walk->ctx, login, err))
            return false;
        S_drop_first(walk);
    }
    return true;
}

static bool S_take_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct S_walk *walk = ctx;
    char *tenant, *id;
    if (!service_key_cut(FAMILY_SESSION, key, len, &tenant, &id))
        return true;
    struct S_coming *coming = mem_new(sizeof(*coming));
    coming->login = (struct login){.tenant = tenant, .id = id};
    *walk->last = coming;
    walk->last = &coming->next;
    return S_send_reads(walk->keyspace, key, len, S_came, coming, &coming->login, err) &&
           S_hand_out(walk, err);
}

bool logins_walk(struct keyspace *keyspace, const char *tenant, const char *id, login_fn *each,
                 void *ctx, struct err *err)
{
    struct S_walk walk = {.keyspace = keyspace, .each = each, .ctx = ctx};
    struct buf glob = {0};
    struct err unused = {0};
    walk.last = &walk.first;
    service_glob(&glob, FAMILY_SESSION, tenant);
    if (id) { /* its last '*' is for the rest of a name, of which the id is the end */
        glob.text[--glob.len] = '\0';
        buf_add(&glob, tenant ? "" : "*:");
        key_glob_quote(&glob, id, strlen(id));
    }
    const struct key_glob match = {glob.text, glob.len};
    bool ok = keyspace_walk(keyspace, &match, S_take_key, &walk, err) && S_hand_out(&walk, err) &&
              keyspace_settle(keyspace, err);
    if (!ok) /* the answers that are still to come must not find their places gone */
        keyspace_settle(keyspace, &unused);
    while (walk.first)
        S_drop_first(&walk);
    buf_release(&glob);
    return ok;
}

/* ---- the keys around a session ---- */

void login_add_activity(struct together *together, const char *tenant, const char *id,
                        const char *what, int64_t now_ms, int64_t ttl_ms)
{
    struct number_text ttl = number_text(ttl_ms);
    char *key = service_key(FAMILY_ACTIVITY, tenant, id);
    char *score = str_format("%lld", (long long)now_ms);
    char *member = str_format("%lld:%s", (long long)now_ms, what);
    char *oldest = str_format("%d", -ACTIVITY_KEPT - 1);
    together_add(together, "ZADD", key, score, member, NULL);
    if (ttl_ms > 0) /* a session without an end has a log without one */
        together_add(together, "PEXPIRE", key, ttl.text, NULL);
    together_add(together, "ZREMRANGEBYRANK", key, "0", oldest, NULL);
    free(key);
    free(score);
    free(member);
    free(oldest);
}

bool login_add_to_set(struct keyspace *keyspace, struct together *together, const char *key,
                      const char *id, int64_t ttl_ms, struct err *err)
{
    int64_t has;
    if (!keyspace_check_type(keyspace, key, "set", err) ||
        !keyspace_ask_int(keyspace, "PTTL", key, &has, err))
        return false;
    struct number_text ttl = number_text(ttl_ms);
    together_add(together, "SADD", key, id, NULL);
    if (has != LOGIN_ENDLESS && ttl_ms > 0 && has < ttl_ms)
        together_add(together, "PEXPIRE", key, ttl.text, NULL);
    return true;
}

/* ---- begin ---- */

bool login_create(struct keyspace *keyspace, const struct login_order *order, char **id,
                  struct err *err)
{
    struct together together = {0};
    int64_t now = clock_wall();
    struct number_text ttl = number_text(order->ttl * 1000);
    *id = login_new_id(now);
    char *key = service_key(FAMILY_SESSION, order->tenant, *id);
    char *set = service_key(FAMILY_USER, order->tenant, order->user);
    char *value = login_compose(order, *id, now);
    together_add(&together, "SET", key, value, "PX", ttl.text, NULL);
    bool ok = login_add_to_set(keyspace, &together, set, *id, order->ttl * 1000, err);
    if (ok) {
        login_add_activity(&together, order->tenant, *id, "created", now, order->ttl * 1000);
        ok = together_do(&together, keyspace, NULL, err);
    }
    together_release(&together);
    free(key);
    free(set);
    free(value);
    if (!ok) {
        free(*id);
        *id = NULL;
    }
    return ok;
}

/* ---- end ---- */

bool login_end(struct keyspace *keyspace, const char *tenant, const char *id, const char *user,
               struct err *err)
{
    struct together together = {0};
    int64_t there = 0;
    char *key = service_key(FAMILY_SESSION, tenant, id);
    char *activity = service_key(FAMILY_ACTIVITY, tenant, id);
    char *set = user ? service_key(FAMILY_USER, tenant, user) : NULL;
    bool ok = !set || keyspace_check_type(keyspace, set, "set", err);
    if (ok) {
        together_add(&together, "UNLINK", key, NULL);
        if (set)
            together_add(&together, "SREM", set, id, NULL);
        together_add(&together, "UNLINK", activity, NULL);
        ok = together_do(&together, keyspace, NULL, err) &&
             keyspace_ask_int(keyspace, "EXISTS", key, &there, err);
    }
    if (ok && there)
        ok = err_set(err, ERR_FAILED,
                     "'%s' is there again: the service has written it while it was ended", key);
    together_release(&together);
    free(key);
    free(activity);
    free(set);
    return ok;
}
