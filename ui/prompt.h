/*
 * prompt: one line that somebody types on the last line of the screen, with a history.
 *
 * It knows no meaning of what is typed: whoever opened it reads the text when it is done, and
 * fills `offers` when Tab asks for a completion.
 */
#ifndef TD_PROMPT_H
#define TD_PROMPT_H

#include "base.h"

struct history { /* the oldest first */
    char **lines;
    size_t count, cap;
};

struct prompt {
    bool open;
    const char *label; /* ":" "/" "filter: " */
    struct buf text;
    size_t at; /* byte offset of the cursor */
    struct history *history;
    size_t recalled; /* index into the history; its count: the line that is being typed */
    char *draft;     /* that line, while an older one is shown */
    char *offers;    /* what the text may go on with, shown behind it; NULL: nothing */
};

enum prompt_news { PROMPT_STAYS, PROMPT_CHANGED, PROMPT_DONE, PROMPT_LEFT, PROMPT_COMPLETE };

/* `label` must outlive the prompt; `history` may be NULL. */
void prompt_open(struct prompt *prompt, const char *label, const char *text,
                 struct history *history);
void prompt_close(struct prompt *prompt);

enum prompt_news prompt_key(struct prompt *prompt, int key);
/* What was pasted goes into the line as one line, without anything that is no character. */
enum prompt_news prompt_paste(struct prompt *prompt, const char *raw);
void prompt_replace(struct prompt *prompt, const char *text);

void prompt_draw(const struct prompt *prompt, int y);

/* Adds a line, unless it is empty or the same as the last. */
void history_add(struct history *history, const char *line);
void history_release(struct history *history);

#endif
