/* census: see census.h. */
#include "census.h"

#include "clock.h"
#include "key_ledger.h"
#include "key_recent.h"
#include "key_template.h"
#include "map.h"
#include "redis_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCAN_COUNT = 100,      /* keys a call: a server is busy some 20 microseconds with it */
    BURST_MS = 10,         /* one after the other for so long, */
    REST_MS = 10,          /* then nothing for so long: half of one core at the most */
    WEIGH_FIRST = 200,     /* of each template, so many keys are asked for their memory, */
    WEIGH_EVERY = 100,     /* and then one of so many */
    ENDLESS = 4,           /* a pass that has seen so many times the keys of its start, */
    ENDLESS_KEYS = 100000, /* and so many more, is given up */
};

#define KEY_BYTES_MAX ((int64_t)1 << 36) /* 64 GB: what claims to be larger is no key's memory */

struct figures { /* of one template */
    int64_t keys, without_ttl, over_ttl;
    int64_t unread;              /* keys whose TTL was refused */
    struct ledger_weight weight; /* of the keys whose memory was asked for */
    struct map owners;           /* the tenants or organizations seen */
    char *samples[KEYS_SAMPLES];
    size_t sample_count;
};

struct kind { /* a tenant's keys of one template; there are many of these */
    uint32_t keys, without_ttl, over_ttl, unread;
};

struct pass {
    struct figures *templates; /* the plan's, and one more for keys of none */
    int64_t *by_tenant;
    struct kind *by_kind; /* … and template: [tenant * template_count + template] */
    size_t tenant_count;
    int64_t seen;
};

struct whose { /* a key: of which template, and of which tenant */
    size_t template;
    int64_t tenant; /* MAP_NONE: nobody's that is known */
};

struct census {
    struct loop *loop;
    const struct plan *plan;
    const struct tally *tally;
    size_t template_count;

    struct redis *redis; /* NULL: no pass is under way */
    size_t node;         /* of a cluster, whose keys are walked now; one after the other */
    unsigned topology;   /* of the cluster when the pass began */
    struct pass now, whole;
    struct key_recent *recent; /* of the pass that is under way; NULL: none ever was */
    char *cursor;
    int64_t total; /* DBSIZE when the pass began */
    int64_t burst_since;
    struct timer *rest;
    int64_t passes, whole_at;
    struct err trouble; /* of the last pass that could not go on */
    bool last_page;

    /* Answers come in the order of the questions: whose key it is whose PTTL or memory was asked
     * for, in a ring. The first `late` of them, and of the pages, belong to a pass that was
     * stopped. */
    struct whose *asked;
    size_t asked_first, asked_count, asked_cap, late;
    size_t pages_asked, pages_late;
    size_t maps_asked,
        maps_late; /* surveys of a cluster, at the beginning and the end of a pass, */
    struct redis_layout before, after; /* … and what its nodes say of their slots then */
};

static void S_release_pass(struct census *census, struct pass *pass)
{
    for (size_t i = 0; pass->templates && i < census->template_count; i++) {
        map_release(&pass->templates[i].owners);
        for (size_t s = 0; s < pass->templates[i].sample_count; s++)
            free(pass->templates[i].samples[s]);
    }
    free(pass->templates);
    free(pass->by_tenant);
    free(pass->by_kind);
    *pass = (struct pass){0};
}

static void S_begin_pass(struct census *census, struct pass *pass)
{
    S_release_pass(census, pass);
    pass->templates = mem_array(census->template_count, sizeof(*pass->templates));
    pass->tenant_count = census->tally ? tally_tenants(census->tally) : 0;
    pass->by_tenant = mem_array(pass->tenant_count, sizeof(int64_t));
    pass->by_kind = mem_array(pass->tenant_count * census->template_count, sizeof(*pass->by_kind));
}

struct census *census_new(struct loop *loop, const struct plan *plan, const struct tally *tally)
{
    struct census *census = mem_new(sizeof(*census));
    census->loop = loop;
    census->plan = plan;
    census->tally = tally;
    census->template_count = (plan ? plan->key_count : 0) + 1;
    return census;
}

void census_stop(struct census *census)
{
    census->redis = NULL;
    census->late = census->asked_count;
    census->pages_late = census->pages_asked;
    census->maps_late = census->maps_asked;
    loop_cancel(census->rest);
    census->rest = NULL;
    S_release_pass(census, &census->now);
}

