/* test_ini: the syntax of deck and plan files, and errors that name file and line. */
#include "file.h"
#include "ini.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ini *S_parse(const char *text)
{
    struct ini *ini = NULL;
    struct err err = {0};
    if (!ini_parse("a.plan", text, strlen(text), &ini, &err))
        fail_msg("%s", err.text);
    return ini;
}

static void S_test_sections(void **state)
{
    (void)state;
    struct ini *ini = S_parse("# a comment\n"
                              "[Plan]\n"
                              "\tname = mentoring ; said so\n"
                              "    Kind=columns\n"
                              "\n"
                              "[table \"Sess \\\"x\\\" \\\\y\"]   # another\n"
                              "  primary key = tenant_code id\n"
                              "  index = a\n"
                              "  index = b\n"
                              "[empty]");
    assert_int_equal(ini->count, 3);
    assert_string_equal(ini->path, "a.plan");
    assert_string_equal(ini->sections[0].name, "plan");
    assert_null(ini->sections[0].label);
    assert_int_equal(ini->sections[0].line, 2);
    assert_string_equal(ini_value(&ini->sections[0], "name"), "mentoring");
    assert_string_equal(ini->sections[0].entries[1].key, "kind");
    assert_int_equal(ini->sections[0].entries[1].line, 4);
    assert_string_equal(ini->sections[1].name, "table");
    assert_string_equal(ini->sections[1].label, "Sess \"x\" \\y");
    assert_string_equal(ini_value(&ini->sections[1], "primary key"), "tenant_code id");
    assert_int_equal(ini->sections[1].count, 3);
    assert_string_equal(ini->sections[1].entries[1].value, "a");
    assert_string_equal(ini_value(&ini->sections[1], "index"), "b");
    assert_null(ini_value(&ini->sections[1], "indexes"));
    assert_int_equal(ini->sections[2].count, 0);
    assert_int_equal(ini->sections[2].line, 10);
    ini_free(ini);
}

static const struct {
    const char *written, *value;
} S_values[] = {
    {"k = plain", "plain"},
    {"k=plain", "plain"},
    {"k =   two  words \t ", "two  words"},
    {"k =", ""},
    {"k = \"\"", ""},
    {"k = \" kept \"", " kept "},
    {"k = a\"b # c\"d # e", "ab # cd"},
    {"k = \"a;b\" ; c", "a;b"},
    {"k = a#b", "a"},
    {"k = say \\\"hello\\\"", "say \"hello\""},
    {"k = c:\\\\dir", "c:\\dir"},
    {"k = one\\ntwo\\tthree", "one\ntwo\tthree"},
    {"k = end\\t  ", "end\t"},
    {"k = one \\\n    two", "one     two"},
    {"k = one \\\r\n    two\r\n", "one     two"},
    {"k = \"one \\\ntwo\"", "one two"},
    {"k = one \\\n  # said", "one"},
    {"k = sessions:{org}:*", "sessions:{org}:*"},
    {"k = a = b", "a = b"},
    {"k = [x]", "[x]"},
    {"k = Zürich", "Zürich"},
    {"k = crlf\r\n", "crlf"},
    {"k = crlf \r", "crlf"},
};

static void S_test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(S_values); i++) {
        char *text = str_format("[s]\n%s", S_values[i].written);
        struct ini *ini = S_parse(text);
        assert_int_equal(ini->sections[0].count, 1);
        assert_string_equal(ini->sections[0].entries[0].value, S_values[i].value);
        ini_free(ini);
        free(text);
    }
}

#define BYTES(s) s, sizeof(s) - 1

static const struct {
    const char *bytes;
    size_t len;
    const char *message;
} S_errors[] = {
    {BYTES("form = x\n"), "a.plan:1: key 'form' stands before any section"},
    {BYTES("\n\n  Form = x\n"), "a.plan:3: key 'form' stands before any section"},
    {BYTES("[s]\nkey\n"), "a.plan:2: key 'key' has no '='"},
    {BYTES("[s]\nkey # = x\n"), "a.plan:2: key 'key' has no '='"},
    {BYTES("[s]\na  b = x\n"), "a.plan:2: after 'a' stands something that is neither"},
    {BYTES("[s]\na_b = x\n"), "a.plan:2: after 'a' stands something"},
    {BYTES("[s]\na = x\n= y\n"), "a.plan:3: neither a section, nor a key, nor a comment begins"},
    {BYTES("[s]\nü = y\n"),
     "a.plan:2: neither a section, nor a key, nor a comment begins with 'ü'"},
    {BYTES("[s]\na = \"b\nc = d\n"), "a.plan:2: a quote in the value of 'a' is not closed"},
    {BYTES("[s]\na = b \\\n c \"d\n"), "a.plan:3: a quote in the value of 'a' is not closed"},
    {BYTES("[s]\na = b\\x\n"), "a.plan:2: the value of 'a' has the unknown escape '\\x'"},
    {BYTES("[s]\na = b\\ü\n"), "a.plan:2: the value of 'a' has the unknown escape '\\ü'"},
    {BYTES("[s]\na = b \\"), "a.plan:2: the value of 'a' goes on after the last line"},
    {BYTES("[s]\na = b \\\n"), "a.plan:2: the value of 'a' goes on after the last line"},
    {BYTES("[]\n"), "a.plan:1: a section is written [name]"},
    {BYTES("[s\n"), "a.plan:1: section 's' is not closed"},
    {BYTES("[a b]\n"), "a.plan:1: section 'a' is not closed"},
    {BYTES("[s \"x]\n"), "a.plan:1: the quote of the section's label is not closed"},
    {BYTES("[s \"x\\"), "a.plan:1: the quote of the section's label is not closed"},
    {BYTES("[s \"x\\n\"]\n"), "a.plan:1: a label knows"},
    {BYTES("[s \"\"]\n"), "a.plan:1: the section's label is empty"},
    {BYTES("[s] a = b\n"), "a.plan:1: something stands after section 's'"},
    {BYTES("[s]\na = b\0c\n"), "a.plan:2: a NUL byte stands in the text"},
    {BYTES("[s]\n\na = \xff\n"), "a.plan:3: the text is no valid UTF-8"},
    {BYTES("[s]\n\xef\xbb\xbf"
           "a = b\n"),
     "a.plan:2: a byte order mark stands in the middle"},
    {BYTES("[s]\na = 1 \\\n 2\nb\n"), "a.plan:4: key 'b' has no '='"},
};

