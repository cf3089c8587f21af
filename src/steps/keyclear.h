/*
 * keyclear: removes chosen keys from a Redis, and proves that they are gone.
 *
 * Counts with keyclear_count(), and removes with keyclear_remove() in one walk: SCAN hands out
 * every key that is there from its beginning to its end, each that is chosen goes with UNLINK, and
 * a little later EXISTS is asked for it by name. What that cannot see is a key that was written for
 * the first time while the walk went on: `prove` has keyclear_verify() walk anew. Keys of others
 * are met and left. What a kill has left is simply still there: the same again goes on.
 */
#ifndef TD_KEYCLEAR_H
#define TD_KEYCLEAR_H

#include "key_choice.h"
#include "keyspace.h"
#include "keyundo.h"

#include <signal.h>

struct keyclear_batch { /* keys, one after the other */
    struct buf keys;
    size_t *lengths;
    size_t count, cap;
};

struct keyclear {
    struct keyspace *keyspace;
    const struct key_choice *choice;
    const struct key_glob *match;
    const struct buf *exact; /* keys ended by 0, when they are known without a walk; NULL */
    size_t exact_count;
    struct keyundo *undo; /* NULL: none was wanted */
    int64_t rate;         /* keys a second, at most; 0: as fast as the server is */
    bool prove;           /* keyclear_verify() walks a second time */
    void (*progress)(void *ctx, const struct keyclear *clear);
    void *ctx;
    const volatile sig_atomic_t *stop; /* NULL: nobody can */

    /* what it found and did */
    int64_t *by_template; /* chosen keys that were met; the last: of no template */
    int64_t chosen, foreign, removed;
    int64_t there; /* of those that were removed: there again when they were asked for */
    json_t *samples, *foreign_samples;

    /* its own */
    struct keyclear_batch waiting, gone; /* to be removed; to be asked for by name */
    int64_t since_ms;
};

void keyclear_begin(struct keyclear *clear);
void keyclear_end(struct keyclear *clear);

/* How many there are, by template, with some of them. */
bool keyclear_count(struct keyclear *clear, struct err *err);
bool keyclear_remove(struct keyclear *clear, struct err *err);
/* How many chosen keys there are after all: 0, or what was written since. */
bool keyclear_verify(struct keyclear *clear, int64_t *left, struct err *err);
/* By a look at all keys, or at all that were meant, and not only at those that were removed? */
bool keyclear_is_proved(const struct keyclear *clear);
/* Removes a key, which may be gone, with others; keyclear_flush() is over when all of them are. */
bool keyclear_add(struct keyclear *clear, const char *key, size_t len, struct err *err);
bool keyclear_flush(struct keyclear *clear, struct err *err);
/* Into the undo file, where one is wanted, as a key is that goes: it is about to be changed. */
bool keyclear_keep(struct keyclear *clear, const char *key, size_t len, struct err *err);

#endif
