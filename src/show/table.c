/*
 * table: see table.h. The order of the rows, the width of the columns, the clean text of a cell.
 *
 * Nothing here knows what a particular table shows, and nothing here writes to a terminal;
 * table_print.c puts whole tables together.
 */
#include "table.h"

#include "clock.h"
#include "filter.h"

#include <stdlib.h>
#include <string.h>

/* ---- the text of a cell ---- */

static bool S_cell_is_known(const struct cell *cell)
{
    switch (cell->kind) {
    case CELL_EMPTY:
    case CELL_UNKNOWN:
        return false;
    case CELL_TEXT:
        return cell->text != NULL;
    case CELL_PERCENT:
    case CELL_BAR:
        return cell->real >= 0;
    default:
        return cell->number >= 0;
    }
}

/* What a terminal without UTF-8 gets instead of our own symbols; anything foreign becomes '?'. */
static char S_find_ascii(int32_t rune)
{
    static const struct {
        int32_t rune;
        char plain;
    } symbols[] = {
        {0x2713, '+'}, /* ✓ */
        {0x2717, 'x'}, /* ✗ */
        {0x25ba, '>'}, /* ► */
        {0x2190, '<'}, /* ← */
        {0x2013, '-'}, /* – */
        {0x00b7, '.'}, /* · */
        {0x2026, '~'}, /* … */
    };
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++)
        if (symbols[i].rune == rune)
            return symbols[i].plain;
    return '?';
}

static void S_add_ascii(struct buf *out, const char *clean, size_t len)
{
    for (size_t i = 0, used; i < len; i += used) {
        int32_t rune = text_next(clean + i, len - i, &used);
        buf_add_char(out, rune >= 0 && rune < 0x80 ? (char)rune : S_find_ascii(rune));
    }
}

static void S_add_clean(struct buf *out, const char *raw, bool ascii)
{
    if (!ascii) {
        text_clean(out, raw, strlen(raw));
        return;
    }
    struct buf clean = {0};
    text_clean(&clean, raw, strlen(raw));
    S_add_ascii(out, buf_text(&clean), clean.len);
    buf_release(&clean);
}

/* A number that is cut off would be a wrong number: it is told in a larger unit instead. */
static void S_add_count(struct buf *out, int64_t count, bool estimate, int width)
{
    static const char units[] = {'\0', 'k', 'M', 'G'};
    size_t start = out->len;
    for (size_t u = 0; u < ARRAY_LEN(units); u++, count = count / 1000 + (count % 1000 >= 500)) {
        out->len = start;
        if (estimate)
            buf_add_char(out, '~');
        text_count(out, count);
        if (units[u])
            buf_add_char(out, units[u]);
        if (width <= 0 || out->len - start <= (size_t)width)
            return;
    }
}

void percent_text(struct buf *out, double percent)
{
    if (!(percent > 0) || percent >= 100) {
        buf_add(out, percent >= 100 ? "100" : "0");
        return;
    }
    /* Rounded down, for nobody should read more than there is; the hair is for 99.6 = 99.59999. */
    int tenths = (int)(percent * 10 + 1e-6);
    if (tenths > 999)
        tenths = 999;
    if (tenths < 1)
        buf_add(out, "<0.1");
    else if ((tenths < 100 || tenths >= 990) && tenths % 10)
        buf_format(out, "%d.%d", tenths / 10, tenths % 10);
    else
        buf_format(out, "%d", tenths / 10);
}

