/*
 * control: the second connection of a run: signs of life, requests of people, events, findings.
 *
 * It never takes part in a transaction of the work, so a rollback cannot erase its own report. It
 * beats by a timer of the loop, so heartbeats and requests go on during an hour of CREATE INDEX.
 */
#ifndef TD_CONTROL_H
#define TD_CONTROL_H

#include "run.h"

enum { PULSE_MS = 500 };

/* Begins and ends the pulse; the control connection must be open. */
void control_start(struct run *run);
void control_stop(struct run *run); /* answers what is still open first */

/* A statement of run.sql over the control connection, which is opened again when it was lost. */
bool control_run(struct run *run, const char *name, const char *const *values, int count,
                 struct pg_result **out, struct err *err);

/* The same for what must not be lost (an end, a state), again and again for a while. No row: the
 * fence is lost. */
bool control_insist(struct run *run, const char *name, const char *const *values, int count,
                    struct err *err);

/* What a person or a signal asks; the answer is a sentence, borrowed. */
const char *control_obey(struct run *run, const char *verb, const char *argument);

#endif
