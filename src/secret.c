/* secret: see secret.h. Nothing here knows what a connection string means beyond its secrets. */
#include "secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const S_keys[] = {"password", "sslpassword", "passwd", "token", "_token"};

struct S_span {
    size_t start, end;
};

/* user:password@ — up to the last '@', since an unescaped '@' or '/' may stand in the password. */
static bool S_find_userinfo(const char *text, struct S_span *out)
{
    const char *scheme = strstr(text, "://");
    if (!scheme)
        return false;
    const char *user = scheme + 3;
    const char *at = strrchr(user, '@');
    const char *colon = strchr(user, ':');
    if (!at || !colon || colon + 1 >= at)
        return false;
    *out = (struct S_span){(size_t)(colon + 1 - text), (size_t)(at - text)};
    return true;
}

static bool S_is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The length of a secret's name at `text[at]`, which must be a word of its own; 0: none. */
static size_t S_key_at(const char *text, size_t at)
{
    if (at > 0 && S_is_word(text[at - 1]))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(S_keys); i++) {
        size_t len = strlen(S_keys[i]);
        if (strncasecmp(text + at, S_keys[i], len) == 0 && !S_is_word(text[at + len]))
            return len;
    }
    return 0;
}

/* Where the value that starts at `at` ends: a quote ends it, or a blank, or in a URL an '&'. */
static size_t S_value_end(const char *text, size_t at, bool url)
{
    bool quoted = text[at] == '\'';
    size_t i = at + quoted;
    while (text[i]) {
        if (text[i] == '\\' && text[i + 1])
            i++;
        else if (quoted ? text[i] == '\'' : url ? text[i] == '&' : isspace((unsigned char)text[i]))
            return i + quoted;
        i++;
    }
    return i;
}

/* The next key=value whose key is a secret's, from `from` on. */
static bool S_find_pair(const char *text, size_t from, struct S_span *out)
{
    bool url = strstr(text, "://") != NULL;
    for (size_t at = from; text[at]; at++) {
        size_t len = S_key_at(text, at);
        if (!len)
            continue;
        size_t i = at + len;
        while (isspace((unsigned char)text[i]))
            i++;
        if (text[i] != '=')
            continue;
        i++;
        while (isspace((unsigned char)text[i]))
            i++;
        *out = (struct S_span){i, S_value_end(text, i, url)};
        if (out->end > out->start)
            return true;
    }
    return false;
}

static bool S_find(const char *text, size_t from, struct S_span *out)
{
    if (from == 0 && S_find_userinfo(text, out))
        return true;
    return S_find_pair(text, from, out);
}

bool secret_inside(const char *text)
{
    struct S_span span;
    return text && S_find(text, 0, &span);
}

char *secret_masked(const char *text)
{
    struct buf out = {0};
    struct S_span span;
    size_t at = 0;
    while (S_find(text, at, &span)) {
        buf_add_mem(&out, text + at, span.start - at);
        buf_add(&out, SECRET_MASK);
        at = span.end;
    }
    buf_add(&out, text + at);
    return buf_take(&out);
}
