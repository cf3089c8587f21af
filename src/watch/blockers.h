/*
 * blockers: sessions that wait for each other become a tree: who waits for nobody stands on top,
 * and below it, each once, whoever waits for it.
 *
 * A session that waits for several stands below the one that is nearest to the top; its others are
 * named in it. Sessions that wait in a circle have no top: the tree is cut open at one of them, and
 * each is told to be in a circle.
 */
#ifndef TD_BLOCKERS_H
#define TD_BLOCKERS_H

#include "snapshot.h"

/*
 * Sets depth, behind and circle of each by its `blocked_by`, and puts them in the order of the
 * tree; those with the same blocker stay in the order in which they are given.
 */
void blockers_arrange(struct blocker_view *blockers, size_t count);

#endif
