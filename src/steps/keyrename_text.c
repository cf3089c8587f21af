/* keyrename_text: the one place of a JSON text that says whose it is, changed in place. */
#include "keyrename.h"

#include <stdlib.h>
#include <string.h>

static bool S_is_owner_name(const char *name)
{
    static const char *const names[] = {
        "tenantId",       "tenant_id",       "tenantCode",       "tenant_code",
        "organizationId", "organization_id", "organizationCode", "organization_code",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(names[i], name))
            return true;
    return false;
}

/* Behind the string that begins at `at`, with its quotes. */
static size_t S_string_end(const char *text, size_t len, size_t at)
{
    for (at++; at < len && text[at] != '"'; at++)
        at += text[at] == '\\';
    return at < len ? at + 1 : len;
}

/* What a quoted string of JSON means; yours. NULL: it is none, or holds a NUL. */
static char *S_decode(const char *text, size_t len)
{
    json_t *string = json_loadb(text, len, JSON_DECODE_ANY, NULL);
    char *decoded = str_dup(json_string_value(string));
    json_decref(string);
    return decoded;
}

static size_t S_skip_blanks(const char *text, size_t len, size_t at)
{
    while (at < len && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    return at;
}

struct cut {
    const char *before, *quoted; /* `after`, as JSON writes it */
    size_t copied, changed;
    struct buf *out;
};

/* A string at depth 1, from `at` to `end`: a name, whose value comes behind a colon? */
static size_t S_take_name(struct cut *cut, const char *text, size_t len, size_t at, size_t end)
{
    size_t value = S_skip_blanks(text, len, end);
    if (value >= len || text[value] != ':')
        return end;
    value = S_skip_blanks(text, len, value + 1);
    if (value >= len || text[value] != '"')
        return value;
    size_t value_end = S_string_end(text, len, value);
    char *name = S_decode(text + at, end - at), *says = S_decode(text + value, value_end - value);
    if (S_is_owner_name(name ? name : "") && str_is(says, cut->before)) {
        buf_add_mem(cut->out, text + cut->copied, value - cut->copied);
        buf_add(cut->out, cut->quoted);
        cut->copied = value_end;
        cut->changed++;
    }
    free(name);
    free(says);
    return value_end;
}

size_t keyrename_text(const char *text, size_t len, const char *before, const char *after,
                      struct buf *out)
{
    json_t *whole = json_loadb(text, len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL),
           *string = json_string(after);
    char *quoted = json_dumps(string, JSON_ENCODE_ANY);
    struct cut cut = {.before = before, .quoted = quoted, .out = out};
    int depth = 0;
    for (size_t at = 0; json_is_object(whole) && at < len;) {
        if (text[at] == '"') {
            size_t end = S_string_end(text, len, at);
            at = depth == 1 ? S_take_name(&cut, text, len, at, end) : end;
            continue;
        }
        depth += text[at] == '{' || text[at] == '[';
        depth -= text[at] == '}' || text[at] == ']';
        at++;
    }
    if (cut.changed)
        buf_add_mem(out, text + cut.copied, len - cut.copied);
    free(quoted);
    json_decref(string);
    json_decref(whole);
    return cut.changed;
}
