/*
 * demo_servers: see demo_servers.h. Everything here but the search for programs runs in the guard.
 *
 * The servers are direct children. They are told to end with the guard (PR_SET_PDEATHSIG), so even
 * a guard that is killed leaves no server. No shell is involved, and nothing of our environment
 * but the path is handed on.
 */
#include "demo_servers.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOK_MS = 20,           /* between two looks whether a server answers */
    READY_MS = 30000,       /* how long it may take until it does */
    STOP_MS = 5000,         /* for an orderly end, and again for a hasty one */
    LOG_TAIL = 500,         /* bytes of the log that an error shows */
    OPEN_FILES_OF_NFTW = 16 /* the data directory is less deep */
};

/* ---- finding the programs ---- */

static char *S_in_path(const char *name)
{
    const char *path = getenv("PATH");
    for (const char *at = path ? path : "", *end; *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, ':');
        char *file = str_format("%.*s/%s", (int)(end - at), at, name);
        if (*file == '/' && access(file, X_OK) == 0)
            return file;
        free(file);
    }
    return NULL;
}

/* Debian keeps each version's programs in a directory of its own, outside the path. */
static char *S_in_newest_version(const char *name)
{
    char *pattern = str_format("/usr/lib/postgresql/*/bin/%s", name);
    glob_t found = {0};
    char *newest = NULL;
    long newest_version = 0;
    if (glob(pattern, 0, NULL, &found) != 0)
        found.gl_pathc = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        long version = strtol(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"), NULL, 10);
        if (version <= newest_version || access(found.gl_pathv[i], X_OK) != 0)
            continue;
        newest_version = version;
        free(newest);
        newest = str_dup(found.gl_pathv[i]);
    }
    globfree(&found);
    free(pattern);
    return newest;
}

static char *S_find_program(const char *name)
{
    char *path = S_in_path(name);
    return path ? path : S_in_newest_version(name);
}

bool demo_servers_find(struct demo_servers *out, bool redis_alone, struct err *err)
{
    *out = (struct demo_servers){
        .initdb = redis_alone ? NULL : S_find_program("initdb"),
        .postgres = redis_alone ? NULL : S_find_program("postgres"),
        .redis = S_in_path("redis-server"),
        .change_user = geteuid() == 0,
    };
    const char *missing = !redis_alone && !out->initdb     ? "initdb"
                          : !redis_alone && !out->postgres ? "postgres"
                          : !out->redis                    ? "redis-server"
                                                           : NULL;
    if (missing) {
        err_set(err, ERR_FAILED, "the program '%s' was not found in the path", missing);
        err_hint(err, "install the packages postgresql and redis-server");
        demo_servers_release(out);
        return false;
    }
    struct passwd *user = out->change_user ? getpwnam("postgres") : NULL;
    if (out->change_user && !user)
        user = getpwnam("nobody");
    if (out->change_user && !user) {
        demo_servers_release(out);
        return err_set(err, ERR_FAILED,
                       "PostgreSQL does not run as root, and there is no user 'postgres' or "
                       "'nobody' to run it as");
    }
    out->user = user ? user->pw_uid : geteuid();
    out->group = user ? user->pw_gid : getegid();
    return true;
}

void demo_servers_release(struct demo_servers *servers)
{
    free(servers->initdb);
    free(servers->postgres);
    free(servers->redis);
    *servers = (struct demo_servers){0};
}

/* ---- the guard ---- */

struct guard {
    const struct demo_servers *servers;
    int owner, report; /* pipes */
    int signals;       /* SIGCHLD wakes us; SIGTERM and the like end us */
    bool ordered_off;
    pid_t postgres, redis; /* 0: not running */
};

static void S_tell(struct guard *guard, char kind, const char *text)
{
    struct buf line = {0};
    buf_add_char(&line, kind);
    buf_add(&line, text);
    buf_add_char(&line, '\n');
    /* An owner that no longer listens is noticed by its pipe, so a short write does not matter. */
    if (write(guard->report, line.text, line.len) < 0)
        guard->ordered_off = true;
    buf_release(&line);
}

