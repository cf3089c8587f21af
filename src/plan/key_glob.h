/*
 * key_glob: patterns as Redis reads them: * ? [a-z] [^a] and \ before what stands for itself.
 *
 * A code of a tenant may hold any of these letters; whoever builds a pattern from one says so here,
 * so that "a*" is the tenant of that name and not every tenant whose name begins with a.
 */
#ifndef TD_KEY_GLOB_H
#define TD_KEY_GLOB_H

#include "base.h"

struct key_glob { /* bytes, of which any may be 0 */
    const char *text;
    size_t len;
};

/* Appends the text as a pattern that only this text fits. */
void key_glob_quote(struct buf *out, const char *text, size_t len);

/* Does the whole key fit? As the server's own matcher decides it. */
bool key_glob_match(const char *pattern, size_t pattern_len, const char *key, size_t len);

#endif
