/*
 * preflight: what SQL alone cannot tell before a migration: whether a pooler stands between, and
 * whether the disks have room.
 *
 * The catalog's part is in sql/checks/preflight.sql and traffic.sql.
 */
#ifndef TD_PREFLIGHT_H
#define TD_PREFLIGHT_H

#include "run.h"

/*
 * Writes a finding. A pooler that gives the backend of one connection to another, as in transaction
 * mode, is an ERR_REFUSED: locks, settings and transactions would be somebody else's.
 */
bool preflight_pooler(struct run *run, struct err *err);

/* Writes a finding for each disk; ERR_REFUSED where the migration would surely fill one. */
bool preflight_disks(struct run *run, struct err *err);

/* Writes a finding: does the Redis that is named answer, so that the cache steps will find it? */
bool preflight_redis(struct run *run, struct err *err);

/* ---- how they judge, for trying it without servers ---- */

struct pooler_signs {
    int64_t told; /* the backend as the server named it when the connection was made */
    int64_t work_before, control, work_after; /* and as it names itself, asked in this order */
    bool is_pinned;                           /* the work connection still has our settings */
};
enum pooler { POOLER_NONE, POOLER_KEEPS_APART, POOLER_SHARES };
enum pooler preflight_judge_pooler(const struct pooler_signs *signs);

/* "pass", "warn" or "fail" for so many bytes needed and free; "unknown" when one is negative. */
const char *preflight_judge_room(int64_t need, int64_t free_bytes);

#endif
