/*
 * journal: see journal.h.
 *
 * Whether there is work is decided twice: once cheaply, and again under the lock, since somebody
 * else may have done it in between. What is refused is refused before a transaction is opened.
 */
#include "journal.h"

#include "sql.h"

#include <stdio.h>
#include <stdlib.h>

static bool S_flag(const struct pg_result *result, const char *column)
{
    return pg_bool(result, 0, pg_col(result, column));
}

static void S_copy(const struct pg_result *result, const char *column, char *out, size_t size)
{
    snprintf(out, size, "%s", pg_text(result, 0, pg_col(result, column)));
}

static void S_read_state(const struct pg_result *result, struct journal_state *out)
{
    bool standby = S_flag(result, "standby");
    *out = (struct journal_state){
        .exists = S_flag(result, "ours"),
        .version = pg_int(result, 0, pg_col(result, "version")),
        .may_create = S_flag(result, "may_create") && !standby,
        .taken = S_flag(result, "taken"),
        .empty = S_flag(result, "empty"),
        .may_read = S_flag(result, "may_read"),
        .may_write = S_flag(result, "may_write") && !standby,
        .standby = standby,
        .copied = S_flag(result, "copied"),
    };
    S_copy(result, "generation", out->identity, sizeof(out->identity));
    S_copy(result, "owner", out->owner, sizeof(out->owner));
    S_copy(result, "program", out->program, sizeof(out->program));
    S_copy(result, "role", out->role, sizeof(out->role));
    S_copy(result, "database", out->database, sizeof(out->database));
}

bool journal_look(struct pg *pg, struct journal_state *out, struct err *err)
{
    struct pg_result *result;
    if (!pg_run(pg, sql_get("journal_look"), NULL, 0, &result, err))
        return err_context(err, "the journal could not be looked for");
    S_read_state(result, out);
    pg_result_free(result);
    return true;
}

/* ---- what is refused, and what would help ---- */

/* A name as it has to be typed in SQL. */
static char *S_quoted(const char *name)
{
    struct buf quoted = {0};
    sql_quote_identifier(&quoted, name);
    return buf_take(&quoted);
}

static bool S_refuse_creating(const struct journal_state *state, struct err *err)
{
    char *database = S_quoted(state->database), *role = S_quoted(state->role);
    err_set(
        err, ERR_REFUSED,
        "role '%s' may not create schema 'tenantdeck' in database '%s', and nothing was changed",
        state->role, state->database);
    err_hint(err,
             "let the owner of the database say: GRANT CREATE ON DATABASE %s TO %s; or: CREATE "
             "SCHEMA tenantdeck AUTHORIZATION %s",
             database, role, role);
    free(database);
    free(role);
    return false;
}

static bool S_refuse_filling(const struct journal_state *state, struct err *err)
{
    char *role = S_quoted(state->role);
    err_set(err, ERR_REFUSED,
            "role '%s' may not create tables in schema 'tenantdeck', which is empty and belongs to "
            "'%s', and nothing was changed",
            state->role, state->owner);
    err_hint(err,
             "let '%s' say: GRANT USAGE, CREATE ON SCHEMA tenantdeck TO %s; or run "
             "`tenantdeck sql journal_upgrade_1 | psql -1 -v ON_ERROR_STOP=1` as '%s'",
             state->owner, role, state->owner);
    free(role);
    return false;
}

static bool S_refuse_foreign(const struct journal_state *state, struct err *err)
{
    err_set(err, ERR_REFUSED,
            "schema 'tenantdeck' in database '%s' belongs to '%s' and holds no journal; nothing of "
            "it was touched",
            state->database, state->owner);
    return err_hint(err, "see what it is with `\\d tenantdeck.*` in psql, and rename it: ALTER "
                         "SCHEMA tenantdeck RENAME TO ...");
}

static bool S_refuse_hidden(const struct journal_state *state, struct err *err)
{
    char *role = S_quoted(state->role);
    err_set(err, ERR_REFUSED, "role '%s' may not read the journal in database '%s'", state->role,
            state->database);
    err_hint(err,
             "let '%s' say: GRANT USAGE ON SCHEMA tenantdeck TO %s; GRANT SELECT ON ALL TABLES IN "
             "SCHEMA tenantdeck TO %s; or see 'tenantdeck sql grants'",
             state->owner, role, role);
    free(role);
    return false;
}

bool journal_is_open(const struct journal_state *state, struct err *err)
{
    return !state->exists || state->may_read || S_refuse_hidden(state, err);
}

