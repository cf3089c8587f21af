/* test_env: the table of environment names: reading, precedence, conflicts, masking. */
#include "env.h"
#include "env_servers.h"
#include "secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char S_path[64];

/* Every test begins without any of the names, and with an empty file. */
static int S_setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < env_name_count; i++)
        unsetenv(env_names[i].name);
    unsetenv("PGHOST");
    unsetenv("PGPORT");
    unsetenv("PGUSER");
    unsetenv("PGDATABASE");
    snprintf(S_path, sizeof(S_path), "/tmp/test_env.XXXXXX");
    int fd = mkstemp(S_path);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int S_teardown(void **state)
{
    (void)state;
    return unlink(S_path);
}

static void S_write(const char *text)
{
    FILE *file = fopen(S_path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct env S_read(const char *text)
{
    struct env env;
    struct err err = {0};
    if (text)
        S_write(text);
    if (!env_read(text ? S_path : NULL, &env, &err))
        fail_msg("%s", err.text);
    return env;
}

static size_t S_index(const char *name)
{
    for (size_t i = 0; i < env_name_count; i++)
        if (str_is(env_names[i].name, name))
            return i;
    fail_msg("'%s' is not in the table", name);
    return 0;
}

static void test_names_are_unique_and_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < env_name_count; i++) {
        assert_non_null(env_names[i].plan);
        assert_true(env_names[i].note && strlen(env_names[i].note) <= 76);
        for (size_t j = i + 1; j < env_name_count; j++)
            assert_string_not_equal(env_names[i].name, env_names[j].name);
    }
    for (int meaning = 0; meaning < ENV_MEANINGS; meaning++)
        assert_non_null(env_meaning_name((enum env_meaning)meaning));
}

