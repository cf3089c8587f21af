/*
 * What the doors can be asked without a server: addresses, error kinds, INFO, key templates, maps.
 */
#include "key_choice.h"
#include "key_glob.h"
#include "key_template.h"
#include "loop.h"
#include "map.h"
#include "pg.h"
#include "redis.h"
#include "redis_layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Redis addresses ---- */

struct address {
    const char *url;
    const char *host, *path, *user, *password;
    int port, db;
};

static void S_same(const char *got, const char *expected)
{
    if (expected)
        assert_string_equal(got, expected);
    else
        assert_null(got);
}

static void S_good_addresses(void **state)
{
    (void)state;
    static const struct address cases[] = {
        {"redis://", "localhost", NULL, NULL, NULL, 6379, 0},
        {"redis://cache1", "cache1", NULL, NULL, NULL, 6379, 0},
        {"redis://cache1:7000/3", "cache1", NULL, NULL, NULL, 7000, 3},
        {"redis://:se%40cret@cache1", "cache1", NULL, NULL, "se@cret", 6379, 0},
        {"redis://anna:a:b@cache1:1/", "cache1", NULL, "anna", "a:b", 1, 0},
        {"redis://[::1]:7000/1", "::1", NULL, NULL, NULL, 7000, 1},
        {"unix:///run/redis.sock", NULL, "/run/redis.sock", NULL, NULL, 6379, 0},
        {"unix:///run/my%20redis.sock?db=2", NULL, "/run/my redis.sock", NULL, NULL, 6379, 2},
        {"rediss://cache1:7000/3", "cache1", NULL, NULL, NULL, 7000, 3},
        {"rediss://a:b@cache1?cacert=/ca.pem&sni=x", "cache1", NULL, "a", "b", 6379, 0},
        {"cache1:7001", "cache1", NULL, NULL, NULL, 7001, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct redis_target target;
        struct err err = {0};
        if (!redis_target_parse(cases[i].url, &target, &err))
            fail_msg("%s: %s", cases[i].url, err.text);
        S_same(target.host, cases[i].host);
        S_same(target.path, cases[i].path);
        S_same(target.user, cases[i].user);
        S_same(target.password, cases[i].password);
        assert_int_equal(target.port, cases[i].port);
        assert_int_equal(target.db, cases[i].db);
        redis_target_release(&target);
    }
}

static void S_bad_addresses_are_refused_without_repeating_them(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "http://secret@x",
        "https://secret@x",
        "ftp://secret@x",
        "redis://secret@x:port",
        "redis://x:0/secret",
        "redis://:secret%zz@x",
        "redis://secret@x/-1",
        "redis://:secret%00@x",
        "unix://secret",
        "unix:///s?secret=1",
        "redis://secret@x:65536",
        "redis://secret@[::1",
        "redis://secret@[::1]x",
        "redis://secret@x/1?a=b",
        "redis://secret@x/99999999999999999999",
        "rediss://secret@x?cacert=",
        "rediss://secret@x?cacert=a&cacert=b",
        "rediss://secret@x?insecure=1",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct redis_target target;
        struct err err = {0};
        if (redis_target_parse(cases[i], &target, &err))
            fail_msg("%s was taken", cases[i]);
        assert_int_equal(err.kind, ERR_USAGE);
        assert_null(strstr(err.text, "secret"));
        assert_true(*err.hint);
    }
}

static void S_descriptions_hide_passwords(void **state)
{
    (void)state;
    struct redis_target target;
    struct err err = {0};
    assert_true(redis_target_parse("redis://anna:secret@cache1/2", &target, &err));
    char *text = redis_target_describe(&target);
    assert_string_equal(text, "cache1:6379/2");
    free(text);
    redis_target_release(&target);

    struct pg_target url = {.conninfo = (char *)"postgres://anna:secret@db1:6432/mentoring"};
    text = pg_target_describe(&url);
    assert_string_equal(text, "mentoring@db1");
    free(text);
    struct pg_target words = {.conninfo = (char *)"dbname=shop password=secret host=/run/pg"};
    text = pg_target_describe(&words);
    assert_string_equal(text, "shop@local");
    free(text);
}

static void S_info_is_read(void **state)
{
    (void)state;
    const char *info =
        "# Memory\r\nused_memory:1024\r\nused_memory_human:1K\r\nredis_version:7.0.15\r\n"
        "db0:keys=12,expires=3\r\n";
    assert_int_equal(redis_info_int(info, "used_memory"), 1024);
    assert_int_equal(redis_info_int(info, "memory"), -1);
    assert_int_equal(redis_info_int(info, "redis_version"), -1);
    char *version = redis_info_text(info, "redis_version");
    assert_string_equal(version, "7.0.15");
    free(version);
    assert_null(redis_info_text(info, "used"));
}

