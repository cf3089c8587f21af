/* redis_reply: answers of Redis, read without hiredis's types, and the text of INFO. */
#include "redis_parts.h"

#include <stdlib.h>
#include <string.h>

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

/* ---- copies ---- */

/* hiredis gives a reply away as a whole or not at all: a copy is what one who waits keeps. */
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

struct redis_reply *redis_reply_copy(const struct redis_reply *reply)
{
    return (struct redis_reply *)S_copy(S_raw(reply));
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

/* ---- INFO ---- */

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
