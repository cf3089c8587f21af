/*
 * verb_blockers: who waits for whom, and the two signals that one session can be sent.
 *
 * A signal hurts somebody, so only the very session that a person has seen gets one: its pid and
 * its start must agree. What came of it is read from the server, never assumed.
 */
#include "verbs.h"

#include "clock.h"
#include "journal.h"
#include "sql.h"
#include "tables.h"

#include <stdlib.h>
#include <string.h>

enum { CANCEL_MS = 5000, TERMINATE_MS = 10000, LOOK_MS = 100, QUERY_SHOWN = 400 };

/* ---- looking ---- */

/* Plan and Redis would only keep somebody waiting who is in a hurry. */
bool verb_blockers(struct verb_call *call, struct err *err)
{
    const struct table_def *def = &table_defs[TABLE_BLOCKERS];
    struct session *whole = call->session, bare = *whole;
    bare.plan = NULL;
    bare.spares_redis = bare.has_redis;
    bare.has_redis = false;
    call->session = &bare;
    bool ok = verb_show_tables(call, &def, 1, err);
    call->session = whole;
    return ok;
}

/* ---- the session that is meant ---- */

struct target {
    int64_t pid;
    bool terminate;
    struct pg *pg;
    struct pg_result *row;
    const char *started; /* borrowed from the row */
};

static const char *S_field(const struct target *target, const char *column)
{
    return pg_text(target->row, 0, pg_col(target->row, column));
}

static bool S_is(const struct target *target, const char *column)
{
    return pg_bool(target->row, 0, pg_col(target->row, column));
}

static bool S_read_pid(const struct verb_call *call, struct target *target, struct err *err)
{
    target->terminate = str_is(call->verb->name, "blockers terminate");
    if (str_to_int(call->args[0], &target->pid) && target->pid > 0 && target->pid <= INT32_MAX)
        return true;
    err_set(err, ERR_USAGE, "'%s' is no pid", call->args[0]);
    return err_hint(err, "'tenantdeck blockers' shows them; a prepared transaction has none");
}

static bool S_find(struct target *target, struct err *err)
{
    struct number_text pid = number_text(target->pid);
    const char *values[] = {pid.text};
    if (!pg_run(target->pg, sql_get("blockers_session"), values, 1, &target->row, err))
        return false;
    if (pg_rows(target->row) == 0)
        return err_set(err, ERR_REFUSED, "there is no session %s (any more); nothing was done",
                       pid.text);
    target->started = S_field(target, "started");
    return true;
}

/* ---- what must not be ---- */

static bool S_refuse_ours(const struct target *target, const char *what, struct err *err)
{
    err_set(err, ERR_REFUSED, "session %lld is %s, and not ended this way; nothing was done",
            (long long)target->pid, what);
    return err_hint(err, "'pause', 'stop' and 'abort' end what a run does, at a border or at once");
}

/* pg_dump and the like bear names of their own; the journal knows them. */
static bool S_check_children(const struct target *target, struct err *err)
{
    struct journal_state journal;
    struct pg_result *children;
    if (!journal_look(target->pg, &journal, err))
        return false;
    if (!journal.exists)
        return true;
    if (!journal.may_read) {
        err_set(err, ERR_REFUSED,
                "whether session %lld belongs to a run is not known: this role may not "
                "read the journal; nothing was done",
                (long long)target->pid);
        return err_hint(err, "'tenantdeck sql grants' makes a role that may");
    }
    if (!pg_run(target->pg, sql_get("blockers_children"), NULL, 0, &children, err))
        return false;
    bool ours = false;
    for (int row = 0; row < pg_rows(children); row++)
        ours |= pg_int(children, row, 0) == target->pid &&
                str_is(pg_text(children, row, 1), target->started);
    pg_result_free(children);
    return !ours || S_refuse_ours(target, "at work for a run of tenantdeck", err);
}

