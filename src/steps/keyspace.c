/* keyspace: see keyspace.h. */
#include "keyspace.h"

#include "clock.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPEN_MS = 10000,
    PATIENCE_MS = 30000, /* for the next answer; Redis itself takes less than one */
    LOOK_MS = 100,       /* how soon an abort is seen */
    COUNT_LEAST = 50,    /* keys that SCAN is asked for at a time, */
    COUNT_FIRST = 100,
    COUNT_MOST = 1000,
    PAGE_US = 120, /* … as many as the server hands out in so long: all others wait behind it */
    BURST_US = 10000, /* of work, then nothing for as long as the share says */
    SHARE = 33,       /* percent */
    REST_MOST_MS = 1000,
    ENDLESS = 4,           /* a walk that has met so many times the keys of its start, */
    ENDLESS_KEYS = 100000, /* and so many more, is given up */
};

struct sent { /* a command whose answer is not there yet */
    struct keyspace *keyspace;
    redis_done_fn *done;
    void *ctx;
};

struct page { /* of a walk: where it goes on, and its keys one after the other */
    char *cursor;
    struct buf keys;
    size_t *lengths;
    size_t count, cap;
};

struct keyspace {
    struct run *run; /* NULL: it works for a verb */
    struct loop *loop;
    struct redis *redis;
    char *name;
    struct sent sent[KEYSPACE_BATCH];
    size_t sent_count;
    struct err trouble; /* the first one of what was sent */
    struct page page;
    int share, count;
    int64_t idle_us; /* what a command takes that gives the server nothing to do */
    int64_t size, met;
    bool walked; /* the last walk has come to its end */
    bool surveyed;
    bool rest; /* behind HTTP, where each command is a request of its own */
};

/* ---- commands and answers ---- */

/* Redis fails alone: what stands in PostgreSQL stands, and this step can be done later. */
static bool S_advise(const struct keyspace *keyspace, struct err *err)
{
    char text[sizeof(err->text)];
    snprintf(text, sizeof(text), "%s", err->text);
    if (err->kind == ERR_LOST && keyspace->run)
        snprintf(err->text, sizeof(err->text),
                 "%.700s; what was done in PostgreSQL stays, and once Redis answers, 'tenantdeck "
                 "run %s' does this step alone",
                 text, keyspace->run->step->def->name);
    return false;
}

static void S_take_answer(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct sent *sent = ctx;
    if (err && sent->keyspace->trouble.kind == ERR_NONE)
        sent->keyspace->trouble = *err;
    if (sent->done)
        sent->done(sent->ctx, reply, err);
}

/* Makes room for one more; NULL with err: it cannot be sent. */
static struct sent *S_next(struct keyspace *keyspace, redis_done_fn *done, void *ctx,
                           struct err *err)
{
    if (keyspace->sent_count == KEYSPACE_BATCH && !keyspace_settle(keyspace, err))
        return NULL;
    if (!redis_is_up(keyspace->redis)) {
        err_set(err, ERR_LOST, "the connection to Redis was lost");
        S_advise(keyspace, err);
        return NULL;
    }
    struct sent *sent = &keyspace->sent[keyspace->sent_count++];
    *sent = (struct sent){.keyspace = keyspace, .done = done, .ctx = ctx};
    return sent;
}

bool keyspace_send(struct keyspace *keyspace, int argc, const char *const *argv,
                   const size_t *lengths, redis_done_fn *done, void *ctx, struct err *err)
{
    struct sent *sent = S_next(keyspace, done, ctx, err);
    if (sent)
        redis_send(keyspace->redis, argc, argv, lengths, S_take_answer, sent);
    return sent != NULL;
}

bool keyspace_send_node(struct keyspace *keyspace, size_t node, int argc, const char *const *argv,
                        const size_t *lengths, redis_done_fn *done, void *ctx, struct err *err)
{
    struct sent *sent = S_next(keyspace, done, ctx, err);
    if (sent)
        redis_send_node(keyspace->redis, node, argc, argv, lengths, S_take_answer, sent);
    return sent != NULL;
}

size_t keyspace_nodes(const struct keyspace *keyspace)
{
    return redis_nodes(keyspace->redis);
}

static bool S_is_aborted(const struct keyspace *keyspace)
{
    return keyspace->run && keyspace->run->aborted;
}

