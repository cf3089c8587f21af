/*
 * verb_backup: the verbs backup create, list and verify. What they do is in backup.h and archive.h;
 * here it is told.
 */
#include "verbs.h"

#include "backup.h"
#include "clock.h"
#include "plan_json.h"
#include "restore_log.h"

#include <stdlib.h>
#include <string.h>

enum { TELL_MS = 10000 };

/* ---- what is said on the way ---- */

struct S_teller {
    const struct verb_call *call;
    json_t *checks;
    int64_t next_at; /* when the progress is told again */
};

static void S_print(const struct verb_call *call, const char *raw)
{
    char *clean = text_cleaned(raw);
    fprintf(call->out, "%s\n", clean);
    fflush(call->out);
    free(clean);
}

static void S_tell(void *ctx, const char *sentence)
{
    const struct S_teller *teller = ctx;
    if (!teller->call->json)
        S_print(teller->call, sentence);
}

static void S_tell_progress(void *ctx, int64_t done, int64_t total)
{
    struct S_teller *teller = ctx;
    struct buf line = {0};
    if (clock_ms() < teller->next_at)
        return;
    teller->next_at = clock_ms() + TELL_MS;
    text_bytes(&line, done);
    buf_add(&line, " written, of a database of ");
    text_bytes(&line, total);
    S_tell(ctx, buf_text(&line));
    buf_release(&line);
}

static void S_judge(void *ctx, const char *check, const char *verdict, const char *message)
{
    struct S_teller *teller = ctx;
    json_array_append_new(teller->checks, json_pack("{s:s, s:s, s:o}", "check", check, "verdict",
                                                    verdict, "message", verb_json_text(message)));
    char *line = str_format("%-8s %-7s %s", check, verdict, message);
    S_tell(ctx, line);
    free(line);
}

/* ---- backup create ---- */

static json_t *S_archive_json(const struct archive *archive)
{
    static const char *const facts[] = {"database", "server",   "plan",          "plan_hash",
                                        "taken_at", "taken_by", "role",          "size",
                                        "sha256",   "pg_dump",  "database_size", "ms"};
    char *path = archive_path(archive, ".dump");
    json_t *json = json_pack("{s:o, s:o, s:I, s:I}", "name", verb_json_text(archive->name), "path",
                             verb_json_text(path), "tables",
                             (json_int_t)json_array_size(json_object_get(archive->facts, "tables")),
                             "rows", (json_int_t)archive_rows(archive));
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        json_t *fact = json_object_get(archive->facts, facts[i]);
        json_object_set(json, facts[i], fact ? fact : json_null());
    }
    free(path);
    return json;
}

static void S_print_made(struct verb_call *call, const struct archive *archive)
{
    char *path = archive_path(archive, ".dump");
    struct buf line = {0};
    buf_format(&line, "%s: ", path);
    text_bytes(&line, archive_number(archive, "size"));
    buf_format(&line, ", %zu tables, ", json_array_size(json_object_get(archive->facts, "tables")));
    text_count(&line, archive_rows(archive));
    buf_add(&line, " rows");
    S_print(call, buf_text(&line));
    buf_release(&line);
    free(path);
}

static bool S_make(struct verb_call *call, struct pg *pg, const char *directory,
                   struct S_teller *teller, struct archive *out, struct err *err)
{
    const struct plan *plan = call->session->plan;
    char *document = plan ? plan_to_json(plan) : NULL;
    const struct backup_order order = {.loop = call->loop,
                                       .pg = pg,
                                       .directory = directory,
                                       .plan = plan,
                                       .document = document,
                                       .judge = S_judge,
                                       .progress = S_tell_progress,
                                       .warn = S_tell,
                                       .ctx = teller};
    bool ok = backup_make(&order, out, err);
    free(document);
    return ok;
}

bool verb_backup_create(struct verb_call *call, struct err *err)
{
    const struct pg_options options = {.purpose = "backup", .read_only = true};
    struct S_teller teller = {
        .call = call, .checks = json_array(), .next_at = clock_ms() + TELL_MS};
    struct archive archive = {0};
    struct pg *pg = NULL;
    char *directory = NULL;
    bool ok =
        archive_directory(verb_option(call, "directory"), &directory, err) &&
        session_connect(call->session, call->loop, &options, call->ask, call->ask_ctx, &pg, err) &&
        S_make(call, pg, directory, &teller, &archive, err);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:o, s:O}", "backup", S_archive_json(&archive), "checks",
                                    teller.checks));
    else if (ok)
        S_print_made(call, &archive);
    archive_release(&archive);
    json_decref(teller.checks);
    pg_free(pg);
    free(directory);
    return ok;
}

/* ---- backup list ---- */

struct S_listing {
    struct verb_call *call;
    int width; /* of the names */
    json_t *backups, *restores;
};

static void S_print_row(struct verb_call *call, int width, const char *name,
                        const struct archive *archive, const char *state, const char *trouble)
{
    struct buf size = {0}, rows = {0}, line = {0};
    if (archive) {
        text_bytes(&size, archive_number(archive, "size"));
        text_count(&rows, archive_rows(archive));
    }
    buf_format(&line, "%-*s %-20s %8s %11s  %s%s%s", width, name,
               archive ? archive_text(archive, "taken_at") : "", buf_text(&size), buf_text(&rows),
               state, trouble ? ": " : "", trouble ? trouble : "");
    S_print(call, buf_text(&line));
    buf_release(&size);
    buf_release(&rows);
    buf_release(&line);
}

