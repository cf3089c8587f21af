/* outlet: see outlet.h. */
#include "outlet.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { SETTLE_MS = 2000, SETTLE_STEP_MS = 5 };

static FILE *S_file; /* what curses writes to */
static int S_fd = -1;
static struct buf S_pending;
static size_t S_gone; /* bytes of it that are out */
static struct termios S_before;
static bool S_knows_modes;

/*
 * An open file of our own: O_NONBLOCK belongs to the open file, and stdout's is the shell's, too.
 * Where the terminal cannot be opened again (after su), stdout has to do, and a write may wait.
 */
static int S_open_terminal(void)
{
    static const char *const ways[] = {"/proc/self/fd/1", "/dev/tty"};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        int fd = open(ways[i], O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0 && isatty(fd))
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

bool outlet_open(FILE **file, struct err *err)
{
    int memory = memfd_create("tenantdeck-screen", MFD_CLOEXEC);
    S_file = memory >= 0 ? fdopen(memory, "w") : NULL;
    S_fd = S_open_terminal();
    if (!S_file || S_fd < 0) {
        err_set(err, ERR_FAILED, "the terminal could not be opened: %s", strerror(errno));
        if (S_file)
            fclose(S_file);
        else if (memory >= 0)
            close(memory);
        S_file = NULL;
        return false;
    }
    *file = S_file;
    S_knows_modes = tcgetattr(STDIN_FILENO, &S_before) == 0;
    return true;
}

void outlet_close(void)
{
    if (!S_file)
        return;
    outlet_settle();
    outlet_usual();
    fclose(S_file);
    close(S_fd);
    S_file = NULL;
    S_fd = -1;
    S_knows_modes = false;
    S_gone = 0;
    buf_release(&S_pending);
}

/* ---- modes ---- */

void outlet_raw(void)
{
    struct termios raw;
    if (!S_knows_modes)
        return;
    raw = S_before;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void outlet_usual(void)
{
    if (S_knows_modes)
        tcsetattr(STDIN_FILENO, TCSANOW, &S_before);
}

/* ---- bytes ---- */

void outlet_add(const char *bytes)
{
    buf_add(&S_pending, bytes);
}

void outlet_take(void)
{
    char bytes[4096];
    ssize_t got;
    int memory = fileno(S_file);
    off_t at = 0;
    for (; (got = pread(memory, bytes, sizeof(bytes), at)) > 0; at += got)
        buf_add_mem(&S_pending, bytes, (size_t)got);
    if (at && (ftruncate(memory, 0) < 0 || lseek(memory, 0, SEEK_SET) < 0))
        die("the screen's memory cannot be emptied: %s", strerror(errno));
}

void outlet_push(void)
{
    while (outlet_is_behind()) {
        ssize_t wrote = write(S_fd, S_pending.text + S_gone, S_pending.len - S_gone);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0 && errno == EAGAIN)
            return;
        /* A terminal that has gone takes everything; the keyboard says that it has. */
        S_gone = wrote < 0 ? S_pending.len : S_gone + (size_t)wrote;
    }
    buf_clear(&S_pending);
    S_gone = 0;
}

void outlet_settle(void)
{
    const struct timespec step = {.tv_nsec = SETTLE_STEP_MS * 1000000L};
    outlet_take();
    for (int waited = 0; waited < SETTLE_MS; waited += SETTLE_STEP_MS) {
        outlet_push();
        if (!outlet_is_behind())
            return;
        nanosleep(&step, NULL);
    }
}

bool outlet_is_behind(void)
{
    return S_gone < S_pending.len;
}

int outlet_fd(void)
{
    return S_fd;
}
