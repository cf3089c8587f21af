/* test_banner: line 1: its parts, their order and mood, in good times and in bad. */
#include "clock.h"
#include "moment.h"
#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct snapshot S_calm(void)
{
    return (struct snapshot){
        .at = NOW,
        .environment = "DEMO",
        .plan = "mentoring",
        .plan_title = "MentorEd",
        .database = {.state = SERVER_UP,
                     .where = "mentoring@localhost",
                     .version = "15.18",
                     .role = "postgres",
                     .answered_at = AGO(300)},
        .redis = {.state = SERVER_UP,
                  .where = "localhost:6379/0",
                  .version = "7.0.15",
                  .role = "",
                  .answered_at = AGO(200),
                  .clients = 4,
                  .memory = 1048576,
                  .keys = 41,
                  .memory_share = 12.5,
                  .hit_rate = UNKNOWN},
    };
}

static const char S_mood_letters[] = {
    [MOOD_PLAIN] = 'p', [MOOD_DIM] = 'd', [MOOD_GOOD] = 'g',
    [MOOD_WARN] = 'w',  [MOOD_BAD] = 'b', [MOOD_ACTIVE] = 'a',
};

/* Each part is checked with the letter of its mood in front: "g:PG 15.18 | ...". */
static void S_check_banner(const struct snapshot *snapshot, const char *expected)
{
    struct banner_part parts[BANNER_PARTS];
    size_t count = banner_parts(snapshot, parts);
    struct buf out = {0};
    for (size_t i = 0; i < count; i++)
        buf_format(&out, "%s%c:%s", i ? " | " : "", S_mood_letters[parts[i].mood], parts[i].text);
    assert_string_equal(buf_text(&out), expected);
    banner_release(parts, count);
    buf_release(&out);
}

static void test_calm(void **state)
{
    struct snapshot snapshot = S_calm();
    (void)state;
    S_check_banner(&snapshot, "a:DEMO | p:mentoring@localhost as postgres | g:PG 15.18 | "
                              "g:Redis 7.0.15 | p:0.3s | p:no run | d:read-only");
    snapshot.environment = "";
    snapshot.operator_mode = true;
    snapshot.redis = (struct server_view){.state = SERVER_NONE, .answered_at = UNKNOWN};
    S_check_banner(&snapshot, "p:mentoring@localhost as postgres | g:PG 15.18 | d:no Redis | "
                              "p:0.3s | p:no run | a:operator");
}

static void test_production_is_red_however_it_is_spelled(void **state)
{
    static const char *const names[] = {"PROD", "prod", "Production"};
    struct snapshot snapshot = S_calm();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct banner_part parts[BANNER_PARTS];
        snapshot.environment = names[i];
        size_t count = banner_parts(&snapshot, parts);
        assert_int_equal(parts[0].mood, MOOD_BAD);
        assert_string_equal(parts[0].text, names[i]);
        banner_release(parts, count);
    }
}

static void test_servers_in_trouble_say_why(void **state)
{
    struct snapshot snapshot = S_calm();
    (void)state;
    snapshot.database.state = SERVER_DOWN;
    snapshot.database.trouble = "connection to server at \"db\", port 5432 failed: Connection "
                                "refused\n\tIs the server running on that host?\n";
    snapshot.redis.state = SERVER_CONNECTING;
    S_check_banner(&snapshot, "a:DEMO | p:mentoring@localhost as postgres | "
                              "b:PostgreSQL down: Connection refused | w:Redis connecting | "
                              "p:no run | d:read-only");
    snapshot.database.trouble = NULL;
    snapshot.redis.state = SERVER_DOWN;
    snapshot.redis.trouble = "NOAUTH \x1b[2J";
    S_check_banner(&snapshot, "a:DEMO | p:mentoring@localhost as postgres | "
                              "b:PostgreSQL down: no reason known | b:Redis down: NOAUTH \\x1b[2J "
                              "| p:no run | d:read-only");
}

