/*
 * pty: runs a program on a pseudo terminal and says what it did to the terminal.
 *
 * usage: pty COLSxLINES SCRIPT COMMAND [ARG...]
 *
 * Commands of the script, one a line: `wait TEXT` until the output since the last wait has TEXT;
 * `send TEXT` (\e, \r and \xHH are understood), all at once; `type TEXT` letter by letter, each
 * when the one before has been answered; `signal NAME`; `size COLSxLINES`; `run COMMAND` for the
 * shell, which must succeed, with the program's number in TD_PID; `count MS` prints how many bytes
 * come in that time; `lap` prints the milliseconds since the start or the last lap; `usage` the
 * program's memory and the processor time it has used so far; `deaf N TEXT` sends it N times and
 * takes nothing meanwhile; `slow BYTES MS TEXT` takes no more than BYTES a second for so long, and
 * sends TEXT ten times a second; `storm N` changes the size N times, between 1x1 and 500x200;
 * `never TEXT` fails when it has come; `strokes N MS KEYS` sends these keys in turn, one every so
 * often, and prints how long the program took to answer them; `end` waits for the program and
 * prints how it ended and whether the terminal is as it was. It knows no curses: it looks at bytes
 * and at termios alone.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

enum { PATIENCE_MS = 15000, MOST = 4 * 1024 * 1024 };

static struct {
    int fd;
    pid_t pid;
    char *bytes; /* all that has come, with a NUL after it */
    size_t length, waited;
    int64_t lap_at;
    struct termios before;
} S_pty;

static int64_t S_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool S_fail(const char *what, const char *text)
{
    fprintf(stderr, "pty: %s '%s'\n", what, text);
    return false;
}

/* Takes what comes, at most for `ms`; false when the program has closed the terminal. */
static bool S_take(int ms)
{
    struct pollfd poll_fd = {.fd = S_pty.fd, .events = POLLIN};
    if (poll(&poll_fd, 1, ms) <= 0)
        return true;
    ssize_t got = read(S_pty.fd, S_pty.bytes + S_pty.length, MOST - S_pty.length);
    if (got <= 0)
        return false;
    S_pty.length += (size_t)got;
    S_pty.bytes[S_pty.length] = '\0';
    return true;
}

static char *S_find(const char *text)
{
    return memmem(S_pty.bytes + S_pty.waited, S_pty.length - S_pty.waited, text, strlen(text));
}

static bool S_wait(const char *text)
{
    int64_t end = S_now() + PATIENCE_MS;
    while (!S_find(text))
        if (S_now() > end || !S_take(100))
            return S_fail("the program never wrote", text);
    S_pty.waited = (size_t)(S_find(text) - S_pty.bytes) + strlen(text);
    return true;
}

static size_t S_decode(const char *text, char *out, size_t size)
{
    size_t length = 0;
    for (; *text && length < size; text++) {
        unsigned byte;
        int used = 0;
        if (text[0] == '\\' && text[1] == 'e' && (used = 1))
            out[length++] = '\033';
        else if (text[0] == '\\' && text[1] == 'r' && (used = 1))
            out[length++] = '\r';
        else if (sscanf(text, "\\x%2x%n", &byte, &used) == 1 && used-- > 0)
            out[length++] = (char)byte;
        else
            out[length++] = *text;
        text += used;
    }
    return length;
}

static bool S_send(const char *text)
{
    char out[1024];
    size_t length = S_decode(text, out, sizeof(out));
    return write(S_pty.fd, out, length) == (ssize_t)length;
}

/* As a hand does: not two letters within a time that no hand needs. */
static bool S_type(const char *text)
{
    enum { STROKE_MS = 40 };
    for (; *text; text++) {
        size_t before = S_pty.length;
        int64_t begun = S_now();
        if (write(S_pty.fd, text, 1) != 1)
            return false;
        while (S_pty.length == before || S_now() - begun < STROKE_MS)
            if (S_now() - begun > PATIENCE_MS || !S_take(STROKE_MS))
                return S_fail("nothing was answered to", text);
    }
    return true;
}

static bool S_signal(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"TERM", SIGTERM},
                   {"HUP", SIGHUP},
                   {"KILL", SIGKILL},
                   {"SEGV", SIGSEGV},
                   {"ABRT", SIGABRT}};
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        if (strcmp(signals[i].name, name) == 0)
            return kill(S_pty.pid, signals[i].number) == 0;
    return S_fail("no signal is called", name);
}

static bool S_read_size(const char *text, struct winsize *size)
{
    return sscanf(text, "%hux%hu", &size->ws_col, &size->ws_row) == 2;
}

static bool S_size(const char *text)
{
    struct winsize size = {0};
    return S_read_size(text, &size) && ioctl(S_pty.fd, TIOCSWINSZ, &size) == 0;
}

