/*
 * keytag: removes the entries that carry a tag, by the sets cache_tags:{tenant}:{tag}.
 *
 * A member that is no cache entry of the set's own tenant is somebody else's and stays, in Redis
 * and in the set. Members whose entries are gone already are taken out of the set, too.
 */
#ifndef TD_KEYTAG_H
#define TD_KEYTAG_H

#include "keyclear.h"

struct keytag {
    int64_t sets, members, strangers; /* … which stay */
    int64_t dangling;                 /* members without an entry */
    json_t *stranger_samples;
};

/*
 * `tenant` NULL: of all tenants. `act` false: only counts. What it removes is counted in `clear`.
 */
bool keytag_run(struct keyclear *clear, const char *tenant, const char *tag, bool act,
                struct keytag *out, struct err *err);
void keytag_release(struct keytag *tags);

#endif
