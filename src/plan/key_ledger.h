/*
 * key_ledger: keys of a keyspace, counted by whose they are and of which type.
 *
 * It is fed one key after the other and keeps none of them: its memory grows with the tenants and
 * types, not with the keys. A type is a template of the plan, or, where the template has a {type}
 * or {namespace}, each text of that segment. What fits no template is a type of its own.
 *
 * A key that SCAN hands out twice is counted once (key_recent.h).
 *
 * Of each cell a sample is drawn for what costs the server a command more: memory and expiry. SCAN
 * goes by the hash of a key, so the first ones it hands out are a fair sample.
 */
#ifndef TD_KEY_LEDGER_H
#define TD_KEY_LEDGER_H

#include "key_template.h"

enum {
    LEDGER_OWNERS = 200000, /* who comes later is counted with "(others)" */
    LEDGER_TYPES = 4096,
    LEDGER_CELLS = 1000000,
    LEDGER_SPANS = 7, /* of time to live */
};

struct ledger_weight { /* of the keys that were weighed */
    int64_t keys;
    double sum, squares;
};

struct ledger_type {
    size_t template;  /* of the plan; its number of them: none */
    const char *name; /* of the segment; NULL: the template has none */
    int64_t keys, owners;
    int64_t timed, endless, over; /* of those whose PTTL was read */
    int64_t spans[LEDGER_SPANS];
    struct ledger_weight weight;
};

struct ledger_owner {
    const char *code;
    bool organization; /* {org} of a template without {tenant} */
    int64_t keys;
};

struct ledger_cell {
    uint32_t owner, type;
    int64_t keys;
    struct ledger_weight weight;
};

struct key_ledger;

struct key_ledger *key_ledger_new(const struct plan *plan); /* borrows it; may be NULL */
void key_ledger_free(struct key_ledger *ledger);            /* NULL is fine */

/* Counts a key. False: it was there just before. The cell is told by its number. */
bool key_ledger_take(struct key_ledger *ledger, const char *key, size_t len, size_t *cell);
/* Is the key that was taken last one of the sample? */
bool key_ledger_wants(const struct key_ledger *ledger, size_t cell);
void key_ledger_weigh(struct key_ledger *ledger, size_t cell, int64_t bytes);
void key_ledger_time(struct key_ledger *ledger, size_t cell, int64_t pttl); /* -1: endless */

int64_t key_ledger_keys(const struct key_ledger *ledger);
int64_t key_ledger_repeats(const struct key_ledger *ledger);
bool key_ledger_is_full(const struct key_ledger *ledger); /* some stand under "(others)" */
size_t key_ledger_types(const struct key_ledger *ledger, const struct ledger_type **out);
/* The first owner is nobody: of keys that name none. */
size_t key_ledger_owners(const struct key_ledger *ledger, const struct ledger_owner **out);
size_t key_ledger_cells(const struct key_ledger *ledger, const struct ledger_cell **out);

/* "1h", the upper end of a span; the last has none: "longer". */
const char *ledger_span_name(size_t span);

/* The bytes of `keys` keys by the weight of some of them, and how far off that may be (95 of 100);
 * -1 when none was weighed. */
int64_t ledger_bytes(const struct ledger_weight *weight, int64_t keys, int64_t *error);

#endif
