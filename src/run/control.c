/* control: see control.h. */
#include "control.h"

#include "clock.h"
#include "runner_lock.h"
#include "sql.h"
#include "text.h"
#include "throttle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTROL_OPEN_MS = 10000, RATE_SPAN_MS = 4000, INSIST_MS = 30000, LOOK_MS = 100 };

struct answer {
    int64_t request;
    char *text;
};

/* ---- statements ---- */

static void S_opened(void *ctx, const struct err *err)
{
    struct run *run = ctx;
    run->control_opens = false;
    if (err)
        run->control_trouble = *err;
}

/* The pulse and whoever waits for an answer share one attempt: a second would end the first. */
static void S_begin_opening(struct run *run)
{
    run->control_opens = true;
    pg_connect(run->control, CONTROL_OPEN_MS, S_opened, run);
}

static bool S_make_ready(struct run *run, struct err *err)
{
    bool tried = false;
    while (!pg_is_ready(run->control)) {
        bool waits = pg_is_up(run->control) || run->control_opens;
        if (!waits && tried) {
            *err = run->control_trouble;
            return false;
        }
        if (!waits) {
            S_begin_opening(run);
            tried = true;
        }
        loop_turn(run->loop, LOOK_MS);
    }
    return true;
}

/* What somebody else has said may be no UTF-8, which the server would refuse with all the rest. */
bool control_run(struct run *run, const char *name, const char *const *values, int count,
                 struct pg_result **out, struct err *err)
{
    enum { VALUES_MOST = 16 };
    const char *sent[VALUES_MOST];
    char *cleaned[VALUES_MOST] = {NULL};
    if (count > VALUES_MOST)
        die("the statement '%s' was given %d values", name, count);
    for (int i = 0; i < count; i++) {
        if (values[i] && !text_is_utf8(values[i], strlen(values[i])))
            cleaned[i] = text_cleaned(values[i]);
        sent[i] = cleaned[i] ? cleaned[i] : values[i];
    }
    bool ok = S_make_ready(run, err) && pg_run(run->control, sql_get(name), sent, count, out, err);
    for (int i = 0; i < count; i++)
        free(cleaned[i]);
    return ok;
}

bool control_insist(struct run *run, const char *name, const char *const *values, int count,
                    struct err *err)
{
    int64_t until = clock_ms() + INSIST_MS;
    for (;;) {
        struct pg_result *result;
        struct err failure = {0};
        if (control_run(run, name, values, count, &result, &failure)) {
            bool written = pg_affected(result) > 0;
            pg_result_free(result);
            return written || run_fence_lost(run, err);
        }
        bool again = failure.kind == ERR_LOST || failure.kind == ERR_RETRY;
        if (!again || clock_ms() > until || run_server_is_gone(run)) {
            *err = failure;
            return false;
        }
        loop_rest(run->loop, PULSE_MS);
    }
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
    bool ok = true;
    json_object_foreach(object, name, value)
    {
        ok = throttle_set(run->throttle, name, json_string_value(value), &err) && ok;
    }
    char *words = throttle_words(run->throttle);
    snprintf(answer, sizeof(answer), "%s%s", ok ? "the limits are now: " : err.text,
             ok ? words : "");
    free(words);
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

static void S_drop_answer(struct run *run)
{
    free(run->answers[0].text);
    run->answer_count--;
    for (size_t i = 0; i < run->answer_count; i++)
        run->answers[i] = run->answers[i + 1];
}

/* One that did not arrive is sent again. */
static void S_answer_arrived(void *ctx, const struct pg_result *result, const struct err *err)
{
    (void)result;
    struct run *run = ctx;
    run->answering = false;
    if (!err || (err->kind != ERR_LOST && err->kind != ERR_RETRY))
        S_drop_answer(run);
}

static void S_send_answer(struct run *run)
{
    struct number_text id = number_text(run->answers[0].request), epoch = number_text(run->epoch);
    const char *values[] = {id.text, run->answers[0].text, epoch.text};
    run->answering = true;
    pg_query(run->control, sql_get("run_answer"), values, ARRAY_LEN(values), S_answer_arrived, run);
}

/* ---- the pulse ---- */

static void S_pulse(void *ctx);

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
    if (run->answer_count && run->pulse) { /* a person waits for it */
        loop_cancel(run->pulse);
        run->pulse = loop_after(run->loop, 0, S_pulse, run);
    }
}

