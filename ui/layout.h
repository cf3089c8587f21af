/*
 * layout: where everything stands on a screen of so many lines and columns. Pure arithmetic.
 *
 * Line 1 is the banner, line 2 the tabs, the last line the keys (or a prompt); the body between
 * them holds one pane, one pane with the end of the log below it, or, on a large screen, several.
 */
#ifndef TD_LAYOUT_H
#define TD_LAYOUT_H

#include "screen.h"
#include "tables.h"

enum layout_frame {
    FRAME_TOP, /* a title line only: on small screens each line and column counts */
    FRAME_ALL,
};

struct layout_slot {
    enum table_id pane;
    struct box box;
};

struct layout {
    bool too_small;
    enum layout_frame frame;
    struct box body;
    struct layout_slot slots[TABLE_COUNT];
    size_t count;
};

enum { LAYOUT_LEAST_LINES = 8, LAYOUT_LEAST_COLS = 40 };

struct layout_wish {
    enum table_id focus; /* always among the slots; */
    bool zoomed;         /* … and the only one of them */
    bool keys_only;      /* there are no tables */
};

void layout_make(int lines, int cols, const struct layout_wish *wish, struct layout *out);

/* The inside of a framed box: what is left for the content. */
struct box layout_inside(struct box box, enum layout_frame frame);

#endif
