/* follow: see follow.h. */
#include "follow.h"

#include "asked.h"
#include "clock.h"
#include "failpoint.h"
#include "sql.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A worker whose lock session has ended as well needs no long proof of its death. */
enum { LOOK_MS = 400, SILENT_MS = 15000, DEAD_MS = 3000, UNANSWERED_MS = 60000 };

static volatile sig_atomic_t S_left;

static void S_on_interrupt(int number)
{
    (void)number;
    S_left = 1;
}

struct follower {
    struct verb_call *call;
    struct pg *pg;
    struct number_text run, last; /* the newest event that was shown */
    struct timer *watch;          /* looks whether somebody wants to leave */
    bool terminal;                /* the progress line may be drawn over */
    bool drawn;
};

/* ---- what is shown ---- */

static void S_clean(struct buf *out, const char *raw)
{
    text_clean(out, raw, strlen(raw));
}

static void S_wipe_line(struct follower *f)
{
    if (f->drawn)
        fputs("\r\033[K", f->call->out);
    f->drawn = false;
}

static void S_show_event(struct follower *f, const struct pg_result *events, int row)
{
    char time[9];
    struct buf line = {0};
    clock_format_time(pg_int(events, row, 1), time);
    buf_format(&line, "%s %-5s ", time, pg_text(events, row, 2));
    S_clean(&line, pg_text(events, row, pg_null(events, row, 4) ? 3 : 4));
    buf_add(&line, ": ");
    S_clean(&line, pg_text(events, row, 5));
    S_wipe_line(f);
    fprintf(f->call->out, "%s\n", buf_text(&line));
    buf_release(&line);
}

/* They come by the hundreds, until there are no more. */
static bool S_show_events(struct follower *f, struct err *err)
{
    for (int rows = 1; rows > 0;) {
        const char *values[] = {f->run.text, f->last.text};
        struct pg_result *events;
        if (!pg_run(f->pg, sql_get("run_events"), values, 2, &events, err))
            return false;
        rows = pg_rows(events);
        for (int row = 0; row < rows && !f->call->json; row++)
            S_show_event(f, events, row);
        if (rows)
            f->last = number_text(pg_int(events, rows - 1, 0));
        pg_result_free(events);
    }
    fflush(f->call->out);
    return true;
}

static void S_add_asked(const struct pg_result *asked, struct buf *out)
{
    for (int row = 0; row < pg_rows(asked); row++) {
        int step = pg_col(asked, "step");
        struct asked_view one = {
            .verb = pg_text(asked, row, pg_col(asked, "verb")),
            .step = pg_null(asked, row, step) ? NULL : pg_text(asked, row, step),
            .who = pg_text(asked, row, pg_col(asked, "who")),
            .at = pg_int(asked, row, pg_col(asked, "at")),
            .heard = pg_bool(asked, row, pg_col(asked, "heard")),
        };
        struct buf words = {0};
        asked_words(&one, clock_wall(), &words);
        buf_add(out, "  ");
        S_clean(out, buf_text(&words));
        buf_release(&words);
    }
}

/* "  1,234,000 of 3,000,000  41 %  52,000/s, mean 48,000/s  ~33s left" */
static void S_add_rows(const struct pg_result *view, bool waits, struct buf *out)
{
    int64_t done = pg_int(view, 0, pg_col(view, "done")),
            total = pg_int(view, 0, pg_col(view, "total")),
            since = pg_int(view, 0, pg_col(view, "step_since")), elapsed = clock_wall() - since;
    double rate = pg_float(view, 0, pg_col(view, "rate"));
    if (done < 0 || total <= 0)
        return;
    buf_add(out, "  ");
    text_count(out, done < total ? done : total);
    buf_add(out, " of ");
    text_count(out, total);
    buf_format(out, "  %d %%", (int)(done < total ? done * 100 / total : 100));
    if (rate > 0 && !waits)
        buf_format(out, "  %.0f/s", rate);
    if (done > 0 && since > 0 && elapsed > 0)
        buf_format(out, "%smean %.0f/s", rate > 0 && !waits ? ", " : "  ",
                   (double)done * 1000 / (double)elapsed);
    if (rate > 0 && total > done) {
        char left[16];
        clock_format_span((int64_t)((double)(total - done) / rate * 1000), left);
        buf_format(out, "  ~%s left%s", left, waits ? " (frozen)" : "");
    }
}

