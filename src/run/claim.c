/* claim: see claim.h. */
#include "claim.h"

#include "clock.h"
#include "control.h"
#include "file.h"
#include "journal.h"
#include "plan_json.h"
#include "process.h"
#include "sql.h"
#include "throttle.h"

#include <openssl/evp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPEN_MS = 10000,
    SILENT_MS = 15000,     /* a worker without a heartbeat for so long may be taken for dead */
    ENDING_MS = 30000,     /* how long an old backend may take to end */
    PATIENCE_MS = 10000,   /* between asking an old command to end and ending it */
    CLAIM_LOCK_MS = 60000, /* a batch that is just committing holds the lease for moments */
};

/* ---- the plan's hash ---- */

static void S_digest_text(EVP_MD_CTX *digest, const char *text)
{
    EVP_DigestUpdate(digest, text ? text : "", text ? strlen(text) + 1 : 1);
}

static bool S_digest_files(EVP_MD_CTX *digest, const struct plan_file *files, size_t count,
                           struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct file file;
        if (!file_read(files[i].path, &file, err))
            return false;
        S_digest_text(digest, buf_text(&file.text));
        file_release(&file);
    }
    return true;
}

bool run_plan_hash(const struct plan *plan, char **hex, struct err *err)
{
    struct file file;
    struct csvmap_totals mapping = {0};
    unsigned char sum[EVP_MAX_MD_SIZE];
    struct buf text = {0};
    if (!file_read(plan->path, &file, err))
        return false;
    bool ok = !plan->mapping.path ||
              csvmap_read(plan->mapping.path, &plan->mapping.shape, NULL, &mapping, err);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    EVP_DigestUpdate(digest, buf_text(&file.text), file.text.len);
    EVP_DigestUpdate(digest, mapping.sha256, sizeof(mapping.sha256));
    S_digest_text(digest, plan->mapping.default_tenant);
    S_digest_text(digest, plan->mapping.default_organization);
    ok = ok && S_digest_files(digest, plan->functions, plan->function_count, err) &&
         S_digest_files(digest, plan->views, plan->view_count, err) &&
         S_digest_files(digest, plan->warms, plan->warm_count, err);
    EVP_DigestFinal_ex(digest, sum, NULL);
    EVP_MD_CTX_free(digest);
    file_release(&file);
    for (int i = 0; i < 32; i++)
        buf_format(&text, "%02x", sum[i]);
    *hex = buf_take(&text);
    if (!ok)
        free(*hex);
    return ok;
}

/* ---- who holds it ---- */

static bool S_refuse_held(struct run *run, const char *plan, struct err *err)
{
    const char *values[] = {plan};
    struct pg_result *holder;
    if (!control_run(run, "run_holder", values, 1, &holder, err))
        return false;
    if (!pg_rows(holder)) {
        err_set(err, ERR_HELD, "another session is just taking the plan '%s', or is checking it",
                plan);
        err_hint(err, "ask again in a moment");
    } else {
        int64_t silent = pg_int(holder, 0, pg_col(holder, "silent_ms"));
        err_set(err, ERR_HELD,
                "run %s of %s holds the plan '%s' since %s (last sign of life %lld s ago)",
                pg_text(holder, 0, pg_col(holder, "run")),
                pg_text(holder, 0, pg_col(holder, "who")), plan,
                pg_text(holder, 0, pg_col(holder, "since")), (long long)silent / 1000);
        if (silent > SILENT_MS)
            err_hint(err, "its worker may be dead or cut off: see to it on its host, then say "
                          "--takeover");
        else
            err_hint(
                err,
                "'tenantdeck attach' follows it; 'tenantdeck stop' ends it at the next border");
    }
    pg_result_free(holder);
    return false;
}

