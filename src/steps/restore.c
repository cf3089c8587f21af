/*
 * restore: see restore.h. What it decides, it decides by what the catalog has: the file of the
 * restore says what was meant, never what is there.
 */
#include "restore_parts.h"

#include "clock.h"
#include "journal.h"
#include "sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAMED = 5, /* sessions that a sentence names */
    LEAVING_MS = 2000,
    LOOK_MS = 100
};

/* ---- what both halves use ---- */

void restore_tell(const struct restoring *restoring, const char *format, ...)
{
    struct buf sentence = {0};
    va_list args;
    if (!restoring->order->tell)
        return;
    va_start(args, format);
    buf_vformat(&sentence, format, args);
    va_end(args);
    restoring->order->tell(restoring->order->ctx, buf_text(&sentence));
    buf_release(&sentence);
}

bool restore_send_generated(struct pg *pg, const char *generator, const char *const *values,
                            int count, struct err *err)
{
    struct pg_result *statements;
    if (!pg_run(pg, sql_get(generator), values, count, &statements, err))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < pg_rows(statements); i++)
        ok =
            pg_run(pg, pg_text(statements, i, pg_col(statements, "statement")), NULL, 0, NULL, err);
    pg_result_free(statements);
    return ok;
}

bool restore_oid(struct pg *pg, const char *database, int64_t *oid, struct err *err)
{
    const char *values[] = {database};
    struct pg_result *row;
    if (!pg_run(pg, sql_get("restore_database"), values, 1, &row, err))
        return false;
    *oid = pg_rows(row) ? pg_int(row, 0, 0) : 0;
    pg_result_free(row);
    return true;
}

/* The only row's only column, or NULL where there is no row. */
static bool S_ask_text(struct pg *pg, const char *statement, const char *const *values, int count,
                       char **out, struct err *err)
{
    struct pg_result *row;
    if (!pg_run(pg, sql_get(statement), values, count, &row, err))
        return false;
    *out = pg_rows(row) ? str_dup(pg_text(row, 0, 0)) : NULL;
    pg_result_free(row);
    return true;
}

bool restore_connect(struct restore_link *link, struct loop *loop, struct session *session,
                     const char *database, session_ask_fn *ask, void *ask_ctx, struct err *err)
{
    static const char *const elsewhere[] = {"postgres", "template1"};
    const struct pg_options options = {.purpose = "restore"};
    struct err trouble = {0};
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
        *link = (struct restore_link){.other = *session};
        if (str_is(elsewhere[i], database))
            continue;
        if (!pg_target_elsewhere(&session->database, elsewhere[i], &link->other.database, err))
            return false;
        if (session_connect(&link->other, loop, &options, ask, ask_ctx, &link->pg, &trouble)) {
            str_wipe(session->database.password);
            session->database.password = str_dup(link->other.database.password);
            return true;
        }
        pg_target_release(&link->other.database);
    }
    *err = trouble;
    return false;
}

void restore_disconnect(struct restore_link *link)
{
    pg_free(link->pg);
    if (link->pg)
        pg_target_release(&link->other.database);
    *link = (struct restore_link){0};
}

/* ---- may it begin ---- */

static bool S_check_origin(const struct restore_order *order, const char *server, struct err *err)
{
    const char *from = archive_text(order->archive, "database");
    const char *of = archive_text(order->archive, "server");
    bool same_database = str_is(from, order->database);
    bool same_server = !of || !*server || str_is(of, server);
    if (order->force || (same_database && same_server))
        return true;
    if (!same_database)
        err_set(err, ERR_REFUSED, "'%s' is a backup of database '%s', and not of '%s'",
                order->archive->name, from, order->database);
    else
        err_set(err, ERR_REFUSED, "'%s' was made on another server", order->archive->name);
    return err_hint(err, "say --force if that is what you want; nothing was changed");
}

struct S_damage {
    struct buf text;
};

static void S_judge(void *ctx, const char *check, const char *verdict, const char *message)
{
    (void)check;
    struct S_damage *damage = ctx;
    if (str_is(verdict, "fail"))
        buf_format(&damage->text, "%s%s", damage->text.len ? "; " : "", message);
}

