/* test_csvmap: what a mapping file may look like, and what is refused, with line and advice. */
#include "csvdup.h"
#include "csvmap.h"
#include "spill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
/* Freed memory must not pile up in the quarantine while memory is measured. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=2";
}
#endif

#define H "organization_id,organization_code,tenant_code\n"
#define BOM "\xef\xbb\xbf"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct csvmap_shape S_shape = {"organization_id", "organization_code", "tenant_code"};
static char S_path[64];

/* What the sink was given, in words: "2:1|acme|t1 " for each row, "3!text " for each warning. */
struct heard {
    struct buf rows, warnings;
    int stop_at;
};

static bool S_hear_row(void *ctx, const struct csvmap_row *row, struct err *err)
{
    struct heard *heard = ctx;
    if (row->line == heard->stop_at)
        return err_set(err, ERR_LOST, "the sink has had enough");
    buf_format(&heard->rows, "%d:%s|%s|%s ", row->line, row->key,
               row->organization ? row->organization : "-", row->tenant);
    return true;
}

static void S_hear_warning(void *ctx, int line, const char *text)
{
    buf_format(&((struct heard *)ctx)->warnings, "%d!%s\n", line, text);
}

static void S_release_heard(struct heard *heard)
{
    buf_release(&heard->rows);
    buf_release(&heard->warnings);
}

