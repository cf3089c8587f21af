/* sql: see sql.h. The table of statements is made at build time, see sql/embed.awk. */
#include "sql.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int S_compare(const void *name, const void *statement)
{
    return strcmp(name, ((const struct sql_statement *)statement)->name);
}

const struct sql_statement *sql_find(const char *name)
{
    return bsearch(name, sql_statements, sql_statement_count, sizeof(*sql_statements), S_compare);
}

const char *sql_get(const char *name)
{
    const struct sql_statement *statement = sql_find(name);
    if (!statement)
        die("the statement '%s' is missing from this build", name);
    return statement->text;
}

/* The length of a variable's name at `s`, as psql reads it; 0: none. */
static size_t S_name_length(const char *s)
{
    size_t len = 0;
    while (isalnum((unsigned char)s[len]) || s[len] == '_')
        len++;
    return len;
}

static const char *S_value_of(const char *name, size_t len, const struct sql_variable *variables,
                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(variables[i].name) == len && memcmp(variables[i].name, name, len) == 0)
            return variables[i].value;
    return NULL;
}

/* ---- quoting ---- */

static void S_quote(struct buf *out, const char *s, char quote)
{
    buf_add_char(out, quote);
    for (; *s; s++) {
        if (*s == quote)
            buf_add_char(out, quote);
        buf_add_char(out, *s);
    }
    buf_add_char(out, quote);
}

void sql_quote_identifier(struct buf *out, const char *name)
{
    S_quote(out, name, '"');
}

static void S_quote_literal(struct buf *out, const char *value)
{
    /* A backslash means itself only in a plain literal under standard_conforming_strings. */
    if (!strchr(value, '\\')) {
        S_quote(out, value, '\'');
        return;
    }
    struct buf doubled = {0};
    for (const char *s = value; *s; s++) {
        if (*s == '\\')
            buf_add_char(&doubled, '\\');
        buf_add_char(&doubled, *s);
    }
    buf_add(out, " E");
    S_quote(out, buf_text(&doubled), '\'');
    buf_release(&doubled);
}

bool sql_fill(const char *text, const struct sql_variable *variables, size_t count, char **out,
              struct err *err)
{
    struct buf filled = {0};
    for (const char *at = text; *at;) {
        size_t len = 0;
        bool starts =
            at[0] == ':' && (at[1] == '"' || at[1] == '\'') && (at == text || at[-1] != ':');
        if (starts)
            len = S_name_length(at + 2);
        if (!len || at[2 + len] != at[1]) {
            buf_add_char(&filled, *at++);
            continue;
        }
        const char *value = S_value_of(at + 2, len, variables, count);
        if (!value) {
            buf_release(&filled);
            return err_set(err, ERR_BUG, "the statement's variable '%.*s' was not given a value",
                           (int)len, at + 2);
        }
        if (at[1] == '"')
            sql_quote_identifier(&filled, value);
        else
            S_quote_literal(&filled, value);
        at += len + 3;
    }
    *out = buf_take(&filled);
    return true;
}
