/* login_sets: see login_sets.h. */
#include "login_sets.h"

#include "service_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETS_AT_ONCE = 64, /* keys are gathered, so that their questions travel together */
    IDS_AT_ONCE = 1000,
};

/* A set whose answers come in. What it lends as a `struct login_set` is made from it. */
struct S_gathering {
    char *key, *tenant, *user;
    bool is_set, wrong;
    char *cursor; /* of SSCAN; "0": all are there */
    char **ids;
    bool *alive;
    size_t count, cap;
};

struct S_sets {
    struct keyspace *keyspace;
    login_set_fn *each;
    void *ctx;
    struct S_gathering sets[SETS_AT_ONCE];
    size_t count;
};

static void S_release(struct S_gathering *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->ids[i]);
    free(set->ids);
    free(set->alive);
    free(set->key);
    free(set->tenant);
    free(set->user);
    free(set->cursor);
    *set = (struct S_gathering){0};
}

/* ---- what the server answers ---- */

static void S_read_type(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_gathering *set = ctx;
    if (err)
        return;
    set->is_set = str_is(redis_text(reply), "set");
    set->wrong = !set->is_set && !str_is(redis_text(reply), "none");
}

static void S_read_ids(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_gathering *set = ctx;
    if (err || redis_type(reply) != REDIS_ARRAY || redis_length(reply) != 2 ||
        redis_type(redis_at(reply, 1)) != REDIS_ARRAY) {
        set->is_set = false; /* it has become something else: what came so far stands */
        return;
    }
    const struct redis_reply *ids = redis_at(reply, 1);
    for (size_t i = 0; i < redis_length(ids); i++) {
        const char *id = redis_text(redis_at(ids, i));
        size_t len = redis_length(redis_at(ids, i));
        if (memchr(id, '\0', len))
            continue;
        set->ids = mem_room(set->ids, set->count, &set->cap, sizeof(*set->ids));
        set->ids[set->count++] = str_ndup(id, len);
    }
    free(set->cursor);
    set->cursor = str_dup(redis_text(redis_at(reply, 0)));
}

static void S_read_exists(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    *(bool *)ctx = !err && redis_int(reply) > 0;
}

/* ---- asking ---- */

static bool S_ask_types(struct S_sets *sets, struct err *err)
{
    for (size_t i = 0; i < sets->count; i++) {
        const char *const argv[] = {"TYPE", sets->sets[i].key};
        if (!keyspace_send(sets->keyspace, 2, argv, NULL, S_read_type, &sets->sets[i], err))
            return false;
    }
    return keyspace_settle(sets->keyspace, err);
}

/* Round by round; nearly every set is there after the first. */
static bool S_ask_ids(struct S_sets *sets, struct err *err)
{
    struct number_text count = number_text(IDS_AT_ONCE);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < sets->count; i++) {
            struct S_gathering *set = &sets->sets[i];
            if (!set->is_set || str_is(set->cursor, "0"))
                continue;
            char *cursor = str_dup(set->cursor ? set->cursor : "0");
            const char *const argv[] = {"SSCAN", set->key, cursor, "COUNT", count.text};
            bool sent = keyspace_send(sets->keyspace, 5, argv, NULL, S_read_ids, set, err);
            free(cursor);
            if (!sent)
                return false;
            more = true;
        }
        if (!keyspace_settle(sets->keyspace, err))
            return false;
    }
    return true;
}

static bool S_ask_alive(struct S_sets *sets, struct err *err)
{
    for (size_t i = 0; i < sets->count; i++) {
        struct S_gathering *set = &sets->sets[i];
        set->alive = mem_array(set->count, sizeof(*set->alive));
        for (size_t j = 0; j < set->count; j++) {
            char *key = service_key(FAMILY_SESSION, set->tenant, set->ids[j]);
            const char *const argv[] = {"EXISTS", key};
            bool sent =
                keyspace_send(sets->keyspace, 2, argv, NULL, S_read_exists, &set->alive[j], err);
            free(key);
            if (!sent)
                return false;
        }
    }
    return keyspace_settle(sets->keyspace, err);
}

static bool S_hand_out(const struct S_sets *sets, const struct S_gathering *set, struct err *err)
{
    struct login_set lent = {.key = set->key,
                             .tenant = set->tenant,
                             .user = set->user,
                             .wrong = set->wrong,
                             .ids = set->ids,
                             .alive = set->alive,
                             .count = set->count};
    for (size_t i = 0; i < set->count; i++)
        lent.alive_count += set->alive[i];
    return sets->each(sets->ctx, &lent, err);
}

/* Asks for all that was gathered, hands it out, and begins anew. */
static bool S_flush(struct S_sets *sets, struct err *err)
{
    bool ok = S_ask_types(sets, err) && S_ask_ids(sets, err) && S_ask_alive(sets, err);
    for (size_t i = 0; ok && i < sets->count; i++)
        ok = S_hand_out(sets, &sets->sets[i], err);
    for (size_t i = 0; i < sets->count; i++)
        S_release(&sets->sets[i]);
    sets->count = 0;
    return ok;
}

static bool S_take_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct S_sets *sets = ctx;
    char *tenant, *user;
    if (!service_key_cut(FAMILY_USER, key, len, &tenant, &user))
        return true;
    sets->sets[sets->count++] =
        (struct S_gathering){.key = str_ndup(key, len), .tenant = tenant, .user = user};
    return sets->count < SETS_AT_ONCE || S_flush(sets, err);
}

bool login_sets_walk(struct keyspace *keyspace, const char *tenant, login_set_fn *each, void *ctx,
                     struct err *err)
{
    struct S_sets sets = {.keyspace = keyspace, .each = each, .ctx = ctx};
    struct buf glob = {0};
    service_glob(&glob, FAMILY_USER, tenant);
    const struct key_glob match = {glob.text, glob.len};
    bool ok = keyspace_walk(keyspace, &match, S_take_key, &sets, err) && S_flush(&sets, err);
    for (size_t i = 0; i < sets.count; i++)
        S_release(&sets.sets[i]);
    buf_release(&glob);
    return ok;
}

bool login_set_look(struct keyspace *keyspace, const char *tenant, const char *user,
                    login_set_fn *each, void *ctx, struct err *err)
{
    struct S_sets sets = {.keyspace = keyspace, .each = each, .ctx = ctx, .count = 1};
    sets.sets[0] = (struct S_gathering){.key = service_key(FAMILY_USER, tenant, user),
                                        .tenant = str_dup(tenant),
                                        .user = str_dup(user)};
    return S_flush(&sets, err);
}

bool login_set_sweep(struct keyspace *keyspace, const struct login_set *set, int64_t *swept,
                     struct err *err)
{
    for (size_t i = 0; i < set->count; i++) {
        const char *const argv[] = {"SREM", set->key, set->ids[i]};
        if (!set->alive[i] &&
            !keyspace_send(keyspace, 3, argv, NULL, keyspace_count_yes, swept, err))
            return false;
    }
    return keyspace_settle(keyspace, err);
}
