/*
 * verb_findings: what the checks have found, at length, on the terminal or into a file that
 * somebody takes to whoever has to decide.
 */
#include "verbs.h"

#include "findings.h"
#include "sampler.h"
#include "tables.h"
#include "wholefile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum S_format { S_FORMAT_TABLE, S_FORMAT_TEXT, S_FORMAT_CSV, S_FORMAT_JSON };

/* What is asked for, else what the name of the file says. */
static enum S_format S_format(const struct verb_call *call, const char *path)
{
    if (call->json || (path && str_ends(path, ".json")))
        return S_FORMAT_JSON;
    if (verb_option(call, "csv") || (path && str_ends(path, ".csv")))
        return S_FORMAT_CSV;
    return path || verb_option(call, "long") ? S_FORMAT_TEXT : S_FORMAT_TABLE;
}

static json_t *S_answer(const struct snapshot *snapshot)
{
    return json_pack("{s:o}", "findings", findings_json(snapshot));
}

static void S_write_table(const struct verb_call *call, const struct snapshot *snapshot,
                          struct buf *out)
{
    const struct table_def *def = &table_defs[TABLE_VALIDATION];
    const struct arrange_by by = {.sort = def->default_sort};
    table_print(out, def, snapshot, &by, call->width, call->ascii);
}

static void S_write(const struct verb_call *call, const struct snapshot *snapshot,
                    enum S_format format, struct buf *out)
{
    if (format == S_FORMAT_JSON) {
        json_t *answer = S_answer(snapshot);
        char *text = json_dumps(answer, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        buf_format(out, "%s\n", text);
        free(text);
        json_decref(answer);
    } else if (format == S_FORMAT_CSV) {
        findings_csv(snapshot, out);
    } else if (format == S_FORMAT_TEXT) {
        findings_text(snapshot, out);
    } else {
        S_write_table(call, snapshot, out);
    }
}

/*
 * Samples are rows of the database: nobody else reads them, and no file of anybody's is replaced.
 */
static bool S_write_file(const char *path, const struct buf *text, struct err *err)
{
    if (wholefile_new(path, buf_text(text), text->len))
        return true;
    err_set(err, ERR_FAILED, "'%s' could not be written: %s", path, strerror(errno));
    return err_hint(err, "a file that is there already is left as it is");
}

static bool S_has_failed(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (snapshot->checks[i].verdict == VERDICT_FAIL)
            return true;
    return false;
}

bool verb_findings(struct verb_call *call, struct err *err)
{
    const char *path = verb_option(call, "output");
    struct sampler *sampler;
    struct buf text = {0};
    if (!verb_sample(call, &sampler, err))
        return false;
    const struct snapshot *snapshot = sampler_snapshot(sampler);
    bool ok = true;
    S_write(call, snapshot, S_format(call, path), &text);
    if (path)
        ok = S_write_file(path, &text, err);
    if (ok && call->json)
        verb_answer(call, S_answer(snapshot));
    else if (ok && path)
        fprintf(call->out, "%zu checks are written to '%s'\n", snapshot->check_count, path);
    else if (ok)
        fputs(buf_text(&text), call->out);
    call->findings = S_has_failed(snapshot);
    buf_release(&text);
    sampler_free(sampler);
    return ok;
}
