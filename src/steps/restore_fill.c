/*
 * restore_fill: the first half of a restore: a new database, loaded and compared. Touches nothing
 * but that database, whose name nobody else knows.
 */
#include "restore_parts.h"

#include "clock.h"
#include "sql.h"
#include "text.h"
#include "wholefile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPEN_MS = 30000,
    TELL_MS = 10000,
    VERSION_UNIT = 10000, /* of a server's version, a major one */
    TIMEOUT_SINCE = 17
};

/* ---- the database ---- */

/* What belongs to the database as it is now counts more than what did when it was dumped. */
static bool S_properties(const struct restoring *restoring, char **out, struct err *err)
{
    const char *values[] = {restoring->order->database};
    struct pg_result *row;
    if (!pg_run(restoring->order->pg, sql_get("backup_properties"), values, 1, &row, err))
        return false;
    if (pg_rows(row))
        *out = str_dup(pg_text(row, 0, pg_col(row, "properties")));
    else
        *out = json_dumps(json_object_get(restoring->order->archive->facts, "properties"), 0);
    pg_result_free(row);
    return *out != NULL ||
           err_set(err, ERR_FAILED, "the backup does not say how its database was made");
}

static bool S_create(struct restoring *restoring, struct err *err)
{
    char *properties = NULL;
    int64_t oid = 0;
    if (!S_properties(restoring, &properties, err))
        return false;
    const char *values[] = {properties, restoring->scratch};
    restore_tell(restoring, "creating database '%s'", restoring->scratch);
    bool ok =
        restore_log_means(&restoring->log, "create", NULL, err) &&
        restore_send_generated(restoring->order->pg, "restore_create", values, 2, err) &&
        restore_oid(restoring->order->pg, restoring->scratch, &oid, err) &&
        restore_log_did(&restoring->log, "create", json_pack("{s:I}", "oid", (json_int_t)oid), err);
    free(properties);
    return ok;
}

static bool S_carry_settings(struct restoring *restoring, struct err *err)
{
    char *properties = NULL;
    if (!S_properties(restoring, &properties, err))
        return false;
    const char *values[] = {properties, restoring->scratch};
    bool ok = restore_log_means(&restoring->log, "settings", NULL, err) &&
              restore_send_generated(restoring->order->pg, "restore_settings", values, 2, err) &&
              restore_log_did(&restoring->log, "settings", NULL, err);
    free(properties);
    return ok || err_context(err, "the settings of '%s' could not be carried over",
                             restoring->order->database);
}

/* ---- loading ---- */

/* The table of contents without what cannot be restored, as pg_restore --use-list takes it. */
struct S_contents {
    const json_t *without;
    struct buf text, line;
    size_t left_out;
};

static bool S_is_left_out(const struct S_contents *contents, const char *line)
{
    unsigned id, class, oid;
    size_t i;
    json_t *one;
    if (sscanf(line, "%u; %u %u", &id, &class, &oid) != 3)
        return false;
    json_array_foreach((json_t *)contents->without, i,
                       one) if (json_integer_value(json_object_get(one, "class")) == class &&
                                json_integer_value(json_object_get(one, "oid")) == oid) return true;
    return false;
}

static void S_hear_entry(void *ctx, const char *line, size_t len, bool whole)
{
    struct S_contents *contents = ctx;
    buf_add_mem(&contents->line, line, len);
    if (!whole)
        return;
    if (S_is_left_out(contents, buf_text(&contents->line)))
        contents->left_out++;
    else
        buf_format(&contents->text, "%s\n", buf_text(&contents->line));
    buf_clear(&contents->line);
}

static bool S_list_contents(const struct restoring *restoring, const struct pgtool *tool,
                            struct S_contents *out, struct err *err)
{
    const char *words[] = {"--list", restoring->dump, NULL};
    const struct pgtool_job job = {.loop = restoring->order->loop,
                                   .tool = tool,
                                   .words = words,
                                   .line = S_hear_entry,
                                   .ctx = out};
    out->without = json_object_get(restoring->order->archive->facts, "without");
    return pgtool_run(&job, err);
}

struct S_load {
    const struct restoring *restoring;
    int64_t next_at;
    int complaints, known; /* of pg_restore; the one that is no failure */
    bool ended;            /* it has said its last words */
};

