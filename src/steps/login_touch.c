/*
 * login_touch: somebody uses a session: its value says when, its end moves on.
 *
 * The service writes the same key each time that it is used, and may end it at any moment. So the
 * new value is written only where the one that was read still stands: under WATCH where one server
 * has all keys (and with XX, since not every server counts a key whose time has come as a change),
 * else by a script on the session's own key. The set and the log of the session, which a cluster
 * has on other servers, come after it; and when the session has ended by then, they are taken back.
 */
#include "logins.h"

#include "clock.h"
#include "login_parts.h"
#include "service_keys.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES = 5 };

/*
 * ARGV: what was read, what is to stand there, for how many milliseconds ("0": as long as it has).
 */
#define SCRIPT                                                                                     \
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "                                  \
    "if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL') "                       \
    "else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end return 1"

struct touch { /* one try */
    struct keyspace *keyspace;
    const struct login_use *use;
    const char *key;
    struct login login;
    struct redis_reply *read; /* its bytes, where a script compares them; else NULL */
    char *user, *set;         /* of whose user; NULL */
    char *value;              /* the new one */
    int64_t now_ms, ttl_ms;
};

static void S_release(struct touch *touch)
{
    login_release(&touch->login);
    redis_reply_free(touch->read);
    free(touch->user);
    free(touch->set);
    free(touch->value);
}

/* ---- reading ---- */

static bool S_watch(struct keyspace *keyspace, const char *key, struct err *err)
{
    const char *const argv[] = {"WATCH", key};
    return !keyspace_has_multi(keyspace) || keyspace_send(keyspace, 2, argv, NULL, NULL, NULL, err);
}

static bool S_unwatch(struct keyspace *keyspace, struct err *err)
{
    static const char *const argv[] = {"UNWATCH"};
    return !keyspace_has_multi(keyspace) ||
           (keyspace_send(keyspace, 1, argv, NULL, NULL, NULL, err) &&
            keyspace_settle(keyspace, err));
}

/* Who would be touched has no shape that could be kept: it is left alone. */
static bool S_refuse_shape(const char *key, struct err *err)
{
    err_set(err, ERR_REFUSED, "'%s' holds no JSON object, so it was left as it is", key);
    return err_hint(err, "'session end' removes it");
}

static bool S_read(struct touch *touch, struct err *err)
{
    const char *const argv[] = {"MGET", touch->key};
    if (!S_watch(touch->keyspace, touch->key, err) ||
        (!keyspace_has_multi(touch->keyspace) &&
         !keyspace_ask(touch->keyspace, ARRAY_LEN(argv), argv, NULL, &touch->read, err)))
        return false;
    return logins_get(touch->keyspace, touch->use->tenant, touch->use->id, &touch->login, err);
}

static void S_renew(struct touch *touch)
{
    const struct login_use *use = touch->use;
    int64_t full = use->ttl * 1000;
    touch->now_ms = clock_wall();
    touch->ttl_ms = touch->login.ttl_ms;
    if (!use->fixed && (touch->ttl_ms < full || touch->ttl_ms == LOGIN_ENDLESS))
        touch->ttl_ms = full;
    int64_t ends = touch->ttl_ms > 0 ? touch->now_ms + touch->ttl_ms
                                     : login_moment(&touch->login, "expiresAt");
    touch->value =
        login_touched(&touch->login, use->address, use->agent, use->metadata, touch->now_ms, ends);
    touch->user = login_text(&touch->login, "userId");
    touch->set = touch->user ? service_key(FAMILY_USER, use->tenant, touch->user) : NULL;
}

/* ---- writing ---- */

/* It has ended while we wrote the rest, which must not look as if it went on. */
static bool S_take_back(struct touch *touch, struct err *err)
{
    bool ok = login_end(touch->keyspace, touch->use->tenant, touch->use->id, touch->user, err);
    touch->ttl_ms = LOGIN_GONE;
    return ok;
}

