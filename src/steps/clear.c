/*
 * clear: step cache-clear. Takes out of Redis what the plan's key templates know, and nothing else:
 * keys of `foreign = true` templates (another service's queues) and keys of no template stay.
 *
 * Counts first and says what it will do, then removes, then counts anew. There is no checkpoint to
 * go on from: what an interrupted step has left is simply still there. What services write again
 * meanwhile is their fresh cache and no failure; it is told, with its number.
 */
#include "failpoint.h"
#include "keyspace.h"
#include "steps.h"

#include <stdlib.h>
#include <string.h>

enum { CLEAR_BATCH = 100 }; /* a worker whose lease was taken removes no more than so many */

struct clearing {
    struct run *run;
    struct keyspace *keyspace;
    int64_t *found; /* keys of each template of the plan, and of none */
    char *keys[CLEAR_BATCH];
    size_t lengths[CLEAR_BATCH];
    size_t waiting; /* … that are to be removed next */
    int64_t removed, total;
    const char *only; /* of this template; NULL: of all */
};

/* ---- counting ---- */

static bool S_is_ours(const struct clearing *clearing, size_t template)
{
    const struct plan *plan = clearing->run->plan;
    return template <plan->key_count && !plan->keys[template].foreign;
}

static bool S_count_key(void *ctx, const char *key, size_t len, struct err *err)
{
    (void)err;
    struct clearing *clearing = ctx;
    struct key_owner owner;
    clearing->found[keyspace_template(clearing->run->plan, key, len, &owner)]++;
    return true;
}

static int64_t S_sum(const struct clearing *clearing, bool ours)
{
    int64_t sum = 0;
    for (size_t i = 0; i <= clearing->run->plan->key_count; i++)
        if (S_is_ours(clearing, i) == ours)
            sum += clearing->found[i];
    return sum;
}

static bool S_count(struct clearing *clearing, struct err *err)
{
    memset(clearing->found, 0, (clearing->run->plan->key_count + 1) * sizeof(*clearing->found));
    return keyspace_walk(clearing->keyspace, NULL, S_count_key, clearing, err);
}

/* "1200 sessions, 40 forms"; yours. */
static char *S_list(const struct clearing *clearing, bool ours)
{
    const struct plan *plan = clearing->run->plan;
    struct buf list = {0};
    for (size_t i = 0; i <= plan->key_count; i++)
        if (clearing->found[i] && S_is_ours(clearing, i) == ours)
            buf_format(&list, "%s%lld %s", list.len ? ", " : "", (long long)clearing->found[i],
                       i < plan->key_count ? plan->keys[i].name : "of no template");
    return buf_take(&list);
}

/* ---- removing ---- */

static void S_forget_keys(struct clearing *clearing)
{
    for (size_t i = 0; i < clearing->waiting; i++)
        free(clearing->keys[i]);
    clearing->waiting = 0;
}

/* One UNLINK a key: each answer tells whether that key was there, and none blocks the server. */
static bool S_send_unlinks(struct clearing *clearing, struct err *err)
{
    for (size_t i = 0; i < clearing->waiting; i++) {
        const char *argv[] = {"UNLINK", clearing->keys[i]};
        size_t lengths[] = {strlen("UNLINK"), clearing->lengths[i]};
        if (!keyspace_send(clearing->keyspace, 2, argv, lengths, keyspace_count_yes,
                           &clearing->removed, err))
            return false;
    }
    return keyspace_settle(clearing->keyspace, err);
}

/* No transaction fences Redis: so the lease is asked for before each pipeline. */
static bool S_remove_waiting(struct clearing *clearing, struct err *err)
{
    bool ok =
        !clearing->waiting || (run_holds(clearing->run, err) && S_send_unlinks(clearing, err));
    FAILPOINT("K3");
    S_forget_keys(clearing);
    run_progress(clearing->run, clearing->removed,
                 clearing->removed > clearing->total ? clearing->removed : clearing->total);
    return ok;
}

