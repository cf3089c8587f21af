/* test_table: the text of a cell, the order of rows, the width of columns, printing and JSON. */
#include "clock.h"
#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const int64_t S_now = INT64_C(1767262271000); /* 2026-01-01 10:11:11 UTC */

/* ---- a table of its own, with a column of each sort of cell ---- */

enum { COLUMN_NAME, COLUMN_COUNT, COLUMN_PERCENT, COLUMN_SEEN, COLUMNS };

struct item {
    const char *name;
    int64_t rank, count;
    bool estimate;
    double percent;
    int64_t seen;
};

static const struct item *S_items;
static size_t S_item_count;

static size_t S_rows(const struct snapshot *snapshot)
{
    (void)snapshot;
    return S_item_count;
}

static void S_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct item *item = &S_items[row];
    (void)snapshot;
    switch (column) {
    case COLUMN_NAME:
        *out = (struct cell){.kind = CELL_TEXT, .text = item->name, .number = item->rank};
        break;
    case COLUMN_COUNT:
        *out = (struct cell){.kind = CELL_COUNT, .number = item->count, .estimate = item->estimate};
        break;
    case COLUMN_PERCENT:
        *out = (struct cell){.kind = CELL_PERCENT, .real = item->percent};
        break;
    case COLUMN_SEEN:
        *out = (struct cell){.kind = CELL_AGE, .number = item->seen};
        break;
    }
}

static const struct column S_columns[COLUMNS] = {
    [COLUMN_NAME] = {"name", "NAME", "its name", TEXT_LEFT, 10, 1, 1},
    [COLUMN_COUNT] = {"count", "COUNT", "how many", TEXT_RIGHT, 9, 0, 2},
    [COLUMN_PERCENT] = {"percent", "%", "how much", TEXT_RIGHT, 5, 0, 4},
    [COLUMN_SEEN] = {"seen", "SEEN", "how old", TEXT_RIGHT, 6, 0, 3},
};

static const struct table_def S_def = {
    .name = "items",
    .title = "Items",
    .empty = "There are no items; this sentence is longer than a narrow screen.",
    .estimate_note = "guessed",
    .columns = S_columns,
    .column_count = COLUMNS,
    .rows = S_rows,
    .cell = S_cell,
    .default_sort = -1,
};

static const struct snapshot S_snapshot = {.at = INT64_C(1767262271000)};

static void S_use(const struct item *items, size_t count)
{
    S_items = items;
    S_item_count = count;
}

/* ---- the text of a cell ---- */