/* In the largest unit that says it exactly, for a policy is written as "24h", not as "1d". */
static void S_add_seconds(struct buf *out, int64_t seconds)
{
    static const struct {
        int64_t length, from;
        char unit;
    } units[] = {{86400, 2 * 86400, 'd'}, {3600, 3600, 'h'}, {60, 60, 'm'}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (seconds >= units[i].from && seconds % units[i].length == 0) {
            buf_format(out, "%lld%c", (long long)(seconds / units[i].length), units[i].unit);
            return;
        }
    if (seconds < 60) {
        buf_format(out, "%llds", (long long)seconds);
        return;
    }
    char span[16];
    clock_format_span(seconds * 1000, span);
    buf_add(out, span);
}

static void S_add_moment(struct buf *out, const struct cell *cell, int64_t now)
{
    char text[16];
    if (cell->kind == CELL_TIME)
        clock_format_time(cell->number, text);
    else
        clock_format_span(now - cell->number, text);
    buf_add(out, text);
}

static void S_add_text(struct buf *out, const struct cell *cell, bool ascii)
{
    if (cell->mark) {
        S_add_clean(out, cell->mark, ascii);
        buf_add_char(out, ' ');
    }
    S_add_clean(out, cell->text, ascii);
}

void cell_text(struct buf *out, const struct cell *cell, int width, bool ascii, int64_t now)
{
    if (cell->kind == CELL_EMPTY) {
        if (cell->text)
            S_add_text(out, cell, ascii);
        return;
    }
    if (!S_cell_is_known(cell)) {
        if (cell->kind != CELL_TEXT)
            buf_add_char(out, '?');
        return;
    }
    if (cell->estimate && cell->kind != CELL_COUNT && cell->kind != CELL_BAR)
        buf_add_char(out, '~');
    switch (cell->kind) {
    case CELL_TEXT:
        S_add_text(out, cell, ascii);
        break;
    case CELL_COUNT:
        S_add_count(out, cell->number, cell->estimate, width);
        break;
    case CELL_PERCENT:
        percent_text(out, cell->real);
        break;
    case CELL_BAR:
        bar_text(out, cell->real, width, ascii);
        break;
    case CELL_BYTES:
        text_bytes(out, cell->number);
        break;
    case CELL_SECONDS:
        S_add_seconds(out, cell->number);
        break;
    default:
        S_add_moment(out, cell, now);
    }
}

/* How many of `parts` are filled: some as soon as there is something, all only at 100. */
static int S_fill_parts(double percent, int parts)
{
    if (!(percent > 0))
        return 0;
    if (percent >= 100)
        return parts;
    int filled = (int)(percent * parts / 100);
    if (filled < 1)
        filled = 1;
    return filled < parts ? filled : parts - 1;
}

void bar_text(struct buf *out, double percent, int width, bool ascii)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int steps = ascii ? 1 : 8;
    int filled = S_fill_parts(percent, width * steps);
    for (int i = 0; i < width; i++) {
        int part = filled - i * steps;
        if (part >= steps)
            buf_add(out, ascii ? "#" : "█");
        else if (part > 0)
            buf_add(out, eighths[part]);
        else
            buf_add(out, ascii ? "." : "·");
    }
}

/* ---- which rows, in which order ---- */

static char S_fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Own folding, for that of the C library depends on the locale. */
static int S_compare_text(const char *a, const char *b)
{
    while (*a && S_fold(*a) == S_fold(*b)) {
        a++;
        b++;
    }
    return (unsigned char)S_fold(*a) - (unsigned char)S_fold(*b);
}

static void S_choose_rows(const struct table_def *def, const struct snapshot *snapshot,
                          const char *text, struct arrangement *out)
{
    size_t total = def->rows(snapshot);
    struct filter filter;
    filter_read(def, text, &filter);
    *out = (struct arrangement){.rows = mem_array(total, sizeof(*out->rows))};
    for (size_t row = 0; row < total; row++)
        if (filter_passes(&filter, def, snapshot, row))
            out->rows[out->count++] = row;
    out->hidden = total - out->count;
    filter_release(&filter);
}

struct sort_key {
    struct cell cell;
    size_t row;
};

static int S_compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

