/*
 * fill_wait: whom the online fill waits for before it goes over a child for the last time.
 *
 * A row that is written meanwhile gets its codes by a trigger, which asks the row's parent. While
 * that had none yet, the trigger could give none either, and no sweep sees what is not committed.
 * So a sweep begins when those have ended who could still write such a row. Why it waits is on
 * screen.
 */
#ifndef TD_FILL_WAIT_H
#define TD_FILL_WAIT_H

#include "run.h"

/* For the transactions that write to tables of the plan at this moment, however long they take. */
bool fill_wait_for_writers(struct run *run, struct err *err);

/*
 * For the transactions that go on seeing the rows of an earlier moment (repeatable read), whether
 * they will write or only read: that cannot be known. So not longer than the throttle has patience,
 * in all: `*waited_ms` is what was waited before, and grows. When it is over, that is said with the
 * sessions, and step confirm will find such rows.
 */
bool fill_wait_for_snapshots(struct run *run, const char *unit, int64_t *waited_ms,
                             struct err *err);

#endif
