/* pane_draw: a pane on the screen: frame, headings, rows, and a word where there are none. */
#include "pane.h"

#include "advice.h"
#include "frame.h"
#include "pane_columns.h"
#include "wrap.h"

#include <stdlib.h>
#include <string.h>

enum { STRIP_HEIGHT = 3 };

/* ---- the frame ---- */

/* Rows that have come since the log stopped following. */
static size_t S_count_new(const struct pane *pane, const struct snapshot *snapshot)
{
    if (!pane->seen)
        return 0;
    size_t fresh = 0;
    while (fresh < pane->shown.count) {
        size_t row = pane->shown.rows[pane->shown.count - 1 - fresh];
        char *words = pane_words(pane, snapshot, row);
        bool known = strcmp(words, pane->seen) == 0;
        free(words);
        if (known)
            break;
        fresh++;
    }
    return fresh;
}

static void S_add_remark(struct buf *out, const char *remark)
{
    buf_add(out, out->len ? ", " : "");
    buf_add(out, remark);
}

static void S_tell_remarks(const struct pane *pane, const struct snapshot *snapshot,
                           const struct pane_look *look, struct buf *out)
{
    struct buf part = {0};
    if (look->stale)
        S_add_remark(out, look->stale);
    if (look->remark) {
        text_clean(&part, look->remark, strlen(look->remark));
        S_add_remark(out, buf_text(&part));
        buf_clear(&part);
    }
    if (*pane->filter) {
        buf_add(&part, "filter '");
        text_clean(&part, pane->filter, strlen(pane->filter));
        buf_add_char(&part, '\'');
        S_add_remark(out, buf_text(&part));
    }
    if (pane->def->tail && snapshot->events_narrow) {
        buf_clear(&part);
        text_clean(&part, snapshot->events_narrow, strlen(snapshot->events_narrow));
        S_add_remark(out, buf_text(&part));
    }
    if (pane->def->tail && snapshot->events_back) {
        S_add_remark(out, "paused, newer below");
    } else if (pane->def->tail && !pane->follows) {
        size_t fresh = S_count_new(pane, snapshot);
        S_add_remark(out, "paused");
        buf_clear(&part);
        buf_format(&part, "%zu new below", fresh);
        if (fresh)
            S_add_remark(out, buf_text(&part));
    }
    buf_clear(&part);
    buf_format(&part, "%zu columns hidden", pane_count_off(pane));
    if (pane_count_off(pane))
        S_add_remark(out, pane_count_off(pane) == 1 ? "1 column hidden" : buf_text(&part));
    if (pane->shift && look->focused)
        S_add_remark(out, "scrolled right");
    buf_release(&part);
}

static void S_tell_position(const struct pane *pane, struct buf *out)
{
    if (pane->shown.count)
        buf_format(out, "%zu/%zu", pane->cursor + 1, pane->shown.count);
    if (pane->shown.hidden)
        buf_format(out, "%s%zu hidden", out->len ? ", " : "", pane->shown.hidden);
}

static void S_tell_summary(const struct pane *pane, const struct snapshot *snapshot,
                           struct buf *out)
{
    struct buf raw = {0};
    if (pane->def->summary)
        pane->def->summary(snapshot, &raw);
    char *here = advice_here(buf_text(&raw));
    const struct cell cell = {.kind = CELL_TEXT, .text = here};
    cell_text(out, &cell, 0, screen_is_ascii(), snapshot->at);
    free(here);
    buf_release(&raw);
}

static bool S_has_estimates(const struct pane *pane, const struct snapshot *snapshot)
{
    if (!pane->def->estimate_note)
        return false;
    for (size_t i = 0; i < pane->shown.count; i++)
        for (size_t column = 0; column < pane->def->column_count; column++) {
            struct cell cell = {0};
            pane->def->cell(snapshot, pane->shown.rows[i], column, &cell);
            if (cell.estimate)
                return true;
        }
    return false;
}

static void S_draw_frame(const struct pane *pane, const struct snapshot *snapshot, struct box box,
                         const struct pane_look *look)
{
    struct buf title = {0}, remark = {0}, figures = {0}, position = {0}, footer = {0};
    buf_format(&title, "%s %s", look->number, look->title ? look->title : pane->def->title);
    S_tell_remarks(pane, snapshot, look, &remark);
    S_tell_summary(pane, snapshot, &figures);
    S_tell_position(pane, &position);
    if (S_has_estimates(pane, snapshot))
        buf_format(&footer, "~ %s%s", pane->def->estimate_note,
                   pane->def->exact_note ? "; C counts exactly" : "");
    const struct frame_texts texts = {.title = buf_text(&title),
                                      .remark = buf_text(&remark),
                                      .remark_mood = look->stale ? MOOD_BAD : MOOD_WARN,
                                      .figures = buf_text(&figures),
                                      .position = buf_text(&position),
                                      .footer = buf_text(&footer)};
    frame_draw(box, look->frame, look->focused, &texts);
    buf_release(&title);
    buf_release(&remark);
    buf_release(&figures);
    buf_release(&position);
    buf_release(&footer);
}

/* ---- headings and rows ---- */

