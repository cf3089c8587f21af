/* rollback_text: see rollback_text.h. */
#include "rollback_text.h"

#include "clock.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines ---- */

static void S_say(struct verb_call *call, const char *format, ...) PRINTF_LIKE(2, 3);

/* Names and messages are foreign: a line is one line, whatever is in it. */
static void S_say(struct verb_call *call, const char *format, ...)
{
    struct buf line = {0}, clean = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&line, format, args);
    va_end(args);
    text_clean(&clean, buf_text(&line), line.len);
    fprintf(call->out, "%s\n", buf_text(&clean));
    buf_release(&line);
    buf_release(&clean);
}

static void S_head(struct verb_call *call, int number, const char *title)
{
    fprintf(call->out, "\n%d. %s\n", number, title);
}

static void S_add_time(struct buf *out, const struct guide_step *step)
{
    char span[16];
    if (!step || step->ms < 0)
        buf_add(out, "time not known");
    else if (step->ms == GUIDE_MOMENTS && !step->as_before)
        buf_add(out, "moments");
    else {
        clock_format_span(step->ms, span);
        buf_format(out, "~%s, %s", span,
                   step->as_before ? "as it took before" : "as it took to do");
    }
}

/* ---- what is found, and what goes ---- */

static void S_list_states(struct verb_call *call, const struct guide *guide, const char *state,
                          const char *words)
{
    struct buf names = {0};
    for (size_t i = 0; i < guide->step_count; i++)
        if (str_is(guide->steps[i].state, state))
            buf_format(&names, " %s", guide->steps[i].name);
    if (names.len)
        S_say(call, "   %s:%s", words, buf_text(&names));
    buf_release(&names);
}

static void S_print_found(struct verb_call *call, const struct guide *guide)
{
    S_head(call, 1, "What is found now");
    S_say(call, "   %s", guide->run ? guide->run : "the journal knows of no run of this plan");
    S_say(call, "   %lld of the %lld columns of the plan are on its %lld tables",
          (long long)guide->columns, (long long)guide->wanted, (long long)guide->tables);
    S_list_states(call, guide, "done", "steps that are done");
    S_list_states(call, guide, "failed", "steps that failed");
    S_list_states(call, guide, "runs", "steps that were cut off");
    S_list_states(call, guide, "paused", "steps that were stopped");
    S_list_states(call, guide, "undone", "steps that were taken back");
}

static size_t S_count_statements(const struct guide *guide, const char *step)
{
    size_t count = 0;
    for (size_t i = 0; i < guide->undo.statement_count; i++)
        count += str_is(guide->undo.owners[i], step);
    return count;
}

static void S_print_order(struct verb_call *call, const struct guide *guide)
{
    S_head(call, 2, "What is taken back, in this order");
    for (size_t i = 0; i < guide->undo.step_count; i++) {
        const struct guide_step *step = guide_find(guide, guide->undo.steps[i]);
        struct buf time = {0};
        S_add_time(&time, step);
        S_say(call, "   %2zu  %-13s %s", i + 1, guide->undo.steps[i], buf_text(&time));
        size_t count = S_count_statements(guide, guide->undo.steps[i]);
        S_say(call, "       %s (%zu statement%s)",
              step && step->objects ? step->objects : "what it has kept a record of", count,
              count == 1 ? "" : "s");
        buf_release(&time);
    }
    S_say(call, "   %zu statements in all; with --dry-run they are printed",
          guide->undo.statement_count);
    S_say(call, "   each is read back from the catalog before it counts as done");
    S_say(call, "   after a crash the same command goes on");
}

static bool S_is_taken(const struct guide *guide, const char *step)
{
    for (size_t i = 0; i < guide->undo.step_count; i++)
        if (str_is(guide->undo.steps[i], step))
            return true;
    return false;
}

static void S_print_stays(struct verb_call *call, const struct guide *guide)
{
    bool stays = false;
    S_head(call, 3, "What stays");
    for (size_t i = 0; i < guide->step_count; i++) {
        const struct guide_step *step = &guide->steps[i];
        if (!step->objects || S_is_taken(guide, step->name))
            continue;
        S_say(call, "   %s: %s", step->name, step->objects);
        stays = true;
    }
    if (guide->choice.preserve_data)
        S_say(call, "   the columns with what they hold, and the mapping (--preserve-data)");
    const struct guide_step *clear = guide_find(guide, "cache-clear");
    if (clear && str_is(clear->state, "done")) {
        S_say(call, "   what cache-clear removed from Redis stays removed: no key comes back");
        stays = true;
    }
    if (!stays && !guide->choice.preserve_data)
        S_say(call, "   nothing that the journal has a record of");
}