/* A worker that still beats is never taken over: a person would have to stop it. */
static bool S_take_over(struct run *run, const char *plan, struct err *err)
{
    const char *values[] = {plan};
    struct pg_result *holder;
    if (!control_run(run, "run_holder", values, 1, &holder, err))
        return false;
    bool silent = !pg_rows(holder) || pg_int(holder, 0, pg_col(holder, "silent_ms")) > SILENT_MS;
    pg_result_free(holder);
    if (!silent)
        return S_refuse_held(run, plan, err);
    return control_run(run, "run_end_lock", values, 1, NULL, err);
}

/* `backend` gets pid and start of the session that holds the lock. */
static bool S_lock(struct run *run, const struct run_order *order, char pid[static 24],
                   char start[static 64], struct err *err)
{
    const char *values[] = {run->plan->name};
    int64_t until = clock_ms() + (order->takeover ? ENDING_MS : 0);
    for (bool told = false;;) {
        struct pg_result *lock;
        if (!pg_run(run->lock, sql_get("run_try_lock"), values, 1, &lock, err))
            return false;
        bool got = pg_bool(lock, 0, 0);
        snprintf(pid, 24, "%s", pg_text(lock, 0, 1));
        snprintf(start, 64, "%s", pg_text(lock, 0, 2));
        pg_result_free(lock);
        if (got)
            return true;
        if (order->takeover && !told && !S_take_over(run, run->plan->name, err))
            return false;
        told = true;
        if (clock_ms() >= until)
            return S_refuse_held(run, run->plan->name, err);
        run_wait(run, 100);
    }
}

/* ---- what a dead worker has left ---- */

static bool S_end_old_backends(struct run *run, struct err *err)
{
    const char *values[] = {run->plan->name};
    int64_t until = clock_ms() + ENDING_MS;
    for (;;) {
        struct pg_result *left;
        if (!control_run(run, "run_old_backends", values, 1, &left, err))
            return false;
        int64_t alive = pg_int(left, 0, 0);
        pg_result_free(left);
        if (!alive)
            return true;
        if (clock_ms() > until)
            return err_set(err, ERR_HELD,
                           "%lld backends of an earlier worker are still at work and do not end",
                           (long long)alive);
        run_wait(run, 100);
    }
}

static bool S_end_old_command(struct run *run, const struct pg_result *list, int row,
                              const struct run_order *order, struct err *err)
{
    struct process_identity who = {.pid = (pid_t)pg_int(list, row, 2),
                                   .start_ticks = pg_int(list, row, 5)};
    bool elsewhere = false;
    snprintf(who.host, sizeof(who.host), "%s", pg_text(list, row, 3));
    snprintf(who.boot_id, sizeof(who.boot_id), "%s", pg_text(list, row, 4));
    process_family(&who, NULL, 0, &elsewhere);
    if (elsewhere && !order->takeover) {
        err_set(err, ERR_HELD, "process %d (%s) of an earlier worker may still run on host '%s'",
                (int)who.pid, pg_text(list, row, 6), who.host);
        return err_hint(err, "see to it that it has ended there, then say --takeover");
    }
    const char *values[] = {pg_text(list, row, 0), NULL, NULL};
    return (elsewhere || process_put_down(run->loop, &who, PATIENCE_MS, err)) &&
           control_run(run, "run_child_ended", values, ARRAY_LEN(values), NULL, err);
}

static bool S_end_old_commands(struct run *run, const struct run_order *order, struct err *err)
{
    const char *values[] = {run->plan->name};
    struct pg_result *list;
    bool ok = control_run(run, "run_old_children", values, 1, &list, err);
    for (int i = 0; ok && i < pg_rows(list); i++)
        ok = S_end_old_command(run, list, i, order, err);
    if (ok)
        pg_result_free(list);
    return ok;
}

/* ---- the run's row, and its steps ---- */

static const char *S_user(void)
{
    const struct passwd *user = getpwuid(geteuid());
    return user ? user->pw_name : "?";
}

