/* wholefile: see wholefile.h. */
#include "wholefile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- directories ---- */

bool state_directory(const char *name, char **out, struct err *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/') {
        *out = str_format("%s/tenantdeck/%s", state, name);
        return true;
    }
    if (home && home[0] == '/') {
        *out = str_format("%s/.local/state/tenantdeck/%s", home, name);
        return true;
    }
    err_set(err, ERR_FAILED, "there is no directory for '%s': HOME is not set", name);
    return err_hint(err, "set XDG_STATE_HOME or HOME, or name a directory");
}

static bool S_make_all(const char *path, struct err *err)
{
    char *part = str_dup(path);
    bool ok = true;
    for (char *c = part + 1; ok && c[-1]; c++) {
        if (*c && *c != '/')
            continue;
        char end = *c;
        *c = '\0';
        ok = mkdir(part, 0700) == 0 || errno == EEXIST ||
             err_set(err, ERR_FAILED, "the directory '%s' could not be made: %s", part,
                     strerror(errno));
        *c = end;
    }
    free(part);
    return ok;
}

/* In a directory that others may write to, any file could be swapped under our hands. */
bool private_directory(const char *path, struct err *err)
{
    struct stat info;
    if (!*path)
        return err_set(err, ERR_USAGE, "a directory is named by an empty word");
    if (!S_make_all(path, err))
        return false;
    if (stat(path, &info) < 0 || !S_ISDIR(info.st_mode))
        return err_set(err, ERR_FAILED, "'%s' is no directory", path);
    bool stranger = info.st_uid != geteuid() && info.st_uid != 0;
    if (!stranger && !(info.st_mode & (S_IWGRP | S_IWOTH)))
        return true;
    err_set(err, ERR_REFUSED, "others may write to the directory '%s', so nothing is kept there",
            path);
    return err_hint(err, "chmod go-w it, or name a directory of your own");
}

static bool S_sync_directory_of(const char *path, struct err *err)
{
    char *copy = str_dup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        err_set(err, ERR_FAILED, "the directory of '%s' could not be written to disk: %s", path,
                strerror(errno));
    if (fd >= 0)
        close(fd);
    free(copy);
    return ok;
}

/* ---- files ---- */

bool wholefile_begin(const char *path, int *fd, struct err *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *fd >= 0 ||
           err_set(err, ERR_FAILED, "'%s' could not be made: %s", path, strerror(errno));
}

static bool S_sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        err_set(err, ERR_FAILED, "'%s' could not be written to disk: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

/* A name that is taken must stay what it is; file systems differ in how they can promise that. */
static bool S_rename_once(const char *part, const char *path)
{
    if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    return link(part, path) == 0 && unlink(part) == 0;
}

bool wholefile_settle(const char *part, const char *path, struct err *err)
{
    if (!S_sync_file(part, err))
        return false;
    if (!S_rename_once(part, path))
        return err_set(err, ERR_FAILED, "'%s' could not be given its name: %s", path,
                       strerror(errno));
    return S_sync_directory_of(path, err);
}

bool wholefile_write_all(int fd, const char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(fd, bytes + done, len - done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool wholefile_new(const char *path, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool written = wholefile_write_all(fd, bytes, len);
    int trouble = errno;
    if (close(fd) == 0 && written)
        return true;
    trouble = written ? errno : trouble;
    unlink(path);
    errno = trouble;
    return false;
}

static bool S_write_synced(int fd, const char *path, const char *bytes, size_t len, struct err *err)
{
    if (!wholefile_write_all(fd, bytes, len))
        return err_set(err, ERR_FAILED, "'%s' could not be written: %s", path, strerror(errno));
    return fsync(fd) == 0 ||
           err_set(err, ERR_FAILED, "'%s' could not be written to disk: %s", path, strerror(errno));
}

bool wholefile_write(const char *directory, const char *name, const char *bytes, size_t len,
                     struct err *err)
{
    char *path = str_format("%s/%s", directory, name);
    char *part = str_format("%s/.%s.%ld", directory, name, (long)getpid());
    int fd = -1;
    unlink(part); /* of a process that had our number and was killed */
    bool begun = wholefile_begin(part, &fd, err);
    bool ok = begun && S_write_synced(fd, part, bytes, len, err);
    if (fd >= 0 && close(fd) < 0 && ok)
        ok = err_set(err, ERR_FAILED, "'%s' could not be written: %s", part, strerror(errno));
    if (ok && rename(part, path) < 0)
        ok =
            err_set(err, ERR_FAILED, "'%s' could not be given its name: %s", path, strerror(errno));
    if (begun && !ok)
        unlink(part);
    ok = ok && S_sync_directory_of(path, err);
    free(part);
    free(path);
    return ok;
}
