/* test_backup: the parts of backup, restore and report that need no server. */
#include "archive.h"
#include "pgtool.h"
#include "report.h"
#include "restore_log.h"
#include "wholefile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char S_home[] = "/tmp/td-unit-XXXXXX";

static int S_make_home(void **state)
{
    (void)state;
    return mkdtemp(S_home) ? setenv("XDG_STATE_HOME", S_home, 1) : -1;
}

static int S_remove_home(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", S_home, (char *)NULL);
        _exit(1);
    }
    int status;
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static char *S_read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char bytes[4096];
    if (!file)
        return NULL;
    size_t n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return str_ndup(bytes, n);
}

/* ---- targets ---- */

static void test_the_database_of_a_target(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"mentoring", "mentoring"},
        {"postgresql://u:p@db.example.org:5433/my%20db?sslmode=require", "my db"},
        {"host=/tmp dbname='it''s' user=x", ""}, /* not as libpq quotes: it cannot be read */
        {"host=/tmp dbname='it\\'s' user=x", "it's"},
        {"host=a,b port=1,2 dbname=many", "many"},
        {"hostaddr=192.0.2.1 dbname=far", "far"},
        {"user=anna", "anna"},
    };
    unsetenv("PGDATABASE");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct pg_target target = {.conninfo = (char *)cases[i][0]};
        char *name = pg_target_database(&target);
        assert_string_equal(name, cases[i][1]);
        free(name);
    }
}

static void test_elsewhere_is_the_same_server(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_target out;
    const struct pg_target target = {
        .conninfo = (char *)"postgresql://u:p%27w@db.example.org:5433/one?sslmode=require",
        .password = (char *)"asked"};
    assert_true(pg_target_elsewhere(&target, "it's \\ a db=x", &out, &err));
    assert_non_null(strstr(out.conninfo, "host='db.example.org'"));
    assert_non_null(strstr(out.conninfo, "port='5433'"));
    assert_non_null(strstr(out.conninfo, "user='u'"));
    assert_non_null(strstr(out.conninfo, "sslmode='require'"));
    assert_non_null(strstr(out.conninfo, "password='p\\'w'"));
    assert_null(strstr(out.conninfo, "'one'"));
    assert_string_equal(out.password, "asked");
    char *name = pg_target_database(&out);
    assert_string_equal(name, "it's \\ a db=x");
    free(name);
    pg_target_release(&out);
    char *word = pgtool_database_word("it's \\ a db=x");
    assert_string_equal(word, "--dbname=dbname='it\\'s \\\\ a db=x'");
    free(word);
}

/* ---- whole files ---- */

static void test_a_file_is_whole_and_private(void **state)
{
    (void)state;
    struct err err = {0};
    struct stat info;
    char *directory = str_format("%s/a/b", S_home), *path = str_format("%s/file", directory);
    mode_t before = umask(0);
    assert_true(private_directory(directory, &err));
    assert_true(wholefile_write(directory, "file", "one", 3, &err));
    assert_true(wholefile_write(directory, "file", "two", 3, &err));
    umask(before);
    char *text = S_read_file(path);
    assert_string_equal(text, "two");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(directory, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(chmod(directory, 0770), 0);
    assert_false(private_directory(directory, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    free(text);
    free(path);
    free(directory);
}

static void test_a_name_that_is_taken_stays(void **state)
{
    (void)state;
    struct err err = {0};
    char *part = str_format("%s/part", S_home), *path = str_format("%s/taken", S_home);
    int fd, again;
    assert_true(wholefile_begin(part, &fd, &err));
    assert_false(wholefile_begin(part, &again, &err));
    assert_int_equal(write(fd, "new", 3), 3);
    close(fd);
    assert_true(wholefile_new(path, "old", 3));
    assert_false(wholefile_new(path, "new", 3));
    assert_int_equal(errno, EEXIST);
    assert_false(wholefile_settle(part, path, &err));
    char *text = S_read_file(path);
    assert_string_equal(text, "old");
    free(text);
    unlink(path);
    assert_true(wholefile_settle(part, path, &err));
    text = S_read_file(path);
    assert_string_equal(text, "new");
    assert_int_not_equal(access(part, F_OK), 0);
    free(text);
    free(part);
    free(path);
}

/* ---- what is known of a backup ---- */

static void test_facts_come_back_or_are_damaged(void **state)
{
    (void)state;
    struct err err = {0};
    struct archive archive = {.directory = S_home, .name = (char *)"db_20260131_120431"}, back;
    archive.facts = json_pack("{s:s, s:I, s:[{s:s, s:i}, {s:s, s:i}, {s:s}]}", "database",
                              "d\xc3\xbc", "size", (json_int_t)5000000000, "tables", "name", "a",
                              "rows", 40, "name", "b", "rows", 2, "name", "partitioned");
    assert_true(archive_write(&archive, &err));
    assert_true(archive_read(S_home, "db_20260131_120431", &back, &err));
    assert_string_equal(archive_text(&back, "database"), "d\xc3\xbc");
    assert_int_equal(archive_number(&back, "size"), 5000000000);
    assert_int_equal(archive_number(&back, "database"), -1);
    assert_int_equal(archive_rows(&back), 42);
    archive_release(&back);
    char *path = archive_path(&archive, ".json"), *text = S_read_file(path);
    assert_true(archive_read("/nowhere", path, &back, &err));
    archive_release(&back);
    /* Every byte that means something. */
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == ' ' || text[i] == '\n')
            continue;
        text[i] ^= 1;
        assert_true(wholefile_write(S_home, "db_20260131_120431.json", text, strlen(text), &err));
        if (archive_read(S_home, "db_20260131_120431", &back, &err))
            fail_msg("a change of byte %zu was not seen", i);
        text[i] ^= 1;
    }
    free(text);
    free(path);
    json_decref(archive.facts);
}

/* ---- the file of a restore ---- */

static json_t *S_begin_line(const char *database)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "server", "7", "database", database, "stamp",
                     "20260131_120431", "scratch", "x");
}

