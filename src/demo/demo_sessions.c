/*
 * demo_sessions: puts sessions and caches of some tenants into a Redis that is empty (demo.h), in
 * the shapes of the service, and with the defects that 'session check' and the Cache pane are there
 * to find. The same sample each time, but for the clock: nothing in it is drawn by chance.
 */
#include "demo.h"

#include "clock.h"
#include "service_keys.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    USERS = 300, /* of the first tenant at scale 1; the others have fewer */
    CACHED = 500,
    DAY = 86400,
    AT_ONCE = 400, /* commands in the pipeline */
};

static const char *const S_tenants[] = {"org_acme",  "org_globex", "org_hooli",
                                        "org_stark", "org_wayne",  "org_initech"};

struct S_sample {
    struct redis *redis;
    double scale;
    int64_t now;
    size_t pending, number; /* of the session that was made last */
    bool failed;
    struct err err;
};

/* ---- sending ---- */

static void S_sent(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_sample *sample = ctx;
    (void)reply;
    if (err && !sample->failed) {
        sample->failed = true;
        sample->err = *err;
    }
}

/* The answer to a PING comes after those to all that was sent before it. */
static void S_settle(struct S_sample *sample)
{
    static const char *const ping[] = {"PING"};
    struct err err = {0};
    sample->pending = 0;
    if (!sample->failed && !redis_run(sample->redis, 1, ping, NULL, &err))
        S_sent(sample, NULL, &err);
}

static void S_send(struct S_sample *sample, int argc, const char *const *argv)
{
    if (sample->failed)
        return;
    redis_send(sample->redis, argc, argv, NULL, S_sent, sample);
    if (++sample->pending == AT_ONCE)
        S_settle(sample);
}

/* A string with its time; 0: it has none. Takes both texts. */
static void S_put(struct S_sample *sample, char *key, char *value, int64_t ttl)
{
    struct number_text seconds = number_text(ttl);
    const char *const argv[] = {"SET", key, value, "EX", seconds.text};
    S_send(sample, ttl ? 5 : 3, argv);
    free(key);
    free(value);
}

/* A member of a set that lives so long; takes the key. */
static void S_join(struct S_sample *sample, char *key, const char *member, int64_t ttl)
{
    struct number_text seconds = number_text(ttl);
    const char *const add[] = {"SADD", key, member}, *const expire[] = {"EXPIRE", key,
                                                                        seconds.text};
    S_send(sample, 3, add);
    S_send(sample, 3, expire);
    free(key);
}

/* ---- sessions ---- */

struct S_login {
    const char *tenant, *says; /* its key's, and its own word */
    size_t user;
    int64_t ttl, drift; /* seconds */
    bool alone;         /* it stands in no set */
};

static void S_add_login(struct S_sample *sample, const struct S_login *login)
{
    size_t n = ++sample->number;
    int64_t used = sample->now - (DAY - login->ttl) * 1000;
    int64_t begun = used - (int64_t)(n % 50) * 60000;
    char *id = str_format("sess_%lld_%05zudemo", (long long)begun, n % 100000);
    char *user = str_format("auth0|%05zu", login->user);
    char *value = str_format(
        "{\"tenantId\":\"%s\",\"userId\":\"%s\",\"email\":\"user%zu@%s.example\","
        "\"roles\":[\"%s\"],\"permissions\":[],\"metadata\":{\"ipAddress\":\"10.%zu.%zu.%zu\","
        "\"userAgent\":\"Mozilla/5.0\",\"accessToken\":\"eyJkZW1v\"},\"sessionId\":\"%s\","
        "\"createdAt\":%lld,\"lastAccessedAt\":%lld,\"expiresAt\":%lld}",
        login->says, user, login->user, login->says + 4, n % 9 ? "member" : "admin", n % 8, n % 200,
        n % 250 + 1, id, (long long)begun, (long long)used,
        (long long)(sample->now + (login->ttl + login->drift) * 1000));
    char *log = service_key(FAMILY_ACTIVITY, login->tenant, id);
    struct number_text score = number_text(begun), ttl = number_text(login->ttl ? login->ttl : DAY);
    char *member = str_format("%lld:created", (long long)begun);
    const char *const note[] = {"ZADD", log, score.text, member}, *const expire[] = {"EXPIRE", log,
                                                                                     ttl.text};
    S_put(sample, service_key(FAMILY_SESSION, login->tenant, id), value, login->ttl);
    if (!login->alone)
        S_join(sample, service_key(FAMILY_USER, login->tenant, user), id, DAY);
    S_send(sample, 4, note);
    S_send(sample, 3, expire);
    free(member);
    free(log);
    free(user);
    free(id);
}

/* Between two hours and a day are left of it, so that a picture of it holds for a while. */
static int64_t S_left(size_t n)
{
    return 7200 + (int64_t)(n * 7919 % (DAY - 7200));
}

static void S_add_logins(struct S_sample *sample, const char *tenant, size_t users)
{
    for (size_t user = 0; user < users; user++)
        for (size_t i = 0; i < 1 + user % 3; i++) {
            struct S_login login = {tenant, tenant, user, S_left(user * 3 + i), 0, false};
            S_add_login(sample, &login);
        }
}

/* What is over stays in the set of its user until somebody looks. */
static void S_add_over(struct S_sample *sample, const char *tenant, size_t user, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *name = str_format("auth0|%05zu", user);
        char *id = str_format("sess_%lld_%05zuover", (long long)(sample->now - 2000LL * DAY), i);
        S_join(sample, service_key(FAMILY_USER, tenant, name), id, DAY);
        free(id);
        free(name);
    }
}