/* Waits until something happens, at most `ms`; false once we are to end. */
static bool S_wait(struct guard *guard, int ms)
{
    struct pollfd fds[] = {{guard->owner, POLLIN, 0}, {guard->signals, POLLIN, 0}};
    if (guard->ordered_off)
        return false;
    if (poll(fds, ARRAY_LEN(fds), ms) < 0 && errno != EINTR)
        guard->ordered_off = true;
    if (fds[0].revents)
        guard->ordered_off = true;
    struct signalfd_siginfo info;
    while (read(guard->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo != SIGCHLD)
            guard->ordered_off = true;
    return !guard->ordered_off;
}

/* Never returns: becomes the program, or exits with 127. */
_Noreturn static void S_become(const char *log_name, const char *const argv[], int death_signal,
                               pid_t parent)
{
    static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
                                              "TZ=UTC", NULL};
    prctl(PR_SET_PDEATHSIG, death_signal);
    if (getppid() != parent)
        _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDONLY);
    int log = open(log_name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    if (null < 0 || log < 0)
        _exit(127);
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    /* execve() takes them as if it might change them, and does not. */
    execve(argv[0], (char *const *)argv, (char *const *)environment);
    dprintf(STDERR_FILENO, "'%s' could not be run: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static pid_t S_spawn(const char *log_name, const char *const argv[], int death_signal)
{
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        S_become(log_name, argv, death_signal, parent);
    return child < 0 ? 0 : child;
}

static bool S_has_ended(pid_t *pid, int *status)
{
    if (!*pid)
        return true;
    if (waitpid(*pid, status, WNOHANG) == 0)
        return false;
    *pid = 0;
    return true;
}

/* ---- starting ---- */

/* The end of the log, for an error: the directory will be gone when somebody reads it. */
static void S_add_log_tail(struct buf *out, const char *log_name)
{
    char tail[LOG_TAIL + 1];
    int log = open(log_name, O_RDONLY | O_NOFOLLOW);
    if (log < 0)
        return;
    off_t size = lseek(log, 0, SEEK_END);
    ssize_t got = pread(log, tail, LOG_TAIL, size > LOG_TAIL ? size - LOG_TAIL : 0);
    close(log);
    while (got > 0 && tail[got - 1] == '\n')
        got--;
    if (got > 0)
        buf_format(out, "; the end of its log: %.*s", (int)got, tail);
}

static bool S_fail(struct guard *guard, const char *log_name, const char *format, ...)
    PRINTF_LIKE(3, 4);

static bool S_fail(struct guard *guard, const char *log_name, const char *format, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&text, format, args);
    va_end(args);
    S_add_log_tail(&text, log_name);
    S_tell(guard, REPORT_FAILURE, buf_text(&text));
    buf_release(&text);
    return false;
}

static bool S_make_cluster(struct guard *guard)
{
    /* clang-format off */
    const char *const argv[] = {guard->servers->initdb, "-D", "data", "-U", "postgres",
                                "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8",
                                "--no-sync", "--no-instructions", NULL};
    /* clang-format on */
    pid_t child = S_spawn("initdb.log", argv, SIGKILL);
    int status = -1;
    while (!S_has_ended(&child, &status)) {
        if (S_wait(guard, -1))
            continue;
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return false;
    }
    if (status == 0)
        return true;
    return S_fail(guard, "initdb.log", "'%s' could not make a database cluster",
                  guard->servers->initdb);
}

static void S_start_postgres(struct guard *guard)
{
    char *sockets = str_format("unix_socket_directories=%s", guard->servers->directory);
    /* Nothing here outlives its owner, so nothing has to survive a crash. */
    /* clang-format off */
    const char *const argv[] = {guard->servers->postgres, "-D", "data",
                                "-c", "listen_addresses=",
                                "-c", "port=5432",
                                "-c", sockets,
                                "-c", "unix_socket_permissions=0700",
                                "-c", "fsync=off",
                                "-c", "full_page_writes=off",
                                "-c", "max_wal_size=1GB",
                                "-c", "cluster_name=tenantdeck-demo",
                                NULL};
    /* clang-format on */
    guard->postgres = S_spawn("postgres.log", argv, SIGQUIT);
    free(sockets);
}

static void S_start_redis(struct guard *guard)
{
    char *socket_path = str_format("%s/redis.sock", guard->servers->directory);
    /* clang-format off */
    const char *const argv[] = {guard->servers->redis, "--port", "0",
                                "--unixsocket", socket_path, "--unixsocketperm", "700",
                                "--save", "", "--appendonly", "no", NULL};
    /* clang-format on */
    guard->redis = S_spawn("redis.log", argv, SIGTERM);
    free(socket_path);
}

/* postgres says so itself, in the eighth line of its lock file; pg_ctl looks there, too. */
static bool S_postgres_answers(void)
{
    char line[256] = "";
    FILE *file = fopen("data/postmaster.pid", "re");
    if (!file)
        return false;
    int number = 0;
    while (number < 8 && fgets(line, sizeof(line), file))
        number++;
    fclose(file);
    return number == 8 && str_starts(line, "ready");
}

static bool S_redis_answers(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "redis.sock"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0)
        close(fd);
    return answers;
}

static bool S_wait_ready(struct guard *guard, pid_t *pid, bool (*answers)(void), const char *name,
                         const char *log_name)
{
    int64_t deadline = clock_ms() + READY_MS;
    int status;
    while (!answers()) {
        if (S_has_ended(pid, &status))
            return S_fail(guard, log_name, "'%s' ended as soon as it was started", name);
        if (clock_ms() > deadline)
            return S_fail(guard, log_name, "'%s' did not answer within %d seconds", name,
                          READY_MS / 1000);
        if (!S_wait(guard, LOOK_MS))
            return false;
    }
    return true;
}

