/*
 * cell: how a figure of the snapshot becomes a cell of a table.
 *
 * What is not known becomes CELL_UNKNOWN here, in one place, so that no table can show it as 0.
 * `out` is a zeroed cell; its mood stays as it is.
 */
#ifndef TD_CELL_H
#define TD_CELL_H

#include "table.h"

void cell_set_text(struct cell *out, const char *text); /* NULL or "": does not apply */
/* A word with a symbol in front; the lower its rank, the earlier it is sorted. */
void cell_set_word(struct cell *out, const char *mark, const char *word, int64_t rank);
void cell_set_number(struct cell *out, enum cell_kind kind, int64_t number);
void cell_set_real(struct cell *out, enum cell_kind kind, double real);
void cell_set_count(struct cell *out, const struct count_view *count);
void cell_set_absent(struct cell *out, const char *why); /* does not apply; `why` is shown dim */

/* 100 * part / whole; below 100 as long as something is left or either is an estimate. */
double cell_percent(const struct count_view *part, const struct count_view *whole);

#endif
