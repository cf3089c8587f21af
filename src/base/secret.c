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

/*
 * user:password@ — up to the last '@', since an unescaped '@' or '/' may stand in the password.
 * Without a scheme it is a Redis address as the services write it, and then without a blank.
 */
static bool S_find_userinfo(const char *text, struct S_span *out)
{
    const char *scheme = strstr(text, "://");
    const char *user = scheme ? scheme + 3 : text;
    const char *at = strrchr(user, '@');
    const char *colon = strchr(user, ':');
    if (!at || !colon || colon + 1 >= at)
        return false;
    *out = (struct S_span){(size_t)(colon + 1 - text), (size_t)(at - text)};
    return scheme || colon + strcspn(colon, " \t\r\n") > at;
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

/* The key of a URL may be written in %XX: libpq reads it, so who hides it there hides a secret. */
static size_t S_escaped_key_at(const char *text, size_t at)
{
    size_t len = 0;
    if (at == 0 || !strchr("?&", text[at - 1]))
        return 0;
    len = strcspn(text + at, "=&");
    return text[at + len] == '=' && memchr(text + at, '%', len) ? len : 0;
}

/* Where the value that starts at `at` ends: at a blank outside of quotes, or in a URL at an '&'. */
static size_t S_value_end(const char *text, size_t at, bool url)
{
    bool quoted = false;
    size_t i = at;
    while (text[i] && (url ? text[i] != '&' : quoted || !isspace((unsigned char)text[i]))) {
        if (!url && text[i] == '\'')
            quoted = !quoted;
        i += !url && text[i] == '\\' && text[i + 1] ? 2 : 1;
    }
    return i;
}

/* The next key=value whose key is a secret's, from `from` on. */
static bool S_find_pair(const char *text, size_t from, struct S_span *out)
{
    bool url = strstr(text, "://") != NULL;
    for (size_t at = from; text[at]; at++) {
        size_t len = S_key_at(text, at);
        if (!len && url)
            len = S_escaped_key_at(text, at);
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

/* The first one from `from` on. A "://" may stand in a password: both ways of reading it count. */
static bool S_find(const char *text, size_t from, struct S_span *out)
{
    struct S_span user;
    bool pair = S_find_pair(text, from, out);
    if (!S_find_userinfo(text, &user) || user.start < from)
        return pair;
    if (!pair || user.start < out->start)
        *out = user;
    else if (user.start < out->end && user.end > out->end)
        out->end = user.end;
    return true;
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
