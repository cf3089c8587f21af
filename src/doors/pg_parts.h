/*
 * pg_parts: what the files of this door share: the connection from inside, and libpq itself.
 *
 * For pg.c (statements), pg_connect.c (how a session is opened) and pg_target.c (where to) alone;
 * whoever else wants PostgreSQL includes pg.h.
 *
 * A connection walks through: closed, (host name looked up), connecting, pinning (the session's
 * first statement), ready, busy, and back to closed when it is lost.
 */
#ifndef TD_PG_PARTS_H
#define TD_PG_PARTS_H

#include "pg.h"

#include <libpq-fe.h>

enum pg_phase {
    PHASE_CLOSED,
    PHASE_RESOLVING,
    PHASE_CONNECTING,
    PHASE_PINNING,
    PHASE_READY,
    PHASE_BUSY
};

struct pg {
    struct loop *loop;
    const struct pg_target *target;
    char *purpose;
    int statement_timeout_ms, lock_timeout_ms;
    bool read_only;
    char *host; /* the name that is looked up */

    enum pg_phase phase;
    PGconn *conn;
    struct watch *watch;
    struct resolve *resolve;
    struct timer *patience; /* ends an attempt to connect that takes too long */
    bool wants_password;

    pg_connected_fn *connected;
    void *connected_ctx;

    pg_done_fn *done; /* of the statement under way */
    void *done_ctx;
    char *sql;                /* of the statement under way, for the trace */
    int64_t sent_at;          /* in microseconds */
    struct pg_result *result; /* the last one of it so far */
    struct err failure;       /* … or its first error */
    bool failed;
    bool astray; /* it was answered with a COPY, which has no end here */

    pg_notice_fn *notice;
    void *notice_ctx;
};

struct pg_result {
    PGresult *rows;
};

/* Drops the socket and all that hangs on it; calls nobody. */
void pg_drop(struct pg *pg);
void pg_forget_statement(struct pg *pg);
/* The connection broke. Whoever waits for an answer on it is told so, once. */
void pg_broken(struct pg *pg, const struct err *err);
/* What libpq says of a connection that is gone. */
void pg_say_lost(const struct pg *pg, struct err *err);

/* Without looking at the phase: the session's own first statements go this way, too. */
void pg_send(struct pg *pg, const char *sql, const char *const *values, int count, pg_done_fn *done,
             void *ctx);
/* Of a connection that has been opened: takes what the server sends. */
watch_fn pg_on_socket;

/*
 * The options that conninfo and the environment give, as libpq itself reads them; PQconninfoFree()
 */
PQconninfoOption *pg_target_parse(const struct pg_target *target, struct err *err);
/* One of them; NULL: not given. */
const char *pg_target_option(const PQconninfoOption *options, const char *keyword);

#endif
