/* worker: see worker.h. Claims, performs the steps in order, and says how each ended. */
#include "worker.h"

#include "control.h"
#include "failpoint.h"
#include "steps.h"
#include "undo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- signals: a byte for each in a pipe that the loop watches ---- */

static int S_signal_pipe[2] = {-1, -1};

static void S_on_signal(int number)
{
    int saved = errno;
    char byte = (char)number;
    ssize_t ignored = write(S_signal_pipe[1], &byte, 1);
    (void)ignored;
    errno = saved;
}

static void S_obey_signal(void *ctx, short events)
{
    (void)events;
    struct run *run = ctx;
    char byte;
    if (read(S_signal_pipe[0], &byte, 1) != 1)
        return;
    run->last_request++; /* ends a wait */
    control_obey(run, byte == SIGTERM ? "stop" : "abort", NULL);
}

static bool S_catch_signals(struct err *err)
{
    struct sigaction obey = {.sa_handler = S_on_signal, .sa_flags = SA_RESTART};
    if (pipe2(S_signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set(err, ERR_FAILED, "a pipe could not be made: %s", strerror(errno));
    sigemptyset(&obey.sa_mask);
    sigaction(SIGTERM, &obey, NULL);
    sigaction(SIGINT, &obey, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    return true;
}

/* ---- one step ---- */

static void S_tell(struct run *run, struct step *step, const char *state, const struct err *why)
{
    struct err ignored = {0};
    char id[24], done[24], total[24], epoch[24];
    snprintf(epoch, sizeof(epoch), "%lld", (long long)run->epoch);
    snprintf(id, sizeof(id), "%lld", (long long)step->id);
    snprintf(done, sizeof(done), "%lld", (long long)step->done);
    snprintf(total, sizeof(total), "%lld", (long long)step->total);
    struct buf trouble = {0};
    if (why)
        buf_format(&trouble, "%s%s%s", why->text, *why->hint ? "; " : "", why->hint);
    const char *state_values[] = {id, state, why ? buf_text(&trouble) : NULL,
                                  why ? why->sqlstate : NULL, epoch};
    const char *progress[] = {id, done, total, epoch};
    control_run(run, "run_step_progress", progress, ARRAY_LEN(progress), NULL, &ignored);
    control_run(run, "run_step_state", state_values, ARRAY_LEN(state_values), NULL, &ignored);
    buf_release(&trouble);
    free(step->state);
    step->state = str_dup(state);
}

static bool S_perform(struct run *run, struct step *step, struct err *err)
{
    if (str_is(run->verb, "rollback"))
        return undo_step(run, err);
    const struct step_doer *doer = steps_find(step->def->name);
    if (!doer)
        die("nobody knows how to do the step '%s'", step->def->name);
    return doer->perform(run, err);
}

static bool S_is_over(const struct step *step)
{
    return str_is(step->state, "done") || str_is(step->state, "skipped") ||
           str_is(step->state, "undone");
}

static bool S_do_step(struct run *run, struct step *step, struct err *err)
{
    if (str_is(run->hold_before, step->def->name))
        run->holding = true;
    run->step = step;
    run->skipped = false;
    if (!run_breathe(run, err))
        return false;
    FAILPOINT_STEP(step->def->name);
    S_tell(run, step, "runs", NULL);
    run_say(run, "info", "worker", "step '%s' begins", step->def->name);
    bool ok = S_perform(run, step, err);
    FAILPOINT("K7");
    if (!ok && !run->fenced) {
        bool asked = run->stop_wanted || run->aborted;
        run_say(run, asked ? "warn" : "error", "worker", "step '%s' did not come to its end: %s",
                step->def->name, err->text);
        S_tell(run, step, asked ? "paused" : "failed", err);
    }
    if (ok && run->skipped) {
        struct err reason = {0};
        err_set(&reason, ERR_NONE, "%s", run->reason);
        run_say(run, "warn", "worker", "step '%s' is skipped: %s", step->def->name, run->reason);
        S_tell(run, step, "skipped", &reason);
    } else if (ok) {
        const char *end = str_is(run->verb, "rollback") ? "undone" : "done";
        S_tell(run, step, end, NULL);
        run_say(run, "info", "worker", "step '%s' is %s", step->def->name, end);
    }
    run->step = NULL;
    return ok;
}

static bool S_do_steps(struct run *run, struct err *err)
{
    for (size_t i = 0; i < run->step_count; i++)
        if (!S_is_over(&run->steps[i]) && !S_do_step(run, &run->steps[i], err))
            return false;
    return true;
}

/* ---- the whole ---- */

/* For whoever launched this: the number of the run, or what kept it from beginning. */
static void S_report(int fd, const struct run *run, const struct err *err)
{
    if (fd < 0)
        return;
    json_t *report = run ? json_pack("{s:I}", "run", (json_int_t)run->id)
                         : json_pack("{s:i, s:s%, s:s, s:s%}", "kind", (int)err->kind, "text",
                                     err->text, strlen(err->text), "sqlstate", err->sqlstate,
                                     "hint", err->hint, strlen(err->hint));
    char *text = json_dumps(report, JSON_COMPACT);
    if (text && write(fd, text, strlen(text)) < 0)
        fprintf(stderr, "nobody waits for the worker any more: %s\n", strerror(errno));
    close(fd);
    free(text);
    json_decref(report);
}

static void S_end(struct run *run, bool ok, const struct err *err)
{
    const char *end = str_is(run->verb, "rollback") ? "undone" : "done";
    if (!ok)
        end = run->stop_wanted || run->aborted ? "stopped" : "failed";
    if (!run->fenced)
        run_say(run, ok ? "info" : str_is(end, "stopped") ? "warn" : "error", "worker",
                "run %lld is %s%s%s", (long long)run->id, end, ok ? "" : ": ", ok ? "" : err->text);
    run_close(run, end, ok ? NULL : err->text);
}

bool worker_work(struct session *session, const struct run_order *order, int report_fd,
                 struct err *err)
{
    struct loop *loop = loop_new();
    struct run *run = NULL;
    bool ok = S_catch_signals(err) && run_open(loop, session, order, &run, err);
    S_report(report_fd, run, err);
    if (run) {
        struct watch *watch = loop_watch(loop, S_signal_pipe[0], POLLIN, S_obey_signal, run);
        ok = undo_prepare(run, err) && S_do_steps(run, err);
        loop_unwatch(watch);
        S_end(run, ok, err);
    }
    loop_free(loop);
    return ok;
}
