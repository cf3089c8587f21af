/*
 * follow: looks on while a worker runs, by what it writes into the journal.
 *
 * On a terminal one line shows step, rows, rate, time left and why it waits; events are printed
 * above it. Nothing here can stop or harm the run: leaving is leaving.
 */
#ifndef TD_FOLLOW_H
#define TD_FOLLOW_H

#include "verb.h"

/*
 * Returns when the run is over: true when it came to its end, else the run's trouble as the error.
 * With `from_now` what an earlier worker of the run has told is left out.
 */
bool follow_run(struct verb_call *call, struct pg *pg, int64_t run, bool from_now, struct err *err);

#endif