static bool S_run(const char *command)
{
    return system(command) == 0 || S_fail("this failed:", command);
}

static bool S_count(const char *text)
{
    int64_t end = S_now() + atoi(text);
    size_t before = S_pty.length;
    while (S_now() < end && S_take((int)(end - S_now()) + 1)) {
    }
    printf("bytes %zu\n", S_pty.length - before);
    return true;
}

static bool S_lap(const char *unused)
{
    (void)unused;
    printf("lap %lld\n", (long long)(S_now() - S_pty.lap_at));
    S_pty.lap_at = S_now();
    return true;
}

static void S_pause(int ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}

static bool S_deaf(const char *text)
{
    int count = atoi(text);
    text += strcspn(text, " ");
    text += *text == ' ';
    for (int i = 0; i < count; i++) {
        if (!S_send(text))
            return S_fail("the program takes no more keys:", text);
        S_pause(10);
    }
    return true;
}

/* A line of so many bytes a second: what does not fit into it stays with the program. */
static bool S_slow(const char *text)
{
    enum { TURN_MS = 100 };
    int rate, ms, used = 0;
    if (sscanf(text, "%d %d %n", &rate, &ms, &used) < 2 || rate < 10)
        return S_fail("'slow' wants bytes, milliseconds and keys, not", text);
    size_t before = S_pty.length;
    for (int64_t begun = S_now(); S_now() - begun < ms;) {
        struct pollfd poll_fd = {.fd = S_pty.fd, .events = POLLIN};
        size_t room = (size_t)rate / (1000 / TURN_MS);
        if (!S_send(text + used))
            return S_fail("the program takes no more keys:", text);
        ssize_t got =
            poll(&poll_fd, 1, 0) > 0 ? read(S_pty.fd, S_pty.bytes + S_pty.length, room) : 0;
        if (got < 0)
            return false;
        S_pty.length += (size_t)got;
        S_pty.bytes[S_pty.length] = '\0';
        S_pause(TURN_MS);
    }
    printf("slow %zu\n", S_pty.length - before);
    return true;
}

/* Takes what is there, so that the program is not kept waiting by us. */
static void S_drain(void)
{
    struct pollfd poll_fd = {.fd = S_pty.fd, .events = POLLIN};
    while (poll(&poll_fd, 1, 0) > 0 && S_pty.length < MOST && S_take(0)) {
    }
}

/* What has come so far is forgotten: nobody waits for it, and much of it comes. */
static void S_forget(void)
{
    S_pty.length = S_pty.waited = 0;
    S_pty.bytes[0] = '\0';
}

static bool S_storm(const char *text)
{
    unsigned seed = 1;
    for (int i = 0, count = atoi(text); i < count; i++) {
        seed = seed * 1103515245 + 12345;
        const struct winsize size = {.ws_col = (unsigned short)(1 + (seed >> 16) % 500),
                                     .ws_row = (unsigned short)(1 + (seed >> 8) % 200)};
        if (ioctl(S_pty.fd, TIOCSWINSZ, &size) != 0)
            return false;
        S_pause(3);
        S_drain();
        if (S_pty.length > MOST / 2)
            S_forget();
    }
    return true;
}

static int S_compare_times(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static int64_t S_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Microseconds until the next byte came; the time when none does. */
static int64_t S_time_stroke(char key)
{
    struct pollfd poll_fd = {.fd = S_pty.fd, .events = POLLIN};
    S_drain();
    int64_t start = S_now_us();
    if (write(S_pty.fd, &key, 1) == 1)
        poll(&poll_fd, 1, PATIENCE_MS);
    return S_now_us() - start;
}

/* Nothing of the kind has ever come. */
static bool S_never(const char *text)
{
    char bytes[256];
    size_t length = S_decode(text, bytes, sizeof(bytes));
    return !memmem(S_pty.bytes, S_pty.length, bytes, length) || S_fail("the program wrote", text);
}

static bool S_strokes(const char *text)
{
    int count, gap, used = 0;
    if (sscanf(text, "%d %d %n", &count, &gap, &used) < 2 || count < 1 || !text[used])
        return S_fail("'strokes' wants a number, milliseconds and keys, not", text);
    char keys[64];
    size_t length = S_decode(text + used, keys, sizeof(keys));
    int64_t *times = calloc((size_t)count, sizeof(*times));
    for (int i = 0; times && i < count; i++) {
        times[i] = S_time_stroke(keys[(size_t)i % length]);
        S_pause(gap);
    }
    if (!times)
        return false;
    qsort(times, (size_t)count, sizeof(*times), S_compare_times);
    printf("strokes %d p50 %.1f p99 %.1f max %.1f\n", count, (double)times[count / 2] / 1000,
           (double)times[(size_t)count * 99 / 100] / 1000, (double)times[count - 1] / 1000);
    free(times);
    return true;
}

/* The number after `field` in a file of /proc/PID; -1: it is not there. */
static long S_proc(const char *file, const char *field)
{
    char path[64], line[512];
    long number = -1;
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)S_pty.pid, file);
    FILE *in = fopen(path, "r");
    while (in && number < 0 && fgets(line, sizeof(line), in))
        if (strncmp(line, field, strlen(field)) == 0)
            number = atol(line + strlen(field));
    if (in)
        fclose(in);
    return number;
}