static bool S_check_kind(const struct target *target, struct err *err)
{
    const char *kind = S_field(target, "kind");
    if (str_is(kind, "walsender")) {
        err_set(err, ERR_REFUSED,
                "session %lld is a walsender: a replica, a backup or a subscriber reads from it; "
                "nothing was done",
                (long long)target->pid);
        return err_hint(err, "end it where it is used");
    }
    if (S_is(target, "ours"))
        return S_refuse_ours(target, "one of tenantdeck itself", err);
    if (!*target->started) {
        err_set(err, ERR_REFUSED, "this role is not shown what session %lld does; nothing was done",
                (long long)target->pid);
        return err_hint(err,
                        "pg_read_all_stats, or pg_monitor, lets it see that: grant it to the role");
    }
    if (str_is(kind, "client backend") || str_is(kind, "autovacuum worker"))
        return true;
    return err_set(err, ERR_REFUSED,
                   "session %lld is the server's own '%s', and no client's; nothing was done",
                   (long long)target->pid, kind);
}

static bool S_check_right(const struct target *target, struct err *err)
{
    if (S_is(target, "may_signal"))
        return true;
    err_set(err, ERR_REFUSED, "this role may not signal session %lld of '%s'; nothing was done",
            (long long)target->pid, S_field(target, "role"));
    return err_hint(err, "%s", S_field(target, "needs"));
}

static bool S_check_use(const struct target *target, struct err *err)
{
    const char *state = S_field(target, "state");
    if (target->terminate || !str_starts(state, "idle"))
        return true;
    err_set(err, ERR_REFUSED,
            "session %lld is %s: it runs no statement that could be cancelled; nothing was done",
            (long long)target->pid, state);
    return err_hint(err, "'blockers terminate %lld' ends the session", (long long)target->pid);
}

static bool S_check(struct target *target, struct err *err)
{
    return S_find(target, err) && S_check_kind(target, err) && S_check_children(target, err) &&
           S_check_right(target, err) && S_check_use(target, err);
}

/* A pid is given anew as soon as its session is gone. */
static bool S_check_same(const struct verb_call *call, const struct target *target, struct err *err)
{
    const char *given = verb_option(call, "started");
    const char *meant = given ? given : *call->shown ? call->shown : NULL;
    if (!meant) {
        err_set(err, ERR_REFUSED,
                "which session %lld is meant was not said, and nobody was shown "
                "it; nothing was done",
                (long long)target->pid);
        return err_hint(err, "say --started='%s' if it is this one", target->started);
    }
    if (str_is(meant, target->started) && (!*call->shown || str_is(meant, call->shown)))
        return true;
    err_set(err, ERR_REFUSED,
            "session %lld is another one by now: it began at %s, and not at %s; "
            "nothing was done",
            (long long)target->pid, target->started, meant);
    return err_hint(err, "'tenantdeck blockers' shows who waits for whom now");
}

static bool S_begin(struct verb_call *call, struct target *target, struct err *err)
{
    *target = (struct target){0};
    return S_read_pid(call, target, err) && verb_connect(call, &target->pg, err) &&
           S_check(target, err);
}

static void S_end(struct target *target)
{
    pg_result_free(target->row);
    pg_free(target->pg);
}

/* ---- what is shown before it is asked ---- */

static void S_add_age(struct buf *out, const char *label, const struct target *target,
                      const char *column)
{
    char age[16];
    if (pg_null(target->row, 0, pg_col(target->row, column)))
        return;
    clock_format_span(pg_int(target->row, 0, pg_col(target->row, column)), age);
    buf_format(out, ", %s for %s", label, age);
}

/* Whoever writes a statement shall not write lines of ours with it: its own stand further in. */
static void S_add_query(struct buf *out, const char *query)
{
    struct buf clean = {0};
    size_t fits = text_fit(query, QUERY_SHOWN);
    text_clean_lines(&clean, query, fits);
    for (const char *c = buf_text(&clean); *c; c++)
        buf_add(out, *c == '\n' ? "\n    " : (const char[]){*c, '\0'});
    buf_add(out, query[fits] ? "..." : "");
    buf_release(&clean);
}

