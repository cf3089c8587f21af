/*
 * sql: finds a statement of sql/ by its name, and fills psql's own variables into it.
 *
 * Every statement that is ever sent stands in a file under sql/, under a line `-- name: NAME`; the
 * comment lines after it say what it is for. What several statements share stands in a file of its
 * own, in the place of a line `-- include: FILE`. A DBA can run any of them with psql, and
 * `tenantdeck sql NAME` prints it whole. :"name" becomes a quoted identifier, :'name' a quoted
 * literal; values go as parameters ($1). C never pastes SQL together.
 */
#ifndef TD_SQL_H
#define TD_SQL_H

#include "err.h"

struct sql_statement {
    const char *name; /* "tables_facts" */
    const char *file; /* "sample.sql" */
    int line;         /* of the name in that file */
    const char *note; /* the comment under the name, lines joined by newlines; "" if none */
    const char *text;
};

/* All of them, sorted by name; embedded at build time. */
extern const struct sql_statement sql_statements[];
extern const size_t sql_statement_count;

const struct sql_statement *sql_find(const char *name); /* NULL: there is none */
const char *sql_get(const char *name);                  /* its text; a missing one is a bug: dies */

/* Appends "name", with its quotes doubled. For hints that a DBA can copy. */
void sql_quote_identifier(struct buf *out, const char *name);

struct sql_variable {
    const char *name, *value;
};

/* The text with its :"x" and :'x' filled in; an unknown one is an error. `*out` is yours. */
bool sql_fill(const char *text, const struct sql_variable *variables, size_t count, char **out,
              struct err *err);

#endif
