/*
 * demo: see demo.h. This file makes the directory, starts the guard that keeps the servers
 * (demo_servers.h), and puts the sample (demo_load.c) and the files that go with it in place.
 */
#include "demo.h"

#include "demo_servers.h"
#include "file.h"
#include "plan.h"
#include "sql.h"
#include "wholefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OPEN_MS = 10000,     /* the servers have just said that they answer */
    LONGEST_PARENT = 70, /* of the directory above ours: a socket's path must fit into 107 bytes */
};

struct demo {
    struct loop *loop;
    char *directory, *state, *database_url, *redis_url;
    int directory_fd; /* what is written there goes by it; -1: none */
    pid_t guard;      /* 0: none */
    int owner;        /* our end of the pipe by which the guard knows that we live; -1: none */
    demo_progress_fn *progress;
    void *progress_ctx;
};

static void S_say(const struct demo *demo, const char *sentence)
{
    if (demo->progress)
        demo->progress(demo->progress_ctx, sentence);
}

/* ---- the directory ---- */

/* Its name goes into URLs, into a deck and into a setting of postgres, so nothing odd is in it. */
static bool S_may_be_parent(const char *path, bool change_user)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    struct stat facts;
    if (!path || *path != '/' || strlen(path) > LONGEST_PARENT || path[strspn(path, plain)])
        return false;
    /* The other user has to reach it, and to remove our directory from it. */
    return !change_user || (stat(path, &facts) == 0 && facts.st_mode & S_ISVTX &&
                            (facts.st_mode & S_IRWXO) == S_IRWXO);
}

static bool S_make_directory(struct demo *demo, const struct demo_servers *servers, struct err *err)
{
    const char *parent = getenv("TMPDIR");
    if (!S_may_be_parent(parent, servers->change_user))
        parent = "/tmp";
    char *directory = str_format("%s/tenantdeck-XXXXXX", parent);
    if (!mkdtemp(directory)) {
        err_set(err, ERR_FAILED, "no directory could be made in '%s': %s", parent, strerror(errno));
        err_hint(err, "set TMPDIR to a directory that you may write to");
        free(directory);
        return false;
    }
    demo->directory = directory;
    demo->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (demo->directory_fd < 0)
        return err_set(err, ERR_FAILED, "the directory '%s' could not be opened: %s", directory,
                       strerror(errno));
    if (servers->change_user && fchown(demo->directory_fd, servers->user, servers->group) != 0)
        return err_set(err, ERR_FAILED, "the directory '%s' could not be handed over: %s",
                       directory, strerror(errno));
    demo->state = str_format("%s/tenantdeck-XXXXXX", parent);
    if (!mkdtemp(demo->state))
        return err_set(err, ERR_FAILED, "no directory could be made in '%s': %s", parent,
                       strerror(errno));
    if (servers->postgres)
        demo->database_url =
            str_format("postgresql://postgres@/mentoring?host=%s&port=5432", directory);
    demo->redis_url = str_format("unix://%s/redis.sock", directory);
    return true;
}

/* ---- the guard ---- */

struct report {
    const struct demo *demo;
    struct watch *watch;
    int fd;
    struct buf text;    /* what is not a whole line yet; all of it once it failed */
    bool ready, failed; /* failed: the rest of the text says why */
    bool over;          /* end of file */
};

static void S_read_line(struct report *report)
{
    char *end = strchr(report->text.text, '\n');
    size_t used = (size_t)(end - report->text.text) + 1;
    *end = '\0';
    if (report->text.text[0] == REPORT_READY)
        report->ready = true;
    else
        S_say(report->demo, report->text.text + 1);
    memmove(report->text.text, report->text.text + used, report->text.len - used + 1);
    report->text.len -= used;
}