static void S_measure_rate(struct run *run)
{
    int64_t now = clock_ms(), done = run->step ? run->step->done : -1;
    if (run->waits_for && run->rate >= 0 && done >= run->rate_done) {
        run->rate_done = done; /* a wait says nothing of how fast it will go on */
        run->rate_at = now;
    } else if (done < 0 || run->rate_done < 0 || done < run->rate_done) {
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
    const struct step *at = run->step;
    struct number_text id = number_text(run->id), epoch = number_text(run->epoch),
                       step = number_text(at ? at->id : 0), done = number_text(at ? at->done : -1),
                       total = number_text(at ? at->total : -1);
    char rate[32];
    snprintf(rate, sizeof(rate), "%.1f", run->rate);
    const char *values[] = {
        id.text,    epoch.text, run->plan->name, at ? step.text : NULL, done.text,
        total.text, rate,       run->waits_for};
    pg_query(run->control, sql_get("run_pulse"), values, ARRAY_LEN(values), S_hear, run);
}

static void S_pace_told(void *ctx, const struct pg_result *result, const struct err *err)
{
    (void)result;
    struct run *run = ctx;
    if (err)
        run->told_batch_ms = -1; /* it is told again */
}

static bool S_has_new_pace(const struct run *run)
{
    return run->throttle && (throttle_batch_ms(run->throttle) != run->told_batch_ms ||
                             throttle_sleep(run->throttle) != run->told_sleep);
}

static void S_tell_pace(struct run *run)
{
    run->told_batch_ms = throttle_batch_ms(run->throttle);
    run->told_sleep = throttle_sleep(run->throttle);
    struct number_text id = number_text(run->id), epoch = number_text(run->epoch),
                       batch = number_text(run->told_batch_ms),
                       sleep = number_text(run->told_sleep);
    const char *values[] = {id.text, batch.text, sleep.text, epoch.text};
    pg_query(run->control, sql_get("run_pace"), values, ARRAY_LEN(values), S_pace_told, run);
}

static void S_pulse(void *ctx)
{
    struct run *run = ctx;
    run->pulse = loop_after(run->loop, PULSE_MS, S_pulse, run);
    S_measure_rate(run);
    if (pg_is_ready(run->control)) {
        if (run->answer_count && !run->answering)
            S_send_answer(run);
        else if (S_has_new_pace(run))
            S_tell_pace(run);
        else
            S_beat(run);
    } else if (!pg_is_up(run->control) && !run->control_opens) {
        S_begin_opening(run);
    }
    runner_lock_keep(run);
    if (run->throttle)
        throttle_sample(run->throttle);
}

void control_start(struct run *run)
{
    run->rate = run->rate_done = run->told_batch_ms = -1;
    run->pulse = loop_after(run->loop, 0, S_pulse, run);
}

void control_stop(struct run *run)
{
    struct err trouble = {0};
    loop_cancel(run->pulse);
    run->pulse = NULL;
    bool ready = S_make_ready(run, &trouble); /* the last pulse may still bring requests */
    while (run->answer_count) {
        struct number_text id = number_text(run->answers[0].request),
                           epoch = number_text(run->epoch);
        const char *values[] = {id.text, run->answers[0].text, epoch.text};
        ready = ready && !run->fenced &&
                control_run(run, "run_answer", values, ARRAY_LEN(values), NULL, &trouble);
        S_drop_answer(run);
    }
    free(run->answers);
    run->answers = NULL;
    run->answer_cap = 0;
}
