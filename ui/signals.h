/*
 * signals: what the kernel tells the console, as news in the loop.
 *
 * A handler only notes what came and wakes the loop. Crashes are the exception: they give the
 * terminal back at once, and then take the course they would have taken without us.
 */
#ifndef TD_SIGNALS_H
#define TD_SIGNALS_H

#include "loop.h"

enum signal_news {
    NEWS_RESIZED = 1,
    NEWS_LEAVE = 2,     /* SIGTERM, SIGINT, SIGQUIT, SIGHUP: the terminal or the day is over */
    NEWS_CONTINUED = 4, /* after a stop that somebody else has sent */
    NEWS_STOPPED = 8,   /* SIGTSTP: somebody wants us to stop, and the terminal for the shell */
};

typedef void signals_fn(void *ctx, unsigned news);

/* `crash` is called from the handler of a fatal signal and must be fit for that. */
void signals_open(struct loop *loop, void (*crash)(void), signals_fn *arrived, void *ctx);
void signals_close(void);

/* A forked child shall die of a signal like any other program. */
void signals_forget_in_child(void);

#endif
