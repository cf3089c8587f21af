/*
 * table_print: whole tables, as text for a terminal or a file, and as JSON for a program.
 *
 * The text is clean and fits a width; the JSON has every column, every figure as a number, and the
 * texts as they are in the database, for whoever reads it escapes for itself.
 */
#include "clock.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static void S_end_line(struct buf *out)
{
    while (out->len && out->text[out->len - 1] == ' ')
        out->text[--out->len] = '\0';
    buf_add_char(out, '\n');
}

enum { USUAL_WIDTH = 80 }; /* of sentences, which are broken where tables are not cut */

static void S_add_line(struct buf *out, const char *clean, int width, bool ascii)
{
    text_pad(out, clean, width > 0 ? (size_t)width : text_width(clean), TEXT_LEFT, ascii);
    S_end_line(out);
}

/* A sentence of our own, broken between its words. */
static void S_add_wrapped(struct buf *out, const char *sentence, int width, bool ascii)
{
    struct buf line = {0};
    size_t most = (size_t)(width > 0 ? width : USUAL_WIDTH);
    while (*sentence) {
        size_t word = strcspn(sentence, " ");
        if (line.len && line.len + 1 + word > most) {
            S_add_line(out, buf_text(&line), width, ascii);
            buf_clear(&line);
        }
        if (line.len)
            buf_add_char(&line, ' ');
        buf_add_mem(&line, sentence, word);
        sentence += word;
        sentence += strspn(sentence, " ");
    }
    S_add_line(out, buf_text(&line), width, ascii);
    buf_release(&line);
}

static void S_add_title(struct buf *out, const struct table_def *def,
                        const struct snapshot *snapshot, int width, bool ascii)
{
    struct buf title = {0}, summary = {0};
    buf_add(&title, def->title);
    if (def->summary)
        def->summary(snapshot, &summary);
    if (summary.len) {
        buf_add(&title, ": ");
        const struct cell cell = {.kind = CELL_TEXT, .text = buf_text(&summary)};
        cell_text(&title, &cell, 0, ascii, snapshot->at);
    }
    S_add_line(out, buf_text(&title), width, ascii);
    buf_release(&title);
    buf_release(&summary);
}

static void S_add_headings(struct buf *out, const struct table_def *def, const int *widths,
                           bool ascii)
{
    const char *gap = "";
    for (size_t i = 0; i < def->column_count; i++) {
        if (!widths[i])
            continue;
        buf_add(out, gap);
        text_pad(out, def->columns[i].heading, (size_t)widths[i], def->columns[i].align, ascii);
        gap = " ";
    }
    S_end_line(out);
}

/* Returns whether a figure in it is an estimate. */
static bool S_add_row(struct buf *out, const struct table_def *def, const struct snapshot *snapshot,
                      size_t row, const int *widths, bool ascii)
{
    bool estimates = false;
    const char *gap = "";
    struct buf text = {0};
    for (size_t i = 0; i < def->column_count; i++) {
        if (!widths[i])
            continue;
        struct cell cell = {0};
        def->cell(snapshot, row, i, &cell);
        estimates |= cell.estimate;
        buf_clear(&text);
        cell_text(&text, &cell, widths[i], ascii, snapshot->at);
        buf_add(out, gap);
        text_pad(out, buf_text(&text), (size_t)widths[i], def->columns[i].align, ascii);
        gap = " ";
    }
    S_end_line(out);
    buf_release(&text);
    return estimates;
}

/* Every column, as wide as what is in it. */
static void S_measure(const struct table_def *def, const struct snapshot *snapshot,
                      const struct arrangement *arranged, bool ascii, int *widths)
{
    struct buf text = {0};
    for (size_t i = 0; i < def->column_count; i++)
        widths[i] = def->columns[i].width;
    for (size_t at = 0; at < arranged->count * def->column_count; at++) {
        size_t column = at % def->column_count;
        struct cell cell = {0};
        def->cell(snapshot, arranged->rows[at / def->column_count], column, &cell);
        buf_clear(&text);
        cell_text(&text, &cell, 0, ascii, snapshot->at);
        int needs = (int)text_width(buf_text(&text));
        widths[column] = needs > widths[column] ? needs : widths[column];
    }
    buf_release(&text);
}

