/* steps: see steps.h. */
#include "steps.h"

static const struct step_doer S_doers[] = {
    {"preflight", step_verify, "check_preflight"},
    {"backup", step_backup, NULL},
    {"schema", step_outside, NULL},
    {"mapping", step_mapping, NULL},
    {"integrity", step_verify, "check_integrity"},
    {"columns", step_once, "work_columns"},
    {"fill", step_fill, "work_fill"},
    {"confirm", step_verify, "check_confirm"},
    {"not-null", step_once, "work_not_null"},
    {"keys", step_once, "work_keys"},
    {"indexes", step_once, "work_indexes"},
    {"distribute", step_distribute, "work_distribute"},
    {"foreign-keys", step_once, "work_foreign_keys"},
    {"functions", step_functions, NULL},
    {"views", step_views, NULL},
    {"dependencies", step_outside, NULL},
    {"schema-new", step_outside, NULL},
    {"seed", step_outside, NULL},
    {"cache-clear", step_cache_clear, NULL},
    {"cache-warm", step_cache_warm, NULL},
    {"validate", step_verify, "check_validate"},
    {"report", step_report, NULL},
    {"release", step_release, "work_release"},
};

const struct step_doer *steps_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(S_doers); i++)
        if (str_is(S_doers[i].name, name))
            return &S_doers[i];
    return NULL;
}
