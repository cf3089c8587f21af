/* control: see control.h. */
#include "control.h"

#include "clock.h"
#include "sql.h"
#include "throttle.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONTROL_OPEN_MS = 10000, RATE_SPAN_MS = 4000 };

struct answer {
    int64_t request;
    char *text;
};

/* ---- statements ---- */

bool control_run(struct run *run, const char *name, const char *const *values, int count,
                 struct pg_result **out, struct err *err)
{
    while (pg_is_up(run->control) && !pg_is_ready(run->control)) /* the pulse is under way */
        loop_turn(run->loop, -1);
    if (!pg_is_up(run->control) && !pg_open(run->control, CONTROL_OPEN_MS, err))
        return false;
    return pg_run(run->control, sql_get(name), values, count, out, err);
}

/* ---- what people ask ---- */

static char *S_member(const char *argument, const char *name)
{
    json_t *object = json_loads(argument ? argument : "{}", 0, NULL);
    const char *value = json_string_value(json_object_get(object, name));
    char *copy = str_dup(value);
    json_decref(object);
    return copy;
}

static const char *S_hold(struct run *run, const char *argument)
{
    free(run->hold_before);
    run->hold_before = S_member(argument, "step");
    return run->hold_before ? "the run waits before that step, until 'resume'"
                            : "the run waits before no step any more";
}

static const char *S_resume(struct run *run)
{
    bool waited = run->paused || run->holding;
    run->paused = run->holding = false;
    return waited ? "the run goes on" : "the run was not paused";
}

static const char *S_abort(struct run *run)
{
    run->aborted = true;
    if (run->work)
        pg_cancel(run->work);
    return "what is under way is cancelled, and the run ends";
}

static const char *S_throttle(struct run *run, const char *argument)
{
    static char answer[sizeof(((struct err *)0)->text)];
    struct err err = {0};
    json_t *object = json_loads(argument ? argument : "{}", 0, NULL), *value;
    const char *name;
    snprintf(answer, sizeof(answer), "the limits are set");
    json_object_foreach(object, name, value)
    {
        if (!throttle_set(run->throttle, name, json_string_value(value), &err))
            snprintf(answer, sizeof(answer), "%s", err.text);
    }
    json_decref(object);
    return answer;
}

const char *control_obey(struct run *run, const char *verb, const char *argument)
{
    if (str_is(verb, "pause")) {
        run->paused = true;
        return "the run pauses at the border of what is under way";
    }
    if (str_is(verb, "stop")) {
        run->stop_wanted = true;
        return "the run stops at the border of what is under way, and can be resumed";
    }
    if (str_is(verb, "resume"))
        return S_resume(run);
    if (str_is(verb, "hold"))
        return S_hold(run, argument);
    if (str_is(verb, "abort"))
        return S_abort(run);
    return S_throttle(run, argument);
}

static void S_take_request(struct run *run, int64_t id, const char *verb, const char *argument)
{
    if (id <= run->last_request)
        return; /* its answer is on the way */
    run->last_request = id;
    run->answers =
        mem_room(run->answers, run->answer_count, &run->answer_cap, sizeof(*run->answers));
    run->answers[run->answer_count++] =
        (struct answer){.request = id, .text = str_dup(control_obey(run, verb, argument))};
}

static void S_send_answer(struct run *run)
{
    struct answer first = run->answers[0];
    char id[24];
    snprintf(id, sizeof(id), "%lld", (long long)first.request);
    const char *values[] = {id, first.text};
    pg_query(run->control, sql_get("run_answer"), values, 2, NULL, NULL);
    free(first.text);
    run->answer_count--;
    for (size_t i = 0; i < run->answer_count; i++)
        run->answers[i] = run->answers[i + 1];
}

/* ---- the pulse ---- */

static void S_hear(void *ctx, const struct pg_result *result, const struct err *err)
{
    struct run *run = ctx;
    if (err)
        return; /* the next pulse opens the connection again, or says why it cannot */
    if (pg_int(result, 0, 0) != run->epoch) {
        run->fenced = true;
        pg_cancel(run->work);
        return;
    }
    for (int i = 0; i < pg_rows(result); i++)
        if (!pg_null(result, i, 1))
            S_take_request(run, pg_int(result, i, 1), pg_text(result, i, 2), pg_text(result, i, 3));
}

static void S_measure_rate(struct run *run)
{
    int64_t now = clock_ms(), done = run->step ? run->step->done : -1;
    if (done < 0 || run->rate_done < 0 || done < run->rate_done) {
        run->rate = -1;
        run->rate_done = done;
        run->rate_at = now;
    } else if (now - run->rate_at >= RATE_SPAN_MS) {
        run->rate = (double)(done - run->rate_done) * 1000 / (double)(now - run->rate_at);
        run->rate_done = done;
        run->rate_at = now;
    }
}

static void S_beat(struct run *run)
{
    char id[24], epoch[24], step[24], done[24], total[24], rate[32];
    snprintf(id, sizeof(id), "%lld", (long long)run->id);
    snprintf(epoch, sizeof(epoch), "%lld", (long long)run->epoch);
    snprintf(step, sizeof(step), "%lld", run->step ? (long long)run->step->id : 0);
    snprintf(done, sizeof(done), "%lld", run->step ? (long long)run->step->done : -1);
    snprintf(total, sizeof(total), "%lld", run->step ? (long long)run->step->total : -1);
    snprintf(rate, sizeof(rate), "%.1f", run->rate);
    const char *values[] = {id,    epoch, run->plan->name, run->step ? step : NULL, done,
                            total, rate,  run->waits_for};
    pg_query(run->control, sql_get("run_pulse"), values, ARRAY_LEN(values), S_hear, run);
}

static void S_opened(void *ctx, const struct err *err)
{
    (void)err; /* the next pulse tries again */
    ((struct run *)ctx)->control_opens = false;
}

static void S_pulse(void *ctx)
{
    struct run *run = ctx;
    run->pulse = loop_after(run->loop, PULSE_MS, S_pulse, run);
    S_measure_rate(run);
    if (pg_is_ready(run->control)) {
        if (run->answer_count)
            S_send_answer(run);
        else
            S_beat(run);
    } else if (!pg_is_up(run->control) && !run->control_opens) {
        run->control_opens = true;
        pg_connect(run->control, CONTROL_OPEN_MS, S_opened, run);
    }
    if (run->throttle)
        throttle_sample(run->throttle);
}

void control_start(struct run *run)
{
    run->rate = run->rate_done = -1;
    run->pulse = loop_after(run->loop, 0, S_pulse, run);
}

void control_stop(struct run *run)
{
    struct err ignored = {0};
    loop_cancel(run->pulse);
    run->pulse = NULL;
    while (run->answer_count) {
        struct answer last = run->answers[--run->answer_count];
        char id[24];
        snprintf(id, sizeof(id), "%lld", (long long)last.request);
        const char *values[] = {id, last.text};
        control_run(run, "run_answer", values, 2, NULL, &ignored);
        free(last.text);
    }
    free(run->answers);
    run->answers = NULL;
}
