/*
 * file: reads a small file as a whole, and who may read or change it: for decks, plans and secrets.
 *
 * The questions about its mode are asked of the opened file, so that nobody can swap it in between.
 * A file that decides what is written, and that was found by its bare name where somebody stood, is
 * taken only from those who may decide that; one whose path was named is meant, whoever's it is.
 */
#ifndef TD_FILE_H
#define TD_FILE_H

#include "err.h"

#include <sys/stat.h>

enum { FILE_LIMIT = 1024 * 1024 };

struct file_whose {
    uid_t owner;
    bool anybodys; /* the world may change it */
};

struct file_trust {
    bool found;  /* by its bare name, so it is judged; else its path was named */
    uid_t owner; /* whose it may be, besides ours and root's: of the plan that names it */
};

struct file {
    struct buf text;
    bool others_read;  /* group or world may read it */
    bool others_write; /* group or world may change it, or it belongs to another user */
    struct file_whose whose;
};

/* A file of at most FILE_LIMIT bytes. */
bool file_read(const char *path, struct file *out, struct err *err);
/* The same of one that is judged first; `what` is its word in messages ("file of SQL"). */
bool file_read_trusted(const char *what, const char *path, const struct file_trust *trust,
                       struct file *out, struct err *err);
struct file_whose file_whose(const struct stat *info);
/* May what says this decide? Nothing has been read of it when it may not. */
bool file_check_trust(const char *what, const char *path, const struct file_whose *whose,
                      const struct file_trust *trust, struct err *err);
void file_release(struct file *file); /* wipes the text, too */

#endif
