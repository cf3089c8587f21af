/*
 * report: what a run did, as JSON, CSV and text: all three say the same.
 *
 * The document is made by one statement from the journal, so that it is of one moment. Nothing here
 * knows a step by name.
 */
#ifndef TD_REPORT_H
#define TD_REPORT_H

#include "pg.h"

#include <jansson.h>

/* Of run `run` (NULL: the newest of plan `plan`, and of any when that is NULL, too). */
bool report_read(struct pg *pg, const char *run, const char *plan, json_t **out, struct err *err);

/* Appends clean text, lines of at most about 100 columns but for what is quoted. */
void report_text(struct buf *out, const json_t *document);
/*
 * Appends one line a fact: section, number, name, value; all quoted, none that a table would run.
 */
void report_csv(struct buf *out, const json_t *document);
/* Appends the document, in ASCII. */
void report_json(struct buf *out, const json_t *document);

#endif
