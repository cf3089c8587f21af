/*
 * loop: the only poll() of the program.
 *
 * Connections, the keyboard and timers hang in one loop; each turn waits for the first of them and
 * calls what belongs to it. A callback may add and remove watches and timers, its own included.
 * Nothing that is called from here may block: a stalled server must not stall a key.
 */
#ifndef TD_LOOP_H
#define TD_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct watch;
struct timer;

struct loop *loop_new(void);
void loop_free(struct loop *loop); /* NULL is fine; watches and timers must be gone before */

typedef void watch_fn(void *ctx, short revents);
typedef void timer_fn(void *ctx);

/* `events` are POLLIN, POLLOUT or both; 0 watches nothing until loop_rewatch(). */
struct watch *loop_watch(struct loop *loop, int fd, short events, watch_fn *ready, void *ctx);
void loop_rewatch(struct watch *watch, int fd, short events);
void loop_unwatch(struct watch *watch); /* NULL is fine */

/* Calls `fire` once after `ms`; the timer is gone when it fires. */
struct timer *loop_after(struct loop *loop, int64_t ms, timer_fn *fire, void *ctx);
void loop_cancel(struct timer *timer); /* NULL is fine; never one that has fired */

/* One poll(), at most `max_ms` long (-1: until something happens), and the callbacks due. */
void loop_turn(struct loop *loop, int max_ms);
/* Turns until so long has passed, whatever happens meanwhile. */
void loop_rest(struct loop *loop, int64_t ms);

#endif
