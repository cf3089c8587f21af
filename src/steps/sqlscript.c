/* sqlscript: see sqlscript.h. */
#include "sqlscript.h"

#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 8 };

enum token_kind {
    TOKEN_END,
    TOKEN_BLANK, /* blanks and comments */
    TOKEN_WORD,
    TOKEN_QUOTED, /* 'text', "name", $$text$$ */
    TOKEN_VARIABLE,
    TOKEN_SEMICOLON,
    TOKEN_OTHER,
    TOKEN_UNCLOSED,  /* what begins here has no end */
    TOKEN_BACKSLASH, /* a command of psql */
};

struct token {
    enum token_kind kind;
    const char *text;
    size_t len;
};

/* ---- tokens ---- */

static bool S_is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t S_word_length(const char *at, const char *end)
{
    size_t len = 0;
    while (at + len < end && (S_is_word(at[len]) || (len && at[len] == '$')))
        len++;
    return len;
}

/* The length up to and with the closing quote, which is doubled where it is meant; 0: no end. */
static size_t S_quote_length(const char *at, const char *end, bool escapes)
{
    for (const char *s = at + 1; s < end; s++) {
        if (escapes && *s == '\\')
            s++;
        else if (*s == *at && s + 1 < end && s[1] == *at)
            s++;
        else if (*s == *at)
            return (size_t)(s - at) + 1;
    }
    return 0;
}

/* $$ or $tag$ and all up to the next one; `*dollar` says whether one begins here at all. */
static size_t S_dollar_length(const char *at, const char *end, bool *dollar)
{
    size_t tag = 1;
    while (at + tag < end && S_is_word(at[tag]) && !(tag == 1 && isdigit((unsigned char)at[tag])))
        tag++;
    *dollar = at + tag < end && at[tag] == '$';
    tag++;
    if (!*dollar)
        return 0;
    for (const char *s = at + tag; s + tag <= end; s++)
        if (memcmp(s, at, tag) == 0)
            return (size_t)(s - at) + tag;
    return 0;
}

static size_t S_comment_length(const char *at, const char *end)
{
    size_t depth = 0;
    for (const char *s = at; s + 1 < end; s++) {
        if (s[0] == '/' && s[1] == '*') {
            depth++;
            s++;
        } else if (s[0] == '*' && s[1] == '/') {
            s++;
            if (--depth == 0)
                return (size_t)(s - at) + 1;
        }
    }
    return 0;
}

static size_t S_variable_length(const char *at, const char *end)
{
    size_t len = 2;
    if (end - at < 4 || (at[1] != '"' && at[1] != '\''))
        return 0;
    while (at + len < end && (isalnum((unsigned char)at[len]) || at[len] == '_'))
        len++;
    return len > 2 && at + len < end && at[len] == at[1] ? len + 1 : 0;
}

static size_t S_blank_length(const char *at, const char *end)
{
    size_t len = 0;
    if (end - at >= 2 && at[0] == '-' && at[1] == '-') {
        while (at + len < end && at[len] != '\n')
            len++;
        return len;
    }
    while (at + len < end && isspace((unsigned char)at[len]))
        len++;
    return len;
}

/* `closed` of length 0 is what has no end. */
static struct token S_closed(enum token_kind kind, const char *at, const char *end, size_t len)
{
    if (!len)
        return (struct token){TOKEN_UNCLOSED, at, (size_t)(end - at)};
    return (struct token){kind, at, len};
}

/* The token at `at`; `before` is the byte in front of it, or 0. */
static struct token S_next(const char *at, const char *end, char before)
{
    bool dollar = false;
    size_t len;
    if (at == end)
        return (struct token){TOKEN_END, at, 0};
    if ((len = S_blank_length(at, end)))
        return (struct token){TOKEN_BLANK, at, len};
    if (end - at >= 2 && at[0] == '/' && at[1] == '*')
        return S_closed(TOKEN_BLANK, at, end, S_comment_length(at, end));
    if (end - at >= 2 && (*at == 'e' || *at == 'E') && at[1] == '\'') {
        len = S_quote_length(at + 1, end, true);
        return S_closed(TOKEN_QUOTED, at, end, len ? len + 1 : 0);
    }
    if (*at == '\'' || *at == '"')
        return S_closed(TOKEN_QUOTED, at, end, S_quote_length(at, end, false));
    if (*at == '$' && ((len = S_dollar_length(at, end, &dollar)) || dollar))
        return S_closed(TOKEN_QUOTED, at, end, len);
    if (*at == ':' && before != ':' && (len = S_variable_length(at, end)))
        return (struct token){TOKEN_VARIABLE, at, len};
    if ((len = S_word_length(at, end)))
        return (struct token){TOKEN_WORD, at, len};
    return (struct token){*at == ';'    ? TOKEN_SEMICOLON
                          : *at == '\\' ? TOKEN_BACKSLASH
                                        : TOKEN_OTHER,
                          at, 1};
}

