/*
 * probe: the parts of a run that look at the server, without a run around them, for scripts.
 *
 *     probe throttle CONNINFO PLAN RUN    prints the reason to wait whenever it changes, '-' for none;
 *                                         reads NAME=VALUE, a line each, and ends with its input
 *     probe pooler CONNINFO PLAN RUN      writes the finding into the journal, and prints the error
 *     probe disks CONNINFO PLAN RUN       the same
 *     probe fence CONNINFO PLAN RUN       begins and commits a transaction of a worker of epoch 1 as the
 *                                         words of its input say, and prints what came of each
 *
 * RUN is one of the journal, with a step. The pulse takes the control connection before it lets the
 * throttle look, as that of a worker does.
 */
#include "plan_json.h"
#include "preflight.h"
#include "sql.h"
#include "throttle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PULSE = 100, OPEN = 10000 };

static char S_shown[512] = "(nothing yet)";
static bool S_over;

static void S_show(const struct run *run)
{
    const char *reason = throttle_reason(run->throttle);
    if (str_is(S_shown, reason ? reason : "-"))
        return;
    snprintf(S_shown, sizeof(S_shown), "%s", reason ? reason : "-");
    puts(S_shown);
    fflush(stdout);
}

static void S_pulse(void *ctx)
{
    struct run *run = ctx;
    run->pulse = loop_after(run->loop, PULSE, S_pulse, run);
    if (pg_is_ready(run->control))
        pg_query(run->control, sql_get("preflight_session"), NULL, 0, NULL, NULL);
    throttle_sample(run->throttle);
    S_show(run);
}

static void S_set(struct run *run, char *line)
{
    struct err err = {0};
    char *equals = strchr(line, '=');
    if (!equals)
        return;
    *equals = '\0';
    if (!throttle_set(run->throttle, line, equals + 1, &err))
        printf("refused: %s\n", err.text);
    char *words = throttle_words(run->throttle);
    printf("now: %s\n", words);
    fflush(stdout);
    free(words);
    S_shown[0] = '\0'; /* and the reason is said anew */
}

static void S_hear(void *ctx, short revents)
{
    (void)revents;
    char line[256];
    ssize_t len = read(STDIN_FILENO, line, sizeof(line) - 1);
    S_over = len <= 0;
    line[len > 0 ? len : 0] = '\0';
    for (char *rest = line, *one; (one = strtok_r(rest, "\n", &rest));)
        S_set(ctx, one);
}

static void S_throttle(struct run *run)
{
    run->throttle = throttle_new(run);
    struct watch *input = loop_watch(run->loop, STDIN_FILENO, POLLIN, S_hear, run);
    S_pulse(run);
    while (!S_over)
        loop_turn(run->loop, -1);
    loop_cancel(run->pulse);
    loop_unwatch(input);
    throttle_free(run->throttle);
}

/* One word a line: begin, commit, holds (what is asked before each pipeline to Redis). */
static void S_fence(struct run *run)
{
    char line[64];
    while (fgets(line, sizeof(line), stdin)) {
        struct err err = {0};
        line[strcspn(line, "\n")] = '\0';
        bool ok = str_is(line, "begin")    ? run_begin(run, &err)
                  : str_is(line, "commit") ? run_commit(run, &err)
                                           : run_holds(run, &err);
        printf("%s: %s\n", line, ok ? "yes" : err.text);
        fflush(stdout);
    }
}

static struct pg *S_open(struct run *run, const char *purpose)
{
    struct pg_options options = {.purpose = purpose};
    struct err err = {0};
    struct pg *pg = pg_new(run->loop, &run->session->database, &options);
    if (!pg_open(pg, OPEN, &err))
        die("%s", err.text);
    return pg;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct plan *plan;
    if (argc != 5)
        die("usage: probe throttle|pooler|disks|fence CONNINFO PLAN RUN");
    if (!plan_read(argv[3], &plan, &err))
        die("%s", err.text);
    struct session session = {.has_database = true, .database.conninfo = argv[2], .plan = plan};
    struct step step = {.id = strtoll(argv[4], NULL, 10)};
    struct run run = {.loop = loop_new(),
                      .session = &session,
                      .plan = plan,
                      .document = plan_to_json(plan),
                      .id = step.id,
                      .epoch = 1, /* as the lease has it */
                      .step = &step};
    run.work = S_open(&run, "work");
    run.control = S_open(&run, "control");
    bool ok = true;
    if (str_is(argv[1], "throttle"))
        S_throttle(&run);
    else if (str_is(argv[1], "fence"))
        S_fence(&run);
    else
        ok = str_is(argv[1], "pooler") ? preflight_pooler(&run, &err) : preflight_disks(&run, &err);
    if (!ok)
        printf("%s: %s\n", err_kind_name(err.kind), err.text);
    pg_free(run.work);
    pg_free(run.control);
    free(run.document);
    plan_free(plan);
    loop_free(run.loop);
    return ok ? 0 : err_exit_code(err.kind);
}
