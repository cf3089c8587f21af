/* test_process: a child in the loop: its gate, its words, its end, and who comes from it. */
#include "clock.h"
#include "process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, KEPT = 65536 };

struct heard {
    struct buf text; /* the first of it */
    size_t lines, bytes, longest;
};

static void S_hear(void *ctx, const char *line, size_t len, bool whole)
{
    struct heard *heard = ctx;
    heard->lines += whole;
    heard->bytes += len;
    if (len > heard->longest)
        heard->longest = len;
    if (heard->text.len < KEPT) {
        buf_add_mem(&heard->text, line, len);
        buf_add(&heard->text, whole ? "|" : "");
    }
}

static struct loop *S_loop;
static struct heard S_heard;
static char S_directory[64];

static int S_setup(void **state)
{
    (void)state;
    snprintf(S_directory, sizeof(S_directory), "/tmp/test_process.XXXXXX");
    S_loop = loop_new();
    return mkdtemp(S_directory) ? 0 : -1;
}

static int S_teardown(void **state)
{
    (void)state;
    loop_free(S_loop);
    buf_release(&S_heard.text);
    return rmdir(S_directory);
}

static struct process *S_new(const struct process_order *order)
{
    struct err err = {0};
    buf_release(&S_heard.text);
    S_heard = (struct heard){0};
    struct process *process = process_new(S_loop, order, S_hear, &S_heard, &err);
    if (!process)
        fail_msg("%s", err.text);
    return process;
}

static struct process *S_new_shell(const char *script, int64_t timeout_ms)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct process_order order = {.argv = argv, .timeout_ms = timeout_ms};
    return S_new(&order);
}

static void S_await(struct process *process)
{
    int64_t since = clock_ms();
    while (!process_is_over(process)) {
        loop_turn(S_loop, 100);
        if (clock_ms() - since > PATIENCE_MS)
            fail_msg("the process is not over after %lld ms", (long long)clock_ms() - since);
    }
}

static struct process *S_run_shell(const char *script, int64_t timeout_ms)
{
    struct process *process = S_new_shell(script, timeout_ms);
    process_go(process);
    S_await(process);
    return process;
}

static void S_expect_described(const struct process *process, const char *text)
{
    char *described = process_describe(process_result(process));
    if (!strstr(described, text))
        fail_msg("'%s' does not say '%s'", described, text);
    free(described);
}

static size_t S_family(const struct process_identity *identity)
{
    bool elsewhere;
    size_t count = process_family(identity, NULL, 0, &elsewhere);
    assert_false(elsewhere);
    return count;
}

static struct process_identity S_identify(pid_t pid)
{
    struct process_identity identity;
    struct err err = {0};
    if (!process_identify(pid, &identity, &err))
        fail_msg("%s", err.text);
    return identity;
}

/* Turns the loop until so many of it are there. */
static void S_await_family(const struct process_identity *identity, size_t least, size_t most)
{
    int64_t since = clock_ms();
    for (size_t count = S_family(identity); count < least || count > most;
         count = S_family(identity)) {
        loop_turn(S_loop, 20);
        if (clock_ms() - since > PATIENCE_MS)
            fail_msg("%zu of it are there, not %zu to %zu", count, least, most);
    }
}

/* ---- a life ---- */

static void test_exit_code_and_words_are_kept(void **state)
{
    (void)state;
    struct process *process =
        S_run_shell("echo one; echo two >&2; printf 'th\\r\\nree'; exit 3", 0);
    const struct process_result *result = process_result(process);
    assert_int_equal(result->outcome, PROCESS_EXITED);
    assert_true(WIFEXITED(result->status));
    assert_int_equal(WEXITSTATUS(result->status), 3);
    assert_null(result->left);
    assert_string_equal(buf_text(&S_heard.text), "one|two|th|ree|");
    S_expect_described(process, "exit code 3");
    process_free(process);
}

static void test_exit_code_is_kept_whoever_started_us(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    struct process *process = S_run_shell("exit 7", 0);
    signal(SIGCHLD, SIG_DFL);
    S_expect_described(process, "exit code 7");
    process_free(process);
}

static void test_signal_is_kept(void **state)
{
    (void)state;
    struct process *process = S_run_shell("kill -KILL $$", 0);
    assert_int_equal(process_result(process)->outcome, PROCESS_EXITED);
    assert_int_equal(WTERMSIG(process_result(process)->status), SIGKILL);
    S_expect_described(process, "signal 9");
    process_free(process);
}

