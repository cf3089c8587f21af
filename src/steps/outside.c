/*
 * outside: a command of somebody else as a step: migrations, packages, seeds.
 *
 * Nobody can take part in its transactions, so it is watched from outside. Its undo record and its
 * process stand in the journal before it may begin. Afterwards its exit code counts, and what it
 * said, and what the database says: migrations that are still pending there were run elsewhere, and
 * the catalog tells what else has changed. Where the plan names no command that takes it back, only
 * a restore does, and the record says so.
 */
#include "outside.h"

#include "failpoint.h"
#include "outside_log.h"
#include "outside_wait.h"
#include "process.h"
#include "secret.h"
#include "sequelize.h"
#include "sql.h"
#include "steps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TICK_MS = 100, NAMES_SHOWN = 10, CHANGES_SHOWN = 40 };

struct S_work {
    struct run *run;
    const struct plan_outside *outside;
    const char *name;        /* of the step: the source of what it says */
    const char *const *argv; /* its command, or its undo */
    bool migrates;           /* the service's migrations are what it is about */
    bool knows;              /* `before` could be read, with the folder */
    struct arena *arena;     /* for the states of the migrations */
    struct sequelize before;
    struct buf catalog; /* before */
    int changes;        /* of the catalog, when it was over */
    bool ran;           /* it came to its end, and said nothing that betrays a failure */
};

/* ---- what the database says ---- */

static bool S_read_state(struct S_work *work, struct sequelize *out, struct err *err)
{
    const struct plan *plan = work->run->plan;
    return sequelize_read(work->run->work, plan->schema, plan->migrations, work->arena, out, err);
}

static bool S_note_state_before(struct S_work *work, struct err *err)
{
    if (!work->migrates || !work->run->plan->migrations)
        return true;
    if (!S_read_state(work, &work->before, err))
        return false;
    work->knows = true;
    size_t pending = work->before.counts[SEQUELIZE_PENDING];
    char *names = sequelize_names_in(&work->before, SEQUELIZE_PENDING, NAMES_SHOWN);
    run_say(work->run, "info", work->name, "%zu migrations are pending as %s tells%s%s", pending,
            work->before.tables ? work->before.tables : "the folder, and no table,",
            pending ? ": " : "", names);
    free(names);
    return true;
}

/* Zero is what it said, and this is what is: they differ when it went to another database. */
static bool S_judge_state(struct S_work *work, struct err *err)
{
    struct sequelize after;
    if (!work->knows)
        return true;
    if (!S_read_state(work, &after, err))
        return false;
    size_t pending = after.counts[SEQUELIZE_PENDING];
    char *names = sequelize_names_in(&after, SEQUELIZE_PENDING, NAMES_SHOWN);
    run_say(work->run, pending && work->ran ? "error" : "info", work->name,
            "%zu migrations were pending, now %zu are%s%s", work->before.counts[SEQUELIZE_PENDING],
            pending, pending ? ": " : "", names);
    bool ok = !pending || !work->ran;
    if (!ok) {
        err_set(err, ERR_FAILED,
                "'%s' ended well, but in this database %zu migrations are still pending: %s",
                work->argv[0], pending, names);
        err_hint(err, "look whether the service is configured for this database, and for this "
                      "schema; nothing can be said about what it did elsewhere");
    }
    free(names);
    return ok;
}

static bool S_read_catalog(struct S_work *work, const char *before, struct pg_result **out,
                           struct err *err)
{
    const char *values[] = {before};
    return pg_run(work->run->work, sql_get("outside_catalog"), values, 1, out, err) ||
           err_context(err, "the catalog");
}

static bool S_note_catalog_before(struct S_work *work, struct err *err)
{
    struct pg_result *lines;
    if (!S_read_catalog(work, NULL, &lines, err))
        return false;
    buf_clear(&work->catalog);
    for (int row = 0; row < pg_rows(lines); row++)
        buf_format(&work->catalog, "%s\n", pg_text(lines, row, 1));
    pg_result_free(lines);
    return true;
}

static bool S_tell_changes(struct S_work *work, struct err *err)
{
    struct pg_result *lines;
    if (!S_read_catalog(work, buf_text(&work->catalog), &lines, err))
        return false;
    work->changes = pg_rows(lines);
    for (int row = 0; row < work->changes && row < CHANGES_SHOWN; row++)
        run_say(work->run, "info", work->name, "catalog, %s: %s", pg_text(lines, row, 0),
                pg_text(lines, row, 1));
    if (work->changes > CHANGES_SHOWN)
        run_say(work->run, "info", work->name, "catalog: %d more changes",
                work->changes - CHANGES_SHOWN);
    pg_result_free(lines);
    return true;
}

