/*
 * verb: the table of everything the program can be told to do.
 *
 * The command line, the console's `:` line and its keys, the help, the completion and the manual
 * all read this one table; the guards (what it needs, which kinds of plan it serves, whether it
 * changes anything) are fields in it. A verb writes to the stream it is given and knows no screen.
 */
#ifndef TD_VERB_H
#define TD_VERB_H

#include "loop.h"
#include "session.h"
#include "text.h"
#include "token.h"

#include <jansson.h>
#include <stdio.h>

enum verb_needs {
    NEEDS_DATABASE = 1, /* refused when it does not answer */
    NEEDS_REDIS = 2,    /* refused when none is named */
    NEEDS_PLAN = 4,     /* refused when none is named */
    SHOWS_ALL = 8,      /* shows whatever of the three there is */
    NEEDS_SERVER = 16,  /* Redis under a plan of kind cache, else the database */
};

enum verb_effect {
    READS,       /* changes nothing anywhere */
    REVERSIBLE,  /* asks y/N; --yes answers */
    DESTRUCTIVE, /* asks for the name of the database; --confirm=NAME answers, --yes never does */
};

struct verb_option {
    const char *name; /* "exact": given as --exact */
    const char *arg;  /* what follows it in the help ("N"; "[=NAME]": it may be left out) */
    const char *note;
    char letter; /* 'f': given as -f, too; 0: none */
};

enum { VERB_OPTIONS = 16, ALL_KINDS = (1 << PLAN_KINDS) - 1 };

struct verb_call {
    const struct verb *verb;
    struct loop *loop;
    struct session *session;
    const char *const *args; /* what came after the verb's own words, options taken out */
    size_t arg_count;
    const char *option_values[VERB_OPTIONS]; /* "" for a switch that was given; NULL: not given */
    FILE *out;
    int width;  /* of the terminal, or as COLUMNS has it; 0: neither, so nothing is cut */
    bool ascii; /* no UTF-8 */
    bool json, yes;
    struct run_token *token; /* what the question was asked about; NULL: nobody was asked */
    const char *confirmed;   /* what was typed as the database's name; NULL: nothing was */
    session_ask_fn *ask;     /* for a password the server wants; NULL: nobody can be asked */
    void *ask_ctx;
    char shown[40]; /* the start of the session that `tell` has shown; "": it has shown none */
    bool findings;  /* set by the verb: it worked, and found something: exit code 1 */
};

struct verb {
    const char *name; /* "plan check" */
    const char *args; /* "[PLAN]", for the help; "" for none */
    int min_args, max_args;
    const char *summary; /* a line without a full stop */
    const char *manual;  /* paragraphs for the manual page, parted by blank lines */
    unsigned needs;      /* of enum verb_needs */
    unsigned kinds;      /* 1 << PLAN_COLUMNS | …; ALL_KINDS */
    enum verb_effect effect;
    const char *acts;     /* an option without which it only reads; NULL: it acts without any */
    const char *destroys; /* an option with which it is DESTRUCTIVE, being REVERSIBLE else; NULL */
    /* Where it takes more than one option to know; NULL: `effect`. */
    enum verb_effect (*weigh)(const struct verb_call *call);
    const char *question; /* of one that changes something: what it will do, without the '?' */
    /* Says before it is asked what will be done; NULL: the question says it all. */
    bool (*tell)(struct verb_call *call, struct err *err);
    bool alone;        /* nobody may be connected to the database; a console lets go of it */
    bool json;         /* it answers --json */
    const char *group; /* heading in the help: "Look", "Plan", … */
    struct verb_option options[VERB_OPTIONS];
    /* NULL: only the command line can do it (demo: it opens its own servers) */
    bool (*run)(struct verb_call *call, struct err *err);
};

/* The table: from 0 on, below verb_count(). */
const struct verb *verb_at(size_t i);
size_t verb_count(void);

/* The options of the command line that belong to no single verb. */
extern const struct verb_option common_options[];
extern const size_t common_option_count;

/*
 * The verb that the words start with (the longest match: "plan check" before "plan"); `*used` says
 * how many words are its name. NULL: there is none, and err suggests the nearest.
 */
const struct verb *verb_find(const char *const *words, size_t count, size_t *used, struct err *err);

/* The value of an option of this call: NULL when it was not given. A name not in the table dies. */
const char *verb_option(const struct verb_call *call, const char *name);

/*
 * The guards, in one place: number of arguments, --json, needs, kinds, the y/N of a verb that
 * changes something (call->yes must be set by then). Then the verb itself.
 */
bool verb_run(struct verb_call *call, struct err *err);

/* The same guards without running: what a prompt wants to know before it asks. */
bool verb_allowed(const struct verb_call *call, struct err *err);

/* What this call does: of a verb that changes something, --dry-run only reads. */
enum verb_effect verb_call_effect(const struct verb_call *call);

/* It is about Redis alone, and no database is asked. */
bool verb_is_of_redis(const struct verb_call *call);
/* Where it works: "mentoring@db1", or of Redis "cache1:6379/0"; yours. */
char *verb_place(const struct verb_call *call);
/*
 * What comes before the question: notes in `token`, which becomes the call's, what it is asked
 * about, and has the verb say what it will do. verb_run() refuses when that has changed.
 */
bool verb_tell(struct verb_call *call, struct run_token *token, struct err *err);

/*
 * What has to be typed for a DESTRUCTIVE verb: the name of the database, or Redis's place; yours.
 */
char *verb_confirmation(const struct verb_call *call);

/* Prints an answer of --json, with "ok": true and the plan's name before it. Takes `answer`. */
void verb_answer(struct verb_call *call, json_t *answer);
/* Text of a server or a file as JSON, which must be UTF-8; NULL becomes null. */
json_t *verb_json_text(const char *raw);

/* A connection to the session's database for this verb; asks for a password when it must. */
bool verb_connect(struct verb_call *call, struct pg **out, struct err *err);

#endif
