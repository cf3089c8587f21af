/*
 * backup: see backup.h. Everything here reads the database; what it writes is in one directory.
 */
#include "backup.h"

#include "clock.h"
#include "person.h"
#include "plan_hash.h"
#include "sql.h"
#include "steps.h"
#include "text.h"
#include "wholefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct S_backup {
    const struct backup_order *order;
    struct archive *archive;
    struct pgtool tool;
    char *snapshot;
    char *part; /* the dump while it has no name of its own; NULL: not begun */
    int fd;     /* of it: its lock says that somebody still works on it */
    int64_t database_size, started;
};

static void S_set_text(json_t *facts, const char *name, const char *raw)
{
    json_t *text = raw ? json_string(raw) : json_null();
    if (!text) { /* a server without an encoding may hold names of any bytes */
        char *clean = text_cleaned(raw);
        text = json_string(clean);
        free(clean);
    }
    json_object_set_new(facts, name, text);
}

static void S_set_number(json_t *facts, const char *name, int64_t number)
{
    json_object_set_new(facts, name, json_integer(number));
}

/* ---- what is known before the dump ---- */

/* A database's name may hold what no file's should: '/' above all, and what a shell would read. */
static char *S_file_name(const char *database, const char *stamp)
{
    char *name = str_format("%s_%s", database, stamp);
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < 0x80 && !strchr("-_.+@", *c) && !(*c >= '0' && *c <= '9') &&
            !(*c >= 'A' && *c <= 'Z') && !(*c >= 'a' && *c <= 'z'))
            *c = '_';
    if (*name == '.')
        *name = '_';
    return name;
}

static bool S_take_snapshot(struct S_backup *backup, struct err *err)
{
    struct pg_result *row;
    if (!pg_run(backup->order->pg, sql_get("backup_begin"), NULL, 0, NULL, err) ||
        !pg_run(backup->order->pg, sql_get("backup_snapshot"), NULL, 0, &row, err))
        return false;
    struct archive *archive = backup->archive;
    const char *database = pg_text(row, 0, pg_col(row, "database"));
    char *who = person_here();
    backup->snapshot = str_dup(pg_text(row, 0, pg_col(row, "snapshot")));
    backup->database_size = pg_int(row, 0, pg_col(row, "size"));
    archive->name = S_file_name(database, pg_text(row, 0, pg_col(row, "stamp")));
    S_set_text(archive->facts, "database", database);
    S_set_text(archive->facts, "server",
               pg_null(row, 0, pg_col(row, "server")) ? NULL
                                                      : pg_text(row, 0, pg_col(row, "server")));
    S_set_number(archive->facts, "server_version", pg_int(row, 0, pg_col(row, "version")));
    S_set_number(archive->facts, "database_size", backup->database_size);
    S_set_text(archive->facts, "taken_at", pg_text(row, 0, pg_col(row, "taken_at")));
    S_set_text(archive->facts, "taken_by", who);
    S_set_text(archive->facts, "role", pg_text(row, 0, pg_col(row, "role")));
    free(who);
    pg_result_free(row);
    return true;
}

/* The hash wants the mapping file, whose absence is no reason to have no backup. */
static void S_take_plan(struct S_backup *backup)
{
    const struct plan *plan = backup->order->plan;
    struct err ignored = {0};
    char *hash = NULL;
    if (plan && !plan_hash(plan, &hash, &ignored))
        hash = NULL;
    S_set_text(backup->archive->facts, "plan", plan ? plan->name : NULL);
    S_set_text(backup->archive->facts, "plan_hash", hash);
    free(hash);
}

static bool S_take_properties(struct S_backup *backup, struct err *err)
{
    const char *values[] = {pg_database(backup->order->pg)};
    struct pg_result *row;
    if (!pg_run(backup->order->pg, sql_get("backup_properties"), values, 1, &row, err))
        return false;
    json_t *properties =
        pg_rows(row) ? json_loads(pg_text(row, 0, pg_col(row, "properties")), 0, NULL) : NULL;
    pg_result_free(row);
    if (!properties)
        return err_set(err, ERR_BUG, "the properties of database '%s' could not be read",
                       values[0]);
    json_object_set_new(backup->archive->facts, "properties", properties);
    return true;
}

