/*
 * plan_check: see plan_check.h. What is wrong is decided in sql/checks/plan.sql and by csvmap; here
 * it is only asked for and put into words. Talks to no server.
 */
#include "plan_check.h"
#include "clock.h"
#include "plan_rules.h"

#include <string.h>

/* ---- what the catalog says ---- */

static enum verdict S_verdict(const char *name)
{
    static const enum verdict verdicts[] = {VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL};
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
        if (str_is(name, verdict_name(verdicts[i])))
            return verdicts[i];
    return VERDICT_UNKNOWN;
}

size_t plan_check_read(const struct pg_result *result, struct arena *arena, struct check_view **out)
{
    int count = pg_rows(result);
    int group = pg_col(result, "grp"), subject = pg_col(result, "subject"),
        verdict = pg_col(result, "verdict"), message = pg_col(result, "message"),
        detail = pg_col(result, "detail"), concerned = pg_col(result, "count");
    int64_t now = clock_wall();
    *out = arena_array(arena, (size_t)count, sizeof(**out));
    for (int i = 0; i < count; i++)
        (*out)[i] = (struct check_view){
            .group = arena_str(arena, pg_text(result, i, group)),
            .subject = arena_str(arena, pg_text(result, i, subject)),
            .verdict = S_verdict(pg_text(result, i, verdict)),
            .message = arena_str(arena, pg_text(result, i, message)),
            .detail =
                pg_null(result, i, detail) ? NULL : arena_str(arena, pg_text(result, i, detail)),
            .count = pg_null(result, i, concerned) ? UNKNOWN : pg_int(result, i, concerned),
            .at = now,
        };
    return (size_t)count;
}

/* ---- what the mapping file says ---- */

enum { WARNINGS_SHOWN = 20 };

/* A kind of finding about rows: how many there are, and an example of it. */
struct row_finding {
    int64_t count;
    const char *example;
};

struct mapping_check {
    const struct plan *plan;
    struct arena *arena;
    struct check_view checks[WARNINGS_SHOWN + 8];
    size_t count, warnings;
    struct row_finding misfits;  /* codes that their column cannot hold */
    struct row_finding defaults; /* the default's key, with other codes than the plan says */
};

static void S_add(struct mapping_check *m, enum verdict verdict, int64_t count, const char *detail,
                  const char *message)
{
    if (m->count < ARRAY_LEN(m->checks))
        m->checks[m->count++] = (struct check_view){
            .group = "mapping",
            .subject = m->plan->mapping.path,
            .verdict = verdict,
            .message = message,
            .detail = detail,
            .count = count,
            .at = clock_wall(),
        };
}

static void S_note_misfit(struct mapping_check *m, enum plan_column_role role, const char *code,
                          int line)
{
    const struct plan_column *column = plan_find_column(m->plan, role);
    if (!column || !code || plan_code_fits(column, code))
        return;
    if (!m->misfits.count++)
        m->misfits.example = arena_format(m->arena, "line %d: '%s' does not fit %s %s", line, code,
                                          column->name, column->type);
}

static bool S_check_row(void *ctx, const struct csvmap_row *row, struct err *err)
{
    (void)err;
    struct mapping_check *m = ctx;
    const struct plan *plan = m->plan;
    S_note_misfit(m, ROLE_TENANT, row->tenant, row->line);
    S_note_misfit(m, ROLE_ORGANIZATION, row->organization, row->line);
    if (!str_is(row->key, plan->mapping.default_key))
        return true;
    bool same =
        str_is(row->tenant, plan->mapping.default_tenant) &&
        (!row->organization || str_is(row->organization, plan->mapping.default_organization));
    if (!same && !m->defaults.count++)
        m->defaults.example = arena_format(
            m->arena, "line %d: %s %s %s\nthe plan's default: %s %s %s", row->line, row->key,
            row->organization ? row->organization : "", row->tenant, plan->mapping.default_key,
            plan->mapping.default_organization, plan->mapping.default_tenant);
    return true;
}

static void S_note_warning(void *ctx, int line, const char *text)
{
    struct mapping_check *m = ctx;
    if (m->warnings++ < WARNINGS_SHOWN)
        S_add(m, VERDICT_WARN, UNKNOWN, NULL, arena_format(m->arena, "line %d: %s", line, text));
}

/* What was seen in the rows; valid only once the whole file has been accepted. */
static void S_add_row_findings(struct mapping_check *m, const struct csvmap_totals *totals)
{
    if (m->misfits.count)
        S_add(m, VERDICT_FAIL, m->misfits.count, m->misfits.example,
              "codes of the file do not fit their column");
    if (m->defaults.count)
        S_add(m, VERDICT_WARN, m->defaults.count, m->defaults.example,
              "the file gives the default's key other codes than the plan's default");
    if (!m->misfits.count)
        S_add(
            m, VERDICT_PASS, totals->rows, NULL,
            arena_format(m->arena, "every '%s' has one tenant", m->plan->mapping.shape.key_column));
}

size_t plan_check_mapping(const struct plan *plan, struct arena *arena, struct check_view **out)
{
    struct mapping_check m = {.plan = plan, .arena = arena};
    struct csvmap_sink sink = {.row = S_check_row, .warning = S_note_warning, .ctx = &m};
    struct csvmap_totals totals = {0};
    struct err err = {0};
    *out = NULL;
    if (!plan->mapping.path)
        return 0;
    bool ok = csvmap_read(plan->mapping.path, &plan->mapping.shape, &sink, &totals, &err);
    if (m.warnings > WARNINGS_SHOWN)
        S_add(&m, VERDICT_WARN, (int64_t)(m.warnings - WARNINGS_SHOWN), NULL,
              arena_format(arena, "and %zu more warnings", m.warnings - WARNINGS_SHOWN));
    if (ok)
        S_add_row_findings(&m, &totals);
    else
        S_add(&m, VERDICT_FAIL, UNKNOWN, err.hint[0] ? arena_str(arena, err.hint) : NULL,
              arena_str(arena, err.text));
    *out = arena_array(arena, m.count, sizeof(**out));
    memcpy(*out, m.checks, m.count * sizeof(**out));
    return m.count;
}
