/*
 * verb_rollback: the guide that says what a rollback would take back and what would be lost, and
 * the rollback itself. Without a choice it only guides: nobody takes everything back by a short
 * command.
 */
#include "verbs.h"

#include "dry.h"
#include "rollback_text.h"
#include "sql.h"
#include "verb_launch.h"

#include <stdlib.h>

struct rollback {
    struct verb_order order;
    struct guide guide;
    struct pg *pg;
    const char **unfinished; /* steps that a rollback before this one has not come to the end of */
    size_t unfinished_count;
};

static bool S_is_chosen(const struct verb_call *call)
{
    static const char *const choices[] = {"all", "to", "only", "preserve-data"};
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        if (verb_given(call, choices[i]))
            return true;
    return false;
}

/* Whoever gives the database's name beforehand has made up the mind: all of it is meant. */
enum verb_effect verb_rollback_weigh(const struct verb_call *call)
{
    return S_is_chosen(call) || call->confirmed ? DESTRUCTIVE : READS;
}

/* ---- reading ---- */

static bool S_read_unfinished(const struct verb_call *call, struct rollback *r, struct err *err)
{
    const char *values[] = {call->session->plan->name};
    struct pg_result *list;
    if (!pg_run(r->pg, sql_get("undo_unfinished"), values, 1, &list, err))
        return false;
    struct arena *arena = r->guide.arena;
    r->unfinished = arena_array(arena, (size_t)pg_rows(list), sizeof(*r->unfinished));
    for (int row = 0; row < pg_rows(list); row++)
        r->unfinished[r->unfinished_count++] = arena_str(arena, pg_text(list, row, 0));
    pg_result_free(list);
    return true;
}

static bool S_check_choice(const struct verb_call *call, const struct undo_choice *choice,
                           const struct verb_order *order, struct err *err)
{
    const char *named = choice->only ? choice->only : choice->to;
    if (choice->only && choice->to)
        return err_set(err, ERR_USAGE, "'--only' and '--to' are two choices: give one of them");
    if (verb_given(call, "all") && (named || choice->preserve_data))
        return err_set(err, ERR_USAGE, "'--all' leaves nothing to choose beside it");
    if (named && verb_order_find(order, named) == order->count)
        return verb_order_unknown(call, named, err);
    return !choice->only ||
           undo_stands_alone(order->defs, order->states, order->count, choice->only, err);
}

static bool S_begin_rollback(struct verb_call *call, struct rollback *r, struct err *err)
{
    const struct undo_choice choice = {.to = verb_given(call, "to"),
                                       .only = verb_given(call, "only"),
                                       .preserve_data = verb_given(call, "preserve-data")};
    return verb_order_read(call, &r->order, err) && S_check_choice(call, &choice, &r->order, err) &&
           verb_connect_journal(call, &r->pg, err) &&
           guide_read(r->pg, call->session->plan, &choice, verb_given(call, "backup-dir"),
                      &r->guide, err) &&
           S_read_unfinished(call, r, err);
}

static void S_end_rollback(struct rollback *r)
{
    pg_free(r->pg);
    arena_free(r->order.arena);
    arena_free(r->guide.arena);
}

/* ---- what the run goes through ---- */

static bool S_is_among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(names[i], name))
            return true;
    return false;
}

static bool S_goes(const struct rollback *r, const char *step)
{
    return S_is_among(r->guide.undo.steps, r->guide.undo.step_count, step) ||
           (S_is_among(r->unfinished, r->unfinished_count, step) &&
            (!r->guide.choice.only || str_is(r->guide.choice.only, step)));
}

/*
 * Beside the steps that have something to take back also those after the first of them that have
 * only looked, since what they said does not hold any more. A step whose data stays is left as it
 * is, and so is all but what looked when one step goes alone, and one that was skipped: it did
 * nothing.
 */
static size_t S_choose_steps(const struct verb_call *call, const struct rollback *r,
                             const char **steps)
{
    const struct undo_choice *choice = &r->guide.choice;
    const struct step_def **defs;
    size_t count = 0, first = 0, all = kind_every_step(call->session->plan, r->guide.arena, &defs);
    while (first < all && (str_is(defs[first]->name, choice->to) || !S_goes(r, defs[first]->name)))
        first++;
    for (size_t i = all; i-- > first && !str_is(defs[i]->name, choice->to);) {
        size_t at = verb_order_find(&r->order, defs[i]->name);
        const char *state = at < r->order.count ? r->order.states[at] : NULL;
        bool told = state && !str_is(state, "undone") && !str_is(state, "skipped");
        bool looks = defs[i]->type == STEP_VERIFY;
        if (S_goes(r, defs[i]->name) ||
            (told && (looks || (!choice->preserve_data && !choice->only))))
            steps[count++] = defs[i]->name;
    }
    return count;
}

