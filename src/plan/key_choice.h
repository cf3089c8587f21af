/*
 * key_choice: which keys somebody speaks of: of a tenant, an organization, a type, a pattern.
 *
 * What is chosen is decided key by key, by the template of the plan that the key fits: a code is
 * compared whole, never as a pattern, so no tenant's keys are taken for another's. The glob for the
 * server only spares the way of keys that cannot be meant. Keys of others (foreign = true in the
 * plan, and job queues, bull:*, in any case) are never chosen unless that is said explicitly.
 */
#ifndef TD_KEY_CHOICE_H
#define TD_KEY_CHOICE_H

#include "err.h"
#include "key_glob.h"
#include "key_template.h"
#include "map.h"

struct key_choice {
    const struct plan *plan;         /* NULL: none, and only `pattern` and `key` mean something */
    const char *tenant;              /* each NULL: any */
    const char *organization;        /* {org} */
    const char *type;                /* the name of a template, or the text of a {type} */
    const char *namespace;           /* the text of a {type} or {namespace} alone */
    const char *id;                  /* {id} */
    const char *event;               /* of the templates that have this event */
    struct key_glob pattern;         /* .text NULL: any */
    bool foreign;                    /* those of others as well */
    bool everything;                 /* no choice at all: every key, of no template as well */
    const struct map *organizations; /* those of `tenant`, by the mapping; NULL: not known */
    struct key_index *index;
};

enum key_verdict { KEY_LEFT, KEY_CHOSEN, KEY_FOREIGN };

/* Does it leave anything out? */
bool key_choice_is_all(const struct key_choice *choice);

/* Refuses what cannot be meant: a selector without a plan, a type that the plan does not have, and
 * no selector at all. Then key_choice_end(). */
bool key_choice_begin(struct key_choice *choice, struct err *err);
void key_choice_end(struct key_choice *choice);

/* KEY_FOREIGN: it would be chosen, but belongs to others. `template`: plan->key_count for none. */
enum key_verdict key_choice_judge(const struct key_choice *choice, const char *key, size_t len,
                                  size_t *template, struct key_owner *owner);

/* Appends a glob that all chosen keys fit; false: none is narrower than everything. */
bool key_choice_glob(const struct key_choice *choice, struct buf *out);

/* When the choice means single keys, and which those are can be told without looking: appends the
 * first, second, … of them, each ended by a 0. False: it cannot be told. */
bool key_choice_exact(const struct key_choice *choice, struct buf *out, size_t *count);

/* "tenant 'acme', type 'sessions'", for people. */
void key_choice_describe(const struct key_choice *choice, struct buf *out);

/* Somebody else's job queue, whatever the plan says. */
bool key_is_queue(const char *key, size_t len);

#endif
