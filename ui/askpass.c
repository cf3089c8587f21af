/* askpass: see askpass.h. */
#include "askpass.h"

#include "clock.h"
#include "text.h"
#include "typing.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    ANSWER_MAX = 1024,
    CTRL_C = 3,
    CTRL_D = 4,
    CTRL_U = 21,
    ESCAPE = 27,
    RUBOUT = 127,
    PASTE_ENDS_MS = 200, /* so long nothing comes any more */
};

struct asking {
    int fd;
    bool shown; /* the answer: it decides something, and so has to be typed by hand */
    struct typing typing;
    bool rushed;
    sigset_t usual; /* the signals that come in only while a key is waited for */
};

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

/* A terminal that takes no question will give no answer either. */
static void S_say(int fd, const char *bytes)
{
    ssize_t n = write(fd, bytes, strlen(bytes));
    (void)n;
}

static void S_write(int fd, const char *text)
{
    char *clean = text_cleaned(text);
    S_say(fd, clean);
    free(clean);
}

/* One byte, or -1 when a signal or the end of the terminal came instead. */
static int S_read_byte(const struct asking *asking)
{
    unsigned char byte;
    struct pollfd wait = {.fd = asking->fd, .events = POLLIN};
    if (S_caught || ppoll(&wait, 1, NULL, &asking->usual) <= 0 || S_caught)
        return -1;
    return read(asking->fd, &byte, 1) == 1 ? byte : -1;
}

/* What is left of a paste is no answer, and no command for the shell afterwards. */
static void S_swallow(int fd)
{
    unsigned char byte;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (!S_caught && poll(&wait, 1, PASTE_ENDS_MS) > 0 && read(fd, &byte, 1) == 1)
        continue;
}

/* A key, as the sheet of the console judges it; only the first byte of a character is one. */
static bool S_is_by_hand(struct asking *asking, int byte)
{
    if (!asking->shown || (byte & 0xC0) == 0x80)
        return true;
    bool ends = byte == '\n' || byte == '\r';
    /* Esc begins what a terminal marks as pasted, and all keys that have no letter. */
    asking->rushed = byte == ESCAPE || !typing_is_by_hand(&asking->typing, clock_ms(), ends);
    return !asking->rushed;
}

static void S_echo(const struct asking *asking, const char *bytes)
{
    if (asking->shown)
        S_say(asking->fd, bytes);
}

/* Takes the last character back, which may have several bytes, and columns. */
static void S_rub_out(const struct asking *asking, char *answer, size_t *length)
{
    size_t from = *length;
    while (from > 0 && (answer[from - 1] & 0xC0) == 0x80)
        from--;
    from -= from > 0;
    answer[*length] = '\0';
    for (size_t column = text_width(answer + from); column > 0; column--)
        S_echo(asking, "\b \b");
    *length = from;
}

static bool S_gives_up(int byte, size_t length)
{
    return byte < 0 || byte == CTRL_C || (byte == CTRL_D && !length) || length == ANSWER_MAX - 1;
}

/* Keys until Enter. The buffer has its full size from the start: growing would leave copies. */
static char *S_read_answer(struct asking *asking)
{
    char *answer = mem_new(ANSWER_MAX);
    size_t length = 0;
    for (;;) {
        int byte = S_read_byte(asking);
        if (S_gives_up(byte, length) || !S_is_by_hand(asking, byte)) {
            mem_wipe(answer, ANSWER_MAX);
            free(answer);
            return NULL;
        }
        if (byte == '\n' || byte == '\r')
            break;
        if (byte == '\b' || byte == RUBOUT)
            S_rub_out(asking, answer, &length);
        else if (byte == CTRL_U)
            for (; length; S_rub_out(asking, answer, &length))
                continue;
        else if (byte >= ' ' || !asking->shown) {
            answer[length++] = (char)byte;
            S_echo(asking, (char[]){(char)byte, '\0'});
        }
    }
    mem_wipe(answer + length, ANSWER_MAX - length);
    return answer;
}

/* Key by key, and not by whole lines, in which a paste would look like a line that was typed. */
static char *S_ask_by_keys(struct asking *asking, const char *prompt)
{
    struct termios before, quiet;
    if (tcgetattr(asking->fd, &before) < 0)
        return NULL;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    /* What was typed or pasted before the question was asked is no answer to it. */
    if (tcsetattr(asking->fd, TCSAFLUSH, &quiet) < 0)
        return NULL;
    S_echo(asking, "\033[?2004h"); /* a paste is marked, where the terminal can */
    S_write(asking->fd, prompt);
    char *answer = S_read_answer(asking);
    if (asking->rushed)
        S_swallow(asking->fd);
    S_echo(asking, "\033[?2004l");
    tcsetattr(asking->fd, TCSAFLUSH, &before);
    S_say(asking->fd, "\n");
    return answer;
}

/*
 * A signal during the question must not leave a terminal without echo: it is served afterwards. Nor
 * may one that comes just before a key is waited for wait for that key: so they come in there, and
 * only there.
 */
static char *S_ask(bool shown, const char *prompt)
{
    struct sigaction catch = {.sa_handler = S_catch}, before[ARRAY_LEN(S_ending)];
    struct asking asking = {.fd = S_open_terminal(), .shown = shown};
    sigset_t ending;
    if (asking.fd < 0)
        return NULL;
    S_caught = 0;
    sigemptyset(&ending);
    for (size_t i = 0; i < ARRAY_LEN(S_ending); i++)
        sigaddset(&ending, S_ending[i]);
    sigprocmask(SIG_BLOCK, &ending, &asking.usual);
    for (size_t i = 0; i < ARRAY_LEN(S_ending); i++)
        sigaction(S_ending[i], &catch, &before[i]);
    char *answer = S_ask_by_keys(&asking, prompt);
    for (size_t i = 0; i < ARRAY_LEN(S_ending); i++)
        sigaction(S_ending[i], &before[i], NULL);
    sigprocmask(SIG_SETMASK, &asking.usual, NULL);
    if (asking.rushed)
        S_say(asking.fd, "the answer came all at once, as pasted text does; it has to be typed\n");
    close(asking.fd);
    if (S_caught)
        raise(S_caught);
    return answer;
}

char *ask_secret(void *ctx, const char *prompt)
{
    (void)ctx;
    return S_ask(false, prompt);
}

char *ask_line(const char *question)
{
    return S_ask(true, question);
}

bool ask_yes(const char *question)
{
    char *line = ask_line(question);
    bool yes = str_is(line, "y") || str_is(line, "yes") || str_is(line, "Y");
    free(line);
    return yes;
}
