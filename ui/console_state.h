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

/* What a handler wants to be done; the loop does it, once for all that came in a turn. */
enum wish {
    WISH_REDRAW = 1,
    WISH_ARRANGE = 2, /* sort and filter again, then redraw */
    WISH_REFRESH = 4, /* ask the servers now */
    WISH_LEAVE = 8,
};

enum question { ASKS_SEARCH, ASKS_FILTER, ASKS_COMMAND, ASKS_FILE, ASKS_ROW_FILE, ASKS_LEAVE };

struct console {
    struct loop *loop;
    struct session *session;
    struct sampler *sampler;
    struct watch *keyboard;
    struct panes panes;
    struct layout layout;
    struct reader reader;
    struct prompt prompt;
    enum question question; /* what the prompt is for */
    struct history searches, filters, commands;
    struct command command;
    char *asked;         /* the line of a verb that waits for a y; NULL */
    char *doubt;         /* what is asked about it */
    struct child *child; /* the verb that writes into the reader; NULL */
    bool child_launches; /* a worker: when it is at work, the panes show it */
    char *message;       /* instead of the key bar, until the next key; NULL */
    enum mood message_mood;
    char *wanted; /* the last search; NULL */
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

/* ---- actions.c ---- */

unsigned action_do(struct console *console, enum action action, int key);
/* Why an action is not possible now; NULL: it is. */
const char *action_barred(const struct console *console, enum action action);
unsigned action_look(struct console *console, enum action action); /* actions_look.c */
void action_complete_filter(struct console *console);
unsigned action_answer(struct console *console); /* the prompt was confirmed */
void action_end_verb(struct console *console);
unsigned action_refuse(struct console *console, const char *why); /* the y was not given */

#endif
