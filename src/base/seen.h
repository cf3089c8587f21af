/*
 * seen: which texts were met before, each by a hash of 64 bits: 16 bytes of memory for one,
 * whatever its length. Two texts of one hash are as good as never met; the hash is seeded by
 * chance, so that nobody can make a text that hides another.
 */
#ifndef TD_SEEN_H
#define TD_SEEN_H

#include "base.h"

struct seen { /* zeroed: empty */
    uint64_t *slots;
    size_t count, cap;
    uint64_t seed;
};

/* False: it was met before; true: it is new, and is known from now on. */
bool seen_first(struct seen *seen, const char *text, size_t len);
void seen_release(struct seen *seen);

#endif
