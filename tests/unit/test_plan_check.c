/* test_plan_check: the plan as JSON, and what is said of its mapping file. */
#include "plan_check.h"
#include "plan_file.h"
#include "plan_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_json_holds_the_plan(void **state)
{
    (void)state;
    struct plan *plan =
        plan_file_read(SITE_HEAD "[table \"p\"]\nfrom = own org\n"
                                 "[table \"c\"]\nfrom = parent p.id by p_id\n"
                                 "unique = tenant_code a replacing old\n"
                                 "foreign key = tenant_code p_id -> p tenant_code id\n");
    char *text = plan_to_json(plan);
    json_t *json = json_loads(text, 0, NULL);
    const char *schema, *role, *source, *replaces, *target;
    assert_non_null(json);
    assert_int_equal(json_array_size(json_object_get(json, "tables")), 2);
    json_t *child = json_array_get(json_object_get(json, "tables"), 1);
    json_t *column = json_array_get(json_object_get(json, "columns"), 0);
    assert_int_equal(json_unpack(json, "{s:s}", "schema", &schema), 0);
    assert_int_equal(json_unpack(column, "{s:s}", "role", &role), 0);
    assert_int_equal(json_unpack(child, "{s:s, s:[{s:s}], s:[{s:s}]}", "source", &source, "uniques",
                                 "replaces", &replaces, "references", "table", &target),
                     0);
    assert_string_equal(schema, "public");
    assert_string_equal(role, "tenant");
    assert_string_equal(source, "parent");
    assert_string_equal(replaces, "old");
    assert_string_equal(target, "p");
    json_decref(json);
    free(text);
    plan_free(plan);
}

/* ---- the mapping file ---- */

struct expected_check {
    enum verdict verdict;
    const char *part;
    int64_t count;
};

static void S_expect_mapping(const char *csv, const struct expected_check *expected, size_t count)
{
    struct plan *plan = plan_file_read(SITE_HEAD SITE_TABLE);
    struct check_view *checks;
    plan_file_write(plan_place.mapping, csv);
    size_t n = plan_check_mapping(plan, plan->arena, &checks);
    assert_int_equal(n, count);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(checks[i].group, "mapping");
        assert_string_equal(checks[i].subject, plan_place.mapping);
        assert_int_equal(checks[i].verdict, expected[i].verdict);
        assert_int_equal(checks[i].count, expected[i].count);
        if (!strstr(checks[i].message, expected[i].part))
            fail_msg("'%s' does not say '%s'", checks[i].message, expected[i].part);
    }
    plan_free(plan);
}

#define TITLES "organization_id,organization_code,tenant_code\n"

static void test_good_mapping_passes(void **state)
{
    (void)state;
    static const struct expected_check good[] = {{VERDICT_PASS, "one tenant", 2}};
    S_expect_mapping(TITLES "1,org,tenant\n2,b,tb\n", good, ARRAY_LEN(good));
}

static void test_bad_mappings_are_found(void **state)
{
    (void)state;
    static const struct expected_check empty[] = {{VERDICT_FAIL, "no row", UNKNOWN}};
    static const struct expected_check refused[] = {{VERDICT_FAIL, "codes.csv", UNKNOWN}};
    static const struct expected_check long_code[] = {
        {VERDICT_FAIL, "do not fit their column", 2},
    };
    static const struct expected_check other_default[] = {
        {VERDICT_WARN, "other codes than the plan's default", 1},
        {VERDICT_PASS, "one tenant", 2},
    };
    S_expect_mapping(TITLES, empty, ARRAY_LEN(empty));
    S_expect_mapping("organization_id,tenant_code\n1,t\n", refused, ARRAY_LEN(refused));
    S_expect_mapping(TITLES "1,org,tenant\n2,b,tenant_code_of_21_byte\n"
                            "3,b,tenant_code_of_21_byte\n",
                     long_code, ARRAY_LEN(long_code));
    S_expect_mapping(TITLES "1,org,other\n2,b,tb\n", other_default, ARRAY_LEN(other_default));
}

static void test_missing_mapping_is_found(void **state)
{
    (void)state;
    struct plan *plan = plan_file_read(SITE_HEAD SITE_TABLE);
    struct check_view *checks;
    unlink(plan_place.mapping);
    assert_int_equal(plan_check_mapping(plan, plan->arena, &checks), 1);
    assert_int_equal(checks[0].verdict, VERDICT_FAIL);
    plan_free(plan);
}

static void test_many_warnings_are_summed_up(void **state)
{
    (void)state;
    struct buf csv = {0};
    struct plan *plan = plan_file_read(SITE_HEAD SITE_TABLE);
    struct check_view *checks;
    buf_add(&csv, TITLES);
    for (int i = 0; i < 50; i++)
        buf_format(&csv, "k%d,o,No-%d\n", i, i);
    plan_file_write(plan_place.mapping, buf_text(&csv));
    size_t n = plan_check_mapping(plan, plan->arena, &checks);
    assert_int_equal(n, 22);
    assert_string_equal(checks[20].message, "and 30 more warnings");
    assert_int_equal(checks[20].count, 30);
    assert_int_equal(checks[21].verdict, VERDICT_PASS);
    assert_int_equal(checks[21].count, 50);
    buf_release(&csv);
    plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_holds_the_plan),
        cmocka_unit_test(test_good_mapping_passes),
        cmocka_unit_test(test_bad_mappings_are_found),
        cmocka_unit_test(test_missing_mapping_is_found),
        cmocka_unit_test(test_many_warnings_are_summed_up),
    };
    return cmocka_run_group_tests(tests, plan_file_setup, plan_file_teardown);
}
