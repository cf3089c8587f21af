/*
 * verb_run: the verbs that have something done: migrate, run, validate, rollback, and those that
 * speak to a worker at work.
 *
 * A worker is launched, then followed by what it writes into the journal. Leaving changes nothing
 * for it.
 */
#include "verbs.h"

#include "dry.h"
#include "follow.h"
#include "journal.h"
#include "plan_json.h"
#include "sql.h"
#include "undo.h"
#include "worker.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MS = 10000 };

/* ---- an order ---- */

/* Options of the verb that the run keeps: name on the command line, name in the journal. */
static const struct {
    const char *option, *kept;
    bool is_switch;
} S_kept_options[] = {
    {"no-backup", "no_backup", true},
    {"backup-dir", "backup_directory", false},
    {"report-dir", "report_directory", false},
    {"triggers", "triggers", true},
    {"lanes", "lanes", false},
    {"batch-ms", "batch_ms", false},
    {"hold", "hold", false},
    {"preserve-data", "preserve_data", true},
    {"busy", "busy", true},
};

static const char *S_option(const struct verb_call *call, const char *name)
{
    for (size_t i = 0; i < VERB_OPTIONS && call->verb->options[i].name; i++)
        if (str_is(call->verb->options[i].name, name))
            return call->option_values[i];
    return NULL;
}

/* A path that the worker will find, wherever it stands. */
static json_t *S_absolute(const char *path)
{
    char here[4096];
    if (*path == '/' || !getcwd(here, sizeof(here)))
        return json_string(path);
    char *whole = str_format("%s/%s", here, path);
    json_t *value = json_string(whole);
    free(whole);
    return value;
}

static json_t *S_options(const struct verb_call *call)
{
    json_t *options = json_object();
    for (size_t i = 0; i < ARRAY_LEN(S_kept_options); i++) {
        const char *value = S_option(call, S_kept_options[i].option);
        if (!value)
            continue;
        json_object_set_new(options, S_kept_options[i].kept,
                            S_kept_options[i].is_switch                  ? json_true()
                            : str_ends(S_kept_options[i].option, "-dir") ? S_absolute(value)
                                                                         : json_string(value));
    }
    return options;
}

static enum run_mode S_mode(const struct verb_call *call)
{
    return S_option(call, "window") ? MODE_WINDOW : MODE_ONLINE;
}

static bool S_check_numbers(const struct verb_call *call, struct err *err)
{
    static const char *const numbers[] = {"lanes", "batch-ms"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        const char *value = S_option(call, numbers[i]);
        int64_t n;
        if (value && (!str_to_int(value, &n) || n < 1 || n > 60000))
            return err_set(err, ERR_USAGE, "--%s wants a number from 1, not '%s'", numbers[i],
                           value);
    }
    return true;
}

/* ---- launching, and looking on ---- */

static bool S_follow(struct verb_call *call, int64_t run, struct err *err)
{
    struct pg *pg;
    if (!verb_connect(call, &pg, err))
        return false;
    bool ok = follow_run(call, pg, run, err);
    pg_free(pg);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:I}", "run", (json_int_t)run));
    return ok;
}

static bool S_launch(struct verb_call *call, const char *verb, const char *const *steps,
                     size_t count, struct err *err)
{
    int64_t run;
    json_t *options = S_options(call);
    struct run_order order = {
        .verb = verb,
        .mode = S_mode(call),
        .mode_given = S_option(call, "window") || S_option(call, "online"),
        .steps = steps,
        .step_count = count,
        .options = options,
        .takeover = S_option(call, "takeover") != NULL,
    };
    bool ok = worker_launch(call->session, &order, &run, err);
    json_decref(options);
    if (!ok)
        return false;
    if (!S_option(call, "detach"))
        return S_follow(call, run, err);
    if (call->json)
        verb_answer(call, json_pack("{s:I}", "run", (json_int_t)run));
    else
        fprintf(call->out, "run %lld is at work; 'tenantdeck attach' looks on\n", (long long)run);
    return true;
}

/* ---- the steps, and their order ---- */

