/*
 * undo: takes back what steps have done, from the records they wrote before they did it.
 *
 * Backwards, record by record: each statement runs in one transaction with the note that it did, or
 * alone where the server wants it so (CONCURRENTLY), and is then known by the catalog. Before the
 * first statement everything is asked that could forbid it: duplicates under an old key, objects
 * that others have built on ours.
 */
#ifndef TD_UNDO_H
#define TD_UNDO_H

#include "run.h"

/* Of a rollback: asks the preconditions once, before its first step. Of other runs: nothing. */
bool undo_prepare(struct run *run, struct err *err);
/* Takes back what run->step's name has records of. */
bool undo_step(struct run *run, struct err *err);

struct undo_choice {    /* how much of it */
    const char *to;     /* what stays, with all before it; NULL: nothing stays */
    const char *only;   /* this step and no other; NULL: all that `to` leaves */
    bool preserve_data; /* the columns stay, with what they hold */
};

struct undo_plan {      /* what a rollback would take back, for the guide and the dry run */
    const char **steps; /* names, the last done first */
    size_t step_count;
    const char **statements; /* in the order in which they would run */
    const char **owners;     /* … and the step of each */
    bool *is_sql;            /* else it is a command, or a pattern of Redis keys */
    size_t statement_count;
    bool drops_columns; /* and with them the codes of every row */
};

bool undo_read(struct pg *pg, const struct plan *plan, const struct undo_choice *choice,
               struct arena *arena, struct undo_plan *out, struct err *err);

/*
 * May that step be taken back while those after it stay? `states` are those of `defs`, the plan's
 * steps in their order (NULL: never done). The refusal names the step that stands on it.
 */
bool undo_stands_alone(const struct step_def *const *defs, const char *const *states, size_t count,
                       const char *step, struct err *err);

/* The plan as JSON with what would be taken back of it, as check_undo takes it; yours. */
char *undo_document(const struct plan *plan, const char *const *steps, size_t count,
                    bool preserve_data);

#endif
