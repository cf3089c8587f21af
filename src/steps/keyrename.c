/* keyrename: see keyrename.h. */
#include "keyrename.h"

#include "failpoint.h"
#include "key_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 60 }; /* keys, of which each takes up to four commands */

struct keyrename_key {
    struct keyrename *rename;
    char *from, *to; /* when it moves */
    size_t from_len, to_len;
    int64_t answer, pttl;
    struct redis_reply *dump, *there; /* of a cluster: what DUMP says of both */
    char type[16];
    struct redis_reply *value, *copied; /* of a string, a set or a hash; of its copy */
    bool gone;                          /* by itself, before it could be moved */
};

void keyrename_begin(struct keyrename *rename)
{
    rename->index = key_index_new(rename->plan);
    rename->batch = mem_array(BATCH, sizeof(*rename->batch));
    rename->samples = json_array();
}

static void S_clear_batch(struct keyrename *rename)
{
    for (size_t i = 0; i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        free(key->from);
        free(key->to);
        redis_reply_free(key->dump);
        redis_reply_free(key->there);
        redis_reply_free(key->value);
        redis_reply_free(key->copied);
        *key = (struct keyrename_key){0};
    }
    rename->count = 0;
}

void keyrename_end(struct keyrename *rename)
{
    if (rename->batch)
        S_clear_batch(rename);
    free(rename->batch);
    key_index_free(rename->index);
    json_decref(rename->samples);
}

/* ---- whose a key is ---- */

/*
 * The place of the code in a key of that code; NULL: it is nobody's, somebody else's, or foreign.
 */
static const char *S_code_in(const struct keyrename *rename, const char *key, size_t len,
                             const char *code)
{
    struct key_owner owner;
    size_t template = key_index_find(rename->index, key, len, &owner);
    if (template >= rename->plan->key_count || rename->plan->keys[template].foreign ||
        key_is_queue(key, len))
        return NULL;
    const char *text = rename->organization ? owner.organization : owner.tenant;
    size_t text_len = rename->organization ? owner.organization_len : owner.tenant_len;
    bool same = text && text_len == strlen(code) && memcmp(text, code, text_len) == 0;
    return same ? text : NULL;
}

/* The same key under the new code; false: it is none of the old one. */
static bool S_new_name(const struct keyrename *rename, const char *key, size_t len, struct buf *out)
{
    const char *code = S_code_in(rename, key, len, rename->before);
    if (!code)
        return false;
    size_t start = (size_t)(code - key), end = start + strlen(rename->before);
    buf_add_mem(out, key, start);
    buf_add(out, rename->after);
    buf_add_mem(out, key + end, len - end);
    return true;
}

static bool S_goes_on(const struct keyrename *rename, struct err *err)
{
    if (!rename->stop || !*rename->stop)
        return true;
    err_set(err, ERR_FAILED, "stopped, as asked");
    return err_hint(err, "the same command again goes on");
}

/* ---- counting ---- */

static bool S_count_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct keyrename *rename = ctx;
    if (S_code_in(rename, key, len, rename->before)) {
        rename->old++;
        keyspace_sample(rename->samples, key, len);
    }
    rename->new += S_code_in(rename, key, len, rename->after) != NULL;
    return S_goes_on(rename, err);
}

bool keyrename_count(struct keyrename *rename, struct err *err)
{
    rename->old = rename->new = 0;
    json_array_clear(rename->samples);
    return keyspace_walk(rename->keyspace, NULL, S_count_key, rename, err);
}

/* ---- names ---- */

/* Some errors only say how it stands with one key; any other is one of the whole. */
static void S_take_error(struct keyrename *rename, const struct err *err, const char *harmless)
{
    if (err && !strstr(err->text, harmless) && rename->refused.kind == ERR_NONE)
        rename->refused = *err;
}

/* A key that has gone by itself cannot be renamed any more. */
static void S_take_renamed(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct keyrename_key *key = ctx;
    key->gone = err != NULL;
    key->answer = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : 0;
    S_take_error(key->rename, err, "no such key");
}

