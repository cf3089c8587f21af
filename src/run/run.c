/*
 * run: see run.h. The transactions of a run, what it waits for, and what it tells.
 *
 * A statement that failed is never guessed about: the connection is opened again if it must be, and
 * the attempt looks anew at what is done.
 */
#include "run.h"

#include "clock.h"
#include "control.h"
#include "failpoint.h"
#include "process.h"
#include "runner_lock.h"
#include "sql.h"
#include "text.h"
#include "throttle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OPEN_MS = 10000,
    FIRST_PAUSE_MS = 250,
    LONGEST_PAUSE_MS = 30000,
    QUICK_MS = 10000, /* an attempt that is lost so soon, with nothing done … */
    QUICK_MOST = 40,  /* … and so often is enough: it would not be another time */
    LOOK_MS = 100,
};

const char *run_mode_name(enum run_mode mode)
{
    return mode == MODE_WINDOW ? "window" : "online";
}

const char *run_option(const struct run *run, const char *name)
{
    return json_string_value(json_object_get(run->options, name));
}

bool run_flag(const struct run *run, const char *name)
{
    return json_is_true(json_object_get(run->options, name));
}

bool run_wants_unit(const struct run *run, const char *unit)
{
    const json_t *units = json_object_get(run->options, "units"), *one;
    size_t i;
    json_array_foreach(units, i, one)
    {
        if (str_is(json_string_value(one), unit))
            return true;
    }
    return !units;
}

/* ---- the work connection ---- */

bool run_query(struct run *run, const char *sql, const char *const *values, int count,
               struct pg_result **out, struct err *err)
{
    return pg_run(run->work, sql, values, count, out, err);
}

bool run_fence_lost(struct run *run, struct err *err)
{
    run->fenced = true;
    err_set(err, ERR_HELD, "another worker has taken over this plan; this one wrote nothing more");
    return err_hint(err, "'tenantdeck status' shows who runs it; 'tenantdeck attach' follows it");
}

bool run_begin(struct run *run, struct err *err)
{
    struct number_text epoch = number_text(run->epoch);
    const char *values[] = {run->plan->name, epoch.text};
    struct pg_result *result;
    if (!run_query(run, sql_get("run_begin"), NULL, 0, NULL, err))
        return false;
    if (!run_query(run, sql_get("run_fence"), values, 2, &result, err)) {
        run_rollback(run);
        return false;
    }
    bool held = pg_rows(result) == 1;
    pg_result_free(result);
    if (held)
        return true;
    run_rollback(run);
    return run_fence_lost(run, err);
}

bool run_set_patience(struct run *run, const char *statement, struct err *err)
{
    struct number_text usual = number_text(RUN_LOCK_TIMEOUT_MS);
    const char *values[] = {usual.text, statement};
    return run_query(run, sql_get("run_lock_timeout"), values, ARRAY_LEN(values), NULL, err);
}

bool run_commit(struct run *run, struct err *err)
{
    FAILPOINT("K4");
    return run_query(run, sql_get("run_commit"), NULL, 0, NULL, err);
}

void run_rollback(struct run *run)
{
    struct err ignored = {0};
    if (pg_is_up(run->work))
        run_query(run, sql_get("run_rollback"), NULL, 0, NULL, &ignored);
}

bool run_mark(struct run *run, const char *unit, const char *part, const char *next, int64_t rows,
              struct err *err)
{
    struct number_text step = number_text(run->step->id), count = number_text(rows),
                       epoch = number_text(run->epoch);
    const char *values[] = {step.text, unit, part, next, count.text, epoch.text};
    return run_query(run, sql_get("run_mark"), values, ARRAY_LEN(values), NULL, err);
}

bool run_mark_again(struct run *run, const char *unit, const char *part, struct err *err)
{
    struct number_text step = number_text(run->step->id), epoch = number_text(run->epoch);
    const char *values[] = {step.text, unit, part, epoch.text};
    return run_query(run, sql_get("run_mark_again"), values, ARRAY_LEN(values), NULL, err);
}

bool run_is_marked(struct run *run, const char *unit, const char *part, bool *marked,
                   struct err *err)
{
    struct number_text step = number_text(run->step->id);
    const char *values[] = {step.text, unit, part};
    struct pg_result *result;
    if (!run_query(run, sql_get("run_is_marked"), values, ARRAY_LEN(values), &result, err))
        return false;
    *marked = pg_bool(result, 0, 0);
    pg_result_free(result);
    return true;
}

