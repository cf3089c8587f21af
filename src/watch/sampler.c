/*
 * sampler: see sampler.h. This file asks what probes.c lists when it is due; gather.c understands
 * the answers, assemble.c makes the snapshot.
 *
 * A round is the list of probes that are due, one after the other on the quick connection; the next
 * one begins with the next tick. Exact counts run beside it, on a second connection
 * (sampler_count.c); Redis answers INFO and the census on a third.
 */
#include "clock.h"
#include "probes.h"
#include "sampler_state.h"
#include "sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUICK_MS = 5000,      /* statement timeout of a probe */
    SILENCE_MS = 20000,   /* no answer for so long: the connection is given up */
    LOCK_MS = 500,        /* nobody waits behind us for longer */
    RETRY_FIRST_MS = 500, /* the pause after a lost connection, doubled each time, */
    RETRY_LAST_MS = 4000, /* up to this: an attempt is cheap, and somebody looks on who waits */
    CHEAP_PAGES = 2000,   /* 16 MB: counted without being asked, */
    CENSUS_EVERY_MS = 30000,
    CENSUS_PATIENCE_MS = 400, /* a longer census does not keep a snapshot from being settled */
    CENSUS_LOOK_MS = 100,     /* how soon its end is shown */
};

/* ---- publishing ---- */

void sampler_publish(struct sampler *s)
{
    struct snapshot *old = s->snapshot;
    s->snapshot = assemble(&s->parts);
    s->fresh(s->ctx, s->snapshot);
    snapshot_free(old);
}

void sampler_note(struct sampler *s, enum severity severity, const char *source, const char *format,
                  ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&text, format, args);
    va_end(args);
    parts_note(&s->parts, severity, source, buf_text(&text));
    buf_release(&text);
}

const struct snapshot *sampler_snapshot(const struct sampler *s)
{
    return s->snapshot;
}

/*
 * What goes wrong each time it is tried is told once, until it went well (NULL) or wrong otherwise.
 */
void sampler_note_trouble(struct sampler *s, char **said, const char *source, const char *what,
                          const struct err *err)
{
    if (err && !str_is(*said, err->text))
        sampler_note(s, SEVERITY_WARN, source, "%s: %s%s%s", what, err->text,
                     *err->hint ? "; " : "", err->hint);
    free(*said);
    *said = err ? str_dup(err->text) : NULL;
}

/* ---- a server comes and goes ---- */

static void S_set_trouble(struct server *server, const struct err *err)
{
    free(server->trouble);
    free(server->hint);
    server->trouble = err ? str_dup(err->text) : NULL;
    server->hint = err && *err->hint ? str_dup(err->hint) : NULL;
}

/* Notes a change of state once, not each failed attempt. */
static void S_server_up(struct sampler *s, struct server *server, struct link *link,
                        const char *source)
{
    server->state = SERVER_UP;
    server->asked_at = UNKNOWN;
    server->answered_at = clock_wall();
    S_set_trouble(server, NULL);
    link->tried = true;
    link->pause_ms = 0;
    sampler_note(s, SEVERITY_INFO, source, "connected to %s", server->where);
}

static void S_server_down(struct sampler *s, struct server *server, struct link *link,
                          const char *source, const struct err *err, timer_fn *again)
{
    if (link->left)
        return;
    if (server->state != SERVER_DOWN || !str_is(server->trouble, err->text))
        sampler_note(s, SEVERITY_ERROR, source, "%s%s%s", err->text, *err->hint ? "; " : "",
                     err->hint);
    server->state = SERVER_DOWN;
    server->asked_at = UNKNOWN;
    S_set_trouble(server, err);
    link->tried = true;
    link->pause_ms = link->pause_ms ? link->pause_ms * 2 : RETRY_FIRST_MS;
    if (link->pause_ms > RETRY_LAST_MS)
        link->pause_ms = RETRY_LAST_MS;
    loop_cancel(link->retry);
    /* Many consoles that have lost the same server do not come back in one moment. */
    link->retry = loop_after(s->loop, link->pause_ms + random() % (link->pause_ms / 4), again, s);
}

