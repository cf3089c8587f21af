/*
 * sampler: asks the servers, without ever waiting, and publishes snapshots.
 *
 * Three connections: a quick one for catalog and journal, a slow one for exact counts (can be
 * cancelled), and Redis. Each statement has a short timeout. A server that is silent makes its part
 * of the snapshot old, never empty; a lost one is tried again with a growing pause.
 *
 * Exact counts cost a scan. They run by themselves only on small tables, and again only after the
 * server's own counters say that rows have changed; on larger ones somebody must ask.
 */
#ifndef TD_SAMPLER_H
#define TD_SAMPLER_H

#include "loop.h"
#include "session.h"
#include "snapshot.h"

struct sampler;

/* Called after each new snapshot; the one before is gone when it returns. */
typedef void sampler_fn(void *ctx, const struct snapshot *snapshot);

struct sampler *sampler_new(struct loop *loop, const struct session *session, sampler_fn *fresh,
                            void *ctx);
void sampler_free(struct sampler *sampler); /* NULL is fine */

const struct snapshot *sampler_snapshot(const struct sampler *sampler); /* never NULL */

void sampler_refresh(struct sampler *sampler); /* now, not at the next tick */
/*
 * Closes what is open to the database, for somebody who wants it alone ("backup restore"), and asks
 * it nothing any more. What comes back may be another database: then a new sampler is wanted.
 */
void sampler_let_go(struct sampler *sampler, const char *whom);
/* Everything that was asked since the start or the last refresh has been answered or has failed. */
bool sampler_settled(const struct sampler *sampler);
/* The keys of Redis were counted in one whole pass at least (or there is no Redis to ask). A large
 * census does not keep a snapshot from being settled; who needs whole figures waits for this. */
bool sampler_census_done(const struct sampler *sampler);

/* Counts exactly, in the background: one table of the plan, or all (NULL). */
bool sampler_count(struct sampler *sampler, const char *table, struct err *err);
void sampler_stop_counting(struct sampler *sampler);

/*
 * The log: its very beginning, a page of older events, of newer ones after that, back to the newest
 * end, and only events of this severity at least, of this step, that name this table (NULL: any).
 * Pages come with the next round.
 */
void sampler_log_first(struct sampler *sampler);
void sampler_log_older(struct sampler *sampler);
void sampler_log_newer(struct sampler *sampler);
void sampler_log_live(struct sampler *sampler);
void sampler_log_narrow(struct sampler *sampler, enum severity least, const char *step,
                        const char *table);

/* An event of the face itself, for the log ("kept 12 rows …"). */
void sampler_note(struct sampler *sampler, enum severity severity, const char *source,
                  const char *format, ...) PRINTF_LIKE(4, 5);

#endif