/*
 * "fill (6 of 14) waits: paused, as asked 1,234,000 of 3,000,000 41 % …": the end may be cut off.
 */
static void S_describe(const struct pg_result *view, const struct pg_result *asked, struct buf *out)
{
    bool waits = !pg_null(view, 0, pg_col(view, "waits"));
    S_clean(out, pg_text(view, 0, pg_col(view, "step")));
    buf_format(out, " (%s of %s)", pg_text(view, 0, pg_col(view, "number")),
               pg_text(view, 0, pg_col(view, "steps")));
    S_add_asked(asked, out);
    if (waits) {
        buf_add(out, "  waits: ");
        S_clean(out, pg_text(view, 0, pg_col(view, "waits")));
    }
    S_add_rows(view, waits, out);
}

static bool S_show_progress(struct follower *f, const struct pg_result *view, struct err *err)
{
    struct buf line = {0};
    const char *values[] = {f->run.text};
    struct pg_result *asked;
    if (!f->terminal || pg_null(view, 0, pg_col(view, "step")))
        return true;
    if (!pg_run(f->pg, sql_get("journal_asked"), values, 1, &asked, err))
        return false;
    S_describe(view, asked, &line);
    pg_result_free(asked);
    S_wipe_line(f);
    size_t bytes = text_fit(buf_text(&line), (size_t)f->call->width - 1);
    fwrite(buf_text(&line), 1, bytes, f->call->out);
    fflush(f->call->out);
    f->drawn = true;
    buf_release(&line);
    return true;
}

/* ---- the end ---- */

/* What a check has refused does not get better by being said again. */
static void S_advise_mending(const char *verb, struct err *err)
{
    if (str_is(verb, "rollback"))
        err_hint(err,
                 "'tenantdeck findings --long' shows what stands in the way, and what mends it; "
                 "then the same command");
    else
        err_hint(err,
                 "nothing after it was touched; 'tenantdeck findings --long' shows the rows and "
                 "what mends them, 'validate' and 'fix' mend codes; then the same command goes "
                 "on, and 'tenantdeck rollback' tells how to take back what is done");
}

/* What to do next depends on whether it was to change something. */
static void S_advise(const char *verb, struct err *err)
{
    bool refused = strstr(err->text, " checks failed, the first: ");
    if (str_is(verb, "preflight"))
        err_hint(err, "nothing was changed; the Validation pane and 'tenantdeck status validation' "
                      "list what stands in the way");
    else if (str_is(verb, "validate"))
        err_hint(err, "nothing was changed; the Validation pane and 'tenantdeck findings' list it, "
                      "'tenantdeck fix --dry-run' says what can be mended");
    else if (refused && !str_is(verb, "fix"))
        S_advise_mending(verb, err);
    else if (str_is(verb, "rollback"))
        err_hint(err,
                 "what is taken back is taken back, and the rest is as it was; the same command "
                 "goes on from there");
    else if (str_is(verb, "fix"))
        err_hint(err, "what is mended stays so; 'tenantdeck findings' lists what is still wrong");
    else
        err_hint(err, "what is done is done and what is not is unchanged; the same command goes on "
                      "from there, 'tenantdeck rollback' tells how to take it back");
}

static bool S_over(const struct pg_result *view, const char *run, struct err *err)
{
    const char *state = pg_text(view, 0, pg_col(view, "state"));
    if (str_is(state, "done") || str_is(state, "undone"))
        return true;
    bool taken = pg_bool(view, 0, pg_col(view, "taken"));
    err_set(err, taken ? ERR_HELD : ERR_FAILED, "run %s is %s: %s", run, state,
            pg_text(view, 0, pg_col(view, "trouble")));
    if (taken)
        return err_hint(err, "'tenantdeck attach' looks on at the run that goes on instead");
    S_advise(pg_text(view, 0, pg_col(view, "verb")), err);
    return false;
}

