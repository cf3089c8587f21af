/*
 * verb_session_change: the verbs that begin, use, end and tidy up sessions of the service.
 * verb_run() has seen to it that somebody said yes; what was done is read again before it is said
 * to be done.
 */
#include "verb_session.h"

#include "clock.h"
#include "failpoint.h"
#include "login_sets.h"
#include "logins.h"
#include "service_keys.h"
#include "verb_cache_change.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_MOST = 64, ROUNDS = 3, SAMPLES = 10 };

static int64_t S_ttl(const struct verb_call *call, const char *tenant)
{
    char *key = service_key(FAMILY_SESSION, tenant, "x");
    int64_t ttl = service_ttl(call->session->plan, key, SERVICE_SESSION_TTL);
    free(key);
    return ttl;
}

static int64_t S_per_user(const struct verb_call *call)
{
    const struct plan *plan = call->session->plan;
    return plan && plan->sessions.per_user ? plan->sessions.per_user : PLAN_SESSIONS_PER_USER;
}

/* What is written becomes JSON, and that is UTF-8. */
static bool S_option_text(const struct verb_call *call, const char *name, const char **out,
                          struct err *err)
{
    *out = verb_option(call, name);
    return !*out || text_is_utf8(*out, strlen(*out)) ||
           err_set(err, ERR_USAGE, "'--%s' is no valid UTF-8", name);
}

static bool S_required(const struct verb_call *call, const char *name, const char **out,
                       struct err *err)
{
    if (!S_option_text(call, name, out, err))
        return false;
    return (*out && **out) || err_set(err, ERR_USAGE, "'%s' wants --%s", call->verb->name, name);
}

/* ---- session create ---- */

struct S_words { /* of "admin,editor" */
    char *text;
    const char *list[LIST_MOST];
    size_t count;
};

static bool S_option_list(const struct verb_call *call, const char *name, struct S_words *out,
                          struct err *err)
{
    const char *text;
    *out = (struct S_words){0};
    if (!S_option_text(call, name, &text, err))
        return false;
    out->text = str_dup(text);
    char *rest = out->text, *word;
    while ((word = strsep(&rest, ",")) != NULL) {
        if (!*word)
            continue;
        if (out->count == LIST_MOST)
            return err_set(err, ERR_USAGE, "'--%s' names more than %d", name, LIST_MOST);
        out->list[out->count++] = word;
    }
    return true;
}

static bool S_option_object(const struct verb_call *call, const char *name, json_t **out,
                            struct err *err)
{
    const char *text = verb_option(call, name);
    *out = text ? json_loads(text, 0, NULL) : NULL;
    return !text || json_is_object(*out) ||
           err_set(err, ERR_USAGE, "'--%s' wants a JSON object, as in '{\"page\":\"home\"}'", name);
}

static bool S_count_alive(void *ctx, const struct login_set *set, struct err *err)
{
    (void)err;
    *(size_t *)ctx = set->alive_count;
    return true;
}

static void S_tell_created(struct verb_call *call, const struct login_order *order, const char *id,
                           size_t has)
{
    bool over = (int64_t)has > S_per_user(call);
    if (call->json) {
        verb_answer(call,
                    json_pack("{s:s, s:s, s:s, s:I, s:I, s:b}", "id", id, "tenant", order->tenant,
                              "user", order->user, "ttl", (json_int_t)order->ttl,
                              "sessions_of_user", (json_int_t)has, "over_limit", over));
        return;
    }
    fprintf(call->out, "%s\n", id);
    if (over)
        fprintf(call->out,
                "the user has %zu sessions now, and the plan allows %lld; 'session end' ends one\n",
                has, (long long)S_per_user(call));
}

static bool S_create(struct verb_call *call, const struct login_order *order, struct err *err)
{
    struct keyspace *keyspace = NULL;
    struct login made = {0};
    char *id = NULL;
    size_t has = 0;
    bool ok = session_open_keys(call, &keyspace, err) && login_create(keyspace, order, &id, err) &&
              logins_get(keyspace, order->tenant, id, &made, err) &&
              login_set_look(keyspace, order->tenant, order->user, S_count_alive, &has, err);
    if (ok && made.ttl_ms == LOGIN_GONE)
        ok = err_set(err, ERR_FAILED, "the session '%s' was written, and is not there", id);
    if (ok)
        S_tell_created(call, order, id, has);
    login_release(&made);
    free(id);
    keyspace_free(keyspace);
    return ok;
}

