/*
 * keycount: walks the keys of a Redis once and counts them into a ledger.
 *
 * It reads and never writes: SCAN, and of a sample MEMORY USAGE and PTTL. No value is read, no
 * expiry touched. A lost connection is taken up where it was; a walk that a person stops leaves
 * what it has counted so far, and says how much of the keyspace that is.
 */
#ifndef TD_KEYCOUNT_H
#define TD_KEYCOUNT_H

#include "key_choice.h"
#include "key_ledger.h"
#include "keyspace.h"

#include <signal.h>

enum { KEYCOUNT_LARGEST = 10, KEYCOUNT_SAMPLES = 5 };

struct keycount_key { /* raw bytes of a key */
    char *key;
    size_t len;
    int64_t bytes;
};

struct keycount {
    struct key_ledger *ledger;
    bool complete;
    double seen;                                   /* 0 to 100 */
    int64_t size_before, size_after;               /* DBSIZE; -1: refused */
    int64_t began, took_ms;                        /* wall clock; how long */
    int64_t asked;                                 /* keys of the sample */
    int64_t unweighed, untimed;                    /* … of which the server would not tell it */
    struct keycount_key largest[KEYCOUNT_LARGEST]; /* of those that were weighed */
    size_t largest_count;
    struct keycount_key unclaimed[KEYCOUNT_SAMPLES]; /* of no template */
    size_t unclaimed_count;
    int again;    /* how many times the connection was lost and found */
    int moving;   /* slots of a cluster that were on their way: read at both ends, counted once */
    int repeated; /* … that moved meanwhile, each time anew: some of their keys are counted twice */
};

struct keycount_order {
    const struct plan *plan; /* NULL: everything is of no template */
    const struct key_glob *match;
    const struct key_choice *choice; /* only these are counted; NULL: all */
    bool exact;                      /* every key is asked, and not a sample */
    int share;                       /* percent of the time that it may be at work */
    void (*progress)(void *ctx, const struct keyspace *keyspace, const struct keycount *count);
    void *ctx;
    void (*each)(void *ctx, const char *key, size_t len); /* hears of each key once; NULL */
    void (*anew)(
        void *ctx); /* the count begins anew: what `each` has heard before is no part of it */
    void *each_ctx;
    const volatile sig_atomic_t *stop; /* set by a person; NULL: nobody can */
};

/* False when it failed; `out` then has what there was, too: keycount_release() in any case. */
bool keycount_run(struct keyspace *keyspace, const struct keycount_order *order,
                  struct keycount *out, struct err *err);
void keycount_release(struct keycount *count);

#endif
