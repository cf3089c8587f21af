/* test_verb: the table of verbs, how a verb is found, its guards, and what is generated from it. */
#include "verb.h"
#include "verb_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

static void test_rows_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < verb_count(); i++) {
        const struct verb *verb = verb_at(i);
        assert_true(verb->name && *verb->name && verb->args && verb->group);
        assert_true(verb->manual && strlen(verb->manual) > 40);
        assert_true(verb->summary && !str_ends(verb->summary, "."));
        assert_true(verb->min_args <= verb->max_args);
        assert_int_equal(*verb->args == '\0', verb->max_args == 0);
        assert_true(verb->kinds != 0);
        assert_int_equal(verb->effect != READS, verb->question != NULL);
        assert_int_equal(verb->run == NULL,
                         str_starts(verb->name, "demo") && !str_is(verb->name, "demo load"));
        for (size_t j = i + 1; j < verb_count(); j++)
            assert_string_not_equal(verb->name, verb_at(j)->name);
    }
}

static bool S_agree(const struct verb_option *a, const struct verb_option *b)
{
    if (str_is(a->name, b->name))
        return a->letter == b->letter && !a->arg == !b->arg;
    return !a->letter || a->letter != b->letter;
}

/* The command line reads options before it knows the verb, so one name has one form everywhere. */
static void test_options_agree_between_verbs(void **state)
{
    (void)state;
    for (size_t i = 0; i < verb_count() * VERB_OPTIONS; i++) {
        const struct verb_option *a = &verb_at(i / VERB_OPTIONS)->options[i % VERB_OPTIONS];
        for (size_t c = 0; a->name && c < common_option_count; c++)
            if (str_is(a->name, common_options[c].name) || !S_agree(a, &common_options[c]))
                fail_msg("'--%s' clashes with a common option", a->name);
        for (size_t j = 0; a->name && j < verb_count() * VERB_OPTIONS; j++) {
            const struct verb_option *b = &verb_at(j / VERB_OPTIONS)->options[j % VERB_OPTIONS];
            if (b->name && !S_agree(a, b))
                fail_msg("'--%s' and '--%s' do not agree", a->name, b->name);
        }
    }
}

/* ---- finding ---- */

static const struct verb *S_find(const char *line, size_t *used, struct err *err)
{
    static char copy[128];
    const char *words[8];
    size_t count = 0;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[count++] = word;
    *err = (struct err){0};
    return verb_find(words, count, used, err);
}

static void test_the_longest_name_wins(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name;
        size_t used;
    } cases[] = {{"status", "status", 1},         {"status tables", "status", 1},
                 {"plan check", "plan check", 2}, {"demo load", "demo load", 2},
                 {"demo status", "demo", 1},      {"plan show mentoring", "plan show", 2}};
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t used;
        const struct verb *verb = S_find(cases[i].line, &used, &err);
        assert_non_null(verb);
        assert_string_equal(verb->name, cases[i].name);
        assert_int_equal(used, cases[i].used);
    }
}

static void test_slips_are_answered_with_the_nearest(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"stats", "'status'"},
                                           {"sttaus", "'status'"},
                                           {"hlep", "'help'"},
                                           {"plan chek", "'plan check'"},
                                           {"tenants list", "'tenant list'"},
                                           {"plan", "list, show, check"},
                                           {"plan frobnicate", "list, show, check"},
                                           {"frobnicate", "tenantdeck help"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t used;
        struct err err;
        assert_null(S_find(cases[i][0], &used, &err));
        assert_int_equal(err.kind, ERR_USAGE);
        if (!strstr(err.text, cases[i][1]) && !strstr(err.hint, cases[i][1]))
            fail_msg("'%s': '%s', '%s'", cases[i][0], err.text, err.hint);
    }
}

/* ---- guards ---- */

static int S_runs;

static bool S_run(struct verb_call *call, struct err *err)
{
    (void)call;
    (void)err;
    S_runs++;
    return true;
}

