/*
 * key_recent: was this key handed out just before?
 *
 * SCAN hands out a key twice only when the server shrinks its table meanwhile, and then it goes
 * once more through the one slot that it was in: so a repeat comes soon after the first time. The
 * last keys (KEY_RECENT at the least) are remembered by a hash of 64 bits, and no more, however
 * many there are.
 */
#ifndef TD_KEY_RECENT_H
#define TD_KEY_RECENT_H

#include "base.h"

enum { KEY_RECENT = 32768 };

struct key_recent; /* a megabyte */

struct key_recent *key_recent_new(void);
void key_recent_free(struct key_recent *recent); /* NULL is fine */
void key_recent_forget(struct key_recent *recent);
/* It is known from now on. */
bool key_recent_repeats(struct key_recent *recent, const char *key, size_t len);

uint64_t key_hash(uint64_t seed, const char *text, size_t len);
uint64_t key_hash_mix(uint64_t hash, uint64_t word);

#endif