/* The slots that CLUSTER KEYSLOT gives for the same keys. */
static void S_slots_are_those_of_redis(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        unsigned slot;
    } cases[] = {{"foo", 12182},
                 {"123456789", 12739},
                 {"{user1000}.following", 3443},
                 {"foo{}{bar}", 8363},
                 {"foo{{bar}}zap", 4015},
                 {"foo{bar}{zap}", 5061},
                 {"", 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(redis_slot(cases[i].key, strlen(cases[i].key)), cases[i].slot);
}

/* ---- PostgreSQL ---- */

/* ---- the layout of a cluster ---- */

static bool S_read_layout(const char *a, const char *b, struct redis_layout *layout)
{
    struct err err = {0};
    *layout = (struct redis_layout){.node_count = 2, .nodes = mem_array(2, sizeof(*layout->nodes))};
    layout->nodes[0] = (struct layout_node){.name = str_dup("10.0.0.1:7001"), .text = str_dup(a)};
    layout->nodes[1] = (struct layout_node){.name = str_dup("10.0.0.2:7001"), .text = str_dup(b)};
    return redis_layout_read(layout, &err);
}

static void S_layouts_are_read(void **state)
{
    (void)state;
    static const char second[] =
        "bbb 10.0.0.2:7001@17001 myself,master - 0 0 2 connected 100-16383\n";
    static const struct {
        const char *first, *to; /* NULL: it is refused */
    } cases[] = {
        {"aaa 10.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-99 [7->-bbb]\n",
         "10.0.0.2:7001"},
        {"ccc 10.0.0.3:7001@17001,host3 master - 0 0 3 connected\n"
         "aaa 10.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-99 [7->-ccc]\n",
         "10.0.0.3:7001"},
        {"ccc ::1:7001@17001 master - 0 0 3 connected\n"
         "aaa 10.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-99 [7->-ccc]\n",
         "[::1]:7001"},
        {"ccc :0@0 master,noaddr - 0 0 3 disconnected\n"
         "aaa 10.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-99 [7->-ccc]\n",
         NULL},
        {"aaa 10.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-99 [7->-ddd]\n", NULL},
        {"aaa 10.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-16384\n", NULL},
        {"no such thing", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct redis_layout layout;
        assert_int_equal(S_read_layout(cases[i].first, second, &layout), cases[i].to != NULL);
        if (cases[i].to) {
            assert_string_equal(redis_layout_owner(&layout, 7), "10.0.0.1:7001");
            assert_string_equal(redis_layout_owner(&layout, 100), "10.0.0.2:7001");
            assert_int_equal(layout.move_count, 1);
            assert_string_equal(layout.moves[0].to, cases[i].to);
        }
        redis_layout_release(&layout);
    }
}

static void S_error_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        enum err_kind kind;
    } cases[] = {
        {"55P03", ERR_RETRY},  {"40P01", ERR_RETRY},  {"40001", ERR_RETRY},   {"53300", ERR_RETRY},
        {"57P01", ERR_LOST},   {"57P02", ERR_LOST},   {"57P03", ERR_LOST},    {"08006", ERR_LOST},
        {"08003", ERR_LOST},   {"28P01", ERR_LOST},   {"42501", ERR_REFUSED}, {"42P01", ERR_FAILED},
        {"57014", ERR_FAILED}, {"53100", ERR_FAILED}, {"", ERR_FAILED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(pg_kind_of(cases[i].sqlstate), cases[i].kind);
}

/* ---- key templates ---- */

static void S_key_templates(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *key, *owner; /* owner NULL: no match; "": a match without one */
    } cases[] = {
        {"org:{org}:*", "org:acme:details", "acme"},
        {"org:{org}:*", "org:acme:a:b:c", "acme"},
        {"org:{org}:*", "org:acme", NULL},
        {"org:{org}:*", "org::details", NULL},
        {"org:{org}:*", "orga:acme:x", NULL},
        {"tenant:{tenant}:org:{org}:*", "tenant:t1:org:o1:forms", "t1"},
        {"tenant:{tenant}:sessions:{id}", "tenant:t1:sessions:9", "t1"},
        {"tenant:{tenant}:sessions:{id}", "tenant:t1:sessions:9:x", NULL},
        {"bull:*", "bull:queue:1", ""},
        {"bull:*", "bull", NULL},
        {"plain", "plain", ""},
        {"plain", "plainer", NULL},
        {"{tenant}", "acme", "acme"},
        {"*", "anything:at:all", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct key_owner owner;
        bool fits =
            key_template_match(cases[i].pattern, cases[i].key, strlen(cases[i].key), &owner);
        if (fits != (cases[i].owner != NULL))
            fail_msg("'%s' against '%s'", cases[i].key, cases[i].pattern);
        if (!fits)
            continue;
        const char *text = owner.tenant ? owner.tenant : owner.organization;
        size_t len = owner.tenant ? owner.tenant_len : owner.organization_len;
        assert_int_equal(len, strlen(cases[i].owner));
        if (len)
            assert_memory_equal(text, cases[i].owner, len);
    }
}

static void S_globs_fit_as_in_redis(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *key;
        bool fits;
    } cases[] = {
        {"org:a:*", "org:a:x:y", true},
        {"org:a:*", "org:ab:x", false},
        {"*", "", true},
        {"", "", true},
        {"", "a", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"a*b*c", "a-b-b-c", true},
        {"a*b*c", "a-b-b-", false},
        {"[a-c]x", "bx", true},
        {"[c-a]x", "bx", true},
        {"[^a-c]x", "bx", false},
        {"[^a-c]x", "dx", true},
        {"[a\\]]x", "]x", true},
        {"[abc", "b", true},
        {"a\\*b", "a*b", true},
        {"a\\*b", "axb", false},
        {"a\\", "a\\", true},
        {"*aaaaaaaaaab", "aaaaaaaaaa", false},
        {"**x**", "x", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (key_glob_match(cases[i].pattern, strlen(cases[i].pattern), cases[i].key,
                           strlen(cases[i].key)) != cases[i].fits)
            fail_msg("'%s' against '%s'", cases[i].key, cases[i].pattern);
}

static void S_globs_quote_every_byte(void **state)
{
    (void)state;
    struct buf quoted = {0};
    char text[256];
    for (int i = 0; i < 256; i++)
        text[i] = (char)i;
    key_glob_quote(&quoted, text, sizeof(text));
    assert_true(key_glob_match(quoted.text, quoted.len, text, sizeof(text)));
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] ^= 1;
        assert_false(key_glob_match(quoted.text, quoted.len, text, sizeof(text)));
        text[i] ^= 1;
    }
    buf_release(&quoted);
}

/* Whatever letters a code has: a key that is chosen fits the glob that the server is given. */
static void S_globs_leave_out_no_chosen_key(void **state)
{
    (void)state;
    struct plan_keys keys[] = {
        {.name = "a", .pattern = "session:{tenant}:*"},
        {.name = "b", .pattern = "cache:{tenant}:{type}:{id}"},
        {.name = "c", .pattern = "cache:{tenant}:*"},
        {.name = "x*", .pattern = "x*:{tenant}:y"},
    };
    const struct plan plan = {.name = "p", .keys = keys, .key_count = ARRAY_LEN(keys)};
    static const char *const types[] = {NULL, "a", "b", "c", "x*", "t[1]"};
    static const char letters[] = "ab*?[]\\^-{}";
    for (unsigned seed = 0; seed < 4000; seed++) {
        char code[5] = "", key[64];
        for (unsigned i = 0, n = seed; i < 1 + seed % 4; i++, n /= 11)
            code[i] = letters[n % (sizeof(letters) - 1)];
        struct key_choice choice = {
            .plan = &plan, .tenant = code, .type = types[seed % ARRAY_LEN(types)]};
        struct buf glob = {0};
        struct err err = {0};
        if (!key_choice_begin(&choice, &err))
            fail_msg("%s", err.text);
        bool narrow = key_choice_glob(&choice, &glob);
        for (size_t k = 0; k < 4; k++) {
            static const char *const forms[][2] = {
                {"session:", ":1"}, {"cache:", ":t[1]:9"}, {"cache:", ":u:1:2"}, {"x*:", ":y"}};
            size_t template;
            struct key_owner owner;
            snprintf(key, sizeof(key), "%s%s%s", forms[k][0], code, forms[k][1]);
            if (key_choice_judge(&choice, key, strlen(key), &template, &owner) == KEY_CHOSEN &&
                narrow && !key_glob_match(glob.text, glob.len, key, strlen(key)))
                fail_msg("'%s' does not fit '%s'", key, glob.text);
        }
        buf_release(&glob);
        key_choice_end(&choice);
    }
}

static void S_map_keeps_what_it_is_given(void **state)
{
    (void)state;
    struct map map = {0};
    char key[32];
    assert_int_equal(map_get(&map, "x"), MAP_NONE);
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        map_put(&map, key, i);
    }
    map_put(&map, "key 7", 77);
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(map_get(&map, key), i == 7 ? 77 : i);
    }
    assert_int_equal(map.count, 10000);
    assert_int_equal(map_get(&map, "key 10000"), MAP_NONE);
    map_release(&map);
}

