/*
 * pg: see pg.h. The only file that includes libpq.
 *
 * A connection walks through: closed, (host name looked up), connecting, pinning (the session's
 * first statement), ready, busy, and back to closed when it is lost. libpq is always in its
 * non-blocking mode. Its cancel function does block, so that runs in a thread of its own.
 */
#include "pg.h"

#include "clock.h"
#include "resolve.h"
#include "secret.h"
#include "sql.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- targets ---- */

void pg_target_release(struct pg_target *target)
{
    str_wipe(target->conninfo);
    str_wipe(target->password);
    *target = (struct pg_target){0};
}

static bool S_is_connection_string(const char *conninfo)
{
    return strchr(conninfo, '=') || str_starts(conninfo, "postgres://") ||
           str_starts(conninfo, "postgresql://");
}

/* The options that conninfo and the environment give, as libpq itself reads them. */
static PQconninfoOption *S_parse(const struct pg_target *target, struct err *err)
{
    const char *given = target->conninfo ? target->conninfo : "";
    char *wrong = NULL;
    PQconninfoOption *options;
    if (S_is_connection_string(given))
        options = PQconninfoParse(given, &wrong);
    else
        options = PQconndefaults();
    if (!options) {
        /* libpq repeats the part that it stumbled over, which may be of a password. */
        err_set(err, ERR_USAGE, "the connection string cannot be read%s%s",
                wrong && !secret_inside(given) ? ": " : "",
                wrong && !secret_inside(given) ? wrong : "");
        err_hint(err, "give a URL, keyword=value pairs, or the name of a database; in a URL, write "
                      "special characters as %%XX");
        PQfreemem(wrong);
    }
    return options;
}

static const char *S_option(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (str_is(o->keyword, keyword) && o->val && *o->val)
            return o->val;
    return NULL;
}

char *pg_target_describe(const struct pg_target *target)
{
    struct err ignored = {0};
    const char *given = target->conninfo ? target->conninfo : "";
    PQconninfoOption *options = S_parse(target, &ignored);
    if (!options)
        return str_dup("(unreadable)");
    const char *database = S_option(options, "dbname"), *host = S_option(options, "host");
    const char *service = S_option(options, "service");
    if (!S_is_connection_string(given) && *given)
        database = given;
    struct buf b = {0};
    if (service)
        buf_format(&b, "service %s", service);
    else
        buf_format(&b, "%s@%s", database ? database : "?", host && host[0] != '/' ? host : "local");
    PQconninfoFree(options);
    return buf_take(&b);
}

/*
 * libpq alone knows how URL, service file and variables add up. It is made to look at an address of
 * this host where nobody listens: what counts is what it has read before it tries.
 */
char *pg_target_database(const struct pg_target *target)
{
    const char *given = target->conninfo ? target->conninfo : "";
    const char *keywords[] = {"dbname", "host", "hostaddr", "port", NULL};
    const char *values[] = {*given ? given : NULL, "localhost", "127.0.0.1", "1", NULL};
    PGconn *conn = PQconnectStartParams(keywords, values, 1);
    char *name = str_dup(conn && PQdb(conn) ? PQdb(conn) : "");
    PQfinish(conn);
    return name;
}

static void S_add_setting(struct buf *out, const char *keyword, const char *value)
{
    buf_format(out, "%s%s='", out->len ? " " : "", keyword);
    for (const char *c = value; *c; c++) {
        if (*c == '\'' || *c == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *c);
    }
    buf_add_char(out, '\'');
}