static void S_answered(struct server *server)
{
    server->answered_at = clock_wall();
    server->asked_at = UNKNOWN;
}

/* ---- a round ---- */

static void S_next_probe(struct sampler *s);
static void S_begin_round(struct sampler *s);
static void S_restart_log(struct sampler *s);
static void S_connect_database(void *arg);

/* Whatever broke it ("terminating connection …", or nothing at all), it is said to be lost. */
static void S_database_lost(struct sampler *s, const struct err *why)
{
    static const char lost[] = "the connection to PostgreSQL was lost";
    struct err err = {0};
    if (why && !str_is(why->text, lost)) {
        err = *why;
        err_context(&err, "%s", lost);
    } else {
        err_set(&err, ERR_LOST, "%s", lost);
    }
    S_server_down(s, &s->parts.database, &s->database, "database", &err, S_connect_database);
}

static bool S_is_due(const struct sampler *s, size_t i)
{
    const struct probe *probe = &probes[i];
    if (probe->wanted && !probe->wanted(&s->parts))
        return false;
    return s->hurrying || !s->asked_at[i] || clock_ms() - s->asked_at[i] >= probe->every_ms ||
           (probe->is_urgent && probe->is_urgent(&s->parts));
}

/* What could not be counted may have been mended meanwhile. */
static void S_try_all_again(struct sampler *s)
{
    for (size_t i = 0; i < s->parts.fact_count; i++)
        s->parts.facts[i].given_up = false;
}

/* Then exact counts would read again and again what changes all the time; the journal knows it. */
static bool S_is_filling(const struct parts *parts)
{
    const struct step_view *step = parts_filling(parts);
    return parts->run.alive && step && step->state == STEP_RUNS;
}

/* A small table whose rows have changed is counted again without being asked. */
static void S_want_cheap_counts(struct sampler *s)
{
    for (size_t i = 0; !S_is_filling(&s->parts) && i < s->parts.fact_count; i++) {
        struct fact *fact = &s->parts.facts[i];
        bool small = fact->exists && fact->pages <= CHEAP_PAGES && fact->count_sql;
        bool idle = fact->count_state == COUNT_IDLE && !fact->given_up;
        if (small && idle && !fact_is_counted(fact))
            fact->count_state = COUNT_WANTED;
    }
}

static void S_end_round(struct sampler *s)
{
    s->in_round = false;
    if (s->restart_log)
        S_restart_log(s);
    s->round_done = !s->hurry; /* a wish for all that came meanwhile is for the next round */
    S_want_cheap_counts(s);
    sampler_publish(s);
    sampler_count_next(s);
    if (s->hurry || s->parts.log.wish != LOG_STAYS)
        S_begin_round(s);
}

static void S_on_probe(void *arg, const struct pg_result *result, const struct err *err)
{
    struct sampler *s = arg;
    const struct probe *probe = &probes[s->probe];
    if (err && err->kind == ERR_LOST) {
        s->in_round = false;
        s->round_done = true;
        S_database_lost(s, err);
        sampler_publish(s);
        return;
    }
    S_answered(&s->parts.database);
    sampler_note_trouble(s, &s->said[s->probe], "database", probe->statement, err);
    if (!err)
        probe->gather(&s->parts, result);
    else
        s->parts.log.wish = LOG_STAYS; /* what fails is not asked again and again */
    s->probe++;
    S_next_probe(s);
}

static void S_next_probe(struct sampler *s)
{
    while (s->probe < probe_count && !S_is_due(s, s->probe))
        s->probe++;
    if (s->probe == probe_count) {
        S_end_round(s);
        return;
    }
    const struct probe *probe = &probes[s->probe];
    const char *values[PROBE_VALUES] = {NULL};
    char numbers[PROBE_VALUES][24];
    int count = probe->values ? probe->values(&s->parts, values, numbers) : 0;
    s->asked_at[s->probe] = s->parts.database.asked_at = clock_ms();
    pg_query(s->quick, sql_get(probe->statement), values, count, S_on_probe, s);
}

static void S_begin_round(struct sampler *s)
{
    if (s->in_round || !pg_is_ready(s->quick))
        return;
    s->in_round = true;
    s->hurrying = s->hurry;
    s->hurry = false;
    s->probe = 0;
    S_next_probe(s);
}

