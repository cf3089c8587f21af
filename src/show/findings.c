/* findings: see findings.h. */
#include "findings.h"

#include "clock.h"
#include "detail.h"
#include "mending.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum {
    SAMPLE_MOST = 1000, /* columns; a sample is to be recognised, not to be read whole */
    SAMPLE_WIDTH = 60,  /* a wider one takes a line for each of its members */
};

/* ---- samples ---- */

/* As JSON that a person can read: {"id": 7, "organization_id": "99"}. */
static char *S_sample(const json_t *sample)
{
    char *line = json_dumps(sample, JSON_ENCODE_ANY);
    if (json_is_string(sample) || text_width(line) <= SAMPLE_WIDTH)
        return line;
    free(line);
    return json_dumps(sample, JSON_ENCODE_ANY | JSON_INDENT(2));
}

static void S_add_samples(struct buf *out, const char *text)
{
    json_t *samples = json_loads(text, JSON_DECODE_ANY, NULL), *sample;
    size_t i;
    if (!json_is_array(samples))
        buf_format(out, "  %.*s\n", (int)text_fit(text, SAMPLE_MOST), text);
    json_array_foreach(samples, i, sample)
    {
        char *line = S_sample(sample);
        size_t fits = text_fit(line, SAMPLE_MOST);
        char *cut = str_format("%.*s%s", (int)fits, line, line[fits] ? "..." : "");
        detail_lines(out, cut);
        free(cut);
        free(line);
    }
    json_decref(samples);
}

/* ---- one check ---- */

static bool S_is_done(const struct snapshot *snapshot, const char *step)
{
    for (size_t i = 0; i < snapshot->step_count; i++)
        if (str_is(snapshot->steps[i].name, step))
            return snapshot->steps[i].state == STEP_DONE;
    return false;
}

static struct mending S_mending(const struct snapshot *snapshot)
{
    return (struct mending){.released = S_is_done(snapshot, "release"),
                            .spread = S_is_done(snapshot, "distribute")};
}

static const char *const *S_steps(const struct snapshot *snapshot, const struct check_view *check)
{
    bool wrong = check->verdict == VERDICT_FAIL || check->verdict == VERDICT_WARN;
    struct mending done = S_mending(snapshot);
    return wrong && check->run ? mending_steps(check->name, check->message, &done) : NULL;
}

static void S_tell_remedy(const struct snapshot *snapshot, const struct check_view *check,
                          struct buf *out)
{
    const char *const *steps = S_steps(snapshot, check);
    if (steps) {
        buf_format(out, "\n'fix %s:%s' mends it, with the statements of", check->group,
                   check->subject);
        for (size_t i = 0; steps[i]; i++)
            buf_format(out, "%s %s", i ? "," : "", steps[i]);
        buf_add(out,
                "; with --dry-run it prints them. Only what is not as the plan says is changed; it "
                "is recorded, so that a rollback still leads to what was before.\n");
    } else if (check->run && (check->verdict == VERDICT_FAIL || check->verdict == VERDICT_WARN)) {
        detail_say(out, MENDING_NONE);
    } else if (check->verdict == VERDICT_UNKNOWN) {
        detail_say(out, "Unknown means that it could not be checked, not that it is well.");
    }
}

static void S_add_paragraph(struct buf *out, const char *heading, const char *text)
{
    if (!text || !*text)
        return;
    buf_format(out, "\n%s:\n", heading);
    detail_lines(out, text);
}

void findings_detail(const struct snapshot *snapshot, const struct check_view *check,
                     struct buf *out)
{
    detail_text(out, "verdict", verdict_name(check->verdict));
    detail_text(out, "group", check->group);
    detail_text(out, "check", check->name);
    detail_text(out, "subject", check->subject);
    if (check->count >= 0)
        detail_number(out, "rows concerned", check->count);
    detail_moment(out, "checked", check->at, snapshot->at);
    if (check->run)
        detail_number(out, "by run", check->run);
    if (check->message && *check->message)
        buf_add_char(out, '\n');
    detail_lines(out, check->message);
    if (check->detail && *check->detail)
        buf_add_char(out, '\n');
    detail_lines(out, check->detail);
    if (check->samples) {
        buf_add(out, "\nsamples:\n");
        S_add_samples(out, check->samples);
    }
    S_add_paragraph(out, "would be mended by", check->fix);
    S_tell_remedy(snapshot, check, out);
    S_add_paragraph(out, "found by, as psql runs it", check->query);
}

/* ---- a group ---- */

