/* gather: answers of the servers become parts (parts.h). Nothing is asked and nothing sent here. */
#include "clock.h"
#include "journal.h"
#include "parts.h"
#include "plan_check.h"
#include "plan_json.h"
#include "text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the parts themselves ---- */

void parts_init(struct parts *parts, const struct session *session)
{
    *parts = (struct parts){.session = session};
    const struct plan *plan = session->plan;
    parts->database.answered_at = parts->redis.answered_at = UNKNOWN;
    parts->database.asked_at = parts->redis.asked_at = UNKNOWN;
    parts->redis.clients = parts->redis.memory = parts->redis.keys = UNKNOWN;
    redis_load_read("", &parts->redis.load);
    parts->nodes = nodes_new(session->redis.db);
    parts->run_arena = arena_new();
    parts->blockers_at = UNKNOWN;
    if (!plan)
        return;
    parts->plan_json = plan_to_json(plan);
    parts->tally = tally_new(plan);
    parts->fact_count = plan->table_count;
    parts->facts = mem_array(plan->table_count, sizeof(*parts->facts));
    for (size_t i = 0; i < parts->fact_count; i++)
        parts->facts[i] = (struct fact){.rows = UNKNOWN,
                                        .with_tenant = UNKNOWN,
                                        .with_organization = UNKNOWN,
                                        .estimated_at = UNKNOWN,
                                        .bytes = UNKNOWN,
                                        .filled = UNKNOWN,
                                        .exists = true,
                                        .counted_at = UNKNOWN};
    parts->mapping.arena = arena_new();
    struct check_view *checks;
    parts->mapping.count = plan_check_mapping(plan, parts->mapping.arena, &checks);
    parts->mapping.rows = checks;
}

static void S_release_fact(struct fact *fact)
{
    free(fact->changes);
    free(fact->primary_key);
    free(fact->count_sql);
    free(fact->counted_changes);
    free(fact->asked_changes);
}

static void S_release_server(struct server *server)
{
    free(server->where);
    free(server->version);
    free(server->role);
    free(server->trouble);
    free(server->hint);
}

void parts_release(struct parts *parts)
{
    for (size_t i = 0; i < parts->fact_count; i++)
        S_release_fact(&parts->facts[i]);
    free(parts->facts);
    free(parts->plan_json);
    tally_free(parts->tally);
    S_release_server(&parts->database);
    S_release_server(&parts->redis);
    nodes_free(parts->nodes);
    arena_free(parts->run_arena);
    arena_free(parts->asked.arena);
    arena_free(parts->steps.arena);
    arena_free(parts->checks.arena);
    arena_free(parts->mapping.arena);
    arena_free(parts->findings.arena);
    arena_free(parts->blockers.arena);
    arena_free(parts->workers.arena);
    log_window_release(&parts->log);
    for (size_t i = 0; i < parts->note_count; i++)
        note_release(&parts->notes[i]);
    free(parts->notes);
}

void parts_note(struct parts *parts, enum severity severity, const char *source, const char *text)
{
    if (!parts->notes)
        parts->notes = mem_array(NOTES_KEPT, sizeof(*parts->notes));
    if (parts->note_count == NOTES_KEPT) {
        note_release(&parts->notes[0]);
        memmove(parts->notes, parts->notes + 1, (NOTES_KEPT - 1) * sizeof(*parts->notes));
        parts->note_count--;
    }
    parts->notes[parts->note_count++] = (struct note){
        .at = clock_wall(), .severity = severity, .source = str_dup(source), .text = str_dup(text)};
}

static void S_replace(char **held, const char *value)
{
    free(*held);
    *held = str_dup(value);
}

/* ---- the database ---- */

void gather_server(struct parts *parts, const struct pg_result *result)
{
    S_replace(&parts->database.version, pg_text(result, 0, pg_col(result, "version")));
    S_replace(&parts->database.role, pg_text(result, 0, pg_col(result, "role")));
    S_replace(&parts->database.where, pg_text(result, 0, pg_col(result, "database")));
}

static int64_t S_known(const struct pg_result *result, int row, const char *name)
{
    int col = pg_col(result, name);
    return pg_null(result, row, col) ? UNKNOWN : pg_int(result, row, col);
}

