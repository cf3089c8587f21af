/*
 * orphans: what the verbs that look at keys tell of those whose rows PostgreSQL does not have.
 * Where no database is named, or it does not answer, that is said, and nothing is compared.
 */
#ifndef TD_ORPHANS_H
#define TD_ORPHANS_H

#include "keyrows.h"
#include "verb.h"

struct orphans {
    struct pg *pg;
    struct keyrows *rows; /* NULL: nothing is compared */
    char *database;       /* how it is called */
    struct err trouble;   /* why nothing is */
};

/* Never fails: what keeps it from comparing is told. Then orphans_end(). */
void orphans_begin(struct verb_call *call, struct orphans *out);
/* Asks for what is left to be asked; a connection that is lost by then is told, too. */
void orphans_finish(struct orphans *orphans);
void orphans_take(struct orphans *orphans, const char *key, size_t len);
void orphans_forget(struct orphans *orphans); /* what was taken: it is begun anew */
void orphans_end(struct orphans *orphans);

int64_t orphans_count(const struct orphans *orphans);
void orphans_tell(const struct orphans *orphans, struct buf *out);
json_t *orphans_json(const struct orphans *orphans); /* yours */

#endif
