/*
 * keyspace_parts: what keyspace.c, which has the connection, keyspace_walk.c, which walks over it,
 * and keyspace_slots.c, which knows what moves meanwhile, know of one another. For these three
 * alone.
 */
#ifndef TD_KEYSPACE_PARTS_H
#define TD_KEYSPACE_PARTS_H

#include "keyspace.h"
#include "redis_layout.h"

enum { KEYSPACE_LOOK_MS = 100, KEYSPACE_SHARE = 33 }; /* how soon an abort is seen; percent */

struct sent { /* a command whose answer is not there yet */
    struct keyspace *keyspace;
    redis_done_fn *done;
    void *ctx;
    bool may_fail; /* an error of the server is `done`'s business alone */
};

struct page {     /* of a walk: its keys one after the other */
    char *cursor; /* … and what SCAN was asked for them */
    char *next;   /* where it goes on then; NULL: the answer was no page */
    int64_t asked_us, took_us;
    struct buf keys;
    size_t *lengths;
    size_t count, cap;
};

struct keyspace {
    struct run *run; /* NULL: it works for a verb */
    struct loop *loop;
    struct redis *redis;
    char *name;
    struct sent sent[KEYSPACE_BATCH]; /* a ring: answers come in the order of the questions */
    size_t sent_first, sent_count;
    struct err trouble;      /* the first one of what was sent */
    struct page page, ahead; /* handed out now, and asked for meanwhile */
    int share, count;
    int probes;
    int64_t quickest_us; /* of the pages that were probed since the count was set */
    int64_t idle_us;     /* what a command takes that gives the server nothing to do */
    int64_t size, met, pages;
    int64_t until; /* clock_ms() at which a walk ends; 0: at its end */
    bool late;     /* and that was what ended it */
    bool walked;   /* the last walk has come to its end */
    bool surveyed;
    bool rest;      /* behind HTTP, where each command is a request of its own */
    char *identity; /* of the server's process; NULL: it does not tell */

    /* of a cluster */
    const char *node;           /* whose keys are walked now; one after the other */
    struct redis_layout layout; /* as it was asked for last */
    bool aside[REDIS_SLOTS];    /* not handed out by the walk, but after it */
    int moving, repeated;       /* slots */
};

bool keyspace_is_aborted(const struct keyspace *keyspace);
/* As keyspace_settle(), but what is held stays so, and is not waited for. */
bool keyspace_arrive(struct keyspace *keyspace, struct err *err);
/* Says what stands though Redis is lost; false, so that it ends a function. */
bool keyspace_advise(const struct keyspace *keyspace, struct err *err);

/* ---- keyspace_walk.c ---- */

/* Which node has which keys, as the cluster sees it now. */
bool keyspace_survey(struct keyspace *keyspace, struct err *err);

/* ---- keyspace_slots.c ---- */

bool keyspace_slots_begin(struct keyspace *keyspace, struct err *err);
bool keyspace_slots_end(struct keyspace *keyspace, const struct key_glob *match,
                        keyspace_key_fn *each, void *ctx, struct err *err);

#endif