void census_free(struct census *census)
{
    if (!census)
        return;
    census_stop(census);
    S_release_pass(census, &census->whole);
    redis_layout_release(&census->before);
    redis_layout_release(&census->after);
    key_recent_free(census->recent);
    free(census->cursor);
    free(census->asked);
    free(census);
}

bool census_is_walking(const struct census *census)
{
    return census->redis != NULL;
}

const struct err *census_trouble(const struct census *census)
{
    return census->trouble.kind == ERR_NONE ? NULL : &census->trouble;
}

int64_t census_passes(const struct census *census)
{
    return census->passes;
}

/* ---- one key ---- */

static struct kind *S_kind(struct census *census, const struct whose *whose)
{
    size_t row = (size_t)whose->tenant * census->template_count;
    return whose->tenant == MAP_NONE ? NULL : &census->now.by_kind[row + whose->template];
}

/* The tenant that a key belongs to, if it is one of the mapping's. */
static int64_t S_count_owner(struct census *census, size_t template, const struct key_owner *owner)
{
    struct figures *figures = &census->now.templates[template];
    const char *text = owner->tenant ? owner->tenant : owner->organization;
    size_t len = owner->tenant ? owner->tenant_len : owner->organization_len;
    int64_t tenant = MAP_NONE;
    if (!text)
        return MAP_NONE;
    char *code = key_part(text, len);
    map_put(&figures->owners, code, 0);
    if (census->tally && owner->tenant)
        tenant = tally_of_tenant(census->tally, code);
    else if (census->tally)
        tenant = tally_of_organization(census->tally, code);
    free(code);
    if (tenant < 0 || (size_t)tenant >= census->now.tenant_count)
        return MAP_NONE;
    census->now.by_tenant[tenant]++;
    S_kind(census, &(struct whose){template, tenant})->keys++;
    return tenant;
}

/*
 * A few, to look at: the first by their names, so that they stay the same from pass to pass. One
 * with a NUL in it could not be asked for by name.
 */
static void S_keep_sample(struct figures *figures, const char *key, size_t len)
{
    if (len > KEYS_SAMPLE_BYTES || memchr(key, '\0', len))
        return;
    char *sample = str_ndup(key, len);
    size_t at = figures->sample_count;
    while (at > 0 && strcmp(figures->samples[at - 1], sample) > 0)
        at--;
    bool known = at > 0 && strcmp(figures->samples[at - 1], sample) == 0;
    if (known || at == KEYS_SAMPLES) {
        free(sample);
        return;
    }
    if (figures->sample_count == KEYS_SAMPLES)
        free(figures->samples[--figures->sample_count]);
    memmove(figures->samples + at + 1, figures->samples + at,
            (figures->sample_count - at) * sizeof(*figures->samples));
    figures->samples[at] = sample;
    figures->sample_count++;
}

/* The template of a key: the first of the plan that fits, or the last, for keys of none. */
static struct whose S_classify(struct census *census, const char *key, size_t len)
{
    struct key_owner owner = {0};
    int64_t tenant = MAP_NONE;
    size_t i = 0;
    while (i + 1 < census->template_count &&
           !key_template_match(census->plan->keys[i].pattern, key, len, &owner))
        i++;
    struct figures *figures = &census->now.templates[i];
    figures->keys++;
    if (i + 1 < census->template_count)
        tenant = S_count_owner(census, i, &owner);
    S_keep_sample(figures, key, len);
    return (struct whose){i, tenant};
}

static void S_finish_pass(struct census *census)
{
    S_release_pass(census, &census->whole);
    census->whole = census->now;
    census->now = (struct pass){0};
    census->whole_at = clock_wall();
    census->passes++;
    err_clear(&census->trouble);
    census_stop(census);
}

static void S_push_asked(struct census *census, const struct whose *whose)
{
    if (census->asked_count == census->asked_cap) {
        size_t cap = census->asked_cap ? census->asked_cap * 2 : 256;
        struct whose *grown = mem_array(cap, sizeof(*grown));
        for (size_t i = 0; i < census->asked_count; i++)
            grown[i] = census->asked[(census->asked_first + i) % census->asked_cap];
        free(census->asked);
        census->asked = grown;
        census->asked_first = 0;
        census->asked_cap = cap;
    }
    census->asked[(census->asked_first + census->asked_count++) % census->asked_cap] = *whose;
}

/* Whose key the oldest question was about; false: its pass is over. */
static bool S_pop_asked(struct census *census, struct whose *whose)
{
    *whose = census->asked[census->asked_first];
    census->asked_first = (census->asked_first + 1) % census->asked_cap;
    census->asked_count--;
    if (!census->late)
        return true;
    census->late--;
    return false;
}

