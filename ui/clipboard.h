/*
 * clipboard: hands a text to the clipboard of the terminal that somebody sits at, by OSC 52.
 *
 * The terminal may be far away, over several hops of SSH; whether it takes the text is its own
 * affair, and it never answers. Only clean text goes out: what is pasted elsewhere must not steer
 * that place either.
 */
#ifndef TD_CLIPBOARD_H
#define TD_CLIPBOARD_H

#include "err.h"

enum { CLIPBOARD_MOST = 16 * 1024 }; /* bytes; more would block a slow line for long */

/* `text` is clean. Refuses what is longer than CLIPBOARD_MOST, and an empty text. */
bool clipboard_put(const char *text, size_t length, struct err *err);

#endif
