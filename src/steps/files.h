/*
 * files: what the steps that go by the plan's .sql files would send, as text for a dry run.
 *
 * Asks no server. A template that is filled for each tenant, or whose rows become keys, is printed
 * once, with what its variables stand for.
 */
#ifndef TD_FILES_H
#define TD_FILES_H

#include "plan.h"

#include <stdio.h>

/* Of step functions, views or cache-warm. `*printed` is false for a step without such files. */
bool files_print(const struct plan *plan, const char *step, FILE *out, bool *printed,
                 struct err *err);

#endif
