/*
 * csvmap: see csvmap.h. The only file that includes csv.h. Bytes and lines come from csvfile, the
 * search for duplicates is csvdup's; here a line becomes a row, and a row is judged.
 *
 * libcsv tells no positions, so it is fed one physical line at a time: a row that ends in this
 * line began in the line that was fed when the row before it had ended.
 */
#include "csvmap.h"

#include "csvdup.h"
#include "csvfile.h"
#include "text.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

enum {
    MARKS_IN_MEMORY = 64 * 1024, /* 2 MB; a million rows make 16 runs of them */
    TENANT_CODE_MAX = 25,
    QUOTED_COLUMNS = 48, /* of a value in a message */
    COLUMNS_MAX = 3,
};

/* One row as libcsv gives it out: its values one after the other, each with its NUL. */
struct parsed {
    struct csv_parser csv;
    struct buf values;
    size_t *starts;
    size_t count, cap;
    bool complete;
};

/* The roles in the order in which messages name them. */
enum role { KEY_COLUMN, ORGANIZATION_COLUMN, TENANT_COLUMN };

struct reader {
    struct csvfile *file;
    const char *names[COLUMNS_MAX]; /* by role; NULL: the file has no such column */
    size_t places[COLUMNS_MAX];     /* by role: which value of a row it is */
    size_t columns;
    bool header_read;
    const struct csvmap_sink *sink;
    struct csvmap_totals totals;
    struct csvdup *dup;
    struct parsed row;
    int row_line;
    int64_t row_offset;
    size_t row_length;
    struct parsed again[2]; /* rows read again, to compare duplicates */
    struct buf scratch;
};

/* ---- libcsv ---- */

static void S_take_value(void *value, size_t len, void *ctx)
{
    struct parsed *row = ctx;
    row->starts = mem_room(row->starts, row->count, &row->cap, sizeof(*row->starts));
    row->starts[row->count++] = row->values.len;
    buf_add_mem(&row->values, value, len);
    buf_add_char(&row->values, '\0');
}

static void S_take_row(int line_end, void *ctx)
{
    (void)line_end;
    ((struct parsed *)ctx)->complete = true;
}

/* libcsv would strip blanks in silence; here they have to be seen, and refused. */
static int S_is_no_blank(unsigned char c)
{
    (void)c;
    return 0;
}

static void S_init_parsed(struct parsed *row)
{
    csv_init(&row->csv, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL);
    csv_set_space_func(&row->csv, S_is_no_blank);
    csv_set_realloc_func(&row->csv, mem_grow);
    csv_set_blk_size(&row->csv, 4096);
}

static void S_release_parsed(struct parsed *row)
{
    csv_free(&row->csv);
    buf_release(&row->values);
    free(row->starts);
}

static void S_begin_row(struct parsed *row)
{
    buf_clear(&row->values);
    row->count = 0;
    row->complete = false;
}

static bool S_parse(struct parsed *row, const char *text, size_t len)
{
    return csv_parse(&row->csv, text, len, S_take_value, S_take_row, row) == len;
}

static bool S_parse_end(struct parsed *row)
{
    return csv_fini(&row->csv, S_take_value, S_take_row, row) == 0;
}

static const char *S_value(const struct parsed *row, size_t at)
{
    return row->values.text + row->starts[at];
}

/* ---- words for messages ---- */

/* A value as it may stand in a message: clean and not too long; good until the next call. */
static const char *S_quote(struct reader *r, const char *value)
{
    char *clean = text_cleaned(value);
    buf_clear(&r->scratch);
    buf_add_mem(&r->scratch, clean, text_fit(clean, QUOTED_COLUMNS));
    if (strlen(clean) > r->scratch.len)
        buf_add(&r->scratch, "...");
    free(clean);
    return buf_text(&r->scratch);
}

static void S_warn(struct reader *r, int line, const char *format, ...) PRINTF_LIKE(3, 4);

static void S_warn(struct reader *r, int line, const char *format, ...)
{
    r->totals.warnings++;
    if (!r->sink->warning)
        return;
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&text, format, args);
    va_end(args);
    r->sink->warning(r->sink->ctx, line, buf_text(&text));
    buf_release(&text);
}

