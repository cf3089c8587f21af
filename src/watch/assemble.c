/*
 * assemble: the parts become a snapshot: one arena, with copies of all it needs, so that it stays
 * the same while the parts go on.
 */
#include "clock.h"
#include "kind.h"
#include "parts.h"

#include <string.h>

static struct server_view S_server(struct arena *arena, const struct server *server)
{
    return (struct server_view){
        .state = server->state,
        .where = arena_str(arena, server->where ? server->where : ""),
        .version = arena_str(arena, server->version ? server->version : ""),
        .role = arena_str(arena, server->role ? server->role : ""),
        .trouble = arena_str(arena, server->trouble),
        .hint = server->state == SERVER_UP ? NULL : arena_str(arena, server->hint),
        .answered_at = server->answered_at,
        .asking = server->asked_at != UNKNOWN,
        .clients = server->clients,
        .memory = server->memory,
        .keys = server->keys,
    };
}

/* ---- tables ---- */

static struct count_view S_exact(int64_t value, int64_t at)
{
    return (struct count_view){.value = value, .exact = true, .at = at};
}

static struct count_view S_estimate(int64_t value, int64_t at)
{
    return (struct count_view){.value = value, .exact = false, .at = at};
}

/* By the fill under way: what it has done, unless the statistics knew of more before it began. */
static int64_t S_filled_so_far(const struct fact *fact, int64_t estimate)
{
    int64_t done = fact->filled_all || (fact->rows >= 0 && fact->filled > fact->rows)
                       ? fact->rows
                       : fact->filled;
    return done > estimate ? done : estimate;
}

/* How many rows have a code: none for sure without the column, else counted, else estimated. */
static struct count_view S_filled(const struct fact *fact, bool has_column, int64_t counted,
                                  int64_t estimate, int64_t looked_at)
{
    if (!fact->exists || !fact->changes) /* or it was not looked at yet */
        return S_estimate(UNKNOWN, UNKNOWN);
    if (!has_column)
        return S_exact(0, looked_at);
    if (fact_is_counted(fact))
        return S_exact(counted, fact->counted_at);
    if (fact->filled >= 0)
        return S_estimate(S_filled_so_far(fact, estimate), fact->filled_at);
    return S_estimate(estimate, fact->estimated_at);
}

static const char *S_source(struct arena *arena, const struct plan_table *table)
{
    switch (table->source) {
    case FROM_PARENT:
        return arena_format(arena, "parent %s.%s by %s", table->parent_table, table->parent_column,
                            table->source_column);
    case FROM_CONSTANT:
        return arena_str(arena, plan_source_name(table->source));
    default:
        return arena_format(arena, "%s %s", plan_source_name(table->source), table->source_column);
    }
}

static struct fill_view S_fill(struct arena *arena, const struct plan *plan,
                               const struct plan_table *table, const struct fact *fact,
                               int64_t looked_at)
{
    const struct plan_column *organization = plan_find_column(plan, ROLE_ORGANIZATION);
    struct fill_view fill = {
        .name = arena_str(arena, table->name),
        .source = S_source(arena, table),
        .missing = !fact->exists,
        .optional = table->optional,
        .has_tenant = fact->has_tenant,
        .has_organization = fact->has_organization,
        .wants_organization = organization && plan_names_has(&table->columns, organization->name),
        .bytes = fact->bytes,
        .counting = fact->count_state != COUNT_IDLE,
        .primary_key = arena_str(arena, fact->primary_key ? fact->primary_key : ""),
    };
    fill.rows = fact_is_counted(fact) ? S_exact(fact->counted_rows, fact->counted_at)
                                      : S_estimate(fact->rows, fact->estimated_at);
    fill.with_tenant =
        S_filled(fact, fact->has_tenant, fact->counted_tenant, fact->with_tenant, looked_at);
    fill.with_organization = S_filled(fact, fact->has_organization, fact->counted_organization,
                                      fact->with_organization, looked_at);
    return fill;
}

static void S_add_fills(const struct parts *parts, struct snapshot *snapshot)
{
    const struct plan *plan = parts->session->plan;
    snapshot->fills = arena_array(snapshot->arena, parts->fact_count, sizeof(*snapshot->fills));
    snapshot->fill_count = parts->fact_count;
    for (size_t i = 0; i < parts->fact_count; i++)
        snapshot->fills[i] = S_fill(snapshot->arena, plan, &plan->tables[i], &parts->facts[i],
                                    parts->database.answered_at);
}

