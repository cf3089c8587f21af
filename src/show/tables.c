/* tables: see tables.h. The array of all tables; the columns of each stand in its tables_*.c. */
#include "tables.h"

#include "tables_parts.h"

const struct table_def table_defs[TABLE_COUNT] = {
    [TABLE_STEPS] =
        {
            .name = "steps",
            .title = "Steps",
            .note = "The steps of the plan in their order: how far each is, and its undo.",
            .empty = "No plan is open, so there are no steps: choose one with -p PLAN.",
            .empty_of_keys =
                "A plan of kind cache has no steps: its verbs (cache, session) work by "
                "themselves.",
            .columns = step_columns,
            .column_count = STEP_COLUMNS,
            .rows = step_rows,
            .cell = step_cell,
            .summary = step_summary,
            .detail = step_detail,
            .focus = step_focus,
            .default_sort = -1,
        },
    [TABLE_TABLES] =
        {
            .name = "tables",
            .title = "Tables",
            .note = "The tables of the plan: how many of their rows have their codes.",
            .empty = "No plan with tables is open: choose one with -p PLAN.",
            .empty_of_keys = "A plan of kind cache has no tables, but keys in Redis: see Cache.",
            .estimate_note = "estimate of the server, or by batches",
            .exact_note = "exact with `status --exact`",
            .columns = fill_columns,
            .column_count = FILL_COLUMNS,
            .rows = fill_rows,
            .cell = fill_cell,
            .summary = fill_summary,
            .detail = fill_detail,
            .default_sort = -1,
        },
    [TABLE_TENANTS] =
        {
            .name = "tenants",
            .title = "Tenants",
            .note = "The tenants of the mapping: how many rows and keys belong to each.",
            .empty = "No tenant is known: the plan has no mapping, or its file has no row.",
            .empty_of_keys =
                "A plan of kind cache has no mapping; 'cache metrics' and 'session list' "
                "name the tenants that have keys.",
            .estimate_note = "not every table is counted as it is now",
            .exact_note = "count with `status --exact`",
            .columns = tenant_columns,
            .column_count = TENANT_COLUMNS,
            .rows = tenant_rows,
            .cell = tenant_cell,
            .summary = tenant_summary,
            .detail = tenant_detail,
            .default_sort = -1,
        },
    [TABLE_VALIDATION] =
        {
            .name = "validation",
            .title = "Validation",
            .note = "What was checked and what was found, the worst first.",
            .empty = "Nothing was checked yet: `plan check` compares the plan with the database.",
            .empty_of_keys =
                "Nothing stands here under a plan of kind cache: `plan check` asks the "
                "server, `session check` the sessions.",
            .columns = check_columns,
            .column_count = CHECK_COLUMNS,
            .rows = check_rows,
            .cell = check_cell,
            .summary = check_summary,
            .detail = check_detail,
            .default_sort = CHECK_DEFAULT_SORT,
        },
    [TABLE_CACHE] =
        {
            .name = "cache",
            .title = "Cache",
            .note = "The keys in Redis by template, and whether they keep the plan's time to live.",
            .empty = "No keys are known: give a Redis with -r URL, or wait for the first pass.",
            .estimate_note = "of the keys seen so far, or of a sample of them (memory)",
            .columns = cache_columns,
            .column_count = CACHE_COLUMNS,
            .rows = cache_rows,
            .cell = cache_cell,
            .summary = cache_summary,
            .detail = cache_detail,
            .default_sort = -1,
        },
    [TABLE_LOG] =
        {
            .name = "log",
            .title = "Log",
            .note = "What happened, the newest last.",
            .empty = "Nothing has happened yet.",
            .columns = log_columns,
            .column_count = LOG_COLUMNS,
            .rows = log_rows,
            .cell = log_cell,
            .summary = log_summary,
            .detail = log_detail,
            .default_sort = -1,
            .tail = true,
        },
    [TABLE_BLOCKERS] =
        {
            .name = "blockers",
            .title = "Blockers",
            .note = "Who waits for whom: whoever is in the way on top, those that wait below.",
            .empty = "No session was seen to wait for a lock.",
            .columns = blocker_columns,
            .column_count = BLOCKER_COLUMNS,
            .rows = blocker_rows,
            .cell = blocker_cell,
            .summary = blocker_summary,
            .detail = blocker_detail,
            .default_sort = -1,
        },
    [TABLE_NODES] =
        {
            .name = "nodes",
            .title = "Nodes",
            .note = "The servers behind Redis and Citus: which part each has, and how it is.",
            .empty = "No node is known: give a Redis with -r URL, or a database of Citus with -d.",
            .estimate_note = "what a node that does not answer has said last",
            .columns = node_columns,
            .column_count = NODE_COLUMNS,
            .rows = node_rows,
            .cell = node_cell,
            .summary = node_summary,
            .detail = node_detail,
            .default_sort = -1,
        },
};

const struct table_def *table_find(const char *name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (str_is(table_defs[i].name, name))
            return &table_defs[i];
    return NULL;
}