/* ---- the loop ---- */

struct trail {
    struct loop *loop;
    char order[16];
    struct watch *watch;
    int fd;
};

static void S_append(struct trail *trail, char c)
{
    size_t len = strlen(trail->order);
    assert_true(len + 1 < sizeof(trail->order));
    trail->order[len] = c;
}

static void S_late(void *ctx)
{
    S_append(ctx, 'b');
}

static void S_early(void *ctx)
{
    struct trail *trail = ctx;
    S_append(trail, 'a');
    loop_after(trail->loop, 1, S_late, trail);
}

static void S_readable(void *ctx, short revents)
{
    struct trail *trail = ctx;
    char byte;
    assert_true(revents & POLLIN);
    assert_int_equal(read(trail->fd, &byte, 1), 1);
    S_append(trail, byte);
    loop_unwatch(trail->watch); /* a callback may remove its own watch */
}

static void S_never(void *ctx)
{
    (void)ctx;
    fail_msg("a timer that was cancelled has fired");
}

static void S_loop_calls_in_order(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct trail trail = {.loop = loop_new(), .fd = ends[0]};
    loop_after(trail.loop, 5, S_early, &trail);
    loop_cancel(loop_after(trail.loop, 1, S_never, &trail));
    trail.watch = loop_watch(trail.loop, ends[0], POLLIN, S_readable, &trail);
    assert_int_equal(write(ends[1], "wx", 2), 2);
    while (!strchr(trail.order, 'b'))
        loop_turn(trail.loop, -1);
    assert_string_equal(trail.order, "wab"); /* 'x' came after the watch was gone */
    loop_free(trail.loop);
    close(ends[0]);
    close(ends[1]);
}

