/*
 * console: the face that fills a terminal: panes over the sampler's snapshots, keys, prompts.
 *
 * It never waits for a server: all it shows comes from snapshots, and a verb runs in a process of
 * its own. It may die at any moment without harm to what runs.
 */
#ifndef TD_CONSOLE_H
#define TD_CONSOLE_H

#include "loop.h"
#include "screen.h"
#include "session.h"

struct console_options {
    enum theme theme;
    bool ascii, mouse;
    const char *script; /* takes its keys from this file, on a virtual screen; NULL */
    int lines, cols;    /* of the virtual screen; 0: 24 and 80 */
};

/* Until somebody leaves; gives the terminal back before it returns. */
bool console_run(struct loop *loop, struct session *session, const struct console_options *options,
                 struct err *err);

#endif
