/* file: see file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void S_look_at_mode(const struct stat *info, struct file *out)
{
    bool stranger = info->st_uid != geteuid() && info->st_uid != 0;
    out->others_read = (info->st_mode & (S_IRGRP | S_IROTH)) != 0;
    out->others_write = stranger || (info->st_mode & (S_IWGRP | S_IWOTH)) != 0;
    out->strange = stranger || (info->st_mode & S_IWOTH) != 0;
}

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
