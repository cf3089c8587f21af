/*
 * views: step views. The materialized views of each tenant, from the plan's .sql files.
 *
 * A file is a template: :"m_sessions" becomes the identifier <tenant>_m_sessions, :'tenant' the
 * tenant's code, :"schema" the plan's schema. It is run under scratch names first, which tells from
 * the catalog what it makes; what stands there just so is only refreshed, anything else is replaced
 * by renaming, in the same transaction, with what restores it in the journal. Views of before,
 * without a tenant in their name, are left as they are: who still reads them only the site knows.
 * We warn.
 */
#include "failpoint.h"
#include "map.h"
#include "sqlscript.h"
#include "steps.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 63 };

struct view_file {
    struct sqlscript *script;
    const char **names; /* as in :"m_sessions" */
    size_t count;
};

struct views {
    struct run *run;
    struct view_file *files;
    size_t file_count;
    struct pg_result *tenants;
};

struct building { /* one file for one tenant */
    struct views *views;
    const struct view_file *file;
    const char *tenant;
    char *items;  /* the names, as JSON */
    char *unit;   /* of the checkpoint */
    bool rebuilt; /* false: all stood there already */
};

/* ---- what the files say ---- */

static bool S_require_views(const struct sqlscript *script, struct err *err)
{
    static const char *const allowed[] = {
        "create materialized view",     "create index",     "create unique index",
        "comment on materialized view", "comment on index", "comment on column",
    };
    return sqlscript_require(script, allowed, ARRAY_LEN(allowed),
                             "a file of [views] holds only CREATE MATERIALIZED VIEW, CREATE INDEX "
                             "and their comments",
                             err);
}

static bool S_take_names(struct view_file *file, struct err *err)
{
    const struct sqlscript *script = file->script;
    file->names = mem_array(script->variable_count + 1, sizeof(*file->names));
    for (size_t i = 0; i < script->variable_count; i++) {
        const struct sqlscript_variable *variable = &script->variables[i];
        bool identifier = variable->form == '"', tenant = str_is(variable->name, "tenant");
        if (str_is(variable->name, "schema") || (tenant && !identifier))
            continue;
        if (tenant || !identifier)
            return sqlscript_error(
                script, variable->line, err,
                "%c%s%c is not known here: values are :'tenant' and :'schema', "
                "names :\"schema\" and those that get the tenant's code in front",
                variable->form, variable->name, variable->form);
        file->names[file->count++] = variable->name;
    }
    return file->count || sqlscript_error(script, 1, err,
                                          "no name in it is a variable, as in CREATE MATERIALIZED "
                                          "VIEW :\"schema\".:\"m_sessions\"");
}

static bool S_read_files(struct views *views, struct err *err)
{
    const struct plan *plan = views->run->plan;
    views->files = mem_array(plan->view_count, sizeof(*views->files));
    for (size_t i = 0; i < plan->view_count; i++) {
        struct view_file *file = &views->files[views->file_count++];
        if (!sqlscript_read(plan->views[i].path, &plan->views[i].trust, &file->script, err) ||
            !S_require_views(file->script, err) || !S_take_names(file, err))
            return false;
    }
    return true;
}

/* ---- the names, before anything is written ---- */

static char *S_name_of(const char *tenant, const char *name)
{
    return str_format("%s_%s", tenant, name);
}

static bool S_check_name(const struct sqlscript *script, const char *name, struct map *taken,
                         struct err *err)
{
    if (strlen(name) > NAME_MAX_BYTES) {
        sqlscript_error(script, 1, err,
                        "'%s' has %zu bytes, and a name of PostgreSQL at most %d; nothing was made",
                        name, strlen(name), NAME_MAX_BYTES);
        return err_hint(err, "shorten the names in that file, or the tenant's code");
    }
    if (map_get(taken, name) != MAP_NONE)
        return sqlscript_error(
            script, 1, err,
            "'%s' would be the name for two tenants, or of two files; nothing was "
            "made",
            name);
    map_put(taken, name, 0);
    return true;
}

static bool S_check_names(const struct views *views, struct err *err)
{
    struct map taken = {0};
    bool ok = true;
    for (int row = 0; ok && row < pg_rows(views->tenants); row++)
        for (size_t i = 0; ok && i < views->file_count; i++)
            for (size_t k = 0; ok && k < views->files[i].count; k++) {
                char *name = S_name_of(pg_text(views->tenants, row, 0), views->files[i].names[k]);
                ok = S_check_name(views->files[i].script, name, &taken, err);
                free(name);
            }
    map_release(&taken);
    return ok;
}

static char *S_scratch_name(size_t place)
{
    return str_format("tenantdeck_scratch_%zu", place + 1);
}

