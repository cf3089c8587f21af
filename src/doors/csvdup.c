/*
 * csvdup: see csvdup.h. Sorts twice: the marks, so that rows of one key stand together, and then
 * what was found, so that it is told in the order of the file. Knows no file format.
 */
#include "csvdup.h"

#include "spill.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct csvdup {
    struct spill *marks, *findings;
    uint64_t seed;            /* of this run alone, so that no file can be made to collide */
    struct buf folded, other; /* scratch, kept for its memory */
};

/* Where the search stands: the rows seen last that share a fingerprint with the next. */
struct search {
    struct csvdup *dup;
    const struct csvdup_ops *ops;
    bool begun;
    struct csvdup_mark fold_first; /* the first row of those with this folded hash */
    struct csvdup_mark *keys; /* rows of this key hash whose keys differ: one, but for chance */
    size_t key_count, key_cap;
};

static int S_compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int S_compare_marks(const void *left, const void *right)
{
    const struct csvdup_mark *a = left, *b = right;
    int order = S_compare_numbers(a->folded, b->folded);
    if (!order)
        order = S_compare_numbers(a->key, b->key);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static int S_compare_findings(const void *left, const void *right)
{
    const struct csvdup_finding *a = left, *b = right;
    int order = (a->second.line > b->second.line) - (a->second.line < b->second.line);
    return order ? order : (a->first.line > b->first.line) - (a->first.line < b->first.line);
}

struct csvdup *csvdup_new(size_t in_memory)
{
    struct csvdup *dup = mem_new(sizeof(*dup));
    dup->marks = spill_new(sizeof(struct csvdup_mark), in_memory, S_compare_marks);
    dup->findings = spill_new(sizeof(struct csvdup_finding), in_memory / 4 + 1, S_compare_findings);
    if (getrandom(&dup->seed, sizeof(dup->seed), 0) != sizeof(dup->seed))
        die("the kernel gave no random numbers");
    return dup;
}

void csvdup_free(struct csvdup *dup)
{
    if (!dup)
        return;
    spill_free(dup->marks);
    spill_free(dup->findings);
    buf_release(&dup->folded);
    buf_release(&dup->other);
    free(dup);
}

/* ---- fingerprints ---- */

/* FNV-1a, and then murmur's finish, which spreads short keys over all bits. */
static uint64_t S_hash(uint64_t seed, const char *s)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

/* ASCII letters alone: what other scripts call the same letter is for a person to see. */
static void S_fold(struct buf *out, const char *key)
{
    buf_clear(out);
    if (key[strspn(key, "0123456789")] == '\0')
        while (key[0] == '0' && key[1])
            key++;
    buf_add(out, key);
    for (size_t i = 0; i < out->len; i++)
        if (out->text[i] >= 'A' && out->text[i] <= 'Z')
            out->text[i] = (char)(out->text[i] - 'A' + 'a');
}

void csvdup_hash(struct csvdup *dup, const char *key, struct csvdup_mark *mark)
{
    S_fold(&dup->folded, key);
    mark->folded = S_hash(dup->seed, dup->folded.text);
    mark->key = S_hash(dup->seed, key);
}

bool csvdup_add(struct csvdup *dup, const struct csvdup_mark *mark, struct err *err)
{
    return spill_add(dup->marks, mark, err);
}

/* ---- the search ---- */

static bool S_keep(struct search *s, enum csvdup_kind kind, const struct csvdup_mark *a,
                   const struct csvdup_mark *b, struct err *err)
{
    bool in_order = a->line < b->line;
    struct csvdup_finding finding = {
        .kind = kind, .first = in_order ? *a : *b, .second = in_order ? *b : *a};
    return spill_add(s->dup->findings, &finding, err);
}

static bool S_fetch_both(struct search *s, const struct csvdup_mark *a, const struct csvdup_mark *b,
                         struct csvmap_row rows[static 2], struct err *err)
{
    return s->ops->fetch(s->ops->ctx, a, 0, &rows[0], err) &&
           s->ops->fetch(s->ops->ctx, b, 1, &rows[1], err);
}

/* The same folded hash and another key: is it indeed the same but for case and zeros? */
static bool S_compare_folded(struct search *s, const struct csvdup_mark *mark, struct err *err)
{
    struct csvmap_row rows[2];
    if (!S_fetch_both(s, &s->fold_first, mark, rows, err))
        return false;
    S_fold(&s->dup->folded, rows[0].key);
    S_fold(&s->dup->other, rows[1].key);
    if (!str_is(s->dup->folded.text, s->dup->other.text))
        return true;
    return S_keep(s, CSVDUP_ALIKE, &s->fold_first, mark, err);
}

static bool S_same_codes(const struct csvmap_row *a, const struct csvmap_row *b)
{
    bool same_organization =
        a->organization == b->organization || str_is(a->organization, b->organization);
    return same_organization && str_is(a->tenant, b->tenant);
}

static void S_add_key(struct search *s, const struct csvdup_mark *mark)
{
    s->keys = mem_room(s->keys, s->key_count, &s->key_cap, sizeof(*s->keys));
    s->keys[s->key_count++] = *mark;
}

/* The same key hash: with which of the rows that have it is the key the same as text? */
static bool S_compare_key(struct search *s, const struct csvdup_mark *mark, struct err *err)
{
    for (size_t i = 0; i < s->key_count; i++) {
        struct csvmap_row rows[2];
        if (!S_fetch_both(s, &s->keys[i], mark, rows, err))
            return false;
        if (str_is(rows[0].key, rows[1].key))
            return S_keep(s, S_same_codes(&rows[0], &rows[1]) ? CSVDUP_SAME : CSVDUP_CONFLICT,
                          &s->keys[i], mark, err);
    }
    S_add_key(s, mark);
    return S_compare_folded(s, mark, err);
}

static bool S_look_at(struct search *s, const struct csvdup_mark *mark, struct err *err)
{
    bool fold_known = s->begun && mark->folded == s->fold_first.folded;
    if (fold_known && mark->key == s->keys[0].key)
        return S_compare_key(s, mark, err);
    s->key_count = 0;
    S_add_key(s, mark);
    if (fold_known)
        return S_compare_folded(s, mark, err);
    s->fold_first = *mark;
    s->begun = true;
    return true;
}

static bool S_tell(struct csvdup *dup, const struct csvdup_ops *ops, struct err *err)
{
    struct csvdup_finding finding;
    bool more;
    for (;;) {
        if (!spill_take(dup->findings, &finding, &more, err))
            return false;
        if (!more)
            return true;
        if (!ops->found(ops->ctx, &finding, err))
            return false;
    }
}

bool csvdup_search(struct csvdup *dup, const struct csvdup_ops *ops, struct err *err)
{
    struct search s = {.dup = dup, .ops = ops};
    struct csvdup_mark mark;
    bool more = true, ok = true;

    while ((ok = spill_take(dup->marks, &mark, &more, err)) && more)
        if (!(ok = S_look_at(&s, &mark, err)))
            break;
    free(s.keys);
    return ok && S_tell(dup, ops, err);
}
