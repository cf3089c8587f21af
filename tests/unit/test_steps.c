/* test_steps: whatever a plan expands into, somebody knows how to do it. */
#include "plan.h"
#include "sql.h"
#include "steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct plan *S_read(const char *name)
{
    struct err err = {0};
    struct plan *plan = NULL;
    char *path = str_format("%s/data/plans/%s.plan", getenv("TD_SRCDIR"), name);
    if (!plan_read(path, &plan, &err))
        fail_msg("%s", err.text);
    free(path);
    return plan;
}

static void S_expect_doers(const char *name)
{
    struct plan *plan = S_read(name);
    struct arena *arena = arena_new();
    const struct step_def **defs;
    size_t count = kind_steps(plan, arena, &defs);
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++) {
        const struct step_doer *doer = steps_find(defs[i]->name);
        if (!doer)
            fail_msg("nobody knows how to do step '%s' of plan '%s'", defs[i]->name, name);
        if (doer->generator && !sql_find(doer->generator))
            fail_msg("step '%s' asks a statement '%s' that does not exist", doer->name,
                     doer->generator);
    }
    arena_free(arena);
    plan_free(plan);
}

static void S_test_installed_plans(void **state)
{
    (void)state;
    S_expect_doers("mentoring");
    S_expect_doers("chat");
}

static void S_test_unknown_step(void **state)
{
    (void)state;
    assert_null(steps_find("nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S_test_installed_plans),
        cmocka_unit_test(S_test_unknown_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
