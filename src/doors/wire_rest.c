/*
 * wire_rest: a wire to a Redis behind HTTP, as Upstash serves it: what is written here are commands
 * in Redis's own protocol, and so are the replies that are read; between them is JSON.
 *
 * Commands that come together go out together, as one POST to /pipeline; the next one goes when the
 * answer is there. Strings come back in base64, if a probe has shown that the server does that:
 * else what is no UTF-8 would come back changed, and is an error here. JSON cannot hold what is no
 * UTF-8 either: a command that ends with such a key or value goes alone, its last word as the body
 * and the others in the address; one that has it elsewhere cannot be sent.
 */
#include "redis_parts.h"
#include "wire_parts.h"

#include "http.h"
#include "text.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOGETHER = 256,          /* commands in one request, at the most, */
    TOGETHER_BYTES = 400000, /* and about so many bytes: a request may have a megabyte */
    CHUNK = 64 * 1024,       /* what is read at a time */
};

#define PROBE "tenantdeck \xc3\xa9"
#define REPLACED "\xef\xbf\xbd" /* U+FFFD: what stands for bytes that are no UTF-8 */

struct ask {         /* a command that is to be sent, or was */
    json_t *words;   /* NULL: it cannot be said in JSON */
    char *path;      /* "/SET/key": it goes alone, with `last` as the body; else NULL */
    struct buf last; /* not in JSON, and whatever bytes it has */
    size_t bytes;
};

struct rest_wire {
    struct wire wire; /* the first: a pointer to one is a pointer to the other */
    struct loop *loop;
    const struct redis_target *target;
    struct wire_owner owner;
    struct http *http;
    redisReader *commands; /* parses what is written */
    struct ask *asks;
    size_t ask_count, ask_cap, under_way;
    struct buf replies;
    size_t taken; /* of them, in bytes */
    bool open, busy, base64;
    bool alone; /* what is under way is one command, and its answer no array */
    struct timer *wake;
    struct err lost;
};

static struct rest_wire *S_self(struct wire *wire)
{
    return (struct rest_wire *)wire;
}

/* ---- waking the owner ---- */

static void S_on_wake(void *arg);

static void S_wake(struct rest_wire *wire)
{
    if (!wire->wake)
        wire->wake = loop_after(wire->loop, 0, S_on_wake, wire);
}

/* ---- from JSON ---- */

static void S_add_error(struct buf *out, const char *text)
{
    size_t start = out->len + 1;
    buf_format(out, "-%s", text);
    for (char *c = out->text + start; *c; c++)
        if (*c == '\r' || *c == '\n')
            *c = ' ';
    buf_add(out, "\r\n");
}

static void S_add_bulk(struct buf *out, const void *bytes, size_t len)
{
    buf_format(out, "$%zu\r\n", len);
    buf_add_mem(out, bytes, len);
    buf_add(out, "\r\n");
}

static void S_add_decoded(struct buf *out, const char *text, size_t len)
{
    unsigned char *bytes = mem_new(len / 4 * 3 + 1);
    int size = len % 4 || len > INT32_MAX
                   ? -1
                   : EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len);
    for (size_t end = len; size > 0 && end > 0 && text[end - 1] == '=' && len - end < 2; end--)
        size--;
    if (size < 0)
        S_add_error(out, "ERR the server sent a string that is not in base64");
    else
        S_add_bulk(out, bytes, (size_t)size);
    mem_wipe(bytes, len / 4 * 3 + 1);
    free(bytes);
}

static void S_add_string(const struct rest_wire *wire, struct buf *out, const char *text,
                         size_t len)
{
    if (len == 2 && memcmp(text, "OK", 2) == 0)
        buf_add(out, "+OK\r\n");
    else if (wire->base64)
        S_add_decoded(out, text, len);
    else if (memmem(text, len, REPLACED, strlen(REPLACED)))
        S_add_error(out, "ERR this value is no UTF-8, and the server cannot send it unchanged");
    else
        S_add_bulk(out, text, len);
}

