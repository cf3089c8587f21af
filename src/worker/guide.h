/*
 * guide: what a person has to know before a rollback: what is found now, what would be taken back
 * in which order, what nobody can take back, what would be lost, and whether it can be done at all.
 *
 * Only reads. What could not be found out is -1 or says so, and never looks like good news.
 */
#ifndef TD_GUIDE_H
#define TD_GUIDE_H

#include "undo.h"

enum { GUIDE_MOMENTS = 0, GUIDE_UNKNOWN = -1 };

struct guide_step {
    const char *name, *state;
    const char *objects; /* "12 indexes"; NULL: it has changed nothing that can be taken back */
    const char *needs;   /* what only a restore takes back; NULL */
    int64_t run, ended_at;
    int64_t ms;     /* how long it may take; GUIDE_MOMENTS, GUIDE_UNKNOWN */
    bool as_before; /* a rollback has been through it already, and took so long */
};

struct guide_loss { /* of a table */
    const char *table;
    int64_t rows;        /* GUIDE_UNKNOWN */
    const char *trouble; /* why not; NULL */
};

struct guide_check {
    const char *verdict, *name, *subject, *message, *samples, *fix;
    int64_t count;
};

struct guide_backup {
    const char *path, *taken_at; /* NULL: there is none of this database on this host */
    const char *directory;
    bool whole;     /* its size is what was noted when it was checked */
    int64_t age_ms; /* GUIDE_UNKNOWN */
};

struct guide {
    struct arena *arena;
    struct undo_choice choice;
    struct undo_plan undo;
    const char *run; /* the last one, in words; NULL: none */
    int64_t tables, columns, wanted;
    struct guide_step *steps; /* all that the journal knows, in the plan's order */
    size_t step_count;
    bool counted; /* the rows below were asked for, and something was noted to count from */
    int64_t rows; /* GUIDE_UNKNOWN when that of one table is not known */
    struct guide_loss *losses; /* tables with such rows, or of which nobody knows */
    size_t loss_count;
    struct guide_check *checks;
    size_t check_count;
    size_t pass, warn, fail, unknown;
    struct guide_backup backup;
};

/* What can be told at once; the arena is yours to free, also after a failure. */
bool guide_read(struct pg *pg, const struct plan *plan, const struct undo_choice *choice,
                const char *backup_directory, struct guide *out, struct err *err);
/* What reads the tables: it may take a while, and what takes too long is not known. */
bool guide_count_losses(struct pg *pg, const struct plan *plan, struct guide *guide,
                        struct err *err);
/* `triggers`: the application's may fire, somebody has said so. */
bool guide_check(struct pg *pg, const struct plan *plan, bool triggers, struct guide *guide,
                 struct err *err);

const struct guide_step *guide_find(const struct guide *guide, const char *step); /* or NULL */
/* Of all that would be taken back; GUIDE_UNKNOWN when that of one step is not known. */
int64_t guide_time(const struct guide *guide);

#endif
