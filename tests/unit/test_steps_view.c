/*
 * test_steps_view: what the table of steps says of a run at work and after it: rate, time left, why
 * it waits, what went wrong, and what can safely be done next.
 */
#include "moment.h"
#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS, FILL, KEYS, STEPS };

static struct step_view S_steps[STEPS];

static struct snapshot S_at_work(void)
{
    S_steps[COLUMNS] = (struct step_view){.name = "columns",
                                          .type = "once",
                                          .does = "adds the columns",
                                          .undo = "drops the columns",
                                          .state = STEP_DONE,
                                          .done = 53,
                                          .total = 53,
                                          .rate = UNKNOWN,
                                          .current = true,
                                          .started_at = AGO(20000),
                                          .ended_at = AGO(19000)};
    S_steps[FILL] = (struct step_view){.name = "fill",
                                       .type = "batch",
                                       .does = "fills the columns",
                                       .undo = "empties the columns",
                                       .state = STEP_RUNS,
                                       .done = 250,
                                       .total = 1000,
                                       .rate = 50,
                                       .current = true,
                                       .started_at = AGO(10000),
                                       .ended_at = UNKNOWN};
    S_steps[KEYS] = (struct step_view){.name = "keys",
                                       .type = "once",
                                       .does = "builds the keys",
                                       .state = STEP_WAITS,
                                       .done = UNKNOWN,
                                       .total = UNKNOWN,
                                       .rate = UNKNOWN,
                                       .current = true,
                                       .started_at = UNKNOWN,
                                       .ended_at = UNKNOWN};
    return (struct snapshot){
        .at = NOW,
        .steps = S_steps,
        .step_count = STEPS,
        .run = {.present = true,
                .id = 3,
                .verb = "migrate",
                .mode = "online",
                .state = "running",
                .alive = true,
                .since = AGO(30000)},
    };
}

