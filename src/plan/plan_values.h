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
    int line;
};

struct plan_key_def {
    const char *section, *key;
    bool repeats, required;
    bool (*take)(struct plan_reader *r, struct err *err);
};

struct plan_section_def {
    const char *name;
    bool labelled;  /* [name "label"] */
    unsigned kinds; /* 1 << PLAN_COLUMNS | …: of plans that have a use for it */
    /* Makes what the section is about; NULL: the plan itself. */
    bool (*begin)(struct plan_reader *r, const char *label, struct err *err);
};

extern const struct plan_key_def plan_key_defs[];
extern const size_t plan_key_def_count;
extern const struct plan_section_def plan_section_defs[];
extern const size_t plan_section_def_count;

#endif
