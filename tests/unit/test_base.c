/* test_base: strings, buffers, arenas, the clock's words, and errors as values. */
#include "base.h"
#include "clock.h"
#include "err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* ---- strings ---- */

static void S_test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } numbers[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"42", true, 42},
        {"-42", true, -42},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"- 1", false, 0},
        {"1e3", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
        {"\xd9\xa1", false, 0}, /* an Arabic one */
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int64_t value = 12345;
        if (str_to_int(numbers[i].text, &value) != numbers[i].good)
            fail_msg("'%s' is judged wrongly", numbers[i].text);
        assert_true(value == (numbers[i].good ? numbers[i].value : 12345));
    }
    int64_t value;
    assert_false(str_to_int(NULL, &value));
}

static void S_test_strings(void **state)
{
    (void)state;
    assert_true(str_is("a", "a"));
    assert_false(str_is("a", "ab"));
    assert_false(str_is(NULL, NULL));
    assert_false(str_is("a", NULL));
    assert_true(str_starts("tenant", "ten"));
    assert_true(str_starts("tenant", ""));
    assert_false(str_starts("te", "ten"));
    assert_false(str_starts(NULL, ""));
    assert_true(str_ends("a.plan", ".plan"));
    assert_false(str_ends("plan", ".plan"));
    assert_false(str_ends(NULL, "x"));
    assert_null(str_dup(NULL));
    char *copy = str_ndup("tenant", 3);
    assert_string_equal(copy, "ten");
    str_wipe(copy);
    str_wipe(NULL);
    copy = str_format("%s-%d", "a", 7);
    assert_string_equal(copy, "a-7");
    free(copy);
    copy = str_format("%s", "");
    assert_string_equal(copy, "");
    free(copy);
}

static void S_test_wipe(void **state)
{
    (void)state;
    char secret[] = "hunter2";
    mem_wipe(secret, sizeof(secret));
    for (size_t i = 0; i < sizeof(secret); i++)
        assert_int_equal(secret[i], 0);
    mem_wipe(NULL, 8);
}

/* ---- buffers ---- */

static void S_test_buffers(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_string_equal(buf_text(&b), "");
    buf_add(&b, "");
    assert_int_equal(b.len, 0);
    for (int i = 0; i < 1000; i++)
        buf_format(&b, "%03d", i);
    assert_int_equal(b.len, 3000);
    assert_int_equal(strlen(b.text), 3000);
    assert_string_equal(b.text + 2994, "998999");
    buf_add_mem(&b, "a\0b", 3);
    assert_int_equal(b.len, 3003);
    assert_int_equal(b.text[3003], '\0');
    size_t cap = b.cap;
    buf_clear(&b);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(b.cap, cap);
    buf_add_char(&b, 'x');
    char *taken = buf_take(&b);
    assert_string_equal(taken, "x");
    assert_null(b.text);
    free(taken);
    taken = buf_take(&b);
    assert_string_equal(taken, "");
    free(taken);
    buf_release(&b);
}

static void S_test_growing_array(void **state)
{
    (void)state;
    int *array = NULL;
    size_t count = 0, cap = 0;
    for (int i = 0; i < 1000; i++) {
        array = mem_room(array, count, &cap, sizeof(*array));
        array[count++] = i;
    }
    assert_true(cap >= count);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(array[i], i);
    free(array);
}

/* ---- arenas ---- */

static void S_test_arenas(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_int_equal(arena_size(a), 0);
    for (size_t size = 0; size < 300; size++) {
        char *p = arena_alloc(a, size);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 'x', size);
    }
    char *big = arena_alloc(a, 100000);
    memset(big, 'y', 100000);
    assert_true(arena_size(a) >= 100000 + 299 * 300 / 2);
    assert_null(arena_str(a, NULL));
    assert_string_equal(arena_str(a, "kept"), "kept");
    assert_string_equal(arena_strn(a, "kept", 2), "ke");
    assert_string_equal(arena_format(a, "%d%%", 50), "50%");
    int64_t *numbers = arena_array(a, 10, sizeof(*numbers));
    for (int i = 0; i < 10; i++)
        assert_int_equal(numbers[i], 0);
    arena_free(a);
    arena_free(NULL);
}

