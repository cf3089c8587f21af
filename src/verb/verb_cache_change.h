/*
 * verb_cache_change: intent and result of a verb that changes keys: on this host's disk, and in the
 * log of the database's journal where there is one.
 */
#ifndef TD_VERB_CACHE_CHANGE_H
#define TD_VERB_CACHE_CHANGE_H

#include "restore_log.h"
#include "verb.h"

struct verb_change {
    struct restore_log log;
    bool begun,
        resumed;   /* an earlier one of the same order was cut off, and this goes on with it */
    struct pg *pg; /* of the journal; NULL: there is none that we may write to */
};

/*
 * `what`: "clear", "rekey". Takes `order`; refused while one with another order is unfinished on the
 * same Redis. The intent is on the disk when it returns.
 */
bool verb_change_begin(struct verb_call *call, const char *server, const char *what, json_t *order,
                       struct verb_change *out, struct err *err);
/* Into the journal, where there is one; what it cannot write there stands on the disk. */
void verb_change_note(struct verb_change *change, const char *severity, const char *text);
bool verb_change_end(struct verb_change *change, const char *how, struct err *err);
void verb_change_release(struct verb_change *change);

/* Gives up one that was cut off: what it has done stays done. */
bool verb_change_abandon(struct verb_call *call, const char *what, struct err *err);

#endif
