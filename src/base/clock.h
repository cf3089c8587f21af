/*
 * clock: the only place that asks what time it is.
 *
 * Intervals and deadlines use clock_ms(), which never jumps. What is shown to people uses
 * clock_wall(). A scripted console can freeze what is shown, so that a screen is the same on
 * every day; deadlines go on running while it is frozen.
 */
#ifndef TD_CLOCK_H
#define TD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_ms(void);   /* monotonic milliseconds, for timeouts and rates */
int64_t clock_us(void);   /* the same in microseconds, for measuring */
int64_t clock_wall(void); /* milliseconds since 1970, for showing; obeys clock_freeze() */

void clock_freeze(int64_t wall_ms); /* from now on clock_wall() answers this */
bool clock_is_frozen(void);

/* "12:04:31" in local time (UTC while the clock is frozen); `out` holds at least 9 bytes. */
void clock_format_time(int64_t wall_ms, char out[static 9]);
/* "2026-01-31T12:04:31Z"; `out` holds at least 21 bytes. */
void clock_format_iso(int64_t wall_ms, char out[static 21]);
/* "0.4s" "12s" "3m10s" "2h05m" "9d"; `out` holds at least 16 bytes. Negative shows as "0.0s". */
void clock_format_span(int64_t span_ms, char out[static 16]);

#endif
