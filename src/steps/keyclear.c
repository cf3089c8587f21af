/* keyclear: see keyclear.h. */
#include "keyclear.h"

#include "clock.h"
#include "failpoint.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 64,    /* keys of one UNLINK: others wait for it as long as for a page of the walk */
    LOOK_MS = 200, /* whether it is to stop, while it holds the rate */
};

void keyclear_begin(struct keyclear *clear)
{
    size_t templates = clear->choice->plan ? clear->choice->plan->key_count : 0;
    clear->by_template = mem_array(templates + 1, sizeof(int64_t));
    clear->samples = json_array();
    clear->foreign_samples = json_array();
}

void keyclear_end(struct keyclear *clear)
{
    free(clear->by_template);
    free(clear->waiting.lengths);
    free(clear->gone.lengths);
    buf_release(&clear->waiting.keys);
    buf_release(&clear->gone.keys);
    json_decref(clear->samples);
    json_decref(clear->foreign_samples);
}

/* ---- meeting keys ---- */

static bool S_goes_on(const struct keyclear *clear, struct err *err)
{
    if (!clear->stop || !*clear->stop)
        return true;
    err_set(err, ERR_FAILED, "stopped, as asked");
    return err_hint(err, "the same command again goes on");
}

static bool S_meets(struct keyclear *clear, const char *key, size_t len)
{
    size_t template;
    struct key_owner owner;
    enum key_verdict verdict = key_choice_judge(clear->choice, key, len, &template, &owner);
    if (verdict == KEY_FOREIGN) {
        clear->foreign++;
        keyspace_sample(clear->foreign_samples, key, len);
    }
    if (verdict != KEY_CHOSEN)
        return false;
    clear->chosen++;
    clear->by_template[template]++;
    keyspace_sample(clear->samples, key, len);
    return true;
}

static bool S_count_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct keyclear *clear = ctx;
    S_meets(clear, key, len);
    if (clear->progress)
        clear->progress(clear->ctx, clear);
    return S_goes_on(clear, err);
}

static void S_reset(struct keyclear *clear)
{
    size_t templates = clear->choice->plan ? clear->choice->plan->key_count : 0;
    memset(clear->by_template, 0, (templates + 1) * sizeof(int64_t));
    clear->chosen = clear->foreign = 0;
    json_array_clear(clear->samples);
    json_array_clear(clear->foreign_samples);
}

struct look { /* at a key that is known by name */
    struct keyclear *clear;
    const char *key;
};

static void S_take_existing(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct look *look = ctx;
    if (!err && redis_type(reply) == REDIS_INTEGER && redis_int(reply) > 0)
        S_meets(look->clear, look->key, strlen(look->key));
    free(look);
}

/* Calls for each of the keys that are known by name. */
static bool S_each_exact(struct keyclear *clear, keyspace_key_fn *each, struct err *err)
{
    const char *key = buf_text(clear->exact);
    for (size_t i = 0; i < clear->exact_count; i++) {
        if (!each(clear, key, strlen(key), err))
            return false;
        key += strlen(key) + 1;
    }
    return keyspace_settle(clear->keyspace, err);
}

static bool S_look_at(void *ctx, const char *key, size_t len, struct err *err)
{
    struct keyclear *clear = ctx;
    struct look *look = mem_new(sizeof(*look));
    *look = (struct look){clear, key};
    const char *argv[] = {"EXISTS", key};
    const size_t lengths[] = {6, len};
    if (keyspace_send(clear->keyspace, ARRAY_LEN(argv), argv, lengths, S_take_existing, look, err))
        return true;
    free(look);
    return false;
}

bool keyclear_count(struct keyclear *clear, struct err *err)
{
    S_reset(clear);
    return clear->exact ? S_each_exact(clear, S_look_at, err)
                        : keyspace_walk(clear->keyspace, clear->match, S_count_key, clear, err);
}

bool keyclear_is_proved(const struct keyclear *clear)
{
    return clear->prove || clear->exact;
}

/* The glob that has spared the way of keys when they were removed is not trusted here, unless it is
 * what was chosen: each key is looked at. */
bool keyclear_verify(struct keyclear *clear, int64_t *left, struct err *err)
{
    const volatile sig_atomic_t *stop = clear->stop;
    const struct key_glob *match = clear->match;
    int64_t met = clear->chosen, foreign = clear->foreign;
    *left = clear->there;
    if (!keyclear_is_proved(clear))
        return true;
    clear->stop = NULL;
    if (!clear->choice->pattern.text)
        clear->match = NULL;
    bool ok = keyclear_count(clear, err);
    *left = clear->chosen;
    clear->stop = stop;
    clear->match = match;
    clear->chosen = met;
    clear->foreign = foreign;
    return ok;
}

/* ---- the undo file ---- */

struct kept { /* what the server has said of one key */
    int64_t pttl;
    struct redis_reply *dump;
};

static void S_take_dump(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct kept *kept = ctx;
    if (!err && redis_type(reply) == REDIS_STRING)
        kept->dump = redis_reply_copy(reply);
}

static void S_take_pttl(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct kept *kept = ctx;
    kept->pttl = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : -2;
}

static bool S_ask_keep(struct keyclear *clear, const char *key, size_t len, struct kept *kept,
                       struct err *err)
{
    const char *pttl[] = {"PTTL", key}, *dump[] = {"DUMP", key};
    const size_t lengths[] = {4, len};
    return keyspace_send(clear->keyspace, 2, pttl, lengths, S_take_pttl, kept, err) &&
           keyspace_send(clear->keyspace, 2, dump, lengths, S_take_dump, kept, err);
}

