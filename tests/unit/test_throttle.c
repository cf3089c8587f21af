/*
 * test_throttle: what makes a run wait, in which words, and how large its next batch is. No server:
 * the throttle itself is tried by tests/flow/throttle.sh.
 */
#include "lag.h"
#include "preflight.h"
#include "run_limits.h"
#include "throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct limits S_limits;
static struct figures S_figures;

/* A quiet server, of which all is known, and a plan that names no limit. */
static int S_setup(void **state)
{
    (void)state;
    struct plan_limits none = {0};
    limits_begin(&S_limits, &none);
    S_figures = (struct figures){.replicas = 1, .replica = "r1"};
    return 0;
}

static void S_expect_wait(const char *wanted)
{
    char reason[512] = "(it goes on)";
    bool waits = limits_judge(&S_limits, &S_figures, reason, sizeof(reason));
    assert_string_equal(waits ? reason : "(it goes on)", wanted);
}

#define GOES_ON "(it goes on)"

static void S_expect_set(const char *name, const char *value)
{
    struct err err = {0};
    if (!limits_set(&S_limits, name, value, &err))
        fail_msg("%s", err.text);
}

static void S_expect_refused(const char *name, const char *value, const char *text)
{
    struct err err = {0};
    struct limits before = S_limits;
    assert_false(limits_set(&S_limits, name, value, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(err.text, text);
    assert_string_not_equal(err.hint, "");
    assert_memory_equal(&before, &S_limits, sizeof(before));
}

/* ---- limits and figures ---- */

static void test_a_quiet_server_holds_nobody(void **state)
{
    (void)state;
    S_expect_wait(GOES_ON);
    S_figures = (struct figures){.active = 1000000};
    S_expect_wait(GOES_ON);
}

static void test_lag(void **state)
{
    (void)state;
    S_figures.lag_ms = 10000;
    S_expect_wait(GOES_ON);
    S_figures.lag_ms = 12400;
    S_expect_wait("replica lag 12.4 s (r1), limit 10 s");
    S_figures.replica[0] = '\0';
    S_expect_wait("replica lag 12.4 s, limit 10 s");
    S_figures.replicas = 0;
    S_expect_wait(GOES_ON);
}

static void test_lag_that_is_not_shown(void **state)
{
    (void)state;
    S_figures.lag_ms = FIGURE_UNKNOWN;
    S_expect_wait(GOES_ON);
    S_expect_set("lag", "3");
    S_expect_wait("replica lag is not shown to this role (GRANT pg_read_all_stats), limit 3 s");
    S_figures.replicas = 0;
    S_expect_wait(GOES_ON);
}

static void test_waiters(void **state)
{
    (void)state;
    S_figures.waiters = 1;
    S_figures.waiter_pid = 123;
    S_figures.waited_ms = 2140;
    S_expect_wait("a session waits for a lock of ours (pid 123, 2.1 s)");
    S_expect_set("waiters", "2");
    S_expect_wait(GOES_ON);
    S_figures.waiters = 3;
    S_expect_wait("3 sessions wait for locks of ours (pid 123 for 2.1 s), limit 2");
}

static void test_archive(void **state)
{
    (void)state;
    S_figures.archive = 51;
    S_expect_wait("51 WAL files wait for the archiver, limit 50");
    S_figures.archive = FIGURE_UNKNOWN;
    S_expect_wait(GOES_ON);
}

static void test_active(void **state)
{
    (void)state;
    S_figures.active = 31;
    S_expect_set("active", "30");
    S_expect_wait("31 sessions are active, limit 30");
    S_figures.active = FIGURE_UNKNOWN;
    S_expect_wait("active sessions are not shown to this role (GRANT pg_read_all_stats), limit 30");
}

static void test_query_file_and_hand(void **state)
{
    (void)state;
    struct plan_limits plan = {.query = "load.sql", .file = "/tmp/stop"};
    limits_begin(&S_limits, &plan);
    S_figures.query = "load.sql";
    S_figures.file = "/tmp/stop";
    S_expect_wait(GOES_ON);
    snprintf(S_figures.query_says, sizeof(S_figures.query_says),
             "answers 5, and neither true nor 0");
    S_expect_wait("the query 'load.sql' answers 5, and neither true nor 0");
    snprintf(S_figures.file_says, sizeof(S_figures.file_says), "is there");
    S_expect_wait("the file '/tmp/stop' is there");
    S_expect_set("hold", "on");
    S_expect_wait("held by hand, until 'throttle hold=off'");
    S_expect_set("hold", "off");
    S_expect_set("file", "off");
    S_expect_wait("the query 'load.sql' answers 5, and neither true nor 0");
    S_expect_set("query", "off");
    S_expect_wait(GOES_ON);
}

static void test_the_plan_names_limits(void **state)
{
    (void)state;
    struct plan_limits plan = {.lag_ms = 1500,
                               .waiters = 4,
                               .active = 20,
                               .archive = 7,
                               .patience_ms = 2000,
                               .batch_ms = 250,
                               .pages = 64,
                               .sleep = 150};
    limits_begin(&S_limits, &plan);
    char *words = limits_words(&S_limits);
    assert_string_equal(words, "lag 1500 ms, waiters 4, active 20, archive 7, "
                               "patience 2000 ms, query off, file off, hold off, batch 250 ms, "
                               "pages 64, sleep 1.5");
    free(words);
    S_figures.lag_ms = FIGURE_UNKNOWN;
    S_expect_wait("replica lag is not shown to this role (GRANT pg_read_all_stats), limit 1.5 s");
}

static void test_off_takes_a_limit_away(void **state)
{
    (void)state;
    S_figures = (struct figures){.replicas = 1, .lag_ms = 99000, .waiters = 9, .archive = 999};
    S_expect_set("waiters", "off");
    S_expect_set("lag", "off");
    S_expect_set("archive", "off");
    S_expect_set("patience", "off");
    S_expect_wait(GOES_ON);
    char *words = limits_words(&S_limits);
    assert_string_equal(words, "lag off, waiters off, active off, archive off, patience off, "
                               "query off, file off, hold off, batch 500 ms, pages 32, sleep 0");
    free(words);
}

static void test_how_long_it_sleeps(void **state)
{
    (void)state;
    S_expect_set("sleep", "1");
    assert_int_equal(S_limits.sleep, 100);
    S_expect_set("sleep", "+0.5");
    S_expect_set("sleep", "+0.25");
    assert_int_equal(S_limits.sleep, 175);
    S_expect_set("sleep", "-10");
    assert_int_equal(S_limits.sleep, 0);
    S_expect_set("sleep", "9.9");
    S_expect_set("sleep", "+0.5");
    assert_int_equal(S_limits.sleep, 1000);
    S_expect_refused("sleep", "10.01",
                     "'sleep' takes a number from 0 to 10, as 0.5 or 1, not '10.01'");
    S_expect_refused("sleep", "*2", "'sleep' takes a number from 0 to 10, as 0.5 or 1, not '*2'");
    S_expect_refused("sleep", "0.125",
                     "'sleep' takes a number from 0 to 10, as 0.5 or 1, not '0.125'");
    S_expect_set("sleep", "off");
    assert_int_equal(S_limits.sleep, 0);
    assert_int_equal(throttle_rest_ms(100, 250), 250);
    assert_int_equal(throttle_rest_ms(50, 1), 1);
    assert_int_equal(throttle_rest_ms(0, 250), 0);
}

static void test_spans(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"0", 0},        {"10", 10000},    {"10s", 10000},   {"500ms", 500},
                 {"500 ms", 500}, {"2min", 120000}, {"24h", 86400000}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        S_expect_set("lag", cases[i].text);
        assert_int_equal(S_limits.lag_ms.most, cases[i].ms);
        assert_true(S_limits.lag_ms.named);
    }
}

