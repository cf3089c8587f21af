/* login_check: see login_check.h. */
#include "login_check.h"

#include "clock.h"
#include "login_sets.h"
#include "logins.h"
#include "map.h"
#include "seen.h"
#include "service_keys.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 5,
    DRIFT_MS = 60000, /* two clocks may be so far apart, and a session is extended in two steps */
};

enum lapse {
    OTHER_TENANT,
    ENDLESS,
    UNREADABLE,
    OTHER_ID,
    NOBODY,
    DRIFTED,
    OVER_LIMIT,
    NO_SET,
    OVER_MEMBERS,
    EMPTY_SETS,
    WRONG_KEYS,
    FINDINGS,
};

static const struct {
    const char *subject;
    enum verdict verdict; /* when there is one */
    const char *good, *bad, *remedy;
} S_findings[FINDINGS] = {
    [OTHER_TENANT] =
        {"tenant", VERDICT_FAIL, "every session says the tenant of its key",
         "sessions say another tenant than their key: whoever holds one may see what is "
         "another tenant's",
         "session end ID --tenant T ends one; find out who has written it"},
    [ENDLESS] = {"expiry", VERDICT_FAIL, "every session ends by itself",
                 "sessions have no expiry: who was logged in stays so",
                 "session touch gives one an end, session end ends it"},
    [UNREADABLE] = {"value", VERDICT_WARN, "every session can be read",
                    "sessions are no JSON object, so the service cannot read them either",
                    "session end ID --tenant T removes one"},
    [OTHER_ID] = {"id", VERDICT_WARN, "every session says the id of its key",
                  "sessions say another id than their key", NULL},
    [NOBODY] = {"user", VERDICT_WARN, "every session says whose it is",
                "sessions say no userId, so nobody can end all of a user's", NULL},
    [DRIFTED] = {"expiresAt", VERDICT_WARN, "expiresAt is when the key expires",
                 "sessions say another end than their key has, by more than a minute",
                 "the service's code keeps seven days where the guide says one: see [sessions]"},
    [OVER_LIMIT] = {"limit", VERDICT_WARN, "no user has more sessions than the plan allows",
                    "users have more sessions than the plan allows",
                    "session list --tenant T --user U shows them"},
    [NO_SET] = {"sets", VERDICT_WARN, "every session is in the set of its user",
                "sessions are not in the set of their user: the service ends them neither by user "
                "nor by limit",
                "session touch puts one back; session end --user U finds them all the same"},
    [OVER_MEMBERS] = {"members", VERDICT_WARN, "no set names a session that is over",
                      "members of sets are sessions that are over", "session sweep takes them out"},
    [EMPTY_SETS] = {"empty sets", VERDICT_WARN, "no set is without a session",
                    "sets have no session that is there", "session sweep removes them"},
    [WRONG_KEYS] =
        {"types", VERDICT_FAIL, "what is named like a set of sessions is one",
         "keys named like a set of sessions are something else: the service fails on them", NULL},
};

struct S_check {
    struct keyspace *keyspace;
    int64_t per_user;
    int64_t sessions, sets;
    int64_t counts[FINDINGS];
    struct buf samples[FINDINGS];
    struct seen seen;
    struct map users; /* "tenant:user": its sessions */
    struct map wrong; /* keys that are no sets; asked nothing more */
};

/* ---- noting ---- */