static void S_print_restore(struct verb_call *call, const struct guide *guide)
{
    bool needed = false;
    S_head(call, 4, "What only a restore takes back");
    for (size_t i = 0; i < guide->undo.step_count; i++) {
        const struct guide_step *step = guide_find(guide, guide->undo.steps[i]);
        if (step && step->needs)
            S_say(call, "   %s: %s", step->name, step->needs);
        needed |= step && step->needs;
    }
    if (!needed)
        S_say(call, "   nothing");
}

static void S_print_backup(struct verb_call *call, const struct guide *guide)
{
    const struct guide_backup *backup = &guide->backup;
    char age[16] = "not known";
    S_head(call, 5, "Backup, should it come to that");
    if (!backup->path) {
        S_say(call, "   none of this database on this host, in %s",
              backup->directory ? backup->directory : "a directory that can be read");
        return;
    }
    if (backup->age_ms >= 0)
        clock_format_span(backup->age_ms, age);
    S_say(call, "   %s", backup->path);
    S_say(call, "   taken %s, %s ago; %s", backup->taken_at, age,
          backup->whole ? "checked when it was made, and as long as it was then"
                        : "DAMAGED: it is not as long as it was when it was made");
    S_say(call, "   'backup verify' reads it whole once more; 'backup restore' puts it in place");
}

static void S_print_time(struct verb_call *call, const struct guide *guide)
{
    int64_t ms = guide_time(guide);
    char span[16];
    S_head(call, 6, "Time");
    if (ms < 0) {
        S_say(call, "   not known: of one of the steps nobody knows how long it takes");
        return;
    }
    clock_format_span(ms, span);
    S_say(call, "   ~%s, by the times that the journal has; locks are waited for beside that",
          span);
}

void rollback_print_plan(struct verb_call *call, const struct guide *guide)
{
    char *where = pg_target_describe(&call->session->database);
    S_say(call, "Rollback of plan '%s' in %s", call->session->plan->name, where);
    free(where);
    S_print_found(call, guide);
    S_print_order(call, guide);
    S_print_stays(call, guide);
    S_print_restore(call, guide);
    S_print_backup(call, guide);
    S_print_time(call, guide);
    fflush(call->out);
}

/* ---- what would be lost ---- */

void rollback_print_losses(struct verb_call *call, const struct guide *guide)
{
    S_head(call, 7, "Rows written since, which lose their codes");
    if (!guide->undo.drops_columns)
        S_say(call, "   none: the columns stay");
    else if (!guide->counted)
        S_say(call, "   not known: the journal has not noted when the fill was over");
    else if (guide->rows == 0)
        S_say(call, "   none: no row was written since the migration");
    else if (guide->rows > 0)
        S_say(call, "   %lld rows", (long long)guide->rows);
    else
        S_say(call, "   not all could be counted");
    for (size_t i = 0; guide->undo.drops_columns && i < guide->loss_count; i++) {
        const struct guide_loss *loss = &guide->losses[i];
        if (loss->rows < 0)
            S_say(call, "   %-30s not known: %s", loss->table, loss->trouble);
        else
            S_say(call, "   %-30s %lld", loss->table, (long long)loss->rows);
    }
    fflush(call->out);
}

/* ---- whether it can be done ---- */

static void S_print_samples(struct verb_call *call, const char *samples)
{
    json_t *list = samples ? json_loads(samples, 0, NULL) : NULL, *one;
    size_t i;
    json_array_foreach(list, i, one)
    {
        char *text = json_dumps(one, JSON_COMPACT | JSON_ENCODE_ANY);
        S_say(call, "          %s", text);
        free(text);
    }
    json_decref(list);
}

static void S_print_check(struct verb_call *call, const struct guide_check *check)
{
    S_say(call, "   %-7s %s: %s", check->verdict, check->name, check->message);
    S_print_samples(call, check->samples);
    if (check->fix)
        S_say(call, "          %s", check->fix);
}