static void S_take_restored(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct keyrename_key *key = ctx;
    (void)reply;
    key->answer = !err;
    S_take_error(key->rename, err, "BUSYKEY");
}

static void S_take_number(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct keyrename_key *key = ctx;
    key->answer = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : 0;
}

static bool S_settle(struct keyrename *rename, struct err *err)
{
    if (!keyspace_settle(rename->keyspace, err))
        return false;
    if (rename->refused.kind == ERR_NONE)
        return true;
    *err = rename->refused;
    err_clear(&rename->refused);
    return false;
}

static void S_take_pttl(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct keyrename_key *key = ctx;
    key->pttl = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : -2;
}

static void S_take_reply(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct redis_reply **out = ctx;
    if (!err && redis_type(reply) != REDIS_NIL)
        *out = redis_reply_copy(reply);
}

static bool S_rename(struct keyrename *rename, struct err *err)
{
    for (size_t i = 0; i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        const char *argv[] = {"RENAMENX", key->from, key->to};
        const size_t lengths[] = {8, key->from_len, key->to_len};
        if (!keyspace_try(rename->keyspace, 3, argv, lengths, S_take_renamed, key, err))
            return false;
    }
    return S_settle(rename, err);
}

static bool S_ask(struct keyrename *rename, const char *command, const char *name, size_t len,
                  redis_done_fn *done, void *ctx, struct err *err)
{
    const char *argv[] = {command, name};
    const size_t lengths[] = {strlen(command), len};
    return keyspace_send(rename->keyspace, 2, argv, lengths, done, ctx, err);
}

static bool S_copy_all(struct keyrename *rename, struct err *err)
{
    for (size_t i = 0; i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        if (!S_ask(rename, "PTTL", key->from, key->from_len, S_take_pttl, key, err) ||
            !S_ask(rename, "DUMP", key->from, key->from_len, S_take_reply, &key->dump, err))
            return false;
    }
    if (!S_settle(rename, err))
        return false;
    for (size_t i = 0; i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        char ttl[24];
        /* 0 is no end; a key in its last millisecond has one. */
        int64_t left = key->pttl == -1 ? 0 : key->pttl > 0 ? key->pttl : 1;
        snprintf(ttl, sizeof(ttl), "%lld", (long long)left);
        const char *argv[] = {"RESTORE", key->to, ttl, key->dump ? redis_text(key->dump) : ""};
        const size_t lengths[] = {7, key->to_len, strlen(ttl),
                                  key->dump ? redis_length(key->dump) : 0};
        if (key->dump &&
            !keyspace_try(rename->keyspace, 4, argv, lengths, S_take_restored, key, err))
            return false;
    }
    return S_settle(rename, err);
}

/* ---- is the copy the same? ---- */

struct part { /* of a set: a member; of a hash: a field with its value */
    const struct redis_reply *name, *value;
};

static int S_by_bytes(const struct redis_reply *a, const struct redis_reply *b)
{
    size_t len = redis_length(a) < redis_length(b) ? redis_length(a) : redis_length(b);
    int order = memcmp(redis_text(a), redis_text(b), len);
    return order ? order
                 : (redis_length(a) > redis_length(b)) - (redis_length(a) < redis_length(b));
}

static int S_by_name(const void *a, const void *b)
{
    return S_by_bytes(((const struct part *)a)->name, ((const struct part *)b)->name);
}

static struct part *S_parts(const struct redis_reply *reply, size_t step)
{
    size_t count = redis_length(reply) / step;
    struct part *parts = mem_array(count, sizeof(*parts));
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct part){redis_at(reply, i * step), redis_at(reply, i * step + step - 1)};
    qsort(parts, count, sizeof(*parts), S_by_name);
    return parts;
}

