/* askpass: see askpass.h. */
#include "askpass.h"

#include "text.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { ANSWER_MAX = 1024, CTRL_C = 3, CTRL_D = 4, CTRL_U = 21, RUBOUT = 127 };

static const int S_ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static volatile sig_atomic_t S_caught;

static void S_catch(int number)
{
    S_caught = number;
}

static int S_open_terminal(void)
{
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

bool ask_possible(void)
{
    int fd = S_open_terminal();
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void S_write(int fd, const char *text)
{
    char *clean = text_cleaned(text);
    ssize_t n = write(fd, clean, strlen(clean));
    (void)n; /* a terminal that takes no question will give no answer either */
    free(clean);
}

/* One byte, or -1 when a signal or the end of the terminal came instead. */
static int S_read_byte(int fd)
{
    unsigned char byte;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (S_caught || poll(&wait, 1, -1) <= 0 || S_caught)
        return -1;
    return read(fd, &byte, 1) == 1 ? byte : -1;
}

/* Keys until Enter. The buffer has its full size from the start: growing would leave copies. */
static char *S_read_answer(int fd)
{
    char *answer = mem_new(ANSWER_MAX);
    size_t len = 0;
    for (;;) {
        int byte = S_read_byte(fd);
        if (byte == '\n' || byte == '\r')
            break;
        if (byte < 0 || byte == CTRL_C || (byte == CTRL_D && !len) || len == ANSWER_MAX - 1) {
            mem_wipe(answer, ANSWER_MAX);
            free(answer);
            return NULL;
        }
        if (byte == '\b' || byte == RUBOUT)
            len -= len > 0;
        else if (byte == CTRL_U)
            len = 0;
        else
            answer[len++] = (char)byte;
    }
    mem_wipe(answer + len, ANSWER_MAX - len);
    return answer;
}

static char *S_ask_quietly(int fd, const char *prompt)
{
    struct termios before, quiet;
    if (tcgetattr(fd, &before) < 0)
        return NULL;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
        return NULL;
    S_write(fd, prompt);
    char *answer = S_read_answer(fd);
    tcsetattr(fd, TCSAFLUSH, &before);
    ssize_t n = write(fd, "\n", 1);
    (void)n;
    return answer;
}

/* A signal during the question must not leave a terminal without echo: it is served afterwards. */
char *ask_secret(void *ctx, const char *prompt)
{
    (void)ctx;
    struct sigaction catch = {.sa_handler = S_catch}, before[ARRAY_LEN(S_ending)];
    int fd = S_open_terminal();
    if (fd < 0)
        return NULL;
    S_caught = 0;
    for (size_t i = 0; i < ARRAY_LEN(S_ending); i++)
        sigaction(S_ending[i], &catch, &before[i]);
    char *answer = S_ask_quietly(fd, prompt);
    for (size_t i = 0; i < ARRAY_LEN(S_ending); i++)
        sigaction(S_ending[i], &before[i], NULL);
    close(fd);
    if (S_caught)
        raise(S_caught);
    return answer;
}

char *ask_line(const char *question)
{
    char line[ANSWER_MAX] = "";
    int fd = S_open_terminal();
    if (fd < 0)
        return NULL;
    /* What was typed or pasted before the question was asked is no answer to it. */
    tcflush(fd, TCIFLUSH);
    S_write(fd, question);
    ssize_t n = read(fd, line, sizeof(line) - 1);
    close(fd);
    if (n <= 0)
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    return str_dup(line);
}

bool ask_yes(const char *question)
{
    char *line = ask_line(question);
    bool yes = str_is(line, "y") || str_is(line, "yes") || str_is(line, "Y");
    free(line);
    return yes;
}