static int S_setup(void **state)
{
    (void)state;
    snprintf(S_path, sizeof(S_path), "/tmp/test_csvmap.XXXXXX");
    int fd = mkstemp(S_path);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int S_teardown(void **state)
{
    (void)state;
    return remove(S_path);
}

static void S_write(const void *bytes, size_t len)
{
    FILE *file = fopen(S_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void S_write_text(const char *text)
{
    S_write(text, strlen(text));
}

static bool S_read(struct heard *heard, struct csvmap_totals *totals, struct err *err)
{
    const struct csvmap_sink sink = {S_hear_row, S_hear_warning, heard};
    return csvmap_read(S_path, &S_shape, &sink, totals, err);
}

/* ---- the table of files ---- */

enum verdict { GOOD, WARNS, REFUSED };

struct file_case {
    const char *name, *bytes;
    size_t len;
    enum verdict verdict;
    const char *says; /* GOOD: the rows; WARNS: "line!part"; REFUSED: ":line: part" */
};

#define BYTES(s) s, sizeof(s) - 1

static const struct file_case S_files[] = {
    /* forms that are fine */
    {"plain", BYTES(H "1,acme,t1\n"), GOOD, "2:1|acme|t1 "},
    {"two rows", BYTES(H "1,acme,t1\n2,beta,t1\n"), GOOD, "2:1|acme|t1 3:2|beta|t1 "},
    {"other order", BYTES("tenant_code,organization_id,organization_code\nt1,1,acme\n"), GOOD,
     "2:1|acme|t1 "},
    {"CRLF", BYTES("organization_id,organization_code,tenant_code\r\n1,acme,t1\r\n"), GOOD,
     "2:1|acme|t1 "},
    {"lone CR", BYTES("organization_id,organization_code,tenant_code\r1,acme,t1\r2,b,t2\r"), GOOD,
     "2:1|acme|t1 3:2|b|t2 "},
    {"mixed line ends", BYTES(H "1,a,t1\r\n2,b,t2\r3,c,t3\n4,d,t4"), GOOD,
     "2:1|a|t1 3:2|b|t2 4:3|c|t3 5:4|d|t4 "},
    {"BOM", BYTES(BOM H "1,acme,t1\n"), GOOD, "2:1|acme|t1 "},
    {"BOM and quoted header",
     BYTES(BOM "\"organization_id\",organization_code,tenant_code\n1,a,t1\n"), GOOD, "2:1|a|t1 "},
    {"all quoted", BYTES(H "\"1\",\"acme\",\"t1\"\n"), GOOD, "2:1|acme|t1 "},
    {"comma inside", BYTES(H "1,\"a, b\",t1\n"), GOOD, "2:1|a, b|t1 "},
    {"doubled quote", BYTES(H "1,\"say \"\"a\"\"\",t1\n"), GOOD, "2:1|say \"a\"|t1 "},
    {"no final newline", BYTES(H "1,acme,t1"), GOOD, "2:1|acme|t1 "},
    {"no final newline, quoted", BYTES(H "1,acme,\"t1\""), GOOD, "2:1|acme|t1 "},
    {"empty lines", BYTES("\n" H "\n1,acme,t1\n\n\r\n2,b,t2\n\n"), GOOD, "4:1|acme|t1 7:2|b|t2 "},
    {"umlauts", BYTES(H "1,Z\xc3\xbcrich,t1\n"), GOOD, "2:1|Z\xc3\xbcrich|t1 "},
    {"blank inside", BYTES(H "1,a b,t1\n"), GOOD, "2:1|a b|t1 "},
    {"quote and apostrophe", BYTES(H "1,org'x; DROP TABLE t,t1\n"), GOOD,
     "2:1|org'x; DROP TABLE t|t1 "},
    {"longest tenant code", BYTES(H "1,a,_bcdefghijklmnopqrstuvwx9\n"), GOOD,
     "2:1|a|_bcdefghijklmnopqrstuvwx9 "},
    {"long key", BYTES(H A64 A64 A64 A64 ",a,t1\n"), GOOD, "2:" A64 A64 A64 A64 "|a|t1 "},
    {"zero alone", BYTES(H "0,a,t1\n1,b,t1\n"), GOOD, "2:0|a|t1 3:1|b|t1 "},
    {"zeros before letters", BYTES(H "0a,a,t1\na,b,t1\n"), GOOD, "2:0a|a|t1 3:a|b|t1 "},

    /* fine, but worth a word */
    {"newline inside", BYTES(H "1,\"a\nb\",t1\n2,c,t2\n"), WARNS,
     "2!organization_code 'a\\nb' holds"},
    {"escape inside", BYTES(H "1,a\x1b[31mb,t1\n"), WARNS,
     "2!organization_code 'a\\x1b[31mb' holds"},
    {"bidi in the key",
     BYTES(H "1\xe2\x80\xae"
             "2,a,t1\n"),
     WARNS, "2!organization_id '1\\u202e2' holds"},
    {"same row twice", BYTES(H "1,a,t1\n2,b,t2\n1,a,t1\n"), WARNS,
     "4!organization_id '1' stands in line 2"},
    {"same row, other spelling", BYTES(H "1,a,t1\n\"1\",\"a\",t1\n"), WARNS,
     "3!organization_id '1' stands"},
    {"leading zeros", BYTES(H "7,a,t1\n007,b,t1\n"), WARNS,
     "3!organization_id '007' differs from '7' in line 2"},
    {"zeros, the other way", BYTES(H "0,a,t1\n000,b,t1\n"), WARNS,
     "3!organization_id '000' differs from '0'"},
    {"letter case", BYTES(H "Acme,a,t1\naCME,b,t1\n"), WARNS,
     "3!organization_id 'aCME' differs from 'Acme'"},
    {"tenant in capitals", BYTES(H "1,a,T1\n"), WARNS, "2!tenant_code 'T1' is not"},
    {"tenant with a hyphen", BYTES(H "1,a,my-tenant\n"), WARNS, "2!tenant_code 'my-tenant' is not"},
    {"tenant begins with a digit", BYTES(H "1,a,1t\n"), WARNS, "2!tenant_code '1t' is not"},
    {"tenant of 26", BYTES(H "1,a,abcdefghijklmnopqrstuvwxyz\n"), WARNS, "2!tenant_code 'abc"},
    {"tenant of another script",
     BYTES(H "1,a,\xd1\x82"
             "1\n"),
     WARNS,
     "2!tenant_code '\xd1\x82"
     "1' is not"},
    {"warning after a quoted newline", BYTES(H "1,\"a\n\n\nb\",t1\n2,c,T2\n"), WARNS,
     "6!tenant_code 'T2'"},

    /* refused: the header */
    {"empty file", BYTES(""), REFUSED, ":1: the file is empty"},
    {"BOM alone", BYTES(BOM), REFUSED, ":1: the file is empty"},
    {"empty lines alone", BYTES("\n\r\n\n"), REFUSED, ":1: the file is empty"},
    {"header alone", BYTES(H), REFUSED, ":1: the file has a header, but no rows"},
    {"header alone, no newline", BYTES("organization_id,organization_code,tenant_code"), REFUSED,
     ":1: the file has a header, but no rows"},
    {"no header", BYTES("1,acme,t1\n2,b,t2\n"), REFUSED, ":1: column '1' is not one of"},
    {"missing column", BYTES("organization_id,tenant_code\n1,t1\n"), REFUSED,
     ":1: column 'organization_code' is missing"},
    {"extra column", BYTES("organization_id,organization_code,tenant_code,note\n1,a,t1,x\n"),
     REFUSED, ":1: column 'note' is not one of"},
    {"column in capitals", BYTES("Organization_ID,organization_code,tenant_code\n1,a,t1\n"),
     REFUSED, ":1: column 'Organization_ID' is not one of"},
    {"column twice", BYTES("organization_id,tenant_code,organization_code,tenant_code\n1,a,b,c\n"),
     REFUSED, ":1: column 'tenant_code' is there twice"},
    {"column without a name", BYTES("organization_id,,organization_code,tenant_code\n"), REFUSED,
     ":1: column 2 has no name"},
    {"comma after the header", BYTES("organization_id,organization_code,tenant_code,\n"), REFUSED,
     ":1: column 4 has no name"},
    {"blank in the header", BYTES("organization_id, organization_code,tenant_code\n1,a,t1\n"),
     REFUSED, ":1: the column name ' organization_code' has blanks"},
    {"BOM inside quotes of another", BYTES(BOM BOM H "1,a,t1\n"), REFUSED,
     ":1: the column name '\\ufefforganization_id' has blanks"},
    {"semicolons", BYTES("organization_id;organization_code;tenant_code\n1;a;t1\n"), REFUSED,
     ":1: the columns are not separated by commas"},
    {"tabs", BYTES("organization_id\torganization_code\ttenant_code\n1\ta\tt1\n"), REFUSED,
     ":1: the columns are not separated by commas"},

    {"header twice", BYTES(H H "1,a,t1\n"), REFUSED, ":2: the header stands here again"},
    {"header of another file", BYTES(H "1,a,t1\n\n" H "2,b,t2\n"), REFUSED,
     ":4: the header stands here again"},

    /* refused: rows */
    {"too few", BYTES(H "1,a\n"), REFUSED,
     ":2: the row has 2 values, but the header names 3 columns"},
    {"too many", BYTES(H "1,a,t1\n2,b,t2,x\n"), REFUSED, ":3: the row has 4 values"},
    {"comma at the end", BYTES(H "1,a,t1,\n"), REFUSED, ":2: the row has 4 values"},
    {"one value", BYTES(H "1\n"), REFUSED, ":2: the row has 1 value, but"},
    {"blanks alone", BYTES(H "1,a,t1\n   \n"), REFUSED, ":3: the row has 1 value, but"},
    {"empty key", BYTES(H ",a,t1\n"), REFUSED, ":2: 'organization_id' is empty"},
    {"empty organization", BYTES(H "1,,t1\n"), REFUSED, ":2: 'organization_code' is empty"},
    {"empty tenant", BYTES(H "1,a,t1\n2,b,\n"), REFUSED, ":3: 'tenant_code' is empty"},
    {"empty in quotes", BYTES(H "1,a,\"\"\n"), REFUSED, ":2: 'tenant_code' is empty"},
    {"empty tenant at the end", BYTES(H "1,a,"), REFUSED, ":2: 'tenant_code' is empty"},
    {"blank before", BYTES(H "1, a,t1\n"), REFUSED,
     ":2: 'organization_code' has blanks around its value ' a'"},
    {"blank after", BYTES(H "1,a,t1 \n"), REFUSED, ":2: 'tenant_code' has blanks"},
    {"blank in quotes", BYTES(H "1,a,\" t1\"\n"), REFUSED, ":2: 'tenant_code' has blanks"},
    {"blank is all", BYTES(H "1, ,t1\n"), REFUSED, ":2: 'organization_code' has blanks"},
    {"tab before", BYTES(H "\t1,a,t1\n"), REFUSED, ":2: 'organization_id' has blanks"},
    {"newline at the end of a value", BYTES(H "1,\"a\n\",t1\n"), REFUSED,
     ":2: 'organization_code' has blanks"},
    {"no-break space", BYTES(H "1,a\xc2\xa0,t1\n"), REFUSED, ":2: 'organization_code' has blanks"},
    {"ideographic space", BYTES(H "1,a,\xe3\x80\x80t1\n"), REFUSED, ":2: 'tenant_code' has blanks"},
    {"zero width space", BYTES(H "1,a,t1\xe2\x80\x8b\n"), REFUSED,
     ":2: 'tenant_code' has blanks around its value 't1\\u200b'"},
    {"BOM in the middle", BYTES(H BOM "1,a,t1\n"), REFUSED, ":2: 'organization_id' has blanks"},
    {"other codes", BYTES(H "1,a,t1\n2,b,t2\n1,a,t2\n"), REFUSED,
     ":4: organization_id '1' has the codes 'a', 't2' here, but 'a', 't1' in line 2"},
    {"other organization", BYTES(H "1,a,t1\n1,b,t1\n"), REFUSED,
     ":3: organization_id '1' has the codes 'b', 't1' here"},
    {"codes that only join alike", BYTES(H "1,ab,c\n1,a,bc\n"), REFUSED,
     ":3: organization_id '1' has"},
    {"the first conflict is told", BYTES(H "1,a,t1\n2,b,t2\n2,b,x\n1,a,x\n"), REFUSED,
     ":4: organization_id '2'"},
    {"conflict after quoted newlines", BYTES(H "\"1\n2\",a,t1\n3,\"b\r\nc\rd\",t1\n\"1\n2\",a,x\n"),
     REFUSED, ":7: organization_id '1\\n2' has the codes 'a', 'x' here, but 'a', 't1' in line 2"},

    /* refused: quotes */
    {"quote inside", BYTES(H "1,a\"b,t1\n"), REFUSED, ":2: a quote stands in the middle"},
    {"text after a quote", BYTES(H "1,\"a\"b,t1\n"), REFUSED, ":2: a quote stands in the middle"},
    {"blank before a quote", BYTES(H "1, \"a\",t1\n"), REFUSED, ":2: a quote stands in the middle"},
    {"blank after a quote", BYTES(H "1,\"a\" ,t1\n"), REFUSED, ":2: a quote stands in the middle"},
    {"quote inside, later line", BYTES(H "1,\"a\n\nb\"c,t1\n"), REFUSED,
     ":4: a quote stands in the middle"},
    {"open quote", BYTES(H "1,a,t1\n2,\"b,t2\n3,c,t3\n"), REFUSED,
     ":3: a quote is opened and never closed"},
    {"open quote at the end", BYTES(H "1,a,\""), REFUSED, ":2: a quote is opened and never closed"},

    /* refused: bytes */
    {"NUL", BYTES(H "1,a,t1\n2,b\0c,t2\n"), REFUSED, ":3: the row holds a NUL byte"},
    {"NUL at the end", BYTES(H "1,a,t1\n\0"), REFUSED, ":3: the row holds a NUL byte"},
    {"UTF-16 LE", BYTES("\xff\xfeo\0r\0g\0\n\0"), REFUSED, ":1: the file is UTF-16"},
    {"UTF-16 BE", BYTES("\xfe\xff\0o\0r\0g\0\n"), REFUSED, ":1: the file is UTF-16"},
    {"UTF-16 LE without a mark", BYTES("o\0r\0g\0\n\0"), REFUSED, ":1: the file is UTF-16"},
    {"UTF-16 BE without a mark", BYTES("\0o\0r\0g\0\n"), REFUSED, ":1: the file is UTF-16"},
    {"cp1252", BYTES(H "1,a,t1\n2,Z\xfcrich,t2\n"), REFUSED, ":3: the row is invalid UTF-8"},
    {"overlong", BYTES(H "1,a\xc0\xaf,t1\n"), REFUSED, ":2: the row is invalid UTF-8"},
    {"surrogate", BYTES(H "1,a\xed\xa0\x80,t1\n"), REFUSED, ":2: the row is invalid UTF-8"},
    {"cut short", BYTES(H "1,a,t1\xe2\x82"), REFUSED, ":2: the row is invalid UTF-8"},
    {"invalid in a quoted line", BYTES(H "1,\"a\nb\xff\",t1\n"), REFUSED,
     ":3: the row is invalid UTF-8"},
};

static void S_check_case(const struct file_case *c)
{
    struct heard heard = {0};
    struct csvmap_totals totals = {0};
    struct err err = {0};

    S_write(c->bytes, c->len);
    bool ok = S_read(&heard, &totals, &err);
    if (ok != (c->verdict != REFUSED))
        fail_msg("%s: %s", c->name, ok ? "was not refused" : err.text);
    if (c->verdict == REFUSED) {
        size_t path_len = strlen(S_path);
        if (strncmp(err.text, S_path, path_len) != 0 || !str_starts(err.text + path_len, c->says))
            fail_msg("%s: says '%s', not '%s'", c->name, err.text, c->says);
        assert_int_equal(err.kind, ERR_REFUSED);
        assert_true(err.hint[0] != '\0');
    } else if (c->verdict == WARNS) {
        if (!strstr(buf_text(&heard.warnings), c->says))
            fail_msg("%s: warns '%s', not '%s'", c->name, buf_text(&heard.warnings), c->says);
        assert_true(totals.warnings > 0);
    } else {
        assert_string_equal(buf_text(&heard.rows), c->says);
        assert_string_equal(buf_text(&heard.warnings), "");
    }
    S_release_heard(&heard);
}

static void S_test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(S_files); i++)
        S_check_case(&S_files[i]);
}

/* ---- limits, lines and totals ---- */

/* A file whose first row has `content` bytes and is followed by another. */
static void S_write_row_of(size_t content, const char *line_end, const char *next)
{
    struct buf text = {0};
    buf_add(&text, H "1,");
    for (size_t i = strlen("1,") + strlen(",t1"); i < content; i++)
        buf_add_char(&text, 'a');
    buf_format(&text, ",t1%s%s", line_end, next);
    S_write(text.text, text.len);
    buf_release(&text);
}

static void S_test_row_limit(void **state)
{
    (void)state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct csvmap_totals totals;
        struct err err = {0};
        S_write_row_of(64 * 1024, ends[i], "2,b,t1");
        if (!csvmap_read(S_path, &S_shape, NULL, &totals, &err))
            fail_msg("%s", err.text);
        assert_int_equal(totals.rows, 2);
        S_write_row_of(64 * 1024 + 1, ends[i], "2,b,t1");
        assert_false(csvmap_read(S_path, &S_shape, NULL, &totals, &err));
        assert_non_null(strstr(err.text, ":2: the row is longer than 64 kB"));
    }
}

