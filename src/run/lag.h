/*
 * lag: how long a replica has been behind, measured by ourselves.
 *
 * The server tells no lag of a replica that does not answer, and none of one that was never level.
 * So we remember when the primary's log had come how far: a replica that has not replayed what
 * there was at 12:04:31 is behind since then. What is old is remembered less finely, and never so
 * that a replica would look better than it is.
 */
#ifndef TD_LAG_H
#define TD_LAG_H

#include <stddef.h>
#include <stdint.h>

enum { LAG_MARKS = 512 };

struct lag {
    struct lag_mark {
        int64_t at;       /* of clock_ms() */
        int64_t position; /* of the primary's log, in bytes */
    } marks[LAG_MARKS];
    size_t count;
};

/* The primary's log is at `position` now; calls come in the order of time. */
void lag_note(struct lag *lag, int64_t now, int64_t position);
/*
 * For how many ms a replica that has replayed up to `replayed` has been behind; 0: it is not. What
 * it has is forgotten, so this is asked of the slowest one alone.
 */
int64_t lag_behind(struct lag *lag, int64_t now, int64_t replayed);

#endif
