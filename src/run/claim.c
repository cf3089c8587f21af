/* claim: see claim.h. */
#include "claim.h"

#include "clock.h"
#include "control.h"
#include "file.h"
#include "inherit.h"
#include "journal.h"
#include "plan_hash.h"
#include "plan_json.h"
#include "runner_lock.h"
#include "silence.h"
#include "sql.h"
#include "throttle.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPEN_MS = 10000,
    SILENT_MS = 15000,     /* a worker without a heartbeat for so long may be taken for dead */
    TAKEOVER_MS = 30000,   /* how long its lock's session may take to end */
    CLAIM_LOCK_MS = 60000, /* a batch that is just committing holds the lease for moments */
};

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

static bool S_lock(struct run *run, const struct run_order *order, struct lock_session *session,
                   struct err *err)
{
    int64_t until = clock_ms() + (order->takeover ? TAKEOVER_MS : 0);
    for (bool told = false;; told = true) {
        bool got;
        if (!runner_lock_try(run, &got, session, err))
            return false;
        if (got)
            return true;
        if (order->takeover && !told && !S_take_over(run, run->plan->name, err))
            return false;
        if (clock_ms() >= until)
            return S_refuse_held(run, run->plan->name, err);
        run_wait(run, 100);
    }
}

/* The lock was free; but a worker that has lost nothing but its lock's session is not dead. */
static bool S_check_dead(struct run *run, struct err *err)
{
    bool beats;
    return inherit_listen(run, &beats, err) && (!beats || S_refuse_held(run, run->plan->name, err));
}

/* ---- the run's row, and its steps ---- */

static const char *S_user(void)
{
    const struct passwd *user = getpwuid(geteuid());
    return user ? user->pw_name : "?";
}

/*
 * The address that an SSH session came from; NULL: it is none. One of the link names its interface.
 */
static char *S_ssh_client(void)
{
    const char *connection = getenv("SSH_CONNECTION");
    char *address = connection ? str_ndup(connection, strcspn(connection, " %")) : NULL;
    unsigned char bytes[16];
    if (address &&
        (inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1))
        return address;
    free(address);
    return NULL;
}

/* Nobody is kept from taking back by a mapping file that has gone since. */
static bool S_take_plan_before(struct run *run, struct err *err)
{
    const char *values[] = {run->plan->name};
    struct pg_result *id;
    if (!control_run(run, "run_plan_before", values, 1, &id, err))
        return false;
    run->plan_id = pg_int(id, 0, 0);
    pg_result_free(id);
    return true;
}

static bool S_keep_plan(struct run *run, struct err *err)
{
    char *hash = NULL;
    struct file file;
    struct pg_result *id;
    if (str_is(run->verb, "rollback") && S_take_plan_before(run, err) && run->plan_id)
        return true;
    if (!plan_hash(run->plan, &hash, err))
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
    char host[256] = "", *client = S_ssh_client();
    char *options = json_dumps(run->options, JSON_COMPACT);
    struct pg_result *result;
    struct number_text plan = number_text(run->plan_id);
    gethostname(host, sizeof(host) - 1);
    const char *values[] = {plan.text, order->verb, run_mode_name(run->mode), S_user(),
                            host,      client,      PACKAGE_VERSION,          options};
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
    struct number_text plan = number_text(run->plan_id);
    struct pg_result *found;
    const char *values[] = {run->plan->name, plan.text, order->verb,
                            order->mode_given ? run_mode_name(order->mode) : NULL};
    if (!control_run(run, "run_resumable", values, ARRAY_LEN(values), &found, err))
        return false;
    *resumed = pg_rows(found) && pg_bool(found, 0, pg_col(found, "same"));
    if (*resumed) {
        run->id = pg_int(found, 0, 0);
        run->mode = S_mode_named(pg_text(found, 0, pg_col(found, "mode")));
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
    die("the plan has no step '%s'", name);
}

static bool S_note_steps(struct run *run, const struct step_def **defs, size_t count,
                         struct err *err)
{
    struct number_text id = number_text(run->id);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const char *values[] = {id.text, defs[i]->name, step_type_name(defs[i]->type)};
        ok = control_run(run, "run_add_step", values, ARRAY_LEN(values), NULL, err);
    }
    return ok;
}

static void S_take_step(struct step *step, const struct step_def *def, const struct pg_result *rows)
{
    int row = 0;
    while (row < pg_rows(rows) && !str_is(pg_text(rows, row, 2), def->name))
        row++;
    *step = (struct step){
        .id = pg_int(rows, row, 0),
        .ordinal = (int)pg_int(rows, row, 1),
        .def = def,
        .state = str_dup(pg_text(rows, row, 3)),
        .done = pg_int(rows, row, 4),
        .total = pg_int(rows, row, 5),
    };
}

