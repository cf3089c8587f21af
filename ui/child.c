/* child: see child.h. */
#include "child.h"

#include "process.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLITE_MS = 100, LOOK_MS = 10 };

struct child {
    struct loop *loop;
    pid_t pid;
    int fd;
    struct watch *watch;
    struct timer *timer;
    struct child_ears ears;
};

/* ---- inside the child ---- */

static void S_take_streams(int fd)
{
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    /* Above all the sockets: a server must not see two of us on one connection. */
    close_range(STDERR_FILENO + 1, ~0U, 0);
}

_Noreturn static void S_work(int fd, pid_t parent, child_work_fn *work, void *ctx)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signals_forget_in_child();
    die_hook = NULL;
    S_take_streams(fd);
    if (getppid() != parent)
        _exit(1);
    FILE *out = fdopen(dup(STDOUT_FILENO), "w");
    if (!out)
        _exit(1);
    int status = work(ctx, out);
    fflush(out);
    fflush(stdout);
    /* Nothing of the parent's may be put away twice: no atexit, no destructor, no curses. */
    _exit(status);
}

/* ---- inside the console ---- */

static void S_free(struct child *child)
{
    loop_unwatch(child->watch);
    if (child->timer)
        loop_cancel(child->timer);
    close(child->fd);
    free(child);
}

/* Its end of the pipe is closed, so it is about to go, or has gone. */
static void S_reap(void *ctx)
{
    struct child *child = ctx;
    int status;
    child->timer = NULL;
    pid_t reaped = waitpid(child->pid, &status, WNOHANG);
    if (reaped == 0) {
        child->timer = loop_after(child->loop, LOOK_MS, S_reap, child);
        return;
    }
    struct child_ears ears = child->ears;
    int result = reaped < 0 ? -1 : WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    S_free(child);
    ears.ended(ears.ctx, result);
}

static void S_hear(void *ctx, short revents)
{
    struct child *child = ctx;
    char bytes[8192];
    (void)revents;
    ssize_t got = read(child->fd, bytes, sizeof(bytes));
    if (got > 0) {
        child->ears.heard(child->ears.ctx, bytes, (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        loop_unwatch(child->watch);
        child->watch = NULL;
        S_reap(child);
    }
}

struct child *child_start(struct loop *loop, child_work_fn *work, void *work_ctx,
                          const struct child_ears *ears, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        err_set(err, ERR_FAILED, "a pipe could not be had");
        return NULL;
    }
    process_want_exit_codes();
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        S_work(ends[1], parent, work, work_ctx);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        err_set(err, ERR_FAILED, "a process could not be started");
        return NULL;
    }
    setpgid(pid, pid);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    struct child *child = mem_new(sizeof(*child));
    *child = (struct child){.loop = loop, .pid = pid, .fd = ends[0], .ears = *ears};
    child->watch = loop_watch(loop, child->fd, POLLIN, S_hear, child);
    return child;
}

/* Whether it has gone within the time. */
static bool S_await(pid_t pid, int ms)
{
    for (int waited = 0; waited <= ms; waited += LOOK_MS) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return true;
        struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    return false;
}

void child_end(struct child *child)
{
    if (!child)
        return;
    kill(-child->pid, SIGTERM);
    if (!S_await(child->pid, POLITE_MS)) {
        kill(-child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
    }
    S_free(child);
}
