/* report: see report.h; and the step that writes it into files. */
#include "report.h"

#include "sql.h"
#include "steps.h"
#include "wholefile.h"

#include <stdlib.h>
#include <string.h>

bool report_read(struct pg *pg, const char *run, const char *plan, json_t **out, struct err *err)
{
    const char *values[] = {run, plan};
    struct pg_result *row;
    if (!pg_run(pg, sql_get("report_document"), values, 2, &row, err))
        return err_context(err, "the journal could not be read for the report");
    *out = pg_rows(row) ? json_loads(pg_text(row, 0, pg_col(row, "document")), 0, NULL) : NULL;
    bool found = pg_rows(row) > 0;
    pg_result_free(row);
    if (*out)
        return true;
    if (found)
        return err_set(err, ERR_BUG, "the report is no JSON");
    if (run)
        err_set(err, ERR_FAILED, "the journal has no run %s", run);
    else
        err_set(err, ERR_FAILED, "the journal has no run%s%s%s", plan ? " of plan '" : "",
                plan ? plan : "", plan ? "'" : "");
    return err_hint(err, "'tenantdeck log' shows what the journal has");
}

/* ---- the files ---- */

static const struct {
    const char *suffix;
    void (*write)(struct buf *out, const json_t *document);
} S_forms[] = {{".json", report_json}, {".csv", report_csv}, {".txt", report_text}};

static bool S_write_all(struct run *run, const char *directory, const json_t *document,
                        struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < ARRAY_LEN(S_forms); i++) {
        struct buf text = {0};
        char *name =
            str_format("%s_run%lld%s", run->plan->name, (long long)run->id, S_forms[i].suffix);
        S_forms[i].write(&text, document);
        ok = wholefile_write(directory, name, buf_text(&text), text.len, err);
        if (ok)
            run_say(run, "info", "report", "written: %s/%s", directory, name);
        buf_release(&text);
        free(name);
    }
    return ok;
}

static bool S_directory(struct run *run, char **out, struct err *err)
{
    *out = str_dup(run_option(run, "report_directory"));
    if (!*out && !state_directory("reports", out, err))
        return false;
    return private_directory(*out, err);
}

bool step_report(struct run *run, struct err *err)
{
    char number[24];
    char *directory = NULL;
    json_t *document = NULL;
    snprintf(number, sizeof(number), "%lld", (long long)run->id);
    bool ok = S_directory(run, &directory, err) &&
              report_read(run->work, number, NULL, &document, err) &&
              S_write_all(run, directory, document, err);
    json_decref(document);
    free(directory);
    return ok || err_context(err, "the report was not written");
}
