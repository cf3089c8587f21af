/*
 * pgtool: PostgreSQL's own programs, pg_dump and pg_restore, run beside a connection of ours.
 *
 * They reach the very server that the connection has reached, by PG* variables made from it. The
 * password goes that way, too: the environment of a process can be read by its user and by root
 * alone, as a passfile could, but is gone with the process, and a kill leaves no file behind.
 * Nothing of it stands in argv, which everybody may see.
 */
#ifndef TD_PGTOOL_H
#define TD_PGTOOL_H

#include "pg.h"
#include "process.h"
#include "run.h"

struct pgtool {
    char *path;
    char *version; /* "pg_dump (PostgreSQL) 15.20" */
    int major;
};

/*
 * One that understands a server of this major version: of that version where it is installed, else
 * a newer one. An older one is refused: it would fail late, or read what it does not understand.
 */
bool pgtool_find(struct loop *loop, const char *name, int major, struct pgtool *out,
                 struct err *err);
void pgtool_release(struct pgtool *tool);

struct pgtool_job {
    struct loop *loop;
    const struct pgtool *tool;
    const char *const *words; /* what follows the program's name, ended by NULL */
    const struct pg *pg;      /* whose server it goes to; NULL: it needs none */
    const char *database;     /* NULL: that of the connection */
    struct run *run;          /* notes the child, and may abort it; NULL: no run */
    process_line_fn *line;    /* hears what it says; NULL: its last lines go into the error */
    void (*tick)(void *ctx);  /* called about once a second; may be NULL */
    void *ctx;
};

/* Until it is over, while the loop turns. False unless it exits with 0. */
bool pgtool_run(const struct pgtool_job *job, struct err *err);

/* The conninfo word that names a database, whatever is in its name; yours. */
char *pgtool_database_word(const char *database);

#endif