static void S_expect(const struct verb *verb, struct session *session, bool json, bool yes,
                     enum err_kind kind, const char *part)
{
    static const char *const args[] = {"one", "two"};
    struct err err = {0};
    struct verb_call call = {.verb = verb,
                             .session = session,
                             .args = args,
                             .json = json,
                             .yes = yes,
                             .arg_count = 1,
                             .out = stdout};
    S_runs = 0;
    bool ok = verb_run(&call, &err);
    assert_int_equal(ok, kind == ERR_NONE);
    assert_int_equal(S_runs, ok);
    assert_int_equal(err.kind, kind);
    if (part && !strstr(err.text, part))
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_guards(void **state)
{
    (void)state;
    struct session session = {0};
    struct plan cache = {.name = "sessions", .kind = PLAN_CACHE};
    struct verb verb = {
        .name = "x", .args = "[A]", .max_args = 1, .kinds = ALL_KINDS, .run = S_run};
    S_expect(&verb, &session, false, false, ERR_NONE, NULL);
    S_expect(&verb, &session, true, false, ERR_USAGE, "JSON");
    verb.max_args = 0;
    S_expect(&verb, &session, false, false, ERR_USAGE, "'one'");
    verb.min_args = verb.max_args = 2;
    S_expect(&verb, &session, false, false, ERR_USAGE, "wants");
    verb.min_args = 0;
    verb.needs = NEEDS_REDIS;
    S_expect(&verb, &session, false, false, ERR_USAGE, "Redis");
    verb.needs = NEEDS_DATABASE;
    S_expect(&verb, &session, false, false, ERR_USAGE, "database");
    verb.needs = NEEDS_PLAN;
    S_expect(&verb, &session, false, false, ERR_USAGE, "plan");
    verb.kinds = 1u << PLAN_COLUMNS;
    session.plan = &cache;
    S_expect(&verb, &session, false, false, ERR_REFUSED, "'sessions'");
    verb.kinds = 1u << PLAN_CACHE;
    S_expect(&verb, &session, false, false, ERR_NONE, NULL);
}

static void test_change_wants_leave_and_yes(void **state)
{
    (void)state;
    struct session session = {0};
    struct verb verb = {.name = "x",
                        .args = "[A]",
                        .max_args = 1,
                        .kinds = ALL_KINDS,
                        .effect = REVERSIBLE,
                        .run = S_run};
    S_expect(&verb, &session, false, true, ERR_REFUSED, "only looks");
    session.operator_mode = true;
    S_expect(&verb, &session, false, false, ERR_REFUSED, "nobody said yes");
    S_expect(&verb, &session, false, true, ERR_NONE, NULL);
    verb.run = NULL;
    S_expect(&verb, &session, false, true, ERR_REFUSED, "its own servers");
}

static void S_expect_typed(const struct verb *verb, const char *typed, const char *refusal)
{
    struct session session = {.operator_mode = true,
                              .database = {.conninfo = (char *)"host=/tmp dbname='my db'"}};
    struct err err = {0};
    struct verb_call call = {
        .verb = verb, .session = &session, .yes = true, .confirmed = typed, .out = stdout};
    S_runs = 0;
    assert_int_equal(verb_run(&call, &err), refusal == NULL);
    assert_int_equal(S_runs, refusal == NULL);
    assert_int_equal(err.kind, refusal ? ERR_REFUSED : ERR_NONE);
    if (refusal && !strstr(err.text, refusal))
        fail_msg("'%s' does not say '%s'", err.text, refusal);
}

static void test_what_destroys_wants_the_name_typed(void **state)
{
    (void)state;
    const struct verb verb = {
        .name = "x", .args = "", .kinds = ALL_KINDS, .effect = DESTRUCTIVE, .run = S_run};
    S_expect_typed(&verb, NULL, "nobody typed");
    S_expect_typed(&verb, "", "nobody typed");
    S_expect_typed(&verb, "my", "is 'my db', and not 'my'");
    S_expect_typed(&verb, "MY DB", "and not");
    S_expect_typed(&verb, "my db", NULL);
}

/* ---- what is generated ---- */

static char *S_generated(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

static void S_fits(const char *text)
{
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 80)
            fail_msg("over 80 columns: %.100s", line);
}

/* However wide the terminal is. */
static void S_help_of_all(FILE *out)
{
    help_overview(out, 200);
}

static void test_help_names_everything_in_80_columns(void **state)
{
    (void)state;
    char *help = S_generated(S_help_of_all);
    S_fits(help);
    for (size_t i = 0; i < verb_count(); i++) {
        char *row = str_format("\n  %s", verb_at(i)->name);
        assert_non_null(strstr(help, row));
        assert_non_null(strstr(help, verb_at(i)->summary));
        free(row);
    }
    for (size_t i = 0; i < common_option_count; i++)
        assert_non_null(strstr(help, common_options[i].name));
    free(help);
}

static const struct verb *S_verb;

static void S_help_of_verb(FILE *out)
{
    help_verb(out, S_verb, 200);
}

static void test_each_verb_has_its_help_in_80_columns(void **state)
{
    (void)state;
    for (size_t v = 0; v < verb_count(); v++) {
        S_verb = verb_at(v);
        char *help = S_generated(S_help_of_verb);
        S_fits(help);
        assert_non_null(strstr(help, S_verb->name));
        for (size_t i = 0; i < VERB_OPTIONS && S_verb->options[i].name; i++)
            assert_non_null(strstr(help, S_verb->options[i].name));
        free(help);
    }
}

static void test_manual_names_every_verb(void **state)
{
    (void)state;
    char *man = S_generated(help_man);
    for (size_t i = 0; i < verb_count(); i++) {
        char *row = str_format(".TP\n\\fB%s\\fR", verb_at(i)->name);
        assert_non_null(strstr(man, row));
        free(row);
    }
    assert_non_null(strstr(man, "\\fB\\-\\-env\\-file\\fR=\\fIFILE\\fR"));
    free(man);
}

static void test_completion_has_every_word(void **state)
{
    (void)state;
    char *script = S_generated(help_completion);
    for (size_t i = 0; i < verb_count(); i++) {
        char *copy = str_dup(verb_at(i)->name);
        for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
            char *padded = str_format(" %s", word);
            assert_non_null(strstr(script, padded));
            free(padded);
        }
        free(copy);
    }
    free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_complete),
        cmocka_unit_test(test_options_agree_between_verbs),
        cmocka_unit_test(test_the_longest_name_wins),
        cmocka_unit_test(test_slips_are_answered_with_the_nearest),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_change_wants_leave_and_yes),
        cmocka_unit_test(test_what_destroys_wants_the_name_typed),
        cmocka_unit_test(test_help_names_everything_in_80_columns),
        cmocka_unit_test(test_each_verb_has_its_help_in_80_columns),
        cmocka_unit_test(test_manual_names_every_verb),
        cmocka_unit_test(test_completion_has_every_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
