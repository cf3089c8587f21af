/*
 * restore: puts a backup in a database's place, and keeps the database that was there.
 *
 * The backup is loaded into a database of another name, compared with the figures taken when it was
 * made, and only then the two names are swapped, in one transaction. Until that moment nothing of
 * the old database is touched; afterwards it is still there, under a name that says so. While
 * anybody is connected to it nothing is swapped, and nobody is ever disconnected.
 */
#ifndef TD_RESTORE_H
#define TD_RESTORE_H

#include "archive.h"

struct restore_order {
    struct loop *loop;
    struct session *session;
    struct pg *pg;        /* of a restore_link */
    const char *database; /* whose place it takes */
    const struct archive *archive;
    int jobs;                                      /* of pg_restore; 1: in one transaction */
    bool force;                                    /* of another database or server: never mind */
    void (*tell)(void *ctx, const char *sentence); /* what goes on; raw text */
    void *ctx;
};

struct restore_result {
    char *before;     /* what the old database is called now; NULL: there was none */
    char *drop;       /* the statement that drops it */
    char *back[2];    /* those that take the restore back, in order */
    int64_t rows;     /* counted and compared */
    bool continued;   /* of a restore that had been cut off */
    char *no_journal; /* why there is no journal in it; NULL: there is one */
};

/*
 * A connection to the same server, but to another database than the one in question. Asks for a
 * password when it must, and keeps it in the session. It is not to be moved while it is in use.
 */
struct restore_link {
    struct session other; /* only its database is its own */
    struct pg *pg;
};
bool restore_connect(struct restore_link *link, struct loop *loop, struct session *session,
                     const char *database, session_ask_fn *ask, void *ask_ctx, struct err *err);
void restore_disconnect(struct restore_link *link);

/* What a restore would meet, looked at from beside the database. */
struct restore_view {
    char *ground;  /* server, database and backup: where it is another one, so is the restore */
    char *time;    /* that it will take, and how that is known */
    int64_t size;  /* of the database in bytes; -1: there is none, or it may not be known */
    char *who;     /* is connected to it, in words; "" when nobody is */
    int connected; /* how many, sessions of ours (which come and go) not among them … */
    int ours;      /* … but here */
};
bool restore_look(struct pg *pg, const char *database, const struct archive *archive,
                  struct restore_view *out, struct err *err);
void restore_view_release(struct restore_view *view);

bool restore_run(const struct restore_order *order, struct restore_result *out, struct err *err);
void restore_result_release(struct restore_result *result);

/* Gives up an unfinished restore of this database: what it has loaded is dropped. */
bool restore_abandon(struct pg *pg, const char *database, struct err *err);

#endif
