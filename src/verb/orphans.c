/* orphans: see orphans.h. */
#include "orphans.h"

#include "verb_cache.h"

#include <stdlib.h>
#include <string.h>

void orphans_begin(struct verb_call *call, struct orphans *out)
{
    const struct plan *plan = call->session->plan;
    *out = (struct orphans){0};
    if (!plan) {
        err_set(&out->trouble, ERR_USAGE, "no plan says what keys mean");
    } else if (!call->session->has_database) {
        err_set(&out->trouble, ERR_USAGE, "no database is named (-d)");
    } else if (verb_connect(call, &out->pg, &out->trouble) &&
               keyrows_new(out->pg, plan, &out->rows, &out->trouble)) {
        out->database = pg_target_describe(&call->session->database);
    }
}

/* A database that is lost in the middle takes its findings with it: a part is no comparison. */
static void S_drop(struct orphans *orphans, const struct err *err)
{
    orphans->trouble = *err;
    keyrows_free(orphans->rows);
    orphans->rows = NULL;
}

void orphans_take(struct orphans *orphans, const char *key, size_t len)
{
    struct err err = {0};
    if (orphans->rows && !keyrows_take(orphans->rows, key, len, &err))
        S_drop(orphans, &err);
}

void orphans_forget(struct orphans *orphans)
{
    if (orphans->rows)
        keyrows_forget(orphans->rows);
}

void orphans_finish(struct orphans *orphans)
{
    struct err err = {0};
    if (orphans->rows && !keyrows_finish(orphans->rows, &err))
        S_drop(orphans, &err);
}

void orphans_end(struct orphans *orphans)
{
    keyrows_free(orphans->rows);
    pg_free(orphans->pg);
    free(orphans->database);
    *orphans = (struct orphans){0};
}

int64_t orphans_count(const struct orphans *orphans)
{
    return orphans->rows ? keyrows_missing(orphans->rows) : 0;
}

/* ---- telling ---- */

static char *S_subject(const struct keyrows_finding *finding)
{
    return finding->name
               ? str_format("keys of '%s' without a row in %s.%s", finding->name, finding->table,
                            finding->column)
               : str_dup("keys of a tenant or organization that its mapping does not have");
}

/* libpq's errors have several lines, of which the first one says it. */
static int S_first_line(const char *text)
{
    return (int)strcspn(text, "\n");
}

static void S_tell_one(const struct keyrows_finding *finding, struct buf *out)
{
    size_t i;
    const json_t *sample;
    char *subject = S_subject(finding);
    buf_format(out, "%s: ", subject);
    if (finding->trouble.kind != ERR_NONE) {
        buf_format(out, "not known: %.*s", S_first_line(finding->trouble.text),
                   finding->trouble.text);
    } else {
        text_count(out, finding->missing);
        buf_add(out, " of ");
        text_count(out, finding->asked);
    }
    json_array_foreach(finding->samples, i, sample)
    {
        buf_format(out, "%s  ", i ? "," : "");
        verb_cache_add_sample(out, json_string_value(sample));
    }
    buf_add_char(out, '\n');
    free(subject);
}

static void S_tell(const struct orphans *orphans, struct buf *out)
{
    const struct keyrows_finding *const *list;
    if (!orphans->rows) {
        buf_format(out, "not compared with the rows of PostgreSQL: %.*s\n",
                   S_first_line(orphans->trouble.text), orphans->trouble.text);
        return;
    }
    size_t count = keyrows_findings(orphans->rows, &list);
    buf_format(out, "compared with database '%s'%s\n", orphans->database,
               count ? ":" : ": the plan says not by what");
    for (size_t i = 0; i < count; i++)
        if (list[i]->asked || list[i]->trouble.kind != ERR_NONE)
            S_tell_one(list[i], out);
}

void orphans_tell(const struct orphans *orphans, struct buf *out)
{
    struct buf raw = {0};
    S_tell(orphans, &raw);
    text_clean_lines(out, buf_text(&raw), raw.len);
    buf_release(&raw);
}

static json_t *S_finding_json(const struct keyrows_finding *finding)
{
    bool known = finding->trouble.kind == ERR_NONE;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:O}", "template",
                     finding->name ? json_string(finding->name) : json_null(), "table",
                     finding->table ? json_string(finding->table) : json_null(), "column",
                     finding->column ? json_string(finding->column) : json_null(), "asked",
                     known ? json_integer(finding->asked) : json_null(), "missing",
                     known ? json_integer(finding->missing) : json_null(), "trouble",
                     known ? json_null() : verb_json_text(finding->trouble.text), "samples",
                     finding->samples);
}

json_t *orphans_json(const struct orphans *orphans)
{
    const struct keyrows_finding *const *list;
    json_t *findings = json_array();
    size_t count = orphans->rows ? keyrows_findings(orphans->rows, &list) : 0;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(findings, S_finding_json(list[i]));
    return json_pack("{s:b, s:o, s:o}", "compared", orphans->rows != NULL, "trouble",
                     orphans->rows ? json_null() : verb_json_text(orphans->trouble.text),
                     "findings", findings);
}
