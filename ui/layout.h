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

/* `focus` is always among the slots; with `zoomed` it is the only one. */
void layout_make(int lines, int cols, enum table_id focus, bool zoomed, struct layout *out);

/* The inside of a framed box: what is left for the content. */
struct box layout_inside(struct box box, enum layout_frame frame);

#endif