static bool S_hint_columns(const struct reader *r, struct err *err)
{
    struct buf list = {0};
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        if (r->names[i])
            buf_format(&list, "%s%s", list.len ? "," : "", r->names[i]);
    err_hint(err, "the first line has to name these columns, in any order: %s", list.text);
    buf_release(&list);
    return false;
}

/* ---- what is refused in a value ---- */

static bool S_is_blank(int32_t rune)
{
    return rune == ' ' || (rune >= '\t' && rune <= '\r') || rune == 0x85 || rune == 0xa0 ||
           rune == 0x1680 || rune == 0x180e || (rune >= 0x2000 && rune <= 0x200d) ||
           rune == 0x2028 || rune == 0x2029 || rune == 0x202f || rune == 0x205f || rune == 0x2060 ||
           rune == 0x3000 || rune == 0xfeff;
}

static bool S_has_blank_ends(const char *value)
{
    size_t len = strlen(value), used, last = len;
    if (!len)
        return false;
    do
        last--;
    while (last && ((unsigned char)value[last] & 0xc0) == 0x80);
    return S_is_blank(text_next(value, len, &used)) ||
           S_is_blank(text_next(value + last, len - last, &used));
}

static bool S_check_value(struct reader *r, const char *name, const char *value, struct err *err)
{
    if (!*value) {
        csvfile_refuse(r->file, r->row_line, err, "'%s' is empty", name);
        return err_hint(err, "give every row all its codes, or take the row out of the file");
    }
    if (S_has_blank_ends(value)) {
        csvfile_refuse(r->file, r->row_line, err, "'%s' has blanks around its value '%s'", name,
                       S_quote(r, value));
        return err_hint(err, "remove the blanks (no-break and zero width ones, too): they would "
                             "become a part of the code");
    }
    return true;
}

static bool S_is_plain_code(const char *code)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz_";
    static const char later[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    return *code && strchr(first, *code) && code[strspn(code, later)] == '\0' &&
           strlen(code) <= TENANT_CODE_MAX;
}

static bool S_hides_something(struct reader *r, const char *value)
{
    buf_clear(&r->scratch);
    text_clean(&r->scratch, value, strlen(value));
    return !str_is(r->scratch.text, value);
}

static void S_warn_of_values(struct reader *r, const struct csvmap_row *row)
{
    if (!S_is_plain_code(row->tenant))
        S_warn(r, row->line,
               "%s '%s' is not 1 to %d of a-z, 0-9 and '_' with no digit first: the names of views "
               "that are made of it would break",
               r->names[TENANT_COLUMN], S_quote(r, row->tenant), TENANT_CODE_MAX);
    const char *others[] = {row->key, row->organization};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (others[i] && S_hides_something(r, others[i]))
            S_warn(r, row->line, "%s '%s' holds characters that cannot be seen", r->names[i],
                   S_quote(r, others[i]));
}

/* ---- header ---- */

static bool S_find_role(const struct reader *r, const char *name, size_t *role)
{
    for (*role = 0; *role < COLUMNS_MAX; ++*role)
        if (str_is(r->names[*role], name))
            return true;
    return false;
}

static bool S_take_heading(struct reader *r, size_t place, struct err *err)
{
    const char *name = S_value(&r->row, place);
    size_t role;

    if (!S_find_role(r, name, &role)) {
        if (!*name)
            csvfile_refuse(r->file, r->row_line, err, "column %zu has no name", place + 1);
        else if (S_has_blank_ends(name))
            csvfile_refuse(r->file, r->row_line, err, "the column name '%s' has blanks around it",
                           S_quote(r, name));
        else
            csvfile_refuse(r->file, r->row_line, err, "column '%s' is not one of this mapping's",
                           S_quote(r, name));
        return S_hint_columns(r, err);
    }
    if (r->places[role] != SIZE_MAX) {
        csvfile_refuse(r->file, r->row_line, err, "column '%s' is there twice", name);
        return err_hint(err, "remove the one that is not meant");
    }
    r->places[role] = place;
    return true;
}