/* The address that an SSH session came from; NULL: it is none. */
static char *S_ssh_client(void)
{
    const char *connection = getenv("SSH_CONNECTION");
    return connection ? str_ndup(connection, strcspn(connection, " ")) : NULL;
}

static bool S_keep_plan(struct run *run, struct err *err)
{
    char *hash = NULL;
    struct file file;
    struct pg_result *id;
    if (!run_plan_hash(run->plan, &hash, err))
        return false;
    if (!file_read(run->plan->path, &file, err)) {
        free(hash);
        return false;
    }
    const char *values[] = {run->plan->name,
                            hash,
                            plan_kind_name(run->plan->kind),
                            run->plan->title ? run->plan->title : "",
                            buf_text(&file.text),
                            run->document};
    bool ok = control_run(run, "run_plan", values, ARRAY_LEN(values), &id, err);
    if (ok) {
        run->plan_id = pg_int(id, 0, 0);
        pg_result_free(id);
    }
    file_release(&file);
    free(hash);
    return ok;
}

static bool S_create(struct run *run, const struct run_order *order, struct err *err)
{
    char plan[24], host[256] = "", *client = S_ssh_client();
    char *options = json_dumps(run->options, JSON_COMPACT);
    struct pg_result *result;
    snprintf(plan, sizeof(plan), "%lld", (long long)run->plan_id);
    gethostname(host, sizeof(host));
    const char *values[] = {plan, order->verb, run_mode_name(run->mode), S_user(),
                            host, client,      PACKAGE_VERSION,          options};
    bool ok = control_run(run, "run_create", values, ARRAY_LEN(values), &result, err);
    if (ok) {
        run->id = pg_int(result, 0, 0);
        snprintf(run->generation, sizeof(run->generation), "%s", pg_text(result, 0, 1));
        pg_result_free(result);
    }
    free(options);
    free(client);
    return ok;
}

static enum run_mode S_mode_named(const char *name)
{
    return str_is(name, "window") ? MODE_WINDOW : MODE_ONLINE;
}

/* Goes on with the run that was interrupted, if what is asked for is the same. */
static bool S_resume(struct run *run, const struct run_order *order, bool *resumed, struct err *err)
{
    char plan[24];
    struct pg_result *found;
    snprintf(plan, sizeof(plan), "%lld", (long long)run->plan_id);
    const char *values[] = {run->plan->name, plan, order->verb,
                            order->mode_given ? run_mode_name(order->mode) : NULL};
    if (!control_run(run, "run_resumable", values, ARRAY_LEN(values), &found, err))
        return false;
    *resumed = pg_rows(found) && pg_bool(found, 0, pg_col(found, "same"));
    if (*resumed) {
        run->id = pg_int(found, 0, 0);
        run->mode =
            str_is(pg_text(found, 0, pg_col(found, "mode")), "window") ? MODE_WINDOW : MODE_ONLINE;
        json_t *options = json_loads(pg_text(found, 0, pg_col(found, "options")), 0, NULL);
        json_object_update_missing(run->options, options);
        json_decref(options);
    }
    pg_result_free(found);
    return true;
}

/* A validation, a rollback or a step by itself goes by the mode of the migration before it. */
static bool S_inherit_mode(struct run *run, const struct run_order *order, struct err *err)
{
    const char *values[] = {run->plan->name};
    struct pg_result *last;
    if (order->mode_given || str_is(order->verb, "migrate") || str_is(order->verb, "preflight"))
        return true;
    if (!control_run(run, "run_last_mode", values, 1, &last, err))
        return false;
    if (pg_rows(last))
        run->mode = S_mode_named(pg_text(last, 0, 0));
    pg_result_free(last);
    return true;
}

static bool S_read_generation(struct run *run, struct err *err)
{
    struct journal_state state;
    if (!journal_look(run->control, &state, err))
        return false;
    snprintf(run->generation, sizeof(run->generation), "%s", state.identity);
    return true;
}

