/* test_reader: a text that grows while it is read, on a terminal that nobody sees. */
#include "reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct box BODY = {0, 0, 10, 40};

static int S_open(void **state)
{
    struct err err = {0};
    const struct screen_options options = {.offscreen = true, .lines = 12, .cols = 40};
    struct reader *reader = mem_new(sizeof(*reader));
    *state = reader;
    reader_open(reader, "text");
    return screen_open(&options, &err) ? 0 : -1;
}

static int S_close(void **state)
{
    struct reader *reader = *state;
    reader_close(reader);
    free(reader);
    screen_close();
    return 0;
}

static void S_add_lines(struct reader *reader, const char *line, int count)
{
    while (count--)
        reader_add(reader, line, strlen(line));
}

/* Between two drawings the lines of the last one are of a text that may be elsewhere by then. */
static void test_what_came_since_the_last_drawing_is_searched(void **state)
{
    struct reader *reader = *state;
    bool wrapped;
    S_add_lines(reader, "old\n", 3);
    reader_draw(reader, BODY, FRAME_ALL);
    S_add_lines(reader, "more\n", 100000);
    S_add_lines(reader, "new\n", 1);
    assert_true(reader_search(reader, "new", false, &wrapped));
    assert_int_equal(reader->top, reader->lines.count - reader->page);
    assert_true(reader_search(reader, "old", false, &wrapped));
    assert_true(wrapped);
    assert_int_equal(reader->top, 0);
}

/* Lines that are cut are made anew; the one on top stays. */
static void test_the_top_stays_when_lines_are_cut(void **state)
{
    struct reader *reader = *state;
    bool wrapped;
    S_add_lines(reader, "a line of which there are quite a few words that it cannot hold\n", 20);
    S_add_lines(reader, "needle\n", 1);
    S_add_lines(reader, "and more\n", 20);
    reader_draw(reader, BODY, FRAME_ALL);
    assert_true(reader_search(reader, "needle", false, &wrapped));
    assert_int_equal(reader->top, 40);
    reader_cut_lines(reader, true);
    reader_draw(reader, BODY, FRAME_ALL);
    assert_int_equal(reader->top, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_came_since_the_last_drawing_is_searched, S_open,
                                        S_close),
        cmocka_unit_test_setup_teardown(test_the_top_stays_when_lines_are_cut, S_open, S_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