static bool S_refuse_newer(const struct journal_state *state, struct err *err)
{
    err_set(err, ERR_REFUSED,
            "the journal in database '%s' has version %lld, and this tenantdeck knows versions up "
            "to %d; nothing was changed",
            state->database, (long long)state->version, JOURNAL_VERSION);
    return err_hint(err, "use the tenantdeck that made it%s%s, or a later one",
                    *state->program ? ": " : "", state->program);
}

static bool S_refuse_upgrading(const struct journal_state *state, struct err *err)
{
    err_set(err, ERR_REFUSED,
            "the journal in database '%s' belongs to '%s' and %s, which role '%s' may not do; "
            "nothing was changed",
            state->database, state->owner,
            state->copied ? "has to begin a new generation, since the database is a copy"
                          : "has to be upgraded",
            state->role);
    return err_hint(err, "run `tenantdeck journal create` as '%s'", state->owner);
}

static bool S_refuse_reader(const struct journal_state *state, struct err *err)
{
    err_set(err, ERR_REFUSED,
            "role '%s' may read the journal in database '%s', but may not write to it", state->role,
            state->database);
    return err_hint(err, "'tenantdeck sql grants' prints a psql script that makes a worker role");
}

static bool S_refuse_standby(const struct journal_state *state, struct err *err)
{
    err_set(err, ERR_REFUSED,
            "the server of database '%s' is a standby, and takes no changes; nothing was changed",
            state->database);
    return err_hint(err, "connect to the primary: among several hosts target_session_attrs=primary "
                         "finds it");
}

/* ---- making it ---- */

static bool S_is_due(const struct journal_state *state)
{
    return !state->exists || state->version < JOURNAL_VERSION || state->copied;
}

/* True when what is due may be done; else the sentence that says why not. */
static bool S_may_proceed(const struct journal_state *state, struct err *err)
{
    if (state->standby)
        return S_refuse_standby(state, err);
    if (!state->taken)
        return state->may_create || S_refuse_creating(state, err);
    if (!state->exists && !state->empty)
        return S_refuse_foreign(state, err);
    if (!state->exists)
        return state->may_create || S_refuse_filling(state, err);
    if (!state->may_read)
        return S_refuse_hidden(state, err);
    if (state->version > JOURNAL_VERSION)
        return S_refuse_newer(state, err);
    if (S_is_due(state))
        return state->may_create || S_refuse_upgrading(state, err);
    return state->may_write || S_refuse_reader(state, err);
}

static bool S_send(struct pg *pg, const char *statement, struct err *err)
{
    return pg_run(pg, sql_get(statement), NULL, 0, NULL, err);
}

static bool S_upgrade(struct pg *pg, int64_t to, struct err *err)
{
    const char *values[] = {PACKAGE_VERSION};
    char *statement = str_format("journal_upgrade_%lld", (long long)to);
    bool ok = S_send(pg, statement, err) &&
              pg_run(pg, sql_get("journal_sign"), values, ARRAY_LEN(values), NULL, err);
    free(statement);
    return ok || err_context(err,
                             "the journal could not be brought to version %lld, and is as it "
                             "was",
                             (long long)to);
}

/* One step, decided anew under the lock. A copy is renewed last, by what the newest version has. */
static bool S_do_what_is_due(struct pg *pg, struct err *err)
{
    struct journal_state state;
    if (!journal_look(pg, &state, err) || !S_may_proceed(&state, err))
        return false;
    if (!state.exists || state.version < JOURNAL_VERSION)
        return S_upgrade(pg, state.version + 1, err);
    if (state.copied)
        return S_send(pg, "journal_renew", err) ||
               err_context(err, "the copied journal could not begin a new generation");
    return true;
}

static bool S_take_step(struct pg *pg, struct err *err)
{
    struct err ignored = {0};
    bool ok = S_send(pg, "journal_begin", err) && S_do_what_is_due(pg, err) &&
              S_send(pg, "journal_commit", err);
    if (!ok && pg_is_up(pg))
        S_send(pg, "journal_rollback", &ignored);
    return ok;
}

bool journal_ensure(struct pg *pg, struct err *err)
{
    enum { STEPS_AT_MOST = JOURNAL_VERSION + 1 }; /* every upgrade, and a new generation */
    struct journal_state state;
    for (int steps = 0; steps <= STEPS_AT_MOST; steps++) {
        if (!journal_look(pg, &state, err) || !S_may_proceed(&state, err))
            return false;
        if (!S_is_due(&state))
            return true;
        if (!S_take_step(pg, err))
            return false;
    }
    return err_set(err, ERR_BUG, "the journal was upgraded, and is still at version %lld",
                   (long long)state.version);
}