static void S_add_defects(struct S_sample *sample)
{
    const char *acme = S_tenants[0], *globex = S_tenants[1];
    const struct S_login strange[] = {
        {globex, acme, 900, S_left(1), 0, false}, /* two leaks */
        {globex, acme, 901, S_left(2), 0, false},
        {acme, acme, 902, 0, 0, false},               /* no end */
        {acme, acme, 903, S_left(3), 6 * DAY, false}, /* the code's seven days, the guide's one */
        {acme, acme, 904, S_left(4), 6 * DAY, false},
        {acme, acme, 905, S_left(5), 0, true}, /* in no set */
    };
    for (size_t i = 0; i < ARRAY_LEN(strange); i++)
        S_add_login(sample, &strange[i]);
    for (size_t i = 0; i < 8; i++) { /* two users over the limit */
        struct S_login much = {acme, acme, 910 + i % 8 / 7, S_left(i), 0, false};
        struct S_login more = {globex, globex, 911, S_left(i), 0, false};
        S_add_login(sample, &much);
        S_add_login(sample, &more);
    }
    S_add_over(sample, acme, 0, 12);
    S_add_over(sample, globex, 920, 3); /* nothing else is in it */
}

/* ---- caches ---- */

static void S_add_entry(struct S_sample *sample, const char *tenant, const char *space, size_t n,
                        const char *tag, int64_t ttl)
{
    char *name = str_format("%.*s_%zu", (int)3, space, n);
    char *key = service_cache_key(tenant, space, name);
    int64_t lives = ttl ? ttl : 3600;
    S_join(sample, service_key(FAMILY_TAG, tenant, tag), key, 3600);
    S_put(sample, key,
          str_format("{\"data\":{\"id\":%zu,\"name\":\"%s %zu\"},\"createdAt\":%lld,"
                     "\"expiresAt\":%lld,\"version\":1,\"tags\":[\"%s\"]}",
                     n, space, n, (long long)sample->now, (long long)(sample->now + lives * 1000),
                     tag),
          ttl);
    free(name);
}

static void S_add_metrics(struct S_sample *sample, const char *tenant, size_t rank)
{
    char *key = service_key(FAMILY_METRICS, tenant, NULL);
    struct number_text hits = number_text((int64_t)(9000 - rank * 1500));
    struct number_text misses = number_text((int64_t)(400 + rank * rank * 300));
    struct number_text errors = number_text((int64_t)(rank == 3 ? 12 : 0));
    struct number_text day = number_text(DAY);
    const char *const set[] = {"HSET", key,    "hits",    hits.text, "misss",  misses.text,
                               "sets", "2100", "deletes", "60",      "errors", errors.text};
    const char *const expire[] = {"EXPIRE", key, day.text};
    S_send(sample, ARRAY_LEN(set), set);
    S_send(sample, 3, expire);
    free(key);
}

static void S_add_caches(struct S_sample *sample, const char *tenant, size_t rank, size_t count)
{
    static const char *const spaces[] = {"users", "jobs", "analytics"};
    static const char *const tags[] = {"user", "job", "report"};
    for (size_t i = 0; i < count; i++)
        S_add_entry(sample, tenant, spaces[i % 3], i, tags[i % 3],
                    rank == 2 && i < 9    ? 0
                    : rank == 3 && i < 20 ? 3 * 3600
                                          : 3600);
    S_put(sample, str_format("cache:%s:list:jobs", tenant), str_dup("[{\"id\":1},{\"id\":2}]"),
          600);
    S_put(sample, str_format("org:%s:profile", tenant), str_format("{\"id\":\"%s\"}", tenant),
          3600);
    for (size_t i = 0; i < count / 10; i++)
        S_put(sample, str_format("user:%s:profile:auth0|%05zu", tenant, i),
              str_format("{\"name\":\"User %zu\"}", i), 3600);
    S_add_metrics(sample, tenant, rank);
}

/* ---- the whole ---- */

static size_t S_scaled(const struct S_sample *sample, size_t count, size_t rank)
{
    size_t scaled = (size_t)((double)(count / (rank + 1)) * sample->scale);
    return scaled ? scaled : 1;
}

static bool S_require_empty(struct redis *redis, struct err *err)
{
    static const char *const size[] = {"DBSIZE"};
    struct redis_reply *reply;
    if (!redis_run(redis, 1, size, &reply, err))
        return false;
    int64_t keys = redis_int(reply);
    redis_reply_free(reply);
    return !keys || err_set(err, ERR_REFUSED,
                            "the Redis database is not empty: it has %lld keys; nothing was loaded",
                            (long long)keys);
}

bool demo_sessions_load(struct redis *redis, const struct demo_options *options, struct err *err)
{
    struct S_sample sample = {.redis = redis, .scale = options->scale, .now = clock_wall()};
    if (!S_require_empty(redis, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(S_tenants); i++) {
        S_add_logins(&sample, S_tenants[i], S_scaled(&sample, USERS, i));
        S_add_caches(&sample, S_tenants[i], i, S_scaled(&sample, CACHED, i));
    }
    S_add_defects(&sample);
    S_put(&sample, str_dup("legacy:token:17"), str_dup("x"), 0); /* of no template */
    S_settle(&sample);
    if (sample.failed)
        *err = sample.err;
    return !sample.failed;
}
