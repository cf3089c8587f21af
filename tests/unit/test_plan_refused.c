/* test_plan_refused: what is wrong in a plan file is refused, with its line and a remedy. */
#include "plan_file.h"
#include "plan_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    {SITE_CACHE "nmae = b\n", 4, "did you mean 'name'?"},
    {SITE_CACHE "name = b\n", 4, "twice, first in line 2"},
    {SITE_CACHE "title =\n", 4, "it is empty"},
    {SITE_CACHE "distribute = yes\n", 4, "neither true nor false"},
    {SITE_CACHE "schema = a b\n", 4, "'b' is too much"},
    {SITE_CACHE "ignore = a a\n", 4, "'a' stands there twice"},
    {SITE_CACHE "ignore = a\nignore = a\n", 5, "'a' stands there twice"},
    {SITE_CACHE "[plan]\nname = b\n", 4, "was there before"},
    {SITE_CACHE "[tabel \"t\"]\n", 4, "did you mean 'table'?"},
    {SITE_CACHE "[zzzzzzzz]\n", 4, "tenantdeck-plan(5)"},
    {SITE_CACHE SITE_TABLE, 4, "kind 'cache' has no use for [table]"},
    {SITE_CACHE "[sessions]\nper user = 0\n", 5, "not a number from 1 to"},
    {SITE_CACHE "[sessions]\nsliding = perhaps\n", 5, "neither true nor false"},
    {SITE_CACHE "[alarms]\nmemory = 101\n", 5, "of percent from 1 to 100"},
    {SITE_CACHE "[alarms]\nhit rate = 0\n", 5, "of percent from 1 to 100"},
    {SITE_CACHE "[alarms]\nconnections = -1\n", 5, "not a number from 1 to"},
    {SITE_CACHE "[mapping]\n", 4, "has no use for [mapping]"},
    {SITE_CACHE "[keys]\n", 4, "needs a name in quotes"},
    {SITE_CACHE "[keys \"a\"]\n", 4, "[keys \"a\"] has no 'pattern'"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:*\n[keys \"a\"]\npattern = b:*\n", 6, "there before"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:*\n[keys \"b\"]\npattern = a:*\n", 6,
     "pattern of keys 'a'"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:{user}:*\n", 5, "'{user}' is no placeholder"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:x{org}:*\n", 5, "as a whole segment"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:{org}:{org}\n", 5, "the same placeholder twice"},
    {SITE_CACHE "[keys \"a\"]\npattern = *\n", 5, "no fixed part"},
    {SITE_CACHE "[keys \"a\"]\npattern = {tenant}:*\n", 5, "no fixed part"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:*:b\n", 5, "last segment '*'"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:b*\n", 5, "last segment '*'"},
    {SITE_CACHE "[keys \"a\"]\npattern = a::b\n", 5, "nothing between two colons"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:\n", 5, "nothing between two colons"},
    {SITE_CACHE "[keys \"a\"]\npattern =\n", 5, "it is empty"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:*\nttl = 0\n", 6, "not a number of seconds"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:*\nttl = 2h\n", 6, "not a number of seconds"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:*\nttl = -5\n", 6, "not a number of seconds"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:*\nttl = 99999999999\n", 6, "not a number of seconds"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:*\nttl = 5\nforeign = true\n", 4, "can have no 'ttl'"},
    {SITE_CACHE "[keys \"a\"]\npattern = a:*\nttl name = A\nforeign = true\n", 4,
     "can have no 'ttl name'"},

    {SITE_HEAD, 1, "no [table]"},
    {"[plan]\nname = a\nkind = columns\n", 1, "role 'tenant'"},
    {SITE_HEAD "[mapping]\n", 13, "was there before"},
    {SITE_HEAD "[column \"x\"]\n", 13, "has no 'type'"},
    {SITE_HEAD "[column \"x\"]\ntype = int\n", 14, "not varchar(n), text or uuid"},
    {SITE_HEAD "[column \"x\"]\ntype = varchar\n", 14, "not varchar(n), text or uuid"},
    {SITE_HEAD "[column \"x\"]\ntype = varchar(0)\n", 14, "not varchar(n), text or uuid"},
    {SITE_HEAD "[column \"x\"]\ntype = varchar(20000000)\n", 14, "not varchar(n), text or uuid"},
    {SITE_HEAD "[column \"x\"]\ntype = text\nrole = user\n", 15,
     "not one of tenant or organization"},
    {SITE_HEAD "[column \"x\"]\ntype = text\n", 13, "the same role, tenant"},
    {SITE_HEAD "[column \"tenant_code\"]\ntype = text\n", 13, "was there before"},

    {SITE_HEAD "[table]\nfrom = own a\n", 13, "needs a name in quotes"},
    {SITE_HEAD "[table \"t\"]\n", 13, "[table \"t\"] has no 'from'"},
    {SITE_HEAD SITE_TABLE SITE_TABLE, 15, "table 't' was there before"},
    {SITE_HEAD "[table \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]\n", 13,
     "has 64 bytes"},
    {SITE_HEAD "[table \"t\"]\nfrom = elsewhere a\n", 14,
     "not one of own, user, parent or constant"},
    {SITE_HEAD "[table \"t\"]\nfrom =\n", 14, "not one of own"},
    {SITE_HEAD "[table \"t\"]\nfrom = own\n", 14, "a column is missing after own"},
    {SITE_HEAD "[table \"t\"]\nfrom = own a b\n", 14, "'b' is too much"},
    {SITE_HEAD "[table \"t\"]\nfrom = own a.b\n", 14, "double quotes"},
    {SITE_HEAD "[table \"t\"]\nfrom = constant x\n", 14, "'x' is too much"},
    {SITE_HEAD "[table \"t\"]\nfrom = parent p\n", 14, "TABLE.COLUMN was expected"},
    {SITE_HEAD "[table \"t\"]\nfrom = parent p.id p_id\n", 14, "the 'by' is missing"},
    {SITE_HEAD "[table \"t\"]\nfrom = parent p.id by\n", 14, "a column is missing after by"},
    {SITE_HEAD "[table \"t\"]\nfrom = parent p.id by p_id\n", 13,
     "parent 'p' of table 't' is not in"},
    {SITE_HEAD "[table \"t\"]\nfrom = parent t.id by t_id\n", 13, "its own ancestor"},
    {SITE_HEAD "[table \"a\"]\nfrom = parent b.id by x\n[table \"b\"]\nfrom = parent a.id by y\n",
     13, "its own ancestor"},
    {SITE_HEAD "[table \"o\"]\nfrom = parent a.id by x\n[table \"a\"]\nfrom = parent b.id by x\n"
               "[table \"b\"]\nfrom = parent a.id by y\n",
     13, "its own ancestor"},
    {SITE_HEAD "[table \"t\"]\nfrom = own tenant_code\n", 13, "the plan fills itself"},
    {SITE_HEAD SITE_TABLE "form = own org\n", 15, "did you mean 'from'?"},
    {SITE_HEAD SITE_TABLE "orphans = keep\n", 15, "not one of refuse, default or park"},
    {SITE_HEAD SITE_TABLE "optional = 1\n", 15, "neither true nor false"},
    {SITE_HEAD SITE_TABLE "columns = x\n", 13, "wants column 'x', which has no [column]"},
    {SITE_HEAD SITE_TABLE "columns = organization_code\n", 13, "does not get 'tenant_code'"},
    {SITE_HEAD SITE_TABLE "columns = tenant_code\nnot null = organization_code\n", 13,
     "'not null' names"},
    {SITE_HEAD SITE_TABLE "primary key =\n", 15, "a column is missing"},
    {SITE_HEAD SITE_TABLE "primary key = a a\n", 15, "'a' stands there twice"},
    {SITE_HEAD SITE_TABLE "primary key = \\\"a\n", 15, "never closed"},
    {SITE_HEAD SITE_TABLE "primary key = \\\"\\\"\n", 15, "a name is empty"},
    {SITE_HEAD SITE_TABLE "primary key = \\\"a\\\"b\n", 15, "a blank is missing after 'a'"},
    {SITE_HEAD SITE_TABLE "primary key = . a\n", 15, "a dot stands where"},
    {SITE_HEAD SITE_TABLE "primary key = a.\n", 15, "a dot stands where"},
    {SITE_HEAD SITE_TABLE "primary key = tenant_code organization_code\n", 15,
     "not in its 'not null'"},
    {SITE_HEAD SITE_TABLE "primary key = a replacing b\n", 15, "'replacing' is for 'unique' alone"},
    {SITE_HEAD SITE_TABLE "index = a replacing b\n", 15, "'replacing' is for 'unique' alone"},
    {SITE_HEAD SITE_TABLE "index = named x\n", 15, "a column is missing before 'named'"},
    {SITE_HEAD SITE_TABLE "index = a named\n", 15, "an index is missing after named"},
    {SITE_HEAD SITE_TABLE "unique = a replacing b named c d\n", 15, "too much"},
    {SITE_HEAD SITE_TABLE "primary key = a b\nindex = a b\n", 16,
     "have an index already, from line 15"},
    {SITE_HEAD SITE_TABLE "index = a b\nindex = a b\n", 16, "have an index already, from line 15"},
    {SITE_HEAD SITE_TABLE "columns = tenant_code\nindex = organization_code\n", 16, "does not get"},
    {SITE_HEAD SITE_TABLE "foreign key = a b\n", 15, "the '->' is missing"},
    {SITE_HEAD SITE_TABLE "foreign key = -> t b\n", 15, "a column is missing"},
    {SITE_HEAD SITE_TABLE "foreign key = a ->\n", 15, "a table is missing"},
    {SITE_HEAD SITE_TABLE "foreign key = a -> t\n", 15, "a column is missing after t"},
    {SITE_HEAD SITE_TABLE "foreign key = a b -> t a\n", 15, "2 columns point to 1"},
    {SITE_HEAD SITE_TABLE "foreign key = a -> other b\n", 15, "'other', which is not in the plan"},
    {"[plan]\nname = a\nkind = columns\nignore = t\n[column \"tenant_code\"]\ntype = text\n"
     "[table \"t\"]\nfrom = constant\n",
     7, "in [plan] 'ignore' too"},

    {"[plan]\nname = a\nkind = columns\n[column \"tenant_code\"]\ntype = text\n" SITE_TABLE, 6,
     "needs a [mapping]"},
    {"[plan]\nname = a\nkind = columns\n[column \"tenant_code\"]\ntype = text\n"
     "[table \"t\"]\nfrom = constant\n",
     6, "[mapping] has no 'default'"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\n"
     "[column \"tenant_code\"]\ntype = text\n[table \"t\"]\nfrom = user u\n",
     9, "[mapping] has no 'users'"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = 1 o t\n"
     "[column \"tenant_code\"]\ntype = text\n" SITE_TABLE,
     4, "no [column] has that role"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\norganization = o\n"
     "[column \"tenant_code\"]\ntype = text\n" SITE_TABLE,
     4, "names the organization column 'o'"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = 1 o a.b\n", 7,
     "KEY ORGANIZATION TENANT"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = 1 a.b\n", 7,
     "written in double quotes"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = 1 t\n", 7,
     "KEY ORGANIZATION TENANT"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = tenant_too_long\n"
     "[column \"tenant_code\"]\ntype = varchar(5)\n" SITE_TABLE,
     4, "does not fit varchar(5)"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\ndefault = tenant\n"
     "[column \"tenant_id\"]\ntype = uuid\n" SITE_TABLE,
     4, "does not fit uuid"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\nkey = k\nusers = people id\n", 7,
     "TABLE.COLUMN was expected"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nkey = k\n", 4, "has no 'file'"},
    {"[plan]\nname = a\nkind = columns\n[mapping]\nfile = m\n", 4, "has no 'key'"},

    {SITE_CACHE "[service]\n", 4, "has no use for [service]"},
    {SITE_CACHE "[throttle]\n", 4, "has no use for [throttle]"},
    {SITE_HEAD SITE_TABLE "[service \"x\"]\n", 15, "takes no name"},
    {SITE_HEAD SITE_TABLE "[service]\n[service]\n", 16, "[service] was there before"},
    {SITE_HEAD SITE_TABLE "[service]\nfolder = ~/app\n", 16, "nobody expands the '~'"},
    {SITE_HEAD SITE_TABLE "[service]\nfolder =\n", 16, "it is empty"},
    {SITE_HEAD SITE_TABLE "[outside]\ncommand = a\n", 15, "needs a name in quotes"},
    {SITE_HEAD SITE_TABLE "[outside \"backup\"]\ncommand = a\n", 15, "no step that runs a command"},
    {SITE_HEAD SITE_TABLE "[outside \"seed\"]\n", 15, "[outside \"seed\"] has no 'command'"},
    {SITE_HEAD SITE_TABLE SITE_OUTSIDE SITE_OUTSIDE, 17, "[outside \"seed\"] was there before"},
    {SITE_HEAD SITE_TABLE "[outside \"seed\"]\ncommand =\n", 16, "the command is missing"},
    {SITE_HEAD SITE_TABLE "[outside \"seed\"]\ncommand = \\\"\\\" a\n", 16,
     "the command is missing"},
    {SITE_HEAD SITE_TABLE "[outside \"seed\"]\ncommand = a \\\"b\n", 16, "never closed"},
    {SITE_HEAD SITE_TABLE "[outside \"seed\"]\ncommand = a b\\\"c\\\"\n", 16,
     "a blank is missing after 'b'"},
    {SITE_HEAD SITE_TABLE "[outside \"seed\"]\ncommand = cd a && b\n", 16,
     "'&&' means something to a shell"},
    {SITE_HEAD SITE_TABLE "[outside \"seed\"]\ncommand = a $HOME\n", 16, "to a shell only"},
    {SITE_HEAD SITE_TABLE "[outside \"seed\"]\ncommand = A=1 b\n", 16, "to a shell only"},
    {SITE_HEAD SITE_TABLE "[outside \"seed\"]\ncommand = ~/b\n", 16, "to a shell only"},
    {SITE_HEAD SITE_TABLE SITE_OUTSIDE "undo = a | b\n", 17,
     "'undo': '|' means something to a shell"},
    {SITE_HEAD SITE_TABLE SITE_OUTSIDE "command = b\n", 17, "twice, first in line 16"},
    {SITE_HEAD SITE_TABLE SITE_OUTSIDE "failure =\n", 17, "it is empty"},
    {SITE_HEAD SITE_TABLE SITE_OUTSIDE "timeout = 0\n", 17, "is out of reach"},
    {SITE_HEAD SITE_TABLE SITE_OUTSIDE "timeout = 8000 h\n", 17, "is out of reach"},
    {SITE_HEAD SITE_TABLE SITE_OUTSIDE "timeout = 99999999999999999999\n", 17,
     "not a number and its unit"},
    {SITE_HEAD SITE_TABLE SITE_OUTSIDE "timeout = 100 ms\n", 17, "less than a second"},
    {SITE_HEAD SITE_TABLE SITE_OUTSIDE "timeout = 5 days\n", 17, "not a number and its unit"},
    {SITE_HEAD SITE_TABLE "[functions]\n", 15, "[functions] has no 'file'"},
    {SITE_HEAD SITE_TABLE "[functions]\nfile = a.js\n", 16, "'a.js' is no .sql file"},
    {SITE_HEAD SITE_TABLE "[views]\nfile = a.sql\nfile = a.sql\n", 17, "twice, first in line 16"},
    {SITE_HEAD SITE_TABLE "[warm \"a\"]\nkey = a:{id}\n", 15, "[warm \"a\"] has no 'file'"},
    {SITE_HEAD SITE_TABLE "[warm \"a\"]\nfile = a.sql\n", 15, "[warm \"a\"] has no 'key'"},
    {SITE_HEAD SITE_TABLE "[warm \"a\"]\nfile = a.sql\nkey = a:*\n", 17, "ends with '*'"},
    {SITE_HEAD SITE_TABLE "[warm \"a\"]\nfile = a.sql\nkey = a:{x}\n", 17, "no placeholder"},
    {SITE_HEAD SITE_TABLE "[warm \"a\"]\nfile = a.sql\nkey = a:{id}\nttl = never\n", 18,
     "no 'ttl' line"},
    {SITE_HEAD SITE_TABLE "[warm \"a\"]\nfile = a.sql\nkey = a\n[warm \"a\"]\n", 18,
     "there before"},
    {SITE_HEAD SITE_TABLE "[throttle]\nbatch = 250\n", 16, "not a number and its unit"},
    {SITE_HEAD SITE_TABLE "[throttle]\nsleep = 11\n", 16, "not a number from 0 to 10"},
    {SITE_HEAD SITE_TABLE "[throttle]\nbatch = 5 min\n", 16, "out of reach: from 1 ms to 60 s"},
    {SITE_HEAD SITE_TABLE "[throttle]\nlag = -1 s\n", 16, "not a number and its unit"},
    {SITE_HEAD SITE_TABLE "[throttle]\npages = 0\n", 16, "not a number from 1"},
    {SITE_HEAD SITE_TABLE "[throttle]\nwaiters = many\n", 16, "not a number from 1"},
    {SITE_HEAD SITE_TABLE "[throttle]\nquery = busy\n", 16, "no .sql file"},
};

static void test_what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_true(ARRAY_LEN(S_refused) >= 40);
    for (size_t i = 0; i < ARRAY_LEN(S_refused); i++) {
        struct plan *plan = NULL;
        struct err err = {0};
        plan_file_write(plan_place.path, S_refused[i].text);
        if (plan_read(plan_place.path, &plan, &err))
            fail_msg("case %zu ('%s') was accepted", i, S_refused[i].part);
        char *place = str_format("%s:%d: ", plan_place.path, S_refused[i].line);
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
    unlink(plan_place.path);
    assert_false(plan_read(plan_place.path, &plan, &err));
    assert_non_null(strstr(err.text, plan_place.path));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(test_missing_file_is_an_error),
        cmocka_unit_test(test_nearest_is_found),
    };
    return cmocka_run_group_tests(tests, plan_file_setup, plan_file_teardown);
}
