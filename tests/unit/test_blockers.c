/*
 * test_blockers: the tree of who waits for whom, whatever the server says: forks, circles,
 * strangers.
 */
#include "blockers.h"
#include "moment.h"
#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * "1 3<1 4<3,1": who waits for whom; the tree as "1(2) .3(1) ..4", with how many are behind, ! in a
 * circle.
 */
static void S_check(const char *web, const char *tree)
{
    struct blocker_view rows[16] = {{0}};
    struct buf got = {0};
    char *copy = str_dup(web), *rest = copy, *word;
    size_t count = 0;
    while ((word = strsep(&rest, " "))) {
        char *waits = strchr(word, '<');
        if (waits)
            *waits++ = '\0';
        for (char *c = waits; c && *c; c++)
            *c = *c == ',' ? ' ' : *c;
        rows[count++] = (struct blocker_view){.id = word, .blocked_by = waits};
    }
    blockers_arrange(rows, count);
    for (size_t i = 0; i < count; i++) {
        buf_add(&got, i ? " " : "");
        for (int depth = 0; depth < rows[i].depth; depth++)
            buf_add_char(&got, '.');
        buf_add(&got, rows[i].id);
        if (rows[i].behind)
            buf_format(&got, "(%lld)", (long long)rows[i].behind);
        buf_add(&got, rows[i].circle ? "!" : "");
    }
    assert_string_equal(buf_text(&got), tree);
    buf_release(&got);
    free(copy);
}

static void test_who_is_in_the_way_stands_on_top(void **state)
{
    (void)state;
    S_check("2<1 1", "1(1) .2");
    S_check("2<1 3<2 1", "1(2) .2(1) ..3");
    S_check("2<1 3<1 1", "1(2) .2 .3");
    S_check("20<10 30<11 40<30 10 11", "11(2) .30(1) ..40 10(1) .20");
}

static void test_who_waits_for_several_stands_once_and_near_the_top(void **state)
{
    (void)state;
    S_check("2<1 3<2,1 1", "1(2) .2(1) .3");
    S_check("3<1,2 1 2", "1(1) .3 2(1)");
    S_check("7<prepared:755 prepared:755", "prepared:755(1) .7");
}

static void test_a_circle_is_cut_open_once(void **state)
{
    (void)state;
    S_check("1<2 2<1", "1(1)! .2(1)!");
    S_check("1<2 2<3 3<1 4<2", "1(3)! .3(3)! ..2(3)! ...4");
    S_check("1<2 2<1 5<6 6", "6(1) .5 1(1)! .2(1)!");
}

/* Between two looks of the server somebody may have gone. */
static void test_strangers_do_no_harm(void **state)
{
    (void)state;
    S_check("1<99", "1");
    S_check("1<99,1", "1!");
    blockers_arrange(NULL, 0);
}

static void test_the_table(void **state)
{
    struct snapshot snapshot = moment();
    struct buf out = {0};
    (void)state;
    table_print(&out, &table_defs[TABLE_BLOCKERS], &snapshot, NULL, 78, false);
    assert_string_equal(
        buf_text(&out),
        "Blockers: 2 wait for 2\n"
        "PID           WAITS BEHIND OF               STATE       STATEMENT\n"
        "4711                     2 public.sessions  idle in tr… UPDATE sessions\\n   S…\n"
        "└ 4720          12s      1 public.sessions  active      ALTER TABLE public.se…\n"
        "  └ 4800       0.5s        public.sessions  ?           ?\n"
        "prepared:755             1 row of public.s… prepared    PREPARE TRANSACTION '…\n");
    buf_release(&out);
}

static void S_check_detail(size_t row, const char *wanted)
{
    struct snapshot snapshot = moment();
    struct buf out = {0};
    table_defs[TABLE_BLOCKERS].detail(&snapshot, row, &out);
    if (!strstr(buf_text(&out), wanted))
        fail_msg("not in the detail: %s\n%s", wanted, buf_text(&out));
    buf_release(&out);
}

static void test_what_enter_says(void **state)
{
    (void)state;
    S_check_detail(0, "There is no\nstatement to cancel");
    S_check_detail(1, "This is a session of tenantdeck itself");
    S_check_detail(2, "it needs pg_read_all_stats");
    S_check_detail(3, "ROLLBACK PREPARED");
}

static void test_what_is_old_is_not_shown_as_new(void **state)
{
    struct snapshot snapshot = moment();
    struct buf out = {0};
    (void)state;
    snapshot.blockers_at = AGO(60000);
    table_defs[TABLE_BLOCKERS].summary(&snapshot, &out);
    assert_string_equal(buf_text(&out), "2 wait for 2, seen 1m00s ago");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_in_the_way_stands_on_top),
        cmocka_unit_test(test_who_waits_for_several_stands_once_and_near_the_top),
        cmocka_unit_test(test_a_circle_is_cut_open_once),
        cmocka_unit_test(test_strangers_do_no_harm),
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_what_enter_says),
        cmocka_unit_test(test_what_is_old_is_not_shown_as_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
