/* key_recent: see key_recent.h. Two halves: when one is full, the older is emptied. */
#include "key_recent.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = KEY_RECENT * 2 };

struct key_recent {
    uint64_t halves[2][SLOTS];
    size_t count;
    int now;
};

uint64_t key_hash_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9fb21c651e98df25u;
    return hash ^ (hash >> 32);
}

/* Eight bytes at a time: it is asked for each key several times. */
uint64_t key_hash(uint64_t seed, const char *text, size_t len)
{
    uint64_t hash = key_hash_mix(seed, len), word;
    for (; len >= sizeof(word); text += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, text, sizeof(word));
        hash = key_hash_mix(hash, word);
    }
    word = 0;
    memcpy(&word, text, len);
    return key_hash_mix(key_hash_mix(hash, word), hash >> 29);
}

struct key_recent *key_recent_new(void)
{
    return mem_new(sizeof(struct key_recent));
}

void key_recent_free(struct key_recent *recent)
{
    free(recent);
}

void key_recent_forget(struct key_recent *recent)
{
    memset(recent, 0, sizeof(*recent));
}

static uint64_t *S_slot(uint64_t *half, uint64_t hash)
{
    size_t at = hash & (SLOTS - 1);
    while (half[at] && half[at] != hash)
        at = (at + 1) & (SLOTS - 1);
    return &half[at];
}

bool key_recent_repeats(struct key_recent *recent, const char *key, size_t len)
{
    uint64_t hash = key_hash(0, key, len);
    hash = hash ? hash : 1; /* 0 is what a free slot holds */
    if (*S_slot(recent->halves[!recent->now], hash))
        return true;
    uint64_t *slot = S_slot(recent->halves[recent->now], hash);
    if (*slot)
        return true;
    *slot = hash;
    if (++recent->count < KEY_RECENT)
        return false;
    recent->now = !recent->now;
    recent->count = 0;
    memset(recent->halves[recent->now], 0, sizeof(recent->halves[0]));
    return false;
}