void findings_group(const struct snapshot *snapshot, const struct check_group *group,
                    struct buf *out)
{
    static const enum verdict order[] = {VERDICT_FAIL, VERDICT_WARN, VERDICT_UNKNOWN, VERDICT_PASS};
    detail_text(out, "group", group->name);
    detail_number(out, "checks", (int64_t)group->total);
    detail_moment(out, "oldest checked", group->at, snapshot->at);
    for (size_t v = 0; v < ARRAY_LEN(order); v++) {
        if (!group->counts[order[v]])
            continue;
        buf_format(out, "\n%s: %zu\n", verdict_name(order[v]), group->counts[order[v]]);
        for (size_t i = 0; i < snapshot->check_count; i++) {
            const struct check_view *check = &snapshot->checks[i];
            if (check->verdict != order[v] || !str_is(check->group, group->name))
                continue;
            char *line = str_format("%s: %s", check->subject, check->message);
            detail_name(out, line);
            free(line);
        }
    }
}

/* ---- all of them ---- */

static json_t *S_text(const char *raw)
{
    return raw ? table_text_json(raw) : json_null();
}

static json_t *S_json(const struct snapshot *snapshot, const struct check_view *check)
{
    char at[21];
    const char *const *steps = S_steps(snapshot, check);
    json_t *mended_by = json_array();
    for (size_t i = 0; steps && steps[i]; i++)
        json_array_append_new(mended_by, json_string(steps[i]));
    json_t *samples = check->samples ? json_loads(check->samples, JSON_DECODE_ANY, NULL) : NULL;
    clock_format_iso(check->at, at);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "verdict",
                     verdict_name(check->verdict), "group", S_text(check->group), "check",
                     S_text(check->name), "subject", S_text(check->subject), "count",
                     check->count >= 0 ? json_integer(check->count) : json_null(), "message",
                     S_text(check->message), "samples", samples ? samples : json_array(),
                     "found_by", S_text(check->query), "would_be_mended_by", S_text(check->fix),
                     "steps_that_mend", mended_by, "checked_at",
                     check->at > 0 ? json_string(at) : json_null());
}

typedef void S_each_fn(const struct snapshot *snapshot, const struct check_view *check, void *out);

static void S_each(const struct snapshot *snapshot, S_each_fn *take, void *out)
{
    static const enum verdict order[] = {VERDICT_FAIL, VERDICT_WARN, VERDICT_UNKNOWN, VERDICT_PASS};
    for (size_t v = 0; v < ARRAY_LEN(order); v++)
        for (size_t i = 0; i < snapshot->check_count; i++)
            if (snapshot->checks[i].verdict == order[v])
                take(snapshot, &snapshot->checks[i], out);
}

static void S_take_json(const struct snapshot *snapshot, const struct check_view *check, void *out)
{
    json_array_append_new(out, S_json(snapshot, check));
}

json_t *findings_json(const struct snapshot *snapshot)
{
    json_t *list = json_array();
    S_each(snapshot, S_take_json, list);
    return list;
}

static void S_take_csv(const struct snapshot *snapshot, const struct check_view *check, void *ctx)
{
    (void)snapshot;
    struct buf *out = ctx;
    char at[21], count[24] = "";
    clock_format_iso(check->at, at);
    if (check->count >= 0)
        snprintf(count, sizeof(count), "%lld", (long long)check->count);
    const char *fields[] = {verdict_name(check->verdict),
                            check->group,
                            check->name,
                            check->subject,
                            count,
                            check->message,
                            check->at > 0 ? at : "",
                            check->samples,
                            check->query,
                            check->fix};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        text_csv(out, fields[i] ? fields[i] : "");
        buf_add_char(out, i + 1 < ARRAY_LEN(fields) ? ',' : '\n');
    }
}

void findings_csv(const struct snapshot *snapshot, struct buf *out)
{
    buf_add(out, "verdict,group,check,subject,count,message,checked_at,samples,found_by,"
                 "would_be_mended_by\n");
    S_each(snapshot, S_take_csv, out);
}

static void S_take_text(const struct snapshot *snapshot, const struct check_view *check, void *ctx)
{
    struct buf *out = ctx, raw = {0};
    findings_detail(snapshot, check, &raw);
    text_clean_lines(out, buf_text(&raw), raw.len);
    buf_add(out, "\n----\n\n");
    buf_release(&raw);
}

void findings_text(const struct snapshot *snapshot, struct buf *out)
{
    S_each(snapshot, S_take_text, out);
}