static bool S_check_archive(const struct restoring *restoring, struct err *err)
{
    struct S_damage damage = {0};
    restore_tell(restoring, "checking '%s'", restoring->dump);
    bool ok = archive_check(restoring->order->archive, restoring->dump, restoring->order->loop,
                            NULL, S_judge, &damage);
    if (!ok) {
        err_set(err, ERR_FAILED, "the backup '%s' is damaged: %s", restoring->order->archive->name,
                buf_text(&damage.text));
        err_hint(err, "nothing was changed; 'tenantdeck backup list' shows the others");
    }
    buf_release(&damage.text);
    return ok;
}

/* ---- who is in its way ---- */

struct S_company {
    struct buf who; /* the first of them that are not ours, in words */
    int connected, ours;
};

static bool S_read_company(struct pg *pg, const char *database, struct S_company *out,
                           struct err *err)
{
    const char *values[] = {database};
    struct pg_result *rows;
    buf_release(&out->who);
    *out = (struct S_company){0};
    if (!pg_run(pg, sql_get("restore_sessions"), values, 1, &rows, err))
        return false;
    for (int i = 0; i < pg_rows(rows); i++) {
        bool ours = pg_bool(rows, i, pg_col(rows, "ours"));
        out->ours += ours;
        out->connected += !ours;
        if (!ours && out->connected <= NAMED)
            buf_format(&out->who, "%s%s", out->who.len ? "; " : "", pg_text(rows, i, 0));
    }
    if (out->connected > NAMED)
        buf_add(&out->who, "; and more");
    pg_result_free(rows);
    return true;
}

/* A console that has let go of the database a moment ago may be listed for a moment longer. */
static bool S_await_ours(const struct restoring *restoring, struct S_company *out, struct err *err)
{
    const struct restore_order *order = restoring->order;
    for (int waited = 0;; waited += LOOK_MS) {
        if (!S_read_company(order->pg, order->database, out, err))
            return false;
        if (!out->ours || waited >= LEAVING_MS)
            return true;
        loop_rest(order->loop, LOOK_MS);
    }
}

/* Nobody is ever disconnected: they are named, and whoever decides ends them. */
static bool S_check_sessions(const struct restoring *restoring, const char *what_stands,
                             struct err *err)
{
    struct S_company company = {0};
    const char *database = restoring->order->database;
    if (!S_await_ours(restoring, &company, err))
        return false;
    int count = company.connected + company.ours;
    if (company.connected) {
        err_set(err, ERR_REFUSED, "%d %s connected to '%s', so %s: %s", count,
                count == 1 ? "session is" : "sessions are", database, what_stands,
                buf_text(&company.who));
        err_hint(err, "stop the application (and its pooler), then say the same again");
    } else if (count) {
        err_set(err, ERR_REFUSED, "%d %s of tenantdeck connected to '%s', so %s", count,
                count == 1 ? "session is" : "sessions are", database, what_stands);
        err_hint(err, "close the other consoles, and let no run be at work");
    }
    buf_release(&company.who);
    return count == 0;
}

bool restore_look(struct pg *pg, const char *database, const struct archive *archive,
                  struct restore_view *out, struct err *err)
{
    const char *values[] = {database};
    struct S_company company = {0};
    struct pg_result *row = NULL;
    char *server = NULL;
    int64_t oid;
    *out = (struct restore_view){.size = -1};
    bool ok = S_ask_text(pg, "restore_server", NULL, 0, &server, err) &&
              restore_oid(pg, database, &oid, err) && S_read_company(pg, database, &company, err) &&
              pg_run(pg, sql_get("restore_size"), values, 1, &row, err);
    if (ok) {
        out->ground = str_format("server %s, database %lld, backup %s", server ? server : "",
                                 (long long)oid, archive_text(archive, "sha256"));
        out->time = restore_time(server ? server : "", database, archive);
        out->size = pg_rows(row) ? pg_int(row, 0, 0) : -1;
        out->who = str_dup(buf_text(&company.who));
        out->connected = company.connected;
        out->ours = company.ours;
    }
    buf_release(&company.who);
    pg_result_free(row);
    free(server);
    return ok;
}

void restore_view_release(struct restore_view *view)
{
    free(view->ground);
    free(view->time);
    free(view->who);
    *view = (struct restore_view){0};
}

