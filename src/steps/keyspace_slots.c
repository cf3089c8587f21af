/*
 * keyspace_slots: the slots of a cluster that are on their way from one node to another while its
 * keys are walked.
 *
 * MIGRATE moves a slot's keys one by one, and a walk that is through with the one node and not yet
 * with the other meets such a key twice or never. So the keys of a slot that is on its way are left
 * out of the walk, and are read when it is over: first on the node that they leave, then on the one
 * that they go to, each key of the slot handed out once. A slot that was not on its way at the
 * beginning and has moved by the end is read again in the same manner, and its keys come twice; who
 * counts is told so (keyspace_repeated()). After that the layout is asked for anew, until it stands
 * still; a cluster that never does is not walked.
 */
#include "keyspace_parts.h"

#include "seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 5,
    LOOK_AGAIN_MS = 100,
    SLOTS_MOST = 1024, /* more at once is no moving of slots: a primary has changed */
    KEYS_MOST = 100000,
    STATIONS = 8,
};

struct stations { /* the nodes that may have keys of a slot, in the order in which keys pass them */
    const char *names[STATIONS];
    size_t count;
};

struct reading {
    struct keyspace *keyspace;
    const struct key_glob *match;
    keyspace_key_fn *each;
    void *ctx;
    int round;
};

/* ---- the layout ---- */

static void S_on_layout(void *ctx, const struct err *err)
{
    struct keyspace *keyspace = ctx;
    if (err && keyspace->trouble.kind == ERR_NONE)
        keyspace->trouble = *err;
}

static bool S_look(struct keyspace *keyspace, struct redis_layout *layout, struct err *err)
{
    if (!keyspace_survey(keyspace, err))
        return false;
    redis_layout_ask(keyspace->redis, layout, S_on_layout, keyspace);
    return keyspace_settle(keyspace, err);
}

static bool S_restless(const struct keyspace *keyspace, struct err *err)
{
    err_set(err, ERR_FAILED,
            "%s has moved keys between its nodes, or has changed a primary, during the walk: some "
            "were perhaps not met",
            keyspace->name);
    return err_hint(err,
                    "do it again when the cluster is at rest: CLUSTER INFO, 'tenantdeck nodes'");
}

/* ---- one slot in two layouts ---- */

static const struct redis_move *S_next_move(const struct redis_layout *layout, int slot, size_t *at)
{
    while (*at < layout->move_count)
        if (layout->moves[(*at)++].slot == slot)
            return &layout->moves[*at - 1];
    return NULL;
}

static bool S_has_moved(const struct redis_layout *old, const struct redis_layout *new, int slot)
{
    if (!str_is(redis_layout_owner(old, slot), redis_layout_owner(new, slot)))
        return true;
    size_t before = 0, after = 0;
    const struct redis_move *was, *is;
    do {
        was = S_next_move(old, slot, &before);
        is = S_next_move(new, slot, &after);
        if (!was != !is || (was && (!str_is(was->from, is->from) || !str_is(was->to, is->to))))
            return true;
    } while (was);
    return false;
}

/* It has arrived where it was going, and where it has been read last. */
static bool S_has_arrived(const struct redis_layout *old, const struct redis_layout *new, int slot)
{
    size_t at = 0, more = 0;
    const struct redis_move *was = S_next_move(old, slot, &at);
    return was && !S_next_move(old, slot, &at) && !S_next_move(new, slot, &more) &&
           str_is(was->to, redis_layout_owner(new, slot));
}

static void S_add_station(struct stations *stations, const char *name)
{
    if (!name || stations->count == STATIONS)
        return;
    for (size_t i = 0; i < stations->count; i++)
        if (str_is(stations->names[i], name))
            return;
    stations->names[stations->count++] = name;
}

static void S_add_moves(struct stations *stations, const struct redis_layout *layout, int slot)
{
    const struct redis_move *move;
    for (size_t at = 0; (move = S_next_move(layout, slot, &at));)
        S_add_station(stations, move->from);
    for (size_t at = 0; (move = S_next_move(layout, slot, &at));)
        S_add_station(stations, move->to);
}

static bool S_leave(const struct redis_layout *layout, int slot, const char *name)
{
    const struct redis_move *move;
    for (size_t at = 0; (move = S_next_move(layout, slot, &at));)
        if (str_is(move->from, name))
            return true;
    return false;
}

static void S_put_last(struct stations *stations, const char *name)
{
    size_t at = 0;
    while (at < stations->count && !str_is(stations->names[at], name))
        at++;
    if (at == stations->count)
        return;
    memmove(stations->names + at, stations->names + at + 1,
            (stations->count - at - 1) * sizeof(*stations->names));
    stations->names[stations->count - 1] = name;
}

/*
 * Keys that come back now are going where they were at first: that node is the last all the same.
 */
static void S_find_stations(struct stations *stations, const struct redis_layout *old,
                            const struct redis_layout *new, int slot)
{
    const struct redis_move *move;
    S_add_station(stations, redis_layout_owner(old, slot));
    S_add_moves(stations, old, slot);
    S_add_moves(stations, new, slot);
    S_add_station(stations, redis_layout_owner(new, slot));
    for (size_t at = 0; (move = S_next_move(new, slot, &at));)
        if (!S_leave(new, slot, move->to))
            S_put_last(stations, move->to);
}

/* ---- the keys of one slot at one node ---- */

static void S_take_count(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err && redis_type(reply) == REDIS_INTEGER)
        *(int64_t *)ctx = redis_int(reply);
}

static void S_take_keys(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err && redis_type(reply) == REDIS_ARRAY)
        *(struct redis_reply **)ctx = redis_reply_copy(reply);
}

