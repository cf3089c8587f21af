/*
 * redis: see redis.h. The only file that includes hiredis, of which it uses the formatter and the
 * reader alone: both are the same in 0.14 and 1.2, and neither touches a socket.
 */
#include "redis.h"

#include "wire.h"

#include <ctype.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A server that has gone mad, or is none, must not fill the memory: no reply to us is near this. */
enum { REPLY_MAX = 64 * 1024 * 1024 };

/* A command that was queued and has no answer yet; a ring of them, in order. */
struct pending {
    redis_done_fn *done;
    void *ctx;
};

enum redis_phase { PHASE_CLOSED, PHASE_OPENING, PHASE_GREETING, PHASE_UP };

struct redis {
    struct loop *loop;
    const struct redis_target *target;
    enum redis_phase phase;
    struct wire *wire;
    redisReader *reader;
    size_t incoming; /* bytes since the last whole reply */
    struct timer *patience;

    struct buf unsent;
    size_t sent; /* bytes of `unsent` that are gone already */

    struct pending *pending;
    size_t pending_first, pending_count, pending_cap;

    int greetings; /* answers to AUTH, CLIENT and SELECT that are still to come */
    struct err greeting_err;
    bool unnamed; /* … which is only the answer to CLIENT SETNAME */
    redis_connected_fn *connected;
    void *connected_ctx;
};

/* ---- life ---- */

struct redis *redis_new(struct loop *loop, const struct redis_target *target)
{
    struct redis *redis = mem_new(sizeof(*redis));
    redis->loop = loop;
    redis->target = target;
    return redis;
}

static void S_drop(struct redis *redis)
{
    wire_close(redis->wire);
    redis->wire = NULL;
    if (redis->reader)
        redisReaderFree(redis->reader);
    redis->reader = NULL;
    loop_cancel(redis->patience);
    redis->patience = NULL;
    mem_wipe(redis->unsent.text, redis->unsent.cap); /* AUTH has gone through here */
    buf_release(&redis->unsent);
    redis->sent = redis->incoming = 0;
    redis->phase = PHASE_CLOSED;
}

void redis_free(struct redis *redis)
{
    if (!redis)
        return;
    S_drop(redis);
    free(redis->pending);
    free(redis);
}

bool redis_is_up(const struct redis *redis)
{
    return redis->phase == PHASE_UP;
}

size_t redis_pending(const struct redis *redis)
{
    return redis->pending_count;
}

/* ---- the queue of commands without an answer ---- */

static void S_push(struct redis *redis, redis_done_fn *done, void *ctx)
{
    if (redis->pending_count == redis->pending_cap) {
        size_t cap = redis->pending_cap ? redis->pending_cap * 2 : 16;
        struct pending *grown = mem_array(cap, sizeof(*grown));
        for (size_t i = 0; i < redis->pending_count; i++)
            grown[i] = redis->pending[(redis->pending_first + i) % redis->pending_cap];
        free(redis->pending);
        redis->pending = grown;
        redis->pending_first = 0;
        redis->pending_cap = cap;
    }
    size_t at = (redis->pending_first + redis->pending_count++) % redis->pending_cap;
    redis->pending[at] = (struct pending){done, ctx};
}

static struct pending S_pop(struct redis *redis)
{
    struct pending first = redis->pending[redis->pending_first];
    redis->pending_first = (redis->pending_first + 1) % redis->pending_cap;
    redis->pending_count--;
    return first;
}

/* ---- the end of a connection ---- */

static void S_connect_over(struct redis *redis, const struct err *err)
{
    redis_connected_fn *connected = redis->connected;
    redis->connected = NULL;
    loop_cancel(redis->patience);
    redis->patience = NULL;
    if (connected)
        connected(redis->connected_ctx, err);
}

/* Tells everybody who waits, in order. Their callbacks must not free the connection. */
static void S_broken(struct redis *redis, const struct err *err)
{
    /* A server with no room left says so and hangs up: its words tell more than the end does. */
    bool told = redis->phase == PHASE_GREETING && redis->greeting_err.kind != ERR_NONE;
    struct err failure = told ? redis->greeting_err : *err;
    failure.kind = ERR_LOST;
    S_drop(redis);
    while (redis->pending_count) {
        struct pending pending = S_pop(redis);
        if (pending.done)
            pending.done(pending.ctx, NULL, &failure);
    }
    S_connect_over(redis, &failure);
}

void redis_close(struct redis *redis)
{
    struct err err = {0};
    err_set(&err, ERR_LOST, "no answer came, so the connection was closed");
    S_broken(redis, &err);
}

