/* probes: see probes.h. */
#include "probes.h"

#include <stdio.h>

/* ---- which are asked ---- */

static bool S_has_plan(const struct parts *parts)
{
    return parts->session->plan != NULL;
}

static bool S_has_journal(const struct parts *parts)
{
    return parts->has_journal && parts->may_read_journal;
}

static bool S_has_run(const struct parts *parts)
{
    return S_has_journal(parts) && parts->run.present;
}

static bool S_has_fill(const struct parts *parts)
{
    return S_has_run(parts) && parts_filling(parts);
}

/* Somebody may begin a run at any moment, and whoever looks on shall see it begin. */
static bool S_has_no_journal(const struct parts *parts)
{
    return !parts->has_journal;
}

/* Whoever checks something says so in the log. */
static bool S_has_new_events(const struct parts *parts)
{
    return parts->last_event != parts->findings_event;
}

static bool S_has_blockers(const struct parts *parts)
{
    return parts->blockers.count > 0;
}

static bool S_has_blockers_and_runs(const struct parts *parts)
{
    return S_has_blockers(parts) && S_has_journal(parts);
}

/* ---- with what ---- */

static int S_plan_json(const struct parts *parts, const char **values,
                       char numbers[PROBE_VALUES][24])
{
    (void)numbers;
    values[0] = parts->plan_json;
    return 1;
}

static int S_plan_name(const struct parts *parts, const char **values,
                       char numbers[PROBE_VALUES][24])
{
    (void)numbers;
    values[0] = parts->session->plan ? parts->session->plan->name : NULL;
    return 1;
}

static int S_run_id(const struct parts *parts, const char **values, char numbers[PROBE_VALUES][24])
{
    snprintf(numbers[0], sizeof(numbers[0]), "%lld", (long long)parts->run.id);
    values[0] = numbers[0];
    return 1;
}

static int S_last_event(const struct parts *parts, const char **values,
                        char numbers[PROBE_VALUES][24])
{
    snprintf(numbers[0], sizeof(numbers[0]), "%lld", (long long)parts->last_event);
    snprintf(numbers[1], sizeof(numbers[1]), "%d", EVENTS_KEPT);
    values[0] = numbers[0];
    values[1] = numbers[1];
    return 2;
}

/* ---- the list ---- */

/* clang-format off */
const struct probe probes[] = {
    {"sample_server", 0, NULL, NULL, gather_server, NULL},
    {"sample_tables", 0, S_has_plan, S_plan_json, gather_tables, NULL},
    {"check_plan", 30000, S_has_plan, S_plan_json, gather_plan_check, NULL},
    {"journal_look", 10000, NULL, NULL, gather_journal_look, S_has_no_journal},
    {"journal_overview", 0, S_has_journal, S_plan_name, gather_journal_overview, NULL},
    {"journal_steps", 0, S_has_run, S_run_id, gather_journal_steps, NULL},
    {"journal_fill", 0, S_has_fill, S_run_id, gather_journal_fill, NULL},
    {"journal_events", 0, S_has_journal, S_last_event, gather_journal_events, NULL},
    {"journal_findings", 10000, S_has_journal, S_plan_name, gather_journal_findings, S_has_new_events},
    {"blockers_sample", 4000, NULL, NULL, gather_blockers, S_has_blockers},
    {"blockers_children", 0, S_has_blockers_and_runs, NULL, gather_blockers_children, NULL},
    {"nodes_citus", 30000, NULL, NULL, gather_nodes_citus, NULL},
};
/* clang-format on */
const size_t probe_count = ARRAY_LEN(probes);