/* ---- tenants ---- */

/* All rows of a tenant; exact only when every table of the plan was counted and has not changed. */
static struct count_view S_tenant_rows(const struct parts *parts, size_t tenant)
{
    struct count_view rows = {.value = UNKNOWN, .exact = true, .at = UNKNOWN};
    for (size_t i = 0; i < parts->fact_count; i++) {
        const struct fact *fact = &parts->facts[i];
        if (!fact->exists)
            continue;
        int64_t here = tally_rows(parts->tally, tenant, i);
        int64_t at = tally_counted_at(parts->tally, i);
        rows.exact = rows.exact && fact_is_counted(fact);
        if (here < 0)
            continue;
        rows.value = (rows.value < 0 ? 0 : rows.value) + here;
        rows.at = rows.at == UNKNOWN || at < rows.at ? at : rows.at;
    }
    return rows;
}

/*
 * The names are the fills' own: with 10,000 tenants a copy for each would be most of the snapshot.
 */
static struct tenant_table *S_tenant_tables(const struct parts *parts,
                                            const struct snapshot *snapshot, size_t tenant,
                                            size_t *count)
{
    struct arena *arena = snapshot->arena;
    struct tenant_table *tables = arena_array(arena, parts->fact_count, sizeof(*tables));
    *count = 0;
    for (size_t i = 0; i < parts->fact_count; i++) {
        int64_t rows = tally_rows(parts->tally, tenant, i);
        if (rows >= 0 && parts->facts[i].exists)
            tables[(*count)++] =
                (struct tenant_table){.table = snapshot->fills[i].name, .rows = rows};
    }
    return *count ? tables : NULL;
}

static struct tenant_view S_tenant(const struct parts *parts, const struct snapshot *snapshot,
                                   size_t tenant)
{
    struct arena *arena = snapshot->arena;
    struct tenant_view view = {
        .code = arena_str(arena, tally_code(parts->tally, tenant)),
        .rows = S_tenant_rows(parts, tenant),
        .share = UNKNOWN,
        .keys = census_tenant_keys(parts->census, tenant),
    };
    const char *const *codes;
    view.code_count = tally_organizations(parts->tally, tenant, &codes);
    view.organizations = tally_is_known(parts->tally, tenant) ? (int64_t)view.code_count : UNKNOWN;
    view.codes = arena_array(arena, view.code_count, sizeof(*view.codes));
    for (size_t i = 0; i < view.code_count; i++)
        view.codes[i] = arena_str(arena, codes[i]);
    view.kind_count = census_tenant_kinds(parts->census, tenant, arena, &view.kinds);
    view.tables = S_tenant_tables(parts, snapshot, tenant, &view.table_count);
    return view;
}

static void S_add_tenants(const struct parts *parts, struct snapshot *snapshot)
{
    if (!parts->tally)
        return;
    size_t count = tally_tenants(parts->tally);
    snapshot->tenants = arena_array(snapshot->arena, count, sizeof(*snapshot->tenants));
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        struct tenant_view view = S_tenant(parts, snapshot, i);
        bool nothing = !tally_is_known(parts->tally, i) && view.rows.value <= 0;
        if (nothing) /* "(unmapped)" is shown only while there is something in it */
            continue;
        total += view.rows.value > 0 ? view.rows.value : 0;
        snapshot->tenants[snapshot->tenant_count++] = view;
    }
    for (size_t i = 0; total && i < snapshot->tenant_count; i++)
        if (snapshot->tenants[i].rows.value >= 0)
            snapshot->tenants[i].share =
                100.0 * (double)snapshot->tenants[i].rows.value / (double)total;
}

/* ---- steps ---- */

static const struct step_view *S_journalled(const struct parts *parts, const char *name)
{
    const struct step_view *steps = parts->steps.rows;
    for (size_t i = 0; parts->run.present && i < parts->steps.count; i++)
        if (str_is(steps[i].name, name))
            return &steps[i];
    return NULL;
}

