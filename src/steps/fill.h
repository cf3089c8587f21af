/*
 * fill: what step fill can do for another step. The step itself is declared in steps.h.
 */
#ifndef TD_FILL_H
#define TD_FILL_H

#include "run.h"

/*
 * Looks again at the rows of users who changed their organization since, and at what hangs on them.
 * For step release. `last`: the triggers that note such users are gone, so none of them may be
 * left.
 */
bool fill_settle(struct run *run, bool last, struct err *err);

#define FILL_MOVES "work_move" /* the generator for rows that Citus has spread */

/*
 * Gives the rows of the tables that the run is about (run_wants_unit) the codes that the mapping
 * says, where they have none or others, and keeps what they held where the column was there before.
 */
bool fill_mend(struct run *run, struct err *err);

#endif