static void test_every_name_of_the_documents_is_there(void **state)
{
    (void)state;
    static const char *const names[] = {"DB_HOST",
                                        "DB_PORT",
                                        "DB_USER",
                                        "DB_PASSWORD",
                                        "DEV_DATABASE_URL",
                                        "DATABASE_URL",
                                        "PROD_DATABASE_URL",
                                        "TEST_DATABASE_URL",
                                        "TENANT_DB_URL",
                                        "DB_URL",
                                        "REDIS_HOST",
                                        "REDIS_PORT",
                                        "REDIS_PASSWORD",
                                        "REDIS_USERNAME",
                                        "REDIS_TLS",
                                        "REDIS_PROVIDER",
                                        "UPSTASH_REDIS_REST_URL",
                                        "UPSTASH_REDIS_REST_TOKEN",
                                        "KV_REST_API_URL",
                                        "KV_REST_API_TOKEN",
                                        "CACHE_TTL_ORG_DATA",
                                        "CACHE_TTL_SESSION_DATA",
                                        "CACHE_TTL_USER_DATA",
                                        "DEFAULT_TENANT_CODE",
                                        "DEFAULT_ORGANISATION_CODE",
                                        "DEFAULT_ORGANIZATION_CODE",
                                        "DEFAULT_ORG_CODE",
                                        "DEFAULT_ORG_ID",
                                        "ENABLE_TENANT_ISOLATION",
                                        "NODE_ENV",
                                        "APPLICATION_ENV",
                                        "CACHE_ENABLED"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        S_index(names[i]);
}

static void test_dotenv_is_read_as_the_services_read_it(void **state)
{
    (void)state;
    struct env env = S_read("# a comment\n"
                            "export REDIS_HOST=localhost\n"
                            "CACHE_TTL_ORG_DATA=86400    # 24 hours\r\n"
                            "DB_PASSWORD='a # b'\n"
                            "DEFAULT_TENANT_CODE=\"two\\nlines\"\n"
                            "  DB_USER = anna \n"
                            "DB_PORT=\n"
                            "UNKNOWN_NAME=whatever\n"
                            "DB_HOST=a#b");
    assert_string_equal(env.entries[S_index("REDIS_HOST")].value, "localhost");
    assert_string_equal(env.entries[S_index("CACHE_TTL_ORG_DATA")].value, "86400");
    assert_string_equal(env.entries[S_index("DB_PASSWORD")].value, "a # b");
    assert_string_equal(env.entries[S_index("DEFAULT_TENANT_CODE")].value, "two\nlines");
    assert_string_equal(env.entries[S_index("DB_USER")].value, "anna");
    assert_null(env.entries[S_index("DB_PORT")].value);
    assert_string_equal(env.entries[S_index("DB_HOST")].value, "a");
    assert_int_equal(env.entries[S_index("DB_USER")].line, 6);
    env_release(&env);
}

static void S_refuses(const char *text, const char *part)
{
    struct env env;
    struct err err = {0};
    S_write(text);
    assert_false(env_read(S_path, &env, &err));
    if (!strstr(err.text, part))
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_broken_files_are_refused_with_their_line(void **state)
{
    (void)state;
    S_refuses("DB_HOST=a\nwhat is this\n", ":2: ");
    S_refuses("DB_HOST=a\n\nDB_USER=\"anna\n\n", ":3: the quote");
    S_refuses("=x\n", ":1: ");
}

static void test_file_goes_before_environment(void **state)
{
    (void)state;
    const char *value;
    struct err err = {0};
    setenv("REDIS_HOST", "process", 1);
    setenv("DEFAULT_ORGANISATION_CODE", "process", 1);
    struct env env = S_read("REDIS_HOST=file\nDEFAULT_ORGANIZATION_CODE=file\n");
    assert_true(env_pick(&env, ENV_REDIS_HOST, "mentoring", &value, &err));
    assert_string_equal(value, "file");
    /* The other spelling in the environment is overruled by the file, not a conflict with it. */
    assert_true(env_pick(&env, ENV_DEFAULT_ORGANIZATION, NULL, &value, &err));
    assert_string_equal(value, "file");
    assert_int_equal(env_winner(&env, S_index("DEFAULT_ORGANISATION_CODE")),
                     S_index("DEFAULT_ORGANIZATION_CODE"));
    env_release(&env);
}

static void test_two_spellings_that_disagree_are_refused(void **state)
{
    (void)state;
    const char *value;
    struct err err = {0};
    struct env env = S_read("DEFAULT_ORGANISATION_CODE=a\nDEFAULT_ORGANIZATION_CODE=b\n");
    assert_false(env_pick(&env, ENV_DEFAULT_ORGANIZATION, "mentoring", &value, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_non_null(strstr(err.text, "'DEFAULT_ORGANISATION_CODE'"));
    assert_non_null(strstr(err.text, "'DEFAULT_ORGANIZATION_CODE'"));
    assert_true(env_conflicts(&env, S_index("DEFAULT_ORGANISATION_CODE")));
    env_release(&env);
    env = S_read("DEFAULT_ORGANISATION_CODE=a\nDEFAULT_ORGANIZATION_CODE=a\n");
    assert_true(env_pick(&env, ENV_DEFAULT_ORGANIZATION, "mentoring", &value, &err));
    assert_false(env_conflicts(&env, S_index("DEFAULT_ORGANISATION_CODE")));
    env_release(&env);
}

static void test_other_names_of_a_heading_never_conflict(void **state)
{
    (void)state;
    struct env env = S_read("PASSWORD_HASH_SALT=a\nUSERNAME_HASH_SALT=b\nCACHE_ENABLED=true\n"
                            "CACHE_SHARDS=4\n");
    for (size_t i = 0; i < env_name_count; i++)
        assert_false(env_conflicts(&env, i));
    env_release(&env);
}

static void test_run_mode_chooses_the_url(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_target target = {0};
    const char *urls = "DEV_DATABASE_URL=postgres://dev/a\nTEST_DATABASE_URL=postgres://test/a\n"
                       "PROD_DATABASE_URL=postgres://prod/a\n";
    static const char *const modes[][2] = {{"", "postgres://dev/a"},
                                           {"NODE_ENV=test\n", "postgres://test/a"},
                                           {"NODE_ENV=production\n", "postgres://prod/a"}};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        char *text = str_format("%s%s", urls, modes[i][0]);
        struct env env = S_read(text);
        assert_true(env_database(&env, NULL, &target, &err));
        assert_string_equal(target.conninfo, modes[i][1]);
        pg_target_release(&target);
        env_release(&env);
        free(text);
    }
    struct env env = S_read("NODE_ENV=production\nAPPLICATION_ENV=development\n");
    assert_false(env_database(&env, NULL, &target, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    env_release(&env);
}

static void S_database_refused(const char *text, const char *name)
{
    struct err err = {0};
    struct pg_target target = {0};
    struct env env = S_read(text);
    assert_false(env_database(&env, NULL, &target, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    if (!strstr(err.text, name))
        fail_msg("'%s' does not name '%s'", err.text, name);
    assert_null(strstr(err.text, "canary"));
    env_release(&env);
}

static void test_parts_that_disagree_with_the_url_are_refused(void **state)
{
    (void)state;
    S_database_refused("DB_HOST=a\nDEV_DATABASE_URL=postgres://u:p@b:5432/d\n", "'DB_HOST'");
    S_database_refused("DB_PORT=1\nDEV_DATABASE_URL=postgres://u:p@b:5432/d\n", "'DB_PORT'");
    S_database_refused("DB_PASSWORD=canary1\nDEV_DATABASE_URL=postgres://u:canary2@b/d\n",
                       "'DB_PASSWORD'");
    S_database_refused("DATABASE_URL=postgres://a/d\nDB_URL=postgres://b/d\n"
                       "DEV_DATABASE_URL=postgres://a/d\n",
                       "'DB_URL'");
    setenv("DATABASE_URL", "postgres://u@a/d", 1);
    setenv("PGHOST", "b", 1);
    S_database_refused("", "'PGHOST'");
    setenv("PGHOST", "A", 1); /* a host is the same in capitals, and a database is not */
    setenv("PGDATABASE", "D", 1);
    S_database_refused("", "'PGDATABASE'");
    unsetenv("PGDATABASE");
}

static void test_database_from_parts(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_target target = {0};
    struct env env = S_read("DB_HOST=db1\nDB_PORT=5433\nDB_USER=o'hara\nDB_PASSWORD=canary\n");
    assert_true(env_database(&env, NULL, &target, &err));
    assert_string_equal(target.conninfo, "host='db1' port='5433' user='o\\'hara'");
    assert_string_equal(target.password, "canary");
    pg_target_release(&target);
    env_release(&env);
}

static void test_redis_from_names(void **state)
{
    (void)state;
    struct err err = {0};
    struct redis_target target;
    bool found;
    struct env env = S_read("REDIS_HOST=cache1\nREDIS_PORT=6380\nREDIS_PASSWORD=canary\n");
    assert_true(env_redis(&env, NULL, &target, &found, &err));
    assert_true(found);
    assert_string_equal(target.host, "cache1");
    assert_int_equal(target.port, 6380);
    assert_string_equal(target.password, "canary");
    redis_target_release(&target);
    env_release(&env);
    env = S_read("REDIS_HOST=a,b\n");
    assert_false(env_redis(&env, NULL, &target, &found, &err));
    env_release(&env);
    env = S_read("REDIS_HOST=a\nREDIS_TLS=true\nREDIS_USERNAME=anna\nREDIS_TLS_CACERT=/ca\n");
    assert_true(env_redis(&env, NULL, &target, &found, &err));
    assert_true(target.tls);
    assert_string_equal(target.user, "anna");
    assert_string_equal(target.cacert, "/ca");
    redis_target_release(&target);
    env_release(&env);
    env = S_read("REDIS_HOST=a\nREDIS_PROVIDER=upstash\nUPSTASH_REDIS_REST_URL=https://u/\n"
                 "UPSTASH_REDIS_REST_TOKEN=canary\nREDIS_PASSWORD=other\n");
    assert_true(env_redis(&env, NULL, &target, &found, &err));
    assert_string_equal(target.rest, "https://u");
    assert_string_equal(target.password, "canary");
    redis_target_release(&target);
    env_release(&env);
}

/* Each of these says two things, or one that is not enough. */
static void test_redis_contradictions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *words;
    } cases[] = {
        {"REDIS_HOST=a\nUPSTASH_REDIS_REST_URL=https://u\n", "nothing says which"},
        {"REDIS_PROVIDER=upstash\nREDIS_HOST=a\n", "'UPSTASH_REDIS_REST_URL' is not set"},
        {"REDIS_PROVIDER=elasticache\n", "'REDIS_HOST' is not set"},
        {"REDIS_PROVIDER=memcached\nREDIS_HOST=a\n", "upstash or elasticache"},
        {"REDIS_HOST=rediss://a\nREDIS_TLS=false\n", "'REDIS_TLS' and the address"},
        {"REDIS_HOST=redis://a\nREDIS_TLS=true\n", "'REDIS_TLS' and the address"},
        {"REDIS_HOST=redis://a:7000\nREDIS_PORT=7001\n", "'REDIS_PORT' and the address"},
        {"REDIS_HOST=redis://anna:x@a\nREDIS_USERNAME=otto\n", "'REDIS_USERNAME' and"},
        {"REDIS_HOST=redis://:canary@a\nREDIS_PASSWORD=canary2\n", "'REDIS_PASSWORD' and"},
        {"REDIS_HOST=a\nREDIS_TLS=perhaps\n", "true or false"},
        {"UPSTASH_REDIS_REST_URL=redis://u\n", "no https://"},
        {"UPSTASH_REDIS_REST_URL=http://u.upstash.io\n", "show the token"},
        {"UPSTASH_REDIS_REST_URL=https://x:canary@u\n", "a token does not belong"},
        {"UPSTASH_REDIS_REST_URL=https://a\nKV_REST_API_URL=https://b\n", "they disagree"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct redis_target target;
        struct err err = {0};
        bool found;
        struct env env = S_read(cases[i].file);
        if (env_redis(&env, NULL, &target, &found, &err))
            fail_msg("taken: %s", cases[i].file);
        if (!strstr(err.text, cases[i].words) || strstr(err.text, "canary"))
            fail_msg("%s: %s", cases[i].file, err.text);
        env_release(&env);
    }
}

static void test_secrets_are_masked(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"postgres://u:canary@h/d", "postgres://u:********@h/d"},
        {"postgres://u:can@ary/x@h/d", "postgres://u:********@h/d"},
        {"postgres://u@h/d?password=canary&x=1", "postgres://u@h/d?password=********&x=1"},
        {"redis://:canary@h:1", "redis://:********@h:1"},
        {"host=h password=canary user=u", "host=h password=******** user=u"},
        {"password = 'can ary\\' x' user=u", "password = ******** user=u"},
        {"PASSWORD=canary", "PASSWORD=********"},
        {"h:canary@host:6379", "h:********@host:6379"},
        {":canary@host", ":********@host"},
        {"host=h password=can://u:ary@k", "host=h password=********"},
        {"postgres://u@h/d?password='can'ary&x=1", "postgres://u@h/d?password=********&x=1"},
        {"postgres://u@h/d?pass%77ord=canary", "postgres://u@h/d?pass%77ord=********"},
        {"password='can'ary user=u", "password=******** user=u"},
        {"hostaddr=::1 user=u@server", "hostaddr=::1 user=u@server"},
        {"postgres://u@h/d?options=-c%20a=b", "postgres://u@h/d?options=-c%20a=b"},
        {"postgres://u@h/d", "postgres://u@h/d"},
        {"host=h user=password", "host=h user=password"},
        {"postgres://u:canary@h/d?sslpassword=canary2",
         "postgres://u:********@h/d?sslpassword=********"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *masked = secret_masked(cases[i][0]);
        assert_string_equal(masked, cases[i][1]);
        assert_int_equal(secret_inside(cases[i][0]), !str_is(cases[i][0], cases[i][1]));
        free(masked);
    }
    char *token = env_masked(&env_names[S_index("KV_REST_API_TOKEN")], "canary");
    assert_string_equal(token, SECRET_MASK);
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique_and_explained),
        cmocka_unit_test(test_every_name_of_the_documents_is_there),
        cmocka_unit_test_setup_teardown(test_dotenv_is_read_as_the_services_read_it, S_setup,
                                        S_teardown),
        cmocka_unit_test_setup_teardown(test_broken_files_are_refused_with_their_line, S_setup,
                                        S_teardown),
        cmocka_unit_test_setup_teardown(test_file_goes_before_environment, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_two_spellings_that_disagree_are_refused, S_setup,
                                        S_teardown),
        cmocka_unit_test_setup_teardown(test_other_names_of_a_heading_never_conflict, S_setup,
                                        S_teardown),
        cmocka_unit_test_setup_teardown(test_run_mode_chooses_the_url, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_parts_that_disagree_with_the_url_are_refused, S_setup,
                                        S_teardown),
        cmocka_unit_test_setup_teardown(test_database_from_parts, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_redis_from_names, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_redis_contradictions_are_refused, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_secrets_are_masked, S_setup, S_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
