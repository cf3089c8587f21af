/*
 * text: see text.h. Knows bytes, code points and columns; knows no locale, no file and no screen.
 */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BAD_BYTE = -1,
    MARKS_MAX = 4, /* marks on one letter: living languages need no more, floods do */
};

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS "\xe2\x80\xa6"    /* U+2026 */

/* ---- UTF-8 ---- */

/* One row a length: which first byte announces it, and the least it may say (no overlong forms). */
static const struct {
    unsigned char mask, lead;
    size_t length;
    int32_t least;
} S_forms[] = {
    {0x80, 0x00, 1, 0},
    {0xe0, 0xc0, 2, 0x80},
    {0xf0, 0xe0, 3, 0x800},
    {0xf8, 0xf0, 4, 0x10000},
};

static bool S_is_scalar(int32_t rune)
{
    return rune <= 0x10ffff && (rune < 0xd800 || rune > 0xdfff);
}

static int32_t S_decode(const unsigned char *s, size_t length, unsigned char mask)
{
    int32_t rune = s[0] & (unsigned char)~mask;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return BAD_BYTE;
        rune = rune << 6 | (s[i] & 0x3f);
    }
    return rune;
}

int32_t text_next(const char *s, size_t len, size_t *used)
{
    const unsigned char *bytes = (const unsigned char *)s;
    *used = len ? 1 : 0;
    for (size_t i = 0; len && i < ARRAY_LEN(S_forms); i++) {
        if ((bytes[0] & S_forms[i].mask) != S_forms[i].lead)
            continue;
        if (S_forms[i].length > len)
            return BAD_BYTE;
        int32_t rune = S_decode(bytes, S_forms[i].length, S_forms[i].mask);
        if (rune < S_forms[i].least || !S_is_scalar(rune))
            return BAD_BYTE;
        *used = S_forms[i].length;
        return rune;
    }
    return BAD_BYTE;
}

bool text_is_utf8(const char *s, size_t len)
{
    while (len) {
        size_t used = 1;
        if ((unsigned char)*s >= 0x80 && text_next(s, len, &used) == BAD_BYTE)
            return false;
        s += used;
        len -= used;
    }
    return true;
}

void text_end_whole(char *s)
{
    size_t len = strlen(s), begun = 0; /* bytes of the last letter, its first one left out */
    while (begun < 3 && begun + 1 < len && ((unsigned char)s[len - 1 - begun] & 0xc0) == 0x80)
        begun++;
    for (size_t i = 0; len && i < ARRAY_LEN(S_forms); i++) {
        char *first = s + len - 1 - begun;
        if (((unsigned char)*first & S_forms[i].mask) == S_forms[i].lead &&
            begun + 1 < S_forms[i].length)
            *first = '\0';
    }
}

/* ---- columns ---- */

size_t text_width(const char *s)
{
    size_t width = 0, len = strlen(s), used;
    for (; len; s += used, len -= used) {
        int32_t rune = text_next(s, len, &used);
        width += rune == BAD_BYTE ? 1 : (size_t)text_rune_width(rune);
    }
    return width;
}

size_t text_fit(const char *s, size_t width)
{
    size_t fits = 0, columns = 0, len = strlen(s), used;
    for (; fits < len; fits += used) {
        int32_t rune = text_next(s + fits, len - fits, &used);
        columns += rune == BAD_BYTE ? 1 : (size_t)text_rune_width(rune);
        if (columns > width)
            break;
    }
    return fits;
}

static void S_add_blanks(struct buf *out, size_t count)
{
    while (count--)
        buf_add_char(out, ' ');
}

static void S_add_aligned(struct buf *out, const char *s, size_t width, enum text_align align)
{
    size_t blanks = width - text_width(s);
    if (align == TEXT_RIGHT)
        S_add_blanks(out, blanks);
    buf_add(out, s);
    if (align == TEXT_LEFT)
        S_add_blanks(out, blanks);
}

void text_pad(struct buf *out, const char *s, size_t width, enum text_align align, bool ascii)
{
    if (text_width(s) <= width) {
        S_add_aligned(out, s, width, align);
    } else if (width) {
        /* A wide character that would straddle the cut is left out, so the rest may be short. */
        struct buf cut = {0};
        buf_add_mem(&cut, s, text_fit(s, width - 1));
        buf_add(&cut, ascii ? "~" : ELLIPSIS);
        S_add_aligned(out, cut.text, width, align);
        buf_release(&cut);
    }
}

/* ---- the sanitiser ---- */

/*
 * Code points that steer, hide or turn what stands beside them, and are never part of a word that
 * a person would miss. Ideographic variation selectors (E0100 to E01EF) spell names: they count as
 * marks instead.
 */