bool verb_session_create(struct verb_call *call, struct err *err)
{
    struct login_order order = {0};
    struct S_words roles = {0}, permissions = {0};
    bool ok = S_required(call, "tenant", &order.tenant, err) &&
              service_name_fits("tenant", order.tenant, err) &&
              S_required(call, "user", &order.user, err) &&
              S_option_text(call, "email", &order.email, err) &&
              S_option_text(call, "name", &order.name, err) &&
              S_option_text(call, "organization", &order.organization, err) &&
              S_option_text(call, "address", &order.address, err) &&
              S_option_text(call, "agent", &order.agent, err) &&
              S_option_list(call, "roles", &roles, err) &&
              S_option_list(call, "permissions", &permissions, err) &&
              S_option_object(call, "metadata", &order.metadata, err);
    if (ok) {
        order.ttl = S_ttl(call, order.tenant);
        order.roles = roles.list;
        order.role_count = roles.count;
        order.permissions = permissions.list;
        order.permission_count = permissions.count;
        ok = S_create(call, &order, err);
    }
    free(roles.text);
    free(permissions.text);
    json_decref(order.metadata);
    return ok;
}

/* ---- session touch ---- */

static void S_tell_touched(struct verb_call *call, const struct login_use *use, int64_t ttl_ms)
{
    char left[16];
    if (call->json) {
        verb_answer(call, json_pack("{s:o, s:o, s:o}", "id", verb_json_text(use->id), "tenant",
                                    verb_json_text(use->tenant), "ttl_ms",
                                    ttl_ms >= 0 ? json_integer(ttl_ms) : json_null()));
        return;
    }
    clock_format_span(ttl_ms, left);
    if (ttl_ms < 0)
        fprintf(call->out, "touched; it has no end\n");
    else
        fprintf(call->out, "touched; it ends in %s\n", left);
}

bool verb_session_touch(struct verb_call *call, struct err *err)
{
    const struct plan *plan = call->session->plan;
    struct keyspace *keyspace = NULL;
    struct login login = {0};
    struct login_use use = {.fixed = plan && plan->sessions.fixed};
    int64_t ttl_ms = LOGIN_GONE;
    bool ok = S_option_text(call, "address", &use.address, err) &&
              S_option_text(call, "agent", &use.agent, err) &&
              S_option_object(call, "metadata", &use.metadata, err) &&
              session_open_keys(call, &keyspace, err) &&
              session_find(call, keyspace, call->args[0], &login, err);
    if (ok) {
        use.tenant = login.tenant;
        use.id = login.id;
        use.ttl = S_ttl(call, login.tenant);
        ok = login_touch(keyspace, &use, &ttl_ms, err);
    }
    if (ok && ttl_ms == LOGIN_GONE)
        ok = err_set(err, ERR_FAILED, "the session '%s' has ended meanwhile", login.id);
    if (ok)
        S_tell_touched(call, &use, ttl_ms);
    json_decref(use.metadata);
    login_release(&login);
    keyspace_free(keyspace);
    return ok;
}

/* ---- session end ---- */

/* What is to end: one session, or all of a user in a tenant. */
static bool S_read_order(const struct verb_call *call, const char **tenant, const char **user,
                         struct err *err)
{
    *user = verb_option(call, "user");
    if (!session_tenant(call, tenant, err))
        return false;
    if ((call->arg_count == 1) == (*user != NULL)) {
        err_set(err, ERR_USAGE, "'session end' wants an ID, or --user with --tenant");
        return err_hint(err, "'tenantdeck help session end' tells more");
    }
    return !*user || *tenant ||
           err_set(err, ERR_USAGE, "'--user' wants --tenant: users of two tenants may have one id");
}

static bool S_find_all(const struct verb_call *call, struct keyspace *keyspace,
                       struct session_list *out, struct err *err)
{
    const char *tenant, *user;
    *out = (struct session_list){0};
    if (!S_read_order(call, &tenant, &user, err))
        return false;
    if (user)
        return session_gather(keyspace, tenant, user, out, err);
    out->list = mem_new(sizeof(*out->list));
    out->count = out->cap = 1;
    if (session_find(call, keyspace, call->args[0], &out->list[0], err))
        return true;
    session_list_release(out);
    return false;
}

