/*
 * pg_connect: how a session is opened: the name looked up, libpq led through its handshake, the
 * session's settings pinned. Never blocks, and gives up when its time is over.
 */
#include "pg_parts.h"

#include "resolve.h"
#include "sql.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- its end ---- */

static void S_over(struct pg *pg, const struct err *err)
{
    pg_connected_fn *connected = pg->connected;
    void *ctx = pg->connected_ctx;
    pg->connected = NULL;
    loop_cancel(pg->patience);
    pg->patience = NULL;
    if (connected)
        connected(ctx, err);
}

static void S_failed(struct pg *pg, struct err *err)
{
    pg_hint_connect(err);
    pg_drop(pg);
    pg_forget_statement(pg); /* of the pinning, when that is what was waited for */
    S_over(pg, err);
}

/* ---- the session's first statements ---- */

static void S_pinned(void *arg, const struct pg_result *result, const struct err *err)
{
    (void)result;
    struct pg *pg = arg;
    if (err) {
        struct err failure = *err;
        err_context(&failure, "the session could not be set up");
        S_failed(pg, &failure);
        return;
    }
    pg->phase = PHASE_READY;
    S_over(pg, NULL);
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
    pg_send(pg, sql_get("session_pin"), values, 3, S_pinned, pg);
}

static void S_pin(struct pg *pg)
{
    PQsetnonblocking(pg->conn, 1);
    pg->phase = PHASE_PINNING;
    pg_send(pg, sql_get("session_begin"), NULL, 0, S_begun, pg);
}

/* ---- the way there ---- */

static void S_on_connecting(void *arg, short revents);

static void S_poll_connection(struct pg *pg)
{
    struct err err = {0};
    PostgresPollingStatusType status = PQconnectPoll(pg->conn);
    if (status == PGRES_POLLING_FAILED) {
        pg_say_lost(pg, &err);
        pg->wants_password = PQconnectionNeedsPassword(pg->conn);
        S_failed(pg, &err);
        return;
    }
    /* libpq may have opened another socket (a second address, SSL again without SSL). */
    loop_unwatch(pg->watch);
    if (status == PGRES_POLLING_OK) {
        pg->watch = loop_watch(pg->loop, PQsocket(pg->conn), POLLIN, pg_on_socket, pg);
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
    S_failed(pg, &err);
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
        pg_say_lost(pg, &err);
        S_failed(pg, &err);
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
        S_failed(pg, &failure);
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
    PQconninfoOption *options = pg_target_parse(target, err);
    if (!options)
        return false;
    const char *host = pg_target_option(options, "host");
    if (!host && !pg_target_option(options, "service") && !getenv("PGSERVICE"))
        host = getenv("PGHOST");
    unsigned char address[16];
    bool by_libpq = !host || host[0] == '/' || host[0] == '@' || strchr(host, ',') ||
                    pg_target_option(options, "hostaddr") || getenv("PGHOSTADDR") ||
                    inet_pton(AF_INET, host, address) == 1 ||
                    inet_pton(AF_INET6, host, address) == 1;
    *name = by_libpq ? NULL : str_dup(host);
    PQconninfoFree(options);
    return true;
}

void pg_connect(struct pg *pg, int timeout_ms, pg_connected_fn *connected, void *ctx)
{
    if (pg->phase != PHASE_CLOSED)
        pg_close(pg); /* who waits for an attempt that is under way must hear of its end */
    pg->wants_password = false;
    pg->connected = connected;
    pg->connected_ctx = ctx;
    pg->patience = loop_after(pg->loop, timeout_ms, S_too_slow, pg);
    struct err err = {0};
    char *name = NULL;
    if (!S_host_to_resolve(pg->target, &name, &err)) {
        S_failed(pg, &err);
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
        S_failed(pg, &err);
    else
        pg_broken(pg, &err);
}

/* ---- waiting while the loop turns ---- */

struct opening {
    bool over, failed;
    struct err err;
};

static void S_opened(void *arg, const struct err *err)
{
    struct opening *opening = arg;
    opening->over = true;
    opening->failed = err != NULL;
    if (err)
        opening->err = *err;
}

bool pg_open(struct pg *pg, int timeout_ms, struct err *err)
{
    struct opening opening = {0};
    pg_connect(pg, timeout_ms, S_opened, &opening);
    while (!opening.over)
        loop_turn(pg->loop, -1);
    if (opening.failed)
        *err = opening.err;
    return !opening.failed;
}