/* ---- the clock ---- */

static void S_test_spans(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } spans[] = {
        {-1, "0.0s"},       {INT64_MIN, "0.0s"}, {0, "0.0s"},          {49, "0.0s"},
        {400, "0.4s"},      {1234, "1.2s"},      {9949, "9.9s"},       {10000, "10s"},
        {59999, "59s"},     {60000, "1m00s"},    {190000, "3m10s"},    {3599999, "59m59s"},
        {3600000, "1h00m"}, {7500000, "2h05m"},  {86399999, "23h59m"}, {86400000, "1d"},
        {777600000, "9d"},
    };
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        char out[16];
        clock_format_span(spans[i].ms, out);
        assert_string_equal(out, spans[i].text);
    }
    char out[16];
    clock_format_span(INT64_MAX, out);
    assert_true(strlen(out) < sizeof(out));
}

static void S_test_clock(void **state)
{
    (void)state;
    char iso[21], time[9];
    assert_false(clock_is_frozen());
    int64_t before = clock_ms();
    assert_true(clock_ms() >= before);
    assert_true(clock_wall() > 1600000000000);
    clock_freeze(1769861071000);
    assert_true(clock_is_frozen());
    assert_true(clock_wall() == 1769861071000);
    assert_true(clock_ms() >= before);
    clock_format_iso(clock_wall(), iso);
    assert_string_equal(iso, "2026-01-31T12:04:31Z");
    clock_format_time(clock_wall(), time);
    assert_string_equal(time, "12:04:31");
    clock_freeze(-1);
    assert_false(clock_is_frozen());
}

/* ---- errors ---- */

static void S_test_errors(void **state)
{
    (void)state;
    struct err err = {.sqlstate = "42P01"};
    assert_false(err_set(&err, ERR_LOST, "'%s' does not answer", "db1"));
    assert_int_equal(err.kind, ERR_LOST);
    assert_string_equal(err.text, "'db1' does not answer");
    assert_string_equal(err.sqlstate, "");
    assert_false(err_hint(&err, "try %s", "again"));
    assert_false(err_context(&err, "step '%s'", "fill"));
    assert_string_equal(err.text, "step 'fill': 'db1' does not answer");
    assert_string_equal(err.hint, "try again");
    assert_int_equal(err.kind, ERR_LOST);
    assert_false(err_set(&err, ERR_FAILED, "new"));
    assert_string_equal(err.hint, "");
    err_clear(&err);
    assert_int_equal(err.kind, ERR_NONE);
    assert_string_equal(err.text, "");
}

static void S_test_long_errors(void **state)
{
    (void)state;
    struct err err = {0};
    char *text = mem_new(5001);
    memset(text, 'x', 5000);
    err_set(&err, ERR_FAILED, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    err_context(&err, "%s", "where");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_true(str_starts(err.text, "where: xxx"));
    err_hint(&err, "%s", text);
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
    free(text);
}

static void S_test_exit_codes(void **state)
{
    (void)state;
    static const struct {
        enum err_kind kind;
        const char *name;
        int code;
    } kinds[] = {
        {ERR_NONE, "none", 0},   {ERR_FAILED, "failed", 1}, {ERR_USAGE, "usage", 2},
        {ERR_RETRY, "retry", 1}, {ERR_LOST, "lost", 3},     {ERR_REFUSED, "refused", 4},
        {ERR_HELD, "held", 5},   {ERR_BUG, "bug", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        assert_string_equal(err_kind_name(kinds[i].kind), kinds[i].name);
        assert_int_equal(err_exit_code(kinds[i].kind), kinds[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S_test_numbers),       cmocka_unit_test(S_test_strings),
        cmocka_unit_test(S_test_wipe),          cmocka_unit_test(S_test_buffers),
        cmocka_unit_test(S_test_growing_array), cmocka_unit_test(S_test_arenas),
        cmocka_unit_test(S_test_spans),         cmocka_unit_test(S_test_clock),
        cmocka_unit_test(S_test_errors),        cmocka_unit_test(S_test_long_errors),
        cmocka_unit_test(S_test_exit_codes),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