static void test_what_is_refused_changes_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "x", "-1", "1.5", "10 years", "25h", "ms", "1e3", " 10", "10m", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char *text = str_format("'lag' takes from 0 ms to 86400 s, or 'off', not '%s'", wrong[i]);
        S_expect_refused("lag", wrong[i], text);
        free(text);
    }
    S_expect_refused("waiters", "1s",
                     "'waiters' takes a number from 0 to 1000000, or 'off', not '1s'");
    S_expect_refused("pages", "0", "'pages' takes a number from 1 to 1000000, not '0'");
    S_expect_refused("pages", "off", "'pages' takes a number from 1 to 1000000, not 'off'");
    S_expect_refused("batch", "0", "'batch' takes from 1 ms to 60 s, not '0'");
    S_expect_refused("hold", "yes", "'hold' is 'on' or 'off', not 'yes'");
    S_expect_refused("hold", NULL, "'hold' is 'on' or 'off', not ''");
    S_expect_refused("query", "/etc/passwd", "'query' is 'on' or 'off', not '/etc/passwd'");
    S_expect_refused("speed", "1", "the throttle has no 'speed'");
}

/* ---- the lag as we measure it ---- */

static void test_lag_is_since_the_first_it_lacks(void **state)
{
    (void)state;
    struct lag lag = {0};
    assert_int_equal(lag_behind(&lag, 0, 0), 0);
    lag_note(&lag, 1000, 100);
    lag_note(&lag, 1500, 100); /* nothing was written: what it lacks is as old as before */
    lag_note(&lag, 2000, 200);
    assert_int_equal(lag_behind(&lag, 5000, 99), 4000);
    assert_int_equal(lag_behind(&lag, 5000, 100), 3000);
    assert_int_equal(lag_behind(&lag, 5000, 199), 3000);
    assert_int_equal(lag_behind(&lag, 5000, 200), 0);
    lag_note(&lag, 6000, 201);
    assert_int_equal(lag_behind(&lag, 6500, 200), 500);
}