/* Triggers that call into the journal, which the dump leaves out: so a restore has to, too. */
static bool S_take_bound(struct S_backup *backup, struct err *err)
{
    struct pg_result *rows;
    if (!pg_run(backup->order->pg, sql_get("backup_bound"), NULL, 0, &rows, err))
        return false;
    json_t *bound = json_array();
    for (int i = 0; i < pg_rows(rows); i++) {
        json_t *one = json_object();
        S_set_number(one, "class", pg_int(rows, i, pg_col(rows, "class")));
        S_set_number(one, "oid", pg_int(rows, i, pg_col(rows, "oid")));
        S_set_text(one, "what", pg_text(rows, i, pg_col(rows, "what")));
        json_array_append_new(bound, one);
    }
    json_object_set_new(backup->archive->facts, "without", bound);
    pg_result_free(rows);
    return true;
}

/* ---- the tables, counted in the same snapshot ---- */

static bool S_count_table(struct S_backup *backup, const struct pg_result *tables, int i,
                          json_t *list, struct err *err)
{
    struct pg_result *count = NULL;
    int statement = pg_col(tables, "statement");
    json_t *table = json_object();
    json_array_append_new(list, table);
    S_set_text(table, "schema", pg_text(tables, i, pg_col(tables, "schema")));
    S_set_text(table, "name", pg_text(tables, i, pg_col(tables, "name")));
    S_set_number(table, "oid", pg_int(tables, i, pg_col(tables, "oid")));
    json_object_set_new(table, "holds_rows",
                        json_boolean(pg_bool(tables, i, pg_col(tables, "holds_rows"))));
    if (pg_null(tables, i, statement))
        return true;
    if (!pg_run(backup->order->pg, pg_text(tables, i, statement), NULL, 0, &count, err))
        return err_context(err, "the rows of '%s' could not be counted",
                           pg_text(tables, i, pg_col(tables, "name")));
    S_set_number(table, "rows", pg_int(count, 0, 0));
    pg_result_free(count);
    return true;
}

static bool S_may_go_on(const struct S_backup *backup, struct err *err)
{
    const struct run *run = backup->order->run;
    return !run || (!run->aborted && !run->fenced) ||
           err_set(err, ERR_FAILED, "the backup was broken off, and nothing of it is kept");
}

static bool S_count_tables(struct S_backup *backup, struct err *err)
{
    const char *values[] = {backup->order->document};
    struct pg_result *tables;
    if (!pg_run(backup->order->pg, sql_get("backup_tables"), values, 1, &tables, err))
        return false;
    json_t *list = json_array();
    json_object_set_new(backup->archive->facts, "tables", list);
    bool ok = true;
    for (int i = 0; ok && i < pg_rows(tables); i++)
        ok = S_may_go_on(backup, err) && S_count_table(backup, tables, i, list, err);
    pg_result_free(tables);
    if (!ok || json_array_size(list))
        return ok;
    err_set(err, ERR_REFUSED, "database '%s' has no table that this backup would be of",
            pg_database(backup->order->pg));
    return err_hint(err, "is it the right database, and the right plan?");
}

/* ---- the dump ---- */