static void S_add_value(const struct rest_wire *wire, struct buf *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        S_add_string(wire, out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        buf_format(out, ":%" JSON_INTEGER_FORMAT "\r\n", json_integer_value(value));
        break;
    case JSON_ARRAY:
        buf_format(out, "*%zu\r\n", json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++)
            S_add_value(wire, out, json_array_get(value, i));
        break;
    case JSON_NULL:
        buf_add(out, "$-1\r\n");
        break;
    default:
        S_add_error(out, "ERR the server sent what is no reply of Redis");
        break;
    }
}

/* {"result": …} or {"error": "ERR …"} */
static void S_add_reply(const struct rest_wire *wire, struct buf *out, const json_t *answer)
{
    const json_t *result = json_object_get(answer, "result");
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (error)
        S_add_error(out, error);
    else if (result)
        S_add_value(wire, out, result);
    else
        S_add_error(out, "ERR the server sent neither a result nor an error");
}

/* ---- what an answer without results means ---- */

static void S_refused(const struct rest_wire *wire, long status, const char *text, struct err *err)
{
    char *where = redis_target_describe(wire->target);
    if (status == 401 || status == 403) {
        err_set(err, ERR_LOST, "%s does not accept the token (HTTP %ld)", where, status);
        err_hint(err, "verify UPSTASH_REDIS_REST_TOKEN: it belongs to one database, and may have "
                      "been changed");
    } else if (status == 429) {
        err_set(err, ERR_LOST, "%s takes no more requests at the moment (HTTP 429)", where);
        err_hint(err, "wait, or see the limits of the plan that was bought");
    } else if (status >= 300 && status < 400) {
        err_set(err, ERR_LOST, "%s points elsewhere (HTTP %ld), where the token is not sent", where,
                status);
        err_hint(err, "name the address that it points to");
    } else {
        err_set(err, ERR_LOST, "%s does not answer like a Redis over HTTP (HTTP %ld)%s%s", where,
                status, text ? ": " : "", text ? text : "");
        err_hint(err, "UPSTASH_REDIS_REST_URL is the address, without a path");
    }
    free(where);
}

/* The whole answer as an array of replies; NULL with err. Yours. */
static json_t *S_parse(const struct rest_wire *wire, long status, const char *body, size_t len,
                       size_t wanted, struct err *err)
{
    json_t *answer = json_loadb(body, len, JSON_ALLOW_NUL, NULL);
    if (status == 200 && json_array_size(answer) == wanted && json_is_array(answer))
        return answer;
    S_refused(wire, status, json_string_value(json_object_get(answer, "error")), err);
    json_decref(answer);
    return NULL;
}

/* A command that went alone has one answer, also when it is refused (HTTP 400). */
static json_t *S_parse_one(const struct rest_wire *wire, long status, const char *body, size_t len,
                           struct err *err)
{
    json_t *answer = json_loadb(body, len, JSON_ALLOW_NUL, NULL);
    if ((status == 200 && json_object_get(answer, "result")) ||
        (status == 400 && json_object_get(answer, "error")))
        return json_pack("[o]", answer);
    S_refused(wire, status, json_string_value(json_object_get(answer, "error")), err);
    json_decref(answer);
    return NULL;
}

/* ---- to JSON ---- */

static void S_release_ask(struct ask *ask)
{
    json_decref(ask->words);
    free(ask->path);
    mem_wipe(ask->last.text, ask->last.cap);
    buf_release(&ask->last);
}

static json_t *S_words(const redisReply *command)
{
    json_t *words = json_array();
    for (size_t i = 0; i < command->elements; i++) {
        json_t *text = json_stringn(command->element[i]->str, command->element[i]->len);
        if (!text) {
            json_decref(words);
            return NULL;
        }
        json_array_append_new(words, text);
    }
    return words;
}

static void S_add_to_path(struct buf *path, const char *word, size_t len)
{
    buf_add_char(path, '/');
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)word[i];
        if (isalnum(byte) || (byte && strchr("-_~", byte)))
            buf_add_char(path, (char)byte);
        else
            buf_format(path, "%%%02X", byte);
    }
}

