/*
 * redis_link: one connection to one Redis server, and the pipeline on it; see redis_parts.h.
 *
 * It says hello (AUTH, a name, SELECT), then moves what it is given, and hands out the replies in
 * their order. Nothing here knows of keys, slots or other nodes.
 */
#include "redis_parts.h"

#include "clock.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server that has gone mad, or is none, must not fill the memory: no reply to us is near this. */
enum { REPLY_MAX = 64 * 1024 * 1024 };

/* A command that was queued and has no answer yet; a ring of them, in order. */
struct pending {
    redis_done_fn *done;
    void *ctx;
    bool faults; /* an error reply is wanted beside what it means */
};

enum link_phase { PHASE_CLOSED, PHASE_OPENING, PHASE_GREETING, PHASE_UP };

struct redis_link {
    struct loop *loop;
    const struct redis_target *target;
    enum link_phase phase;
    struct wire *wire;
    redisReader *reader;
    bool heard;      /* a whole reply has come */
    size_t incoming; /* bytes since the last whole reply */
    struct timer *patience;
    int64_t heard_at; /* monotonic: a byte came, or the first of several questions was asked */

    struct buf unsent;
    size_t sent; /* bytes of `unsent` that are gone already */
    bool holds;
    size_t held, held_at; /* commands that wait for another, and where in `unsent` they begin */

    struct pending *pending;
    size_t pending_first, pending_count, pending_cap;

    int greetings; /* answers to AUTH, CLIENT and SELECT that are still to come */
    struct err greeting_err;
    bool unnamed; /* … which is only the answer to CLIENT SETNAME */
    redis_connected_fn *connected;
    void *connected_ctx;

    redis_done_fn *listener; /* NULL: an answer to no question is an error */
    void *listener_ctx;
};

/* ---- life ---- */

struct redis_link *redis_link_new(struct loop *loop, const struct redis_target *target)
{
    struct redis_link *link = mem_new(sizeof(*link));
    link->loop = loop;
    link->target = target;
    return link;
}

static void S_drop(struct redis_link *link)
{
    wire_close(link->wire);
    link->wire = NULL;
    if (link->reader)
        redisReaderFree(link->reader);
    link->reader = NULL;
    loop_cancel(link->patience);
    link->patience = NULL;
    mem_wipe(link->unsent.text, link->unsent.cap); /* AUTH has gone through here */
    buf_release(&link->unsent);
    link->sent = link->incoming = link->held = 0;
    link->holds = false;
    link->phase = PHASE_CLOSED;
}

void redis_link_free(struct redis_link *link)
{
    if (!link)
        return;
    S_drop(link);
    free(link->pending);
    free(link);
}

bool redis_link_is_down(const struct redis_link *link)
{
    return link->phase == PHASE_CLOSED;
}

bool redis_link_is_up(const struct redis_link *link)
{
    return link->phase == PHASE_UP;
}

size_t redis_link_pending(const struct redis_link *link)
{
    return link->pending_count;
}

int64_t redis_link_silence_ms(const struct redis_link *link)
{
    return link->pending_count ? clock_ms() - link->heard_at : 0;
}

/* ---- the queue of commands without an answer ---- */

static void S_push(struct redis_link *link, bool faults, redis_done_fn *done, void *ctx)
{
    if (link->pending_count == link->pending_cap) {
        size_t cap = link->pending_cap ? link->pending_cap * 2 : 16;
        struct pending *grown = mem_array(cap, sizeof(*grown));
        for (size_t i = 0; i < link->pending_count; i++)
            grown[i] = link->pending[(link->pending_first + i) % link->pending_cap];
        free(link->pending);
        link->pending = grown;
        link->pending_first = 0;
        link->pending_cap = cap;
    }
    if (!link->pending_count)
        link->heard_at = clock_ms();
    size_t at = (link->pending_first + link->pending_count++) % link->pending_cap;
    link->pending[at] = (struct pending){done, ctx, faults};
}

static struct pending S_pop(struct redis_link *link)
{
    struct pending first = link->pending[link->pending_first];
    link->pending_first = (link->pending_first + 1) % link->pending_cap;
    link->pending_count--;
    return first;
}

/* ---- the end of a connection ---- */

static void S_connect_over(struct redis_link *link, const struct err *err)
{
    redis_connected_fn *connected = link->connected;
    link->connected = NULL;
    loop_cancel(link->patience);
    link->patience = NULL;
    if (connected)
        connected(link->connected_ctx, err);
}