static const struct {
    int32_t first, last;
} S_unsafe[] = {
    {0x0000, 0x001f},   /* C0 */
    {0x007f, 0x009f},   /* DEL, C1 */
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x034f, 0x034f},   /* grapheme joiner */
    {0x061c, 0x061c},   /* Arabic letter mark */
    {0x115f, 0x1160},   /* Hangul fillers */
    {0x17b4, 0x17b5},   /* Khmer inherent vowels */
    {0x180b, 0x180f},   /* Mongolian selectors */
    {0x200b, 0x200f},   /* zero width, left-to-right and right-to-left mark */
    {0x2028, 0x202e},   /* line and paragraph separator, bidi embedding and override */
    {0x2060, 0x206f},   /* word joiner, invisible operators, bidi isolates */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xffa0, 0xffa0},   /* halfwidth Hangul filler */
    {0xfff0, 0xfffb},   /* interlinear annotation */
    {0x1bca0, 0x1bca3}, /* shorthand format controls */
    {0x1d173, 0x1d17a}, /* musical format controls */
    {0xe0000, 0xe00ff}, /* tags */
    {0xe01f0, 0xe0fff},
};

static bool S_is_unsafe(int32_t rune)
{
    for (size_t i = 0; i < ARRAY_LEN(S_unsafe) && rune >= S_unsafe[i].first; i++)
        if (rune <= S_unsafe[i].last)
            return true;
    return false;
}

static void S_add_escape(struct buf *out, int32_t rune)
{
    if (rune == '\t')
        buf_add_char(out, ' ');
    else if (rune == '\n')
        buf_add(out, "\\n");
    else if (rune == '\r')
        buf_add(out, "\\r");
    else if (rune <= 0xff)
        buf_format(out, "\\x%02x", (unsigned)rune);
    else if (rune <= 0xffff)
        buf_format(out, "\\u%04x", (unsigned)rune);
    else
        buf_format(out, "\\U%08x", (unsigned)rune);
}

static size_t S_plain_run(const char *s, size_t len)
{
    size_t run = 0;
    while (run < len && s[run] >= 0x20 && s[run] < 0x7f)
        run++;
    return run;
}

static void S_clean(struct buf *out, const char *s, size_t len, bool keep_lines)
{
    /* A mark with no letter before it would sit on what the screen shows beside this text. */
    int marks = MARKS_MAX;

    for (size_t used; len; s += used, len -= used) {
        used = S_plain_run(s, len);
        if (used) {
            buf_add_mem(out, s, used);
            marks = 0;
            continue;
        }
        int32_t rune = text_next(s, len, &used);
        bool line_end = rune == '\n' && keep_lines;
        bool mark = rune != BAD_BYTE && !S_is_unsafe(rune) && text_rune_width(rune) == 0;
        if (rune == BAD_BYTE || (mark && marks >= MARKS_MAX))
            buf_add(out, REPLACEMENT);
        else if (S_is_unsafe(rune) && !line_end)
            S_add_escape(out, rune);
        else
            buf_add_mem(out, s, used);
        marks = line_end ? MARKS_MAX : mark ? marks + (marks < MARKS_MAX) : 0;
    }
}

void text_clean(struct buf *out, const char *s, size_t len)
{
    S_clean(out, s, len, false);
}

char *text_cleaned(const char *s)
{
    struct buf out = {0};
    text_clean(&out, s, strlen(s));
    return buf_take(&out);
}

void text_clean_lines(struct buf *out, const char *s, size_t len)
{
    S_clean(out, s, len, true);
}

/* ---- numbers ---- */

void text_csv(struct buf *out, const char *raw)
{
    char *clean = text_cleaned(raw);
    buf_add(out, *clean && strchr("=+-@", *clean) ? "\"'" : "\"");
    for (const char *c = clean; *c; c++) {
        if (*c == '"')
            buf_add_char(out, '"');
        buf_add_char(out, *c);
    }
    buf_add_char(out, '"');
    free(clean);
}

static uint64_t S_magnitude(int64_t n)
{
    return n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
}

void text_count(struct buf *out, int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)S_magnitude(n));
    if (n < 0)
        buf_add_char(out, '-');
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf_add_char(out, ',');
        buf_add_char(out, digits[i]);
    }
}

void text_bytes(struct buf *out, int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double amount = (double)S_magnitude(bytes);
    size_t unit = 0;

    /* What would round up to 1024 of a unit, or to 10.0 of it, is shown in the next shape. */
    for (; amount >= (unit ? 1023.5 : 1024.0); unit++)
        amount /= 1024.0;
    buf_format(out, "%s%.*f %s", bytes < 0 ? "-" : "", unit && amount < 9.95, amount, units[unit]);
}