static bool S_has_same_parts(const struct keyrename_key *key)
{
    size_t step = str_is(key->type, "hash") ? 2 : 1;
    if (!key->value || !key->copied || redis_type(key->value) != REDIS_ARRAY ||
        redis_type(key->copied) != REDIS_ARRAY ||
        redis_length(key->value) != redis_length(key->copied))
        return false;
    struct part *old = S_parts(key->value, step), *new = S_parts(key->copied, step);
    bool same = true;
    for (size_t i = 0; same && i < redis_length(key->value) / step; i++)
        same = S_by_bytes(old[i].name, new[i].name) == 0 &&
               S_by_bytes(old[i].value, new[i].value) == 0;
    free(old);
    free(new);
    return same;
}

static bool S_has_same_bytes(const struct keyrename_key *key)
{
    return key->dump && key->there && S_by_bytes(key->dump, key->there) == 0;
}

static void S_take_type(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct keyrename_key *key = ctx;
    if (!err)
        snprintf(key->type, sizeof(key->type), "%s", redis_text(reply));
}

/* Each server has an order of its own in sets and hashes, and DUMP tells them in that. */
static bool S_read_parts(struct keyrename *rename, struct err *err)
{
    for (size_t i = 0; i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        if (key->there && !S_has_same_bytes(key) &&
            !S_ask(rename, "TYPE", key->from, key->from_len, S_take_type, key, err))
            return false;
    }
    if (!keyspace_settle(rename->keyspace, err))
        return false;
    for (size_t i = 0; i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        const char *command = str_is(key->type, "set")    ? "SMEMBERS"
                              : str_is(key->type, "hash") ? "HGETALL"
                                                          : NULL;
        if (command &&
            (!S_ask(rename, command, key->from, key->from_len, S_take_reply, &key->value, err) ||
             !S_ask(rename, command, key->to, key->to_len, S_take_reply, &key->copied, err)))
            return false;
    }
    return keyspace_settle(rename->keyspace, err);
}

/* What is there under the new name is the same: only then the old one goes. */
static bool S_drop_copied(struct keyrename *rename, struct err *err)
{
    for (size_t i = 0; i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        if (!S_ask(rename, "DUMP", key->to, key->to_len, S_take_reply, &key->there, err))
            return false;
    }
    if (!keyspace_settle(rename->keyspace, err) || !S_read_parts(rename, err))
        return false;
    for (size_t i = 0; i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        bool same = S_has_same_bytes(key) || S_has_same_parts(key);
        key->answer = 0;
        key->gone = !key->dump;
        if (same && !S_ask(rename, "UNLINK", key->from, key->from_len, S_take_number, key, err))
            return false;
    }
    return keyspace_settle(rename->keyspace, err);
}

static bool S_flush_move(struct keyrename *rename, struct err *err)
{
    bool ok = !rename->count || (keyspace_is_cluster(rename->keyspace)
                                     ? S_copy_all(rename, err) && S_drop_copied(rename, err)
                                     : S_rename(rename, err));
    for (size_t i = 0; ok && i < rename->count; i++) {
        const struct keyrename_key *key = &rename->batch[i];
        rename->moved += key->answer > 0;
        rename->taken += !key->gone && key->answer <= 0;
    }
    S_clear_batch(rename);
    FAILPOINT("K3");
    return ok;
}

static bool S_move_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct keyrename *rename = ctx;
    struct buf name = {0};
    if (!S_goes_on(rename, err))
        return false;
    if (!S_new_name(rename, key, len, &name))
        return true;
    size_t name_len = name.len;
    rename->batch[rename->count++] = (struct keyrename_key){.rename = rename,
                                                            .from = str_ndup(key, len),
                                                            .from_len = len,
                                                            .to = buf_take(&name),
                                                            .to_len = name_len};
    if (rename->progress)
        rename->progress(rename->ctx, rename);
    return rename->count < BATCH || S_flush_move(rename, err);
}

bool keyrename_move(struct keyrename *rename, struct err *err)
{
    rename->moved = rename->taken = 0;
    return keyspace_walk(rename->keyspace, NULL, S_move_key, rename, err) &&
           S_flush_move(rename, err);
}

