/*
 * token: what a question was asked about, so that what was shown is what runs.
 *
 * Read before the question is put, and compared before anything is done: the files of the plan, the
 * database by its server's own identity, the role, the journal's generation, and how far the steps
 * were. The worker compares the part that others may change once more, when it holds the runner's
 * lock.
 */
#ifndef TD_TOKEN_H
#define TD_TOKEN_H

#include "journal.h"
#include "plan.h"

enum { TOKEN_HASH_SIZE = 65, TOKEN_TEXT_SIZE = 512 };

struct run_token { /* plain memory: it goes through a pipe or a shared page as it is */
    bool taken;
    char plan[TOKEN_HASH_SIZE];   /* of its files; "" without a plan */
    char ground[TOKEN_TEXT_SIZE]; /* role, database, server */
    char generation[37];          /* of the journal; "": there was none */
    char steps[TOKEN_TEXT_SIZE];  /* epoch of the plan's lease, digest of the steps' states */
    char sql[TOKEN_HASH_SIZE];    /* of the statements that were shown; "": none were … */
    char mode[8];                 /* … as they are sent in this mode */
    char warns[160];              /* what the question itself has to say; "": nothing */
};

/* `plan` may be NULL. */
bool run_token_take(struct pg *pg, const struct plan *plan, struct run_token *out, struct err *err);
/* ERR_REFUSED, and what has changed, unless all of it is as it was; `sql` is not looked at. */
bool run_token_check(struct pg *pg, const struct plan *plan, const struct run_token *token,
                     struct err *err);
/* The same for what other runners change, for who holds the lock of plan `name`. */
bool run_token_check_steps(struct pg *pg, const char *name, const struct run_token *token,
                           struct err *err);

/* SHA-256 of a text, in hex. */
void run_token_digest(const char *text, size_t length, char out[static TOKEN_HASH_SIZE]);
bool run_token_refuse(const char *what, struct err *err); /* "the plan's files have"; false */

#endif
