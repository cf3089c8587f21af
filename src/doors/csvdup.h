/*
 * csvdup: finds the rows of a mapping that speak of the same key, in constant memory.
 *
 * Each row leaves a fingerprint; fingerprints are sorted, and rows whose fingerprints are the same
 * are read again and compared as text, so a collision of hashes is never taken for a duplicate.
 * Findings come in the order of the lines, after all rows have been added.
 */
#ifndef TD_CSVDUP_H
#define TD_CSVDUP_H

#include "csvmap.h"

struct csvdup;

struct csvdup_mark {
    uint64_t folded; /* hash of the key without case and leading zeros */
    uint64_t key;
    int64_t offset; /* where the row can be read again */
    uint32_t length;
    int32_t line;
};

enum csvdup_kind {
    CSVDUP_SAME,     /* the key again, with the same codes */
    CSVDUP_CONFLICT, /* the key again, with other codes */
    CSVDUP_ALIKE,    /* another key, but only by case or leading zeros */
};

struct csvdup_finding {
    enum csvdup_kind kind;
    struct csvdup_mark first, second; /* `first` stands before `second` in the file */
};

struct csvdup_ops {
    /* Reads a row again; its texts live until the slot (0 or 1) is used for another. */
    bool (*fetch)(void *ctx, const struct csvdup_mark *mark, int slot, struct csvmap_row *row,
                  struct err *err);
    /* False (with err set) ends the search. */
    bool (*found)(void *ctx, const struct csvdup_finding *finding, struct err *err);
    void *ctx;
};

/* `in_memory` marks are held at a time; what is more goes to a temporary file. */
struct csvdup *csvdup_new(size_t in_memory);
void csvdup_free(struct csvdup *dup); /* NULL is fine */

/* Fills in the two hashes of `mark`. */
void csvdup_hash(struct csvdup *dup, const char *key, struct csvdup_mark *mark);
bool csvdup_add(struct csvdup *dup, const struct csvdup_mark *mark, struct err *err);
bool csvdup_search(struct csvdup *dup, const struct csvdup_ops *ops, struct err *err);

#endif
