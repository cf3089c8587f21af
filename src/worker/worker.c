/* worker: see worker.h. Claims, performs the steps in order, and says how each ended. */
#include "worker.h"

#include "control.h"
#include "failpoint.h"
#include "fill.h"
#include "outside_wait.h"
#include "steps.h"
#include "text.h"
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

/* What is not in the journal has not happened; so this is not given up lightly. */
static bool S_tell(struct run *run, struct step *step, const char *state, const struct err *why,
                   struct err *err)
{
    struct number_text id = number_text(step->id), done = number_text(step->done),
                       total = number_text(step->total), epoch = number_text(run->epoch);
    struct buf trouble = {0};
    if (why)
        buf_format(&trouble, "%s%s%s", why->text, *why->hint ? "; " : "", why->hint);
    const char *progress[] = {id.text, done.text, total.text, epoch.text};
    const char *values[] = {id.text, state, why ? buf_text(&trouble) : NULL,
                            why ? why->sqlstate : NULL, epoch.text};
    bool ok = control_insist(run, "run_step_progress", progress, ARRAY_LEN(progress), err) &&
              control_insist(run, "run_step_state", values, ARRAY_LEN(values), err);
    buf_release(&trouble);
    free(step->state);
    step->state = str_dup(state);
    return ok;
}

static bool S_perform(struct run *run, struct step *step, struct err *err)
{
    if (str_is(run->verb, "rollback"))
        return undo_step(run, err);
    if (str_is(run->verb, "fix") && str_is(step->def->name, "fill"))
        return fill_mend(run, err);
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

static void S_tell_failure(struct run *run, struct step *step, const struct err *why)
{
    struct err ignored = {0};
    if (run->fenced)
        return;
    run_say(run, "error", "worker", "step '%s' did not come to its end: %s", step->def->name,
            why->text);
    S_tell(run, step, run->stop_wanted || run->aborted ? "paused" : "failed", why, &ignored);
}

static bool S_tell_end(struct run *run, struct step *step, struct err *err)
{
    const char *end = str_is(run->verb, "rollback") ? "undone" : run->skipped ? "skipped" : "done";
    struct err reason = {0};
    if (run->skipped)
        err_set(&reason, ERR_NONE, "%s", run->reason);
    if (!S_tell(run, step, end, run->skipped ? &reason : NULL, err))
        return err_context(err, "the end of step '%s' could not be written down", step->def->name);
    run_say(run, run->skipped ? "warn" : "info", "worker", "step '%s' is %s%s%s", step->def->name,
            end, run->skipped ? ": " : "", run->skipped ? run->reason : "");
    return true;
}

static bool S_do_step(struct run *run, struct step *step, struct err *err)
{
    /* Somebody has let it go on from there already, when the step has begun. */
    if (str_is(run->hold_before, step->def->name) && str_is(step->state, "waits"))
        run->holding = true;
    run->step = step;
    run->skipped = false;
    if (!run_breathe(run, err))
        return false;
    FAILPOINT_STEP(step->def->name);
    bool ok = S_tell(run, step, "runs", NULL, err);
    if (ok) {
        run_say(run, "info", "worker", "step '%s' begins", step->def->name);
        ok = outside_wait(run, err) && S_perform(run, step, err);
        FAILPOINT("K7");
        if (!ok)
            S_tell_failure(run, step, err);
    }
    ok = ok && S_tell_end(run, step, err);
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
    char *what = text_cleaned(err->text), *hint = text_cleaned(err->hint);
    json_t *report = run ? json_pack("{s:I}", "run", (json_int_t)run->id)
                         : json_pack("{s:i, s:s, s:s, s:s}", "kind", (int)err->kind, "text", what,
                                     "sqlstate", err->sqlstate, "hint", hint);
    char *text = json_dumps(report, JSON_COMPACT);
    if (text && write(fd, text, strlen(text)) < 0)
        fprintf(stderr, "nobody waits for the worker any more: %s\n", strerror(errno));
    close(fd);
    free(text);
    free(what);
    free(hint);
    json_decref(report);
}

static bool S_has_step(const struct run *run, const char *name)
{
    for (size_t i = 0; i < run->step_count; i++)
        if (str_is(run->steps[i].def->name, name))
            return true;
    return false;
}

/* A migration that is done leaves one step to a person, who alone knows when. */
static void S_point_on(struct run *run)
{
    struct err ignored = {0};
    int tables, indexes;
    if (!str_is(run->verb, "migrate") || !S_has_step(run, "validate") ||
        !step_release_left(run, &tables, &indexes, &ignored) || !(tables + indexes))
        return;
    run_say(
        run, "info", "worker",
        "left for later: 'run release' drops the fill triggers of %d tables and %d indexes of the "
        "old application's queries; run it when no instance of the old application writes any "
        "more ('run release --dry-run' lists what goes)",
        tables, indexes);
}

static void S_end(struct run *run, bool ok, const struct err *err)
{
    const char *end = str_is(run->verb, "rollback") ? "undone" : "done";
    if (ok)
        S_point_on(run);
    else
        end = run->stop_wanted || run->aborted ? "stopped" : "failed";
    if (!run->fenced)
        run_say(run,
                ok                       ? "info"
                : str_is(end, "stopped") ? "warn"
                                         : "error",
                "worker", "run %lld is %s%s%s", (long long)run->id, end, ok ? "" : ": ",
                ok ? "" : err->text);
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
