/* test_text: strict UTF-8, widths, and that nothing hostile comes out of the sanitiser. */
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define ACUTE "\xcc\x81" /* U+0301 */

/* ---- UTF-8 ---- */

static const struct {
    const char *bytes;
    int32_t rune; /* -1: invalid */
    size_t used;
} S_runes[] = {
    {"a", 'a', 1},
    {"\x7f", 0x7f, 1},
    {"\xc2\x80", 0x80, 2},
    {"\xdf\xbf", 0x7ff, 2},
    {"\xe0\xa0\x80", 0x800, 3},
    {"\xed\x9f\xbf", 0xd7ff, 3},
    {"\xee\x80\x80", 0xe000, 3},
    {"\xef\xbf\xbf", 0xffff, 3},
    {"\xf0\x90\x80\x80", 0x10000, 4},
    {"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
    {"\x80", -1, 1},                 /* a continuation alone */
    {"\xc0\xaf", -1, 1},             /* overlong '/' */
    {"\xc1\xbf", -1, 1},             /* overlong DEL */
    {"\xe0\x9f\xbf", -1, 1},         /* overlong in three */
    {"\xf0\x8f\xbf\xbf", -1, 1},     /* overlong in four */
    {"\xed\xa0\x80", -1, 1},         /* surrogate */
    {"\xed\xbf\xbf", -1, 1},         /* surrogate */
    {"\xf4\x90\x80\x80", -1, 1},     /* above U+10FFFF */
    {"\xf8\x88\x80\x80\x80", -1, 1}, /* five bytes */
    {"\xff", -1, 1},
    {"\xc3", -1, 1}, /* cut short */
    {"\xe2\x82", -1, 1},
    {"\xf0\x9f\x98", -1, 1},
    {"\xe2(\xa1", -1, 1},
};

static void S_test_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(S_runes); i++) {
        size_t used = 99, len = strlen(S_runes[i].bytes);
        assert_int_equal(text_next(S_runes[i].bytes, len, &used), S_runes[i].rune);
        assert_int_equal(used, S_runes[i].used);
        assert_int_equal(text_is_utf8(S_runes[i].bytes, len), S_runes[i].rune != -1);
    }
    assert_true(text_is_utf8("", 0));
    assert_true(text_is_utf8("a\0b", 3));
    assert_false(text_is_utf8("ok \xc3", 4));
}

static void S_test_next_stays_inside(void **state)
{
    (void)state;
    static const char euro[] = {'\xe2', '\x82', '\xac'};
    size_t used;
    assert_int_equal(text_next(euro, 3, &used), 0x20ac);
    assert_int_equal(text_next(euro, 2, &used), -1);
    assert_int_equal(used, 1);
    assert_int_equal(text_next(euro, 0, &used), -1);
    assert_int_equal(used, 0);
}

/* ---- widths ---- */

static const struct {
    int32_t rune;
    int width;
} S_widths[] = {
    {'a', 1},     {' ', 1},     {'~', 1},     {0x1b, 0},    {0x9b, 0},    {0xa0, 1},
    {0xad, 1},    {0xe9, 1},    {0x301, 0},   {0x300, 0},   {0x36f, 0},   {0x2ff, 1},
    {0x300, 0},   {0x36f, 0},   {0x370, 1},   {0x5d0, 1},   {0x200b, 0},  {0x200d, 0},
    {0x2026, 1},  {0x2588, 1},  {0xfe0f, 0},  {0x3042, 2},  {0x4e00, 2},  {0x9fff, 2},
    {0xac00, 2},  {0x1100, 2},  {0x1161, 0},  {0xff01, 2},  {0xff61, 1},  {0xfffd, 1},
    {0x1f600, 2}, {0x1f1e6, 1}, {0x20000, 2}, {0x2fffd, 2}, {0xe0100, 0}, {0x10ffff, 1}};

static void S_test_rune_widths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(S_widths); i++)
        if (text_rune_width(S_widths[i].rune) != S_widths[i].width)
            fail_msg("U+%04X is %d wide", (unsigned)S_widths[i].rune,
                     text_rune_width(S_widths[i].rune));
}

static void S_test_fit(void **state)
{
    (void)state;
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("e" ACUTE "a"), 2);
    assert_int_equal(text_fit("abc", 0), 0);
    assert_int_equal(text_fit("abc", 2), 2);
    assert_int_equal(text_fit("abc", 9), 3);
    assert_int_equal(text_fit("日本", 3), strlen("日"));
    assert_int_equal(text_fit("日本", 1), 0);
    assert_int_equal(text_fit("e" ACUTE "a", 1), strlen("e" ACUTE));
}

