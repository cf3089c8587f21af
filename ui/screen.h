/*
 * screen: the only door to curses: text in styles out, keys in, and the terminal given back.
 *
 * A drawing lies between screen_begin() and screen_end(), covers the whole screen, and sends only
 * what differs from the one before. What is drawn is clean text (text.h). Nothing here knows of
 * tables, panes or servers.
 */
#ifndef TD_SCREEN_H
#define TD_SCREEN_H

#include "err.h"
#include "table.h" /* enum mood */

/* What the moods look like. */
enum theme {
    THEME_COLOUR,
    THEME_MONO,     /* no colour: bold, underline, reverse and dim */
    THEME_CONTRAST, /* the brightest colours on black, and nothing is dim */
    THEMES
};

extern const char *const theme_names[THEMES]; /* "default", "mono", "contrast" */

struct screen_options {
    enum theme theme;
    bool ascii, mouse;
    bool offscreen;  /* a virtual terminal that nobody sees, for scripts */
    int lines, cols; /* of the virtual terminal */
};

/* Takes the terminal of stdin and stdout. One at a time. */
bool screen_open(const struct screen_options *options, struct err *err);
void screen_close(void); /* gives it back; harmless when it is not open */

/* Gives the terminal back from a signal handler of a crash; nothing else works afterwards. */
void screen_abandon(void);

int screen_lines(void);
int screen_cols(void);
bool screen_is_ascii(void);
void screen_measure(void);               /* the terminal has another size now */
void screen_resize(int lines, int cols); /* the virtual terminal shall have another size */
void screen_suspend(void);               /* back to the shell, until it continues us */
void screen_resume(void);                /* somebody else stopped and continued us */
void screen_repaint(void);               /* the next screen_end() sends everything */

/* ---- drawing ---- */

struct box {
    int y, x, height, width;
};

struct style {
    enum mood mood; /* a colour; without colours the nearest of bold, underline and dim */
    bool reverse, bold, underline, dim;
};

void screen_begin(void);
/* At most `width` columns of a clean text, cut at the edge of the screen; says how many it took. */
int screen_put(int y, int x, int width, const char *text, struct style style);
/* The same of what is left of a text when its first `skip` columns have gone. */
int screen_put_rest(int y, int x, int width, int skip, const char *text, struct style style);
void screen_cursor(int y, int x); /* shown there until the next screen_begin() */
void screen_end(void);

/*
 * Has the terminal not taken the last drawing yet? Then the next has to wait until what is watched
 * for POLLOUT says that it takes more, and screen_catch_up() has sent the rest. Never waits.
 */
bool screen_is_behind(void);
int screen_behind_fd(void);
void screen_catch_up(void);

/* A sequence for a terminal as xterm is one, past the drawing; false: this is none. */
bool screen_send(const char *sequence);

/* ---- keys ---- */

/* A character is its code point, Ctrl-A to Ctrl-Z are 1 to 26. */
enum screen_key {
    K_NONE = 0,
    K_TAB = 9,
    K_ENTER = 13,
    K_ESC = 27,
    K_FIRST = 0x200000, /* beyond Unicode */
    K_UP,
    K_DOWN,
    K_LEFT,
    K_RIGHT,
    K_PAGE_UP,
    K_PAGE_DOWN,
    K_HOME,
    K_END,
    K_BACKSPACE,
    K_DELETE,
    K_BACKTAB,
    K_F1,
    K_MOUSE, /* screen_mouse() says what it did */
    K_PASTE, /* a text was pasted: screen_pasted() has it */
    K_OTHER, /* a key that has no meaning here */
};
#define K_CTRL(letter) ((letter)&0x1f)

/* What was typed and not read yet is dropped. */
void screen_forget_keys(void);
int screen_key(void);            /* the next key, K_NONE when there is none; never waits */
const char *screen_pasted(void); /* raw, until the next screen_key() */

struct mouse_event {
    int y, x;
    int wheel; /* -1 up, 1 down; 0: the left button was pressed */
};
const struct mouse_event *screen_mouse(void); /* of the last K_MOUSE */

/* ---- what stands on the screen, for scripts ---- */

void screen_dump(struct buf *out);        /* one line each, without blanks at its end */
void screen_dump_styles(struct buf *out); /* "line:from-to bold,red" for each styled stretch */

#endif
