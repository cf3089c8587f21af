/*
 * throttle: see throttle.h. Takes the figures; run_limits.c weighs them.
 *
 * The site's own query runs on a connection of its own, so that a slow one delays neither heartbeat
 * nor look.
 */
#include "throttle.h"

#include "clock.h"
#include "file.h"
#include "lag.h"
#include "run_limits.h"
#include "sql.h"
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SAMPLE_MS = 500,
    RETRY_MS = 20, /* the pulse has just taken the connection: it is free again in a moment */
    STALE_MS = 5000,
    FAREWELL_MS = 2000,
    QUERY_TIMEOUT_MS = 2000,
    OPEN_MS = 2000,
};

struct asker { /* of the site's own query */
    struct pg *pg;
    char *text; /* NULL: the file could not be read */
    bool opens, asks;
    int64_t asked_at;
};

struct throttle {
    struct run *run;
    struct limits limits;
    struct figures figures;
    struct lag lag;
    struct asker asker;
    struct timer *retry;
    bool looks; /* a look is under way on the control connection */
    bool ends;  /* throttle_free() waits for it */
    int64_t looked_at, answered_at;
    int64_t first_segment; /* of the log when it was first looked at; FIGURE_UNKNOWN: not yet */
    char trouble[160];     /* why the last look failed; "": it did not */
    bool waits;
    char reason[512], stale[256]; /* whoever was given them may still read them: so not freed */
};

/* ---- the verdict ---- */

static bool S_is_stale(const struct throttle *t)
{
    return clock_ms() - t->answered_at > STALE_MS;
}

/*
 * A reason is shown and goes into the journal, which takes no half of a character: and what it is
 * made of, a path or a server's error, was cut and may hold anything.
 */
static void S_keep(char *out, size_t size, const char *text)
{
    char *clean = text_cleaned(text);
    size_t len = strlen(clean);
    while (len >= size || !text_is_utf8(clean, len))
        len--;
    memcpy(out, clean, len);
    out[len] = '\0';
    free(clean);
}

static void S_judge(struct throttle *t)
{
    char reason[sizeof(t->reason)];
    t->waits = limits_judge(&t->limits, &t->figures, reason, sizeof(reason));
    if (t->waits)
        S_keep(t->reason, sizeof(t->reason), reason);
    if (!S_is_stale(t))
        return;
    snprintf(reason, sizeof(reason), "the server has not told its load for %lld s%s%s, limit %d s",
             (long long)(clock_ms() - t->answered_at) / 1000, t->trouble[0] ? ": " : "", t->trouble,
             STALE_MS / 1000);
    S_keep(t->stale, sizeof(t->stale), reason);
}

const char *throttle_reason(const struct throttle *throttle)
{
    if (throttle->limits.held)
        return throttle->reason;
    if (S_is_stale(throttle))
        return throttle->stale[0] ? throttle->stale : "the server has not told its load yet";
    return throttle->waits ? throttle->reason : NULL;
}

/* ---- the look at the server ---- */

/*
 * What has not been archived since the counters were reset is not told, so it counts from the first
 * look on.
 */
static int64_t S_archive_backlog(struct throttle *t, const struct pg_result *r)
{
    int64_t segment = pg_int(r, 0, pg_col(r, "wal_segment"));
    int archived = pg_col(r, "archived_segment");
    if (!pg_bool(r, 0, pg_col(r, "archives")))
        return FIGURE_UNKNOWN;
    if (t->first_segment == FIGURE_UNKNOWN)
        t->first_segment = segment;
    int64_t done = pg_null(r, 0, archived) ? t->first_segment - 1 : pg_int(r, 0, archived);
    return segment - 1 > done ? segment - 1 - done : 0;
}

static int64_t S_or_unknown(const struct pg_result *r, const char *column)
{
    int col = pg_col(r, column);
    return pg_null(r, 0, col) ? FIGURE_UNKNOWN : pg_int(r, 0, col);
}

/* The server's own figure knows how it was before we came; ours, that nobody answers. */
static int64_t S_replica_lag(struct throttle *t, const struct pg_result *r)
{
    int64_t now = clock_ms(), position = pg_int(r, 0, pg_col(r, "wal_position"));
    int64_t replayed = S_or_unknown(r, "replayed"), told = S_or_unknown(r, "replay_lag_ms");
    lag_note(&t->lag, now, position);
    if (replayed == FIGURE_UNKNOWN)
        return FIGURE_UNKNOWN;
    int64_t ours = lag_behind(&t->lag, now, replayed);
    return replayed >= position ? 0 : ours > told ? ours : told > 0 ? told : 0;
}