bool keyspace_settle(struct keyspace *keyspace, struct err *err)
{
    size_t left = redis_pending(keyspace->redis);
    int64_t since = clock_ms();
    while (left && !S_is_aborted(keyspace)) {
        loop_turn(keyspace->loop, LOOK_MS);
        if (redis_pending(keyspace->redis) < left)
            since = clock_ms();
        left = redis_pending(keyspace->redis);
        if (left && clock_ms() - since > PATIENCE_MS)
            redis_close(keyspace->redis);
    }
    if (left) /* nobody waits for them any more */
        redis_close(keyspace->redis);
    keyspace->sent_count = 0;
    struct err trouble = keyspace->trouble;
    err_clear(&keyspace->trouble);
    if (S_is_aborted(keyspace))
        return err_set(err, ERR_FAILED, "aborted, as asked");
    if (trouble.kind == ERR_NONE)
        return true;
    *err = trouble;
    return S_advise(keyspace, err);
}

static void S_keep_answer(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err)
        *(struct redis_reply **)ctx = redis_reply_copy(reply);
}

bool keyspace_ask(struct keyspace *keyspace, int argc, const char *const *argv,
                  const size_t *lengths, struct redis_reply **out, struct err *err)
{
    struct redis_reply *answer = NULL;
    if (keyspace_send(keyspace, argc, argv, lengths, S_keep_answer, &answer, err) &&
        keyspace_settle(keyspace, err)) {
        *out = answer;
        return true;
    }
    redis_reply_free(answer);
    return false;
}

void keyspace_count_yes(void *count, const struct redis_reply *reply, const struct err *err)
{
    if (err)
        return;
    *(int64_t *)count += redis_type(reply) == REDIS_INTEGER ? redis_int(reply) > 0
                                                            : redis_type(reply) == REDIS_STATUS;
}

/* ---- the connection ---- */

static bool S_open(struct keyspace *keyspace, struct err *err)
{
    return redis_open(keyspace->redis, OPEN_MS, err) || S_advise(keyspace, err);
}

static bool S_open_one(struct run *run, struct loop *loop, const struct redis_target *target,
                       struct keyspace **out, struct err *err)
{
    struct keyspace *keyspace = mem_new(sizeof(*keyspace));
    keyspace->run = run;
    keyspace->loop = loop;
    keyspace->redis = redis_new(loop, target);
    keyspace->name = redis_target_describe(target);
    keyspace->share = SHARE;
    keyspace->size = -1;
    keyspace->rest = target->rest != NULL;
    if (!S_open(keyspace, err)) {
        keyspace_free(keyspace);
        return false;
    }
    *out = keyspace;
    return true;
}

bool keyspace_open(struct run *run, struct keyspace **out, struct err *err)
{
    return S_open_one(run, run->loop, &run->session->redis, out, err);
}

bool keyspace_open_for(struct loop *loop, const struct redis_target *target, struct keyspace **out,
                       struct err *err)
{
    return S_open_one(NULL, loop, target, out, err);
}

void keyspace_free(struct keyspace *keyspace)
{
    if (!keyspace)
        return;
    redis_free(keyspace->redis);
    free(keyspace->name);
    free(keyspace->page.cursor);
    free(keyspace->page.lengths);
    buf_release(&keyspace->page.keys);
    free(keyspace);
}

const char *keyspace_name(const struct keyspace *keyspace)
{
    return keyspace->name;
}

bool keyspace_has_multi(const struct keyspace *keyspace)
{
    return !keyspace->rest && !redis_is_cluster(keyspace->redis);
}

/* ---- the walk ---- */

static void S_add_key(struct page *page, const struct redis_reply *key)
{
    page->lengths = mem_room(page->lengths, page->count, &page->cap, sizeof(*page->lengths));
    page->lengths[page->count++] = redis_length(key);
    buf_add_mem(&page->keys, redis_text(key), redis_length(key));
}

/* What SCAN answers: a cursor and an array of strings. A server is not trusted to say just that. */
static void S_read_page(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct keyspace *keyspace = ctx;
    struct page *page = &keyspace->page;
    if (err)
        return;
    bool fits = redis_type(reply) == REDIS_ARRAY && redis_length(reply) == 2 &&
                redis_type(redis_at(reply, 0)) == REDIS_STRING &&
                redis_type(redis_at(reply, 1)) == REDIS_ARRAY;
    for (size_t i = 0; fits && i < redis_length(redis_at(reply, 1)); i++) {
        const struct redis_reply *key = redis_at(redis_at(reply, 1), i);
        fits = redis_type(key) == REDIS_STRING;
        if (fits)
            S_add_key(page, key);
    }
    free(page->cursor);
    page->cursor = fits ? str_dup(redis_text(redis_at(reply, 0))) : NULL;
}

