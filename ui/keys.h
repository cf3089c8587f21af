/*
 * keys: one table of keys, what they do and where. The help and the key bar are made from it.
 */
#ifndef TD_KEYS_H
#define TD_KEYS_H

#include "screen.h"
#include "tables.h"

enum action {
    ACT_NONE,
    ACT_UP,
    ACT_DOWN,
    ACT_PAGE_UP,
    ACT_PAGE_DOWN,
    ACT_FIRST,
    ACT_LAST,
    ACT_NEXT_PANE,
    ACT_PREVIOUS_PANE,
    ACT_PANE, /* the one whose digit was pressed */
    ACT_OPEN,
    ACT_ZOOM,
    ACT_BACK,
    ACT_SEARCH,
    ACT_SEARCH_NEXT,
    ACT_SEARCH_PREVIOUS,
    ACT_FILTER,
    ACT_SORT,
    ACT_SORT_REVERSE,
    ACT_COLUMN_NEXT,
    ACT_COLUMN_PREVIOUS,
    ACT_COLUMN_HIDE,
    ACT_COLUMNS_ALL,
    ACT_SCROLL_LEFT,
    ACT_SCROLL_RIGHT,
    ACT_WRAP,
    ACT_COPY,
    ACT_COPY_FILE,
    ACT_COUNT,
    ACT_COUNT_ALL,
    ACT_COUNT_STOP,
    ACT_RUN_STEP,
    ACT_RUN_TO,
    ACT_RUN_ALL,
    ACT_PAUSE, /* or resume */
    ACT_HOLD,
    ACT_HOLD_NOT,
    ACT_STOP,
    ACT_ABORT,
    ACT_FASTER,
    ACT_SLOWER,
    ACT_SLEEP_LESS,
    ACT_SLEEP_MORE,
    ACT_TURN, /* the sheet, to its other side */
    ACT_FOLLOW,
    ACT_FOLLOW_END,
    ACT_LOG_LEVEL,
    ACT_LOG_STEP,
    ACT_LOG_TABLE,
    ACT_CANCEL_STATEMENT,
    ACT_END_SESSION,
    ACT_UNDO,   /* of a step; which key says how much */
    ACT_GUIDE,  /* of a rollback: looks again, or at its statements; which key says */
    ACT_CHOOSE, /* in that guide: what is taken back; which key says */
    ACT_MEND,   /* of a check, likewise */
    ACT_TELL,
    ACT_KEYS_CLEAR, /* of the row: a template's, a tenant's, one */
    ACT_KEYS_KEEP,  /* the same, with an undo file */
    ACT_KEYS_TTL,
    ACT_KEYS_STALE,
    ACT_KEYS_WARM,
    ACT_KEYS_RESTORE,
    ACT_LOGIN_END,
    ACT_REFRESH,
    ACT_WRITE,
    ACT_COMMAND,
    ACT_HELP,
    ACT_REDRAW,
    ACT_SUSPEND,
    ACT_QUIT,
};

/* Where a key means something: 1 << table_id for a pane, the reader, and what is asked. */
enum key_place {
    IN_READER = 1 << TABLE_COUNT,
    IN_SHEET = 2 << TABLE_COUNT,    /* a question with a text above it: letters are the answer */
    IN_QUESTION = 4 << TABLE_COUNT, /* one without */
    IN_HOLDINGS = 8 << TABLE_COUNT, /* what a tenant has, */
    IN_KEYS = 16 << TABLE_COUNT,    /* and keys one by one, both below a pane's row */
    IN_GUIDE = 32 << TABLE_COUNT,   /* the text that guides through a rollback */
    IN_LEVELS = IN_HOLDINGS | IN_KEYS,
    IN_TOPS = (1 << TABLE_COUNT) - 1,
    IN_PANES = IN_TOPS | IN_LEVELS,
};

enum { BINDING_KEYS = 5 };

struct binding {
    enum action action;
    unsigned where;
    int keys[BINDING_KEYS];
    const char *shown; /* the keys as people call them */
    const char *note;  /* what it does, for the help */
    const char *label; /* in the key bar; NULL: not there */
};

extern const struct binding bindings[];
extern const size_t binding_count;

enum action keys_find(int key, unsigned place);

/* "Down", "C-l", "Enter", "x": the key of a name; K_NONE: there is none. For scripts. */
int keys_named(const char *name);

/* The key bar of a place; `barred` has binding_count: which are drawn as not possible. */
void keys_draw_bar(int y, unsigned place, const bool *barred);

/* The keys of a place, a line each. */
void keys_tell(struct buf *out, unsigned place);

#endif
