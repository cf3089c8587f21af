/*
 * ini: see ini.h. Reads the shape of a file and nothing more: what a section or a key means, and
 * whether there may be two of it, is the business of whoever asked.
 */
#include "ini.h"

#include "file.h"
#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

enum { BYTE_ORDER_MARK_LEN = 3 };

struct parser {
    struct ini *ini;
    const char *at, *end;
    int line;
    struct ini_section *sections; /* moved into the arena when the file has been read */
    size_t section_cap;
    struct ini_entry *entries; /* of the section that is being read; moved when it ends */
    size_t entry_count, entry_cap;
    struct buf word;
};

bool ini_error(const struct ini *ini, int line, struct err *err, const char *format, ...)
{
    struct buf sentence = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&sentence, format, args);
    va_end(args);
    err_set(err, ERR_FAILED, "%s:%d: %s", ini->path, line, buf_text(&sentence));
    buf_release(&sentence);
    return false;
}

/* ---- characters ---- */

static bool S_is_word(char c)
{
    return ((unsigned char)c < 0x80 && isalnum((unsigned char)c)) || c == '-';
}

static int S_peek(const struct parser *p)
{
    return p->at < p->end ? (unsigned char)*p->at : '\n';
}

/* For messages: how many bytes the character has that stands here. */
static int S_rune_length(const struct parser *p)
{
    size_t used;
    text_next(p->at, (size_t)(p->end - p->at), &used);
    return (int)used;
}

/* CRLF ends a line as LF does; a CR elsewhere is a character like others. */
static bool S_at_line_end(const struct parser *p)
{
    return S_peek(p) == '\n' || (S_peek(p) == '\r' && (p->at + 1 == p->end || p->at[1] == '\n'));
}

static void S_next_line(struct parser *p)
{
    while (p->at < p->end && *p->at != '\n')
        p->at++;
    if (p->at < p->end)
        p->at++;
    p->line++;
}

static void S_skip_blanks(struct parser *p)
{
    while (S_peek(p) == ' ' || S_peek(p) == '\t')
        p->at++;
}

static bool S_at_rest(struct parser *p)
{
    return S_at_line_end(p) || S_peek(p) == '#' || S_peek(p) == ';';
}

static void S_lower(struct buf *word)
{
    for (size_t i = 0; i < word->len; i++)
        word->text[i] = (char)tolower((unsigned char)word->text[i]);
}

/* ---- sections ---- */

static void S_end_section(struct parser *p)
{
    if (!p->ini->count)
        return;
    struct ini_section *last = &p->sections[p->ini->count - 1];
    size_t size = p->entry_count * sizeof(*p->entries);
    last->entries = arena_alloc(p->ini->arena, size);
    last->count = p->entry_count;
    if (size)
        memcpy(last->entries, p->entries, size);
    p->entry_count = 0;
}

static bool S_read_label(struct parser *p, struct err *err)
{
    buf_clear(&p->word);
    for (p->at++; S_peek(p) != '"'; p->at++) {
        bool escaped = S_peek(p) == '\\';
        p->at += escaped;
        if (S_at_line_end(p))
            return ini_error(p->ini, p->line, err,
                             "the quote of the section's label is not closed");
        if (escaped && *p->at != '"' && *p->at != '\\')
            return ini_error(p->ini, p->line, err, "a label knows \\\" and \\\\, not '\\%.*s'",
                             S_rune_length(p), p->at);
        buf_add_char(&p->word, *p->at);
    }
    p->at++;
    if (!p->word.len)
        return ini_error(p->ini, p->line, err, "the section's label is empty");
    return true;
}

