/*
 * console_state: what the console is made of, for the files that are the console: console.c turns
 * the loop and draws, actions.c does what keys mean, script.c plays keys from a file.
 */
#ifndef TD_CONSOLE_STATE_H
#define TD_CONSOLE_STATE_H

#include "child.h"
#include "command.h"
#include "console.h"
#include "keys.h"
#include "panes.h"
#include "prompt.h"
#include "reader.h"
#include "sampler.h"
#include "sheet.h"
#include "typing.h"

/* What a handler wants to be done; the loop does it, once for all that came in a turn. */
enum wish {
    WISH_REDRAW = 1,
    WISH_ARRANGE = 2, /* sort and filter again, then redraw */
    WISH_REFRESH = 4, /* ask the servers now */
    WISH_LEAVE = 8,
};

enum question { ASKS_SEARCH, ASKS_FILTER, ASKS_COMMAND, ASKS_FILE, ASKS_ROW_FILE };

struct log_choice { /* the events that the log is narrowed to; strings are its own */
    enum severity least;
    char *step, *table; /* NULL: any */
};

struct manner {        /* of a verb in a child */
    bool acts;         /* it changes something: no key of a reader ends it by the way */
    bool launches;     /* a worker: when it is at work, the panes show it */
    bool follows;      /* what it says has no end: the newest matters */
    bool steers;       /* it speaks to the worker: its answer is a sentence, and needs no reader */
    const char *alone; /* its name, when the database is left to it; NULL */
};

struct console {
    struct loop *loop;
    struct session *session;
    struct sampler *sampler;
    struct watch *keyboard;
    struct watch *slow; /* the terminal, while it has not taken the last frame; NULL in a script */
    struct panes panes;
    struct layout layout;
    struct reader reader;
    struct prompt prompt;
    enum question question; /* what the prompt is for */
    struct history searches, filters, commands;
    struct command command;
    struct sheet sheet;      /* what has to be answered before a verb changes something */
    struct run_token *token; /* what it is about, in a page shared with the children */
    struct manner asked_as;  /* how it is to be started, if the answer is Yes */
    struct buf answer;       /* what it has said */
    char *asked;             /* the line of that verb; NULL */
    bool has_ground;         /* it is asked of the database … */
    char *ground; /* … and this is it: server and role; NULL: it has not answered yet */
    struct typing typing;
    bool swallows;             /* the rest of a burst, of which an answer was refused */
    int patience_ms;           /* how long a question stands there before keys answer it */
    struct timer *hearing;     /* that time, while it runs; NULL */
    struct child *sheet_child; /* what writes the sheet; NULL */
    struct child *child;       /* the verb that writes into the reader; NULL */
    struct manner child_as;    /* and how it was started */
    bool guides;               /* the text in the reader is the guide of a rollback */
    bool child_changes;        /* what is in the lists of keys may be others afterwards */
    char *message;             /* instead of the key bar, until the next key; NULL */
    struct timer *fades;       /* what was fine is not said for ever: it may be so no more; NULL */
    enum mood message_mood;
    char *wanted; /* the last search; NULL */
    struct log_choice log;
    int64_t at_work; /* the run that was at work when it was last looked; 0: none was */
    bool arrived;    /* the first look has been taken, or the first key */
    unsigned wishes;
};

/* One turn of the loop, at most `max_ms` long, then what was wished for. */
void console_turn(struct console *console, int max_ms);
void console_obey(struct console *console);

unsigned console_say(struct console *console, enum mood mood, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* A key or a pasted text, wherever it belongs: prompt, reader or pane. */
void console_press(struct console *console, int key);
void console_paste(struct console *console, const char *raw);
/* A key as console_press() takes it; `by_hand`: not in one burst with others. */
void console_press_timed(struct console *console, int key, bool by_hand);

void console_resized(struct console *console);
/* The terminal is the shell's until it says `fg`. */
void console_put_aside(struct console *console);
/* Forgets what is known of the servers, and asks them again. */
void console_look_anew(struct console *console);

/* The mouse: a tab, a row, a heading, the wheel; never an answer to a prompt (mouse.c). */
void console_point(struct console *console, const struct mouse_event *event);

/* ---- actions.c ---- */

unsigned action_do(struct console *console, enum action action, int key);
/* Why an action is not possible now; NULL: it is. */
const char *action_barred(const struct console *console, enum action action);
unsigned action_look(struct console *console, enum action action); /* actions_look.c */
void action_complete_filter(struct console *console);
unsigned action_answer(struct console *console);       /* the prompt was confirmed */
struct reader *action_reader(struct console *console); /* the one in front; NULL: the panes are */
unsigned action_focus(struct console *console, int pane);
/* A text of its own in the reader; releases `text`. */
void action_show(struct console *console, const char *title, struct buf *text);
/* The rows that are meant by keys: the pane's, or those of the level below it. */
const struct snapshot *action_snapshot(const struct console *console);

/* ---- runkeys.c: the keys of the pane Steps that begin a run or speak to it ---- */

unsigned runkeys_do(struct console *console, enum action action);
const char *runkeys_barred(const struct console *console, enum action action);

/* ---- verbline.c: what becomes of a line that names a verb ---- */

/*
 * As if it was typed after ':'. A verb that changes something is asked about first, by way of the
 * sheet, and begins when that is answered with Yes.
 */
unsigned verbline_run(struct console *console, const char *line);
void verbline_open(struct console *console); /* once, before anything else here */
/*
 * The same for a verb that speaks to the worker: its answer is a sentence, and stands in the last
 * line. `asks`: as the table of verbs has it; else the key is answer enough.
 */
unsigned verbline_steer(struct console *console, const char *line, bool asks);
/* A key for the sheet. */
unsigned verbline_hear(struct console *console, int key, bool by_hand);
unsigned verbline_refuse(struct console *console, const char *why); /* that is a No */
/* After each snapshot: a No, when what was asked about is not there any more. */
void verbline_watch(struct console *console);
void verbline_end(struct console *console);      /* the verb that still runs */
unsigned verbline_busy(struct console *console); /* says that it does, and what ends it */
void verbline_close(struct console *console);

/* ---- actions_mend.c; `key` says which of them ---- */

const char *action_undo_barred(const struct console *console);
unsigned action_undo(struct console *console, int key);
/* The keys of a rollback's guide. */
const char *action_choose_barred(const struct console *console);
unsigned action_choose(struct console *console, int key);
const char *action_mend_barred(const struct console *console);
unsigned action_mend(struct console *console, int key);

/* ---- actions_log.c ---- */

unsigned action_log(struct console *console, enum action action);
/* Before the cursor of the log moves: what is beyond the events that are held is asked for. */
void action_log_move(struct console *console, enum action action);
bool action_log_widen(struct console *console); /* false: it was not narrowed */
void log_choice_release(struct log_choice *choice);

/* ---- actions_cache.c ---- */

bool action_deepens(const struct console *console); /* Enter goes deeper here, and opens no text */
unsigned action_deepen(struct console *console);
const char *action_cache_barred(const struct console *console, enum action action);
unsigned action_cache(struct console *console, enum action action);

/* ---- actions_session.c ---- */

/* Why the session under the cursor cannot be sent this; NULL: it can. */
const char *action_session_barred(const struct console *console, enum action action);
unsigned action_session(struct console *console, enum action action);

#endif