/* ---- the database ---- */

/* The server's last words to an idle connection (57P01 and the like) come as a notice. */
static void S_on_notice(void *arg, const char *severity, const char *text)
{
    sampler_note(arg, SEVERITY_WARN, "database", "%s: %s", severity, text);
}

static void S_on_database(void *arg, const struct err *err)
{
    struct sampler *s = arg;
    if (err) {
        s->round_done = true;
        S_server_down(s, &s->parts.database, &s->database, "database", err, S_connect_database);
        sampler_publish(s);
        return;
    }
    S_server_up(s, &s->parts.database, &s->database, "database");
    memset(s->asked_at, 0, probe_count * sizeof(*s->asked_at));
    S_try_all_again(s);
    S_begin_round(s);
}

static void S_connect_database(void *arg)
{
    struct sampler *s = arg;
    s->database.retry = NULL;
    s->parts.database.asked_at = clock_ms();
    pg_connect(s->quick, CONNECT_MS, S_on_database, s);
}

/* ---- the log ---- */

static void S_want_page(struct sampler *s, enum log_wish wish)
{
    struct log_window *log = &s->parts.log;
    bool useful = wish == LOG_NEWER ? log->back : log->count && !log->from_start;
    if (!useful || log->wish != LOG_STAYS || s->parts.database.state != SERVER_UP ||
        !s->parts.may_read_journal)
        return;
    log->wish = wish;
    S_begin_round(s);
}

void sampler_log_first(struct sampler *s)
{
    S_want_page(s, LOG_FIRST);
}

void sampler_log_older(struct sampler *s)
{
    S_want_page(s, LOG_OLDER);
}

void sampler_log_newer(struct sampler *s)
{
    S_want_page(s, LOG_NEWER);
}

/*
 * An answer that is under way is of the log as it was wanted before: it is let go when it is here.
 */
static void S_restart_log(struct sampler *s)
{
    log_window_reset(&s->parts.log);
    s->parts.last_event = 0;
    s->restart_log = s->in_round;
    S_begin_round(s);
}

void sampler_log_live(struct sampler *s)
{
    if (!s->parts.log.back)
        return;
    S_restart_log(s);
    sampler_publish(s);
}

void sampler_log_narrow(struct sampler *s, enum severity least, const char *step, const char *table)
{
    log_window_narrow(&s->parts.log, least, step, table);
    S_restart_log(s);
    sampler_publish(s);
}

/* ---- Redis ---- */

static void S_connect_redis(void *arg);

static void S_redis_lost(struct sampler *s, const struct err *err)
{
    s->info_done = true;
    if (census_is_walking(s->parts.census))
        census_stop(s->parts.census);
    S_server_down(s, &s->parts.redis, &s->cache, "redis", err, S_connect_redis);
    sampler_publish(s);
}

/* The first pass at once, then every half minute: what expires by itself is seen to go. */
static void S_continue_census(struct sampler *s)
{
    if (census_is_walking(s->parts.census))
        return;
    if (s->census_begun_at > s->census_ended_at) {
        const struct err *trouble = census_trouble(s->parts.census);
        s->census_ended_at = clock_ms();
        sampler_note_trouble(s, &s->census_said, "redis", "census", trouble);
    }
    bool due = !s->census_begun_at || clock_ms() - s->census_ended_at >= CENSUS_EVERY_MS;
    if (!due)
        return;
    s->census_begun_at = clock_ms();
    census_start(s->parts.census, s->redis, s->parts.redis.keys);
}

/* Answers of Redis alone publish nothing by themselves: the database's rounds and the ticks do. */
static void S_look_at_census(void *arg)
{
    struct sampler *s = arg;
    s->look = census_is_walking(s->parts.census)
                  ? loop_after(s->loop, CENSUS_LOOK_MS, S_look_at_census, s)
                  : NULL;
    sampler_publish(s);
}

