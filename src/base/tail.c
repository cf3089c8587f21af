/* tail: see tail.h. */
#include "tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, LINE_MOST = 64 * 1024 };

struct tail {
    char *path;
    int fd;
    dev_t device;
    ino_t inode;
    off_t offset;       /* read so far */
    struct buf pending; /* from `taken` on not handed out yet */
    size_t taken;
    bool gone;
};

/* ---- opening ---- */

static bool S_open_file(struct tail *tail, struct err *err)
{
    struct stat now;
    /* Not to wait for the other end of a pipe. */
    int fd = open(tail->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &now) != 0) {
        err_set(err, ERR_FAILED, "'%s' cannot be read: %s", tail->path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (!S_ISREG(now.st_mode)) {
        close(fd);
        return err_set(err, ERR_REFUSED, "'%s' is no regular file", tail->path);
    }
    if (tail->fd >= 0)
        close(tail->fd);
    tail->fd = fd;
    tail->device = now.st_dev;
    tail->inode = now.st_ino;
    tail->offset = 0;
    return true;
}

/* Where the last `lines` begin: counts their ends backwards, block by block. */
static off_t S_find_start(int fd, off_t size, int64_t lines)
{
    char *block = mem_new(BLOCK);
    off_t at = size;
    /* The end of the last line ends no other. */
    int64_t left = lines + 1;
    char last = '\n';
    if (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n')
        left--;
    while (at > 0 && left > 0) {
        size_t want = at < BLOCK ? (size_t)at : BLOCK;
        ssize_t got = pread(fd, block, want, at - (off_t)want);
        if (got <= 0)
            break;
        size_t i = (size_t)got;
        while (i > 0 && left > 0)
            left -= block[--i] == '\n';
        at -= (off_t)want;
        if (left == 0)
            at += (off_t)i + 1;
    }
    free(block);
    return at;
}

bool tail_open(const char *path, int64_t lines, struct tail **out, struct err *err)
{
    struct tail *tail = mem_new(sizeof(*tail));
    struct stat now;
    tail->path = str_dup(path);
    tail->fd = -1;
    if (!S_open_file(tail, err)) {
        tail_free(tail);
        return false;
    }
    if (lines >= 0 && fstat(tail->fd, &now) == 0)
        tail->offset = S_find_start(tail->fd, now.st_size, lines);
    *out = tail;
    return true;
}

void tail_free(struct tail *tail)
{
    if (!tail)
        return;
    if (tail->fd >= 0)
        close(tail->fd);
    buf_release(&tail->pending);
    free(tail->path);
    free(tail);
}

/* ---- lines ---- */

static void S_forget_taken(struct tail *tail)
{
    if (!tail->taken)
        return;
    memmove(tail->pending.text, tail->pending.text + tail->taken,
            tail->pending.len - tail->taken + 1);
    tail->pending.len -= tail->taken;
    tail->taken = 0;
}

static bool S_read_more(struct tail *tail)
{
    char block[BLOCK];
    ssize_t got = pread(tail->fd, block, sizeof(block), tail->offset);
    if (got <= 0)
        return false;
    S_forget_taken(tail);
    buf_add_mem(&tail->pending, block, (size_t)got);
    tail->offset += got;
    return true;
}

bool tail_line(struct tail *tail, const char **line, size_t *length)
{
    do {
        const char *start = buf_text(&tail->pending) + tail->taken;
        size_t left = tail->pending.len - tail->taken;
        const char *end = left ? memchr(start, '\n', left) : NULL;
        /* What has no end after so much is cut, so that nothing grows without a limit. */
        if (!end && left < LINE_MOST)
            continue;
        size_t whole = end && (size_t)(end - start) < LINE_MOST ? (size_t)(end - start) : LINE_MOST;
        bool ended = end && whole == (size_t)(end - start);
        tail->taken += whole + (ended ? 1 : 0);
        *line = start;
        *length = whole && start[whole - 1] == '\r' ? whole - 1 : whole;
        return true;
    } while (S_read_more(tail));
    return false;
}

bool tail_rest(struct tail *tail, const char **line, size_t *length)
{
    *line = buf_text(&tail->pending) + tail->taken;
    *length = tail->pending.len - tail->taken;
    tail->taken = tail->pending.len;
    return *length > 0;
}

/* ---- what becomes of the file ---- */

enum tail_news tail_look(struct tail *tail)
{
    struct stat named, held;
    struct err ignored = {0};
    if (stat(tail->path, &named) != 0) {
        bool news = !tail->gone;
        tail->gone = true;
        return news ? TAIL_GONE : TAIL_SAME;
    }
    if (named.st_dev != tail->device || named.st_ino != tail->inode) {
        if (S_read_more(tail)) /* its last lines were written just before it was renamed */
            return TAIL_SAME;
        if (!S_open_file(tail, &ignored))
            return TAIL_SAME; /* it may be readable the next time */
        tail->gone = false;
        return TAIL_ROTATED;
    }
    tail->gone = false;
    if (fstat(tail->fd, &held) != 0 || held.st_size >= tail->offset)
        return TAIL_SAME;
    tail->offset = 0;
    return TAIL_CUT;
}
