/*
 * verb_peek: one key of Redis as it is, without a trace: nothing is extended, deleted or counted.
 */
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

enum { OPEN_MS = 5000, MEMBERS = 20, NO_END = -1, REFUSED = -3 };

struct peek {
    struct verb_call *call;
    struct redis *redis;
    const char *key;
    char *type;
    int64_t ttl_ms; /* NO_END; REFUSED: not known */
    int64_t bytes;  /* REFUSED: not known */
    int64_t size;   /* bytes of a string, members of anything else; REFUSED: not known */
    struct redis_reply *value;
};

static bool S_ask(struct peek *peek, int argc, const char *const *argv, struct redis_reply **out,
                  struct err *err)
{
    return redis_run(peek->redis, argc, argv, out, err);
}

/* A number that may be refused to this user, or not exist: then it is not known. */
static int64_t S_number(struct peek *peek, int argc, const char *const *argv)
{
    struct err ignored = {0};
    struct redis_reply *reply = NULL;
    int64_t number = REFUSED;
    if (S_ask(peek, argc, argv, &reply, &ignored) && redis_type(reply) == REDIS_INTEGER)
        number = redis_int(reply);
    redis_reply_free(reply);
    return number;
}

/* What begins the value of each type, and how large the whole is. {} stands for the key. */
static const struct {
    const char *type, *size;
    const char *words[6];
} S_types[] = {
    {"string", "STRLEN", {"GETRANGE", "{}", "0", "1023"}},
    {"list", "LLEN", {"LRANGE", "{}", "0", "19"}},
    {"set", "SCARD", {"SSCAN", "{}", "0", "COUNT", "20"}},
    {"hash", "HLEN", {"HSCAN", "{}", "0", "COUNT", "20"}},
    {"zset", "ZCARD", {"ZRANGE", "{}", "0", "19", "WITHSCORES"}},
    {"stream", "XLEN", {"XREVRANGE", "{}", "+", "-", "COUNT", "5"}},
};

static bool S_read_value(struct peek *peek, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(S_types); i++) {
        const char *argv[6];
        int argc = 0;
        if (!str_is(S_types[i].type, peek->type))
            continue;
        for (; argc < 6 && S_types[i].words[argc]; argc++)
            argv[argc] = str_is(S_types[i].words[argc], "{}") ? peek->key : S_types[i].words[argc];
        peek->size = S_number(peek, 2, (const char *[]){S_types[i].size, peek->key});
        return S_ask(peek, argc, argv, &peek->value, err);
    }
    return true; /* a module's type: its value is its own */
}

static bool S_read(struct peek *peek, struct err *err)
{
    struct err ignored = {0};
    struct redis_reply *type = NULL;
    /* Redis before 7.2 does not know it: there a read sets the time of the last use. */
    if (!redis_is_cluster(peek->redis))
        redis_run(peek->redis, 3, (const char *[]){"CLIENT", "NO-TOUCH", "ON"}, NULL, &ignored);
    if (!S_ask(peek, 2, (const char *[]){"TYPE", peek->key}, &type, err))
        return false;
    peek->type = str_dup(redis_text(type));
    redis_reply_free(type);
    if (str_is(peek->type, "none"))
        return err_set(err, ERR_FAILED, "there is no key '%s'", peek->key);
    peek->ttl_ms = S_number(peek, 2, (const char *[]){"PTTL", peek->key});
    peek->bytes = S_number(peek, 3, (const char *[]){"MEMORY", "USAGE", peek->key});
    return S_read_value(peek, err);
}

/* ---- telling ---- */

/* A NUL is a character like others here: what stands behind one is part of the value. */
static json_t *S_json_bytes(const char *bytes, size_t len)
{
    json_t *text = json_stringn(bytes, len);
    if (text)
        return text;
    struct buf clean = {0};
    text_clean(&clean, bytes, len);
    text = json_string(buf_text(&clean));
    buf_release(&clean);
    return text;
}

