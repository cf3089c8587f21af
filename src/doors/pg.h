/*
 * pg: the only door to libpq.
 *
 * A `struct pg` is one connection that lives in a loop and never blocks: not while it connects,
 * not while a statement runs for an hour, not while it is cancelled. One statement at a time.
 * Every session pins what others could bend: search_path (so that no look-alike function of a
 * hostile schema is called), row_security = off (a policy becomes an error, never a subset), how
 * literals are read and values written, the time zone, the timeouts, and application_name
 * 'tenantdeck <role of this connection>'.
 *
 * Texts of results and errors are raw bytes of the server; they are sanitised where they are shown.
 */
#ifndef TD_PG_H
#define TD_PG_H

#include "err.h"
#include "loop.h"

struct pg;
struct pg_result;

/* Where to. Made by deck.c; the connection copies what it keeps. */
struct pg_target {
    char *conninfo; /* libpq's own words: URL or keywords; "" leaves all to PG* and defaults */
    char *password; /* from the prompt, kept out of conninfo; NULL: none was asked for */
};

void pg_target_release(struct pg_target *target);
/* "mentoring@db1:5432 as dba", without a password, for banners and errors; yours to free. */
char *pg_target_describe(const struct pg_target *target);
/* The name of the database it leads to, without asking the server; "" when it cannot be read. */
char *pg_target_database(const struct pg_target *target);
/* Another database of the same server, with the same rights; to be released like any target. */
bool pg_target_elsewhere(const struct pg_target *target, const char *database,
                         struct pg_target *out, struct err *err);

struct pg_options {
    const char *purpose;      /* "sampler", "counter", "worker", ...; shown in pg_stat_activity */
    int statement_timeout_ms; /* 0: none */
    int lock_timeout_ms;      /* 0: none */
    bool read_only;           /* default_transaction_read_only = on */
};

/* Opens no socket yet. The target must outlive the connection; the options are copied. */
struct pg *pg_new(struct loop *loop, const struct pg_target *target,
                  const struct pg_options *options);
void pg_free(struct pg *pg); /* NULL is fine; pending callbacks are not called */

/* ---- connecting ---- */

/* Called once per pg_connect(): err is NULL when the session is open and pinned. */
typedef void pg_connected_fn(void *ctx, const struct err *err);

/* Starts (or starts again, after a loss). Gives up after `timeout_ms`. */
void pg_connect(struct pg *pg, int timeout_ms, pg_connected_fn *connected, void *ctx);
/* Connects and turns the loop until it is known. */
bool pg_open(struct pg *pg, int timeout_ms, struct err *err);

bool pg_is_ready(const struct pg *pg); /* connected, and no statement under way */
bool pg_is_up(const struct pg *pg);    /* connected, idle or busy */
/* The last attempt failed because the server wants a password and none was there. */
bool pg_wants_password(const struct pg *pg);
void pg_close(struct pg *pg); /* drops the socket; a pending callback gets ERR_LOST */

const char *pg_database(const struct pg *pg); /* borrowed until the next connect; "" when down */
const char *pg_user(const struct pg *pg);
const char *pg_host(const struct pg *pg);   /* a directory for a unix socket */
int64_t pg_waits_ms(const struct pg *pg);   /* for the answer that is under way; 0: for none */
int pg_server_version(const struct pg *pg); /* 150018; 0 when down */
int pg_backend_pid(const struct pg *pg);

/*
 * The settings of a live connection, its password included, so that a program of PostgreSQL's own
 * reaches the very same server: keyword, the variable that sets it ("PGHOST"; NULL: none does),
 * value.
 */
typedef void pg_setting_fn(void *ctx, const char *keyword, const char *variable, const char *value);
void pg_each_setting(const struct pg *pg, pg_setting_fn *each, void *ctx);

/* ---- statements ---- */

/* One of result and err is set; both are borrowed for the time of the call. */
typedef void pg_done_fn(void *ctx, const struct pg_result *result, const struct err *err);

/*
 * Sends a statement with `count` text parameters ($1, $2, ...; a NULL value is SQL's NULL). With no
 * parameters the text may hold several statements; they then run in one implicit transaction, and
 * the last result counts. The connection must be ready.
 */
void pg_query(struct pg *pg, const char *sql, const char *const *values, int count,
              pg_done_fn *done, void *ctx);

/* Executes what the session itself has prepared under that name. */
void pg_query_prepared(struct pg *pg, const char *name, const char *const *values, int count,
                       pg_done_fn *done, void *ctx);

/*
 * As pg_query(), waiting while the loop turns (so heartbeats and keys go on). `*out` is yours to
 * free with pg_result_free(), and NULL when it failed; pass NULL when it does not matter.
 */
bool pg_run(struct pg *pg, const char *sql, const char *const *values, int count,
            struct pg_result **out, struct err *err);

/* Asks the server to cancel the running statement; its callback then gets SQLSTATE 57014. */
void pg_cancel(struct pg *pg);

int pg_rows(const struct pg_result *result);
int pg_cols(const struct pg_result *result);
const char *pg_text(const struct pg_result *result, int row, int col); /* "" for NULL */
bool pg_null(const struct pg_result *result, int row, int col);
int64_t pg_int(const struct pg_result *result, int row, int col); /* 0 for NULL or no number */
double pg_float(const struct pg_result *result, int row, int col);
bool pg_bool(const struct pg_result *result, int row, int col);
int pg_col(const struct pg_result *result, const char *name); /* its number; dies if missing */
const char *pg_name(const struct pg_result *result, int col); /* of a column */
int64_t pg_affected(const struct pg_result *result);
void pg_result_free(struct pg_result *result); /* NULL is fine */

/* ---- watching ---- */

/* Server messages (WARNING, NOTICE) of this connection; the text is borrowed. */
typedef void pg_notice_fn(void *ctx, const char *severity, const char *text);
void pg_on_notice(struct pg *pg, pg_notice_fn *notice, void *ctx);

/* Every statement that any connection has sent, with its time: --verbose, and the Log pane. */
typedef void pg_trace_fn(void *ctx, const char *purpose, const char *sql, double ms,
                         const struct err *err);
void pg_on_trace(pg_trace_fn *trace, void *ctx);

/* ---- errors: pg_error.c ---- */

/* The error kind that belongs to an SQLSTATE: the retry list of the worker stands here. */
enum err_kind pg_kind_of(const char *sqlstate);
/* Says what to do about a connection that could not be had, unless there is a hint already. */
void pg_hint_connect(struct err *err);

#endif
