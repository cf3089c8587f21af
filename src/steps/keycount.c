/* keycount: see keycount.h. */
#include "keycount.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRESS_MS = 200, TRIES = 3 };

#define KEY_BYTES_MAX ((int64_t)1 << 40) /* what claims to be larger is no key's memory */

struct counting {
    struct keyspace *keyspace;
    const struct keycount_order *order;
    struct keycount *count;
    int64_t told_at;
    bool stopped;
};

struct asked { /* a key of the sample whose memory is asked for */
    struct counting *counting;
    size_t cell, len;
    char *key;
};

/* ---- the sample ---- */

static void S_keep_largest(struct keycount *count, const struct asked *asked, int64_t bytes)
{
    size_t at = count->largest_count;
    if (at == KEYCOUNT_LARGEST) {
        if (bytes <= count->largest[at - 1].bytes)
            return;
        free(count->largest[--at].key);
    } else {
        count->largest_count++;
    }
    for (; at && count->largest[at - 1].bytes < bytes; at--)
        count->largest[at] = count->largest[at - 1];
    count->largest[at] = (struct keycount_key){
        .key = str_ndup(asked->key, asked->len), .len = asked->len, .bytes = bytes};
}

/* A key that is gone by now has no weight, and is none that the server would not tell. */
static void S_take_bytes(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct asked *asked = ctx;
    struct keycount *count = asked->counting->count;
    int64_t bytes = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : -1;
    if (bytes >= 0 && bytes <= KEY_BYTES_MAX) {
        key_ledger_weigh(count->ledger, asked->cell, bytes);
        S_keep_largest(count, asked, bytes);
    }
    count->unweighed += err != NULL;
    free(asked->key);
    free(asked);
}

struct timed {
    struct counting *counting;
    size_t cell;
};

static void S_take_ttl(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct timed *timed = ctx;
    struct keycount *count = timed->counting->count;
    int64_t ms = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : -2;
    if (ms >= -1)
        key_ledger_time(count->ledger, timed->cell, ms);
    count->untimed += err != NULL;
    free(timed);
}

static bool S_ask_bytes(struct counting *c, const char *key, size_t len, size_t cell,
                        struct err *err)
{
    const char *argv[] = {"MEMORY", "USAGE", key};
    const size_t lengths[] = {6, 5, len};
    struct asked *asked = mem_new(sizeof(*asked));
    *asked = (struct asked){.counting = c, .cell = cell, .len = len, .key = str_ndup(key, len)};
    if (keyspace_try(c->keyspace, ARRAY_LEN(argv), argv, lengths, S_take_bytes, asked, err))
        return true;
    free(asked->key);
    free(asked);
    return false;
}

static bool S_ask_ttl(struct counting *c, const char *key, size_t len, size_t cell, struct err *err)
{
    const char *argv[] = {"PTTL", key};
    const size_t lengths[] = {4, len};
    struct timed *timed = mem_new(sizeof(*timed));
    *timed = (struct timed){.counting = c, .cell = cell};
    if (keyspace_try(c->keyspace, ARRAY_LEN(argv), argv, lengths, S_take_ttl, timed, err))
        return true;
    free(timed);
    return false;
}

/* ---- the walk ---- */

static void S_keep_unclaimed(struct keycount *count, const struct plan *plan, const char *key,
                             size_t len, size_t cell)
{
    const struct ledger_type *types;
    const struct ledger_cell *cells;
    if (!plan || count->unclaimed_count == KEYCOUNT_SAMPLES)
        return;
    key_ledger_types(count->ledger, &types);
    key_ledger_cells(count->ledger, &cells);
    if (types[cells[cell].type].template == plan->key_count)
        count->unclaimed[count->unclaimed_count++] =
            (struct keycount_key){.key = str_ndup(key, len), .len = len, .bytes = -1};
}

static void S_tell_progress(struct counting *c)
{
    if (!c->order->progress || clock_ms() - c->told_at < PROGRESS_MS)
        return;
    c->told_at = clock_ms();
    c->order->progress(c->order->ctx, c->keyspace, c->count);
}

/* Others' keys are counted as well: only what changes keys leaves them out. */
static bool S_is_chosen(const struct key_choice *choice, const char *key, size_t len)
{
    size_t template;
    struct key_owner owner;
    return !choice || key_choice_judge(choice, key, len, &template, &owner) != KEY_LEFT;
}

static bool S_take_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct counting *c = ctx;
    size_t cell;
    if (c->order->stop && *c->order->stop) {
        c->stopped = true;
        return err_set(err, ERR_FAILED, "stopped, as asked");
    }
    if (!S_is_chosen(c->order->choice, key, len))
        return true;
    if (!key_ledger_take(c->count->ledger, key, len, &cell))
        return true;
    if (c->order->each)
        c->order->each(c->order->each_ctx, key, len);
    S_keep_unclaimed(c->count, c->order->plan, key, len, cell);
    if (!c->order->exact && !key_ledger_wants(c->count->ledger, cell))
        return true;
    S_tell_progress(c);
    c->count->asked++;
    return S_ask_bytes(c, key, len, cell, err) && S_ask_ttl(c, key, len, cell, err);
}

static bool S_walk(struct counting *c, struct err *err)
{
    bool ok = keyspace_walk(c->keyspace, c->order->match, S_take_key, c, err);
    while (!ok && err->kind == ERR_LOST && !c->stopped) {
        struct err lost = *err;
        err_clear(err);
        if (!keyspace_again(c->keyspace, err)) {
            *err = lost;
            return false;
        }
        c->count->again++;
        ok = keyspace_walk_on(c->keyspace, c->order->match, S_take_key, c, err);
    }
    return ok;
}

static bool S_run_once(struct counting *c, struct err *err)
{
    struct keyspace *keyspace = c->keyspace;
    struct keycount *out = c->count;
    struct err ignored = {0};
    *out = (struct keycount){.ledger = key_ledger_new(c->order->plan), .began = clock_wall()};
    out->complete = S_walk(c, err);
    out->seen = keyspace_seen(keyspace);
    out->size_before = keyspace_size(keyspace);
    out->size_after = -1;
    out->moving = keyspace_moving(keyspace);
    out->repeated = keyspace_repeated(keyspace);
    if (c->stopped) { /* what was asked for is on its way, and tells of the ledger */
        keyspace_settle(keyspace, &ignored);
        err_clear(err);
    }
    if (out->complete)
        keyspace_measure(keyspace, &out->size_after, &ignored);
    return out->complete || c->stopped;
}

/* Keys that a cluster has moved meanwhile came twice: that is no count, and it is begun anew. */
bool keycount_run(struct keyspace *keyspace, const struct keycount_order *order,
                  struct keycount *out, struct err *err)
{
    struct counting c = {.keyspace = keyspace, .order = order, .count = out};
    int64_t since = clock_ms();
    keyspace_pace(keyspace, order->share);
    bool ok = S_run_once(&c, err);
    for (int i = 1; i < TRIES && ok && out->complete && out->repeated; i++) {
        keycount_release(out);
        if (order->each)
            order->anew(order->each_ctx);
        ok = S_run_once(&c, err);
    }
    out->took_ms = clock_ms() - since;
    return ok;
}

void keycount_release(struct keycount *count)
{
    for (size_t i = 0; i < count->largest_count; i++)
        free(count->largest[i].key);
    for (size_t i = 0; i < count->unclaimed_count; i++)
        free(count->unclaimed[i].key);
    key_ledger_free(count->ledger);
    *count = (struct keycount){0};
}
