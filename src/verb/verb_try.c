/*
 * verb_try: `cache test`: does this Redis do for the service what the service needs of it? The test
 * page of the sessions' guide and the set, get and isolation test of the upgrade guide, on keys of
 * tenants that exist for this test alone. Each of them expires within a minute, so that a test
 * which is killed leaves nothing either.
 */
#include "cache_entry.h"
#include "cache_metrics.h"
#include "clock.h"
#include "login_sets.h"
#include "logins.h"
#include "service_keys.h"
#include "together.h"
#include "verb_session.h"
#include "verbs.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
    TTL = 60,           /* seconds that any key of ours can live */
    SHORT_MS = 30,      /* of the key that is seen to expire */
    PATIENCE_MS = 3000, /* … and how long that may take */
    KEYS_MOST = 32,
};

struct S_trial {
    struct loop *loop;
    struct keyspace *keyspace;
    char *tenant, *other;  /* two that nobody else has */
    char *keys[KEYS_MOST]; /* all that was written, under whatever name */
    size_t key_count;
    char *session; /* the id of the one that is tried */
};

static const char S_user[] = "tester";

/* ---- keys of our own ---- */

static const char *S_own(struct S_trial *trial, char *key)
{
    if (trial->key_count == KEYS_MOST)
        die("cache test writes more than %d keys", KEYS_MOST);
    return trial->keys[trial->key_count++] = key;
}

static void S_name_tenants(struct S_trial *trial)
{
    unsigned char random[8];
    struct buf hex = {0};
    if (RAND_bytes(random, sizeof(random)) != 1)
        die("the system gives no random bytes, and the keys of a test must be nobody else's");
    for (size_t i = 0; i < sizeof(random); i++)
        buf_format(&hex, "%02x", random[i]);
    trial->tenant = str_format("td-test-%s-a", buf_text(&hex));
    trial->other = str_format("td-test-%s-b", buf_text(&hex));
    buf_release(&hex);
}

static bool S_is(bool right, const char *what, struct err *err)
{
    return right || err_set(err, ERR_FAILED, "%s", what);
}

/* What a key holds: yours, NULL when there is none. */
static bool S_get(struct S_trial *trial, const char *key, char **out, struct err *err)
{
    const char *const argv[] = {"GET", key};
    struct redis_reply *reply = NULL;
    if (!keyspace_ask(trial->keyspace, 2, argv, NULL, &reply, err))
        return false;
    *out = redis_type(reply) == REDIS_STRING ? str_dup(redis_text(reply)) : NULL;
    redis_reply_free(reply);
    return true;
}

static bool S_do(struct S_trial *trial, int argc, const char *const *argv, struct err *err)
{
    struct redis_reply *reply = NULL;
    bool ok = keyspace_ask(trial->keyspace, argc, argv, NULL, &reply, err);
    redis_reply_free(reply);
    return ok;
}

static bool S_set(struct S_trial *trial, const char *key, const char *value, struct err *err)
{
    struct number_text ttl = number_text(TTL);
    const char *const argv[] = {"SET", key, value, "EX", ttl.text};
    return S_do(trial, ARRAY_LEN(argv), argv, err);
}

static bool S_remove(struct S_trial *trial, const char *key, struct err *err)
{
    const char *const argv[] = {"UNLINK", key};
    return S_do(trial, 2, argv, err);
}

static bool S_holds(struct S_trial *trial, const char *key, const char *wanted, const char *what,
                    struct err *err)
{
    char *held = NULL;
    bool ok = S_get(trial, key, &held, err) &&
              S_is(wanted ? str_is(held, wanted) : held == NULL, what, err);
    free(held);
    return ok;
}

/* ---- the server ---- */

static bool S_try_connection(struct S_trial *trial, struct err *err)
{
    /* With a key: in a cluster a command needs one to know where to go. */
    char *key = service_key("ping", trial->tenant, NULL);
    const char *const argv[] = {"EXISTS", key};
    bool ok = S_do(trial, 2, argv, err);
    free(key);
    return ok;
}

