/* test_plan: what a plan file says, and where plans are looked for. */
#include "key_ledger.h"
#include "key_recent.h"
#include "plan_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is read ---- */

static void test_sources_are_read(void **state)
{
    (void)state;
    struct plan *plan =
        plan_file_read(SITE_HEAD "[table \"p\"]\nfrom = own org\norphans = default\n"
                                 "[table \"c\"]\nfrom = parent p.id by p_id\norphans = park\n"
                                 "[table \"u\"]\nfrom = user created_by\n"
                                 "[table \"k\"]\nfrom = constant\n");
    const struct plan_table *c = plan_find_table(plan, "c");
    assert_int_equal(plan->table_count, 4);
    assert_int_equal(plan->tables[0].source, FROM_OWN);
    assert_string_equal(plan->tables[0].source_column, "org");
    assert_int_equal(plan->tables[0].orphans, ORPHANS_DEFAULT);
    assert_int_equal(c->source, FROM_PARENT);
    assert_string_equal(c->parent_table, "p");
    assert_string_equal(c->parent_column, "id");
    assert_string_equal(c->source_column, "p_id");
    assert_int_equal(c->orphans, ORPHANS_PARK);
    assert_int_equal(c->line, 16);
    assert_int_equal(plan->tables[2].source, FROM_USER);
    assert_string_equal(plan->tables[2].source_column, "created_by");
    assert_int_equal(plan->tables[2].orphans, ORPHANS_REFUSE);
    assert_int_equal(plan->tables[3].source, FROM_CONSTANT);
    assert_null(plan->tables[3].source_column);
    plan_free(plan);
}

static void test_keys_of_a_table_are_read(void **state)
{
    (void)state;
    struct plan *plan =
        plan_file_read(SITE_HEAD SITE_TABLE "primary key = tenant_code id named t_key\n"
                                            "unique = tenant_code a replacing old_a\n"
                                            "unique = tenant_code b named b_key replacing old_b\n"
                                            "index = tenant_code c\n"
                                            "foreign key = tenant_code t_id -> t tenant_code id\n");
    const struct plan_table *t = &plan->tables[0];
    assert_int_equal(t->primary_key.columns.count, 2);
    assert_string_equal(t->primary_key.columns.names[1], "id");
    assert_string_equal(t->primary_key.name, "t_key");
    assert_int_equal(t->unique_count, 2);
    assert_string_equal(t->uniques[0].replaces, "old_a");
    assert_null(t->uniques[0].name);
    assert_string_equal(t->uniques[1].name, "b_key");
    assert_string_equal(t->uniques[1].replaces, "old_b");
    assert_int_equal(t->index_count, 1);
    assert_int_equal(t->indexes[0].line, 18);
    assert_int_equal(t->reference_count, 1);
    assert_string_equal(t->references[0].table, "t");
    assert_string_equal(t->references[0].columns.names[1], "t_id");
    assert_string_equal(t->references[0].target.names[1], "id");
    plan_free(plan);
}

static void test_defaults_are_filled_in(void **state)
{
    (void)state;
    struct plan *plan = plan_file_read(SITE_HEAD SITE_TABLE);
    const struct plan_table *t = &plan->tables[0];
    assert_string_equal(plan->title, "site");
    assert_string_equal(plan->schema, "public");
    assert_false(plan->distribute);
    assert_string_equal(plan->mapping.shape.tenant_column, "tenant_code");
    assert_string_equal(plan->mapping.shape.organization_column, "organization_code");
    assert_string_equal(plan->mapping.default_key, "1");
    assert_string_equal(plan->mapping.default_tenant, "tenant");
    assert_string_equal(plan->mapping.user_table, "people");
    assert_string_equal(plan->mapping.user_column, "id");
    assert_string_equal(plan->mapping.user_key, "org");
    assert_int_equal(plan_find_column(plan, ROLE_ORGANIZATION)->line, 11);
    assert_int_equal(t->columns.count, 2);
    assert_int_equal(t->not_null.count, 1);
    assert_string_equal(t->not_null.names[0], "tenant_code");
    plan_free(plan);
}

static void test_names_may_hold_anything(void **state)
{
    (void)state;
    struct plan *plan = plan_file_read(
        SITE_HEAD "[table \"we\\\"ird Täble. 😀\"]\n"
                  "from = own \\\"Org Id\\\"\n"
                  "primary key = tenant_code \\\"a\\\"\\\"b\\\" \\\"named\\\"\n"
                  "[table \"c\"]\n"
                  "from = parent \\\"we\\\"\\\"ird Täble. 😀\\\".\\\"a\\\"\\\"b\\\" by Up\n");
    const struct plan_table *t = plan_find_table(plan, "we\"ird Täble. 😀");
    assert_non_null(t);
    assert_string_equal(t->source_column, "Org Id");
    assert_int_equal(t->primary_key.columns.count, 3);
    assert_string_equal(t->primary_key.columns.names[1], "a\"b");
    assert_string_equal(t->primary_key.columns.names[2], "named");
    assert_string_equal(plan->tables[1].parent_column, "a\"b");
    assert_string_equal(plan->tables[1].source_column, "Up");
    plan_free(plan);
}