/* ---- its undo record ---- */

static char *S_json(const char *const *argv)
{
    json_t *list = json_array();
    for (; *argv; argv++)
        json_array_append_new(list, json_string(*argv));
    char *dumped = json_dumps(list, JSON_COMPACT), *text = str_dup(dumped ? dumped : "[]");
    free(dumped);
    json_decref(list);
    return text;
}

static bool S_keep(struct run *run, const struct undo_record *record, struct err *err)
{
    if (!run_begin(run, err))
        return false;
    if (run_keep(run, record, err) && run_commit(run, err))
        return true;
    run_rollback(run);
    return false;
}

static bool S_keep_command(struct S_work *work, struct err *err)
{
    char *argv = S_json((const char *const *)work->outside->undo);
    const struct undo_record record = {.type = "command",
                                       .object = work->name,
                                       .definition = work->outside->folder,
                                       .statement = argv,
                                       .alone = true};
    bool ok = S_keep(work->run, &record, err);
    free(argv);
    return ok;
}

static bool S_keep_restore(struct S_work *work, struct err *err)
{
    char *sentence = str_format("the plan names no command that takes back '%s'; only a restore of "
                                "the backup does",
                                work->argv[0]);
    const struct undo_record record = {.type = "restore",
                                       .object = work->name,
                                       .definition = buf_text(&work->catalog),
                                       .statement = sentence};
    bool ok = S_keep(work->run, &record, err);
    free(sentence);
    return ok;
}

/*
 * Packages lie in the service's folder, and where nothing is pending nothing is to be taken back:
 * neither asks for a restore as long as the catalog stays as it is.
 */
static bool S_may_leave_no_trace(const struct S_work *work)
{
    return str_is(work->name, "dependencies") ||
           (work->knows && !work->before.counts[SEQUELIZE_PENDING]);
}

static bool S_keep_before(struct S_work *work, struct err *err)
{
    if (work->outside->undo)
        return S_keep_command(work, err);
    return S_may_leave_no_trace(work) || S_keep_restore(work, err);
}

static bool S_keep_after(struct S_work *work, struct err *err)
{
    bool kept = work->outside->undo || !S_may_leave_no_trace(work);
    return kept || !work->changes || S_keep_restore(work, err);
}

/* ---- what it may know ---- */

/*
 * Of the names of other plans, those that may hold a password; and ours for PostgreSQL and Redis.
 */
static bool S_is_foreign_secret(const struct env_name *name, const char *plan)
{
    bool is_url = name->meaning == ENV_DATABASE_URL || name->meaning == ENV_TENANT_DATABASE_URL ||
                  name->meaning == ENV_REST_URL;
    return (name->secret || is_url) && env_knows_plan(plan) && !strstr(name->plan, plan);
}