static void S_print_session(FILE *out, const struct login *login)
{
    char *user = login_text(login, "userId");
    char *raw =
        str_format("%s of user %s of tenant %s", login->id, user ? user : "?", login->tenant);
    char *clean = text_cleaned(raw);
    fprintf(out, "  %s\n", clean);
    free(clean);
    free(raw);
    free(user);
}

static void S_print_found(FILE *out, const struct session_list *found)
{
    fprintf(out, "%zu session%s will end:\n", found->count, found->count == 1 ? "" : "s");
    for (size_t i = 0; i < found->count && i < SAMPLES; i++)
        S_print_session(out, &found->list[i]);
    if (found->count > SAMPLES)
        fprintf(out, "  ... and %zu more\n", found->count - SAMPLES);
}

bool verb_session_end_tell(struct verb_call *call, struct err *err)
{
    struct keyspace *keyspace = NULL;
    struct session_list found = {0};
    bool ok = session_open_keys(call, &keyspace, err) && S_find_all(call, keyspace, &found, err);
    if (ok)
        S_print_found(call->json ? stderr : call->out, &found);
    session_list_release(&found);
    keyspace_free(keyspace);
    return ok;
}

static bool S_end_all(struct keyspace *keyspace, const struct session_list *found, int64_t *ended,
                      struct err *err)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct login *login = &found->list[i];
        char *user = login_text(login, "userId");
        bool ok = login_end(keyspace, login->tenant, login->id, user, err);
        free(user);
        if (!ok)
            return err_context(err, "%lld of %zu sessions have ended", (long long)*ended,
                               found->count);
        ++*ended;
    }
    return true;
}

/*
 * What the set of a user still names: sessions that are over go out of it, the others are
 * strangers.
 */
struct S_rest {
    struct keyspace *keyspace;
    int64_t swept;
    size_t strangers;
};

static bool S_tidy(void *ctx, const struct login_set *set, struct err *err)
{
    struct S_rest *rest = ctx;
    rest->strangers = set->alive_count;
    return login_set_sweep(rest->keyspace, set, &rest->swept, err);
}

/* A user who is at work may log in again while we go: until a look finds none, or we give up. */
static bool S_end_of_user(const struct verb_call *call, struct keyspace *keyspace, int64_t *ended,
                          struct S_rest *rest, struct err *err)
{
    const char *tenant, *user;
    bool ok = S_read_order(call, &tenant, &user, err), any = true;
    for (int round = 0; ok && any && round <= ROUNDS; round++) {
        struct session_list found = {0};
        ok = session_gather(keyspace, tenant, user, &found, err);
        any = ok && found.count > 0;
        if (ok && any && round == ROUNDS)
            ok = err_set(err, ERR_FAILED,
                         "%lld sessions have ended, and the user has begun %zu again meanwhile",
                         (long long)*ended, found.count);
        ok = ok && S_end_all(keyspace, &found, ended, err);
        session_list_release(&found);
    }
    return ok && login_set_look(keyspace, tenant, user, S_tidy, rest, err);
}

static bool S_end_one(const struct verb_call *call, struct keyspace *keyspace, int64_t *ended,
                      struct err *err)
{
    struct session_list found = {0};
    bool ok = S_find_all(call, keyspace, &found, err) && S_end_all(keyspace, &found, ended, err);
    session_list_release(&found);
    return ok;
}

/* People were logged out: who has done it stands in the log, where there is one. */
static void S_note_ended(struct verb_call *call, int64_t ended, const char *tenant,
                         const char *user)
{
    char *place = redis_target_describe(&call->session->redis);
    char *text = user ? str_format("%s: sessions ended of user '%s' of tenant '%s': %lld", place,
                                   user, tenant, (long long)ended)
                      : str_format("%s: sessions ended by their id: %lld", place, (long long)ended);
    verb_change_tell(call, "info", text);
    free(text);
    free(place);
}