void gather_tables(struct parts *parts, const struct pg_result *result)
{
    for (int row = 0; row < pg_rows(result); row++) {
        size_t ordinal = (size_t)pg_int(result, row, pg_col(result, "ordinal"));
        if (ordinal >= parts->fact_count)
            continue;
        struct fact *fact = &parts->facts[ordinal];
        fact->exists = pg_bool(result, row, pg_col(result, "exists"));
        fact->has_tenant = pg_bool(result, row, pg_col(result, "has_tenant"));
        fact->has_organization = pg_bool(result, row, pg_col(result, "has_organization"));
        fact->rows = S_known(result, row, "rows");
        fact->with_tenant = S_known(result, row, "with_tenant");
        fact->with_organization = S_known(result, row, "with_organization");
        fact->estimated_at = S_known(result, row, "estimated_at");
        fact->pages = pg_int(result, row, pg_col(result, "pages"));
        fact->bytes = S_known(result, row, "bytes");
        S_replace(&fact->changes, pg_text(result, row, pg_col(result, "changes")));
        S_replace(&fact->primary_key, pg_text(result, row, pg_col(result, "primary_key")));
        int col = pg_col(result, "count_sql");
        const char *count_sql = pg_null(result, row, col) ? NULL : pg_text(result, row, col);
        if (!str_is(fact->count_sql, count_sql))
            fact->given_up = false;
        S_replace(&fact->count_sql, count_sql);
    }
}

bool fact_is_counted(const struct fact *fact)
{
    return fact->counted_at != UNKNOWN && str_is(fact->changes, fact->counted_changes);
}

void gather_count(struct parts *parts, size_t table, const struct pg_result *result)
{
    struct fact *fact = &parts->facts[table];
    fact->counted_rows = fact->counted_tenant = fact->counted_organization = 0;
    /* What came in while it counted is not in it: the count is of the moment it began. */
    fact->counted_at = fact->asked_at;
    fact->given_up = false;
    S_replace(&fact->counted_changes, fact->asked_changes);
    tally_start(parts->tally, table, fact->counted_at);
    for (int row = 0; row < pg_rows(result); row++) {
        int64_t rows = pg_int(result, row, 2);
        fact->counted_rows += rows;
        fact->counted_tenant += pg_int(result, row, 3);
        fact->counted_organization += pg_int(result, row, 4);
        tally_add(parts->tally, table, pg_null(result, row, 0) ? NULL : pg_text(result, row, 0),
                  pg_null(result, row, 1) ? NULL : pg_text(result, row, 1), rows);
    }
}

/* Empties a list for the rows of a new answer. */
static struct arena *S_renew(struct part_list *list)
{
    arena_free(list->arena);
    *list = (struct part_list){.arena = arena_new()};
    return list->arena;
}

void gather_plan_check(struct parts *parts, const struct pg_result *result)
{
    struct check_view *checks;
    struct arena *arena = S_renew(&parts->checks);
    parts->checks.count = plan_check_read(result, arena, &checks);
    parts->checks.rows = checks;
}

/* ---- the journal ---- */

/* It was dropped, or a restore took it away: one that is made anew counts its events from 1. */
static void S_forget_journal(struct parts *parts)
{
    parts->run = (struct run_view){0};
    parts->last_event = parts->findings_event = 0;
    log_window_reset(&parts->log);
    S_renew(&parts->asked);
    S_renew(&parts->steps);
    S_renew(&parts->findings);
}

void gather_journal_look(struct parts *parts, const struct pg_result *result)
{
    parts->has_journal = pg_bool(result, 0, pg_col(result, "ours"));
    parts->journal_version = pg_int(result, 0, pg_col(result, "version"));
    /* The tables of a newer journal are not known here: it is shown to be there, and left alone. */
    parts->may_read_journal =
        pg_bool(result, 0, pg_col(result, "may_read")) && parts->journal_version <= JOURNAL_VERSION;
    if (!parts->may_read_journal)
        parts->log.wish = LOG_STAYS; /* nobody answers it, and it would be asked again and again */
    if (!parts->has_journal)
        S_forget_journal(parts);
}

static const char *S_or_null(struct arena *arena, const struct pg_result *result, int row,
                             const char *column)
{
    int col = pg_col(result, column);
    return pg_null(result, row, col) ? NULL : arena_str(arena, pg_text(result, row, col));
}

