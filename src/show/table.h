/*
 * table: anything that is shown in rows: sorted, filtered, cleaned, printed as text or JSON.
 *
 * A table_def hands out column data of a snapshot (tables.c has them all); whoever shows it, the
 * command line or a pane, asks here for the order of the rows, the width of the columns and the
 * clean text of a cell. So all faces show the same, and a new table is some 60 lines.
 */
#ifndef TD_TABLE_H
#define TD_TABLE_H

#include "snapshot.h"
#include "text.h"

#include <jansson.h>

enum mood { MOOD_PLAIN, MOOD_DIM, MOOD_GOOD, MOOD_WARN, MOOD_BAD, MOOD_ACTIVE };

enum cell_kind {
    CELL_EMPTY,   /* does not apply: shown as nothing or as its text, null in JSON */
    CELL_UNKNOWN, /* is not known: shown as "?", null in JSON */
    CELL_TEXT,
    CELL_COUNT,   /* number; told in thousands or millions where it does not fit */
    CELL_PERCENT, /* real, 0 to 100; never shown as 100 before it is, nor as 0 after it is not */
    CELL_BAR,     /* real, 0 to 100, drawn as a bar; a number in JSON */
    CELL_BYTES,   /* number */
    CELL_SECONDS, /* number, "24h" */
    CELL_AGE,     /* number: a wall clock time, shown as its age at the snapshot's moment */
    CELL_TIME,    /* number: a wall clock time, shown as 12:04:31 */
};

struct cell {
    enum cell_kind kind;
    enum mood mood;
    bool estimate;  /* shown with ~ */
    int64_t number; /* of a text: its rank; a lower one sorts first, whatever the text */
    double real;
    const char *text; /* raw, borrowed from the snapshot or static */
    const char *mark; /* NULL, or a symbol shown in front of the text; not in JSON */
};

struct column {
    const char *name;    /* the key in JSON, and for --sort */
    const char *heading; /* at most `width` wide */
    const char *note;    /* what it means, for the help and the manual */
    enum text_align align;
    int width;    /* wanted at the least */
    int flex;     /* share of what is left over; 0: stays at width */
    int priority; /* 1 stays longest; a narrow screen drops the highest first */
};

struct table_def {
    const char *name;          /* "tables" */
    const char *title;         /* "Tables" */
    const char *note;          /* one sentence, for help and manual */
    const char *empty;         /* what is said when there are no rows, and what to do */
    const char *empty_of_keys; /* the same under a plan of kind cache; NULL: the same words */
    const char *estimate_note; /* what ~ means here, for the footer; NULL: no cell is an estimate */
    const char *exact_note;    /* how the command line gets the figures exactly; NULL: not at all */
    const struct column *columns;
    size_t column_count;
    size_t (*rows)(const struct snapshot *snapshot);
    void (*cell)(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out);
    /* The figures in the title: "26 tables, 341,766 rows, 0 % with tenant". May be NULL. */
    void (*summary)(const struct snapshot *snapshot, struct buf *out);
    /* What Enter opens: lines about one row, raw. NULL: nothing to open. */
    void (*detail)(const struct snapshot *snapshot, size_t row, struct buf *out);
    /* The row that matters most just now, which a view follows; NULL, or false: none does. */
    bool (*focus)(const struct snapshot *snapshot, size_t *row);
    int default_sort; /* column, or -1: the order of the snapshot */
    bool tail;        /* the newest row is the last, and the view follows it: a log */
};

enum { TABLE_GAP = 1 }; /* blanks between two columns */

/* What a table without rows says of this moment. */
const char *table_nothing(const struct table_def *def, const struct snapshot *snapshot);

/* Which rows are shown, in which order. `rows` are indexes into the snapshot's. */
struct arrangement {
    size_t *rows;
    size_t count;
    size_t hidden; /* filtered away */
};

struct arrange_by {
    int sort; /* column, or -1 */
    bool descending;
    const char *filter; /* as filter.h reads it; NULL or "": all rows */
};

/*
 * By number for numbers, by bytes without case for texts, what is not known last in both
 * directions, equal ones in the order of the snapshot. `by` may be NULL: all rows, default order.
 */
void table_arrange(const struct table_def *def, const struct snapshot *snapshot,
                   const struct arrange_by *by, struct arrangement *out);
void arrangement_release(struct arrangement *arrangement);

/*
 * The clean text of a cell, appended, without padding. `width` is the column's: a bar is as wide,
 * and a count that does not fit is told in thousands (k), millions (M) or billions (G); 0: no
 * limit, and no bar. All that is foreign is cleaned here, once.
 */
void cell_text(struct buf *out, const struct cell *cell, int width, bool ascii, int64_t now);
/* Appends a bar of `width` columns: full, empty and, unless ASCII, eighths between. */
void bar_text(struct buf *out, double percent, int width, bool ascii);

/* Appends "0", "<0.1", "7.4", "45", "99.9", "100": the ends only when they are reached. */
void percent_text(struct buf *out, double percent);

/* What somebody wants of the columns, beyond what the width decides. */
struct column_wish {
    const bool *off; /* column_count; those that shall not be shown; NULL: none */
    int wanted;      /* one that shall be shown before all but the first; -1: none */
};

/*
 * Chooses widths for `total` columns, gaps included; 0: the column is not shown. `widths` has
 * column_count; `wish` may be NULL.
 */
void table_layout(const struct table_def *def, const struct column_wish *wish, int total,
                  int *widths);

/*
 * The whole table as text: title, headings, rows, each line at most `width` columns; 0: nothing is
 * cut, no column is left out, and a line is as long as it has to be.
 */
void table_print(struct buf *out, const struct table_def *def, const struct snapshot *snapshot,
                 const struct arrange_by *by, int width, bool ascii);
/* An array of objects, one a row; a count that is an estimate has "<name>_exact": false beside. */
json_t *table_json(const struct table_def *def, const struct snapshot *snapshot,
                   const struct arrange_by *by);
/* A text as JSON, which has to be valid UTF-8: bytes that are not become U+FFFD. */
json_t *table_text_json(const char *raw);

#endif
