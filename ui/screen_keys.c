/* screen_keys: see screen_keys.h and the keys of screen.h. */
#define NCURSES_WIDECHAR 1
#include "screen_keys.h"

#include "clock.h"
#include "screen.h"

#include <curses.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    PASTE_SILENCE_MS = 1000, /* a paste whose end never comes must not swallow the keyboard */
    PASTE_LIMIT = 64 * 1024,
    LONGEST_SEQUENCE = 32,
    PASTE_BEGINS = KEY_MAX + 1,
    PASTE_ENDS,
};

static bool S_from_terminal, S_pasting;
static int64_t S_pasted_at;
static struct buf S_pasted;
static struct mouse_event S_mouse;

/* Any button but the wheel would be one too many: the left one points, and nothing else. */
static void S_start_mouse(void)
{
    mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    mouseinterval(0);
}

void screen_keys_begin(bool terminal, bool mouse)
{
    S_from_terminal = terminal;
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    define_key("\033[200~", PASTE_BEGINS);
    define_key("\033[201~", PASTE_ENDS);
    if (mouse)
        S_start_mouse();
}

void screen_keys_end(void)
{
    S_pasting = false;
    buf_release(&S_pasted);
}

static int S_translate(wint_t code)
{
    switch (code) {
    case KEY_UP:
        return K_UP;
    case KEY_DOWN:
        return K_DOWN;
    case KEY_LEFT:
        return K_LEFT;
    case KEY_RIGHT:
        return K_RIGHT;
    case KEY_PPAGE:
        return K_PAGE_UP;
    case KEY_NPAGE:
        return K_PAGE_DOWN;
    case KEY_HOME:
        return K_HOME;
    case KEY_END:
        return K_END;
    case KEY_BACKSPACE:
        return K_BACKSPACE;
    case KEY_DC:
        return K_DELETE;
    case KEY_BTAB:
        return K_BACKTAB;
    case KEY_ENTER:
        return K_ENTER;
    case KEY_F(1):
        return K_F1;
    default:
        return K_OTHER;
    }
}

/* A sequence that terminfo does not know must not come apart into letters, each with a meaning. */
static int S_read_escape(void)
{
    wint_t next;
    int got = get_wch(&next);
    if (got == ERR)
        return K_ESC;
    if (got != OK || (next != L'[' && next != L'O')) {
        if (got == OK)
            unget_wch((wchar_t)next);
        return K_ESC;
    }
    for (int i = 0; i < LONGEST_SEQUENCE; i++)
        if (get_wch(&next) != OK || (next >= 0x40 && next <= 0x7e))
            break;
    return K_OTHER;
}

static int S_read_mouse(void)
{
    MEVENT event;
    if (getmouse(&event) != OK)
        return K_OTHER;
    bool wheel = event.bstate & (BUTTON4_PRESSED | BUTTON5_PRESSED);
    if (!wheel && !(event.bstate & BUTTON1_PRESSED))
        return K_OTHER;
    S_mouse = (struct mouse_event){.y = event.y, .x = event.x};
    S_mouse.wheel = !wheel ? 0 : event.bstate & BUTTON4_PRESSED ? -1 : 1;
    return K_MOUSE;
}

const struct mouse_event *screen_mouse(void)
{
    return &S_mouse;
}

static void S_keep_pasted(wint_t c)
{
    char bytes[MB_LEN_MAX];
    int length = wctomb(bytes, (wchar_t)c);
    if (length > 0 && S_pasted.len < PASTE_LIMIT)
        buf_add_mem(&S_pasted, bytes, (size_t)length);
    S_pasted_at = clock_ms();
}

static int S_read_character(wint_t c)
{
    if (c == K_ESC)
        return S_read_escape();
    if (c == '\n')
        return K_ENTER;
    if (c == 0x7f || c == '\b')
        return K_BACKSPACE;
    return c ? (int)c : K_OTHER;
}

/* Curses would ask its file in memory to forget them, not the terminal. */
void screen_forget_keys(void)
{
    S_pasting = false;
    if (!S_from_terminal)
        return;
    flushinp();
    tcflush(STDIN_FILENO, TCIFLUSH);
}

int screen_key(void)
{
    if (S_pasting && clock_ms() - S_pasted_at > PASTE_SILENCE_MS)
        S_pasting = false;
    for (;;) {
        wint_t c;
        int got = get_wch(&c);
        if (got == ERR)
            return K_NONE;
        if (got == KEY_CODE_YES && c == PASTE_BEGINS) {
            S_pasting = true;
            buf_clear(&S_pasted);
            S_pasted_at = clock_ms();
        } else if (got == KEY_CODE_YES && c == PASTE_ENDS) {
            if (S_pasting) {
                S_pasting = false;
                return K_PASTE;
            }
        } else if (S_pasting) {
            if (got == OK)
                S_keep_pasted(c);
        } else if (got == KEY_CODE_YES && c == KEY_MOUSE) {
            return S_read_mouse();
        } else if (got == OK) {
            return S_read_character(c);
        } else if (c != KEY_RESIZE) {
            return S_translate(c);
        }
    }
}

const char *screen_pasted(void)
{
    return buf_text(&S_pasted);
}
