/*
 * verb_run: the verbs that have steps done, or print what they would send: migrate, run, preflight,
 * validate, plan sql.
 */
#include "verbs.h"

#include "dry.h"
#include "verb_launch.h"

#include <stdlib.h>

/* ---- what comes before a step ---- */

static bool S_is_done(const char *state)
{
    return str_is(state, "done") || str_is(state, "skipped");
}

/* A backup and somebody else's commands may be left out; whoever wants them runs them. */
static bool S_may_be_left_out(const struct step_def *def)
{
    return def->type == STEP_OUTSIDE || str_is(def->name, "report") ||
           str_is(def->name, "cache-clear") || str_is(def->name, "cache-warm");
}

static bool S_check_before(const struct verb_order *order, size_t at, struct err *err)
{
    for (size_t i = 0; i < at; i++) {
        if (S_is_done(order->states[i]) || S_may_be_left_out(order->defs[i]))
            continue;
        err_set(err, ERR_REFUSED, "step '%s' comes after '%s', which %s", order->defs[at]->name,
                order->defs[i]->name,
                !order->states[i]                    ? "has not been done"
                : str_is(order->states[i], "undone") ? "was taken back"
                                                     : "has not come to its end");
        return err_hint(err, "say 'tenantdeck run %s' first, or 'tenantdeck migrate' for all",
                        order->defs[i]->name);
    }
    return true;
}

/* ---- the verbs ---- */

static bool S_check_numbers(const struct verb_call *call, struct err *err)
{
    static const char *const numbers[] = {"lanes", "batch-ms"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        const char *value = verb_given(call, numbers[i]);
        int64_t n;
        if (value && (!str_to_int(value, &n) || n < 1 || n > 60000))
            return err_set(err, ERR_USAGE, "--%s wants a number from 1, not '%s'", numbers[i],
                           value);
    }
    return true;
}

/* Prints instead of doing; the connection is read-only whatever the verb does. */
static bool S_dry(struct verb_call *call, const char *const *steps, size_t count, struct err *err)
{
    struct pg_options options = {.purpose = "dry run", .read_only = true, .lock_timeout_ms = 2000};
    struct pg *pg;
    if (!session_connect(call->session, call->loop, &options, call->ask, call->ask_ctx, &pg, err))
        return false;
    const struct dry_scope scope = {.steps = steps, .step_count = count};
    bool ok = dry_print(pg, call->session->plan, verb_mode(call), &scope, call->out, err);
    pg_free(pg);
    return ok;
}

/* From the first step to `last`; release only when it is named. */
static size_t S_choose(const struct verb_order *order, size_t last, const char **steps)
{
    size_t count = 0;
    for (size_t i = 0; i <= last && i < order->count; i++)
        if (last < order->count || !str_is(order->defs[i]->name, "release"))
            steps[count++] = order->defs[i]->name;
    return count;
}

bool verb_migrate(struct verb_call *call, struct err *err)
{
    struct verb_order order = {0};
    const char *to = verb_given(call, "to"), *hold = verb_given(call, "hold");
    if (!S_check_numbers(call, err) || !verb_order_read(call, &order, err))
        return false;
    size_t last = to ? verb_order_find(&order, to) : order.count;
    bool ok = true;
    if (to && last == order.count)
        ok = verb_order_unknown(call, to, err);
    else if (hold && verb_order_find(&order, hold) == order.count)
        ok = verb_order_unknown(call, hold, err);
    const char **steps = arena_array(order.arena, order.count, sizeof(*steps));
    size_t count = S_choose(&order, last, steps);
    if (ok)
        ok = verb_given(call, "dry-run") ? S_dry(call, steps, count, err)
                                         : verb_launch(call, "migrate", steps, count, err);
    arena_free(order.arena);
    return ok;
}

bool verb_run_step(struct verb_call *call, struct err *err)
{
    struct verb_order order = {0};
    const char *steps[] = {call->args[0]};
    if (!S_check_numbers(call, err) || !verb_order_read(call, &order, err))
        return false;
    size_t at = verb_order_find(&order, steps[0]);
    char *verb = str_format("run %s", steps[0]);
    bool ok;
    if (at == order.count)
        ok = verb_order_unknown(call, steps[0], err);
    else if (verb_given(call, "dry-run"))
        ok = S_dry(call, steps, 1, err);
    else
        ok = S_check_before(&order, at, err) && verb_launch(call, verb, steps, 1, err);
    free(verb);
    arena_free(order.arena);
    return ok;
}

/* A step that only looks, and may be asked for at any time. */
static bool S_look(struct verb_call *call, const char *step, struct err *err)
{
    struct verb_order order = {0};
    const char *steps[] = {step};
    bool ok = verb_order_read(call, &order, err) && verb_launch(call, step, steps, 1, err);
    arena_free(order.arena);
    return ok;
}

bool verb_preflight(struct verb_call *call, struct err *err)
{
    return S_look(call, "preflight", err);
}

bool verb_validate(struct verb_call *call, struct err *err)
{
    if (verb_given(call, "fix-issues"))
        return verb_fix(call, err);
    return S_look(call, "validate", err);
}

bool verb_plan_sql(struct verb_call *call, struct err *err)
{
    return S_dry(call, call->arg_count ? call->args : NULL, call->arg_count, err);
}
