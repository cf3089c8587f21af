/* keyspace_walk: the walk through all keys, page by page and node by node; see keyspace.h. */
#include "keyspace_parts.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COUNT_LEAST = 75, /* keys that SCAN is asked for at a time, */
    COUNT_FIRST = 100,
    COUNT_MOST = 250,
    PAGE_US = 80, /* … as many as the server hands out in so long: all others wait behind it */
    BURST_US = 10000, /* of work, then nothing for as long as the share says */
    REST_MOST_MS = 1000,
    PROBES = 3,
    PROBE_EVERY = 32, /* one page of so many is waited for, and tells how long the server takes */
    ENDLESS = 4,      /* a walk that has met so many times the keys of its start, */
    ENDLESS_KEYS = 100000, /* and so many more, is given up */
};

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
    struct page *page = ctx;
    if (err)
        return;
    page->took_us = clock_us() - page->asked_us;
    bool fits = redis_type(reply) == REDIS_ARRAY && redis_length(reply) == 2 &&
                redis_type(redis_at(reply, 0)) == REDIS_STRING &&
                redis_type(redis_at(reply, 1)) == REDIS_ARRAY;
    for (size_t i = 0; fits && i < redis_length(redis_at(reply, 1)); i++) {
        const struct redis_reply *key = redis_at(redis_at(reply, 1), i);
        fits = redis_type(key) == REDIS_STRING;
        if (fits)
            S_add_key(page, key);
    }
    page->next = fits ? str_dup(redis_text(redis_at(reply, 0))) : NULL;
}

/* Half as many when the server was slow with a page, more when it was quick. The quickest of some
 * pages counts: what others took longer was spent on waking up, and not by the server. */
static void S_adapt(struct keyspace *keyspace, int64_t took_us)
{
    if (!keyspace->probes++ || took_us < keyspace->quickest_us)
        keyspace->quickest_us = took_us;
    if (keyspace->probes < PROBES)
        return;
    keyspace->probes = 0;
    int64_t served_us = keyspace->quickest_us - keyspace->idle_us;
    if (served_us > PAGE_US * 2)
        keyspace->count /= 2;
    else if (served_us < PAGE_US)
        keyspace->count += keyspace->count / 4;
    keyspace->count = keyspace->count < COUNT_LEAST  ? COUNT_LEAST
                      : keyspace->count > COUNT_MOST ? COUNT_MOST
                                                     : keyspace->count;
}

static bool S_ask_page(struct keyspace *keyspace, const char *cursor, const struct key_glob *match,
                       struct err *err)
{
    char count[16];
    struct page *page = &keyspace->ahead;
    snprintf(count, sizeof(count), "%d", keyspace->count);
    buf_clear(&page->keys);
    page->count = 0;
    free(page->next);
    page->next = NULL;
    char *asked = str_dup(cursor);
    free(page->cursor);
    page->cursor = asked;
    page->asked_us = clock_us();
    const char *argv[] = {"SCAN", asked, "COUNT", count, "MATCH", match ? match->text : NULL};
    size_t lengths[] = {4, strlen(asked), 5, strlen(count), 5, match ? match->len : 0};
    return keyspace_send_named(keyspace, keyspace->node, match ? 6 : 4, argv, lengths, S_read_page,
                               page, err);
}

/*
 * The page that was asked for is the one to hand out; the server makes the next one meanwhile, and
 * what is asked of the keys of this one goes out with the question for the one after that. A page
 * that we were busy beside tells nothing of the server's pace: so now and then one is waited for.
 */
static bool S_turn_page(struct keyspace *keyspace, const struct key_glob *match, struct err *err)
{
    struct page done = keyspace->page;
    keyspace->page = keyspace->ahead;
    keyspace->ahead = done;
    if (!keyspace->page.next)
        return err_set(err, ERR_FAILED, "the answer to SCAN is no page of keys");
    if (str_is(keyspace->page.next, "0"))
        return true;
    redis_hold(keyspace->redis, false);
    if (!S_ask_page(keyspace, keyspace->page.next, match, err))
        return false;
    redis_flush(keyspace->redis);
    redis_hold(keyspace->redis, true);
    if (keyspace->pages++ % PROBE_EVERY)
        return true;
    if (!keyspace_arrive(keyspace, err))
        return false;
    S_adapt(keyspace, keyspace->ahead.took_us);
    return true;
}

static bool S_hand_out_page(struct keyspace *keyspace, keyspace_key_fn *each, void *ctx,
                            struct err *err)
{
    const char *key = buf_text(&keyspace->page.keys);
    for (size_t i = 0; i < keyspace->page.count; key += keyspace->page.lengths[i++]) {
        size_t len = keyspace->page.lengths[i];
        if (keyspace->moving && keyspace->aside[redis_slot(key, len)])
            continue;
        if (!each(ctx, key, len, err))
            return false;
    }
    return keyspace_arrive(keyspace, err);
}

static void S_read_size(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err && redis_type(reply) == REDIS_INTEGER)
        *(int64_t *)ctx += redis_int(reply);
}