static void test_nothing_begins_before_the_gate_opens(void **state)
{
    (void)state;
    char *script = str_format("echo x > %s/began", S_directory);
    struct process *process = S_new_shell(script, 0);
    struct process_identity identity = S_identify(process_pid(process));
    for (int i = 0; i < 5; i++)
        loop_turn(S_loop, 20);
    assert_false(process_is_over(process));
    assert_int_equal(S_family(&identity), 1);
    process_free(process);
    assert_int_equal(S_family(&identity), 0);
    char *began = str_format("%s/began", S_directory);
    assert_int_not_equal(access(began, F_OK), 0);
    free(began);
    free(script);
}

static void test_input_is_empty(void **state)
{
    (void)state;
    struct process *process = S_run_shell("cat; read x || echo nothing", 0);
    assert_string_equal(buf_text(&S_heard.text), "nothing|");
    process_free(process);
}

static void test_command_that_is_not_there_says_so(void **state)
{
    (void)state;
    static const char *const argv[] = {"no-such-command", NULL}, *const here[] = {"true", NULL};
    const struct process_order wrong = {.argv = argv};
    const struct process_order nowhere = {.argv = here, .folder = "/no/such/folder"};
    struct process *process = S_new(&wrong);
    process_go(process);
    S_await(process);
    assert_int_equal(process_result(process)->outcome, PROCESS_NOT_STARTED);
    S_expect_described(process, "'no-such-command' cannot be run: No such file");
    process_free(process);
    process = S_new(&nowhere);
    process_go(process);
    S_await(process);
    assert_int_equal(process_result(process)->outcome, PROCESS_NOT_STARTED);
    S_expect_described(process, "folder '/no/such/folder' cannot be entered");
    process_free(process);
}

static void test_words_reach_it_as_they_are(void **state)
{
    (void)state;
    static const char *const argv[] = {"printf", "<%s>", "a b", "", "$(id)", "*", ";", "-rf", NULL};
    const struct process_order order = {.argv = argv, .folder = S_directory};
    struct process *process = S_new(&order);
    process_go(process);
    S_await(process);
    assert_string_equal(buf_text(&S_heard.text), "<a b><><$(id)><*><;><-rf>|");
    process_free(process);
}

static void test_environment_is_cleaned(void **state)
{
    (void)state;
    static const char *const hidden[] = {"TD_SECRET", NULL}, *const added[] = {"TD_NEW=v w", NULL};
    const char *const argv[] = {"sh", "-c", "pwd; echo \"$TD_SECRET,$TD_KEPT,$TD_NEW\"", NULL};
    const struct process_order order = {
        .argv = argv, .folder = "/", .hidden = hidden, .added = added};
    setenv("TD_SECRET", "s", 1);
    setenv("TD_KEPT", "k", 1);
    setenv("TD_NEW", "old", 1);
    struct process *process = S_new(&order);
    process_go(process);
    S_await(process);
    assert_string_equal(buf_text(&S_heard.text), "/|,k,v w|");
    process_free(process);
}

/* The server would keep 63 bytes of it, and put marks of its own for what cannot be seen. */
static void test_its_sessions_are_named(void **state)
{
    (void)state;
    static const char *const added[] = {"PGAPPNAME=of a connection", NULL};
    const char *const argv[] = {"sh", "-c", "echo \"$PGAPPNAME\"; env | grep -c PGAPPNAME", NULL};
    const struct process_order order = {
        .argv = argv,
        .added = added,
        .title = "sch\xc3\xa9ma of a\nplan whose name is long and longer than that"};
    setenv("PGAPPNAME", "of somebody", 1);
    struct process *process = S_new(&order);
    struct process_identity who = S_identify(process_pid(process));
    process_go(process);
    S_await(process);
    char *whole =
        str_format("tenantdeck-child %d:%lld sch??ma of a?plan whose name is long and lon",
                   (int)who.pid, (long long)who.start_ticks);
    char *wanted = str_format("%.63s|1|", whole);
    assert_string_equal(buf_text(&S_heard.text), wanted);
    unsetenv("PGAPPNAME");
    free(wanted);
    free(whole);
    process_free(process);
}

