/*
 * process: see process.h.
 *
 * The child stands at its gate, a pipe, through which its mark comes and the name of its sessions;
 * an end of file instead means that we have gone. When it has exited it stays a zombie until
 * everything is settled: as long as it is there, neither its number nor its group can become
 * somebody else's.
 */
#include "process.h"
#include "process_mark.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
    LOOK_MS = 30,
    GRACE_MS = 3000,    /* between SIGTERM and SIGKILL */
    GIVE_UP_MS = 10000, /* what SIGKILL does not end in this time hangs in the kernel */
    READ_AT_ONCE = 65536,
    DRAIN_MAX = 1024 * 1024, /* of what is in the pipe at the end: a daemon may write on and on */
    LEFT_MAX = 20,
    KILL_TRIES = 500,
    UNKNOWN_STATUS = 255 << 8, /* somebody else has taken it: that is no success */
};

struct process {
    struct loop *loop;
    struct process_identity identity;
    int out, gate, trouble; /* our ends of the three pipes; -1: closed */
    struct watch *watch;
    struct timer *timer;
    process_line_fn *line;
    void *ctx;
    int64_t timeout_ms, began, end_began; /* end_began: 0 while nobody has ended it */
    bool over;
    enum process_outcome ending; /* why it is being ended */
    struct process_result result;
    char *argv0, *title, *folder, *told, *left;
    size_t held; /* of the line that has begun */
    char bytes[PROCESS_LINE];
};

/* ---- before the fork: all that needs memory ---- */

static bool S_is_named(const char *const *names, const char *entry)
{
    for (; names && *names; names++) {
        size_t len = strcspn(*names, "=");
        if (strncmp(entry, *names, len) == 0 && entry[len] == '=')
            return true;
    }
    return false;
}

enum { OWN_NAMES = 2 }; /* of the environment: the mark, the name of the sessions */

/* The first places are left for what is known later. */
static const char **S_make_environment(const struct process_order *order)
{
    static const char *const own[] = {PROCESS_MARK_NAME, "PGAPPNAME", NULL};
    size_t room = OWN_NAMES + 1, count = OWN_NAMES;
    for (char **entry = environ; *entry; entry++)
        room++;
    for (const char *const *entry = order->added; entry && *entry; entry++)
        room++;
    const char **list = mem_array(room, sizeof(*list));
    for (char **entry = environ; *entry; entry++)
        if (!S_is_named(own, *entry) && !S_is_named(order->hidden, *entry) &&
            !S_is_named(order->added, *entry))
            list[count++] = *entry;
    for (const char *const *entry = order->added; entry && *entry; entry++)
        if (!S_is_named(own, *entry))
            list[count++] = *entry;
    return list;
}

/* ---- inside the child: between fork and exec nothing may allocate ---- */

enum { GATE_SIZE = PROCESS_MARK_SIZE + PROCESS_SESSION_SIZE + 1 };

struct S_ends { /* the child's ends of the pipes */
    int out, gate, trouble;
};

struct S_trouble {
    bool folder; /* it could not be entered; else the command could not be run */
    int number;
};

_Noreturn static void S_tell_trouble(int fd, bool folder)
{
    struct S_trouble trouble = {.folder = folder, .number = errno};
    ssize_t written = write(fd, &trouble, sizeof(trouble));
    _exit(written == sizeof(trouble) ? 127 : 126);
}

/* Above all the sockets: a server must not see two of us on one connection. */
static void S_close_from(int first)
{
    if (close_range((unsigned)first, ~0U, 0) == 0)
        return;
    for (long fd = first, end = sysconf(_SC_OPEN_MAX); fd < end; fd++)
        close((int)fd);
}

