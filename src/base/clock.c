/* clock: see clock.h. */
#include "clock.h"

#include <stdio.h>
#include <time.h>

static int64_t S_frozen_at = -1;

static int64_t S_read(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_us(void)
{
    return S_read(CLOCK_MONOTONIC);
}

int64_t clock_ms(void)
{
    return clock_us() / 1000;
}

int64_t clock_wall(void)
{
    return clock_is_frozen() ? S_frozen_at : S_read(CLOCK_REALTIME) / 1000;
}

void clock_freeze(int64_t wall_ms)
{
    S_frozen_at = wall_ms;
}

bool clock_is_frozen(void)
{
    return S_frozen_at >= 0;
}

void clock_format_time(int64_t wall_ms, char out[static 9])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (clock_is_frozen())
        gmtime_r(&seconds, &parts);
    else
        localtime_r(&seconds, &parts);
    strftime(out, 9, "%H:%M:%S", &parts);
}

void clock_format_iso(int64_t wall_ms, char out[static 21])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void clock_format_span(int64_t span_ms, char out[static 16])
{
    int64_t s = span_ms < 0 ? 0 : span_ms / 1000;
    if (s < 10)
        snprintf(out, 16, "%.1fs", span_ms < 0 ? 0.0 : (double)span_ms / 1000.0);
    else if (s < 60)
        snprintf(out, 16, "%ds", (int)s);
    else if (s < 3600)
        snprintf(out, 16, "%dm%02ds", (int)(s / 60), (int)(s % 60));
    else if (s < 86400)
        snprintf(out, 16, "%dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
    else
        snprintf(out, 16, "%lldd", (long long)(s / 86400 % 1000000));
}
