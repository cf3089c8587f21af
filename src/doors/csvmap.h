/*
 * csvmap: the only door to libcsv: streams a mapping file, row by row, in constant memory.
 *
 * Refuses, with file:line and a sentence, whatever would put rows into the wrong tenant: a missing
 * or an extra column, an empty code, blanks around a value, NUL, invalid UTF-8, UTF-16, a row of
 * over 64 kB, a key that comes twice with different codes. A duplicate with the same codes, and a
 * tenant code that is no ^[a-z_][a-z0-9_]{0,24}$ (it breaks the names of views later), is a
 * warning. Header names decide the columns, in any order; quotes, CRLF and a BOM are fine.
 *
 * Duplicates are found in constant memory too: fingerprints of the keys are sorted in a temporary
 * file when there are many.
 */
#ifndef TD_CSVMAP_H
#define TD_CSVMAP_H

#include "err.h"
#include "file.h"

struct csvmap_row {
    const char *key;          /* organization_id, or user_id */
    const char *organization; /* NULL when the file has no such column (plan chat) */
    const char *tenant;
    int line;
};

struct csvmap_shape {
    const char *key_column;          /* "organization_id" */
    const char *organization_column; /* "organization_code"; NULL: the file has none */
    const char *tenant_column;       /* "tenant_code" */
    struct file_trust trust;         /* all zero: whoever's it is */
};

struct csvmap_sink {
    /*
     * Called for each good row; false (with err set) ends the reading. May be NULL. A repeated row
     * comes again, and a conflict between two rows is only known after the last: what was made of
     * the rows holds when csvmap_read() has returned true, and not before.
     */
    bool (*row)(void *ctx, const struct csvmap_row *row, struct err *err);
    /* A warning with its line, clean; about duplicates after the last row. May be NULL. */
    void (*warning)(void *ctx, int line, const char *text);
    void *ctx;
};

struct csvmap_totals {
    int64_t rows, duplicates, warnings;
    unsigned char sha256[32]; /* of the bytes of the file: goes into the plan's hash */
};

/* Reads the whole file once. What it refuses is ERR_REFUSED. `sink` and `totals` may be NULL. */
bool csvmap_read(const char *path, const struct csvmap_shape *shape, const struct csvmap_sink *sink,
                 struct csvmap_totals *totals, struct err *err);

#endif
