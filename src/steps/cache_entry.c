/* cache_entry: see cache_entry.h. */
#include "cache_entry.h"

#include "clock.h"
#include "service_keys.h"
#include "text.h"
#include "together.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRY_VERSION = 1 };

/* ---- one entry, read ---- */

void cache_entry_release(struct cache_entry *entry)
{
    free(entry->key);
    free(entry->text);
    json_decref(entry->value);
    *entry = (struct cache_entry){0};
}

static int64_t S_moment(const json_t *value, const char *member)
{
    const json_t *moment = json_object_get(value, member);
    double ms = json_number_value(moment);
    return json_is_number(moment) && ms > 0 && ms < 1e15 ? (int64_t)ms : -1;
}

/* A value that is JSON but for its shape is nobody's entry, and yet can be shown. */
static void S_read_shape(struct cache_entry *entry)
{
    json_t *data = json_object_get(entry->value, "data");
    int64_t stamp = S_moment(entry->value, "timestamp"), ttl = S_moment(entry->value, "ttl");
    entry->shape = ENTRY_PLAIN;
    entry->data = data ? data : entry->value;
    entry->since = S_moment(entry->value, "createdAt");
    entry->until = S_moment(entry->value, "expiresAt");
    if (data && entry->until >= 0) {
        entry->shape = ENTRY_FULL;
    } else if (data && stamp >= 0 && ttl >= 0) {
        entry->shape = ENTRY_SHORT;
        entry->since = stamp;
        entry->until = stamp + ttl * 1000;
    } else {
        entry->data = entry->value;
    }
}

/* MGET and not GET: of a key that is no string it says nothing, where GET fails. */
static void S_read_value(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct cache_entry *entry = ctx;
    if (err || redis_type(reply) != REDIS_ARRAY || redis_length(reply) != 1)
        return;
    const struct redis_reply *value = redis_at(reply, 0);
    if (redis_type(value) != REDIS_STRING)
        return;
    const char *text = redis_text(value);
    size_t len = redis_length(value);
    entry->value = json_loadb(text, len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    if (entry->value) {
        S_read_shape(entry);
        return;
    }
    struct buf clean = {0};
    text_clean_lines(&clean, text, len);
    entry->text = buf_take(&clean);
    entry->shape = ENTRY_TEXT;
}

static void S_read_ttl(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err)
        *(int64_t *)ctx = redis_int(reply);
}

bool cache_entry_get(struct keyspace *keyspace, const char *key, struct cache_entry *out,
                     struct err *err)
{
    const char *const value[] = {"MGET", key}, *const ttl[] = {"PTTL", key};
    *out = (struct cache_entry){
        .shape = ENTRY_WRONG, .key = str_dup(key), .ttl_ms = -2, .since = -1, .until = -1};
    bool ok = keyspace_send(keyspace, 2, value, NULL, S_read_value, out, err) &&
              keyspace_send(keyspace, 2, ttl, NULL, S_read_ttl, &out->ttl_ms, err) &&
              keyspace_settle(keyspace, err);
    if (!ok)
        cache_entry_release(out);
    else if (out->ttl_ms == -2)
        out->shape = ENTRY_NONE;
    return ok;
}

bool cache_entry_is_over(const struct cache_entry *entry, int64_t now_ms)
{
    return entry->shape != ENTRY_NONE && entry->until >= 0 && now_ms > entry->until;
}

/* ---- setting one ---- */

static char *S_compose(const struct cache_order *order)
{
    int64_t now = clock_wall();
    json_t *value = json_object(), *tags = json_array();
    json_object_set(value, "data", order->data);
    json_object_set_new(value, "createdAt", json_integer(now));
    json_object_set_new(value, "expiresAt", json_integer(now + order->ttl * 1000));
    json_object_set_new(value, "version", json_integer(ENTRY_VERSION));
    for (size_t i = 0; i < order->tag_count; i++)
        json_array_append_new(tags, json_string(order->tags[i]));
    if (order->tag_count)
        json_object_set(value, "tags", tags);
    char *text = json_dumps(value, JSON_COMPACT);
    char *copy = str_dup(text ? text : "null");
    free(text);
    json_decref(tags);
    json_decref(value);
    return copy;
}

