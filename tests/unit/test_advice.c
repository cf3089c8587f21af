/* test_advice: every hint in the sources names what the console has, where it has it. */
#include "advice.h"

#include "file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

static void S_becomes(const char *text, const char *wanted)
{
    char *here = advice_here(text);
    assert_string_equal(here, wanted);
    free(here);
}

static void test_what_can_be_typed_is_named(void **state)
{
    (void)state;
    S_becomes("say 'tenantdeck validate' first", "say ':validate' first");
    S_becomes("'tenantdeck run mapping' reads, 'tenantdeck log -f' tells",
              "':run mapping' reads, ':log -f' tells");
    S_becomes("in a line that was 'tenantdeck\n   backup list' broken",
              "in a line that was ':backup list' broken");
}

static void test_what_cannot_stays(void **state)
{
    (void)state;
    S_becomes("a session of 'tenantdeck %'", "a session of 'tenantdeck %'");
    S_becomes("'tenantdeck plan ' || $1", "'tenantdeck plan ' || $1");
    S_becomes("'tenantdeck'", "'tenantdeck'");
    S_becomes("", "");
}

/* The literals of a source as the compiler joins them: what stands between '"' and '"' goes. */
static char *S_join_literals(const char *source)
{
    struct buf out = {0};
    for (const char *at = source; *at; at++) {
        const char *next = at + 1 + strspn(at + 1, " \n");
        if (*at == '"' && next > at + 1 && *next == '"')
            at = next;
        else
            buf_add_char(&out, *at);
    }
    return buf_take(&out);
}

/* A format's word stands for a step or a verb; any will do. */
static char *S_fill_formats(const char *text)
{
    struct buf out = {0};
    for (; *text; text++) {
        if (text[0] == '%' && text[1] == 's')
            buf_add(&out, "report"), text++;
        else
            buf_add_char(&out, *text);
    }
    return buf_take(&out);
}

/* One with options before the verb is about other servers, or another plan, than the console's. */
static size_t S_check_hints(const char *path)
{
    struct file file;
    struct err err = {0};
    size_t count = 0;
    assert_true(file_read(path, &file, &err));
    char *joined = S_join_literals(buf_text(&file.text)), *text = S_fill_formats(joined);
    for (const char *at = text; (at = strstr(at, "'tenantdeck ")); at++, count++) {
        char *hint = str_format("%.*s'", (int)(1 + strcspn(at + 1, "'")), at);
        char *here = advice_here(hint);
        if (!str_starts(here, "':") && !str_starts(hint, "'tenantdeck -"))
            fail_msg("%s: the console does not have %s", path, hint);
        free(here);
        free(hint);
    }
    free(text);
    free(joined);
    file_release(&file);
    return count;
}

static void test_all_hints_can_be_said(void **state)
{
    char *pattern = str_format("%s/src/*/*.c", getenv("TD_SRCDIR"));
    glob_t sources;
    size_t count = 0;
    (void)state;
    assert_int_equal(glob(pattern, 0, NULL, &sources), 0);
    for (size_t i = 0; i < sources.gl_pathc; i++)
        count += S_check_hints(sources.gl_pathv[i]);
    assert_true(count > 40);
    globfree(&sources);
    free(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_can_be_typed_is_named),
        cmocka_unit_test(test_what_cannot_stays),
        cmocka_unit_test(test_all_hints_can_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
