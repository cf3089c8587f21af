/*
 * verb_fix: mends what a validation has found, where that decides nothing about data: the
 * statements of the plan's own steps bring back what the catalog or the rows have lost. What only a
 * person can decide is named and left alone.
 */
#include "verbs.h"

#include "dry.h"
#include "mending.h"
#include "sql.h"
#include "verb_launch.h"

#include <stdlib.h>
#include <string.h>

/* The steps that can mend, in the order in which they do it. */
static const char *const S_mending[] = {"columns", "fill",    "not-null",
                                        "keys",    "indexes", "foreign-keys"};

struct finding_row {
    const char *group, *subject, *message;
    const char *steps[MENDING_STEPS + 1]; /* that the plan has a use for; none: a person decides */
    size_t step_count;
    const char *undone; /* the first of them that has not been done; NULL */
};

struct fix {
    struct arena *arena;
    struct pg *pg;
    struct pg_result *states; /* of the steps */
    enum run_mode mode;       /* of the migration: its steps are done in the same */
    struct finding_row *findings;
    size_t count; /* that are meant by this call */
    int64_t run, checks;
    const char *steps[ARRAY_LEN(S_mending) + 1]; /* and validate */
    size_t step_count;
    const char **units;
    size_t unit_count;
    size_t statements;
};

/* ---- which findings are meant ---- */

/* A word is a group, a subject, or both as GROUP:SUBJECT; no word: all. */
static bool S_is_meant(const struct verb_call *call, const char *group, const char *subject)
{
    for (size_t i = 0; i < call->arg_count; i++) {
        const char *word = call->args[i];
        size_t len = strlen(group);
        if (str_is(word, group) || str_is(word, subject) ||
            (strncmp(word, group, len) == 0 && word[len] == ':' && str_is(word + len + 1, subject)))
            return true;
    }
    return call->arg_count == 0;
}

static const char *S_or_null(struct fix *fix, const struct pg_result *list, int row,
                             const char *column)
{
    int col = pg_col(list, column);
    return pg_null(list, row, col) || !*pg_text(list, row, col)
               ? NULL
               : arena_str(fix->arena, pg_text(list, row, col));
}

/* NULL: the journal knows of no such step, since the plan has no use for it. */
static const char *S_state(const struct fix *fix, const char *step)
{
    for (int row = 0; row < pg_rows(fix->states); row++)
        if (str_is(pg_text(fix->states, row, 0), step))
            return pg_text(fix->states, row, 1);
    return NULL;
}

static void S_find_steps(const struct fix *fix, const char *check, struct finding_row *found)
{
    struct mending done = {.released = str_is(S_state(fix, "release"), "done"),
                           .spread = str_is(S_state(fix, "distribute"), "done")};
    const char *const *steps = mending_steps(check, found->message, &done);
    for (size_t i = 0; steps && steps[i]; i++) {
        const char *state = S_state(fix, steps[i]);
        if (!state)
            continue;
        found->steps[found->step_count++] = steps[i];
        if (!found->undone && !str_is(state, "done") && !str_is(state, "skipped"))
            found->undone = steps[i];
    }
}

static void S_take_finding(const struct verb_call *call, struct fix *fix,
                           const struct pg_result *list, int row)
{
    struct finding_row found = {
        .group = S_or_null(fix, list, row, "check_group"),
        .subject = S_or_null(fix, list, row, "subject"),
        .message = S_or_null(fix, list, row, "message"),
    };
    if (!found.group || !S_is_meant(call, found.group, found.subject))
        return;
    S_find_steps(fix, pg_text(list, row, pg_col(list, "check_name")), &found);
    fix->findings[fix->count++] = found;
}