static void S_survey(struct census *census);

/* Keys that move from node to node while they are walked are met twice, or not at all. */
static void S_finish_if_last(struct census *census)
{
    if (census->asked_count || !census->last_page)
        return;
    if (redis_is_cluster(census->redis))
        S_survey(census);
    else
        S_finish_pass(census);
}

static void S_on_ttl(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct census *census = arg;
    struct whose whose;
    if (!S_pop_asked(census, &whose))
        return;
    if (err && err->kind == ERR_LOST) { /* a pass that lost its last answers is no whole one */
        census_stop(census);
        return;
    }
    int64_t ms = reply ? redis_int(reply) : 0;
    bool of_plan = whose.template + 1 < census->template_count;
    int64_t policy = of_plan ? census->plan->keys[whose.template].ttl : 0;
    bool endless = !err && ms == -1, over = !err && policy > 0 && ms > policy * 1000;
    struct figures *figures = &census->now.templates[whose.template];
    struct kind *kind = S_kind(census, &whose);
    figures->unread += err != NULL;
    figures->without_ttl += endless;
    figures->over_ttl += over;
    if (kind) {
        kind->unread += err != NULL;
        kind->without_ttl += endless;
        kind->over_ttl += over;
    }
    S_finish_if_last(census);
}

/* A user whose ACL forbids MEMORY leaves the weight unknown; so does a key that is gone by now. */
static void S_on_memory(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct census *census = arg;
    struct whose whose;
    if (!S_pop_asked(census, &whose))
        return;
    if (err && err->kind == ERR_LOST) {
        census_stop(census);
        return;
    }
    int64_t bytes = !err && redis_type(reply) == REDIS_INTEGER ? redis_int(reply) : UNKNOWN;
    if (bytes >= 0 && bytes <= KEY_BYTES_MAX) {
        struct ledger_weight *weight = &census->now.templates[whose.template].weight;
        weight->keys++;
        weight->sum += (double)bytes;
        weight->squares += (double)bytes * (double)bytes;
    }
    S_finish_if_last(census);
}

static void S_ask_ttl(struct census *census, const char *key, size_t len, const struct whose *whose)
{
    const char *argv[] = {"PTTL", key};
    size_t lengths[] = {4, len};
    S_push_asked(census, whose);
    redis_send(census->redis, 2, argv, lengths, S_on_ttl, census);
}

static void S_ask_memory(struct census *census, const char *key, size_t len,
                         const struct whose *whose)
{
    const char *argv[] = {"MEMORY", "USAGE", key};
    size_t lengths[] = {6, 5, len};
    int64_t seen = census->now.templates[whose->template].keys;
    if (seen > WEIGH_FIRST && seen % WEIGH_EVERY)
        return;
    S_push_asked(census, whose);
    redis_send(census->redis, 3, argv, lengths, S_on_memory, census);
}

/* ---- pages of keys ---- */

static void S_ask_page(struct census *census);

static void S_rested(void *arg)
{
    struct census *census = arg;
    census->rest = NULL;
    census->burst_since = clock_ms();
    if (redis_is_up(census->redis))
        S_ask_page(census);
    else
        census_stop(census);
}

static void S_read_page(struct census *census, const struct redis_reply *reply)
{
    const struct redis_reply *keys = redis_at(reply, 1);
    free(census->cursor);
    census->cursor = str_dup(redis_text(redis_at(reply, 0)));
    for (size_t i = 0; i < redis_length(keys); i++) {
        const struct redis_reply *key = redis_at(keys, i);
        census->now.seen++;
        if (key_recent_repeats(census->recent, redis_text(key), redis_length(key)))
            continue;
        struct whose whose = S_classify(census, redis_text(key), redis_length(key));
        S_ask_ttl(census, redis_text(key), redis_length(key), &whose);
        S_ask_memory(census, redis_text(key), redis_length(key), &whose);
    }
    bool more = str_is(census->cursor, "0") && census->node + 1 < redis_nodes(census->redis);
    census->node += more;
    census->last_page = !more && str_is(census->cursor, "0");
}

/* What SCAN answers: a cursor and an array of strings. A server is not trusted to say just that. */
static bool S_is_page(const struct redis_reply *reply)
{
    if (redis_type(reply) != REDIS_ARRAY || redis_length(reply) != 2 ||
        redis_type(redis_at(reply, 0)) != REDIS_STRING ||
        redis_type(redis_at(reply, 1)) != REDIS_ARRAY)
        return false;
    const struct redis_reply *keys = redis_at(reply, 1);
    for (size_t i = 0; i < redis_length(keys); i++)
        if (redis_type(redis_at(keys, i)) != REDIS_STRING)
            return false;
    return true;
}

