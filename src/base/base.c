/* base: see base.h. Nothing here knows of files, sockets, servers or screens. */
#include "base.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void (*die_hook)(void);

void die(const char *format, ...)
{
    if (die_hook)
        die_hook();
    va_list args;
    va_start(args, format);
    fputs("tenantdeck: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* ---- memory ---- */

void *mem_new(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        die("out of memory: %zu bytes could not be had", size);
    return p;
}

void *mem_array(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        die("out of memory: %zu pieces of %zu bytes could not be had", count, size);
    return p;
}

void *mem_grow(void *p, size_t size)
{
    void *grown = realloc(p, size ? size : 1);
    if (!grown)
        die("out of memory: %zu bytes could not be had", size);
    return grown;
}

void *mem_room(void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 8;
    if (*cap > SIZE_MAX / size)
        die("out of memory: %zu pieces of %zu bytes could not be had", *cap, size);
    return mem_grow(array, *cap * size);
}

void mem_wipe(void *p, size_t size)
{
    if (p)
        explicit_bzero(p, size);
}

/* ---- strings ---- */

char *str_dup(const char *s)
{
    return s ? str_ndup(s, strlen(s)) : NULL;
}

char *str_ndup(const char *s, size_t len)
{
    char *copy = mem_new(len + 1);
    memcpy(copy, s, len);
    return copy;
}

char *str_format(const char *format, ...)
{
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&b, format, args);
    va_end(args);
    return buf_take(&b);
}

void str_wipe(char *s)
{
    if (s)
        mem_wipe(s, strlen(s));
    free(s);
}

bool str_is(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix)
{
    return s && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t len = s ? strlen(s) : 0, tail = strlen(suffix);
    return s && len >= tail && strcmp(s + len - tail, suffix) == 0;
}

bool str_to_int(const char *s, int64_t *out)
{
    if (!s || (!isdigit((unsigned char)s[0]) && s[0] != '-'))
        return false;
    char *end;
    errno = 0;
    long long n = strtoll(s, &end, 10);
    if (errno || end == s || *end)
        return false;
    *out = n;
    return true;
}

bool str_to_hundredths(const char *s, int64_t *out)
{
    size_t whole = s ? strspn(s, "0123456789") : 0;
    const char *point = s ? s + whole : NULL;
    size_t digits = point && *point == '.' ? strspn(point + 1, "0123456789") : 0;
    if (!whole || whole > 9 || digits > 2 || point[digits ? digits + 1 : 0])
        return false;
    char *number =
        str_format("%.*s%.*s%.*s", (int)whole, s, (int)digits, point + 1, (int)(2 - digits), "00");
    bool ok = str_to_int(number, out);
    free(number);
    return ok;
}

struct number_text number_text(int64_t n)
{
    struct number_text number;
    snprintf(number.text, sizeof(number.text), "%lld", (long long)n);
    return number;
}

/* ---- growing strings ---- */

static void S_reserve(struct buf *b, size_t more)
{
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap *= 2;
    b->text = mem_grow(b->text, cap);
    b->cap = cap;
}

void buf_add_mem(struct buf *b, const void *bytes, size_t len)
{
    S_reserve(b, len);
    if (len)
        memcpy(b->text + b->len, bytes, len);
    b->len += len;
    b->text[b->len] = '\0';
}

void buf_add(struct buf *b, const char *s)
{
    buf_add_mem(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add_mem(b, &c, 1);
}

void buf_vformat(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len < 0)
        die("a message could not be formatted: '%s'", format);
    S_reserve(b, (size_t)len);
    vsnprintf(b->text + b->len, (size_t)len + 1, format, again);
    b->len += (size_t)len;
    va_end(again);
}

void buf_format(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vformat(b, format, args);
    va_end(args);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->text)
        b->text[0] = '\0';
}

const char *buf_text(const struct buf *b)
{
    return b->text ? b->text : "";
}

char *buf_take(struct buf *b)
{
    S_reserve(b, 0);
    b->text[b->len] = '\0';
    char *text = b->text;
    *b = (struct buf){0};
    return text;
}

void buf_release(struct buf *b)
{
    free(b->text);
    *b = (struct buf){0};
}

/* ---- arenas ---- */

enum { ARENA_BLOCK = 16 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t bytes[];
};

struct arena {
    struct arena_block *first; /* the one that is being filled */
    size_t total;
};

struct arena *arena_new(void)
{
    return mem_new(sizeof(struct arena));
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct arena_block *b = a->first, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

static struct arena_block *S_block_for(struct arena *a, size_t size)
{
    struct arena_block *b = a->first;
    if (b && b->size - b->used >= size)
        return b;
    size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
    b = mem_new(sizeof(*b) + room);
    b->size = room;
    b->next = a->first;
    a->first = b;
    a->total += room;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t step = sizeof(max_align_t);
    size_t rounded = (size + step - 1) / step * step;
    struct arena_block *b = S_block_for(a, rounded);
    void *p = (char *)b->bytes + b->used;
    b->used += rounded;
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        die("out of memory: %zu pieces of %zu bytes could not be had", count, size);
    return arena_alloc(a, count * size);
}

char *arena_strn(struct arena *a, const char *s, size_t len)
{
    char *copy = arena_alloc(a, len + 1);
    memcpy(copy, s, len);
    return copy;
}

char *arena_str(struct arena *a, const char *s)
{
    return s ? arena_strn(a, s, strlen(s)) : NULL;
}

char *arena_format(struct arena *a, const char *format, ...)
{
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&b, format, args);
    va_end(args);
    char *text = arena_strn(a, buf_text(&b), b.len);
    buf_release(&b);
    return text;
}

size_t arena_size(const struct arena *a)
{
    return a->total;
}
