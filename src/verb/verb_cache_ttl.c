/*
 * verb_cache_ttl: keys against the plan's policy of how long they may live, and the same set.
 *
 * The policy of a template is its `ttl`, or what the environment name in its `ttl name` says.
 */
#include "keyttl.h"
#include "verb_cache.h"
#include "verb_cache_change.h"
#include "verbs.h"

#include "cell.h"
#include "clock.h"
#include "failpoint.h"
#include "snapshot.h"
#include "verb_launch.h"

#include <stdlib.h>
#include <string.h>

struct policy {
    struct verb_call *call;
    struct verb_cache cache;
    struct keyttl ttl;
    struct keyttl_type *before; /* what the walk that has set them had found */
    bool acted, asked;          /* it has set them; it says so before somebody is asked */
};

/* ---- the policy ---- */

/* The value of a name: of --env-file or the environment; NULL: it is not set. */
static const char *S_environment(const struct verb_call *call, const char *name)
{
    const struct env *env = &call->session->env;
    for (size_t i = 0; env->entries && i < env_name_count; i++)
        if (str_is(env_names[i].name, name))
            return env->entries[i].value;
    return getenv(name);
}

static bool S_read_policy(struct policy *p, size_t template, struct err *err)
{
    const struct plan_keys *keys = &p->call->session->plan->keys[template];
    const char *value = keys->ttl_name ? S_environment(p->call, keys->ttl_name) : NULL;
    int64_t *policy = &p->ttl.types[template].policy;
    *policy = keys->foreign ? 0 : keys->ttl;
    if (!value || !*value)
        return true;
    if (str_to_int(value, policy) && *policy >= 1 && *policy <= PLAN_TTL_MOST)
        return true;
    return err_set(err, ERR_USAGE, "'%s' is '%s', which is no number of seconds from 1 to %d",
                   keys->ttl_name, value, PLAN_TTL_MOST);
}

static bool S_begin(struct policy *p, struct err *err)
{
    if (!verb_cache_begin(p->call, true, &p->cache, err))
        return false;
    p->ttl.keyspace = p->cache.keyspace;
    p->ttl.choice = &p->cache.choice;
    p->ttl.match = p->cache.match;
    p->ttl.drift = verb_given(p->call, "drift") != NULL;
    p->ttl.stop = verb_cache_heed(&p->cache);
    keyttl_begin(&p->ttl);
    FAILPOINT_STEP("ttl");
    for (size_t i = 0; i < p->call->session->plan->key_count; i++)
        if (!S_read_policy(p, i, err))
            return false;
    return true;
}

static void S_end(struct policy *p)
{
    if (p->ttl.types)
        keyttl_end(&p->ttl);
    free(p->before);
    verb_cache_end(&p->cache);
}

/* ---- the table ---- */

enum {
    POLICY_NAME,
    POLICY_TTL,
    POLICY_FROM,
    POLICY_KEYS,
    POLICY_ENDLESS,
    POLICY_OVER,
    POLICY_DRIFT,
    POLICY_SAMPLE,
    POLICY_COLUMNS
};

static const struct column S_columns[POLICY_COLUMNS] = {
    [POLICY_NAME] = {"name", "NAME", "name of the template in the plan", TEXT_LEFT, 22, 1, 1},
    [POLICY_TTL] = {"ttl", "POLICY", "how long they may live", TEXT_RIGHT, 6, 0, 2},
    [POLICY_FROM] = {"from", "FROM", "what says so", TEXT_LEFT, 12, 1, 7},
    [POLICY_KEYS] = {"keys", "KEYS", "how many there are", TEXT_RIGHT, 9, 0, 3},
    [POLICY_ENDLESS] = {"without_ttl", "NO TTL", "keys that never expire", TEXT_RIGHT, 8, 0, 4},
    [POLICY_OVER] = {"over_ttl", "OVER", "keys that live longer than the policy", TEXT_RIGHT, 8, 0,
                     5},
    [POLICY_DRIFT] = {"drift", "DRIFT", "keys whose value says another end", TEXT_RIGHT, 6, 0, 6},
    [POLICY_SAMPLE] = {"sample", "FOR EXAMPLE", "one of those", TEXT_LEFT, 16, 2, 8},
};

