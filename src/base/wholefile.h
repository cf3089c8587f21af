/*
 * wholefile: files of ours that are there whole, or not at all, and that nobody else may read.
 *
 * What a crash must not leave in pieces is written under another name, fsynced, renamed, and the
 * directory fsynced as well; only then it counts. Never follows a link that somebody has laid.
 */
#ifndef TD_WHOLEFILE_H
#define TD_WHOLEFILE_H

#include "err.h"

/* $XDG_STATE_HOME/tenantdeck/NAME, else under ~/.local/state; yours. */
bool state_directory(const char *name, char **out, struct err *err);
/* Makes it, with all above it, readable by us alone; refuses one that others may write to. */
bool private_directory(const char *path, struct err *err);

/* `name` in `directory`, mode 0600; replaces an older one of the name. */
bool wholefile_write(const char *directory, const char *name, const char *bytes, size_t len,
                     struct err *err);

/* All of it, whatever interrupts; else false, with errno. */
bool wholefile_write_all(int fd, const char *bytes, size_t len);
/*
 * A new file, mode 0600; else false, with errno, and what was there before is as it was: EEXIST. It
 * is for somebody who looks at it next, and not fsynced.
 */
bool wholefile_new(const char *path, const char *bytes, size_t len);

/* A new, empty file of mode 0600, open for writing, that nobody else can have put there. */
bool wholefile_begin(const char *path, int *fd, struct err *err);
/* Makes what was written durable and gives it its name, which must be free. */
bool wholefile_settle(const char *part, const char *path, struct err *err);

#endif
