/*
 * pane: a table with a cursor: which rows are shown, which of them is meant, and their drawing.
 *
 * Draws from a const snapshot and keeps no pointer into it: the cursor remembers its row by what
 * the row says, so it stays there when the data are refreshed, sorted or filtered. A log (a table
 * with `tail`) follows its end until somebody moves away from it; a table with a `focus` follows
 * the row that it names, likewise.
 */
#ifndef TD_PANE_H
#define TD_PANE_H

#include "layout.h"
#include "table.h"

struct pane {
    const struct table_def *def;
    struct arrange_by by; /* by.filter points to `filter` */
    char *filter;         /* never NULL */
    struct arrangement shown;
    size_t cursor, top; /* positions in `shown` */
    size_t page;        /* rows that had room in the last drawing */
    char *words;        /* pane_words() of the cursor's row; NULL: nobody has moved it yet */
    char *subject;      /* pane_subject() of it, in case the words have changed */
    bool follows;       /* the end of a log, or the row that matters most */
    int chosen;         /* the column that is meant; -1: none */
    bool *off;          /* the columns that somebody has hidden */
    int shift;          /* how far it is scrolled to the right */
    char *seen;         /* the last row when it stopped following */
};

void pane_init(struct pane *pane, const struct table_def *def);
void pane_release(struct pane *pane);

/* After each new snapshot, and after sort or filter have changed: puts the rows in order. */
void pane_arrange(struct pane *pane, const struct snapshot *snapshot);
void pane_filter(struct pane *pane, const char *filter);

/* `rows` may be more than there are. */
void pane_move(struct pane *pane, const struct snapshot *snapshot, long rows);
void pane_move_to(struct pane *pane, const struct snapshot *snapshot, size_t position);
/*
 * The cursor's row is meant by its position alone, until somebody moves: the rows will be others.
 */
void pane_forget(struct pane *pane);
void pane_follow(struct pane *pane, const struct snapshot *snapshot, bool follows);

/* By the chosen column, the other way round the second time; without one by each in turn. */
void pane_sort_next(struct pane *pane);

/* ---- columns (pane_columns.c) ---- */

void pane_choose(struct pane *pane, int step); /* the next or previous; after the last none */
bool pane_hide_chosen(struct pane *pane); /* false: none is chosen, or the first, which stays */
void pane_show_all(struct pane *pane);
size_t pane_count_off(const struct pane *pane);
void pane_scroll(struct pane *pane, int columns);

/* Appends the clean text of the chosen cell, or of the row with tabs between; false: no row. */
bool pane_copy(const struct pane *pane, const struct snapshot *snapshot, struct buf *out);

/* The row of the snapshot that the cursor is on; false when there is none. */
bool pane_row(const struct pane *pane, size_t *row);

/* What a row says without its figures, which change while the row stays the same; yours. */
char *pane_words(const struct pane *pane, const struct snapshot *snapshot, size_t row);

/* What a row is about, clean: the column "subject", else the first; yours. */
char *pane_subject(const struct pane *pane, const struct snapshot *snapshot, size_t row);

/* Moves to the next (or previous) row that contains `wanted`, any case. */
enum pane_found { FOUND_NONE, FOUND_HERE, FOUND_AHEAD, FOUND_WRAPPED };
enum pane_found pane_search(struct pane *pane, const struct snapshot *snapshot, const char *wanted,
                            bool backwards);

struct pane_look {
    enum layout_frame frame;
    bool focused;
    const char
        *stale; /* why the rows may not be true any more: "no answer for 12s"; NULL: they are */
    const char *nothing; /* said instead of the table's own sentence when it is empty; NULL */
    const char *number;  /* in front of the title: "2" */
    const char *title;   /* instead of the table's own; NULL; clean */
    const char *remark;  /* about the rows: "looking through Redis"; NULL; raw */
};

void pane_draw(struct pane *pane, const struct snapshot *snapshot, struct box box,
               const struct pane_look *look);

#endif