static bool S_take_key(void *ctx, const char *key, size_t len, struct err *err)
{
    struct clearing *clearing = ctx;
    struct key_owner owner;
    size_t template = keyspace_template(clearing->run->plan, key, len, &owner);
    if (!S_is_ours(clearing, template) ||
        (clearing->only && !key_template_match(clearing->only, key, len, &owner)))
        return true;
    clearing->keys[clearing->waiting] = str_ndup(key, len);
    clearing->lengths[clearing->waiting++] = len;
    return clearing->waiting < CLEAR_BATCH || S_remove_waiting(clearing, err);
}

static bool S_remove(struct clearing *clearing, struct err *err)
{
    bool ok = keyspace_walk(clearing->keyspace, NULL, S_take_key, clearing, err) &&
              S_remove_waiting(clearing, err);
    S_forget_keys(clearing);
    return ok;
}

/* ---- the step ---- */

static void S_tell_intent(const struct clearing *clearing)
{
    char *ours = S_list(clearing, true), *others = S_list(clearing, false);
    run_say(clearing->run, "info", "redis",
            "%s: keys to remove: %lld (%s); keys that stay: %lld (%s)",
            keyspace_name(clearing->keyspace), (long long)S_sum(clearing, true),
            *ours ? ours : "none", (long long)S_sum(clearing, false), *others ? others : "none");
    free(ours);
    free(others);
}

/* UNLINK has answered for each key that was met: so what is there now was written since. */
static void S_tell_result(const struct clearing *clearing)
{
    const char *name = keyspace_name(clearing->keyspace);
    int64_t left = S_sum(clearing, true);
    char *list = S_list(clearing, true);
    if (left)
        run_say(clearing->run, "warn", "redis",
                "%s: keys removed: %lld; there again, written by services meanwhile: %lld (%s)",
                name, (long long)clearing->removed, (long long)left, list);
    else
        run_say(clearing->run, "info", "redis",
                "%s: keys removed: %lld; left of the plan's: 0; others that stay: %lld", name,
                (long long)clearing->removed, (long long)S_sum(clearing, false));
    free(list);
}

static bool S_note_done(struct clearing *clearing, struct err *err)
{
    if (run_begin(clearing->run, err) &&
        run_mark_again(clearing->run, keyspace_name(clearing->keyspace), "cleared", err) &&
        run_commit(clearing->run, err))
        return true;
    run_rollback(clearing->run);
    return false;
}

bool step_cache_clear(struct run *run, struct err *err)
{
    if (!run->session->has_redis)
        return run_skip(run, "no Redis is named, so there are no keys to remove");
    struct clearing clearing = {.run = run,
                                .found = mem_array(run->plan->key_count + 1, sizeof(int64_t))};
    bool ok = keyspace_open(run, &clearing.keyspace, err) && S_count(&clearing, err);
    if (ok) {
        FAILPOINT("K1");
        S_tell_intent(&clearing);
        FAILPOINT("K2");
        clearing.total = S_sum(&clearing, true);
        run_progress(run, 0, clearing.total);
        ok = S_remove(&clearing, err) && S_count(&clearing, err);
    }
    if (ok) {
        FAILPOINT("K5");
        S_tell_result(&clearing);
    }
    ok = ok && S_note_done(&clearing, err);
    keyspace_free(clearing.keyspace);
    free(clearing.found);
    return ok;
}

bool step_unwarm(struct run *run, const char *key, struct err *err)
{
    struct clearing clearing = {.run = run, .only = key};
    struct err trouble = {0};
    bool ok = run->session->has_redis ? keyspace_open(run, &clearing.keyspace, &trouble) &&
                                            S_remove(&clearing, &trouble)
                                      : err_set(&trouble, ERR_LOST, "no Redis is named");
    if (ok)
        run_say(run, "info", "redis", "%s: keys of '%s' removed: %lld",
                keyspace_name(clearing.keyspace), key, (long long)clearing.removed);
    else if (trouble.kind == ERR_LOST)
        run_say(run, "warn", "redis",
                "keys of '%s' stay as long as they live, or until 'tenantdeck run cache-clear': %s",
                key, trouble.text);
    else
        *err = trouble;
    keyspace_free(clearing.keyspace);
    return ok || trouble.kind == ERR_LOST;
}