/* The reason, and not the way to it, has the room of the banner. */
static void test_trouble_of_redis_is_short(void **state)
{
    static const char *const troubles[][2] = {
        {"Redis at cache1:6379/0 could not be reached: Connection refused", "Connection refused"},
        {"Redis wants a password and was given none (it says: NOAUTH Authentication required.)",
         "Redis wants a password and was given none"},
        {"the certificate of Redis at cache1:6379 is not accepted: hostname mismatch",
         "certificate: hostname mismatch"},
    };
    struct snapshot snapshot = S_calm();
    (void)state;
    snapshot.redis.state = SERVER_DOWN;
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
        char wanted[300];
        snapshot.redis.trouble = troubles[i][0];
        snprintf(wanted, sizeof(wanted),
                 "a:DEMO | p:mentoring@localhost as postgres | g:PG 15.18 | b:Redis down: %s | "
                 "p:0.3s | p:no run | d:read-only",
                 troubles[i][1]);
        S_check_banner(&snapshot, wanted);
    }
    snapshot.redis.state = SERVER_UP;
    snapshot.redis.trouble = "1 of 3 primaries do not answer: node 10.0.0.1:7000: gone";
    S_check_banner(&snapshot, "a:DEMO | p:mentoring@localhost as postgres | g:PG 15.18 | "
                              "b:Redis: 1 of 3 primaries do not answer | p:0.3s | p:no run | "
                              "d:read-only");
}

static void test_alarms_of_redis(void **state)
{
    struct snapshot snapshot = S_calm();
    (void)state;
    snapshot.redis.alarms = "memory 84 %, 120 connections";
    S_check_banner(&snapshot, "a:DEMO | p:mentoring@localhost as postgres | g:PG 15.18 | "
                              "g:Redis 7.0.15 | b:memory 84 %, 120 connections | p:0.3s | "
                              "p:no run | d:read-only");
}

/* A plan of keys alone opens without a database, which is then no trouble; named, it is shown. */
static void test_redis_alone(void **state)
{
    struct snapshot snapshot = S_calm();
    (void)state;
    snapshot.keys_only = true;
    S_check_banner(&snapshot, "a:DEMO | p:mentoring@localhost as postgres | g:PG 15.18 | "
                              "g:Redis 7.0.15 | p:0.3s | p:no run | d:read-only");
    snapshot.database = (struct server_view){.state = SERVER_NONE, .answered_at = UNKNOWN};
    S_check_banner(&snapshot,
                   "a:DEMO | p:localhost:6379/0 | g:Redis 7.0.15 | p:0.2s | d:read-only");
}

static void S_check_age(const struct snapshot *snapshot, enum mood mood, const char *text)
{
    enum { AGE = 4 };
    struct banner_part parts[BANNER_PARTS];
    size_t count = banner_parts(snapshot, parts);
    assert_true(count > AGE);
    assert_string_equal(parts[AGE].text, text);
    assert_int_equal(parts[AGE].mood, mood);
    banner_release(parts, count);
}

static void test_age_of_the_last_answer(void **state)
{
    struct snapshot snapshot = S_calm();
    (void)state;
    snapshot.database.answered_at = AGO(5000);
    S_check_age(&snapshot, MOOD_PLAIN, "5.0s");
    snapshot.database.answered_at = AGO(5001);
    S_check_age(&snapshot, MOOD_WARN, "5.0s");
    snapshot.database.answered_at = AGO(15000);
    S_check_age(&snapshot, MOOD_WARN, "15s");
    snapshot.database.answered_at = AGO(23000);
    S_check_age(&snapshot, MOOD_BAD, "no answer for 23s");
    snapshot.database.answered_at = AGO(1000);
    snapshot.redis.answered_at = AGO(190000);
    S_check_age(&snapshot, MOOD_BAD, "Redis: no answer for 3m10s");
    snapshot.redis.answered_at = AGO(-5000);
    S_check_age(&snapshot, MOOD_PLAIN, "1.0s");
}