static void S_test_row_limit_over_lines(void **state)
{
    (void)state;
    struct buf text = {0};
    struct err err = {0};
    buf_add(&text, H "1,a,t1\n2,\"");
    for (int i = 0; i < 1100; i++)
        buf_add(&text, A64 "\n");
    S_write(text.text, text.len);
    buf_release(&text);
    assert_false(csvmap_read(S_path, &S_shape, NULL, NULL, &err));
    assert_non_null(strstr(err.text, ":3: the row that begins here is longer than 64 kB"));
    assert_non_null(strstr(err.hint, "quote"));
}

/* Lines of all lengths, so that every kind of line end meets the border of the window once. */
static void S_test_window_borders(void **state)
{
    (void)state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    struct buf text = {0};
    struct err err = {0};
    struct csvmap_totals totals;

    buf_add(&text, H);
    for (int i = 0; i < 5000; i++)
        buf_format(&text, "%d,\"a%.*s\xc3\xbc%sz\",t1%s", i, i % 64, A64, ends[i % 3],
                   ends[(i + 1) % 3]);
    S_write(text.text, text.len);
    if (!csvmap_read(S_path, &S_shape, NULL, &totals, &err))
        fail_msg("%s", err.text);
    assert_int_equal(totals.rows, 5000);
    buf_add(&text, "x,,t1\n");
    S_write(text.text, text.len);
    assert_false(csvmap_read(S_path, &S_shape, NULL, NULL, &err));
    assert_non_null(strstr(err.text, ":10002: 'organization_code' is empty"));
    buf_release(&text);
}