static char *S_items(const struct view_file *file, const char *tenant)
{
    json_t *list = json_array();
    for (size_t i = 0; i < file->count; i++) {
        char *name = S_name_of(tenant, file->names[i]), *scratch = S_scratch_name(i);
        json_t *item = json_object();
        json_object_set_new(item, "scratch", json_string(scratch));
        json_object_set_new(item, "name", json_string(name));
        json_array_append_new(list, item);
        free(name);
        free(scratch);
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

/* ---- one file for one tenant ---- */

static bool S_run_filled(struct building *b, const struct sql_variable *variables, size_t count,
                         struct err *err)
{
    const struct sqlscript *script = b->file->script;
    for (size_t i = 0; i < script->count; i++) {
        char *text = NULL;
        if (!sqlscript_fill(script, i, variables, count, &text, err))
            return false;
        bool ok = run_query(b->views->run, text, NULL, 0, NULL, err);
        free(text);
        if (!ok)
            return sqlscript_context(script, i, err);
    }
    return true;
}

static bool S_make_scratch(struct building *b, struct err *err)
{
    size_t count = b->file->count;
    struct sql_variable *variables = mem_array(count + 2, sizeof(*variables));
    char **scratch = mem_array(count, sizeof(*scratch));
    for (size_t i = 0; i < count; i++) {
        scratch[i] = S_scratch_name(i);
        variables[i] = (struct sql_variable){b->file->names[i], scratch[i]};
    }
    variables[count] = (struct sql_variable){"schema", b->views->run->plan->schema};
    variables[count + 1] = (struct sql_variable){"tenant", b->tenant};
    bool ok = S_run_filled(b, variables, count + 2, err);
    for (size_t i = 0; i < count; i++)
        free(scratch[i]);
    free(scratch);
    free(variables);
    return ok;
}

/* How many statements of the file make something of this kind. */
static int S_makes(const struct sqlscript *script, bool view)
{
    int count = 0;
    for (size_t i = 0; i < script->count; i++)
        count += sqlscript_starts(&script->statements[i], "create materialized view") == view &&
                 sqlscript_starts(&script->statements[i], "create");
    return count;
}

static bool S_read_state(struct building *b, const struct pg_result *state, bool *same,
                         struct err *err)
{
    int views = 0, indexes = 0;
    *same = true;
    for (int row = 0; row < pg_rows(state); row++) {
        if (!pg_null(state, row, pg_col(state, "trouble")))
            return sqlscript_error(b->file->script, 1, err, "'%s': %s", pg_text(state, row, 0),
                                   pg_text(state, row, pg_col(state, "trouble")));
        bool view = str_is(pg_text(state, row, pg_col(state, "kind")), "m");
        views += view;
        indexes += !view;
        *same = *same && pg_bool(state, row, pg_col(state, "same"));
    }
    if (views == S_makes(b->file->script, true) && indexes == S_makes(b->file->script, false))
        return true;
    sqlscript_error(b->file->script, 1, err,
                    "it makes something whose name is not the tenant's own");
    return err_hint(err, "every view and index is named by a variable, as in :\"m_sessions\", and "
                         "stands in :\"schema\"");
}

static bool S_look(struct building *b, bool *same, struct err *err)
{
    const char *values[] = {b->views->run->plan->schema, b->items};
    struct pg_result *state;
    if (!run_query(b->views->run, sql_get("views_state"), values, 2, &state, err))
        return false;
    bool ok = S_read_state(b, state, same, err);
    pg_result_free(state);
    return ok;
}

/* Runs what a statement of views.sql answers. */
static bool S_run_answers(struct building *b, const char *name, const char *const *values,
                          int count, struct err *err)
{
    struct pg_result *list;
    if (!run_query(b->views->run, sql_get(name), values, count, &list, err))
        return false;
    bool ok = true;
    for (int row = 0; ok && row < pg_rows(list); row++)
        ok = run_query(b->views->run, pg_text(list, row, 0), NULL, 0, NULL, err);
    pg_result_free(list);
    return ok;
}

static bool S_swap(struct building *b, struct err *err)
{
    struct run *run = b->views->run;
    const char *values[] = {run->plan->schema, b->items, run->document};
    struct pg_result *records;
    if (!run_query(run, sql_get("views_records"), values, 2, &records, err))
        return false;
    bool ok = step_keep(run, pg_text(records, 0, 0), err);
    pg_result_free(records);
    FAILPOINT("K2");
    ok = ok && S_run_answers(b, "views_swap", values, 3, err);
    FAILPOINT("K3");
    return ok;
}

/*
 * What is there just so only gets today's rows, unless an earlier worker of this run saw to that.
 */
static bool S_refresh(struct building *b, struct err *err)
{
    struct run *run = b->views->run;
    const char *values[] = {run->plan->schema, b->items};
    bool fresh = false;
    run_rollback(run);
    return run_begin(run, err) && run_is_marked(run, b->unit, "filled", &fresh, err) &&
           (fresh || S_run_answers(b, "views_refresh", values, 2, err));
}

static bool S_attempt(struct run *run, void *ctx, struct err *err)
{
    struct building *b = ctx;
    bool same = false;
    FAILPOINT("K1");
    if (!run_begin(run, err))
        return false;
    bool ok = S_make_scratch(b, err) && S_look(b, &same, err) &&
              (same ? S_refresh(b, err) : S_swap(b, err)) &&
              run_mark_again(run, b->unit, "filled", err) && run_commit(run, err);
    if (!ok)
        run_rollback(run);
    else
        b->rebuilt = !same;
    FAILPOINT("K6");
    return ok;
}

/* A read by other SQL than that which wrote. */
static bool S_confirm(struct building *b, struct err *err)
{
    const char *values[] = {b->views->run->plan->schema, b->items};
    struct pg_result *missing;
    if (!run_query(b->views->run, sql_get("views_missing"), values, 2, &missing, err))
        return false;
    bool ok = pg_null(missing, 0, 0);
    if (!ok)
        sqlscript_error(b->file->script, 1, err, "afterwards the catalog does not have it so: %s",
                        pg_text(missing, 0, 0));
    pg_result_free(missing);
    return ok;
}

static bool S_build(struct views *views, const struct view_file *file, const char *tenant,
                    struct err *err)
{
    struct building b = {.views = views, .file = file, .tenant = tenant};
    b.items = S_items(file, tenant);
    b.unit = str_format("%s for %s", file->script->file, tenant);
    char *what = str_format("build the views of %s", b.unit);
    bool ok = run_try(views->run, S_attempt, &b, what, err) && S_confirm(&b, err);
    if (ok)
        run_say(views->run, "info", "database", "%s: %s", b.unit,
                b.rebuilt ? "built and filled" : "was there already, and is refreshed");
    free(what);
    free(b.unit);
    free(b.items);
    return ok;
}

/* ---- the step ---- */

static bool S_read_tenants(struct views *views, struct err *err)
{
    struct run *run = views->run;
    const char *values[] = {run->plan->name, run->plan->mapping.default_tenant};
    if (!run_query(run, sql_get("views_tenants"), values, 2, &views->tenants, err))
        return false;
    if (pg_rows(views->tenants))
        return true;
    err_set(err, ERR_REFUSED, "the journal knows no tenant of plan '%s'; no view was made",
            run->plan->name);
    return err_hint(err, "'tenantdeck run mapping' reads the mapping file");
}

static bool S_build_all(struct views *views, struct err *err)
{
    int64_t total = (int64_t)views->file_count * pg_rows(views->tenants), done = 0;
    for (int row = 0; row < pg_rows(views->tenants); row++)
        for (size_t i = 0; i < views->file_count; i++) {
            run_progress(views->run, done++, total);
            if (!run_breathe(views->run, err) ||
                !S_build(views, &views->files[i], pg_text(views->tenants, row, 0), err))
                return false;
        }
    run_progress(views->run, total, total);
    return true;
}

static bool S_warn_of_global(struct views *views, struct err *err)
{
    json_t *names = json_array();
    for (size_t i = 0; i < views->file_count; i++)
        for (size_t k = 0; k < views->files[i].count; k++)
            json_array_append_new(names, json_string(views->files[i].names[k]));
    char *list = json_dumps(names, JSON_COMPACT);
    const char *values[] = {views->run->plan->schema, list};
    struct pg_result *global = NULL;
    bool ok = run_query(views->run, sql_get("views_global"), values, 2, &global, err);
    for (int row = 0; ok && row < pg_rows(global); row++)
        run_say(views->run, "warn", "database",
                "the materialized view '%s' of before is left as it is, and holds the rows of all "
                "tenants; once nothing reads it any more: %s",
                pg_text(global, row, 0), pg_text(global, row, 1));
    pg_result_free(global);
    free(list);
    json_decref(names);
    return ok;
}

static void S_release(struct views *views)
{
    for (size_t i = 0; i < views->file_count; i++) {
        sqlscript_free(views->files[i].script);
        free(views->files[i].names);
    }
    free(views->files);
    pg_result_free(views->tenants);
}

bool step_views_fit(struct run *run, struct err *err)
{
    struct views views = {.run = run};
    bool ok = S_read_files(&views, err);
    S_release(&views);
    return ok;
}

bool step_view_names_fit(struct run *run, struct err *err)
{
    struct views views = {.run = run};
    bool ok = !run->plan->view_count || (S_read_files(&views, err) && S_read_tenants(&views, err) &&
                                         S_check_names(&views, err));
    S_release(&views);
    return ok;
}

bool step_views(struct run *run, struct err *err)
{
    struct views views = {.run = run};
    bool ok = S_read_files(&views, err) && S_read_tenants(&views, err) &&
              S_check_names(&views, err) && S_build_all(&views, err) &&
              S_warn_of_global(&views, err);
    S_release(&views);
    return ok;
}