static bool S_start_redis_alone(struct guard *guard)
{
    S_tell(guard, REPORT_PROGRESS, "starting Redis");
    S_start_redis(guard);
    return S_wait_ready(guard, &guard->redis, S_redis_answers, guard->servers->redis, "redis.log");
}

static bool S_start_both(struct guard *guard)
{
    S_tell(guard, REPORT_PROGRESS, "making a database cluster");
    S_start_redis(guard);
    if (!S_make_cluster(guard))
        return false;
    S_tell(guard, REPORT_PROGRESS, "starting PostgreSQL and Redis");
    S_start_postgres(guard);
    return S_wait_ready(guard, &guard->postgres, S_postgres_answers, guard->servers->postgres,
                        "postgres.log") &&
           S_wait_ready(guard, &guard->redis, S_redis_answers, guard->servers->redis, "redis.log");
}

/* ---- stopping ---- */

/* Waits for a child that was told to end; the owner's pipe has no say any more. */
static bool S_ends_within(struct guard *guard, pid_t *pid, int ms)
{
    int status;
    int64_t deadline = clock_ms() + ms;
    while (!S_has_ended(pid, &status)) {
        struct pollfd signals = {guard->signals, POLLIN, 0};
        int64_t left = deadline - clock_ms();
        struct signalfd_siginfo info;
        if (left <= 0 || (poll(&signals, 1, (int)left) < 0 && errno != EINTR))
            return false;
        while (read(guard->signals, &info, sizeof(info)) > 0)
            continue;
    }
    return true;
}

static void S_stop(struct guard *guard, pid_t *pid, int orderly, int hasty)
{
    const int steps[] = {orderly, hasty, SIGKILL};
    for (size_t i = 0; *pid && i < ARRAY_LEN(steps); i++) {
        kill(*pid, steps[i]);
        if (S_ends_within(guard, pid, STOP_MS))
            return;
    }
}

static int S_remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts, (void)kind, (void)where;
    remove(path);
    return 0; /* go on: what can be removed shall be */
}

/* ---- life ---- */

/* For good, and in the guard itself: so it owns its children and the directory, and no more. */
static bool S_change_user(const struct demo_servers *servers)
{
    return !servers->change_user ||
           (setgroups(0, NULL) == 0 &&
            setresgid(servers->group, servers->group, servers->group) == 0 &&
            setresuid(servers->user, servers->user, servers->user) == 0);
}

/* Nothing that the owner has open may stay open here, or its other ends would never notice. */
static void S_close_all_but(int a, int b)
{
    int low = a < b ? a : b, high = a < b ? b : a;
    if (low > 3)
        close_range(3, (unsigned)low - 1, 0);
    if (high > low + 1)
        close_range((unsigned)low + 1, (unsigned)high - 1, 0);
    close_range((unsigned)high + 1, ~0U, 0);
    int null = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
}

static int S_open_signals(void)
{
    static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        sigaddset(&set, wanted[i]);
        signal(wanted[i], SIG_DFL);
    }
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void S_remove_tree(const char *path)
{
    nftw(path, S_remove_entry, OPEN_FILES_OF_NFTW, FTW_DEPTH | FTW_PHYS);
}

/* Goes on as the guard in a child; what stays here only waits for its end, and sweeps. */
static void S_leave_sweeper(const struct demo_servers *servers, int owner, int report)
{
    pid_t guard = fork();
    int status = 0;
    if (guard == 0)
        return;
    prctl(PR_SET_NAME, "tenantdeck-sweep");
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    close(owner);
    close(report);
    while (guard > 0 && waitpid(guard, &status, 0) < 0 && errno == EINTR)
        continue;
    S_remove_tree(servers->state);
    _exit(guard > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

void demo_servers_guard(const struct demo_servers *servers, int owner, int report)
{
    struct guard guard = {.servers = servers, .owner = owner, .report = report};
    S_close_all_but(owner, report);
    setsid(); /* a Ctrl-C at the owner's terminal is the owner's */
    S_leave_sweeper(servers, owner, report);
    prctl(PR_SET_NAME, "tenantdeck-demo");
    umask(077);
    guard.signals = S_open_signals();
    bool ready = guard.signals >= 0 && S_change_user(servers);
    if (!ready)
        S_tell(&guard, REPORT_FAILURE, strerror(errno));
    else if (chdir(servers->directory) != 0)
        ready = S_fail(&guard, "", "the directory '%s' cannot be entered: %s", servers->directory,
                       strerror(errno));
    else
        ready = servers->postgres ? S_start_both(&guard) : S_start_redis_alone(&guard);
    if (ready)
        S_tell(&guard, REPORT_READY, "");
    close(report);
    while (ready && S_wait(&guard, -1))
        continue;
    S_stop(&guard, &guard.redis, SIGTERM, SIGTERM);
    S_stop(&guard, &guard.postgres, SIGINT, SIGQUIT);
    S_remove_tree(servers->directory);
    _exit(ready ? 0 : 1);
}