/* pg_restore says nothing of how far it is; the size of the database does. */
static void S_tell_size(void *ctx)
{
    struct S_load *load = ctx;
    const struct restore_order *order = load->restoring->order;
    const char *values[] = {load->restoring->scratch};
    struct pg_result *row;
    struct err ignored = {0};
    if (clock_ms() < load->next_at || !pg_is_ready(order->pg))
        return;
    load->next_at = clock_ms() + TELL_MS;
    if (!pg_run(order->pg, sql_get("restore_size"), values, 1, &row, &ignored))
        return;
    struct buf now = {0}, then = {0};
    if (pg_rows(row)) {
        text_bytes(&now, pg_int(row, 0, 0));
        text_bytes(&then, archive_number(order->archive, "database_size"));
        restore_tell(load->restoring, "%s loaded so far; the database had %s when it was dumped",
                     buf_text(&now), buf_text(&then));
    }
    buf_release(&now);
    buf_release(&then);
    pg_result_free(row);
}

/*
 * From version 17 on pg_restore sets transaction_timeout, whatever the server, and one before 17
 * does not know it. There nothing but this one complaint may be heard, and the words that end a
 * restore which has gone on to its end: a single job then, so that no two of them write into each
 * other's lines.
 */
static bool S_is_mismatched(const struct restoring *restoring, const struct pgtool *tool)
{
    return tool->major >= TIMEOUT_SINCE &&
           pg_server_version(restoring->order->pg) / VERSION_UNIT < TIMEOUT_SINCE;
}

static void S_hear_complaint(void *ctx, const char *line, size_t len, bool whole)
{
    struct S_load *load = ctx;
    char *text = whole ? str_ndup(line, len) : str_dup("");
    load->complaints += strstr(text, "pg_restore: error: ") != NULL || !whole;
    load->known += strstr(text, "Command was: SET transaction_timeout = 0;") != NULL;
    load->ended |= strstr(text, "errors ignored on restore: 1") != NULL;
    free(text);
}

static bool S_run_mismatched(struct S_load *load, struct pgtool_job *job, struct err *err)
{
    struct err inner = {0};
    restore_tell(load->restoring,
                 "note: %s sets what this server does not know; it is loaded by one job, and any "
                 "other complaint is a failure",
                 job->tool->version);
    job->line = S_hear_complaint;
    if (pgtool_run(job, &inner))
        return true;
    if (load->complaints == 1 && load->known == 1 && load->ended)
        return true;
    *err = inner;
    return false;
}

static bool S_restore(struct restoring *restoring, const struct pgtool *tool, const char *list,
                      struct err *err)
{
    struct S_load load = {.restoring = restoring, .next_at = clock_ms() + TELL_MS};
    bool mismatched = S_is_mismatched(restoring, tool);
    char *database = pgtool_database_word(restoring->scratch);
    char *use_list = str_format("--use-list=%s", list);
    char *jobs = restoring->order->jobs > 1 ? str_format("--jobs=%d", restoring->order->jobs)
                                            : str_dup("--single-transaction");
    const char *usual[] = {"--exit-on-error", "--no-password", jobs, use_list,
                           database,          restoring->dump, NULL};
    const char *single[] = {"--no-password", use_list, database, restoring->dump, NULL};
    struct pgtool_job job = {.loop = restoring->order->loop,
                             .tool = tool,
                             .words = mismatched ? single : usual,
                             .pg = restoring->order->pg,
                             .database = restoring->scratch,
                             .tick = S_tell_size,
                             .ctx = &load};
    bool ok = mismatched ? S_run_mismatched(&load, &job, err) : pgtool_run(&job, err);
    free(database);
    free(use_list);
    free(jobs);
    return ok;
}

static bool S_load_with(struct restoring *restoring, const struct pgtool *tool, struct err *err)
{
    struct S_contents contents = {0};
    char *directory = NULL;
    char *name = str_format(".contents.%ld", (long)getpid());
    bool ok = S_list_contents(restoring, tool, &contents, err) &&
              state_directory("restores", &directory, err) &&
              wholefile_write(directory, name, buf_text(&contents.text), contents.text.len, err);
    if (ok && contents.left_out)
        restore_tell(restoring, "%zu triggers of the migration are left out: they need its journal",
                     contents.left_out);
    if (ok) {
        char *list = str_format("%s/%s", directory, name);
        ok = S_restore(restoring, tool, list, err);
        unlink(list);
        free(list);
    }
    buf_release(&contents.text);
    buf_release(&contents.line);
    free(name);
    free(directory);
    return ok;
}