static void S_test_totals(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct csvmap_totals totals = {0};
    struct err err = {0};
    S_write_text(BOM H "1,a,t1\n1,a,t1\n2,b,T2\n1,a,t1\n");
    assert_true(S_read(&heard, &totals, &err));
    assert_int_equal(totals.rows, 4);
    assert_int_equal(totals.duplicates, 2);
    assert_int_equal(totals.warnings, 3);
    char hex[65];
    for (size_t i = 0; i < sizeof(totals.sha256); i++)
        snprintf(hex + 2 * i, 3, "%02x", totals.sha256[i]);
    assert_string_equal(hex, "7a6f140bab2c6d494eded90f176c5d802355d92665fa9c9359d430b58805afac");
    S_release_heard(&heard);
}

static void S_test_shape_without_organization(void **state)
{
    (void)state;
    const struct csvmap_shape chat = {"user_id", NULL, "tenant_code"};
    struct heard heard = {0};
    const struct csvmap_sink sink = {S_hear_row, NULL, &heard};
    struct err err = {0};

    S_write_text("\"user_id\",\"tenant_code\"\nu1,t1\nu2,T2\nu1,t1\n");
    assert_true(csvmap_read(S_path, &chat, &sink, NULL, &err));
    assert_string_equal(buf_text(&heard.rows), "2:u1|-|t1 3:u2|-|T2 4:u1|-|t1 ");
    S_write_text("user_id,tenant_code\nu1,t1\nu1,t2\n");
    assert_false(csvmap_read(S_path, &chat, &sink, NULL, &err));
    assert_non_null(
        strstr(err.text, ":3: user_id 'u1' has the codes 't2' here, but 't1' in line 2"));
    S_write_text(H "1,a,t1\n");
    assert_false(csvmap_read(S_path, &chat, &sink, NULL, &err));
    assert_non_null(strstr(err.hint, "user_id,tenant_code"));
    S_release_heard(&heard);
}

