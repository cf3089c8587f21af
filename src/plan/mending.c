/* mending: see mending.h. */
#include "mending.h"

#include <string.h>

static const struct {
    const char *check_name;
    const char *steps[MENDING_STEPS + 1];
} S_mendings[] = {
    {"columns and primary key", {"columns", "not-null", "keys"}},
    {"indexes", {"keys", "indexes"}},
    {"foreign keys", {"keys", "foreign-keys"}},
    {"codes", {"fill"}},
};

/* A column that is made anew is empty. */
static const char *const S_with_column[] = {"columns", "fill", "not-null", "keys", NULL};
static const char *const S_released[] = {"not-null", "keys", NULL};

static bool S_is_fill(const char *check_name)
{
    return str_is(check_name, "codes");
}

const char *const *mending_steps(const char *check_name, const char *message,
                                 const struct mending *done)
{
    if (done->spread && S_is_fill(check_name))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(S_mendings); i++) {
        if (!str_is(check_name, S_mendings[i].check_name))
            continue;
        if (i == 0 && (done->released || done->spread))
            return S_released;
        return i == 0 && message && strstr(message, "there is no column") ? S_with_column
                                                                          : S_mendings[i].steps;
    }
    return NULL;
}

const char *mending_why_not(const char *check_name, const struct mending *done)
{
    return done->spread && S_is_fill(check_name)
               ? "The fill changes no row that Citus has spread: one of the wrong tenant goes to "
                 "another "
                 "shard, which takes a DELETE and an INSERT by hand."
               : "Nothing mends this by itself, since that would decide about data or about what "
                 "is "
                 "somebody else's.";
}