bool run_keep(struct run *run, const struct undo_record *record, struct err *err)
{
    struct number_text id = number_text(run->id), step = number_text(run->step->id);
    const char *values[] = {run->generation,    run->plan->name,   id.text,
                            step.text,          record->type,      record->object,
                            record->definition, record->statement, record->alone ? "t" : "f"};
    return run_query(run, sql_get("run_keep"), values, ARRAY_LEN(values), NULL, err);
}

static bool S_note_backend(struct run *run, struct pg *pg, const char *purpose, struct err *err)
{
    struct number_text id = number_text(run->id), step = number_text(run->step ? run->step->id : 0);
    const char *values[] = {id.text, run->step ? step.text : NULL, purpose};
    return pg_run(pg, sql_get("run_backend"), values, ARRAY_LEN(values), NULL, err);
}

bool run_connect(struct run *run, const char *purpose, struct pg **out, struct err *err)
{
    struct pg_options options = {.purpose = purpose, .lock_timeout_ms = RUN_LOCK_TIMEOUT_MS};
    struct pg *pg = pg_new(run->loop, &run->session->database, &options);
    if (pg_open(pg, OPEN_MS, err) && S_note_backend(run, pg, purpose, err)) {
        *out = pg;
        return true;
    }
    pg_free(pg);
    return false;
}

/* ---- a connection that was lost ---- */

/* The pulse takes the runner's lock again; without it nobody may say that the plan is ours. */
static bool S_open_again(struct run *run, struct err *err)
{
    if (!pg_is_up(run->work) &&
        !(pg_open(run->work, OPEN_MS, err) && S_note_backend(run, run->work, "work", err)))
        return false;
    return runner_lock_is_held(run) ||
           err_set(err, ERR_LOST, "the runner's lock is not held again yet");
}

/* A server that took its socket's directory with it (a demo, a test) will not come back. */
bool run_server_is_gone(const struct run *run)
{
    return run->socket_directory && access(run->socket_directory, F_OK) != 0;
}

/* Waits for the server to come back. False when it does not, or when somebody asked to end. */
static bool S_come_back(struct run *run, struct err *err)
{
    int64_t since = clock_ms(), most = FAILPOINT_HURRY(RUN_LOST_FOR_MS);
    char until[9];
    clock_format_time(clock_wall() + most, until);
    run_say(run, "warn", "worker",
            "the connection to PostgreSQL was lost: %s; it is waited for until %s, or until "
            "somebody says stop",
            err->text, until);
    while (clock_ms() - since < most && !run->stop_wanted && !run->aborted) {
        struct err again = {0};
        if (run->fenced)
            return run_fence_lost(run, err);
        if (S_open_again(run, &again)) {
            run_say(run, "info", "worker", "PostgreSQL answers again, after %lld s",
                    (long long)(clock_ms() - since) / 1000);
            return true;
        }
        if (again.kind != ERR_LOST && again.kind != ERR_RETRY) {
            *err = again;
            return false;
        }
        if (run_server_is_gone(run))
            return false;
        run_waits_for(run, "PostgreSQL to answer again");
        run_wait(run, 1000);
    }
    return false;
}

/* ---- trying again ---- */

/* Between half and the whole of it, so that two who wait do not meet again. */
static int64_t S_jitter(int64_t ms)
{
    return ms / 2 + random() % (ms / 2 + 1);
}

static bool S_pause_before_retry(struct run *run, const char *what, int tries, struct err *err)
{
    int64_t pause = FIRST_PAUSE_MS;
    for (int i = 1; i < tries && pause < LONGEST_PAUSE_MS; i++)
        pause *= 2;
    pause = S_jitter(pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS);
    char *reason = str_format("to %s: %s (try %d)", what, err->text, tries);
    run_waits_for(run, reason);
    if (tries == 1 || tries % 10 == 0)
        run_say(run, "warn", "worker", "waits %s", reason);
    free(reason);
    run_wait(run, pause);
    run_waits_for(run, NULL);
    struct err stopped = {0};
    if (run_breathe(run, &stopped))
        return true;
    *err = stopped;
    return false;
}

/*
 * A connection that is lost now and then is opened again. But one that cannot be had at all, or a
 * statement that brings the server down each time, is not asked for at once again and for ever.
 */
static bool S_after_loss(struct run *run, const char *what, bool got_nowhere, int *quick,
                         struct err *err)
{
    *quick = got_nowhere ? *quick + 1 : 0;
    if (*quick > QUICK_MOST || !S_come_back(run, err))
        return false;
    run_waits_for(run, NULL);
    return *quick < 2 || S_pause_before_retry(run, what, *quick, err);
}