static void S_test_sink_ends_the_reading(void **state)
{
    (void)state;
    struct heard heard = {.stop_at = 3};
    struct err err = {0};
    S_write_text(H "1,a,t1\n2,b,t1\n3,c,t1\n");
    assert_false(S_read(&heard, NULL, &err));
    assert_int_equal(err.kind, ERR_LOST);
    assert_string_equal(buf_text(&heard.rows), "2:1|a|t1 ");
    S_release_heard(&heard);
}

static bool S_touch_file(void *ctx, const struct csvmap_row *row, struct err *err)
{
    (void)ctx;
    (void)row;
    (void)err;
    FILE *file = fopen(S_path, "a");
    assert_non_null(file);
    fputs("9,z,t9\n", file);
    fclose(file);
    return true;
}

static void S_test_change_while_reading(void **state)
{
    (void)state;
    const struct csvmap_sink sink = {.row = S_touch_file};
    struct err err = {0};
    S_write_text(H "1,a,t1\n");
    assert_false(csvmap_read(S_path, &S_shape, &sink, NULL, &err));
    assert_non_null(strstr(err.text, "changed while it was read"));
}

static void S_test_no_regular_file(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(csvmap_read("/tmp", &S_shape, NULL, NULL, &err));
    assert_non_null(strstr(err.text, "'/tmp' is not a regular file"));
    assert_int_equal(unlink(S_path), 0);
    assert_false(csvmap_read(S_path, &S_shape, NULL, NULL, &err));
    assert_non_null(strstr(err.text, strerror(ENOENT)));
    assert_int_equal(mkfifo(S_path, 0600), 0);
    assert_false(csvmap_read(S_path, &S_shape, NULL, NULL, &err));
    assert_non_null(strstr(err.text, "is not a regular file"));
    assert_true(err.hint[0] != '\0');
}

