/*
 * base: memory that never fails, strings that grow, and arenas freed whole.
 *
 * Out of memory ends the program (after the terminal was given back, see die_hook); so nobody
 * checks an allocation. Whatever else can fail reports through `struct err` (err.h).
 */
#ifndef TD_BASE_H
#define TD_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args), nonnull(fmt)))

/* Called once by die() before anything is written, so that a screen can be put away. */
extern void (*die_hook)(void);

_Noreturn void die(const char *format, ...) PRINTF_LIKE(1, 2);

void *mem_new(size_t size);                 /* zeroed */
void *mem_array(size_t count, size_t size); /* zeroed, overflow checked */
void *mem_grow(void *p, size_t size);       /* realloc that dies instead of failing */
void mem_wipe(void *p, size_t size);        /* overwrites a secret; not optimised away */

/* Makes room for one more in a growing array: doubles `*cap` when `count` has reached it. */
void *mem_room(void *array, size_t count, size_t *cap, size_t size);

char *str_dup(const char *s); /* NULL stays NULL */
char *str_ndup(const char *s, size_t len);
char *str_format(const char *format, ...) PRINTF_LIKE(1, 2);
void str_wipe(char *s); /* overwrites, then frees; for passwords */
bool str_is(const char *a, const char *b);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* The number in the whole of `s`, or false: no blanks, no sign but '-', no overflow. */
bool str_to_int(const char *s, int64_t *out);
/* "1", "0.5", "1.25" as hundredths; at most two digits behind the point. */
bool str_to_hundredths(const char *s, int64_t *out);

/* A number as the text that statements take. */
struct number_text {
    char text[24];
};

struct number_text number_text(int64_t n);

/* A string that grows. `text` is NULL until the first byte, and ends with NUL after it. */
struct buf {
    char *text;
    size_t len, cap;
};

void buf_add(struct buf *b, const char *s);
void buf_add_mem(struct buf *b, const void *bytes, size_t len);
void buf_add_char(struct buf *b, char c);
void buf_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vformat(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);
void buf_clear(struct buf *b);             /* empty, but keeps its memory */
const char *buf_text(const struct buf *b); /* never NULL */
char *buf_take(struct buf *b);             /* yours, never NULL; the buffer is empty afterwards */
void buf_release(struct buf *b);

/* Memory that is freed as a whole: a snapshot, a plan, a parsed file. */
struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);                /* NULL is fine */
void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for anything */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_str(struct arena *a, const char *s); /* NULL stays NULL */
char *arena_strn(struct arena *a, const char *s, size_t len);
char *arena_format(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
size_t arena_size(const struct arena *a); /* bytes held, for the budget tests */

#endif