static bool S_take_header(struct reader *r, struct err *err)
{
    const char *first = S_value(&r->row, 0);
    if (r->row.count == 1 && strpbrk(first, ";\t|")) {
        csvfile_refuse(r->file, r->row_line, err, "the columns are not separated by commas");
        return err_hint(err, "save the file with commas, not with semicolons, tabs or bars");
    }
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        r->places[i] = SIZE_MAX;
    for (size_t i = 0; i < r->row.count; i++)
        if (!S_take_heading(r, i, err))
            return false;
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        if (!r->names[i] || r->places[i] != SIZE_MAX)
            continue;
        csvfile_refuse(r->file, r->row_line, err, "column '%s' is missing", r->names[i]);
        return S_hint_columns(r, err);
    }
    r->columns = r->row.count;
    r->header_read = true;
    return true;
}

/* ---- rows ---- */

static void S_name_values(const struct reader *r, const struct parsed *values, int line,
                          struct csvmap_row *row)
{
    row->key = S_value(values, r->places[KEY_COLUMN]);
    row->organization =
        r->names[ORGANIZATION_COLUMN] ? S_value(values, r->places[ORGANIZATION_COLUMN]) : NULL;
    row->tenant = S_value(values, r->places[TENANT_COLUMN]);
    row->line = line;
}

static bool S_remember(struct reader *r, const struct csvmap_row *row, struct err *err)
{
    struct csvdup_mark mark = {
        .offset = r->row_offset, .length = (uint32_t)r->row_length, .line = r->row_line};
    csvdup_hash(r->dup, row->key, &mark);
    return csvdup_add(r->dup, &mark, err);
}

static bool S_take_data(struct reader *r, struct err *err)
{
    if (r->row.count != r->columns) {
        csvfile_refuse(r->file, r->row_line, err,
                       "the row has %zu value%s, but the header names %zu columns", r->row.count,
                       r->row.count == 1 ? "" : "s", r->columns);
        return err_hint(err, "a value that holds a comma is written in quotes: \"a, b\"");
    }
    struct csvmap_row row;
    S_name_values(r, &r->row, r->row_line, &row);
    if (str_is(row.key, r->names[KEY_COLUMN]) && str_is(row.tenant, r->names[TENANT_COLUMN])) {
        csvfile_refuse(r->file, r->row_line, err, "the header stands here again");
        return err_hint(err, "remove the line; if files were joined, see that each was meant");
    }
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        if (r->names[i] && !S_check_value(r, r->names[i], S_value(&r->row, r->places[i]), err))
            return false;
    S_warn_of_values(r, &row);
    r->totals.rows++;
    if (!S_remember(r, &row, err))
        return false;
    return !r->sink->row || r->sink->row(r->sink->ctx, &row, err);
}

static bool S_end_row(struct reader *r, struct err *err)
{
    bool ok = r->header_read ? S_take_data(r, err) : S_take_header(r, err);
    S_begin_row(&r->row);
    r->row_length = 0;
    return ok;
}

/* ---- the file ---- */

static bool S_refuse_long_row(struct reader *r, struct err *err)
{
    csvfile_refuse(r->file, r->row_line, err, "the row that begins here is longer than 64 kB");
    return err_hint(err, "look for a quote that is not closed in line %d", r->row_line);
}

static bool S_refuse_quote(struct reader *r, int line, struct err *err)
{
    csvfile_refuse(r->file, line, err, "a quote stands in the middle of a value");
    return err_hint(err, "put the whole value in quotes, with nothing before or after them, and "
                         "double a quote that belongs to it");
}

static bool S_refuse_open_quote(struct reader *r, struct err *err)
{
    csvfile_refuse(r->file, r->row_line, err, "a quote is opened and never closed");
    return err_hint(err, "close the quote, or double it if it belongs to the value");
}

static bool S_take_line(struct reader *r, const struct csvline *line, struct err *err)
{
    if (!r->row_length && !line->content)
        return true; /* an empty line between rows says nothing */
    if (!r->row_length) {
        r->row_line = line->line;
        r->row_offset = line->offset;
    }
    if (r->row_length + line->content > CSVFILE_ROW_MAX)
        return S_refuse_long_row(r, err);
    r->row_length += line->len;
    if (!S_parse(&r->row, line->text, line->len))
        return S_refuse_quote(r, line->line, err);
    return !r->row.complete || S_end_row(r, err);
}

