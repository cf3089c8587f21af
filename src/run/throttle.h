/*
 * throttle: may the next batch begin?
 *
 * It looks at the server twice a second, over the control connection when that is free, and never
 * waits for an answer: what counts is the newest one. Without an answer for five seconds nothing
 * goes on, since a server that cannot say how it is should not be given more to do. The reason to
 * wait is a sentence with figure and limit, for the journal and the screen.
 *
 * Replicas count that are connected and replay by themselves; one that has gone, and a logical
 * subscriber, hold nobody up.
 */
#ifndef TD_THROTTLE_H
#define TD_THROTTLE_H

#include "run.h"

struct throttle;

struct throttle *throttle_new(struct run *run);
/*
 * NULL is fine. Comes before pg_free() of run->control: a look that is under way there is waited
 * for as long as the server may take, and else the connection is dropped.
 */
void throttle_free(struct throttle *throttle);

/* Looks, when it is time; for the pulse of the run. Returns at once. */
void throttle_sample(struct throttle *throttle);
/* Why nothing may begin; NULL: it may. The text is the throttle's, and changes with the samples. */
const char *throttle_reason(const struct throttle *throttle);

/* One of the limits, as limits_set() takes it; also "batch_ms", a number of milliseconds. */
bool throttle_set(struct throttle *throttle, const char *name, const char *value, struct err *err);
char *throttle_words(const struct throttle *throttle);      /* all of them in a line; yours */
int64_t throttle_batch_ms(const struct throttle *throttle); /* how long a batch should take */
int64_t throttle_sleep(const struct throttle *throttle);    /* in hundredths of a batch's time */
/* How long to rest after a batch that took so long. */
int64_t throttle_rest_ms(int64_t sleep, int64_t took_ms);
/*
 * How long a fill waits for transactions that see the rows as they were; LIMIT_OFF: for all of
 * them.
 */
int64_t throttle_patience_ms(const struct throttle *throttle);
int throttle_pages(const struct throttle *throttle); /* of a table, in a batch, at most */

/*
 * How many pages the next batch should have, when the last one had `pages` and took so long: half
 * as many when it took more than twice its target, else what would meet it, but never more than
 * half as many again; from 1 to `most`.
 */
int throttle_next_pages(int pages, int64_t took_ms, int64_t target_ms, int most);

#endif
