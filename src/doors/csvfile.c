/* csvfile: see csvfile.h. Knows nothing of commas, quotes and columns. */
#include "csvfile.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WINDOW = 2 * CSVFILE_ROW_MAX,
    LINE_MAX_BYTES = CSVFILE_ROW_MAX + 2, /* with a CRLF */
    MARK_LEN = 3,
};

struct csvfile {
    int fd;
    char *path;
    struct stat opened;
    EVP_MD_CTX *digest;
    char *window;
    size_t start, end;   /* of what has not been handed out yet, in the window */
    int64_t read;        /* bytes of the file so far */
    int64_t next_offset; /* of the byte at `start` */
    int line;
    bool at_end;
};

bool csvfile_refuse(const struct csvfile *file, int line, struct err *err, const char *format, ...)
{
    struct buf sentence = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&sentence, format, args);
    va_end(args);
    err_set(err, ERR_REFUSED, "%s:%d: %s", file->path, line, buf_text(&sentence));
    buf_release(&sentence);
    return false;
}

/* ---- opening ---- */

static bool S_open(struct csvfile *f, const struct file_trust *trust, struct err *err)
{
    /* O_NONBLOCK: a named pipe that nobody writes to must not hold us here for ever. */
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0 || fstat(f->fd, &f->opened) < 0) {
        err_set(err, ERR_FAILED, "the mapping '%s' could not be opened: %s", f->path,
                strerror(errno));
        return err_hint(err, "see to it that the file is there and may be read by you");
    }
    if (!S_ISREG(f->opened.st_mode)) {
        err_set(err, ERR_REFUSED, "the mapping '%s' is not a regular file", f->path);
        return err_hint(err, "rows are read again to compare duplicates, so give it as a file");
    }
    struct file_whose whose = file_whose(&f->opened);
    return file_check_trust("mapping", f->path, &whose, trust, err);
}

bool csvfile_open(const char *path, const struct file_trust *trust, struct csvfile **out,
                  struct err *err)
{
    struct csvfile *f = mem_new(sizeof(*f));
    f->path = str_dup(path);
    if (!S_open(f, trust, err)) {
        csvfile_close(f);
        return false;
    }
    f->window = mem_new(WINDOW);
    f->digest = EVP_MD_CTX_new();
    if (!f->digest || EVP_DigestInit_ex(f->digest, EVP_sha256(), NULL) != 1)
        die("SHA-256 is not available in this OpenSSL");
    *out = f;
    return true;
}

void csvfile_close(struct csvfile *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    EVP_MD_CTX_free(f->digest);
    free(f->window);
    free(f->path);
    free(f);
}

/* ---- reading ---- */

static bool S_read_failed(const struct csvfile *f, struct err *err)
{
    err_set(err, ERR_FAILED, "the mapping '%s' could not be read: %s", f->path, strerror(errno));
    return err_hint(err, "nothing was taken from it; try again when the file can be read");
}

static bool S_fill(struct csvfile *f, struct err *err)
{
    memmove(f->window, f->window + f->start, f->end - f->start);
    f->end -= f->start;
    f->start = 0;
    while (!f->at_end && f->end < WINDOW) {
        ssize_t n = pread(f->fd, f->window + f->end, WINDOW - f->end, (off_t)f->read);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return S_read_failed(f, err);
        f->at_end = n == 0;
        EVP_DigestUpdate(f->digest, f->window + f->end, (size_t)n);
        f->end += (size_t)n;
        f->read += n;
    }
    return true;
}

/*
 * UTF-16 shows itself by its mark, or, since every header is of ASCII letters, by a NUL next to
 * the very first of them.
 */
static bool S_check_encoding(struct csvfile *f, struct err *err)
{
    const char *bytes = f->window;
    bool marked = f->end >= 2 && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2));
    bool unmarked = f->end >= 2 && !bytes[0] != !bytes[1];

    if (marked || unmarked) {
        csvfile_refuse(f, 1, err, "the file is UTF-16, not UTF-8");
        return err_hint(err, "save it as UTF-8, or: iconv -f UTF-16 -t UTF-8 OLD.csv > NEW.csv");
    }
    if (f->end >= MARK_LEN && !memcmp(bytes, "\xef\xbb\xbf", MARK_LEN)) {
        f->start = MARK_LEN;
        f->next_offset = MARK_LEN;
    }
    return true;
}

/* Bytes up to and with the line end; all that is there when none comes. */
static size_t S_line_length(const char *s, size_t len, size_t *content)
{
    const char *lf = memchr(s, '\n', len);
    const char *cr = memchr(s, '\r', lf ? (size_t)(lf - s) : len);
    const char *end = cr ? cr : lf;

    *content = end ? (size_t)(end - s) : len;
    if (!end)
        return len;
    return *content + (cr && cr + 1 == lf ? 2 : 1);
}

static bool S_check_line(const struct csvfile *f, const struct csvline *line, struct err *err)
{
    if (line->content > CSVFILE_ROW_MAX) {
        csvfile_refuse(f, line->line, err, "the row is longer than 64 kB");
        return err_hint(err, "look for a quote that is not closed, or for a file of another kind");
    }
    if (memchr(line->text, '\0', line->len)) {
        csvfile_refuse(f, line->line, err, "the row holds a NUL byte");
        return err_hint(err, "remove the byte, or export the file again as plain UTF-8 text");
    }
    if (!text_is_utf8(line->text, line->len)) {
        csvfile_refuse(f, line->line, err, "the row is invalid UTF-8");
        return err_hint(err, "if it is of Windows: iconv -f CP1252 -t UTF-8 OLD.csv > NEW.csv");
    }
    return true;
}

bool csvfile_next(struct csvfile *f, struct csvline *line, bool *more, struct err *err)
{
    bool first = f->read == 0;

    /* One byte more than a line can have: a CR in the last place may have its LF behind it. */
    if (!f->at_end && f->end - f->start <= LINE_MAX_BYTES && !S_fill(f, err))
        return false;
    if (first && !S_check_encoding(f, err))
        return false;
    *more = f->start < f->end;
    if (!*more)
        return true;
    if (f->line == INT_MAX)
        return csvfile_refuse(f, f->line, err, "the file has more lines than can be counted");
    *line =
        (struct csvline){.text = f->window + f->start, .line = ++f->line, .offset = f->next_offset};
    size_t there = f->end - f->start;
    line->len =
        S_line_length(line->text, there < LINE_MAX_BYTES ? there : LINE_MAX_BYTES, &line->content);
    f->start += line->len;
    f->next_offset += (int64_t)line->len;
    return S_check_line(f, line, err);
}

bool csvfile_again(struct csvfile *f, int64_t offset, size_t len, char *into, struct err *err)
{
    while (len) {
        ssize_t n = pread(f->fd, into, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return S_read_failed(f, err);
        into += n;
        offset += n;
        len -= (size_t)n;
    }
    return true;
}

bool csvfile_end(struct csvfile *f, unsigned char sha256[static 32], struct err *err)
{
    struct stat now;
    if (fstat(f->fd, &now) < 0)
        return S_read_failed(f, err);
    if (now.st_size != f->opened.st_size || now.st_size != f->read ||
        now.st_mtim.tv_sec != f->opened.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != f->opened.st_mtim.tv_nsec) {
        err_set(err, ERR_REFUSED, "the mapping '%s' changed while it was read", f->path);
        return err_hint(err, "let whoever writes it finish, look at it, and begin again");
    }
    if (EVP_DigestFinal_ex(f->digest, sha256, NULL) != 1)
        die("SHA-256 could not be taken");
    return true;
}