static void S_give_up(struct census *census, const struct err *err)
{
    census->trouble = *err;
    err_context(&census->trouble, "the keys could not be counted");
    census_stop(census);
}

/* A walk has no end when keys come faster than it goes, or when the server does not mean well. */
static bool S_is_endless(const struct census *census)
{
    /* How many there were is not known where the ACL forbids INFO. */
    return census->total >= 0 && census->now.seen > census->total * ENDLESS + ENDLESS_KEYS;
}

static void S_on_page(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct census *census = arg;
    census->pages_asked--;
    if (census->pages_late) {
        census->pages_late--;
        return;
    }
    struct err wrong = {0};
    if (!err && !S_is_page(reply))
        err_set(&wrong, ERR_FAILED, "the answer to SCAN is no page of keys");
    if (err || wrong.kind != ERR_NONE) {
        S_give_up(census, err ? err : &wrong);
        return;
    }
    S_read_page(census, reply);
    if (S_is_endless(census)) {
        err_set(&wrong, ERR_FAILED, "the walk through them does not end");
        S_give_up(census, &wrong);
    } else if (census->last_page)
        S_finish_if_last(census);
    else if (!census->last_page && clock_ms() - census->burst_since >= BURST_MS)
        census->rest = loop_after(census->loop, REST_MS, S_rested, census);
    else if (!census->last_page)
        S_ask_page(census);
}

static void S_ask_page(struct census *census)
{
    char count[16];
    struct err moved = {0};
    if (redis_topology(census->redis) != census->topology) {
        err_set(&moved, ERR_RETRY, "the cluster has moved its keys meanwhile");
        S_give_up(census, &moved);
        return;
    }
    snprintf(count, sizeof(count), "%d", SCAN_COUNT);
    const char *argv[] = {"SCAN", census->cursor, "COUNT", count};
    census->pages_asked++;
    redis_send_node(census->redis, census->node, 4, argv, NULL, S_on_page, census);
}

/* ---- a pass ---- */

static void S_begin_walk(struct census *census)
{
    struct err err = {0};
    int uncovered = redis_uncovered(census->redis);
    if (uncovered) {
        err_set(&err, ERR_RETRY, "%d of the cluster's %d slots are served by no node", uncovered,
                REDIS_SLOTS);
        S_give_up(census, &err);
        return;
    }
    census->topology = redis_topology(census->redis);
    S_ask_page(census);
}

/* A key that is on its way from node to node is met twice, or not at all. */
static bool S_is_still(struct census *census)
{
    const struct redis_layout *after = census->last_page ? &census->after : &census->before;
    struct err moving = {0};
    if (redis_layout_is_still(&census->before, after))
        return true;
    err_set(&moving, ERR_RETRY,
            "slots of the cluster are on their way from node to node; 'cache counts' reads both "
            "ends");
    S_give_up(census, &moving);
    return false;
}

static void S_end_walk(struct census *census)
{
    struct err moved = {0};
    if (redis_topology(census->redis) == census->topology) {
        S_finish_pass(census);
        return;
    }
    err_set(&moved, ERR_RETRY, "the cluster has moved its keys meanwhile");
    S_give_up(census, &moved);
}

static void S_on_layout(void *arg, const struct err *err)
{
    struct census *census = arg;
    census->maps_asked--;
    if (census->maps_late)
        census->maps_late--;
    else if (err)
        S_give_up(census, err);
    else if (S_is_still(census) && census->last_page)
        S_end_walk(census);
    else if (census_is_walking(census))
        S_begin_walk(census);
}

static void S_on_map(void *arg, const struct err *err)
{
    struct census *census = arg;
    census->maps_asked--;
    if (census->maps_late) {
        census->maps_late--;
        return;
    }
    if (err) {
        S_give_up(census, err);
        return;
    }
    census->maps_asked++;
    redis_layout_ask(census->redis, census->last_page ? &census->after : &census->before,
                     S_on_layout, census);
}

static void S_survey(struct census *census)
{
    census->maps_asked++;
    redis_survey(census->redis, S_on_map, census);
}