static bool S_look(struct follower *f, bool *over, struct err *err)
{
    const char *values[] = {f->run.text};
    struct pg_result *view;
    if (!pg_run(f->pg, sql_get("run_view"), values, 1, &view, err))
        return false;
    if (!pg_rows(view)) {
        pg_result_free(view);
        return err_set(err, ERR_USAGE, "there is no run %s in the journal", f->run.text);
    }
    *over = pg_bool(view, 0, pg_col(view, "over"));
    int64_t silent = pg_int(view, 0, pg_col(view, "beat_ms"));
    bool locks = pg_bool(view, 0, pg_col(view, "locks"));
    bool ok = S_show_events(f, err);
    if (ok && *over) {
        S_wipe_line(f);
        ok = S_over(view, f->run.text, err);
    } else if (ok && silent > (locks ? SILENT_MS : DEAD_MS)) {
        S_wipe_line(f);
        ok = err_set(err, ERR_LOST, "the worker of run %s gave no sign of life for %lld s",
                     f->run.text, (long long)silent / 1000);
        err_hint(err, "if it has died, the same command takes over and goes on; nothing is lost");
    } else if (ok) {
        ok = S_show_progress(f, view, err);
    }
    pg_result_free(view);
    return ok;
}

static void S_turn_for(struct loop *loop, int64_t ms)
{
    int64_t until = clock_ms() + ms;
    for (int64_t left = ms; left > 0 && !S_left; left = until - clock_ms())
        loop_turn(loop, (int)left);
}

/*
 * Whoever leaves does not wait for an answer that a silent server owes, and nobody does for ever.
 */
static void S_watch_for_leaving(void *ctx)
{
    struct follower *f = ctx;
    f->watch = loop_after(f->call->loop, LOOK_MS, S_watch_for_leaving, f);
    bool silent = pg_waits_ms(f->pg) >= FAILPOINT_HURRY(UNANSWERED_MS);
    if ((S_left || silent) && pg_is_up(f->pg))
        pg_close(f->pg);
}

static bool S_explain(const struct follower *f, struct err *err)
{
    if (S_left) {
        err_set(err, ERR_FAILED, "you left; run %s goes on", f->run.text);
        return err_hint(err, "'tenantdeck attach' looks on again, 'tenantdeck stop' ends it at the "
                             "next border");
    }
    if (err->kind == ERR_LOST && !*err->hint)
        err_hint(err, "run %s may go on: 'tenantdeck attach' looks on again", f->run.text);
    return false;
}

/* Whoever resumes a run has been told before what its earlier worker did. */
static bool S_skip_told(struct follower *f, struct err *err)
{
    const char *values[] = {f->run.text};
    struct pg_result *told;
    if (!pg_run(f->pg, sql_get("run_told_before"), values, 1, &told, err))
        return false;
    f->last = number_text(pg_int(told, 0, 0));
    pg_result_free(told);
    return true;
}

bool follow_run(struct verb_call *call, struct pg *pg, int64_t run, bool from_now, struct err *err)
{
    struct follower f = {.call = call, .pg = pg, .run = number_text(run), .last = number_text(0)};
    struct sigaction leave = {.sa_handler = S_on_interrupt}, before;
    bool over = false, ok = true;
    f.terminal = !call->json && isatty(fileno(call->out));
    sigemptyset(&leave.sa_mask);
    S_left = 0;
    sigaction(SIGINT, &leave, &before);
    S_watch_for_leaving(&f);
    if (from_now)
        ok = S_skip_told(&f, err);
    while (ok && !over && !S_left) {
        ok = S_look(&f, &over, err);
        if (ok && !over)
            S_turn_for(call->loop, LOOK_MS);
    }
    loop_cancel(f.watch);
    sigaction(SIGINT, &before, NULL);
    S_wipe_line(&f);
    return over || (ok && !S_left) ? ok : S_explain(&f, err);
}
