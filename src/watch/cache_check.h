/*
 * cache_check: does a plan of kind cache fit its Redis? Asked of the plan and of one INFO alone.
 *
 * Templates that no key can ever reach, keys without a policy, and of the server what such keys
 * depend on: version, role, memory and what happens when there is none left.
 */
#ifndef TD_CACHE_CHECK_H
#define TD_CACHE_CHECK_H

#include "plan.h"
#include "snapshot.h"

/* The checks, in the arena; `info` is the text of INFO, "" where it is not to be had. */
size_t cache_check(const struct plan *plan, const char *info, struct arena *arena,
                   struct check_view **out);

#endif
