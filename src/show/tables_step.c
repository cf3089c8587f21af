/* tables_step: the table of the plan's steps: how far each has come, how fast, and its undo. */
#include "asked.h"
#include "cell.h"
#include "clock.h"
#include "detail.h"
#include "tables_parts.h"

#include <stdlib.h>

enum {
    STEP_NAME,
    STEP_STATE,
    STEP_TYPE,
    STEP_DOES,
    STEP_PROGRESS,
    STEP_ROWS_DONE,
    STEP_ROWS_TOTAL,
    STEP_RATE,
    STEP_MEAN,
    STEP_TIME,
    STEP_LEFT,
    STEP_UNDO,
    STEP_END
};
_Static_assert((int)STEP_END == (int)STEP_COLUMNS, "tables_parts.h counts the columns");

const struct column step_columns[STEP_COLUMNS] = {
    [STEP_NAME] = {"step", "STEP", "its name, for `run STEP`", TEXT_LEFT, 12, 0, 1},
    [STEP_STATE] = {"state", "STATE", "how far it is", TEXT_LEFT, 9, 0, 2},
    [STEP_TYPE] = {"type", "TYPE", "once, batch, rewrite, copy, scan, verify or outside", TEXT_LEFT,
                   7, 0, 12},
    [STEP_DOES] = {"does", "DOES", "what it does", TEXT_LEFT, 24, 3, 3},
    [STEP_PROGRESS] = {"progress", "PROGRESS", "rows done, as a bar", TEXT_LEFT, 8, 1, 4},
    [STEP_ROWS_DONE] = {"done", "DONE", "rows done", TEXT_RIGHT, 9, 0, 5},
    [STEP_ROWS_TOTAL] = {"total", "OF", "rows to do in all", TEXT_RIGHT, 9, 0, 7},
    [STEP_RATE] = {"rate", "ROWS/S", "rows in a second: lately, or at its end on the average",
                   TEXT_RIGHT, 8, 0, 9},
    [STEP_MEAN] = {"mean", "MEAN/S", "rows in a second since it began, waits counted in",
                   TEXT_RIGHT, 8, 0, 10},
    [STEP_TIME] = {"seconds", "TIME", "how long it has taken", TEXT_RIGHT, 6, 0, 6},
    [STEP_LEFT] = {"left", "LEFT", "how long it will take still, at the rate of late", TEXT_RIGHT,
                   6, 0, 8},
    [STEP_UNDO] = {"undo", "UNDO", "how it is taken back", TEXT_LEFT, 20, 3, 11},
};

static const struct {
    const char *mark;
    enum mood mood;
} S_looks[] = {
    [STEP_WAITS] = {"·", MOOD_DIM},   [STEP_RUNS] = {"►", MOOD_ACTIVE},
    [STEP_PAUSED] = {"=", MOOD_WARN}, [STEP_DONE] = {"✓", MOOD_GOOD},
    [STEP_FAILED] = {"✗", MOOD_BAD},  [STEP_UNDONE] = {"←", MOOD_DIM},
    [STEP_SKIPPED] = {"–", MOOD_DIM},
};

size_t step_rows(const struct snapshot *snapshot)
{
    return snapshot->step_count;
}

/* ---- what follows from the figures ---- */

/* The others consist of a few statements or a command, so that they have no rows to count. */
static bool S_moves_rows(const struct step_view *step)
{
    return str_is(step->type, "batch") || str_is(step->type, "rewrite") ||
           str_is(step->type, "copy") || str_is(step->type, "scan");
}

static bool S_is_under_way(const struct step_view *step)
{
    return step->state == STEP_RUNS || step->state == STEP_PAUSED || step->state == STEP_FAILED;
}

static double S_percent(const struct step_view *step)
{
    struct count_view done = {.value = step->done, .exact = step->state == STEP_DONE};
    struct count_view total = {.value = step->total, .exact = true};
    return step->state == STEP_DONE ? 100 : cell_percent(&done, &total);
}

static int64_t S_elapsed_ms(const struct step_view *step, int64_t now)
{
    int64_t end = step->ended_at > 0 ? step->ended_at : now;
    return step->started_at > 0 && end >= step->started_at ? end - step->started_at : UNKNOWN;
}

/* Waits are in it, and so it tells when the whole will be through as things have gone so far. */
static int64_t S_mean(const struct step_view *step, int64_t now)
{
    int64_t elapsed = S_elapsed_ms(step, now);
    if (!S_moves_rows(step) || step->done <= 0 || elapsed <= 0)
        return UNKNOWN;
    return (int64_t)((double)step->done * 1000 / (double)elapsed);
}