/* ---- errors of the server ---- */

/* The first word of an error reply, what it means for us, and what the DBA can do about it. */
static const struct {
    const char *word;
    enum err_kind kind;
    const char *hint;
} S_faults[] = {
    {"NOAUTH", ERR_LOST,
     "Redis wants a password: give it in a password-file of the deck, or REDIS_PASSWORD"},
    {"WRONGPASS", ERR_LOST,
     "check the Redis user and password, and that the user is on (ACL LIST)"},
    {"NOPERM", ERR_REFUSED, "the Redis user's ACL does not allow this command or key"},
    {"LOADING", ERR_RETRY, "Redis is reading its data from disk: wait until it is ready"},
    {"BUSY", ERR_RETRY, "Redis runs a script: wait, or stop it with SCRIPT KILL"},
    {"TRYAGAIN", ERR_RETRY, "the cluster moves keys at the moment: try again"},
    {"CLUSTERDOWN", ERR_RETRY, "the cluster is not complete: see CLUSTER INFO"},
    {"READONLY", ERR_REFUSED, "this is a replica: connect to the primary"},
    {"MASTERDOWN", ERR_RETRY, "this replica has lost its primary"},
    {"OOM", ERR_REFUSED, "Redis has reached maxmemory: review TTLs and the eviction policy"},
    {"ERR max number of clients", ERR_LOST,
     "Redis has no connection left: close some, or raise maxclients"},
    {"MISCONF", ERR_REFUSED, "Redis cannot write its data to disk: see its log"},
};

static void S_server_error(const char *message, struct err *err)
{
    err_set(err, ERR_FAILED, "Redis says: %s", message);
    for (size_t i = 0; i < ARRAY_LEN(S_faults); i++) {
        size_t len = strlen(S_faults[i].word);
        if (strncmp(message, S_faults[i].word, len) != 0 || message[len] != ' ')
            continue;
        err->kind = S_faults[i].kind;
        err_hint(err, "%s", S_faults[i].hint);
        return;
    }
}

/* ---- bytes out and in ---- */

static bool S_flush(struct redis *redis, struct err *err)
{
    while (redis->sent < redis->unsent.len) {
        ssize_t moved = wire_write(redis->wire, redis->unsent.text + redis->sent,
                                   redis->unsent.len - redis->sent, err);
        if (moved < 0)
            return false;
        if (moved == 0)
            break;
        redis->sent += (size_t)moved;
    }
    if (redis->sent == redis->unsent.len) {
        buf_clear(&redis->unsent);
        redis->sent = 0;
    }
    wire_want_write(redis->wire, redis->unsent.len > 0);
    return true;
}

static void S_answer(struct redis *redis, redisReply *reply)
{
    struct pending pending = S_pop(redis);
    struct err err = {0};
    bool fault = reply->type == REDIS_REPLY_ERROR;
    if (fault)
        S_server_error(reply->str, &err);
    if (pending.done)
        pending.done(pending.ctx, fault ? NULL : (const struct redis_reply *)reply,
                     fault ? &err : NULL);
    freeReplyObject(reply);
}

/* Hands out all replies that are complete. A callback may close the connection meanwhile. */
static bool S_take_replies(struct redis *redis, struct err *err)
{
    while (redis->reader) {
        void *reply = NULL;
        if (redisReaderGetReply(redis->reader, &reply) != REDIS_OK)
            return err_set(err, ERR_LOST, "Redis sent what is no reply: %s", redis->reader->errstr);
        if (!reply)
            return true;
        redis->incoming = 0;
        if (!redis->pending_count) {
            freeReplyObject(reply);
            return err_set(err, ERR_LOST, "Redis sent a reply that nobody asked for");
        }
        S_answer(redis, reply);
    }
    return true;
}

static bool S_move_bytes(struct redis *redis, struct err *err)
{
    char bytes[64 * 1024];
    if (!S_flush(redis, err))
        return false;
    ssize_t moved = wire_read(redis->wire, bytes, sizeof(bytes), err);
    if (moved < 0)
        return false;
    redis->incoming += (size_t)moved;
    if (redis->incoming > REPLY_MAX)
        return err_set(err, ERR_LOST, "Redis sent a reply of more than %d MB, so it was let go",
                       REPLY_MAX / (1024 * 1024));
    if (moved > 0)
        redisReaderFeed(redis->reader, bytes, (size_t)moved);
    return S_take_replies(redis, err);
}

static void S_on_ready(void *arg)
{
    struct redis *redis = arg;
    struct err err = {0};
    if (!S_move_bytes(redis, &err))
        S_broken(redis, &err);
}