static void S_add_field(struct buf *out, const char *before, const struct target *target,
                        const char *column)
{
    const char *text = S_field(target, column);
    buf_add(out, before);
    text_clean(out, text, strlen(text));
}

static void S_describe(const struct target *target, struct buf *out)
{
    int64_t behind = pg_int(target->row, 0, pg_col(target->row, "behind"));
    buf_format(out, "session %lld", (long long)target->pid);
    S_add_field(out, ": '", target, "application");
    S_add_field(out, "' as '", target, "role");
    S_add_field(out, "' from ", target, "client");
    S_add_field(out, ", in database '", target, "database");
    buf_format(out, "', began %s\n", target->started);
    S_add_field(out, "it is ", target, "state");
    S_add_age(out, "in its statement", target, "statement_ms");
    S_add_age(out, "in its transaction", target, "transaction_ms");
    buf_format(out, "; %lld %s for it directly\n", (long long)behind,
               behind == 1 ? "waits" : "wait");
    buf_add(out, str_is(S_field(target, "state"), "active") ? "it runs: " : "it ran last: ");
    S_add_query(out, S_field(target, "query"));
    buf_add_char(out, '\n');
    if (S_is(target, "prevents_wraparound"))
        buf_add(out, "this autovacuum keeps transaction numbers from wrapping round: it begins "
                     "again, and the server stops writing if it never comes to its end\n");
    if (target->terminate && S_is(target, "in_transaction"))
        buf_add(out, "what it has not committed is taken back, and its client has to begin anew\n");
}

bool verb_blockers_tell(struct verb_call *call, struct err *err)
{
    struct target target;
    struct buf text = {0};
    bool ok = S_begin(call, &target, err) &&
              (!verb_option(call, "started") || S_check_same(call, &target, err));
    /* Who reads JSON is shown nothing before, and has to say which session is meant. */
    if (ok && !call->json) {
        S_describe(&target, &text);
        fputs(buf_text(&text), call->out);
        fflush(call->out);
        if (!call->yes)
            snprintf(call->shown, sizeof(call->shown), "%s", target.started);
    }
    buf_release(&text);
    S_end(&target);
    return ok;
}

/* ---- the signal, and what came of it ---- */

struct outcome {
    bool gone, over; /* the session; its statement */
    char *state;
    int64_t locks;
    bool in_transaction;
};

static bool S_look(const struct target *target, struct outcome *out, struct err *err)
{
    struct number_text pid = number_text(target->pid);
    const char *values[] = {pid.text, target->started};
    struct pg_result *row;
    if (!pg_run(target->pg, sql_get("blockers_outcome"), values, 2, &row, err))
        return false;
    free(out->state);
    *out = (struct outcome){.gone = pg_rows(row) == 0};
    if (!out->gone) {
        out->state = str_dup(pg_text(row, 0, 0));
        out->over = !str_is(out->state, "active") ||
                    !str_is(pg_text(row, 0, 1), S_field(target, "statement"));
        out->in_transaction = pg_bool(row, 0, 2);
        out->locks = pg_int(row, 0, 3);
    }
    pg_result_free(row);
    return true;
}

static bool S_send(const struct target *target, struct err *err)
{
    struct number_text pid = number_text(target->pid);
    const char *values[] = {pid.text, target->started};
    const char *name = target->terminate ? "blockers_terminate" : "blockers_cancel";
    struct pg_result *sent;
    if (!pg_run(target->pg, sql_get(name), values, 2, &sent, err))
        return false;
    bool there = pg_rows(sent) > 0, taken = there && pg_bool(sent, 0, 0);
    pg_result_free(sent);
    if (!there)
        return err_set(err, ERR_REFUSED, "session %s is gone by itself; nothing was done",
                       pid.text);
    return taken || err_set(err, ERR_FAILED, "the server could not signal session %s", pid.text);
}