static void S_on_nodes(void *arg, const struct err *err)
{
    struct sampler *s = arg;
    if (err && err->kind == ERR_LOST) {
        S_redis_lost(s, err);
        return;
    }
    s->info_done = true;
    s->parts.redis.asked_at = UNKNOWN;
    int64_t restarted_at = nodes_restarted_at(s->parts.nodes);
    if (restarted_at != s->restart_seen && !census_is_walking(s->parts.census))
        s->census_begun_at = s->census_ended_at = 0; /* what was counted is no more */
    s->restart_seen = restarted_at;
    gather_redis(&s->parts);
    struct err away = {0};
    if (!err && s->parts.redis.trouble)
        err_set(&away, ERR_LOST, "%s", s->parts.redis.trouble);
    if (away.kind != ERR_NONE)
        err_hint(&away, "Nodes tells of each, and what to do");
    sampler_note_trouble(s, &s->info_said, "redis", "INFO", away.kind == ERR_NONE ? err : &away);
    S_continue_census(s);
    if (!s->look)
        S_look_at_census(s);
}

static void S_ask_info(struct sampler *s)
{
    if (nodes_are_asked(s->parts.nodes) || !redis_is_up(s->redis))
        return;
    s->parts.redis.asked_at = clock_ms();
    nodes_ask(s->parts.nodes, s->redis, S_on_nodes, s);
}

static void S_on_node_event(void *arg, const char *text)
{
    sampler_note(arg, SEVERITY_WARN, "redis", "%s", text);
}

static void S_on_redis(void *arg, const struct err *err)
{
    struct sampler *s = arg;
    if (err) {
        S_redis_lost(s, err);
        return;
    }
    S_server_up(s, &s->parts.redis, &s->cache, "redis");
    S_ask_info(s);
}

static void S_connect_redis(void *arg)
{
    struct sampler *s = arg;
    s->cache.retry = NULL;
    s->parts.redis.asked_at = clock_ms();
    redis_connect(s->redis, CONNECT_MS, S_on_redis, s);
}

/* ---- the tick ---- */

/* A server behind a dead network says nothing at all: then the connection is ours to give up. */
static bool S_is_silent(const struct server *server)
{
    return server->state == SERVER_UP && server->asked_at != UNKNOWN &&
           clock_ms() - server->asked_at > SILENCE_MS;
}

static void S_look_after_database(struct sampler *s)
{
    if (s->database.left)
        return;
    if (S_is_silent(&s->parts.database)) {
        pg_close(s->quick); /* whoever waits on it hears of the loss */
    } else if (s->parts.database.state == SERVER_UP && !pg_is_up(s->quick)) {
        S_database_lost(s, NULL);
    } else {
        S_begin_round(s);
    }
}

static void S_look_after_redis(struct sampler *s)
{
    struct err err = {0};
    if (S_is_silent(&s->parts.redis)) {
        redis_close(s->redis);
    } else if (s->parts.redis.state == SERVER_UP && !redis_is_up(s->redis)) {
        err_set(&err, ERR_LOST, "the connection to Redis was lost");
        S_redis_lost(s, &err);
    } else {
        S_ask_info(s);
    }
}

static void S_tick(void *arg)
{
    struct sampler *s = arg;
    s->tick = loop_after(s->loop, s->session->refresh_ms, S_tick, s);
    S_look_after_database(s);
    if (s->redis)
        S_look_after_redis(s);
    sampler_publish(s); /* ages go on, also while nothing answers */
}

void sampler_refresh(struct sampler *s)
{
    s->hurry = true;
    S_try_all_again(s);
    s->round_done = !s->session->has_database;
    s->info_done = false;
    s->census_begun_at = s->census_ended_at = 0;
    if (s->database.retry) {
        loop_cancel(s->database.retry);
        S_connect_database(s);
    }
    if (s->cache.retry) {
        loop_cancel(s->cache.retry);
        S_connect_redis(s);
    }
    loop_cancel(s->tick);
    S_tick(s);
}

void sampler_let_go(struct sampler *s, const char *whom)
{
    struct err why = {0};
    s->database.left = true;
    loop_cancel(s->database.retry);
    s->database.retry = NULL;
    pg_close(s->quick);
    pg_close(s->slow);
    err_set(&why, ERR_LOST, "left to '%s'", whom);
    s->parts.database.state = SERVER_LEFT;
    s->parts.database.asked_at = UNKNOWN;
    S_set_trouble(&s->parts.database, &why);
    sampler_publish(s);
}

