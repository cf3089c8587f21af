/* key_ledger: see key_ledger.h. */
#include "key_ledger.h"

#include "key_recent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLE_FIRST = 3,   /* of each cell, so many keys, */
    SAMPLE_TYPE = 1000, /* of each type, so many, */
    SAMPLE_EVERY = 100, /* and then one of so many */
    NOBODY = 0,         /* the owners that are there from the beginning */
    OTHERS = 1,
};

/* ---- numbers for texts ---- */

struct name { /* in a table of names: a text and the number it got */
    uint64_t hash;
    uint32_t number; /* 0: free; else one more than the number */
};

struct names {
    struct name *slots;
    size_t count, cap;
};

/*
 * The slot of the hash, or the free one where it would go. Two texts of one hash would be counted
 * as one: among a million names of 64 bits that happens once in some thirty million counts.
 */
static struct name *S_slot(const struct names *names, uint64_t hash)
{
    size_t at = hash & (names->cap - 1);
    while (names->slots[at].number && names->slots[at].hash != hash)
        at = (at + 1) & (names->cap - 1);
    return &names->slots[at];
}

static void S_grow(struct names *names)
{
    struct names bigger = {.cap = names->cap ? names->cap * 2 : 256, .count = names->count};
    bigger.slots = mem_array(bigger.cap, sizeof(*bigger.slots));
    for (size_t i = 0; i < names->cap; i++)
        if (names->slots[i].number)
            *S_slot(&bigger, names->slots[i].hash) = names->slots[i];
    free(names->slots);
    *names = bigger;
}

/* The slot for a hash, with room for one more; `number` 0: it is new. */
static struct name *S_name(struct names *names, uint64_t hash)
{
    if ((names->count + 1) * 2 > names->cap)
        S_grow(names);
    struct name *slot = S_slot(names, hash);
    slot->hash = hash;
    return slot;
}

/* ---- the ledger ---- */

struct key_ledger {
    const struct plan *plan;
    struct key_index *index;
    struct arena *arena;
    struct key_recent *recent;
    struct names type_names, owner_names, cell_names;
    struct ledger_type *types;
    struct ledger_owner *owners;
    struct ledger_cell *cells;
    size_t type_count, type_cap, owner_count, owner_cap, cell_count, cell_cap;
    int64_t keys, repeats;
    bool full;
};

static const char *S_keep_part(struct key_ledger *ledger, const char *text, size_t len)
{
    char *part = key_part(text, len);
    const char *kept = arena_str(ledger->arena, part);
    free(part);
    return kept;
}

static uint32_t S_add_owner(struct key_ledger *ledger, const char *code, size_t len,
                            bool organization)
{
    ledger->owners =
        mem_room(ledger->owners, ledger->owner_count, &ledger->owner_cap, sizeof(*ledger->owners));
    ledger->owners[ledger->owner_count] =
        (struct ledger_owner){.code = S_keep_part(ledger, code, len), .organization = organization};
    return (uint32_t)ledger->owner_count++;
}

struct key_ledger *key_ledger_new(const struct plan *plan)
{
    struct key_ledger *ledger = mem_new(sizeof(*ledger));
    ledger->plan = plan;
    ledger->index = key_index_new(plan);
    ledger->arena = arena_new();
    ledger->recent = key_recent_new();
    S_add_owner(ledger, "", 0, false);
    S_add_owner(ledger, "(others)", strlen("(others)"), false);
    return ledger;
}

void key_ledger_free(struct key_ledger *ledger)
{
    if (!ledger)
        return;
    key_index_free(ledger->index);
    arena_free(ledger->arena);
    key_recent_free(ledger->recent);
    free(ledger->type_names.slots);
    free(ledger->owner_names.slots);
    free(ledger->cell_names.slots);
    free(ledger->types);
    free(ledger->owners);
    free(ledger->cells);
    free(ledger);
}

/* ---- one key ---- */

static size_t S_type(struct key_ledger *ledger, size_t template, const struct key_owner *owner)
{
    uint64_t hash = key_hash(template, owner->type ? owner->type : "", owner->type_len);
    struct name *name = S_name(&ledger->type_names, hash);
    if (name->number)
        return name->number - 1;
    if (ledger->type_count == LEDGER_TYPES) { /* the first of the template stands for the rest */
        ledger->full = true;
        for (size_t i = 0; i < ledger->type_count; i++)
            if (ledger->types[i].template == template)
                return i;
        return 0;
    }
    ledger->types =
        mem_room(ledger->types, ledger->type_count, &ledger->type_cap, sizeof(*ledger->types));
    ledger->types[ledger->type_count] = (struct ledger_type){
        .template = template,
        .name = owner->type ? S_keep_part(ledger, owner->type, owner->type_len) : NULL};
    ledger->type_names.count++;
    name->number = (uint32_t)++ledger->type_count;
    return ledger->type_count - 1;
}

static uint32_t S_owner(struct key_ledger *ledger, const struct key_owner *owner)
{
    bool organization = !owner->tenant;
    const char *code = organization ? owner->organization : owner->tenant;
    size_t len = organization ? owner->organization_len : owner->tenant_len;
    if (!code)
        return NOBODY;
    struct name *name = S_name(&ledger->owner_names, key_hash(organization, code, len));
    if (!name->number && ledger->owner_count == LEDGER_OWNERS) {
        ledger->full = true;
        return OTHERS;
    }
    if (!name->number) {
        name->number = S_add_owner(ledger, code, len, organization) + 1;
        ledger->owner_names.count++;
    }
    return name->number - 1;
}

