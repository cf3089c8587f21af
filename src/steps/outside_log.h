/*
 * outside_log: what a command of somebody else says: all of it judged, some of it kept for the log.
 *
 * A command may talk without end. Only so many lines a second and in all are handed on, with their
 * number told where some were left out, and its last lines are always among them. Memory is
 * bounded, and no server is asked here: the step hands the lines to the journal while it waits.
 */
#ifndef TD_OUTSIDE_LOG_H
#define TD_OUTSIDE_LOG_H

#include "base.h"

struct outside_log;

/* `failure`: texts that betray a failure, ended by NULL; kept by the caller. */
struct outside_log *outside_log_new(const char *const *failure);
void outside_log_free(struct outside_log *log); /* NULL is fine */

/* A process_line_fn of process.h; `ctx` is the log. */
void outside_log_hear(void *ctx, const char *line, size_t len, bool whole);
/* It has said all: what was held back of its end comes now. */
void outside_log_close(struct outside_log *log);

/* The next line for the journal, printable and without passwords; false: none is there now. */
bool outside_log_next(struct outside_log *log, struct buf *out);

/* The first line in which one of the texts stood, and that text; NULL: none did. */
const char *outside_log_failure(const struct outside_log *log, const char **text);
/* Its last words, for an error; "" when it said nothing; valid until the next call. */
const char *outside_log_last(struct outside_log *log);
int64_t outside_log_lines(const struct outside_log *log);
int64_t outside_log_left_out(const struct outside_log *log);

#endif