/* The run may have more steps from the time before: only those are done that are asked for now. */
static bool S_add_steps(struct run *run, const struct run_order *order, struct err *err)
{
    struct number_text id = number_text(run->id);
    struct arena *arena = arena_new();
    const struct step_def **all, **wanted = arena_array(arena, order->step_count, sizeof(*wanted));
    struct pg_result *rows;
    size_t count = kind_every_step(run->plan, arena, &all);
    for (size_t i = 0; i < order->step_count; i++)
        wanted[i] = S_find_step(all, count, order->steps[i]);
    const char *values[] = {id.text};
    bool ok = S_note_steps(run, wanted, order->step_count, err) &&
              control_run(run, "run_steps", values, 1, &rows, err);
    if (ok) {
        run->step_count = order->step_count;
        run->steps = mem_array(run->step_count, sizeof(*run->steps));
        for (size_t i = 0; i < run->step_count; i++)
            S_take_step(&run->steps[i], wanted[i], rows);
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
    struct number_text id = number_text(run->id);
    const char *values[] = {id.text, NULL, "work"};
    return pg_run(run->work, sql_get("run_backend"), values, ARRAY_LEN(values), NULL, err);
}

static bool S_claim(struct run *run, const struct lock_session *lock, struct err *err)
{
    char host[256] = "";
    struct pg_result *claimed;
    struct number_text id = number_text(run->id), pid = number_text(getpid());
    gethostname(host, sizeof(host) - 1);
    const char *claim[] = {run->plan->name, id.text, host, pid.text, lock->pid.text, lock->start};
    if (!control_run(run, "run_claim", claim, ARRAY_LEN(claim), &claimed, err))
        return false;
    run->epoch = pg_int(claimed, 0, 0);
    pg_result_free(claimed);
    struct number_text epoch = number_text(run->epoch);
    const char *others[] = {run->plan->name, id.text};
    const char *unheard[] = {id.text, "nobody was at work then; ask again if it is still wanted"};
    const char *state[] = {id.text,   "running", NULL, pid.text, run_option(run, "log_file"),
                           epoch.text};
    return control_run(run, "run_close_others", others, ARRAY_LEN(others), NULL, err) &&
           control_run(run, "run_forget_requests", unheard, ARRAY_LEN(unheard), NULL, err) &&
           control_run(run, "run_state", state, ARRAY_LEN(state), NULL, err);
}

/* Two people may have said yes to the same thing: with the lock held only one of them is right. */
static bool S_check_token(struct run *run, const struct run_token *token, struct err *err)
{
    return !token || run_token_check_steps(run->control, run->plan->name, token, err);
}

static bool S_open(struct run *run, const struct run_order *order, struct err *err)
{
    struct lock_session lock;
    bool resumed = false;
    bool ok = pg_open(run->control, OPEN_MS, err) && journal_ensure(run->control, err) &&
              pg_open(run->lock, OPEN_MS, err) && S_lock(run, order, &lock, err) &&
              S_check_dead(run, err) && S_check_token(run, order->token, err) &&
              S_keep_plan(run, err) && inherit_end(run, order->takeover, err) &&
              S_inherit_mode(run, order, err) && S_resume(run, order, &resumed, err) &&
              (resumed ? S_read_generation(run, err) : S_create(run, order, err)) &&
              S_claim(run, &lock, err) && S_add_steps(run, order, err) &&
              pg_open(run->work, OPEN_MS, err) && S_note_work(run, err);
    if (!ok)
        return false;
    if (*pg_host(run->work) == '/')
        run->socket_directory = str_dup(pg_host(run->work));
    run->hold_before = str_dup(run_option(run, "hold")); /* a resume may know it from its run */
    run_say(run, "info", "worker", "%s: run %lld of plan '%s', %s, epoch %lld, process %d",
            resumed ? "goes on" : "begins", (long long)run->id, run->plan->name,
            run_mode_name(run->mode), (long long)run->epoch, (int)getpid());
    control_start(run);
    return true;
}

static void S_free(struct run *run)
{
    throttle_free(run->throttle);
    silence_forget(run);
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

/* A claim that did not come to its end leaves no run that looks as if somebody were at work. */
static void S_abandon(struct run *run, const char *trouble)
{
    struct err ignored = {0};
    struct number_text id = number_text(run->id), epoch = number_text(run->epoch);
    const char *last[] = {id.text, "failed", trouble, NULL, NULL, epoch.text};
    const char *lease[] = {run->plan->name, epoch.text};
    if (run->epoch && pg_is_up(run->control) &&
        control_run(run, "run_state", last, ARRAY_LEN(last), NULL, &ignored))
        control_run(run, "run_give_back", lease, ARRAY_LEN(lease), NULL, &ignored);
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
    run->work = S_new(run, "work", RUN_LOCK_TIMEOUT_MS);
    run->control = S_new(run, "control", CLAIM_LOCK_MS);
    run->lock = S_new(run, "lock", 0);
    silence_watch(run);
    srandom((unsigned)(clock_us() ^ getpid()));
    if (S_open(run, order, err)) {
        run->throttle = throttle_new(run);
        *out = run;
        return true;
    }
    S_abandon(run, err->text);
    S_free(run);
    return false;
}

void run_close(struct run *run, const char *state, const char *trouble)
{
    struct err unwritten = {0};
    struct number_text id = number_text(run->id), epoch = number_text(run->epoch);
    const char *last[] = {id.text, state, trouble, NULL, NULL, epoch.text};
    const char *lease[] = {run->plan->name, epoch.text};
    const char *unheard[] = {id.text, "the run had come to its end by then"};
    control_stop(run);
    /* Once the fence is lost the run is no longer ours to speak of. */
    if (!run->fenced && control_insist(run, "run_state", last, ARRAY_LEN(last), &unwritten) &&
        control_insist(run, "run_give_back", lease, ARRAY_LEN(lease), &unwritten))
        control_run(run, "run_forget_requests", unheard, ARRAY_LEN(unheard), NULL, &unwritten);
    if (unwritten.kind)
        fprintf(stderr, "the end of the run could not be written: %s\n", unwritten.text);
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