static void S_test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(S_errors); i++) {
        struct ini *ini = NULL;
        struct err err = {0};
        if (ini_parse("a.plan", S_errors[i].bytes, S_errors[i].len, &ini, &err))
            fail_msg("was not refused: '%s'", S_errors[i].bytes);
        if (!str_starts(err.text, S_errors[i].message))
            fail_msg("says '%s', not '%s'", err.text, S_errors[i].message);
        assert_int_equal(err.kind, ERR_FAILED);
        assert_null(ini);
    }
}

/* A text that ends anywhere must be read or refused, but nothing behind its end. */
static void S_test_cut_anywhere(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf[a \"l\\\\b\"]\r\nkey one = \"x \\\n y\" \\\n z # c\n";
    for (size_t len = 0; len < sizeof(text); len++) {
        char *copy = mem_new(len ? len : 1);
        memcpy(copy, text, len);
        struct ini *ini = NULL;
        struct err err = {0};
        bool ok = ini_parse("a.plan", copy, len, &ini, &err);
        assert_int_equal(ok, ini != NULL);
        assert_int_equal(!ok, err.text[0] != '\0');
        ini_free(ini);
        free(copy);
    }
}

static void S_test_byte_order_mark(void **state)
{
    (void)state;
    struct ini *ini = S_parse("\xef\xbb\xbf[s]\nk = v\n");
    assert_string_equal(ini_value(&ini->sections[0], "k"), "v");
    ini_free(ini);
    ini = S_parse("");
    assert_int_equal(ini->count, 0);
    ini_free(ini);
    ini_free(NULL);
}

static void S_test_size(void **state)
{
    (void)state;
    struct ini *ini = NULL;
    struct err err = {0};
    char *text = mem_new(FILE_LIMIT + 1);
    memset(text, '\n', FILE_LIMIT + 1);
    assert_true(ini_parse("a.plan", text, FILE_LIMIT, &ini, &err));
    ini_free(ini);
    assert_false(ini_parse("a.plan", text, FILE_LIMIT + 1, &ini, &err));
    assert_string_equal(err.text, "a.plan:1: the file is over 1 MB, which no deck or plan needs");
    free(text);
}

static void S_test_many_entries(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int section = 0; section < 40; section++) {
        buf_format(&text, "[s \"%d\"]\n", section);
        for (int entry = 0; entry < section; entry++)
            buf_format(&text, "key %d = %d\n", entry, section * 100 + entry);
    }
    struct ini *ini = S_parse(text.text);
    assert_int_equal(ini->count, 40);
    assert_int_equal(ini->sections[39].count, 39);
    assert_string_equal(ini_value(&ini->sections[17], "key 16"), "1716");
    ini_free(ini);
    buf_release(&text);
}

static void S_test_read(void **state)
{
    (void)state;
    char path[] = "/tmp/test_ini.XXXXXX";
    struct ini *ini = NULL;
    struct err err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "[s]\nk = v\n", 10), 10);
    close(fd);
    assert_true(ini_read(path, &ini, &err));
    assert_string_equal(ini->path, path);
    assert_string_equal(ini_value(&ini->sections[0], "k"), "v");
    ini_error(ini, 7, &err, "'%s' is not known", "x");
    char *expected = str_format("%s:7: 'x' is not known", path);
    assert_string_equal(err.text, expected);
    free(expected);
    ini_free(ini);
    unlink(path);
    assert_false(ini_read(path, &ini, &err));
    assert_non_null(strstr(err.text, strerror(ENOENT)));
    assert_false(ini_read("/tmp", &ini, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S_test_sections),        cmocka_unit_test(S_test_values),
        cmocka_unit_test(S_test_errors),          cmocka_unit_test(S_test_cut_anywhere),
        cmocka_unit_test(S_test_byte_order_mark), cmocka_unit_test(S_test_size),
        cmocka_unit_test(S_test_many_entries),    cmocka_unit_test(S_test_read),
    };
    return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
