/* The statements of sql/: found by name, and filled without a way to break out of the quotes. */
#include "sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void S_statements_are_sorted_and_found(void **state)
{
    (void)state;
    assert_true(sql_statement_count > 5);
    for (size_t i = 0; i < sql_statement_count; i++) {
        const struct sql_statement *statement = &sql_statements[i];
        if (i)
            assert_true(strcmp(sql_statements[i - 1].name, statement->name) < 0);
        assert_ptr_equal(sql_find(statement->name), statement);
        assert_true(strlen(statement->note) > 20);
        assert_true(strlen(statement->text) > 4);
        assert_true(statement->line > 0);
    }
    assert_null(sql_find("no_such_statement"));
    assert_null(sql_find(""));
}

static void S_expect_filled(const char *text, const char *value, const char *expected)
{
    struct err err = {0};
    struct sql_variable variables[] = {{"x", value}};
    char *filled = NULL;
    assert_true(sql_fill(text, variables, 1, &filled, &err));
    assert_string_equal(filled, expected);
    free(filled);
}

static void S_variables_are_quoted(void **state)
{
    (void)state;
    S_expect_filled("SELECT :\"x\"", "plain", "SELECT \"plain\"");
    S_expect_filled("SELECT :\"x\"", "a\"; DROP TABLE t; --", "SELECT \"a\"\"; DROP TABLE t; --\"");
    S_expect_filled("SELECT :'x'", "o'brien", "SELECT 'o''brien'");
    S_expect_filled("SELECT :'x'", "back\\slash'", "SELECT  E'back\\\\slash'''");
    S_expect_filled("SELECT 1::text, a[1:2], ':x'", "no", "SELECT 1::text, a[1:2], ':x'");
    S_expect_filled("SELECT x::\"x\"", "no", "SELECT x::\"x\"");
    S_expect_filled(":'x':\"x\"", "v", "'v'\"v\"");
}

static void S_an_unknown_variable_is_an_error(void **state)
{
    (void)state;
    struct err err = {0};
    char *filled = NULL;
    assert_false(sql_fill("SELECT :'y'", NULL, 0, &filled, &err));
    assert_int_equal(err.kind, ERR_BUG);
    assert_non_null(strstr(err.text, "'y'"));
    assert_null(filled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S_statements_are_sorted_and_found),
        cmocka_unit_test(S_variables_are_quoted),
        cmocka_unit_test(S_an_unknown_variable_is_an_error),
    };
    return cmocka_run_group_tests_name("sql", tests, NULL, NULL);
}
