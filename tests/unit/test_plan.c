/* test_plan: what a plan file says, what is refused and where, and the steps it expands into. */
#include "kind.h"
#include "plan.h"
#include "plan_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char S_directory[64], S_path[96], S_mapping[96];

static int S_setup(void **state)
{
    (void)state;
    snprintf(S_directory, sizeof(S_directory), "/tmp/test_plan.XXXXXX");
    if (!mkdtemp(S_directory))
        return -1;
    snprintf(S_path, sizeof(S_path), "%s/site.plan", S_directory);
    snprintf(S_mapping, sizeof(S_mapping), "%s/codes.csv", S_directory);
    return 0;
}

static int S_teardown(void **state)
{
    (void)state;
    unlink(S_path);
    unlink(S_mapping);
    return rmdir(S_directory);
}

static void S_write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static struct plan *S_read(const char *text)
{
    struct plan *plan = NULL;
    struct err err = {0};
    S_write_file(S_path, text);
    if (!plan_read(S_path, &plan, &err))
        fail_msg("%s", err.text);
    return plan;
}

/* Where a case says no more than its point, this stands before it: lines 1 to 12. */
#define HEAD                                                                                       \
    "[plan]\n"                                                                                     \
    "name = site\n"                                                                                \
    "kind = columns\n"                                                                             \
    "[mapping]\n"                                                                                  \
    "file = codes.csv\n"                                                                           \
    "key = organization_id\n"                                                                      \
    "default = 1 org tenant\n"                                                                     \
    "users = people.id org\n"                                                                      \
    "[column \"tenant_code\"]\n"                                                                   \
    "type = varchar(20)\n"                                                                         \
    "[column \"organization_code\"]\n"                                                             \
    "type = text\n"
#define TABLE "[table \"t\"]\nfrom = own org\n" /* lines 13 and 14 after HEAD */
#define CACHE "[plan]\nname = c\nkind = cache\n"

/* ---- what is read ---- */

