/*
 * verb_launch: what the verbs share that have a worker do something: their options, the order of
 * the plan's steps and how far they are, and the worker itself.
 */
#ifndef TD_VERB_LAUNCH_H
#define TD_VERB_LAUNCH_H

#include "run.h"
#include "verb.h"

/* The value of an option; NULL: it was not given, or this verb has none of the name. */
const char *verb_given(const struct verb_call *call, const char *name);
enum run_mode verb_mode(const struct verb_call *call); /* as it was named; online when none was */
/* The mode that is named; else that of the run it would go on with, or of the migration before. */
bool verb_find_mode(struct verb_call *call, struct pg *pg, const char *verb, enum run_mode *mode,
                    struct err *err);

struct verb_order { /* the plan's steps, in order */
    struct arena *arena;
    const struct step_def **defs;
    const char **states; /* NULL: it never ran */
    size_t count;
};

/*
 * Connects for a moment; asks for a password when it must, which the worker then has. The arena is
 * yours to free; NULL after a failure.
 */
bool verb_order_read(struct verb_call *call, struct verb_order *out, struct err *err);
size_t verb_order_find(const struct verb_order *order, const char *name); /* count: there is none */
/* The error that the plan has no such step; returns false. */
bool verb_order_unknown(const struct verb_call *call, const char *name, struct err *err);

/* A connection to a database that has a journal: without one there is no run to speak of. A
 * connection that was made is yours to free, also after a failure. */
bool verb_connect_journal(struct verb_call *call, struct pg **pg, struct err *err);

/*
 * Begins a worker, and follows it unless --detach says not to. What was shown before (the call's
 * token) must still be what would run.
 */
bool verb_launch(struct verb_call *call, const char *verb, const char *const *steps, size_t count,
                 struct err *err);
/* The same for these tables alone (a JSON array of names; NULL: all). */
bool verb_launch_about(struct verb_call *call, const char *verb, const char *const *steps,
                       size_t count, json_t *units, struct err *err);

#endif