/* An ACL may refuse it: then nothing tells a walk without end from a long one. */
bool keyspace_measure(struct keyspace *keyspace, int64_t *size, struct err *err)
{
    static const char *const dbsize[] = {"DBSIZE"};
    struct err refused = {0};
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
    keyspace_rest(keyspace, ms);
    return true;
}

/*
 * Of a page that the server has sifted, only what it was asked for is known: up to ten times what
 * it had, in a table that has lost most of its keys.
 */
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

bool keyspace_survey(struct keyspace *keyspace, struct err *err)
{
    if (!redis_is_cluster(keyspace->redis))
        return true;
    if (!redis_is_up(keyspace->redis)) {
        err_set(err, ERR_LOST, "the connection to Redis was lost");
        return keyspace_advise(keyspace, err);
    }
    keyspace->surveyed = false;
    redis_survey(keyspace->redis, S_on_survey, keyspace);
    while (!keyspace->surveyed && !keyspace_is_aborted(keyspace))
        loop_turn(keyspace->loop, KEYSPACE_LOOK_MS);
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

/* ---- node by node ---- */

static bool S_walk_pages(struct keyspace *keyspace, const char *cursor,
                         const struct key_glob *match, keyspace_key_fn *each, void *ctx,
                         struct err *err)
{
    int64_t since = clock_us();
    if (!S_ask_page(keyspace, cursor, match, err) || !keyspace_settle(keyspace, err))
        return false;
    do {
        if (!S_turn_page(keyspace, match, err) || !S_hand_out_page(keyspace, each, ctx, err))
            return false;
        keyspace->met += match ? keyspace->count : (int64_t)keyspace->page.count;
        keyspace->late = keyspace->until && clock_ms() >= keyspace->until;
        if (keyspace->late && !str_is(keyspace->page.next, "0"))
            return err_set(err, ERR_FAILED, "the time for the walk was over");
        if (S_is_endless(keyspace, match != NULL))
            return err_set(err, ERR_FAILED, "the walk through the keys of %s does not end",
                           keyspace->name);
        int64_t worked = clock_us() - since;
        if (worked < BURST_US)
            continue;
        if (!S_rest(keyspace, worked, err))
            return false;
        since = clock_us();
    } while (!str_is(keyspace->page.next, "0"));
    return true;
}

/* The nodes of a cluster are those of the beginning: what one gets meanwhile is read afterwards. */
static bool S_walk_nodes(struct keyspace *keyspace, const struct key_glob *match,
                         keyspace_key_fn *each, void *ctx, struct err *err)
{
    size_t count = redis_is_cluster(keyspace->redis) ? keyspace->layout.node_count : 1;
    for (size_t i = 0; i < count; i++) {
        keyspace->node = keyspace->layout.nodes ? keyspace->layout.nodes[i].name : "";
        if (!S_walk_pages(keyspace, "0", match, each, ctx, err))
            return false;
    }
    return keyspace_slots_end(keyspace, match, each, ctx, err);
}

/* Nobody who has asked for something in a walk hears of it after the walk. */
static bool S_finish(struct keyspace *keyspace, bool ok, struct err *err)
{
    struct err late = {0};
    bool settled = keyspace_settle(keyspace, ok ? err : &late);
    keyspace->walked = ok && settled;
    return keyspace->walked;
}

bool keyspace_walk(struct keyspace *keyspace, const struct key_glob *match, keyspace_key_fn *each,
                   void *ctx, struct err *err)
{
    keyspace->met = keyspace->pages = 0;
    keyspace->walked = false;
    keyspace->count = COUNT_FIRST;
    free(keyspace->page.cursor);
    keyspace->page.cursor = NULL;
    if (!keyspace_slots_begin(keyspace, err) || !keyspace_measure(keyspace, &keyspace->size, err) ||
        !S_measure_idle(keyspace, err))
        return false;
    return S_finish(keyspace, S_walk_nodes(keyspace, match, each, ctx, err), err);
}

bool keyspace_walk_on(struct keyspace *keyspace, const struct key_glob *match,
                      keyspace_key_fn *each, void *ctx, struct err *err)
{
    char *cursor = str_dup(keyspace->page.cursor ? keyspace->page.cursor : "0");
    bool ok = S_walk_pages(keyspace, cursor, match, each, ctx, err);
    free(cursor);
    return S_finish(keyspace, ok, err);
}

void keyspace_pace(struct keyspace *keyspace, int share)
{
    keyspace->share = share;
}

void keyspace_limit(struct keyspace *keyspace, int64_t ms)
{
    keyspace->until = clock_ms() + ms;
}

bool keyspace_is_late(const struct keyspace *keyspace)
{
    return keyspace->late && !keyspace->walked;
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

int keyspace_moving(const struct keyspace *keyspace)
{
    return keyspace->moving;
}

int keyspace_repeated(const struct keyspace *keyspace)
{
    return keyspace->repeated;
}
