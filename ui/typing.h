/*
 * typing: tells hands from machines: whether keys come one by one, as somebody types them, or all
 * at once, as a program sends them and as a paste comes that the terminal does not mark.
 *
 * Pure arithmetic over the times at which the keys were read.
 */
#ifndef TD_TYPING_H
#define TD_TYPING_H

#include <stdbool.h>
#include <stdint.h>

enum { TYPING_KEYS = 4 };

struct typing {
    int64_t at[TYPING_KEYS]; /* of the last keys, the newest first */
    int count;
};

/* Another key has come. False: no hand types so fast. `ends` tells Enter, which ends an answer. */
bool typing_is_by_hand(struct typing *typing, int64_t now_ms, bool ends);

#endif