/* The words but the last, as an address; NULL: there are none, or one of them is no text either. */
static char *S_path(const redisReply *command)
{
    struct buf path = {0};
    bool fits = command->elements > 1;
    for (size_t i = 0; fits && i + 1 < command->elements; i++) {
        const redisReply *word = command->element[i];
        json_t *text = json_stringn(word->str, word->len);
        fits = text && word->len; /* an empty segment would be lost on the way */
        json_decref(text);
        S_add_to_path(&path, word->str, word->len);
    }
    if (fits)
        return buf_take(&path);
    buf_release(&path);
    return NULL;
}

static void S_take_command(struct rest_wire *wire, const redisReply *command)
{
    struct ask ask = {.words = S_words(command)};
    for (size_t i = 0; i < command->elements; i++)
        ask.bytes += command->element[i]->len + 3;
    if (!ask.words)
        ask.path = S_path(command);
    if (ask.path) {
        const redisReply *last = command->element[command->elements - 1];
        buf_add_mem(&ask.last, last->str, last->len);
    }
    wire->asks = mem_room(wire->asks, wire->ask_count, &wire->ask_cap, sizeof(*wire->asks));
    wire->asks[wire->ask_count++] = ask;
}

static void S_post(struct rest_wire *wire);

static void S_answer_all(struct rest_wire *wire, const json_t *answers)
{
    size_t next = 0;
    for (size_t i = 0; i < wire->under_way; i++) {
        if (wire->asks[i].words || wire->asks[i].path)
            S_add_reply(wire, &wire->replies, json_array_get(answers, next++));
        else
            S_add_error(&wire->replies, "ERR this key or value is no UTF-8, and does not end its "
                                        "command: that cannot be sent over HTTP");
        S_release_ask(&wire->asks[i]);
    }
    wire->ask_count -= wire->under_way;
    memmove(wire->asks, wire->asks + wire->under_way, wire->ask_count * sizeof(*wire->asks));
    wire->under_way = 0;
}

static void S_on_answer(void *arg, long status, const char *body, size_t len, const struct err *err)
{
    struct rest_wire *wire = arg;
    size_t wanted = 0;
    wire->busy = false;
    for (size_t i = 0; i < wire->under_way; i++)
        wanted += wire->asks[i].words != NULL;
    json_t *answers = err           ? NULL
                      : wire->alone ? S_parse_one(wire, status, body, len, &wire->lost)
                                    : S_parse(wire, status, body, len, wanted, &wire->lost);
    if (err)
        wire->lost = *err;
    if (answers)
        S_answer_all(wire, answers);
    json_decref(answers);
    S_wake(wire);
}

static void S_post_alone(struct rest_wire *wire)
{
    const struct ask *ask = &wire->asks[0];
    char *url = str_format("%s%s", wire->target->rest, ask->path);
    wire->under_way = 1;
    wire->busy = wire->alone = true;
    http_post_bytes(wire->http, url, buf_text(&ask->last), ask->last.len, S_on_answer, wire);
    free(url);
}

/* As many of the commands as go well together. */
static void S_post(struct rest_wire *wire)
{
    if (wire->asks[0].path) {
        S_post_alone(wire);
        return;
    }
    json_t *body = json_array();
    size_t bytes = 0;
    while (wire->under_way < wire->ask_count && wire->under_way < TOGETHER &&
           bytes < TOGETHER_BYTES && !wire->asks[wire->under_way].path) {
        const struct ask *ask = &wire->asks[wire->under_way++];
        bytes += ask->bytes;
        if (ask->words)
            json_array_append(body, ask->words);
    }
    wire->alone = false;
    if (json_array_size(body)) {
        char *text = json_dumps(body, JSON_COMPACT);
        wire->busy = true;
        http_post(wire->http, text, strlen(text), S_on_answer, wire);
        str_wipe(text);
    } else { /* nothing that could be sent; others may wait behind it */
        S_answer_all(wire, body);
        S_wake(wire);
    }
    json_decref(body);
}

/* The owner comes last: it may close us. */
static void S_on_wake(void *arg)
{
    struct rest_wire *wire = arg;
    wire->wake = NULL;
    if (!wire->open && wire->lost.kind != ERR_NONE) {
        wire->owner.opened(wire->owner.ctx, &wire->lost);
        return;
    }
    if (wire->open && !wire->busy && wire->ask_count && wire->lost.kind == ERR_NONE)
        S_post(wire);
    if (wire->replies.len - wire->taken > CHUNK)
        S_wake(wire);
    wire->owner.ready(wire->owner.ctx);
}

