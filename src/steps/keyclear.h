/*
 * keyclear: removes chosen keys from a Redis, and proves that they are gone.
 *
 * Counts with keyclear_count(), removes with keyclear_remove(), and keyclear_verify() walks anew:
 * only what that walk finds decides whether it is done. Keys of others are met and left. What a
 * kill has left is simply still there: the same again goes on.
 */
#ifndef TD_KEYCLEAR_H
#define TD_KEYCLEAR_H

#include "key_choice.h"
#include "keyspace.h"
#include "keyundo.h"

#include <signal.h>

struct keyclear {
    struct keyspace *keyspace;
    const struct key_choice *choice;
    const struct key_glob *match;
    const struct buf *exact; /* keys ended by 0, when they are known without a walk; NULL */
    size_t exact_count;
    struct keyundo *undo; /* NULL: none was wanted */
    int64_t rate;         /* keys a second, at most; 0: as fast as the server is */
    void (*progress)(void *ctx, const struct keyclear *clear);
    void *ctx;
    const volatile sig_atomic_t *stop; /* NULL: nobody can */

    /* what it found and did */
    int64_t *by_template; /* chosen keys that were met; the last: of no template */
    int64_t chosen, foreign, removed;
    json_t *samples, *foreign_samples;

    /* its own */
    struct buf keys;
    size_t *lengths;
    size_t waiting, cap;
    int64_t since_ms;
};

void keyclear_begin(struct keyclear *clear);
void keyclear_end(struct keyclear *clear);

/* How many there are, by template, with some of them. */
bool keyclear_count(struct keyclear *clear, struct err *err);
bool keyclear_remove(struct keyclear *clear, struct err *err);
/* How many chosen keys there are after all: 0, or what was written since. */
bool keyclear_verify(struct keyclear *clear, int64_t *left, struct err *err);
/* Removes these keys, of which some may be gone: `length` bytes each, one after the other. */
bool keyclear_add(struct keyclear *clear, const char *key, size_t len, struct err *err);
bool keyclear_flush(struct keyclear *clear, struct err *err);

#endif