static void S_add_steps(const struct parts *parts, struct snapshot *snapshot)
{
    const struct step_def **defs;
    struct arena *arena = snapshot->arena;
    if (!parts->session->plan)
        return;
    snapshot->step_count = kind_steps(parts->session->plan, arena, &defs);
    snapshot->steps = arena_array(arena, snapshot->step_count, sizeof(*snapshot->steps));
    for (size_t i = 0; i < snapshot->step_count; i++) {
        const struct step_view *known = S_journalled(parts, defs[i]->name);
        struct step_view step = {.state = STEP_WAITS,
                                 .done = UNKNOWN,
                                 .total = UNKNOWN,
                                 .rate = UNKNOWN,
                                 .started_at = UNKNOWN,
                                 .ended_at = UNKNOWN};
        if (known)
            step = *known;
        if (!step.current || !parts->run.alive)
            step.waits = NULL; /* that was when its worker was alive */
        step.name = defs[i]->name;
        step.type = step_type_name(defs[i]->type);
        step.does = defs[i]->does;
        step.undo = defs[i]->undo;
        step.trouble = arena_str(arena, step.trouble);
        step.waits = arena_str(arena, step.waits);
        snapshot->steps[i] = step;
    }
}

/* ---- checks, keys, events ---- */

static void S_copy_checks(struct snapshot *snapshot, const struct part_list *list)
{
    const struct check_view *checks = list->rows;
    for (size_t i = 0; i < list->count; i++) {
        struct check_view check = checks[i];
        check.group = arena_str(snapshot->arena, check.group);
        check.subject = arena_str(snapshot->arena, check.subject);
        check.message = arena_str(snapshot->arena, check.message);
        check.detail = arena_str(snapshot->arena, check.detail);
        check.name = arena_str(snapshot->arena, check.name);
        check.samples = arena_str(snapshot->arena, check.samples);
        check.query = arena_str(snapshot->arena, check.query);
        check.fix = arena_str(snapshot->arena, check.fix);
        snapshot->checks[snapshot->check_count++] = check;
    }
}

static struct check_group *S_group(struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->group_count; i++)
        if (str_is(snapshot->groups[i].name, name))
            return &snapshot->groups[i];
    struct check_group *group = &snapshot->groups[snapshot->group_count++];
    *group = (struct check_group){.name = name, .worst = VERDICT_PASS, .at = UNKNOWN};
    return group;
}

static int S_rank(enum verdict verdict)
{
    static const int ranks[VERDICTS] = {
        [VERDICT_PASS] = 0, [VERDICT_UNKNOWN] = 1, [VERDICT_WARN] = 2, [VERDICT_FAIL] = 3};
    return ranks[verdict];
}

static const char *S_keep_text(struct arena *arena, struct buf *text)
{
    const char *copy = arena_str(arena, buf_text(text));
    buf_release(text);
    return copy;
}

static void S_tell_group(struct arena *arena, struct check_group *group)
{
    static const enum verdict order[] = {VERDICT_FAIL, VERDICT_WARN, VERDICT_UNKNOWN, VERDICT_PASS};
    struct buf title = {0}, text = {0};
    buf_format(&title, "%s: %zu check%s", group->name, group->total, group->total == 1 ? "" : "s");
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (group->counts[order[i]])
            buf_format(&text, "%s%zu %s", text.len ? ", " : "", group->counts[order[i]],
                       verdict_name(order[i]));
    group->title = S_keep_text(arena, &title);
    group->summary = S_keep_text(arena, &text);
}

static void S_sum_up_checks(struct snapshot *snapshot)
{
    snapshot->groups =
        arena_array(snapshot->arena, snapshot->check_count, sizeof(*snapshot->groups));
    for (size_t i = 0; i < snapshot->check_count; i++) {
        const struct check_view *check = &snapshot->checks[i];
        struct check_group *group = S_group(snapshot, check->group);
        group->total++;
        group->counts[check->verdict]++;
        if (S_rank(check->verdict) > S_rank(group->worst))
            group->worst = check->verdict;
        if (check->at > 0 && (group->at <= 0 || check->at < group->at))
            group->at = check->at;
    }
    for (size_t i = 0; i < snapshot->group_count; i++)
        S_tell_group(snapshot->arena, &snapshot->groups[i]);
}