static bool S_add_tag(struct keyspace *keyspace, struct together *together, const char *tag_key,
                      const char *key, int64_t ttl_ms, struct err *err)
{
    int64_t has;
    if (!keyspace_check_type(keyspace, tag_key, "set", err) ||
        !keyspace_ask_int(keyspace, "PTTL", tag_key, &has, err))
        return false;
    struct number_text ttl = number_text(ttl_ms);
    together_add(together, "SADD", tag_key, key, NULL);
    if (has != -1 && has < ttl_ms)
        together_add(together, "PEXPIRE", tag_key, ttl.text, NULL);
    return true;
}

/* What was written has to be there, and to be what was meant. */
static bool S_confirm(struct keyspace *keyspace, const char *key, const json_t *data,
                      struct err *err)
{
    struct cache_entry entry;
    if (!cache_entry_get(keyspace, key, &entry, err))
        return false;
    bool same = entry.shape == ENTRY_FULL && json_equal(entry.data, data);
    cache_entry_release(&entry);
    return same || err_set(err, ERR_FAILED,
                           "'%s' was written, and now holds something else: somebody has set it "
                           "meanwhile",
                           key);
}

bool cache_entry_set(struct keyspace *keyspace, const struct cache_order *order, struct err *err)
{
    struct together together = {0};
    int64_t ttl_ms = order->ttl * 1000;
    struct number_text ttl = number_text(ttl_ms);
    char *key = service_cache_key(order->tenant, order->name_space, order->key);
    bool ok = keyspace_check_type(keyspace, key, "string", err);
    for (size_t i = 0; ok && i < order->tag_count; i++) {
        char *tag_key = service_key(FAMILY_TAG, order->tenant, order->tags[i]);
        ok = S_add_tag(keyspace, &together, tag_key, key, ttl_ms, err);
        free(tag_key);
    }
    if (ok) { /* last: an entry that no tag reaches would stay though its tag is invalidated */
        char *value = S_compose(order);
        together_add(&together, "SET", key, value, "PX", ttl.text, NULL);
        free(value);
        ok = together_do(&together, keyspace, NULL, err) &&
             S_confirm(keyspace, key, order->data, err);
    }
    together_release(&together);
    free(key);
    return ok;
}

/* ---- deleting one ---- */

static void S_add_untag(struct together *together, const char *tenant, const char *key,
                        const json_t *tags)
{
    size_t i;
    json_t *tag;
    json_array_foreach(tags, i, tag)
    {
        if (!json_is_string(tag))
            continue;
        char *tag_key = service_key(FAMILY_TAG, tenant, json_string_value(tag));
        together_add(together, "SREM", tag_key, key, NULL);
        free(tag_key);
    }
}

bool cache_entry_delete(struct keyspace *keyspace, const char *tenant, const char *key, bool *was,
                        struct err *err)
{
    struct together together = {0};
    struct cache_entry entry = {0};
    int64_t there = 0;
    if (!cache_entry_get(keyspace, key, &entry, err))
        return false;
    *was = entry.shape != ENTRY_NONE;
    together_add(&together, "UNLINK", key, NULL);
    if (entry.shape == ENTRY_FULL)
        S_add_untag(&together, tenant, key, json_object_get(entry.value, "tags"));
    bool ok = together_do(&together, keyspace, NULL, err) &&
              keyspace_ask_int(keyspace, "EXISTS", key, &there, err);
    if (ok && there)
        ok = err_set(err, ERR_FAILED, "'%s' was deleted, and somebody has set it again", key);
    cache_entry_release(&entry);
    return ok;
}

/* ---- by tag ---- */

