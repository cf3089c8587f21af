/* plan_file: see plan_file.h. */
#include "plan_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct plan_place plan_place;

int plan_file_setup(void **state)
{
    (void)state;
    snprintf(plan_place.directory, sizeof(plan_place.directory), "/tmp/test_plan.XXXXXX");
    if (!mkdtemp(plan_place.directory))
        return -1;
    snprintf(plan_place.path, sizeof(plan_place.path), "%s/site.plan", plan_place.directory);
    snprintf(plan_place.mapping, sizeof(plan_place.mapping), "%s/codes.csv", plan_place.directory);
    return 0;
}

int plan_file_teardown(void **state)
{
    (void)state;
    unlink(plan_place.path);
    unlink(plan_place.mapping);
    return rmdir(plan_place.directory);
}

void plan_file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

struct plan *plan_file_read(const char *text)
{
    struct plan *plan = NULL;
    struct err err = {0};
    plan_file_write(plan_place.path, text);
    if (!plan_read(plan_place.path, &plan, &err))
        fail_msg("%s", err.text);
    return plan;
}
