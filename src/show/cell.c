/* cell: see cell.h. */
#include "cell.h"

void cell_set_text(struct cell *out, const char *text)
{
    out->kind = text && *text ? CELL_TEXT : CELL_EMPTY;
    out->text = text && *text ? text : NULL;
}

void cell_set_word(struct cell *out, const char *mark, const char *word, int64_t rank)
{
    out->kind = CELL_TEXT;
    out->mark = mark;
    out->text = word;
    out->number = rank;
}

void cell_set_number(struct cell *out, enum cell_kind kind, int64_t number)
{
    out->kind = number >= 0 ? kind : CELL_UNKNOWN;
    out->number = number;
}

void cell_set_real(struct cell *out, enum cell_kind kind, double real)
{
    out->kind = real >= 0 ? kind : CELL_UNKNOWN;
    out->real = real;
}

void cell_set_count(struct cell *out, const struct count_view *count)
{
    cell_set_number(out, CELL_COUNT, count->value);
    out->estimate = count->value >= 0 && !count->exact;
}

void cell_set_absent(struct cell *out, const char *why)
{
    out->kind = CELL_EMPTY;
    out->mood = MOOD_DIM;
    out->text = why;
}

double cell_percent(const struct count_view *part, const struct count_view *whole)
{
    /* The share that is shown of what is very nearly, but not surely, all. */
    static const double almost = 99.9;
    bool exact = part->exact && whole->exact;
    if (part->value < 0 || whole->value < 0)
        return UNKNOWN;
    if (whole->value == 0)
        return exact ? 100 : UNKNOWN;
    double percent = 100.0 * (double)part->value / (double)whole->value;
    bool all = exact && part->value >= whole->value;
    if (all)
        return 100;
    return percent > almost && !exact ? almost : percent;
}