/* ---- padding ---- */

static const struct {
    const char *text;
    size_t width;
    enum text_align align;
    bool ascii;
    const char *padded;
} S_pads[] = {
    {"abc", 5, TEXT_LEFT, false, "abc  "},
    {"abc", 5, TEXT_RIGHT, false, "  abc"},
    {"abc", 3, TEXT_LEFT, false, "abc"},
    {"abcd", 3, TEXT_LEFT, false, "ab…"},
    {"abcd", 3, TEXT_LEFT, true, "ab~"},
    {"abcd", 3, TEXT_RIGHT, false, "ab…"},
    {"abcd", 1, TEXT_LEFT, false, "…"},
    {"abcd", 0, TEXT_LEFT, false, ""},
    {"", 3, TEXT_LEFT, false, "   "},
    {"", 0, TEXT_LEFT, false, ""},
    {"日本", 4, TEXT_LEFT, false, "日本"},
    {"日本", 3, TEXT_LEFT, false, "日…"},
    {"日本", 2, TEXT_LEFT, false, "… "},
    {"日本", 2, TEXT_RIGHT, false, " …"},
    {"日本語", 4, TEXT_LEFT, false, "日… "},
    {"日本語", 4, TEXT_RIGHT, true, " 日~"},
    {"日", 1, TEXT_LEFT, true, "~"},
    {"e" ACUTE "e" ACUTE, 1, TEXT_LEFT, false, "…"},
    {"e" ACUTE, 2, TEXT_LEFT, false, "e" ACUTE " "},
};

static void S_test_pad(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(S_pads); i++) {
        struct buf out = {0};
        text_pad(&out, S_pads[i].text, S_pads[i].width, S_pads[i].align, S_pads[i].ascii);
        assert_string_equal(buf_text(&out), S_pads[i].padded);
        assert_int_equal(text_width(buf_text(&out)), S_pads[i].width);
        buf_release(&out);
    }
}

/* ---- the sanitiser ---- */