static void S_note(struct S_check *c, enum lapse finding, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void S_note(struct S_check *c, enum lapse finding, const char *format, ...)
{
    va_list args;
    if (c->counts[finding]++ >= SAMPLES)
        return;
    struct buf line = {0};
    va_start(args, format);
    buf_vformat(&line, format, args);
    va_end(args);
    /* One line each, whatever a key holds; the detail's own newlines stay. */
    text_clean(&c->samples[finding], buf_text(&line), line.len);
    buf_add_char(&c->samples[finding], '\n');
    buf_release(&line);
}

/* ---- the sets ---- */

static bool S_look_at_set(void *ctx, const struct login_set *set, struct err *err)
{
    struct S_check *c = ctx;
    (void)err;
    if (!seen_first(&c->seen, set->key, strlen(set->key)))
        return true;
    c->sets++;
    if (set->wrong) {
        map_put(&c->wrong, set->key, 1);
        S_note(c, WRONG_KEYS, "%s", set->key);
        return true;
    }
    for (size_t i = 0; i < set->count; i++)
        if (!set->alive[i])
            S_note(c, OVER_MEMBERS, "%s in %s", set->ids[i], set->key);
    if (set->count && !set->alive_count)
        S_note(c, EMPTY_SETS, "%s", set->key);
    return true;
}

/* ---- the sessions ---- */

static void S_check_text(struct S_check *c, const struct login *login, enum lapse finding,
                         const char *member, const char *wanted)
{
    char *said = login_text(login, member);
    if (said && !str_is(said, wanted))
        S_note(c, finding, "%s of tenant %s says %s '%s'", login->id, login->tenant, member, said);
    free(said);
}

static void S_check_end(struct S_check *c, const struct login *login)
{
    int64_t said = login_moment(login, "expiresAt");
    if (login->ttl_ms == LOGIN_ENDLESS) {
        S_note(c, ENDLESS, "%s of tenant %s", login->id, login->tenant);
        return;
    }
    int64_t drift = said - (clock_wall() + login->ttl_ms);
    char span[16];
    if (said == LOGIN_UNKNOWN || (drift <= DRIFT_MS && drift >= -DRIFT_MS))
        return;
    clock_format_span(drift > 0 ? drift : -drift, span);
    S_note(c, DRIFTED, "%s of tenant %s says %s %s than its key", login->id, login->tenant, span,
           drift > 0 ? "later" : "earlier");
}

/* Whether a session is in its set: the answer comes later, and the session may be gone by then. */
struct S_question {
    struct S_check *check;
    char *text;
};

static void S_read_membership(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_question *question = ctx;
    if (!err && redis_int(reply) == 0)
        S_note(question->check, NO_SET, "%s", question->text);
    free(question->text);
    free(question);
}

static bool S_ask_membership(struct S_check *c, const struct login *login, const char *user,
                             struct err *err)
{
    char *set = service_key(FAMILY_USER, login->tenant, user);
    const char *const argv[] = {"SISMEMBER", set, login->id};
    bool ok = true;
    if (map_get(&c->wrong, set) == MAP_NONE) {
        struct S_question *question = mem_new(sizeof(*question));
        question->check = c;
        question->text = str_format("%s of user %s of tenant %s", login->id, user, login->tenant);
        ok = keyspace_send(c->keyspace, 3, argv, NULL, S_read_membership, question, err);
        if (!ok) {
            free(question->text);
            free(question);
        }
    }
    free(set);
    return ok;
}

static void S_count_of_user(struct S_check *c, const struct login *login, const char *user)
{
    char *who = service_key("of", login->tenant, user);
    int64_t has = map_get(&c->users, who);
    has = has == MAP_NONE ? 1 : has + 1;
    map_put(&c->users, who, has);
    if (has == c->per_user + 1)
        S_note(c, OVER_LIMIT, "user %s of tenant %s", user, login->tenant);
    free(who);
}

static bool S_look_at_session(void *ctx, const struct login *login, struct err *err)
{
    struct S_check *c = ctx;
    char *key = service_key(FAMILY_SESSION, login->tenant, login->id);
    bool first = seen_first(&c->seen, key, strlen(key)), ok = true;
    free(key);
    if (!first)
        return true;
    c->sessions++;
    S_check_end(c, login);
    if (!login->value) {
        S_note(c, UNREADABLE, "%s of tenant %s", login->id, login->tenant);
        return true;
    }
    S_check_text(c, login, OTHER_TENANT, "tenantId", login->tenant);
    S_check_text(c, login, OTHER_ID, "sessionId", login->id);
    char *user = login_text(login, "userId");
    if (user && *user) {
        S_count_of_user(c, login, user);
        ok = S_ask_membership(c, login, user, err);
    } else {
        S_note(c, NOBODY, "%s of tenant %s", login->id, login->tenant);
    }
    free(user);
    return ok;
}

/* ---- the answer ---- */

static struct check_view S_view(const struct S_check *c, enum lapse finding, struct arena *arena)
{
    int64_t count = c->counts[finding];
    const char *remedy = S_findings[finding].remedy;
    struct check_view view = {.group = "sessions",
                              .subject = S_findings[finding].subject,
                              .verdict = count ? S_findings[finding].verdict : VERDICT_PASS,
                              .message = count ? S_findings[finding].bad : S_findings[finding].good,
                              .count = count ? count : UNKNOWN,
                              .at = clock_wall()};
    if (count)
        view.detail = arena_format(arena, "%s%s%s%s", buf_text(&c->samples[finding]),
                                   count > SAMPLES ? "...\n" : "", remedy ? "remedy: " : "",
                                   remedy ? remedy : "");
    return view;
}

static void S_answer(const struct S_check *c, struct arena *arena, struct check_view **out,
                     size_t *count)
{
    *out = arena_array(arena, FINDINGS + 1, sizeof(**out));
    for (int finding = 0; finding < FINDINGS; finding++)
        (*out)[finding] = S_view(c, (enum lapse)finding, arena);
    *count = FINDINGS;
    (*out)[(*count)++] = (struct check_view){
        .group = "sessions",
        .subject = "all",
        .verdict = VERDICT_PASS,
        .message = arena_format(arena, "%lld sessions and %lld sets of users were read",
                                (long long)c->sessions, (long long)c->sets),
        .count = c->sessions,
        .at = clock_wall()};
}

bool login_check(struct keyspace *keyspace, const struct plan *plan, const char *tenant,
                 struct arena *arena, struct check_view **out, size_t *count, struct err *err)
{
    struct S_check c = {.keyspace = keyspace,
                        .per_user = plan && plan->sessions.per_user ? plan->sessions.per_user
                                                                    : PLAN_SESSIONS_PER_USER};
    bool ok = login_sets_walk(keyspace, tenant, S_look_at_set, &c, err) &&
              logins_walk(keyspace, tenant, NULL, S_look_at_session, &c, err);
    if (ok)
        S_answer(&c, arena, out, count);
    for (size_t i = 0; i < FINDINGS; i++)
        buf_release(&c.samples[i]);
    seen_release(&c.seen);
    map_release(&c.users);
    map_release(&c.wrong);
    return ok;
}
