/*
 * pane_columns: which columns of a pane stand where: by the width, by hand, and scrolled sideways.
 *
 * As long as nobody scrolls, the width and the priorities of the columns decide. Scrolled to the
 * right a row is as wide as what it says: the first column stays, all others pass by under it.
 * A pane that nobody is in shows its rows from their beginning.
 */
#ifndef TD_PANE_COLUMNS_H
#define TD_PANE_COLUMNS_H

#include "pane.h"

struct placement {
    int x, width; /* on the screen, from the pane's left; a width of 0: not shown */
    int full;     /* how wide the column is, of which `skip` have gone to the left */
    int skip;
};

/* `out` has column_count; the rows that are looked at are those from pane->top on, pane->page. */
void pane_place(struct pane *pane, const struct snapshot *snapshot, int total, bool focused,
                struct placement *out);

/* What is seen of a text that was padded to the full width of its column. */
void pane_put(int y, int x, const struct placement *place, const char *padded, struct style style);
bool pane_is_cut(const struct placement *place); /* by scrolling: not all of it is seen */

#endif