static bool S_tell_bound(const struct restoring *restoring, struct err *err)
{
    const char *values[] = {restoring->order->database};
    struct pg_result *rows;
    if (!pg_run(restoring->order->pg, sql_get("restore_slots"), values, 1, &rows, err))
        return false;
    for (int i = 0; i < pg_rows(rows); i++)
        restore_tell(restoring, "note: %s stays with the old database", pg_text(rows, i, 0));
    pg_result_free(rows);
    return true;
}

/* ---- one that was cut off ---- */

static int64_t S_scratch_oid(const struct restore_log *log)
{
    return json_integer_value(json_object_get(json_object_get(log->done, "create"), "oid"));
}

/* The name was free when it was meant, and carries the restore's own stamp: so it is ours. */
static bool S_drop_scratch(struct pg *pg, const struct restore_log *log, struct err *err)
{
    const char *scratch = restore_log_text(log, "scratch");
    int64_t oid = S_scratch_oid(log), found;
    if (!json_object_get(log->meant, "create"))
        return true;
    if (!restore_oid(pg, scratch, &found, err))
        return false;
    char number[24];
    snprintf(number, sizeof(number), "%lld", (long long)(oid ? oid : found));
    const char *values[] = {scratch, number};
    return !found || restore_send_generated(pg, "restore_drop", values, 2, err);
}

/*
 * Whoever was killed while he loaded has left his statement to the server: nobody else knows that
 * name.
 */
static bool S_await_scratch(const struct restoring *restoring, struct err *err)
{
    struct S_company company = {0};
    bool ok;
    for (bool told = false;
         (ok = S_read_company(restoring->order->pg, restoring->scratch, &company, err)) &&
         company.connected + company.ours;
         told = true) {
        if (!told)
            restore_tell(restoring, "waiting for the server to end what was begun in '%s': %s",
                         restoring->scratch,
                         company.connected ? buf_text(&company.who) : "a session of tenantdeck");
        loop_rest(restoring->order->loop, LOOK_MS);
    }
    buf_release(&company.who);
    return ok;
}

bool restore_abandon(struct pg *pg, const char *database, struct err *err)
{
    struct restore_log log;
    char *server = NULL;
    bool found = false;
    int64_t target;
    bool ok = S_ask_text(pg, "restore_server", NULL, 0, &server, err) &&
              restore_log_find(RESTORE_ROOM, server, database, &log, &found, err);
    if (ok && !found)
        ok = err_set(err, ERR_FAILED, "no restore of '%s' is unfinished here", database);
    ok = ok && restore_oid(pg, database, &target, err);
    if (ok && target && target == S_scratch_oid(&log))
        ok = err_set(err, ERR_REFUSED,
                     "the names are swapped already, so there is nothing to give "
                     "up; say the restore again, and it ends in order");
    ok = ok && S_drop_scratch(pg, &log, err) && restore_log_end(&log, "given up", err);
    if (found)
        restore_log_release(&log);
    free(server);
    return ok;
}

/* True when what was loaded is whole and compared, and stands under its name. */
static bool S_is_filled(const struct restoring *restoring, bool *filled, struct err *err)
{
    int64_t oid;
    *filled = false;
    if (!restore_oid(restoring->order->pg, restoring->scratch, &oid, err))
        return false;
    *filled = oid && oid == S_scratch_oid(&restoring->log) &&
              restore_log_has(&restoring->log, "settings");
    return true;
}

/* ---- the names ---- */

static bool S_begin(struct restoring *restoring, const char *server, const char *stamp,
                    struct err *err)
{
    const struct restore_order *order = restoring->order;
    const char *values[] = {order->database, stamp};
    struct pg_result *names;
    if (!pg_run(order->pg, sql_get("restore_names"), values, 2, &names, err))
        return false;
    if (!pg_rows(names)) {
        pg_result_free(names);
        return err_set(err, ERR_REFUSED, "every name for the new database is taken already");
    }
    json_t *begin = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "server", server, "database",
                              order->database, "stamp", stamp, "backup", order->archive->name,
                              "sha256", archive_text(order->archive, "sha256"), "scratch",
                              pg_text(names, 0, pg_col(names, "scratch")), "before",
                              pg_text(names, 0, pg_col(names, "before")));
    pg_result_free(names);
    return begin ? restore_log_begin(RESTORE_ROOM, begin, &restoring->log, err)
                 : err_set(err, ERR_FAILED, "the name of the database is not valid UTF-8");
}

