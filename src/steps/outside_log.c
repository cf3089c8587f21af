/* outside_log: see outside_log.h. */
#include "outside_log.h"

#include "clock.h"
#include "secret.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINES_AT_ONCE = 100, /* a burst of so many … */
    LINES_A_SECOND = 20, /* … and then so many a second … */
    LINES_IN_ALL = 5000, /* … until so many have been handed on */
    LINE_SHOWN = 1000,   /* bytes of one line */
    LAST_LINES = 10,
    TEXT_MAX = 200, /* of what betrays a failure; the plan allows no more */
};

struct S_raw { /* the start of a line, as it came: most of them are never shown */
    char bytes[LINE_SHOWN];
    size_t len;
    bool cut;
};

struct outside_log {
    const char *const *failure;
    char *queue[LINES_AT_ONCE + LAST_LINES + 2];
    size_t first, count; /* of the queue, a ring */
    struct S_raw last[LAST_LINES];
    size_t next_last;
    char *last_words;
    int64_t lines, handed, left_out;
    int64_t left_out_since; /* the last line that was handed on */
    int64_t held_back;      /* of the last lines: so many at the end were not handed on */
    double tokens;
    int64_t counted_at;
    bool inside;             /* of a line whose first piece was heard */
    char edge[2 * TEXT_MAX]; /* the end of the piece before, where a text may have begun */
    size_t edge_len;
    const char *betrayed; /* the text that was found */
    char *betraying;      /* and its line */
};

struct outside_log *outside_log_new(const char *const *failure)
{
    struct outside_log *log = mem_new(sizeof(*log));
    log->failure = failure;
    log->tokens = LINES_AT_ONCE;
    log->counted_at = clock_ms();
    return log;
}

void outside_log_free(struct outside_log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < ARRAY_LEN(log->queue); i++)
        free(log->queue[i]);
    free(log->last_words);
    free(log->betraying);
    free(log);
}

/* ---- a line as it may be shown ---- */

/* Colours and cursor movements say nothing in a log: ESC [ … a letter. */
static void S_strip_escapes(const char *line, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] != '\x1b' || i + 1 >= len || line[i + 1] != '[') {
            buf_add_char(out, line[i]);
            continue;
        }
        for (i += 2; i < len && (unsigned char)line[i] < 0x40; i++)
            ;
    }
}

/* What a terminal would show of it in the end: a progress line begins anew after each '\r'. */
static void S_take_raw(struct S_raw *raw, const char *line, size_t len)
{
    const char *again = memrchr(line, '\r', len);
    if (again && again + 1 < line + len) {
        len -= (size_t)(again + 1 - line);
        line = again + 1;
    }
    raw->cut = len > LINE_SHOWN;
    raw->len = raw->cut ? LINE_SHOWN : len;
    memcpy(raw->bytes, line, raw->len);
}

static char *S_present(const struct S_raw *raw)
{
    struct buf plain = {0}, clean = {0};
    S_strip_escapes(raw->bytes, raw->len, &plain);
    text_clean(&clean, buf_text(&plain), plain.len);
    if (raw->cut)
        buf_add(&clean, "…");
    char *shown = secret_masked(buf_text(&clean));
    buf_release(&plain);
    buf_release(&clean);
    return shown;
}

/* ---- handing on ---- */

static void S_push(struct outside_log *log, char *line)
{
    if (log->count == ARRAY_LEN(log->queue)) {
        free(line);
        log->left_out++;
        return;
    }
    log->queue[(log->first + log->count++) % ARRAY_LEN(log->queue)] = line;
}

static void S_tell_gap(struct outside_log *log)
{
    if (log->left_out_since)
        S_push(log, str_format("(%lld lines were left out here)", (long long)log->left_out_since));
    log->left_out_since = 0;
}

