/* filter: see filter.h. */
#include "filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

/* Own folding, for that of the C library depends on the locale. */
static char S_fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t S_prefix(const char *text, const char *prefix)
{
    size_t i = 0;
    while (prefix[i] && S_fold(text[i]) == S_fold(prefix[i]))
        i++;
    return prefix[i] ? 0 : i;
}

/* The operator that `text` begins with; 0: none does. */
static size_t S_read_op(const char *text, enum filter_op *op)
{
    static const struct {
        const char *sign;
        enum filter_op op;
    } signs[] = {
        {":", FILTER_HAS},  {"=", FILTER_IS},        {"!=", FILTER_IS_NOT}, {"<=", FILTER_AT_MOST},
        {"<", FILTER_LESS}, {">=", FILTER_AT_LEAST}, {">", FILTER_MORE},
    };
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (str_starts(text, signs[i].sign)) {
            *op = signs[i].op;
            return strlen(signs[i].sign);
        }
    return 0;
}

/* "missing>": how long it is, and which column and operator it means; 0: it is no such thing. */
static size_t S_read_head(const struct table_def *def, const char *text, struct filter_term *term)
{
    for (size_t i = 0; i < def->column_count; i++) {
        const char *const names[] = {def->columns[i].name, def->columns[i].heading};
        for (size_t n = 0; n < ARRAY_LEN(names); n++) {
            size_t name = S_prefix(text, names[n]);
            size_t op = name ? S_read_op(text + name, &term->op) : 0;
            if (!op)
                continue;
            term->column = (int)i;
            return name + op;
        }
    }
    return 0;
}

/* Where the term that begins here ends: before the next that names a column. */
static size_t S_find_end(const struct table_def *def, const char *text)
{
    struct filter_term unused;
    size_t end = 0;
    while (text[end] && !(text[end] == ' ' && S_read_head(def, text + end + 1, &unused)))
        end++;
    return end;
}

/* "1,000", "2.5M", "30d", "99%" */
static bool S_read_number(const char *text, double *number, char *unit)
{
    char digits[32], *end;
    size_t length = 0;
    if (!isdigit((unsigned char)text[*text == '-']))
        return false;
    for (; *text && strchr("-0123456789.,", *text); text++) {
        if (length == sizeof(digits) - 1)
            return false;
        if (*text != ',')
            digits[length++] = *text;
    }
    digits[length] = '\0';
    *number = strtod(digits, &end);
    text += strspn(text, " ");
    *unit = *text;
    return !*end && (!*text || (strchr("kKMGsmhd%", *text) && (!text[1] || str_is(text + 1, "B"))));
}

static void S_add_term(struct filter *filter, struct filter_term *term, const char *value,
                       size_t length)
{
    while (length && value[length - 1] == ' ')
        length--;
    term->value = str_ndup(value, length);
    term->is_number = S_read_number(term->value, &term->number, &term->unit);
    /* An operator whose value is still to be typed hides nothing yet. */
    if (length)
        filter->terms[filter->count++] = *term;
    else
        free(term->value);
}

void filter_read(const struct table_def *def, const char *text, struct filter *out)
{
    *out = (struct filter){0};
    if (!text)
        return;
    size_t length = strlen(text);
    if (length >= 2 && *text == '"' && text[length - 1] == '"') {
        struct filter_term whole = {.column = FILTER_ANY_COLUMN};
        S_add_term(out, &whole, text + 1, length - 2);
        return;
    }
    while (*text) {
        struct filter_term term = {.column = FILTER_ANY_COLUMN, .op = FILTER_HAS};
        text += S_read_head(def, text, &term);
        size_t end = out->count == FILTER_TERMS - 1 ? strlen(text) : S_find_end(def, text);
        S_add_term(out, &term, text, end);
        text += end;
        text += *text == ' ';
        if (out->count == FILTER_TERMS)
            return;
    }
}