static int64_t S_rate(const struct step_view *step, int64_t now)
{
    return step->state == STEP_RUNS && step->rate > 0 ? step->rate : S_mean(step, now);
}

/* While it waits the figure stands still, at the rate of before; whoever shows it says so. */
static int64_t S_left_ms(const struct step_view *step)
{
    if (step->state != STEP_RUNS || step->rate <= 0 || step->total <= step->done)
        return UNKNOWN;
    return (step->total - step->done) * 1000 / step->rate;
}

/* ---- cells ---- */

static void S_set_progress(const struct step_view *step, struct cell *out)
{
    bool begun = step->state == STEP_DONE || S_is_under_way(step);
    if (!begun || (step->state != STEP_DONE && !S_moves_rows(step)))
        return;
    cell_set_real(out, CELL_BAR, S_percent(step));
    out->mood = S_looks[step->state].mood;
}

static void S_set_rows(const struct step_view *step, int64_t rows, struct cell *out)
{
    if (rows >= 0 || (S_moves_rows(step) && S_is_under_way(step)))
        cell_set_number(out, CELL_COUNT, rows);
}

/* What runs in a rollback goes backwards, and shall not look like progress. */
static const char *S_state_word(const struct run_view *run, const struct step_view *step)
{
    bool back = step->state == STEP_RUNS && str_is(run->verb, "rollback");
    return back ? "undoing" : step_state_name(step->state);
}

static void S_set_state(const struct run_view *run, const struct step_view *step, struct cell *out)
{
    const char *word = S_state_word(run, step);
    bool back = str_is(word, "undoing");
    cell_set_word(out, S_looks[back ? STEP_UNDONE : step->state].mark, word, step->state);
    out->mood = S_looks[step->state].mood;
    if (step->waits) {
        out->mark = S_looks[STEP_PAUSED].mark;
        out->mood = S_looks[STEP_PAUSED].mood;
    }
}

static void S_set_undo(const struct step_view *step, struct cell *out)
{
    cell_set_text(out, step->undo);
    if (out->kind != CELL_TEXT)
        cell_set_absent(out, "nothing to undo");
}

void step_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct step_view *step = &snapshot->steps[row];
    int64_t rate, elapsed;
    switch (column) {
    case STEP_NAME:
        cell_set_text(out, step->name);
        break;
    case STEP_STATE:
        S_set_state(&snapshot->run, step, out);
        break;
    case STEP_TYPE:
        cell_set_text(out, step->type);
        break;
    case STEP_DOES:
        cell_set_text(out, step->does);
        break;
    case STEP_PROGRESS:
        S_set_progress(step, out);
        break;
    case STEP_ROWS_DONE:
        S_set_rows(step, step->done, out);
        break;
    case STEP_ROWS_TOTAL:
        S_set_rows(step, step->total, out);
        break;
    case STEP_RATE:
        rate = S_rate(step, snapshot->at);
        if (rate >= 0)
            cell_set_number(out, CELL_COUNT, rate);
        break;
    case STEP_MEAN:
        rate = S_mean(step, snapshot->at);
        if (rate >= 0)
            cell_set_number(out, CELL_COUNT, rate);
        break;
    case STEP_TIME:
        elapsed = S_elapsed_ms(step, snapshot->at);
        if (elapsed >= 0)
            cell_set_number(out, CELL_SECONDS, elapsed / 1000);
        break;
    case STEP_LEFT:
        if (S_left_ms(step) >= 0)
            cell_set_number(out, CELL_SECONDS, S_left_ms(step) / 1000);
        out->mood = step->waits ? MOOD_DIM : out->mood;
        break;
    case STEP_UNDO:
        S_set_undo(step, out);
        break;
    }
}

/* ---- the title ---- */

/*
 * "fill 41 %, 52,000 rows/s, ~1m13s left, mean 48,000": what drops out of a narrow title stands
 * last.
 */
