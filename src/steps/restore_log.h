/*
 * restore_log: what a restore is about to do and has done, line by line, beside the server.
 *
 * A restore replaces the database and with it the journal, so it is journalled here: one JSON
 * object a line, fsynced before and after each thing that is done. A restore that was killed is
 * found again by its file, which is locked while somebody works on it. What is done to a Redis,
 * which may have no database beside it, is journalled the same way, in a room of its own.
 */
#ifndef TD_RESTORE_LOG_H
#define TD_RESTORE_LOG_H

#include "err.h"

#include <jansson.h>

#define RESTORE_ROOM "restores" /* directories under the state directory */
#define CACHE_ROOM "caches"

struct restore_log {
    char *path;
    int fd;
    json_t *begin; /* the first line */
    json_t *done;  /* name of a thing that is done: its line */
    json_t *meant; /* likewise, of all that were begun */
};

/* A new one; takes `begin`, which names "server", "database" and "stamp". */
bool restore_log_begin(const char *room, json_t *begin, struct restore_log *out, struct err *err);
/* The unfinished one of this database, locked; `*found` says whether there is any. */
bool restore_log_find(const char *room, const char *server, const char *database,
                      struct restore_log *out, bool *found, struct err *err);

/*
 * Those that are finished, or those that are not, of all databases; the log is borrowed for the
 * call.
 */
typedef void restore_log_fn(void *ctx, const struct restore_log *log);
bool restore_log_each(const char *room, bool finished, restore_log_fn *each, void *ctx,
                      struct err *err);

/* Takes `more` (may be NULL), which is written along. */
bool restore_log_means(struct restore_log *log, const char *what, json_t *more, struct err *err);
bool restore_log_did(struct restore_log *log, const char *what, json_t *more, struct err *err);
/* Nothing is left to do; `how` says what became of it. */
bool restore_log_end(struct restore_log *log, const char *how, struct err *err);

bool restore_log_has(const struct restore_log *log, const char *what);
/* A text of the first line; NULL: it is not there. */
const char *restore_log_text(const struct restore_log *log, const char *name);
void restore_log_release(struct restore_log *log);

#endif
