/*
 * verb_cache_change: intent, act and confirmation of a verb that changes keys, outside of any run.
 *
 * They stand in the journal (tenantdeck.redis_change) where a database with one is named that this
 * role may write to; else, and for one that was begun so, in a file on this host's disk.
 */
#ifndef TD_VERB_CACHE_CHANGE_H
#define TD_VERB_CACHE_CHANGE_H

#include "restore_log.h"
#include "verb.h"

struct verb_change {
    struct restore_log log; /* of one that stands on the disk */
    bool on_disk, resumed;  /* resumed: an earlier one of the same order was cut off */
    struct pg *pg;          /* of the journal; NULL: there is none that we may write to */
    char *id;               /* in the journal; NULL: it stands on the disk */
    char *before;           /* of one that was cut off: who had begun it, and how far it came */
};

/* The options among these that were given: what was ordered. Yours. */
json_t *verb_change_order(const struct verb_call *call, const char *const *names, size_t count);
/*
 * `what`: "clear", "rekey" or "ttl". Takes `order`; refused while one with another order is
 * unfinished on the same Redis, and while another process works on it. Says what it goes on with.
 * The intent is safe when it returns.
 */
bool verb_change_begin(struct verb_call *call, const char *server, const char *what, json_t *order,
                       struct verb_change *out, struct err *err);
/* Into the journal's log, where there is a journal. */
void verb_change_note(struct verb_change *change, const char *severity, const char *text);
/* The same, with who it was, for a verb that needs no intent: what it does may be done twice. */
void verb_change_tell(struct verb_call *call, const char *severity, const char *text);
/* All is done and nothing looked at yet; takes `counts`. */
bool verb_change_acted(struct verb_change *change, json_t *counts, struct err *err);
bool verb_change_end(struct verb_change *change, const char *how, struct err *err);
void verb_change_release(struct verb_change *change);

/* Gives up one that was cut off: what it has done stays done. */
bool verb_change_abandon(struct verb_call *call, const char *what, struct err *err);

#endif