static int S_compare_counts(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int S_compare_cells(const struct cell *a, const struct cell *b)
{
    if ((a->kind == CELL_TEXT) != (b->kind == CELL_TEXT))
        return a->kind == CELL_TEXT ? 1 : -1;
    if (a->kind == CELL_TEXT && a->number == b->number)
        return S_compare_text(a->text, b->text);
    if (a->kind == CELL_PERCENT || a->kind == CELL_BAR)
        return S_compare_numbers(a->real, b->real);
    /* The younger the moment, the smaller its age. */
    if (a->kind == CELL_AGE)
        return S_compare_counts(b->number, a->number);
    return S_compare_counts(a->number, b->number);
}

static int S_compare_keys(const void *left, const void *right, void *descending)
{
    const struct sort_key *a = left, *b = right;
    bool a_known = S_cell_is_known(&a->cell), b_known = S_cell_is_known(&b->cell);
    if (a_known != b_known)
        return a_known ? -1 : 1;
    int order = a_known ? S_compare_cells(&a->cell, &b->cell) : 0;
    if (order)
        return *(const bool *)descending ? -order : order;
    return (a->row > b->row) - (a->row < b->row);
}

static void S_sort_rows(const struct table_def *def, const struct snapshot *snapshot, size_t column,
                        bool descending, struct arrangement *out)
{
    struct sort_key *keys = mem_array(out->count, sizeof(*keys));
    for (size_t i = 0; i < out->count; i++) {
        keys[i].row = out->rows[i];
        def->cell(snapshot, keys[i].row, column, &keys[i].cell);
    }
    qsort_r(keys, out->count, sizeof(*keys), S_compare_keys, &descending);
    for (size_t i = 0; i < out->count; i++)
        out->rows[i] = keys[i].row;
    free(keys);
}

static void S_reverse_rows(struct arrangement *out)
{
    for (size_t i = 0; i < out->count / 2; i++) {
        size_t kept = out->rows[i];
        out->rows[i] = out->rows[out->count - 1 - i];
        out->rows[out->count - 1 - i] = kept;
    }
}

const char *table_nothing(const struct table_def *def, const struct snapshot *snapshot)
{
    return snapshot->keys_only && def->empty_of_keys ? def->empty_of_keys : def->empty;
}

void table_arrange(const struct table_def *def, const struct snapshot *snapshot,
                   const struct arrange_by *by, struct arrangement *out)
{
    const struct arrange_by usual = {.sort = def->default_sort};
    if (!by)
        by = &usual;
    S_choose_rows(def, snapshot, by->filter, out);
    if (by->sort >= 0 && (size_t)by->sort < def->column_count)
        S_sort_rows(def, snapshot, (size_t)by->sort, by->descending, out);
    else if (by->descending)
        S_reverse_rows(out);
}

void arrangement_release(struct arrangement *arrangement)
{
    free(arrangement->rows);
    *arrangement = (struct arrangement){0};
}

/* ---- the width of the columns ---- */

enum { LEAST_WIDTH = 6 }; /* of a column that was wished for: what is less says nothing */

/* Between the first and all others, when it is the one that was wished for. */
static int S_rank(const struct table_def *def, const struct column_wish *wish, size_t column)
{
    return wish && wish->wanted == (int)column ? 3 : 2 * def->columns[column].priority;
}

/* Of the columns without a width: the one that stays longest, from the left. */
static size_t S_next_column(const struct table_def *def, const struct column_wish *wish,
                            const int *widths)
{
    size_t best = def->column_count;
    for (size_t i = 0; i < def->column_count; i++) {
        if (widths[i] || (wish && wish->off && wish->off[i]))
            continue;
        if (best == def->column_count || S_rank(def, wish, i) < S_rank(def, wish, best))
            best = i;
    }
    return best;
}

static void S_share_rest(const struct table_def *def, int rest, int *widths)
{
    int shares = 0, left = rest;
    size_t most = 0;
    for (size_t i = 0; i < def->column_count; i++) {
        int flex = widths[i] ? def->columns[i].flex : 0;
        shares += flex;
        if (flex > def->columns[most].flex || !widths[most])
            most = i;
    }
    if (!shares)
        return;
    for (size_t i = 0; i < def->column_count; i++)
        if (widths[i]) {
            int more = rest * def->columns[i].flex / shares;
            widths[i] += more;
            left -= more;
        }
    /* What integer division has left over goes where most of the rest went. */
    widths[most] += left;
}

/* Of `room` columns, as many as this one gets; what is wished for is cut rather than left out. */
static int S_take_width(const struct table_def *def, const struct column_wish *wish, size_t column,
                        bool first, int room)
{
    int width = def->columns[column].width;
    bool wanted = wish && wish->wanted == (int)column;
    if (width <= room)
        return width;
    return room > 0 && (first || (wanted && room >= LEAST_WIDTH)) ? room : 0;
}

void table_layout(const struct table_def *def, const struct column_wish *wish, int total,
                  int *widths)
{
    int used = -TABLE_GAP;
    memset(widths, 0, def->column_count * sizeof(*widths));
    for (;;) {
        size_t next = S_next_column(def, wish, widths);
        if (next == def->column_count)
            break;
        /* The first is shown on the narrowest screen, cut. */
        int width = S_take_width(def, wish, next, used < 0, total - used - TABLE_GAP);
        if (!width)
            break;
        widths[next] = width;
        used += TABLE_GAP + width;
    }
    if (used >= 0)
        S_share_rest(def, total - used, widths);
}
