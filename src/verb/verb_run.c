/*
 * verb_run: the verbs that have steps done, or print what they would send: migrate, run, preflight,
 * validate, plan sql.
 */
#include "verbs.h"

#include "dry.h"
#include "outlook.h"
#include "run_limits.h"
#include "verb_launch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what comes before a step ---- */

static bool S_is_done(const char *state)
{
    return str_is(state, "done") || str_is(state, "skipped");
}

static bool S_check_before(const struct verb_order *order, size_t at, struct err *err)
{
    for (size_t i = 0; i < at; i++) {
        if (S_is_done(order->states[i]) ||
            step_may_be_left_out(order->defs[i]->name, step_type_name(order->defs[i]->type)))
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
    struct limits scratch = {0};
    const char *sleep = verb_given(call, "sleep");
    return !sleep || limits_set(&scratch, "sleep", sleep, err);
}

/* ---- what is asked for ---- */

struct intent {
    struct verb_order order;
    size_t *places; /* of the steps that are meant, in the order */
    const char **steps;
    size_t count;
    char *verb; /* as the run is called */
};

static void S_release(struct intent *intent)
{
    free(intent->verb);
    arena_free(intent->order.arena);
}

static bool S_begin(struct verb_call *call, struct intent *intent, char *verb, struct err *err)
{
    intent->verb = verb;
    if (!S_check_numbers(call, err) || !verb_order_read(call, &intent->order, err))
        return false;
    intent->steps = arena_array(intent->order.arena, intent->order.count, sizeof(*intent->steps));
    intent->places = arena_array(intent->order.arena, intent->order.count, sizeof(*intent->places));
    return true;
}

static void S_add(struct intent *intent, size_t place)
{
    intent->places[intent->count] = place;
    intent->steps[intent->count++] = intent->order.defs[place]->name;
}

/* From the first step to `last`; release only when it is named. */
static bool S_mean_migrate(struct verb_call *call, struct intent *intent, struct err *err)
{
    const char *to = verb_given(call, "to"), *hold = verb_given(call, "hold");
    struct verb_order *order = &intent->order;
    if (!S_begin(call, intent, str_dup("migrate"), err))
        return false;
    size_t last = to ? verb_order_find(order, to) : order->count;
    if (to && last == order->count)
        return verb_order_unknown(call, to, err);
    if (hold && verb_order_find(order, hold) == order->count)
        return verb_order_unknown(call, hold, err);
    for (size_t i = 0; i <= last && i < order->count; i++)
        if (last < order->count || !str_is(order->defs[i]->name, "release"))
            S_add(intent, i);
    return true;
}

static bool S_mean_step(struct verb_call *call, struct intent *intent, struct err *err)
{
    if (!S_begin(call, intent, str_format("run %s", call->args[0]), err))
        return false;
    size_t at = verb_order_find(&intent->order, call->args[0]);
    if (at == intent->order.count)
        return verb_order_unknown(call, call->args[0], err);
    S_add(intent, at);
    return verb_given(call, "dry-run") || S_check_before(&intent->order, at, err);
}

/* ---- what would run ---- */

/* Read-only whatever the verb does. */
static bool S_connect(struct verb_call *call, struct pg **pg, struct err *err)
{
    struct pg_options options = {.purpose = "dry run", .read_only = true, .lock_timeout_ms = 2000};
    return session_connect(call->session, call->loop, &options, call->ask, call->ask_ctx, pg, err);
}

/* Prints instead of doing. */
static bool S_dry(struct verb_call *call, const char *verb, const char *const *steps, size_t count,
                  struct err *err)
{
    enum run_mode mode;
    struct pg *pg;
    if (!S_connect(call, &pg, err))
        return false;
    const struct dry_scope scope = {.steps = steps, .step_count = count};
    bool ok = verb_find_mode(call, pg, verb, &mode, err) &&
              dry_print(pg, call->session->plan, mode, &scope, call->out, err);
    pg_free(pg);
    return ok;
}

static int64_t S_batch_ms(const struct verb_call *call)
{
    struct limits limits;
    int64_t ms;
    limits_begin(&limits, &call->session->plan->limits);
    return str_to_int(verb_given(call, "batch-ms"), &ms) ? ms : limits.batch_ms;
}

static bool S_look_ahead(struct verb_call *call, struct pg *pg, const struct intent *intent,
                         FILE *out, char *sql, enum run_mode *mode, struct err *err)
{
    const struct step_def **defs =
        arena_array(intent->order.arena, intent->count + 1, sizeof(*defs));
    const char **states = arena_array(intent->order.arena, intent->count + 1, sizeof(*states));
    char *where = pg_target_describe(&call->session->database);
    size_t count = 0;
    for (size_t i = 0; i < intent->count; i++) {
        defs[count] = intent->order.defs[intent->places[i]];
        states[count] = intent->order.states[intent->places[i]];
        count += !(verb_given(call, "no-backup") && str_is(defs[count]->name, "backup"));
    }
    bool ok = verb_find_mode(call, pg, intent->verb, mode, err) &&
              outlook_print(pg,
                            &(struct outlook){.plan = call->session->plan,
                                              .mode = *mode,
                                              .defs = defs,
                                              .states = states,
                                              .count = count,
                                              .where = where,
                                              .batch_ms = S_batch_ms(call)},
                            out, sql, err);
    free(where);
    return ok;
}

static bool S_tell(struct verb_call *call, const struct intent *intent, struct err *err)
{
    char sql[TOKEN_HASH_SIZE];
    enum run_mode mode;
    struct pg *pg;
    if (call->json)
        return true;
    if (!S_connect(call, &pg, err))
        return false;
    bool ok = S_look_ahead(call, pg, intent, call->out, sql, &mode, err);
    pg_free(pg);
    fflush(call->out);
    if (ok && call->token) {
        snprintf(call->token->sql, sizeof(call->token->sql), "%s", sql);
        snprintf(call->token->mode, sizeof(call->token->mode), "%s", run_mode_name(mode));
    }
    return ok;
}

/* The statements are made once more: they must be those that somebody has said yes to. */
static bool S_check_shown(struct verb_call *call, const struct intent *intent, struct err *err)
{
    char sql[TOKEN_HASH_SIZE];
    enum run_mode mode;
    struct pg *pg;
    FILE *nowhere;
    if (!call->token || !*call->token->sql)
        return true;
    if (!S_connect(call, &pg, err))
        return false;
    nowhere = fopen("/dev/null", "we");
    bool ok =
        nowhere ? S_look_ahead(call, pg, intent, nowhere, sql, &mode, err)
                : err_set(err, ERR_FAILED, "'/dev/null' could not be opened: %s", strerror(errno));
    if (nowhere)
        fclose(nowhere);
    pg_free(pg);
    return ok && (str_is(sql, call->token->sql) ||
                  run_token_refuse("the statements that would be sent have", err));
}

/* ---- the verbs ---- */

typedef bool mean_fn(struct verb_call *call, struct intent *intent, struct err *err);

static bool S_do(struct verb_call *call, mean_fn *mean, struct err *err)
{
    struct intent intent = {0};
    bool ok = mean(call, &intent, err);
    if (ok && verb_given(call, "dry-run"))
        ok = S_dry(call, intent.verb, intent.steps, intent.count, err);
    else if (ok)
        ok = S_check_shown(call, &intent, err) &&
             verb_launch(call, intent.verb, intent.steps, intent.count, err);
    S_release(&intent);
    return ok;
}

static bool S_say(struct verb_call *call, mean_fn *mean, struct err *err)
{
    struct intent intent = {0};
    bool ok = mean(call, &intent, err) && S_tell(call, &intent, err);
    S_release(&intent);
    return ok;
}

bool verb_migrate(struct verb_call *call, struct err *err)
{
    return S_do(call, S_mean_migrate, err);
}

bool verb_migrate_tell(struct verb_call *call, struct err *err)
{
    return S_say(call, S_mean_migrate, err);
}

bool verb_run_step(struct verb_call *call, struct err *err)
{
    return S_do(call, S_mean_step, err);
}

bool verb_run_step_tell(struct verb_call *call, struct err *err)
{
    return S_say(call, S_mean_step, err);
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
    return S_dry(call, "migrate", call->arg_count ? call->args : NULL, call->arg_count, err);
}
