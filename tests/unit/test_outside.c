/* test_outside: what a command says is judged as a whole, and only some of it goes into the log. */
#include "outside_log.h"
#include "process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const char *const S_failure[] = {"ERROR:", "could not", NULL};

static void S_say(struct outside_log *log, const char *line)
{
    outside_log_hear(log, line, strlen(line), true);
}

/* All that is there for the journal, with '|' between; how many lines they are. */
static size_t S_drain(struct outside_log *log, struct buf *out)
{
    struct buf line = {0};
    size_t count = 0;
    for (; outside_log_next(log, &line); count++)
        buf_format(out, "%s|", buf_text(&line));
    buf_release(&line);
    return count;
}

static void S_expect_shown(const char *line, size_t len, const char *shown)
{
    struct outside_log *log = outside_log_new(S_failure);
    struct buf text = {0};
    outside_log_hear(log, line, len, true);
    assert_int_equal(S_drain(log, &text), 1);
    assert_string_equal(buf_text(&text), shown);
    buf_release(&text);
    outside_log_free(log);
}

#define EXPECT_SHOWN(line, shown) S_expect_shown(line, sizeof(line) - 1, shown "|")

static void test_lines_are_made_presentable(void **state)
{
    (void)state;
    EXPECT_SHOWN("== 2025-a.js: migrating", "== 2025-a.js: migrating");
    EXPECT_SHOWN("", "");
    EXPECT_SHOWN("\x1b[1;31mred\x1b[0m text\x1b[", "red text");
    EXPECT_SHOWN("10 %\r20 %\r100 %", "100 %");
    EXPECT_SHOWN("nul\0 bell\a bad\xff", "nul\\x00 bell\\x07 bad\xef\xbf\xbd");
    EXPECT_SHOWN("uses postgres://me:geheim@db/x", "uses postgres://me:********@db/x");
}

static void test_a_long_line_is_cut(void **state)
{
    (void)state;
    char line[PROCESS_LINE];
    struct outside_log *log = outside_log_new(S_failure);
    struct buf text = {0};
    memset(line, 'x', sizeof(line));
    for (int i = 0; i < 100; i++)
        outside_log_hear(log, line, sizeof(line), i == 99);
    S_say(log, "next");
    assert_int_equal(S_drain(log, &text), 2);
    assert_true(text.len < 1100);
    assert_non_null(strstr(buf_text(&text), "xxx…|next|"));
    assert_int_equal(outside_log_lines(log), 2);
    buf_release(&text);
    outside_log_free(log);
}

static void test_a_flood_is_counted_and_its_end_is_kept(void **state)
{
    (void)state;
    enum { FLOOD = 200000 };
    struct outside_log *log = outside_log_new(S_failure);
    struct buf text = {0};
    char line[32];
    for (int i = 0; i < FLOOD; i++) {
        snprintf(line, sizeof(line), "line %d", i);
        S_say(log, line);
    }
    size_t shown = S_drain(log, &text);
    assert_in_range(shown, 50, 100);
    outside_log_close(log);
    size_t last = S_drain(log, &text);
    assert_int_equal(last, 11);
    assert_true(str_starts(buf_text(&text), "line 0|line 1|"));
    assert_true(str_ends(buf_text(&text), "lines were left out here)|line 199990|line 199991|"
                                          "line 199992|line 199993|line 199994|line 199995|"
                                          "line 199996|line 199997|line 199998|line 199999|"));
    assert_int_equal(outside_log_lines(log), FLOOD);
    assert_int_equal(outside_log_left_out(log), FLOOD - (int)shown - 10);
    assert_string_equal(outside_log_last(log), "line 199999");
    buf_release(&text);
    outside_log_free(log);
}

static void test_a_few_lines_are_all_there_once(void **state)
{
    (void)state;
    struct outside_log *log = outside_log_new(S_failure);
    struct buf text = {0};
    assert_string_equal(outside_log_last(log), "");
    S_say(log, "one");
    S_say(log, "two");
    S_say(log, "  ");
    outside_log_close(log);
    assert_int_equal(S_drain(log, &text), 3);
    assert_string_equal(buf_text(&text), "one|two|  |");
    assert_string_equal(outside_log_last(log), "two");
    assert_int_equal(outside_log_left_out(log), 0);
    buf_release(&text);
    outside_log_free(log);
}

/* ---- judging ---- */

static void S_expect_failure(const struct outside_log *log, const char *line, const char *text)
{
    const char *found = NULL, *where = outside_log_failure(log, &found);
    assert_non_null(where);
    assert_string_equal(where, line);
    assert_string_equal(found, text);
}

static void test_the_first_failure_counts(void **state)
{
    (void)state;
    const char *found;
    struct outside_log *log = outside_log_new(S_failure);
    S_say(log, "all is well, and no error: none");
    assert_null(outside_log_failure(log, &found));
    S_say(log, "\x1b[31mERROR: null value in column tenant_code\x1b[0m");
    S_say(log, "it could not");
    S_expect_failure(log, "ERROR: null value in column tenant_code", "ERROR:");
    outside_log_free(log);
}

static void test_a_failure_in_what_is_left_out_counts(void **state)
{
    (void)state;
    struct outside_log *log = outside_log_new(S_failure);
    for (int i = 0; i < 5000; i++)
        S_say(log, i == 4000 ? "we could not" : "fine");
    S_expect_failure(log, "we could not", "could not");
    outside_log_free(log);
}

static void test_a_failure_across_two_pieces_counts(void **state)
{
    (void)state;
    struct outside_log *log = outside_log_new(S_failure);
    outside_log_hear(log, "xxxxERR", 7, false);
    outside_log_hear(log, "OR: here", 8, true);
    S_expect_failure(log, "OR: here", "ERROR:");
    outside_log_free(log);
    /* But not across two lines. */
    const char *found;
    log = outside_log_new(S_failure);
    outside_log_hear(log, "xxxxERR", 7, true);
    outside_log_hear(log, "OR: here", 8, true);
    assert_null(outside_log_failure(log, &found));
    outside_log_free(log);
}

static void test_without_texts_nothing_is_a_failure(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    const char *found;
    struct outside_log *log = outside_log_new(none);
    S_say(log, "ERROR: ERROR:");
    assert_null(outside_log_failure(log, &found));
    outside_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_made_presentable),
        cmocka_unit_test(test_a_long_line_is_cut),
        cmocka_unit_test(test_a_flood_is_counted_and_its_end_is_kept),
        cmocka_unit_test(test_a_few_lines_are_all_there_once),
        cmocka_unit_test(test_the_first_failure_counts),
        cmocka_unit_test(test_a_failure_in_what_is_left_out_counts),
        cmocka_unit_test(test_a_failure_across_two_pieces_counts),
        cmocka_unit_test(test_without_texts_nothing_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
