/*
 * filter: which rows of a table somebody wants to see: "sessions", "missing>0", "level:error step
 * 3".
 *
 * A term of a filter is a text, which any column may contain, or a column (its name or its
 * heading), an operator and a value. A term ends where the next column's begins; all of them have
 * to hold, in any case of letters. `:` contains, `=` and `!=` are the whole cell, `<` `<=` `>` `>=`
 * compare numbers with numbers (also 10k, 5M, 2h, 30d) and texts with texts. What is not known is
 * neither less nor more than anything. Text in "quotes" is text, whatever it looks like.
 */
#ifndef TD_FILTER_H
#define TD_FILTER_H

#include "table.h"

enum filter_op {
    FILTER_HAS,
    FILTER_IS,
    FILTER_IS_NOT,
    FILTER_LESS,
    FILTER_AT_MOST,
    FILTER_MORE,
    FILTER_AT_LEAST,
};

enum { FILTER_TERMS = 8, FILTER_ANY_COLUMN = -1 };

struct filter {
    struct filter_term {
        int column;
        enum filter_op op;
        char *value;
        bool is_number; /* then the two below are what it says */
        double number;
        char unit; /* 'k', 'M', 'G', 's', 'm', 'h', 'd', '%' or '\0' */
    } terms[FILTER_TERMS];
    size_t count;
};

/* Every text is a filter; NULL and "" let all rows pass. */
void filter_read(const struct table_def *def, const char *text, struct filter *out);
void filter_release(struct filter *filter);

bool filter_passes(const struct filter *filter, const struct table_def *def,
                   const struct snapshot *snapshot, size_t row);

#endif
