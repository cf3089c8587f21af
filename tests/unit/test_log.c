/* test_log: the stretch of the log that is held, and how grave a line of somebody else's log is. */
#include "log_window.h"
#include "logline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* ---- the window ---- */

static struct note S_notes[LOG_MOST];

/* Events first … first + count - 1, as the journal answers them. */
static struct note *S_page(int64_t first, size_t count)
{
    assert_true(count <= LOG_MOST);
    for (size_t i = 0; i < count; i++)
        S_notes[i] = (struct note){.id = first + (int64_t)i, .text = str_dup("x")};
    return S_notes;
}

static void S_check(const struct log_window *window, int64_t first, int64_t last, bool back)
{
    assert_int_equal(log_window_first(window), first);
    assert_int_equal(log_window_last(window), last);
    assert_int_equal(window->back, back);
    for (size_t i = 1; i < window->count; i++)
        assert_int_equal(window->events[i].id, window->events[i - 1].id + 1);
}

static void test_the_newest_are_kept(void **state)
{
    struct log_window window = {0};
    (void)state;
    S_check(&window, 0, 0, false);
    log_window_append(&window, S_page(1, 500), 500);
    log_window_append(&window, S_page(501, 20), 20);
    S_check(&window, 21, 520, false);
    log_window_release(&window);
}

static void test_who_reads_old_ones_keeps_them(void **state)
{
    struct log_window window = {0};
    (void)state;
    log_window_append(&window, S_page(9001, 500), 500);
    for (int64_t first = 8501; first >= 7501; first -= 500) {
        window.wish = LOG_OLDER;
        log_window_prepend(&window, S_page(first, 500), 500);
    }
    S_check(&window, 7501, 9500, false);
    window.wish = LOG_OLDER;
    log_window_prepend(&window, S_page(7001, 500), 500);
    S_check(&window, 7001, 9000, true);
    assert_int_equal(window.count, LOG_MOST);
    log_window_release(&window);
}

/* New events while somebody reads the beginning: the end is let go, not what is read. */
static void test_a_full_window_lets_go_of_its_end(void **state)
{
    struct log_window window = {0};
    (void)state;
    log_window_append(&window, S_page(1001, 500), 500);
    window.wish = LOG_OLDER;
    log_window_prepend(&window, S_page(501, 500), 500);
    log_window_append(&window, S_page(1501, 900), 900);
    S_check(&window, 501, 2400, false);
    log_window_append(&window, S_page(2401, 200), 200);
    S_check(&window, 501, 2500, true);
    log_window_release(&window);
}

static void test_forward_again_to_the_end(void **state)
{
    struct log_window window = {0};
    (void)state;
    log_window_begin(&window, S_page(1, 500), 500);
    S_check(&window, 1, 500, true);
    assert_true(window.from_start);
    for (int64_t first = 501; first <= 2001; first += 500) {
        window.wish = LOG_NEWER;
        log_window_append(&window, S_page(first, 500), 500);
    }
    S_check(&window, 501, 2500, true);
    assert_false(window.from_start);
    window.wish = LOG_NEWER;
    log_window_append(&window, S_page(2501, 7), 7);
    S_check(&window, 508, 2507, false);
    log_window_release(&window);
}

static void test_to_narrow_begins_anew(void **state)
{
    struct log_window window = {0};
    (void)state;
    log_window_begin(&window, S_page(1, 500), 500);
    assert_false(log_window_is_narrow(&window));
    log_window_narrow(&window, SEVERITY_WARN, "fill", NULL);
    assert_true(log_window_is_narrow(&window));
    S_check(&window, 0, 0, false);
    log_window_narrow(&window, SEVERITY_DEBUG, NULL, NULL);
    assert_false(log_window_is_narrow(&window));
    log_window_release(&window);
}

/* ---- lines of others ---- */

static void test_severities(void **state)
{
    static const struct {
        const char *line;
        int severity; /* -1: it says nothing */
    } cases[] = {
        {"2026-01-01 10:00:00.1 UTC [4711] app@db LOG:  connection received", SEVERITY_INFO},
        {"2026-01-01 10:00:00.1 UTC [4711] ERROR:  relation \"x\" does not exist", SEVERITY_ERROR},
        {"2026-01-01 UTC [1] STATEMENT:  SELECT 1", -1},
        {"2026-01-01 UTC [1] FATAL:  terminating connection", SEVERITY_ERROR},
        {"2026-01-01 UTC [1] PANIC:  no room", SEVERITY_ERROR},
        {"2026-01-01 UTC [1] WARNING:  LOG is full", SEVERITY_WARN},
        {"2026-01-01 UTC [1] DEBUG2:  x", SEVERITY_DEBUG},
        {"[ERROR] it broke", SEVERITY_ERROR},
        {"time=x level=warn msg=y", SEVERITY_WARN},
        {"{\"level\":\"error\",\"msg\":\"x\"}", SEVERITY_ERROR},
        {"{\"error_severity\": \"NOTICE\"}", SEVERITY_INFO},
        {"{\"level\":", -1},
        {"the logo of a warning", -1},
        {"\tDETAIL of a catalog", -1},
        {"2026-01-01 10:00:00 "
         "UTC,\"a,\"\"b\",\"db\",1,\"[local]\",x,1,\"SELECT\",t,1/2,0,ERROR,42P01,\"m\"",
         SEVERITY_ERROR},
        {"", -1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum severity severity = SEVERITY_DEBUG;
        bool known = logline_severity(cases[i].line, strlen(cases[i].line), &severity);
        if ((known ? (int)severity : -1) != cases[i].severity)
            fail_msg("severity %d of: %s", known ? (int)severity : -1, cases[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_are_kept),
        cmocka_unit_test(test_who_reads_old_ones_keeps_them),
        cmocka_unit_test(test_a_full_window_lets_go_of_its_end),
        cmocka_unit_test(test_forward_again_to_the_end),
        cmocka_unit_test(test_to_narrow_begins_anew),
        cmocka_unit_test(test_severities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