bool pg_target_elsewhere(const struct pg_target *target, const char *database,
                         struct pg_target *out, struct err *err)
{
    const char *given = target->conninfo ? target->conninfo : "";
    struct buf conninfo = {0};
    if (S_is_connection_string(given)) {
        PQconninfoOption *options = S_parse(target, err);
        if (!options)
            return false;
        for (const PQconninfoOption *o = options; o->keyword; o++)
            if (o->val && *o->val && !str_is(o->keyword, "dbname"))
                S_add_setting(&conninfo, o->keyword, o->val);
        PQconninfoFree(options);
    }
    S_add_setting(&conninfo, "dbname", database);
    *out = (struct pg_target){.conninfo = buf_take(&conninfo),
                              .password = str_dup(target->password)};
    return true;
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
static void S_drop(struct pg *pg)
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

static void S_forget_statement(struct pg *pg)
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
    S_drop(pg);
    S_forget_statement(pg);
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
    size_t len = strlen(out);
    while (len && (out[len - 1] == '\n' || out[len - 1] == ' '))
        out[--len] = '\0';
}

static void S_lost(const struct pg *pg, struct err *err)
{
    char message[sizeof(err->text) / 2];
    S_copy_message(message, sizeof(message), pg->conn ? PQerrorMessage(pg->conn) : "");
    err_set(err, ERR_LOST, "%s", *message ? message : "the connection to PostgreSQL was lost");
}