static void test_redis_keys_are_read(void **state)
{
    (void)state;
    struct plan *plan =
        plan_file_read(SITE_CACHE "[keys \"a\"]\npattern = tenant:{tenant}:org:{org}:s:{id}:*\n"
                                  "ttl = 7200\n"
                                  "[keys \"q\"]\npattern = bull:*\nforeign = true\n");
    assert_int_equal(plan->kind, PLAN_CACHE);
    assert_int_equal(plan->key_count, 2);
    assert_int_equal(plan->keys[0].ttl, 7200);
    assert_false(plan->keys[0].foreign);
    assert_string_equal(plan->keys[1].pattern, "bull:*");
    assert_true(plan->keys[1].foreign);
    plan_free(plan);
}

static void S_expect_words(const char *const *words, const char *joined)
{
    struct buf text = {0};
    assert_non_null(words);
    for (; *words; words++)
        buf_format(&text, "<%s>", *words);
    assert_string_equal(buf_text(&text), joined);
    buf_release(&text);
}

static void test_commands_are_read(void **state)
{
    (void)state;
    struct plan *plan = plan_file_read(
        SITE_HEAD SITE_TABLE "[outside \"schema\"]\n"
                             "command = npx sequelize-cli.js db:migrate \\\"two words\\\" \\\"\\\" "
                             "\\\"$x \\\"\\\"\\\"\n"
                             "undo = ./undo --name a.js\n"
                             "failure = ERROR:\nfailure = not ok\ntimeout = 90 s\nfolder = sub\n"
                             "[service]\nfolder = ../app\nmigrations = db/up\n" SITE_OUTSIDE);
    char *app = str_format("%s/../app", plan_place.directory), *sub = str_format("%s/sub", app);
    char *up = str_format("%s/db/up", app);
    assert_string_equal(plan->service, app);
    assert_string_equal(plan->migrations, up);
    assert_int_equal(plan->outside_count, 2);
    const struct plan_outside *schema = &plan->outsides[0], *seed = &plan->outsides[1];
    assert_string_equal(schema->step, "schema");
    S_expect_words(schema->command, "<npx><sequelize-cli.js><db:migrate><two words><><$x \">");
    S_expect_words(schema->undo, "<./undo><--name><a.js>");
    S_expect_words(schema->failure, "<ERROR:><not ok>");
    assert_int_equal(schema->timeout, 90);
    assert_string_equal(schema->folder, sub);
    assert_string_equal(seed->folder, app);
    assert_null(seed->undo);
    S_expect_words(seed->failure, "");
    assert_int_equal(seed->timeout, 3600);
    free(app);
    free(sub);
    free(up);
    plan_free(plan);
}

static void test_commands_without_a_service_have_no_folder(void **state)
{
    (void)state;
    struct plan *plan = plan_file_read(SITE_HEAD SITE_TABLE
                                       "[service]\nmigrations = up\n" SITE_OUTSIDE "timeout = 7\n"
                                       "[outside \"schema\"]\ncommand = a\nfolder = sub\n"
                                       "[outside \"dependencies\"]\ncommand = a\n"
                                       "folder = /srv/app\n");
    assert_null(plan->service);
    assert_null(plan->migrations);
    assert_null(plan->outsides[0].folder);
    assert_int_equal(plan->outsides[0].timeout, 7);
    assert_null(plan->outsides[1].folder);
    assert_string_equal(plan->outsides[2].folder, "/srv/app");
    plan_free(plan);
}

