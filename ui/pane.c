/* pane: see pane.h. The cursor and the rows; pane_draw.c puts them on the screen. */
#include "pane.h"

#include "filter.h"

#include <stdlib.h>
#include <string.h>

void pane_init(struct pane *pane, const struct table_def *def)
{
    *pane = (struct pane){.def = def, .filter = str_dup(""), .page = 1, .chosen = -1};
    pane->off = mem_array(def->column_count, sizeof(*pane->off));
    pane->follows = def->tail || def->focus;
    pane->by = (struct arrange_by){.sort = def->default_sort, .filter = pane->filter};
}

void pane_release(struct pane *pane)
{
    arrangement_release(&pane->shown);
    free(pane->filter);
    free(pane->off);
    free(pane->words);
    free(pane->subject);
    free(pane->seen);
    *pane = (struct pane){0};
}

/* ---- remembering a row ---- */

char *pane_words(const struct pane *pane, const struct snapshot *snapshot, size_t row)
{
    struct buf words = {0};
    for (size_t column = 0; column < pane->def->column_count; column++) {
        struct cell cell = {0};
        pane->def->cell(snapshot, row, column, &cell);
        if (cell.kind == CELL_TEXT && cell.text)
            buf_add(&words, cell.text);
        else if (cell.kind == CELL_TIME)
            buf_format(&words, "%lld", (long long)cell.number);
        buf_add_char(&words, '\x1f');
    }
    return buf_take(&words);
}

char *pane_subject(const struct pane *pane, const struct snapshot *snapshot, size_t row)
{
    const struct table_def *def = pane->def;
    struct buf subject = {0};
    struct cell cell = {0};
    size_t column = 0;
    while (column < def->column_count && !str_is(def->columns[column].name, "subject"))
        column++;
    def->cell(snapshot, row, column < def->column_count ? column : 0, &cell);
    cell.mark = NULL; /* where it stands in a tree may change */
    cell_text(&subject, &cell, 0, false, snapshot->at);
    return buf_take(&subject);
}

static void S_remember(struct pane *pane, const struct snapshot *snapshot)
{
    free(pane->words);
    free(pane->subject);
    pane->words = pane->subject = NULL;
    if (pane->cursor >= pane->shown.count)
        return;
    size_t row = pane->shown.rows[pane->cursor];
    pane->words = pane_words(pane, snapshot, row);
    pane->subject = pane_subject(pane, snapshot, row);
}

typedef char *S_tell_fn(const struct pane *, const struct snapshot *, size_t);

/* The position nearest to the cursor's whose row tells `wanted`; false: no row does. */
static bool S_find_near(const struct pane *pane, const struct snapshot *snapshot, S_tell_fn *tell,
                        const char *wanted, size_t *position)
{
    size_t count = pane->shown.count;
    for (size_t distance = 0; distance < count + pane->cursor; distance++)
        for (int side = 0; side < (distance ? 2 : 1); side++) {
            if (side == 0 && distance > pane->cursor)
                continue;
            size_t at = side == 0 ? pane->cursor - distance : pane->cursor + distance;
            if (at >= count)
                continue;
            char *told = tell(pane, snapshot, pane->shown.rows[at]);
            bool same = strcmp(told, wanted) == 0;
            free(told);
            if (same) {
                *position = at;
                return true;
            }
        }
    return false;
}

static void S_find_cursor_again(struct pane *pane, const struct snapshot *snapshot)
{
    size_t found, count = pane->shown.count, before = pane->cursor;
    if (pane->words && (S_find_near(pane, snapshot, pane_words, pane->words, &found) ||
                        S_find_near(pane, snapshot, pane_subject, pane->subject, &found))) {
        pane->cursor = found;
        S_remember(pane, snapshot);
    } else if (pane->cursor >= count) {
        /* A filter may hide the row for a while; it is still the one that is meant. */
        pane->cursor = count ? count - 1 : 0;
    }
    /* The row stays where the eye has it, at the same height of the window. */
    long top = (long)pane->top + (long)pane->cursor - (long)before;
    pane->top = top > 0 ? (size_t)top : 0;
}