/* ---- what is in them ---- */

static bool S_read_values(struct keyrename *rename, struct err *err)
{
    for (size_t i = 0; i < rename->count; i++)
        if (!S_ask(rename, "TYPE", rename->batch[i].from, rename->batch[i].from_len, S_take_type,
                   &rename->batch[i], err))
            return false;
    if (!keyspace_settle(rename->keyspace, err))
        return false;
    for (size_t i = 0; i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        const char *command = str_is(key->type, "string") ? "GET"
                              : str_is(key->type, "set")  ? "SMEMBERS"
                                                          : NULL;
        if (command &&
            !S_ask(rename, command, key->from, key->from_len, S_take_reply, &key->value, err))
            return false;
    }
    return keyspace_settle(rename->keyspace, err);
}

static bool S_rewrite_string(struct keyrename *rename, const struct keyrename_key *key,
                             struct err *err)
{
    struct buf text = {0};
    bool ok = true;
    size_t found = keyrename_text(redis_text(key->value), redis_length(key->value), rename->before,
                                  rename->after, &text);
    rename->stale += found > 0;
    if (found && rename->acts) {
        const char *argv[] = {"SET", key->from, text.text, "XX", "KEEPTTL"};
        const size_t lengths[] = {3, key->from_len, text.len, 2, 7};
        ok = keyspace_send(rename->keyspace, 5, argv, lengths, keyspace_count_yes, &rename->values,
                           err);
    }
    buf_release(&text);
    return ok;
}

static bool S_change_set(struct keyrename *rename, const char *command,
                         const struct keyrename_key *key, const char *member, size_t len,
                         int64_t *count, struct err *err)
{
    const char *argv[] = {command, key->from, member};
    const size_t lengths[] = {4, key->from_len, len};
    return keyspace_send(rename->keyspace, 3, argv, lengths, count ? keyspace_count_yes : NULL,
                         count, err);
}

/* The new member comes before the old one goes: a set that is empty for a moment loses its end. */
static bool S_rewrite_set(struct keyrename *rename, const struct keyrename_key *key,
                          struct err *err)
{
    for (size_t i = 0; i < redis_length(key->value); i++) {
        const struct redis_reply *member = redis_at(key->value, i);
        struct buf name = {0};
        bool stale = S_new_name(rename, redis_text(member), redis_length(member), &name), ok = true;
        rename->stale += stale;
        if (stale && rename->acts)
            ok = S_change_set(rename, "SADD", key, name.text, name.len, NULL, err) &&
                 S_change_set(rename, "SREM", key, redis_text(member), redis_length(member),
                              &rename->members, err);
        buf_release(&name);
        if (!ok)
            return false;
    }
    return true;
}

static bool S_flush_rewrite(struct keyrename *rename, struct err *err)
{
    bool ok = !rename->count || S_read_values(rename, err);
    for (size_t i = 0; ok && i < rename->count; i++) {
        struct keyrename_key *key = &rename->batch[i];
        if (key->value && redis_type(key->value) == REDIS_ARRAY)
            ok = S_rewrite_set(rename, key, err);
        else if (key->value)
            ok = S_rewrite_string(rename, key, err);
    }
    ok = ok && keyspace_settle(rename->keyspace, err);
    S_clear_batch(rename);
    FAILPOINT("K4");
    return ok;
}

static bool S_rewrite_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct keyrename *rename = ctx;
    if (!S_goes_on(rename, err))
        return false;
    if (!S_code_in(rename, key, len, rename->after))
        return true;
    rename->batch[rename->count++] =
        (struct keyrename_key){.rename = rename, .from = str_ndup(key, len), .from_len = len};
    return rename->count < BATCH || S_flush_rewrite(rename, err);
}

bool keyrename_rewrite(struct keyrename *rename, bool act, struct err *err)
{
    rename->acts = act;
    rename->stale = 0;
    return keyspace_walk(rename->keyspace, NULL, S_rewrite_key, rename, err) &&
           S_flush_rewrite(rename, err);
}