static bool S_load(struct restoring *restoring, struct err *err)
{
    struct pgtool tool = {0};
    const struct archive *archive = restoring->order->archive;
    int major = (int)archive_number(archive, "pg_dump_major");
    restore_tell(restoring, "loading '%s'", restoring->dump);
    bool ok = restore_log_means(&restoring->log, "load", NULL, err) &&
              pgtool_find(restoring->order->loop, "pg_restore", major, &tool, err) &&
              S_load_with(restoring, &tool, err) &&
              restore_log_did(&restoring->log, "load", NULL, err);
    pgtool_release(&tool);
    return ok;
}

/* ---- comparing ---- */

static const json_t *S_find_table(const json_t *tables, const char *schema, const char *name)
{
    size_t i;
    json_t *table;
    json_array_foreach(
        (json_t *)tables, i,
        table) if (str_is(json_string_value(json_object_get(table, "schema")), schema) &&
                   str_is(json_string_value(json_object_get(table, "name")), name)) return table;
    return NULL;
}

static bool S_compare_table(struct restoring *restoring, struct pg *pg, const char *statement,
                            const json_t *table, struct err *err)
{
    struct pg_result *row;
    int64_t wanted = json_integer_value(json_object_get(table, "rows"));
    const char *name = json_string_value(json_object_get(table, "name"));
    if (!pg_run(pg, statement, NULL, 0, &row, err))
        return err_context(err, "the rows of '%s' could not be counted", name);
    int64_t found = pg_int(row, 0, 0);
    pg_result_free(row);
    restoring->rows += found;
    return found == wanted ||
           err_set(err, ERR_FAILED, "'%s' has %lld rows after loading, and had %lld in the backup",
                   name, (long long)found, (long long)wanted);
}

static bool S_compare_all(struct restoring *restoring, struct pg *pg,
                          const struct pg_result *present, struct err *err)
{
    const json_t *tables = json_object_get(restoring->order->archive->facts, "tables");
    int schema = pg_col(present, "schema"), name = pg_col(present, "name");
    int statement = pg_col(present, "statement");
    size_t compared = 0;
    for (int i = 0; i < pg_rows(present); i++) {
        const json_t *table =
            S_find_table(tables, pg_text(present, i, schema), pg_text(present, i, name));
        if (!table)
            continue;
        compared++;
        if (!pg_null(present, i, statement) &&
            !S_compare_table(restoring, pg, pg_text(present, i, statement), table, err))
            return false;
    }
    return compared == json_array_size(tables) ||
           err_set(err, ERR_FAILED, "only %zu of the backup's %zu tables are there after loading",
                   compared, json_array_size(tables));
}

/* Its connection must be gone before the database can be renamed, so it has one of its own. */
static bool S_connect(const struct restoring *restoring, struct pg_target *target, struct pg **out,
                      struct err *err)
{
    const struct pg_options options = {.purpose = "restore"};
    if (!pg_target_elsewhere(&restoring->order->session->database, restoring->scratch, target, err))
        return false;
    *out = pg_new(restoring->order->loop, target, &options);
    return pg_open(*out, OPEN_MS, err);
}

static bool S_compare(struct restoring *restoring, struct err *err)
{
    struct pg_target target = {0};
    struct pg *pg = NULL;
    struct pg_result *present = NULL;
    const char *all[] = {NULL};
    restore_tell(restoring, "comparing it with the figures of the backup");
    bool ok = S_connect(restoring, &target, &pg, err) &&
              restore_log_means(&restoring->log, "compare", NULL, err) &&
              pg_run(pg, sql_get("restore_analyze"), NULL, 0, NULL, err) &&
              pg_run(pg, sql_get("backup_tables"), all, 1, &present, err) &&
              S_compare_all(restoring, pg, present, err) &&
              restore_log_did(&restoring->log, "compare",
                              json_pack("{s:I}", "rows", (json_int_t)restoring->rows), err);
    pg_result_free(present);
    pg_free(pg);
    pg_target_release(&target);
    return ok;
}

bool restore_fill(struct restoring *restoring, struct err *err)
{
    return S_create(restoring, err) && S_load(restoring, err) && S_compare(restoring, err) &&
           S_carry_settings(restoring, err);
}
