/*
 * demo_load: puts the sample into a PostgreSQL and a Redis that are empty (demo.h). All that is
 * loaded stands in sql/demo_mentoring*.sql; the Redis keys are made from the rows by a query there.
 */
#include "demo.h"

#include "sql.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEYS_AT_ONCE = 500 }; /* in the pipeline to Redis */

static bool S_require_empty_database(struct pg *pg, struct err *err)
{
    struct pg_result *found;
    if (!pg_run(pg, sql_get("demo_target_tables"), NULL, 0, &found, err))
        return false;
    int64_t relations = pg_int(found, 0, pg_col(found, "relations"));
    if (relations) {
        err_set(err, ERR_REFUSED,
                "the database '%s' is not empty: it has %lld relations, '%s' for one; nothing was "
                "loaded",
                pg_database(pg), (long long)relations, pg_text(found, 0, pg_col(found, "example")));
        err_hint(err,
                 "the sample goes into a database of its own: CREATE DATABASE, then -d that one");
    }
    pg_result_free(found);
    return relations == 0;
}

static bool S_require_empty_redis(struct redis *redis, struct err *err)
{
    static const char *const size[] = {"DBSIZE"};
    int64_t keys = 0;
    for (size_t node = 0; node < redis_nodes(redis); node++) {
        struct redis_reply *reply;
        if (!redis_run_node(redis, node, ARRAY_LEN(size), size, &reply, err))
            return false;
        keys += redis_int(reply);
        redis_reply_free(reply);
    }
    if (keys == 0)
        return true;
    err_set(err, ERR_REFUSED,
            "the Redis database is not empty: it has %lld keys; nothing was loaded",
            (long long)keys);
    return err_hint(err, "name another database of that server, as in redis://host/1");
}

/* ---- rows ---- */

static bool S_run_filled(struct pg *pg, const char *name, const struct demo_options *options,
                         struct err *err)
{
    char scale[32];
    snprintf(scale, sizeof(scale), "%.6f", options->scale);
    const struct sql_variable variables[] = {{"scale", scale},
                                             {"dirty", options->dirty ? "true" : "false"}};
    char *text;
    if (!sql_fill(sql_get(name), variables, ARRAY_LEN(variables), &text, err))
        return false;
    bool ok = pg_run(pg, text, NULL, 0, NULL, err);
    free(text);
    return ok;
}

static bool S_load_rows(struct pg *pg, const struct demo_options *options, struct err *err)
{
    if (S_run_filled(pg, "demo_mentoring_schema", options, err) &&
        S_run_filled(pg, "demo_mentoring_data", options, err))
        return true;
    pg_close(pg); /* and with it the transaction that the schema's statement has begun */
    return err_context(err, "the sample could not be loaded, and nothing of it stays");
}

/* ---- keys ---- */

struct sending {
    bool failed;
    struct err err;
};

static void S_sent(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    (void)reply;
    struct sending *sending = ctx;
    if (err && !sending->failed) {
        sending->failed = true;
        sending->err = *err;
    }
}

static void S_send_key(struct redis *redis, const struct pg_result *keys, int row,
                       struct sending *sending)
{
    const char *argv[] = {"SET", pg_text(keys, row, 0), pg_text(keys, row, 1), "EX",
                          pg_text(keys, row, 2)};
    int argc = pg_null(keys, row, 2) ? 3 : 5;
    redis_send(redis, argc, argv, NULL, S_sent, sending);
}

/* The answer to a PING comes after those to all that was sent before it. */
static bool S_await_answers(struct redis *redis, const struct sending *sending, struct err *err)
{
    static const char *const ping[] = {"PING"};
    if (!redis_run(redis, ARRAY_LEN(ping), ping, NULL, err))
        return false;
    if (sending->failed)
        *err = sending->err;
    return !sending->failed;
}

static bool S_load_keys(struct pg *pg, struct redis *redis, struct err *err)
{
    struct sending sending = {0};
    struct pg_result *keys;
    if (!pg_run(pg, sql_get("demo_mentoring_keys"), NULL, 0, &keys, err))
        return false;
    bool ok = true;
    for (int row = 0; ok && row < pg_rows(keys); row++) {
        S_send_key(redis, keys, row, &sending);
        if ((row + 1) % KEYS_AT_ONCE == 0 || row + 1 == pg_rows(keys))
            ok = S_await_answers(redis, &sending, err);
    }
    pg_result_free(keys);
    return ok || err_context(err, "the tables are loaded, but not all Redis keys");
}

bool demo_load(struct pg *pg, struct redis *redis, const struct demo_options *options,
               struct err *err)
{
    return S_require_empty_database(pg, err) && (!redis || S_require_empty_redis(redis, err)) &&
           S_load_rows(pg, options, err) && (!redis || S_load_keys(pg, redis, err));
}
