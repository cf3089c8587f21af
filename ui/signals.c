/* signals: see signals.h. One console at a time, so the state is the file's own. */
#include "signals.h"

#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static const struct {
    int number;
    unsigned news; /* 0: a crash */
} S_signals[] = {
    {SIGWINCH, NEWS_RESIZED},
    {SIGTERM, NEWS_LEAVE},
    {SIGINT, NEWS_LEAVE},
    {SIGQUIT, NEWS_LEAVE},
    {SIGHUP, NEWS_LEAVE},
    {SIGTSTP, NEWS_STOPPED},
    {SIGCONT, NEWS_CONTINUED},
    {SIGSEGV, 0},
    {SIGBUS, 0},
    {SIGFPE, 0},
    {SIGILL, 0},
    {SIGABRT, 0},
};

static struct sigaction S_before[ARRAY_LEN(S_signals)];
/* Each by itself, so that none is lost to another that comes while it is read. */
static volatile sig_atomic_t S_came[ARRAY_LEN(S_signals)];
static int S_pipe[2] = {-1, -1};
static void (*S_crash)(void);
static signals_fn *S_arrived;
static void *S_ctx;
static struct watch *S_watch;

static size_t S_index_of(int number)
{
    size_t i = 0;
    while (S_signals[i].number != number)
        i++;
    return i;
}

static void S_note(int number)
{
    int saved = errno;
    S_came[S_index_of(number)] = true;
    /* A full pipe is fine: the loop is going to wake up anyway. */
    ssize_t ignored = write(S_pipe[1], "", 1);
    (void)ignored;
    errno = saved;
}

/*
 * Puts the former handler back and raises again, so that core dumps and sanitizers do their work.
 */
static void S_fall(int number)
{
    S_crash();
    sigaction(number, &S_before[S_index_of(number)], NULL);
    raise(number);
}

static void S_deliver(void *ctx, short revents)
{
    (void)ctx;
    (void)revents;
    char bytes[64];
    while (read(S_pipe[0], bytes, sizeof(bytes)) > 0) {
    }
    unsigned news = 0;
    for (size_t i = 0; i < ARRAY_LEN(S_signals); i++) {
        if (!S_came[i])
            continue;
        S_came[i] = false;
        news |= S_signals[i].news;
    }
    if (news)
        S_arrived(S_ctx, news);
}

void signals_open(struct loop *loop, void (*crash)(void), signals_fn *arrived, void *ctx)
{
    if (pipe2(S_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
        die("a pipe for signals could not be had");
    S_crash = crash;
    S_arrived = arrived;
    S_ctx = ctx;
    S_watch = loop_watch(loop, S_pipe[0], POLLIN, S_deliver, NULL);
    for (size_t i = 0; i < ARRAY_LEN(S_signals); i++) {
        struct sigaction action = {.sa_handler = S_signals[i].news ? S_note : S_fall,
                                   .sa_flags = S_signals[i].news ? SA_RESTART : SA_ONSTACK};
        sigaction(S_signals[i].number, &action, &S_before[i]);
    }
}

void signals_close(void)
{
    for (size_t i = 0; i < ARRAY_LEN(S_signals); i++)
        sigaction(S_signals[i].number, &S_before[i], NULL);
    loop_unwatch(S_watch);
    close(S_pipe[0]);
    close(S_pipe[1]);
    S_watch = NULL;
}

void signals_forget_in_child(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < ARRAY_LEN(S_signals); i++)
        sigaction(S_signals[i].number, &usual, NULL);
}
