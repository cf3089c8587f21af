/*
 * verb_session: the verbs that look at the service's sessions. They read with MGET, PTTL and SSCAN,
 * so no session lives a moment longer for having been looked at.
 */
#include "verb_session.h"

#include "clock.h"
#include "login_check.h"
#include "logins.h"
#include "seen.h"
#include "service_keys.h"
#include "tables.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

enum { LISTED = 1000 }; /* unless --limit says otherwise */

/* ---- what the verbs share ---- */

bool session_tenant(const struct verb_call *call, const char **tenant, struct err *err)
{
    *tenant = verb_option(call, "tenant");
    return !*tenant || service_name_fits("tenant", *tenant, err);
}

bool session_open_keys(const struct verb_call *call, struct keyspace **out, struct err *err)
{
    return keyspace_open_for(call->loop, &call->session->redis, out, err);
}

char *session_trouble(const struct login *login)
{
    if (!login->value)
        return str_dup("is no JSON object");
    char *tenant = login_text(login, "tenantId"), *trouble = NULL;
    if (tenant && !str_is(tenant, login->tenant))
        trouble = str_format("says tenant '%s'", tenant);
    else if (login->ttl_ms == LOGIN_ENDLESS)
        trouble = str_dup("has no end");
    free(tenant);
    return trouble;
}

struct S_gather {
    const char *user;
    struct seen seen;
    struct session_list *out;
};

static bool S_gather_one(void *ctx, const struct login *login, struct err *err)
{
    struct S_gather *gather = ctx;
    struct session_list *out = gather->out;
    char *user = login_text(login, "userId");
    char *key = service_key(FAMILY_SESSION, login->tenant, login->id);
    bool wanted = (!gather->user || str_is(user, gather->user)) &&
                  seen_first(&gather->seen, key, strlen(key));
    (void)err;
    free(user);
    free(key);
    if (!wanted)
        return true;
    out->list = mem_room(out->list, out->count, &out->cap, sizeof(*out->list));
    out->list[out->count++] = (struct login){.tenant = str_dup(login->tenant),
                                             .id = str_dup(login->id),
                                             .value = json_incref(login->value),
                                             .ttl_ms = login->ttl_ms};
    return true;
}

static bool S_gather_id(struct keyspace *keyspace, const char *tenant, const char *id,
                        const char *user, struct session_list *out, struct err *err)
{
    struct S_gather gather = {.user = user, .out = out};
    *out = (struct session_list){0};
    bool ok = logins_walk(keyspace, tenant, id, S_gather_one, &gather, err);
    seen_release(&gather.seen);
    if (!ok)
        session_list_release(out);
    return ok;
}

bool session_gather(struct keyspace *keyspace, const char *tenant, const char *user,
                    struct session_list *out, struct err *err)
{
    return S_gather_id(keyspace, tenant, NULL, user, out, err);
}

void session_list_release(struct session_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        login_release(&list->list[i]);
    free(list->list);
    *list = (struct session_list){0};
}

static bool S_refuse_many(const struct session_list *found, const char *id, struct err *err)
{
    struct buf tenants = {0};
    for (size_t i = 0; i < found->count; i++)
        buf_format(&tenants, "%s%s", i ? ", " : "", found->list[i].tenant);
    err_set(err, ERR_REFUSED, "there is a session '%s' in %zu tenants: %s", id, found->count,
            buf_text(&tenants));
    buf_release(&tenants);
    return err_hint(err, "say which with --tenant");
}

bool session_find(const struct verb_call *call, struct keyspace *keyspace, const char *id,
                  struct login *out, struct err *err)
{
    const char *tenant;
    struct session_list found = {0};
    if (!session_tenant(call, &tenant, err))
        return false;
    if (tenant && !logins_get(keyspace, tenant, id, out, err))
        return false;
    if (tenant && out->ttl_ms != LOGIN_GONE)
        return true;
    if (tenant)
        login_release(out);
    else if (!S_gather_id(keyspace, NULL, id, NULL, &found, err))
        return false;
    bool ok = found.count == 1;
    if (ok) {
        *out = found.list[0];
        found.list[0] = (struct login){0};
    } else if (found.count) {
        S_refuse_many(&found, id, err);
    } else {
        err_set(err, ERR_FAILED, "there is no session '%s'%s%s", id, tenant ? " of tenant " : "",
                tenant ? tenant : "");
        err_hint(err, "'session list' shows those there are");
    }
    session_list_release(&found);
    return ok;
}

/* ---- session list ---- */

static struct login_view S_view(const struct login *login, struct arena *arena)
{
    char *user = login_text(login, "userId"), *email = login_text(login, "email");
    char *address = login_metadata(login, "ipAddress"), *trouble = session_trouble(login);
    struct login_view view = {.tenant = arena_str(arena, login->tenant),
                              .id = arena_str(arena, login->id),
                              .user = arena_str(arena, user),
                              .email = arena_str(arena, email),
                              .address = arena_str(arena, address),
                              .trouble = arena_str(arena, trouble),
                              .created_at = login_moment(login, "createdAt"),
                              .used_at = login_used_at(login),
                              .ttl = login->ttl_ms >= 0 ? login->ttl_ms / 1000 : UNKNOWN};
    free(user);
    free(email);
    free(address);
    free(trouble);
    return view;
}

static int S_by_use(const void *a, const void *b)
{
    int64_t used_a = login_used_at(a), used_b = login_used_at(b);
    return (used_a < used_b) - (used_a > used_b);
}

