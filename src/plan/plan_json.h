/*
 * plan_json: a plan as the JSON that statements of sql/ take as a parameter.
 *
 * Its members are named as those of plan.h, enums are their names, and what is not there is null or
 * an empty list. The generators of sql/ read it, and the journal keeps it with the run.
 */
#ifndef TD_PLAN_JSON_H
#define TD_PLAN_JSON_H

#include "plan.h"

char *plan_to_json(const struct plan *plan); /* yours */

#endif
