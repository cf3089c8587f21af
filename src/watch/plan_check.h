/*
 * plan_check: does a plan fit a live database? Asked of the catalog alone, so it is always cheap.
 *
 * Unknown tables and columns, tables that carry a tenant-bearing column but stand in no plan
 * (coverage), keys that would not be unique, foreign keys that could not hold, types that do not
 * fit, column widths. One statement (sql/checks/plan.sql) answers it from the plan as JSON, so
 * the sampler can ask without waiting and `plan check` can wait for it.
 */
#ifndef TD_PLAN_CHECK_H
#define TD_PLAN_CHECK_H

#include "pg.h"
#include "plan.h"
#include "snapshot.h"

/* The rows of the statement `check_plan` as checks, in the arena. */
size_t plan_check_read(const struct pg_result *result, struct arena *arena,
                       struct check_view **out);

/* The mapping file, read once: rows, duplicates, warnings, as checks of the group "mapping". */
size_t plan_check_mapping(const struct plan *plan, struct arena *arena, struct check_view **out);

#endif