/* Puts the ends where nothing is in the way: 0 to 2, 3 the gate, 4 the trouble; the rest goes. */
static bool S_take_streams(const struct S_ends *ends)
{
    enum { ABOVE = 5 };
    int null = open("/dev/null", O_RDONLY);
    int from[] = {fcntl(null, F_DUPFD, ABOVE), fcntl(ends->out, F_DUPFD, ABOVE),
                  fcntl(ends->out, F_DUPFD, ABOVE), fcntl(ends->gate, F_DUPFD, ABOVE),
                  fcntl(ends->trouble, F_DUPFD, ABOVE)};
    for (int fd = 0; fd < ABOVE; fd++)
        if (from[fd] < 0 || dup3(from[fd], fd, fd > STDERR_FILENO ? O_CLOEXEC : 0) < 0)
            return false;
    S_close_from(ABOVE);
    return true;
}

/* exec puts handlers back, but leaves what is ignored or blocked as it is. */
static void S_forget_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void S_become(const struct process_order *order, const struct S_ends *ends,
                               const char **environment, pid_t parent)
{
    enum { GATE = 3, TROUBLE = 4 };
    static char own[GATE_SIZE]; /* one after the other, each with its NUL */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    S_forget_signals();
    if (getppid() != parent || !S_take_streams(ends))
        _exit(126);
    ssize_t got = read(GATE, own, sizeof(own) - 1);
    if (got <= 0)
        _exit(126);
    environment[0] = own;
    environment[1] = own + strlen(own) + 1;
    if (order->folder && chdir(order->folder) < 0)
        S_tell_trouble(TROUBLE, true);
    /* execvpe() takes them as if it might change them, and does not. */
    execvpe(order->argv[0], (char *const *)order->argv, (char *const *)environment);
    S_tell_trouble(TROUBLE, false);
}

/* ---- what it says ---- */

static void S_hand_over(struct process *p, bool whole)
{
    size_t len = p->held;
    p->held = 0;
    if (whole && len && p->bytes[len - 1] == '\r')
        len--;
    if (p->line)
        p->line(p->ctx, p->bytes, len, whole);
}

static void S_take_bytes(struct process *p, const char *s, size_t len)
{
    while (len) {
        const char *end = memchr(s, '\n', len);
        size_t part = end ? (size_t)(end - s) : len;
        if (part > sizeof(p->bytes) - p->held)
            part = sizeof(p->bytes) - p->held, end = NULL;
        memcpy(p->bytes + p->held, s, part);
        p->held += part;
        if (end || p->held == sizeof(p->bytes))
            S_hand_over(p, end != NULL);
        part += end != NULL;
        s += part;
        len -= part;
    }
}

static void S_close_output(struct process *p)
{
    loop_unwatch(p->watch);
    p->watch = NULL;
    if (p->out >= 0)
        close(p->out);
    p->out = -1;
}

/* One read; 0 when there is nothing to be read now. */
static size_t S_read_some(struct process *p)
{
    char bytes[READ_AT_ONCE];
    ssize_t got = p->out < 0 ? 0 : read(p->out, bytes, sizeof(bytes));
    if (got > 0)
        S_take_bytes(p, bytes, (size_t)got);
    else if (p->out >= 0 && (got == 0 || (errno != EAGAIN && errno != EINTR)))
        S_close_output(p);
    return got > 0 ? (size_t)got : 0;
}

static void S_hear(void *ctx, short revents)
{
    (void)revents;
    S_read_some(ctx);
}

/* ---- its end ---- */

/* The zombie is left where it is: it keeps number and group from becoming somebody else's. */
static bool S_has_exited(const struct process *p)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)p->identity.pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
           info.si_pid != 0;
}

static void S_read_trouble(struct process *p)
{
    struct S_trouble trouble;
    if (read(p->trouble, &trouble, sizeof(trouble)) != sizeof(trouble))
        return;
    p->result.outcome = PROCESS_NOT_STARTED;
    p->told =
        trouble.folder
            ? str_format("folder '%s' cannot be entered: %s", p->folder, strerror(trouble.number))
            : str_format("'%s' cannot be run: %s", p->argv0, strerror(trouble.number));
    p->result.trouble = p->told;
}