/* Tells everybody who waits, in order. Their callbacks must not free the connection. */
static void S_broken(struct redis_link *link, const struct err *err)
{
    /* A server with no room left says so and hangs up: its words tell more than the end does. */
    bool told = link->phase == PHASE_GREETING && link->greeting_err.kind != ERR_NONE;
    struct err failure = told ? link->greeting_err : *err;
    failure.kind = ERR_LOST;
    if (link->phase == PHASE_GREETING && !told && !link->heard)
        err_hint(&failure, link->target->tls
                               ? "it hung up after the handshake: does it want a certificate of "
                                 "ours, or another one? ?cert=FILE&key=FILE; its log tells"
                               : "it has not understood our first words: if this port speaks TLS, "
                                 "write rediss://");
    S_drop(link);
    while (link->pending_count) {
        struct pending pending = S_pop(link);
        if (pending.done)
            pending.done(pending.ctx, NULL, &failure);
    }
    S_connect_over(link, &failure);
}

void redis_link_close(struct redis_link *link)
{
    struct err err = {0};
    err_set(&err, ERR_LOST, "no answer came, so the connection was closed");
    S_broken(link, &err);
}

/* ---- bytes out and in ---- */

static bool S_flush(struct redis_link *link, struct err *err)
{
    size_t end = link->held ? link->held_at : link->unsent.len;
    while (link->sent < end) {
        ssize_t moved =
            wire_write(link->wire, link->unsent.text + link->sent, end - link->sent, err);
        if (moved < 0)
            return false;
        if (moved == 0)
            break;
        link->sent += (size_t)moved;
    }
    if (link->sent == link->unsent.len) {
        buf_clear(&link->unsent);
        link->sent = 0;
    }
    wire_want_write(link->wire, !link->held ? link->unsent.len > 0 : link->sent < end);
    return true;
}

void redis_link_listen(struct redis_link *link, redis_done_fn *each, void *ctx)
{
    link->listener = each;
    link->listener_ctx = ctx;
}

static void S_answer(struct redis_link *link, redisReply *reply)
{
    struct pending pending = S_pop(link);
    struct err err = {0};
    bool fault = reply->type == REDIS_REPLY_ERROR;
    if (fault)
        redis_trouble(reply->str, &err);
    if (pending.done)
        pending.done(pending.ctx,
                     fault && !pending.faults ? NULL : (const struct redis_reply *)reply,
                     fault ? &err : NULL);
    freeReplyObject(reply);
}

/* Hands out all replies that are complete. A callback may close the connection meanwhile. */
static bool S_take_replies(struct redis_link *link, struct err *err)
{
    while (link->reader) {
        void *reply = NULL;
        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK)
            return err_set(err, ERR_LOST, "Redis sent what is no reply: %s", link->reader->errstr);
        if (!reply)
            return true;
        link->incoming = 0;
        link->heard = true;
        if (!link->pending_count && link->listener) {
            link->listener(link->listener_ctx, (const struct redis_reply *)reply, NULL);
            freeReplyObject(reply);
            continue;
        }
        if (!link->pending_count) {
            freeReplyObject(reply);
            return err_set(err, ERR_LOST, "Redis sent a reply that nobody asked for");
        }
        S_answer(link, reply);
    }
    return true;
}

/* What callbacks have asked meanwhile goes out at once. */
static bool S_move_bytes(struct redis_link *link, struct err *err)
{
    char bytes[64 * 1024];
    ssize_t moved = wire_read(link->wire, bytes, sizeof(bytes), err);
    if (moved < 0)
        return false;
    if (moved > 0)
        link->heard_at = clock_ms();
    link->incoming += (size_t)moved;
    if (link->incoming > REPLY_MAX)
        return err_set(err, ERR_LOST, "Redis sent a reply of more than %d MB, so it was let go",
                       REPLY_MAX / (1024 * 1024));
    if (moved > 0)
        redisReaderFeed(link->reader, bytes, (size_t)moved);
    return S_take_replies(link, err) && (link->phase < PHASE_GREETING || S_flush(link, err));
}

static void S_on_ready(void *arg)
{
    struct redis_link *link = arg;
    struct err err = {0};
    if (!S_move_bytes(link, &err))
        S_broken(link, &err);
}

static void S_queue(struct redis_link *link, const char *bytes, size_t len, bool faults,
                    redis_done_fn *done, void *ctx)
{
    if (link->holds && !link->held)
        link->held_at = link->unsent.len;
    link->held = link->holds ? link->held + 1 : 0;
    buf_add_mem(&link->unsent, bytes, len);
    S_push(link, faults, done, ctx);
    if (!link->holds)
        wire_want_write(link->wire, true);
}

