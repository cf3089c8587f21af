/*
 * verb_cache_keys: the first keys of a choice, each with its type, its time and its memory. A list
 * has an end: whether there are more is said.
 */
#include "verb_cache.h"
#include "verbs.h"

#include "cell.h"
#include "clock.h"
#include "orphans.h"
#include "snapshot.h"
#include "verb_launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_USUAL = 100, LIMIT_MOST = 100000 };

struct one_key {
    char *key;
    size_t len;
    char type[16];
    int64_t pttl, bytes;
    int64_t policy; /* of its template, in seconds; 0: none */
};

struct listing {
    struct verb_call *call;
    struct verb_cache cache;
    struct orphans orphans;
    struct one_key *keys;
    size_t count, cap;
    int64_t limit, within; /* seconds; 0: until the end */
    bool more;             /* one was met that is not in the list, or not every key was looked at */
    bool unclaimed, rows;  /* only keys of no template; whether their rows are looked for */
    double seen;
};

/* ---- finding ---- */

static bool S_take_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct listing *l = ctx;
    struct key_owner owner;
    size_t template;
    const struct plan *plan = l->call->session->plan;
    if (key_choice_judge(&l->cache.choice, key, len, &template, &owner) == KEY_LEFT)
        return true;
    if (l->unclaimed && plan && template <plan->key_count)
        return true;
    if ((int64_t)l->count == l->limit) {
        l->more = true; /* which ends the walk, and is no error */
        return err_set(err, ERR_FAILED, "the list is full");
    }
    l->keys = mem_room(l->keys, l->count, &l->cap, sizeof(*l->keys));
    l->keys[l->count++] = (struct one_key){
        .key = str_ndup(key, len),
        .len = len,
        .pttl = -2,
        .bytes = UNKNOWN,
        .policy = plan && template <plan->key_count ? plan->keys[template].ttl : 0};
    return true;
}