void gather_journal_overview(struct parts *parts, const struct pg_result *result)
{
    arena_free(parts->run_arena);
    struct arena *arena = parts->run_arena = arena_new();
    parts->run = (struct run_view){0};
    if (!pg_rows(result))
        return;
    parts->run = (struct run_view){
        .present = true,
        .id = pg_int(result, 0, pg_col(result, "id")),
        .plan = arena_str(arena, pg_text(result, 0, pg_col(result, "plan"))),
        .state = arena_str(arena, pg_text(result, 0, pg_col(result, "state"))),
        .who = arena_str(arena, pg_text(result, 0, pg_col(result, "who"))),
        .verb = arena_str(arena, pg_text(result, 0, pg_col(result, "verb"))),
        .mode = arena_str(arena, pg_text(result, 0, pg_col(result, "mode"))),
        .trouble = S_or_null(arena, result, 0, "trouble"),
        .since = pg_int(result, 0, pg_col(result, "since")),
        .alive = pg_bool(result, 0, pg_col(result, "alive")),
        .batch_ms = pg_int(result, 0, pg_col(result, "batch_ms")),
        .sleep = pg_int(result, 0, pg_col(result, "sleep")),
    };
}

void gather_journal_asked(struct parts *parts, const struct pg_result *result)
{
    struct arena *arena = S_renew(&parts->asked);
    struct asked_view *asked = arena_array(arena, (size_t)pg_rows(result), sizeof(*asked));
    for (int row = 0; row < pg_rows(result); row++)
        asked[row] = (struct asked_view){
            .verb = arena_str(arena, pg_text(result, row, pg_col(result, "verb"))),
            .step = S_or_null(arena, result, row, "step"),
            .who = arena_str(arena, pg_text(result, row, pg_col(result, "who"))),
            .at = pg_int(result, row, pg_col(result, "at")),
            .heard = pg_bool(result, row, pg_col(result, "heard")),
        };
    parts->asked.rows = asked;
    parts->asked.count = (size_t)pg_rows(result);
}

static enum step_state S_step_state(const char *name)
{
    for (enum step_state state = STEP_WAITS; state <= STEP_SKIPPED; state++)
        if (str_is(step_state_name(state), name))
            return state;
    return STEP_WAITS;
}

void gather_journal_steps(struct parts *parts, const struct pg_result *result)
{
    struct arena *arena = S_renew(&parts->steps);
    struct step_view *steps = arena_array(arena, (size_t)pg_rows(result), sizeof(*steps));
    for (int row = 0; row < pg_rows(result); row++) {
        steps[row] = (struct step_view){
            .name = arena_str(arena, pg_text(result, row, pg_col(result, "name"))),
            .state = S_step_state(pg_text(result, row, pg_col(result, "state"))),
            .current = pg_bool(result, row, pg_col(result, "current")),
            .done = pg_int(result, row, pg_col(result, "done")),
            .total = pg_int(result, row, pg_col(result, "total")),
            .started_at = pg_int(result, row, pg_col(result, "started_at")),
            .ended_at = pg_int(result, row, pg_col(result, "ended_at")),
            .rate = (int64_t)pg_float(result, row, pg_col(result, "rate")),
            .trouble = S_or_null(arena, result, row, "trouble"),
            .waits = S_or_null(arena, result, row, "throttled"),
        };
    }
    parts->steps.rows = steps;
    parts->steps.count = (size_t)pg_rows(result);
    for (size_t i = 0; !parts_filling(parts) && i < parts->fact_count; i++)
        parts->facts[i].filled = UNKNOWN;
}

const struct step_view *parts_filling(const struct parts *parts)
{
    const struct step_view *steps = parts->steps.rows;
    for (size_t i = 0; i < parts->steps.count; i++) {
        enum step_state state = steps[i].state;
        bool begun = state == STEP_RUNS || state == STEP_PAUSED || state == STEP_FAILED;
        if (begun && steps[i].current && str_is(steps[i].name, "fill"))
            return &steps[i];
    }
    return NULL;
}

void gather_journal_fill(struct parts *parts, const struct pg_result *result)
{
    const struct plan *plan = parts->session->plan;
    for (size_t i = 0; i < parts->fact_count; i++)
        parts->facts[i].filled = UNKNOWN;
    for (int row = 0; row < pg_rows(result); row++) {
        const char *unit = pg_text(result, row, pg_col(result, "unit"));
        size_t i = 0;
        while (i < parts->fact_count && !str_is(plan->tables[i].name, unit))
            i++;
        if (i == parts->fact_count)
            continue; /* a table that the plan had when it was run */
        parts->facts[i].filled = pg_int(result, row, pg_col(result, "rows"));
        parts->facts[i].filled_all = pg_bool(result, row, pg_col(result, "over"));
        parts->facts[i].filled_at = clock_wall();
    }
}

