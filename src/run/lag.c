/* lag: see lag.h. Knows neither server nor clock: both are told. */
#include "lag.h"

#include <string.h>

/*
 * Two neighbours become one that has the time of the earlier and the place of the later: those
 * where it matters least, seen from how old they are.
 */
static void S_join_two(struct lag *lag, int64_t now)
{
    size_t best = 0;
    double least = 0;
    for (size_t i = 0; i + 2 < lag->count; i++) {
        double span = (double)(lag->marks[i + 2].at - lag->marks[i].at);
        double share = span / (double)(now - lag->marks[i].at);
        if (i == 0 || share < least) {
            best = i;
            least = share;
        }
    }
    lag->marks[best].position = lag->marks[best + 1].position;
    lag->count--;
    memmove(&lag->marks[best + 1], &lag->marks[best + 2],
            (lag->count - best - 1) * sizeof(*lag->marks));
}

void lag_note(struct lag *lag, int64_t now, int64_t position)
{
    if (lag->count && position <= lag->marks[lag->count - 1].position)
        return;
    if (lag->count == LAG_MARKS)
        S_join_two(lag, now);
    lag->marks[lag->count++] = (struct lag_mark){.at = now, .position = position};
}

int64_t lag_behind(struct lag *lag, int64_t now, int64_t replayed)
{
    size_t has = 0;
    while (has < lag->count && lag->marks[has].position <= replayed)
        has++;
    lag->count -= has;
    memmove(lag->marks, lag->marks + has, lag->count * sizeof(*lag->marks));
    return lag->count ? now - lag->marks[0].at : 0;
}