static bool S_read_findings(const struct verb_call *call, struct fix *fix, struct err *err)
{
    const char *values[] = {call->session->plan->name};
    struct pg_result *list;
    if (!pg_run(fix->pg, sql_get("fix_states"), values, 1, &fix->states, err) ||
        !pg_run(fix->pg, sql_get("fix_findings"), values, 1, &list, err))
        return false;
    size_t rows = (size_t)pg_rows(list);
    fix->findings = arena_array(fix->arena, rows, sizeof(*fix->findings));
    fix->run = rows ? pg_int(list, 0, pg_col(list, "run")) : 0;
    fix->checks = rows ? pg_int(list, 0, pg_col(list, "checks")) : 0;
    for (int row = 0; row < pg_rows(list); row++)
        S_take_finding(call, fix, list, row);
    pg_result_free(list);
    if (rows)
        return true;
    err_set(err, ERR_REFUSED, "nothing was validated yet, so nothing is known to be wrong");
    return err_hint(err, "say 'tenantdeck validate' first");
}

static bool S_read_mode(const struct verb_call *call, struct fix *fix, struct err *err)
{
    const char *values[] = {call->session->plan->name};
    struct pg_result *last;
    fix->mode = verb_mode(call);
    if (verb_given(call, "window") || verb_given(call, "online"))
        return true;
    if (!pg_run(fix->pg, sql_get("run_last_mode"), values, 1, &last, err))
        return false;
    if (pg_rows(last) && str_is(pg_text(last, 0, 0), "window"))
        fix->mode = MODE_WINDOW;
    pg_result_free(last);
    return true;
}

/* ---- what would mend them ---- */

static bool S_can(const struct finding_row *found)
{
    return found->step_count && !found->undone;
}

static bool S_needs(const struct finding_row *found, const char *step)
{
    for (size_t i = 0; S_can(found) && i < found->step_count; i++)
        if (str_is(found->steps[i], step))
            return true;
    return false;
}

static void S_add_unit(struct fix *fix, const char *unit)
{
    for (size_t i = 0; i < fix->unit_count; i++)
        if (str_is(fix->units[i], unit))
            return;
    fix->units[fix->unit_count++] = unit;
}

static void S_choose(struct fix *fix)
{
    fix->units = arena_array(fix->arena, fix->count, sizeof(*fix->units));
    for (size_t i = 0; i < ARRAY_LEN(S_mending); i++) {
        bool wanted = false;
        for (size_t j = 0; j < fix->count; j++)
            wanted |= S_needs(&fix->findings[j], S_mending[i]);
        if (wanted)
            fix->steps[fix->step_count++] = S_mending[i];
    }
    for (size_t j = 0; j < fix->count; j++)
        if (S_can(&fix->findings[j]))
            S_add_unit(fix, fix->findings[j].subject);
}

/* `out` NULL: only counts what would be sent. */
static bool S_print(const struct verb_call *call, struct fix *fix, FILE *out, struct err *err)
{
    const struct dry_scope scope = {.steps = fix->steps,
                                    .step_count = fix->step_count,
                                    .units = fix->units,
                                    .unit_count = fix->unit_count,
                                    .mends = true,
                                    .statements = &fix->statements};
    fix->statements = 0;
    return !fix->step_count || dry_print(fix->pg, call->session->plan, fix->mode, &scope, out, err);
}

static bool S_begin(struct verb_call *call, struct fix *fix, struct err *err)
{
    struct pg_options options = {.purpose = "fix", .read_only = true, .lock_timeout_ms = 2000};
    struct pg *journal = NULL;
    bool there = verb_connect_journal(call, &journal, err);
    pg_free(journal);
    fix->arena = arena_new();
    if (!there ||
        !session_connect(call->session, call->loop, &options, call->ask, call->ask_ctx, &fix->pg,
                         err) ||
        !S_read_findings(call, fix, err) || !S_read_mode(call, fix, err))
        return false;
    S_choose(fix);
    return S_print(call, fix, NULL, err);
}

static void S_end(struct fix *fix)
{
    pg_result_free(fix->states);
    pg_free(fix->pg);
    arena_free(fix->arena);
}

/* ---- telling ---- */