static void test_a_restore_is_found_until_it_ends(void **state)
{
    (void)state;
    struct err err = {0};
    struct restore_log log, found;
    bool is_found;
    assert_true(restore_log_begin(RESTORE_ROOM, S_begin_line("one"), &log, &err));
    assert_true(restore_log_means(&log, "create", NULL, &err));
    assert_true(restore_log_did(&log, "create", json_pack("{s:i}", "oid", 17), &err));
    assert_true(restore_log_means(&log, "load", NULL, &err));
    assert_false(
        restore_log_find(RESTORE_ROOM, "7", "one", &found, &is_found, &err)); /* it is at work */
    assert_int_equal(err.kind, ERR_HELD);
    assert_int_equal(write(log.fd, "{\"at\": \"cut", 11), 11);
    restore_log_release(&log);

    assert_true(restore_log_find(RESTORE_ROOM, "7", "two", &found, &is_found, &err));
    assert_false(is_found);
    assert_true(restore_log_find(RESTORE_ROOM, "8", "one", &found, &is_found, &err));
    assert_false(is_found);
    assert_true(restore_log_find(RESTORE_ROOM, "7", "one", &found, &is_found, &err));
    assert_true(is_found);
    assert_true(restore_log_has(&found, "create"));
    assert_false(restore_log_has(&found, "load"));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(found.done, "create"), "oid")), 17);
    assert_true(restore_log_did(&found, "load", NULL, &err));
    restore_log_release(&found);

    assert_true(restore_log_find(RESTORE_ROOM, "7", "one", &found, &is_found, &err));
    assert_true(is_found && restore_log_has(&found, "load"));
    assert_true(restore_log_end(&found, "restored", &err));
    restore_log_release(&found);
    assert_true(restore_log_find(RESTORE_ROOM, "7", "one", &found, &is_found, &err));
    assert_false(is_found);
}

/* ---- reports ---- */

static void test_a_report_steers_no_terminal_and_no_spreadsheet(void **state)
{
    (void)state;
    json_t *document = json_pack(
        "{s:{s:i, s:s}, s:[{s:s, s:s, s:s, s:s, s:i, s:[s]}], s:[s]}", "run", "id", 7, "who",
        "\033[31manna", "findings", "verdict", "fail", "group", "g", "subject", "=1+1", "message",
        "say \"x\",\nnow", "count", -3, "samples", "@sum", "left_to_do", "a\tb");
    struct buf csv = {0}, text = {0};
    report_csv(&csv, document);
    report_text(&text, document);
    assert_non_null(strstr(csv.text, "\"run\",1,\"id\",7\r\n"));
    assert_non_null(strstr(csv.text, "\"findings\",1,\"subject\",\"'=1+1\"\r\n"));
    assert_non_null(strstr(csv.text, "\"message\",\"say \"\"x\"\",\\nnow\"\r\n"));
    assert_non_null(strstr(csv.text, "\"count\",-3\r\n"));
    assert_non_null(strstr(csv.text, "\"left_to_do\",1,\"text\",\"a b\"\r\n"));
    assert_null(strchr(csv.text, '\033'));
    assert_null(strchr(text.text, '\033'));
    assert_non_null(strstr(text.text, "\\x1b[31manna"));
    assert_non_null(strstr(text.text, "fail    g, =1+1: say \"x\",\\nnow (-3)\n        @sum\n"));
    assert_non_null(strstr(text.text, "Still to do\n\n- a b\n"));
    buf_release(&csv);
    buf_release(&text);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_database_of_a_target),
        cmocka_unit_test(test_elsewhere_is_the_same_server),
        cmocka_unit_test(test_a_file_is_whole_and_private),
        cmocka_unit_test(test_a_name_that_is_taken_stays),
        cmocka_unit_test(test_facts_come_back_or_are_damaged),
        cmocka_unit_test(test_a_restore_is_found_until_it_ends),
        cmocka_unit_test(test_a_report_steers_no_terminal_and_no_spreadsheet),
    };
    return cmocka_run_group_tests(tests, S_make_home, S_remove_home);
}