static void S_add_under_way(const struct run_view *run, const struct step_view *step, int64_t now,
                            struct buf *out)
{
    char left[16];
    double percent = S_moves_rows(step) && step->total > 0 ? S_percent(step) : UNKNOWN;
    if (step->waits)
        buf_format(out, "%s waits: %s", step->name, step->waits);
    else if (step->state == STEP_RUNS && percent >= 0)
        buf_format(out, "%s ", step->name);
    else if (step->state == STEP_WAITS)
        buf_format(out, "stopped before %s", step->name);
    else
        buf_format(out, "%s %s", step->name,
                   step->state == STEP_PAUSED ? "stopped" : S_state_word(run, step));
    if (percent < 0)
        return;
    if (step->waits || step->state != STEP_RUNS)
        buf_add(out, ", ");
    percent_text(out, percent);
    buf_add(out, " %");
    if (!step->waits && step->state == STEP_RUNS && step->rate > 0) {
        buf_add(out, ", ");
        text_count(out, step->rate);
        buf_add(out, " rows/s");
    }
    if (S_left_ms(step) >= 0) {
        clock_format_span(S_left_ms(step), left);
        buf_format(out, ", ~%s left%s", left, step->waits ? " (frozen)" : "");
    }
    if (step->state == STEP_RUNS && S_mean(step, now) >= 0) {
        buf_add(out, ", mean ");
        text_count(out, S_mean(step, now));
    }
}

/* Only batches have a pace; what is slower because somebody wants it so is told to be so. */
static void S_add_pace(const struct run_view *run, const struct step_view *step, struct buf *out)
{
    if (!str_is(step->type, "batch") || run->sleep <= 0)
        return;
    buf_format(out, ", sleep %g", (double)run->sleep / 100);
}

/* What somebody waits for comes first of all. */
static void S_add_asked(const struct snapshot *snapshot, bool holds, struct buf *out)
{
    const struct run_view *run = &snapshot->run;
    for (size_t i = 0; i < run->asked_count; i++) {
        const struct asked_view *asked = &run->asked[i];
        if ((str_is(asked->verb, "hold") && asked->heard) != holds)
            continue;
        if (holds)
            buf_format(out, ", holds before %s", asked->step);
        else
            asked_words(asked, snapshot->at, out);
        buf_add(out, holds ? "" : ", ");
    }
}

/* Whether all is done but what a person has to say: when the old application has gone. */
static const struct step_view *S_left_for_later(const struct snapshot *snapshot)
{
    size_t last = snapshot->step_count ? snapshot->step_count - 1 : 0;
    if (!snapshot->step_count || !str_is(snapshot->run.state, "done") ||
        !str_is(snapshot->steps[last].name, "release") || snapshot->steps[last].state != STEP_WAITS)
        return NULL;
    for (size_t i = 0; i < last; i++)
        if (snapshot->steps[i].state != STEP_DONE && snapshot->steps[i].state != STEP_SKIPPED)
            return NULL;
    return &snapshot->steps[last];
}

/* What is going on comes first, since a narrow title keeps the beginning. */
void step_summary(const struct snapshot *snapshot, struct buf *out)
{
    static const enum step_state told[] = {STEP_UNDONE, STEP_SKIPPED};
    size_t counts[ARRAY_LEN(S_looks)] = {0}, count = snapshot->step_count;
    for (size_t i = 0; i < count; i++)
        counts[snapshot->steps[i].state]++;
    const struct step_view *step = snapshot_step(snapshot);
    S_add_asked(snapshot, false, out);
    if (step) {
        S_add_under_way(&snapshot->run, step, snapshot->at, out);
        S_add_pace(&snapshot->run, step, out);
        S_add_asked(snapshot, true, out);
        buf_add(out, ", ");
    }
    if (count && counts[STEP_WAITS] == count)
        buf_format(out, "%zu %s, none has begun", count, count == 1 ? "step" : "steps");
    else if (count)
        buf_format(out, "%zu of %zu done", counts[STEP_DONE], count);
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        if (counts[told[i]])
            buf_format(out, ", %zu %s", counts[told[i]], step_state_name(told[i]));
    if (S_left_for_later(snapshot))
        buf_add(out, ", left for later: release");
}

bool step_focus(const struct snapshot *snapshot, size_t *row)
{
    const struct step_view *step = snapshot_step(snapshot);
    step = step ? step : S_left_for_later(snapshot);
    if (step)
        *row = (size_t)(step - snapshot->steps);
    return step != NULL;
}

/* ---- what Enter opens ---- */