struct order {
    struct arena *arena;
    const struct step_def **defs;
    const char **states; /* NULL: it never ran */
    size_t count;
};

/* Connects for a moment; asks for a password when it must, which the worker then has. */
static bool S_read_order(struct verb_call *call, struct order *out, struct err *err)
{
    struct journal_state journal;
    struct pg *pg;
    if (!verb_connect(call, &pg, err))
        return false;
    out->arena = arena_new();
    bool ok = journal_look(pg, &journal, err);
    if (ok && journal.exists && journal.version == JOURNAL_VERSION)
        ok = run_read_order(pg, call->session->plan, out->arena, &out->defs, &out->states,
                            &out->count, err);
    else if (ok) {
        out->count = kind_steps(call->session->plan, out->arena, &out->defs);
        out->states = arena_array(out->arena, out->count, sizeof(*out->states));
    }
    pg_free(pg);
    if (ok)
        return true;
    arena_free(out->arena);
    out->arena = NULL;
    return false;
}

static size_t S_find(const struct order *order, const char *name)
{
    size_t i = 0;
    while (i < order->count && !str_is(order->defs[i]->name, name))
        i++;
    return i;
}

static bool S_unknown_step(const struct verb_call *call, const char *name, struct err *err)
{
    err_set(err, ERR_USAGE, "plan '%s' has no step '%s'", call->session->plan->name, name);
    return err_hint(err, "'tenantdeck plan show' lists its steps");
}

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

static bool S_check_before(const struct order *order, size_t at, struct err *err)
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

/* Prints instead of doing; the connection is read-only whatever the verb does. */
static bool S_dry(struct verb_call *call, const char *const *steps, size_t count, struct err *err)
{
    struct pg_options options = {.purpose = "dry run", .read_only = true, .lock_timeout_ms = 2000};
    struct pg *pg;
    if (!session_connect(call->session, call->loop, &options, call->ask, call->ask_ctx, &pg, err))
        return false;
    bool ok = dry_print(pg, call->session->plan, S_mode(call), steps, count, call->out, err);
    pg_free(pg);
    return ok;
}

/* From the first step to `last`; release only when it is named. */
static size_t S_choose(const struct order *order, size_t last, const char **steps)
{
    size_t count = 0;
    for (size_t i = 0; i <= last && i < order->count; i++)
        if (last < order->count || !str_is(order->defs[i]->name, "release"))
            steps[count++] = order->defs[i]->name;
    return count;
}

bool verb_migrate(struct verb_call *call, struct err *err)
{
    struct order order = {0};
    const char *to = S_option(call, "to"), *hold = S_option(call, "hold");
    if (!S_check_numbers(call, err) || !S_read_order(call, &order, err))
        return false;
    size_t last = to ? S_find(&order, to) : order.count;
    bool ok = true;
    if (to && last == order.count)
        ok = S_unknown_step(call, to, err);
    else if (hold && S_find(&order, hold) == order.count)
        ok = S_unknown_step(call, hold, err);
    const char **steps = arena_array(order.arena, order.count, sizeof(*steps));
    size_t count = S_choose(&order, last, steps);
    if (ok)
        ok = S_option(call, "dry-run") ? S_dry(call, steps, count, err)
                                       : S_launch(call, "migrate", steps, count, err);
    arena_free(order.arena);
    return ok;
}

bool verb_run_step(struct verb_call *call, struct err *err)
{
    struct order order = {0};
    const char *steps[] = {call->args[0]};
    if (!S_check_numbers(call, err) || !S_read_order(call, &order, err))
        return false;
    size_t at = S_find(&order, steps[0]);
    char *verb = str_format("run %s", steps[0]);
    bool ok;
    if (at == order.count)
        ok = S_unknown_step(call, steps[0], err);
    else if (S_option(call, "dry-run"))
        ok = S_dry(call, steps, 1, err);
    else
        ok = S_check_before(&order, at, err) && S_launch(call, verb, steps, 1, err);
    free(verb);
    arena_free(order.arena);
    return ok;
}

bool verb_preflight(struct verb_call *call, struct err *err)
{
    static const char *const steps[] = {"preflight"};
    return S_launch(call, "preflight", steps, 1, err);
}