static void S_add_checks(const struct parts *parts, struct snapshot *snapshot)
{
    size_t count = parts->checks.count + parts->mapping.count + parts->findings.count;
    snapshot->checks = arena_array(snapshot->arena, count, sizeof(*snapshot->checks));
    S_copy_checks(snapshot, &parts->findings);
    S_copy_checks(snapshot, &parts->mapping);
    S_copy_checks(snapshot, &parts->checks);
    S_sum_up_checks(snapshot);
}

static struct event_view S_event(struct arena *arena, const struct note *note)
{
    return (struct event_view){.at = note->at,
                               .severity = note->severity,
                               .source = arena_str(arena, note->source),
                               .step = arena_str(arena, note->step),
                               .text = arena_str(arena, note->text)};
}

/* The console's own events are narrowed as the journal's are, and none stands behind a gap. */
static bool S_shows_note(const struct log_window *log, const struct note *note)
{
    if (note->severity < log->least || log->step || (log->table && !strstr(note->text, log->table)))
        return false;
    return !log->back || (log->count && note->at <= log->events[log->count - 1].at);
}

static const char *S_tell_narrow(struct arena *arena, const struct log_window *log)
{
    struct buf text = {0};
    if (!log_window_is_narrow(log))
        return NULL;
    if (log->least > SEVERITY_DEBUG)
        buf_format(&text, "%s%s", severity_name(log->least),
                   log->least < SEVERITY_ERROR ? " or worse" : "");
    if (log->step)
        buf_format(&text, "%sstep %s", text.len ? ", " : "", log->step);
    if (log->table)
        buf_format(&text, "%sabout %s", text.len ? ", " : "", log->table);
    const char *told = arena_str(arena, buf_text(&text));
    buf_release(&text);
    return told;
}

/* The journal's events and the console's own, merged by time. */
static void S_add_events(const struct parts *parts, struct snapshot *snapshot)
{
    const struct log_window *log = &parts->log;
    size_t e = 0, n = 0;
    snapshot->events =
        arena_array(snapshot->arena, log->count + parts->note_count, sizeof(*snapshot->events));
    while (e < log->count || n < parts->note_count) {
        bool journal =
            n == parts->note_count || (e < log->count && log->events[e].at <= parts->notes[n].at);
        const struct note *note = journal ? &log->events[e++] : &parts->notes[n++];
        if (journal || S_shows_note(log, note))
            snapshot->events[snapshot->event_count++] = S_event(snapshot->arena, note);
    }
    snapshot->events_back = log->back;
    snapshot->events_from_start = log->from_start;
    snapshot->events_narrow = S_tell_narrow(snapshot->arena, log);
}

static void S_add_blockers(const struct parts *parts, struct snapshot *snapshot)
{
    const struct blocker_view *known = parts->blockers.rows;
    struct arena *arena = snapshot->arena;
    snapshot->blocker_count = parts->blockers.count;
    snapshot->blockers_more = parts->blockers_more;
    snapshot->blockers_at = parts->blockers_at;
    snapshot->blockers = arena_array(arena, parts->blockers.count, sizeof(*snapshot->blockers));
    for (size_t i = 0; i < parts->blockers.count; i++) {
        struct blocker_view row = known[i];
        const char **texts[] = {&row.id,       &row.blocked_by, &row.mode,        &row.object,
                                &row.database, &row.role,       &row.application, &row.client,
                                &row.kind,     &row.state,      &row.query,       &row.started,
                                &row.ours};
        for (size_t t = 0; t < ARRAY_LEN(texts); t++)
            *texts[t] = arena_str(arena, *texts[t]);
        snapshot->blockers[i] = row;
    }
}

static void S_add_asked(const struct parts *parts, struct snapshot *snapshot)
{
    size_t count = parts->run.present ? parts->asked.count : 0;
    const struct asked_view *from = parts->asked.rows;
    struct asked_view *asked = arena_array(snapshot->arena, count, sizeof(*asked));
    for (size_t i = 0; i < count; i++) {
        asked[i] = from[i];
        asked[i].verb = arena_str(snapshot->arena, from[i].verb);
        asked[i].step = arena_str(snapshot->arena, from[i].step);
        asked[i].who = arena_str(snapshot->arena, from[i].who);
    }
    snapshot->run.asked = asked;
    snapshot->run.asked_count = count;
}

