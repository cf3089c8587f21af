/*
 * Whatever stands in a file, a key or a name: the parsers answer or refuse, and what reaches a
 * terminal is harmless. Good texts are mutated by a fixed random sequence, so a failure can be had
 * again; TD_FUZZ_ROUNDS says how often (`make check-long` asks for many). The sanitizers see what
 * an assertion cannot.
 */
#include "csvmap.h"
#include "env.h"
#include "ini.h"
#include "key_template.h"
#include "plan.h"
#include "redis.h"
#include "sql.h"
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 2000, MOST = 4096 };

static uint64_t S_seed = 20260131;

static uint32_t S_random(uint32_t below)
{
    S_seed = S_seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(S_seed >> 33) % below;
}

static int S_rounds(void)
{
    const char *wanted = getenv("TD_FUZZ_ROUNDS");
    return wanted ? atoi(wanted) : ROUNDS;
}

/* What breaks parsers more often than a random byte does. */
static const char *const S_pieces[] = {
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\r",
    "[",
    "]",
    "=",
    "#",
    ";",
    ",",
    ":",
    "{",
    "}",
    "%",
    "%00",
    "%zz",
    "\xef\xbb\xbf",
    "\xff\xfe",
    "\xc0\xaf",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "\x1b]52;c;x\a",
    "\xc2\x9b"
    "31m",
    "\xe2\x80\xae",
    "\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
    "$(x)",
    "99999999999999999999",
    "-1",
    "'",
    ":\"x\"",
    ":'x'",
    "primary key = ",
    "[table \"",
    "from = ",
};

static size_t S_mutate(char *text, size_t len)
{
    for (uint32_t changes = 1 + S_random(6); changes; changes--) {
        size_t at = S_random((uint32_t)len + 1);
        const char *piece = S_pieces[S_random(ARRAY_LEN(S_pieces))];
        size_t more = strlen(piece), span = S_random(24);
        switch (S_random(5)) {
        case 0: /* another byte */
            if (at < len)
                text[at] = (char)S_random(256);
            break;
        case 1: /* a piece more */
            if (len + more < MOST) {
                memmove(text + at + more, text + at, len - at);
                memcpy(text + at, piece, more);
                len += more;
            }
            break;
        case 2: /* a span less */
            span = span > len - at ? len - at : span;
            memmove(text + at, text + at + span, len - at - span);
            len -= span;
            break;
        case 3: /* a span twice */
            span = span > len - at ? len - at : span;
            if (len + span < MOST) {
                memmove(text + at + span, text + at, len - at);
                len += span;
            }
            break;
        default: /* cut off */
            if (S_random(8) == 0)
                len = at;
        }
    }
    return len;
}

/* A file that is nowhere, with this text; its path goes to `path`. */
static int S_file_of(const char *text, size_t len, char path[static 32])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void S_expect_sentence(const struct err *err)
{
    assert_true(err->kind != ERR_NONE);
    assert_true(*err->text);
}

/* ---- what is fuzzed: each takes a mutated text ---- */

static void S_plan(const char *text, size_t len)
{
    char path[32];
    int fd = S_file_of(text, len, path);
    struct plan *plan = NULL;
    struct err err = {0};
    if (plan_read(path, &plan, &err))
        assert_non_null(plan->name);
    else
        S_expect_sentence(&err);
    plan_free(plan);
    close(fd);
}

static void S_csv(const char *text, size_t len)
{
    char path[32];
    int fd = S_file_of(text, len, path);
    struct csvmap_shape shape = {"organization_id", "organization_code", "tenant_code"};
    struct csvmap_totals totals;
    struct err err = {0};
    if (csvmap_read(path, &shape, NULL, &totals, &err))
        assert_true(totals.rows > 0);
    else
        S_expect_sentence(&err);
    close(fd);
}

static void S_env(const char *text, size_t len)
{
    char path[32];
    int fd = S_file_of(text, len, path);
    struct env env = {0};
    struct err err = {0};
    if (env_read(path, &env, &err)) {
        for (size_t i = 0; i < env_name_count; i++)
            if (env.entries[i].value)
                free(env_masked(&env_names[i], env.entries[i].value));
        env_release(&env);
    } else {
        S_expect_sentence(&err);
    }
    close(fd);
}

static void S_ini(const char *text, size_t len)
{
    struct ini *ini = NULL;
    struct err err = {0};
    if (!ini_parse("fuzz.conf", text, len, &ini, &err)) {
        S_expect_sentence(&err);
        assert_true(str_starts(err.text, "fuzz.conf"));
    }
    ini_free(ini);
}