static struct snapshot S_with_run(struct step_view *steps, size_t count)
{
    struct snapshot snapshot = S_calm();
    snapshot.environment = "";
    snapshot.database.where = "";
    snapshot.steps = steps;
    snapshot.step_count = count;
    snapshot.run = (struct run_view){.present = true,
                                     .id = 12,
                                     .plan = "mentoring",
                                     .verb = "migrate",
                                     .mode = "online",
                                     .state = "running",
                                     .who = "anna@bastion1",
                                     .since = AGO(190000),
                                     .alive = true};
    return snapshot;
}

/* The part about the run, its mood in front, and what a narrow screen has of it. */
static void S_check_run(const struct snapshot *snapshot, const char *text, const char *brief)
{
    enum { RUN = 3 };
    struct banner_part parts[BANNER_PARTS];
    size_t count = banner_parts(snapshot, parts);
    assert_true(count > RUN);
    char *got = str_format("%c:%s", S_mood_letters[parts[RUN].mood], parts[RUN].text);
    assert_string_equal(got, text);
    assert_string_equal(parts[RUN].brief, brief);
    free(got);
    banner_release(parts, count);
}

static void test_run_at_work(void **state)
{
    struct step_view steps[] = {{.name = "columns", .state = STEP_DONE, .current = true},
                                {.name = "fill", .state = STEP_RUNS, .current = true}};
    struct snapshot snapshot = S_with_run(steps, ARRAY_LEN(steps));
    (void)state;
    S_check_run(&snapshot, "a:run 12 migrate online, fill running, anna@bastion1, 3m10s",
                "run 12 fill running");
    snapshot.run.alive = false;
    S_check_run(&snapshot,
                "b:run 12 migrate online, fill running, anna@bastion1, no heartbeat, 3m10s",
                "run 12 fill running, no heartbeat");
    snapshot.run.alive = true;
    snapshot.run.verb = "run fill";
    snapshot.run.mode = "window";
    S_check_run(&snapshot, "a:run 12 window, fill running, anna@bastion1, 3m10s",
                "run 12 fill running");
}

/* The journal knows one word for both; a person must know whether to do something. */
static void test_run_that_waits(void **state)
{
    struct step_view steps[] = {{.name = "columns", .state = STEP_DONE, .current = true},
                                {.name = "fill", .state = STEP_RUNS, .current = true}};
    struct snapshot snapshot = S_with_run(steps, ARRAY_LEN(steps));
    (void)state;
    snapshot.run.state = "paused";
    steps[1].waits = "paused, as asked";
    S_check_run(&snapshot, "w:run 12 migrate online, paused at fill, anna@bastion1, 3m10s",
                "run 12 paused at fill");
    steps[1].waits = "a replica lags 12 s behind";
    S_check_run(&snapshot, "w:run 12 migrate online, fill waits, anna@bastion1, 3m10s",
                "run 12 fill waits");
    snapshot.run.state = "held";
    steps[1].state = STEP_WAITS;
    steps[1].waits = "held before this step, until 'resume'";
    S_check_run(&snapshot, "w:run 12 migrate online, held before fill, anna@bastion1, 3m10s",
                "run 12 held before fill");
    snapshot.run.alive = false;
    steps[1].waits = NULL;
    S_check_run(&snapshot, "b:run 12 migrate online, held, anna@bastion1, no heartbeat, 3m10s",
                "run 12 held, no heartbeat");
}

