/*
 * test_details: what the tables say besides their rows: titles, what Enter opens, JSON, moods; that
 * the definitions hold together, and that ten thousand tenants are no trouble.
 */
#include "moment.h"
#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static char *S_print(const struct snapshot *snapshot, enum table_id id, int width)
{
    struct buf out = {0};
    table_print(&out, &table_defs[id], snapshot, NULL, width, false);
    return buf_take(&out);
}

/* ---- the titles ---- */

static void S_check_summary(const struct snapshot *snapshot, enum table_id id, const char *expected)
{
    struct buf out = {0};
    table_defs[id].summary(snapshot, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void test_summary_before_the_migration(void **state)
{
    struct fill_view fills[] = {
        {.name = "a", .rows = EXACT(178000, 0), .with_tenant = EXACT(0, 0)},
        {.name = "b", .rows = ESTIMATE(412, 0), .with_tenant = EXACT(0, 0)},
        {.name = "c", .rows = EXACT(0, 0), .with_tenant = EXACT(0, 0)},
    };
    struct snapshot snapshot = {.at = NOW, .fills = fills, .fill_count = 2};
    (void)state;
    S_check_summary(&snapshot, TABLE_TABLES, "2 tables, ~178,412 rows, 0 % with tenant");
    fills[1].rows.value = UNKNOWN;
    S_check_summary(&snapshot, TABLE_TABLES, "2 tables, over 178,000 rows, 0 % with tenant");
    fills[0].rows.value = UNKNOWN;
    S_check_summary(&snapshot, TABLE_TABLES, "2 tables, ? rows");
    snapshot.fill_count = 0;
    S_check_summary(&snapshot, TABLE_TABLES, "");
}

/* All is filled only when every table is, and was counted. */
static void test_summary_is_complete_only_when_all_is_sure(void **state)
{
    struct fill_view fills[] = {
        {.has_tenant = true, .rows = EXACT(10, 0), .with_tenant = EXACT(10, 0)},
        {.has_tenant = true, .rows = EXACT(0, 0), .with_tenant = EXACT(0, 0)},
    };
    struct snapshot snapshot = {.at = NOW, .fills = fills, .fill_count = 2};
    (void)state;
    S_check_summary(&snapshot, TABLE_TABLES, "2 tables, 10 rows, 100 % with tenant");
    fills[1].has_tenant = false;
    S_check_summary(&snapshot, TABLE_TABLES, "2 tables, 10 rows, 99.9 % with tenant");
    fills[1].has_tenant = true;
    fills[0].with_tenant.exact = false;
    S_check_summary(&snapshot, TABLE_TABLES, "2 tables, 10 rows, ~99.9 % with tenant");
}

static void test_summary_of_the_census(void **state)
{
    struct snapshot snapshot = moment();
    (void)state;
    snapshot.census = (struct census_view){.complete = false, .seen = 34.2, .at = UNKNOWN};
    S_check_summary(
        &snapshot, TABLE_CACHE,
        "1,246,645 keys, 12 without TTL, 3 over TTL, first pass: 34 % of the keys seen");
    char *text = S_print(&snapshot, TABLE_CACHE, 78);
    assert_non_null(strstr(text, "~12,034"));
    assert_non_null(strstr(text, "\n~ of the keys seen so far"));
    free(text);
}

static void test_empty_tables_say_what_to_do(void **state)
{
    struct snapshot snapshot = {.at = NOW};
    (void)state;
    for (int id = 0; id < TABLE_COUNT; id++) {
        char *text = S_print(&snapshot, (enum table_id)id, 200);
        char *expected = str_format("%s\n%s\n", table_defs[id].title, table_defs[id].empty);
        assert_string_equal(text, expected);
        free(expected);
        free(text);
    }
}

/* ---- figures that do not agree ---- */

static void S_check_cells(const struct fill_view *fill, const char *missing, const char *percent)
{
    enum { MISSING = 4, PERCENT = 5 };
    struct fill_view fills[] = {*fill};
    struct snapshot snapshot = {.at = NOW, .fills = fills, .fill_count = 1};
    const struct table_def *def = &table_defs[TABLE_TABLES];
    const char *const expected[] = {[MISSING] = missing, [PERCENT] = percent};
    for (size_t column = MISSING; column <= PERCENT; column++) {
        struct cell cell = {0};
        struct buf out = {0};
        def->cell(&snapshot, 0, column, &cell);
        cell_text(&out, &cell, 0, false, NOW);
        assert_string_equal(buf_text(&out), expected[column]);
        buf_release(&out);
    }
}

static void test_missing_is_exact_only_if_all_figures_are(void **state)
{
    struct fill_view fill = {.has_tenant = true,
                             .has_organization = true,
                             .wants_organization = true,
                             .rows = EXACT(100, 0),
                             .with_tenant = EXACT(100, 0),
                             .with_organization = EXACT(100, 0)};
    (void)state;
    S_check_cells(&fill, "0", "100");
    fill.with_organization.exact = false;
    S_check_cells(&fill, "~0", "~99.9");
    fill.with_organization.value = UNKNOWN;
    S_check_cells(&fill, "?", "?");
    fill.has_organization = false;
    S_check_cells(&fill, "100", "0");
    fill.wants_organization = false;
    S_check_cells(&fill, "0", "100");
}

static void test_estimates_that_disagree_are_not_negative(void **state)
{
    struct fill_view fill = {
        .has_tenant = true, .rows = ESTIMATE(90, 0), .with_tenant = EXACT(100, 0)};
    (void)state;
    S_check_cells(&fill, "~0", "~99.9");
    fill.rows = (struct count_view)NOT_COUNTED;
    S_check_cells(&fill, "?", "?");
    fill.has_tenant = false;
    S_check_cells(&fill, "?", "0");
}

/* ---- what Enter opens ---- */

static void S_check_detail(enum table_id id, size_t row, const char *expected)
{
    struct snapshot snapshot = moment();
    struct buf out = {0};
    table_defs[id].detail(&snapshot, row, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void test_detail_of_a_table(void **state)
{
    (void)state;
    S_check_detail(TABLE_TABLES, 3,
                   "table              sessions\n"
                   "codes from         user created_by\n"
                   "rows               ~1,234,567, an estimate, 3h20m old\n"
                   "with tenant        ~900,000, an estimate, 3h20m old\n"
                   "with organization  the plan wants none here\n"
                   "missing            ~334,567, an estimate, 3h20m old\n"
                   "filled             ~72 % of its rows\n"
                   "heap and indexes   700 MB\n"
                   "primary key        id\n"
                   "\n"
                   "Press c to count exactly. The server then reads the whole table once; reads\n"
                   "and writes go on meanwhile, only a change of its definition would wait.\n"
                   "\n"
                   "The step 'fill' gives these rows their codes, from the source above.\n");
    S_check_detail(TABLE_TABLES, 6,
                   "table              post_session_details\n"
                   "codes from         parent sessions.id by session_id\n"
                   "\n"
                   "The database has no such table. The plan calls it optional, so there is\n"
                   "nothing to do.\n");
}

static void test_detail_keeps_a_foreign_name_on_its_line(void **state)
{
    struct snapshot snapshot = moment();
    struct buf out = {0};
    (void)state;
    table_defs[TABLE_TABLES].detail(&snapshot, 8, &out);
    assert_true(str_starts(buf_text(&out), "table              evil\x1b[31m name\xff\n"));
    buf_release(&out);
}

static void test_detail_of_a_tenant(void **state)
{
    (void)state;
    S_check_detail(TABLE_TENANTS, 0,
                   "tenant             shikshalokam\n"
                   "organizations      2\n"
                   "rows               900,012, counted exactly 1m00s ago\n"
                   "share              91 % of all rows\n"
                   "keys in Redis      12,034\n"
                   "\n"
                   "Its organization codes:\n"
                   "  org_a\n"
                   "  org b\n"
                   "\n"
                   "Its rows per table:\n"
                   "  feedbacks                                  ?\n"
                   "  sessions                             900,000\n"
                   "  sessions_日本                             12\n");
}

static void test_detail_of_a_failed_step(void **state)
{
    (void)state;
    S_check_detail(TABLE_STEPS, 3,
                   "step               foreign-keys\n"
                   "state              failed\n"
                   "type               once\n"
                   "started            10:11:08, 3.0s ago\n"
                   "ended              10:11:09, 2.0s ago\n"
                   "time taken         1s\n"
                   "\n"
                   "What went wrong:\n"
                   "  lock timeout\n"
                   "  rows: all good\n"
                   "\n"
                   "What it does:\n"
                   "  replaces the foreign keys by ones that hold the tenant code\n"
                   "\n"
                   "How it is undone:\n"
                   "  puts the old foreign keys back\n");
}

static void test_detail_of_a_check(void **state)
{
    (void)state;
    S_check_detail(TABLE_VALIDATION, 1,
                   "verdict            warn\n"
                   "group              integrity\n"
                   "subject            session_attendees\n"
                   "rows concerned     12\n"
                   "checked            10:11:07, 4.0s ago\n"
                   "\n"
                   "  12 rows name a user that does not exist\n"
                   "\n"
                   "  ids: 1, 2, 3\n"
                   "  remedy: orphans = default\n");
}

static void test_detail_of_keys(void **state)
{
    (void)state;
    S_check_detail(TABLE_CACHE, 2,
                   "keys               bull\n"
                   "pattern            bull:*\n"
                   "owner              foreign\n"
                   "how many           1,234,567\n"
                   "memory             not known\n"
                   "time to live       the plan sets none\n"
                   "without expiry     not known\n"
                   "counted            10:10:59, 12s ago\n"
                   "\n"
                   "In a pattern {org}, {tenant} and {id} stand for one segment between two\n"
                   "colons, and * at the end for the rest.\n"
                   "\n"
                   "The plan calls these keys foreign: another program owns them, and they\n"
                   "are counted, never changed, never cleared.\n");
}

/* What is not known is not said to be fine. */
static void test_times_of_a_tenants_keys(void **state)
{
    (void)state;
    static struct tenant_keys kinds[] = {
        {.name = "sessions", .keys = 120, .ttl = 7200},
        {.name = "profiles", .keys = 9, .ttl = 7200, .without_ttl = 1, .over_ttl = 3},
        {.name = "endless", .keys = 2, .ttl = 7200, .without_ttl = 2},
        {.name = "free", .keys = 1},
        {.name = "hidden", .keys = 4, .ttl = 60, .without_ttl = UNKNOWN, .over_ttl = UNKNOWN},
    };
    static struct tenant_view tenant = {
        .code = "acme", .keys = 136, .kinds = kinds, .kind_count = ARRAY_LEN(kinds)};
    const struct snapshot snapshot = {
        .tenants = &tenant, .tenant_count = 1, .redis.state = SERVER_UP};
    struct buf out = {0};
    table_defs[TABLE_TENANTS].detail(&snapshot, 0, &out);
    const char *listed = strstr(buf_text(&out), "  sessions");
    assert_non_null(listed);
    assert_string_equal(
        listed, "  sessions                                 120  all within 2h\n"
                "  profiles                                   9  1 never expires, 3 over 2h\n"
                "  endless                                    2  2 never expire; policy 2h\n"
                "  free                                       1  all expire\n"
                "  hidden                                     4  expiry not known\n");
    buf_release(&out);
}

static void test_detail_of_an_event_is_whole(void **state)
{
    (void)state;
    S_check_detail(TABLE_LOG, 1,
                   "when               10:11:08, 3.0s ago\n"
                   "in UTC             2026-01-01T10:11:08Z\n"
                   "level              error\n"
                   "source             database\n"
                   "step               foreign-keys\n"
                   "\n"
                   "  deadlock detected\n"
                   "  DETAIL: \x1b]0;owned\x07 process 12 waits for process 13\n");
}

/* ---- JSON ---- */

static void S_check_row_json(enum table_id id, size_t row, const char *expected)
{
    struct snapshot snapshot = moment();
    json_t *array = table_json(&table_defs[id], &snapshot, &(struct arrange_by){.sort = -1});
    char *text = json_dumps(json_array_get(array, row), JSON_COMPACT | JSON_REAL_PRECISION(6));
    assert_string_equal(text, expected);
    free(text);
    json_decref(array);
}

static void test_json(void **state)
{
    (void)state;
    S_check_row_json(TABLE_TABLES, 3,
                     "{\"table\":\"sessions\",\"rows\":1234567,\"rows_exact\":false,"
                     "\"with_tenant\":900000,\"with_tenant_exact\":false,"
                     "\"with_organization\":null,\"missing\":334567,\"missing_exact\":false,"
                     "\"percent\":72.9001,\"percent_exact\":false,\"filled\":72.9001,"
                     "\"filled_exact\":false,\"counted\":\"2026-01-01T06:51:11Z\","
                     "\"bytes\":734003200,\"primary_key\":\"id\","
                     "\"source\":\"user created_by\",\"state\":\"partly\"}");
    S_check_row_json(TABLE_TABLES, 6,
                     "{\"table\":\"post_session_details\",\"rows\":null,\"with_tenant\":null,"
                     "\"with_organization\":null,\"missing\":null,\"percent\":null,"
                     "\"filled\":null,\"counted\":null,\"bytes\":null,\"primary_key\":null,"
                     "\"source\":\"parent sessions.id by session_id\",\"state\":\"not there\"}");
    S_check_row_json(
        TABLE_STEPS, 2,
        "{\"step\":\"fill\",\"state\":\"runs\",\"type\":\"batch\","
        "\"does\":\"gives every row its codes, in short batches\","
        "\"progress\":67.26,\"done\":120000,\"total\":178412,\"rate\":800,\"mean\":631,"
        "\"seconds\":190,\"left\":73,\"undo\":\"sets the codes back to what they were\"}");
    S_check_row_json(TABLE_VALIDATION, 2,
                     "{\"verdict\":\"fail\",\"group\":\"mapping\","
                     "\"subject\":\"data_codes.csv\",\"count\":1234567,"
                     "\"message\":\"organization 41 stands in no row of the mapping\","
                     "\"checked\":\"2026-01-01T10:11:07Z\",\"check\":null}");
    S_check_row_json(TABLE_LOG, 0,
                     "{\"time\":\"2026-01-01T10:11:07Z\",\"severity\":\"info\","
                     "\"source\":\"console\",\"step\":null,\"text\":\"connected\"}");
}

/* ---- the definitions ---- */

static void S_check_column(const struct table_def *def, size_t column)
{
    const struct column *this = &def->columns[column];
    assert_true(strlen(this->heading) <= (size_t)this->width);
    assert_true(*this->note);
    assert_true(this->priority > 0);
    for (size_t other = 0; other < column; other++) {
        assert_string_not_equal(this->name, def->columns[other].name);
        assert_int_not_equal(this->priority, def->columns[other].priority);
    }
}

static void test_definitions_hold_together(void **state)
{
    (void)state;
    for (int id = 0; id < TABLE_COUNT; id++) {
        const struct table_def *def = &table_defs[id];
        assert_ptr_equal(table_find(def->name), def);
        for (size_t column = 0; column < def->column_count; column++)
            S_check_column(def, column);
    }
    assert_null(table_find("nonsense"));
}

/* Colour says more than the words only where something is to be seen to. */
static void test_moods(void **state)
{
    static const struct {
        enum table_id table;
        size_t row, column;
        enum mood mood;
    } cases[] = {
        {TABLE_TABLES, 1, 4, MOOD_GOOD},    {TABLE_TABLES, 2, 4, MOOD_WARN},
        {TABLE_TABLES, 5, 1, MOOD_ACTIVE},  {TABLE_TABLES, 6, 0, MOOD_DIM},
        {TABLE_TABLES, 7, 1, MOOD_BAD},     {TABLE_STEPS, 3, 1, MOOD_BAD},
        {TABLE_VALIDATION, 2, 0, MOOD_BAD}, {TABLE_VALIDATION, 3, 0, MOOD_WARN},
        {TABLE_CACHE, 0, 3, MOOD_WARN},     {TABLE_CACHE, 2, 2, MOOD_DIM},
        {TABLE_LOG, 1, 4, MOOD_BAD},
    };
    struct snapshot snapshot = moment();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cell cell = {0};
        table_defs[cases[i].table].cell(&snapshot, cases[i].row, cases[i].column, &cell);
        assert_int_equal(cell.mood, cases[i].mood);
    }
}

/* ---- many tenants ---- */

enum { MANY = 10000 };

static void test_ten_thousand_tenants(void **state)
{
    struct arena *arena = arena_new();
    struct snapshot *snapshot = arena_alloc(arena, sizeof(*snapshot));
    (void)state;
    *snapshot = (struct snapshot){.arena = arena, .at = NOW, .tenant_count = MANY};
    snapshot->tenants = arena_array(arena, MANY, sizeof(*snapshot->tenants));
    for (int64_t i = 0; i < MANY; i++)
        snapshot->tenants[i] = (struct tenant_view){
            .code = arena_format(arena, "tenant_%05lld", (long long)((i * 7919) % MANY)),
            .organizations = 1,
            .rows = {.value = i, .exact = true, .at = NOW},
            .share = 0.01,
            .keys = UNKNOWN};
    struct buf out = {0};
    const struct arrange_by by = {.sort = 0, .filter = "TENANT_"};
    table_print(&out, &table_defs[TABLE_TENANTS], snapshot, &by, 80, false);
    const char *first = strstr(buf_text(&out), "tenant_00000 ");
    const char *second = strstr(buf_text(&out), "tenant_00001 ");
    const char *last = strstr(buf_text(&out), "tenant_09999 ");
    assert_true(first && second && last && first < second && second < last);
    assert_true(str_starts(buf_text(&out),
                           "Tenants: 10,000 tenants, 10,000 organizations, 49,995,000 rows\n"));
    buf_release(&out);
    snapshot_free(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary_before_the_migration),
        cmocka_unit_test(test_summary_is_complete_only_when_all_is_sure),
        cmocka_unit_test(test_missing_is_exact_only_if_all_figures_are),
        cmocka_unit_test(test_estimates_that_disagree_are_not_negative),
        cmocka_unit_test(test_summary_of_the_census),
        cmocka_unit_test(test_empty_tables_say_what_to_do),
        cmocka_unit_test(test_detail_of_a_table),
        cmocka_unit_test(test_detail_keeps_a_foreign_name_on_its_line),
        cmocka_unit_test(test_detail_of_a_tenant),
        cmocka_unit_test(test_detail_of_a_failed_step),
        cmocka_unit_test(test_detail_of_a_check),
        cmocka_unit_test(test_detail_of_keys),
        cmocka_unit_test(test_times_of_a_tenants_keys),
        cmocka_unit_test(test_detail_of_an_event_is_whole),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_definitions_hold_together),
        cmocka_unit_test(test_moods),
        cmocka_unit_test(test_ten_thousand_tenants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