static void S_note_left(struct process *p)
{
    pid_t pids[LEFT_MAX];
    bool elsewhere;
    struct buf text = {0};
    size_t count = process_family(&p->identity, pids, LEFT_MAX, &elsewhere);
    for (size_t i = 0; i < count && i < LEFT_MAX; i++)
        buf_format(&text, "%s%d", i ? " " : "", (int)pids[i]);
    if (count > LEFT_MAX)
        buf_format(&text, " and %zu more", count - LEFT_MAX);
    if (count)
        p->left = buf_take(&text);
    p->result.left = p->left;
    buf_release(&text);
}

static void S_finish(struct process *p)
{
    for (size_t drained = 0, got = 1; got && drained < DRAIN_MAX; drained += got)
        got = S_read_some(p);
    if (p->held)
        S_hand_over(p, true);
    S_close_output(p);
    p->result.outcome = p->end_began ? p->ending : PROCESS_EXITED;
    p->result.ms = p->began ? clock_ms() - p->began : 0;
    S_read_trouble(p);
    S_note_left(p);
    if (waitpid(p->identity.pid, &p->result.status, 0) != p->identity.pid)
        p->result.status = UNKNOWN_STATUS;
    p->over = true;
}

static void S_begin_end(struct process *p, enum process_outcome why)
{
    if (p->over || p->end_began)
        return;
    p->ending = why;
    p->end_began = clock_ms();
    process_signal(&p->identity, SIGTERM);
}

/* Being ended it is over when nothing of it is left; else when the command itself has exited. */
static bool S_is_settled(struct process *p)
{
    bool elsewhere, exited = S_has_exited(p);
    if (!p->end_began)
        return exited;
    if (exited && process_family(&p->identity, NULL, 0, &elsewhere) == 0)
        return true;
    int64_t ending_for = clock_ms() - p->end_began;
    if (ending_for > GRACE_MS)
        process_signal(&p->identity, SIGKILL);
    return exited && ending_for > GIVE_UP_MS;
}

static void S_look(void *ctx)
{
    struct process *p = ctx;
    p->timer = NULL;
    if (p->timeout_ms && p->began && clock_ms() - p->began > p->timeout_ms)
        S_begin_end(p, PROCESS_TIMED_OUT);
    if (S_is_settled(p))
        S_finish(p);
    else
        p->timer = loop_after(p->loop, LOOK_MS, S_look, p);
}

/* ---- from outside ---- */