static void S_add_rows(struct buf *out, const struct table_def *def,
                       const struct snapshot *snapshot, const struct arrangement *arranged,
                       int width, bool ascii)
{
    int *widths = mem_array(def->column_count, sizeof(*widths));
    bool estimates = false;
    if (width > 0)
        table_layout(def, NULL, width, widths);
    else
        S_measure(def, snapshot, arranged, ascii, widths);
    S_add_headings(out, def, widths, ascii);
    for (size_t i = 0; i < arranged->count; i++)
        estimates |= S_add_row(out, def, snapshot, arranged->rows[i], widths, ascii);
    if (estimates && def->estimate_note) {
        struct buf note = {0};
        buf_format(&note, "~ %s%s%s", def->estimate_note, def->exact_note ? "; " : "",
                   def->exact_note ? def->exact_note : "");
        S_add_wrapped(out, buf_text(&note), width, ascii);
        buf_release(&note);
    }
    free(widths);
}

/* "3 rows are not shown: they do not match 'x'": a filter must not look like all there is. */
static void S_add_hidden(struct buf *out, const struct arrangement *arranged, const char *filter,
                         int width, bool ascii)
{
    struct buf line = {0};
    const struct cell cell = {.kind = CELL_TEXT, .text = filter};
    text_count(&line, (int64_t)arranged->hidden);
    buf_add(&line, arranged->hidden == 1 ? " row is not shown: it does not match '"
                                         : " rows are not shown: they do not match '");
    cell_text(&line, &cell, 0, ascii, 0);
    buf_add_char(&line, '\'');
    S_add_line(out, buf_text(&line), width, ascii);
    buf_release(&line);
}

void table_print(struct buf *out, const struct table_def *def, const struct snapshot *snapshot,
                 const struct arrange_by *by, int width, bool ascii)
{
    struct arrangement arranged;
    table_arrange(def, snapshot, by, &arranged);
    S_add_title(out, def, snapshot, width, ascii);
    if (arranged.count)
        S_add_rows(out, def, snapshot, &arranged, width, ascii);
    else if (!arranged.hidden)
        S_add_wrapped(out, table_nothing(def, snapshot), width, ascii);
    if (arranged.hidden)
        S_add_hidden(out, &arranged, by->filter, width, ascii);
    arrangement_release(&arranged);
}

/* ---- JSON ---- */

/* JSON has to be UTF-8, and a database's text need not be. */
json_t *table_text_json(const char *raw)
{
    struct buf valid = {0};
    size_t len = strlen(raw);
    for (size_t i = 0, used; i < len; i += used) {
        if (text_next(raw + i, len - i, &used) < 0)
            buf_add(&valid, "\xef\xbf\xbd");
        else
            buf_add_mem(&valid, raw + i, used);
    }
    json_t *json = json_string(buf_text(&valid));
    buf_release(&valid);
    return json;
}

static json_t *S_cell_json(const struct cell *cell)
{
    char moment[21];
    switch (cell->kind) {
    case CELL_EMPTY:
    case CELL_UNKNOWN:
        return json_null();
    case CELL_TEXT:
        return cell->text ? table_text_json(cell->text) : json_null();
    case CELL_PERCENT:
    case CELL_BAR:
        return cell->real >= 0 ? json_real(cell->real) : json_null();
    case CELL_AGE:
    case CELL_TIME:
        if (cell->number < 0)
            return json_null();
        clock_format_iso(cell->number, moment);
        return json_string(moment);
    default:
        return cell->number >= 0 ? json_integer(cell->number) : json_null();
    }
}

static json_t *S_row_json(const struct table_def *def, const struct snapshot *snapshot, size_t row)
{
    json_t *object = json_object();
    for (size_t i = 0; i < def->column_count; i++) {
        const char *name = def->columns[i].name;
        struct cell cell = {0};
        def->cell(snapshot, row, i, &cell);
        json_object_set_new(object, name, S_cell_json(&cell));
        if (cell.estimate) {
            char *beside = str_format("%s_exact", name);
            json_object_set_new(object, beside, json_false());
            free(beside);
        }
    }
    return object;
}

json_t *table_json(const struct table_def *def, const struct snapshot *snapshot,
                   const struct arrange_by *by)
{
    struct arrangement arranged;
    json_t *array = json_array();
    table_arrange(def, snapshot, by, &arranged);
    for (size_t i = 0; i < arranged.count; i++)
        json_array_append_new(array, S_row_json(def, snapshot, arranged.rows[i]));
    arrangement_release(&arranged);
    return array;
}
