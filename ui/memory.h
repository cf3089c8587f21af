/*
 * memory: how the console was left, for the next time: the zoom, and of each pane the order and
 * the hidden columns. A filter is never remembered: it would hide rows that nobody asked to
 * have hidden today.
 *
 * One file, $XDG_STATE_HOME/tenantdeck/console/layout, in the syntax of decks, for its owner alone,
 * written whole or not at all. A file that is not as we write it is left out of account as a whole.
 */
#ifndef TD_MEMORY_H
#define TD_MEMORY_H

#include "err.h"
#include "panes.h"

/* Fails when there is a file that cannot be used; then, and without a file, nothing has changed. */
bool memory_recall(struct panes *panes, struct err *err);
/* Writes nothing when it would write what is there. */
bool memory_keep(const struct panes *panes, struct err *err);

#endif
