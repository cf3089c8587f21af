/*
 * launch: starts the worker as a process that nothing of this terminal reaches.
 *
 * Two forks and a session of its own: no controlling terminal, no parent that waits, no SIGHUP. The
 * process is not exec'd, so the session (and a password in it) goes along in memory. A pipe tells
 * how the claim went.
 */
#include "worker.h"

#include "clock.h"
#include "wholefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the log file ---- */

/*
 * "…/log/mentoring-20260131T120431Z-4711.log"; NULL when it cannot be written: then there is none.
 */
static char *S_open_log(const char *plan, int *fd)
{
    struct err ignored = {0};
    char stamp[21], *directory = NULL, *path = NULL;
    *fd = -1;
    clock_format_iso(clock_wall(), stamp);
    if (state_directory("log", &directory, &ignored) && private_directory(directory, &ignored))
        path = str_format("%s/%s-%s-%d.log", directory, plan, stamp, (int)getpid());
    if (path && !wholefile_begin(path, fd, &ignored)) {
        free(path);
        path = NULL;
    }
    free(directory);
    return path;
}

/* ---- the process ---- */

/* Nothing that the face had open is kept open by us, but the log and the pipe back. */
static void S_leave_terminal(int log_fd, int report_fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(log_fd >= 0 ? log_fd : null, STDOUT_FILENO);
    dup2(log_fd >= 0 ? log_fd : null, STDERR_FILENO);
    setvbuf(stderr, NULL, _IOLBF, 0);
    if (report_fd > STDERR_FILENO + 1)
        close_range(STDERR_FILENO + 1, (unsigned)report_fd - 1, 0);
    close_range((unsigned)report_fd + 1, ~0U, 0);
}

_Noreturn static void S_be_worker(struct session *session, const struct run_order *order, int fd)
{
    struct err err = {0};
    int log_fd;
    char *log = S_open_log(session->plan->name, &log_fd);
    if (log)
        json_object_set_new(order->options, "log_file", json_string(log));
    S_leave_terminal(log_fd, fd);
    bool ok = worker_work(session, order, fd, &err);
    if (!ok)
        fprintf(stderr, "tenantdeck: %s%s%s\n", err.text, *err.hint ? "\n" : "", err.hint);
    fflush(stderr);
    _exit(ok ? 0 : err_exit_code(err.kind));
}

static bool S_understand(const char *text, int64_t *run, struct err *err)
{
    json_t *report = json_loads(text, 0, NULL);
    json_t *number = json_object_get(report, "run"), *kind = json_object_get(report, "kind");
    *run = json_integer_value(number);
    if (!number && !kind) {
        err_set(err, ERR_FAILED, "the worker died before it could claim the plan");
    } else if (!number) {
        err_set(err, (enum err_kind)json_integer_value(kind), "%s",
                json_string_value(json_object_get(report, "text")));
        snprintf(err->sqlstate, sizeof(err->sqlstate), "%s",
                 json_string_value(json_object_get(report, "sqlstate")));
        err_hint(err, "%s", json_string_value(json_object_get(report, "hint")));
    }
    json_decref(report);
    return number != NULL;
}

static bool S_read_report(int fd, int64_t *run, struct err *err)
{
    struct buf text = {0};
    char bytes[1024];
    for (ssize_t got; (got = read(fd, bytes, sizeof(bytes))) > 0 || (got < 0 && errno == EINTR);)
        if (got > 0)
            buf_add_mem(&text, bytes, (size_t)got);
    bool ok = S_understand(buf_text(&text), run, err);
    buf_release(&text);
    return ok;
}

bool worker_launch(struct session *session, const struct run_order *order, int64_t *run,
                   struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_FAILED, "a pipe could not be made: %s", strerror(errno));
    fflush(NULL);
    pid_t middle = fork();
    if (middle == 0) {
        close(ends[0]);
        setsid();
        pid_t worker = fork();
        if (worker == 0)
            S_be_worker(session, order, ends[1]);
        _exit(worker < 0 ? 1 : 0);
    }
    close(ends[1]);
    while (middle > 0 && waitpid(middle, NULL, 0) < 0 && errno == EINTR)
        continue;
    bool ok = middle > 0
                  ? S_read_report(ends[0], run, err)
                  : err_set(err, ERR_FAILED, "no process could be made: %s", strerror(errno));
    close(ends[0]);
    return ok;
}
