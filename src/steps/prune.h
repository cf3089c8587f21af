/*
 * prune: which backups of a database are no longer wanted, and their removal.
 *
 * Only whole backups of that one database count, the newest of them stay. Before anything goes the
 * newest is read from its first byte to its last: old backups are not given up for a broken one.
 */
#ifndef TD_PRUNE_H
#define TD_PRUNE_H

#include "archive.h"

struct prune_plan {
    char *directory;
    char **goes; /* names, the oldest first */
    size_t count;
    char *newest;  /* the one that has to be in order; NULL: there is none */
    size_t kept;   /* whole ones of this database that stay */
    size_t others; /* left alone: of another database, unfinished, damaged, wanted by a restore */
    int64_t bytes; /* of those that go */
};

/* What `keep` newest (at least 1) would leave over. */
bool prune_read(const char *directory, const char *database, size_t keep, struct prune_plan *out,
                struct err *err);
void prune_release(struct prune_plan *plan);

/* Removes them; `*removed` says how many are gone even when not all could be. */
bool prune_run(const struct prune_plan *plan, struct loop *loop, size_t *removed, struct err *err);

#endif
