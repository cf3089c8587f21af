/*
 * file: reads a small file as a whole, and who may read or change it: for decks and secrets.
 *
 * The questions about its mode are asked of the opened file, so that nobody can swap it in between.
 */
#ifndef TD_FILE_H
#define TD_FILE_H

#include "err.h"

enum { FILE_LIMIT = 1024 * 1024 };

struct file {
    struct buf text;
    bool others_read;  /* group or world may read it */
    bool others_write; /* group or world may change it, or it belongs to another user */
    bool strange;      /* the same, but for the group */
};

/* A file of at most FILE_LIMIT bytes. */
bool file_read(const char *path, struct file *out, struct err *err);
void file_release(struct file *file); /* wipes the text, too */

#endif
