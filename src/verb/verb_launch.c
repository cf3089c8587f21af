/*
 * verb_launch: see verb_launch.h. A worker is launched, then followed by what it writes into the
 * journal; leaving changes nothing for it.
 */
#include "verb_launch.h"

#include "follow.h"
#include "journal.h"
#include "sql.h"
#include "worker.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- an order ---- */

/* Options of the verb that the run keeps: name on the command line, name in the journal. */
static const struct {
    const char *option, *kept;
    bool is_switch;
} S_kept_options[] = {
    {"no-backup", "no_backup", true},
    {"backup-dir", "backup_directory", false},
    {"report-dir", "report_directory", false},
    {"triggers", "triggers", true},
    {"lanes", "lanes", false},
    {"batch-ms", "batch_ms", false},
    {"sleep", "sleep", false},
    {"hold", "hold", false},
    {"preserve-data", "preserve_data", true},
    {"busy", "busy", true},
};

const char *verb_given(const struct verb_call *call, const char *name)
{
    for (size_t i = 0; i < VERB_OPTIONS && call->verb->options[i].name; i++)
        if (str_is(call->verb->options[i].name, name))
            return call->option_values[i];
    return NULL;
}

/* A path that the worker will find, wherever it stands. */
static json_t *S_absolute(const char *path)
{
    char here[4096];
    if (*path == '/' || !getcwd(here, sizeof(here)))
        return json_string(path);
    char *whole = str_format("%s/%s", here, path);
    json_t *value = json_string(whole);
    free(whole);
    return value;
}

/* The journal keeps UTF-8 alone: what it cannot keep is refused, and never left out in silence. */
static bool S_take_options(const struct verb_call *call, json_t *options, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(S_kept_options); i++) {
        const char *option = S_kept_options[i].option, *value = verb_given(call, option);
        if (!value)
            continue;
        json_t *kept = S_kept_options[i].is_switch ? json_true()
                       : str_ends(option, "-dir")  ? S_absolute(value)
                                                   : json_string(value);
        if (!kept)
            return err_set(err, ERR_USAGE, "'--%s' is given '%s', which is no UTF-8", option,
                           value);
        json_object_set_new(options, S_kept_options[i].kept, kept);
    }
    return true;
}

enum run_mode verb_mode(const struct verb_call *call)
{
    return verb_given(call, "window") ? MODE_WINDOW : MODE_ONLINE;
}

/* What looks before a migration must not go by the one before. */
static bool S_begins_anew(const char *verb)
{
    return str_is(verb, "preflight");
}

bool verb_find_mode(struct verb_call *call, struct pg *pg, const char *verb, enum run_mode *mode,
                    struct err *err)
{
    const char *values[] = {call->session->plan->name, verb};
    struct journal_state journal;
    struct pg_result *last;
    *mode = verb_mode(call);
    if (verb_given(call, "window") || verb_given(call, "online") || S_begins_anew(verb))
        return true;
    if (!journal_look(pg, &journal, err))
        return false;
    if (!journal.exists || journal.version != JOURNAL_VERSION || !journal.may_read)
        return true;
    if (!pg_run(pg, sql_get("outlook_mode"), values, ARRAY_LEN(values), &last, err))
        return false;
    if (pg_rows(last) && str_is(pg_text(last, 0, 0), "window"))
        *mode = MODE_WINDOW;
    pg_result_free(last);
    return true;
}

/* ---- launching, and looking on ---- */

static bool S_follow(struct verb_call *call, int64_t run, struct err *err)
{
    struct pg *pg;
    if (!verb_connect(call, &pg, err))
        return false;
    bool ok = follow_run(call, pg, run, true, err);
    pg_free(pg);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:I}", "run", (json_int_t)run));
    return ok;
}

static bool S_has_shown(const struct verb_call *call)
{
    return call->token && *call->token->sql;
}

static bool S_is_window(const struct verb_call *call)
{
    return S_has_shown(call) ? str_is(call->token->mode, "window")
                             : verb_given(call, "window") != NULL;
}

bool verb_launch(struct verb_call *call, const char *verb, const char *const *steps, size_t count,
                 struct err *err)
{
    return verb_launch_about(call, verb, steps, count, NULL, err);
}

bool verb_launch_about(struct verb_call *call, const char *verb, const char *const *steps,
                       size_t count, json_t *units, struct err *err)
{
    int64_t run;
    json_t *options = json_object();
    if (units)
        json_object_set(options, "units", units);
    struct run_order order = {
        .verb = verb,
        .mode = S_is_window(call) ? MODE_WINDOW : MODE_ONLINE,
        .mode_given = verb_given(call, "window") || verb_given(call, "online") || S_has_shown(call),
        .steps = steps,
        .step_count = count,
        .options = options,
        .takeover = verb_given(call, "takeover") != NULL,
        .token = call->token,
    };
    bool ok = S_take_options(call, options, err) && worker_launch(call->session, &order, &run, err);
    json_decref(options);
    if (!ok)
        return false;
    if (!verb_given(call, "detach"))
        return S_follow(call, run, err);
    if (call->json)
        verb_answer(call, json_pack("{s:I}", "run", (json_int_t)run));
    else
        fprintf(call->out, "run %lld is at work; 'tenantdeck attach' looks on\n", (long long)run);
    return true;
}

/* ---- the steps, and their order ---- */

/* Of a journal that is closed to this role nobody can say that a step has not been done. */
static bool S_look_readable(struct pg *pg, struct journal_state *journal, struct err *err)
{
    return journal_look(pg, journal, err) && journal_is_open(journal, err);
}

bool verb_order_read(struct verb_call *call, struct verb_order *out, struct err *err)
{
    struct journal_state journal;
    struct pg *pg;
    if (!verb_connect(call, &pg, err))
        return false;
    out->arena = arena_new();
    bool ok = S_look_readable(pg, &journal, err);
    if (ok && journal.exists && journal.version == JOURNAL_VERSION)
        ok = run_read_order(pg, call->session->plan, out->arena, &out->defs, &out->states,
                            &out->count, err);
    else if (ok) {
        out->count = kind_steps(call->session->plan, out->arena, &out->defs);
        out->states = arena_array(out->arena, out->count, sizeof(*out->states));
    }
    pg_free(pg);
    if (ok)
        return true;
    arena_free(out->arena);
    out->arena = NULL;
    return false;
}

size_t verb_order_find(const struct verb_order *order, const char *name)
{
    size_t i = 0;
    while (i < order->count && !str_is(order->defs[i]->name, name))
        i++;
    return i;
}

bool verb_order_unknown(const struct verb_call *call, const char *name, struct err *err)
{
    err_set(err, ERR_USAGE, "plan '%s' has no step '%s'", call->session->plan->name, name);
    return err_hint(err, "'tenantdeck plan show' lists its steps");
}

bool verb_connect_journal(struct verb_call *call, struct pg **pg, struct err *err)
{
    struct journal_state journal;
    if (!verb_connect(call, pg, err))
        return false;
    return S_look_readable(*pg, &journal, err) &&
           ((journal.exists && journal.version == JOURNAL_VERSION) ||
            err_set(err, ERR_REFUSED, "plan '%s' has never been run here",
                    call->session->plan->name));
}
