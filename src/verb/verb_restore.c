/*
 * verb_restore: the verb backup restore. What it does is in restore.h; here it is told: before
 * anybody types the name, what comes in whose place and what is given up with it, and then each
 * thing it does.
 */
#include "verbs.h"

#include "clock.h"
#include "restore.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS = 2, JOBS_MAX = 64 };

static void S_say(struct verb_call *call, const char *format, ...) PRINTF_LIKE(2, 3);

/* Names are foreign: a line is one line, whatever is in it. */
static void S_say(struct verb_call *call, const char *format, ...)
{
    struct buf line = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&line, format, args);
    va_end(args);
    char *clean = text_cleaned(buf_text(&line));
    fprintf(call->out, "%s\n", clean);
    fflush(call->out);
    free(clean);
    buf_release(&line);
}

static void S_hear(void *ctx, const char *sentence)
{
    struct verb_call *call = ctx;
    if (!call->json)
        S_say(call, "%s", sentence);
}

/* ---- which ---- */

static bool S_check_words(const struct verb_call *call, struct err *err)
{
    bool abandon = verb_option(call, "abandon") != NULL;
    if (abandon != (call->arg_count == 1))
        return true;
    err_set(err, ERR_USAGE, "'backup restore' wants the name of a backup, or --abandon");
    return err_hint(err, "'tenantdeck backup list' shows the names");
}

static bool S_read_archive(const struct verb_call *call, struct archive *out, struct err *err)
{
    char *directory = NULL;
    bool ok = archive_directory(verb_option(call, "directory"), &directory, err) &&
              archive_read(directory, call->args[0], out, err);
    free(directory);
    return ok;
}

static bool S_read_jobs(const struct verb_call *call, int *jobs, struct err *err)
{
    const char *given = verb_option(call, "jobs");
    int64_t number = JOBS;
    if (given && (!str_to_int(given, &number) || number < 1 || number > JOBS_MAX))
        return err_set(err, ERR_USAGE, "'--jobs' wants a number from 1 to %d, not '%s'", JOBS_MAX,
                       given);
    *jobs = (int)number;
    return true;
}

/* ---- before it is asked ---- */

static void S_tell_backup(struct verb_call *call, const struct archive *archive)
{
    const char *taken = archive_text(archive, "taken_at");
    struct buf text = {0};
    text_bytes(&text, archive_number(archive, "size"));
    buf_format(&text, ", %zu tables, ", json_array_size(json_object_get(archive->facts, "tables")));
    text_count(&text, archive_rows(archive));
    buf_format(&text, " rows, %s", archive_state(archive));
    S_say(call, "  backup  %s", archive->name);
    S_say(call, "          of '%s', taken %s", archive_text(archive, "database"),
          taken ? taken : "at an unknown time");
    S_say(call, "          %s", buf_text(&text));
    buf_release(&text);
}

static void S_tell_room(struct verb_call *call, const struct archive *archive,
                        const struct restore_view *view)
{
    struct buf text = {0};
    if (view->size >= 0)
        text_bytes(&text, view->size);
    S_say(call, "  now     %s%s",
          view->size >= 0 ? "the database has " : "there is no such database", buf_text(&text));
    buf_clear(&text);
    text_bytes(&text, archive_number(archive, "database_size"));
    S_say(call,
          "  room    about %s more on the server's disk, as large as it was when it was dumped",
          buf_text(&text));
    buf_release(&text);
}

static void S_tell_company(struct verb_call *call, const struct restore_view *view)
{
    if (view->connected)
        S_say(call, "  mind    it is refused while these are connected (%d): %s", view->connected,
              view->who);
    else
        S_say(call, "  locks   none; at the swap nobody may be connected, and now nobody else is");
}

static void S_tell_restore(struct verb_call *call, const char *database,
                           const struct archive *archive, const struct restore_view *view)
{
    char *where = pg_target_describe(&call->session->database);
    S_say(call, "Restore of '%s' in %s", database, where);
    S_tell_backup(call, archive);
    S_tell_room(call, archive, view);
    S_tell_company(call, view);
    S_say(call, "  time    %s", view->time);
    S_say(call,
          "  lost    what was written since it was taken stands in the old database alone; the "
          "journal begins anew: no run of before can be resumed or taken back in it");
    S_say(call,
          "  undo    the old database is kept under another name, and the statements that take "
          "the restore back are printed");
    S_say(call, "%s", "");
    S_say(call, "In this order, and nothing of '%s' is touched before the last:", database);
    S_say(call, "  1  the dump is read whole, against its checksum");
    S_say(call, "  2  it is loaded into a new database beside this one");
    S_say(call, "  3  every table's rows are counted, and compared with the backup's figures");
    S_say(call, "  4  the two names are swapped, in one transaction");
    free(where);
}

