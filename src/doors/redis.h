/*
 * redis: the only door to hiredis, which formats and parses; bytes travel through wire.h.
 *
 * A `struct redis` is one connection that lives in a loop and never blocks. Commands are queued
 * and pipelined: any number may be under way, replies come back in order. Values are binary safe.
 * After a connect, AUTH, CLIENT SETNAME and SELECT are sent before anything else.
 */
#ifndef TD_REDIS_H
#define TD_REDIS_H

#include "err.h"
#include "loop.h"

struct redis;
struct redis_reply;

/* Where to: redis://[user[:password]@]host[:port][/db], or unix://path[?db=N]. */
struct redis_target {
    char *path; /* of a unix socket; else NULL */
    char *host;
    int port;
    char *user;     /* NULL: none */
    char *password; /* NULL: none; never in a URL that is shown */
    int db;
};

bool redis_target_parse(const char *url, struct redis_target *target, struct err *err);
void redis_target_release(struct redis_target *target);
/* "localhost:6379/0", without a password; yours to free. */
char *redis_target_describe(const struct redis_target *target);

struct redis *redis_new(struct loop *loop, const struct redis_target *target); /* borrows it */
void redis_free(struct redis *redis); /* NULL is fine; pending callbacks are not called */

typedef void redis_connected_fn(void *ctx, const struct err *err);
void redis_connect(struct redis *redis, int timeout_ms, redis_connected_fn *connected, void *ctx);
bool redis_open(struct redis *redis, int timeout_ms, struct err *err);
bool redis_is_up(const struct redis *redis);
void redis_close(struct redis *redis); /* pending callbacks get ERR_LOST */

/*
 * One of reply and err is set, borrowed for the call. An error reply of the server ("-ERR …")
 * arrives as err; the connection stays up then.
 */
typedef void redis_done_fn(void *ctx, const struct redis_reply *reply, const struct err *err);

/* `lengths` NULL: the arguments are C strings. The connection must be up. */
void redis_send(struct redis *redis, int argc, const char *const *argv, const size_t *lengths,
                redis_done_fn *done, void *ctx);
/* Waits while the loop turns. `*out` is yours, redis_reply_free(); NULL when it does not matter. */
bool redis_run(struct redis *redis, int argc, const char *const *argv, struct redis_reply **out,
               struct err *err);
size_t redis_pending(const struct redis *redis); /* commands that have no answer yet */

enum redis_type { REDIS_NIL, REDIS_STRING, REDIS_STATUS, REDIS_INTEGER, REDIS_ARRAY, REDIS_FAULT };

enum redis_type redis_type(const struct redis_reply *reply);
const char *redis_text(const struct redis_reply *reply); /* "" unless string or status */
size_t redis_length(const struct redis_reply *reply);    /* bytes of the text, or elements */
int64_t redis_int(const struct redis_reply *reply);      /* of an integer; a string is read */
const struct redis_reply *redis_at(const struct redis_reply *array, size_t i);
struct redis_reply *redis_reply_copy(const struct redis_reply *reply); /* yours */
void redis_reply_free(struct redis_reply *reply);

/* The value of `field:` in the text of INFO, as a number; -1 when it is not there. */
int64_t redis_info_int(const char *info, const char *field);
/* The same as text, yours to free; NULL when it is not there. */
char *redis_info_text(const char *info, const char *field);

#endif
