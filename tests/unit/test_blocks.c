/* What is left of a pass, when some ranges of it are done: nothing twice, and nothing forgotten. */
#include "blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TOTAL = 100 };

/* Walks to the end; counts how often each block is handed out. */
static void S_walk(struct blocks *blocks, int64_t most, int seen[TOTAL])
{
    struct blocks_range range;
    memset(seen, 0, TOTAL * sizeof(*seen));
    blocks_begin(blocks, TOTAL);
    while (blocks_next(blocks, most, &range)) {
        assert_true(range.from < range.to && range.to <= TOTAL);
        assert_true(range.to - range.from <= (most > 0 ? most : 1));
        for (int64_t i = range.from; i < range.to; i++)
            seen[i]++;
    }
}

static void test_a_fresh_pass_is_whole(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    int seen[TOTAL];
    S_walk(&blocks, 32, seen);
    for (int i = 0; i < TOTAL; i++)
        assert_int_equal(seen[i], 1);
    blocks_release(&blocks);
}

static void test_what_is_done_is_left_out(void **state)
{
    (void)state;
    static const struct blocks_range done[] = {{64, 96}, {0, 10}, {20, 25}, {22, 30}, {10, 10}};
    struct blocks blocks = {0};
    int seen[TOTAL];
    for (size_t i = 0; i < sizeof(done) / sizeof(*done); i++)
        blocks_add(&blocks, done[i].from, done[i].to);
    S_walk(&blocks, 7, seen);
    for (int i = 0; i < TOTAL; i++) {
        bool was_done = i < 10 || (i >= 20 && i < 30) || (i >= 64 && i < 96);
        assert_int_equal(seen[i], was_done ? 0 : 1);
    }
    blocks_release(&blocks);
}

static void test_all_done_and_nothing_there(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct blocks_range range;
    blocks_add(&blocks, 0, TOTAL + 50);
    blocks_begin(&blocks, TOTAL);
    assert_false(blocks_next(&blocks, 32, &range));
    blocks_release(&blocks);
    blocks_begin(&blocks, 0);
    assert_false(blocks_next(&blocks, 32, &range));
    blocks_begin(&blocks, 3);
    assert_true(blocks_next(&blocks, 0, &range)); /* a batch has one block at least */
    assert_int_equal(range.to - range.from, 1);
    blocks_release(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fresh_pass_is_whole),
        cmocka_unit_test(test_what_is_done_is_left_out),
        cmocka_unit_test(test_all_done_and_nothing_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
