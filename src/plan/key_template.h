/*
 * key_template: does a Redis key fit "sessions:{org}:*", and whose is it?
 *
 * Keys are parted by ':'. {name} stands for one whole segment, '*' at the end for one segment or
 * more, anything else for itself.
 */
#ifndef TD_KEY_TEMPLATE_H
#define TD_KEY_TEMPLATE_H

#include "base.h"

struct key_owner { /* parts of the key that was matched, not terminated; NULL: not in it */
    const char *tenant, *organization;
    size_t tenant_len, organization_len;
};

bool key_template_match(const char *pattern, const char *key, size_t len, struct key_owner *owner);

#endif
