/*
 * loop: see loop.h.
 *
 * Watches and timers are kept in lists. A watch that is removed while callbacks run is only marked
 * and swept at the end of the turn, so a callback may remove any of them.
 */
#include "loop.h"

#include "base.h"
#include "clock.h"

#include <errno.h>
#include <stdlib.h>

struct watch {
    struct loop *loop;
    struct watch *next;
    int fd;
    short events;
    watch_fn *ready;
    void *ctx;
    bool gone;
};

struct timer {
    struct loop *loop;
    struct timer *next;
    int64_t due;
    timer_fn *fire;
    void *ctx;
};

struct loop {
    struct watch *watches;
    struct timer *timers; /* the earliest first */
    int depth;            /* of turns within turns: pg_run() in a callback turns the loop again */
};

struct loop *loop_new(void)
{
    return mem_new(sizeof(struct loop));
}

static void S_sweep(struct loop *loop)
{
    for (struct watch **at = &loop->watches; *at;) {
        struct watch *watch = *at;
        if (!watch->gone) {
            at = &watch->next;
            continue;
        }
        *at = watch->next;
        free(watch);
    }
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    S_sweep(loop);
    if (loop->watches || loop->timers)
        die("the loop was freed while something still hangs in it");
    free(loop);
}

struct watch *loop_watch(struct loop *loop, int fd, short events, watch_fn *ready, void *ctx)
{
    struct watch *watch = mem_new(sizeof(*watch));
    *watch = (struct watch){.loop = loop,
                            .next = loop->watches,
                            .fd = fd,
                            .events = events,
                            .ready = ready,
                            .ctx = ctx};
    loop->watches = watch;
    return watch;
}

void loop_rewatch(struct watch *watch, int fd, short events)
{
    watch->fd = fd;
    watch->events = events;
}

void loop_unwatch(struct watch *watch)
{
    if (!watch)
        return;
    watch->gone = true;
    if (watch->loop->depth == 0)
        S_sweep(watch->loop);
}

struct timer *loop_after(struct loop *loop, int64_t ms, timer_fn *fire, void *ctx)
{
    struct timer *timer = mem_new(sizeof(*timer));
    *timer = (struct timer){
        .loop = loop, .due = clock_ms() + (ms > 0 ? ms : 1), .fire = fire, .ctx = ctx};
    struct timer **at = &loop->timers;
    while (*at && (*at)->due <= timer->due)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
    return timer;
}

void loop_cancel(struct timer *timer)
{
    if (!timer)
        return;
    struct timer **at = &timer->loop->timers;
    while (*at && *at != timer)
        at = &(*at)->next;
    if (!*at)
        die("a timer was cancelled that is not in its loop");
    *at = timer->next;
    free(timer);
}

/* How long poll() may wait: until the first timer, and no longer than the caller allows. */
static int S_patience(const struct loop *loop, int max_ms)
{
    if (!loop->timers)
        return max_ms;
    int64_t left = loop->timers->due - clock_ms();
    if (left < 0)
        left = 0;
    return max_ms >= 0 && left > max_ms ? max_ms : (int)left;
}

/* The watches of this turn stand in the same order in `polled`: new ones go in front of them. */
static size_t S_collect(struct loop *loop, struct pollfd **out)
{
    size_t count = 0;
    for (const struct watch *watch = loop->watches; watch; watch = watch->next)
        count++;
    struct pollfd *polled = mem_array(count, sizeof(*polled));
    size_t i = 0;
    for (const struct watch *watch = loop->watches; watch; watch = watch->next, i++) {
        bool sleeping = watch->gone || watch->events == 0;
        polled[i] = (struct pollfd){.fd = sleeping ? -1 : watch->fd, .events = watch->events};
    }
    *out = polled;
    return count;
}

static void S_call_watches(struct watch *first, const struct pollfd *polled, size_t count)
{
    struct watch *watch = first;
    for (size_t i = 0; i < count; i++, watch = watch->next) {
        bool same = !watch->gone && watch->fd == polled[i].fd;
        if (polled[i].revents && same)
            watch->ready(watch->ctx, polled[i].revents);
    }
}

static void S_call_timers(struct loop *loop)
{
    int64_t now = clock_ms(); /* a timer set by these callbacks is due later: see loop_after() */
    while (loop->timers && loop->timers->due <= now) {
        struct timer *timer = loop->timers;
        loop->timers = timer->next;
        timer_fn *fire = timer->fire;
        void *ctx = timer->ctx;
        free(timer);
        fire(ctx);
    }
}

void loop_turn(struct loop *loop, int max_ms)
{
    loop->depth++;
    struct watch *first = loop->watches;
    struct pollfd *polled;
    size_t count = S_collect(loop, &polled);
    int ready = poll(polled, count, S_patience(loop, max_ms));
    if (ready < 0 && errno != EINTR)
        die("poll failed: error %d", errno);
    if (ready > 0)
        S_call_watches(first, polled, count);
    S_call_timers(loop);
    free(polled);
    loop->depth--;
    if (loop->depth == 0)
        S_sweep(loop);
}

/* The clock is asked once for each turn: what is left would else be told as less than nothing by a
 * second look, and that is a turn without an end. */
void loop_rest(struct loop *loop, int64_t ms)
{
    int64_t until = clock_ms() + ms;
    for (int64_t left = ms; left > 0; left = until - clock_ms())
        loop_turn(loop, (int)left);
}