static void S_server_error(const PGresult *rows, struct err *err)
{
    const char *state = PQresultErrorField(rows, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(rows, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(rows, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(rows, PG_DIAG_MESSAGE_HINT);
    char message[sizeof(err->text) / 2];
    S_copy_message(message, sizeof(message), primary ? primary : PQresultErrorMessage(rows));
    err_set(err, state ? pg_kind_of(state) : ERR_LOST, "%s%s%s%s", message, detail ? " (" : "",
            detail ? detail : "", detail ? ")" : "");
    if (state)
        snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", state);
    if (hint)
        err_hint(err, "%s", hint);
}

/* ---- the end of things: a connection attempt, a statement ---- */

static void S_connect_over(struct pg *pg, const struct err *err)
{
    pg_connected_fn *connected = pg->connected;
    void *ctx = pg->connected_ctx;
    pg->connected = NULL;
    loop_cancel(pg->patience);
    pg->patience = NULL;
    if (connected)
        connected(ctx, err);
}

static void S_connect_failed(struct pg *pg, struct err *err)
{
    pg_hint_connect(err);
    S_drop(pg);
    S_forget_statement(pg); /* of the pinning, when that is what was waited for */
    S_connect_over(pg, err);
}

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
    S_forget_statement(pg);
    if (done)
        done(ctx, err ? NULL : result, err);
    pg_result_free(result);
}

/* The connection broke. Whoever waits for something on it is told so, once. */
static void S_broken(struct pg *pg, const struct err *err)
{
    enum pg_phase phase = pg->phase;
    struct err failure = *err;
    S_drop(pg);
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

static void S_on_socket(void *arg, short revents)
{
    (void)revents;
    struct pg *pg = arg;
    int unsent = PQflush(pg->conn);
    if (unsent < 0 || !PQconsumeInput(pg->conn)) {
        struct err err = {0};
        S_lost(pg, &err);
        /* The server's last words (57P01) may have come in before the end of the stream. */
        if (pg->phase == PHASE_BUSY)
            S_take_results(pg);
        S_broken(pg, &err);
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
        S_lost(pg, &err);
        S_broken(pg, &err);
        return;
    }
    if (pg->phase == PHASE_BUSY)
        pg->phase = PHASE_READY;
    S_statement_over(pg);
}

static void S_send(struct pg *pg, const char *sql, const char *const *values, int count,
                   pg_done_fn *done, void *ctx)
{
    pg->done = done;
    pg->done_ctx = ctx;
    pg->sql = str_dup(sql);
    pg->sent_at = clock_us();
    int sent = count > 0 ? PQsendQueryParams(pg->conn, sql, count, NULL, values, NULL, NULL, 0)
                         : PQsendQuery(pg->conn, sql);
    int unsent = sent ? PQflush(pg->conn) : -1;
    if (unsent >= 0) {
        S_update_watch(pg, unsent > 0);
        return;
    }
    struct err err = {0};
    S_lost(pg, &err);
    S_broken(pg, &err);
}

void pg_query(struct pg *pg, const char *sql, const char *const *values, int count,
              pg_done_fn *done, void *ctx)
{
    if (!pg_is_ready(pg))
        die("a statement was sent on a connection that is not ready");
    pg->phase = PHASE_BUSY;
    S_send(pg, sql, values, count, done, ctx);
}

/* ---- connecting ---- */

static void S_pinned(void *arg, const struct pg_result *result, const struct err *err)
{
    (void)result;
    struct pg *pg = arg;
    if (err) {
        struct err failure = *err;
        err_context(&failure, "the session could not be set up");
        S_connect_failed(pg, &failure);
        return;
    }
    pg->phase = PHASE_READY;
    S_connect_over(pg, NULL);
}

static void S_begun(void *arg, const struct pg_result *result, const struct err *err)
{
    struct pg *pg = arg;
    if (err) {
        S_pinned(arg, result, err);
        return;
    }
    char statement_timeout[16], lock_timeout[16];
    snprintf(statement_timeout, sizeof(statement_timeout), "%d", pg->statement_timeout_ms);
    snprintf(lock_timeout, sizeof(lock_timeout), "%d", pg->lock_timeout_ms);
    const char *values[] = {statement_timeout, lock_timeout, pg->read_only ? "on" : "off"};
    S_send(pg, sql_get("session_pin"), values, 3, S_pinned, pg);
}

static void S_pin(struct pg *pg)
{
    PQsetnonblocking(pg->conn, 1);
    pg->phase = PHASE_PINNING;
    S_send(pg, sql_get("session_begin"), NULL, 0, S_begun, pg);
}

static void S_on_connecting(void *arg, short revents);

static void S_poll_connection(struct pg *pg)
{
    struct err err = {0};
    PostgresPollingStatusType status = PQconnectPoll(pg->conn);
    if (status == PGRES_POLLING_FAILED) {
        S_lost(pg, &err);
        pg->wants_password = PQconnectionNeedsPassword(pg->conn);
        S_connect_failed(pg, &err);
        return;
    }
    /* libpq may have opened another socket (a second address, SSL again without SSL). */
    loop_unwatch(pg->watch);
    if (status == PGRES_POLLING_OK) {
        pg->watch = loop_watch(pg->loop, PQsocket(pg->conn), POLLIN, S_on_socket, pg);
        S_pin(pg);
        return;
    }
    short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    pg->watch = loop_watch(pg->loop, PQsocket(pg->conn), events, S_on_connecting, pg);
}

static void S_on_connecting(void *arg, short revents)
{
    (void)revents;
    S_poll_connection(arg);
}

static void S_on_server_notice(void *arg, const PGresult *rows)
{
    struct pg *pg = arg;
    const char *severity = PQresultErrorField(rows, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *text = PQresultErrorField(rows, PG_DIAG_MESSAGE_PRIMARY);
    if (pg->notice && text)
        pg->notice(pg->notice_ctx, severity ? severity : "NOTICE", text);
}

static void S_too_slow(void *arg)
{
    struct pg *pg = arg;
    pg->patience = NULL;
    struct err err = {0};
    err_set(&err, ERR_LOST, "PostgreSQL did not answer in time");
    err_hint(&err, "is the host reachable? a firewall that drops packets looks like this");
    S_connect_failed(pg, &err);
}

/* `addresses` are the numeric forms of `hosts`, with commas; both NULL: libpq needs no look-up. */
static void S_begin(struct pg *pg, const char *hosts, const char *addresses)
{
    const char *given = pg->target->conninfo ? pg->target->conninfo : "";
    char *application = str_format("tenantdeck %s", pg->purpose);
    /* Later ones win; dbname is expanded as a connection string when it is one. The keepalives tell
     * of a host that vanished while it counted for us, which nothing else would. */
    const char *keywords[] = {"keepalives_idle",
                              "keepalives_interval",
                              "keepalives_count",
                              "dbname",
                              "password",
                              "application_name",
                              "client_encoding",
                              "host",
                              "hostaddr",
                              "tcp_user_timeout",
                              NULL};
    const char *values[] = {"10",
                            "5",
                            "4",
                            *given ? given : NULL,
                            pg->target->password,
                            application,
                            "UTF8",
                            hosts,
                            addresses,
                            "30000",
                            NULL};
    pg->conn = PQconnectStartParams(keywords, values, 1);
    free(application);
    pg->phase = PHASE_CONNECTING;
    struct err err = {0};
    if (!pg->conn)
        die("out of memory: libpq could not make a connection");
    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        S_lost(pg, &err);
        S_connect_failed(pg, &err);
        return;
    }
    PQsetNoticeReceiver(pg->conn, S_on_server_notice, pg);
    pg->watch = loop_watch(pg->loop, PQsocket(pg->conn), POLLOUT, S_on_connecting, pg);
}

static void S_resolved(void *arg, const struct addrinfo *addresses, const struct err *err)
{
    struct pg *pg = arg;
    pg->resolve = NULL;
    if (err) {
        struct err failure = *err;
        S_connect_failed(pg, &failure);
        return;
    }
    /* All of them: 'localhost' may be ::1 first, where nobody listens. */
    struct buf hosts = {0}, numbers = {0};
    for (const struct addrinfo *a = addresses; a; a = a->ai_next) {
        char numeric[NI_MAXHOST];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, numeric, sizeof(numeric), NULL, 0,
                        NI_NUMERICHOST))
            continue;
        buf_format(&hosts, "%s%s", hosts.len ? "," : "", pg->host);
        buf_format(&numbers, "%s%s", numbers.len ? "," : "", numeric);
    }
    S_begin(pg, hosts.text, numbers.text);
    buf_release(&hosts);
    buf_release(&numbers);
}

/* The one host name that would make libpq wait for a name server; NULL when there is none. */
static bool S_host_to_resolve(const struct pg_target *target, char **name, struct err *err)
{
    PQconninfoOption *options = S_parse(target, err);
    if (!options)
        return false;
    const char *host = S_option(options, "host");
    if (!host && !S_option(options, "service") && !getenv("PGSERVICE"))
        host = getenv("PGHOST");
    unsigned char address[16];
    bool by_libpq = !host || host[0] == '/' || host[0] == '@' || strchr(host, ',') ||
                    S_option(options, "hostaddr") || getenv("PGHOSTADDR") ||
                    inet_pton(AF_INET, host, address) == 1 ||
                    inet_pton(AF_INET6, host, address) == 1;
    *name = by_libpq ? NULL : str_dup(host);
    PQconninfoFree(options);
    return true;
}

void pg_connect(struct pg *pg, int timeout_ms, pg_connected_fn *connected, void *ctx)
{
    S_drop(pg);
    pg->wants_password = false;
    pg->connected = connected;
    pg->connected_ctx = ctx;
    pg->patience = loop_after(pg->loop, timeout_ms, S_too_slow, pg);
    struct err err = {0};
    char *name = NULL;
    if (!S_host_to_resolve(pg->target, &name, &err)) {
        S_connect_failed(pg, &err);
        return;
    }
    if (name) {
        pg->phase = PHASE_RESOLVING;
        pg->resolve = resolve_start(pg->loop, name, 0, S_resolved, pg);
        free(pg->host);
        pg->host = name;
    } else {
        S_begin(pg, NULL, NULL);
    }
}

void pg_close(struct pg *pg)
{
    struct err err = {0};
    err_set(&err, ERR_LOST, "no answer came, so the connection was closed");
    if (pg->connected)
        S_connect_failed(pg, &err);
    else
        S_broken(pg, &err);
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

bool pg_open(struct pg *pg, int timeout_ms, struct err *err)
{
    struct waiting waiting = {0};
    pg_connect(pg, timeout_ms, S_opened, &waiting);
    while (!waiting.over)
        loop_turn(pg->loop, -1);
    if (waiting.failed)
        *err = waiting.err;
    return !waiting.failed;
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
    return PQgetvalue(result->rows, row, col);
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
