/* kind: see kind.h. Only tells of the steps; whoever runs them finds them here by name. */
#include "kind.h"

const char *step_type_name(enum step_type type)
{
    static const char *const names[] = {
        [STEP_ONCE] = "once",       [STEP_BATCH] = "batch", [STEP_REWRITE] = "rewrite",
        [STEP_COPY] = "copy",       [STEP_SCAN] = "scan",   [STEP_VERIFY] = "verify",
        [STEP_OUTSIDE] = "outside",
    };
    return names[type];
}

bool step_may_be_left_out(const char *name, const char *type_name)
{
    return str_is(type_name, step_type_name(STEP_OUTSIDE)) || str_is(name, "report") ||
           str_is(name, "cache-clear") || str_is(name, "cache-warm");
}

/* ---- what a plan has a use for ---- */

static bool S_has_mapping(const struct plan *plan)
{
    return plan->mapping.path != NULL;
}

static bool S_has_not_null(const struct plan *plan)
{
    for (size_t i = 0; i < plan->table_count; i++)
        if (plan->tables[i].not_null.count)
            return true;
    return false;
}

static bool S_has_keys(const struct plan *plan)
{
    for (size_t i = 0; i < plan->table_count; i++)
        if (plan->tables[i].primary_key.columns.count || plan->tables[i].unique_count)
            return true;
    return false;
}

static bool S_has_indexes(const struct plan *plan)
{
    for (size_t i = 0; i < plan->table_count; i++)
        if (plan->tables[i].index_count)
            return true;
    return false;
}

static bool S_is_distributed(const struct plan *plan)
{
    return plan->distribute;
}

static bool S_has_references(const struct plan *plan)
{
    for (size_t i = 0; i < plan->table_count; i++)
        if (plan->tables[i].reference_count)
            return true;
    return false;
}

static bool S_has_outside(const struct plan *plan, const char *step)
{
    for (size_t i = 0; i < plan->outside_count; i++)
        if (str_is(plan->outsides[i].step, step))
            return true;
    return false;
}

static bool S_has_schema(const struct plan *plan)
{
    return S_has_outside(plan, "schema");
}

static bool S_has_dependencies(const struct plan *plan)
{
    return S_has_outside(plan, "dependencies");
}

static bool S_has_schema_new(const struct plan *plan)
{
    return S_has_outside(plan, "schema-new");
}

static bool S_has_seed(const struct plan *plan)
{
    return S_has_outside(plan, "seed");
}

static bool S_has_functions(const struct plan *plan)
{
    return plan->function_count > 0;
}

static bool S_has_views(const struct plan *plan)
{
    return plan->view_count > 0;
}

static bool S_has_warms(const struct plan *plan)
{
    return plan->warm_count > 0;
}

static bool S_has_cache(const struct plan *plan)
{
    for (size_t i = 0; i < plan->key_count; i++)
        if (!plan->keys[i].foreign)
            return true;
    return false;
}

/* ---- the steps, in order ---- */

/*
 * Foreign keys come after `distribute`, since Citus takes a table with them only when all tables
 * they lead to are distributed already; NOT NULL comes before the keys, since a primary key wants
 * it and would else scan the table under its lock.
 */