static void S_queue(struct redis *redis, int argc, const char *const *argv, const size_t *lengths,
                    redis_done_fn *done, void *ctx)
{
    char *bytes = NULL;
    long long len = redisFormatCommandArgv(&bytes, argc, (const char **)argv, lengths);
    if (len < 0)
        die("out of memory: a Redis command could not be formatted");
    buf_add_mem(&redis->unsent, bytes, (size_t)len);
    mem_wipe(bytes, (size_t)len);
    redisFreeCommand(bytes);
    S_push(redis, done, ctx);
    wire_want_write(redis->wire, true);
}

void redis_send(struct redis *redis, int argc, const char *const *argv, const size_t *lengths,
                redis_done_fn *done, void *ctx)
{
    if (!redis_is_up(redis))
        die("a Redis command was sent on a connection that is not up");
    S_queue(redis, argc, argv, lengths, done, ctx);
}

/* ---- connecting ---- */

static void S_greeted(void *arg, const struct redis_reply *reply, const struct err *err)
{
    (void)reply;
    struct redis *redis = arg;
    if (redis->unnamed)
        err_clear(&redis->greeting_err);
    redis->unnamed = false;
    if (err && redis->greeting_err.kind == ERR_NONE)
        redis->greeting_err = *err;
    if (--redis->greetings > 0 || redis->phase != PHASE_GREETING)
        return;
    if (redis->greeting_err.kind != ERR_NONE) {
        struct err failure = redis->greeting_err;
        S_drop(redis);
        S_connect_over(redis, &failure);
        return;
    }
    redis->phase = PHASE_UP;
    S_connect_over(redis, NULL);
}

/* A server that does not know CLIENT SETNAME, or forbids it, is served all the same; but the first
 * answer can also be a farewell (maxclients), which is told when nothing comes after it. */
static void S_named(void *arg, const struct redis_reply *reply, const struct err *err)
{
    (void)reply;
    struct redis *redis = arg;
    redis->unnamed = err != NULL && redis->greeting_err.kind == ERR_NONE;
    if (redis->unnamed)
        redis->greeting_err = *err;
}

static void S_greet(struct redis *redis, int argc, const char *const *argv)
{
    redis->greetings++;
    S_queue(redis, argc, argv, NULL, S_greeted, redis);
}

static void S_opened(void *arg, const struct err *err)
{
    struct redis *redis = arg;
    const struct redis_target *target = redis->target;
    if (err) {
        struct err failure = *err;
        S_broken(redis, &failure);
        return;
    }
    redis->phase = PHASE_GREETING;
    redis->reader = redisReaderCreate();
    redis->greetings = 0;
    err_clear(&redis->greeting_err);
    char db[16];
    snprintf(db, sizeof(db), "%d", target->db);
    if (target->password && target->user)
        S_greet(redis, 3, (const char *[]){"AUTH", target->user, target->password});
    else if (target->password)
        S_greet(redis, 2, (const char *[]){"AUTH", target->password});
    const char *name[] = {"CLIENT", "SETNAME", "tenantdeck"};
    redis->unnamed = false;
    S_queue(redis, 3, name, NULL, S_named, redis);
    if (target->db)
        S_greet(redis, 2, (const char *[]){"SELECT", db});
    /* The last greeting tells a server that wants a password from one that lets us in. */
    S_greet(redis, 1, (const char *[]){"PING"});
}

static void S_too_slow(void *arg)
{
    struct redis *redis = arg;
    redis->patience = NULL;
    struct err err = {0};
    err_set(&err, ERR_LOST, "Redis did not answer in time");
    err_hint(&err, "is the host reachable? a firewall that drops packets looks like this");
    S_broken(redis, &err);
}

void redis_connect(struct redis *redis, int timeout_ms, redis_connected_fn *connected, void *ctx)
{
    S_drop(redis);
    redis->connected = connected;
    redis->connected_ctx = ctx;
    redis->phase = PHASE_OPENING;
    redis->patience = loop_after(redis->loop, timeout_ms, S_too_slow, redis);
    struct wire_owner owner = {.opened = S_opened, .ready = S_on_ready, .ctx = redis};
    redis->wire = wire_open(redis->loop, redis->target, &owner);
}

/* ---- waiting while the loop turns ---- */

struct waiting {
    bool over, failed;
    struct err err;
    struct redis_reply *reply;
};

static void S_waited_connect(void *arg, const struct err *err)
{
    struct waiting *waiting = arg;
    waiting->over = true;
    waiting->failed = err != NULL;
    if (err)
        waiting->err = *err;
}

