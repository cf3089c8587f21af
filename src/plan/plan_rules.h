/*
 * plan_rules: what must hold between the sections of a plan, once all of it has been read.
 *
 * plan.c reads each value by itself; here defaults are filled in that depend on other sections, and
 * what cannot be true together is refused with file:line. Asks no server.
 */
#ifndef TD_PLAN_RULES_H
#define TD_PLAN_RULES_H

#include "ini.h"
#include "plan.h"

bool plan_rules_apply(struct plan *plan, const struct ini *ini, struct err *err);

/*
 * A pattern of Redis keys: segments between colons, each literal text or {org}, {tenant} or {id}
 * (at most once each), and perhaps '*' as the last. Something must be literal.
 */
bool plan_pattern_fits(const char *pattern, struct err *err);
/* varchar(n), text or uuid. */
bool plan_type_fits(const char *type, struct err *err);
/* A code can be stored in the column: not too long, and a uuid where the type is. */
bool plan_code_fits(const struct plan_column *column, const char *code);

#endif
