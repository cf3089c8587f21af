/* test_plan_shipped: the plans that come with the program, and the steps that plans expand into. */
#include "kind.h"
#include "mending.h"
#include "plan_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct plan *S_read_shipped(const char *name)
{
    const char *source = getenv("srcdir");
    char *path = str_format("%s/data/plans/%s.plan", source ? source : ".", name);
    struct plan *plan = NULL;
    struct err err = {0};
    if (!plan_read(path, &plan, &err))
        fail_msg("%s", err.text);
    free(path);
    return plan;
}

static void S_join_steps(const struct plan *plan, struct buf *out)
{
    struct arena *arena = arena_new();
    const struct step_def **steps;
    size_t count = kind_steps(plan, arena, &steps);
    for (size_t i = 0; i < count; i++) {
        buf_format(out, "%s%s", i ? " " : "", steps[i]->name);
        assert_non_null(steps[i]->does);
        assert_true(strlen(step_type_name(steps[i]->type)) > 0);
    }
    arena_free(arena);
}

static void S_expect_steps(const struct plan *plan, const char *names)
{
    struct buf steps = {0};
    S_join_steps(plan, &steps);
    assert_string_equal(buf_text(&steps), names);
    buf_release(&steps);
}

static void test_mentoring_has_all_its_tables(void **state)
{
    (void)state;
    struct plan *plan = S_read_shipped("mentoring");
    size_t not_null = 0, optional = 0;
    assert_int_equal(plan->table_count, 26);
    assert_int_equal(plan->ignored.count, 6);
    for (size_t i = 0; i < plan->table_count; i++) {
        const struct plan_table *t = &plan->tables[i];
        assert_int_equal(t->columns.count, 2);
        assert_true(plan_names_has(&t->primary_key.columns, "tenant_code"));
        assert_true(plan_names_has(&t->not_null, "tenant_code"));
        not_null += plan_names_has(&t->not_null, "organization_code");
        optional += t->optional;
    }
    assert_int_equal(not_null, 14);
    assert_int_equal(optional, 3);
    assert_string_equal(plan_find_table(plan, "resources")->parent_table, "sessions");
    assert_string_equal(plan_find_table(plan, "entities")->parent_table, "entity_types");
    assert_null(plan->service);
    assert_int_equal(plan->outside_count, 4);
    for (size_t i = 0; i < plan->outside_count; i++)
        assert_null(plan->outsides[i].folder);
    S_expect_steps(plan, "preflight backup schema mapping integrity columns fill confirm "
                         "not-null keys indexes foreign-keys functions views dependencies "
                         "schema-new seed cache-clear cache-warm validate report release");
    plan_free(plan);
}

static void test_chat_has_no_organization(void **state)
{
    (void)state;
    struct plan *plan = S_read_shipped("chat");
    assert_null(plan_find_column(plan, ROLE_ORGANIZATION));
    assert_null(plan->mapping.shape.organization_column);
    assert_string_equal(plan->mapping.shape.key_column, "user_id");
    assert_string_equal(plan->mapping.default_tenant, "default_tenant");
    S_expect_steps(plan, "preflight backup schema mapping integrity columns fill confirm "
                         "not-null keys indexes validate report release");
    plan_free(plan);
}

static void test_steps_without_use_are_not_listed(void **state)
{
    (void)state;
    struct plan *plan = plan_file_read("[plan]\nname = a\nkind = columns\ndistribute = true\n"
                                       "[mapping]\nfile = m\nkey = k\ndefault = t\n"
                                       "[column \"tenant_code\"]\ntype = text\n"
                                       "[table \"t\"]\nfrom = constant\n"
                                       "[keys \"q\"]\npattern = bull:*\nforeign = true\n");
    S_expect_steps(plan, "preflight backup mapping integrity columns fill confirm not-null "
                         "distribute validate report release");
    plan_free(plan);
    plan = plan_file_read(SITE_CACHE);
    S_expect_steps(plan, "");
    plan_free(plan);
}

static void test_what_mends_and_what_does_not(void **state)
{
    (void)state;
    struct mending none = {0}, released = {.released = true}, spread = {.spread = true};
    assert_string_equal(mending_steps("codes", "", &none)[0], "fill");
    assert_string_equal(mending_steps("codes", "", &released)[0], "fill");
    assert_string_equal(mending_steps("codes", "", &spread)[0], "fill");
    assert_null(mending_steps("rows before", "", &spread));
    assert_string_equal(mending_steps("columns and primary key", "", &none)[0], "columns");
    assert_string_equal(mending_steps("columns and primary key", "", &spread)[0], "not-null");
    assert_string_equal(mending_steps("indexes", "", &spread)[0], "keys");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mentoring_has_all_its_tables),
        cmocka_unit_test(test_chat_has_no_organization),
        cmocka_unit_test(test_steps_without_use_are_not_listed),
        cmocka_unit_test(test_what_mends_and_what_does_not),
    };
    return cmocka_run_group_tests(tests, plan_file_setup, plan_file_teardown);
}
