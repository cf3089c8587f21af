/*
 * redis_wait: the door for those who have nothing else to do: they wait while the loop turns, and
 * never for ever.
 */
#include "redis_parts.h"

#include "clock.h"

#include <stdlib.h>

enum { PATIENCE_MS = 30000 }; /* for one answer: then the connection is given up */

struct waiting {
    bool over, failed;
    struct err err;
    struct redis_reply *reply;
};

static void S_on_connect(void *arg, const struct err *err)
{
    struct waiting *waiting = arg;
    waiting->over = true;
    waiting->failed = err != NULL;
    if (err)
        waiting->err = *err;
}

static void S_on_reply(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct waiting *waiting = arg;
    S_on_connect(waiting, err);
    if (reply)
        waiting->reply = redis_reply_copy(reply);
}

/* Connecting has an end of its own; an answer has one here. */
static bool S_await(struct redis *redis, struct waiting *waiting, struct err *err)
{
    int64_t since = clock_ms();
    while (!waiting->over) {
        int64_t left = PATIENCE_MS - (clock_ms() - since);
        if (left <= 0 && redis_is_up(redis))
            redis_close(redis); /* which tells us */
        else
            loop_turn(redis_loop(redis), left > 0 ? (int)left : -1);
    }
    if (waiting->failed)
        *err = waiting->err;
    return !waiting->failed;
}

bool redis_open(struct redis *redis, int timeout_ms, struct err *err)
{
    struct waiting waiting = {0};
    redis_connect(redis, timeout_ms, S_on_connect, &waiting);
    return S_await(redis, &waiting, err);
}

bool redis_run_survey(struct redis *redis, struct err *err)
{
    struct waiting waiting = {0};
    if (!redis_is_up(redis))
        return err_set(err, ERR_LOST, "the connection to Redis was lost");
    redis_survey(redis, S_on_connect, &waiting);
    return S_await(redis, &waiting, err);
}

static bool S_take(struct redis *redis, struct waiting *waiting, struct redis_reply **out,
                   struct err *err)
{
    bool ok = S_await(redis, waiting, err);
    if (out)
        *out = waiting->reply;
    else
        redis_reply_free(waiting->reply);
    return ok;
}

bool redis_run(struct redis *redis, int argc, const char *const *argv, struct redis_reply **out,
               struct err *err)
{
    struct waiting waiting = {0};
    if (out)
        *out = NULL;
    if (!redis_is_up(redis))
        return err_set(err, ERR_LOST, "the connection to Redis was lost");
    redis_send(redis, argc, argv, NULL, S_on_reply, &waiting);
    return S_take(redis, &waiting, out, err);
}

bool redis_run_node(struct redis *redis, size_t node, int argc, const char *const *argv,
                    struct redis_reply **out, struct err *err)
{
    struct waiting waiting = {0};
    if (out)
        *out = NULL;
    if (!redis_is_up(redis))
        return err_set(err, ERR_LOST, "the connection to Redis was lost");
    redis_send_node(redis, node, argc, argv, NULL, S_on_reply, &waiting);
    return S_take(redis, &waiting, out, err);
}
