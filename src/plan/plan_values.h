/*
 * plan_values: which sections and keys a plan may have, and what each value means.
 *
 * Two tables; plan.c walks through the file by them and refuses what they do not hold. A function
 * here reads one value into the plan; its errors come without file:line, which plan.c puts on.
 */
#ifndef TD_PLAN_VALUES_H
#define TD_PLAN_VALUES_H

#include "plan.h"

/* Where the reading stands: the plan, the value, and what the section is about. */
struct plan_reader {
    struct plan *plan;
    const char *value;
    struct plan_table *table;
    struct plan_column *column;
    struct plan_keys *keys;
    struct plan_outside *outside;
    struct plan_file *warm;
    int line;
};

typedef bool plan_take_fn(struct plan_reader *r, struct err *err);
typedef bool plan_begin_fn(struct plan_reader *r, const char *label, struct err *err);

struct plan_key_def {
    const char *section, *key;
    bool repeats, required;
    plan_take_fn *take;
};

struct plan_section_def {
    const char *name;
    bool labelled;        /* [name "label"]; a section without one stands there once */
    unsigned kinds;       /* 1 << PLAN_COLUMNS | …: of plans that have a use for it */
    plan_begin_fn *begin; /* makes what the section is about; NULL: the plan itself */
};

extern const struct plan_key_def plan_key_defs[];
extern const size_t plan_key_def_count;
extern const struct plan_section_def plan_section_defs[];
extern const size_t plan_section_def_count;

/* The value as it stands, which must not be empty. */
bool plan_take_text(struct plan_reader *r, const char **out, struct err *err);
/* Of the file that the value names: a bare name is looked for, so what is found is judged. */
struct file_trust plan_trust(const struct plan_reader *r);
/* A number of seconds that a Redis key may live. */
bool plan_take_ttl(struct plan_reader *r, int64_t *out, struct err *err);

/* true or false. */
bool plan_take_bool(const char *value, bool *out, struct err *err);

/* plan_cache.c: what a plan says of Redis beyond its keys */
plan_take_fn plan_take_sessions_per_user, plan_take_sessions_sliding;
plan_take_fn plan_take_alarm_memory, plan_take_alarm_clients, plan_take_alarm_hit_rate;

/* plan_service.c: the service, its commands, the files beside the plan, and the limits */
plan_begin_fn plan_begin_outside, plan_begin_warm;
plan_take_fn plan_take_service_folder, plan_take_service_migrations;
plan_take_fn plan_take_outside_command, plan_take_outside_folder, plan_take_outside_undo,
    plan_take_outside_failure, plan_take_outside_timeout;
plan_take_fn plan_take_function, plan_take_view;
plan_take_fn plan_take_warm_file, plan_take_warm_key, plan_take_warm_ttl;
plan_take_fn plan_take_batch, plan_take_pages, plan_take_sleep, plan_take_lag, plan_take_waiters,
    plan_take_active, plan_take_archive, plan_take_patience, plan_take_limit_query,
    plan_take_limit_file;

#endif
