/*
 * panes: which panes there are: their order and digit, what they depend on, what mark their tab
 * wears. One pane for each table, in the tables' order.
 */
#ifndef TD_PANES_H
#define TD_PANES_H

#include "drill.h"
#include "pane.h"

struct panes {
    struct pane panes[TABLE_COUNT];
    struct drill drills[TABLE_COUNT]; /* what somebody has opened below their rows */
    enum table_id focus;
    bool zoomed;
};

void panes_init(struct panes *panes, enum table_id first);
void panes_release(struct panes *panes);
void panes_arrange(struct panes *panes, const struct snapshot *snapshot);
/* The same when it is a new one: what lies below the rows goes by it, too. */
void panes_refresh(struct panes *panes, const struct snapshot *snapshot);

/* What keys are about: the pane, or the level that is open below it; and the rows of that one. */
struct pane *panes_focused(struct panes *panes);
const struct pane *panes_focused_of(const struct panes *panes);
const struct snapshot *panes_snapshot(const struct panes *panes, const struct snapshot *snapshot);

/*
 * The banner in line `y`; parts that have no room drop from the right. `colour` is the deck's for
 * the environment's label: "red", "yellow", "green", "blue", or "".
 */
void panes_draw_banner(int y, const struct snapshot *snapshot, const char *colour);
void panes_draw_tabs(int y, const struct panes *panes, const struct snapshot *snapshot);
/* The tab at column `x`; false: there is none. */
bool panes_tab_at(const struct panes *panes, const struct snapshot *snapshot, int x,
                  enum table_id *id);
void panes_draw_bodies(struct panes *panes, const struct layout *layout,
                       const struct snapshot *snapshot);

#endif
