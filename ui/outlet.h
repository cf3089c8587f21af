/*
 * outlet: between curses and the terminal: what was drawn and the terminal has not taken yet.
 *
 * Curses waits for a terminal that takes nothing, and with it would wait every key and every
 * server. So it draws into a file in memory, and what stands there goes out as fast as the line is:
 * whoever draws asks outlet_is_behind() first, and skips the frame when the one before is still on
 * its way. The terminal's modes are set here, too, for curses sees no terminal any more. One at a
 * time.
 */
#ifndef TD_OUTLET_H
#define TD_OUTLET_H

#include "err.h"

#include <stdio.h>

/* Of the terminal of stdin and stdout; `file` is what curses shall write to, and stays ours. */
bool outlet_open(FILE **file, struct err *err);
void outlet_close(void); /* waits a moment for the rest to go out, then gives the modes back */

void outlet_raw(void);   /* each key comes as it is, at once; the modes before are kept */
void outlet_usual(void); /* the modes as they were; a signal handler may call it */
void outlet_take(void);  /* what curses has written since is to go out */
void outlet_add(const char *bytes);
void outlet_push(void); /* as much as the terminal takes now; never waits */
void outlet_settle(
    void); /* waits for the rest, but not for ever: before the shell has the terminal */

bool outlet_is_behind(void);
int outlet_fd(void); /* to wait for, while it is behind */

#endif