static void test_files_beside_the_plan_are_read(void **state)
{
    (void)state;
    struct plan *plan =
        plan_file_read(SITE_HEAD SITE_TABLE "[functions]\nfile = a.sql\nfile = /etc/b.sql\n"
                                            "[views]\nfile = v.sql\n"
                                            "[warm \"forms\"]\nfile = w.sql\n"
                                            "key = tenant:{tenant}:forms:{id}\nttl = 60\n"
                                            "[warm \"roles\"]\nfile = w.sql\nkey = role:{id}\n");
    char *a = str_format("%s/a.sql", plan_place.directory),
         *w = str_format("%s/w.sql", plan_place.directory);
    assert_int_equal(plan->function_count, 2);
    assert_string_equal(plan->functions[0].path, a);
    assert_string_equal(plan->functions[1].path, "/etc/b.sql");
    assert_int_equal(plan->functions[1].line, 17);
    assert_int_equal(plan->view_count, 1);
    assert_int_equal(plan->warm_count, 2);
    assert_string_equal(plan->warms[0].name, "forms");
    assert_string_equal(plan->warms[0].path, w);
    assert_string_equal(plan->warms[0].key, "tenant:{tenant}:forms:{id}");
    assert_int_equal(plan->warms[0].ttl, 60);
    assert_int_equal(plan->warms[1].ttl, 0);
    free(a);
    free(w);
    plan_free(plan);
}

static void test_limits_are_read(void **state)
{
    (void)state;
    struct plan *plan = plan_file_read(
        SITE_HEAD SITE_TABLE "[throttle]\nbatch = 250 ms\npages = 64\nsleep = 0.5\nlag = 2min\n"
                             "waiters = 3\nactive = 40\narchive = 20\npatience = 3 s\n"
                             "query = busy.sql\nfile = /run/wait\n");
    char *query = str_format("%s/busy.sql", plan_place.directory);
    assert_int_equal(plan->limits.batch_ms, 250);
    assert_int_equal(plan->limits.sleep, 50);
    assert_int_equal(plan->limits.pages, 64);
    assert_int_equal(plan->limits.lag_ms, 120000);
    assert_int_equal(plan->limits.waiters, 3);
    assert_int_equal(plan->limits.active, 40);
    assert_int_equal(plan->limits.archive, 20);
    assert_int_equal(plan->limits.patience_ms, 3000);
    assert_string_equal(plan->limits.query, query);
    assert_string_equal(plan->limits.file, "/run/wait");
    free(query);
    plan_free(plan);
    plan = plan_file_read(SITE_HEAD SITE_TABLE);
    assert_int_equal(plan->limits.batch_ms, 0);
    assert_int_equal(plan->limits.lag_ms, 0);
    assert_null(plan->limits.file);
    plan_free(plan);
}

static void test_mapping_lies_beside_the_plan(void **state)
{
    (void)state;
    struct plan *plan = plan_file_read(SITE_HEAD SITE_TABLE);
    assert_string_equal(plan->mapping.path, plan_place.mapping);
    plan_free(plan);
}

static void test_mapping_may_lie_in_the_working_directory(void **state)
{
    (void)state;
    char here[4096], *sub = str_format("%s/sub", plan_place.directory);
    char *path = str_format("%s/site.plan", sub);
    struct plan *plan = NULL;
    struct err err = {0};
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(mkdir(sub, 0700), 0);
    plan_file_write(path, SITE_HEAD SITE_TABLE);
    plan_file_write(plan_place.mapping, "");
    assert_int_equal(chdir(plan_place.directory), 0);
    bool ok = plan_read(path, &plan, &err);
    assert_int_equal(chdir(here), 0);
    unlink(path);
    rmdir(sub);
    assert_true(ok);
    assert_string_equal(plan->mapping.path, "codes.csv");
    plan_free(plan);
    free(path);
    free(sub);
}

/* ---- where plans are looked for ---- */

struct listing {
    struct buf text;
};

static void S_list(void *ctx, const char *path)
{
    struct listing *listing = ctx;
    buf_format(&listing->text, "%s\n", path);
}

static void S_make_place(const char *place, const char *const *files)
{
    char *plans = str_format("%s/%s", plan_place.directory, place);
    for (char *slash = plans + strlen(plan_place.directory) + 1; (slash = strchr(slash, '/'));
         slash++) {
        *slash = '\0';
        mkdir(plans, 0700);
        *slash = '/';
    }
    mkdir(plans, 0700);
    for (; *files; files++) {
        char *path = str_format("%s/%s", plans, *files);
        plan_file_write(path, SITE_CACHE);
        free(path);
    }
    free(plans);
}

static void S_expect_place(const char *name, const char *path)
{
    char *found = NULL;
    struct err err = {0};
    if (!plan_locate(name, &found, &err))
        fail_msg("%s", err.text);
    assert_string_equal(found, path);
    free(found);
}