void redis_link_hold(struct redis_link *link, bool hold)
{
    link->holds = hold && redis_link_is_up(link);
    if (hold || !link->held)
        return;
    link->held = 0;
    wire_want_write(link->wire, true);
}

void redis_link_flush(struct redis_link *link)
{
    struct err unread = {0};
    if (redis_link_is_up(link))
        S_flush(link, &unread); /* that the connection is gone is told by the next turn */
}

size_t redis_link_held(const struct redis_link *link)
{
    return link->held;
}

void redis_link_send(struct redis_link *link, const char *bytes, size_t len, bool faults,
                     redis_done_fn *done, void *ctx)
{
    if (!redis_link_is_up(link))
        die("a Redis command was sent on a connection that is not up");
    S_queue(link, bytes, len, faults, done, ctx);
}

/* ---- connecting ---- */

static void S_greeted(void *arg, const struct redis_reply *reply, const struct err *err)
{
    (void)reply;
    struct redis_link *link = arg;
    if (link->unnamed)
        err_clear(&link->greeting_err);
    link->unnamed = false;
    if (err && link->greeting_err.kind == ERR_NONE)
        link->greeting_err = *err;
    if (--link->greetings > 0 || link->phase != PHASE_GREETING)
        return;
    if (link->greeting_err.kind != ERR_NONE) {
        struct err failure = link->greeting_err;
        S_drop(link);
        S_connect_over(link, &failure);
        return;
    }
    link->phase = PHASE_UP;
    S_connect_over(link, NULL);
}

/* A server that does not know CLIENT SETNAME, or forbids it, is served all the same; but the first
 * answer can also be a farewell (maxclients), which is told when nothing comes after it. */
static void S_named(void *arg, const struct redis_reply *reply, const struct err *err)
{
    (void)reply;
    struct redis_link *link = arg;
    link->unnamed = err != NULL && link->greeting_err.kind == ERR_NONE;
    if (link->unnamed)
        link->greeting_err = *err;
}

static void S_say(struct redis_link *link, int argc, const char *const *argv, redis_done_fn *done)
{
    char *bytes = NULL;
    long long len = redisFormatCommandArgv(&bytes, argc, (const char **)argv, NULL);
    if (len < 0)
        die("out of memory: a Redis command could not be formatted");
    S_queue(link, bytes, (size_t)len, false, done, link);
    mem_wipe(bytes, (size_t)len);
    redisFreeCommand(bytes);
}

static void S_greet(struct redis_link *link, int argc, const char *const *argv)
{
    link->greetings++;
    S_say(link, argc, argv, S_greeted);
}

static void S_introduce(struct redis_link *link, const struct redis_target *target)
{
    char db[16];
    snprintf(db, sizeof(db), "%d", target->db);
    if (target->password && target->user)
        S_greet(link, 3, (const char *[]){"AUTH", target->user, target->password});
    else if (target->password)
        S_greet(link, 2, (const char *[]){"AUTH", target->password});
    S_say(link, 3, (const char *[]){"CLIENT", "SETNAME", "tenantdeck"}, S_named);
    if (target->db)
        S_greet(link, 2, (const char *[]){"SELECT", db});
}

static void S_opened(void *arg, const struct err *err)
{
    struct redis_link *link = arg;
    const struct redis_target *target = link->target;
    if (err) {
        struct err failure = *err;
        S_broken(link, &failure);
        return;
    }
    link->phase = PHASE_GREETING;
    link->reader = redisReaderCreate();
    link->greetings = 0;
    link->heard = false;
    err_clear(&link->greeting_err);
    link->unnamed = false;
    if (!target->rest) /* over HTTP the token is in each request, and nothing is kept between two */
        S_introduce(link, target);
    /* The last greeting tells a server that wants a password from one that lets us in. */
    S_greet(link, 1, (const char *[]){"PING"});
}

static void S_too_slow(void *arg)
{
    struct redis_link *link = arg;
    link->patience = NULL;
    struct err err = {0};
    err_set(&err, ERR_LOST, "Redis did not answer in time");
    err_hint(&err, "is the host reachable? a firewall that drops packets looks like this");
    S_broken(link, &err);
}

void redis_link_connect(struct redis_link *link, int timeout_ms, redis_connected_fn *connected,
                        void *ctx)
{
    S_drop(link);
    link->connected = connected;
    link->connected_ctx = ctx;
    link->phase = PHASE_OPENING;
    link->patience = loop_after(link->loop, timeout_ms, S_too_slow, link);
    struct wire_owner owner = {.opened = S_opened, .ready = S_on_ready, .ctx = link};
    link->wire = wire_open(link->loop, link->target, &owner);
}
