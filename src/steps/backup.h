/*
 * backup: a dump of the database without the journal, and what is known of it beside it.
 *
 * The figures are counted in the very snapshot that pg_dump reads. The dump has another name until
 * it is whole, durable and checked, so that a backup that has its name is one.
 */
#ifndef TD_BACKUP_H
#define TD_BACKUP_H

#include "archive.h"

struct backup_order {
    struct loop *loop;
    struct pg *pg;           /* holds the snapshot: open, in no transaction, nobody else's */
    const char *directory;   /* is made, when it is not there */
    const struct plan *plan; /* whose tables are counted; NULL: all are */
    const char *document;    /* the plan as JSON; NULL without one */
    struct run *run;         /* NULL: none */
    archive_judge_fn *judge; /* hears of the checks of the dump */
    void (*progress)(void *ctx, int64_t done, int64_t total); /* bytes */
    void (*warn)(void *ctx, const char *line);                /* what pg_dump says; raw */
    void *ctx;
};

/* `*out` is the new backup, to be released. On failure nothing is left. */
bool backup_make(const struct backup_order *order, struct archive *out, struct err *err);

#endif