void census_start(struct census *census, struct redis *redis, int64_t total)
{
    /* What a pass that was stopped has asked of the nodes is still to come. */
    if (census_is_walking(census) || census->before.pending || census->after.pending)
        return;
    census->redis = redis;
    census->total = total;
    census->last_page = false;
    census->node = 0;
    census->burst_since = clock_ms();
    free(census->cursor);
    census->cursor = str_dup("0");
    if (!census->recent)
        census->recent = key_recent_new();
    key_recent_forget(census->recent);
    S_begin_pass(census, &census->now);
    S_survey(census);
}

/* ---- what is known ---- */

static double S_share_seen(const struct census *census)
{
    if (census->total <= 0)
        return 0;
    double share = 100.0 * (double)census->now.seen / (double)census->total;
    return share > 99.9 ? 99.9 : share; /* a pass that is not over has not seen all */
}

static struct keys_view S_view(const struct census *census, size_t template,
                               const struct figures *figures)
{
    struct keys_view view = {.name = "(no template)", .pattern = "", .bytes = UNKNOWN};
    if (template + 1 < census->template_count) {
        const struct plan_keys *keys = &census->plan->keys[template];
        view = (struct keys_view){.name = keys->name,
                                  .pattern = keys->pattern,
                                  .ttl = keys->ttl,
                                  .foreign = keys->foreign,
                                  .bytes = UNKNOWN};
    }
    view.keys = figures ? figures->keys : UNKNOWN;
    bool timed = figures && !figures->unread;
    view.without_ttl = timed ? figures->without_ttl : UNKNOWN;
    view.over_ttl = timed ? figures->over_ttl : UNKNOWN;
    view.tenants = figures ? (int64_t)figures->owners.count : UNKNOWN;
    if (figures)
        view.bytes = ledger_bytes(&figures->weight, figures->keys, &view.bytes_error);
    view.bytes_exact = figures && figures->weight.keys == figures->keys;
    return view;
}

void census_views(const struct census *census, struct arena *arena, struct keys_view **keys,
                  size_t *count, struct census_view *view)
{
    bool complete = census->passes > 0;
    const struct pass *pass = complete ? &census->whole : &census->now;
    *keys = arena_array(arena, census->template_count, sizeof(**keys));
    *count = 0;
    for (size_t i = 0; i < census->template_count; i++) {
        const struct figures *figures = pass->templates ? &pass->templates[i] : NULL;
        bool nothing = i + 1 == census->template_count && (!figures || !figures->keys);
        if (!nothing)
            (*keys)[(*count)++] = S_view(census, i, figures);
        for (size_t s = 0; !nothing && figures && s < figures->sample_count; s++) {
            struct keys_view *keys_view = &(*keys)[*count - 1];
            keys_view->samples[keys_view->sample_count++] = arena_str(arena, figures->samples[s]);
        }
    }
    *view = (struct census_view){.complete = complete,
                                 .seen = census_is_walking(census) ? S_share_seen(census)
                                         : complete                ? 100
                                                                   : 0,
                                 .at = complete ? census->whole_at : UNKNOWN};
    if (census_trouble(census))
        view->trouble = arena_str(arena, census->trouble.text);
}

int64_t census_tenant_keys(const struct census *census, size_t tenant)
{
    bool known = census->passes > 0 && tenant < census->whole.tenant_count;
    return known ? census->whole.by_tenant[tenant] : UNKNOWN;
}

static struct tenant_keys S_tenant_keys(const struct plan_keys *keys, const struct kind *kind)
{
    bool timed = !kind->unread;
    return (struct tenant_keys){.name = keys->name,
                                .keys = kind->keys,
                                .ttl = keys->ttl,
                                .without_ttl = timed ? (int64_t)kind->without_ttl : UNKNOWN,
                                .over_ttl = timed ? (int64_t)kind->over_ttl : UNKNOWN};
}

size_t census_tenant_kinds(const struct census *census, size_t tenant, struct arena *arena,
                           struct tenant_keys **out)
{
    size_t count = 0, held = 0;
    *out = NULL;
    if (!census->passes || tenant >= census->whole.tenant_count)
        return 0;
    const struct kind *kinds = census->whole.by_kind + tenant * census->template_count;
    for (size_t i = 0; i + 1 < census->template_count; i++)
        held += kinds[i].keys > 0;
    *out = arena_array(arena, held, sizeof(**out));
    for (size_t i = 0; i + 1 < census->template_count; i++)
        if (kinds[i].keys)
            (*out)[count++] = S_tenant_keys(&census->plan->keys[i], &kinds[i]);
    return count;
}
