/* seen: see seen.h. An open table of hashes, where 0 stands for an empty place. */
#include "seen.h"

#include <stdlib.h>
#include <sys/random.h>

enum { FIRST_CAP = 1024 };

static uint64_t S_hash(uint64_t seed, const char *text, size_t len)
{
    uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 33; /* so that the low bits, by which a place is chosen, know of all others */
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    return hash ? hash : 1;
}

static bool S_put(uint64_t *slots, size_t cap, uint64_t hash)
{
    size_t at = (size_t)hash & (cap - 1);
    while (slots[at] && slots[at] != hash)
        at = (at + 1) & (cap - 1);
    bool first = !slots[at];
    slots[at] = hash;
    return first;
}

static void S_grow(struct seen *seen)
{
    size_t cap = seen->cap ? seen->cap * 2 : FIRST_CAP;
    uint64_t *slots = mem_array(cap, sizeof(*slots));
    if (!seen->cap && getrandom(&seen->seed, sizeof(seen->seed), 0) != sizeof(seen->seed))
        die("the system gives no random bytes");
    for (size_t i = 0; i < seen->cap; i++)
        if (seen->slots[i])
            S_put(slots, cap, seen->slots[i]);
    free(seen->slots);
    seen->slots = slots;
    seen->cap = cap;
}

bool seen_first(struct seen *seen, const char *text, size_t len)
{
    if (seen->count * 4 >= seen->cap * 3)
        S_grow(seen);
    bool first = S_put(seen->slots, seen->cap, S_hash(seen->seed, text, len));
    seen->count += first;
    return first;
}

void seen_release(struct seen *seen)
{
    free(seen->slots);
    *seen = (struct seen){0};
}
