/*
 * spill: sorts any number of small records in a fixed amount of memory.
 *
 * What does not fit goes, in sorted runs, into a temporary file (in $TMPDIR, else /tmp) that is
 * readable by nobody else and has no name any more by the time it is written to. Add all, then
 * take all: nothing can be added once the first record was taken.
 */
#ifndef TD_SPILL_H
#define TD_SPILL_H

#include "err.h"

struct spill;

/* `in_memory` records of `record_size` bytes are held at a time. Equal records keep no order. */
struct spill *spill_new(size_t record_size, size_t in_memory,
                        int (*compare)(const void *a, const void *b));
void spill_free(struct spill *spill); /* NULL is fine */

bool spill_add(struct spill *spill, const void *record, struct err *err);
/* The next record in order is copied to `record`; `*more` is false when there is none. */
bool spill_take(struct spill *spill, void *record, bool *more, struct err *err);

#endif
