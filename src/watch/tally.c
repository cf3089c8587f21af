/* tally: see tally.h. Dense counters, tenants by tables: 10,000 by 100 are 8 MB. */
#include "tally.h"

#include "map.h"

#include <stdlib.h>
#include <string.h>

static const char UNMAPPED[] = "(unmapped)";

struct tenant {
    char *code;
    bool known;
    const char **organizations; /* borrowed from the arena */
    size_t organization_count, organization_cap;
    int64_t *rows; /* by table */
};

struct tally {
    const struct plan *plan;
    struct arena *arena;
    struct tenant *tenants;
    size_t count, cap;
    int64_t *counted_at;        /* by table */
    struct map by_code;         /* tenant code -> tenant */
    struct map by_key;          /* organization key -> tenant */
    struct map by_organization; /* organization code -> tenant; `count` of them: ambiguous */
};

enum { AMBIGUOUS = 1 << 30 };

static size_t S_tenant(struct tally *tally, const char *code, bool known)
{
    int64_t found = map_get(&tally->by_code, code);
    if (found != MAP_NONE)
        return (size_t)found;
    tally->tenants = mem_room(tally->tenants, tally->count, &tally->cap, sizeof(*tally->tenants));
    tally->tenants[tally->count] = (struct tenant){
        .code = str_dup(code),
        .known = known,
        .rows = mem_array(tally->plan->table_count, sizeof(int64_t)),
    };
    map_put(&tally->by_code, code, (int64_t)tally->count);
    return tally->count++;
}

static void S_add_organization(struct tally *tally, size_t tenant, const char *code)
{
    int64_t owner = map_get(&tally->by_organization, code);
    if (owner == (int64_t)tenant)
        return;
    map_put(&tally->by_organization, code, owner == MAP_NONE ? (int64_t)tenant : AMBIGUOUS);
    struct tenant *t = &tally->tenants[tenant];
    t->organizations = mem_room(t->organizations, t->organization_count, &t->organization_cap,
                                sizeof(*t->organizations));
    t->organizations[t->organization_count++] = arena_str(tally->arena, code);
}

static bool S_map_row(void *ctx, const struct csvmap_row *row, struct err *err)
{
    (void)err;
    struct tally *tally = ctx;
    size_t tenant = S_tenant(tally, row->tenant, true);
    map_put(&tally->by_key, row->key, (int64_t)tenant);
    if (row->organization)
        S_add_organization(tally, tenant, row->organization);
    return true;
}

struct tally *tally_new(const struct plan *plan)
{
    struct tally *tally = mem_new(sizeof(*tally));
    tally->plan = plan;
    tally->arena = arena_new();
    tally->counted_at = mem_array(plan->table_count, sizeof(int64_t));
    memset(tally->counted_at, 0xff, plan->table_count * sizeof(int64_t));
    if (plan->mapping.path) {
        /* What is wrong with the file is plan_check's to say; here its good rows count. */
        struct err ignored = {0};
        struct csvmap_sink sink = {.row = S_map_row, .ctx = tally};
        csvmap_read(plan->mapping.path, &plan->mapping.shape, &sink, NULL, &ignored);
    }
    if (plan->mapping.default_tenant)
        S_tenant(tally, plan->mapping.default_tenant, true);
    return tally;
}

void tally_free(struct tally *tally)
{
    if (!tally)
        return;
    for (size_t i = 0; i < tally->count; i++) {
        free(tally->tenants[i].code);
        free(tally->tenants[i].organizations);
        free(tally->tenants[i].rows);
    }
    free(tally->tenants);
    free(tally->counted_at);
    map_release(&tally->by_code);
    map_release(&tally->by_key);
    map_release(&tally->by_organization);
    arena_free(tally->arena);
    free(tally);
}

void tally_start(struct tally *tally, size_t table, int64_t at)
{
    for (size_t i = 0; i < tally->count; i++)
        tally->tenants[i].rows[table] = 0;
    tally->counted_at[table] = at;
}

/* The tenant that a row of this table has, or will get by the plan's own rules. */
static size_t S_owner(struct tally *tally, size_t table, const char *key, const char *tenant)
{
    if (tenant)
        return S_tenant(tally, tenant, true);
    int64_t mapped = key ? map_get(&tally->by_key, key) : MAP_NONE;
    if (mapped != MAP_NONE)
        return (size_t)mapped;
    const struct plan_table *t = &tally->plan->tables[table];
    bool by_default = t->source == FROM_CONSTANT || (!key && t->orphans == ORPHANS_DEFAULT);
    if (by_default && tally->plan->mapping.default_tenant)
        return S_tenant(tally, tally->plan->mapping.default_tenant, true);
    return S_tenant(tally, UNMAPPED, false);
}

void tally_add(struct tally *tally, size_t table, const char *key, const char *tenant, int64_t rows)
{
    tally->tenants[S_owner(tally, table, key, tenant)].rows[table] += rows;
}

int64_t tally_of_organization(const struct tally *tally, const char *code)
{
    int64_t owner = map_get(&tally->by_organization, code);
    return owner == AMBIGUOUS ? MAP_NONE : owner;
}

int64_t tally_of_tenant(const struct tally *tally, const char *code)
{
    return map_get(&tally->by_code, code);
}

size_t tally_tenants(const struct tally *tally)
{
    return tally->count;
}

const char *tally_code(const struct tally *tally, size_t tenant)
{
    return tally->tenants[tenant].code;
}

bool tally_is_known(const struct tally *tally, size_t tenant)
{
    return tally->tenants[tenant].known;
}

size_t tally_organizations(const struct tally *tally, size_t tenant, const char *const **codes)
{
    *codes = tally->tenants[tenant].organizations;
    return tally->tenants[tenant].organization_count;
}

int64_t tally_rows(const struct tally *tally, size_t tenant, size_t table)
{
    return tally->counted_at[table] < 0 ? -1 : tally->tenants[tenant].rows[table];
}

int64_t tally_counted_at(const struct tally *tally, size_t table)
{
    return tally->counted_at[table];
}
