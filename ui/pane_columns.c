/* pane_columns: see pane_columns.h; and the wishes for columns that a pane keeps. */
#include "pane_columns.h"

#include <stdlib.h>
#include <string.h>

enum { WIDEST = 2000 }; /* columns of one cell that can be reached by scrolling */

/* ---- placing ---- */

static void S_place_by_width(const struct pane *pane, int total, struct placement *out)
{
    const struct column_wish wish = {.off = pane->off, .wanted = pane->chosen};
    int *widths = mem_array(pane->def->column_count, sizeof(*widths)), x = 0;
    table_layout(pane->def, &wish, total, widths);
    for (size_t i = 0; i < pane->def->column_count; i++) {
        out[i] = (struct placement){.x = x, .width = widths[i], .full = widths[i]};
        x += widths[i] ? widths[i] + TABLE_GAP : 0;
    }
    free(widths);
}

/* As wide as the widest of the cells that are on the screen. */
static int S_measure(const struct pane *pane, const struct snapshot *snapshot, size_t column)
{
    struct buf text = {0};
    size_t widest = (size_t)pane->def->columns[column].width;
    for (size_t i = pane->top; i < pane->shown.count && i < pane->top + pane->page; i++) {
        struct cell cell = {0};
        buf_clear(&text);
        pane->def->cell(snapshot, pane->shown.rows[i], column, &cell);
        cell_text(&text, &cell, 0, screen_is_ascii(), snapshot->at);
        size_t width = text_width(buf_text(&text));
        widest = width > widest ? width : widest;
    }
    buf_release(&text);
    return widest < WIDEST ? (int)widest : WIDEST;
}

/* Of a column that begins `x` columns from the left of a stretch, what is seen of it there. */
static struct placement S_clip(int x, int full, int left, int right)
{
    int skip = x < left ? left - x : 0;
    int from = x + skip, end = x + full < right ? x + full : right;
    if (end <= from)
        return (struct placement){0};
    return (struct placement){.x = from, .width = end - from, .full = full, .skip = skip};
}

static void S_place_by_content(struct pane *pane, const struct snapshot *snapshot, int total,
                               struct placement *out)
{
    size_t count = pane->def->column_count;
    int first = pane->def->columns[0].width, wide = 0;
    first = first < total / 2 ? first : total / 2;
    int left = first + TABLE_GAP, *full = mem_array(count, sizeof(*full));
    for (size_t i = 1; i < count; i++) {
        full[i] = pane->off[i] ? 0 : S_measure(pane, snapshot, i);
        wide += full[i] ? full[i] + TABLE_GAP : 0;
    }
    int most = wide - TABLE_GAP - (total - left);
    pane->shift = pane->shift < most ? pane->shift : most > 0 ? most : 0;
    out[0] = (struct placement){.width = first, .full = first};
    int x = left - pane->shift;
    for (size_t i = 1; i < count; i++) {
        out[i] = full[i] ? S_clip(x, full[i], left, total) : (struct placement){0};
        x += full[i] ? full[i] + TABLE_GAP : 0;
    }
    free(full);
}

void pane_place(struct pane *pane, const struct snapshot *snapshot, int total, bool focused,
                struct placement *out)
{
    if (focused && pane->shift > 0)
        S_place_by_content(pane, snapshot, total, out);
    if (!focused || pane->shift == 0)
        S_place_by_width(pane, total, out);
}

/* Only the text, not the blanks around it: an underline would else run through them. */
void pane_put(int y, int x, const struct placement *place, const char *padded, struct style style)
{
    char *text = str_dup(padded);
    size_t length = strlen(text);
    while (length && text[length - 1] == ' ')
        text[--length] = '\0';
    int blanks = (int)strspn(text, " ");
    int before = blanks > place->skip ? blanks - place->skip : 0;
    int skip = before ? 0 : place->skip - blanks;
    int shown = place->width - before, wide = (int)text_width(text + blanks);
    const char *more = screen_is_ascii() ? "~" : "…";
    x += place->x;
    screen_put_rest(y, x + before, shown, skip, text + blanks, style);
    if (skip > 0 && wide > skip)
        screen_put(y, x, 1, more, style);
    if (shown > 0 && wide > skip + shown)
        screen_put(y, x + place->width - 1, 1, more, style);
    free(text);
}

/* A figure without its first digits would be a wrong figure. */
bool pane_is_cut(const struct placement *place)
{
    return place->skip || place->width < place->full;
}

/* ---- wishes ---- */

void pane_choose(struct pane *pane, int step)
{
    int count = (int)pane->def->column_count;
    do {
        pane->chosen += step;
        if (pane->chosen >= count)
            pane->chosen = -1;
        if (pane->chosen < -1)
            pane->chosen = count - 1;
    } while (pane->chosen >= 0 && pane->off[pane->chosen]);
    pane->shift = 0;
}

bool pane_hide_chosen(struct pane *pane)
{
    if (pane->chosen <= 0)
        return false;
    pane->off[pane->chosen] = true;
    pane_choose(pane, 1);
    return true;
}

void pane_show_all(struct pane *pane)
{
    memset(pane->off, 0, pane->def->column_count * sizeof(*pane->off));
}

size_t pane_count_off(const struct pane *pane)
{
    size_t count = 0;
    for (size_t i = 0; i < pane->def->column_count; i++)
        count += pane->off[i];
    return count;
}

void pane_scroll(struct pane *pane, int columns)
{
    pane->shift += columns;
    if (pane->shift < 0)
        pane->shift = 0;
}

/* ---- copying ---- */

static void S_add_cell(const struct pane *pane, const struct snapshot *snapshot, size_t row,
                       size_t column, struct buf *out)
{
    struct cell cell = {0};
    pane->def->cell(snapshot, row, column, &cell);
    cell_text(out, &cell, 0, screen_is_ascii(), snapshot->at);
}

bool pane_copy(const struct pane *pane, const struct snapshot *snapshot, struct buf *out)
{
    size_t row;
    if (!pane_row(pane, &row))
        return false;
    if (pane->chosen >= 0) {
        S_add_cell(pane, snapshot, row, (size_t)pane->chosen, out);
        return true;
    }
    for (size_t i = 0; i < pane->def->column_count; i++) {
        if (pane->off[i])
            continue;
        if (out->len)
            buf_add_char(out, '\t');
        S_add_cell(pane, snapshot, row, i, out);
    }
    return true;
}
