/* probes: see probes.h. */
#include "probes.h"

#include <stdio.h>
#include <string.h>

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

/* An older stretch of the log is not continued at its end: it is not the log's. */
static bool S_follows_log(const struct parts *parts)
{
    return S_has_journal(parts) && !parts->log.back;
}

static bool S_wants_older(const struct parts *parts)
{
    return S_has_journal(parts) && parts->log.wish == LOG_OLDER;
}

static bool S_wants_first(const struct parts *parts)
{
    return S_has_journal(parts) && parts->log.wish == LOG_FIRST;
}

static bool S_wants_newer(const struct parts *parts)
{
    return S_has_journal(parts) && parts->log.wish == LOG_NEWER;
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

/* Between two events, the beginning or the end where there is none; narrowed as the window is. */
static int S_log_page(const struct parts *parts, int64_t after, int64_t before, const char **values,
                      char numbers[PROBE_VALUES][24])
{
    const struct log_window *log = &parts->log;
    snprintf(numbers[0], sizeof(numbers[0]), "%lld", (long long)after);
    snprintf(numbers[1], sizeof(numbers[1]), "%lld", (long long)before);
    snprintf(numbers[2], sizeof(numbers[2]), "%d", LOG_PAGE);
    const char *all[PROBE_VALUES] = {numbers[0], before ? numbers[1] : NULL,
                                     numbers[2], severity_name(log->least),
                                     log->step,  log->table,
                                     NULL,       NULL};
    memcpy(values, all, sizeof(all));
    return PROBE_VALUES;
}

static int S_last_event(const struct parts *parts, const char **values,
                        char numbers[PROBE_VALUES][24])
{
    return S_log_page(parts, parts->last_event, 0, values, numbers);
}

static int S_older_events(const struct parts *parts, const char **values,
                          char numbers[PROBE_VALUES][24])
{
    return S_log_page(parts, 0, log_window_first(&parts->log), values, numbers);
}

static int S_first_events(const struct parts *parts, const char **values,
                          char numbers[PROBE_VALUES][24])
{
    return S_log_page(parts, 0, 0, values, numbers);
}

static int S_newer_events(const struct parts *parts, const char **values,
                          char numbers[PROBE_VALUES][24])
{
    return S_log_page(parts, log_window_last(&parts->log), 0, values, numbers);
}

/* ---- the list ---- */

/* clang-format off */
const struct probe probes[] = {
    {"sample_server", 0, NULL, NULL, gather_server, NULL},
    {"sample_tables", 0, S_has_plan, S_plan_json, gather_tables, NULL},
    {"check_plan", 30000, S_has_plan, S_plan_json, gather_plan_check, NULL},
    {"journal_look", 10000, NULL, NULL, gather_journal_look, S_has_no_journal},
    {"journal_overview", 0, S_has_journal, S_plan_name, gather_journal_overview, NULL},
    {"journal_asked", 0, S_has_run, S_run_id, gather_journal_asked, NULL},
    {"journal_steps", 0, S_has_run, S_run_id, gather_journal_steps, NULL},
    {"journal_fill", 0, S_has_fill, S_run_id, gather_journal_fill, NULL},
    {"journal_events", 0, S_follows_log, S_last_event, gather_journal_events, NULL},
    {"journal_events_next", 0, S_wants_first, S_first_events, gather_journal_first, NULL},
    {"journal_events", 0, S_wants_older, S_older_events, gather_journal_older, NULL},
    {"journal_events_next", 0, S_wants_newer, S_newer_events, gather_journal_newer, NULL},
    {"journal_findings", 10000, S_has_journal, S_plan_name, gather_journal_findings, S_has_new_events},
    {"blockers_sample", 4000, NULL, NULL, gather_blockers, S_has_blockers},
    {"blockers_children", 0, S_has_blockers_and_runs, NULL, gather_blockers_children, NULL},
    {"nodes_citus", 30000, NULL, NULL, gather_nodes_citus, NULL},
};
/* clang-format on */
const size_t probe_count = ARRAY_LEN(probes);