/* ---- statements ---- */

struct reader {
    struct sqlscript *script;
    const char *text, *end;
    int line;
    struct sqlscript_statement now; /* text NULL: nothing of it yet */
    size_t words;                   /* of its beginning, so far */
    bool words_over;
    size_t depth; /* of BEGIN ATOMIC … END, where semicolons end nothing */
    size_t cap, variable_cap;
};

static int S_lines_in(const char *text, size_t len)
{
    int lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    return lines;
}

static bool S_word_is(const struct token *token, const char *word)
{
    return token->len == strlen(word) && strncasecmp(token->text, word, token->len) == 0;
}

/* A body in standard SQL, as psql finds it: BEGIN, CASE and END in CREATE FUNCTION or PROCEDURE. */
static void S_follow_body(struct reader *r, const struct token *token)
{
    const char *words = r->now.words;
    if (!str_starts(words, "create") ||
        (!strstr(words, " function") && !strstr(words, " procedure")))
        return;
    if (S_word_is(token, "BEGIN") || (r->depth && S_word_is(token, "CASE")))
        r->depth++;
    else if (r->depth && S_word_is(token, "END"))
        r->depth--;
}

static void S_add_word(struct reader *r, const struct token *token)
{
    S_follow_body(r, token);
    if (r->words_over || r->words == WORDS_MAX)
        return;
    char *word = arena_strn(r->script->arena, token->text, token->len);
    for (char *c = word; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    r->now.words = r->words++ ? arena_format(r->script->arena, "%s %s", r->now.words, word) : word;
}

static void S_add_variable(struct reader *r, const struct token *token)
{
    struct sqlscript *script = r->script;
    const char *name = arena_strn(script->arena, token->text + 2, token->len - 3);
    for (size_t i = 0; i < script->variable_count; i++)
        if (script->variables[i].form == token->text[1] && str_is(script->variables[i].name, name))
            return;
    script->variables = mem_room(script->variables, script->variable_count, &r->variable_cap,
                                 sizeof(*script->variables));
    script->variables[script->variable_count++] =
        (struct sqlscript_variable){.name = name, .form = token->text[1], .line = r->line};
}

static void S_end_statement(struct reader *r, const char *at)
{
    struct sqlscript *script = r->script;
    if (r->now.text) {
        r->now.len = (size_t)(at - r->now.text);
        script->statements =
            mem_room(script->statements, script->count, &r->cap, sizeof(*script->statements));
        script->statements[script->count++] = r->now;
    }
    r->now = (struct sqlscript_statement){.words = ""};
    r->words = r->depth = 0;
    r->words_over = false;
}

static void S_take_token(struct reader *r, const struct token *token)
{
    if (token->kind == TOKEN_SEMICOLON && !r->depth) {
        S_end_statement(r, token->text);
        return;
    }
    if (token->kind == TOKEN_BLANK)
        return;
    if (!r->now.text) {
        r->now.text = token->text;
        r->now.line = r->line;
    }
    if (token->kind == TOKEN_VARIABLE)
        S_add_variable(r, token);
    if (token->kind == TOKEN_WORD)
        S_add_word(r, token);
    else
        r->words_over = true;
}

static bool S_cut(struct reader *r, struct err *err)
{
    char before = 0;
    const char *behind = r->text; /* the last token that was none of blanks */
    for (const char *at = r->text;;) {
        struct token token = S_next(at, r->end, before);
        if (token.kind == TOKEN_UNCLOSED)
            return sqlscript_error(r->script, r->line, err, "what begins with '%.*s' has no end",
                                   token.len < 10 ? (int)token.len : 10, token.text);
        if (token.kind == TOKEN_BACKSLASH)
            return sqlscript_error(r->script, r->line, err,
                                   "a command of psql ('\\') is not obeyed here: only SQL is");
        if (token.kind == TOKEN_END)
            break;
        S_take_token(r, &token);
        r->line += S_lines_in(token.text, token.len);
        at += token.len;
        before = at[-1];
        if (token.kind != TOKEN_BLANK)
            behind = at;
    }
    S_end_statement(r, behind);
    return r->script->count || sqlscript_error(r->script, 1, err, "it holds no statement");
}

/* ---- the file ---- */

bool sqlscript_parse(const char *path, const char *text, size_t len, struct sqlscript **out,
                     struct err *err)
{
    struct sqlscript *script = mem_new(sizeof(*script));
    const char *slash = strrchr(path, '/');
    script->arena = arena_new();
    script->path = arena_str(script->arena, path);
    script->file = arena_str(script->arena, slash ? slash + 1 : path);
    struct reader r = {.script = script, .line = 1, .now = {.words = ""}};
    bool ok = text_is_utf8(text, len) && !memchr(text, '\0', len);
    if (!ok)
        sqlscript_error(script, 1, err, "it is no text in UTF-8");
    r.text = arena_strn(script->arena, text, len);
    r.end = r.text + len;
    if (str_starts(r.text, "\xef\xbb\xbf"))
        r.text += 3;
    ok = ok && S_cut(&r, err);
    if (ok)
        *out = script;
    else
        sqlscript_free(script);
    return ok;
}

bool sqlscript_read(const char *path, const struct file_trust *trust, struct sqlscript **out,
                    struct err *err)
{
    struct file file;
    if (!file_read_trusted("SQL", path, trust, &file, err))
        return false;
    bool ok = sqlscript_parse(path, buf_text(&file.text), file.text.len, out, err);
    file_release(&file);
    return ok;
}

void sqlscript_free(struct sqlscript *script)
{
    if (!script)
        return;
    free(script->statements);
    free(script->variables);
    arena_free(script->arena);
    free(script);
}

bool sqlscript_starts(const struct sqlscript_statement *statement, const char *words)
{
    const char *have = statement->words, *replace = "create or replace ";
    size_t first = strlen("create ");
    if (str_starts(have, replace) && str_starts(words, "create ")) {
        have += strlen(replace);
        words += first;
    }
    size_t len = strlen(words);
    return strncmp(have, words, len) == 0 && (have[len] == ' ' || have[len] == '\0');
}

bool sqlscript_require(const struct sqlscript *script, const char *const *words, size_t count,
                       const char *rule, struct err *err)
{
    for (size_t i = 0; i < script->count; i++) {
        size_t k = 0;
        while (k < count && !sqlscript_starts(&script->statements[i], words[k]))
            k++;
        if (k == count)
            return sqlscript_error(script, script->statements[i].line, err, "%s", rule);
    }
    return true;
}

bool sqlscript_fill(const struct sqlscript *script, size_t statement,
                    const struct sql_variable *variables, size_t count, char **out, struct err *err)
{
    const struct sqlscript_statement *s = &script->statements[statement];
    const char *end = s->text + s->len;
    struct buf filled = {0};
    char before = 0;
    for (const char *at = s->text; at < end;) {
        struct token token = S_next(at, end, before);
        if (token.kind == TOKEN_VARIABLE) {
            char *name = str_ndup(token.text, token.len), *value = NULL;
            bool ok = sql_fill(name, variables, count, &value, err);
            buf_add(&filled, ok ? value : "");
            free(value);
            free(name);
            if (!ok) {
                buf_release(&filled);
                return sqlscript_context(script, statement, err);
            }
        } else {
            buf_add_mem(&filled, token.text, token.len);
        }
        at += token.len;
        before = at[-1];
    }
    *out = buf_take(&filled);
    return true;
}

/* ---- errors ---- */

bool sqlscript_error(const struct sqlscript *script, int line, struct err *err, const char *format,
                     ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&text, format, args);
    va_end(args);
    err_set(err, ERR_FAILED, "%s:%d: %s", script->path, line, buf_text(&text));
    buf_release(&text);
    return false;
}

bool sqlscript_context(const struct sqlscript *script, size_t statement, struct err *err)
{
    return err_context(err, "%s:%d", script->path, script->statements[statement].line);
}
