/*
 * text: UTF-8, how wide it is on a terminal, and the one sanitiser.
 *
 * Every byte that comes from a database, Redis, a log or a file passes text_clean() before it
 * reaches a terminal. What could steer a terminal (C0, DEL, C1 also as UTF-8, escape sequences),
 * turn the reading order (bidi), hide (zero width, tags, variation selectors beyond a sane number)
 * or is no valid UTF-8 comes out as a visible \x1b, \u202e, or U+FFFD. Widths are computed here
 * alone, so that the drawer and the printer agree.
 */
#ifndef TD_TEXT_H
#define TD_TEXT_H

#include "base.h"

/* The code point at `s` and its length in bytes; an invalid byte gives -1 and 1. */
int32_t text_next(const char *s, size_t len, size_t *used);
bool text_is_utf8(const char *s, size_t len);
/* Takes away what is there of a last letter that was cut off in its middle. */
void text_end_whole(char *s);

int text_rune_width(int32_t rune);            /* 0, 1 or 2 columns */
size_t text_width(const char *s);             /* columns of a clean text */
size_t text_fit(const char *s, size_t width); /* bytes of the longest start that is so wide */

/* Appends the harmless form of `s`; a newline becomes \n in words, a tab a blank. */
void text_clean(struct buf *out, const char *s, size_t len);
char *text_cleaned(const char *s); /* the same into a new string */
/* The same, but newlines stay, for texts of several lines. */
void text_clean_lines(struct buf *out, const char *s, size_t len);

enum text_align { TEXT_LEFT, TEXT_RIGHT };

/* Appends exactly `width` columns of the clean `s`: padded, or cut with "…" ("~" in ASCII). */
void text_pad(struct buf *out, const char *s, size_t width, enum text_align align, bool ascii);

/*
 * Appends a field of CSV, in quotes. What begins like a formula would be one to a spreadsheet, so
 * it gets an apostrophe in front.
 */
void text_csv(struct buf *out, const char *raw);

/* Appends 1234567 as "1,234,567". */
void text_count(struct buf *out, int64_t n);
/* Appends bytes as "512 B", "1.2 kB", "34 MB", powers of 1024. */
void text_bytes(struct buf *out, int64_t bytes);

#endif
