/* key_template: see key_template.h. */
#include "key_template.h"

#include <string.h>

/* The length of the segment at `s`: up to the next ':' or the end. */
static size_t S_segment(const char *s, const char *end)
{
    const char *colon = memchr(s, ':', (size_t)(end - s));
    return (size_t)((colon ? colon : end) - s);
}

static void S_note_owner(const char *name, size_t name_len, const char *text, size_t len,
                         struct key_owner *owner)
{
    if (name_len == strlen("{tenant}") && memcmp(name, "{tenant}", name_len) == 0) {
        owner->tenant = text;
        owner->tenant_len = len;
    } else if (name_len == strlen("{org}") && memcmp(name, "{org}", name_len) == 0) {
        owner->organization = text;
        owner->organization_len = len;
    }
}

bool key_template_match(const char *pattern, const char *key, size_t len, struct key_owner *owner)
{
    const char *key_end = key + len, *pattern_end = pattern + strlen(pattern);
    *owner = (struct key_owner){0};
    for (;;) {
        size_t want = S_segment(pattern, pattern_end), have = S_segment(key, key_end);
        bool last = pattern + want == pattern_end, key_last = key + have == key_end;
        if (last && want == 1 && *pattern == '*')
            return true;
        if (want > 1 && *pattern == '{' && pattern[want - 1] == '}') {
            if (!have)
                return false;
            S_note_owner(pattern, want, key, have, owner);
        } else if (want != have || memcmp(pattern, key, have) != 0) {
            return false;
        }
        if (last || key_last)
            return last && key_last;
        pattern += want + 1;
        key += have + 1;
    }
}