/* Half a day without an answer: never less than it is, and the older the coarser. */
static void test_old_marks_are_kept_less_finely(void **state)
{
    (void)state;
    struct lag lag = {0};
    enum { SECONDS = 12 * 3600 };
    for (int i = 0; i < SECONDS; i++) {
        lag_note(&lag, 1000 * i, i + 1);
        assert_int_equal(lag_behind(&lag, 1000 * i, 0), 1000 * i);
    }
    for (int replayed = 0; replayed < SECONDS; replayed++) {
        int64_t truth = 1000LL * (SECONDS - replayed);
        int64_t measured = lag_behind(&lag, 1000LL * SECONDS, replayed);
        assert_true(measured >= truth);
        assert_true(measured <= truth + truth / 20);
    }
    assert_int_equal(lag_behind(&lag, 1000LL * SECONDS, SECONDS), 0);
}

/* ---- the next batch ---- */

static void test_next_pages(void **state)
{
    (void)state;
    static const struct {
        int pages, took, target, most, wanted;
    } cases[] = {
        {32, 500, 500, 1000, 32},  /* as it should be */
        {32, 250, 500, 1000, 48},  /* twice as fast: half as many again, not twice as many */
        {32, 450, 500, 1000, 35},  /* nearly */
        {32, 800, 500, 1000, 20},  /* too slow: what would meet it */
        {32, 1000, 500, 1000, 16}, /* twice as slow */
        {32, 9000, 500, 1000, 16}, /* far too slow: half, in case somebody was in the way once */
        {1, 9000, 500, 1000, 1},   /* never none */
        {1, 1, 500, 1000, 2},      /* and one can grow */
        {2, 1, 500, 1000, 3},
        {32, 0, 500, 1000, 48},    /* faster than can be measured */
        {900, 1, 500, 1000, 1000}, /* never more than the most */
        {64, 500, 500, 32, 32},    /* which may have been lowered meanwhile */
        {1000000, 1, 60000, 1000000, 1000000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(
            throttle_next_pages(cases[i].pages, cases[i].took, cases[i].target, cases[i].most),
            cases[i].wanted);
}

static void test_pages_find_their_target(void **state)
{
    (void)state;
    int pages = 1; /* a page takes 7 ms, so 71 of them are half a second */
    for (int i = 0; i < 20; i++)
        pages = throttle_next_pages(pages, 7 * pages, 500, 1000);
    assert_in_range(pages, 60, 71);
    for (int i = 0; i < 20; i++) /* then the disk is ten times as slow */
        pages = throttle_next_pages(pages, 70 * pages, 500, 1000);
    assert_in_range(pages, 6, 7);
}

/* ---- preflight's two judges ---- */

static void test_poolers(void **state)
{
    (void)state;
    struct pooler_signs direct = {
        .told = 10, .work_before = 10, .control = 11, .work_after = 10, .is_pinned = true};
    assert_int_equal(preflight_judge_pooler(&direct), POOLER_NONE);
    struct pooler_signs session = direct;
    session.told = 999;
    assert_int_equal(preflight_judge_pooler(&session), POOLER_KEEPS_APART);
    struct pooler_signs same = direct, changed = direct, lost = direct;
    same.control = 10;
    changed.work_after = 12;
    lost.is_pinned = false;
    assert_int_equal(preflight_judge_pooler(&same), POOLER_SHARES);
    assert_int_equal(preflight_judge_pooler(&changed), POOLER_SHARES);
    assert_int_equal(preflight_judge_pooler(&lost), POOLER_SHARES);
}

static void test_room(void **state)
{
    (void)state;
    assert_string_equal(preflight_judge_room(900, 900), "pass");
    assert_string_equal(preflight_judge_room(0, 0), "pass");
    assert_string_equal(preflight_judge_room(900, 899), "warn");
    assert_string_equal(preflight_judge_room(900, 300), "warn");
    assert_string_equal(preflight_judge_room(900, 299), "fail");
    assert_string_equal(preflight_judge_room(900, -1), "unknown");
    assert_string_equal(preflight_judge_room(-1, 900), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_quiet_server_holds_nobody, S_setup),
        cmocka_unit_test_setup(test_lag, S_setup),
        cmocka_unit_test_setup(test_lag_that_is_not_shown, S_setup),
        cmocka_unit_test_setup(test_waiters, S_setup),
        cmocka_unit_test_setup(test_archive, S_setup),
        cmocka_unit_test_setup(test_active, S_setup),
        cmocka_unit_test_setup(test_query_file_and_hand, S_setup),
        cmocka_unit_test_setup(test_the_plan_names_limits, S_setup),
        cmocka_unit_test_setup(test_off_takes_a_limit_away, S_setup),
        cmocka_unit_test_setup(test_how_long_it_sleeps, S_setup),
        cmocka_unit_test_setup(test_spans, S_setup),
        cmocka_unit_test_setup(test_what_is_refused_changes_nothing, S_setup),
        cmocka_unit_test(test_lag_is_since_the_first_it_lacks),
        cmocka_unit_test(test_old_marks_are_kept_less_finely),
        cmocka_unit_test(test_next_pages),
        cmocka_unit_test(test_pages_find_their_target),
        cmocka_unit_test(test_poolers),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