static void S_add_progress(const struct step_view *step, int64_t now, struct buf *out)
{
    int64_t rate = S_rate(step, now), mean = S_mean(step, now);
    int64_t elapsed = S_elapsed_ms(step, now);
    bool rows = S_moves_rows(step);
    if (step->done >= 0 || step->total >= 0) {
        detail_number(out, rows ? "rows done" : "done", step->done);
        detail_number(out, rows ? "rows in all" : "in all", step->total);
        if (rows)
            detail_percent(out, "progress", S_percent(step), true, "the rows");
    }
    if (rate >= 0)
        detail_number(out, step->state == STEP_RUNS ? "rows/s of late" : "rows in a second", rate);
    if (mean >= 0 && step->state == STEP_RUNS)
        detail_number(out, "rows/s, mean", mean);
    detail_moment(out, "started", step->started_at, now);
    detail_moment(out, "ended", step->ended_at, now);
    if (elapsed >= 0)
        detail_seconds(out, "time taken", elapsed / 1000);
    if (S_left_ms(step) >= 0)
        detail_seconds(out, step->waits ? "left once it goes on" : "time left",
                       S_left_ms(step) / 1000);
}

/* The command that goes on with a run is the one that began it. */
static void S_say_next(const struct run_view *run, const struct step_view *step, struct buf *out)
{
    bool asked = str_starts(step->waits, "paused") || str_starts(step->waits, "held");
    if (run->alive && step->waits) {
        detail_say(out, asked ? "'resume' lets the run go on, 'stop' ends it here."
                              : "It goes on by itself when that is over. 'stop' ends the run at\n"
                                "the next border.");
        return;
    }
    if (run->alive)
        return;
    buf_add(out, step->state == STEP_RUNS ? "\nIts worker gives no sign of life. " : "\n");
    buf_add(out, "What is done is done, and what is not is unchanged.\n");
    buf_format(out, "%s'%s' goes on from here.\n",
               step->state == STEP_FAILED ? "Mend the cause; then " : "", run->verb);
    if (!str_is(run->verb, "rollback"))
        buf_add(out, "'rollback' takes back what was done; with --dry-run it only tells.\n");
}

static const char *S_why(const struct step_view *step)
{
    return step->state == STEP_SKIPPED  ? "Why it was skipped:"
           : step->state == STEP_FAILED ? "What went wrong:"
                                        : "Why it stopped:";
}

static void S_tell_pace(const struct run_view *run, const struct step_view *step, struct buf *out)
{
    if (!str_is(step->type, "batch") || run->batch_ms <= 0)
        return;
    char *sleep = str_format("%g of the time that a batch takes", (double)run->sleep / 100);
    char *batch = str_format("%lld ms", (long long)run->batch_ms);
    detail_text(out, "batch", batch);
    detail_text(out, "sleep after it", run->sleep > 0 ? sleep : "none");
    free(batch);
    free(sleep);
}

static void S_tell_asked(const struct snapshot *snapshot, struct buf *out)
{
    const struct run_view *run = &snapshot->run;
    struct buf lines = {0};
    for (size_t i = 0; i < run->asked_count; i++) {
        buf_add(&lines, i ? "\n" : "");
        asked_words(&run->asked[i], snapshot->at, &lines);
    }
    if (run->asked_count) {
        detail_say(out, "What was asked of the run:");
        detail_lines(out, buf_text(&lines));
    }
    buf_release(&lines);
}

void step_detail(const struct snapshot *snapshot, size_t row, struct buf *out)
{
    const struct step_view *step = &snapshot->steps[row];
    detail_text(out, "step", step->name);
    detail_text(out, "state", S_state_word(&snapshot->run, step));
    detail_text(out, "type", step->type);
    S_add_progress(step, snapshot->at, out);
    if (snapshot->run.present && step == snapshot_step(snapshot))
        S_tell_pace(&snapshot->run, step, out);
    S_tell_asked(snapshot, out);
    if (step->waits) {
        detail_say(out, "Why it waits:");
        detail_lines(out, step->waits);
    }
    const struct run_view *run = &snapshot->run;
    bool of_run = run->present && step == snapshot_step(snapshot);
    const char *trouble = step->trouble || !of_run ? step->trouble : run->trouble;
    if (trouble && *trouble) {
        detail_say(out, S_why(step));
        detail_lines(out, trouble);
    }
    if (of_run)
        S_say_next(run, step, out);
    if (step == S_left_for_later(snapshot))
        detail_say(out,
                   "All the rest is done. Run this one (x, or 'run release') when no instance of\n"
                   "the old application writes any more, and the new one writes the codes\n"
                   "itself; 'run release --dry-run' lists what goes: the fill triggers, and the\n"
                   "indexes that only the old application's queries went by.");
    detail_say(out, "What it does:");
    detail_lines(out, step->does);
    detail_say(out, "How it is undone:");
    detail_lines(out, step->undo && *step->undo ? step->undo : "there is nothing to undo");
}
