/*
 * command: the `:` line: which verb is meant, whether it may run here, and its run in a child.
 *
 * The verbs, their options and their guards are those of the command line, from the same table;
 * only what opens another session (-d, -p, …) and what needs its own terminal stays outside.
 */
#ifndef TD_COMMAND_H
#define TD_COMMAND_H

#include "session.h"
#include "token.h"
#include "words.h"

#include <stdio.h>

enum command_part { /* what a child does of a verb */
                    COMMAND_RUN,
                    COMMAND_TELL, /* says before it is asked what will be done */
                    COMMAND_SQL,  /* prints what it would send */
};

struct command {
    struct words words;
    struct session *session;
    int width;
    bool ascii;
    enum command_part part;
    bool yes;              /* somebody answered the question with y … */
    const char *confirmed; /* … or typed this name; NULL */
    /*
     * What the question was asked about: a page that is shared with the children. COMMAND_TELL
     * fills it, COMMAND_RUN goes by it; NULL: there is none.
     */
    struct run_token *token;
};

struct command_outlook { /* what is known of a command before it runs */
    char *question;      /* has to be answered first; NULL: nothing is asked */
    char *name;          /* by typing this; NULL: by a y */
    bool tells, prints;  /* it can say what will be done, and with which statements */
    bool needs_database;
    bool acts;         /* changes something */
    const char *alone; /* its name, when nobody may be connected to the database meanwhile; NULL */
    bool follows;      /* what it says has no end: the newest matters */
    bool launches;     /* a worker, which goes on by itself while the command ends at once */
};

/* A refusal says why. */
bool command_check(const struct command *command, struct command_outlook *out, struct err *err);
void command_outlook_release(struct command_outlook *outlook);

/* In a child: does its part, writes what it has to say to `out`, answers its exit status. */
int command_work(void *command, FILE *out);

/*
 * Completes a typed line: `*line` (yours) goes as far as it is certain, `*offers` (yours) says
 * what may follow, "" when there is nothing to choose.
 */
void command_complete(const char *text, char **line, char **offers);

#endif
