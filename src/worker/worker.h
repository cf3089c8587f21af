/*
 * worker: the process that executes a run: it has no terminal, and nobody waits for it.
 *
 * Console and command line launch it and then only read the journal; so any of them may die, and
 * any other may look on. SIGTERM stops it at the next border, SIGINT aborts what is under way; both
 * can be resumed. Its output goes to a log file.
 */
#ifndef TD_WORKER_H
#define TD_WORKER_H

#include "claim.h"

/*
 * Begins the worker and returns when it has claimed the plan: `*run` is its number. Whatever keeps
 * it from that is the error here: another runner, a journal that may not be made, a mapping that is
 * wrong. It is a process of its own, in its own session; a password goes with it in its memory.
 */
bool worker_launch(struct session *session, const struct run_order *order, int64_t *run,
                   struct err *err);

/* The whole of it in this process: what the launched process does. False: err says why. */
bool worker_work(struct session *session, const struct run_order *order, int report_fd,
                 struct err *err);

#endif