static int64_t S_done(const struct run *run)
{
    return run->step ? run->step->done : -1;
}

bool run_try(struct run *run, run_attempt_fn *attempt, void *ctx, const char *what, struct err *err)
{
    int quick = 0;
    int64_t furthest = S_done(run);
    for (int tries = 1;; tries++) {
        struct err failure = {0};
        int64_t began = clock_ms();
        if (attempt(run, ctx, &failure))
            return true;
        *err = failure;
        if (run->aborted)
            return err_set(err, ERR_FAILED, "aborted, as asked");
        if (run->fenced)
            return run_fence_lost(run, err);
        bool got_nowhere = clock_ms() - began < QUICK_MS && S_done(run) <= furthest;
        if (S_done(run) > furthest)
            furthest = S_done(run);
        bool again = failure.kind == ERR_LOST
                         ? S_after_loss(run, what, got_nowhere, &quick, err)
                         : failure.kind == ERR_RETRY && S_pause_before_retry(run, what, tries, err);
        if (!again)
            return false;
    }
}

/* ---- the border between two pieces of work ---- */

void run_waits_for(struct run *run, const char *reason)
{
    if (str_is(run->waits_for, reason) || (!run->waits_for && !reason))
        return;
    char *copy = str_dup(reason);
    free(run->waits_for);
    run->waits_for = copy;
}

static void S_time_is_up(void *ctx)
{
    *(bool *)ctx = true;
}

void run_wait(struct run *run, int64_t ms)
{
    bool up = false;
    int64_t asked = run->last_request;
    struct timer *timer = loop_after(run->loop, ms, S_time_is_up, &up);
    while (!up && run->last_request == asked && !run->fenced && !run->aborted && !run->stop_wanted)
        loop_turn(run->loop, LOOK_MS);
    if (!up)
        loop_cancel(timer);
}

/* Why nothing may begin just now; NULL: it may. */
static const char *S_obstacle(struct run *run)
{
    if (run->paused)
        return "paused, as asked";
    if (run->holding)
        return "held before this step, until 'resume'";
    return run->throttle ? throttle_reason(run->throttle) : NULL;
}

static void S_tell_state(struct run *run, const char *state)
{
    struct err ignored = {0};
    struct number_text id = number_text(run->id), epoch = number_text(run->epoch);
    const char *values[] = {id.text, state, NULL, NULL, NULL, epoch.text};
    control_run(run, "run_state", values, ARRAY_LEN(values), NULL, &ignored);
}

/* Nobody waits for a person, or for less load, of a server that has gone meanwhile. */
static bool S_find_again(struct run *run, struct err *err)
{
    struct err lost = {0};
    err_set(&lost, ERR_LOST, "it ended while nothing was under way");
    if (S_come_back(run, &lost))
        return true;
    if (run->fenced)
        return run_fence_lost(run, err);
    if (run->aborted || run->stop_wanted)
        err_set(&lost, ERR_FAILED, "%s, as asked", run->aborted ? "aborted" : "stopped");
    *err = lost;
    return false;
}

bool run_breathe(struct run *run, struct err *err)
{
    bool told = false;
    for (;;) {
        if (run->fenced)
            return run_fence_lost(run, err);
        if (run->aborted)
            return err_set(err, ERR_FAILED, "aborted, as asked");
        if (run->stop_wanted)
            return err_set(err, ERR_FAILED, "stopped, as asked");
        if (!pg_is_up(run->work) && !S_find_again(run, err))
            return false;
        const char *obstacle = S_obstacle(run);
        if (!obstacle)
            break;
        if (!told) {
            run_say(run, "info", "worker", "waits: %s", obstacle);
            S_tell_state(run, run->holding ? "held" : "paused");
        }
        told = true;
        run_waits_for(run, obstacle);
        run_wait(run, PULSE_MS);
    }
    run_waits_for(run, NULL);
    if (told) {
        S_tell_state(run, "running");
        run_say(run, "info", "worker", "goes on");
    }
    return true;
}

bool run_is_hindered(const struct run *run)
{
    return run->paused || run->holding || run->stop_wanted || run->aborted || run->fenced ||
           (run->throttle && throttle_reason(run->throttle));
}

void run_progress(struct run *run, int64_t done, int64_t total)
{
    run->step->done = done;
    run->step->total = total;
}