static void S_check_cell(struct cell cell, int width, bool ascii, const char *expected)
{
    struct buf out = {0};
    cell_text(&out, &cell, width, ascii, S_now);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void test_unknown_is_never_zero(void **state)
{
    (void)state;
    S_check_cell((struct cell){.kind = CELL_UNKNOWN}, 9, false, "?");
    S_check_cell((struct cell){.kind = CELL_COUNT, .number = UNKNOWN}, 9, false, "?");
    S_check_cell((struct cell){.kind = CELL_BYTES, .number = UNKNOWN}, 9, false, "?");
    S_check_cell((struct cell){.kind = CELL_AGE, .number = UNKNOWN}, 9, false, "?");
    S_check_cell((struct cell){.kind = CELL_PERCENT, .real = UNKNOWN}, 9, false, "?");
    S_check_cell((struct cell){.kind = CELL_BAR, .real = UNKNOWN}, 9, false, "?");
    S_check_cell((struct cell){.kind = CELL_EMPTY}, 9, false, "");
    S_check_cell((struct cell){.kind = CELL_EMPTY, .text = "no column"}, 9, false, "no column");
    S_check_cell((struct cell){.kind = CELL_TEXT}, 9, false, "");
}

static void test_count_never_loses_digits(void **state)
{
    (void)state;
    struct cell cell = {.kind = CELL_COUNT, .number = 178412};
    S_check_cell(cell, 9, false, "178,412");
    cell.estimate = true;
    S_check_cell(cell, 9, false, "~178,412");
    cell.number = 1234567;
    S_check_cell(cell, 9, false, "~1,235k");
    S_check_cell(cell, 0, false, "~1,234,567");
    S_check_cell(cell, 10, false, "~1,234,567");
    cell.estimate = false;
    cell.number = INT64_C(1234567890123);
    S_check_cell(cell, 9, false, "1,235G");
    S_check_cell(cell, 0, false, "1,234,567,890,123");
}

static void test_units(void **state)
{
    (void)state;
    S_check_cell((struct cell){.kind = CELL_BYTES, .number = 512}, 9, false, "512 B");
    S_check_cell((struct cell){.kind = CELL_SECONDS, .number = 0}, 9, false, "0s");
    S_check_cell((struct cell){.kind = CELL_SECONDS, .number = 90}, 9, false, "1m30s");
    S_check_cell((struct cell){.kind = CELL_SECONDS, .number = 7200}, 9, false, "2h");
    S_check_cell((struct cell){.kind = CELL_SECONDS, .number = 86400}, 9, false, "24h");
    S_check_cell((struct cell){.kind = CELL_SECONDS, .number = 7 * 86400}, 9, false, "7d");
    S_check_cell((struct cell){.kind = CELL_AGE, .number = S_now - 190000}, 9, false, "3m10s");
    S_check_cell((struct cell){.kind = CELL_TIME, .number = S_now}, 9, false, "10:11:11");
}

static void test_percent_says_the_ends_only_when_reached(void **state)
{
    static const struct {
        double percent;
        const char *text;
    } cases[] = {{0, "0"},        {0.0001, "<0.1"},      {0.1, "0.1"}, {3, "3"},     {7.46, "7.4"},
                 {9.99, "9.9"},   {10.9, "10"},          {45, "45"},   {98.9, "98"}, {99.6, "99.6"},
                 {99.99, "99.9"}, {99.99999999, "99.9"}, {100, "100"}, {-0.5, "0"},  {120, "100"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        percent_text(&out, cases[i].percent);
        assert_string_equal(buf_text(&out), cases[i].text);
        buf_release(&out);
    }
}

static void test_bar(void **state)
{
    static const struct {
        double percent;
        int width;
        bool ascii;
        const char *text;
    } cases[] = {
        {0, 4, false, "····"},      {0.001, 4, false, "▏···"}, {25, 4, false, "█···"},
        {54, 4, false, "██▏·"},     {99.99, 4, false, "███▉"}, {100, 4, false, "████"},
        {0, 4, true, "...."},       {0.001, 4, true, "#..."},  {60, 4, true, "##.."},
        {99.99, 4, true, "###."},   {100, 4, true, "####"},    {50, 0, false, ""},
        {UNKNOWN, 4, true, "...."}, {50, 1, true, "."},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        bar_text(&out, cases[i].percent, cases[i].width, cases[i].ascii);
        assert_string_equal(buf_text(&out), cases[i].text);
        assert_int_equal(text_width(buf_text(&out)), cases[i].width);
        buf_release(&out);
    }
}

static void test_foreign_text_is_harmless(void **state)
{
    (void)state;
    struct cell cell = {.kind = CELL_TEXT, .text = "a\x1b[31m\nb\xff\xe2\x80\xae"};
    S_check_cell(cell, 9, false, "a\\x1b[31m\\nb\xef\xbf\xbd\\u202e");
    S_check_cell(cell, 9, true, "a\\x1b[31m\\nb?\\u202e");
    cell = (struct cell){.kind = CELL_TEXT, .mark = "✓", .text = "größe 日本"};
    S_check_cell(cell, 9, false, "✓ größe 日本");
    S_check_cell(cell, 9, true, "+ gr??e ??");
}

/* ---- the order of the rows ---- */

static void S_check_order(const struct arrange_by *by, const char *expected)
{
    struct arrangement arranged;
    struct buf order = {0};
    table_arrange(&S_def, &S_snapshot, by, &arranged);
    for (size_t i = 0; i < arranged.count; i++)
        buf_format(&order, "%zu", arranged.rows[i]);
    assert_string_equal(buf_text(&order), expected);
    assert_int_equal(arranged.count + arranged.hidden, S_item_count);
    arrangement_release(&arranged);
    buf_release(&order);
}

static void test_sorting(void **state)
{
    static const struct item items[] = {
        {"beta", 0, 20, false, 50, INT64_C(1767262270000)},
        {"Alpha", 0, UNKNOWN, false, UNKNOWN, UNKNOWN},
        {"alpha", 0, 3, false, 100, INT64_C(1767262260000)},
        {"GAMMA", 0, 20, true, 0.5, INT64_C(1767262271000)},
        {"zeta", -1, 100, false, 7, INT64_C(1767262271000)},
    };
    (void)state;
    S_use(items, ARRAY_LEN(items));
    S_check_order(NULL, "01234");
    S_check_order(&(struct arrange_by){.sort = -1, .descending = true}, "43210");
    S_check_order(&(struct arrange_by){.sort = COLUMN_COUNT}, "20341");
    S_check_order(&(struct arrange_by){.sort = COLUMN_COUNT, .descending = true}, "40321");
    S_check_order(&(struct arrange_by){.sort = COLUMN_PERCENT}, "34021");
    S_check_order(&(struct arrange_by){.sort = COLUMN_SEEN}, "34021");
    S_check_order(&(struct arrange_by){.sort = COLUMN_SEEN, .descending = true}, "20341");
    S_check_order(&(struct arrange_by){.sort = COLUMN_NAME}, "41203");
    S_check_order(&(struct arrange_by){.sort = COLUMN_NAME, .descending = true}, "30124");
    S_check_order(&(struct arrange_by){.sort = COLUMNS}, "01234");
}

static void test_filter_looks_at_what_is_shown(void **state)
{
    static const struct item items[] = {
        {"beta", 0, 1234567, false, 50, UNKNOWN},
        {"a\x1b", 0, 20, false, UNKNOWN, UNKNOWN},
        {"Größe", 0, 33, true, 100, UNKNOWN},
    };
    (void)state;
    S_use(items, ARRAY_LEN(items));
    S_check_order(&(struct arrange_by){.sort = -1, .filter = "BET"}, "0");
    S_check_order(&(struct arrange_by){.sort = -1, .filter = "234,"}, "0");
    S_check_order(&(struct arrange_by){.sort = -1, .filter = "\\x1B"}, "1");
    S_check_order(&(struct arrange_by){.sort = -1, .filter = "gröSSe"}, "");
    S_check_order(&(struct arrange_by){.sort = -1, .filter = "gRöß"}, "2");
    S_check_order(&(struct arrange_by){.sort = -1, .filter = "~"}, "2");
    S_check_order(&(struct arrange_by){.sort = -1, .filter = ""}, "012");
    S_check_order(&(struct arrange_by){.sort = COLUMN_COUNT, .descending = true, .filter = "3"},
                  "02");
}

/* ---- the width of the columns ---- */

static size_t S_count_passing(const char *text)
{
    const struct arrange_by by = {.sort = -1, .filter = text};
    struct arrangement shown;
    table_arrange(&S_def, &S_snapshot, &by, &shown);
    size_t count = shown.count;
    arrangement_release(&shown);
    return count;
}

static void test_filter_by_column(void **state)
{
    static const struct item items[] = {
        {.name = "alpha", .count = 0, .percent = 100, .seen = INT64_C(1767262271000)},
        {.name = "beta count>1", .count = 1500, .percent = 50, .seen = INT64_C(1767258671000)},
        {.name = "Gamma", .count = UNKNOWN, .percent = UNKNOWN, .seen = UNKNOWN},
    };
    static const struct {
        const char *filter;
        size_t rows;
    } cases[] = {
        {"name:a", 3},       {"name=gamma", 1},    {"NAME!=gamma", 2},  {"name:beta", 1},
        {"count>0", 1},      {"count>=1.5k", 1},   {"count>1,499", 1},  {"count<1501", 2},
        {"count=0", 1},      {"count!=0", 2},      {"count:?", 1},      {"%>=50", 2},
        {"percent=100%", 1}, {"seen>30m", 1},      {"seen<1h", 1},      {"seen>=1h", 1},
        {"a count>0", 1},    {"alpha count>0", 0}, {"count<9 %>50", 1}, {"name>b", 2},
        {"count>many", 0},   {"count>", 3},        {"count", 1},        {"\"count>1\"", 1},
        {"count>1", 1},      {"nothing>0", 0},     {"name:", 3},        {"\"\"", 3},
    };
    (void)state;
    S_use(items, ARRAY_LEN(items));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (S_count_passing(cases[i].filter) != cases[i].rows)
            fail_msg("'%s' lets %zu rows pass, not %zu", cases[i].filter,
                     S_count_passing(cases[i].filter), cases[i].rows);
}

static void S_check_layout(int total, int name, int count, int percent, int seen)
{
    int widths[COLUMNS];
    table_layout(&S_def, NULL, total, widths);
    assert_int_equal(widths[COLUMN_NAME], name);
    assert_int_equal(widths[COLUMN_COUNT], count);
    assert_int_equal(widths[COLUMN_PERCENT], percent);
    assert_int_equal(widths[COLUMN_SEEN], seen);
}

static void test_layout_drops_the_least_important(void **state)
{
    (void)state;
    S_check_layout(33, 10, 9, 5, 6);
    S_check_layout(40, 17, 9, 5, 6);
    S_check_layout(32, 15, 9, 0, 6);
    S_check_layout(26, 16, 9, 0, 0);
    S_check_layout(19, 19, 0, 0, 0);
    S_check_layout(4, 4, 0, 0, 0);
    S_check_layout(0, 0, 0, 0, 0);
    S_check_layout(-3, 0, 0, 0, 0);
}

/* ---- printing ---- */

static void S_check_print(const struct arrange_by *by, int width, bool ascii, const char *expected)
{
    struct buf out = {0};
    table_print(&out, &S_def, &S_snapshot, by, width, ascii);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void test_print(void **state)
{
    static const struct item items[] = {
        {"beta", 0, 1234, false, 50, INT64_C(1767262270000)},
        {"a\x1b[31m\nlong", 0, UNKNOWN, false, UNKNOWN, UNKNOWN},
        {"日本語日本語", 0, 20, true, 99.99, INT64_C(1767262070000)},
    };
    (void)state;
    S_use(items, ARRAY_LEN(items));
    S_check_print(NULL, 33, false,
                  "Items\n"
                  "NAME           COUNT     %   SEEN\n"
                  "beta           1,234    50   1.0s\n"
                  "a\\x1b[31m…         ?     ?      ?\n"
                  "日本語日…        ~20  99.9  3m21s\n"
                  "~ guessed\n");
    S_check_print(NULL, 20, true,
                  "Items\n"
                  "NAME           COUNT\n"
                  "beta           1,234\n"
                  "a\\x1b[31m~         ?\n"
                  "??????           ~20\n"
                  "~ guessed\n");
    S_check_print(&(struct arrange_by){.sort = -1, .filter = "BETA"}, 48, false,
                  "Items\n"
                  "NAME                          COUNT     %   SEEN\n"
                  "beta                          1,234    50   1.0s\n"
                  "2 rows are not shown: they do not match 'BETA'\n");
    S_check_print(&(struct arrange_by){.sort = -1, .filter = "\x1b]"}, 60, false,
                  "Items\n"
                  "3 rows are not shown: they do not match '\\x1b]'\n");
}

static void test_print_without_rows(void **state)
{
    (void)state;
    S_use(NULL, 0);
    S_check_print(NULL, 30, false,
                  "Items\n"
                  "There are no items; this\n"
                  "sentence is longer than a\n"
                  "narrow screen.\n");
}

static void S_check_lines(const char *text, size_t width)
{
    assert_true(str_ends(text, "\n"));
    for (size_t len; *text; text += len + 1) {
        len = strcspn(text, "\n");
        char *line = str_ndup(text, len);
        assert_true(text_width(line) <= width);
        assert_false(str_ends(line, " "));
        free(line);
    }
}

static void test_print_fits_every_width(void **state)
{
    static const struct item items[] = {
        {"日本語 and more than fits", 0, INT64_C(123456789012345678), true, 50, 1},
        {"", 0, UNKNOWN, false, UNKNOWN, UNKNOWN},
    };
    (void)state;
    S_use(items, ARRAY_LEN(items));
    for (int width = 20; width < 200; width++) {
        struct buf out = {0};
        table_print(&out, &S_def, &S_snapshot, NULL, width, width % 2);
        S_check_lines(buf_text(&out), (size_t)width);
        buf_release(&out);
    }
}

static void test_print_without_a_width_cuts_nothing(void **state)
{
    static const struct item items[] = {
        {"日本語 and more than fits", 0, INT64_C(123456789012345678), true, 50, S_now - 1000},
        {"b", 0, 7, false, UNKNOWN, UNKNOWN},
    };
    struct buf out = {0};
    (void)state;
    S_use(items, ARRAY_LEN(items));
    table_print(&out, &S_def, &S_snapshot, NULL, 0, false);
    const char *row = strstr(buf_text(&out), "日本語 and more than fits");
    assert_non_null(row);
    assert_non_null(strstr(row, " ~123,456,789,012,345,678 "));
    assert_null(strstr(buf_text(&out), "…"));
    assert_non_null(strstr(buf_text(&out), "SEEN"));
    buf_release(&out);
}

/* ---- JSON ---- */

static void test_json(void **state)
{
    static const struct item items[] = {
        {"a\x1b\xff", 0, 1234, true, 12.5, INT64_C(1767262270000)},
        {NULL, 0, UNKNOWN, false, UNKNOWN, UNKNOWN},
    };
    (void)state;
    S_use(items, ARRAY_LEN(items));
    json_t *array = table_json(&S_def, &S_snapshot, NULL);
    char *text = json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(6));
    assert_string_equal(text, "[{\"name\":\"a\\u001B\xef\xbf\xbd\",\"count\":1234,"
                              "\"count_exact\":false,\"percent\":12.5,"
                              "\"seen\":\"2026-01-01T10:11:10Z\"},"
                              "{\"name\":null,\"count\":null,\"percent\":null,\"seen\":null}]");
    free(text);
    json_decref(array);
}

/* ---- many rows ---- */

enum { MANY = 10000 };

static void test_many_rows_keep_their_order(void **state)
{
    struct item *items = mem_array(MANY, sizeof(*items));
    struct arrangement arranged;
    struct buf out = {0};
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        items[i] = (struct item){.name = "tenant",
                                 .count = (int64_t)(i * 7919 % 100),
                                 .percent = UNKNOWN,
                                 .seen = UNKNOWN};
    S_use(items, MANY);
    const struct arrange_by by = {.sort = COLUMN_COUNT, .filter = "ten"};
    table_arrange(&S_def, &S_snapshot, &by, &arranged);
    assert_int_equal(arranged.count, MANY);
    for (size_t i = 1; i < MANY; i++) {
        size_t a = arranged.rows[i - 1], b = arranged.rows[i];
        assert_true(items[a].count < items[b].count || (items[a].count == items[b].count && a < b));
    }
    arrangement_release(&arranged);
    table_print(&out, &S_def, &S_snapshot, &by, 80, false);
    size_t lines = 0;
    for (const char *s = buf_text(&out); *s; s++)
        lines += *s == '\n';
    assert_int_equal(lines, MANY + 2);
    buf_release(&out);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_is_never_zero),
        cmocka_unit_test(test_count_never_loses_digits),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_percent_says_the_ends_only_when_reached),
        cmocka_unit_test(test_bar),
        cmocka_unit_test(test_foreign_text_is_harmless),
        cmocka_unit_test(test_sorting),
        cmocka_unit_test(test_filter_looks_at_what_is_shown),
        cmocka_unit_test(test_filter_by_column),
        cmocka_unit_test(test_layout_drops_the_least_important),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_print_without_rows),
        cmocka_unit_test(test_print_fits_every_width),
        cmocka_unit_test(test_print_without_a_width_cuts_nothing),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_many_rows_keep_their_order),
    };
    clock_freeze(S_now);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
