/*
 * process_identity: who a process is, and who comes from it, as /proc tells; see process.h.
 *
 * A number alone never names a process: it is given to another one when the first has gone. Only
 * what is certainly of the family is ever touched: the group as long as its leader is the one
 * meant, be it as a zombie, and what carries the mark that process.c put into the environment.
 */
#include "process.h"
#include "process_mark.h"

#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 4 * 1024 * 1024, LOOK_MS = 50 };

/* ---- /proc ---- */

/* The whole of a small file that cannot be measured before; false when it is gone, or not ours. */
static bool S_read_all(const char *path, struct buf *out)
{
    char bytes[16384];
    ssize_t got = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while (out->len < ENVIRONMENT_MAX && (got = read(fd, bytes, sizeof(bytes))) > 0)
        buf_add_mem(out, bytes, (size_t)got);
    close(fd);
    return got >= 0;
}

struct S_stat {
    char state;
    pid_t group;
    int64_t start_ticks;
};

/* The name comes first, in parentheses, and may hold anything: so the fields count from its end. */
static bool S_read_stat(pid_t pid, struct S_stat *out)
{
    char path[64];
    struct buf text = {0};
    int group = 0;
    long long ticks = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    const char *fields = S_read_all(path, &text) ? strrchr(buf_text(&text), ')') : NULL;
    bool ok = fields && sscanf(fields,
                               ") %c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                               "%*d %*d %*d %lld",
                               &out->state, &group, &ticks) == 3;
    out->group = group;
    out->start_ticks = ticks;
    buf_release(&text);
    return ok;
}

static bool S_is_alive(const struct S_stat *stat)
{
    return stat->state != 'Z' && stat->state != 'X';
}

static bool S_has_mark(pid_t pid, const char *mark)
{
    char path[64];
    struct buf text = {0};
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    bool has = false;
    if (S_read_all(path, &text) && text.len) {
        const char *end = text.text + text.len;
        for (const char *s = text.text; !has && s < end; s += strnlen(s, (size_t)(end - s)) + 1)
            has = strncmp(s, mark, (size_t)(end - s)) == 0;
    }
    buf_release(&text);
    return has;
}

static bool S_read_boot_id(char out[static 37])
{
    struct buf text = {0};
    bool ok = S_read_all("/proc/sys/kernel/random/boot_id", &text) && text.len >= 36;
    snprintf(out, 37, "%.36s", ok ? text.text : "");
    buf_release(&text);
    return ok;
}

/* ---- who it is ---- */

bool process_identify(pid_t pid, struct process_identity *out, struct err *err)
{
    struct S_stat stat;
    *out = (struct process_identity){.pid = pid};
    if (gethostname(out->host, sizeof(out->host) - 1) < 0 || !out->host[0])
        return err_set(err, ERR_FAILED, "the name of this host cannot be told");
    if (!S_read_boot_id(out->boot_id) || !S_read_stat(pid, &stat)) {
        err_set(err, ERR_FAILED, "/proc does not tell of process %d", (int)pid);
        return err_hint(err, "outside commands want /proc, so that a later run can find them");
    }
    out->start_ticks = stat.start_ticks;
    return true;
}

void process_mark(const struct process_identity *identity, char out[static PROCESS_MARK_SIZE])
{
    snprintf(out, PROCESS_MARK_SIZE, PROCESS_MARK_NAME "=%d:%lld", (int)identity->pid,
             (long long)identity->start_ticks);
}

void process_session(const struct process_identity *identity, const char *title,
                     char out[static PROCESS_SESSION_SIZE])
{
    snprintf(out, PROCESS_SESSION_SIZE, "PGAPPNAME=tenantdeck-child %d:%lld %s", (int)identity->pid,
             (long long)identity->start_ticks, title);
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

/* ---- who comes from it ---- */

static bool S_is_here(const struct process_identity *identity, bool *elsewhere)
{
    struct process_identity own;
    struct err ignored = {0};
    *elsewhere = !process_identify(getpid(), &own, &ignored) || !str_is(own.host, identity->host);
    return !*elsewhere && str_is(own.boot_id, identity->boot_id);
}

static bool S_leads_its_group(const struct process_identity *identity)
{
    struct S_stat stat;
    return S_read_stat(identity->pid, &stat) && stat.start_ticks == identity->start_ticks;
}

static size_t S_scan(const struct process_identity *identity, pid_t *pids, size_t room)
{
    struct S_stat stat;
    struct dirent *entry;
    char mark[PROCESS_MARK_SIZE];
    size_t count = 0;
    DIR *proc = opendir("/proc");
    bool group_is_its = S_leads_its_group(identity);
    process_mark(identity, mark);
    while (proc && (entry = readdir(proc))) {
        int64_t number;
        if (!str_to_int(entry->d_name, &number) || number == getpid() ||
            !S_read_stat((pid_t)number, &stat) || !S_is_alive(&stat))
            continue;
        if (!(group_is_its && stat.group == identity->pid) && !S_has_mark((pid_t)number, mark))
            continue;
        if (count < room)
            pids[count] = (pid_t)number;
        count++;
    }
    if (proc)
        closedir(proc);
    return count;
}

size_t process_family(const struct process_identity *identity, pid_t *pids, size_t room,
                      bool *elsewhere)
{
    return S_is_here(identity, elsewhere) ? S_scan(identity, pids, room) : 0;
}

/* First the group as one, so that nobody in it can fork away; then who has left it. */
size_t process_signal(const struct process_identity *identity, int number)
{
    enum { AT_ONCE = 256 };
    pid_t pids[AT_ONCE];
    bool elsewhere;
    size_t count = process_family(identity, pids, AT_ONCE, &elsewhere);
    bool leads = S_leads_its_group(identity);
    if (count && leads)
        kill(-identity->pid, number);
    for (size_t i = 0; i < count && i < AT_ONCE; i++)
        if (!leads || getpgid(pids[i]) != identity->pid)
            kill(pids[i], number);
    return count;
}

bool process_put_down(struct loop *loop, const struct process_identity *identity, int64_t ms,
                      struct err *err)
{
    bool elsewhere;
    int64_t begin = clock_ms();
    size_t left = process_family(identity, NULL, 0, &elsewhere);
    if (elsewhere)
        return err_set(err, ERR_REFUSED,
                       "process %d began on host '%s', and nobody can tell here whether it has "
                       "ended",
                       (int)identity->pid, identity->host);
    if (left)
        process_signal(identity, SIGTERM);
    for (; left; left = process_family(identity, NULL, 0, &elsewhere)) {
        if (clock_ms() - begin > ms)
            return err_set(err, ERR_REFUSED, "process %d cannot be ended: %zu of it live on",
                           (int)identity->pid, left);
        if (clock_ms() - begin > ms / 2)
            process_signal(identity, SIGKILL);
        loop_turn(loop, LOOK_MS);
    }
    return true;
}