bool run_holds(struct run *run, struct err *err)
{
    struct number_text epoch = number_text(run->epoch);
    const char *values[] = {run->plan->name, epoch.text};
    struct pg_result *result;
    if (!control_run(run, "run_epoch_is", values, 2, &result, err))
        return false;
    bool held = pg_bool(result, 0, 0);
    pg_result_free(result);
    return held || run_fence_lost(run, err);
}

bool run_skip(struct run *run, const char *format, ...)
{
    struct buf reason = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&reason, format, args);
    va_end(args);
    run->skipped = true;
    free(run->reason);
    run->reason = buf_take(&reason);
    return true;
}

/* ---- what is told ---- */

/* The worker's log file has it in any case; somebody will look at it on a terminal. */
static void S_log(const char *severity, const char *source, const char *text)
{
    char now[21], *clean = text_cleaned(text);
    clock_format_iso(clock_wall(), now);
    fprintf(stderr, "%s %s %s: %s\n", now, severity, source, clean);
    free(clean);
}

void run_say(struct run *run, const char *severity, const char *source, const char *format, ...)
{
    struct err ignored = {0};
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&text, format, args);
    va_end(args);
    struct number_text id = number_text(run->id), step = number_text(run->step ? run->step->id : 0),
                       epoch = number_text(run->epoch);
    const char *values[] = {
        id.text, run->step ? step.text : NULL, severity, source, buf_text(&text), epoch.text};
    S_log(severity, source, buf_text(&text));
    control_run(run, "run_event", values, ARRAY_LEN(values), NULL, &ignored);
    buf_release(&text);
}

static void S_count_finding(struct run *run, const struct finding *f)
{
    struct run_tally *tally = &run->tally;
    if (str_is(f->verdict, "pass"))
        tally->pass++;
    else if (str_is(f->verdict, "warn"))
        tally->warn++;
    else if (str_is(f->verdict, "fail"))
        tally->fail++;
    else
        tally->unknown++;
    if (str_is(f->verdict, "fail") && !tally->first)
        tally->first = str_format("%s: %s", f->subject, f->message);
}

bool run_find(struct run *run, const struct finding *f, struct err *err)
{
    S_count_finding(run, f);
    struct number_text id = number_text(run->id), step = number_text(run->step->id),
                       count = number_text(f->count), epoch = number_text(run->epoch);
    const char *values[] = {id.text,    step.text,  f->group,    f->name,
                            f->subject, f->verdict, f->severity, f->count < 0 ? NULL : count.text,
                            f->message, f->samples, f->query,    f->fix,
                            epoch.text};
    struct pg_result *result;
    if (!control_run(run, "run_finding", values, ARRAY_LEN(values), &result, err))
        return false;
    bool written = pg_affected(result) > 0;
    pg_result_free(result);
    return written || run_fence_lost(run, err);
}

bool run_measure(struct run *run, const char *unit, const char *name, int64_t value,
                 struct err *err)
{
    struct number_text id = number_text(run->id), figure = number_text(value),
                       epoch = number_text(run->epoch);
    const char *values[] = {id.text, unit, name, figure.text, epoch.text};
    return control_run(run, "run_measure", values, ARRAY_LEN(values), NULL, err);
}

/* ---- commands of somebody else ---- */

bool run_child_begins(struct run *run, pid_t pid, const char *command, int64_t *child,
                      struct err *err)
{
    struct process_identity who;
    if (!process_identify(pid, &who, err))
        return false;
    struct number_text id = number_text(run->id), step = number_text(run->step->id),
                       number = number_text(pid), ticks = number_text(who.start_ticks),
                       epoch = number_text(run->epoch);
    const char *values[] = {id.text,     step.text,  number.text, who.host,
                            who.boot_id, ticks.text, command,     epoch.text};
    struct pg_result *result;
    if (!control_run(run, "run_child_begins", values, ARRAY_LEN(values), &result, err))
        return false;
    bool written = pg_rows(result) > 0;
    *child = pg_int(result, 0, 0);
    pg_result_free(result);
    return written || run_fence_lost(run, err);
}

bool run_child_ended(struct run *run, int64_t child, int status, struct err *err)
{
    struct number_text id = number_text(child),
                       code = number_text(WIFEXITED(status) ? WEXITSTATUS(status) : 0),
                       signal = number_text(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    const char *values[] = {id.text, WIFEXITED(status) ? code.text : NULL,
                            WIFSIGNALED(status) ? signal.text : NULL};
    return control_run(run, "run_child_ended", values, ARRAY_LEN(values), NULL, err);
}
