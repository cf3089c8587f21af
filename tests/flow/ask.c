/*
 * ask: one connection to a Redis, for scripts: reads a command a line, words with blanks between,
 * and prints what is answered, or the error. It stays connected from the first line to the last, so
 * that a script can move what the program believes to know.
 *
 *     ask URL [CACERT]
 */
#include "redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 16, OPEN_MS = 10000 };

static void S_print(const struct redis_reply *reply)
{
    if (redis_type(reply) == REDIS_NIL)
        puts("(nil)");
    else if (redis_type(reply) == REDIS_INTEGER)
        printf("%lld\n", (long long)redis_int(reply));
    else if (redis_type(reply) == REDIS_ARRAY)
        printf("(%zu)\n", redis_length(reply));
    else
        puts(redis_text(reply));
}

static void S_ask(struct redis *redis, char *line)
{
    const char *argv[WORDS];
    int argc = 0;
    struct redis_reply *reply = NULL;
    struct err err = {0};
    for (char *word; argc < WORDS && (word = strsep(&line, " \n"));)
        if (*word)
            argv[argc++] = word;
    if (argc && redis_run(redis, argc, argv, &reply, &err))
        S_print(reply);
    else
        printf("error: %s\n", err.text);
    redis_reply_free(reply);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct redis_target target;
    struct err err = {0};
    if (argc < 2)
        return 2;
    struct loop *loop = loop_new();
    if (!redis_target_parse(argv[1], &target, &err))
        die("%s", err.text);
    if (!target.password && getenv("REDIS_PASSWORD"))
        target.password = str_dup(getenv("REDIS_PASSWORD"));
    struct redis *redis = redis_new(loop, &target);
    if (!redis_open(redis, OPEN_MS, &err))
        die("%s", err.text);
    printf("nodes: %zu, uncovered slots: %d\n", redis_nodes(redis), redis_uncovered(redis));
    fflush(stdout);
    for (char line[4096]; fgets(line, sizeof(line), stdin);)
        S_ask(redis, line);
    redis_free(redis);
    redis_target_release(&target);
    loop_free(loop);
    return 0;
}