static void S_draw_headings(const struct pane *pane, struct box box, const struct placement *places)
{
    const char *rising = screen_is_ascii() ? "^" : "▴", *falling = screen_is_ascii() ? "v" : "▾";
    for (size_t i = 0; i < pane->def->column_count; i++) {
        const struct placement *place = &places[i];
        if (!place->width)
            continue;
        const struct column *column = &pane->def->columns[i];
        bool sorted = pane->by.sort == (int)i, chosen = pane->chosen == (int)i;
        struct buf text = {0};
        text_pad(&text, column->heading, (size_t)place->full, column->align, screen_is_ascii());
        pane_put(box.y, box.x, place, buf_text(&text),
                 (struct style){.bold = true, .underline = sorted, .reverse = chosen});
        /* The mark stands in the gap, so that it never costs a heading its last letter. */
        if (sorted && place->x + place->width < box.width)
            screen_put(box.y, box.x + place->x + place->width, TABLE_GAP,
                       pane->by.descending ? falling : rising,
                       (struct style){.mood = MOOD_ACTIVE, .bold = true});
        buf_release(&text);
    }
}

static struct style S_cell_style(const struct cell *cell, const struct pane_look *look, bool meant)
{
    if (meant && look->focused)
        return (struct style){.reverse = true};
    if (look->stale)
        return (struct style){.mood = MOOD_DIM};
    return (struct style){.mood = cell->mood};
}

static void S_draw_row(const struct pane *pane, const struct snapshot *snapshot, size_t position,
                       struct box box, const struct placement *places, const struct pane_look *look)
{
    size_t row = pane->shown.rows[position];
    bool meant = position == pane->cursor, ascii = screen_is_ascii();
    struct buf raw = {0}, text = {0};
    if (meant && look->focused) {
        text_pad(&text, "", (size_t)box.width, TEXT_LEFT, ascii);
        screen_put(box.y, box.x, box.width, buf_text(&text), (struct style){.reverse = true});
    }
    for (size_t i = 0; i < pane->def->column_count; i++) {
        const struct placement *place = &places[i];
        if (!place->width)
            continue;
        struct cell cell = {0};
        pane->def->cell(snapshot, row, i, &cell);
        buf_clear(&raw);
        buf_clear(&text);
        if (pane->def->columns[i].align == TEXT_RIGHT && pane_is_cut(place))
            buf_add(&raw, ascii ? "~" : "…");
        else
            cell_text(&raw, &cell, place->full, ascii, snapshot->at);
        char *here = advice_here(buf_text(&raw));
        text_pad(&text, here, (size_t)place->full, pane->def->columns[i].align, ascii);
        free(here);
        struct style style = S_cell_style(&cell, look, meant);
        style.bold = style.underline = meant && look->focused && pane->chosen == (int)i;
        pane_put(box.y, box.x, place, buf_text(&text), style);
    }
    buf_release(&raw);
    buf_release(&text);
}

/* The window moves as little as it must for the cursor to be inside, and shows no empty end. */
static void S_scroll(struct pane *pane)
{
    if (pane->cursor < pane->top)
        pane->top = pane->cursor;
    if (pane->cursor >= pane->top + pane->page)
        pane->top = pane->cursor - pane->page + 1;
    if (pane->top + pane->page > pane->shown.count)
        pane->top = pane->shown.count > pane->page ? pane->shown.count - pane->page : 0;
}

static void S_draw_rows(struct pane *pane, const struct snapshot *snapshot, struct box box,
                        const struct pane_look *look)
{
    /* A strip of a log needs its few lines for what it says. */
    bool headings = look->focused || box.height > STRIP_HEIGHT;
    int first = box.y + headings, room = box.height - headings;
    pane->page = room > 0 ? (size_t)room : 1;
    S_scroll(pane);
    struct placement *places = mem_array(pane->def->column_count, sizeof(*places));
    pane_place(pane, snapshot, box.width, look->focused, places);
    if (headings)
        S_draw_headings(pane, box, places);
    for (size_t i = 0; i < pane->page && pane->top + i < pane->shown.count; i++)
        S_draw_row(pane, snapshot, pane->top + i, (struct box){first + (int)i, box.x, 1, box.width},
                   places, look);
    free(places);
}

/* ---- nothing to show ---- */

static void S_draw_nothing(const struct pane *pane, const struct snapshot *snapshot, struct box box,
                           const struct pane_look *look)
{
    char *hidden =
        str_format("none of the %zu rows matches the filter; Esc clears it", pane->shown.hidden);
    char *here = advice_here(pane->shown.hidden ? hidden
                             : look->nothing    ? look->nothing
                                                : table_nothing(pane->def, snapshot));
    struct wrapped wrapped = {0};
    wrap_text(&wrapped, here, box.width - 2);
    int y = box.y + (box.height > (int)wrapped.count + 2 ? 1 : 0);
    for (size_t i = 0; i < wrapped.count && y < box.y + box.height; i++, y++)
        wrap_put(&wrapped, i, y, box.x + 1, box.width - 2, 0, (struct style){.mood = MOOD_DIM});
    wrap_release(&wrapped);
    free(here);
    free(hidden);
}

void pane_draw(struct pane *pane, const struct snapshot *snapshot, struct box box,
               const struct pane_look *look)
{
    struct box inside = layout_inside(box, look->frame);
    S_draw_frame(pane, snapshot, box, look);
    if (pane->shown.count)
        S_draw_rows(pane, snapshot, inside, look);
    else
        S_draw_nothing(pane, snapshot, inside, look);
}
