/*
 * verb_show: the verbs that look at the servers: one sampling, or many, printed as tables.
 *
 * They see exactly what the console sees, since both read the sampler's snapshots. Nothing here
 * sends a statement of its own but the journal's look.
 */
#include "verbs.h"

#include "clock.h"
#include "journal.h"
#include "sampler.h"
#include "tables.h"
#include "verb_launch.h"

#include <stdlib.h>
#include <string.h>

enum { SETTLE_MS = 20000, FOLLOW_MS = 1000 };

/* ---- sampling ---- */

static void S_ignore(void *ctx, const struct snapshot *snapshot)
{
    (void)ctx;
    (void)snapshot;
}

/*
 * Waits for all first answers. They have timeouts of their own; ours is for a sampler that is not.
 */
static bool S_settle(struct loop *loop, const struct sampler *sampler, struct err *err)
{
    int64_t deadline = clock_ms() + SETTLE_MS;
    while (!sampler_settled(sampler)) {
        int64_t left = deadline - clock_ms();
        if (left <= 0) {
            err_set(err, ERR_LOST, "the servers did not answer within %d s", SETTLE_MS / 1000);
            return err_hint(err, "try again with --verbose to see what is waited for");
        }
        loop_turn(loop, (int)left);
    }
    return true;
}

/* The database must answer before a sampler is opened: it would try for ever, without asking. */
static bool S_knock(struct verb_call *call, struct err *err)
{
    struct pg *pg;
    if (!call->session->has_database)
        return true;
    if (!verb_connect(call, &pg, err))
        return false;
    pg_free(pg);
    return true;
}

bool verb_sample(struct verb_call *call, struct sampler **out, struct err *err)
{
    if (!S_knock(call, err))
        return false;
    *out = sampler_new(call->loop, call->session, S_ignore, NULL);
    if (S_settle(call->loop, *out, err))
        return true;
    sampler_free(*out);
    return false;
}

static bool S_is_counting(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->fill_count; i++)
        if (snapshot->fills[i].counting)
            return true;
    return false;
}

static bool S_check_up(const struct server_view *server, const char *name, struct err *err)
{
    if (server->state != SERVER_DOWN)
        return true;
    return err_set(err, ERR_LOST, "%s is gone: %s", name, server->trouble ? server->trouble : "?");
}

bool verb_count_exactly(struct verb_call *call, struct sampler *sampler, struct err *err)
{
    if (!verb_given(call, "exact"))
        return true;
    if (!sampler_count(sampler, NULL, err))
        return false;
    do {
        loop_turn(call->loop, FOLLOW_MS);
        if (!S_check_up(&sampler_snapshot(sampler)->database, "the database", err))
            return false;
    } while (S_is_counting(sampler_snapshot(sampler)) || !sampler_settled(sampler));
    return true;
}

/* Was something asked for exactly that could only be estimated? The log says why. */
static bool S_is_short_of_exact(const struct verb_call *call, const struct snapshot *snapshot)
{
    bool wanted = verb_given(call, "exact") != NULL;
    for (size_t i = 0; wanted && i < snapshot->fill_count; i++)
        if (!snapshot->fills[i].missing && !snapshot->fills[i].rows.exact)
            return true;
    return false;
}

/* Whoever asks for them alone wants to know whether there are any. */
static bool S_shows_waiters(const struct snapshot *snapshot, const struct table_def *const *defs,
                            size_t count)
{
    return count == 1 && defs[0] == &table_defs[TABLE_BLOCKERS] && snapshot->blocker_count > 0;
}

static bool S_shows_away(const struct snapshot *snapshot, const struct table_def *const *defs,
                         size_t count)
{
    bool away = false;
    for (size_t i = 0; i < snapshot->node_count; i++)
        away = away || snapshot->nodes[i].trouble;
    return count == 1 && defs[0] == &table_defs[TABLE_NODES] && away;
}

/* ---- sorting and filtering ---- */