/* Of many only those that were used last, and the rest is said to be there. */
static void S_list(struct verb_call *call, const struct session_list *found, int64_t limit)
{
    struct snapshot snapshot = {.arena = arena_new(), .at = clock_wall(), .keys_only = true};
    size_t count = (int64_t)found->count > limit ? (size_t)limit : found->count;
    if (found->count)
        qsort(found->list, found->count, sizeof(*found->list), S_by_use);
    snapshot.logins = arena_array(snapshot.arena, count, sizeof(*snapshot.logins));
    snapshot.login_count = count;
    for (size_t i = 0; i < count; i++)
        snapshot.logins[i] = S_view(&found->list[i], snapshot.arena);
    struct arrange_by by = verb_arrange(call, &login_table);
    if (!verb_option(call, "sort"))
        by.sort = -1;
    if (call->json) {
        verb_answer(call, json_pack("{s:I, s:I, s:o}", "count", (json_int_t)found->count, "shown",
                                    (json_int_t)count, "sessions",
                                    table_json(&login_table, &snapshot, &by)));
    } else {
        struct buf text = {0};
        table_print(&text, &login_table, &snapshot, &by, call->width, call->ascii);
        fputs(buf_text(&text), call->out);
        if (count < found->count)
            fprintf(call->out, "%zu more were used before these; --limit shows more\n",
                    found->count - count);
        buf_release(&text);
    }
    arena_free(snapshot.arena);
}

bool verb_session_list(struct verb_call *call, struct err *err)
{
    const struct table_def *def = &login_table;
    const char *tenant, *wanted = verb_option(call, "limit");
    struct session_list found = {0};
    struct keyspace *keyspace = NULL;
    int64_t limit = LISTED;
    if (wanted && (!str_to_int(wanted, &limit) || limit < 1))
        return err_set(err, ERR_USAGE, "'--limit' wants a number from 1 on, not '%s'", wanted);
    bool ok = verb_check_sort(call, &def, 1, err) && session_tenant(call, &tenant, err) &&
              session_open_keys(call, &keyspace, err) &&
              session_gather(keyspace, tenant, verb_option(call, "user"), &found, err);
    if (ok)
        S_list(call, &found, limit);
    session_list_release(&found);
    keyspace_free(keyspace);
    return ok;
}

/* ---- session show ---- */

static void S_print_line(const struct verb_call *call, const char *label, const char *raw)
{
    char *text = raw ? text_cleaned(raw) : NULL;
    if (text && *text)
        fprintf(call->out, "  %-9s %s\n", label, text);
    free(text);
}

static void S_print_moment(const struct verb_call *call, const char *label, int64_t at)
{
    char moment[21];
    if (at == LOGIN_UNKNOWN)
        return;
    clock_format_iso(at, moment);
    S_print_line(call, label, moment);
}

static void S_print_taken(const struct verb_call *call, const char *label, char *text)
{
    S_print_line(call, label, text);
    free(text);
}

static void S_print_left(const struct verb_call *call, const struct login *login)
{
    char left[16];
    clock_format_span(login->ttl_ms, left);
    S_print_line(call, "left", login->ttl_ms == LOGIN_ENDLESS ? "it never ends" : left);
    S_print_taken(call, "trouble", session_trouble(login));
}

static void S_print_value(const struct verb_call *call, const json_t *shown)
{
    char *text = json_dumps(shown, JSON_INDENT(2));
    struct buf clean = {0};
    if (text)
        text_clean_lines(&clean, text, strlen(text));
    fprintf(call->out, "%s\n", buf_text(&clean));
    buf_release(&clean);
    free(text);
}

static void S_show(struct verb_call *call, const struct login *login)
{
    json_t *shown = verb_option(call, "reveal") || !login->value ? json_incref(login->value)
                                                                 : login_masked(login->value);
    if (call->json) {
        verb_answer(call, json_pack("{s:o, s:o, s:o, s:o}", "tenant", verb_json_text(login->tenant),
                                    "id", verb_json_text(login->id), "ttl_ms",
                                    login->ttl_ms >= 0 ? json_integer(login->ttl_ms) : json_null(),
                                    "value", shown ? json_incref(shown) : json_null()));
    } else {
        S_print_line(call, "session", login->id);
        S_print_line(call, "tenant", login->tenant);
        S_print_taken(call, "user", login_text(login, "userId"));
        S_print_taken(call, "address", login_metadata(login, "ipAddress"));
        S_print_taken(call, "agent", login_metadata(login, "userAgent"));
        S_print_moment(call, "created", login_moment(login, "createdAt"));
        S_print_moment(call, "used", login_used_at(login));
        S_print_left(call, login);
        if (shown)
            S_print_value(call, shown);
    }
    json_decref(shown);
}

bool verb_session_show(struct verb_call *call, struct err *err)
{
    struct keyspace *keyspace = NULL;
    struct login login = {0};
    bool ok = session_open_keys(call, &keyspace, err) &&
              session_find(call, keyspace, call->args[0], &login, err);
    if (ok)
        S_show(call, &login);
    login_release(&login);
    keyspace_free(keyspace);
    return ok;
}

/* ---- session check ---- */

bool verb_session_check(struct verb_call *call, struct err *err)
{
    const struct table_def *def = &table_defs[TABLE_VALIDATION];
    struct snapshot snapshot = {.plan = "", .plan_title = "", .environment = ""};
    struct keyspace *keyspace = NULL;
    const char *tenant;
    if (!verb_check_sort(call, &def, 1, err) || !session_tenant(call, &tenant, err) ||
        !session_open_keys(call, &keyspace, err))
        return false;
    snapshot.arena = arena_new();
    bool ok = login_check(keyspace, call->session->plan, tenant, snapshot.arena, &snapshot.checks,
                          &snapshot.check_count, err);
    if (ok)
        verb_show_checks(call, &snapshot, true);
    arena_free(snapshot.arena);
    keyspace_free(keyspace);
    return ok;
}
