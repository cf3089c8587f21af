/*
 * undo: takes back what steps have done, from the records they wrote before they did it.
 *
 * Backwards, record by record: each statement runs in one transaction with the note that it did, or
 * alone where the server wants it so (CONCURRENTLY), and is then known by the catalog. Before the
 * first statement everything is asked that could forbid it: duplicates under an old key, objects that
 * others have built on ours.
 */
#ifndef TD_UNDO_H
#define TD_UNDO_H

#include "run.h"

/* Of a rollback: asks the preconditions once, before its first step. Of other runs: nothing. */
bool undo_prepare(struct run *run, struct err *err);
/* Takes back what run->step's name has records of. */
bool undo_step(struct run *run, struct err *err);

struct undo_plan {      /* what a rollback would take back, for the prompt and the dry run */
    const char **steps; /* names, the last done first */
    size_t step_count;
    const char **statements; /* in the order in which they would run */
    const char **owners;     /* … and the step of each */
    bool *is_sql;            /* else it is a command, or a pattern of Redis keys */
    size_t statement_count;
};

/* `to`: what stays, with all before it; NULL: nothing stays. */
bool undo_read(struct pg *pg, const struct plan *plan, const char *to, bool preserve_data,
               struct arena *arena, struct undo_plan *out, struct err *err);

/* Rows written since the migration, over all tables; -1: nothing was noted, so nobody knows. */
bool undo_rows_since(struct pg *pg, const char *document, int64_t *rows, struct buf *by_table,
                     struct err *err);

#endif
