/*
 * rows: what the parts of the table of verbs have in common, and their names.
 *
 * Each part holds some groups of the help; verb_table.c puts them one after the other.
 */
#ifndef TD_ROWS_H
#define TD_ROWS_H

#include "verbs.h"

struct verb_rows {
    const struct verb *rows;
    size_t count;
};

extern const struct verb_rows rows_look, rows_run, rows_cache, rows_change;

/* clang-format off */
#define ONE_KIND(kind) (1u << (kind))

#define TABLE_OPTIONS \
    {"sort", "COLUMN", "sorts by a column; -COLUMN: the largest first", 0}, \
    {"filter", "TEXT", "shows only rows that contain the text, or as in 'missing>0'", 0}

#define MODE_OPTIONS \
    {"window", NULL, "the application is stopped: tables may be locked and rewritten", 0}, \
    {"online", NULL, "beside the application (this is the default)", 0}, \
    {"busy", NULL, "with --window: goes on though sessions of others are there", 0}, \
    {"takeover", NULL, "ends the session of a worker that gives no sign of life", 0}

#define WORKER_OPTIONS \
    {"dry-run", NULL, "prints every statement that would run, and changes nothing", 0}, \
    {"detach", NULL, "does not wait for the end", 0}, \
    {"triggers", NULL, "lets the application's triggers fire while rows are filled", 0}, \
    {"lanes", "N", "batches at the same time (2); 1: builds and checks one by one, too", 0}, \
    {"batch-ms", "MS", "how long a batch should take (500)", 0}, \
    {"sleep", "RATIO", "sleeps so many times as long after each batch (0)", 0}

#define CHOICE_OPTIONS \
    {"tenant", "CODE", "keys of that tenant, and of its organizations by the mapping", 0}, \
    {"org", "CODE", "keys of that organization", 0}, \
    {"type", "NAME", "keys of that [keys] of the plan, or of that {type}", 0}, \
    {"namespace", "NAME", "keys of that {namespace} or {type}", 0}, \
    {"pattern", "GLOB", "keys that fit, as in Redis: * ? [a-z], and \\\\ before what is itself", 0}

#define SHARE_OPTION {"share", "PERCENT", "how much of the time it may be at work (100)", 0}
/* clang-format on */

#endif
