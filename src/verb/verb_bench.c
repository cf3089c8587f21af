/*
 * verb_bench: `cache bench`: how long this Redis takes for an answer, as the guide's table has it:
 * PING, GET, SET and MGET of ten keys. One command at a time, with a rest after each, on keys of
 * its own that expire within a minute.
 */
#include "clock.h"
#include "verb_session.h"
#include "verbs.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 10, VALUE_BYTES = 200, REST_MS = 1, ROUNDS = 200, ROUNDS_MOST = 100000 };

struct S_bench {
    struct verb_call *call;
    struct keyspace *keyspace;
    char *keys[KEYS];
    char value[VALUE_BYTES + 1];
    int64_t *us; /* how long each round took, sorted afterwards */
    size_t rounds;
};

/* One tag in all of them, so that a cluster has them on one node and can answer MGET. */
static void S_name_keys(struct S_bench *bench)
{
    unsigned char random[8];
    struct buf tag = {0};
    if (RAND_bytes(random, sizeof(random)) != 1)
        die("the system gives no random bytes, and the keys of a bench must be nobody else's");
    for (size_t i = 0; i < sizeof(random); i++)
        buf_format(&tag, "%02x", random[i]);
    for (int i = 0; i < KEYS; i++)
        bench->keys[i] = str_format("{td-bench-%s}:%d", buf_text(&tag), i);
    memset(bench->value, 'x', VALUE_BYTES);
    buf_release(&tag);
}

/* ---- what is measured ---- */

static bool S_ask(struct S_bench *bench, int argc, const char *const *argv, struct err *err)
{
    struct redis_reply *reply = NULL;
    bool ok = keyspace_ask(bench->keyspace, argc, argv, NULL, &reply, err);
    redis_reply_free(reply);
    return ok;
}

/* To the first node: in a cluster PING belongs to no key. */
static bool S_ping(struct S_bench *bench, size_t round, struct err *err)
{
    static const char *const argv[] = {"PING"};
    (void)round;
    return keyspace_send_node(bench->keyspace, 0, 1, argv, NULL, NULL, NULL, err) &&
           keyspace_settle(bench->keyspace, err);
}

static bool S_set(struct S_bench *bench, size_t round, struct err *err)
{
    const char *const argv[] = {"SET", bench->keys[round % KEYS], bench->value, "EX", "60"};
    return S_ask(bench, ARRAY_LEN(argv), argv, err);
}

static bool S_get(struct S_bench *bench, size_t round, struct err *err)
{
    const char *const argv[] = {"GET", bench->keys[round % KEYS]};
    return S_ask(bench, ARRAY_LEN(argv), argv, err);
}

static bool S_mget(struct S_bench *bench, size_t round, struct err *err)
{
    const char *argv[KEYS + 1] = {"MGET"};
    (void)round;
    memcpy(argv + 1, bench->keys, sizeof(bench->keys));
    return S_ask(bench, KEYS + 1, argv, err);
}

/* SET goes before what reads; the guide's figures are its own, of servers that nobody knows. */
static const struct {
    const char *name, *upstash, *elasticache;
    bool (*once)(struct S_bench *bench, size_t round, struct err *err);
} S_measures[] = {
    {"PING", "~1 ms", "~0.5 ms", S_ping},
    {"SET", "~3 ms", "~1 ms", S_set},
    {"GET", "~2 ms", "~1 ms", S_get},
    {"MGET (10 keys)", "~5 ms", "~2 ms", S_mget},
};

/* ---- figures ---- */

static int S_by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The smallest figure that so many percent of the rounds do not pass. */
static double S_percentile(const struct S_bench *bench, size_t percent)
{
    size_t at = (bench->rounds * percent + 99) / 100;
    return (double)bench->us[at ? at - 1 : 0] / 1000.0;
}

static void S_tell(struct S_bench *bench, size_t i, json_t *list)
{
    double p50 = S_percentile(bench, 50), p99 = S_percentile(bench, 99);
    double worst = (double)bench->us[bench->rounds - 1] / 1000.0;
    if (bench->call->json)
        json_array_append_new(list,
                              json_pack("{s:s, s:f, s:f, s:f}", "operation", S_measures[i].name,
                                        "p50_ms", p50, "p99_ms", p99, "worst_ms", worst));
    else
        fprintf(bench->call->out, "%-14s %8.3f ms %8.3f ms %8.3f ms   %8s %12s\n",
                S_measures[i].name, p50, p99, worst, S_measures[i].upstash,
                S_measures[i].elasticache);
}

static bool S_measure(struct S_bench *bench, size_t i, struct err *err)
{
    for (size_t round = 0; round < bench->rounds; round++) {
        int64_t since = clock_us();
        if (!S_measures[i].once(bench, round, err))
            return false;
        bench->us[round] = clock_us() - since;
        loop_turn(bench->call->loop, REST_MS);
    }
    qsort(bench->us, bench->rounds, sizeof(*bench->us), S_by_size);
    return true;
}

static bool S_tidy(struct S_bench *bench, struct err *err)
{
    int64_t left = 0;
    for (int i = 0; i < KEYS; i++) {
        const char *const gone[] = {"UNLINK", bench->keys[i]}, *const is[] = {"EXISTS",
                                                                              bench->keys[i]};
        if (!keyspace_send(bench->keyspace, 2, gone, NULL, NULL, NULL, err) ||
            !keyspace_send(bench->keyspace, 2, is, NULL, keyspace_count_yes, &left, err))
            return false;
    }
    return keyspace_settle(bench->keyspace, err) &&
           (!left || err_set(err, ERR_FAILED, "%lld keys are left; they expire within a minute",
                             (long long)left));
}

static bool S_bench_all(struct S_bench *bench, json_t *list, struct err *err)
{
    if (!bench->call->json)
        fprintf(bench->call->out, "%-14s %11s %11s %11s   %8s %12s\n", "OPERATION", "P50", "P99",
                "WORST", "UPSTASH*", "ELASTICACHE*");
    for (size_t i = 0; i < ARRAY_LEN(S_measures); i++) {
        if (!S_measure(bench, i, err))
            return false;
        S_tell(bench, i, list);
    }
    if (!bench->call->json)
        fprintf(bench->call->out, "* as the guide has it\n");
    return S_tidy(bench, err);
}

bool verb_cache_bench(struct verb_call *call, struct err *err)
{
    struct S_bench bench = {.call = call};
    const char *wanted = verb_option(call, "count");
    int64_t rounds = ROUNDS;
    if (wanted && (!str_to_int(wanted, &rounds) || rounds < 1 || rounds > ROUNDS_MOST))
        return err_set(err, ERR_USAGE, "'--count' wants a number from 1 to %d, not '%s'",
                       ROUNDS_MOST, wanted);
    bench.rounds = (size_t)rounds;
    bench.us = mem_array(bench.rounds, sizeof(*bench.us));
    json_t *list = json_array();
    S_name_keys(&bench);
    bool ok = session_open_keys(call, &bench.keyspace, err) && S_bench_all(&bench, list, err);
    if (ok && call->json)
        verb_answer(call,
                    json_pack("{s:I, s:O}", "rounds", (json_int_t)rounds, "operations", list));
    for (int i = 0; i < KEYS; i++)
        free(bench.keys[i]);
    free(bench.us);
    keyspace_free(bench.keyspace);
    json_decref(list);
    return ok;
}