/* ---- many rows ---- */

static void S_write_rows(int rows, const char *last)
{
    FILE *file = fopen(S_path, "w");
    assert_non_null(file);
    fputs(H, file);
    /* 7919 is no divisor of a million: the keys come in no order, each of them once. */
    for (int64_t i = 0; i < rows; i++)
        fprintf(file, "%d,org_%d,t%d\n", (int)(i * 7919 % rows), (int)i, (int)(i % 50));
    fputs(last, file);
    assert_int_equal(fclose(file), 0);
}

static long S_peak_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void S_test_a_million_rows(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct csvmap_sink sink = {.warning = S_hear_warning, .ctx = &heard};
    struct csvmap_totals totals;
    struct err err = {0};

    S_write_rows(100000, "");
    assert_true(csvmap_read(S_path, &S_shape, &sink, &totals, &err));
    long before = S_peak_kb();
    S_write_rows(1000000, "0,org_0,t0\n");
    if (!csvmap_read(S_path, &S_shape, &sink, &totals, &err))
        fail_msg("%s", err.text);
    assert_int_equal(totals.rows, 1000001);
    assert_int_equal(totals.duplicates, 1);
    assert_string_equal(
        buf_text(&heard.warnings),
        "1000002!organization_id '0' stands in line 2 already, with the same codes\n");
    if (S_peak_kb() - before > 8 * 1024)
        fail_msg("a million rows took %ld kB more than a tenth of them", S_peak_kb() - before);
    S_release_heard(&heard);
}

