/*
 * spill: see spill.h. An external merge sort: runs of one memory-full each are merged through one
 * small window per run, all windows together as large as the memory was. Knows nothing of what the
 * records mean.
 */
#include "spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
    int64_t next, end;    /* of the file, in records: what has not been read yet */
    char *window;         /* its part of the memory */
    size_t at, in_window; /* in records */
};

struct spill {
    size_t record_size, capacity;
    int (*compare)(const void *a, const void *b);
    char *records;
    size_t count, taken; /* in memory; `taken` only while nothing has been spilled */
    int fd;              /* -1 until something has been */
    int64_t spilled;     /* in records */
    struct run *runs;
    size_t run_count, run_cap;
    size_t *heap; /* runs that have something left, the one with the least record first */
    size_t heap_count;
    bool taking;
};

struct spill *spill_new(size_t record_size, size_t in_memory,
                        int (*compare)(const void *a, const void *b))
{
    struct spill *s = mem_new(sizeof(*s));
    *s = (struct spill){
        .record_size = record_size, .capacity = in_memory, .compare = compare, .fd = -1};
    s->records = mem_array(in_memory, record_size);
    return s;
}

void spill_free(struct spill *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s->records);
    free(s->runs);
    free(s->heap);
    free(s);
}

/* ---- the temporary file ---- */

static const char *S_directory(void)
{
    const char *chosen = getenv("TMPDIR");
    return chosen && *chosen ? chosen : "/tmp";
}

static bool S_fail(const char *what, struct err *err)
{
    err_set(err, ERR_FAILED, "a temporary file in '%s' could not be %s: %s", S_directory(), what,
            strerror(errno));
    return err_hint(err, "set TMPDIR to a directory that has room and may be written to");
}

static bool S_open(struct spill *s, struct err *err)
{
    char *path = str_format("%s/tenantdeck-XXXXXX", S_directory());
    s->fd = mkostemp(path, O_CLOEXEC);
    bool ok = s->fd >= 0 && unlink(path) == 0;
    if (!ok)
        S_fail("made", err);
    free(path);
    return ok;
}

static bool S_write(struct spill *s, struct err *err)
{
    const char *bytes = s->records;
    size_t left = s->count * s->record_size;
    off_t at = (off_t)(s->spilled * (int64_t)s->record_size);

    while (left) {
        ssize_t n = pwrite(s->fd, bytes, left, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return S_fail("written", err);
        bytes += n;
        at += n;
        left -= (size_t)n;
    }
    return true;
}

static bool S_read(struct spill *s, char *into, size_t records, int64_t from, struct err *err)
{
    size_t left = records * s->record_size;
    off_t at = (off_t)(from * (int64_t)s->record_size);

    while (left) {
        ssize_t n = pread(s->fd, into, left, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return S_fail("read", err);
        into += n;
        at += n;
        left -= (size_t)n;
    }
    return true;
}

/* ---- adding ---- */

static bool S_spill_run(struct spill *s, struct err *err)
{
    qsort(s->records, s->count, s->record_size, s->compare);
    if ((s->fd < 0 && !S_open(s, err)) || !S_write(s, err))
        return false;
    s->runs = mem_room(s->runs, s->run_count, &s->run_cap, sizeof(*s->runs));
    s->runs[s->run_count++] =
        (struct run){.next = s->spilled, .end = s->spilled + (int64_t)s->count};
    s->spilled += (int64_t)s->count;
    s->count = 0;
    return true;
}

bool spill_add(struct spill *s, const void *record, struct err *err)
{
    if (s->count == s->capacity && !S_spill_run(s, err))
        return false;
    memcpy(s->records + s->count++ * s->record_size, record, s->record_size);
    return true;
}

/* ---- taking ---- */

static const char *S_least(const struct spill *s, size_t run)
{
    return s->runs[run].window + s->runs[run].at * s->record_size;
}

static void S_sink_down(struct spill *s, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < s->heap_count; child++)
            if (s->compare(S_least(s, s->heap[child]), S_least(s, s->heap[least])) < 0)
                least = child;
        if (least == at)
            return;
        size_t run = s->heap[at];
        s->heap[at] = s->heap[least];
        s->heap[least] = run;
        at = least;
    }
}

static bool S_fill_window(struct spill *s, struct run *run, struct err *err)
{
    int64_t left = run->end - run->next;
    size_t window = s->capacity / s->run_count;
    run->in_window = left < (int64_t)window ? (size_t)left : window;
    run->at = 0;
    if (!S_read(s, run->window, run->in_window, run->next, err))
        return false;
    run->next += (int64_t)run->in_window;
    return true;
}

static bool S_begin_merge(struct spill *s, struct err *err)
{
    if (s->count && !S_spill_run(s, err))
        return false;
    if (s->run_count > s->capacity)
        return err_set(err, ERR_FAILED, "%zu runs are more than can be merged", s->run_count);
    size_t window = s->capacity / s->run_count * s->record_size;
    s->heap = mem_array(s->run_count, sizeof(*s->heap));
    for (size_t i = 0; i < s->run_count; i++) {
        s->runs[i].window = s->records + i * window;
        if (!S_fill_window(s, &s->runs[i], err))
            return false;
        s->heap[s->heap_count++] = i;
    }
    for (size_t i = s->heap_count / 2; i-- > 0;)
        S_sink_down(s, i);
    return true;
}

static bool S_begin_taking(struct spill *s, struct err *err)
{
    s->taking = true;
    if (s->spilled)
        return S_begin_merge(s, err);
    qsort(s->records, s->count, s->record_size, s->compare);
    return true;
}

static bool S_take_merged(struct spill *s, void *record, bool *more, struct err *err)
{
    *more = s->heap_count > 0;
    if (!*more)
        return true;
    struct run *run = &s->runs[s->heap[0]];
    memcpy(record, S_least(s, s->heap[0]), s->record_size);
    if (++run->at == run->in_window) {
        if (run->next == run->end)
            s->heap[0] = s->heap[--s->heap_count];
        else if (!S_fill_window(s, run, err))
            return false;
    }
    S_sink_down(s, 0);
    return true;
}

bool spill_take(struct spill *s, void *record, bool *more, struct err *err)
{
    if (!s->taking && !S_begin_taking(s, err))
        return false;
    if (s->spilled)
        return S_take_merged(s, record, more, err);
    *more = s->taken < s->count;
    if (*more)
        memcpy(record, s->records + s->taken++ * s->record_size, s->record_size);
    return true;
}