static bool S_count_keys(struct keyspace *keyspace, const char *name, int slot, int64_t *count,
                         struct err *err)
{
    char number[16];
    const char *const argv[] = {"CLUSTER", "COUNTKEYSINSLOT", number};
    snprintf(number, sizeof(number), "%d", slot);
    *count = -1;
    if (!keyspace_send_named(keyspace, name, ARRAY_LEN(argv), argv, NULL, S_take_count, count,
                             err) ||
        !keyspace_settle(keyspace, err))
        return false;
    if (*count >= 0 && *count <= KEYS_MOST)
        return true;
    err_set(err, ERR_FAILED,
            "slot %d is on its way between the nodes of %s, and has %lld keys, more than can be "
            "read at once",
            slot, keyspace->name, (long long)*count);
    return err_hint(err, "do it again when the slot has arrived: 'tenantdeck nodes'");
}

/* A few more than there were; as many as were asked for: there are still others. */
static bool S_read_keys(struct keyspace *keyspace, const char *name, int slot,
                        struct redis_reply **keys, struct err *err)
{
    char number[16], most[16];
    int64_t count;
    const char *const argv[] = {"CLUSTER", "GETKEYSINSLOT", number, most};
    if (!S_count_keys(keyspace, name, slot, &count, err))
        return false;
    count += count / 4 + 100;
    snprintf(number, sizeof(number), "%d", slot);
    snprintf(most, sizeof(most), "%lld", (long long)count);
    if (!keyspace_send_named(keyspace, name, ARRAY_LEN(argv), argv, NULL, S_take_keys, keys, err) ||
        !keyspace_settle(keyspace, err))
        return false;
    if (!*keys)
        return err_set(err, ERR_FAILED, "the answer to CLUSTER GETKEYSINSLOT is no list of keys");
    return (int64_t)redis_length(*keys) < count || S_restless(keyspace, err);
}

static bool S_hand_out(struct reading *r, const struct redis_reply *keys, struct seen *seen,
                       struct err *err)
{
    for (size_t i = 0; i < redis_length(keys); i++) {
        const struct redis_reply *key = redis_at(keys, i);
        const char *text = redis_text(key);
        size_t len = redis_length(key);
        if (redis_type(key) != REDIS_STRING || !seen_first(seen, text, len) ||
            (r->match && !key_glob_match(r->match->text, r->match->len, text, len)))
            continue;
        if (!r->each(r->ctx, text, len, err))
            return false;
    }
    return keyspace_settle(r->keyspace, err);
}

static bool S_read_slot(struct reading *r, const struct stations *stations, int slot,
                        struct err *err)
{
    struct seen seen = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < stations->count; i++) {
        struct redis_reply *keys = NULL;
        ok = S_read_keys(r->keyspace, stations->names[i], slot, &keys, err) &&
             S_hand_out(r, keys, &seen, err);
        redis_reply_free(keys);
    }
    seen_release(&seen);
    return ok;
}

/* ---- a round ---- */

/* Must the slot be read, now that the layout `new` has come after `old`? */
static bool S_is_due(const struct reading *r, const struct redis_layout *old,
                     const struct redis_layout *new, int slot)
{
    if (r->round == 0 && r->keyspace->aside[slot])
        return true;
    return S_has_moved(old, new, slot) && (r->round == 0 || !S_has_arrived(old, new, slot));
}

/* Reads what has moved between the two; `*due`: how many slots that were. */
static bool S_read_round(struct reading *r, const struct redis_layout *old,
                         const struct redis_layout *new, int *due, struct err *err)
{
    *due = 0;
    if (!redis_layout_is_plain(old, new) || new->move_count > SLOTS_MOST)
        return S_restless(r->keyspace, err);
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        struct stations stations = {0};
        bool lost = !redis_layout_owner(new, slot), read = S_is_due(r, old, new, slot);
        *due += lost || read; /* of a slot that nobody has the news is on its way: look again */
        if (*due > SLOTS_MOST)
            return S_restless(r->keyspace, err);
        if (!read)
            continue;
        r->keyspace->repeated += r->round > 0 || !r->keyspace->aside[slot];
        S_find_stations(&stations, old, new, slot);
        if (!S_read_slot(r, &stations, slot, err))
            return false;
    }
    return true;
}

bool keyspace_slots_begin(struct keyspace *keyspace, struct err *err)
{
    keyspace->repeated = 0;
    keyspace->moving = 0;
    memset(keyspace->aside, 0, sizeof(keyspace->aside));
    if (!redis_is_cluster(keyspace->redis))
        return true;
    if (!S_look(keyspace, &keyspace->layout, err))
        return false;
    if (keyspace->layout.move_count > SLOTS_MOST)
        return S_restless(keyspace, err);
    for (size_t i = 0; i < keyspace->layout.move_count; i++) {
        int slot = keyspace->layout.moves[i].slot;
        keyspace->moving += !keyspace->aside[slot];
        keyspace->aside[slot] = true;
    }
    return true;
}

bool keyspace_slots_end(struct keyspace *keyspace, const struct key_glob *match,
                        keyspace_key_fn *each, void *ctx, struct err *err)
{
    struct reading r = {keyspace, match, each, ctx, 0};
    int due = redis_is_cluster(keyspace->redis);
    for (; due; r.round++) {
        struct redis_layout layout = {0};
        keyspace_rest(keyspace, r.round ? LOOK_AGAIN_MS : 0);
        bool ok = r.round < ROUNDS ? S_look(keyspace, &layout, err) &&
                                         S_read_round(&r, &keyspace->layout, &layout, &due, err)
                                   : S_restless(keyspace, err);
        redis_layout_release(&keyspace->layout);
        keyspace->layout = layout;
        if (!ok)
            return false;
    }
    return true;
}
