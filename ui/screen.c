/*
 * screen: see screen.h.
 *
 * Curses keeps one terminal per program anyway, so the state is the file's own. Widths are those of
 * text.h; a character that the C library takes for another width than we do would shift all that
 * follows it, and is therefore drawn as a replacement.
 */
#define NCURSES_WIDECHAR 1
#include "screen.h"

#include "clock.h"

#include <curses.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#undef lines /* term.h names a capability so, by macro */

#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"

enum {
    ESCAPE_DELAY_MS = 25,
    PASTE_SILENCE_MS = 1000, /* a paste whose end never comes must not swallow the keyboard */
    PASTE_LIMIT = 64 * 1024,
    LONGEST_SEQUENCE = 32,
    PASTE_BEGINS = KEY_MAX + 1,
    PASTE_ENDS,
};

static SCREEN *S_screen;
static bool S_ascii, S_colours, S_offscreen, S_knows_paste, S_is_xterm;
static FILE *S_null_in, *S_null_out;
static int S_cursor_y, S_cursor_x;

static bool S_pasting;
static int64_t S_pasted_at;
static struct buf S_pasted;

/* What a crash handler needs, made while everything still works. */
static struct termios S_termios;
static bool S_has_termios;
static char S_restore[256];
static size_t S_restore_length;

/* ---- opening and closing ---- */

static int S_keep_byte(int byte)
{
    if (S_restore_length < sizeof(S_restore))
        S_restore[S_restore_length++] = (char)byte;
    return byte;
}

static bool S_has_capability(const char *name)
{
    const char *value = tigetstr(name);
    return value && value != (const char *)-1 && *value;
}

static void S_prepare_restore(void)
{
    static const char *const capabilities[] = {"sgr0", "rmkx", "cnorm", "rmcup"};
    S_restore_length = 0;
    if (S_knows_paste)
        for (const char *s = PASTE_OFF; *s; s++)
            S_keep_byte(*s);
    for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
        if (S_has_capability(capabilities[i]))
            tputs(tigetstr(capabilities[i]), 1, S_keep_byte);
    S_has_termios = tcgetattr(STDIN_FILENO, &S_termios) == 0;
}

void screen_abandon(void)
{
    if (!S_screen || S_offscreen)
        return;
    ssize_t ignored = write(STDOUT_FILENO, S_restore, S_restore_length);
    (void)ignored;
    if (S_has_termios)
        tcsetattr(STDIN_FILENO, TCSANOW, &S_termios);
}

static void S_send(const char *bytes)
{
    if (S_knows_paste && !S_offscreen) {
        fputs(bytes, stdout);
        fflush(stdout);
    }
}

static bool S_check_terminal(const char *term, struct err *err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        err_set(err, ERR_USAGE, "the console needs a terminal, and there is none");
        return err_hint(err, "name a verb instead, for example 'tenantdeck status'");
    }
    int status;
    if (setupterm(term, STDOUT_FILENO, &status) != OK) {
        err_set(err, ERR_FAILED, "the terminal type '%s' (TERM) is not known on this host", term);
        return err_hint(err, "set TERM to one that is, for example TERM=xterm");
    }
    bool able = S_has_capability("cup");
    S_knows_paste = able && strncmp(tigetstr("cup"), "\033[", 2) == 0;
    S_is_xterm =
        able && (tigetflag("XT") > 0 || str_starts(term, "tmux") || str_starts(term, "screen"));
    if (able)
        S_prepare_restore();
    del_curterm(cur_term);
    if (able)
        return true;
    err_set(err, ERR_FAILED, "a terminal of type '%s' (TERM) cannot place text on a screen", term);
    return err_hint(err, "name a verb instead, for example 'tenantdeck status'");
}

static bool S_start_offscreen(struct err *err)
{
    S_null_in = fopen("/dev/null", "r");
    S_null_out = fopen("/dev/null", "w");
    if (S_null_in && S_null_out)
        S_screen = newterm("xterm", S_null_out, S_null_in);
    if (!S_screen)
        return err_set(err, ERR_FAILED, "a virtual terminal could not be made");
    return true;
}

static bool S_start_terminal(struct err *err)
{
    const char *term = getenv("TERM");
    if (!term)
        term = "";
    if (!S_check_terminal(term, err))
        return false;
    S_screen = newterm(term, stdout, stdin);
    if (!S_screen)
        return err_set(err, ERR_FAILED, "the terminal '%s' could not be opened", term);
    return true;
}

static void S_start_colours(bool mono)
{
    const char *no_color = getenv("NO_COLOR");
    bool refused = mono || (!S_offscreen && no_color && *no_color);
    S_colours = !refused && has_colors() && start_color() == OK;
    if (!S_colours)
        return;
    short behind = use_default_colors() == OK ? -1 : COLOR_BLACK;
    init_pair(MOOD_GOOD, COLOR_GREEN, behind);
    init_pair(MOOD_WARN, COLOR_YELLOW, behind);
    init_pair(MOOD_BAD, COLOR_RED, behind);
    init_pair(MOOD_ACTIVE, COLOR_CYAN, behind);
}