static void S_hear(void *ctx, short events)
{
    (void)events;
    struct report *report = ctx;
    char bytes[512];
    ssize_t got = read(report->fd, bytes, sizeof(bytes));
    if (got > 0)
        buf_add_mem(&report->text, bytes, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        report->over = true;
    while (report->text.len && report->text.text[0] != REPORT_FAILURE &&
           strchr(report->text.text, '\n'))
        S_read_line(report);
    report->failed = report->text.len && report->text.text[0] == REPORT_FAILURE;
}

/* Turns the loop until the guard has said how it went. */
static bool S_await_servers(struct demo *demo, int fd, struct err *err)
{
    struct report report = {.demo = demo, .fd = fd};
    report.watch = loop_watch(demo->loop, fd, POLLIN, S_hear, &report);
    while (!report.over && !report.ready)
        loop_turn(demo->loop, -1);
    loop_unwatch(report.watch);
    while (report.failed && report.text.text[report.text.len - 1] == '\n')
        report.text.text[--report.text.len] = '\0';
    if (!report.ready)
        err_set(err, ERR_FAILED, "the demo's servers could not be started: %s",
                report.failed ? report.text.text + 1 : "their guard has died");
    buf_release(&report.text);
    return report.ready;
}

static bool S_pipe(int ends[2], struct err *err)
{
    return pipe2(ends, O_CLOEXEC) == 0 ||
           err_set(err, ERR_FAILED, "a pipe could not be made: %s", strerror(errno));
}

static bool S_start_guard(struct demo *demo, struct demo_servers *servers, struct err *err)
{
    int owner[2], report[2];
    if (!S_pipe(owner, err))
        return false;
    if (!S_pipe(report, err)) {
        close(owner[0]);
        close(owner[1]);
        return false;
    }
    servers->directory = demo->directory;
    servers->state = demo->state;
    demo->guard = fork();
    if (demo->guard == 0)
        demo_servers_guard(servers, owner[0], report[1]);
    demo->owner = owner[1];
    close(owner[0]);
    close(report[1]);
    bool ok = demo->guard > 0
                  ? S_await_servers(demo, report[0], err)
                  : err_set(err, ERR_FAILED, "no process could be made: %s", strerror(errno));
    close(report[0]);
    return ok;
}

/* ---- what stands in the directory ---- */

static bool S_write_file(const struct demo *demo, const char *name, const char *text,
                         struct err *err)
{
    /* By the directory itself and not by its path, which the servers' user could bend elsewhere. */
    int fd = openat(demo->directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    bool ok = fd >= 0 && wholefile_write_all(fd, text, strlen(text));
    if (!ok)
        err_set(err, ERR_FAILED, "'%s/%s' could not be written: %s", demo->directory, name,
                strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool S_write_mapping(const struct demo *demo, struct pg *pg, struct err *err)
{
    struct pg_result *codes;
    if (!pg_run(pg, sql_get("demo_mentoring_codes"), NULL, 0, &codes, err))
        return false;
    struct buf csv = {0};
    buf_add(&csv, "organization_id,organization_code,tenant_code\n");
    for (int row = 0; row < pg_rows(codes); row++)
        buf_format(&csv, "%s,%s,%s\n", pg_text(codes, row, 0), pg_text(codes, row, 1),
                   pg_text(codes, row, 2));
    bool ok = S_write_file(demo, "data_codes.csv", buf_text(&csv), err);
    buf_release(&csv);
    pg_result_free(codes);
    return ok;
}

static bool S_open_plan(const char *name, struct plan **plan, struct err *err)
{
    const char *data = getenv("TENANTDECK_DATADIR");
    char *path = str_format("%s/plans/%s.plan", data && *data ? data : TD_DATADIR, name);
    bool ok = plan_read(path, plan, err);
    if (!ok && !err->hint[0])
        err_hint(err, "is tenantdeck installed? TENANTDECK_DATADIR names its data otherwise");
    free(path);
    return ok;
}

static bool S_copy_file(const struct demo *demo, const char *path, struct err *err)
{
    struct file file;
    const char *slash = strrchr(path, '/');
    if (!file_read(path, &file, err))
        return false;
    bool ok = S_write_file(demo, slash ? slash + 1 : path, buf_text(&file.text), err);
    file_release(&file);
    return ok;
}

static bool S_copy_files(const struct demo *demo, const struct plan_file *files, size_t count,
                         struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!S_copy_file(demo, files[i].path, err))
            return false;
    return true;
}

/* The demo gets a copy of the installed plan: a plan looks for what goes with it beside itself. */
static bool S_copy_plan(const struct demo *demo, const struct plan *plan, struct err *err)
{
    return S_copy_file(demo, plan->path, err) &&
           S_copy_files(demo, plan->functions, plan->function_count, err) &&
           S_copy_files(demo, plan->views, plan->view_count, err) &&
           S_copy_files(demo, plan->warms, plan->warm_count, err);
}

static bool S_write_deck(const struct demo *demo, const struct plan *plan, struct err *err)
{
    struct buf deck = {0};
    buf_format(&deck,
               "# The demo: its servers, this file and all are gone when it ends.\n"
               "[deck]\n"
               "    environment = DEMO\n"
               "    colour = blue\n"
               "    plan = ./%s.plan\n",
               plan->name);
    if (demo->database_url)
        buf_format(&deck, "[database \"main\"]\n    conninfo = %s\n", demo->database_url);
    buf_format(&deck, "[redis \"main\"]\n    url = %s\n", demo->redis_url);
    bool ok = S_write_file(demo, "demo.conf", buf_text(&deck), err);
    buf_release(&deck);
    return ok;
}

/* ---- the servers' contents ---- */

static struct pg *S_connect(const struct demo *demo, const struct pg_target *target,
                            struct err *err)
{
    struct pg_options options = {.purpose = "demo"};
    struct pg *pg = pg_new(demo->loop, target, &options);
    if (pg_open(pg, OPEN_MS, err))
        return pg;
    pg_free(pg);
    return NULL;
}

static bool S_make_database(const struct demo *demo, struct err *err)
{
    struct pg_target maintenance = {
        .conninfo =
            str_format("postgresql://postgres@/postgres?host=%s&port=5432", demo->directory)};
    struct pg *pg = S_connect(demo, &maintenance, err);
    bool ok = pg && pg_run(pg, sql_get("demo_server_database"), NULL, 0, NULL, err);
    pg_free(pg);
    pg_target_release(&maintenance);
    return ok;
}

static bool S_fill_servers(const struct demo *demo, const struct demo_options *options,
                           struct err *err)
{
    struct pg_target target = {.conninfo = str_dup(demo->database_url)};
    struct redis_target redis_target = {0};
    struct redis *redis = NULL;
    struct pg *pg = S_connect(demo, &target, err);
    bool ok = pg && redis_target_parse(demo->redis_url, &redis_target, err);
    if (ok) {
        redis = redis_new(demo->loop, &redis_target);
        ok = redis_open(redis, OPEN_MS, err);
    }
    ok = ok && demo_load(pg, redis, options, err) &&
         pg_run(pg, sql_get("demo_server_role"), NULL, 0, NULL, err) &&
         S_write_mapping(demo, pg, err);
    redis_free(redis);
    redis_target_release(&redis_target);
    pg_free(pg);
    pg_target_release(&target);
    return ok;
}

static bool S_fill_redis(const struct demo *demo, const struct demo_options *options,
                         struct err *err)
{
    struct redis_target target = {0};
    if (!redis_target_parse(demo->redis_url, &target, err))
        return false;
    struct redis *redis = redis_new(demo->loop, &target);
    bool ok = redis_open(redis, OPEN_MS, err) && demo_sessions_load(redis, options, err);
    redis_free(redis);
    redis_target_release(&target);
    return ok;
}

static bool S_prepare(struct demo *demo, struct demo_servers *servers,
                      const struct demo_options *options, struct err *err)
{
    struct plan *plan = NULL;
    if (!S_make_directory(demo, servers, err) ||
        !S_open_plan(options->of_keys ? "sessions" : "mentoring", &plan, err))
        return false;
    bool ok = S_start_guard(demo, servers, err) && (options->of_keys || S_make_database(demo, err));
    if (ok)
        S_say(demo, "loading the sample");
    ok = ok &&
         (options->of_keys ? S_fill_redis(demo, options, err)
                           : S_fill_servers(demo, options, err)) &&
         S_copy_plan(demo, plan, err) && S_write_deck(demo, plan, err);
    plan_free(plan);
    return ok;
}

/* ---- life ---- */

bool demo_start(struct loop *loop, const struct demo_options *options, demo_progress_fn *progress,
                void *ctx, struct demo **out, struct err *err)
{
    struct demo_servers servers;
    if (!demo_servers_find(&servers, options->of_keys, err))
        return false;
    struct demo *demo = mem_new(sizeof(*demo));
    *demo = (struct demo){
        .loop = loop, .owner = -1, .directory_fd = -1, .progress = progress, .progress_ctx = ctx};
    bool ok = S_prepare(demo, &servers, options, err);
    demo_servers_release(&servers);
    if (ok)
        *out = demo;
    else
        demo_stop(demo);
    return ok;
}

void demo_stop(struct demo *demo)
{
    if (!demo)
        return;
    if (demo->owner >= 0)
        close(demo->owner);
    while (demo->guard > 0 && waitpid(demo->guard, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (demo->directory_fd >= 0)
        close(demo->directory_fd);
    /* The guard has removed them, unless there never was one. */
    if (demo->directory)
        rmdir(demo->directory);
    if (demo->state)
        rmdir(demo->state);
    free(demo->directory);
    free(demo->state);
    free(demo->database_url);
    free(demo->redis_url);
    free(demo);
}

const char *demo_database_url(const struct demo *demo)
{
    return demo->database_url;
}

const char *demo_redis_url(const struct demo *demo)
{
    return demo->redis_url;
}

const char *demo_state(const struct demo *demo)
{
    return demo->state;
}

const char *demo_directory(const struct demo *demo)
{
    return demo->directory;
}