static const struct {
    const char *raw, *clean;
} S_hostile[] = {
    {"plain", "plain"},
    {"Zürich 日本 😀", "Zürich 日本 😀"},
    {"back\\slash", "back\\slash"},
    {"a\nb\tc\rd", "a\\nb c\\rd"},
    {"\x1b]52;c;cm0gLXJmIC8=\x07", "\\x1b]52;c;cm0gLXJmIC8=\\x07"}, /* clipboard */
    {"\x1b]0;root@prod\x1b\\", "\\x1b]0;root@prod\\x1b\\"},         /* title */
    {"\x1b]8;;http://x\x07link", "\\x1b]8;;http://x\\x07link"},     /* link */
    {"\x1b]0;never ended", "\\x1b]0;never ended"},
    {"\x1b[6n", "\\x1b[6n"}, /* answers back */
    {"\x1b[c\x1b[>0q", "\\x1b[c\\x1b[>0q"},
    {"\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"}, /* clears the screen */
    {"\x1b[?1049h", "\\x1b[?1049h"},
    {"\x1bP$q\"p\x1b\\", "\\x1bP$q\"p\\x1b\\"}, /* DCS */
    {"\x1b_Gf=24;AAAA\x1b\\", "\\x1b_Gf=24;AAAA\\x1b\\"},
    {"\x1b^pm\x1b\\", "\\x1b^pm\\x1b\\"},
    {"\x1b"
     "c",
     "\\x1b"
     "c"},                       /* resets the terminal */
    {"\x1b(0lqk", "\\x1b(0lqk"}, /* line drawing */
    {"\x0e\x0f\x05\x08\x0b\x0c", "\\x0e\\x0f\\x05\\x08\\x0b\\x0c"},
    {"\x7f", "\\x7f"},
    {"\x9b"
     "6n",
     REPLACEMENT "6n"}, /* CSI of eight bits */
    {"\x9d"
     "0;t\x9c",
     REPLACEMENT "0;t" REPLACEMENT},
    {"\xc2\x9b"
     "6n",
     "\\x9b"
     "6n"}, /* CSI as UTF-8 */
    {"\xc2\x90q\xc2\x9c", "\\x90q\\x9c"},
    {"\xc2\x85next", "\\x85next"},
    {"user\xe2\x80\xaegnp.exe", "user\\u202egnp.exe"},
    {"\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad", "\\u202a\\u202b\\u202c\\u202d"},
    {"\xe2\x81\xa6x\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "\\u2066x\\u2067\\u2068\\u2069"},
    {"\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u200e\\u200f\\u061c"},
    {"pay\xe2\x80\x8bpal", "pay\\u200bpal"},
    {"a\xe2\x80\x8c\xe2\x80\x8d\xe2\x81\xa0\xef\xbb\xbf", "a\\u200c\\u200d\\u2060\\ufeff"},
    {"a\xc2\xad"
     "b",
     "a\\xad"
     "b"},                                 /* soft hyphen */
    {"\xe3\x85\xa4", "\\u3164"},           /* a blank that is a letter */
    {"a\xf3\xa0\x81\x81", "a\\U000e0041"}, /* tag A */
    {"a\xe2\x80\xa8"
     "b\xe2\x80\xa9",
     "a\\u2028"
     "b\\u2029"},
    {"\xc0\xaf", REPLACEMENT REPLACEMENT}, /* overlong */
    {"\xe0\x80\x9b", REPLACEMENT REPLACEMENT REPLACEMENT},
    {"\xc1\x9b[6n", REPLACEMENT REPLACEMENT "[6n"}, /* overlong ESC-like */
    {"\xed\xa0\x80", REPLACEMENT REPLACEMENT REPLACEMENT},
    {"cut \xe2\x82", "cut " REPLACEMENT REPLACEMENT},
    {"\xe2\x1b[6n", REPLACEMENT "\\x1b[6n"}, /* a lead byte must not swallow the ESC */
    {"Z\xfcrich", "Z" REPLACEMENT "rich"},
    {"e" ACUTE ACUTE ACUTE ACUTE, "e" ACUTE ACUTE ACUTE ACUTE},
    {"e" ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE "x" ACUTE,
     "e" ACUTE ACUTE ACUTE ACUTE REPLACEMENT REPLACEMENT "x" ACUTE},
    {ACUTE "a", REPLACEMENT "a"}, /* would sit on the neighbour */
    {"\xe8\x91\x9b\xf3\xa0\x84\x80", "\xe8\x91\x9b\xf3\xa0\x84\x80"}, /* a name's variant */
};

/* No byte that a terminal would obey, nothing hidden, and valid UTF-8. */
static void S_assert_harmless(const char *clean, bool lines)
{
    assert_true(text_is_utf8(clean, strlen(clean)));
    for (size_t used, len = strlen(clean); len; clean += used, len -= used) {
        int32_t rune = text_next(clean, len, &used);
        bool control = rune < 0x20 || (rune >= 0x7f && rune < 0xa0);
        bool turns = rune == 0x61c || (rune >= 0x200b && rune <= 0x200f) ||
                     (rune >= 0x2028 && rune <= 0x202e) || (rune >= 0x2060 && rune <= 0x206f);
        if ((control && !(lines && rune == '\n')) || turns)
            fail_msg("U+%04X came through", (unsigned)rune);
    }
}

/* Whatever the width of a cell is, it is kept. */
static void S_assert_pads(const char *clean)
{
    for (size_t width = 0; width < 12; width++)
        for (int align = TEXT_LEFT; align <= TEXT_RIGHT; align++) {
            struct buf out = {0};
            text_pad(&out, clean, width, (enum text_align)align, width % 2);
            assert_int_equal(text_width(buf_text(&out)), width);
            buf_release(&out);
        }
}

static void S_test_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(S_hostile); i++) {
        char *clean = text_cleaned(S_hostile[i].raw);
        assert_string_equal(clean, S_hostile[i].clean);
        S_assert_harmless(clean, false);
        S_assert_pads(clean);
        free(clean);
    }
}

static void S_test_every_rune(void **state)
{
    (void)state;
    for (int32_t rune = 0; rune < 0x110000; rune++) {
        if (rune >= 0xd800 && rune <= 0xdfff)
            continue;
        char raw[5] = {'x'};
        size_t len = 1;
        if (rune < 0x80)
            raw[len++] = (char)rune;
        else if (rune < 0x800)
            raw[len++] = (char)(0xc0 | rune >> 6);
        else if (rune < 0x10000)
            raw[len++] = (char)(0xe0 | rune >> 12), raw[len++] = (char)(0x80 | (rune >> 6 & 0x3f));
        else
            continue;
        if (rune >= 0x80)
            raw[len++] = (char)(0x80 | (rune & 0x3f));
        struct buf out = {0};
        text_clean(&out, raw, len);
        S_assert_harmless(out.text, false);
        assert_true(text_width(out.text) >= 1);
        buf_release(&out);
    }
}