static int S_column(const struct table_def *def, const char *name)
{
    for (size_t i = 0; i < def->column_count; i++)
        if (str_is(def->columns[i].name, name))
            return (int)i;
    return -1;
}

static bool S_bad_column(const struct table_def *const *defs, size_t count, const char *name,
                         struct err *err)
{
    struct buf names = {0};
    for (size_t d = 0; count == 1 && d < count; d++)
        for (size_t i = 0; i < defs[d]->column_count; i++)
            buf_format(&names, "%s%s", names.len ? ", " : "", defs[d]->columns[i].name);
    err_set(err, ERR_USAGE, "no table that is shown has a column '%s'", name);
    if (names.len)
        err_hint(err, "its columns are %s", names.text);
    else
        err_hint(err, "name one table: 'tenantdeck status tables --sort=rows'");
    buf_release(&names);
    return false;
}

bool verb_check_sort(const struct verb_call *call, const struct table_def *const *defs,
                     size_t count, struct err *err)
{
    const char *sort = verb_option(call, "sort");
    if (!sort)
        return true;
    for (size_t i = 0; i < count; i++)
        if (S_column(defs[i], sort + (*sort == '-')) >= 0)
            return true;
    return S_bad_column(defs, count, sort + (*sort == '-'), err);
}

struct arrange_by verb_arrange(const struct verb_call *call, const struct table_def *def)
{
    const char *sort = verb_option(call, "sort");
    struct arrange_by by = {.sort = def->default_sort, .filter = verb_option(call, "filter")};
    int column = sort ? S_column(def, sort + (*sort == '-')) : -1;
    if (column >= 0) {
        by.sort = column;
        by.descending = *sort == '-';
    }
    return by;
}

/* ---- printing ---- */

static void S_print_banner(const struct verb_call *call, const struct snapshot *snapshot)
{
    struct banner_part parts[BANNER_PARTS];
    size_t count = banner_parts(snapshot, parts);
    for (size_t i = 0; i < count; i++)
        fprintf(call->out, "%s%s", i ? "  " : "", parts[i].text);
    fputc('\n', call->out);
    banner_release(parts, count);
}

static void S_print_tables(struct verb_call *call, const struct snapshot *snapshot,
                           const struct table_def *const *defs, size_t count)
{
    struct buf text = {0};
    for (size_t i = 0; i < count; i++) {
        struct arrange_by by = verb_arrange(call, defs[i]);
        if (i)
            buf_add_char(&text, '\n');
        table_print(&text, defs[i], snapshot, &by, call->width, call->ascii);
    }
    fputs(buf_text(&text), call->out);
    buf_release(&text);
}

static void S_add_tables(json_t *answer, const struct verb_call *call,
                         const struct snapshot *snapshot, const struct table_def *const *defs,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arrange_by by = verb_arrange(call, defs[i]);
        json_object_set_new(answer, defs[i]->name, table_json(defs[i], snapshot, &by));
    }
}

/* ---- status ---- */

static bool S_choose_tables(const struct verb_call *call, const struct table_def **defs,
                            size_t *count, struct err *err)
{
    *count = 0;
    for (size_t i = 0; !call->arg_count && i < TABLE_COUNT; i++)
        defs[(*count)++] = &table_defs[i];
    for (size_t i = 0; i < call->arg_count; i++) {
        const struct table_def *def = table_find(call->args[i]);
        if (!def) {
            err_set(err, ERR_USAGE, "'%s' is no table of the console", call->args[i]);
            return err_hint(
                err,
                "there are steps, tables, tenants, validation, cache, log, blockers and nodes");
        }
        defs[(*count)++] = def;
    }
    return true;
}