static bool S_read_section(struct parser *p, struct err *err)
{
    struct ini_section section = {.line = p->line};

    buf_clear(&p->word);
    for (p->at++; S_is_word((char)S_peek(p)); p->at++)
        buf_add_char(&p->word, *p->at);
    if (!p->word.len)
        return ini_error(p->ini, p->line, err, "a section is written [name] or [name \"label\"]");
    S_lower(&p->word);
    section.name = arena_str(p->ini->arena, p->word.text);
    S_skip_blanks(p);
    if (S_peek(p) == '"') {
        if (!S_read_label(p, err))
            return false;
        section.label = arena_str(p->ini->arena, p->word.text);
    }
    if (S_peek(p) != ']')
        return ini_error(p->ini, p->line, err, "section '%s' is not closed with ']'", section.name);
    p->at++;
    S_skip_blanks(p);
    if (!S_at_rest(p))
        return ini_error(p->ini, p->line, err, "something stands after section '%s' in its line",
                         section.name);
    S_end_section(p);
    p->sections = mem_room(p->sections, p->ini->count, &p->section_cap, sizeof(*p->sections));
    p->sections[p->ini->count++] = section;
    return true;
}

/* ---- keys and values ---- */

static bool S_read_key(struct parser *p, const char **key, struct err *err)
{
    buf_clear(&p->word);
    while (S_is_word((char)S_peek(p))) {
        buf_add_char(&p->word, *p->at++);
        bool blank_inside = S_peek(p) == ' ' && p->at + 1 < p->end && S_is_word(p->at[1]);
        if (blank_inside)
            buf_add_char(&p->word, *p->at++);
    }
    if (!p->word.len)
        return ini_error(p->ini, p->line, err,
                         "neither a section, nor a key, nor a comment begins with '%.*s'",
                         S_rune_length(p), p->at);
    S_lower(&p->word);
    *key = arena_str(p->ini->arena, p->word.text);
    S_skip_blanks(p);
    if (S_peek(p) == '=')
        return true;
    if (S_at_rest(p))
        ini_error(p->ini, p->line, err, "key '%s' has no '='", *key);
    else
        ini_error(p->ini, p->line, err, "after '%s' stands something that is neither '=' nor a key",
                  *key);
    return err_hint(err, "keys are letters, digits, '-' and single blanks: key = value");
}

/* Stands on the backslash; leaves it and what it escapes behind. */
static bool S_read_escape(struct parser *p, const char *key, struct err *err)
{
    static const char letters[] = "\"\\nt", meanings[] = "\"\\\n\t";

    p->at++;
    if (S_at_line_end(p)) {
        int line = p->line;
        S_next_line(p);
        if (p->at < p->end)
            return true;
        return ini_error(p->ini, line, err,
                         "the value of '%s' goes on after the last line of the file", key);
    }
    const char *letter = strchr(letters, *p->at);
    if (!letter) {
        ini_error(p->ini, p->line, err, "the value of '%s' has the unknown escape '\\%.*s'", key,
                  S_rune_length(p), p->at);
        return err_hint(err, "known are \\\" \\\\ \\n \\t; a backslash itself is written \\\\");
    }
    buf_add_char(&p->word, meanings[letter - letters]);
    p->at++;
    return true;
}

/*
 * Blanks at the end of a value are dropped unless they were quoted or escaped: `kept` is how much
 * of the word stays in any case.
 */
static bool S_read_value(struct parser *p, const char *key, const char **value, struct err *err)
{
    bool quoted = false;
    int quote_line = p->line;
    size_t kept = 0;

    buf_clear(&p->word);
    while (quoted ? !S_at_line_end(p) : !S_at_rest(p)) {
        if (*p->at == '\\') {
            size_t before = p->word.len;
            if (!S_read_escape(p, key, err))
                return false;
            kept = p->word.len > before ? p->word.len : kept;
        } else if (*p->at == '"') {
            quoted = !quoted;
            quote_line = p->line;
            kept = p->word.len;
            p->at++;
        } else {
            if (quoted || (*p->at != ' ' && *p->at != '\t'))
                kept = p->word.len + 1;
            buf_add_char(&p->word, *p->at++);
        }
    }
    if (quoted) {
        ini_error(p->ini, quote_line, err, "a quote in the value of '%s' is not closed", key);
        return err_hint(err, "a quote that belongs to the value is written \\\"");
    }
    *value = arena_strn(p->ini->arena, buf_text(&p->word), kept);
    return true;
}

