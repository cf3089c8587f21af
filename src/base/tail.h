/*
 * tail: the lines of a file that grows, from near its end; also when it is rotated away or begun
 * anew.
 *
 * A line that has not ended yet is held back. Whoever reads asks again after a while: nothing here
 * waits. Lines are raw.
 */
#ifndef TD_TAIL_H
#define TD_TAIL_H

#include "err.h"

struct tail;

/* The last `lines` of what is there; -1: all of it. Only a regular file: others may have no end. */
bool tail_open(const char *path, int64_t lines, struct tail **out, struct err *err);
void tail_free(struct tail *tail); /* NULL is fine */

/* The next whole line, without its end, borrowed until the next call; false: there is none now. */
bool tail_line(struct tail *tail, const char **line, size_t *length);
/* What is left after the last line's end, when nothing more is waited for. */
bool tail_rest(struct tail *tail, const char **line, size_t *length);

enum tail_news {
    TAIL_SAME,
    TAIL_CUT,     /* it is shorter than it was: read from its beginning */
    TAIL_ROTATED, /* another file has its name: read from its beginning */
    TAIL_GONE,    /* no file has its name; told once */
};

/* After tail_line() had no more: what has become of the file. */
enum tail_news tail_look(struct tail *tail);

#endif