void filter_release(struct filter *filter)
{
    for (size_t i = 0; i < filter->count; i++)
        free(filter->terms[i].value);
    *filter = (struct filter){0};
}

/* ---- asking ---- */

static bool S_contains(const char *text, const char *wanted)
{
    for (; *text; text++)
        if (S_prefix(text, wanted))
            return true;
    return false;
}

static int S_compare_text(const char *a, const char *b)
{
    while (*a && S_fold(*a) == S_fold(*b)) {
        a++;
        b++;
    }
    return (unsigned char)S_fold(*a) - (unsigned char)S_fold(*b);
}

static double S_factor(char unit, enum cell_kind kind)
{
    double thousand = kind == CELL_BYTES ? 1024 : 1000;
    switch (unit) {
    case 'k':
    case 'K':
        return thousand;
    case 'M':
        return thousand * thousand;
    case 'G':
        return thousand * thousand * thousand;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 1;
    }
}

/* What a cell says as a number; false: it says none, or nobody knows. */
static bool S_cell_number(const struct cell *cell, int64_t now, double *number)
{
    switch (cell->kind) {
    case CELL_EMPTY:
    case CELL_UNKNOWN:
    case CELL_TEXT:
    case CELL_TIME:
        return false;
    case CELL_PERCENT:
    case CELL_BAR:
        *number = cell->real;
        return cell->real >= 0;
    case CELL_AGE:
        *number = (double)(now - cell->number) / 1000;
        return cell->number >= 0;
    default:
        *number = (double)cell->number;
        return cell->number >= 0;
    }
}

static bool S_holds(enum filter_op op, int order)
{
    switch (op) {
    case FILTER_LESS:
        return order < 0;
    case FILTER_AT_MOST:
        return order <= 0;
    case FILTER_MORE:
        return order > 0;
    case FILTER_AT_LEAST:
        return order >= 0;
    case FILTER_IS_NOT:
        return order != 0;
    default:
        return order == 0;
    }
}

static bool S_cell_passes(const struct filter_term *term, const struct cell *cell, int64_t now,
                          struct buf *scratch)
{
    double number;
    buf_clear(scratch);
    if (term->op != FILTER_HAS && S_cell_number(cell, now, &number)) {
        double wanted = term->number * S_factor(term->unit, cell->kind);
        return term->is_number ? S_holds(term->op, (number > wanted) - (number < wanted))
                               : term->op == FILTER_IS_NOT;
    }
    /* "waits" is the whole of a state, with or without the symbol in front of it. */
    struct cell plain = *cell;
    if (term->op != FILTER_HAS)
        plain.mark = NULL;
    cell_text(scratch, &plain, 0, false, now);
    if (term->op == FILTER_HAS)
        return S_contains(buf_text(scratch), term->value);
    bool ordered = term->op != FILTER_IS && term->op != FILTER_IS_NOT;
    if (ordered && cell->kind != CELL_TEXT && cell->kind != CELL_TIME)
        return false;
    return S_holds(term->op, S_compare_text(buf_text(scratch), term->value));
}

static bool S_term_passes(const struct filter_term *term, const struct table_def *def,
                          const struct snapshot *snapshot, size_t row, struct buf *scratch)
{
    size_t first = term->column < 0 ? 0 : (size_t)term->column;
    size_t end = term->column < 0 ? def->column_count : first + 1;
    for (size_t i = first; i < end; i++) {
        struct cell cell = {0};
        def->cell(snapshot, row, i, &cell);
        if (S_cell_passes(term, &cell, snapshot->at, scratch))
            return true;
    }
    return false;
}

bool filter_passes(const struct filter *filter, const struct table_def *def,
                   const struct snapshot *snapshot, size_t row)
{
    struct buf scratch = {0};
    bool passes = true;
    for (size_t i = 0; i < filter->count && passes; i++)
        passes = S_term_passes(&filter->terms[i], def, snapshot, row, &scratch);
    buf_release(&scratch);
    return passes;
}
