/*
 * key_template: does a Redis key fit "sessions:{org}:*", and whose is it?
 *
 * Keys are parted by ':'. {name} stands for one whole segment, '*' at the end for one segment or
 * more, anything else for itself.
 *
 * Whoever asks for many keys makes an index of all templates of a plan first: it answers the same.
 */
#ifndef TD_KEY_TEMPLATE_H
#define TD_KEY_TEMPLATE_H

#include "plan.h"

struct key_owner { /* parts of the key that was matched, not terminated; NULL: not in it */
    const char *tenant, *organization;
    size_t tenant_len, organization_len;
    const char *type; /* {type} or {namespace} */
    const char *id;
    size_t type_len, id_len;
};

/*
 * A part of a key as a text, yours. None is cut short, to look like another: a NUL is written \x00.
 */
char *key_part(const char *text, size_t len);

bool key_template_match(const char *pattern, const char *key, size_t len, struct key_owner *owner);

struct key_index;

struct key_index *key_index_new(const struct plan *plan); /* borrows it; NULL: no template at all */
void key_index_free(struct key_index *index);             /* NULL is fine */
/* The first template of the plan that the key fits; their number: none does. */
size_t key_index_find(const struct key_index *index, const char *key, size_t len,
                      struct key_owner *owner);

#endif
