/* test_deck: the deck file: what it says, what it refuses, and who may read or change it. */
#include "deck.h"
#include "file.h"
#include "session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char S_directory[64], S_path[96];

static int S_setup(void **state)
{
    (void)state;
    snprintf(S_directory, sizeof(S_directory), "/tmp/test_deck.XXXXXX");
    if (!mkdtemp(S_directory))
        return -1;
    snprintf(S_path, sizeof(S_path), "%s/deck.conf", S_directory);
    return 0;
}

static int S_teardown(void **state)
{
    (void)state;
    char *other = str_format("%s/redis.password", S_directory);
    unlink(S_path);
    unlink(other);
    free(other);
    return rmdir(S_directory);
}

static void S_write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void S_refuses(const char *text, mode_t mode, enum err_kind kind, const char *part)
{
    struct deck deck;
    struct err err = {0};
    S_write_file(S_path, text, mode);
    assert_false(deck_read(S_path, &deck, &err));
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, part))
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_all_keys_are_read(void **state)
{
    (void)state;
    struct deck deck;
    struct err err = {0};
    char *password = str_format("%s/redis.password", S_directory);
    char *plan = str_format("%s/site.plan", S_directory);
    S_write_file(password, "canary\n", 0600);
    S_write_file(
        S_path,
        "[deck]\nenvironment = PROD\ncolour = red\nplan = site.plan\nrefresh = 0.5\n"
        "[database \"main\"]\nconninfo = service=mentoring\n"
        "[redis \"main\"]\nurl = redis://localhost:6379/2\npassword-file = redis.password\n",
        0644);
    if (!deck_read(S_path, &deck, &err))
        fail_msg("%s", err.text);
    assert_string_equal(deck.environment, "PROD");
    assert_string_equal(deck.colour, "red");
    assert_string_equal(deck.plan, plan);
    assert_int_equal(deck.refresh_ms, 500);
    assert_string_equal(deck.conninfo, "service=mentoring");
    assert_string_equal(deck.redis_url, "redis://localhost:6379/2");
    assert_string_equal(deck.redis_password, "canary");
    deck_release(&deck);
    free(password);
    free(plan);
}

static void test_what_is_unknown_is_refused_with_its_line(void **state)
{
    (void)state;
    S_refuses("[deck]\nenviroment = PROD\n", 0600, ERR_FAILED, "deck.conf:2: 'enviroment'");
    S_refuses("[deck]\n[databse \"main\"]\n", 0600, ERR_FAILED, "deck.conf:2: [databse \"main\"]");
    S_refuses("[database \"erp\"]\n", 0600, ERR_FAILED, ":1: ");
    S_refuses("[database]\nconninfo = x\n", 0600, ERR_FAILED, ":1: ");
    S_refuses("[deck]\ncolour = pink\n", 0600, ERR_FAILED, ":2: 'colour'");
    S_refuses("[deck]\nrefresh = 0\n", 0600, ERR_FAILED, ":2: 'refresh'");
    S_refuses("[deck]\nrefresh = nan\n", 0600, ERR_FAILED, ":2: 'refresh'");
    S_refuses("[deck]\nplan = a\nplan = b\n", 0600, ERR_FAILED, ":3: 'plan' stands here twice");
    S_refuses("[redis \"main\"]\nurl = localhost\n", 0600, ERR_FAILED, ":2: 'url'");
}

static void test_a_deck_that_others_may_change_is_refused(void **state)
{
    (void)state;
    S_refuses("[deck]\n", 0620, ERR_REFUSED, "others may change");
    S_refuses("[deck]\n", 0602, ERR_REFUSED, "others may change");
}

static void test_a_password_that_others_may_read_is_refused(void **state)
{
    (void)state;
    const char *text = "[database \"main\"]\nconninfo = host=h password=canary\n";
    struct deck deck;
    struct err err = {0};
    S_refuses(text, 0640, ERR_REFUSED, "holds a password");
    S_refuses("[redis \"main\"]\nurl = redis://:canary@h\n", 0604, ERR_REFUSED, "holds a password");
    S_write_file(S_path, text, 0600);
    assert_true(deck_read(S_path, &deck, &err));
    deck_release(&deck);
}

static void test_a_password_file_is_only_ours(void **state)
{
    (void)state;
    char *password = str_format("%s/redis.password", S_directory);
    const char *text = "[redis \"main\"]\nurl = redis://h\npassword-file = redis.password\n";
    unlink(password);
    S_refuses(text, 0600, ERR_FAILED, "could not be opened");
    S_write_file(password, "canary\n", 0640);
    S_refuses(text, 0600, ERR_REFUSED, "others may read");
    free(password);
}

/* The tests are run in the source directory. */
static void test_the_example_is_valid(void **state)
{
    (void)state;
    struct deck deck;
    struct err err = {0};
    struct file example;
    if (!file_read("data/deck.conf", &example, &err))
        fail_msg("%s", err.text);
    S_write_file(S_path, buf_text(&example.text), 0600);
    file_release(&example);
    if (!deck_read(S_path, &deck, &err))
        fail_msg("%s", err.text);
    assert_string_equal(deck.plan, "mentoring");
    deck_release(&deck);
}

static void test_command_line_goes_before_deck(void **state)
{
    (void)state;
    struct session session;
    struct err err = {0};
    S_write_file(S_path,
                 "[deck]\nenvironment = TEST\nrefresh = 5\n[database \"main\"]\n"
                 "conninfo = dbname=fromdeck\n[redis \"main\"]\nurl = redis://fromdeck\n",
                 0600);
    struct session_options options = {.deck = S_path, .database = "given", .refresh_ms = 1000};
    setenv("DATABASE_URL", "postgres://fromenv/x", 1);
    assert_true(session_open(&options, false, &session, &err));
    assert_string_equal(session.database.conninfo, "given");
    assert_string_equal(session.redis.host, "fromdeck");
    assert_string_equal(session.environment, "TEST");
    assert_int_equal(session.refresh_ms, 1000);
    session_release(&session);
    options.database = NULL;
    assert_true(session_open(&options, false, &session, &err));
    assert_string_equal(session.database.conninfo, "dbname=fromdeck");
    session_release(&session);
    unsetenv("DATABASE_URL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_keys_are_read),
        cmocka_unit_test(test_what_is_unknown_is_refused_with_its_line),
        cmocka_unit_test(test_a_deck_that_others_may_change_is_refused),
        cmocka_unit_test(test_a_password_that_others_may_read_is_refused),
        cmocka_unit_test(test_a_password_file_is_only_ours),
        cmocka_unit_test(test_the_example_is_valid),
        cmocka_unit_test(test_command_line_goes_before_deck),
    };
    return cmocka_run_group_tests(tests, S_setup, S_teardown);
}
