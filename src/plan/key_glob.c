/* key_glob: see key_glob.h. The rules are those of Redis's stringmatchlen(), corners included. */
#include "key_glob.h"

#include <string.h>

void key_glob_quote(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] && strchr("*?[]\\^-", text[i]))
            buf_add_char(out, '\\');
        buf_add_char(out, text[i]);
    }
}

struct cursor { /* what is left of a pattern or of a key */
    const char *at, *end;
};

/* Is the byte in the class that begins after '['? Moves behind the class; one that is not closed
 * ends with the pattern. */
static bool S_in_class(struct cursor *pattern, unsigned char byte)
{
    const char *at = pattern->at, *end = pattern->end;
    bool inverted = at < end && *at == '^', found = false;
    at += inverted;
    for (; at < end && *at != ']'; at++) {
        unsigned char low = (unsigned char)*at;
        if (low == '\\' && end - at >= 2) {
            found |= (unsigned char)*++at == byte;
        } else if (end - at >= 3 && at[1] == '-') {
            unsigned char high = (unsigned char)at[2];
            found |= low <= high ? low <= byte && byte <= high : high <= byte && byte <= low;
            at += 2;
        } else {
            found |= low == byte;
        }
    }
    pattern->at = at < end ? at + 1 : end;
    return found != inverted;
}

/* One letter of the pattern against one byte of the key; moves the pattern on. */
static bool S_fits_one(struct cursor *pattern, unsigned char byte)
{
    char letter = *pattern->at++;
    if (letter == '?')
        return true;
    if (letter == '[')
        return S_in_class(pattern, byte);
    if (letter == '\\' && pattern->at < pattern->end)
        letter = *pattern->at++;
    return (unsigned char)letter == byte;
}

/* Goes back to the last '*' only: an earlier one could take no more than that one can. */
bool key_glob_match(const char *text, size_t text_len, const char *key, size_t len)
{
    struct cursor pattern = {text, text + text_len}, star = {NULL, NULL};
    const char *at = key, *end = key + len, *star_at = NULL;
    while (at < end) {
        if (pattern.at < pattern.end && *pattern.at == '*') {
            pattern.at++;
            star = pattern;
            star_at = at;
        } else if (pattern.at < pattern.end && S_fits_one(&pattern, (unsigned char)*at)) {
            at++;
        } else if (star_at) {
            pattern = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (pattern.at < pattern.end && *pattern.at == '*')
        pattern.at++;
    return pattern.at == pattern.end;
}