static bool S_try_set_get(struct S_trial *trial, struct err *err)
{
    const char *key = S_own(trial, service_key("test_key", trial->tenant, NULL));
    return S_set(trial, key, "test_value", err) &&
           S_holds(trial, key, "test_value", "what was set is not what is read", err) &&
           S_remove(trial, key, err) &&
           S_holds(trial, key, NULL, "what was deleted is still there", err);
}

static bool S_try_organizations(struct S_trial *trial, struct err *err)
{
    const char *ours = S_own(trial, service_key("org", trial->tenant, "details"));
    const char *theirs = S_own(trial, service_key("org", trial->other, "details"));
    return S_set(trial, ours, "ours", err) && S_set(trial, theirs, "theirs", err) &&
           S_holds(trial, ours, "ours", "one organization reads another's", err) &&
           S_holds(trial, theirs, "theirs", "one organization reads another's", err) &&
           S_remove(trial, ours, err) &&
           S_holds(trial, theirs, "theirs", "clearing one organization has cleared another", err);
}

static bool S_try_expiry(struct S_trial *trial, struct err *err)
{
    const char *key = S_own(trial, service_key("short", trial->tenant, NULL));
    struct number_text ttl = number_text(SHORT_MS);
    const char *const argv[] = {"SET", key, "x", "PX", ttl.text};
    int64_t until = clock_ms() + PATIENCE_MS;
    char *held = NULL;
    bool ok = S_do(trial, ARRAY_LEN(argv), argv, err);
    do {
        free(held);
        held = NULL;
        loop_turn(trial->loop, SHORT_MS);
        ok = ok && S_get(trial, key, &held, err);
    } while (ok && held && clock_ms() < until);
    ok = ok && S_is(!held, "a key does not go when its time is over", err);
    free(held);
    return ok;
}

/* ---- sessions ---- */

static bool S_try_create(struct S_trial *trial, struct err *err)
{
    const struct login_order order = {.tenant = trial->tenant,
                                      .user = S_user,
                                      .email = "tester@example.org",
                                      .address = "127.0.0.1",
                                      .agent = "tenantdeck",
                                      .ttl = TTL};
    struct login login = {0};
    if (!login_create(trial->keyspace, &order, &trial->session, err))
        return false;
    S_own(trial, service_key(FAMILY_SESSION, trial->tenant, trial->session));
    S_own(trial, service_key(FAMILY_USER, trial->tenant, S_user));
    S_own(trial, service_key(FAMILY_ACTIVITY, trial->tenant, trial->session));
    bool ok = logins_get(trial->keyspace, trial->tenant, trial->session, &login, err);
    char *user = login_text(&login, "userId");
    ok = ok && S_is(str_is(user, S_user) && login.ttl_ms > 0,
                    "the session that was made is not the one that is read", err);
    free(user);
    login_release(&login);
    return ok;
}

static bool S_count(void *ctx, const struct login_set *set, struct err *err)
{
    (void)err;
    *(size_t *)ctx = set->alive_count;
    return true;
}

static bool S_has_sessions(struct S_trial *trial, size_t wanted, const char *what, struct err *err)
{
    size_t has = 0;
    return login_set_look(trial->keyspace, trial->tenant, S_user, S_count, &has, err) &&
           S_is(has == wanted, what, err);
}

static bool S_try_list(struct S_trial *trial, struct err *err)
{
    return S_has_sessions(trial, 1, "the set of the user does not name its session", err);
}

static bool S_try_sliding(struct S_trial *trial, struct err *err)
{
    char *key = service_key(FAMILY_SESSION, trial->tenant, trial->session);
    const char *const argv[] = {"PEXPIRE", key, "5000"};
    const struct login_use use = {.tenant = trial->tenant, .id = trial->session, .ttl = TTL};
    struct login login = {0};
    int64_t ttl_ms = 0;
    bool ok = S_do(trial, 3, argv, err) && login_touch(trial->keyspace, &use, &ttl_ms, err) &&
              logins_get(trial->keyspace, trial->tenant, trial->session, &login, err) &&
              S_is(login.ttl_ms > 5000, "a session that is used is not extended", err);
    login_release(&login);
    free(key);
    return ok;
}

static bool S_try_other_session(struct S_trial *trial, struct err *err)
{
    struct login login = {0};
    bool ok = logins_get(trial->keyspace, trial->other, trial->session, &login, err) &&
              S_is(login.ttl_ms == LOGIN_GONE, "another tenant sees the session", err);
    login_release(&login);
    return ok;
}

