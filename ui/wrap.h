/*
 * wrap: breaks a clean text into lines of a width, at blanks where it can.
 *
 * The rest of a broken line hangs under its first word, so that an indented list stays one; behind
 * a label (" locks none"), under what it labels.
 */
#ifndef TD_WRAP_H
#define TD_WRAP_H

#include "screen.h"

struct wrapped {
    struct wrapped_line {
        const char *start; /* borrowed from the text */
        size_t length;
        int indent; /* blanks in front of a continued line */
    } * lines;
    size_t count, cap;
};

/* Replaces what was there; borrows `text`. */
void wrap_text(struct wrapped *wrapped, const char *text, int width);
void wrap_release(struct wrapped *wrapped);

int wrap_width(const struct wrapped *wrapped, size_t line); /* columns, with its indentation */
/* How many lines a sentence takes on a screen of `width`, at most so many. */
int wrap_height(const char *sentence, int width, int most);
/* A sentence over the whole width, in the lines just above `end`. */
void wrap_sentence(const char *sentence, enum mood mood, int most, int end);

/* Without its first `skip` columns, which have gone to the left. */
void wrap_put(const struct wrapped *wrapped, size_t line, int y, int x, int width, int skip,
              struct style style);

#endif
