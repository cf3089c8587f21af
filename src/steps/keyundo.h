/*
 * keyundo: keys that were removed from Redis, in a file that brings them back.
 *
 * Each key is there with what DUMP says of it and the moment it would have ended; what stands in
 * the file is on the disk before its key is removed. While it grows it is called FILE.part, and a
 * clear that was killed goes on with it; its name and its checksum it gets when it is whole. Nobody
 * else can read it.
 */
#ifndef TD_KEYUNDO_H
#define TD_KEYUNDO_H

#include "keyspace.h"

struct keyundo;

/* A new file for keys of the Redis of this name, whose `path` must be free. With `again` it goes on
 * with the part that an earlier one has left; and where the file is whole already, all of its keys
 * have been removed, and `*out` is NULL. */
bool keyundo_begin(const char *path, const char *server, bool again, struct keyundo **out,
                   struct err *err);
/* `ends_at`: wall clock, or -1: never. What it holds counts only after keyundo_sync(). */
bool keyundo_add(struct keyundo *undo, const char *key, size_t len, int64_t ends_at,
                 const char *dump, size_t dump_len, struct err *err);
bool keyundo_sync(struct keyundo *undo, struct err *err);
/* Seals it, and gives it its name. */
bool keyundo_finish(struct keyundo *undo, struct err *err);
void keyundo_free(struct keyundo *undo); /* NULL is fine; an unfinished one stays as FILE.part */
int64_t keyundo_count(const struct keyundo *undo);

struct keyundo_result {
    int64_t keys;    /* in the file */
    int64_t back;    /* restored, and found there afterwards */
    int64_t there;   /* left, since such a key is there again */
    int64_t over;    /* whose time has come meanwhile */
    int64_t refused; /* by the server; `first` says why */
    char first[256];
};

/*
 * Reads it whole, against its checksum, before anything is done; `server` is what it is of, yours.
 */
bool keyundo_check(const char *path, int64_t *keys, char **server, struct err *err);
/* What was removed last comes first, and a key that is there again stays. */
bool keyundo_restore(const char *path, struct keyspace *keyspace, struct keyundo_result *out,
                     struct err *err);

#endif