static void S_say(struct verb_call *call, const char *comment, const struct finding_row *found)
{
    char *line = str_format("%s%s: %s: %s", comment, found->group, found->subject, found->message);
    char *clean = text_cleaned(line);
    fprintf(call->out, "%s\n", clean);
    free(clean);
    free(line);
}

static void S_say_remedy(struct verb_call *call, const char *comment,
                         const struct finding_row *found)
{
    fprintf(call->out, "%s    ", comment);
    if (!found->step_count)
        fprintf(call->out, MENDING_NONE " The Validation pane has the rows and the SQL");
    else if (found->undone)
        fprintf(call->out,
                "step '%s' has not been done, so there is nothing to bring back: 'migrate' "
                "does it",
                found->undone);
    else
        fprintf(call->out, "mended by the statements of:");
    for (size_t i = 0; S_can(found) && i < found->step_count; i++)
        fprintf(call->out, " %s", found->steps[i]);
    fputc('\n', call->out);
}

static void S_list(struct verb_call *call, const struct fix *fix, const char *comment)
{
    fprintf(call->out, "%sof run %lld, which validated with %lld checks:\n", comment,
            (long long)fix->run, (long long)fix->checks);
    char *indented = str_format("%s  ", comment);
    for (size_t i = 0; i < fix->count; i++) {
        const struct finding_row *found = &fix->findings[i];
        S_say(call, indented, found);
        S_say_remedy(call, comment, found);
    }
    free(indented);
}

static bool S_refuse(struct verb_call *call, const struct fix *fix, struct err *err)
{
    if (fix->count && !call->json)
        S_list(call, fix, "");
    if (!fix->count && call->arg_count) {
        err_set(err, ERR_USAGE, "the last validation found nothing wrong by the name of '%s'",
                call->args[0]);
        return err_hint(err,
                        "a group, a table, or both as GROUP:TABLE; 'tenantdeck findings' lists "
                        "them");
    }
    if (!fix->count) {
        err_set(err, ERR_REFUSED, "the last validation found nothing wrong");
        return err_hint(err, "say 'tenantdeck validate' to look again");
    }
    err_set(err, ERR_REFUSED,
            "nothing of it can be mended without deciding about data, or it is "
            "mended already");
    return err_hint(err,
                    "'tenantdeck findings' has the rows and the SQL; 'tenantdeck validate' looks "
                    "again");
}

bool verb_fix_tell(struct verb_call *call, struct err *err)
{
    struct fix fix = {0};
    bool ok = S_begin(call, &fix, err) && (fix.statements || S_refuse(call, &fix, err));
    if (ok && !call->json) {
        S_list(call, &fix, "");
        fprintf(call->out,
                "%zu %s, which --dry-run prints; what is changed is recorded for a rollback.\n"
                "Afterwards everything is validated again.\n",
                fix.statements, fix.statements == 1 ? "statement" : "statements");
        fflush(call->out);
    }
    S_end(&fix);
    return ok;
}

bool verb_validate_tell(struct verb_call *call, struct err *err)
{
    return !verb_given(call, "fix-issues") || verb_fix_tell(call, err);
}

/* ---- doing ---- */

static bool S_launch(struct verb_call *call, struct fix *fix, struct err *err)
{
    json_t *units = json_array();
    for (size_t i = 0; i < fix->unit_count; i++)
        json_array_append_new(units, json_string(fix->units[i]));
    fix->steps[fix->step_count++] = "validate";
    pg_close(fix->pg);
    bool ok = verb_launch_about(call, "fix", fix->steps, fix->step_count, units, err);
    json_decref(units);
    return ok;
}

bool verb_fix(struct verb_call *call, struct err *err)
{
    struct fix fix = {0};
    bool ok = S_begin(call, &fix, err) && (fix.statements || S_refuse(call, &fix, err));
    if (ok && verb_call_effect(call) == READS) {
        S_list(call, &fix, "-- ");
        ok = S_print(call, &fix, call->out, err);
    } else if (ok) {
        ok = S_launch(call, &fix, err);
    }
    S_end(&fix);
    return ok;
}