static void S_close_pair(int ends[2])
{
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

static struct process *S_adopt(struct loop *loop, pid_t pid, const struct process_order *order,
                               struct err *err)
{
    struct process *p = mem_new(sizeof(*p));
    setpgid(pid, pid); /* the child does it too: whoever comes first */
    *p = (struct process){.loop = loop,
                          .identity = {.pid = pid},
                          .timeout_ms = order->timeout_ms,
                          .argv0 = str_dup(order->argv[0]),
                          .title = str_dup(order->title),
                          .folder = str_dup(order->folder)};
    if (process_identify(pid, &p->identity, err))
        return p;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    free(p->argv0);
    free(p->title);
    free(p->folder);
    free(p);
    return NULL;
}

void process_want_exit_codes(void)
{
    struct sigaction now, usual = {.sa_handler = SIG_DFL};
    if (sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
        sigaction(SIGCHLD, &usual, NULL);
}

/* Output, gate and trouble: each one's reading end first. */
static struct process *S_fork(struct loop *loop, const struct process_order *order, int pipes[3][2],
                              struct err *err)
{
    const char **environment = S_make_environment(order);
    struct S_ends ends = {.out = pipes[0][1], .gate = pipes[1][0], .trouble = pipes[2][1]};
    process_want_exit_codes();
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        S_become(order, &ends, environment, parent);
    free(environment);
    if (pid < 0) {
        err_set(err, ERR_FAILED, "no process could be made for '%s': %s", order->argv[0],
                strerror(errno));
        return NULL;
    }
    return S_adopt(loop, pid, order, err);
}

struct process *process_new(struct loop *loop, const struct process_order *order,
                            process_line_fn *line, void *ctx, struct err *err)
{
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    struct process *p = NULL;
    bool ok = true;
    for (int i = 0; ok && i < 3; i++)
        ok = pipe2(pipes[i], O_CLOEXEC) == 0;
    if (ok)
        p = S_fork(loop, order, pipes, err);
    else
        err_set(err, ERR_FAILED, "no pipe could be made for '%s': %s", order->argv[0],
                strerror(errno));
    if (!p) {
        for (int i = 0; i < 3; i++)
            S_close_pair(pipes[i]);
        return NULL;
    }
    p->line = line;
    p->ctx = ctx;
    p->out = pipes[0][0];
    p->gate = pipes[1][1];
    p->trouble = pipes[2][0];
    close(pipes[0][1]);
    close(pipes[1][0]);
    close(pipes[2][1]);
    fcntl(p->out, F_SETFL, O_NONBLOCK);
    fcntl(p->trouble, F_SETFL, O_NONBLOCK);
    p->watch = loop_watch(loop, p->out, POLLIN, S_hear, p);
    p->timer = loop_after(loop, LOOK_MS, S_look, p);
    return p;
}

pid_t process_pid(const struct process *process)
{
    return process->identity.pid;
}

/* Something that has killed it at the gate would have the write kill us. */
void process_go(struct process *process)
{
    char own[GATE_SIZE];
    process_mark(&process->identity, own);
    char *session = own + strlen(own) + 1;
    process_session(&process->identity, process->title ? process->title : process->argv0, session);
    ssize_t len = session + strlen(session) + 1 - own;
    process->began = clock_ms();
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    bool open = write(process->gate, own, (size_t)len) == len;
    sigaction(SIGPIPE, &before, NULL);
    close(process->gate);
    process->gate = -1;
    if (!open)
        S_begin_end(process, PROCESS_ENDED);
}

void process_end(struct process *process)
{
    S_begin_end(process, PROCESS_ENDED);
}

bool process_is_over(const struct process *process)
{
    return process->over;
}

const struct process_result *process_result(const struct process *process)
{
    return &process->result;
}

static char *S_describe_status(int status)
{
    if (WIFSIGNALED(status))
        return str_format("signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return str_format("exit code %d", WEXITSTATUS(status));
}

char *process_describe(const struct process_result *result)
{
    char span[16], *status = S_describe_status(result->status), *text = NULL;
    clock_format_span(result->ms, span);
    switch (result->outcome) {
    case PROCESS_EXITED:
        return status;
    case PROCESS_TIMED_OUT:
        text = str_format("its time was up after %s, so it was ended: %s", span, status);
        break;
    case PROCESS_ENDED:
        text = str_format("it was ended after %s: %s", span, status);
        break;
    case PROCESS_NOT_STARTED:
        text = str_dup(result->trouble);
        break;
    }
    free(status);
    return text;
}

/* In a moment: nobody waits here for a program to put its things in order. */
static void S_kill(struct process *p)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    for (int tries = 0; process_signal(&p->identity, SIGKILL) && tries < KILL_TRIES; tries++)
        nanosleep(&pause, NULL);
    waitpid(p->identity.pid, NULL, 0);
}

void process_free(struct process *process)
{
    if (!process)
        return;
    if (!process->over)
        S_kill(process);
    S_close_output(process);
    loop_cancel(process->timer);
    if (process->gate >= 0)
        close(process->gate);
    close(process->trouble);
    free(process->argv0);
    free(process->title);
    free(process->folder);
    free(process->told);
    free(process->left);
    free(process);
}
