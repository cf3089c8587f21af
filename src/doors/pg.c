/*
 * pg: see pg.h. A connection that stands: its statements, their answers, and its loss.
 *
 * libpq is always in its non-blocking mode. Its cancel function does block, so that runs in a
 * thread of its own.
 */
#include "pg_parts.h"

#include "clock.h"
#include "resolve.h"
#include "text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pg_trace_fn *S_trace;
static void *S_trace_ctx;

void pg_on_trace(pg_trace_fn *trace, void *ctx)
{
    S_trace = trace;
    S_trace_ctx = ctx;
}

void pg_on_notice(struct pg *pg, pg_notice_fn *notice, void *ctx)
{
    pg->notice = notice;
    pg->notice_ctx = ctx;
}

/* ---- life ---- */

struct pg *pg_new(struct loop *loop, const struct pg_target *target,
                  const struct pg_options *options)
{
    struct pg *pg = mem_new(sizeof(*pg));
    pg->loop = loop;
    pg->target = target;
    pg->purpose = str_dup(options->purpose);
    pg->statement_timeout_ms = options->statement_timeout_ms;
    pg->lock_timeout_ms = options->lock_timeout_ms;
    pg->read_only = options->read_only;
    return pg;
}

/* Drops the socket and all that hangs on it; calls nobody. */
void pg_drop(struct pg *pg)
{
    loop_unwatch(pg->watch);
    pg->watch = NULL;
    loop_cancel(pg->patience);
    pg->patience = NULL;
    resolve_cancel(pg->resolve);
    pg->resolve = NULL;
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->phase = PHASE_CLOSED;
}

void pg_forget_statement(struct pg *pg)
{
    pg_result_free(pg->result);
    pg->result = NULL;
    str_wipe(pg->sql); /* a statement can carry what a log must not keep */
    pg->sql = NULL;
    pg->failed = pg->astray = false;
    pg->done = NULL;
}

void pg_free(struct pg *pg)
{
    if (!pg)
        return;
    pg_drop(pg);
    pg_forget_statement(pg);
    free(pg->purpose);
    free(pg->host);
    free(pg);
}

bool pg_is_ready(const struct pg *pg)
{
    return pg->phase == PHASE_READY;
}

bool pg_is_up(const struct pg *pg)
{
    return pg->phase == PHASE_READY || pg->phase == PHASE_BUSY;
}

bool pg_wants_password(const struct pg *pg)
{
    return pg->wants_password;
}

static const char *S_or_empty(const char *s)
{
    return s ? s : "";
}

const char *pg_database(const struct pg *pg)
{
    return S_or_empty(pg->conn ? PQdb(pg->conn) : NULL);
}

const char *pg_user(const struct pg *pg)
{
    return S_or_empty(pg->conn ? PQuser(pg->conn) : NULL);
}

const char *pg_host(const struct pg *pg)
{
    return S_or_empty(pg->conn ? PQhost(pg->conn) : NULL);
}

int pg_server_version(const struct pg *pg)
{
    return pg->conn ? PQserverVersion(pg->conn) : 0;
}

int64_t pg_waits_ms(const struct pg *pg)
{
    return pg->phase == PHASE_BUSY ? (clock_us() - pg->sent_at) / 1000 : 0;
}

int pg_backend_pid(const struct pg *pg)
{
    return pg->conn ? PQbackendPID(pg->conn) : 0;
}

/* Of several hosts only the one that has answered: another might be a standby. */
static const char *S_setting_in_use(const struct pg *pg, const PQconninfoOption *option)
{
    if (str_is(option->keyword, "host"))
        return PQhost(pg->conn);
    if (str_is(option->keyword, "hostaddr"))
        return option->val && PQhost(pg->conn)[0] != '/' ? PQhostaddr(pg->conn) : NULL;
    return str_is(option->keyword, "port") ? PQport(pg->conn) : option->val;
}

void pg_each_setting(const struct pg *pg, pg_setting_fn *each, void *ctx)
{
    PQconninfoOption *options = pg->conn ? PQconninfo(pg->conn) : NULL;
    for (const PQconninfoOption *o = options; o && o->keyword; o++) {
        const char *value = S_setting_in_use(pg, o);
        if (value && *value)
            each(ctx, o->keyword, o->envvar, value);
    }
    PQconninfoFree(options);
}

/* ---- errors ---- */

/* libpq ends its messages with newlines and begins some with a severity. */
static void S_copy_message(char *out, size_t size, const char *message)
{
    snprintf(out, size, "%s", message);
    text_end_whole(out);
    size_t len = strlen(out);
    while (len && (out[len - 1] == '\n' || out[len - 1] == ' '))
        out[--len] = '\0';
}

void pg_say_lost(const struct pg *pg, struct err *err)
{
    char message[sizeof(err->text) / 2];
    S_copy_message(message, sizeof(message), pg->conn ? PQerrorMessage(pg->conn) : "");
    err_set(err, ERR_LOST, "%s", *message ? message : "the connection to PostgreSQL was lost");
}