static size_t S_rows(const struct snapshot *snapshot)
{
    return snapshot->keys_count;
}

static void S_set_count(int64_t count, struct cell *out)
{
    cell_set_number(out, CELL_COUNT, count);
    out->mood = count > 0 ? MOOD_WARN : MOOD_PLAIN;
}

static void S_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct keys_view *keys = &snapshot->keys[row];
    switch (column) {
    case POLICY_NAME:
        cell_set_text(out, keys->name);
        break;
    case POLICY_TTL:
        if (keys->ttl)
            cell_set_number(out, CELL_SECONDS, keys->ttl);
        break;
    case POLICY_FROM:
        cell_set_text(out, keys->ttl_from);
        break;
    case POLICY_KEYS:
        cell_set_number(out, CELL_COUNT, keys->keys);
        break;
    case POLICY_ENDLESS:
        if (keys->ttl)
            S_set_count(keys->without_ttl, out);
        break;
    case POLICY_OVER:
        if (keys->ttl)
            S_set_count(keys->over_ttl, out);
        break;
    case POLICY_DRIFT:
        if (keys->drift != UNKNOWN)
            S_set_count(keys->drift, out);
        break;
    case POLICY_SAMPLE:
        cell_set_text(out, keys->sample);
        break;
    }
}

static const struct table_def S_policy = {
    .name = "policy",
    .title = "Time to live",
    .note = "Keys against the plan's policy of how long they may live.",
    .empty = "The plan has no [keys].",
    .columns = S_columns,
    .column_count = POLICY_COLUMNS,
    .rows = S_rows,
    .cell = S_cell,
    .default_sort = -1,
};

static struct snapshot *S_snapshot(const struct policy *p)
{
    struct arena *arena = arena_new();
    struct snapshot *snapshot = arena_alloc(arena, sizeof(*snapshot));
    const struct plan *plan = p->call->session->plan;
    snapshot->arena = arena;
    snapshot->at = clock_wall();
    snapshot->keys = arena_array(arena, plan->key_count, sizeof(*snapshot->keys));
    for (size_t i = 0; i < plan->key_count; i++) {
        const struct plan_keys *keys = &plan->keys[i];
        const struct keyttl_type *type = &p->ttl.types[i];
        if (keys->foreign || (p->asked && !type->keys))
            continue;
        snapshot->keys[snapshot->keys_count++] = (struct keys_view){
            .name = keys->name,
            .pattern = keys->pattern,
            .keys = type->keys,
            .without_ttl = type->endless,
            .over_ttl = type->over,
            .drift = p->ttl.drift ? type->drifting : UNKNOWN,
            .ttl = type->policy,
            .ttl_from = !type->policy               ? NULL
                        : type->policy == keys->ttl ? "plan"
                                                    : keys->ttl_name,
            .sample = arena_str(arena, json_string_value(json_array_get(type->samples, 0)))};
    }
    return snapshot;
}

/* ---- the verb ---- */

static int64_t S_wrong(const struct keyttl_type *types, size_t count)
{
    int64_t wrong = 0;
    for (size_t i = 0; i < count; i++)
        wrong += types[i].endless + types[i].over;
    return wrong;
}

static int64_t S_drifting(const struct policy *p)
{
    int64_t drifting = 0;
    for (size_t i = 0; i < p->call->session->plan->key_count; i++)
        drifting += p->ttl.types[i].drifting;
    return drifting;
}

static int64_t S_set(const struct policy *p)
{
    int64_t set = 0;
    for (size_t i = 0; i < p->call->session->plan->key_count; i++)
        set += p->ttl.types[i].set;
    return set;
}

/* Before somebody is asked: how many it will be about, and some of them. */
static void S_tell_wrong(const struct policy *p, int64_t wrong)
{
    fprintf(p->call->out, "keys that would get the policy's time: %lld\n", (long long)wrong);
    for (size_t i = 0; i < p->call->session->plan->key_count; i++)
        verb_cache_print_samples(p->call, p->ttl.types[i].samples);
}

