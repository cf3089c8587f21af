/*
 * test_sqlscript: a .sql file is cut where psql would cut it, and filled where psql would fill it.
 */
#include "sqlscript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sqlscript *S_parse(const char *text)
{
    struct err err = {0};
    struct sqlscript *script = NULL;
    if (!sqlscript_parse("/site/plans/x.sql", text, strlen(text), &script, &err))
        fail_msg("%s: %s", text, err.text);
    return script;
}

static void S_expect_statements(const char *text, const char *const *wanted, size_t count)
{
    struct sqlscript *script = S_parse(text);
    for (size_t i = 0; i < script->count && i < count; i++) {
        assert_int_equal(script->statements[i].len, strlen(wanted[i]));
        assert_memory_equal(script->statements[i].text, wanted[i], strlen(wanted[i]));
    }
    assert_int_equal(script->count, count);
    sqlscript_free(script);
}

#define EXPECT(text, ...)                                                                          \
    S_expect_statements(text, (const char *const[]){__VA_ARGS__},                                  \
                        ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

static void S_is_cut_at_semicolons(void **state)
{
    (void)state;
    EXPECT("SELECT 1", "SELECT 1");
    EXPECT("SELECT 1;SELECT 2 ; \n", "SELECT 1", "SELECT 2 ");
    EXPECT("\xef\xbb\xbf-- first\nSELECT 1 -- not; here\n, 2 /* nor; /* here; */ ; */;\n;;",
           "SELECT 1 -- not; here\n, 2 /* nor; /* here; */ ; */");
    EXPECT("SELECT ';', 'it''s;', \"a;\"\"b;\", E'\\';', 'c:\\';SELECT 2",
           "SELECT ';', 'it''s;', \"a;\"\"b;\", E'\\';', 'c:\\'", "SELECT 2");
    EXPECT("SELECT $$;$$, $a$;$$;$b$;$a$, $1, a$b$c; X", "SELECT $$;$$, $a$;$$;$b$;$a$, $1, a$b$c",
           "X");
    EXPECT("SELECT e';' ; like';'", "SELECT e';' ", "like';'");
    EXPECT("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; "
           "SELECT 2; END; SELECT 3",
           "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; "
           "SELECT 2; END",
           "SELECT 3");
    EXPECT("BEGIN; SELECT 1", "BEGIN", "SELECT 1");
    EXPECT("SELECT 'h\xc3\xa9;'; SELECT \xe0\xa4\x95", "SELECT 'h\xc3\xa9;'",
           "SELECT \xe0\xa4\x95");
}

static void S_knows_lines_and_first_words(void **state)
{
    (void)state;
    struct sqlscript *script = S_parse("-- a\n\ncreate or /* b\n */ replace\nfunction f();\n"
                                       "CREATE MATERIALIZED VIEW :\"v\" AS\nSELECT 1;\nCOMMIT");
    assert_int_equal(script->count, 3);
    assert_int_equal(script->statements[0].line, 3);
    assert_int_equal(script->statements[1].line, 6);
    assert_int_equal(script->statements[2].line, 8);
    assert_true(sqlscript_starts(&script->statements[0], "create function"));
    assert_false(sqlscript_starts(&script->statements[0], "create func"));
    assert_false(sqlscript_starts(&script->statements[0], "create materialized view"));
    assert_true(sqlscript_starts(&script->statements[1], "create materialized view"));
    assert_string_equal(script->statements[1].words, "create materialized view");
    assert_true(sqlscript_starts(&script->statements[1], "create"));
    assert_false(sqlscript_starts(&script->statements[2], "create"));
    assert_false(sqlscript_starts(&script->statements[2], "comment on function"));
    sqlscript_free(script);
}

static void S_fills_where_psql_would(void **state)
{
    (void)state;
    static const struct sql_variable variables[] = {{"v", "a\"b'c"}, {"w", "x\nDROP TABLE t; --"}};
    struct sqlscript *script =
        S_parse("SELECT :'v', :\"v\", ':''v''', $$:'v'$$, \"x:'v'\", a::\"v\", b[1:\"v\"] "
                "-- of :'w'\n/* :'w' */ FROM :\"v\".:\"w\"");
    char *filled = NULL;
    struct err err = {0};
    assert_true(sqlscript_fill(script, 0, variables, 2, &filled, &err));
    assert_string_equal(filled,
                        "SELECT 'a\"b''c', \"a\"\"b'c\", ':''v''', $$:'v'$$, \"x:'v'\", a::\"v\", "
                        "b[1\"a\"\"b'c\"] -- of :'w'\n/* :'w' */ "
                        "FROM \"a\"\"b'c\".\"x\nDROP TABLE t; --\"");
    free(filled);
    assert_int_equal(script->variable_count, 3);
    assert_string_equal(script->variables[0].name, "v");
    assert_int_equal(script->variables[0].form, '\'');
    assert_int_equal(script->variables[1].form, '"');
    assert_string_equal(script->variables[2].name, "w");
    assert_int_equal(script->variables[2].line, 2);
    assert_false(sqlscript_fill(script, 0, variables, 1, &filled, &err));
    assert_non_null(strstr(err.text, "/site/plans/x.sql:1: "));
    assert_string_equal(script->file, "x.sql");
    sqlscript_free(script);
}

static void S_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "holds no statement"},
        {"-- only\n/* this */ ;\n", "holds no statement"},
        {"SELECT 1;\nSELECT 'open", "x.sql:2: what begins with ''open'"},
        {"SELECT \"open''", "has no end"},
        {"SELECT $a$ open $b$", "what begins with '$a$ open $'"},
        {"/* /* */", "has no end"},
        {"SELECT 1;\n\n\\i other.sql", "x.sql:3: a command of psql"},
        {"SELECT \xff", "no text in UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        struct sqlscript *script = NULL;
        assert_false(sqlscript_parse("x.sql", cases[i].text, strlen(cases[i].text), &script, &err));
        assert_null(script);
        if (!strstr(err.text, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
    }
    struct err err = {0};
    struct sqlscript *script = NULL;
    assert_false(sqlscript_parse("x.sql", "SELECT\0 1", 9, &script, &err));
    assert_false(sqlscript_read("/nowhere/x.sql", &(struct file_trust){0}, &script, &err));
}

/* Whatever is in it: a script or a reason, and nothing that is longer than what was given. */
static void S_survives_anything(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "'", "\"",     "$$", "$a$", "/*",    "*/",   "--",  "\n",
        ";", ":\"a\"", "E'", "\\",  "BEGIN", "CASE", "END", "CREATE FUNCTION ",
        " ", "\xc3"};
    unsigned seed = 7;
    for (int round = 0; round < 3000; round++) {
        struct buf text = {0};
        for (int i = 0; i < 7; i++) {
            seed = seed * 1103515245U + 12345U;
            buf_add(&text, pieces[seed / 65536 % ARRAY_LEN(pieces)]);
        }
        struct sqlscript *script = NULL;
        struct err err = {0};
        bool ok = sqlscript_parse("x.sql", buf_text(&text), text.len, &script, &err);
        assert_true(ok == (script != NULL));
        assert_true(ok || err.text[0]);
        for (size_t i = 0; ok && i < script->count; i++)
            assert_true(script->statements[i].len <= text.len);
        sqlscript_free(script);
        buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S_is_cut_at_semicolons),   cmocka_unit_test(S_knows_lines_and_first_words),
        cmocka_unit_test(S_fills_where_psql_would), cmocka_unit_test(S_refuses),
        cmocka_unit_test(S_survives_anything),
    };
    return cmocka_run_group_tests_name("sqlscript", tests, NULL, NULL);
}