static bool S_usage(const char *unused)
{
    (void)unused;
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(S_pty.pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return S_fail("the program's clock cannot be read", "");
    printf("memory %ld\ncpu %lld\n", S_proc("status", "VmRSS:"),
           (long long)used.tv_sec * 1000 + used.tv_nsec / 1000000);
    return true;
}

/* Whether the last of two opposite sequences was the second. */
static bool S_ended_with(const char *on, const char *off)
{
    const char *last_on = NULL, *last_off = NULL;
    for (const char *at = S_pty.bytes;
         (at = memmem(at, S_pty.length - (size_t)(at - S_pty.bytes), on, strlen(on)));)
        last_on = at++;
    for (const char *at = S_pty.bytes;
         (at = memmem(at, S_pty.length - (size_t)(at - S_pty.bytes), off, strlen(off)));)
        last_off = at++;
    return !last_on || (last_off && last_off > last_on);
}

static bool S_end(const char *unused)
{
    int status;
    int64_t end = S_now() + PATIENCE_MS;
    struct termios after;
    (void)unused;
    while (waitpid(S_pty.pid, &status, WNOHANG) == 0) {
        S_take(20);
        if (S_now() > end)
            return S_fail("the program does not end", "");
    }
    while (S_take(50) && S_now() < end && S_pty.length < MOST) {
        struct pollfd poll_fd = {.fd = S_pty.fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 0) <= 0)
            break;
    }
    if (WIFSIGNALED(status))
        printf("signal %d\n", WTERMSIG(status));
    else
        printf("exit %d\n", WEXITSTATUS(status));
    tcgetattr(S_pty.fd, &after);
    bool modes = after.c_lflag == S_pty.before.c_lflag && after.c_iflag == S_pty.before.c_iflag &&
                 after.c_oflag == S_pty.before.c_oflag;
    printf("modes %s\n", modes ? "restored" : "changed");
    printf("screen %s\n", S_ended_with("\033[?1049h", "\033[?1049l") ? "restored" : "left");
    printf("cursor %s\n", S_ended_with("\033[?25l", "\033[?25h") ? "restored" : "hidden");
    printf("paste %s\n", S_ended_with("\033[?2004h", "\033[?2004l") ? "restored" : "left on");
    return true;
}

static bool S_run_line(char *line)
{
    static const struct {
        const char *name;
        bool (*run)(const char *rest);
    } commands[] = {{"wait", S_wait},     {"send", S_send}, {"type", S_type},
                    {"signal", S_signal}, {"size", S_size}, {"run", S_run},
                    {"count", S_count},   {"lap", S_lap},   {"usage", S_usage},
                    {"end", S_end},       {"deaf", S_deaf}, {"storm", S_storm},
                    {"never", S_never},   {"slow", S_slow}, {"strokes", S_strokes}};
    line[strcspn(line, "\n")] = '\0';
    char *rest = line + strcspn(line, " ");
    if (*rest)
        *rest++ = '\0';
    if (!*line || *line == '#')
        return true;
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (strcmp(commands[i].name, line) == 0)
            return commands[i].run(rest);
    return S_fail("no such command:", line);
}

int main(int argc, char **argv)
{
    struct winsize size = {0};
    if (argc < 4 || !S_read_size(argv[1], &size)) {
        fprintf(stderr, "usage: pty COLSxLINES SCRIPT COMMAND [ARG...]\n");
        return 2;
    }
    FILE *script = fopen(argv[2], "r");
    S_pty.bytes = malloc(MOST + 1);
    int slave;
    if (!script || !S_pty.bytes || openpty(&S_pty.fd, &slave, NULL, NULL, &size) < 0)
        return 2;
    tcgetattr(S_pty.fd, &S_pty.before);
    S_pty.lap_at = S_now();
    S_pty.pid = fork();
    if (S_pty.pid == 0) {
        close(S_pty.fd);
        login_tty(slave);
        setenv("TERM", getenv("TD_TERM") ? getenv("TD_TERM") : "xterm-256color", 1);
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)S_pty.pid);
    setenv("TD_PID", pid, 1);
    /* Our end of the slave stays open, so that its modes can be looked at afterwards. */
    char line[1024];
    bool ok = true;
    while (ok && fgets(line, sizeof(line), script))
        ok = S_run_line(line);
    if (!ok)
        kill(S_pty.pid, SIGKILL);
    fclose(script);
    free(S_pty.bytes);
    return ok ? 0 : 1;
}