static bool S_counts_settled(const struct sampler *s)
{
    for (size_t i = 0; i < s->parts.fact_count; i++)
        if (s->parts.facts[i].count_state != COUNT_IDLE)
            return false;
    return true;
}

static bool S_census_settled(const struct sampler *s)
{
    if (!s->redis || s->parts.redis.state == SERVER_DOWN)
        return true;
    if (!census_is_walking(s->parts.census))
        return s->census_begun_at != 0 && !s->look;
    return clock_ms() - s->census_begun_at > CENSUS_PATIENCE_MS;
}

bool sampler_settled(const struct sampler *s)
{
    bool database = s->round_done && !s->in_round && S_counts_settled(s);
    bool redis = !s->redis || (s->info_done && S_census_settled(s));
    return database && redis;
}

bool sampler_census_done(const struct sampler *s)
{
    return !s->redis || s->parts.redis.state == SERVER_DOWN || census_passes(s->parts.census) > 0;
}

/* ---- life ---- */

static void S_new_links(struct sampler *s)
{
    struct pg_options quick = {.purpose = "sampler",
                               .statement_timeout_ms = QUICK_MS,
                               .lock_timeout_ms = LOCK_MS,
                               .read_only = true};
    struct pg_options slow = {.purpose = "counter", .lock_timeout_ms = LOCK_MS, .read_only = true};
    s->quick = pg_new(s->loop, &s->session->database, &quick);
    s->slow = pg_new(s->loop, &s->session->database, &slow);
    pg_on_notice(s->quick, S_on_notice, s);
    s->parts.database.where = pg_target_describe(&s->session->database);
    if (s->session->has_database)
        s->parts.database.state = SERVER_CONNECTING; /* before the first look, too */
    if (s->session->spares_redis) {
        s->parts.redis.state = SERVER_LEFT;
        s->parts.redis.trouble = str_dup("not asked");
    }
    if (!s->session->has_redis)
        return;
    s->redis = redis_new(s->loop, &s->session->redis);
    s->parts.redis.where = redis_target_describe(&s->session->redis);
    s->parts.redis.state = SERVER_CONNECTING;
}

struct sampler *sampler_new(struct loop *loop, const struct session *session, sampler_fn *fresh,
                            void *ctx)
{
    struct sampler *s = mem_new(sizeof(*s));
    *s = (struct sampler){.loop = loop, .session = session, .fresh = fresh, .ctx = ctx};
    parts_init(&s->parts, session);
    nodes_on_event(s->parts.nodes, S_on_node_event, s);
    s->restart_seen = UNKNOWN;
    s->parts.census = census_new(loop, session->plan, s->parts.tally);
    s->asked_at = mem_array(probe_count, sizeof(*s->asked_at));
    s->said = mem_array(probe_count, sizeof(*s->said));
    s->counting = s->parts.fact_count;
    S_new_links(s);
    s->snapshot = assemble(&s->parts);
    s->tick = loop_after(loop, session->refresh_ms, S_tick, s);
    s->round_done = !session->has_database; /* then there is nothing to wait for */
    if (session->has_database)
        S_connect_database(s);
    if (s->redis)
        S_connect_redis(s);
    return s;
}

void sampler_free(struct sampler *s)
{
    if (!s)
        return;
    loop_cancel(s->tick);
    loop_cancel(s->limit);
    loop_cancel(s->look);
    loop_cancel(s->database.retry);
    loop_cancel(s->cache.retry);
    pg_free(s->quick);
    pg_free(s->slow);
    census_stop(s->parts.census); /* answers that come now are known to be late */
    redis_free(s->redis);
    census_free(s->parts.census);
    parts_release(&s->parts);
    snapshot_free(s->snapshot);
    for (size_t i = 0; i < probe_count; i++)
        free(s->said[i]);
    free(s->said);
    free(s->slow_said);
    free(s->info_said);
    free(s->census_said);
    free(s->asked_at);
    free(s);
}