/* ---- opening: is the token good, and does it speak base64? ---- */

/* The PING is for a user who may not ECHO. */
static bool S_judge_probe(struct rest_wire *wire, const json_t *answer, struct err *err)
{
    const char *echo = json_string_value(json_object_get(json_array_get(answer, 0), "result"));
    const char *pong = json_string_value(json_object_get(json_array_get(answer, 1), "result"));
    unsigned char encoded[4 * sizeof(PROBE)];
    EVP_EncodeBlock(encoded, (const unsigned char *)PROBE, (int)strlen(PROBE));
    wire->base64 = echo ? str_is(echo, (const char *)encoded) : str_is(pong, "UE9ORw==");
    if (wire->base64 || str_is(echo, PROBE) || (!echo && str_is(pong, "PONG")))
        return true;
    S_refused(wire, 200, "it does not give back what it is given", err);
    return false;
}

static void S_on_probe(void *arg, long status, const char *body, size_t len, const struct err *err)
{
    struct rest_wire *wire = arg;
    json_t *answer = err ? NULL : S_parse(wire, status, body, len, 2, &wire->lost);
    if (err)
        wire->lost = *err;
    wire->open = answer && S_judge_probe(wire, answer, &wire->lost);
    json_decref(answer);
    wire->owner.opened(wire->owner.ctx, wire->open ? NULL : &wire->lost);
}

/* ---- as a wire ---- */

static void S_close(struct wire *base)
{
    struct rest_wire *wire = S_self(base);
    loop_cancel(wire->wake);
    http_free(wire->http);
    redisReaderFree(wire->commands);
    for (size_t i = 0; i < wire->ask_count; i++)
        S_release_ask(&wire->asks[i]);
    free(wire->asks);
    mem_wipe(wire->replies.text, wire->replies.cap);
    buf_release(&wire->replies);
    free(wire);
}

static void S_want_write(struct wire *base, bool wanted)
{
    if (wanted)
        S_wake(S_self(base));
}

static ssize_t S_read(struct wire *base, void *bytes, size_t size, struct err *err)
{
    struct rest_wire *wire = S_self(base);
    size_t left = wire->replies.len - wire->taken, moved = left < size ? left : size;
    if (!left && wire->lost.kind != ERR_NONE) {
        *err = wire->lost;
        return -1;
    }
    if (moved)
        memcpy(bytes, wire->replies.text + wire->taken, moved);
    wire->taken += moved;
    if (wire->taken == wire->replies.len) {
        buf_clear(&wire->replies);
        wire->taken = 0;
    }
    return (ssize_t)moved;
}

static ssize_t S_write(struct wire *base, const void *bytes, size_t size, struct err *err)
{
    struct rest_wire *wire = S_self(base);
    void *command = NULL;
    redisReaderFeed(wire->commands, bytes, size);
    while (redisReaderGetReply(wire->commands, &command) == REDIS_OK && command) {
        S_take_command(wire, command);
        freeReplyObject(command);
    }
    if (wire->commands->err) {
        err_set(err, ERR_BUG, "a command could not be read: %s", wire->commands->errstr);
        return -1;
    }
    S_wake(wire);
    return (ssize_t)size;
}

static const struct wire_kind S_rest = {
    .close = S_close, .want_write = S_want_write, .read = S_read, .write = S_write};

struct wire *wire_rest_open(struct loop *loop, const struct redis_target *target,
                            const struct wire_owner *owner)
{
    static const char probe[] = "[[\"ECHO\",\"" PROBE "\"],[\"PING\"]]";
    struct rest_wire *wire = mem_new(sizeof(*wire));
    *wire =
        (struct rest_wire){.wire.kind = &S_rest, .loop = loop, .target = target, .owner = *owner};
    wire->commands = redisReaderCreate();
    char *url = str_format("%s/pipeline", target->rest);
    wire->http = http_new(loop, url, target->password, target->cacert, &wire->lost);
    free(url);
    if (wire->http)
        http_post(wire->http, probe, strlen(probe), S_on_probe, wire);
    else
        S_wake(wire);
    return &wire->wire;
}