static const struct step_def *S_find_step(const struct step_def **defs, size_t count,
                                          const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(defs[i]->name, name))
            return defs[i];
    return NULL;
}

static bool S_add_steps(struct run *run, const struct run_order *order, struct err *err)
{
    struct arena *arena = arena_new();
    const struct step_def **defs;
    size_t count = kind_steps(run->plan, arena, &defs);
    char id[24];
    bool ok = true;
    snprintf(id, sizeof(id), "%lld", (long long)run->id);
    for (size_t i = 0; ok && i < order->step_count; i++) {
        const struct step_def *def = S_find_step(defs, count, order->steps[i]);
        char ordinal[24];
        if (!def)
            die("the plan has no step '%s'", order->steps[i]);
        snprintf(ordinal, sizeof(ordinal), "%zu", i + 1);
        const char *values[] = {id, ordinal, def->name, step_type_name(def->type)};
        ok = control_run(run, "run_add_step", values, ARRAY_LEN(values), NULL, err);
    }
    struct pg_result *rows;
    const char *values[] = {id};
    ok = ok && control_run(run, "run_steps", values, 1, &rows, err);
    if (ok) {
        run->step_count = (size_t)pg_rows(rows);
        run->steps = mem_array(run->step_count, sizeof(*run->steps));
        for (size_t i = 0; i < run->step_count; i++)
            run->steps[i] = (struct step){
                .id = pg_int(rows, (int)i, 0),
                .ordinal = (int)pg_int(rows, (int)i, 1),
                .def = S_find_step(defs, count, pg_text(rows, (int)i, 2)),
                .state = str_dup(pg_text(rows, (int)i, 3)),
                .done = pg_int(rows, (int)i, 4),
                .total = pg_int(rows, (int)i, 5),
            };
        pg_result_free(rows);
    }
    arena_free(arena);
    return ok;
}

/* ---- opening ---- */

static struct pg *S_new(struct run *run, const char *purpose, int lock_timeout_ms)
{
    struct pg_options options = {.purpose = purpose, .lock_timeout_ms = lock_timeout_ms};
    return pg_new(run->loop, &run->session->database, &options);
}

static bool S_note_work(struct run *run, struct err *err)
{
    char id[24];
    snprintf(id, sizeof(id), "%lld", (long long)run->id);
    const char *values[] = {id, NULL, "work"};
    return pg_run(run->work, sql_get("run_backend"), values, ARRAY_LEN(values), NULL, err);
}

static bool S_claim(struct run *run, const char *backend_pid, const char *backend_start,
                    struct err *err)
{
    char id[24], pid[24], number[24], host[256] = "";
    struct pg_result *epoch;
    snprintf(id, sizeof(id), "%lld", (long long)run->id);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    gethostname(host, sizeof(host));
    const char *claim[] = {run->plan->name, id, host, pid, backend_pid, backend_start};
    const char *others[] = {run->plan->name, id};
    const char *requests[] = {id};
    if (!control_run(run, "run_claim", claim, ARRAY_LEN(claim), &epoch, err))
        return false;
    run->epoch = pg_int(epoch, 0, 0);
    snprintf(number, sizeof(number), "%s", pg_text(epoch, 0, 0));
    pg_result_free(epoch);
    const char *state[] = {id, "running", NULL, pid, run_option(run, "log_file"), number};
    return control_run(run, "run_close_others", others, ARRAY_LEN(others), NULL, err) &&
           control_run(run, "run_forget_requests", requests, 1, NULL, err) &&
           control_run(run, "run_state", state, ARRAY_LEN(state), NULL, err);
}

