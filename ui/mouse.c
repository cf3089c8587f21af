/*
 * mouse: what the mouse means, where somebody has asked for it (--mouse): a click goes to a tab, a
 * row or a heading, the wheel scrolls. A question is answered by keys alone, so while a prompt is
 * open the mouse means nothing.
 */
#include "console_state.h"
#include "pane_columns.h"

#include <stdlib.h>

enum { WHEEL_ROWS = 3 };

static unsigned S_turn_wheel(struct console *console, int direction)
{
    const struct snapshot *snapshot = action_snapshot(console);
    if (console->reader.open)
        reader_move(&console->reader, (long)direction * WHEEL_ROWS);
    else
        pane_move(panes_focused(&console->panes), snapshot, (long)direction * WHEEL_ROWS);
    return WISH_REDRAW;
}

static bool S_is_inside(struct box box, int y, int x)
{
    return y >= box.y && y < box.y + box.height && x >= box.x && x < box.x + box.width;
}

static unsigned S_choose_column(struct pane *pane, const struct snapshot *snapshot, int x,
                                struct box inside)
{
    size_t count = pane->def->column_count;
    struct placement *places = mem_array(count, sizeof(*places));
    pane_place(pane, snapshot, inside.width, true, places);
    for (size_t i = 0; i < count; i++)
        if (places[i].width && x >= inside.x + places[i].x &&
            x < inside.x + places[i].x + places[i].width)
            pane->chosen = (int)i;
    free(places);
    return WISH_REDRAW;
}

/* A pane without the focus may show no headings, and shows them when it has it: only its row counts
 * from then on. */
static unsigned S_click_pane(struct console *console, const struct layout_slot *slot, int y, int x)
{
    struct box inside = layout_inside(slot->box, console->layout.frame);
    bool had_focus = console->panes.focus == slot->pane;
    console->panes.focus = slot->pane;
    const struct snapshot *snapshot = action_snapshot(console);
    struct pane *pane = panes_focused(&console->panes);
    if (!had_focus || !S_is_inside(inside, y, x))
        return WISH_REDRAW;
    if (y == inside.y)
        return S_choose_column(pane, snapshot, x, inside);
    size_t position = pane->top + (size_t)(y - inside.y - 1);
    if (position < pane->shown.count)
        pane_move_to(pane, snapshot, position);
    return WISH_REDRAW;
}

static unsigned S_click(struct console *console, int y, int x)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    enum table_id id;
    if (console->reader.open || console->layout.too_small)
        return 0;
    if (y == 1 && panes_tab_at(&console->panes, snapshot, x, &id)) {
        console->panes.focus = id;
        return WISH_REDRAW;
    }
    for (size_t i = 0; i < console->layout.count; i++)
        if (S_is_inside(console->layout.slots[i].box, y, x))
            return S_click_pane(console, &console->layout.slots[i], y, x);
    return 0;
}

void console_point(struct console *console, const struct mouse_event *event)
{
    if (console->prompt.open || console->sheet.open)
        return;
    console->wishes |=
        event->wheel ? S_turn_wheel(console, event->wheel) : S_click(console, event->y, event->x);
}
