/*
 * sqlscript: a site's own .sql file, cut into its statements, with psql's :"name" and :'name'.
 *
 * Reads what psql would read of it: quotes, dollar quotes, comments and BEGIN ATOMIC bodies are
 * told apart, so that a semicolon or a variable counts only where psql would take it for one. Runs
 * nothing and judges nothing; psql's own backslash commands are refused, since nobody would obey
 * them.
 */
#ifndef TD_SQLSCRIPT_H
#define TD_SQLSCRIPT_H

#include "file.h"
#include "sql.h"

struct sqlscript_statement {
    const char *text; /* from its first word on, without the semicolon */
    size_t len;
    int line;
    const char *words; /* the first words, in lower case: "create materialized view" */
};

struct sqlscript_variable { /* each name once in each form */
    const char *name;
    char form; /* '"' or '\'' */
    int line;  /* where it stands first */
};

struct sqlscript {
    struct arena *arena;
    const char *path, *file; /* `file` is the path without its folders, for messages */
    struct sqlscript_statement *statements;
    size_t count;
    struct sqlscript_variable *variables;
    size_t variable_count;
};

bool sqlscript_read(const char *path, const struct file_trust *trust, struct sqlscript **out,
                    struct err *err);
/* `path` only names the text in messages. */
bool sqlscript_parse(const char *path, const char *text, size_t len, struct sqlscript **out,
                     struct err *err);
void sqlscript_free(struct sqlscript *script); /* NULL is fine */

/* Its first words are these, in lower case: "create function"; `or replace` is passed over. */
bool sqlscript_starts(const struct sqlscript_statement *statement, const char *words);
/* Each statement starts with one of these, or else `rule` is said, with the line. */
bool sqlscript_require(const struct sqlscript *script, const char *const *words, size_t count,
                       const char *rule, struct err *err);

/* The statement with its variables filled in; `*out` is yours. */
bool sqlscript_fill(const struct sqlscript *script, size_t statement,
                    const struct sql_variable *variables, size_t count, char **out,
                    struct err *err);

/* "file.sql:12: sentence" as an ERR_FAILED. */
bool sqlscript_error(const struct sqlscript *script, int line, struct err *err, const char *format,
                     ...) PRINTF_LIKE(4, 5);
/* Puts "file.sql:12: " in front of what went wrong with that statement. */
bool sqlscript_context(const struct sqlscript *script, size_t statement, struct err *err);

#endif
