/*
 * verb_steer: the verbs that speak to a worker at work, or look on: attach, pause, resume, stop,
 * abort, hold, throttle. A request goes by the journal, and so does its answer.
 */
#include "verbs.h"

#include "clock.h"
#include "follow.h"
#include "person.h"
#include "run_limits.h"
#include "sql.h"
#include "verb_launch.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 10000, LOOK_MS = 50 };

static bool S_find_run(struct verb_call *call, struct pg *pg, int64_t *run, struct err *err)
{
    const char *values[] = {call->session->plan->name}, *given = verb_given(call, "run");
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
    bool ok = verb_connect_journal(call, &pg, err) && S_find_run(call, pg, &run, err) &&
              follow_run(call, pg, run, false, err);
    pg_free(pg);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:I}", "run", (json_int_t)run));
    return ok;
}

static bool S_ask(struct pg *pg, int64_t run, const char *verb, const char *argument,
                  int64_t *request, struct err *err)
{
    struct number_text id = number_text(run);
    char *who = person_here();
    const char *values[] = {id.text, verb, argument, who};
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
    struct number_text id = number_text(run);
    const char *values[] = {id.text};
    struct pg_result *view;
    if (!pg_run(pg, sql_get("run_view"), values, 1, &view, err))
        return false;
    bool there = pg_rows(view) > 0, over = !there || pg_bool(view, 0, pg_col(view, "over"));
    if (over)
        err_set(err, ERR_REFUSED, "run %s %s%s, so there is nobody to ask", id.text,
                there ? "is over: " : "does not exist",
                there ? pg_text(view, 0, pg_col(view, "state")) : "");
    pg_result_free(view);
    return !over ||
           err_hint(err, "'tenantdeck migrate' goes on with a run that did not come to its "
                         "end");
}

/* One look; false as well when the run has come to its end without a word. */
static bool S_look_for_answer(struct pg *pg, int64_t request, char **answer, struct err *err)
{
    struct number_text id = number_text(request);
    const char *values[] = {id.text};
    struct pg_result *result;
    if (!pg_run(pg, sql_get("run_answered"), values, 1, &result, err))
        return false;
    bool over = pg_bool(result, 0, pg_col(result, "over"));
    if (pg_bool(result, 0, pg_col(result, "answered")))
        *answer = str_dup(pg_text(result, 0, pg_col(result, "answer")));
    else if (over)
        err_set(err, ERR_REFUSED, "the run is over: %s; nobody has heard this",
                pg_text(result, 0, pg_col(result, "state")));
    pg_result_free(result);
    return *answer || !over;
}

static bool S_await_answer(struct verb_call *call, struct pg *pg, int64_t request, char **answer,
                           struct err *err)
{
    int64_t until = clock_ms() + ANSWER_MS;
    while (!*answer && clock_ms() < until) {
        if (!S_look_for_answer(pg, request, answer, err))
            return false;
        if (!*answer)
            loop_turn(call->loop, LOOK_MS);
    }
    if (*answer)
        return true;
    err_set(err, ERR_LOST, "the worker did not answer within %d s", ANSWER_MS / 1000);
    return err_hint(err, "a worker that is only slow obeys it still; one that has died does not: "
                         "'tenantdeck status' "
                         "tells its last sign of life");
}

/*
 * "lag=10s". What the worker would not understand is not sent: its answer comes too late to refuse.
 */
static bool S_add_limit(const struct plan *plan, const char *text, json_t *out, struct err *err)
{
    struct limits scratch;
    const char *equals = strchr(text, '=');
    if (!equals)
        return err_set(err, ERR_USAGE, "'%s' is no NAME=VALUE", text);
    char *name = str_ndup(text, (size_t)(equals - text));
    limits_begin(&scratch, &plan->limits);
    bool ok = limits_set(&scratch, name, equals + 1, err);
    json_object_set_new(out, name, json_string(equals + 1));
    free(name);
    return ok;
}

static bool S_add_step(const struct verb_call *call, const char *name, json_t *out, struct err *err)
{
    struct arena *arena = arena_new();
    const struct step_def **defs;
    size_t count = kind_steps(call->session->plan, arena, &defs), i = 0;
    while (i < count && !str_is(defs[i]->name, name))
        i++;
    arena_free(arena);
    return i < count ? json_object_set_new(out, "step", json_string(name)) == 0
                     : verb_order_unknown(call, name, err);
}

/* What the request carries: the step of hold, the limits of throttle. */
static bool S_argument(const struct verb_call *call, json_t **out, struct err *err)
{
    *out = json_object();
    if (str_is(call->verb->name, "hold") && call->arg_count)
        return S_add_step(call, call->args[0], *out, err);
    for (size_t i = 0; str_is(call->verb->name, "throttle") && i < call->arg_count; i++)
        if (!S_add_limit(call->session->plan, call->args[i], *out, err))
            return false;
    return true;
}

static void S_print_answer(const struct verb_call *call, int64_t run, const char *answer)
{
    char *clean = text_cleaned(answer);
    fprintf(call->out, "run %lld: %s\n", (long long)run, clean);
    free(clean);
}

/* pause, resume, stop, abort, hold, throttle: the verb's own name is what is asked for. */
bool verb_ask_worker(struct verb_call *call, struct err *err)
{
    struct pg *pg = NULL;
    json_t *argument = NULL;
    char *answer = NULL, *text = NULL;
    int64_t run, request;
    bool ok = S_argument(call, &argument, err) && verb_connect_journal(call, &pg, err) &&
              S_find_run(call, pg, &run, err);
    text = argument ? json_dumps(argument, JSON_COMPACT) : NULL;
    ok = ok && S_check_open(pg, run, err) &&
         S_ask(pg, run, call->verb->name, text, &request, err) &&
         S_await_answer(call, pg, request, &answer, err);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:I, s:s}", "run", (json_int_t)run, "answer", answer));
    else if (ok)
        S_print_answer(call, run, answer);
    free(answer);
    free(text);
    json_decref(argument);
    pg_free(pg);
    return ok;
}