static void S_test_conflict_among_many(void **state)
{
    (void)state;
    struct err err = {0};
    S_write_rows(200000, "1,other,t1\n");
    assert_false(csvmap_read(S_path, &S_shape, NULL, NULL, &err));
    assert_non_null(
        strstr(err.text, ":200002: organization_id '1' has the codes 'other', 't1' here"));
}

static void S_test_temporary_directory(void **state)
{
    (void)state;
    struct err err = {0};
    S_write_rows(70000, "");
    setenv("TMPDIR", "/nonexistent", 1);
    bool ok = csvmap_read(S_path, &S_shape, NULL, NULL, &err);
    unsetenv("TMPDIR");
    assert_false(ok);
    assert_non_null(strstr(err.text, "a temporary file in '/nonexistent' could not be made"));
    assert_non_null(strstr(err.hint, "TMPDIR"));
}

/* ---- collisions of hashes ---- */

/* Rows by line; the hashes are made equal on purpose. */
static const struct csvmap_row S_colliding[] = {
    {"alpha", "a", "t1", 0}, {"beta", "b", "t2", 1},  {"alpha", "a", "t1", 2},
    {"beta", "b", "t3", 3},  {"gamma", "c", "t1", 4}, {"ALPHA", "d", "t1", 5},
};

static bool S_fetch_colliding(void *ctx, const struct csvdup_mark *mark, int slot,
                              struct csvmap_row *row, struct err *err)
{
    (void)ctx;
    (void)slot;
    (void)err;
    *row = S_colliding[mark->line];
    return true;
}

static bool S_write_down(void *ctx, const struct csvdup_finding *finding, struct err *err)
{
    static const char *const kinds[] = {"same", "conflict", "alike"};
    (void)err;
    buf_format(ctx, "%s %d-%d ", kinds[finding->kind], finding->first.line, finding->second.line);
    return true;
}

static void S_test_collisions(void **state)
{
    (void)state;
    struct csvdup *dup = csvdup_new(4);
    struct buf told = {0};
    struct err err = {0};
    const struct csvdup_ops ops = {S_fetch_colliding, S_write_down, &told};

    for (int32_t i = 0; i < (int32_t)ARRAY_LEN(S_colliding); i++) {
        const struct csvdup_mark mark = {.folded = 1, .key = i < 5 ? 1 : 2, .line = i};
        assert_true(csvdup_add(dup, &mark, &err));
    }
    assert_true(csvdup_search(dup, &ops, &err));
    assert_string_equal(buf_text(&told), "same 0-2 conflict 1-3 alike 0-5 ");
    buf_release(&told);
    csvdup_free(dup);
}

/* ---- sorting in little memory ---- */

static int S_compare_ints(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return (left > right) - (left < right);
}

static void S_test_spill(void **state)
{
    (void)state;
    /* Below, at and above one memory-full, many runs, and one record in a window. */
    static const int counts[] = {0, 1, 63, 64, 65, 1000, 4096};
    for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
        struct spill *spill = spill_new(sizeof(int), 64, S_compare_ints);
        struct err err = {0};
        bool more;
        int value;
        for (int i = 0; i < counts[c]; i++) {
            value = (int)((int64_t)i * 7919 % counts[c]);
            assert_true(spill_add(spill, &value, &err));
        }
        for (int i = 0; i < counts[c]; i++) {
            assert_true(spill_take(spill, &value, &more, &err));
            assert_true(more);
            assert_int_equal(value, i);
        }
        assert_true(spill_take(spill, &value, &more, &err));
        assert_false(more);
        spill_free(spill);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(S_test_files, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_row_limit, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_row_limit_over_lines, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_window_borders, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_totals, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_shape_without_organization, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_sink_ends_the_reading, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_change_while_reading, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_no_regular_file, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_a_million_rows, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_conflict_among_many, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(S_test_temporary_directory, S_setup, S_teardown),
        cmocka_unit_test(S_test_collisions),
        cmocka_unit_test(S_test_spill),
    };
    return cmocka_run_group_tests_name("csvmap", tests, NULL, NULL);
}