/* What a killed predecessor has left: nobody holds its lock any more. */
static bool S_sweep(const char *directory, struct err *err)
{
    struct archive_entry *list;
    size_t count;
    if (!archive_list(directory, &list, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        char *part = str_format("%s/%s.dump.part", directory, list[i].name);
        int fd = open(part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlink(part);
        if (fd >= 0)
            close(fd);
        free(part);
    }
    archive_list_free(list, count);
    return true;
}

/* It says nothing unless there is something to say. */
static void S_hear(void *ctx, const char *line, size_t len, bool whole)
{
    (void)whole;
    const struct S_backup *backup = ctx;
    char *text = str_ndup(line, len);
    if (*text)
        backup->order->warn(backup->order->ctx, text);
    free(text);
}

static void S_tell_size(void *ctx)
{
    struct S_backup *backup = ctx;
    struct stat info;
    if (stat(backup->part, &info) == 0)
        backup->order->progress(backup->order->ctx, info.st_size, backup->database_size);
}

/* Gzip's first level: the higher ones cost three times the time for a tenth of the size. */
static bool S_dump(struct S_backup *backup, struct err *err)
{
    char *snapshot = str_format("--snapshot=%s", backup->snapshot);
    char *file = str_format("--file=%s", backup->part);
    const char *words[] = {"--format=custom",
                           "--compress=1",
                           "--exclude-schema=tenantdeck",
                           "--lock-wait-timeout=60s",
                           "--no-password",
                           snapshot,
                           file,
                           NULL};
    const struct pgtool_job job = {.loop = backup->order->loop,
                                   .tool = &backup->tool,
                                   .words = words,
                                   .pg = backup->order->pg,
                                   .run = backup->order->run,
                                   .line = S_hear,
                                   .tick = S_tell_size,
                                   .ctx = backup};
    bool ok = pgtool_run(&job, err);
    free(snapshot);
    free(file);
    return ok;
}

static bool S_has(const struct archive *archive, const char *suffix)
{
    char *path = archive_path(archive, suffix);
    bool has = access(path, F_OK) == 0;
    free(path);
    return has;
}

/* The stamp has seconds: of those that begin within one, each gets a name of its own. */
static void S_choose_name(struct archive *archive)
{
    enum { TRIES = 100 };
    char *stamped = archive->name;
    archive->name = str_dup(stamped);
    for (int n = 2; n < TRIES && (S_has(archive, ".dump") || S_has(archive, ".dump.part")); n++) {
        free(archive->name);
        archive->name = str_format("%s_%02d", stamped, n);
    }
    free(stamped);
}

static bool S_begin_part(struct S_backup *backup, struct err *err)
{
    S_choose_name(backup->archive);
    char *part = archive_path(backup->archive, ".dump.part");
    if (!wholefile_begin(part, &backup->fd, err)) {
        free(part);
        return false;
    }
    backup->part = part;
    struct stat info;
    /* Between its making and its lock another backup may have taken it for a leftover. */
    if (flock(backup->fd, LOCK_EX | LOCK_NB) == 0 && fstat(backup->fd, &info) == 0 && info.st_nlink)
        return true;
    err_set(err, ERR_HELD, "another backup works in '%s' just now", backup->order->directory);
    return err_hint(err, "say it again in a moment");
}

static bool S_describe_dump(struct S_backup *backup, struct err *err)
{
    char digest[SHA256_HEX];
    int64_t size;
    if (!archive_digest(backup->order->loop, backup->part, digest, &size, err))
        return false;
    json_t *facts = backup->archive->facts;
    S_set_number(facts, "size", size);
    S_set_text(facts, "sha256", digest);
    S_set_text(facts, "pg_dump", backup->tool.version);
    S_set_number(facts, "pg_dump_major", backup->tool.major);
    S_set_number(facts, "ms", clock_ms() - backup->started);
    S_set_text(facts, "program", PACKAGE_VERSION);
    return true;
}

static bool S_settle(struct S_backup *backup, struct err *err)
{
    const struct backup_order *order = backup->order;
    if (!archive_check(backup->archive, backup->part, order->loop, order->run, order->judge,
                       order->ctx)) {
        err_set(err, ERR_FAILED, "the dump of '%s' is not complete, and was thrown away",
                archive_text(backup->archive, "database"));
        return err_hint(err, "is there room in '%s'? the findings say what is missing",
                        order->directory);
    }
    char *dump = archive_path(backup->archive, ".dump");
    bool ok = wholefile_settle(backup->part, dump, err);
    if (ok && !archive_write(backup->archive, err)) {
        unlink(dump);
        ok = false;
    }
    free(dump);
    return ok;
}

static void S_release(struct S_backup *backup, bool ok)
{
    struct err ignored = {0};
    if (pg_is_ready(backup->order->pg)) /* it only read */
        pg_run(backup->order->pg, sql_get("backup_end"), NULL, 0, NULL, &ignored);
    if (backup->part && !ok)
        unlink(backup->part);
    if (backup->fd >= 0)
        close(backup->fd);
    free(backup->part);
    free(backup->snapshot);
    pgtool_release(&backup->tool);
}

bool backup_make(const struct backup_order *order, struct archive *out, struct err *err)
{
    struct S_backup backup = {.order = order, .archive = out, .fd = -1, .started = clock_ms()};
    *out = (struct archive){.directory = str_dup(order->directory), .facts = json_object()};
    S_take_plan(&backup);
    bool ok = private_directory(order->directory, err) && S_sweep(order->directory, err) &&
              pgtool_find(order->loop, "pg_dump", pg_server_version(order->pg) / 10000,
                          &backup.tool, err) &&
              S_take_snapshot(&backup, err) && S_take_properties(&backup, err) &&
              S_take_bound(&backup, err) && S_count_tables(&backup, err) &&
              S_begin_part(&backup, err) && S_dump(&backup, err) && S_describe_dump(&backup, err) &&
              S_settle(&backup, err);
    S_release(&backup, ok);
    if (!ok)
        archive_release(out);
    return ok;
}

/* ---- as a step ---- */

struct S_step {
    struct run *run;
    bool told; /* every finding so far could be written */
    struct err trouble;
};

static void S_judge(void *ctx, const char *check, const char *verdict, const char *message)
{
    struct S_step *step = ctx;
    const struct finding finding = {.group = "backup",
                                    .name = check,
                                    .subject = "dump",
                                    .verdict = verdict,
                                    .severity = "error",
                                    .count = -1,
                                    .message = message};
    step->told = step->told && run_find(step->run, &finding, &step->trouble);
}

static void S_progress(void *ctx, int64_t done, int64_t total)
{
    const struct S_step *step = ctx;
    run_progress(step->run, done, done < total ? total : done);
}

static void S_warn(void *ctx, const char *line)
{
    const struct S_step *step = ctx;
    run_say(step->run, "warn", "pg_dump", "%s", line);
}

static void S_tell_backup(struct run *run, const struct archive *archive)
{
    char *path = archive_path(archive, ".dump");
    struct buf size = {0};
    text_bytes(&size, archive_number(archive, "size"));
    run_say(run, "info", "backup",
            "'%s', %s, %zu tables; 'tenantdeck backup restore %s' restores it", path,
            buf_text(&size), json_array_size(json_object_get(archive->facts, "tables")),
            archive->name);
    buf_release(&size);
    free(path);
}

bool step_backup(struct run *run, struct err *err)
{
    struct S_step step = {.run = run, .told = true};
    struct archive archive = {0};
    struct pg *pg = NULL;
    char *directory = NULL;
    if (run_flag(run, "no_backup"))
        return run_skip(run, "no backup is made, as was asked for: what cannot be undone will need "
                             "one of somebody else's");
    bool ok = archive_directory(run_option(run, "backup_directory"), &directory, err) &&
              run_connect(run, "backup", &pg, err);
    if (ok) {
        const struct backup_order order = {.loop = run->loop,
                                           .pg = pg,
                                           .directory = directory,
                                           .plan = run->plan,
                                           .document = run->document,
                                           .run = run,
                                           .judge = S_judge,
                                           .progress = S_progress,
                                           .warn = S_warn,
                                           .ctx = &step};
        ok = backup_make(&order, &archive, err);
    }
    if (ok && !step.told) {
        *err = step.trouble;
        ok = false;
    }
    if (ok) {
        run_progress(run, archive_number(&archive, "size"), archive_number(&archive, "size"));
        S_tell_backup(run, &archive);
    }
    archive_release(&archive);
    pg_free(pg);
    free(directory);
    return ok;
}
