/*
 * verb_help: the help, the manual's sections and the completion, all read off the table of verbs.
 */
#ifndef TD_VERB_HELP_H
#define TD_VERB_HELP_H

#include "verb.h"

/* Writes words from column `at` on, and goes on in lines that start at `indent`. */
void help_wrap(FILE *out, const char *text, int at, int indent, int width);

/* In lines of `width` at the most, and never of more than can be read well. */
void help_overview(FILE *out, int width);
void help_verb(FILE *out, const struct verb *verb, int width);
void help_man(FILE *out); /* sections VERBS and OPTIONS, in roff */
void help_completion(FILE *out);

#endif
