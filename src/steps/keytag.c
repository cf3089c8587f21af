/* keytag: see keytag.h. */
#include "keytag.h"

#include "service_keys.h"

#include <stdlib.h>
#include <string.h>

struct sets { /* keys of sets, each ended by 0 */
    struct buf keys;
    size_t count;
    const char *tag;
};

static bool S_take_set(void *ctx, const char *key, size_t len, struct err *err)
{
    struct sets *sets = ctx;
    char *tenant, *tag;
    (void)err;
    if (!service_key_cut(FAMILY_TAG, key, len, &tenant, &tag))
        return true;
    if (str_is(tag, sets->tag)) {
        buf_add_mem(&sets->keys, key, len);
        buf_add_char(&sets->keys, '\0');
        sets->count++;
    }
    free(tenant);
    free(tag);
    return true;
}

/* The set of one tenant has a name; those of all have to be looked for. */
static bool S_find_sets(struct keyspace *keyspace, const char *tenant, struct sets *sets,
                        struct err *err)
{
    struct buf glob = {0};
    if (tenant) {
        char *key = service_key(FAMILY_TAG, tenant, sets->tag);
        buf_add(&sets->keys, key);
        buf_add_char(&sets->keys, '\0');
        sets->count = 1;
        free(key);
        return true;
    }
    service_glob(&glob, FAMILY_TAG, NULL);
    const struct key_glob match = {glob.text, glob.len};
    bool ok = keyspace_walk(keyspace, &match, S_take_set, sets, err);
    buf_release(&glob);
    return ok;
}

static void S_take_number(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err && redis_type(reply) == REDIS_INTEGER)
        *(int64_t *)ctx = redis_int(reply);
}

/* Is the member an entry of the tenant whose set it is in? */
static bool S_is_own(const char *set, const struct redis_reply *member)
{
    char *set_tenant = NULL, *tag = NULL, *tenant = NULL, *rest = NULL;
    bool own =
        service_key_cut(FAMILY_TAG, set, strlen(set), &set_tenant, &tag) &&
        service_key_cut(FAMILY_CACHE, redis_text(member), redis_length(member), &tenant, &rest) &&
        str_is(tenant, set_tenant);
    free(set_tenant);
    free(tag);
    free(tenant);
    free(rest);
    return own;
}

static bool S_send(struct keyclear *clear, const char *command, const char *key,
                   const struct redis_reply *member, int64_t *answer, struct err *err)
{
    const char *argv[] = {command, key, member ? redis_text(member) : NULL};
    const size_t lengths[] = {strlen(command), strlen(key), member ? redis_length(member) : 0};
    return keyspace_send(clear->keyspace, member ? 3 : 2, argv, lengths, S_take_number, answer,
                         err);
}

static bool S_exists(struct keyclear *clear, const struct redis_reply *members, int64_t *exists,
                     struct err *err)
{
    for (size_t i = 0; i < redis_length(members); i++) {
        const struct redis_reply *member = redis_at(members, i);
        const char *argv[] = {"EXISTS", redis_text(member)};
        const size_t lengths[] = {6, redis_length(member)};
        if (!keyspace_send(clear->keyspace, 2, argv, lengths, S_take_number, &exists[i], err))
            return false;
    }
    return keyspace_settle(clear->keyspace, err);
}

static void S_count_member(struct keyclear *clear, struct keytag *out, bool own, bool exists,
                           const struct redis_reply *member)
{
    out->members += own;
    out->strangers += !own;
    out->dangling += own && !exists;
    clear->chosen += own && exists;
    if (own && exists)
        keyspace_sample(clear->samples, redis_text(member), redis_length(member));
    if (!own)
        keyspace_sample(out->stranger_samples, redis_text(member), redis_length(member));
}

/* First the entries, then what leads to them: after a kill the set still tells what is left. */
static bool S_do_set(struct keyclear *clear, const char *set, const struct redis_reply *members,
                     bool act, struct keytag *out, struct err *err)
{
    int64_t *exists = mem_array(redis_length(members), sizeof(*exists)), gone = 0;
    bool ok = S_exists(clear, members, exists, err) &&
              (!act || keyclear_keep(clear, set, strlen(set), err));
    for (size_t i = 0; ok && i < redis_length(members); i++) {
        const struct redis_reply *member = redis_at(members, i);
        bool own = S_is_own(set, member);
        S_count_member(clear, out, own, exists[i] > 0, member);
        if (own && exists[i] > 0 && act)
            ok = keyclear_add(clear, redis_text(member), redis_length(member), err);
    }
    ok = ok && keyclear_flush(clear, err);
    for (size_t i = 0; ok && act && i < redis_length(members); i++)
        if (S_is_own(set, redis_at(members, i)))
            ok = S_send(clear, "SREM", set, redis_at(members, i), &gone, err);
    free(exists);
    return ok && keyspace_settle(clear->keyspace, err);
}

static bool S_take_set_of(struct keyclear *clear, const char *set, bool act, struct keytag *out,
                          struct err *err)
{
    struct redis_reply *members = NULL;
    const char *argv[] = {"SMEMBERS", set};
    if (!keyspace_ask(clear->keyspace, 2, argv, NULL, &members, err))
        return err_context(err, "the tag set '%s'", set);
    out->sets += redis_length(members) > 0;
    bool ok = S_do_set(clear, set, members, act, out, err);
    redis_reply_free(members);
    return ok;
}

bool keytag_run(struct keyclear *clear, const char *tenant, const char *tag, bool act,
                struct keytag *out, struct err *err)
{
    struct sets sets = {.tag = tag};
    if (!out->stranger_samples)
        out->stranger_samples = json_array();
    out->sets = out->members = out->strangers = out->dangling = clear->chosen = 0;
    bool ok = S_find_sets(clear->keyspace, tenant, &sets, err);
    const char *set = buf_text(&sets.keys);
    for (size_t i = 0; ok && i < sets.count; set += strlen(set) + 1, i++)
        ok = S_take_set_of(clear, set, act, out, err);
    buf_release(&sets.keys);
    return ok;
}

void keytag_release(struct keytag *tags)
{
    json_decref(tags->stranger_samples);
}