bool verb_validate(struct verb_call *call, struct err *err)
{
    static const char *const steps[] = {"validate"};
    return S_launch(call, "validate", steps, 1, err);
}

bool verb_plan_sql(struct verb_call *call, struct err *err)
{
    return S_dry(call, call->arg_count ? call->args : NULL, call->arg_count, err);
}

/* ---- taking back ---- */

/* Without a journal there is no run to speak of. */
static bool S_connect_to_journal(struct verb_call *call, struct pg **pg, struct err *err)
{
    struct journal_state journal;
    if (!verb_connect(call, pg, err))
        return false;
    if (!journal_look(*pg, &journal, err))
        return false;
    return (journal.exists && journal.version == JOURNAL_VERSION) ||
           err_set(err, ERR_REFUSED, "plan '%s' has never been run here",
                   call->session->plan->name);
}

static bool S_print_undo(struct verb_call *call, const struct undo_plan *undo)
{
    for (size_t i = 0; i < undo->statement_count; i++) {
        if (i == 0 || !str_is(undo->owners[i], undo->owners[i - 1]))
            fprintf(call->out, "\n-- ---- takes back step %s ----\n", undo->owners[i]);
        fprintf(call->out, "%s;\n", undo->statements[i]);
    }
    return true;
}

static void S_tell_loss(struct verb_call *call, int64_t rows, const char *tables)
{
    if (rows > 0)
        fprintf(call->out, "rows written since the migration, whose codes go with it: %lld (%s)\n",
                (long long)rows, tables);
    else
        fprintf(call->out, "%s\n",
                rows == 0 ? "no row was written since the migration"
                          : "whether rows were written since is not known");
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
    struct order order;
    struct undo_plan undo;
    struct pg *pg;
};

static bool S_begin_rollback(struct verb_call *call, struct rollback *r, struct err *err)
{
    const char *to = S_option(call, "to");
    r->arena = arena_new();
    if (!S_read_order(call, &r->order, err))
        return false;
    if (to && S_find(&r->order, to) == r->order.count)
        return S_unknown_step(call, to, err);
    if (!S_connect_to_journal(call, &r->pg, err) ||
        !undo_read(r->pg, call->session->plan, to, S_option(call, "preserve-data") != NULL,
                   r->arena, &r->undo, err))
        return false;
    return r->undo.step_count ||
           err_set(err, ERR_REFUSED,
                   "there is nothing to take back: the journal keeps no record of a "
                   "change by this plan");
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
    if (ok && S_option(call, "dry-run"))
        ok = S_print_undo(call, &r.undo);
    else if (ok)
        ok = S_launch(call, "rollback", r.undo.steps, r.undo.step_count, err);
    S_end_rollback(&r);
    return ok;
}

/* ---- speaking to a worker ---- */

static bool S_find_run(struct verb_call *call, struct pg *pg, int64_t *run, struct err *err)
{
    const char *values[] = {call->session->plan->name}, *given = S_option(call, "run");
    struct pg_result *found;
    if (given)
        return str_to_int(given, run) ||
               err_set(err, ERR_USAGE, "--run wants the number of a run, not '%s'", given);
    if (!pg_run(pg, sql_get("run_newest"), values, 1, &found, err))
        return false;
    bool there = pg_rows(found) > 0;
    *run = there ? pg_int(found, 0, 0) : 0;
    pg_result_free(found);
    return there || err_set(err, ERR_REFUSED, "plan '%s' has never been run here",
                            call->session->plan->name);
}

bool verb_attach(struct verb_call *call, struct err *err)
{
    struct pg *pg = NULL;
    int64_t run;
    bool ok = S_connect_to_journal(call, &pg, err) && S_find_run(call, pg, &run, err) &&
              follow_run(call, pg, run, err);
    pg_free(pg);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:I}", "run", (json_int_t)run));
    return ok;
}