static void S_start_keys(void)
{
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    define_key("\033[200~", PASTE_BEGINS);
    define_key("\033[201~", PASTE_ENDS);
}

bool screen_open(const struct screen_options *options, struct err *err)
{
    S_offscreen = options->offscreen;
    setlocale(LC_CTYPE, S_offscreen && !options->ascii ? "C.UTF-8" : "");
    S_ascii = options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    set_escdelay(ESCAPE_DELAY_MS);
    if (!(S_offscreen ? S_start_offscreen(err) : S_start_terminal(err)))
        return false;
    die_hook = screen_close;
    S_start_colours(options->mono);
    S_start_keys();
    S_send(PASTE_ON);
    if (S_offscreen)
        screen_resize(options->lines, options->cols);
    else
        screen_measure();
    return true;
}

void screen_close(void)
{
    if (!S_screen)
        return;
    die_hook = NULL;
    endwin();
    S_send(PASTE_OFF);
    delscreen(S_screen);
    S_screen = NULL;
    if (S_null_in)
        fclose(S_null_in);
    if (S_null_out)
        fclose(S_null_out);
    S_null_in = S_null_out = NULL;
    S_pasting = false;
    buf_release(&S_pasted);
}

/* ---- size, stopping, continuing ---- */

int screen_lines(void)
{
    return LINES;
}

int screen_cols(void)
{
    return COLS;
}

bool screen_is_ascii(void)
{
    return S_ascii;
}

void screen_measure(void)
{
    /* Asked of the terminal itself: an exported COLUMNS of an older window would win otherwise. */
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        screen_resize(size.ws_row, size.ws_col);
}

void screen_resize(int lines, int cols)
{
    resizeterm(lines, cols);
}

void screen_suspend(void)
{
    if (S_offscreen)
        return;
    struct sigaction usual = {.sa_handler = SIG_DFL}, before;
    endwin();
    S_send(PASTE_OFF);
    sigaction(SIGTSTP, &usual, &before);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &before, NULL);
    screen_resume();
}

void screen_resume(void)
{
    S_send(PASTE_ON);
    screen_measure();
    screen_repaint();
}

void screen_repaint(void)
{
    clearok(curscr, TRUE);
}

/* ---- drawing ---- */

static attr_t S_mood_without_colour(enum mood mood)
{
    switch (mood) {
    case MOOD_DIM:
        return A_DIM;
    case MOOD_WARN:
    case MOOD_ACTIVE:
        return A_BOLD;
    case MOOD_BAD:
        return A_BOLD | A_UNDERLINE;
    case MOOD_PLAIN:
    case MOOD_GOOD:
        break;
    }
    return A_NORMAL;
}

static attr_t S_mood_with_colour(enum mood mood)
{
    return mood == MOOD_DIM ? A_DIM : mood == MOOD_BAD ? A_BOLD : A_NORMAL;
}

static void S_apply(struct style style)
{
    attr_t look = S_colours ? S_mood_with_colour(style.mood) : S_mood_without_colour(style.mood);
    look |= style.reverse ? A_REVERSE : 0;
    look |= style.bold ? A_BOLD : 0;
    look |= style.underline ? A_UNDERLINE : 0;
    look |= style.dim ? A_DIM : 0;
    bool tinted = S_colours && style.mood != MOOD_PLAIN && style.mood != MOOD_DIM;
    attr_set(look, (short)(tinted ? style.mood : 0), NULL);
}

/* The character as it can be shown: `width` columns of it or of a stand-in; says how many runes. */
static size_t S_show_rune(int32_t rune, int width, wchar_t out[2])
{
    bool plain = rune >= 0 && (S_ascii ? rune >= 0x20 && rune < 0x7f : wcwidth(rune) == width);
    out[0] = plain ? rune : S_ascii ? L'?' : 0xfffd;
    out[1] = out[0];
    return plain ? 1 : (size_t)width;
}

/* Fills `out` with what fits into `room` columns; `*used` says how many it takes. */
static size_t S_widen(const char *text, int room, wchar_t *out, int *used)
{
    size_t count = 0, left = strlen(text), bytes;
    *used = 0;
    while (left > 0) {
        int32_t rune = text_next(text, left, &bytes);
        int width = rune < 0 ? 1 : text_rune_width(rune);
        if (*used + width > room)
            break;
        /* A combining mark needs something of this text to stand on. */
        if (width > 0 || (count > 0 && !S_ascii))
            count += S_show_rune(rune, width, out + count);
        *used += width;
        text += bytes;
        left -= bytes;
    }
    return count;
}