static const struct step_def S_columns_steps[] = {
    {
        .name = "preflight",
        .type = STEP_VERIFY,
        .does = "asks whether the migration may begin: versions, rights, locks, the plan against "
                "the catalog",
    },
    {
        .name = "backup",
        .type = STEP_OUTSIDE,
        .does = "dumps the database without schema tenantdeck, and checks that the dump can be "
                "read and is complete",
        .stands_on = "",
    },
    {
        .name = "schema",
        .type = STEP_OUTSIDE,
        .does = "runs the service's own pending migrations, in its folder",
        .undo = "runs the command that the plan names for it; without one it needs a restore",
        .wanted = S_has_schema,
    },
    {
        .name = "mapping",
        .type = STEP_COPY,
        .does = "reads the mapping file into the journal, and refuses rows that would put data "
                "into the wrong tenant",
        .undo = "removes the copy of the mapping from the journal",
        .wanted = S_has_mapping,
        .stands_on = "",
    },
    {
        .name = "integrity",
        .type = STEP_VERIFY,
        .does = "looks for rows whose tenant cannot be known, and for rows that the new keys would "
                "not let stand side by side",
    },
    {
        .name = "columns",
        .type = STEP_ONCE,
        .does = "adds the columns, empty, and the trigger that fills rows written from now on",
        .undo = "drops the trigger and the columns that were added; a column that was there before "
                "stays",
        .stands_on = "schema mapping",
    },
    {
        .name = "fill",
        .type = STEP_BATCH,
        .does = "fills the columns of all rows, in batches that each commit with their checkpoint",
        .undo = "puts back what the columns held before",
        .stands_on = "mapping columns",
    },
    {
        .name = "confirm",
        .type = STEP_VERIFY,
        .does = "compares every value with the mapping and every child with its parent, with other "
                "SQL than the one that wrote",
    },
    {
        .name = "not-null",
        .type = STEP_ONCE,
        .does = "proves that no row is left empty, without blocking writers, then sets NOT NULL",
        .undo = "drops NOT NULL where this step has set it",
        .wanted = S_has_not_null,
        .stands_on = "columns fill",
    },
    {
        .name = "keys",
        .type = STEP_ONCE,
        .does = "builds the new primary keys and unique indexes beside the old ones, then swaps "
                "them under a short lock",
        .undo = "puts the old keys back, exactly as the catalog had them, once it is known that "
                "they still hold",
        .wanted = S_has_keys,
        .stands_on = "columns fill not-null",
    },
    {
        .name = "indexes",
        .type = STEP_ONCE,
        .does = "builds the other indexes, without blocking writers",
        .undo = "drops the indexes that were built",
        .wanted = S_has_indexes,
        .stands_on = "columns",
    },
    {
        .name = "distribute",
        .type = STEP_ONCE,
        .does = "drops the fill triggers, and spreads the tables over the Citus cluster, by tenant",
        .undo = "brings the tables back to the coordinator",
        .wanted = S_is_distributed,
        .stands_on = "columns fill keys",
    },
    {
        .name = "foreign-keys",
        .type = STEP_ONCE,
        .does = "adds the foreign keys for new rows at once, then proves them for the old ones "
                "without blocking writers",
        .undo = "drops the foreign keys that were added",
        .wanted = S_has_references,
        .stands_on = "columns keys distribute",
    },
    {
        .name = "functions",
        .type = STEP_ONCE,
        .does = "creates the plan's functions, each from its .sql file",
        .undo = "puts back what was there under their names, or drops them",
        .wanted = S_has_functions,
        .stands_on = "columns",
    },
    {
        .name = "views",
        .type = STEP_ONCE,
        .does = "builds the materialized views of each tenant, each from its .sql file",
        .undo = "drops the views that were built",
        .wanted = S_has_views,
        .stands_on = "columns functions",
    },
    {
        .name = "dependencies",
        .type = STEP_OUTSIDE,
        .does = "installs what the service's new release depends on, in its folder",
        .undo = "runs the command that the plan names for it; without one it needs a restore",
        .wanted = S_has_dependencies,
    },
    {
        .name = "schema-new",
        .type = STEP_OUTSIDE,
        .does = "runs the migrations that the service's new release brings",
        .undo = "runs the command that the plan names for it; without one it needs a restore",
        .wanted = S_has_schema_new,
    },
    {
        .name = "seed",
        .type = STEP_OUTSIDE,
        .does = "runs the service's seeds, and judges their output as well as their exit code",
        .undo = "runs the command that the plan names for it; without one it needs a restore",
        .wanted = S_has_seed,
    },
    {
        .name = "cache-clear",
        .type = STEP_SCAN,
        .does = "removes the Redis keys that the plan knows; foreign keys are never touched",
        .wanted = S_has_cache,
        .stands_on = "",
    },
    {
        .name = "cache-warm",
        .type = STEP_SCAN,
        .does = "runs the plan's warming queries, and sets what they answer in Redis",
        .undo = "removes the keys that were set",
        .wanted = S_has_warms,
        .stands_on = "",
    },
    {
        .name = "validate",
        .type = STEP_VERIFY,
        .does = "asks whether the migration is right: structure, completeness, references, "
                "isolation, indexes",
    },
    {
        .name = "report",
        .type = STEP_VERIFY,
        .does = "writes down what was done, how long it took and what was found",
    },
    {
        .name = "release",
        .type = STEP_ONCE,
        .does = "drops the fill triggers, after the application has been switched to write the "
                "columns itself",
        .undo = "creates the fill triggers again",
        .stands_on = "columns",
    },
};

/* A kind whose steps are not told here has none. */
static const struct {
    const struct step_def *steps;
    size_t count;
} S_kinds[PLAN_KINDS] = {
    [PLAN_COLUMNS] = {S_columns_steps, ARRAY_LEN(S_columns_steps)},
};

size_t kind_every_step(const struct plan *plan, struct arena *arena, const struct step_def ***out)
{
    const struct step_def *all = S_kinds[plan->kind].steps;
    size_t count = S_kinds[plan->kind].count;
    *out = arena_array(arena, count, sizeof(**out));
    for (size_t i = 0; i < count; i++)
        (*out)[i] = &all[i];
    return count;
}

size_t kind_steps(const struct plan *plan, struct arena *arena, const struct step_def ***out)
{
    const struct step_def *all = S_kinds[plan->kind].steps;
    size_t count = 0;
    *out = arena_array(arena, S_kinds[plan->kind].count, sizeof(**out));
    for (size_t i = 0; i < S_kinds[plan->kind].count; i++)
        if (!all[i].wanted || all[i].wanted(plan))
            (*out)[count++] = &all[i];
    return count;
}