static bool S_may_hand_on(struct outside_log *log)
{
    int64_t now = clock_ms();
    log->tokens += (double)(now - log->counted_at) * LINES_A_SECOND / 1000;
    log->counted_at = now;
    if (log->tokens > LINES_AT_ONCE)
        log->tokens = LINES_AT_ONCE;
    /* Two are wanted: the line, and perhaps the word about those before it. */
    if (log->tokens < 2 || log->handed >= LINES_IN_ALL || log->count + 2 > LINES_AT_ONCE)
        return false;
    log->tokens -= log->left_out_since ? 2 : 1;
    return true;
}

static void S_offer(struct outside_log *log, const char *line, size_t len)
{
    struct S_raw *raw = &log->last[log->next_last];
    S_take_raw(raw, line, len);
    log->next_last = (log->next_last + 1) % LAST_LINES;
    if (S_may_hand_on(log)) {
        S_tell_gap(log);
        S_push(log, S_present(raw));
        log->handed++;
        log->held_back = 0;
        return;
    }
    log->left_out++;
    log->left_out_since++;
    if (log->held_back < LAST_LINES)
        log->held_back++;
}

/* ---- judging ---- */

static const char *S_betrayal(const struct outside_log *log, const char *bytes, size_t len)
{
    for (const char *const *one = log->failure; one && *one; one++)
        if (memmem(bytes, len, *one, strlen(*one)))
            return *one;
    return NULL;
}

/*
 * A text may stand across two pieces of one long line: so the edge between them is looked at too.
 */
static void S_judge(struct outside_log *log, const char *piece, size_t len)
{
    size_t part = len < TEXT_MAX ? len : TEXT_MAX;
    if (log->betrayed)
        return;
    if (log->inside && log->edge_len) {
        memcpy(log->edge + log->edge_len, piece, part);
        log->betrayed = S_betrayal(log, log->edge, log->edge_len + part);
    }
    if (!log->betrayed)
        log->betrayed = S_betrayal(log, piece, len);
    if (log->betrayed) {
        struct S_raw raw;
        S_take_raw(&raw, piece, len);
        log->betraying = S_present(&raw);
    }
    memcpy(log->edge, piece + len - part, part);
    log->edge_len = part;
}

/* ---- from outside ---- */

/* Of a line in pieces the first one is shown, and all are judged. */
void outside_log_hear(void *ctx, const char *line, size_t len, bool whole)
{
    struct outside_log *log = ctx;
    S_judge(log, line, len);
    if (!log->inside) {
        log->lines++;
        S_offer(log, line, len);
    }
    log->inside = !whole;
    if (whole)
        log->edge_len = 0;
}

static const struct S_raw *S_last(const struct outside_log *log, size_t back)
{
    return &log->last[(log->next_last + LAST_LINES - back) % LAST_LINES];
}

void outside_log_close(struct outside_log *log)
{
    size_t back = (size_t)log->held_back;
    log->left_out -= log->held_back;
    log->left_out_since -= log->held_back;
    log->held_back = 0;
    S_tell_gap(log);
    for (; back; back--)
        S_push(log, S_present(S_last(log, back)));
}

bool outside_log_next(struct outside_log *log, struct buf *out)
{
    if (!log->count)
        return false;
    char *line = log->queue[log->first];
    log->queue[log->first] = NULL;
    log->first = (log->first + 1) % ARRAY_LEN(log->queue);
    log->count--;
    buf_clear(out);
    buf_add(out, line);
    free(line);
    return true;
}

const char *outside_log_failure(const struct outside_log *log, const char **text)
{
    *text = log->betrayed;
    return log->betraying;
}

/* The last line that says something: many end with an empty one. */
const char *outside_log_last(struct outside_log *log)
{
    for (size_t back = 1; back <= LAST_LINES; back++) {
        free(log->last_words);
        log->last_words = S_present(S_last(log, back));
        if (log->last_words[strspn(log->last_words, " \t")])
            break;
    }
    return log->last_words;
}

int64_t outside_log_lines(const struct outside_log *log)
{
    return log->lines;
}

int64_t outside_log_left_out(const struct outside_log *log)
{
    return log->left_out;
}
