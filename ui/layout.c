/* layout: see layout.h. */
#include "layout.h"

enum {
    LINES_AROUND = 3, /* banner, tabs, keys */
    DASHBOARD_LINES = 30,
    DASHBOARD_COLS = 120,
    FULL_FRAME_LINES = 20,
    FULL_FRAME_COLS = 70,
    STRIP_BODY = 16, /* the body has room for a strip of the log from here */
    STRIP_LINES = 5,
    STACKED_LINES = 7, /* frame, headings, four rows: less is no use */
};

static void S_add(struct layout *layout, enum table_id pane, int y, int x, int height, int width)
{
    layout->slots[layout->count++] =
        (struct layout_slot){.pane = pane, .box = {y, x, height, width}};
}

static void S_place_single(struct layout *layout, enum table_id focus, bool zoomed)
{
    struct box body = layout->body;
    bool strip = !zoomed && focus != TABLE_LOG && body.height >= STRIP_BODY;
    int below = strip ? STRIP_LINES : 0;
    S_add(layout, focus, body.y, body.x, body.height - below, body.width);
    if (strip)
        S_add(layout, TABLE_LOG, body.y + body.height - below, body.x, below, body.width);
}

/* One of them has twice the height of the others, or what they can spare. */
static void S_pile(struct layout *layout, const enum table_id *order, int count, int tall,
                   struct box column)
{
    int share = column.height / (count + 1), y = column.y;
    share = share < STACKED_LINES ? STACKED_LINES : share;
    share = count > 1 ? share : 0;
    for (int i = 0; i < count; i++) {
        int height = i == tall ? column.height - share * (count - 1) : share;
        S_add(layout, order[i], y, column.x, height, column.width);
        y += height;
    }
}

/*
 * The right column: as many as have room; the focused one is the tallest, and pushes the last out,
 * if it must. Without one that is focused it is the steps: they are what goes on.
 */
static void S_place_stack(struct layout *layout, enum table_id focus, struct box column)
{
    enum table_id order[] = {TABLE_STEPS, TABLE_TENANTS, TABLE_VALIDATION, TABLE_CACHE};
    int fits = column.height / STACKED_LINES, most = (int)ARRAY_LEN(order);
    int shown = fits < 1 ? 1 : fits > most ? most : fits;
    int tall = 0;
    while (tall < shown && order[tall] != focus)
        tall++;
    if (focus == TABLE_TABLES || focus == TABLE_LOG)
        tall = 0;
    else if (tall == shown)
        order[--tall] = focus;
    S_pile(layout, order, shown, tall, column);
}

static void S_place_dashboard(struct layout *layout, enum table_id focus)
{
    struct box body = layout->body;
    int log = body.height / 5 < STRIP_LINES + 1 ? STRIP_LINES + 1 : body.height / 5;
    int upper = body.height - log;
    int left = body.width * 11 / 20;
    S_add(layout, TABLE_TABLES, body.y, body.x, upper, left);
    S_place_stack(layout, focus, (struct box){body.y, body.x + left, upper, body.width - left});
    S_add(layout, TABLE_LOG, body.y + upper, body.x, log, body.width);
}

/* A plan of keys alone has no tables, and no steps: its keys have the room, and the servers. */
static void S_place_keys(struct layout *layout, enum table_id focus)
{
    struct box body = layout->body;
    bool other = focus != TABLE_CACHE && focus != TABLE_LOG;
    int log = body.height / 5, second = body.height / 4, first = body.height - second - log;
    S_add(layout, TABLE_CACHE, body.y, body.x, first, body.width);
    S_add(layout, other ? focus : TABLE_NODES, body.y + first, body.x, second, body.width);
    S_add(layout, TABLE_LOG, body.y + first + second, body.x, log, body.width);
}

void layout_make(int lines, int cols, const struct layout_wish *wish, struct layout *out)
{
    *out = (struct layout){.too_small = lines < LAYOUT_LEAST_LINES || cols < LAYOUT_LEAST_COLS};
    if (out->too_small)
        return;
    bool roomy = lines >= FULL_FRAME_LINES && cols >= FULL_FRAME_COLS;
    out->frame = roomy ? FRAME_ALL : FRAME_TOP;
    out->body = (struct box){2, 0, lines - LINES_AROUND, cols};
    if (wish->zoomed || lines < DASHBOARD_LINES || cols < DASHBOARD_COLS)
        S_place_single(out, wish->focus, wish->zoomed);
    else if (wish->keys_only)
        S_place_keys(out, wish->focus);
    else
        S_place_dashboard(out, wish->focus);
}

struct box layout_inside(struct box box, enum layout_frame frame)
{
    if (frame == FRAME_TOP)
        return (struct box){box.y + 1, box.x, box.height - 1, box.width};
    return (struct box){box.y + 1, box.x + 1, box.height - 2, box.width - 2};
}