/* Half as many when the server was slow with a page, more when it was quick. */
static void S_adapt(struct keyspace *keyspace, int64_t took_us)
{
    int64_t served_us = took_us - keyspace->idle_us;
    if (served_us > PAGE_US * 2)
        keyspace->count /= 2;
    else if (served_us < PAGE_US)
        keyspace->count += keyspace->count / 4;
    keyspace->count = keyspace->count < COUNT_LEAST  ? COUNT_LEAST
                      : keyspace->count > COUNT_MOST ? COUNT_MOST
                                                     : keyspace->count;
}

static bool S_fetch_page(struct keyspace *keyspace, size_t node, const struct key_glob *match,
                         struct err *err)
{
    char count[16], cursor[32];
    struct page *page = &keyspace->page;
    snprintf(count, sizeof(count), "%d", keyspace->count);
    snprintf(cursor, sizeof(cursor), "%s", page->cursor);
    const char *argv[] = {"SCAN", cursor, "COUNT", count, "MATCH", match ? match->text : NULL};
    size_t lengths[] = {4, strlen(cursor), 5, strlen(count), 5, match ? match->len : 0};
    int64_t since = clock_us();
    buf_clear(&page->keys);
    page->count = 0;
    if (!keyspace_send_node(keyspace, node, match ? 6 : 4, argv, lengths, S_read_page, keyspace,
                            err) ||
        !keyspace_settle(keyspace, err))
        return false;
    S_adapt(keyspace, clock_us() - since);
    return page->cursor || err_set(err, ERR_FAILED, "the answer to SCAN is no page of keys");
}

static bool S_hand_out_page(struct keyspace *keyspace, keyspace_key_fn *each, void *ctx,
                            struct err *err)
{
    const char *key = buf_text(&keyspace->page.keys);
    for (size_t i = 0; i < keyspace->page.count; i++) {
        if (!each(ctx, key, keyspace->page.lengths[i], err))
            return false;
        key += keyspace->page.lengths[i];
    }
    return keyspace_settle(keyspace, err);
}

static void S_read_size(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err && redis_type(reply) == REDIS_INTEGER)
        *(int64_t *)ctx += redis_int(reply);
}

static bool S_ask_size(struct keyspace *keyspace, int64_t *size, struct err *err)
{
    static const char *const dbsize[] = {"DBSIZE"};
    struct err refused = {0}; /* by an ACL: then nothing tells a walk without end from a long one */
    *size = 0;
    for (size_t node = 0; node < redis_nodes(keyspace->redis); node++)
        if (!keyspace_send_node(keyspace, node, ARRAY_LEN(dbsize), dbsize, NULL, S_read_size, size,
                                err))
            return false;
    if (keyspace_settle(keyspace, &refused))
        return true;
    *size = -1;
    if (refused.kind == ERR_REFUSED)
        return true;
    *err = refused;
    return false;
}

/* The way to the server and back: what SCAN takes beyond that, it takes from others. */
static bool S_measure_idle(struct keyspace *keyspace, struct err *err)
{
    static const char *const ping[] = {"PING"};
    keyspace->idle_us = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        int64_t since = clock_us();
        if (!keyspace_send(keyspace, ARRAY_LEN(ping), ping, NULL, NULL, NULL, err) ||
            !keyspace_settle(keyspace, err))
            return false;
        int64_t took = clock_us() - since;
        keyspace->idle_us = took < keyspace->idle_us ? took : keyspace->idle_us;
    }
    return true;
}

static bool S_rest(struct keyspace *keyspace, int64_t worked_us, struct err *err)
{
    int64_t ms = worked_us * (100 - keyspace->share) / keyspace->share / 1000;
    ms = ms < REST_MOST_MS ? ms : REST_MOST_MS;
    if (keyspace->run) {
        run_wait(keyspace->run, ms);
        return run_breathe(keyspace->run, err);
    }
    for (int64_t until = clock_ms() + ms; clock_ms() < until;)
        loop_turn(keyspace->loop, (int)(until - clock_ms()));
    return true;
}

/* Of a page that the server has sifted, only what it was asked for is known: up to ten times what it
 * had, in a table that has lost most of its keys. */
static bool S_is_endless(const struct keyspace *keyspace, bool sifted)
{
    int64_t times = sifted ? ENDLESS * 10 : ENDLESS;
    return keyspace->size >= 0 && keyspace->met > keyspace->size * times + ENDLESS_KEYS;
}

/* ---- the map of a cluster ---- */

static void S_on_survey(void *ctx, const struct err *err)
{
    struct keyspace *keyspace = ctx;
    keyspace->surveyed = true;
    if (err)
        keyspace->trouble = *err;
}