static void test_nothing_of_ours_is_inherited(void **state)
{
    (void)state;
    enum { OPEN = 57 };
    assert_int_equal(dup2(STDERR_FILENO, OPEN), OPEN);
    signal(SIGTERM, SIG_IGN);
    struct process *process =
        S_run_shell("for f in /proc/$$/fd/*; do echo ${f##*/}; done; kill $$; echo lives", 0);
    signal(SIGTERM, SIG_DFL);
    close(OPEN);
    assert_null(strstr(buf_text(&S_heard.text), "57"));
    assert_null(strstr(buf_text(&S_heard.text), "lives"));
    assert_int_equal(WTERMSIG(process_result(process)->status), SIGTERM);
    process_free(process);
}

/* ---- too much, too long ---- */

static void test_much_output_is_heard_to_its_end(void **state)
{
    (void)state;
    struct process *process = S_run_shell("yes 0123456789 | head -c 100000000", 0);
    assert_int_equal(process_result(process)->status, 0);
    assert_int_equal(S_heard.lines, 100000000 / 11 + 1);
    assert_int_equal(S_heard.bytes + S_heard.lines - 1, 100000000);
    process_free(process);
}

static void test_long_line_comes_in_pieces(void **state)
{
    (void)state;
    struct process *process = S_run_shell("head -c 5000000 /dev/zero; echo; echo end", 0);
    assert_int_equal(S_heard.lines, 2);
    assert_int_equal(S_heard.bytes, 5000003);
    assert_int_equal(S_heard.longest, PROCESS_LINE);
    process_free(process);
}

static void test_time_that_is_up_ends_all_of_it(void **state)
{
    (void)state;
    struct process *process =
        S_new_shell("trap '' TERM; (trap '' TERM; while :; do read x < /dev/zero; done) & "
                    "echo began; wait; while :; do :; done",
                    300);
    struct process_identity identity = S_identify(process_pid(process));
    process_go(process);
    S_await(process);
    assert_int_equal(process_result(process)->outcome, PROCESS_TIMED_OUT);
    assert_int_equal(WTERMSIG(process_result(process)->status), SIGKILL);
    assert_string_equal(buf_text(&S_heard.text), "began|");
    assert_int_equal(S_family(&identity), 0);
    S_expect_described(process, "its time was up");
    process_free(process);
}

static void test_end_takes_those_along_that_left_the_group(void **state)
{
    (void)state;
    struct process *process = S_new_shell("setsid sleep 1000 & sleep 1000", 0);
    struct process_identity identity = S_identify(process_pid(process));
    process_go(process);
    S_await_family(&identity, 3, 3);
    process_end(process);
    S_await(process);
    assert_int_equal(process_result(process)->outcome, PROCESS_ENDED);
    assert_int_equal(WTERMSIG(process_result(process)->status), SIGTERM);
    assert_int_equal(S_family(&identity), 0);
    S_expect_described(process, "it was ended");
    process_free(process);
}

/* ---- what it leaves behind ---- */

static void test_daemon_with_the_pipe_stalls_nobody(void **state)
{
    (void)state;
    struct process *process = S_new_shell("setsid sleep 1000 & sleep 1000 & echo $!", 0);
    struct process_identity identity = S_identify(process_pid(process));
    struct err err = {0};
    process_go(process);
    S_await(process);
    const struct process_result *result = process_result(process);
    assert_int_equal(result->outcome, PROCESS_EXITED);
    assert_int_equal(result->status, 0);
    assert_true(result->ms < PATIENCE_MS / 2);
    /* The shell's word is the pid of one of the two. */
    char *pid = str_ndup(buf_text(&S_heard.text), strcspn(buf_text(&S_heard.text), "|"));
    assert_non_null(result->left);
    assert_non_null(strstr(result->left, pid));
    assert_non_null(strchr(result->left, ' '));
    free(pid);
    process_free(process);
    assert_int_equal(S_family(&identity), 2);
    assert_true(process_put_down(S_loop, &identity, PATIENCE_MS, &err));
    assert_int_equal(S_family(&identity), 0);
}