struct S_members { /* of a tag */
    char *cursor;
    char **keys;
    size_t count, cap;
    const char *prefix;
    struct tag_result *result;
};

static void S_read_members(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_members *members = ctx;
    free(members->cursor);
    members->cursor = NULL;
    if (err || redis_type(reply) != REDIS_ARRAY || redis_length(reply) != 2 ||
        redis_type(redis_at(reply, 1)) != REDIS_ARRAY)
        return;
    const struct redis_reply *keys = redis_at(reply, 1);
    for (size_t i = 0; i < redis_length(keys); i++) {
        const char *key = redis_text(redis_at(keys, i));
        size_t len = redis_length(redis_at(keys, i));
        members->result->members++;
        if (memchr(key, '\0', len) || !str_starts(key, members->prefix)) {
            members->result->strangers++;
            keyspace_sample(members->result->samples, key, len);
            continue;
        }
        members->keys =
            mem_room(members->keys, members->count, &members->cap, sizeof(*members->keys));
        members->keys[members->count++] = str_ndup(key, len);
    }
    members->cursor = str_dup(redis_text(redis_at(reply, 0)));
}

static bool S_gather_members(struct keyspace *keyspace, const char *tag_key,
                             struct S_members *members, struct err *err)
{
    char *cursor = str_dup("0");
    bool ok = true;
    do {
        const char *const argv[] = {"SSCAN", tag_key, cursor, "COUNT", "1000"};
        ok = keyspace_send(keyspace, 5, argv, NULL, S_read_members, members, err) &&
             keyspace_settle(keyspace, err);
        if (ok && !members->cursor)
            ok = err_set(err, ERR_FAILED, "the answer to SSCAN is no page of members");
        free(cursor);
        cursor = str_dup(members->cursor);
    } while (ok && !str_is(cursor, "0"));
    free(cursor);
    return ok;
}

static bool S_each_member(struct keyspace *keyspace, const struct S_members *members,
                          const char *command, int64_t *count, struct err *err)
{
    for (size_t i = 0; i < members->count; i++) {
        const char *const argv[] = {command, members->keys[i]};
        if (!keyspace_send(keyspace, 2, argv, NULL, keyspace_count_yes, count, err))
            return false;
    }
    return keyspace_settle(keyspace, err);
}

/* Not the set as a whole: an entry that is tagged while we go must stay in it. */
static bool S_untag_members(struct keyspace *keyspace, const char *tag_key,
                            const struct S_members *members, struct err *err)
{
    for (size_t i = 0; i < members->count; i++) {
        const char *const argv[] = {"SREM", tag_key, members->keys[i]};
        if (!keyspace_send(keyspace, 3, argv, NULL, NULL, NULL, err))
            return false;
    }
    return keyspace_settle(keyspace, err);
}

bool cache_tag_invalidate(struct keyspace *keyspace, const char *tenant, const char *tag, bool dry,
                          struct tag_result *out, struct err *err)
{
    char *tag_key = service_key(FAMILY_TAG, tenant, tag);
    char *prefix = service_key(FAMILY_CACHE, tenant, "");
    *out = (struct tag_result){.samples = json_array()};
    struct S_members members = {.prefix = prefix, .result = out};
    bool ok = keyspace_check_type(keyspace, tag_key, "set", err) &&
              S_gather_members(keyspace, tag_key, &members, err);
    if (!dry) /* entries first: what is cut off in between is still named by the tag */
        ok = ok && S_each_member(keyspace, &members, "UNLINK", &out->removed, err) &&
             S_untag_members(keyspace, tag_key, &members, err) &&
             S_each_member(keyspace, &members, "EXISTS", &out->again, err);
    for (size_t i = 0; i < members.count; i++)
        free(members.keys[i]);
    free(members.keys);
    free(members.cursor);
    free(prefix);
    free(tag_key);
    if (!ok)
        json_decref(out->samples);
    return ok;
}