static int S_by_name(const void *a, const void *b)
{
    const struct one_key *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->key, y->key, len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* SCAN may hand out a key again. */
static void S_drop_repeats(struct listing *l)
{
    size_t kept = 0;
    qsort(l->keys, l->count, sizeof(*l->keys), S_by_name);
    for (size_t i = 0; i < l->count; i++) {
        if (kept && S_by_name(&l->keys[kept - 1], &l->keys[i]) == 0)
            free(l->keys[i].key);
        else
            l->keys[kept++] = l->keys[i];
    }
    l->count = kept;
}

/* The page in which the list was full counts as far as it was taken. */
static double S_share_seen(const struct listing *l)
{
    double seen = keyspace_seen(l->cache.keyspace);
    int64_t size = keyspace_size(l->cache.keyspace);
    double taken = size > 0 ? 100.0 * (double)l->count / (double)size : 0;
    return taken <= seen ? seen : taken > 99.9 ? 99.9 : taken;
}

static bool S_find(struct listing *l, struct err *err)
{
    struct err ended = {0};
    if (l->within)
        keyspace_limit(l->cache.keyspace, l->within * 1000);
    bool whole = keyspace_walk(l->cache.keyspace, l->cache.match, S_take_key, l, &ended);
    l->more = l->more || (!whole && keyspace_is_late(l->cache.keyspace));
    if (whole || l->more) {
        l->seen = S_share_seen(l);
        /* what was asked for ahead is on its way, and belongs to nobody */
        bool ok = keyspace_settle(l->cache.keyspace, err);
        S_drop_repeats(l);
        return ok;
    }
    *err = ended;
    return false;
}

/* ---- asking ---- */

static void S_take_type(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct one_key *key = ctx;
    snprintf(key->type, sizeof(key->type), "%s", err ? "?" : redis_text(reply));
}

static void S_take_pttl(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct one_key *key = ctx;
    key->pttl = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : -3;
}

static void S_take_bytes(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct one_key *key = ctx;
    key->bytes = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : UNKNOWN;
}

/* An ACL that forbids one of them leaves that unknown. */
static bool S_ask(struct listing *l, struct err *err)
{
    for (size_t i = 0; i < l->count; i++) {
        struct one_key *key = &l->keys[i];
        const char *type[] = {"TYPE", key->key}, *pttl[] = {"PTTL", key->key};
        const char *memory[] = {"MEMORY", "USAGE", key->key};
        const size_t lengths[] = {4, key->len}, memory_lengths[] = {6, 5, key->len};
        if (!keyspace_try(l->cache.keyspace, 2, type, lengths, S_take_type, key, err) ||
            !keyspace_try(l->cache.keyspace, 2, pttl, lengths, S_take_pttl, key, err) ||
            !keyspace_try(l->cache.keyspace, 3, memory, memory_lengths, S_take_bytes, key, err))
            return false;
    }
    return keyspace_settle(l->cache.keyspace, err);
}

/* ---- telling ---- */

static void S_print_key(const struct listing *l, const struct one_key *key)
{
    struct buf line = {0};
    char span[16] = "?";
    if (key->pttl >= 0)
        clock_format_span(key->pttl, span);
    else if (key->pttl == -1)
        snprintf(span, sizeof(span), "no end");
    buf_format(&line, "%-6s %8s ", key->type, span);
    struct buf bytes = {0};
    if (key->bytes >= 0)
        text_bytes(&bytes, key->bytes);
    buf_format(&line, "%8s  ", bytes.len ? bytes.text : "?");
    text_clean(&line, key->key, key->len);
    fprintf(l->call->out, "%s\n", buf_text(&line));
    buf_release(&bytes);
    buf_release(&line);
}

/* What a text of JSON cannot hold as it is: the key's very bytes. */
static json_t *S_hex(const struct one_key *key)
{
    struct buf hex = {0};
    for (size_t i = 0; i < key->len; i++)
        buf_format(&hex, "%02x", (unsigned char)key->key[i]);
    json_t *text = json_string(buf_text(&hex));
    buf_release(&hex);
    return text;
}

static json_t *S_key_json(const struct one_key *key)
{
    char *clean = verb_cache_clean(key->key, key->len);
    json_t *object = json_pack("{s:s, s:s}", "key", clean, "type", key->type);
    if (strlen(clean) != key->len || memcmp(clean, key->key, key->len) != 0)
        json_object_set_new(object, "hex", S_hex(key));
    json_object_set_new(object, "policy", key->policy ? json_integer(key->policy) : json_null());
    json_object_set_new(object, "ttl_ms", key->pttl >= 0 ? json_integer(key->pttl) : json_null());
    json_object_set_new(object, "endless", json_boolean(key->pttl == -1));
    json_object_set_new(object, "bytes", key->bytes >= 0 ? json_integer(key->bytes) : json_null());
    free(clean);
    return object;
}

static json_t *S_json(const struct listing *l, json_t *list)
{
    json_t *answer = json_pack("{s:O, s:b, s:f}", "keys", list, "more", l->more, "seen", l->seen);
    if (l->rows)
        json_object_set_new(answer, "orphans", orphans_json(&l->orphans));
    return answer;
}

static void S_answer(const struct listing *l)
{
    json_t *list = json_array();
    if (!l->call->json && l->count)
        fprintf(l->call->out, "TYPE        TTL   MEMORY  KEY\n");
    for (size_t i = 0; i < l->count; i++) {
        if (l->keys[i].pttl == -2) /* it has ended since */
            continue;
        if (l->call->json)
            json_array_append_new(list, S_key_json(&l->keys[i]));
        else
            S_print_key(l, &l->keys[i]);
    }
    if (l->call->json)
        verb_answer(l->call, S_json(l, list));
    else if (l->more && (int64_t)l->count == l->limit)
        fprintf(l->call->out, "... and there are more; --limit says how many are listed\n");
    else if (l->more)
        fprintf(l->call->out, "... and there may be more: %.1f %% of the keyspace was seen\n",
                l->seen);
    else if (!l->count)
        fprintf(l->call->out, "there is no such key\n");
    json_decref(list);
    if (!l->call->json && l->rows) {
        struct buf text = {0};
        orphans_tell(&l->orphans, &text);
        fputs(buf_text(&text), l->call->out);
        buf_release(&text);
    }
}

/* Of those that are listed. */
static void S_compare(struct listing *l)
{
    if (!l->rows)
        return;
    orphans_begin(l->call, &l->orphans);
    for (size_t i = 0; i < l->count; i++)
        if (l->keys[i].pttl != -2)
            orphans_take(&l->orphans, l->keys[i].key, l->keys[i].len);
    orphans_finish(&l->orphans);
}

bool verb_cache_keys(struct verb_call *call, struct err *err)
{
    struct listing l = {.call = call,
                        .limit = LIMIT_USUAL,
                        .unclaimed = verb_given(call, "unclaimed") != NULL,
                        .rows = verb_given(call, "rows") != NULL};
    const char *pattern = call->arg_count ? call->args[0] : NULL;
    bool ok = verb_cache_number(call, "limit", 1, LIMIT_MOST, &l.limit, err) &&
              verb_cache_number(call, "within", 1, 3600, &l.within, err) &&
              verb_cache_begin_with(call, pattern, true, &l.cache, err) && S_find(&l, err) &&
              S_ask(&l, err);
    if (ok) {
        S_compare(&l);
        S_answer(&l);
        call->findings = orphans_count(&l.orphans) > 0;
    }
    orphans_end(&l.orphans);
    for (size_t i = 0; i < l.count; i++)
        free(l.keys[i].key);
    free(l.keys);
    verb_cache_end(&l.cache);
    return ok;
}
