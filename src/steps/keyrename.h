/*
 * keyrename: gives all keys of a tenant (or organization) another code: in their names, in the
 * values that say whose they are, and in the sets of keys by tag. What time they have left stays.
 *
 * First the names, then what is in them. On one server a key changes its name in one moment
 * (RENAMENX); in a cluster, whose nodes know only their own keys, it is copied, compared and then
 * removed. No key that is there already is ever overwritten. Done again, it goes on.
 */
#ifndef TD_KEYRENAME_H
#define TD_KEYRENAME_H

#include "key_template.h"
#include "keyspace.h"

#include <signal.h>

struct keyrename {
    struct keyspace *keyspace;
    const struct plan *plan;
    const char *before, *after; /* the codes */
    bool organization;          /* {org}, and not {tenant} */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *ctx, const struct keyrename *rename);
    void *ctx;

    int64_t old, new;        /* keys of either code, of the last count */
    int64_t moved, taken;    /* taken: a key of the new name is there, so the old one stays */
    int64_t values, members; /* … that said the old code, and say the new one now */
    int64_t stale;           /* values and members that say the old code, of the last look */
    json_t *samples;         /* of keys of the old code, of the last count */

    struct key_index *index; /* its own */
    struct err refused;      /* the first thing that the server has refused, of a batch */
    struct keyrename_key *batch;
    size_t count;
    bool acts;
};

void keyrename_begin(struct keyrename *rename);
void keyrename_end(struct keyrename *rename);

bool keyrename_count(struct keyrename *rename, struct err *err);
bool keyrename_move(struct keyrename *rename, struct err *err);
/* What is in the keys of the new code; `act` false: only counts what is `stale`. */
bool keyrename_rewrite(struct keyrename *rename, bool act, struct err *err);

/*
 * The text of a JSON object with each of the known names of a tenant or an organization whose value
 * is `before` set to `after`; all other bytes stay. Returns how many there were.
 */
size_t keyrename_text(const char *text, size_t len, const char *before, const char *after,
                      struct buf *out);

#endif