static bool S_ask(struct pg *pg, int64_t run, const char *verb, const char *argument,
                  int64_t *request, struct err *err)
{
    char id[24], host[256] = "";
    const struct passwd *user = getpwuid(geteuid());
    gethostname(host, sizeof(host));
    char *who = str_format("%s@%s", user ? user->pw_name : "?", host);
    snprintf(id, sizeof(id), "%lld", (long long)run);
    const char *values[] = {id, verb, argument, who};
    struct pg_result *result;
    bool ok = pg_run(pg, sql_get("run_ask"), values, ARRAY_LEN(values), &result, err);
    if (ok) {
        *request = pg_int(result, 0, 0);
        pg_result_free(result);
    }
    free(who);
    return ok;
}

/* Nobody would hear it. */
static bool S_check_open(struct pg *pg, int64_t run, struct err *err)
{
    char id[24];
    snprintf(id, sizeof(id), "%lld", (long long)run);
    const char *values[] = {id};
    struct pg_result *view;
    if (!pg_run(pg, sql_get("run_view"), values, 1, &view, err))
        return false;
    bool there = pg_rows(view) > 0, over = !there || pg_bool(view, 0, pg_col(view, "over"));
    if (over)
        err_set(err, ERR_REFUSED, "run %s %s%s, so there is nobody to ask", id,
                there ? "is over: " : "does not exist",
                there ? pg_text(view, 0, pg_col(view, "state")) : "");
    pg_result_free(view);
    return !over ||
           err_hint(err, "'tenantdeck migrate' goes on with a run that did not come to its "
                         "end");
}

static bool S_await_answer(struct verb_call *call, struct pg *pg, int64_t request, char **answer,
                           struct err *err)
{
    char id[24];
    snprintf(id, sizeof(id), "%lld", (long long)request);
    const char *values[] = {id};
    *answer = NULL;
    for (int waited = 0; waited < ANSWER_MS && !*answer; waited += 200) {
        struct pg_result *result;
        loop_turn(call->loop, 200);
        if (!pg_run(pg, sql_get("run_answered"), values, 1, &result, err))
            return false;
        if (pg_bool(result, 0, 0))
            *answer = str_dup(pg_text(result, 0, 1));
        pg_result_free(result);
    }
    if (*answer)
        return true;
    err_set(err, ERR_LOST, "the worker did not answer within %d s", ANSWER_MS / 1000);
    return err_hint(err, "the request stays in the journal, and is obeyed when it comes back; "
                         "'tenantdeck status' tells its last sign of life");
}

/* What the request carries: the step of hold, the limits of throttle. */
static bool S_argument(const struct verb_call *call, json_t **out, struct err *err)
{
    *out = json_object();
    if (str_is(call->verb->name, "hold") && call->arg_count)
        json_object_set_new(*out, "step", json_string(call->args[0]));
    for (size_t i = 0; str_is(call->verb->name, "throttle") && i < call->arg_count; i++) {
        const char *equals = strchr(call->args[i], '=');
        if (!equals)
            return err_set(err, ERR_USAGE, "'%s' is no NAME=VALUE", call->args[i]);
        char *name = str_ndup(call->args[i], (size_t)(equals - call->args[i]));
        json_object_set_new(*out, name, json_string(equals + 1));
        free(name);
    }
    return true;
}

/* pause, resume, stop, abort, hold, throttle: the verb's own name is what is asked for. */
bool verb_ask_worker(struct verb_call *call, struct err *err)
{
    struct pg *pg = NULL;
    json_t *argument = NULL;
    char *answer = NULL, *text = NULL;
    int64_t run, request;
    bool ok = S_argument(call, &argument, err) && S_connect_to_journal(call, &pg, err) &&
              S_find_run(call, pg, &run, err);
    text = argument ? json_dumps(argument, JSON_COMPACT) : NULL;
    ok = ok && S_check_open(pg, run, err) &&
         S_ask(pg, run, call->verb->name, text, &request, err) &&
         S_await_answer(call, pg, request, &answer, err);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:I, s:s}", "run", (json_int_t)run, "answer", answer));
    else if (ok)
        fprintf(call->out, "run %lld: %s\n", (long long)run, answer);
    free(answer);
    free(text);
    json_decref(argument);
    pg_free(pg);
    return ok;
}