static void S_tell_ended(struct verb_call *call, int64_t ended, const struct S_rest *rest)
{
    call->findings = rest->strangers > 0;
    if (call->json) {
        verb_answer(call,
                    json_pack("{s:I, s:I, s:I}", "ended", (json_int_t)ended, "swept",
                              (json_int_t)rest->swept, "strangers", (json_int_t)rest->strangers));
        return;
    }
    fprintf(call->out, "%lld session%s ended\n", (long long)ended, ended == 1 ? " has" : "s have");
    if (rest->strangers)
        fprintf(call->out,
                "%zu more stand in the set of the user, and say that they are somebody else's; "
                "they were left: 'session check' tells more\n",
                rest->strangers);
}

static bool S_end_dry(struct verb_call *call, struct keyspace *keyspace, struct err *err)
{
    struct session_list found = {0};
    bool ok = S_find_all(call, keyspace, &found, err);
    if (ok && call->json)
        verb_answer(call,
                    json_pack("{s:I, s:b}", "would_end", (json_int_t)found.count, "dry_run", true));
    else if (ok)
        S_print_found(call->out, &found);
    session_list_release(&found);
    return ok;
}

bool verb_session_end(struct verb_call *call, struct err *err)
{
    const char *tenant, *user;
    struct keyspace *keyspace = NULL;
    if (!S_read_order(call, &tenant, &user, err) || !session_open_keys(call, &keyspace, err))
        return false;
    struct S_rest rest = {.keyspace = keyspace};
    int64_t ended = 0;
    bool dry = verb_option(call, "dry-run") != NULL;
    bool ok = dry    ? S_end_dry(call, keyspace, err)
              : user ? S_end_of_user(call, keyspace, &ended, &rest, err)
                     : S_end_one(call, keyspace, &ended, err);
    if (ok && !dry) {
        S_tell_ended(call, ended, &rest);
        S_note_ended(call, ended, tenant, user);
    }
    keyspace_free(keyspace);
    return ok;
}

/* ---- session sweep ---- */

struct S_sweep {
    struct keyspace *keyspace;
    bool dry;
    int64_t sets, over, swept, wrong;
};

static bool S_sweep_set(void *ctx, const struct login_set *set, struct err *err)
{
    struct S_sweep *sweep = ctx;
    int64_t over = (int64_t)(set->count - set->alive_count);
    sweep->wrong += set->wrong;
    sweep->sets += over > 0;
    sweep->over += over;
    bool ok = sweep->dry || !over || login_set_sweep(sweep->keyspace, set, &sweep->swept, err);
    FAILPOINT("K3");
    return ok;
}

static void S_note_swept(struct verb_call *call, const struct S_sweep *sweep)
{
    char *text =
        str_format("%s: members taken out of users' sets, since their sessions are over: "
                   "%lld, of %lld sets",
                   keyspace_name(sweep->keyspace), (long long)sweep->swept, (long long)sweep->sets);
    verb_change_tell(call, "info", text);
    free(text);
}

static void S_tell_swept(struct verb_call *call, const struct S_sweep *sweep)
{
    if (call->json) {
        verb_answer(call,
                    json_pack("{s:b, s:I, s:I, s:I, s:I}", "dry_run", sweep->dry, "sets",
                              (json_int_t)sweep->sets, "over", (json_int_t)sweep->over, "swept",
                              (json_int_t)sweep->swept, "wrong_type", (json_int_t)sweep->wrong));
        return;
    }
    if (sweep->dry)
        fprintf(call->out, "%lld members of %lld sets are sessions that are over\n",
                (long long)sweep->over, (long long)sweep->sets);
    else
        fprintf(call->out, "%lld members were taken out of %lld sets\n", (long long)sweep->swept,
                (long long)sweep->sets);
    if (sweep->wrong)
        fprintf(call->out, "%lld keys of that name are no sets, and were left\n",
                (long long)sweep->wrong);
}

bool verb_session_sweep(struct verb_call *call, struct err *err)
{
    const char *tenant;
    struct keyspace *keyspace = NULL;
    if (!session_tenant(call, &tenant, err) || !session_open_keys(call, &keyspace, err))
        return false;
    struct S_sweep sweep = {.keyspace = keyspace, .dry = verb_option(call, "dry-run") != NULL};
    FAILPOINT_STEP("sweep");
    bool ok = login_sets_walk(keyspace, tenant, S_sweep_set, &sweep, err);
    if (ok)
        S_tell_swept(call, &sweep);
    if (ok && !sweep.dry)
        S_note_swept(call, &sweep);
    keyspace_free(keyspace);
    return ok;
}