static bool S_rename(struct restoring *restoring, const char *from, const char *to, struct err *err)
{
    const char *values[] = {from, to};
    return restore_send_generated(restoring->order->pg, "restore_rename", values, 2, err);
}

static bool S_swap_names(struct restoring *restoring, bool has_old, struct err *err)
{
    struct err ignored = {0};
    struct pg *pg = restoring->order->pg;
    const char *database = restoring->order->database;
    if (!pg_run(pg, sql_get("restore_swap_begin"), NULL, 0, NULL, err))
        return false;
    bool ok = (!has_old || S_rename(restoring, database, restoring->before, err)) &&
              S_rename(restoring, restoring->scratch, database, err) &&
              pg_run(pg, sql_get("restore_swap_end"), NULL, 0, NULL, err);
    if (!ok && pg_is_ready(pg))
        pg_run(pg, sql_get("restore_swap_rollback"), NULL, 0, NULL, &ignored);
    return ok;
}

/* What was done, and how long all of it took: the next one's sheet tells that. */
static json_t *S_swapped(const struct restoring *restoring, bool kept)
{
    int64_t ms = restoring->started ? clock_ms() - restoring->started : 0;
    return json_pack("{s:b, s:I, s:I}", "kept", kept, "ms", (json_int_t)ms, "size",
                     (json_int_t)archive_number(restoring->order->archive, "size"));
}

static bool S_swap(struct restoring *restoring, struct err *err)
{
    int64_t old;
    restore_tell(restoring, "swapping the names");
    if (!restore_oid(restoring->order->pg, restoring->order->database, &old, err))
        return false;
    bool ok = S_check_sessions(restoring, "the restored one waits beside it", err) &&
              restore_log_means(&restoring->log, "swap", NULL, err) &&
              S_swap_names(restoring, old != 0, err) &&
              restore_log_did(&restoring->log, "swap", S_swapped(restoring, old != 0), err);
    if (!ok && !*err->hint)
        err_hint(err, "say the same again, and it goes on from here; or --abandon it");
    return ok || err_context(err, "the names were not swapped; '%s' is loaded and compared",
                             restoring->scratch);
}

/* ---- afterwards ---- */

static bool S_begin_journal(struct restoring *restoring, struct err *err)
{
    const struct pg_options options = {.purpose = "restore"};
    const struct restore_order *order = restoring->order;
    struct pg *pg = NULL;
    char *sentence = str_format("restored from backup '%s', made at %s", order->archive->name,
                                archive_text(order->archive, "taken_at"));
    const char *values[] = {sentence};
    bool ok = session_connect(order->session, order->loop, &options, NULL, NULL, &pg, err) &&
              journal_ensure(pg, err) && pg_run(pg, sql_get("restore_note"), values, 1, NULL, err);
    pg_free(pg);
    free(sentence);
    return ok;
}

/* The database is in its place by now: what fails here is told, and takes nothing back. */
static bool S_finish(struct restoring *restoring, struct restore_result *out, struct err *err)
{
    struct err trouble = {0};
    int64_t old;
    if (!S_begin_journal(restoring, &trouble))
        out->no_journal = str_dup(trouble.text);
    if (!restore_oid(restoring->order->pg, restoring->before, &old, err))
        return false;
    char number[24];
    snprintf(number, sizeof(number), "%lld", (long long)old);
    const char *drop[] = {restoring->before, number};
    const char *aside[] = {restoring->order->database, restoring->scratch};
    const char *back[] = {restoring->before, restoring->order->database};
    out->before = old ? str_dup(restoring->before) : NULL;
    out->rows = json_integer_value(
        json_object_get(json_object_get(restoring->log.done, "compare"), "rows"));
    return (!old ||
            (S_ask_text(restoring->order->pg, "restore_drop", drop, 2, &out->drop, err) &&
             S_ask_text(restoring->order->pg, "restore_rename", aside, 2, &out->back[0], err) &&
             S_ask_text(restoring->order->pg, "restore_rename", back, 2, &out->back[1], err))) &&
           restore_log_end(&restoring->log, "restored", err);
}

