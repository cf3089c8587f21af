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

const char *const *mending_steps(const char *check_name, const char *message,
                                 const struct mending *done)
{
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