static void S_list_one(struct S_listing *listing, const char *directory,
                       const struct archive_entry *entry)
{
    struct archive archive = {0};
    struct err err = {0};
    bool readable = entry->finished && archive_read(directory, entry->name, &archive, &err);
    const char *state = readable          ? archive_state(&archive)
                        : entry->finished ? "damaged"
                                          : "unfinished";
    json_t *row = readable ? S_archive_json(&archive)
                           : json_pack("{s:o}", "name", verb_json_text(entry->name));
    json_object_set_new(row, "state", json_string(state));
    json_object_set_new(row, "trouble", verb_json_text(*err.text ? err.text : NULL));
    json_array_append_new(listing->backups, row);
    if (!listing->call->json)
        S_print_row(listing->call, listing->width, entry->name, readable ? &archive : NULL, state,
                    *err.text ? err.text : NULL);
    listing->call->findings |= !str_is(state, "whole");
    archive_release(&archive);
}

static void S_list_restore(void *ctx, const struct restore_log *log)
{
    struct S_listing *listing = ctx;
    const char *database = restore_log_text(log, "database");
    const char *backup = restore_log_text(log, "backup");
    json_array_append_new(listing->restores,
                          json_pack("{s:s?, s:s?, s:s?, s:s}", "database", database, "backup",
                                    backup, "scratch", restore_log_text(log, "scratch"), "log",
                                    log->path));
    if (listing->call->json)
        return;
    char *line = str_format("a restore of '%s' from '%s' is not finished: say it again, or "
                            "'backup restore --abandon'",
                            database ? database : "?", backup ? backup : "?");
    S_print(listing->call, line);
    free(line);
}

bool verb_backup_list(struct verb_call *call, struct err *err)
{
    struct S_listing listing = {.call = call,
                                .width = (int)strlen("NAME"),
                                .backups = json_array(),
                                .restores = json_array()};
    struct archive_entry *entries = NULL;
    size_t count = 0;
    char *directory = NULL;
    bool ok = archive_directory(verb_option(call, "directory"), &directory, err) &&
              archive_list(directory, &entries, &count, err);
    if (ok && !count && !call->json)
        S_print(call, "there is no backup yet: 'tenantdeck backup create' makes one");
    for (size_t i = 0; i < count; i++)
        if ((int)strlen(entries[i].name) > listing.width)
            listing.width = (int)strlen(entries[i].name);
    if (ok && count && !call->json)
        fprintf(call->out, "%-*s %-20s %8s %11s  %s\n", listing.width, "NAME", "TAKEN AT", "SIZE",
                "ROWS", "STATE");
    for (size_t i = 0; i < count; i++)
        S_list_one(&listing, directory, &entries[i]);
    ok = ok && restore_log_each(RESTORE_ROOM, false, S_list_restore, &listing, err);
    if (ok && call->json)
        verb_answer(call,
                    json_pack("{s:o, s:O, s:O}", "directory", verb_json_text(directory), "backups",
                              listing.backups, "unfinished_restores", listing.restores));
    json_decref(listing.backups);
    json_decref(listing.restores);
    archive_list_free(entries, count);
    free(directory);
    return ok;
}

/* ---- backup verify ---- */

/* The newest that is finished, when none is named. */
static bool S_choose(struct verb_call *call, struct archive *out, struct err *err)
{
    struct archive_entry *entries = NULL;
    size_t count = 0;
    char *directory = NULL;
    const char *word = call->arg_count ? call->args[0] : NULL;
    bool ok = archive_directory(verb_option(call, "directory"), &directory, err) &&
              (word || archive_list(directory, &entries, &count, err));
    for (size_t i = 0; i < count; i++)
        if (entries[i].finished)
            word = entries[i].name;
    if (ok && !word) {
        ok = err_set(err, ERR_FAILED, "there is no backup in '%s'", directory);
        err_hint(err, "'tenantdeck backup create' makes one");
    }
    ok = ok && archive_read(directory, word, out, err);
    archive_list_free(entries, count);
    free(directory);
    return ok;
}

/* Who names no database gets libpq's default, which says nothing about the backup. */
static bool S_is_named(const struct verb_call *call)
{
    const char *conninfo = call->session->database.conninfo;
    return (conninfo && *conninfo) || getenv("PGDATABASE") || getenv("PGSERVICE");
}

static bool S_verify_origin(const struct verb_call *call, const struct archive *archive,
                            struct S_teller *teller)
{
    const char *of = archive_text(archive, "database");
    char *here = pg_target_database(&call->session->database);
    bool named = S_is_named(call), same = str_is(of, here);
    char *message = !named
                        ? str_format("it is of database '%s'; none is named to compare it with", of)
                    : same ? str_format("it is of database '%s'", of)
                           : str_format("it is of database '%s', and not of '%s'", of, here);
    S_judge(teller, "origin", !named ? "unknown" : same ? "pass" : "fail", message);
    free(message);
    free(here);
    return same || !named;
}

static bool S_verify(struct verb_call *call, const struct archive *archive, struct S_teller *teller)
{
    char *path = archive_path(archive, ".dump");
    bool fits = S_verify_origin(call, archive, teller);
    bool whole = archive_check(archive, path, call->loop, NULL, S_judge, teller);
    free(path);
    return whole && fits;
}

bool verb_backup_verify(struct verb_call *call, struct err *err)
{
    struct S_teller teller = {.call = call, .checks = json_array()};
    struct archive archive = {0};
    bool ok = S_choose(call, &archive, err);
    if (ok) {
        bool fit = S_verify(call, &archive, &teller);
        call->findings = !fit;
        if (call->json)
            verb_answer(call, json_pack("{s:o, s:b, s:O}", "backup", S_archive_json(&archive),
                                        "whole", fit, "checks", teller.checks));
    }
    json_decref(teller.checks);
    archive_release(&archive);
    return ok;
}
