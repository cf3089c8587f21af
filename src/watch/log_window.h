/*
 * log_window: the stretch of the journal's log that is held in memory: its newest end, or, when
 * somebody looks back, an older stretch that grows at its beginning and loses its end.
 *
 * So the whole log can be gone through with a bounded number of events. What is narrowed (by
 * severity, step, table) is narrowed by the server, so that a window of few kinds reaches far back.
 */
#ifndef TD_LOG_WINDOW_H
#define TD_LOG_WINDOW_H

#include "snapshot.h"

enum { LOG_PAGE = 500, LOG_MOST = 2000 };

struct note { /* an event; one of the console's own has no id */
    int64_t id, at;
    enum severity severity;
    char *source, *step, *text; /* step: NULL: of none */
};

void note_release(struct note *note);

enum log_wish { LOG_STAYS, LOG_FIRST, LOG_OLDER, LOG_NEWER };

struct log_window {
    struct note *events; /* oldest first, without a gap */
    size_t count, cap;
    bool back;          /* its end is not the log's: newer ones have been let go */
    bool from_start;    /* nothing is older than its first */
    bool grows_back;    /* somebody reads old ones: the beginning is not to be dropped */
    enum log_wish wish; /* a page that is waited for */
    enum severity least;
    char *step, *table; /* only these; NULL: any */
};

void log_window_release(struct log_window *window);
/* Empty, at the newest end; what it is narrowed to stays. */
void log_window_reset(struct log_window *window);
void log_window_narrow(struct log_window *window, enum severity least, const char *step,
                       const char *table);
bool log_window_is_narrow(const struct log_window *window);

/* Each takes the notes of one answer, which are the window's then. */
void log_window_append(struct log_window *window, struct note *notes, size_t count);
void log_window_prepend(struct log_window *window, struct note *notes, size_t count);
/* The very first page takes the place of what is there. */
void log_window_begin(struct log_window *window, struct note *notes, size_t count);

int64_t log_window_first(const struct log_window *window); /* ids; 0: there is none */
int64_t log_window_last(const struct log_window *window);

#endif
