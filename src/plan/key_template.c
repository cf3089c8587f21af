/* key_template: see key_template.h. */
#include "key_template.h"

#include <stdlib.h>
#include <string.h>

/* The length of the segment at `s`: up to the next ':' or the end. */
static size_t S_segment(const char *s, const char *end)
{
    const char *colon = memchr(s, ':', (size_t)(end - s));
    return (size_t)((colon ? colon : end) - s);
}

/* Which part of the key a placeholder tells; the name is without braces. */
static void S_note_owner(const char *name, size_t name_len, const char *text, size_t len,
                         struct key_owner *owner)
{
    const struct {
        const char *name;
        const char **text;
        size_t *len;
    } parts[] = {
        {"tenant", &owner->tenant, &owner->tenant_len},
        {"org", &owner->organization, &owner->organization_len},
        {"type", &owner->type, &owner->type_len},
        {"namespace", &owner->type, &owner->type_len},
        {"id", &owner->id, &owner->id_len},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strlen(parts[i].name) == name_len && memcmp(parts[i].name, name, name_len) == 0) {
            *parts[i].text = text;
            *parts[i].len = len;
        }
}

char *key_part(const char *text, size_t len)
{
    struct buf part = {0};
    for (size_t at = 0; at < len; at++) {
        size_t run = strnlen(text + at, len - at);
        buf_add_mem(&part, text + at, run);
        at += run;
        buf_add(&part, at < len ? "\\x00" : "");
    }
    return buf_take(&part);
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
            S_note_owner(pattern + 1, want - 2, key, have, owner);
        } else if (want != have || memcmp(pattern, key, have) != 0) {
            return false;
        }
        if (last || key_last)
            return last && key_last;
        pattern += want + 1;
        key += have + 1;
    }
}

/* ---- all templates of a plan ---- */

enum { SEGMENTS_MAX = 32 }; /* of a template; one with more of them is matched one by one */

struct segment {
    const char *text;
    size_t len;
    bool placeholder;
};

struct compiled { /* a template, cut at its colons */
    struct segment segments[SEGMENTS_MAX];
    size_t count;
    bool open;  /* it ends in '*', which is not counted */
    bool plain; /* it could be cut */
};

struct key_index {
    const struct plan *plan;
    struct compiled *templates;
    size_t count;
};

static void S_compile(const char *pattern, struct compiled *out)
{
    const char *end = pattern + strlen(pattern);
    for (;;) {
        size_t len = S_segment(pattern, end);
        bool last = pattern + len == end;
        if (last && len == 1 && *pattern == '*') {
            out->open = out->plain = true;
            return;
        }
        if (out->count == SEGMENTS_MAX)
            return;
        bool placeholder = len > 1 && *pattern == '{' && pattern[len - 1] == '}';
        out->segments[out->count++] = (struct segment){.text = pattern + placeholder,
                                                       .len = len - 2 * placeholder,
                                                       .placeholder = placeholder};
        if (last) {
            out->plain = true;
            return;
        }
        pattern += len + 1;
    }
}

struct key_index *key_index_new(const struct plan *plan)
{
    struct key_index *index = mem_new(sizeof(*index));
    index->plan = plan;
    index->count = plan ? plan->key_count : 0;
    index->templates = mem_array(index->count, sizeof(*index->templates));
    for (size_t i = 0; i < index->count; i++)
        S_compile(plan->keys[i].pattern, &index->templates[i]);
    return index;
}

void key_index_free(struct key_index *index)
{
    if (!index)
        return;
    free(index->templates);
    free(index);
}

/* The key, cut as far as any template is; what lies behind counts as one more segment. */
static size_t S_cut(const char *key, size_t len, struct segment segments[SEGMENTS_MAX + 1])
{
    const char *end = key + len;
    size_t count = 0;
    for (;;) {
        size_t have = count == SEGMENTS_MAX ? (size_t)(end - key) : S_segment(key, end);
        segments[count++] = (struct segment){.text = key, .len = have};
        if (key + have == end)
            return count;
        key += have + 1;
    }
}

static bool S_fits(const struct compiled *c, const struct segment *key, size_t count)
{
    if (c->open ? count <= c->count : count != c->count)
        return false;
    for (size_t i = 0; i < c->count; i++) {
        const struct segment *want = &c->segments[i];
        if (want->placeholder
                ? !key[i].len
                : want->len != key[i].len || memcmp(want->text, key[i].text, want->len) != 0)
            return false;
    }
    return true;
}

size_t key_index_find(const struct key_index *index, const char *key, size_t len,
                      struct key_owner *owner)
{
    struct segment segments[SEGMENTS_MAX + 1];
    size_t count = S_cut(key, len, segments), i = 0;
    *owner = (struct key_owner){0};
    for (; i < index->count; i++) {
        const struct compiled *c = &index->templates[i];
        if (c->plain ? S_fits(c, segments, count)
                     : key_template_match(index->plan->keys[i].pattern, key, len, owner))
            break;
    }
    if (i < index->count && index->templates[i].plain)
        for (size_t s = 0; s < index->templates[i].count; s++) {
            const struct segment *want = &index->templates[i].segments[s];
            if (want->placeholder)
                S_note_owner(want->text, want->len, segments[s].text, segments[s].len, owner);
        }
    return i;
}