static void test_plans_are_found_in_order(void **state)
{
    (void)state;
    static const char *const here[] = {"both.plan", "notes.txt", NULL};
    static const char *const mine[] = {"both.plan", "mine.plan", NULL};
    static const char *const installed[] = {"both.plan", "mine.plan", "all.plan", ".plan", NULL};
    char before[4096], template[] = "/tmp/test_places.XXXXXX",
                       *saved = str_dup(plan_place.directory);
    assert_non_null(getcwd(before, sizeof(before)));
    assert_non_null(mkdtemp(template));
    snprintf(plan_place.directory, sizeof(plan_place.directory), "%s", template);
    S_make_place("here", here);
    S_make_place("config/tenantdeck/plans", mine);
    S_make_place("data/plans", installed);
    char *config = str_format("%s/config", template), *data = str_format("%s/data", template);
    char *work = str_format("%s/here", template);
    setenv("XDG_CONFIG_HOME", config, 1);
    setenv("TENANTDECK_DATADIR", data, 1);
    assert_int_equal(chdir(work), 0);

    char *mine_path = str_format("%s/tenantdeck/plans/mine.plan", config);
    char *all_path = str_format("%s/plans/all.plan", data);
    S_expect_place("both", "both.plan");
    S_expect_place("mine", mine_path);
    S_expect_place("all", all_path);
    S_expect_place("./both.plan", "./both.plan");
    S_expect_place(all_path, all_path);

    char *found = NULL;
    struct err err = {0};
    assert_false(plan_locate("none", &found, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_non_null(strstr(err.text, "the working directory"));
    assert_false(plan_locate("./none.plan", &found, &err));
    assert_false(plan_locate("", &found, &err));

    struct listing listing = {0};
    plan_each_installed(S_list, &listing);
    char *expected = str_format("%s\nboth.plan\n%s\n", all_path, mine_path);
    assert_string_equal(buf_text(&listing.text), expected);

    assert_int_equal(chdir(before), 0);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("TENANTDECK_DATADIR");
    char *clean = str_format("rm -r '%s'", template);
    assert_int_equal(system(clean), 0);
    snprintf(plan_place.directory, sizeof(plan_place.directory), "%s", saved);
    buf_release(&listing.text);
    char *mine_to_free[] = {saved, config, data, work, mine_path, all_path, expected, clean};
    for (size_t i = 0; i < ARRAY_LEN(mine_to_free); i++)
        free(mine_to_free[i]);
}

/* SCAN may hand out a key more than once. */
static void test_a_key_met_twice_counts_once(void **state)
{
    (void)state;
    struct plan *plan = plan_file_read("[plan]\nname = p\nkind = cache\n"
                                       "[keys \"sessions\"]\npattern = session:{tenant}:*\n");
    struct key_ledger *ledger = key_ledger_new(plan);
    size_t cell, again;
    assert_true(key_ledger_take(ledger, "session:a:1", 11, &cell));
    assert_true(key_ledger_take(ledger, "session:a:2", 11, &again));
    assert_int_equal(again, cell);
    assert_false(key_ledger_take(ledger, "session:a:1", 11, &again));
    assert_true(key_ledger_take(ledger, "session:b:1", 11, &again));
    assert_int_not_equal(again, cell);
    key_ledger_free(ledger);
    plan_free(plan);
}

static bool S_repeats(struct key_recent *recent, int n)
{
    char key[32];
    return key_recent_repeats(recent, key, (size_t)snprintf(key, sizeof(key), "session:t:%d", n));
}

/* As many as are promised are known again; those of long ago are not, so that it never grows. */
static void test_the_last_keys_are_known_again(void **state)
{
    (void)state;
    struct key_recent *recent = key_recent_new();
    for (int n = 0; n < 5 * KEY_RECENT; n++)
        assert_false(S_repeats(recent, n));
    for (int n = 4 * KEY_RECENT; n < 5 * KEY_RECENT; n++)
        assert_true(S_repeats(recent, n));
    assert_false(S_repeats(recent, 0));
    key_recent_forget(recent);
    assert_false(S_repeats(recent, 5 * KEY_RECENT - 1));
    key_recent_free(recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources_are_read),
        cmocka_unit_test(test_keys_of_a_table_are_read),
        cmocka_unit_test(test_defaults_are_filled_in),
        cmocka_unit_test(test_names_may_hold_anything),
        cmocka_unit_test(test_redis_keys_are_read),
        cmocka_unit_test(test_commands_are_read),
        cmocka_unit_test(test_commands_without_a_service_have_no_folder),
        cmocka_unit_test(test_files_beside_the_plan_are_read),
        cmocka_unit_test(test_limits_are_read),
        cmocka_unit_test(test_mapping_lies_beside_the_plan),
        cmocka_unit_test(test_mapping_may_lie_in_the_working_directory),
        cmocka_unit_test(test_plans_are_found_in_order),
        cmocka_unit_test(test_a_key_met_twice_counts_once),
        cmocka_unit_test(test_the_last_keys_are_known_again),
    };
    return cmocka_run_group_tests(tests, plan_file_setup, plan_file_teardown);
}