static void S_add_run(const struct parts *parts, struct snapshot *snapshot)
{
    snapshot->has_journal = parts->has_journal;
    snapshot->journal_version = parts->journal_version;
    snapshot->run = parts->run;
    snapshot->run.plan = arena_str(snapshot->arena, parts->run.plan);
    snapshot->run.state = arena_str(snapshot->arena, parts->run.state);
    snapshot->run.who = arena_str(snapshot->arena, parts->run.who);
    snapshot->run.verb = arena_str(snapshot->arena, parts->run.verb);
    snapshot->run.mode = arena_str(snapshot->arena, parts->run.mode);
    snapshot->run.trouble = arena_str(snapshot->arena, parts->run.trouble);
    S_add_asked(parts, snapshot);
}

/* What an alarm says is of the last answer, so it is silent when there is none any more. */
static void S_add_load(const struct parts *parts, struct snapshot *snapshot)
{
    const struct plan *plan = parts->session->plan;
    struct buf alarms = {0};
    if (parts->redis.state == SERVER_UP)
        redis_load_alarms(&parts->redis.load, plan ? &plan->alarms : NULL, &alarms);
    snapshot->redis.alarms = arena_str(snapshot->arena, buf_text(&alarms));
    snapshot->redis.memory_share = redis_load_memory(&parts->redis.load);
    snapshot->redis.hit_rate = redis_load_hit_rate(&parts->redis.load);
    buf_release(&alarms);
}

static struct node_view S_worker(struct arena *arena, const struct node_view *known,
                                 const struct server_view *database)
{
    struct node_view worker = *known;
    worker.name = arena_str(arena, known->name);
    worker.role = arena_str(arena, known->role);
    worker.trouble = arena_str(arena, known->trouble);
    if (database->state != SERVER_UP) /* nobody has asked for it since */
        worker.trouble = "not known: PostgreSQL does not answer";
    return worker;
}

/* What a node said last stands beside why it says no more. */
static void S_add_nodes(const struct parts *parts, struct snapshot *snapshot)
{
    struct arena *arena = snapshot->arena;
    struct node_view *redis;
    size_t count;
    const struct node_view *workers = parts->workers.rows;
    nodes_views(parts->nodes, arena, &redis, &count);
    for (size_t i = 0; parts->redis.state == SERVER_DOWN && i < count; i++) {
        redis[i].trouble = snapshot->redis.trouble;
        redis[i].hint = snapshot->redis.hint;
    }
    snapshot->nodes = arena_array(arena, count + parts->workers.count, sizeof(*redis));
    for (size_t i = 0; i < count; i++)
        snapshot->nodes[snapshot->node_count++] = redis[i];
    for (size_t i = 0; i < parts->workers.count; i++)
        snapshot->nodes[snapshot->node_count++] = S_worker(arena, &workers[i], &snapshot->database);
}

struct snapshot *assemble(const struct parts *parts)
{
    struct arena *arena = arena_new();
    struct snapshot *snapshot = arena_alloc(arena, sizeof(*snapshot));
    const struct session *session = parts->session;
    snapshot->arena = arena;
    snapshot->at = clock_wall();
    snapshot->environment = arena_str(arena, session->environment ? session->environment : "");
    snapshot->plan = session->plan ? session->plan->name : "";
    snapshot->plan_title = session->plan ? session->plan->title : "";
    snapshot->keys_only = session->plan && session->plan->kind == PLAN_CACHE;
    snapshot->operator_mode = session->operator_mode;
    snapshot->database = S_server(arena, &parts->database);
    snapshot->redis = S_server(arena, &parts->redis);
    S_add_load(parts, snapshot);
    S_add_run(parts, snapshot);
    S_add_fills(parts, snapshot);
    S_add_tenants(parts, snapshot);
    S_add_steps(parts, snapshot);
    S_add_checks(parts, snapshot);
    census_views(parts->census, arena, &snapshot->keys, &snapshot->keys_count, &snapshot->census);
    snapshot->census.outdated =
        snapshot->census.complete && nodes_restarted_at(parts->nodes) > snapshot->census.at;
    S_add_nodes(parts, snapshot);
    S_add_events(parts, snapshot);
    S_add_blockers(parts, snapshot);
    return snapshot;
}