static bool S_write_kept(struct keyclear *clear, const char *key, size_t len,
                         const struct kept *kept, struct err *err)
{
    if (!kept->dump) /* it is gone by itself */
        return true;
    int64_t ends_at = kept->pttl >= 0 ? clock_wall() + kept->pttl : -1;
    return keyundo_add(clear->undo, key, len, ends_at, redis_text(kept->dump),
                       redis_length(kept->dump), err);
}

static bool S_keep_waiting(struct keyclear *clear, struct err *err)
{
    const struct keyclear_batch *batch = &clear->waiting;
    struct kept *kept = mem_array(batch->count, sizeof(*kept));
    const char *key = buf_text(&batch->keys);
    bool ok = true;
    for (size_t i = 0; ok && i < batch->count; key += batch->lengths[i++])
        ok = S_ask_keep(clear, key, batch->lengths[i], &kept[i], err);
    ok = ok && keyspace_settle(clear->keyspace, err);
    key = buf_text(&batch->keys);
    for (size_t i = 0; ok && i < batch->count; key += batch->lengths[i++])
        ok = S_write_kept(clear, key, batch->lengths[i], &kept[i], err);
    for (size_t i = 0; i < batch->count; i++)
        redis_reply_free(kept[i].dump);
    free(kept);
    return ok && keyundo_sync(clear->undo, err);
}

bool keyclear_keep(struct keyclear *clear, const char *key, size_t len, struct err *err)
{
    struct kept kept = {0};
    if (!clear->undo)
        return true;
    bool ok = S_ask_keep(clear, key, len, &kept, err) && keyspace_settle(clear->keyspace, err) &&
              S_write_kept(clear, key, len, &kept, err);
    redis_reply_free(kept.dump);
    return ok && keyundo_sync(clear->undo, err);
}

/* ---- removing ---- */

static void S_add_number(void *sum, const struct redis_reply *reply, const struct err *err)
{
    if (!err && redis_type(reply) == REDIS_INTEGER)
        *(int64_t *)sum += redis_int(reply);
}

/*
 * One command with all keys of a batch; in a cluster, where they are on many nodes, one for each,
 * and behind HTTP, where a key that is no text travels alone.
 */
static bool S_send_batch(struct keyclear *clear, const char *command,
                         const struct keyclear_batch *batch, int64_t *sum, struct err *err)
{
    const char *argv[BATCH + 1] = {command}, *key = buf_text(&batch->keys);
    size_t lengths[BATCH + 1] = {strlen(command)}, at_once = batch->count;
    if (!keyspace_has_multi(clear->keyspace))
        at_once = 1;
    bool ok = true;
    for (size_t i = 0, args = 1; ok && i < batch->count; key += batch->lengths[i++]) {
        argv[args] = key;
        lengths[args++] = batch->lengths[i];
        if (args <= at_once)
            continue;
        ok = keyspace_send(clear->keyspace, (int)args, argv, lengths, S_add_number, sum, err);
        args = 1;
    }
    return ok;
}

/*
 * Not faster than was asked: counted from the beginning, so that a slow batch may be made up for.
 */
static bool S_hold_rate(struct keyclear *clear, struct err *err)
{
    if (!clear->rate)
        return true;
    if (!keyspace_settle(clear->keyspace, err))
        return false;
    int64_t due = clear->since_ms + clear->removed * 1000 / clear->rate;
    for (int64_t left; (left = due - clock_ms()) > 0;) {
        if (!S_goes_on(clear, err))
            return false;
        keyspace_rest(clear->keyspace, left < LOOK_MS ? left : LOOK_MS);
    }
    return true;
}

/* Sends a batch away, behind the question for the one before: that was answered a page ago. */
static bool S_push(struct keyclear *clear, struct err *err)
{
    struct keyclear_batch asked = clear->gone;
    bool ok = !clear->waiting.count || !clear->undo || S_keep_waiting(clear, err);
    clear->gone = clear->waiting;
    clear->waiting = asked;
    ok = ok && S_send_batch(clear, "EXISTS", &asked, &clear->there, err) &&
         S_send_batch(clear, "UNLINK", &clear->gone, &clear->removed, err);
    clear->waiting.count = 0;
    buf_clear(&clear->waiting.keys);
    FAILPOINT("K3");
    return ok && S_hold_rate(clear, err);
}

bool keyclear_flush(struct keyclear *clear, struct err *err)
{
    return (!clear->waiting.count || S_push(clear, err)) && keyspace_settle(clear->keyspace, err);
}

bool keyclear_add(struct keyclear *clear, const char *key, size_t len, struct err *err)
{
    struct keyclear_batch *batch = &clear->waiting;
    batch->lengths = mem_room(batch->lengths, batch->count, &batch->cap, sizeof(*batch->lengths));
    batch->lengths[batch->count++] = len;
    buf_add_mem(&batch->keys, key, len);
    return batch->count < BATCH || S_push(clear, err);
}

static bool S_remove_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct keyclear *clear = ctx;
    bool chosen = S_meets(clear, key, len);
    if (clear->progress)
        clear->progress(clear->ctx, clear);
    return S_goes_on(clear, err) && (!chosen || keyclear_add(clear, key, len, err));
}

bool keyclear_remove(struct keyclear *clear, struct err *err)
{
    S_reset(clear);
    clear->removed = clear->there = 0;
    clear->since_ms = clock_ms();
    bool ok = clear->exact ? S_each_exact(clear, S_remove_key, err)
                           : keyspace_walk(clear->keyspace, clear->match, S_remove_key, clear, err);
    ok = ok && keyclear_flush(clear, err); /* so that the last batch is gone, */
    return ok && S_push(clear, err) && keyspace_settle(clear->keyspace, err); /* … and asked for */
}
