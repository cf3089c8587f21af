/*
 * census: walks Redis with SCAN and counts keys by the plan's templates, gently.
 *
 * A pass works in short bursts and rests in between, so that other clients hardly notice; it can
 * be stopped at any key. Figures of a pass that is under way are told apart from those of a whole
 * one. The walk reads: SCAN and PTTL only, never a value, never an expiry is touched.
 */
#ifndef TD_CENSUS_H
#define TD_CENSUS_H

#include "redis.h"
#include "snapshot.h"
#include "tally.h"

struct census;

/* Borrows all three; tally may be NULL. */
struct census *census_new(struct loop *loop, const struct plan *plan, const struct tally *tally);
void census_free(struct census *census); /* NULL is fine */

/* Begins a pass; one that is under way goes on. `total` is DBSIZE, for the share that was seen. */
void census_start(struct census *census, struct redis *redis, int64_t total);
void census_stop(struct census *census); /* the pass is forgotten, the last whole one stays */
bool census_is_walking(const struct census *census);
/* Why the last pass could not go on (an ACL without SCAN, say); NULL when it could. */
const struct err *census_trouble(const struct census *census);
int64_t census_passes(const struct census *census); /* whole ones so far */

/* What is known: the last whole pass, or the one under way when there is none yet. */
void census_views(const struct census *census, struct arena *arena, struct keys_view **keys,
                  size_t *count, struct census_view *view);
int64_t census_tenant_keys(const struct census *census, size_t tenant); /* UNKNOWN before */
/* Its keys by template, those that it has; none before the first whole pass. */
size_t census_tenant_kinds(const struct census *census, size_t tenant, struct arena *arena,
                           struct tenant_keys **out);

#endif
