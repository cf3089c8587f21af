/*
 * verb_rollback: what a rollback would take back and what would be lost, and the rollback itself.
 */
#include "verbs.h"

#include "dry.h"
#include "plan_json.h"
#include "undo.h"
#include "verb_launch.h"

#include <stdlib.h>

static bool S_print_undo(struct verb_call *call, const struct undo_plan *undo)
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
    return true;
}

static void S_tell_loss(struct verb_call *call, int64_t rows, const char *tables)
{
    char *clean = text_cleaned(tables);
    if (rows > 0)
        fprintf(call->out, "rows written since the migration, whose codes go with it: %lld (%s)\n",
                (long long)rows, clean);
    else
        fprintf(call->out, "%s\n",
                rows == 0 ? "no row was written since the migration"
                          : "whether rows were written since is not known");
    free(clean);
}

static bool S_tell_rollback(struct verb_call *call, struct pg *pg, const struct undo_plan *undo,
                            struct err *err)
{
    struct buf tables = {0};
    int64_t rows;
    char *document = plan_to_json(call->session->plan);
    bool ok = undo_rows_since(pg, document, &rows, &tables, err);
    free(document);
    if (ok) {
        fprintf(call->out, "takes back, in this order:");
        for (size_t i = 0; i < undo->step_count; i++)
            fprintf(call->out, " %s", undo->steps[i]);
        fprintf(call->out, " (%zu statements; --dry-run prints them)\n", undo->statement_count);
        S_tell_loss(call, rows, buf_text(&tables));
        fflush(call->out);
    }
    buf_release(&tables);
    return ok;
}

struct rollback {
    struct arena *arena;
    struct verb_order order;
    struct undo_plan undo;
    struct pg *pg;
};

static bool S_begin_rollback(struct verb_call *call, struct rollback *r, struct err *err)
{
    const char *to = verb_given(call, "to");
    r->arena = arena_new();
    if (!verb_order_read(call, &r->order, err))
        return false;
    if (to && verb_order_find(&r->order, to) == r->order.count)
        return verb_order_unknown(call, to, err);
    if (!verb_connect_journal(call, &r->pg, err) ||
        !undo_read(r->pg, call->session->plan, to, verb_given(call, "preserve-data") != NULL,
                   r->arena, &r->undo, err))
        return false;
    return r->undo.step_count ||
           err_set(err, ERR_REFUSED,
                   "there is nothing to take back: the journal keeps no record of a "
                   "change by this plan");
}

static bool S_has_records(const struct undo_plan *undo, const char *step)
{
    for (size_t i = 0; i < undo->step_count; i++)
        if (str_is(undo->steps[i], step))
            return true;
    return false;
}

/* The first step, in the order of the plan, that has something to take back. */
static size_t S_first_with_records(const struct rollback *r)
{
    size_t first = 0;
    while (first < r->order.count && !S_has_records(&r->undo, r->order.defs[first]->name))
        first++;
    return first;
}

/*
 * What the run goes through: beside the steps that have something to take back also those after the
 * first of them that have only looked, since what they said does not hold any more. A step whose data
 * stays is left as it is.
 */
static size_t S_choose_steps(const struct verb_call *call, const struct rollback *r,
                             const char **steps)
{
    const char *to = verb_given(call, "to");
    bool preserve = verb_given(call, "preserve-data") != NULL;
    size_t count = 0, first = S_first_with_records(r);
    for (size_t i = r->order.count; i-- > first && !str_is(r->order.defs[i]->name, to);) {
        const struct step_def *def = r->order.defs[i];
        bool told = r->order.states[i] && !str_is(r->order.states[i], "undone");
        if (S_has_records(&r->undo, def->name) || (told && (!preserve || def->type == STEP_VERIFY)))
            steps[count++] = def->name;
    }
    return count;
}

static void S_end_rollback(struct rollback *r)
{
    pg_free(r->pg);
    arena_free(r->order.arena);
    arena_free(r->arena);
}

bool verb_rollback_tell(struct verb_call *call, struct err *err)
{
    struct rollback r = {0};
    bool ok = S_begin_rollback(call, &r, err) &&
              (call->json || S_tell_rollback(call, r.pg, &r.undo, err));
    S_end_rollback(&r);
    return ok;
}

bool verb_rollback(struct verb_call *call, struct err *err)
{
    struct rollback r = {0};
    bool ok = S_begin_rollback(call, &r, err);
    if (ok && verb_given(call, "dry-run"))
        ok = S_print_undo(call, &r.undo);
    else if (ok) {
        const char **steps = arena_array(r.arena, r.order.count, sizeof(*steps));
        size_t count = S_choose_steps(call, &r, steps);
        ok = verb_launch(call, "rollback", steps, count, err);
    }
    S_end_rollback(&r);
    return ok;
}