bool verb_show_tables(struct verb_call *call, const struct table_def *const *defs, size_t count,
                      struct err *err)
{
    struct sampler *sampler;
    if (!verb_check_sort(call, defs, count, err) || !verb_sample(call, &sampler, err))
        return false;
    bool ok = verb_count_exactly(call, sampler, err);
    const struct snapshot *snapshot = sampler_snapshot(sampler);
    if (ok && call->json) {
        json_t *answer = json_pack("{s:o}", "banner", banner_json(snapshot));
        S_add_tables(answer, call, snapshot, defs, count);
        verb_answer(call, answer);
    } else if (ok) {
        S_print_banner(call, snapshot);
        fputc('\n', call->out);
        S_print_tables(call, snapshot, defs, count);
    }
    call->findings = snapshot->redis.state == SERVER_DOWN || S_is_short_of_exact(call, snapshot) ||
                     S_shows_waiters(snapshot, defs, count) || S_shows_away(snapshot, defs, count);
    sampler_free(sampler);
    return ok;
}

bool verb_status(struct verb_call *call, struct err *err)
{
    const struct table_def *defs[TABLE_COUNT];
    size_t count;
    if (!S_choose_tables(call, defs, &count, err))
        return false;
    return verb_show_tables(call, defs, count, err);
}

bool verb_tenant_list(struct verb_call *call, struct err *err)
{
    const struct table_def *def = &table_defs[TABLE_TENANTS];
    return verb_show_tables(call, &def, 1, err);
}

/* Exit status 1 when one of them is down: somebody's cron asks. */
bool verb_nodes(struct verb_call *call, struct err *err)
{
    const struct table_def *def = &table_defs[TABLE_NODES];
    return verb_show_tables(call, &def, 1, err);
}

/* ---- journal status ---- */

static void S_print_no_journal(const struct verb_call *call, const struct journal_state *state)
{
    if (state->taken && !state->empty)
        fprintf(call->out, "no journal: schema tenantdeck is there and holds something else\n");
    else if (state->standby)
        fprintf(call->out, "no journal, and the server is a standby, which takes no changes\n");
    else if (state->may_create)
        fprintf(call->out, "no journal: 'tenantdeck journal create' makes one\n");
    else
        fprintf(call->out, "no journal, and this role may not create schema tenantdeck\n");
}

static void S_print_journal(const struct verb_call *call, const struct journal_state *state)
{
    char *owner = text_cleaned(state->owner), *program = text_cleaned(state->program);
    if (state->may_read)
        fprintf(call->out, "journal version %lld, generation %s\n", (long long)state->version,
                state->identity);
    else
        fprintf(call->out, "there is a journal, and this role may not read it\n");
    fprintf(call->out, "owner %s, made by tenantdeck %s, %s\n", owner, *program ? program : "?",
            state->standby     ? "the server is a standby and takes no changes"
            : state->may_write ? "this role may write to it"
                               : "this role may not write to it");
    if (state->copied)
        fprintf(call->out, "it came here with a copy of another database; 'tenantdeck journal "
                           "create' begins a new generation\n");
    free(owner);
    free(program);
}

static json_t *S_journal_json(const struct journal_state *state)
{
    return json_pack("{s:b, s:I, s:I, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b}", "exists",
                     state->exists, "version", (json_int_t)state->version, "newest",
                     (json_int_t)JOURNAL_VERSION, "identity",
                     verb_json_text(*state->identity ? state->identity : NULL), "owner",
                     verb_json_text(*state->owner ? state->owner : NULL), "program",
                     verb_json_text(*state->program ? state->program : NULL), "may_create",
                     state->may_create, "may_read", state->may_read, "may_write", state->may_write,
                     "copied", state->copied, "standby", state->standby);
}

bool verb_journal_status(struct verb_call *call, struct err *err)
{
    struct journal_state state;
    struct pg *pg;
    if (!verb_connect(call, &pg, err))
        return false;
    bool ok = journal_look(pg, &state, err);
    pg_free(pg);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:o}", "journal", S_journal_json(&state)));
    else if (ok && state.exists)
        S_print_journal(call, &state);
    else if (ok)
        S_print_no_journal(call, &state);
    return ok;
}
