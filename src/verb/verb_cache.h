/*
 * verb_cache: what the verbs of the cache share: which keys are meant, whose they may be, how fast
 * to go, and a line of progress. They work on any Redis that is named; a plan tells whose keys are
 * whose, and a database, where it is named as well, which tenants there are.
 */
#ifndef TD_VERB_CACHE_H
#define TD_VERB_CACHE_H

#include "key_choice.h"
#include "keyspace.h"
#include "tally.h"
#include "verb.h"

#include <signal.h>

struct verb_cache {
    struct verb_call *call;
    struct keyspace *keyspace;
    struct tally *tally;      /* of the plan's mapping; NULL without a plan */
    struct map organizations; /* of the tenant that was chosen */
    struct key_choice choice;
    struct buf glob_text;
    struct key_glob glob;
    const struct key_glob *match; /* NULL: all keys have to travel */
    int share;
    bool drawn; /* a line of progress stands on the terminal */
    int64_t drawn_at;
};

/*
 * Reads the options of a choice that the verb has (tenant, org, type, namespace, pattern, foreign)
 * and --share, and connects. With `everything` no choice means all. Then verb_cache_end().
 */
bool verb_cache_begin(struct verb_call *call, bool everything, struct verb_cache *cache,
                      struct err *err);
/* The same with a pattern that was no option. */
bool verb_cache_begin_with(struct verb_call *call, const char *pattern, bool everything,
                           struct verb_cache *cache, struct err *err);
void verb_cache_end(struct verb_cache *cache);

/* Ctrl-C sets it from now on, instead of ending the program; until verb_cache_end(). */
const volatile sig_atomic_t *verb_cache_heed(struct verb_cache *cache);

/* "counting: 41.2 % of 1,234,567 keys", drawn over on a terminal, some times a second. */
void verb_cache_progress(struct verb_cache *cache, const char *what, double percent, int64_t done);
void verb_cache_wipe(struct verb_cache *cache);

/* The share of `--share`, and numbers of other options: `least` to `most`, or the default. */
bool verb_cache_number(const struct verb_call *call, const char *option, int64_t least,
                       int64_t most, int64_t *value, struct err *err);

/* A key in a form that any terminal and any JSON reader can bear; yours. */
char *verb_cache_clean(const char *key, size_t len);
/* Appends such a key to a line for people: all of it, or as much as is worth reading. */
void verb_cache_add_sample(struct buf *out, const char *clean);
/* The samples of a list, each on its line. */
void verb_cache_print_samples(const struct verb_call *call, const json_t *samples);

#endif