static void S_answer(struct policy *p)
{
    struct snapshot *snapshot = S_snapshot(p);
    size_t count = p->call->session->plan->key_count;
    int64_t left = S_wrong(p->ttl.types, count);
    if (p->call->json) {
        json_t *answer =
            json_pack("{s:o, s:I, s:b}", "policy", table_json(&S_policy, snapshot, NULL), "wrong",
                      (json_int_t)left, "changed", p->acted && S_set(p) > 0);
        if (p->acted)
            json_object_set_new(answer, "set", json_integer(S_set(p)));
        if (p->ttl.drift)
            json_object_set_new(answer, "unread", json_integer(p->ttl.unread));
        verb_answer(p->call, answer);
    } else {
        struct buf text = {0};
        table_print(&text, &S_policy, snapshot, NULL, p->call->width, p->call->ascii);
        fputs(buf_text(&text), p->call->out);
        buf_release(&text);
        if (p->ttl.drift && p->ttl.unread)
            fprintf(p->call->out, "values that tell no expiresAt: %lld\n",
                    (long long)p->ttl.unread);
        if (p->acted)
            fprintf(p->call->out,
                    "keys that got the policy's time: %lld; looked at anew, and %s: %lld\n",
                    (long long)S_set(p), left ? "wrong again" : "still wrong", (long long)left);
        else if (p->asked)
            S_tell_wrong(p, left);
        else if (left)
            fprintf(p->call->out,
                    "keys that live longer than the policy: %lld; --set gives them "
                    "its time, and never a longer one\n",
                    (long long)left);
    }
    snapshot_free(snapshot);
}

static json_t *S_order(const struct policy *p)
{
    static const char *const names[] = {"tenant", "org", "type", "namespace", "pattern"};
    return verb_change_order(p->call, names, ARRAY_LEN(names));
}

static bool S_begin_change(struct policy *p, struct verb_change *change, struct err *err)
{
    bool ok = verb_change_begin(p->call, keyspace_name(p->cache.keyspace), "ttl", S_order(p),
                                change, err);
    FAILPOINT("K2");
    return ok;
}

static bool S_set_policy(struct policy *p, struct verb_change *change, struct err *err)
{
    bool ok = keyttl_walk(&p->ttl, true, err) &&
              verb_change_acted(change, json_pack("{s:I}", "set", (json_int_t)S_set(p)), err);
    FAILPOINT("K6");
    return ok;
}

static bool S_act(struct policy *p, struct err *err)
{
    struct verb_change change;
    p->acted = true;
    bool ok = S_begin_change(p, &change, err) && S_set_policy(p, &change, err) &&
              keyttl_walk(&p->ttl, false, err);
    if (ok) {
        int64_t left = S_wrong(p->ttl.types, p->call->session->plan->key_count);
        char *text =
            str_format("%s: keys that got the policy's time to live: %lld; still wrong: %lld",
                       keyspace_name(p->cache.keyspace), (long long)S_set(p), (long long)left);
        ok = verb_change_end(&change, text, err);
        verb_change_note(&change, left ? "warn" : "info", text);
        free(text);
    }
    verb_change_release(&change);
    return ok;
}

bool verb_cache_ttl_tell(struct verb_call *call, struct err *err)
{
    struct policy p = {.call = call, .asked = true};
    if (call->yes || call->json || verb_given(call, "abandon"))
        return true;
    bool ok = S_begin(&p, err) && keyttl_walk(&p.ttl, false, err);
    if (ok)
        S_answer(&p);
    S_end(&p);
    return ok;
}

bool verb_cache_ttl(struct verb_call *call, struct err *err)
{
    struct policy p = {.call = call};
    if (verb_given(call, "abandon"))
        return verb_change_abandon(call, "ttl", err);
    bool set = verb_given(call, "set") && !verb_given(call, "dry-run");
    bool ok = S_begin(&p, err) && (set ? S_act(&p, err) : keyttl_walk(&p.ttl, false, err));
    if (ok) {
        S_answer(&p);
        call->findings =
            S_wrong(p.ttl.types, call->session->plan->key_count) > 0 || S_drifting(&p) > 0;
    }
    S_end(&p);
    return ok;
}