static bool S_try_end(struct S_trial *trial, struct err *err)
{
    struct login login = {0};
    bool ok = login_end(trial->keyspace, trial->tenant, trial->session, S_user, err) &&
              logins_get(trial->keyspace, trial->tenant, trial->session, &login, err) &&
              S_is(login.ttl_ms == LOGIN_GONE, "a session that was ended is there", err) &&
              S_has_sessions(trial, 0, "the set of the user still names it", err);
    login_release(&login);
    return ok;
}

/* ---- caches ---- */

static bool S_put(struct S_trial *trial, const char *key, const char *const *tags, size_t count,
                  struct err *err)
{
    json_t *data = json_pack("{s:s}", "name", key);
    const struct cache_order order = {.tenant = trial->tenant,
                                      .name_space = "users",
                                      .key = key,
                                      .data = data,
                                      .ttl = TTL,
                                      .tags = tags,
                                      .tag_count = count};
    S_own(trial, service_cache_key(trial->tenant, "users", key));
    for (size_t i = 0; i < count; i++)
        S_own(trial, service_key(FAMILY_TAG, trial->tenant, tags[i]));
    bool ok = cache_entry_set(trial->keyspace, &order, err);
    json_decref(data);
    return ok;
}

static bool S_looks(struct S_trial *trial, const char *tenant, const char *key,
                    enum entry_shape wanted, const char *what, struct err *err)
{
    struct cache_entry entry = {0};
    char *whole = service_cache_key(tenant, "users", key);
    bool ok = cache_entry_get(trial->keyspace, whole, &entry, err) &&
              S_is(entry.shape == wanted, what, err);
    cache_entry_release(&entry);
    free(whole);
    return ok;
}

static bool S_try_cache(struct S_trial *trial, struct err *err)
{
    char *whole = service_cache_key(trial->tenant, "users", "user_1");
    bool was = false;
    bool ok =
        S_put(trial, "user_1", NULL, 0, err) &&
        S_looks(trial, trial->tenant, "user_1", ENTRY_FULL, "what was set is not there", err) &&
        S_looks(trial, trial->other, "user_1", ENTRY_NONE, "another tenant sees the entry", err) &&
        cache_entry_delete(trial->keyspace, trial->tenant, whole, &was, err) &&
        S_is(was, "there was nothing to be deleted", err) &&
        S_looks(trial, trial->tenant, "user_1", ENTRY_NONE, "what was deleted is there", err);
    free(whole);
    return ok;
}

static bool S_try_tags(struct S_trial *trial, struct err *err)
{
    static const char *const both[] = {"user", "profile"}, *const one[] = {"profile"};
    struct tag_result result;
    if (!S_put(trial, "user_2", both, 2, err) || !S_put(trial, "user_3", one, 1, err) ||
        !cache_tag_invalidate(trial->keyspace, trial->tenant, "user", false, &result, err))
        return false;
    json_decref(result.samples);
    return S_is(result.removed == 1, "a tag does not remove what carries it", err) &&
           S_looks(trial, trial->tenant, "user_2", ENTRY_NONE, "what carried the tag is there",
                   err) &&
           S_looks(trial, trial->tenant, "user_3", ENTRY_FULL, "what did not carry it is gone",
                   err);
}

static void S_take_metrics(void *ctx, const struct cache_metrics *metrics)
{
    *(bool *)ctx = metrics->hits == 3 && metrics->misses == 1;
}

static bool S_try_metrics(struct S_trial *trial, struct err *err)
{
    struct together together = {0};
    struct number_text ttl = number_text(TTL);
    const char *key = S_own(trial, service_key(FAMILY_METRICS, trial->tenant, NULL));
    int64_t wrong;
    bool right = false;
    together_add(&together, "HINCRBY", key, "hits", "3", NULL);
    together_add(&together, "HINCRBY", key, "misss", "1", NULL);
    together_add(&together, "EXPIRE", key, ttl.text, NULL);
    return together_do(&together, trial->keyspace, NULL, err) &&
           cache_metrics_read(trial->keyspace, trial->tenant, S_take_metrics, &right, &wrong,
                              err) &&
           S_is(right, "what was counted is not what is read", err);
}