static json_t *S_json_value(const struct redis_reply *value)
{
    if (!value || redis_type(value) == REDIS_NIL)
        return json_null();
    if (redis_type(value) == REDIS_INTEGER)
        return json_integer(redis_int(value));
    if (redis_type(value) != REDIS_ARRAY)
        return S_json_bytes(redis_text(value), redis_length(value));
    json_t *array = json_array();
    for (size_t i = 0; i < redis_length(value); i++)
        json_array_append_new(array, S_json_value(redis_at(value, i)));
    return array;
}

/* A member a line; SCAN's answers have a cursor before them. */
static void S_print_value(const struct peek *peek, const struct redis_reply *value, int depth,
                          size_t *left)
{
    FILE *out = peek->call->out;
    if (!value || !*left)
        return;
    if (redis_type(value) == REDIS_ARRAY) {
        size_t first = depth == 0 && (str_is(peek->type, "set") || str_is(peek->type, "hash"));
        for (size_t i = first; i < redis_length(value); i++)
            S_print_value(peek, redis_at(value, i), depth + 1, left);
        return;
    }
    struct buf clean = {0};
    text_clean(&clean, redis_text(value), redis_length(value));
    fprintf(out, "  %s\n", buf_text(&clean));
    buf_release(&clean);
    --*left;
}

static void S_print(const struct peek *peek)
{
    FILE *out = peek->call->out;
    struct buf text = {0};
    bool single = str_is(peek->type, "set") || str_is(peek->type, "list");
    size_t left =
        single ? MEMBERS : (size_t)2 * MEMBERS; /* fields and values; a small set comes whole */
    char *key = text_cleaned(peek->key), *type = text_cleaned(peek->type);
    bool string = str_is(peek->type, "string");
    buf_format(&text, "key     %s\ntype    %s\n", key, type);
    if (peek->ttl_ms >= 0)
        buf_format(&text, "ttl     %lld s\n", (long long)(peek->ttl_ms / 1000));
    else
        buf_format(&text, "ttl     %s\n",
                   peek->ttl_ms == NO_END ? "none: it never expires" : "not known");
    buf_add(&text, "memory  ");
    if (peek->bytes >= 0)
        text_bytes(&text, peek->bytes);
    else
        buf_add(&text, "not known");
    buf_format(&text, "\nholds   ");
    if (peek->size >= 0)
        text_count(&text, peek->size);
    else
        buf_add(&text, "?");
    buf_add(&text, string ? " bytes\n" : " members\n");
    fputs(buf_text(&text), out);
    fprintf(out, "\n%s:\n",
            string && peek->size > 1024       ? "the first 1,024 bytes"
            : !string && peek->size > MEMBERS ? "some of them"
                                              : "value");
    S_print_value(peek, peek->value, 0, &left);
    free(key);
    free(type);
    buf_release(&text);
}

static void S_tell(const struct peek *peek)
{
    if (!peek->call->json) {
        S_print(peek);
        return;
    }
    verb_answer(
        peek->call,
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "key", verb_json_text(peek->key), "type",
                  peek->type, "ttl_ms", peek->ttl_ms < 0 ? json_null() : json_integer(peek->ttl_ms),
                  "endless",
                  peek->ttl_ms < NO_END ? json_null() : json_boolean(peek->ttl_ms == NO_END),
                  "bytes", peek->bytes < 0 ? json_null() : json_integer(peek->bytes), "size",
                  peek->size < 0 ? json_null() : json_integer(peek->size), "value",
                  S_json_value(peek->value)));
}

bool verb_cache_peek(struct verb_call *call, struct err *err)
{
    struct peek peek = {.call = call, .key = call->args[0], .ttl_ms = -1, .bytes = -1, .size = -1};
    peek.redis = redis_new(call->loop, &call->session->redis);
    bool ok = redis_open(peek.redis, OPEN_MS, err) && S_read(&peek, err);
    if (ok)
        S_tell(&peek);
    free(peek.type);
    redis_reply_free(peek.value);
    redis_free(peek.redis);
    return ok;
}
