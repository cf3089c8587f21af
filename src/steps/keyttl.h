/*
 * keyttl: keys against the policy of their template: without an end, ending too late, or not when
 * their own value says; and, when it is wanted, given the end that the policy says.
 *
 * A time to live is only ever shortened: the server itself compares it (EXPIRE ... LT) at the
 * moment it is set, so that a key that was given less in between keeps less.
 */
#ifndef TD_KEYTTL_H
#define TD_KEYTTL_H

#include "key_choice.h"
#include "keyspace.h"

#include <signal.h>

struct keyttl_type { /* of one template of the plan */
    int64_t policy;  /* seconds; 0: none */
    int64_t keys, endless, over;
    int64_t drifting; /* whose value says another end (expiresAt), by more than KEYTTL_DRIFT_S */
    int64_t set;
    json_t *samples;
};

enum { KEYTTL_DRIFT_S = 60, KEYTTL_READ_MAX = 64 * 1024 };

struct keyttl {
    struct keyspace *keyspace;
    const struct key_choice *choice;
    const struct key_glob *match;
    bool drift; /* values are read, of KEYTTL_READ_MAX bytes at most */
    const volatile sig_atomic_t *stop;
    struct keyttl_type *types; /* of each template; the caller fills in the policies */
    int64_t unread;            /* values that were too long, or no JSON with an expiresAt */

    struct keyttl_key *batch; /* its own */
    size_t batch_count;
    struct err refused; /* a value that the server may not be asked for */
    bool by_script;     /* the server has no EXPIRE ... LT, or may not be asked for it */
    bool acts;
};

void keyttl_begin(struct keyttl *ttl); /* the rest of it zeroed, `choice` set */
void keyttl_end(struct keyttl *ttl);
/* Counts all chosen keys; with `set` those that break the policy get its time. */
bool keyttl_walk(struct keyttl *ttl, bool set, struct err *err);

#endif