static bool S_await(struct verb_call *call, const struct target *target, struct outcome *out,
                    struct err *err)
{
    int64_t patience = target->terminate ? TERMINATE_MS : CANCEL_MS;
    int64_t until = clock_ms() + patience;
    for (;;) {
        if (!S_look(target, out, err))
            return err_context(err, "the signal was sent, and what came of it is not known");
        if (out->gone || (!target->terminate && out->over))
            return true;
        if (clock_ms() > until)
            break;
        loop_turn(call->loop, LOOK_MS);
    }
    err_set(err, ERR_FAILED, "session %lld was told to %s, and %s after %lld s",
            (long long)target->pid, target->terminate ? "end" : "cancel its statement",
            target->terminate ? "is still there" : "still runs it", (long long)patience / 1000);
    return err_hint(err, target->terminate
                             ? "it ends as soon as it can be interrupted; look again"
                             : "it may come still; 'blockers terminate' ends the session");
}

static void S_tell_outcome(const struct target *target, const struct outcome *outcome,
                           struct buf *out)
{
    if (outcome->gone)
        buf_format(out, "session %lld is gone%s", (long long)target->pid,
                   S_is(target, "in_transaction") ? ": what it had not committed was taken back"
                                                  : "");
    else if (outcome->in_transaction)
        buf_format(out, "session %lld has ended its statement and is %s; it holds %lld %s",
                   (long long)target->pid, outcome->state, (long long)outcome->locks,
                   outcome->locks == 1 ? "lock still" : "locks still");
    else
        buf_format(out,
                   "session %lld has ended its statement; its transaction is over, and it holds "
                   "%lld %s",
                   (long long)target->pid, (long long)outcome->locks,
                   outcome->locks == 1 ? "lock" : "locks");
}

/* What nobody could note is said to whoever did it. */
static void S_note(struct verb_call *call, const struct target *target, const char *said)
{
    struct err err = {0};
    struct journal_state journal;
    char *text = str_format("'%s' as '%s' was told to %s: %s", S_field(target, "application"),
                            S_field(target, "role"),
                            target->terminate ? "end" : "cancel its statement", said);
    const char *values[] = {text};
    bool ok = journal_look(target->pg, &journal, &err);
    if (ok && journal.exists && journal.may_write)
        ok = pg_run(target->pg, sql_get("blockers_note"), values, 1, NULL, &err);
    else if (ok && !call->json)
        fprintf(call->out, "there is no journal that it could be noted in\n");
    if (!ok && !call->json) {
        char *clean = text_cleaned(err.text);
        fprintf(call->out, "it could not be noted in the journal: %s\n", clean);
        free(clean);
    }
    free(text);
}

static void S_answer(struct verb_call *call, const struct target *target,
                     const struct outcome *outcome)
{
    struct buf said = {0};
    S_tell_outcome(target, outcome, &said);
    char *clean = text_cleaned(buf_text(&said));
    if (call->json)
        verb_answer(call, json_pack("{s:I, s:s, s:b, s:o, s:I, s:s}", "pid",
                                    (json_int_t)target->pid, "started", target->started, "gone",
                                    outcome->gone, "state", verb_json_text(outcome->state), "locks",
                                    (json_int_t)outcome->locks, "text", clean));
    else
        fprintf(call->out, "%s\n", clean);
    S_note(call, target, buf_text(&said));
    free(clean);
    buf_release(&said);
}

bool verb_blockers_signal(struct verb_call *call, struct err *err)
{
    struct target target;
    struct outcome outcome = {0};
    bool ok = S_begin(call, &target, err) && S_check_same(call, &target, err) &&
              S_send(&target, err) && S_await(call, &target, &outcome, err);
    if (ok)
        S_answer(call, &target, &outcome);
    free(outcome.state);
    S_end(&target);
    return ok;
}
