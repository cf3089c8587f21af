/*
 * csvfile: the bytes of a mapping file, one physical line at a time, in constant memory.
 *
 * Numbers the lines (LF, CRLF and a lone CR end one), takes the SHA-256 of all bytes, and refuses
 * what is no text that can be trusted: NUL, UTF-16, invalid UTF-8, a line of over 64 kB, a file
 * that changed while it was read. What a line means is csvmap's business.
 */
#ifndef TD_CSVFILE_H
#define TD_CSVFILE_H

#include "err.h"
#include "file.h"

enum { CSVFILE_ROW_MAX = 64 * 1024 };

struct csvfile;

struct csvline {
    const char *text; /* with its line end, if it has one; borrowed until the next line */
    size_t len;
    size_t content; /* bytes without the line end */
    int line;       /* from 1 */
    int64_t offset;
};

bool csvfile_open(const char *path, const struct file_trust *trust, struct csvfile **out,
                  struct err *err);
void csvfile_close(struct csvfile *file); /* NULL is fine */

/* `*more` is false after the last line. A byte order mark at the start is skipped. */
bool csvfile_next(struct csvfile *file, struct csvline *line, bool *more, struct err *err);
/* After the last line: is the file still what was read? */
bool csvfile_end(struct csvfile *file, unsigned char sha256[static 32], struct err *err);
/* Reads bytes again that were read before. */
bool csvfile_again(struct csvfile *file, int64_t offset, size_t len, char *into, struct err *err);

/* "file:line: sentence" as an ERR_REFUSED; returns false. */
bool csvfile_refuse(const struct csvfile *file, int line, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
