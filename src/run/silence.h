/*
 * silence: a server that answers no more holds no worker for ever.
 *
 * Whoever waits for an answer waits as long as it takes, since an index may take hours; and a
 * connection that breaks says so. But one that stays open while nobody is behind it any more (a
 * proxy whose server has gone, a server that was frozen) never says anything. So the control
 * connection, whose statements are short, is watched: it is opened anew after a minute of silence,
 * and when no answer came for longer than a run waits for its server to come back, the worker ends
 * as a kill would end it, which every step can be resumed after. Nothing could be written of that
 * but to its log.
 *
 * What passes is counted by our own turns, not by the clock: one that was stopped has not listened.
 */
#ifndef TD_SILENCE_H
#define TD_SILENCE_H

#include "run.h"

void silence_watch(struct run *run);
void silence_forget(struct run *run);

#endif