static void test_run_that_is_over(void **state)
{
    struct step_view steps[] = {{.name = "columns", .state = STEP_DONE, .current = true},
                                {.name = "fill", .state = STEP_FAILED, .current = true}};
    struct snapshot snapshot = S_with_run(steps, ARRAY_LEN(steps));
    (void)state;
    snapshot.run.alive = false;
    snapshot.run.state = "failed";
    S_check_run(&snapshot,
                "b:run 12 migrate online, failed at fill, anna@bastion1, begun 3m10s ago",
                "run 12 failed at fill");
    snapshot.run.state = "stopped";
    steps[1].state = STEP_PAUSED;
    S_check_run(&snapshot,
                "w:run 12 migrate online, stopped at fill, anna@bastion1, begun 3m10s ago",
                "run 12 stopped at fill");
    steps[1].state = STEP_WAITS;
    S_check_run(&snapshot,
                "w:run 12 migrate online, stopped before fill, anna@bastion1, begun 3m10s ago",
                "run 12 stopped before fill");
    snapshot.run.state = "done";
    steps[1].state = STEP_DONE;
    S_check_run(&snapshot, "p:run 12 migrate online, done, anna@bastion1, begun 3m10s ago",
                "run 12 done");
    /* A step that an earlier run has failed at is not what this run is about. */
    steps[1].state = STEP_FAILED;
    steps[1].current = false;
    S_check_run(&snapshot, "p:run 12 migrate online, done, anna@bastion1, begun 3m10s ago",
                "run 12 done");
}

static void test_narrow_screens_have_fewer_words(void **state)
{
    struct banner_part parts[BANNER_PARTS];
    struct snapshot snapshot = S_calm();
    size_t count = banner_parts(&snapshot, parts);
    (void)state;
    assert_string_equal(parts[1].brief, "mentoring@localhost");
    assert_string_equal(parts[2].brief, "PG");
    assert_string_equal(parts[3].brief, "Redis");
    assert_null(parts[4].brief);
    banner_release(parts, count);
}

static void test_parts_are_clean(void **state)
{
    struct snapshot snapshot = S_calm();
    (void)state;
    snapshot.environment = "DE\x1b[31mMO";
    snapshot.database.where = "m\xff@h";
    S_check_banner(&snapshot, "a:DE\\x1b[31mMO | p:m\xef\xbf\xbd@h as postgres | g:PG 15.18 | "
                              "g:Redis 7.0.15 | p:0.3s | p:no run | d:read-only");
}

static void test_json(void **state)
{
    struct snapshot snapshot = S_calm();
    json_t *object = banner_json(&snapshot);
    char *text = json_dumps(object, JSON_COMPACT);
    (void)state;
    assert_string_equal(
        text,
        "{\"at\":\"2026-01-01T10:11:11Z\",\"environment\":\"DEMO\",\"mode\":\"read-only\","
        "\"plan\":\"mentoring\",\"plan_title\":\"MentorEd\",\"postgresql\":{\"state\":\"up\","
        "\"where\":\"mentoring@localhost\",\"role\":\"postgres\",\"version\":\"15.18\","
        "\"trouble\":null,\"answered_at\":\"2026-01-01T10:11:10Z\"},\"redis\":{\"state\":\"up\","
        "\"where\":\"localhost:6379/0\",\"role\":null,\"version\":\"7.0.15\",\"trouble\":null,"
        "\"answered_at\":\"2026-01-01T10:11:10Z\",\"clients\":4,\"memory\":1048576,\"keys\":41,"
        "\"memory_percent\":12.5,\"hit_rate\":null,\"alarms\":null},"
        "\"journal_version\":null,\"run\":null}");
    free(text);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calm),
        cmocka_unit_test(test_production_is_red_however_it_is_spelled),
        cmocka_unit_test(test_servers_in_trouble_say_why),
        cmocka_unit_test(test_trouble_of_redis_is_short),
        cmocka_unit_test(test_alarms_of_redis),
        cmocka_unit_test(test_redis_alone),
        cmocka_unit_test(test_age_of_the_last_answer),
        cmocka_unit_test(test_run_at_work),
        cmocka_unit_test(test_run_that_waits),
        cmocka_unit_test(test_run_that_is_over),
        cmocka_unit_test(test_narrow_screens_have_fewer_words),
        cmocka_unit_test(test_parts_are_clean),
        cmocka_unit_test(test_json),
    };
    clock_freeze(NOW);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
