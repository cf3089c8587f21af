/*
 * keyrows: do the tenants, organizations and rows that keys in Redis speak of stand in PostgreSQL?
 *
 * Codes are looked for among those of the plan's mapping as step mapping has loaded it, and the
 * {id} of a template in the table and column that its `row` names. It reads, never writes, and asks
 * by batches after the keys were met: a row that is new by then has no key without one. What
 * PostgreSQL cannot be asked (a column that is not there yet, a right that is missing) is told as
 * unknown.
 */
#ifndef TD_KEYROWS_H
#define TD_KEYROWS_H

#include "key_template.h"
#include "pg.h"

#include <jansson.h>

struct keyrows_finding { /* of one template's rows, or of all codes */
    const char *name;    /* the template's; NULL: codes */
    const char *table, *column;
    int64_t asked, missing;
    json_t *samples;    /* of keys whose row is missing, in a form that any reader can bear */
    struct err trouble; /* why it could not be asked; else of no kind */
};

struct keyrows;

/* Borrows both, and the plan's lists. Fails only when the connection does. */
bool keyrows_new(struct pg *pg, const struct plan *plan, struct keyrows **out, struct err *err);
void keyrows_free(struct keyrows *rows); /* NULL is fine */
bool keyrows_take(struct keyrows *rows, const char *key, size_t len, struct err *err);
/* The keys that were taken are no part of what is asked. */
void keyrows_forget(struct keyrows *rows);
/* Asks for the rest; then the findings are whole. */
bool keyrows_finish(struct keyrows *rows, struct err *err);
size_t keyrows_findings(const struct keyrows *rows, const struct keyrows_finding *const **out);
int64_t keyrows_missing(const struct keyrows *rows); /* of all findings together */

#endif