/* An OK to the rest is no proof that there was something to touch. */
static bool S_is_there_still(struct touch *touch, struct err *err)
{
    int64_t there = 0;
    return keyspace_ask_int(touch->keyspace, "EXISTS", touch->key, &there, err) &&
           (there || S_take_back(touch, err));
}

static bool S_add_rest(struct touch *touch, struct together *together, struct err *err)
{
    login_add_activity(together, touch->use->tenant, touch->use->id, "updated", touch->now_ms,
                       touch->ttl_ms);
    return !touch->set || login_add_to_set(touch->keyspace, together, touch->set, touch->use->id,
                                           touch->ttl_ms, err);
}

static bool S_write_at_once(struct touch *touch, bool *done, struct err *err)
{
    struct together together = {0};
    struct number_text ttl = number_text(touch->ttl_ms);
    if (touch->ttl_ms > 0)
        together_add(&together, "SET", touch->key, touch->value, "XX", "PX", ttl.text, NULL);
    else
        together_add(&together, "SET", touch->key, touch->value, "XX", "KEEPTTL", NULL);
    bool ok =
        S_add_rest(touch, &together, err) && together_do(&together, touch->keyspace, done, err);
    together_release(&together);
    return ok && (!*done || S_is_there_still(touch, err));
}

static bool S_write_rest(struct touch *touch, struct err *err)
{
    struct together together = {0};
    bool ok = S_add_rest(touch, &together, err) &&
              together_do(&together, touch->keyspace, NULL, err) && S_is_there_still(touch, err);
    together_release(&together);
    return ok;
}

static bool S_write_by_script(struct touch *touch, bool *done, struct err *err)
{
    struct number_text ttl = number_text(touch->ttl_ms > 0 ? touch->ttl_ms : 0);
    struct redis_reply *answer = NULL;
    *done = false;
    if (redis_type(touch->read) != REDIS_ARRAY || redis_length(touch->read) != 1 ||
        redis_type(redis_at(touch->read, 0)) != REDIS_STRING)
        return true; /* it was written or has ended since: look again */
    const struct redis_reply *was = redis_at(touch->read, 0);
    const char *argv[] = {"EVAL", SCRIPT, "1", touch->key, redis_text(was), touch->value, ttl.text};
    const size_t lengths[] = {4,
                              strlen(SCRIPT),
                              1,
                              strlen(touch->key),
                              redis_length(was),
                              strlen(touch->value),
                              strlen(ttl.text)};
    if (!keyspace_ask(touch->keyspace, ARRAY_LEN(argv), argv, lengths, &answer, err))
        return false;
    *done = redis_int(answer) == 1;
    redis_reply_free(answer);
    return !*done || S_write_rest(touch, err);
}

/* `*done` is false when the service has written the session between our look and our write. */
static bool S_try(struct touch *touch, bool *done, struct err *err)
{
    *done = true;
    touch->ttl_ms = LOGIN_GONE;
    if (!S_read(touch, err))
        return false;
    if (touch->login.ttl_ms == LOGIN_GONE)
        return S_unwatch(touch->keyspace, err);
    if (!touch->login.value)
        return S_refuse_shape(touch->key, err);
    S_renew(touch);
    return keyspace_has_multi(touch->keyspace) ? S_write_at_once(touch, done, err)
                                               : S_write_by_script(touch, done, err);
}

bool login_touch(struct keyspace *keyspace, const struct login_use *use, int64_t *ttl_ms,
                 struct err *err)
{
    char *key = service_key(FAMILY_SESSION, use->tenant, use->id);
    bool ok = true, done = false;
    for (int tries = 0; ok && !done && tries < TRIES; tries++) {
        struct touch touch = {.keyspace = keyspace, .use = use, .key = key};
        ok = S_try(&touch, &done, err);
        *ttl_ms = touch.ttl_ms;
        S_release(&touch);
    }
    if (ok && !done) {
        ok = err_set(err, ERR_RETRY,
                     "'%s' was written by somebody else each time it was read; "
                     "nothing was done",
                     key);
        err_hint(err, "it is in use just now, which is as good as a touch");
    }
    free(key);
    return ok;
}
