/*
 * verb_monitor: every command that Redis is sent, for a few seconds. MONITOR costs the server dear
 * and shows everybody's data, so it is asked for, bounded in time and lines, and masks what is
 * secret.
 */
#include "verbs.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

enum { SECONDS = 5, SECONDS_MOST = 60, LINES_MOST = 10000, LINE_MOST = 300, OPEN_MS = 5000 };

struct monitor {
    struct verb_call *call;
    int64_t lines;
};

static bool S_read_seconds(const struct verb_call *call, int64_t *out, struct err *err)
{
    *out = SECONDS;
    if (!call->arg_count || (str_to_int(call->args[0], out) && *out >= 1 && *out <= SECONDS_MOST))
        return true;
    return err_set(err, ERR_USAGE, "'log monitor' wants 1 to %d seconds, not '%s'", SECONDS_MOST,
                   call->args[0]);
}

bool verb_monitor_tell(struct verb_call *call, struct err *err)
{
    int64_t seconds;
    if (!S_read_seconds(call, &seconds, err))
        return false;
    fprintf(call->out,
            "MONITOR makes Redis send a copy of every command of every client.\n\n"
            "  time    %lld s at most, or %d lines\n"
            "  load    meanwhile the server may be half as fast\n"
            "  shown   keys and values of all tenants; passwords are masked\n",
            (long long)seconds, LINES_MOST);
    fflush(call->out);
    return true;
}

/* ---- a line: 1339518083.107412 [0 127.0.0.1:60866] "set" "key" "value" ---- */

static bool S_is_command(const char *quoted, const char *name)
{
    size_t length = strlen(name);
    return strncasecmp(quoted, name, length) == 0 && quoted[length] == '"';
}

/* Where what is secret begins; NULL: nothing is. Rather too much than too little. */
static const char *S_find_secret(const char *line)
{
    static const char *const commands[] = {"auth", "hello", "config", "acl", "migrate", "sentinel"};
    const char *word = strstr(line, "] \"");
    if (!word)
        return NULL;
    word += strlen("] \"");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (S_is_command(word, commands[i]))
            return word + strlen(commands[i]) + 1;
    return NULL;
}

static void S_print(struct monitor *monitor, const char *raw, size_t length)
{
    struct buf clean = {0};
    char *line = str_ndup(raw, length);
    const char *secret = S_find_secret(line);
    size_t shown = secret ? (size_t)(secret - line) : length;
    bool cut = shown > LINE_MOST;
    text_clean(&clean, line, cut ? LINE_MOST : shown);
    fprintf(monitor->call->out, "%s%s\n", buf_text(&clean),
            secret && *secret ? " (masked)"
            : cut             ? " ..."
                              : "");
    mem_wipe(line, length);
    free(line);
    buf_release(&clean);
}

static void S_on_command(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct monitor *monitor = ctx;
    if (err || monitor->lines >= LINES_MOST)
        return;
    monitor->lines++;
    S_print(monitor, redis_text(reply), redis_length(reply));
}

/* ---- listening ---- */

static bool S_listen(struct verb_call *call, struct redis *redis, int64_t seconds, struct err *err)
{
    struct monitor monitor = {.call = call};
    int64_t left = seconds * 1000, until = clock_ms() + left;
    if (!redis_monitor(redis, S_on_command, &monitor, err))
        return false;
    for (; left > 0 && monitor.lines < LINES_MOST && redis_is_up(redis) && !ferror(call->out);
         left = until - clock_ms()) {
        loop_turn(call->loop, (int)left);
        fflush(call->out);
    }
    if (!redis_is_up(redis) && monitor.lines < LINES_MOST)
        return err_set(err, ERR_LOST, "the connection to Redis was lost after %lld commands",
                       (long long)monitor.lines);
    fprintf(call->out, "%lld %s%s\n", (long long)monitor.lines,
            monitor.lines == 1 ? "command" : "commands",
            monitor.lines >= LINES_MOST ? "; that was the limit" : "");
    return true;
}

bool verb_monitor(struct verb_call *call, struct err *err)
{
    int64_t seconds;
    if (!S_read_seconds(call, &seconds, err))
        return false;
    if (call->session->redis.rest)
        return err_set(err, ERR_REFUSED, "a Redis behind HTTP has no MONITOR");
    struct redis *redis = redis_new(call->loop, &call->session->redis);
    bool ok = redis_open(redis, OPEN_MS, err) && S_listen(call, redis, seconds, err);
    redis_free(redis);
    return ok;
}