static void S_address(const char *text, size_t len)
{
    char *url = str_ndup(text, len);
    struct redis_target target;
    struct err err = {0};
    if (redis_target_parse(url, &target, &err)) {
        char *shown = redis_target_describe(&target);
        bool elsewhere =
            target.password && strstr(target.path ? target.path : target.host, target.password);
        if (target.password && strlen(target.password) > 8 && !elsewhere)
            assert_null(strstr(shown, target.password));
        free(shown);
        redis_target_release(&target);
    } else {
        S_expect_sentence(&err);
    }
    free(url);
}

static void S_shown(const char *text, size_t len)
{
    struct buf clean = {0}, padded = {0};
    text_clean(&clean, text, len);
    assert_true(text_is_utf8(buf_text(&clean), clean.len));
    for (size_t at = 0, used; at < clean.len; at += used) {
        int32_t rune = text_next(clean.text + at, clean.len - at, &used);
        assert_true(rune >= 0x20 && !(rune >= 0x7f && rune <= 0x9f));
        assert_true(rune < 0x200b || rune > 0x200f);
        assert_true(rune < 0x202a || rune > 0x202e);
    }
    size_t width = S_random(40);
    text_pad(&padded, buf_text(&clean), width, S_random(2) ? TEXT_LEFT : TEXT_RIGHT, S_random(2));
    assert_int_equal(text_width(buf_text(&padded)), width);
    buf_release(&clean);
    buf_release(&padded);
}

static void S_key(const char *text, size_t len)
{
    static const char *const patterns[] = {"org:{org}:*", "tenant:{tenant}:org:{org}:*", "*"};
    struct key_owner owner;
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
        if (key_template_match(patterns[i], text, len, &owner) && owner.organization)
            assert_true(owner.organization > text &&
                        owner.organization + owner.organization_len <= text + len);
}

/* Whatever the value is, it stays inside its quotes. */
static void S_statement(const char *text, size_t len)
{
    char *value = str_ndup(text, len), *filled = NULL;
    struct sql_variable variables[] = {{"x", value}};
    struct err err = {0};
    assert_true(sql_fill(":\"x\"", variables, 1, &filled, &err));
    size_t quotes = 0;
    for (const char *at = filled + 1; at[1]; at++)
        quotes += *at == '"';
    assert_true(quotes % 2 == 0);
    free(filled);
    free(value);
}

static const struct {
    const char *name, *text;
    void (*run)(const char *text, size_t len);
} S_targets[] = {
    {"plan",
     "[plan]\n name = site\n kind = columns\n[mapping]\n file = codes.csv\n key = organization_id\n"
     " default = 1 org tenant\n users = people.id org\n[column \"tenant_code\"]\n"
     " type = varchar(20)\n[column \"organization_code\"]\n type = text\n[table \"t\"]\n"
     " from = own org\n primary key = tenant_code id\n[table \"c\"]\n from = parent t.id by t_id\n"
     " foreign key = tenant_code t_id -> t tenant_code id\n unique = tenant_code code\n"
     "[keys \"sessions\"]\n pattern = sessions:{org}:*\n ttl = 7200\n"
     "[service]\n folder = app\n migrations = up\n[outside \"schema\"]\n"
     " command = npx \\\"a b\\\" up\n undo = x\n failure = ERROR:\n timeout = 5 min\n"
     "[functions]\n file = f.sql\n[views]\n file = v.sql\n[warm \"w\"]\n file = w.sql\n"
     " key = tenant:{tenant}:w:{id}\n ttl = 60\n[throttle]\n batch = 250 ms\n lag = 10 s\n"
     " pages = 64\n query = q.sql\n",
     S_plan},
    {"mapping",
     "organization_id,organization_code,tenant_code\n1,default_org,default_tenant\n"
     "2,\"a, b\",t2\n3,o3,t3\n",
     S_csv},
    {"env",
     "export DB_HOST=localhost\nDEV_DATABASE_URL=\"postgres://u:secret@h/db\"\n# x\n"
     "DEFAULT_TENANT_CODE='t' # y\nREDIS_HOST=redis://h\n",
     S_env},
    {"ini",
     "[deck]\n  environment = PROD ; x\n[database \"main\"]\n conninfo = \"a\\\"b\" \\\n c\n",
     S_ini},
    {"address", "redis://anna:a-long-secret@[::1]:6379/3", S_address},
    {"shown", "a name \xe4\xb8\xad\xe6\x96\x87 e\xcc\x81 of some length", S_shown},
    {"key", "tenant:t1:org:o1:forms:a:b", S_key},
    {"statement", "a name \"with\" quotes and a \\", S_statement},
};

static void S_everything_holds(void **state)
{
    (void)state;
    char text[MOST + 64];
    for (size_t i = 0; i < ARRAY_LEN(S_targets); i++) {
        for (int round = 0; round < S_rounds(); round++) {
            size_t len = strlen(S_targets[i].text);
            memcpy(text, S_targets[i].text, len);
            S_targets[i].run(text, S_mutate(text, len));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(S_everything_holds)};
    return cmocka_run_group_tests_name("fuzz", tests, NULL, NULL);
}
