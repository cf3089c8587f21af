/*
 * watch: what the console knows of a Redis, for scripts: a line each time it changes.
 *
 *     watch URL PLAN       ends with its standard input
 *
 * "up keys=900 counted=900 whole" and then what is to be said against it: outdated, trouble, alarms
 * of the log that came since.
 */
#include "plan.h"
#include "sampler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool S_over;
static char *S_shown;
static int64_t S_last_event = -1;

static int64_t S_counted(const struct snapshot *snapshot)
{
    int64_t sum = 0;
    for (size_t i = 0; i < snapshot->keys_count; i++)
        sum = sum < 0 || snapshot->keys[i].keys < 0 ? -1 : sum + snapshot->keys[i].keys;
    return sum;
}

static void S_show(void *ctx, const struct snapshot *snapshot)
{
    (void)ctx;
    static const char *const states[] = {"none", "connecting", "up", "down"};
    char *line = str_format("%s keys=%lld counted=%lld%s%s%s%s", states[snapshot->redis.state],
                            (long long)snapshot->redis.keys, (long long)S_counted(snapshot),
                            snapshot->census.complete ? " whole" : "",
                            snapshot->census.outdated ? " outdated" : "",
                            snapshot->redis.trouble ? " trouble: " : "",
                            snapshot->redis.trouble ? snapshot->redis.trouble : "");
    if (!S_shown || !str_is(S_shown, line))
        puts(line);
    free(S_shown);
    S_shown = line;
    for (size_t i = 0; i < snapshot->event_count; i++)
        if (snapshot->events[i].at > S_last_event && snapshot->events[i].severity >= SEVERITY_WARN)
            printf("event: %s\n", snapshot->events[i].text);
    if (snapshot->event_count)
        S_last_event = snapshot->events[snapshot->event_count - 1].at;
    fflush(stdout);
}

static void S_hear(void *ctx, short revents)
{
    (void)ctx;
    (void)revents;
    char bytes[64];
    S_over = read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct session session = {.has_redis = true, .refresh_ms = 200};
    if (argc != 3)
        return 2;
    struct loop *loop = loop_new();
    if (!redis_target_parse(argv[1], &session.redis, &err) ||
        !plan_read(argv[2], &session.plan, &err))
        die("%s", err.text);
    session.environment = str_dup("");
    session.colour = str_dup("");
    struct watch *input = loop_watch(loop, STDIN_FILENO, POLLIN, S_hear, NULL);
    struct sampler *sampler = sampler_new(loop, &session, S_show, NULL);
    while (!S_over)
        loop_turn(loop, -1);
    sampler_free(sampler);
    loop_unwatch(input);
    free(S_shown);
    redis_target_release(&session.redis);
    plan_free(session.plan);
    free(session.environment);
    free(session.colour);
    loop_free(loop);
    return 0;
}