/* A worker in a process of its own: starts `script`, tells who it is, and kills itself. */
static struct process_identity S_orphan(const char *script, bool open_the_gate)
{
    int told[2];
    struct process_identity identity;
    assert_int_equal(pipe(told), 0);
    pid_t worker = fork();
    if (worker == 0) {
        const char *const argv[] = {"sh", "-c", script, NULL};
        const struct process_order order = {.argv = argv};
        struct err err = {0};
        struct process *process = process_new(S_loop, &order, NULL, NULL, &err);
        if (!process || !process_identify(process_pid(process), &identity, &err))
            _exit(1);
        if (open_the_gate) {
            process_go(process);
            for (bool elsewhere; process_family(&identity, NULL, 0, &elsewhere) < 2;)
                loop_turn(S_loop, 20);
        }
        if (write(told[1], &identity, sizeof(identity)) == sizeof(identity))
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    int status;
    close(told[1]);
    assert_int_equal(read(told[0], &identity, sizeof(identity)), sizeof(identity));
    close(told[0]);
    assert_int_equal(waitpid(worker, &status, 0), worker);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return identity;
}

static void test_orphans_are_found_and_put_down(void **state)
{
    (void)state;
    struct err err = {0};
    struct process_identity identity = S_orphan("sleep 1000 & wait", true);
    /* The shell goes with its worker; what it has started is found by its mark. */
    S_await_family(&identity, 1, 1);
    assert_true(process_put_down(S_loop, &identity, PATIENCE_MS, &err));
    assert_int_equal(S_family(&identity), 0);
    assert_true(process_put_down(S_loop, &identity, PATIENCE_MS, &err));
}

static void test_orphan_at_the_gate_never_begins(void **state)
{
    (void)state;
    char *began = str_format("%s/began", S_directory);
    char *script = str_format("echo x > %s", began);
    struct process_identity identity = S_orphan(script, false);
    S_await_family(&identity, 0, 0);
    assert_int_not_equal(access(began, F_OK), 0);
    free(script);
    free(began);
}

static void test_another_process_is_never_taken_for_it(void **state)
{
    (void)state;
    struct process *process = S_new_shell("sleep 1000", 0);
    struct process_identity right = S_identify(process_pid(process)), later = right,
                            rebooted = right, other = right;
    struct err err = {0};
    bool elsewhere;
    process_go(process);
    later.start_ticks++;
    rebooted.boot_id[0] = rebooted.boot_id[0] == 'a' ? 'b' : 'a';
    snprintf(other.host, sizeof(other.host), "elsewhere");
    assert_true(S_family(&right) >= 1);
    assert_int_equal(S_family(&later), 0);
    assert_int_equal(S_family(&rebooted), 0);
    assert_true(process_put_down(S_loop, &later, PATIENCE_MS, &err));
    assert_int_equal(process_family(&other, NULL, 0, &elsewhere), 0);
    assert_true(elsewhere);
    assert_false(process_put_down(S_loop, &other, PATIENCE_MS, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_non_null(strstr(err.text, "on host 'elsewhere'"));
    assert_true(S_family(&right) >= 1);
    process_free(process);
    assert_int_equal(S_family(&right), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_code_and_words_are_kept),
        cmocka_unit_test(test_exit_code_is_kept_whoever_started_us),
        cmocka_unit_test(test_signal_is_kept),
        cmocka_unit_test(test_nothing_begins_before_the_gate_opens),
        cmocka_unit_test(test_input_is_empty),
        cmocka_unit_test(test_command_that_is_not_there_says_so),
        cmocka_unit_test(test_words_reach_it_as_they_are),
        cmocka_unit_test(test_environment_is_cleaned),
        cmocka_unit_test(test_its_sessions_are_named),
        cmocka_unit_test(test_nothing_of_ours_is_inherited),
        cmocka_unit_test(test_much_output_is_heard_to_its_end),
        cmocka_unit_test(test_long_line_comes_in_pieces),
        cmocka_unit_test(test_time_that_is_up_ends_all_of_it),
        cmocka_unit_test(test_end_takes_those_along_that_left_the_group),
        cmocka_unit_test(test_daemon_with_the_pipe_stalls_nobody),
        cmocka_unit_test(test_orphans_are_found_and_put_down),
        cmocka_unit_test(test_orphan_at_the_gate_never_begins),
        cmocka_unit_test(test_another_process_is_never_taken_for_it),
    };
    return cmocka_run_group_tests(tests, S_setup, S_teardown);
}