static bool S_open(struct run *run, const struct run_order *order, struct err *err)
{
    char pid[24], start[64];
    bool resumed = false;
    bool ok = pg_open(run->control, OPEN_MS, err) && journal_ensure(run->control, err) &&
              pg_open(run->lock, OPEN_MS, err) && S_lock(run, order, pid, start, err) &&
              S_keep_plan(run, err) && S_end_old_backends(run, err) &&
              S_end_old_commands(run, order, err) && S_inherit_mode(run, order, err) &&
              S_resume(run, order, &resumed, err) &&
              (resumed ? S_read_generation(run, err) : S_create(run, order, err)) &&
              S_claim(run, pid, start, err) && S_add_steps(run, order, err) &&
              pg_open(run->work, OPEN_MS, err) && S_note_work(run, err);
    if (!ok)
        return false;
    if (*pg_host(run->work) == '/')
        run->socket_directory = str_dup(pg_host(run->work));
    run_say(run, "info", "worker", "%s: run %lld of plan '%s', %s, epoch %lld, process %d",
            resumed ? "goes on" : "begins", (long long)run->id, run->plan->name,
            run_mode_name(run->mode), (long long)run->epoch, (int)getpid());
    control_start(run);
    return true;
}

static void S_free(struct run *run)
{
    throttle_free(run->throttle);
    pg_free(run->work);
    pg_free(run->control);
    pg_free(run->lock);
    for (size_t i = 0; i < run->step_count; i++)
        free(run->steps[i].state);
    free(run->steps);
    free(run->document);
    free(run->socket_directory);
    free(run->verb);
    free(run->waits_for);
    free(run->hold_before);
    free(run->reason);
    free(run->tally.first);
    json_decref(run->options);
    free(run);
}

bool run_open(struct loop *loop, struct session *session, const struct run_order *order,
              struct run **out, struct err *err)
{
    struct run *run = mem_new(sizeof(*run));
    *run = (struct run){
        .loop = loop,
        .session = session,
        .plan = session->plan,
        .document = plan_to_json(session->plan),
        .mode = order->mode,
        .options = order->options ? json_deep_copy(order->options) : json_object(),
        .verb = str_dup(order->verb),
    };
    run->hold_before = str_dup(run_option(run, "hold"));
    run->work = S_new(run, "work", RUN_LOCK_TIMEOUT_MS);
    run->control = S_new(run, "control", CLAIM_LOCK_MS);
    run->lock = S_new(run, "lock", 0);
    srandom((unsigned)(clock_us() ^ getpid()));
    if (S_open(run, order, err)) {
        run->throttle = throttle_new(run);
        *out = run;
        return true;
    }
    S_free(run);
    return false;
}

void run_close(struct run *run, const char *state, const char *trouble)
{
    struct err ignored = {0};
    char id[24], epoch[24];
    snprintf(id, sizeof(id), "%lld", (long long)run->id);
    snprintf(epoch, sizeof(epoch), "%lld", (long long)run->epoch);
    const char *last[] = {id, state, trouble, NULL, NULL, epoch};
    const char *lease[] = {run->plan->name, epoch};
    control_stop(run);
    if (!run->fenced) { /* else the run is no longer ours to speak of */
        control_run(run, "run_state", last, ARRAY_LEN(last), NULL, &ignored);
        control_run(run, "run_give_back", lease, ARRAY_LEN(lease), NULL, &ignored);
    }
    S_free(run);
}

/* ---- the order of steps ---- */

bool run_read_order(struct pg *pg, const struct plan *plan, struct arena *arena,
                    const struct step_def ***defs, const char ***states, size_t *count,
                    struct err *err)
{
    const char *values[] = {plan->name};
    struct pg_result *rows;
    *count = kind_steps(plan, arena, defs);
    *states = arena_array(arena, *count, sizeof(**states));
    if (!pg_run(pg, sql_get("run_order"), values, 1, &rows, err))
        return false;
    for (int row = 0; row < pg_rows(rows); row++)
        for (size_t i = 0; i < *count; i++)
            if (str_is((*defs)[i]->name, pg_text(rows, row, 0)))
                (*states)[i] = arena_str(arena, pg_text(rows, row, 1));
    pg_result_free(rows);
    return true;
}