bool redis_open(struct redis *redis, int timeout_ms, struct err *err)
{
    struct waiting waiting = {0};
    redis_connect(redis, timeout_ms, S_waited_connect, &waiting);
    while (!waiting.over)
        loop_turn(redis->loop, -1);
    if (waiting.failed)
        *err = waiting.err;
    return !waiting.failed;
}

/* hiredis gives a reply away as a whole or not at all: a copy is what the waiting one keeps. */
static redisReply *S_copy(const redisReply *reply)
{
    redisReply *copy = mem_new(sizeof(*copy));
    copy->type = reply->type;
    copy->integer = reply->integer;
    copy->len = reply->len;
    copy->elements = reply->elements;
    if (reply->str)
        copy->str = str_ndup(reply->str, reply->len);
    if (reply->elements)
        copy->element = mem_array(reply->elements, sizeof(*copy->element));
    for (size_t i = 0; i < reply->elements; i++)
        copy->element[i] = S_copy(reply->element[i]);
    return copy;
}

static void S_waited_reply(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct waiting *waiting = arg;
    S_waited_connect(waiting, err);
    if (reply)
        waiting->reply = redis_reply_copy(reply);
}

bool redis_run(struct redis *redis, int argc, const char *const *argv, struct redis_reply **out,
               struct err *err)
{
    if (!redis_is_up(redis))
        return err_set(err, ERR_LOST, "the connection to Redis was lost");
    struct waiting waiting = {0};
    redis_send(redis, argc, argv, NULL, S_waited_reply, &waiting);
    while (!waiting.over)
        loop_turn(redis->loop, -1);
    if (waiting.failed)
        *err = waiting.err;
    if (out)
        *out = waiting.reply;
    else
        redis_reply_free(waiting.reply);
    return !waiting.failed;
}

struct redis_reply *redis_reply_copy(const struct redis_reply *reply)
{
    return (struct redis_reply *)S_copy((const redisReply *)reply);
}

void redis_reply_free(struct redis_reply *reply)
{
    redisReply *copy = (redisReply *)reply;
    if (!copy)
        return;
    for (size_t i = 0; i < copy->elements; i++)
        redis_reply_free((struct redis_reply *)copy->element[i]);
    free(copy->element);
    free(copy->str);
    free(copy);
}

/* ---- replies ---- */

static const redisReply *S_raw(const struct redis_reply *reply)
{
    return (const redisReply *)reply;
}

enum redis_type redis_type(const struct redis_reply *reply)
{
    switch (S_raw(reply)->type) {
    case REDIS_REPLY_STRING:
        return REDIS_STRING;
    case REDIS_REPLY_STATUS:
        return REDIS_STATUS;
    case REDIS_REPLY_INTEGER:
        return REDIS_INTEGER;
    case REDIS_REPLY_ARRAY:
        return REDIS_ARRAY;
    case REDIS_REPLY_ERROR:
        return REDIS_FAULT;
    default:
        return REDIS_NIL;
    }
}

const char *redis_text(const struct redis_reply *reply)
{
    return S_raw(reply)->str ? S_raw(reply)->str : "";
}

size_t redis_length(const struct redis_reply *reply)
{
    bool array = S_raw(reply)->type == REDIS_REPLY_ARRAY;
    size_t bytes = S_raw(reply)->str ? (size_t)S_raw(reply)->len : 0;
    return array ? S_raw(reply)->elements : bytes;
}

int64_t redis_int(const struct redis_reply *reply)
{
    int64_t n = 0;
    if (S_raw(reply)->type == REDIS_REPLY_INTEGER)
        return S_raw(reply)->integer;
    return str_to_int(redis_text(reply), &n) ? n : 0;
}

const struct redis_reply *redis_at(const struct redis_reply *array, size_t i)
{
    if (i >= S_raw(array)->elements)
        die("a Redis reply has no element %zu", i);
    return (const struct redis_reply *)S_raw(array)->element[i];
}

/* The rest of the line that starts with "field:"; NULL when there is none. */
static const char *S_info_line(const char *info, const char *field)
{
    size_t len = strlen(field);
    for (const char *line = info; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, field, len) == 0 && line[len] == ':')
            return line + len + 1;
    }
    return NULL;
}

char *redis_info_text(const char *info, const char *field)
{
    const char *value = S_info_line(info, field);
    return value ? str_ndup(value, strcspn(value, "\r\n")) : NULL;
}

int64_t redis_info_int(const char *info, const char *field)
{
    char *value = redis_info_text(info, field);
    int64_t n = -1;
    if (value)
        str_to_int(value, &n);
    free(value);
    return n;
}