static bool S_read_rows(struct reader *r, struct err *err)
{
    struct csvline line;
    bool more;

    for (;;) {
        if (!csvfile_next(r->file, &line, &more, err))
            return false;
        if (!more)
            break;
        if (!S_take_line(r, &line, err))
            return false;
    }
    if (!S_parse_end(&r->row))
        return S_refuse_open_quote(r, err);
    if (r->row.complete && !S_end_row(r, err))
        return false;
    if (!r->header_read) {
        csvfile_refuse(r->file, 1, err, "the file is empty");
        return S_hint_columns(r, err);
    }
    if (!r->totals.rows) {
        csvfile_refuse(r->file, r->row_line, err, "the file has a header, but no rows");
        return err_hint(err, "give one row for each %s", r->names[KEY_COLUMN]);
    }
    return true;
}

/* ---- duplicates ---- */

static bool S_fetch(void *ctx, const struct csvdup_mark *mark, int slot, struct csvmap_row *row,
                    struct err *err)
{
    struct reader *r = ctx;
    struct parsed *values = &r->again[slot];
    char text[CSVFILE_ROW_MAX + 2];

    if (!csvfile_again(r->file, mark->offset, mark->length, text, err))
        return false;
    S_begin_row(values);
    if (!S_parse(values, text, mark->length) || !S_parse_end(values) || values->count != r->columns)
        return csvfile_refuse(r->file, mark->line, err, "the row changed while it was read");
    S_name_values(r, values, mark->line, row);
    return true;
}

static void S_add_codes(struct reader *r, struct buf *out, const struct csvmap_row *row)
{
    if (row->organization)
        buf_format(out, "'%s', ", S_quote(r, row->organization));
    buf_format(out, "'%s'", S_quote(r, row->tenant));
}

static bool S_refuse_conflict(struct reader *r, const struct csvmap_row *first,
                              const struct csvmap_row *second, struct err *err)
{
    struct buf here = {0}, there = {0};
    S_add_codes(r, &here, second);
    S_add_codes(r, &there, first);
    csvfile_refuse(r->file, second->line, err, "%s '%s' has the codes %s here, but %s in line %d",
                   r->names[KEY_COLUMN], S_quote(r, second->key), here.text, there.text,
                   first->line);
    err_hint(err, "find out which of the two is right, and remove the other");
    buf_release(&here);
    buf_release(&there);
    return false;
}

static bool S_found(void *ctx, const struct csvdup_finding *finding, struct err *err)
{
    struct reader *r = ctx;
    struct csvmap_row first, second;

    if (!S_fetch(r, &finding->first, 0, &first, err) ||
        !S_fetch(r, &finding->second, 1, &second, err))
        return false;
    if (finding->kind == CSVDUP_CONFLICT)
        return S_refuse_conflict(r, &first, &second, err);
    char *key = str_dup(S_quote(r, second.key));
    if (finding->kind == CSVDUP_SAME) {
        r->totals.duplicates++;
        S_warn(r, second.line, "%s '%s' stands in line %d already, with the same codes",
               r->names[KEY_COLUMN], key, first.line);
    } else {
        S_warn(r, second.line, "%s '%s' differs from '%s' in line %d by case or leading zeros only",
               r->names[KEY_COLUMN], key, S_quote(r, first.key), first.line);
    }
    free(key);
    return true;
}

bool csvmap_read(const char *path, const struct csvmap_shape *shape, const struct csvmap_sink *sink,
                 struct csvmap_totals *totals, struct err *err)
{
    static const struct csvmap_sink silent;
    struct reader r = {
        .names = {shape->key_column, shape->organization_column, shape->tenant_column},
        .sink = sink ? sink : &silent,
    };
    if (!csvfile_open(path, &shape->trust, &r.file, err))
        return false;
    r.dup = csvdup_new(MARKS_IN_MEMORY);
    struct parsed *const parsers[] = {&r.row, &r.again[0], &r.again[1]};
    for (size_t i = 0; i < ARRAY_LEN(parsers); i++)
        S_init_parsed(parsers[i]);
    const struct csvdup_ops ops = {.fetch = S_fetch, .found = S_found, .ctx = &r};

    bool ok = S_read_rows(&r, err) && csvfile_end(r.file, r.totals.sha256, err) &&
              csvdup_search(r.dup, &ops, err);
    if (ok && totals)
        *totals = r.totals;
    for (size_t i = 0; i < ARRAY_LEN(parsers); i++)
        S_release_parsed(parsers[i]);
    buf_release(&r.scratch);
    csvdup_free(r.dup);
    csvfile_close(r.file);
    return ok;
}
