/*
 * screen_keys: the half of the door to curses that keys come through; screen.c is the other one.
 */
#ifndef TD_SCREEN_KEYS_H
#define TD_SCREEN_KEYS_H

#include <stdbool.h>

/* After the terminal was opened, and before it is closed; `terminal` is false for a virtual one. */
void screen_keys_begin(bool terminal, bool mouse);
void screen_keys_end(void);

#endif
