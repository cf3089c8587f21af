/*
 * ini: reads deck and plan files, in git-config's syntax.
 *
 * Sections `[name]` and `[name "label"]`, `key = value`, comments with # or ;, values with
 * "quotes" and \ escapes (\" \\ \n \t), a value goes on in the next line after a final \. Keys are
 * letters, digits, '-' and single blanks ("primary key"), and are compared in lower case. A key may
 * repeat; the order of the file is kept. No includes, no conditions, no expressions.
 *
 * Every error is `file:line: sentence`. NUL bytes, invalid UTF-8, a BOM in the middle, an unclosed
 * quote, a key before any section and a file over 1 MB are errors.
 */
#ifndef TD_INI_H
#define TD_INI_H

#include "err.h"
#include "file.h"

struct ini_entry {
    const char *key, *value;
    int line;
};

struct ini_section {
    const char *name;  /* in lower case */
    const char *label; /* NULL without one */
    int line;
    struct ini_entry *entries;
    size_t count;
};

struct ini {
    struct arena *arena;
    const char *path;        /* as it was given, for messages */
    struct file_whose whose; /* of its file */
    struct ini_section *sections;
    size_t count;
};

bool ini_read(const char *path, struct ini **out, struct err *err);
/* `path` only names the text in messages. */
bool ini_parse(const char *path, const char *text, size_t len, struct ini **out, struct err *err);
void ini_free(struct ini *ini); /* NULL is fine */

/* The last value of a key in a section; NULL when it is not there. */
const char *ini_value(const struct ini_section *section, const char *key);

/* "file:line: sentence" as an ERR_FAILED. */
bool ini_error(const struct ini *ini, int line, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
