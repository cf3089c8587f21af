/*
 * reader: a text to scroll in: help, the details of a row, the output of a verb.
 *
 * Takes raw text and cleans it; a long line is wrapped, or cut and scrolled to. Text may be
 * added while it is read. What is longer than the limit loses its beginning, and says so.
 */
#ifndef TD_READER_H
#define TD_READER_H

#include "layout.h"
#include "wrap.h"

struct reader {
    bool open;
    char *title, *remark; /* clean; remark: "running", "exit 0" */
    enum mood remark_mood;
    struct buf text;    /* clean */
    struct buf pending; /* raw: a line that has not ended yet */
    bool verbatim;      /* statements: nothing of it is put in other words */
    bool cut;           /* its beginning was dropped */
    struct wrapped lines;
    int width;      /* that `lines` were made for; -1: another is wanted; 0: the text has changed */
    int inside;     /* the width that was last drawn; 0: none was */
    bool cut_lines; /* long lines are cut at the edge and not wrapped */
    int shift;      /* then: how far it is scrolled to the right */
    size_t top, page;
    bool follows; /* the end, while text is added */
    char *wanted; /* what was searched for; NULL */
};

/* Replaces what was there. */
void reader_open(struct reader *reader, const char *title);
void reader_close(struct reader *reader);

void reader_add(struct reader *reader, const char *raw, size_t length);
void reader_end(struct reader *reader); /* nothing more comes: shows an unfinished line */
void reader_remark(struct reader *reader, enum mood mood, const char *remark);

void reader_move(struct reader *reader, long lines);
void reader_move_to(struct reader *reader, size_t line);

/* Long lines are cut instead of wrapped, or wrapped again. */
void reader_cut_lines(struct reader *reader, bool cut);
void reader_scroll(struct reader *reader, int columns); /* cuts lines, when it goes to the right */

/* To the next (or previous) line that contains it, any case; false: none does. */
bool reader_search(struct reader *reader, const char *wanted, bool backwards, bool *wrapped);

void reader_draw(struct reader *reader, struct box box, enum layout_frame frame);

#endif