void restore_result_release(struct restore_result *result)
{
    free(result->before);
    free(result->drop);
    free(result->back[0]);
    free(result->back[1]);
    free(result->no_journal);
    *result = (struct restore_result){0};
}

/* ---- the whole ---- */

/* Before the swap everything can be thrown away; what cannot be dropped stays in the file. */
static bool S_fill(struct restoring *restoring, struct err *err)
{
    struct err trouble = {0};
    if (restore_fill(restoring, err))
        return true;
    err_context(err, "nothing of '%s' was touched", restoring->order->database);
    /* A CREATE DATABASE that has failed has made nothing. */
    if (pg_is_ready(restoring->order->pg) &&
        (!restore_log_has(&restoring->log, "create") ||
         S_drop_scratch(restoring->order->pg, &restoring->log, &trouble)))
        restore_log_end(&restoring->log, "failed", &trouble);
    else
        err_hint(err, "'%s' is left over; 'tenantdeck backup restore --abandon' drops it",
                 restoring->scratch);
    return false;
}

static bool S_start(struct restoring *restoring, const char *server, const char *stamp,
                    struct err *err)
{
    restoring->started = clock_ms();
    if (!S_check_archive(restoring, err) ||
        !S_check_sessions(restoring, "nothing was begun", err) || !S_tell_bound(restoring, err) ||
        !S_begin(restoring, server, stamp, err))
        return false;
    restoring->scratch = restore_log_text(&restoring->log, "scratch");
    restoring->before = restore_log_text(&restoring->log, "before");
    return S_fill(restoring, err) && S_swap(restoring, err);
}

/* What was cut off is gone on with where it is whole, and else thrown away and begun anew. */
static bool S_continue(struct restoring *restoring, const char *server, const char *stamp,
                       struct err *err)
{
    const struct restore_order *order = restoring->order;
    int64_t target;
    bool filled;
    restoring->scratch = restore_log_text(&restoring->log, "scratch");
    restoring->before = restore_log_text(&restoring->log, "before");
    if (!str_is(restore_log_text(&restoring->log, "sha256"),
                archive_text(order->archive, "sha256"))) {
        err_set(err, ERR_REFUSED, "a restore of '%s' from backup '%s' is not finished",
                order->database, restore_log_text(&restoring->log, "backup"));
        return err_hint(err, "say that one again, or --abandon it");
    }
    if (!restore_oid(order->pg, order->database, &target, err))
        return false;
    if (target && target == S_scratch_oid(&restoring->log)) {
        restore_tell(restoring, "the names were swapped already; what was left to do is done now");
        return true;
    }
    if (!S_is_filled(restoring, &filled, err))
        return false;
    if (filled) {
        restore_tell(restoring, "going on: '%s' is loaded and compared", restoring->scratch);
        return S_swap(restoring, err);
    }
    restore_tell(restoring, "an earlier restore was cut off while it loaded; it is begun anew");
    if (!S_await_scratch(restoring, err) || !S_drop_scratch(order->pg, &restoring->log, err) ||
        !restore_log_end(&restoring->log, "cut off, and begun anew", err))
        return false;
    restore_log_release(&restoring->log);
    return S_start(restoring, server, stamp, err);
}

bool restore_run(const struct restore_order *order, struct restore_result *out, struct err *err)
{
    struct restoring restoring = {.order = order, .log = {.fd = -1}};
    struct pg_result *here = NULL;
    bool found = false;
    *out = (struct restore_result){0};
    restoring.dump = archive_path(order->archive, ".dump");
    bool ok = pg_run(order->pg, sql_get("restore_server"), NULL, 0, &here, err);
    if (ok) {
        const char *server = pg_text(here, 0, pg_col(here, "server"));
        const char *stamp = pg_text(here, 0, pg_col(here, "stamp"));
        ok = S_check_origin(order, server, err) &&
             restore_log_find(RESTORE_ROOM, server, order->database, &restoring.log, &found, err) &&
             (found ? S_continue(&restoring, server, stamp, err)
                    : S_start(&restoring, server, stamp, err)) &&
             S_finish(&restoring, out, err);
    }
    out->continued = found;
    restore_log_release(&restoring.log);
    pg_result_free(here);
    free(restoring.dump);
    if (!ok)
        restore_result_release(out);
    return ok;
}
