/*
 * tables: the columns of every table that is shown anywhere. One array, in the order of the panes.
 */
#ifndef TD_TABLES_H
#define TD_TABLES_H

#include "table.h"

enum table_id {
    TABLE_STEPS,
    TABLE_TABLES,
    TABLE_TENANTS,
    TABLE_VALIDATION,
    TABLE_CACHE,
    TABLE_LOG,
    TABLE_BLOCKERS,
    TABLE_NODES,
    TABLE_COUNT
};

extern const struct table_def table_defs[TABLE_COUNT];

/* The sessions of the service, and the counters of its cache: verbs show them, and no pane. */
extern const struct table_def login_table, metrics_table;

/* What the console opens below a tenant, and below a tenant or a template. */
extern const struct table_def holding_table, key_table;

/* Of table validation; NULL: the row sums up a group. */
const struct check_view *check_of_row(const struct snapshot *snapshot, size_t row);

const struct table_def *table_find(const char *name); /* NULL: there is none */

/* Line 1 of every screen and of `status`: who, where, what runs, how old. In parts, for colour. */
struct banner_part {
    char *text;  /* clean */
    char *brief; /* the same in fewer words, for a narrow screen; NULL: there are none */
    enum mood mood;
};
enum { BANNER_PARTS = 9 };
size_t banner_parts(const struct snapshot *snapshot, struct banner_part parts[BANNER_PARTS]);
void banner_release(struct banner_part *parts, size_t count);
json_t *banner_json(const struct snapshot *snapshot);

#endif
