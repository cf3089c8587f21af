/*
 * detail: the lines that Enter opens: "label  value", one under the other, then what to do.
 *
 * The texts stay raw, as a struct table_def promises; but a value has one line, whatever the
 * database holds, so that no foreign text can look like a line of ours.
 */
#ifndef TD_DETAIL_H
#define TD_DETAIL_H

#include "snapshot.h"

/* A value that is NULL or "" gives no line. */
void detail_text(struct buf *out, const char *label, const char *value);
void detail_number(struct buf *out, const char *label, int64_t number); /* or "not known" */
void detail_percent(struct buf *out, const char *label, double percent, bool exact, const char *of);
void detail_bytes(struct buf *out, const char *label, int64_t bytes); /* likewise */
void detail_seconds(struct buf *out, const char *label, int64_t seconds);
/* "~60,000, an estimate, 3h20m old", "12,000, counted exactly 4s ago". */
void detail_count(struct buf *out, const char *label, const struct count_view *count, int64_t now);
void detail_moment(struct buf *out, const char *label, int64_t at, int64_t now);
/* A foreign text of several lines, all of them indented. */
void detail_lines(struct buf *out, const char *text);
/* A sentence of ours in a paragraph of its own. */
void detail_say(struct buf *out, const char *sentence);
/* One row of a list: a foreign name, and a figure behind it in a column. */
void detail_name(struct buf *out, const char *name);
void detail_item(struct buf *out, const char *name, int64_t number);
/* The same with a sentence of ours behind it; "": none. */
void detail_item_with(struct buf *out, const char *name, int64_t number, const char *remark);

#endif