static void S_rest_has_an_end(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    loop_rest(loop, 5);
    loop_rest(loop, 0);
    loop_rest(loop, -1); /* what is left of a rest that took too long: no turn without an end */
    loop_free(loop);
}

static void S_opening_what_is_not_there(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct err err = {0};
    struct redis_target target = {.path = (char *)"/nonexistent/redis.sock"};
    struct redis *redis = redis_new(loop, &target);
    assert_false(redis_open(redis, 1000, &err));
    assert_int_equal(err.kind, ERR_LOST);
    assert_true(*err.hint);
    assert_false(redis_is_up(redis));
    /* Whoever frees what did not come must not free what happened to stand there. */
    struct redis_reply *reply = (struct redis_reply *)&target;
    assert_false(redis_run(redis, 1, (const char *[]){"PING"}, &reply, &err));
    assert_null(reply);
    redis_free(redis);

    struct pg_target place = {.conninfo = (char *)"host=/nonexistent dbname=x"};
    struct pg_options options = {.purpose = "test"};
    struct pg *pg = pg_new(loop, &place, &options);
    err_clear(&err);
    assert_false(pg_open(pg, 1000, &err));
    assert_int_equal(err.kind, ERR_LOST);
    assert_true(*err.hint);
    assert_false(pg_run(pg, "SELECT 1", NULL, 0, NULL, &err));
    struct pg_result *result = (struct pg_result *)&target;
    assert_false(pg_run(pg, "SELECT 1", NULL, 0, &result, &err));
    assert_null(result);
    pg_free(pg);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S_good_addresses),
        cmocka_unit_test(S_bad_addresses_are_refused_without_repeating_them),
        cmocka_unit_test(S_descriptions_hide_passwords),
        cmocka_unit_test(S_info_is_read),
        cmocka_unit_test(S_slots_are_those_of_redis),
        cmocka_unit_test(S_layouts_are_read),
        cmocka_unit_test(S_error_kinds),
        cmocka_unit_test(S_key_templates),
        cmocka_unit_test(S_globs_fit_as_in_redis),
        cmocka_unit_test(S_globs_quote_every_byte),
        cmocka_unit_test(S_globs_leave_out_no_chosen_key),
        cmocka_unit_test(S_map_keeps_what_it_is_given),
        cmocka_unit_test(S_loop_calls_in_order),
        cmocka_unit_test(S_rest_has_an_end),
        cmocka_unit_test(S_opening_what_is_not_there),
    };
    return cmocka_run_group_tests_name("doors", tests, NULL, NULL);
}