static void S_check_summary(const struct snapshot *snapshot, const char *expected)
{
    struct buf out = {0};
    table_defs[TABLE_STEPS].summary(snapshot, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

/* A figure of a step as it is shown; "" when there is none. */
static void S_check_cell(const struct snapshot *snapshot, size_t row, const char *column,
                         const char *expected)
{
    const struct table_def *def = &table_defs[TABLE_STEPS];
    struct cell cell = {0};
    struct buf out = {0};
    size_t i = 0;
    while (strcmp(def->columns[i].name, column) != 0)
        i++;
    def->cell(snapshot, row, i, &cell);
    cell_text(&out, &cell, 0, true, NOW);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void S_check_detail_has(const struct snapshot *snapshot, size_t row, const char *wanted,
                               bool has)
{
    struct buf out = {0};
    table_defs[TABLE_STEPS].detail(snapshot, row, &out);
    if ((strstr(buf_text(&out), wanted) != NULL) != has)
        fail_msg("'%s' is %s in: %s", wanted, has ? "not" : "there", buf_text(&out));
    buf_release(&out);
}

static void S_check_focus(const struct snapshot *snapshot, bool there, size_t expected)
{
    size_t row = STEPS;
    assert_int_equal(table_defs[TABLE_STEPS].focus(snapshot, &row), there);
    if (there)
        assert_int_equal(row, expected);
}

static void test_rate_and_time_left(void **state)
{
    struct snapshot snapshot = S_at_work();
    (void)state;
    S_check_summary(&snapshot, "fill 25 %, 50 rows/s, ~15s left, mean 25, 1 of 3 done");
    S_check_cell(&snapshot, FILL, "rate", "50");
    S_check_cell(&snapshot, FILL, "mean", "25");
    S_check_cell(&snapshot, FILL, "left", "15s");
    S_check_focus(&snapshot, true, FILL);
    S_steps[FILL].rate = UNKNOWN; /* no pulse has measured it yet: the average is no promise */
    S_check_summary(&snapshot, "fill 25 %, mean 25, 1 of 3 done");
    S_check_cell(&snapshot, FILL, "rate", "25");
    S_check_cell(&snapshot, FILL, "left", "");
    S_steps[FILL].total = UNKNOWN;
    S_check_summary(&snapshot, "fill runs, 1 of 3 done");
}

static void test_steps_without_rows_have_no_rate(void **state)
{
    struct snapshot snapshot = S_at_work();
    (void)state;
    S_check_cell(&snapshot, COLUMNS, "rate", "");
    S_check_cell(&snapshot, COLUMNS, "left", "");
    S_check_cell(&snapshot, COLUMNS, "done", "53");
    S_check_detail_has(&snapshot, COLUMNS, "rows", false);
}

static void test_what_was_asked_of_it(void **state)
{
    struct asked_view asked[] = {
        {.verb = "pause", .who = "anna@bastion1", .at = AGO(4200), .heard = true},
        {.verb = "hold", .step = "keys", .who = "ben@bastion2", .at = AGO(70000), .heard = true}};
    struct snapshot snapshot = S_at_work();
    (void)state;
    snapshot.run.asked = asked;
    snapshot.run.asked_count = 2;
    S_check_summary(&snapshot,
                    "pause asked for by anna@bastion1 4s ago, comes at the next border, "
                    "fill 25 %, 50 rows/s, ~15s left, mean 25, holds before keys, 1 of 3 "
                    "done");
    S_check_detail_has(&snapshot, FILL,
                       "What was asked of the run:\n"
                       "  pause asked for by anna@bastion1 4s ago, comes at the next border\n"
                       "  hold before keys asked for by ben@bastion2 1m10s ago, waits there until "
                       "'resume'\n",
                       true);
    asked[0].heard = false;
    S_check_summary(&snapshot, "pause asked for by anna@bastion1 4s ago, not heard yet, fill 25 %, "
                               "50 rows/s, ~15s left, mean 25, holds before keys, 1 of 3 done");
}

static void test_what_is_left_for_later(void **state)
{
    struct snapshot snapshot = S_at_work();
    (void)state;
    snapshot.run.state = "done";
    S_steps[FILL].state = STEP_DONE;
    S_steps[KEYS].name = "release";
    S_check_summary(&snapshot, "2 of 3 done, left for later: release");
    S_check_detail_has(&snapshot, KEYS, "when no instance of\nthe old application writes", true);
    S_check_focus(&snapshot, true, KEYS);
    S_steps[FILL].state = STEP_UNDONE;
    S_check_summary(&snapshot, "1 of 3 done, 1 undone");
    S_check_detail_has(&snapshot, KEYS, "no instance", false);
}

static void test_why_it_waits(void **state)
{
    struct snapshot snapshot = S_at_work();
    (void)state;
    S_steps[FILL].waits = "a replica lags 12 s behind";
    S_check_summary(&snapshot, "fill waits: a replica lags 12 s behind, 25 %, ~15s left (frozen), "
                               "mean 25, 1 of 3 done");
    S_check_cell(&snapshot, FILL, "left", "15s"); /* it stands still, at the rate of before */
    S_check_detail_has(&snapshot, FILL, "left once it goes on", true);
    S_check_detail_has(&snapshot, FILL, "Why it waits:\n  a replica lags 12 s behind\n", true);
    S_check_detail_has(&snapshot, FILL, "goes on by itself", true);
    S_steps[FILL].waits = "paused, as asked";
    S_check_detail_has(&snapshot, FILL, "'resume' lets the run go on", true);
}

static void test_held_before_a_step(void **state)
{
    struct snapshot snapshot = S_at_work();
    (void)state;
    S_steps[FILL].state = STEP_DONE;
    S_steps[KEYS].waits = "held before this step, until 'resume'";
    S_check_summary(&snapshot, "keys waits: held before this step, until 'resume', 2 of 3 done");
    S_check_focus(&snapshot, true, KEYS);
    S_check_detail_has(&snapshot, KEYS, "'resume' lets the run go on", true);
}

static void test_failed_run_says_what_is_safe(void **state)
{
    struct snapshot snapshot = S_at_work();
    (void)state;
    snapshot.run.state = "failed";
    snapshot.run.alive = false;
    S_steps[FILL].state = STEP_FAILED;
    S_steps[FILL].trouble = "'feedbacks': deadlock detected";
    S_check_summary(&snapshot, "fill failed, 25 %, 1 of 3 done");
    S_check_focus(&snapshot, true, FILL);
    S_check_detail_has(&snapshot, FILL, "What went wrong:\n  'feedbacks': deadlock detected\n",
                       true);
    S_check_detail_has(&snapshot, FILL, "what is not is unchanged.", true);
    S_check_detail_has(&snapshot, FILL, "Mend the cause; then 'migrate' goes on from here.", true);
    S_check_detail_has(&snapshot, FILL, "'rollback' takes back", true);
    S_check_detail_has(&snapshot, COLUMNS, "goes on from here", false);
    snapshot.run.verb = "rollback";
    S_check_detail_has(&snapshot, FILL, "then 'rollback' goes on from here.", true);
    S_check_detail_has(&snapshot, FILL, "takes back what was done", false);
}

static void test_stopped_run(void **state)
{
    struct snapshot snapshot = S_at_work();
    (void)state;
    snapshot.run.state = "stopped";
    snapshot.run.alive = false;
    snapshot.run.trouble = "stopped, as asked";
    S_steps[FILL].state = STEP_PAUSED;
    S_check_summary(&snapshot, "fill stopped, 25 %, 1 of 3 done");
    S_check_detail_has(&snapshot, FILL, "Why it stopped:\n  stopped, as asked\n", true);
    S_check_detail_has(&snapshot, FILL, "\n'migrate' goes on from here.", true);
    S_steps[FILL].state = STEP_DONE; /* at the border between two steps */
    S_check_summary(&snapshot, "stopped before keys, 2 of 3 done");
    S_check_focus(&snapshot, true, KEYS);
    S_check_detail_has(&snapshot, KEYS, "Why it stopped:\n  stopped, as asked\n", true);
}

static void test_worker_that_is_silent(void **state)
{
    struct snapshot snapshot = S_at_work();
    (void)state;
    S_check_detail_has(&snapshot, FILL, "no sign of life", false);
    snapshot.run.alive = false;
    S_check_detail_has(&snapshot, FILL, "gives no sign of life", true);
    S_check_detail_has(&snapshot, FILL, "'migrate' goes on from here.", true);
}

static void test_over(void **state)
{
    struct snapshot snapshot = S_at_work();
    (void)state;
    snapshot.run.state = "done";
    snapshot.run.alive = false;
    S_steps[FILL].state = S_steps[KEYS].state = STEP_DONE;
    S_check_summary(&snapshot, "3 of 3 done");
    S_check_focus(&snapshot, false, 0);
    S_steps[FILL].state = S_steps[KEYS].state = S_steps[COLUMNS].state = STEP_UNDONE;
    S_check_summary(&snapshot, "0 of 3 done, 3 undone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_and_time_left),
        cmocka_unit_test(test_steps_without_rows_have_no_rate),
        cmocka_unit_test(test_what_was_asked_of_it),
        cmocka_unit_test(test_what_is_left_for_later),
        cmocka_unit_test(test_why_it_waits),
        cmocka_unit_test(test_held_before_a_step),
        cmocka_unit_test(test_failed_run_says_what_is_safe),
        cmocka_unit_test(test_stopped_run),
        cmocka_unit_test(test_worker_that_is_silent),
        cmocka_unit_test(test_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