static void S_take_figures(struct throttle *t, const struct pg_result *r)
{
    struct figures *f = &t->figures;
    f->replicas = pg_int(r, 0, pg_col(r, "replicas"));
    f->lag_ms = S_replica_lag(t, r);
    snprintf(f->replica, sizeof(f->replica), "%s", pg_text(r, 0, pg_col(r, "slowest")));
    f->waiters = pg_int(r, 0, pg_col(r, "waiters"));
    f->waiter_pid = pg_int(r, 0, pg_col(r, "waiter_pid"));
    f->waited_ms = pg_int(r, 0, pg_col(r, "waited_ms"));
    f->active = S_or_unknown(r, "active");
    f->archive = S_archive_backlog(t, r);
}

static void S_looked(void *ctx, const struct pg_result *result, const struct err *err)
{
    struct throttle *t = ctx;
    t->looks = false;
    if (err) {
        snprintf(t->trouble, sizeof(t->trouble), "%.150s", err->text);
        return;
    }
    t->trouble[0] = '\0';
    t->answered_at = clock_ms();
    S_take_figures(t, result);
    S_judge(t);
}

static void S_look(struct throttle *t)
{
    struct number_text run = number_text(t->run->id);
    const char *values[] = {run.text};
    t->looks = true;
    t->looked_at = clock_ms();
    pg_query(t->run->control, sql_get("throttle_look"), values, 1, S_looked, t);
}

/* ---- the site's own query ---- */

/* It lets us go on with one value that is true or 0. */
static bool S_lets_go(const struct pg_result *r)
{
    if (pg_rows(r) != 1 || pg_cols(r) != 1 || pg_null(r, 0, 0))
        return false;
    const char *value = pg_text(r, 0, 0);
    char *end;
    return str_is(value, "t") || str_is(value, "true") ||
           (fpclassify(strtod(value, &end)) == FP_ZERO && end != value && !*end);
}

static void S_query_answered(void *ctx, const struct pg_result *r, const struct err *err)
{
    struct throttle *t = ctx;
    struct figures *f = &t->figures;
    t->asker.asks = false;
    if (err)
        snprintf(f->query_says, sizeof(f->query_says), "fails: %.200s", err->text);
    else if (pg_rows(r) != 1 || pg_cols(r) != 1)
        snprintf(f->query_says, sizeof(f->query_says),
                 "answers %d rows of %d columns, not one value", pg_rows(r), pg_cols(r));
    else if (S_lets_go(r))
        f->query_says[0] = '\0';
    else
        snprintf(f->query_says, sizeof(f->query_says), "answers %.150s, and neither true nor 0",
                 pg_null(r, 0, 0) ? "NULL" : pg_text(r, 0, 0));
    S_judge(t);
}

static void S_query_opened(void *ctx, const struct err *err)
{
    struct throttle *t = ctx;
    t->asker.opens = false;
    if (err)
        snprintf(t->figures.query_says, sizeof(t->figures.query_says), "cannot be asked: %.200s",
                 err->text);
}

static void S_ask(struct throttle *t)
{
    struct asker *a = &t->asker;
    int64_t now = clock_ms();
    if (!a->text || !t->limits.asks_query || now - a->asked_at < SAMPLE_MS)
        return;
    if (pg_is_ready(a->pg)) {
        a->asks = true;
        a->asked_at = now;
        pg_query(a->pg, a->text, NULL, 0, S_query_answered, t);
    } else if (!pg_is_up(a->pg) && !a->opens) {
        a->opens = true;
        a->asked_at = now;
        pg_connect(a->pg, OPEN_MS, S_query_opened, t);
    } else if (a->asks && now - a->asked_at > STALE_MS)
        snprintf(t->figures.query_says, sizeof(t->figures.query_says),
                 "has not answered for %lld s", (long long)(now - a->asked_at) / 1000);
}

static void S_begin_asking(struct throttle *t)
{
    const struct plan_limits *limits = &t->run->plan->limits;
    const char *path = limits->query;
    struct file file = {0};
    struct err err = {0};
    if (!path)
        return;
    t->figures.query = path;
    snprintf(t->figures.query_says, sizeof(t->figures.query_says), "has not been asked yet");
    if (!file_read_trusted("SQL", path, &limits->query_trust, &file, &err)) {
        snprintf(t->figures.query_says, sizeof(t->figures.query_says), "cannot be read: %.200s",
                 err.text);
        return;
    }
    t->asker.text = str_dup(buf_text(&file.text));
    file_release(&file);
    struct pg_options options = {
        .purpose = "throttle",
        .statement_timeout_ms = QUERY_TIMEOUT_MS,
        .lock_timeout_ms = QUERY_TIMEOUT_MS / 2,
        .read_only = true,
    };
    t->asker.pg = pg_new(t->run->loop, &t->run->session->database, &options);
}

