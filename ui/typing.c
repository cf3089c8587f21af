/* typing: see typing.h. */
#include "typing.h"

#include <string.h>

enum {
    BURST_MS =
        24, /* four keys: rolled over they take twice as long; a held key repeats more slowly */
    ENTER_MS = 12, /* from the last letter to Enter */
};

bool typing_is_by_hand(struct typing *typing, int64_t now_ms, bool ends)
{
    bool chased = ends && typing->count > 0 && now_ms - typing->at[0] < ENTER_MS;
    memmove(typing->at + 1, typing->at, (TYPING_KEYS - 1) * sizeof(*typing->at));
    typing->at[0] = now_ms;
    typing->count += typing->count < TYPING_KEYS;
    bool burst = typing->count == TYPING_KEYS && now_ms - typing->at[TYPING_KEYS - 1] < BURST_MS;
    return !chased && !burst;
}
