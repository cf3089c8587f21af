/*
 * archive: a backup as it lies on the disk: NAME.dump, and what is known of it in NAME.json.
 *
 * The dump counts only when its JSON is there, which is written last. The JSON carries a checksum
 * of itself and the dump's SHA-256, so that a byte that is missing or has changed is always found.
 * Reads and checks; the dump itself is made by backup.c.
 */
#ifndef TD_ARCHIVE_H
#define TD_ARCHIVE_H

#include "pgtool.h"

#include <jansson.h>

enum { SHA256_HEX = 65 };

struct archive {
    char *directory, *name;
    json_t *facts; /* what NAME.json says */
};

/* Where they are kept: `named`, else backups in our state directory. It may not be there; yours. */
bool archive_directory(const char *named, char **out, struct err *err);

/* `word` is a name in the directory, or the path of the .dump or the .json. */
bool archive_read(const char *directory, const char *word, struct archive *out, struct err *err);
bool archive_write(const struct archive *archive, struct err *err);
void archive_release(struct archive *archive);

char *archive_path(const struct archive *archive, const char *suffix);     /* ".dump"; yours */
const char *archive_text(const struct archive *archive, const char *fact); /* NULL: not there */
int64_t archive_number(const struct archive *archive, const char *fact);   /* -1: not there */
int64_t archive_rows(const struct archive *archive);                       /* of all its tables */
/* "whole", "damaged" or "missing", by the size of the dump: the quick look of a list. */
const char *archive_state(const struct archive *archive);

/*
 * Names of all that are in a directory (which may be missing), and of dumps without a JSON; newest
 * last.
 */
struct archive_entry {
    char *name;
    bool finished; /* has its JSON */
};
bool archive_list(const char *directory, struct archive_entry **out, size_t *count,
                  struct err *err);
void archive_list_free(struct archive_entry *list, size_t count);

/* Of a file, in hex, and its size, while the loop turns. */
bool archive_digest(struct loop *loop, const char *path, char out[static SHA256_HEX], int64_t *size,
                    struct err *err);

/* Result of one check: name, "pass" or "fail" or "unknown", and a sentence. */
typedef void archive_judge_fn(void *ctx, const char *check, const char *verdict,
                              const char *message);

/*
 * Is the dump there, of the right size and contents, and does pg_restore find every table of the
 * facts in it, with its data? True when all passed. `path` is the dump's, whatever it is called
 * yet.
 */
bool archive_check(const struct archive *archive, const char *path, struct loop *loop,
                   struct run *run, archive_judge_fn *judge, void *ctx);

#endif
