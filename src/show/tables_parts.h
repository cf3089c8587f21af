/*
 * tables_parts: what each tables_*.c gives to the one array in tables.c: the columns of its table
 * and how a row of the snapshot fills them. For tables.c alone.
 */
#ifndef TD_TABLES_PARTS_H
#define TD_TABLES_PARTS_H

#include "table.h"

enum {
    STEP_COLUMNS = 12,
    FILL_COLUMNS = 12,
    TENANT_COLUMNS = 7,
    CHECK_COLUMNS = 7,
    CACHE_COLUMNS = 12,
    LOG_COLUMNS = 5,
    BLOCKER_COLUMNS = 12,
    NODE_COLUMNS = 11,
    CHECK_DEFAULT_SORT = 0, /* what fails first, then as it was checked */
};

extern const struct column step_columns[STEP_COLUMNS];
size_t step_rows(const struct snapshot *snapshot);
void step_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out);
void step_summary(const struct snapshot *snapshot, struct buf *out);
bool step_focus(const struct snapshot *snapshot, size_t *row);
void step_detail(const struct snapshot *snapshot, size_t row, struct buf *out);

extern const struct column fill_columns[FILL_COLUMNS];
size_t fill_rows(const struct snapshot *snapshot);
void fill_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out);
void fill_summary(const struct snapshot *snapshot, struct buf *out);
void fill_detail(const struct snapshot *snapshot, size_t row, struct buf *out);

extern const struct column tenant_columns[TENANT_COLUMNS];
size_t tenant_rows(const struct snapshot *snapshot);
void tenant_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out);
void tenant_summary(const struct snapshot *snapshot, struct buf *out);
void tenant_detail(const struct snapshot *snapshot, size_t row, struct buf *out);

extern const struct column check_columns[CHECK_COLUMNS];
size_t check_rows(const struct snapshot *snapshot);
void check_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out);
void check_summary(const struct snapshot *snapshot, struct buf *out);
void check_detail(const struct snapshot *snapshot, size_t row, struct buf *out);

extern const struct column cache_columns[CACHE_COLUMNS];
size_t cache_rows(const struct snapshot *snapshot);
void cache_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out);
void cache_summary(const struct snapshot *snapshot, struct buf *out);
void cache_detail(const struct snapshot *snapshot, size_t row, struct buf *out);

extern const struct column log_columns[LOG_COLUMNS];
size_t log_rows(const struct snapshot *snapshot);
void log_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out);
void log_summary(const struct snapshot *snapshot, struct buf *out);
void log_detail(const struct snapshot *snapshot, size_t row, struct buf *out);

extern const struct column blocker_columns[BLOCKER_COLUMNS];
size_t blocker_rows(const struct snapshot *snapshot);
void blocker_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out);
void blocker_summary(const struct snapshot *snapshot, struct buf *out);
void blocker_detail(const struct snapshot *snapshot, size_t row, struct buf *out);

extern const struct column node_columns[NODE_COLUMNS];
size_t node_rows(const struct snapshot *snapshot);
void node_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out);
void node_summary(const struct snapshot *snapshot, struct buf *out);
void node_detail(const struct snapshot *snapshot, size_t row, struct buf *out);

#endif