/* Bytes of no sense at all, the same on every run. */
static void S_test_noise(void **state)
{
    (void)state;
    uint32_t seed = 12345;
    for (int round = 0; round < 3000; round++) {
        char raw[48];
        for (size_t i = 0; i < sizeof(raw); i++) {
            seed = seed * 1664525 + 1013904223;
            raw[i] = (char)(seed >> 24);
        }
        struct buf out = {0}, lines = {0};
        text_clean(&out, raw, sizeof(raw));
        text_clean_lines(&lines, raw, sizeof(raw));
        S_assert_harmless(buf_text(&out), false);
        S_assert_harmless(buf_text(&lines), true);
        S_assert_pads(buf_text(&out));
        buf_release(&out);
        buf_release(&lines);
    }
}

static void S_test_long_names(void **state)
{
    (void)state;
    struct buf raw = {0}, clean = {0}, cell = {0};
    for (int i = 0; i < 1024; i++)
        buf_add(&raw, "\x1b"
                      "日");
    text_clean(&clean, raw.text, raw.len);
    S_assert_harmless(clean.text, false);
    assert_int_equal(text_width(clean.text), 1024 * 6);
    text_pad(&cell, clean.text, 20, TEXT_LEFT, false);
    assert_string_equal(cell.text, "\\x1b日\\x1b日\\x1b日\\…");
    buf_clear(&raw);
    buf_clear(&clean);
    buf_add(&raw, "e");
    for (int i = 0; i < 2048; i++)
        buf_add(&raw, ACUTE);
    text_clean(&clean, raw.text, raw.len);
    assert_int_equal(text_width(clean.text), 1 + 2048 - 4);
    buf_release(&raw);
    buf_release(&clean);
    buf_release(&cell);
}

static void S_test_lines(void **state)
{
    (void)state;
    struct buf out = {0};
    text_clean_lines(&out, "one\ntwo\x1b[m\r\n" ACUTE "x\t.", 17);
    assert_string_equal(out.text, "one\ntwo\\x1b[m\\r\n" REPLACEMENT "x .");
    buf_clear(&out);
    text_clean(&out, "a\0b", 3);
    assert_string_equal(out.text, "a\\x00b");
    buf_release(&out);
}

/* ---- numbers ---- */

static void S_test_count(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        const char *text;
    } counts[] = {{0, "0"},
                  {7, "7"},
                  {999, "999"},
                  {1000, "1,000"},
                  {1234567, "1,234,567"},
                  {-1, "-1"},
                  {-123, "-123"},
                  {-1234, "-1,234"},
                  {INT64_MAX, "9,223,372,036,854,775,807"},
                  {INT64_MIN, "-9,223,372,036,854,775,808"}};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct buf out = {0};
        text_count(&out, counts[i].n);
        assert_string_equal(out.text, counts[i].text);
        buf_release(&out);
    }
}

static void S_test_bytes(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        const char *text;
    } sizes[] = {{0, "0 B"},          {512, "512 B"},       {1023, "1023 B"},
                 {1024, "1.0 kB"},    {1229, "1.2 kB"},     {10188, "9.9 kB"},
                 {10200, "10 kB"},    {1047551, "1023 kB"}, {1048064, "1.0 MB"},
                 {35651584, "34 MB"}, {-2048, "-2.0 kB"},   {INT64_MAX, "8.0 EB"}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct buf out = {0};
        text_bytes(&out, sizes[i].n);
        assert_string_equal(out.text, sizes[i].text);
        buf_release(&out);
    }
}

static void S_test_csv(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},          {"a b", "\"a b\""},          {"a \"b\"", "\"a \"\"b\"\"\""},
        {"=1+1", "\"'=1+1\""}, {"-x", "\"'-x\""},           {"a=b", "\"a=b\""},
        {"a\nb", "\"a\\nb\""}, {"\x1b[1m", "\"\\x1b[1m\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        text_csv(&out, cases[i][0]);
        assert_string_equal(out.text, cases[i][1]);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S_test_next),        cmocka_unit_test(S_test_next_stays_inside),
        cmocka_unit_test(S_test_rune_widths), cmocka_unit_test(S_test_fit),
        cmocka_unit_test(S_test_pad),         cmocka_unit_test(S_test_hostile),
        cmocka_unit_test(S_test_every_rune),  cmocka_unit_test(S_test_noise),
        cmocka_unit_test(S_test_long_names),  cmocka_unit_test(S_test_lines),
        cmocka_unit_test(S_test_csv),         cmocka_unit_test(S_test_count),
        cmocka_unit_test(S_test_bytes),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
