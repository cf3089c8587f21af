/*
 * sheet: what has to be answered before something is changed: a question, in most cases below a
 * text that says what is going to happen, and an answer typed by hand.
 *
 * The text has two sides: the outline, and the exact statements. It scrolls under the question. An
 * answer is a y, or, where nothing can be taken back, a name typed byte for byte; everything else
 * is a No, and so is an answer that came all at once, or after the sheet has grown old. What was
 * typed before the question could be read is none. The sheet knows no verb: whoever opened it is
 * told Yes or No.
 */
#ifndef TD_SHEET_H
#define TD_SHEET_H

#include "prompt.h"
#include "reader.h"

enum sheet_side { SHEET_OUTLINE, SHEET_SQL, SHEET_SIDES };

struct sheet_plan {
    const char *title;    /* "Before it begins: migrate" */
    const char *question; /* with its '?' */
    const char *name;     /* what has to be typed; NULL: a y */
    bool has_text;        /* sheet_add() brings it, and only sheet_ready() makes it answerable */
    bool has_sql;         /* and its other side */
};

struct sheet {
    bool open;
    bool ready, failed; /* its text is complete, or will never be */
    char *title, *question, *name, *label;
    bool has_text, has_sql;
    struct buf texts[SHEET_SIDES]; /* raw, as they came */
    bool ended[SHEET_SIDES];       /* all of it is here */
    enum sheet_side side;          /* the one in the reader */
    struct reader reader;
    struct prompt prompt;
    int64_t opened_at; /* wall clock */
    bool shown;        /* the question has stood on the screen */
    bool hears;        /* and long enough: from now on keys are its answer */
    bool dropped;      /* keys came before that */
};

/* Replaces one that is open. */
void sheet_open(struct sheet *sheet, const struct sheet_plan *plan);
void sheet_close(struct sheet *sheet);

void sheet_add(struct sheet *sheet, enum sheet_side side, const char *raw, size_t length);
void sheet_end(struct sheet *sheet, enum sheet_side side); /* nothing more comes */
/* From now on it may be answered; what `warns` says ("": nothing) stands before the question. */
void sheet_ready(struct sheet *sheet, const char *warns);
void sheet_fail(struct sheet *sheet, const char *remark); /* it never will be */
void sheet_turn(struct sheet *sheet);                     /* to the other side */

enum sheet_news { SHEET_STAYS, SHEET_YES, SHEET_NO };

/* A key of the answer. Of a No `*why` completes "nothing was done: ". */
enum sheet_news sheet_key(struct sheet *sheet, int key, bool by_hand, const char **why);

/*
 * In `body` and the lines below it, down to `end`. Left to the caller are `*bar`, the line of the
 * keys (-1: there is none), and, unless `answering`, the last line.
 */
void sheet_draw(struct sheet *sheet, struct box body, enum layout_frame frame, int end,
                bool answering, int *bar);
/* After a drawing: true once, when the question has just become visible. */
bool sheet_was_shown(struct sheet *sheet);
/* Somebody has had the time to read the question: the prompt appears. */
void sheet_hear(struct sheet *sheet);
/* Something else is asked for in between; afterwards the question has to be shown again. */
void sheet_look_away(struct sheet *sheet);

#endif