/* Which node has which keys, as the cluster sees it now. */
static bool S_survey(struct keyspace *keyspace, struct err *err)
{
    if (!redis_is_cluster(keyspace->redis))
        return true;
    if (!redis_is_up(keyspace->redis)) {
        err_set(err, ERR_LOST, "the connection to Redis was lost");
        return S_advise(keyspace, err);
    }
    keyspace->surveyed = false;
    redis_survey(keyspace->redis, S_on_survey, keyspace);
    while (!keyspace->surveyed && !S_is_aborted(keyspace))
        loop_turn(keyspace->loop, LOOK_MS);
    if (!keyspace->surveyed)
        redis_close(keyspace->redis);
    int uncovered = redis_uncovered(keyspace->redis);
    if (!keyspace_settle(keyspace, err))
        return false;
    if (!uncovered)
        return true;
    err_set(err, ERR_FAILED,
            "%d of the %d slots of %s are served by no node, so their keys cannot be reached; "
            "nothing was touched",
            uncovered, REDIS_SLOTS, keyspace->name);
    return err_hint(err, "'tenantdeck nodes' and CLUSTER INFO say what is missing");
}

/* A key that moves from node to node while they are walked is met twice, or not at all. */
static bool S_require_still(struct keyspace *keyspace, unsigned topology, struct err *err)
{
    if (redis_topology(keyspace->redis) == topology)
        return true;
    err_set(err, ERR_FAILED,
            "%s has moved keys between its nodes, or has changed a primary, during the walk: some "
            "were perhaps not met",
            keyspace->name);
    return err_hint(err,
                    "do it again when the cluster is at rest: CLUSTER INFO, 'tenantdeck nodes'");
}

/* ---- node by node ---- */

static bool S_walk_node(struct keyspace *keyspace, size_t node, const struct key_glob *match,
                        keyspace_key_fn *each, void *ctx, struct err *err)
{
    int64_t since = clock_us();
    unsigned topology = redis_topology(keyspace->redis);
    free(keyspace->page.cursor);
    keyspace->page.cursor = str_dup("0");
    do {
        if (!S_fetch_page(keyspace, node, match, err) ||
            !S_hand_out_page(keyspace, each, ctx, err) || !S_require_still(keyspace, topology, err))
            return false;
        keyspace->met += match ? keyspace->count : (int64_t)keyspace->page.count;
        if (S_is_endless(keyspace, match != NULL))
            return err_set(err, ERR_FAILED, "the walk through the keys of %s does not end",
                           keyspace->name);
        int64_t worked = clock_us() - since;
        if (worked < BURST_US)
            continue;
        if (!S_rest(keyspace, worked, err))
            return false;
        since = clock_us();
    } while (!str_is(keyspace->page.cursor, "0"));
    return true;
}

bool keyspace_walk(struct keyspace *keyspace, const struct key_glob *match, keyspace_key_fn *each,
                   void *ctx, struct err *err)
{
    keyspace->met = 0;
    keyspace->walked = false;
    keyspace->count = COUNT_FIRST;
    if (!S_survey(keyspace, err) || !S_ask_size(keyspace, &keyspace->size, err) ||
        !S_measure_idle(keyspace, err))
        return false;
    unsigned topology = redis_topology(keyspace->redis);
    for (size_t node = 0; node < redis_nodes(keyspace->redis); node++)
        if (!S_walk_node(keyspace, node, match, each, ctx, err) ||
            !S_require_still(keyspace, topology, err))
            return false;
    keyspace->walked = S_survey(keyspace, err) && S_require_still(keyspace, topology, err);
    return keyspace->walked;
}

void keyspace_pace(struct keyspace *keyspace, int share)
{
    keyspace->share = share;
}

double keyspace_seen(const struct keyspace *keyspace)
{
    if (keyspace->walked)
        return 100;
    double share = keyspace->size > 0 ? 100.0 * (double)keyspace->met / (double)keyspace->size : 0;
    return share > 99.9 ? 99.9 : share; /* a walk that is not over has not seen all */
}

int64_t keyspace_size(const struct keyspace *keyspace)
{
    return keyspace->size;
}

/* ---- keys ---- */

size_t keyspace_template(const struct plan *plan, const char *key, size_t len,
                         struct key_owner *owner)
{
    size_t i = 0;
    while (i < plan->key_count && !key_template_match(plan->keys[i].pattern, key, len, owner))
        i++;
    return i;
}

void keyspace_sample(json_t *samples, const char *key, size_t len)
{
    if (json_array_size(samples) >= KEYSPACE_SAMPLES)
        return;
    struct buf shown = {0};
    text_clean(&shown, key, len);
    json_array_append_new(samples, json_string(buf_text(&shown)));
    buf_release(&shown);
}
