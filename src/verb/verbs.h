/* verbs: what the rows of verb_table.c run. One function a verb, named like it. */
#ifndef TD_VERBS_H
#define TD_VERBS_H

#include "demo.h"
#include "table.h"
#include "verb.h"

typedef bool verb_fn(struct verb_call *call, struct err *err);

/* verb_show.c */
verb_fn verb_status, verb_tenant_list, verb_nodes, verb_journal_status;
/* verb_tenant.c */
verb_fn verb_tenant_show;
/* verb_peek.c */
verb_fn verb_cache_peek;
/* verb_log.c */
verb_fn verb_log;
/* verb_monitor.c */
verb_fn verb_monitor, verb_monitor_tell;
/* verb_blockers.c */
verb_fn verb_blockers, verb_blockers_signal;
verb_fn verb_blockers_tell; /* whom it will meet, and what that session does */
/* verb_cache_clear.c */
verb_fn verb_cache_clear, verb_cache_clear_tell, verb_cache_restore, verb_cache_restore_tell;
/* What they would do, before anybody says yes to it. */
verb_fn verb_cache_ttl_tell, verb_cache_invalidate_tell, verb_cache_warm_tell;
/* verb_cache_invalidate.c, verb_cache_ttl.c */
verb_fn verb_cache_invalidate, verb_cache_warm, verb_cache_ttl;
/* verb_cache_rekey.c */
verb_fn verb_cache_rekey, verb_cache_rekey_tell;
/* verb_cache_counts.c */
verb_fn verb_cache_counts;
/* verb_cache_keys.c */
verb_fn verb_cache_keys;
/* verb_plan.c */
verb_fn verb_plan_list, verb_plan_show, verb_plan_check;
/* verb_migrations.c */
verb_fn verb_migrations;
/* verb_env.c */
verb_fn verb_env;
/* verb_help.c */
verb_fn verb_sql, verb_help, verb_completion_bash;
/* verb_backup.c */
verb_fn verb_backup_create, verb_backup_list, verb_backup_verify;
/* verb_restore.c */
verb_fn verb_backup_restore, verb_backup_restore_tell;
/* verb_prune.c */
verb_fn verb_backup_prune;
verb_fn verb_backup_prune_tell; /* which would go, before anybody says yes to it */
/* verb_report.c */
verb_fn verb_report;
/* verb_change.c */
verb_fn verb_journal_create, verb_demo_load;

/* verb_session.c */
verb_fn verb_session_list, verb_session_show, verb_session_check;
/* verb_session_change.c */
verb_fn verb_session_create, verb_session_touch, verb_session_end, verb_session_sweep;
verb_fn verb_session_end_tell; /* whose sessions will end, before anybody says yes to it */

/* verb_entry.c */
verb_fn verb_cache_get, verb_cache_set, verb_cache_delete, verb_cache_tags;
/* verb_metrics.c */
verb_fn verb_cache_metrics;
/* verb_try.c */
verb_fn verb_cache_test;
/* verb_bench.c */
verb_fn verb_cache_bench;

/* verb_run.c */
verb_fn verb_preflight, verb_migrate, verb_run_step, verb_validate, verb_plan_sql;
verb_fn verb_migrate_tell, verb_run_step_tell; /* what stands on the sheet */
/* verb_findings.c */
verb_fn verb_findings;
/* verb_fix.c */
verb_fn verb_fix;
verb_fn verb_fix_tell, verb_validate_tell; /* what would be mended, and by which steps */
/* verb_rollback.c */
verb_fn verb_rollback;
enum verb_effect verb_rollback_weigh(const struct verb_call *call);
verb_fn verb_rollback_tell; /* what will be lost, before anybody says yes to it */
/* verb_steer.c */
verb_fn verb_attach, verb_ask_worker;

/* Asks the servers once, and prints the banner and these tables, or both as JSON. */
bool verb_show_tables(struct verb_call *call, const struct table_def *const *defs, size_t count,
                      struct err *err);
/* Every server that is named, asked once; the sampler is yours to free. */
struct sampler;
/* With --exact; true without it. */
bool verb_count_exactly(struct verb_call *call, struct sampler *sampler, struct err *err);
bool verb_sample(struct verb_call *call, struct sampler **out, struct err *err);

/* --sort and --filter: refused when no table has the column, and what they mean for one table. */
bool verb_check_sort(const struct verb_call *call, const struct table_def *const *defs,
                     size_t count, struct err *err);
struct arrange_by verb_arrange(const struct verb_call *call, const struct table_def *def);

/*
 * The checks of a snapshot, the worst first, as text or JSON; one that fails is a finding. With
 * `details` a warning shows what is behind it, too.
 */
void verb_show_checks(struct verb_call *call, const struct snapshot *snapshot, bool details);

/* --scale and --dirty, as the demo and demo load take them. */
bool demo_options_read(const char *scale, const char *dirty, struct demo_options *out,
                       struct err *err);

#endif
