/*
 * plan_hash: what makes a version of a plan: whoever goes on with a run must go by the very same.
 */
#ifndef TD_PLAN_HASH_H
#define TD_PLAN_HASH_H

#include "plan.h"

/* SHA-256 of the plan file, its mapping file, its .sql files and its defaults, in hex; yours. */
bool plan_hash(const struct plan *plan, char **hex, struct err *err);

#endif