static void test_sources_are_read(void **state)
{
    (void)state;
    struct plan *plan = S_read(HEAD "[table \"p\"]\nfrom = own org\norphans = default\n"
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
    struct plan *plan = S_read(HEAD TABLE "primary key = tenant_code id named t_key\n"
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
    struct plan *plan = S_read(HEAD TABLE);
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
    struct plan *plan =
        S_read(HEAD "[table \"we\\\"ird Täble. 😀\"]\n"
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
    struct plan *plan = S_read(CACHE "[keys \"a\"]\npattern = tenant:{tenant}:org:{org}:s:{id}:*\n"
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

#define OUTSIDE "[outside \"seed\"]\ncommand = npm run seed\n" /* lines 15 and 16 after TABLE */

static void test_commands_are_read(void **state)
{
    (void)state;
    struct plan *plan =
        S_read(HEAD TABLE "[outside \"schema\"]\n"
                          "command = npx sequelize-cli.js db:migrate \\\"two words\\\" \\\"\\\" "
                          "\\\"$x \\\"\\\"\\\"\n"
                          "undo = ./undo --name a.js\n"
                          "failure = ERROR:\nfailure = not ok\ntimeout = 90 s\nfolder = sub\n"
                          "[service]\nfolder = ../app\nmigrations = db/up\n" OUTSIDE);
    char *app = str_format("%s/../app", S_directory), *sub = str_format("%s/sub", app);
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
    struct plan *plan = S_read(HEAD TABLE "[service]\nmigrations = up\n" OUTSIDE "timeout = 7\n"
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
    struct plan *plan = S_read(HEAD TABLE "[functions]\nfile = a.sql\nfile = /etc/b.sql\n"
                                          "[views]\nfile = v.sql\n"
                                          "[warm \"forms\"]\nfile = w.sql\n"
                                          "key = tenant:{tenant}:forms:{id}\nttl = 60\n"
                                          "[warm \"roles\"]\nfile = w.sql\nkey = role:{id}\n");
    char *a = str_format("%s/a.sql", S_directory), *w = str_format("%s/w.sql", S_directory);
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
    struct plan *plan = S_read(HEAD TABLE "[throttle]\nbatch = 250 ms\npages = 64\nlag = 2min\n"
                                          "waiters = 3\nactive = 40\narchive = 20\n"
                                          "query = busy.sql\nfile = /run/wait\n");
    char *query = str_format("%s/busy.sql", S_directory);
    assert_int_equal(plan->limits.batch_ms, 250);
    assert_int_equal(plan->limits.pages, 64);
    assert_int_equal(plan->limits.lag_ms, 120000);
    assert_int_equal(plan->limits.waiters, 3);
    assert_int_equal(plan->limits.active, 40);
    assert_int_equal(plan->limits.archive, 20);
    assert_string_equal(plan->limits.query, query);
    assert_string_equal(plan->limits.file, "/run/wait");
    free(query);
    plan_free(plan);
    plan = S_read(HEAD TABLE);
    assert_int_equal(plan->limits.batch_ms, 0);
    assert_int_equal(plan->limits.lag_ms, 0);
    assert_null(plan->limits.file);
    plan_free(plan);
}

static void test_mapping_lies_beside_the_plan(void **state)
{
    (void)state;
    struct plan *plan = S_read(HEAD TABLE);
    assert_string_equal(plan->mapping.path, S_mapping);
    plan_free(plan);
}

static void test_mapping_may_lie_in_the_working_directory(void **state)
{
    (void)state;
    char here[4096], *sub = str_format("%s/sub", S_directory);
    char *path = str_format("%s/site.plan", sub);
    struct plan *plan = NULL;
    struct err err = {0};
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(mkdir(sub, 0700), 0);
    S_write_file(path, HEAD TABLE);
    S_write_file(S_mapping, "");
    assert_int_equal(chdir(S_directory), 0);
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

/* ---- what is refused ---- */

static const struct {
    const char *text;
    int line;
    const char *part; /* of the sentence or the hint */
} S_refused[] = {
    {"", 1, "begins with [plan]"},
    {"[table \"t\"]\nfrom = own a\n", 1, "begins with [plan]"},
    {"[plan]\nkind = columns\n", 1, "has no 'name'"},
    {"[plan]\nname = a\n", 1, "has no 'kind'"},
    {"[plan]\nname = a\nkind = rows\n", 3, "not one of columns, import, registry or cache"},
    {"[plan]\nname = Site\nkind = cache\n", 2, "no name for a plan"},
    {"[plan]\nname = ../x\nkind = cache\n", 2, "no name for a plan"},
    {"[plan \"x\"]\nname = a\nkind = cache\n", 1, "takes no name"},
    {CACHE "nmae = b\n", 4, "did you mean 'name'?"},
    {CACHE "name = b\n", 4, "twice, first in line 2"},
    {CACHE "title =\n", 4, "it is empty"},
    {CACHE "distribute = yes\n", 4, "neither true nor false"},
    {CACHE "schema = a b\n", 4, "'b' is too much"},
    {CACHE "ignore = a a\n", 4, "'a' stands there twice"},
    {CACHE "ignore = a\nignore = a\n", 5, "'a' stands there twice"},
    {CACHE "[plan]\nname = b\n", 4, "was there before"},
    {CACHE "[tabel \"t\"]\n", 4, "did you mean 'table'?"},
    {CACHE "[zzzzzzzz]\n", 4, "tenantdeck-plan(5)"},
    {CACHE TABLE, 4, "kind 'cache' has no use for [table]"},
    {CACHE "[sessions]\nper user = 0\n", 5, "not a number from 1 to"},
    {CACHE "[sessions]\nsliding = perhaps\n", 5, "neither true nor false"},
    {CACHE "[alarms]\nmemory = 101\n", 5, "of percent from 1 to 100"},
    {CACHE "[alarms]\nhit rate = 0\n", 5, "of percent from 1 to 100"},
    {CACHE "[alarms]\nconnections = -1\n", 5, "not a number from 1 to"},
    {CACHE "[mapping]\n", 4, "has no use for [mapping]"},
    {CACHE "[keys]\n", 4, "needs a name in quotes"},
    {CACHE "[keys \"a\"]\n", 4, "[keys \"a\"] has no 'pattern'"},
    {CACHE "[keys \"a\"]\npattern = a:*\n[keys \"a\"]\npattern = b:*\n", 6, "there before"},
    {CACHE "[keys \"a\"]\npattern = a:*\n[keys \"b\"]\npattern = a:*\n", 6, "pattern of keys 'a'"},
    {CACHE "[keys \"a\"]\npattern = a:{user}:*\n", 5, "'{user}' is no placeholder"},
    {CACHE "[keys \"a\"]\npattern = a:x{org}:*\n", 5, "as a whole segment"},
    {CACHE "[keys \"a\"]\npattern = a:{org}:{org}\n", 5, "the same placeholder twice"},
    {CACHE "[keys \"a\"]\npattern = *\n", 5, "no fixed part"},
    {CACHE "[keys \"a\"]\npattern = {tenant}:*\n", 5, "no fixed part"},
    {CACHE "[keys \"a\"]\npattern = a:*:b\n", 5, "last segment '*'"},
    {CACHE "[keys \"a\"]\npattern = a:b*\n", 5, "last segment '*'"},
    {CACHE "[keys \"a\"]\npattern = a::b\n", 5, "nothing between two colons"},
    {CACHE "[keys \"a\"]\npattern = a:\n", 5, "nothing between two colons"},
    {CACHE "[keys \"a\"]\npattern =\n", 5, "it is empty"},
    {CACHE "[keys \"a\"]\npattern = a:*\nttl = 0\n", 6, "not a number of seconds"},
    {CACHE "[keys \"a\"]\npattern = a:*\nttl = 2h\n", 6, "not a number of seconds"},
    {CACHE "[keys \"a\"]\npattern = a:*\nttl = -5\n", 6, "not a number of seconds"},
    {CACHE "[keys \"a\"]\npattern = a:*\nttl = 99999999999\n", 6, "not a number of seconds"},
    {CACHE "[keys \"a\"]\npattern = a:*\nttl = 5\nforeign = true\n", 4, "can have no 'ttl'"},

    {HEAD, 1, "no [table]"},
    {"[plan]\nname = a\nkind = columns\n", 1, "role 'tenant'"},
    {HEAD "[mapping]\n", 13, "was there before"},
    {HEAD "[column \"x\"]\n", 13, "has no 'type'"},
    {HEAD "[column \"x\"]\ntype = int\n", 14, "not varchar(n), text or uuid"},
    {HEAD "[column \"x\"]\ntype = varchar\n", 14, "not varchar(n), text or uuid"},
    {HEAD "[column \"x\"]\ntype = varchar(0)\n", 14, "not varchar(n), text or uuid"},
    {HEAD "[column \"x\"]\ntype = varchar(20000000)\n", 14, "not varchar(n), text or uuid"},
    {HEAD "[column \"x\"]\ntype = text\nrole = user\n", 15, "not one of tenant or organization"},
    {HEAD "[column \"x\"]\ntype = text\n", 13, "the same role, tenant"},
    {HEAD "[column \"tenant_code\"]\ntype = text\n", 13, "was there before"},

    {HEAD "[table]\nfrom = own a\n", 13, "needs a name in quotes"},
    {HEAD "[table \"t\"]\n", 13, "[table \"t\"] has no 'from'"},
    {HEAD TABLE TABLE, 15, "table 't' was there before"},
    {HEAD "[table \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]\n", 13,
     "has 64 bytes"},
    {HEAD "[table \"t\"]\nfrom = elsewhere a\n", 14, "not one of own, user, parent or constant"},
    {HEAD "[table \"t\"]\nfrom =\n", 14, "not one of own"},
    {HEAD "[table \"t\"]\nfrom = own\n", 14, "a column is missing after own"},
    {HEAD "[table \"t\"]\nfrom = own a b\n", 14, "'b' is too much"},
    {HEAD "[table \"t\"]\nfrom = own a.b\n", 14, "double quotes"},
    {HEAD "[table \"t\"]\nfrom = constant x\n", 14, "'x' is too much"},
    {HEAD "[table \"t\"]\nfrom = parent p\n", 14, "TABLE.COLUMN was expected"},
    {HEAD "[table \"t\"]\nfrom = parent p.id p_id\n", 14, "the 'by' is missing"},
    {HEAD "[table \"t\"]\nfrom = parent p.id by\n", 14, "a column is missing after by"},
    {HEAD "[table \"t\"]\nfrom = parent p.id by p_id\n", 13, "parent 'p' of table 't' is not in"},
    {HEAD "[table \"t\"]\nfrom = parent t.id by t_id\n", 13, "its own ancestor"},
    {HEAD "[table \"a\"]\nfrom = parent b.id by x\n[table \"b\"]\nfrom = parent a.id by y\n", 13,
     "its own ancestor"},
    {HEAD "[table \"o\"]\nfrom = parent a.id by x\n[table \"a\"]\nfrom = parent b.id by x\n"
          "[table \"b\"]\nfrom = parent a.id by y\n",
     13, "its own ancestor"},
    {HEAD "[table \"t\"]\nfrom = own tenant_code\n", 13, "the plan fills itself"},
    {HEAD TABLE "form = own org\n", 15, "did you mean 'from'?"},
    {HEAD TABLE "orphans = keep\n", 15, "not one of refuse, default or park"},
    {HEAD TABLE "optional = 1\n", 15, "neither true nor false"},
    {HEAD TABLE "columns = x\n", 13, "wants column 'x', which has no [column]"},
    {HEAD TABLE "columns = organization_code\n", 13, "does not get 'tenant_code'"},
    {HEAD TABLE "columns = tenant_code\nnot null = organization_code\n", 13, "'not null' names"},
    {HEAD TABLE "primary key =\n", 15, "a column is missing"},
    {HEAD TABLE "primary key = a a\n", 15, "'a' stands there twice"},
    {HEAD TABLE "primary key = \\\"a\n", 15, "never closed"},
    {HEAD TABLE "primary key = \\\"\\\"\n", 15, "a name is empty"},
    {HEAD TABLE "primary key = \\\"a\\\"b\n", 15, "a blank is missing after 'a'"},
    {HEAD TABLE "primary key = . a\n", 15, "a dot stands where"},
    {HEAD TABLE "primary key = a.\n", 15, "a dot stands where"},
    {HEAD TABLE "primary key = tenant_code organization_code\n", 15, "not in its 'not null'"},
    {HEAD TABLE "primary key = a replacing b\n", 15, "'replacing' is for 'unique' alone"},
    {HEAD TABLE "index = a replacing b\n", 15, "'replacing' is for 'unique' alone"},
    {HEAD TABLE "index = named x\n", 15, "a column is missing before 'named'"},
    {HEAD TABLE "index = a named\n", 15, "an index is missing after named"},
    {HEAD TABLE "unique = a replacing b named c d\n", 15, "too much"},
    {HEAD TABLE "primary key = a b\nindex = a b\n", 16, "have an index already, from line 15"},
    {HEAD TABLE "index = a b\nindex = a b\n", 16, "have an index already, from line 15"},
    {HEAD TABLE "columns = tenant_code\nindex = organization_code\n", 16, "does not get"},
    {HEAD TABLE "foreign key = a b\n", 15, "the '->' is missing"},
    {HEAD TABLE "foreign key = -> t b\n", 15, "a column is missing"},
    {HEAD TABLE "foreign key = a ->\n", 15, "a table is missing"},
    {HEAD TABLE "foreign key = a -> t\n", 15, "a column is missing after t"},
    {HEAD TABLE "foreign key = a b -> t a\n", 15, "2 columns point to 1"},
    {HEAD TABLE "foreign key = a -> other b\n", 15, "'other', which is not in the plan"},
    {"[plan]\nname = a\nkind = columns\nignore = t\n[column \"tenant_code\"]\ntype = text\n"
     "[table \"t\"]\nfrom = constant\n",
     7, "in [plan] 'ignore' too"},

    {"[plan]\nname = a\nkind = columns\n[column \"tenant_code\"]\ntype = text\n" TABLE, 6,
     "needs a [mapping]"},
    {"[plan]\nname = a\nkind = columns\n[column \"tenant_code\"]\ntype = text\n"
     "[table \"t\"]\nfrom = constant\n",
     6, "[mapping] has no 'default'"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\n"
     "[column \"tenant_code\"]\ntype = text\n[table \"t\"]\nfrom = user u\n",
     9, "[mapping] has no 'users'"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = 1 o t\n"
     "[column \"tenant_code\"]\ntype = text\n" TABLE,
     4, "no [column] has that role"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\norganization = o\n"
     "[column \"tenant_code\"]\ntype = text\n" TABLE,
     4, "names the organization column 'o'"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = 1 o a.b\n", 7,
     "KEY ORGANIZATION TENANT"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = 1 a.b\n", 7,
     "written in double quotes"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = 1 t\n", 7,
     "KEY ORGANIZATION TENANT"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = tenant_too_long\n"
     "[column \"tenant_code\"]\ntype = varchar(5)\n" TABLE,
     4, "does not fit varchar(5)"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = tenant\n"
     "[column \"tenant_id\"]\ntype = uuid\n" TABLE,
     4, "does not fit uuid"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\nusers = people id\n", 7,
     "TABLE.COLUMN was expected"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nkey = k\n", 4, "has no 'file'"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\n", 4, "has no 'key'"},

    {CACHE "[service]\n", 4, "has no use for [service]"},
    {CACHE "[throttle]\n", 4, "has no use for [throttle]"},
    {HEAD TABLE "[service \"x\"]\n", 15, "takes no name"},
    {HEAD TABLE "[service]\n[service]\n", 16, "[service] was there before"},
    {HEAD TABLE "[service]\nfolder = ~/app\n", 16, "nobody expands the '~'"},
    {HEAD TABLE "[service]\nfolder =\n", 16, "it is empty"},
    {HEAD TABLE "[outside]\ncommand = a\n", 15, "needs a name in quotes"},
    {HEAD TABLE "[outside \"backup\"]\ncommand = a\n", 15, "no step that runs a command"},
    {HEAD TABLE "[outside \"seed\"]\n", 15, "[outside \"seed\"] has no 'command'"},
    {HEAD TABLE OUTSIDE OUTSIDE, 17, "[outside \"seed\"] was there before"},
    {HEAD TABLE "[outside \"seed\"]\ncommand =\n", 16, "the command is missing"},
    {HEAD TABLE "[outside \"seed\"]\ncommand = \\\"\\\" a\n", 16, "the command is missing"},
    {HEAD TABLE "[outside \"seed\"]\ncommand = a \\\"b\n", 16, "never closed"},
    {HEAD TABLE "[outside \"seed\"]\ncommand = a b\\\"c\\\"\n", 16, "a blank is missing after 'b'"},
    {HEAD TABLE "[outside \"seed\"]\ncommand = cd a && b\n", 16, "'&&' means something to a shell"},
    {HEAD TABLE "[outside \"seed\"]\ncommand = a $HOME\n", 16, "to a shell only"},
    {HEAD TABLE "[outside \"seed\"]\ncommand = A=1 b\n", 16, "to a shell only"},
    {HEAD TABLE "[outside \"seed\"]\ncommand = ~/b\n", 16, "to a shell only"},
    {HEAD TABLE OUTSIDE "undo = a | b\n", 17, "'undo': '|' means something to a shell"},
    {HEAD TABLE OUTSIDE "command = b\n", 17, "twice, first in line 16"},
    {HEAD TABLE OUTSIDE "failure =\n", 17, "it is empty"},
    {HEAD TABLE OUTSIDE "timeout = 0\n", 17, "is out of reach"},
    {HEAD TABLE OUTSIDE "timeout = 8000 h\n", 17, "is out of reach"},
    {HEAD TABLE OUTSIDE "timeout = 99999999999999999999\n", 17, "not a number and its unit"},
    {HEAD TABLE OUTSIDE "timeout = 100 ms\n", 17, "less than a second"},
    {HEAD TABLE OUTSIDE "timeout = 5 days\n", 17, "not a number and its unit"},
    {HEAD TABLE "[functions]\n", 15, "[functions] has no 'file'"},
    {HEAD TABLE "[functions]\nfile = a.js\n", 16, "'a.js' is no .sql file"},
    {HEAD TABLE "[views]\nfile = a.sql\nfile = a.sql\n", 17, "twice, first in line 16"},
    {HEAD TABLE "[warm \"a\"]\nkey = a:{id}\n", 15, "[warm \"a\"] has no 'file'"},
    {HEAD TABLE "[warm \"a\"]\nfile = a.sql\n", 15, "[warm \"a\"] has no 'key'"},
    {HEAD TABLE "[warm \"a\"]\nfile = a.sql\nkey = a:*\n", 17, "ends with '*'"},
    {HEAD TABLE "[warm \"a\"]\nfile = a.sql\nkey = a:{x}\n", 17, "no placeholder"},
    {HEAD TABLE "[warm \"a\"]\nfile = a.sql\nkey = a:{id}\nttl = never\n", 18, "no 'ttl' line"},
    {HEAD TABLE "[warm \"a\"]\nfile = a.sql\nkey = a\n[warm \"a\"]\n", 18, "there before"},
    {HEAD TABLE "[throttle]\nbatch = 250\n", 16, "not a number and its unit"},
    {HEAD TABLE "[throttle]\nbatch = 5 min\n", 16, "out of reach: from 1 ms to 60 s"},
    {HEAD TABLE "[throttle]\nlag = -1 s\n", 16, "not a number and its unit"},
    {HEAD TABLE "[throttle]\npages = 0\n", 16, "not a number from 1"},
    {HEAD TABLE "[throttle]\nwaiters = many\n", 16, "not a number from 1"},
    {HEAD TABLE "[throttle]\nquery = busy\n", 16, "no .sql file"},
};

static void test_what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_true(ARRAY_LEN(S_refused) >= 40);
    for (size_t i = 0; i < ARRAY_LEN(S_refused); i++) {
        struct plan *plan = NULL;
        struct err err = {0};
        S_write_file(S_path, S_refused[i].text);
        if (plan_read(S_path, &plan, &err))
            fail_msg("case %zu ('%s') was accepted", i, S_refused[i].part);
        char *place = str_format("%s:%d: ", S_path, S_refused[i].line);
        if (!str_starts(err.text, place) ||
            (!strstr(err.text, S_refused[i].part) && !strstr(err.hint, S_refused[i].part)))
            fail_msg("case %zu: '%s' (%s) does not begin with '%s' and say '%s'", i, err.text,
                     err.hint, place, S_refused[i].part);
        assert_int_equal(err.kind, ERR_FAILED);
        assert_null(plan);
        free(place);
    }
}

static void test_missing_file_is_an_error(void **state)
{
    (void)state;
    struct plan *plan = NULL;
    struct err err = {0};
    unlink(S_path);
    assert_false(plan_read(S_path, &plan, &err));
    assert_non_null(strstr(err.text, S_path));
}

/* ---- guessing ---- */

static void test_nearest_is_found(void **state)
{
    (void)state;
    static const char *const known[] = {"not null", "primary key", "foreign key", "from"};
    assert_string_equal(plan_nearest("primery key", known, 4), "primary key");
    assert_string_equal(plan_nearest("form", known, 4), "from");
    assert_string_equal(plan_nearest("notnull", known, 4), "not null");
    assert_null(plan_nearest("engine", known, 4));
    assert_null(plan_nearest("a-name-that-is-much-longer-than-any-key-could-be", known, 4));
}

/* ---- the shipped plans, and the steps ---- */

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
    struct plan *plan = S_read("[plan]\nname = a\nkind = columns\ndistribute = true\n"
                               "[mapping]\nfile = m\nkey = k\ndefault = t\n"
                               "[column \"tenant_code\"]\ntype = text\n"
                               "[table \"t\"]\nfrom = constant\n"
                               "[keys \"q\"]\npattern = bull:*\nforeign = true\n");
    S_expect_steps(plan, "preflight backup mapping integrity columns fill confirm not-null "
                         "distribute validate report");
    plan_free(plan);
    plan = S_read(CACHE);
    S_expect_steps(plan, "");
    plan_free(plan);
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
    char *plans = str_format("%s/%s", S_directory, place);
    for (char *slash = plans + strlen(S_directory) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(plans, 0700);
        *slash = '/';
    }
    mkdir(plans, 0700);
    for (; *files; files++) {
        char *path = str_format("%s/%s", plans, *files);
        S_write_file(path, CACHE);
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
    char before[4096], template[] = "/tmp/test_places.XXXXXX", *saved = str_dup(S_directory);
    assert_non_null(getcwd(before, sizeof(before)));
    assert_non_null(mkdtemp(template));
    snprintf(S_directory, sizeof(S_directory), "%s", template);
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
    snprintf(S_directory, sizeof(S_directory), "%s", saved);
    buf_release(&listing.text);
    char *mine_to_free[] = {saved, config, data, work, mine_path, all_path, expected, clean};
    for (size_t i = 0; i < ARRAY_LEN(mine_to_free); i++)
        free(mine_to_free[i]);
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
        cmocka_unit_test(test_what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(test_missing_file_is_an_error),
        cmocka_unit_test(test_nearest_is_found),
        cmocka_unit_test(test_mentoring_has_all_its_tables),
        cmocka_unit_test(test_chat_has_no_organization),
        cmocka_unit_test(test_steps_without_use_are_not_listed),
        cmocka_unit_test(test_plans_are_found_in_order),
    };
    return cmocka_run_group_tests(tests, S_setup, S_teardown);
}
