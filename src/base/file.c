/* file: see file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void S_look_at_mode(const struct stat *info, struct file *out)
{
    bool stranger = info->st_uid != geteuid() && info->st_uid != 0;
    out->others_read = (info->st_mode & (S_IRGRP | S_IROTH)) != 0;
    out->others_write = stranger || (info->st_mode & (S_IWGRP | S_IWOTH)) != 0;
    out->whose = file_whose(info);
}

/* ---- who may decide ---- */

struct file_whose file_whose(const struct stat *info)
{
    return (struct file_whose){.owner = info->st_uid, .anybodys = (info->st_mode & S_IWOTH) != 0};
}

static void S_refuse_stranger(const char *what, const char *path, uid_t owner, struct err *err)
{
    const struct passwd *user = getpwuid(owner);
    char *name = user ? str_dup(user->pw_name) : str_format("uid %ld", (long)owner);
    err_set(err, ERR_REFUSED,
            "the %s '%s' belongs to '%s', so it is not taken for having been found; nothing was "
            "taken from it",
            what, path, name);
    free(name);
}

bool file_check_trust(const char *what, const char *path, const struct file_whose *whose,
                      const struct file_trust *trust, struct err *err)
{
    uid_t owner = whose->owner;
    bool known = owner == geteuid() || owner == 0 || owner == trust->owner;
    if (!trust->found || (known && !whose->anybodys))
        return true;
    if (!known)
        S_refuse_stranger(what, path, owner, err);
    else
        err_set(err, ERR_REFUSED,
                "the %s '%s': anybody may change it, so it is not taken for having been found; "
                "nothing was taken from it",
                what, path);
    return err_hint(err, "read it; then make it yours ('cp' to a new file, 'chmod o-w'), or have "
                         "it named by its path: ./NAME");
}

bool file_read_trusted(const char *what, const char *path, const struct file_trust *trust,
                       struct file *out, struct err *err)
{
    if (!file_read(path, out, err))
        return false;
    if (file_check_trust(what, path, &out->whose, trust, err))
        return true;
    file_release(out);
    return false;
}

/* ---- reading ---- */

static bool S_read_all(int fd, const char *path, struct buf *text, struct err *err)
{
    char piece[4096];
    ssize_t n;
    while ((n = read(fd, piece, sizeof(piece))) > 0) {
        buf_add_mem(text, piece, (size_t)n);
        if (text->len > FILE_LIMIT)
            return err_set(err, ERR_FAILED,
                           "'%s' is larger than 1 MB, so it is not what it should be", path);
    }
    mem_wipe(piece, sizeof(piece));
    if (n < 0)
        return err_set(err, ERR_FAILED, "'%s' could not be read: %s", path, strerror(errno));
    return true;
}

bool file_read(const char *path, struct file *out, struct err *err)
{
    *out = (struct file){0};
    struct stat info;
    /* O_NONBLOCK: a named pipe that nobody writes to must not hold us here for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info) < 0) {
        err_set(err, ERR_FAILED, "'%s' could not be opened: %s", path, strerror(errno));
        goto failed;
    }
    if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)) {
        err_set(err, ERR_FAILED, "'%s' is neither a file nor a pipe", path);
        goto failed;
    }
    fcntl(fd, F_SETFL, 0);
    S_look_at_mode(&info, out);
    if (!S_read_all(fd, path, &out->text, err))
        goto failed;
    close(fd);
    return true;
failed:
    if (fd >= 0)
        close(fd);
    file_release(out);
    return false;
}

void file_release(struct file *file)
{
    mem_wipe(file->text.text, file->text.cap);
    buf_release(&file->text);
}
