/*
 * test_logind: whether a logout would end the worker, asked of files as systemd-logind reads them,
 * each time below a root of its own.
 */
#include "base.h"
#include "logind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SSH "0::/user.slice/user-1000.slice/session-3.scope\n"
#define SSH_V1 "12:pids:/user.slice\n1:name=systemd:/user.slice/user-1000.slice/session-c1.scope\n"

static char S_root[64];

static int S_setup(void **state)
{
    (void)state;
    snprintf(S_root, sizeof(S_root), "/tmp/td-test-XXXXXX");
    return mkdtemp(S_root) ? 0 : -1;
}

static int S_teardown(void **state)
{
    (void)state;
    char *command = str_format("rm -rf '%s'", S_root);
    int status = system(command);
    free(command);
    return status;
}

static void S_write(const char *path, const char *text)
{
    char *whole = str_format("%s%s", S_root, path);
    for (char *slash = whole + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(whole);
}

static void S_check(const char *name, const char *cgroup, enum logind_verdict wanted)
{
    assert_int_equal(logind_judges(S_root, name, cgroup), wanted);
}

static void test_without_logind(void **state)
{
    (void)state;
    S_check("anna", "0::/\n", LOGIND_SPARES); /* a container */
    S_check("anna", "", LOGIND_SPARES);
    S_check("anna", SSH, LOGIND_SPARES); /* nothing is configured */
    S_write("/etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\n");
    S_check("anna", "0::/\n", LOGIND_SPARES);
    S_check("anna", "0::/system.slice/cron.service\n", LOGIND_SPARES);
    S_check("anna", "0::/system.slice/run-r1.scope\n",
            LOGIND_SPARES); /* systemd-run --scope of root */
}

static void test_kills_user_processes(void **state)
{
    (void)state;
    S_write("/etc/systemd/logind.conf", "[Login]\n KillUserProcesses = true \n");
    S_check("anna", SSH, LOGIND_ENDS_SESSION);
    S_check("anna", SSH_V1, LOGIND_ENDS_SESSION);
    S_check("root", SSH, LOGIND_SPARES);
    S_write("/etc/systemd/logind.conf",
            "[Login]\nKillUserProcesses=yes\nKillUserProcesses=perhaps\n");
    S_check("anna", SSH, LOGIND_ENDS_SESSION);
    S_write("/etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\nKillUserProcesses=off\n");
    S_check("anna", SSH, LOGIND_SPARES);
    S_write("/etc/systemd/logind.conf",
            "[Other]\nKillUserProcesses=yes\n[Login]\n;KillUserProcesses=yes\n");
    S_check("anna", SSH, LOGIND_SPARES);
}

/* What it was built with differs, and stands in the file as it is shipped. */
static void test_shipped_default(void **state)
{
    (void)state;
    S_write("/usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=yes\n#KillOnlyUsers=\n");
    S_check("anna", SSH, LOGIND_ENDS_SESSION);
    S_write("/etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n");
    S_check("anna", SSH, LOGIND_SPARES); /* the other file is not read then */
}

static void test_exceptions(void **state)
{
    (void)state;
    S_write("/etc/systemd/logind.conf",
            "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=ben anna\tcarl\n");
    S_check("anna", SSH, LOGIND_SPARES);
    S_check("carl", SSH, LOGIND_SPARES);
    S_check("ann", SSH, LOGIND_ENDS_SESSION);
    S_check("root", SSH, LOGIND_ENDS_SESSION); /* only excluded where nobody is named */
    S_write("/etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=\n");
    S_check("root", SSH, LOGIND_ENDS_SESSION);
    S_write("/etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=anna\n"
                                        "KillExcludeUsers=ben\n");
    S_check("anna", SSH, LOGIND_SPARES); /* the second line adds to the first */
}

static void test_only_some(void **state)
{
    (void)state;
    S_write("/etc/systemd/logind.conf", "[Login]\nKillOnlyUsers=anna\n");
    S_check("anna", SSH, LOGIND_ENDS_SESSION); /* though KillUserProcesses does not say so */
    S_check("ben", SSH, LOGIND_SPARES);
    S_write("/etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\nKillOnlyUsers=anna\n");
    S_check("ben", SSH, LOGIND_SPARES);
    S_write("/etc/systemd/logind.conf", "[Login]\nKillOnlyUsers=anna\nKillExcludeUsers=anna\n");
    S_check("anna", SSH, LOGIND_SPARES);
}

static void test_whose_login_it_is(void **state)
{
    uid_t uid;
    (void)state;
    assert_true(logind_owner(SSH, &uid));
    assert_int_equal(uid, 1000);
    assert_true(logind_owner(SSH_V1, &uid));
    assert_int_equal(uid, 1000);
    assert_false(logind_owner("0::/system.slice/ssh.service\n", &uid));
    assert_false(logind_owner("0::/user-.slice\n", &uid));
}

static void test_drop_ins(void **state)
{
    (void)state;
    S_write("/etc/systemd/logind.conf", "[Login]\nKillUserProcesses=no\n");
    S_write("/usr/lib/systemd/logind.conf.d/50-kill.conf", "[Login]\nKillUserProcesses=yes\n");
    S_check("anna", SSH, LOGIND_ENDS_SESSION);
    S_write("/run/systemd/logind.conf.d/60-not.conf", "[Login]\nKillUserProcesses=no\n");
    S_check("anna", SSH, LOGIND_SPARES); /* the later name has the last word */
    S_write("/etc/systemd/logind.conf.d/60-not.conf", "");
    S_check("anna", SSH, LOGIND_ENDS_SESSION); /* one of the same name in /etc stands for it */
    S_write("/etc/systemd/logind.conf.d/70-not.txt", "[Login]\nKillUserProcesses=no\n");
    S_check("anna", SSH, LOGIND_ENDS_SESSION);
}

static void test_lingering(void **state)
{
    static const char own[] =
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope\n";
    (void)state;
    S_check("anna", own, LOGIND_ENDS_MANAGER); /* a scope of its own, below the user's manager */
    S_write("/etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\n");
    S_write("/var/lib/systemd/linger/anna", "");
    S_check("anna", own, LOGIND_SPARES);
    S_check("ben", own, LOGIND_ENDS_MANAGER);
    S_check("anna", SSH, LOGIND_ENDS_SESSION); /* keeps no process of a session */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_logind, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_kills_user_processes, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_shipped_default, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_exceptions, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_only_some, S_setup, S_teardown),
        cmocka_unit_test(test_whose_login_it_is),
        cmocka_unit_test_setup_teardown(test_drop_ins, S_setup, S_teardown),
        cmocka_unit_test_setup_teardown(test_lingering, S_setup, S_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