/*
 * An ERROR leaves the session as it is: then what was lost lies behind the server (a node of its
 * cluster, whatever a function connects to) and may be there again the next time.
 */
static enum err_kind S_kind_of(const PGresult *rows, const char *state)
{
    const char *severity = PQresultErrorField(rows, PG_DIAG_SEVERITY_NONLOCALIZED);
    enum err_kind kind = state ? pg_kind_of(state) : ERR_LOST;
    return kind == ERR_LOST && str_is(severity, "ERROR") ? ERR_RETRY : kind;
}

/*
 * NOT NULL and CHECK show the whole row that failed: whatever it holds would stand in logs for
 * ever.
 */
static bool S_shows_a_row(const char *state)
{
    return str_is(state, "23502") || str_is(state, "23514");
}

static void S_server_error(const PGresult *rows, struct err *err)
{
    const char *state = PQresultErrorField(rows, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(rows, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail =
        S_shows_a_row(state) ? NULL : PQresultErrorField(rows, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(rows, PG_DIAG_MESSAGE_HINT);
    char message[sizeof(err->text) / 2];
    S_copy_message(message, sizeof(message), primary ? primary : PQresultErrorMessage(rows));
    err_set(err, S_kind_of(rows, state), "%s%s%s%s", message, detail ? " (" : "",
            detail ? detail : "", detail ? ")" : "");
    if (state)
        snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", state);
    if (hint)
        err_hint(err, "%s", hint);
}

/* ---- the end of a statement ---- */

static void S_statement_over(struct pg *pg)
{
    double ms = (double)(clock_us() - pg->sent_at) / 1000;
    struct err failure = pg->failure;
    const struct err *err = pg->failed ? &failure : NULL;
    if (S_trace)
        S_trace(S_trace_ctx, pg->purpose, pg->sql, ms, err);
    struct pg_result *result = pg->result;
    pg_done_fn *done = pg->done;
    void *ctx = pg->done_ctx;
    pg->result = NULL;
    pg_forget_statement(pg);
    if (done)
        done(ctx, err ? NULL : result, err);
    pg_result_free(result);
}

/* The connection broke. Whoever waits for something on it is told so, once. */
void pg_broken(struct pg *pg, const struct err *err)
{
    enum pg_phase phase = pg->phase;
    struct err failure = *err;
    pg_drop(pg);
    if (phase == PHASE_BUSY || phase == PHASE_PINNING) {
        if (!pg->failed || pg->failure.kind != ERR_LOST)
            pg->failure = failure;
        pg->failed = true;
        S_statement_over(pg);
    }
}

/* ---- a statement under way ---- */

static void S_keep_result(struct pg *pg, PGresult *rows)
{
    ExecStatusType status = PQresultStatus(rows);
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
        if (!pg->failed)
            S_server_error(rows, &pg->failure);
        pg->failed = true;
        PQclear(rows);
        return;
    }
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
        pg->failed = pg->astray = true;
        err_set(&pg->failure, ERR_LOST, "the server began a COPY that nobody asked for");
        PQclear(rows);
        return;
    }
    pg_result_free(pg->result);
    pg->result = mem_new(sizeof(*pg->result));
    pg->result->rows = rows;
}

static void S_update_watch(struct pg *pg, bool unsent)
{
    loop_rewatch(pg->watch, PQsocket(pg->conn), (short)(POLLIN | (unsent ? POLLOUT : 0)));
}

/* Takes what the server has sent so far; returns true when the statement is over. */
static bool S_take_results(struct pg *pg)
{
    while (!PQisBusy(pg->conn)) {
        PGresult *rows = PQgetResult(pg->conn);
        if (!rows)
            return true;
        S_keep_result(pg, rows);
        if (pg->astray)
            return true;
    }
    return false;
}

void pg_on_socket(void *arg, short revents)
{
    (void)revents;
    struct pg *pg = arg;
    int unsent = PQflush(pg->conn);
    if (unsent < 0 || !PQconsumeInput(pg->conn)) {
        struct err err = {0};
        pg_say_lost(pg, &err);
        /* The server's last words (57P01) may have come in before the end of the stream. */
        if (pg->phase == PHASE_BUSY)
            S_take_results(pg);
        pg_broken(pg, &err);
        return;
    }
    S_update_watch(pg, unsent > 0);
    if (pg->phase == PHASE_READY) { /* notices, or the end of an idle connection */
        PQisBusy(pg->conn);
        return;
    }
    if (!S_take_results(pg))
        return;
    if (pg->astray || PQstatus(pg->conn) == CONNECTION_BAD) {
        struct err err = {0};
        pg_say_lost(pg, &err);
        pg_broken(pg, &err);
        return;
    }
    if (pg->phase == PHASE_BUSY)
        pg->phase = PHASE_READY;
    S_statement_over(pg);
}

/* Notes whose answer is awaited; `sent` is libpq's word on the sending. */
static void S_await(struct pg *pg, const char *sql, int sent, pg_done_fn *done, void *ctx)
{
    pg->done = done;
    pg->done_ctx = ctx;
    pg->sql = str_dup(sql);
    pg->sent_at = clock_us();
    int unsent = sent ? PQflush(pg->conn) : -1;
    if (unsent >= 0) {
        S_update_watch(pg, unsent > 0);
        return;
    }
    struct err err = {0};
    pg_say_lost(pg, &err);
    pg_broken(pg, &err);
}

void pg_send(struct pg *pg, const char *sql, const char *const *values, int count, pg_done_fn *done,
             void *ctx)
{
    int sent = count > 0 ? PQsendQueryParams(pg->conn, sql, count, NULL, values, NULL, NULL, 0)
                         : PQsendQuery(pg->conn, sql);
    S_await(pg, sql, sent, done, ctx);
}

static void S_take(struct pg *pg)
{
    if (!pg_is_ready(pg))
        die("a statement was sent on a connection that is not ready");
    pg->phase = PHASE_BUSY;
}

void pg_query(struct pg *pg, const char *sql, const char *const *values, int count,
              pg_done_fn *done, void *ctx)
{
    S_take(pg);
    pg_send(pg, sql, values, count, done, ctx);
}

void pg_query_prepared(struct pg *pg, const char *name, const char *const *values, int count,
                       pg_done_fn *done, void *ctx)
{
    S_take(pg);
    S_await(pg, name, PQsendQueryPrepared(pg->conn, name, count, values, NULL, NULL, 0), done, ctx);
}

/* ---- waiting while the loop turns ---- */

struct waiting {
    bool over, failed;
    struct err err;
    struct pg_result *result;
};

static void S_opened(void *arg, const struct err *err)
{
    struct waiting *waiting = arg;
    waiting->over = true;
    waiting->failed = err != NULL;
    if (err)
        waiting->err = *err;
}

static void S_ran(void *arg, const struct pg_result *result, const struct err *err)
{
    struct waiting *waiting = arg;
    S_opened(waiting, err);
    if (result) { /* keeps the rows; the wrapper that was lent goes its own way */
        waiting->result = mem_new(sizeof(*waiting->result));
        waiting->result->rows = ((struct pg_result *)result)->rows;
        ((struct pg_result *)result)->rows = NULL;
    }
}

bool pg_run(struct pg *pg, const char *sql, const char *const *values, int count,
            struct pg_result **out, struct err *err)
{
    if (out)
        *out = NULL;
    if (!pg_is_up(pg))
        return err_set(err, ERR_LOST, "the connection to PostgreSQL was lost");
    struct waiting waiting = {0};
    pg_query(pg, sql, values, count, S_ran, &waiting);
    while (!waiting.over)
        loop_turn(pg->loop, -1);
    if (waiting.failed)
        *err = waiting.err;
    if (out)
        *out = waiting.result;
    else
        pg_result_free(waiting.result);
    return !waiting.failed;
}

/* ---- cancelling ---- */

static void *S_cancel_thread(void *arg)
{
    char ignored[256];
    PQcancel(arg, ignored, sizeof(ignored));
    PQfreeCancel(arg);
    return NULL;
}

void pg_cancel(struct pg *pg)
{
    PGcancel *cancel = pg->phase == PHASE_BUSY ? PQgetCancel(pg->conn) : NULL;
    if (!cancel)
        return;
    pthread_t thread;
    if (pthread_create(&thread, NULL, S_cancel_thread, cancel) == 0)
        pthread_detach(thread);
    else
        PQfreeCancel(cancel);
}

/* ---- results ---- */

int pg_rows(const struct pg_result *result)
{
    return PQntuples(result->rows);
}

int pg_cols(const struct pg_result *result)
{
    return PQnfields(result->rows);
}

const char *pg_text(const struct pg_result *result, int row, int col)
{
    return S_or_empty(PQgetvalue(result->rows, row, col)); /* NULL: there is no such row */
}

bool pg_null(const struct pg_result *result, int row, int col)
{
    return PQgetisnull(result->rows, row, col);
}

int64_t pg_int(const struct pg_result *result, int row, int col)
{
    int64_t n;
    return str_to_int(pg_text(result, row, col), &n) ? n : 0;
}

double pg_float(const struct pg_result *result, int row, int col)
{
    return strtod(pg_text(result, row, col), NULL);
}

bool pg_bool(const struct pg_result *result, int row, int col)
{
    return pg_text(result, row, col)[0] == 't';
}

int pg_col(const struct pg_result *result, const char *name)
{
    int col = PQfnumber(result->rows, name);
    if (col < 0)
        die("a result has no column '%s'", name);
    return col;
}

const char *pg_name(const struct pg_result *result, int col)
{
    return PQfname(result->rows, col);
}

int64_t pg_affected(const struct pg_result *result)
{
    int64_t n;
    return str_to_int(PQcmdTuples(result->rows), &n) ? n : 0;
}

void pg_result_free(struct pg_result *result)
{
    if (!result)
        return;
    PQclear(result->rows);
    free(result);
}