static void S_choose_names(const struct run *run, const char **hidden, char **added)
{
    static const char *const ours[] = {"PGPASSWORD", "REDISCLI_AUTH"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        *hidden++ = ours[i];
    for (size_t i = 0; i < env_name_count; i++) {
        const struct env_entry *entry =
            run->session->env.entries ? &run->session->env.entries[i] : NULL;
        if (S_is_foreign_secret(&env_names[i], run->plan->name))
            *hidden++ = env_names[i].name;
        else if (entry && entry->source == ENV_FILE)
            *added++ = str_format("%s=%s", env_names[i].name, entry->value);
    }
}

static struct process *S_start(struct S_work *work, struct outside_log *log, struct err *err)
{
    const char **hidden = mem_array(env_name_count + 3, sizeof(*hidden));
    char **added = mem_array(env_name_count + 1, sizeof(*added));
    char *title = str_format("%s of %s", work->name, work->run->plan->name);
    S_choose_names(work->run, hidden, added);
    const struct process_order order = {
        .argv = work->argv,
        .title = title,
        .folder = work->outside->folder,
        .hidden = hidden,
        .added = (const char *const *)added,
        .timeout_ms = work->outside->timeout * 1000,
    };
    struct process *process = process_new(work->run->loop, &order, outside_log_hear, log, err);
    for (size_t i = 0; added[i]; i++)
        str_wipe(added[i]);
    free(added);
    free(hidden);
    free(title);
    return process;
}

/* ---- while it runs ---- */

static void S_tell_lines(struct S_work *work, struct outside_log *log)
{
    struct buf line = {0};
    while (outside_log_next(log, &line))
        run_say(work->run, "info", work->name, "%s", buf_text(&line));
    buf_release(&line);
}

/* A pause or a stop waits for its end: nobody knows a border inside of it. */
static void S_attend(struct S_work *work, struct process *process, struct outside_log *log)
{
    bool told = false;
    process_go(process);
    while (!process_is_over(process)) {
        loop_turn(work->run->loop, TICK_MS);
        S_tell_lines(work, log);
        if (work->run->aborted || work->run->fenced)
            process_end(process);
        if (!told && (work->run->stop_wanted || work->run->paused)) {
            run_say(work->run, "info", work->name,
                    "this waits for the end of the command; 'abort' ends it at once");
            told = true;
        }
    }
    outside_log_close(log);
    S_tell_lines(work, log);
}

static char *S_join(const char *const *argv)
{
    struct buf text = {0};
    for (size_t i = 0; argv[i]; i++)
        buf_format(&text, "%s%s", i ? " " : "", argv[i]);
    char *shown = secret_masked(buf_text(&text));
    buf_release(&text);
    return shown;
}

/* It is noted while it stands at its gate: whoever takes over after us finds it in any case. */
static bool S_run_noted(struct S_work *work, struct process *process, struct outside_log *log,
                        struct err *err)
{
    int64_t child = 0;
    char *command = S_join(work->argv);
    FAILPOINT("K1");
    run_say(work->run, "info", work->name, "runs '%s' in %s, at most %lld s", command,
            work->outside->folder, (long long)work->outside->timeout);
    bool ok = run_child_begins(work->run, process_pid(process), command, &child, err) &&
              run_holds(work->run, err);
    free(command);
    FAILPOINT("K2");
    if (!ok)
        return false;
    S_attend(work, process, log);
    FAILPOINT("K6");
    return run_child_ended(work->run, child, process_result(process)->status, err);
}

/* ---- how it went ---- */

static void S_tell_end(struct S_work *work, const struct process_result *result,
                       const struct outside_log *log)
{
    char *what = process_describe(result);
    run_say(work->run, "info", work->name, "%s after %lld ms, %lld lines, %lld of them left out",
            what, (long long)result->ms, (long long)outside_log_lines(log),
            (long long)outside_log_left_out(log));
    free(what);
    if (result->left)
        run_say(work->run, "warn", work->name,
                "it has left processes behind, which were not ended: %s", result->left);
}

static bool S_judge_end(struct S_work *work, const struct process_result *result,
                        struct outside_log *log, struct err *err)
{
    const char *text, *line = outside_log_failure(log, &text);
    if (work->run->aborted && result->outcome == PROCESS_ENDED)
        return err_set(err, ERR_FAILED, "aborted, as asked");
    if (result->outcome != PROCESS_EXITED || result->status != 0) {
        const char *last = outside_log_last(log);
        char *what = process_describe(result);
        err_set(err, ERR_FAILED, "'%s' failed: %s%s%s", work->argv[0], what,
                last[0] ? "; its last words: " : "", last);
        free(what);
        return err_hint(err,
                        "'tenantdeck log' has what it said; what it has changed by then stays");
    }
    if (line) {
        err_set(err, ERR_FAILED, "'%s' ended with exit code 0, but said '%s': %s", work->argv[0],
                text, line);
        return err_hint(err, "the plan takes '%s' for a failure of this command, in line %d", text,
                        work->outside->line);
    }
    return true;
}

static bool S_execute(struct S_work *work, struct err *err)
{
    struct outside_log *log = outside_log_new((const char *const *)work->outside->failure);
    struct process *process = S_start(work, log, err);
    bool ok = process && S_run_noted(work, process, log, err);
    if (ok) {
        S_tell_end(work, process_result(process), log);
        ok = S_judge_end(work, process_result(process), log, err);
    }
    process_free(process);
    outside_log_free(log);
    return ok;
}

/*
 * The catalog tells what it has changed only when the server has ended what it was told to do. Who
 * does not wait for that does not know whether it is done.
 */
static bool S_execute_to_the_end(struct S_work *work, struct err *err)
{
    struct err unended = {0};
    bool ok = S_execute(work, err);
    if (work->run->fenced)
        return false;
    if ((!work->run->aborted && outside_wait(work->run, &unended)) || outside_has_ended(work->run))
        return ok;
    if (ok)
        err_set(err, ERR_FAILED, "'%s' has ended, but not what the server does for it",
                work->argv[0]);
    return false;
}

/* ---- the step ---- */

static const struct plan_outside *S_find(const struct run *run)
{
    for (size_t i = 0; i < run->plan->outside_count; i++)
        if (str_is(run->plan->outsides[i].step, run->step->def->name))
            return &run->plan->outsides[i];
    return NULL;
}

static bool S_check_folder(const char *folder, struct err *err)
{
    struct stat stat_;
    if (stat(folder, &stat_) == 0 && S_ISDIR(stat_.st_mode))
        return true;
    err_set(err, ERR_REFUSED, "the service's folder '%s' is not there, so nothing was run", folder);
    return err_hint(err,
                    "mend [service] folder in the plan; without that line the step is skipped");
}

static void S_begin(struct run *run, struct S_work *out)
{
    const char *name = run->step->def->name;
    *out = (struct S_work){.run = run,
                           .outside = S_find(run),
                           .name = name,
                           .migrates = str_is(name, "schema") || str_is(name, "schema-new"),
                           .arena = arena_new()};
    if (out->outside)
        out->argv = (const char *const *)out->outside->command;
}

static void S_end(struct S_work *work)
{
    arena_free(work->arena);
    buf_release(&work->catalog);
}

/* It is run again, since nothing tells how far it came: whoever knows it should know that. */
static bool S_tell_unseen(struct S_work *work, struct err *err)
{
    const char *values[] = {work->run->plan->name, work->name};
    struct pg_result *unseen;
    if (!pg_run(work->run->work, sql_get("outside_unseen"), values, ARRAY_LEN(values), &unseen,
                err))
        return false;
    if (pg_rows(unseen))
        run_say(work->run, "warn", work->name,
                "'%s' was begun at %s, and nobody saw how it ended; now it is run again",
                pg_text(unseen, 0, 0), pg_text(unseen, 0, 1));
    pg_result_free(unseen);
    return true;
}

/* The connection may be lost while a command runs for an hour: hence run_try(). */
static bool S_note_before(struct run *run, void *ctx, struct err *err)
{
    (void)run;
    struct S_work *work = ctx;
    return S_tell_unseen(work, err) && S_note_state_before(work, err) &&
           S_note_catalog_before(work, err) && S_keep_before(work, err);
}

static bool S_note_after(struct run *run, void *ctx, struct err *err)
{
    (void)run;
    struct S_work *work = ctx;
    return S_tell_changes(work, err) && S_keep_after(work, err) && S_judge_state(work, err);
}

/* What it did is told also when it failed: that is when somebody wants to know. */
static bool S_do(struct S_work *work, struct err *err)
{
    struct err unread = {0};
    if (!S_check_folder(work->outside->folder, err) ||
        !run_try(work->run, S_note_before, work, "read how it is before", err) ||
        !run_breathe(work->run, err))
        return false;
    work->ran = S_execute_to_the_end(work, err);
    if (work->run->fenced)
        return false;
    bool read = run_try(work->run, S_note_after, work, "read what has changed", &unread);
    if (work->ran && !read)
        *err = unread;
    return work->ran && read;
}

bool step_outside(struct run *run, struct err *err)
{
    struct S_work work;
    S_begin(run, &work);
    bool ok;
    if (!work.outside)
        ok = run_skip(run, "the plan has no [outside \"%s\"]", work.name);
    else if (!work.outside->folder)
        ok = run_skip(run, "the plan names no service folder, so '%s' is not run", work.argv[0]);
    else
        ok = S_do(&work, err);
    S_end(&work);
    return ok;
}

/* ---- taking it back ---- */

static const char **S_argv(struct arena *arena, const char *statement)
{
    json_t *list = json_loads(statement, 0, NULL), *word;
    size_t i;
    const char **argv = arena_array(arena, json_array_size(list) + 1, sizeof(*argv));
    json_array_foreach(list, i, word) argv[i] = arena_str(arena, json_string_value(word));
    json_decref(list);
    return argv;
}

bool outside_undo(struct run *run, const char *statement, struct err *err)
{
    struct S_work work;
    S_begin(run, &work);
    work.argv = S_argv(work.arena, statement);
    bool ok = work.argv[0] || err_set(err, ERR_BUG, "the undo record is no command: %s", statement);
    if (ok && (!work.outside || !work.outside->folder)) {
        err_set(err, ERR_REFUSED, "the plan no longer says where '%s' is to be run", work.argv[0]);
        ok = err_hint(err, "it was run with [outside \"%s\"] and [service] folder", work.name);
    }
    ok = ok && S_check_folder(work.outside->folder, err) && S_note_catalog_before(&work, err) &&
         S_execute_to_the_end(&work, err) && S_tell_changes(&work, err);
    S_end(&work);
    return ok;
}