/* ---- the file that holds us ---- */

static void S_look_for_file(struct throttle *t)
{
    struct figures *f = &t->figures;
    struct stat there;
    if (!f->file)
        return;
    if (stat(f->file, &there) == 0)
        snprintf(f->file_says, sizeof(f->file_says), "is there");
    else if (errno == ENOENT || errno == ENOTDIR)
        f->file_says[0] = '\0';
    else
        snprintf(f->file_says, sizeof(f->file_says), "cannot be looked for: %s", strerror(errno));
}

/* ---- life ---- */

/* --batch-ms and --sleep go before the plan; the verb has looked at them already. */
static void S_take_options(struct throttle *t)
{
    static const char *const names[] = {"batch_ms", "sleep"};
    struct err ignored = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (run_option(t->run, names[i]))
            throttle_set(t, names[i], run_option(t->run, names[i]), &ignored);
}

struct throttle *throttle_new(struct run *run)
{
    struct throttle *t = mem_new(sizeof(*t));
    int64_t now = clock_ms();
    t->run = run;
    t->answered_at = now;
    t->looked_at = t->asker.asked_at = now - SAMPLE_MS;
    t->first_segment = FIGURE_UNKNOWN;
    t->figures = (struct figures){.lag_ms = FIGURE_UNKNOWN,
                                  .active = FIGURE_UNKNOWN,
                                  .archive = FIGURE_UNKNOWN,
                                  .file = run->plan->limits.file};
    limits_begin(&t->limits, &run->plan->limits);
    S_begin_asking(t);
    S_take_options(t);
    throttle_sample(t);
    return t;
}

static void S_time_is_up(void *ctx)
{
    *(bool *)ctx = true;
}

/* The answer must not find a throttle that is gone. */
static void S_end_look(struct throttle *t)
{
    bool up = false;
    struct timer *timer = loop_after(t->run->loop, FAREWELL_MS, S_time_is_up, &up);
    while (t->looks && !up)
        loop_turn(t->run->loop, -1);
    if (!up)
        loop_cancel(timer);
    if (t->looks)
        pg_close(t->run->control);
}

void throttle_free(struct throttle *throttle)
{
    if (!throttle)
        return;
    throttle->ends = true;
    loop_cancel(throttle->retry);
    throttle->retry = NULL;
    S_end_look(throttle);
    pg_free(throttle->asker.pg);
    free(throttle->asker.text);
    free(throttle);
}

static void S_again(void *ctx)
{
    struct throttle *t = ctx;
    t->retry = NULL;
    throttle_sample(t);
}

void throttle_sample(struct throttle *throttle)
{
    struct throttle *t = throttle;
    if (t->ends)
        return;
    S_ask(t);
    S_look_for_file(t);
    S_judge(t);
    if (t->looks || clock_ms() - t->looked_at < SAMPLE_MS - RETRY_MS)
        return;
    if (pg_is_ready(t->run->control))
        S_look(t);
    else if (!t->retry && pg_is_up(t->run->control))
        t->retry = loop_after(t->run->loop, RETRY_MS, S_again, t);
}

/* ---- what a person sets ---- */

bool throttle_set(struct throttle *throttle, const char *name, const char *value, struct err *err)
{
    char *text = str_is(name, "batch_ms") ? str_format("%sms", value ? value : "") : NULL;
    bool ok = limits_set(&throttle->limits, text ? "batch" : name, text ? text : value, err);
    free(text);
    S_judge(throttle);
    return ok;
}

char *throttle_words(const struct throttle *throttle)
{
    return limits_words(&throttle->limits);
}

int64_t throttle_batch_ms(const struct throttle *throttle)
{
    return throttle->limits.batch_ms;
}

int64_t throttle_sleep(const struct throttle *throttle)
{
    return throttle->limits.sleep;
}

int64_t throttle_rest_ms(int64_t sleep, int64_t took_ms)
{
    return (sleep * took_ms + 99) / 100;
}

int64_t throttle_patience_ms(const struct throttle *throttle)
{
    return throttle->limits.patience_ms.most;
}

int throttle_pages(const struct throttle *throttle)
{
    return (int)throttle->limits.pages;
}

int throttle_next_pages(int pages, int64_t took_ms, int64_t target_ms, int most)
{
    int64_t next = pages;
    if (took_ms > 2 * target_ms)
        next = pages / 2;
    else if (took_ms > 0)
        next = pages * target_ms / took_ms;
    else
        next = (int64_t)pages * 2;
    int64_t grown = pages + (pages > 1 ? pages / 2 : 1);
    if (next > grown)
        next = grown;
    return (int)(next < 1 ? 1 : next > most ? most : next);
}