/* The position that the view follows: the end of a log, or the row that matters most just now. */
static bool S_find_followed(const struct pane *pane, const struct snapshot *snapshot,
                            size_t *position)
{
    size_t count = pane->shown.count, row;
    if (!count)
        return false;
    *position = count - 1;
    if (pane->def->tail)
        return true;
    if (!pane->def->focus || !pane->def->focus(snapshot, &row))
        return false;
    for (size_t i = 0; i < count; i++)
        if (pane->shown.rows[i] == row) {
            *position = i;
            return true;
        }
    return false;
}

void pane_arrange(struct pane *pane, const struct snapshot *snapshot)
{
    size_t followed;
    arrangement_release(&pane->shown);
    table_arrange(pane->def, snapshot, &pane->by, &pane->shown);
    if (pane->follows && S_find_followed(pane, snapshot, &followed)) {
        pane->cursor = followed;
        S_remember(pane, snapshot);
    } else {
        S_find_cursor_again(pane, snapshot);
    }
}

void pane_filter(struct pane *pane, const char *filter)
{
    char *copy = str_dup(filter);
    free(pane->filter);
    pane->filter = copy;
    pane->by.filter = copy;
}

/* ---- moving ---- */

void pane_move_to(struct pane *pane, const struct snapshot *snapshot, size_t position)
{
    size_t last = pane->shown.count ? pane->shown.count - 1 : 0, followed;
    pane->cursor = position < last ? position : last;
    S_remember(pane, snapshot);
    bool there = S_find_followed(pane, snapshot, &followed) && pane->cursor == followed;
    if ((pane->def->tail || pane->def->focus) && pane->follows != there)
        pane_follow(pane, snapshot, there);
}

void pane_move(struct pane *pane, const struct snapshot *snapshot, long rows)
{
    long position = (long)pane->cursor + rows;
    pane_move_to(pane, snapshot, position > 0 ? (size_t)position : 0);
}

void pane_forget(struct pane *pane)
{
    free(pane->words);
    free(pane->subject);
    pane->words = pane->subject = NULL;
}

void pane_follow(struct pane *pane, const struct snapshot *snapshot, bool follows)
{
    free(pane->seen);
    pane->seen = NULL;
    size_t followed;
    pane->follows = follows;
    if (!S_find_followed(pane, snapshot, &followed))
        return;
    if (follows)
        pane->cursor = followed;
    else if (pane->def->tail)
        pane->seen = pane_words(pane, snapshot, pane->shown.rows[followed]);
    S_remember(pane, snapshot);
}

void pane_sort_next(struct pane *pane)
{
    bool again = pane->by.sort == pane->chosen;
    pane->by.descending = pane->chosen >= 0 && again && !pane->by.descending;
    if (pane->chosen >= 0) {
        pane->by.sort = pane->chosen;
        return;
    }
    if (++pane->by.sort >= (int)pane->def->column_count)
        pane->by.sort = -1;
}

bool pane_row(const struct pane *pane, size_t *row)
{
    if (pane->cursor >= pane->shown.count)
        return false;
    *row = pane->shown.rows[pane->cursor];
    return true;
}

/* ---- searching ---- */

enum pane_found pane_search(struct pane *pane, const struct snapshot *snapshot, const char *wanted,
                            bool backwards)
{
    /* What a search finds is what a filter would leave. */
    struct filter filter;
    enum pane_found found = FOUND_NONE;
    size_t count = pane->shown.count, start = pane->cursor;
    filter_read(pane->def, wanted, &filter);
    for (size_t step = 1; step <= count && found == FOUND_NONE; step++) {
        size_t at = (backwards ? start + count - step : start + step) % count;
        if (!filter_passes(&filter, pane->def, snapshot, pane->shown.rows[at]))
            continue;
        found = step == count                           ? FOUND_HERE
                : (backwards ? at > start : at < start) ? FOUND_WRAPPED
                                                        : FOUND_AHEAD;
        pane_move_to(pane, snapshot, at);
    }
    filter_release(&filter);
    return found;
}