static bool S_nothing(const struct rollback *r, struct err *err)
{
    const struct undo_choice *choice = &r->guide.choice;
    if (choice->to || choice->only || choice->preserve_data)
        return err_set(err, ERR_REFUSED,
                       "there is nothing to take back of what was chosen: the journal keeps no "
                       "record of such a change by this plan");
    return err_set(err, ERR_REFUSED,
                   "there is nothing to take back: the journal keeps no record of a change by this "
                   "plan");
}

static size_t S_array(const struct verb_call *call, struct rollback *r, const char ***steps)
{
    const struct step_def **defs;
    *steps =
        arena_array(r->guide.arena, kind_every_step(call->session->plan, r->guide.arena, &defs),
                    sizeof(**steps));
    return S_choose_steps(call, r, *steps);
}

/* ---- telling ---- */

static void S_print_undo(struct verb_call *call, const struct undo_plan *undo)
{
    for (size_t i = 0; i < undo->statement_count; i++) {
        if (i == 0 || !str_is(undo->owners[i], undo->owners[i - 1]))
            fprintf(call->out, "\n-- ---- takes back step %s ----\n", undo->owners[i]);
        if (undo->is_sql[i]) {
            dry_statement(call->out, undo->statements[i]);
        } else {
            char *clean = text_cleaned(undo->statements[i]);
            fprintf(call->out, "-- outside of the database: %s\n", clean);
            free(clean);
        }
    }
}

/* Printed as it is found out: what reads the tables takes its time. */
static bool S_guide(struct verb_call *call, struct rollback *r, struct err *err)
{
    const struct plan *plan = call->session->plan;
    bool triggers = verb_given(call, "triggers");
    if (!call->json)
        rollback_print_plan(call, &r->guide);
    if (r->guide.undo.drops_columns && !guide_count_losses(r->pg, plan, &r->guide, err))
        return false;
    if (!call->json)
        rollback_print_losses(call, &r->guide);
    if (!guide_check(r->pg, plan, triggers, &r->guide, err))
        return false;
    if (!call->json)
        rollback_print_checks(call, &r->guide);
    return true;
}

static void S_print_choices(struct verb_call *call, struct rollback *r)
{
    const char **alone = arena_array(r->guide.arena, r->order.count, sizeof(*alone));
    size_t count = 0;
    for (size_t i = 0; i < r->order.count; i++) {
        struct err unused = {0};
        const char *name = r->order.defs[i]->name;
        if (S_goes(r, name) &&
            undo_stands_alone(r->order.defs, r->order.states, r->order.count, name, &unused))
            alone[count++] = name;
    }
    rollback_print_choices(call, &r->guide, alone, count);
}

/* What cannot be had back stands in the question, too: it may be many pages down in the guide. */
static void S_warn(struct verb_call *call, const struct guide *guide)
{
    struct buf text = {0};
    if (!call->token || !guide->undo.drops_columns || (guide->counted && guide->rows == 0))
        return;
    if (guide->counted && guide->rows > 0) {
        text_count(&text, guide->rows);
        buf_add(&text, guide->rows == 1 ? " row written since loses its codes"
                                        : " rows written since lose their codes");
    } else {
        buf_add(&text, "how many rows were written since, and lose their codes, is not known");
    }
    snprintf(call->token->warns, sizeof(call->token->warns), "%s", buf_text(&text));
    buf_release(&text);
}

/* Whoever is asked for the name has read this; a name that came along is checked by the worker. */
bool verb_rollback_tell(struct verb_call *call, struct err *err)
{
    struct rollback r = {0};
    const char **steps;
    bool ok = S_begin_rollback(call, &r, err);
    if (ok && !S_array(call, &r, &steps))
        ok = S_nothing(&r, err);
    if (ok && !call->json && !(call->confirmed && *call->confirmed)) {
        ok = S_guide(call, &r, err);
        if (ok)
            S_warn(call, &r.guide);
        if (ok && r.guide.fail) {
            ok = err_set(
                err, ERR_REFUSED,
                "nothing was taken back: %zu checks failed, and it would break off half-way",
                r.guide.fail);
            err_hint(err, "settle what is listed under 8, or choose less with --to or --only");
        }
    }
    S_end_rollback(&r);
    return ok;
}

static bool S_look(struct verb_call *call, struct rollback *r, struct err *err)
{
    if (verb_given(call, "dry-run")) {
        S_print_undo(call, &r->guide.undo);
        return true;
    }
    if (!S_guide(call, r, err))
        return false;
    if (call->json)
        verb_answer(call, rollback_to_json(&r->guide));
    else
        S_print_choices(call, r);
    call->findings = r->guide.fail > 0;
    return true;
}

bool verb_rollback(struct verb_call *call, struct err *err)
{
    struct rollback r = {0};
    const char **steps;
    bool ok = S_begin_rollback(call, &r, err);
    size_t count = ok ? S_array(call, &r, &steps) : 0;
    if (ok && !count)
        ok = S_nothing(&r, err);
    else if (ok)
        ok = verb_call_effect(call) == READS ? S_look(call, &r, err)
                                             : verb_launch(call, "rollback", steps, count, err);
    S_end_rollback(&r);
    return ok;
}