static enum verdict S_verdict(const char *name)
{
    for (enum verdict verdict = VERDICT_PASS; verdict <= VERDICT_UNKNOWN; verdict++)
        if (str_is(verdict_name(verdict), name))
            return verdict;
    return VERDICT_UNKNOWN;
}

static const char *S_filled(const struct pg_result *result, int row, const char *column,
                            struct arena *arena)
{
    int col = pg_col(result, column);
    const char *text = pg_text(result, row, col);
    return pg_null(result, row, col) || !*text || str_is(text, "[]") ? NULL
                                                                     : arena_str(arena, text);
}

/* The console compares the plan by itself, and later than the run did: one answer is enough. */
static bool S_is_asked_here(const struct parts *parts, const struct pg_result *result, int row)
{
    return parts->checks.count &&
           str_is(pg_text(result, row, pg_col(result, "check_name")), "check_plan");
}

void gather_journal_findings(struct parts *parts, const struct pg_result *result)
{
    struct arena *arena = S_renew(&parts->findings);
    struct check_view *checks = arena_array(arena, (size_t)pg_rows(result), sizeof(*checks));
    parts->findings_event = parts->last_event;
    for (int row = 0; row < pg_rows(result); row++)
        if (!S_is_asked_here(parts, result, row))
            checks[parts->findings.count++] = (struct check_view){
                .group = arena_str(arena, pg_text(result, row, pg_col(result, "check_group"))),
                .name = arena_str(arena, pg_text(result, row, pg_col(result, "check_name"))),
                .subject = arena_str(arena, pg_text(result, row, pg_col(result, "subject"))),
                .verdict = S_verdict(pg_text(result, row, pg_col(result, "verdict"))),
                .message = arena_str(arena, pg_text(result, row, pg_col(result, "message"))),
                .samples = S_filled(result, row, "samples", arena),
                .query = S_filled(result, row, "query", arena),
                .fix = S_filled(result, row, "fix", arena),
                .run = pg_int(result, row, pg_col(result, "run")),
                .count = pg_int(result, row, pg_col(result, "count")),
                .at = pg_int(result, row, pg_col(result, "at")),
            };
    parts->findings.rows = checks;
}

/* ---- the nodes ---- */

static const char *S_worker_trouble(const struct pg_result *result, int row)
{
    int reachable = pg_col(result, "reachable");
    if (!pg_null(result, row, reachable) && !pg_bool(result, row, reachable))
        return "the coordinator cannot reach it";
    return pg_bool(result, row, pg_col(result, "active")) ? NULL : "Citus has taken it out of use";
}

void gather_nodes_citus(struct parts *parts, const struct pg_result *result)
{
    struct arena *arena = S_renew(&parts->workers);
    struct node_view *nodes = arena_array(arena, (size_t)pg_rows(result), sizeof(*nodes));
    for (int row = 0; row < pg_rows(result); row++)
        nodes[parts->workers.count++] = (struct node_view){
            .group = "citus",
            .name = arena_str(arena, pg_text(result, row, pg_col(result, "name"))),
            .role = arena_str(arena, pg_text(result, row, pg_col(result, "role"))),
            .slots = pg_int(result, row, pg_col(result, "shards")),
            .ranges = "",
            .version = "",
            .trouble = S_worker_trouble(result, row),
            .keys = UNKNOWN,
            .memory = UNKNOWN,
            .memory_limit = UNKNOWN,
            .clients = UNKNOWN,
            .answered_at = clock_wall(),
        };
    parts->workers.rows = nodes;
}

/* ---- Redis ---- */

void gather_redis(struct parts *parts)
{
    struct server *redis = &parts->redis;
    char *trouble = nodes_trouble(parts->nodes);
    S_replace(&redis->version, nodes_version(parts->nodes));
    S_replace(&redis->trouble, trouble);
    free(trouble);
    nodes_load(parts->nodes, &redis->load);
    redis->clients = redis->load.clients;
    redis->memory = nodes_memory(parts->nodes);
    redis->keys = nodes_keys(parts->nodes);
    redis->answered_at = nodes_answered_at(parts->nodes);
}