static bool S_read_entry(struct parser *p, struct err *err)
{
    struct ini_entry entry = {.line = p->line};

    if (!S_read_key(p, &entry.key, err))
        return false;
    if (!p->ini->count) {
        ini_error(p->ini, p->line, err, "key '%s' stands before any section", entry.key);
        return err_hint(err, "a section is opened by a line like [plan] or [table \"sessions\"]");
    }
    p->at++;
    S_skip_blanks(p);
    if (!S_read_value(p, entry.key, &entry.value, err))
        return false;
    p->entries = mem_room(p->entries, p->entry_count, &p->entry_cap, sizeof(*p->entries));
    p->entries[p->entry_count++] = entry;
    return true;
}

static bool S_read_lines(struct parser *p, struct err *err)
{
    for (; p->at < p->end; S_next_line(p)) {
        S_skip_blanks(p);
        if (S_at_rest(p))
            continue;
        if (!(S_peek(p) == '[' ? S_read_section(p, err) : S_read_entry(p, err)))
            return false;
    }
    return true;
}

/* ---- the file as a whole ---- */

static int S_line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

/* What is refused before a single line is looked at. `text` is behind a byte order mark. */
static bool S_check_bytes(const struct ini *ini, const char *text, size_t len, struct err *err)
{
    const char *end = text + len;

    if (len > FILE_LIMIT)
        return ini_error(ini, 1, err, "the file is over 1 MB, which no deck or plan needs");
    for (const char *at = text; at < end;) {
        size_t used;
        int32_t rune = text_next(at, (size_t)(end - at), &used);
        if (rune > 0 && rune != 0xfeff) {
            at += used;
            continue;
        }
        ini_error(ini, S_line_of(text, at), err, "%s",
                  rune == 0        ? "a NUL byte stands in the text"
                  : rune == 0xfeff ? "a byte order mark stands in the middle of the file"
                                   : "the text is no valid UTF-8");
        return err_hint(err, "save the file as plain UTF-8 text");
    }
    return true;
}

static bool S_parse(struct ini *ini, const char *text, size_t len, struct err *err)
{
    struct parser p = {.ini = ini, .at = text, .end = text + len, .line = 1};
    bool ok = S_read_lines(&p, err);

    if (ok) {
        S_end_section(&p);
        ini->sections = arena_array(ini->arena, ini->count, sizeof(*ini->sections));
        if (ini->count)
            memcpy(ini->sections, p.sections, ini->count * sizeof(*ini->sections));
    }
    free(p.sections);
    free(p.entries);
    buf_release(&p.word);
    return ok;
}

bool ini_parse(const char *path, const char *text, size_t len, struct ini **out, struct err *err)
{
    struct arena *arena = arena_new();
    struct ini *ini = arena_alloc(arena, sizeof(*ini));

    ini->arena = arena;
    ini->path = arena_str(arena, path);
    if (len >= BYTE_ORDER_MARK_LEN && !memcmp(text, BYTE_ORDER_MARK, BYTE_ORDER_MARK_LEN)) {
        text += BYTE_ORDER_MARK_LEN;
        len -= BYTE_ORDER_MARK_LEN;
    }
    if (!S_check_bytes(ini, text, len, err) || !S_parse(ini, text, len, err)) {
        arena_free(arena);
        return false;
    }
    *out = ini;
    return true;
}

bool ini_read(const char *path, struct ini **out, struct err *err)
{
    struct file file = {0};
    if (!file_read(path, &file, err))
        return false;
    bool ok = ini_parse(path, buf_text(&file.text), file.text.len, out, err);
    if (ok)
        (*out)->whose = file.whose;
    file_release(&file);
    return ok;
}

void ini_free(struct ini *ini)
{
    if (ini)
        arena_free(ini->arena);
}

const char *ini_value(const struct ini_section *section, const char *key)
{
    for (size_t i = section->count; i > 0; i--)
        if (str_is(section->entries[i - 1].key, key))
            return section->entries[i - 1].value;
    return NULL;
}