/* ---- afterwards ---- */

/* A key that we may not remove is none that we could write: the others go all the same. */
static bool S_try_tidy(struct S_trial *trial, struct err *err)
{
    int64_t left = 0;
    for (size_t i = 0; i < trial->key_count; i++) {
        const char *const gone[] = {"UNLINK", trial->keys[i]};
        const char *const there[] = {"EXISTS", trial->keys[i]};
        if (!keyspace_try(trial->keyspace, 2, gone, NULL, NULL, NULL, err) ||
            !keyspace_try(trial->keyspace, 2, there, NULL, keyspace_count_yes, &left, err))
            return false;
    }
    return keyspace_settle(trial->keyspace, err) &&
           S_is(left == 0, "keys of this test are left; they expire within a minute", err);
}

static const struct {
    const char *name, *what;
    bool (*run)(struct S_trial *trial, struct err *err);
    bool of_session; /* it needs the one that was created */
} S_trials[] = {
    {"connection", "the server answers", S_try_connection, false},
    {"set and get", "a key is set, read and deleted", S_try_set_get, false},
    {"organizations", "org:{org}: of one is not that of another", S_try_organizations, false},
    {"expiry", "a key goes by itself when its time is over", S_try_expiry, false},
    {"session create", "a session is made and read", S_try_create, false},
    {"session list", "its user's set names it", S_try_list, true},
    {"session update", "to use it gives it its whole time again", S_try_sliding, true},
    {"session isolation", "another tenant does not see it", S_try_other_session, true},
    {"session destroy", "it is ended, and gone from the set", S_try_end, true},
    {"cache", "an entry is set, read and deleted, unseen by others", S_try_cache, false},
    {"cache tags", "a tag removes what carries it, and no more", S_try_tags, false},
    {"cache metrics", "hits and misses are counted", S_try_metrics, false},
    {"nothing left", "no key of this test is there any more", S_try_tidy, false},
};

/* ---- the verb ---- */

static void S_tell(struct verb_call *call, json_t *list, size_t i, int64_t us,
                   const struct err *err)
{
    bool good = err->kind == ERR_NONE;
    call->findings |= !good;
    if (call->json) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:f, s:o}", "name", S_trials[i].name,
                                              "what", S_trials[i].what, "passed", good, "ms",
                                              (double)us / 1000.0, "trouble",
                                              verb_json_text(good ? NULL : err->text)));
        return;
    }
    fprintf(call->out, "%-5s %-18s %s", good ? "pass" : "FAIL", S_trials[i].name, S_trials[i].what);
    if (good)
        fprintf(call->out, ", %.1f ms\n", (double)us / 1000.0);
    else {
        char *text = text_cleaned(err->text);
        fprintf(call->out, "\n      %s\n", text);
        free(text);
    }
    fflush(call->out);
}

/*
 * A connection that is lost ends it all; whatever else goes wrong is told, and the next is tried.
 */
static bool S_try_all(struct verb_call *call, struct S_trial *trial, json_t *list, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(S_trials); i++) {
        struct err trouble = {0};
        int64_t since = clock_us();
        if (S_trials[i].of_session && !trial->session)
            err_set(&trouble, ERR_FAILED, "there is no session to try it on");
        else if (!S_trials[i].run(trial, &trouble) && trouble.kind == ERR_LOST) {
            *err = trouble;
            return false;
        }
        S_tell(call, list, i, clock_us() - since, &trouble);
    }
    return true;
}

bool verb_cache_test(struct verb_call *call, struct err *err)
{
    struct S_trial trial = {.loop = call->loop};
    json_t *list = json_array();
    S_name_tenants(&trial);
    bool ok = session_open_keys(call, &trial.keyspace, err) && S_try_all(call, &trial, list, err);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:b, s:O}", "passed", !call->findings, "tests", list));
    else if (ok)
        fprintf(call->out, call->findings ? "\nsomething failed\n" : "\nall passed\n");
    for (size_t i = 0; i < trial.key_count; i++)
        free(trial.keys[i]);
    free(trial.session);
    free(trial.tenant);
    free(trial.other);
    keyspace_free(trial.keyspace);
    json_decref(list);
    return ok;
}