static size_t S_cell(struct key_ledger *ledger, uint32_t owner, uint32_t type)
{
    uint64_t hash = key_hash_mix(key_hash_mix(1, owner), type);
    struct name *name = S_name(&ledger->cell_names, hash);
    if (!name->number && ledger->cell_count >= LEDGER_CELLS && owner != OTHERS) {
        ledger->full = true;
        return S_cell(ledger, OTHERS, type);
    }
    if (!name->number) {
        ledger->cells =
            mem_room(ledger->cells, ledger->cell_count, &ledger->cell_cap, sizeof(*ledger->cells));
        ledger->cells[ledger->cell_count] = (struct ledger_cell){.owner = owner, .type = type};
        ledger->cell_names.count++;
        name->number = (uint32_t)++ledger->cell_count;
        ledger->types[type].owners += owner != NOBODY;
    }
    return name->number - 1;
}

bool key_ledger_take(struct key_ledger *ledger, const char *key, size_t len, size_t *cell)
{
    struct key_owner owner;
    if (key_recent_repeats(ledger->recent, key, len)) {
        ledger->repeats++;
        return false;
    }
    size_t template = key_index_find(ledger->index, key, len, &owner);
    size_t type = S_type(ledger, template, &owner);
    *cell = S_cell(ledger, S_owner(ledger, &owner), (uint32_t)type);
    ledger->keys++;
    ledger->types[type].keys++;
    ledger->cells[*cell].keys++;
    ledger->owners[ledger->cells[*cell].owner].keys++;
    return true;
}

bool key_ledger_wants(const struct key_ledger *ledger, size_t cell)
{
    const struct ledger_cell *c = &ledger->cells[cell];
    int64_t of_type = ledger->types[c->type].keys;
    return c->keys <= SAMPLE_FIRST || of_type <= SAMPLE_TYPE || of_type % SAMPLE_EVERY == 0;
}

static void S_add_weight(struct ledger_weight *weight, double bytes)
{
    weight->keys++;
    weight->sum += bytes;
    weight->squares += bytes * bytes;
}

void key_ledger_weigh(struct key_ledger *ledger, size_t cell, int64_t bytes)
{
    S_add_weight(&ledger->cells[cell].weight, (double)bytes);
    S_add_weight(&ledger->types[ledger->cells[cell].type].weight, (double)bytes);
}

static const struct {
    const char *name;
    int64_t seconds;
} S_spans[LEDGER_SPANS] = {
    {"1m", 60},
    {"1h", 3600},
    {"6h", 21600},
    {"1d", 86400},
    {"7d", 7 * 86400},
    {"30d", 30 * 86400L},
    {"longer", INT64_MAX / 1000},
};

const char *ledger_span_name(size_t span)
{
    return S_spans[span].name;
}

void key_ledger_time(struct key_ledger *ledger, size_t cell, int64_t pttl)
{
    struct ledger_type *type = &ledger->types[ledger->cells[cell].type];
    bool of_plan = ledger->plan && type->template <ledger->plan->key_count;
    int64_t policy = of_plan ? ledger->plan->keys[type->template].ttl : 0;
    type->timed++;
    type->endless += pttl == -1;
    type->over += policy > 0 && pttl > policy * 1000;
    size_t span = 0;
    while (pttl > S_spans[span].seconds * 1000)
        span++;
    type->spans[span] += pttl >= 0;
}

/* ---- what it holds ---- */

int64_t key_ledger_keys(const struct key_ledger *ledger)
{
    return ledger->keys;
}

int64_t key_ledger_repeats(const struct key_ledger *ledger)
{
    return ledger->repeats;
}

bool key_ledger_is_full(const struct key_ledger *ledger)
{
    return ledger->full;
}

size_t key_ledger_types(const struct key_ledger *ledger, const struct ledger_type **out)
{
    *out = ledger->types;
    return ledger->type_count;
}

size_t key_ledger_owners(const struct key_ledger *ledger, const struct ledger_owner **out)
{
    *out = ledger->owners;
    return ledger->owner_count;
}

size_t key_ledger_cells(const struct key_ledger *ledger, const struct ledger_cell **out)
{
    *out = ledger->cells;
    return ledger->cell_count;
}

/* The mean of the sample times the keys; twice its standard error, less what was weighed itself. */
int64_t ledger_bytes(const struct ledger_weight *weight, int64_t keys, int64_t *error)
{
    double n = (double)weight->keys, all = (double)keys;
    *error = 0;
    if (!weight->keys)
        return keys ? -1 : 0;
    if (weight->keys == keys)
        return (int64_t)weight->sum;
    double mean = weight->sum / n, variance = 0;
    if (weight->keys > 1)
        variance = (weight->squares - n * mean * mean) / (n - 1);
    if (weight->keys == 1)
        *error = (int64_t)(mean * all); /* one alone says nothing of the others */
    else
        *error = (int64_t)(1.96 * all * sqrt((variance > 0 ? variance : 0) / n * (1 - n / all)));
    return (int64_t)(mean * all);
}