static bool S_look(struct verb_call *call, struct pg *pg, const char *database, struct err *err)
{
    struct archive archive = {0};
    struct restore_view view = {0};
    bool ok =
        S_read_archive(call, &archive, err) && restore_look(pg, database, &archive, &view, err);
    if (ok && call->token)
        snprintf(call->token->ground, sizeof(call->token->ground), "%s", view.ground);
    if (ok)
        S_tell_restore(call, database, &archive, &view);
    restore_view_release(&view);
    archive_release(&archive);
    return ok;
}

/* Whoever gave the name with the command has made up the mind, and is told by what it does. */
bool verb_backup_restore_tell(struct verb_call *call, struct err *err)
{
    struct restore_link link = {0};
    if (call->json || (call->confirmed && *call->confirmed))
        return true;
    if (!S_check_words(call, err))
        return false;
    char *database = verb_confirmation(call);
    bool ok = true;
    if (verb_option(call, "abandon"))
        S_say(call,
              "What an unfinished restore of '%s' has loaded is dropped; '%s' is not touched.",
              database, database);
    else
        ok = restore_connect(&link, call->loop, call->session, database, call->ask, call->ask_ctx,
                             err) &&
             S_look(call, link.pg, database, err);
    restore_disconnect(&link);
    free(database);
    return ok;
}

/* ---- afterwards ---- */

static void S_print_restored(struct verb_call *call, const char *database,
                             const struct restore_result *result)
{
    struct buf rows = {0};
    text_count(&rows, result->rows);
    S_say(call, "'%s' is restored: %s rows, as many as in the backup", database, buf_text(&rows));
    buf_release(&rows);
    if (result->no_journal)
        S_say(call, "it has no journal yet: %s", result->no_journal);
    if (!result->before)
        return;
    S_say(call, "the old one is kept as '%s'; when it is no longer needed:", result->before);
    S_say(call, "    %s;", result->drop);
    S_say(call, "or, to take the restore back, in another database:");
    S_say(call, "    %s;", result->back[0]);
    S_say(call, "    %s;", result->back[1]);
}

static void S_answer_restored(struct verb_call *call, const char *database,
                              const struct restore_result *result)
{
    verb_answer(call,
                json_pack("{s:o, s:I, s:b, s:o, s:o, s:[o, o], s:o}", "database",
                          verb_json_text(database), "rows", (json_int_t)result->rows, "continued",
                          result->continued, "kept_as", verb_json_text(result->before), "drop",
                          verb_json_text(result->drop), "back", verb_json_text(result->back[0]),
                          verb_json_text(result->back[1]), "no_journal",
                          verb_json_text(result->no_journal)));
}

/* ---- the restore ---- */

/* What was shown is what is restored, and in whose place. */
static bool S_check_ground(const struct verb_call *call, struct pg *pg, const char *database,
                           const struct archive *archive, struct err *err)
{
    struct restore_view view = {0};
    if (!call->token || !*call->token->ground)
        return true;
    if (!restore_look(pg, database, archive, &view, err))
        return false;
    bool same = strncmp(call->token->ground, view.ground, sizeof(call->token->ground) - 1) == 0;
    restore_view_release(&view);
    return same || run_token_refuse("the backup, the database or its server has", err);
}

static bool S_restore(struct verb_call *call, struct pg *pg, const char *database, struct err *err)
{
    struct archive archive = {0};
    struct restore_result result = {0};
    struct restore_order order = {.loop = call->loop,
                                  .session = call->session,
                                  .pg = pg,
                                  .database = database,
                                  .archive = &archive,
                                  .force = verb_option(call, "force") != NULL,
                                  .tell = S_hear,
                                  .ctx = call};
    bool ok = S_read_jobs(call, &order.jobs, err) && S_read_archive(call, &archive, err) &&
              S_check_ground(call, pg, database, &archive, err) &&
              restore_run(&order, &result, err);
    if (ok && call->json)
        S_answer_restored(call, database, &result);
    else if (ok)
        S_print_restored(call, database, &result);
    call->findings = result.no_journal != NULL;
    restore_result_release(&result);
    archive_release(&archive);
    return ok;
}

static bool S_abandon(struct verb_call *call, struct pg *pg, const char *database, struct err *err)
{
    if (!restore_abandon(pg, database, err))
        return false;
    if (call->json)
        verb_answer(call, json_pack("{s:b}", "abandoned", true));
    else
        S_say(call, "the unfinished restore is given up, and what it had loaded is dropped");
    return true;
}

bool verb_backup_restore(struct verb_call *call, struct err *err)
{
    struct restore_link link = {0};
    if (!S_check_words(call, err))
        return false;
    char *database = verb_confirmation(call);
    bool ok = restore_connect(&link, call->loop, call->session, database, call->ask, call->ask_ctx,
                              err) &&
              (verb_option(call, "abandon") ? S_abandon(call, link.pg, database, err)
                                            : S_restore(call, link.pg, database, err));
    restore_disconnect(&link);
    free(database);
    return ok;
}
