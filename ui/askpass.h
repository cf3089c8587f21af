/*
 * askpass: asks the person at the terminal: for a secret without echo, for a name, or for y/N.
 *
 * Always /dev/tty, never stdin, so that a pipe cannot answer. Whatever ends the question - Enter on
 * nothing, ^C, ^D, a hang-up, a signal - gives the terminal its echo back and counts as No.
 */
#ifndef TD_ASKPASS_H
#define TD_ASKPASS_H

#include "base.h"

bool ask_possible(void); /* there is a terminal to ask at */

/* Yours, to str_wipe(); NULL: no terminal, or no answer. A session_ask_fn; `ctx` is not used. */
char *ask_secret(void *ctx, const char *prompt);
/*
 * What decides something has to be typed by hand, by the rule of the console's sheet (typing.h): a
 * paste is told to be one, and is no answer. True for 'y' and 'yes' alone.
 */
bool ask_yes(const char *question);
/* What was typed, with echo; yours. NULL: no terminal, or no answer. */
char *ask_line(const char *question);

#endif