int screen_put(int y, int x, int width, const char *text, struct style style)
{
    int room = COLS - x < width ? COLS - x : width;
    if (y < 0 || y >= LINES || x < 0 || room <= 0 || !*text)
        return 0;
    wchar_t *wide = mem_array(strlen(text) * 2 + 1, sizeof(*wide));
    int used;
    size_t count = S_widen(text, room, wide, &used);
    S_apply(style);
    mvaddnwstr(y, x, wide, (int)count);
    free(wide);
    return used;
}

int screen_put_rest(int y, int x, int width, int skip, const char *text, struct style style)
{
    size_t cut = text_fit(text, (size_t)skip), used;
    char *before = str_ndup(text, cut);
    /* A wide character that is cut in two leaves a blank where its second half would stand. */
    int lost = text[cut] ? skip - (int)text_width(before) : 0;
    free(before);
    if (lost > 0) {
        text_next(text + cut, strlen(text + cut), &used);
        cut += used;
    }
    return lost + screen_put(y, x + lost, width - lost, text + cut, style);
}

void screen_begin(void)
{
    attr_set(A_NORMAL, 0, NULL);
    erase();
    S_cursor_y = -1;
}

void screen_cursor(int y, int x)
{
    S_cursor_y = y;
    S_cursor_x = x < COLS ? x : COLS - 1;
}

void screen_end(void)
{
    bool shown = S_cursor_y >= 0;
    curs_set(shown ? 1 : 0);
    leaveok(stdscr, !shown);
    if (shown)
        move(S_cursor_y, S_cursor_x);
    refresh();
}

bool screen_send(const char *sequence)
{
    if (S_offscreen)
        return true;
    if (S_is_xterm)
        S_send(sequence);
    return S_is_xterm;
}

/* ---- keys ---- */

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

void screen_forget_keys(void)
{
    S_pasting = false;
    if (!S_offscreen)
        flushinp();
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

/* ---- what stands on the screen ---- */

struct seen {
    wchar_t text[CCHARW_MAX + 1];
    attr_t look;
    short pair;
};

static int S_see(int y, int x, struct seen *out)
{
    cchar_t c;
    memset(out, 0, sizeof(*out));
    mvin_wch(y, x, &c);
    getcchar(&c, out->text, &out->look, &out->pair, NULL);
    int width = wcwidth(out->text[0]);
    return width > 1 ? width : 1;
}

void screen_dump(struct buf *out)
{
    for (int y = 0; y < LINES; y++) {
        size_t full = out->len;
        struct seen seen;
        for (int x = 0; x < COLS;) {
            x += S_see(y, x, &seen);
            for (const wchar_t *w = seen.text; *w; w++) {
                char bytes[MB_LEN_MAX];
                int length = wctomb(bytes, *w);
                buf_add_mem(out, bytes, length > 0 ? (size_t)length : 0);
            }
            if (seen.text[0] != L' ')
                full = out->len;
        }
        out->len = full;
        buf_add_char(out, '\n');
    }
}

static void S_name_look(struct buf *out, attr_t look, short pair)
{
    static const struct {
        attr_t bit;
        const char *name;
    } looks[] = {
        {A_REVERSE, "reverse"}, {A_BOLD, "bold"}, {A_UNDERLINE, "underline"}, {A_DIM, "dim"}};
    static const char *const pairs[] = {
        [MOOD_GOOD] = "green", [MOOD_WARN] = "yellow", [MOOD_BAD] = "red", [MOOD_ACTIVE] = "cyan"};
    const char *comma = "";
    for (size_t i = 0; i < ARRAY_LEN(looks); i++)
        if (look & looks[i].bit) {
            buf_format(out, "%s%s", comma, looks[i].name);
            comma = ",";
        }
    if (pair > 0 && (size_t)pair < ARRAY_LEN(pairs) && pairs[pair])
        buf_format(out, "%s%s", comma, pairs[pair]);
}

void screen_dump_styles(struct buf *out)
{
    const attr_t mask = A_REVERSE | A_BOLD | A_UNDERLINE | A_DIM;
    for (int y = 0; y < LINES; y++) {
        struct seen first = {0}, here;
        int from = 0;
        for (int x = 0; x <= COLS; x++) {
            memset(&here, 0, sizeof(here));
            if (x < COLS)
                S_see(y, x, &here);
            bool same = (here.look & mask) == (first.look & mask) && here.pair == first.pair;
            if (x < COLS && same)
                continue;
            if ((first.look & mask) || first.pair) {
                buf_format(out, "%d:%d-%d ", y + 1, from + 1, x);
                S_name_look(out, first.look, first.pair);
                buf_add_char(out, '\n');
            }
            first = here;
            from = x;
        }
    }
    if (S_cursor_y >= 0)
        buf_format(out, "cursor %d:%d\n", S_cursor_y + 1, S_cursor_x + 1);
}