void rollback_print_checks(struct verb_call *call, const struct guide *guide)
{
    S_head(call, 8, "Can it be taken back?");
    for (size_t i = 0; i < guide->check_count; i++)
        if (!str_is(guide->checks[i].verdict, "pass"))
            S_print_check(call, &guide->checks[i]);
    S_say(call, "   %s: %zu checks passed, %zu warn, %zu failed, %zu are not known",
          guide->fail      ? "NO"
          : guide->unknown ? "yes, as far as it could be asked"
                           : "yes",
          guide->pass, guide->warn, guide->fail, guide->unknown);
    fflush(call->out);
}

/* ---- what can be chosen ---- */

void rollback_print_choices(struct verb_call *call, const struct guide *guide,
                            const char *const *alone, size_t alone_count)
{
    S_head(call, 9, "What can be chosen; each asks for the name of the database");
    S_say(call, "   rollback --all            all of it");
    S_say(call, "   rollback --to STEP        STEP stays, and all before it");
    S_say(call, "   rollback --preserve-data  the columns stay, with what they hold");
    struct buf names = {0};
    for (size_t i = 0; i < alone_count; i++)
        buf_format(&names, " %s", alone[i]);
    if (alone_count)
        S_say(call, "   rollback --only STEP      that step alone; just now:%s", buf_text(&names));
    buf_release(&names);
    S_say(call, "   … --dry-run               only prints the statements");
    if (!guide->undo.step_count)
        S_say(call, "   Just now there is nothing to take back.");
    fflush(call->out);
}

/* ---- the same for programs ---- */

static json_t *S_steps_json(const struct guide *guide)
{
    json_t *list = json_array();
    for (size_t i = 0; i < guide->undo.step_count; i++) {
        const char *name = guide->undo.steps[i];
        const struct guide_step *step = guide_find(guide, name);
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:I, s:o, s:o}", "step", name, "objects",
                            verb_json_text(step ? step->objects : NULL), "statements",
                            (json_int_t)S_count_statements(guide, name), "estimated_ms",
                            step && step->ms >= 0 ? json_integer(step->ms) : json_null(),
                            "needs_restore", verb_json_text(step ? step->needs : NULL)));
    }
    return list;
}

static json_t *S_losses_json(const struct guide *guide)
{
    json_t *list = json_array();
    for (size_t i = 0; i < guide->loss_count; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:o}", "table", verb_json_text(guide->losses[i].table), "rows",
                            guide->losses[i].rows >= 0 ? json_integer(guide->losses[i].rows)
                                                       : json_null()));
    return list;
}

static json_t *S_checks_json(const struct guide *guide)
{
    json_t *list = json_array();
    for (size_t i = 0; i < guide->check_count; i++) {
        const struct guide_check *check = &guide->checks[i];
        json_t *samples = check->samples ? json_loads(check->samples, 0, NULL) : NULL;
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "check", verb_json_text(check->name),
                            "subject", verb_json_text(check->subject), "verdict",
                            verb_json_text(check->verdict), "message",
                            verb_json_text(check->message), "samples",
                            samples ? samples : json_array(), "fix", verb_json_text(check->fix)));
    }
    return list;
}

json_t *rollback_to_json(const struct guide *guide)
{
    int64_t ms = guide_time(guide);
    json_t *backup =
        guide->backup.path
            ? json_pack("{s:o, s:o, s:b}", "path", verb_json_text(guide->backup.path), "taken_at",
                        verb_json_text(guide->backup.taken_at), "whole", guide->backup.whole)
            : json_null();
    return json_pack(
        "{s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "run", verb_json_text(guide->run),
        "columns", (json_int_t)guide->columns, "columns_of_the_plan", (json_int_t)guide->wanted,
        "takes_back", S_steps_json(guide), "rows_written_since",
        guide->rows >= 0 ? json_integer(guide->rows) : json_null(), "losses", S_losses_json(guide),
        "backup", backup, "estimated_ms", ms >= 0 ? json_integer(ms) : json_null(), "checks",
        S_checks_json(guide), "possible", guide->fail == 0 && guide->undo.step_count > 0);
}
