/*
 * screen: see screen.h.
 *
 * Curses keeps one terminal per program anyway, so the state is the file's own. Widths are those of
 * text.h; a character that the C library takes for another width than we do would shift all that
 * follows it, and is therefore drawn as a replacement.
 */
#define NCURSES_WIDECHAR 1
#include "screen.h"

#include "outlet.h"
#include "screen_keys.h"

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
#define MOUSE_OFF "\033[?1006l\033[?1000l"

enum {
    ESCAPE_DELAY_MS = 25,
    PAIR_PLAIN = MOOD_ACTIVE + 1, /* text without a mood, where the background is ours */
};

static SCREEN *S_screen;
static enum theme S_theme;
static bool S_ascii, S_colours, S_offscreen, S_knows_paste, S_is_xterm;
static FILE *S_null_in, *S_null_out;
static int S_cursor_y, S_cursor_x;

/* What a crash handler needs, made while everything still works. */
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
        for (const char *s = PASTE_OFF MOUSE_OFF; *s; s++)
            S_keep_byte(*s);
    for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
        if (S_has_capability(capabilities[i]))
            tputs(tigetstr(capabilities[i]), 1, S_keep_byte);
}

void screen_abandon(void)
{
    if (!S_screen || S_offscreen)
        return;
    ssize_t ignored = write(STDOUT_FILENO, S_restore, S_restore_length);
    (void)ignored;
    outlet_usual();
}

static void S_send(const char *bytes)
{
    if (S_knows_paste && !S_offscreen) {
        outlet_take(); /* what curses has said before comes before it */
        outlet_add(bytes);
        outlet_push();
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
    FILE *out;
    if (!outlet_open(&out, err))
        return false;
    S_screen = newterm(term, out, stdin);
    if (S_screen) {
        outlet_raw();
        return true;
    }
    outlet_close();
    return err_set(err, ERR_FAILED, "the terminal '%s' could not be opened", term);
}

const char *const theme_names[THEMES] = {
    [THEME_COLOUR] = "default", [THEME_MONO] = "mono", [THEME_CONTRAST] = "contrast"};

/*
 * Some terminals show a bold colour no brighter, so the bright ones are asked for where they are.
 */
static void S_start_bright_colours(void)
{
    short bright = COLORS >= 16 ? 8 : 0;
    init_pair(PAIR_PLAIN, COLOR_WHITE + bright, COLOR_BLACK);
    init_pair(MOOD_GOOD, COLOR_GREEN + bright, COLOR_BLACK);
    init_pair(MOOD_WARN, COLOR_YELLOW + bright, COLOR_BLACK);
    init_pair(MOOD_BAD, COLOR_WHITE + bright, COLOR_RED);
    init_pair(MOOD_ACTIVE, COLOR_CYAN + bright, COLOR_BLACK);
    bkgdset((chtype)COLOR_PAIR(PAIR_PLAIN) | ' ');
}

static void S_start_colours(enum theme theme)
{
    const char *no_color = getenv("NO_COLOR");
    bool refused = theme == THEME_MONO || (!S_offscreen && no_color && *no_color);
    S_theme = theme;
    S_colours = !refused && has_colors() && start_color() == OK;
    if (!S_colours)
        return;
    if (theme == THEME_CONTRAST) {
        S_start_bright_colours();
        return;
    }
    short behind = use_default_colors() == OK ? -1 : COLOR_BLACK;
    init_pair(MOOD_GOOD, COLOR_GREEN, behind);
    init_pair(MOOD_WARN, COLOR_YELLOW, behind);
    init_pair(MOOD_BAD, COLOR_RED, behind);
    init_pair(MOOD_ACTIVE, COLOR_CYAN, behind);
}

bool screen_open(const struct screen_options *options, struct err *err)
{
    S_offscreen = options->offscreen;
    setlocale(LC_CTYPE, S_offscreen && !options->ascii ? "C.UTF-8" : "");
    S_ascii = options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    set_escdelay(ESCAPE_DELAY_MS);
    if (!(S_offscreen ? S_start_offscreen(err) : S_start_terminal(err)))
        return false;
    die_hook = screen_abandon; /* it wants no memory, which may be what is out */
    S_start_colours(options->theme);
    screen_keys_begin(!S_offscreen, options->mouse);
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
    if (!S_offscreen)
        outlet_close();
    delscreen(S_screen);
    S_screen = NULL;
    if (S_null_in)
        fclose(S_null_in);
    if (S_null_out)
        fclose(S_null_out);
    S_null_in = S_null_out = NULL;
    screen_keys_end();
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
    struct sigaction usual = {.sa_handler = SIG_DFL}, stop, go_on;
    endwin();
    S_send(PASTE_OFF);
    outlet_settle();
    outlet_usual();
    /* That we go on is seen to here, and shall be no news: keys typed since would be lost. */
    sigaction(SIGTSTP, &usual, &stop);
    sigaction(SIGCONT, &usual, &go_on);
    raise(SIGTSTP);
    sigaction(SIGCONT, &go_on, NULL);
    sigaction(SIGTSTP, &stop, NULL);
    screen_resume();
}

void screen_resume(void)
{
    outlet_raw();
    /* What was typed while nobody could see what it would do is for nobody. */
    tcflush(STDIN_FILENO, TCIFLUSH);
    flushinp();
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
    bool contrast = S_theme == THEME_CONTRAST;
    if (contrast)
        look &= ~A_DIM;
    bool tinted = S_colours && style.mood != MOOD_PLAIN && style.mood != MOOD_DIM;
    attr_set(look,
             (short)(tinted                  ? (int)style.mood
                     : S_colours && contrast ? PAIR_PLAIN
                                             : 0),
             NULL);
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
    if (S_offscreen)
        return;
    outlet_take();
    outlet_push();
}

bool screen_is_behind(void)
{
    return !S_offscreen && outlet_is_behind();
}

int screen_behind_fd(void)
{
    return outlet_fd();
}

void screen_catch_up(void)
{
    outlet_push();
}

bool screen_send(const char *sequence)
{
    if (S_offscreen)
        return true;
    if (S_is_xterm)
        S_send(sequence);
    return S_is_xterm;
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
    out->pair = out->pair == PAIR_PLAIN ? 0 : out->pair;
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
