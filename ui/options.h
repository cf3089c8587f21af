/*
 * options: reads the command line into words and options, with getopt_long and the table of verbs.
 *
 * Which options there are, their letters and their arguments stand in verb_table.c alone. A
 * password on the command line is overwritten in argv before anything else is done.
 */
#ifndef TD_OPTIONS_H
#define TD_OPTIONS_H

#include "verb.h"

enum { OPTIONS_MAX = 128 };

struct options {
    const struct verb_option *known[OPTIONS_MAX]; /* every option of every verb, each name once */
    size_t known_count;
    const char *values[OPTIONS_MAX]; /* "" for a switch; NULL: not given */
    const char **words;              /* what is no option, in order; borrowed from argv */
    size_t word_count;
};

/*
 * Moves every argument with a password to the heap, and its place in argv, which `ps` shows, gets
 * the masked text. True when there was one. The copies live as long as the program.
 */
bool options_hide_secrets(int argc, char **argv);

bool options_read(int argc, char **argv, struct options *out, struct err *err);
void options_release(struct options *options);

const char *options_value(const struct options *options, const char *name);
/* Was --json given? Asked before the options can be trusted, to know how to report an error. */
bool options_want_json(int argc, char *const *argv);

/*
 * Fills a call's option values, and refuses an option that belongs to other verbs. `outer` is a
 * verb whose options may stand here, too ("demo" before a verb); NULL: none.
 */
bool options_for_verb(const struct options *options, const struct verb *verb,
                      const struct verb *outer, struct verb_call *call, struct err *err);

#endif
