/*
 * banner: line 1 of every screen: where we are, how the servers are, what runs, how old it is.
 *
 * A screen that is too narrow drops parts from the right, so the parts stand in the order of what
 * a person must not miss. Everything is computed from the snapshot alone, its age as well.
 */
#include "asked.h"
#include "clock.h"
#include "session.h"
#include "tables.h"

#include <stdlib.h>
#include <string.h>

enum { SLOW_MS = 5000, SILENT_MS = 15000, TROUBLE_MAX = 60 };

struct banner {
    struct banner_part *parts;
    size_t count;
};

/* Takes `raw` and `brief` (NULL: it cannot be said shorter); what is empty gives no part. */
static void S_add_with_brief(struct banner *banner, enum mood mood, char *raw, char *brief)
{
    if (*raw)
        banner->parts[banner->count++] = (struct banner_part){
            .text = text_cleaned(raw), .brief = brief ? text_cleaned(brief) : NULL, .mood = mood};
    free(raw);
    free(brief);
}

static void S_add_part(struct banner *banner, enum mood mood, char *raw)
{
    S_add_with_brief(banner, mood, raw, NULL);
}

static void S_add_environment(struct banner *banner, const struct snapshot *snapshot)
{
    const char *environment = snapshot->environment ? snapshot->environment : "";
    bool production = environment_is_production(environment);
    S_add_part(banner, production ? MOOD_BAD : MOOD_ACTIVE, str_dup(environment));
}

static void S_add_where(struct banner *banner, const struct server_view *server)
{
    const char *where = server->where ? server->where : "";
    bool role = server->role && *server->role;
    S_add_with_brief(banner, MOOD_PLAIN,
                     role && *where ? str_format("%s as %s", where, server->role) : str_dup(where),
                     str_dup(where));
}

/* What goes before the reason in our messages and libpq's, and what there is instead of it. */
static const struct {
    const char *before, *brief;
} S_gists[] = {
    {" failed: ", ""},
    {" could not be reached: ", ""},
    {"connection to PostgreSQL was lost: ", ""},
    {" is not accepted: ", "certificate: "},
};

/* The gist of a message: the reason in its first line, without the server's own words after it. */
static char *S_shorten_trouble(const char *trouble)
{
    if (!trouble || !*trouble)
        return str_dup("no reason known");
    char *line = str_ndup(trouble, strcspn(trouble, "\r\n"));
    const char *reason = line, *brief = "";
    for (size_t i = 0; reason == line && i < ARRAY_LEN(S_gists); i++) {
        const char *found = strstr(line, S_gists[i].before);
        if (!found)
            continue;
        reason = found + strlen(S_gists[i].before);
        brief = S_gists[i].brief;
    }
    char *said = strstr(reason, " (it says: ");
    if (said)
        *said = '\0';
    size_t fits = text_fit(reason, TROUBLE_MAX);
    char *gist = str_format("%s%.*s%s", brief, (int)fits, reason, reason[fits] ? "..." : "");
    free(line);
    return gist;
}

static void S_add_server(struct banner *banner, const struct server_view *server, const char *name,
                         const char *short_name)
{
    char *trouble;
    switch (server->state) {
    case SERVER_NONE:
        S_add_part(banner, MOOD_DIM, str_format("no %s", name));
        break;
    case SERVER_CONNECTING:
        S_add_part(banner, MOOD_WARN, str_format("%s connecting", name));
        break;
    case SERVER_UP:
        if (server->trouble) { /* "1 of 3 primaries do not answer: ...": the nodes say why */
            S_add_part(banner, MOOD_BAD,
                       str_format("%s: %.*s", short_name, (int)strcspn(server->trouble, ":"),
                                  server->trouble));
            break;
        }
        S_add_with_brief(banner, MOOD_GOOD,
                         server->version && *server->version
                             ? str_format("%s %s", short_name, server->version)
                             : str_format("%s up", short_name),
                         str_dup(short_name));
        break;
    case SERVER_DOWN:
        trouble = S_shorten_trouble(server->trouble);
        S_add_part(banner, MOOD_BAD, str_format("%s down: %s", name, trouble));
        free(trouble);
        break;
    case SERVER_LEFT:
        S_add_with_brief(banner, MOOD_WARN, str_format("%s is %s", name, server->trouble),
                         str_format("%s left alone", short_name));
        break;
    }
}

static int64_t S_age_of(const struct server_view *server, int64_t now)
{
    bool told = server->state == SERVER_UP && server->answered_at > 0;
    int64_t age = now - server->answered_at;
    return !told ? UNKNOWN : age > 0 ? age : 0;
}

/* The older of the two last answers; a server that is down says so itself. */
static void S_add_age(struct banner *banner, const struct snapshot *snapshot)
{
    int64_t database = S_age_of(&snapshot->database, snapshot->at);
    int64_t redis = S_age_of(&snapshot->redis, snapshot->at);
    int64_t age = database >= redis ? database : redis;
    const char *who = age == database ? "" : "Redis: ";
    char span[16];
    if (age < 0)
        return;
    clock_format_span(age, span);
    if (age > SILENT_MS)
        S_add_part(banner, MOOD_BAD, str_format("%sno answer for %s", who, span));
    else
        S_add_part(banner, age > SLOW_MS ? MOOD_WARN : MOOD_PLAIN, str_dup(span));
}

/* The journal's states of a run; an open one has a worker, whose heartbeat then must not stop. */
static const struct run_look {
    const char *state;
    bool open;
    enum mood mood;
    const char *at; /* "failed at keys"; "" where the step stands before it: "keys running" */
} S_looks[] = {
    {"starting", true, MOOD_ACTIVE, ""}, {"running", true, MOOD_ACTIVE, ""},
    {"undoing", true, MOOD_ACTIVE, ""},  {"paused", true, MOOD_WARN, "at"},
    {"held", true, MOOD_WARN, "at"},     {"stopped", false, MOOD_WARN, "at"},
    {"failed", false, MOOD_BAD, "at"},   {"done", false, MOOD_PLAIN, NULL},
    {"undone", false, MOOD_PLAIN, NULL},
};

static struct run_look S_find_look(const char *state)
{
    for (size_t i = 0; i < ARRAY_LEN(S_looks); i++)
        if (str_is(S_looks[i].state, state))
            return S_looks[i];
    return (struct run_look){.state = "in an unknown state", .mood = MOOD_WARN};
}

/* "fill running", "fill pausing", "fill waits", "held before keys", "done" */
static void S_tell_state(const struct run_look *look, const struct run_view *run,
                         const struct step_view *step, struct buf *out)
{
    /*
     * The journal calls it a pause as well when the worker waits for a lock or a lagging replica.
     */
    bool asked = !step || !step->waits || str_starts(step->waits, "paused");
    bool waits = !asked && look->open && !str_is(look->state, "held");
    bool in_front = look->at && (waits || !*look->at);
    bool begun = step && step->state != STEP_WAITS;
    const char *doing = in_front ? asked_doing(run) : NULL;
    if (!doing && str_is(look->state, "running") && str_is(run->verb, "rollback"))
        doing = waits ? NULL : "undoing";
    if (step && in_front)
        buf_format(out, "%s ", step->name);
    buf_add(out, doing ? doing : waits ? "waits" : look->state);
    if (step && look->at && !in_front)
        buf_format(out, " %s %s", begun ? look->at : "before", step->name);
}

/* " migrate online, " */
static void S_tell_order(const struct run_view *run, struct buf *out)
{
    size_t before = out->len;
    /* "run 3 run fill" would be one run too many; the step is told anyway. */
    if (run->verb && *run->verb && !str_starts(run->verb, "run "))
        buf_format(out, " %s", run->verb);
    if (run->mode && *run->mode)
        buf_format(out, " %s", run->mode);
    buf_add(out, out->len > before ? ", " : " ");
}

static void S_add_run(struct banner *banner, const struct snapshot *snapshot)
{
    const struct run_view *run = &snapshot->run;
    struct run_look look = S_find_look(run->state);
    bool silent = look.open && !run->alive;
    struct buf text = {0}, brief = {0}, state = {0};
    char span[16];
    if (!run->present) {
        S_add_part(banner, MOOD_PLAIN, str_dup("no run"));
        return;
    }
    S_tell_state(&look, run, snapshot_step(snapshot), &state);
    buf_format(&text, "run %lld", (long long)run->id);
    buf_format(&brief, "run %lld %s%s", (long long)run->id, buf_text(&state),
               silent ? ", no heartbeat" : "");
    S_tell_order(run, &text);
    buf_add(&text, buf_text(&state));
    if (run->who && *run->who)
        buf_format(&text, ", %s", run->who);
    if (silent)
        buf_add(&text, ", no heartbeat");
    if (run->since > 0) {
        clock_format_span(snapshot->at - run->since, span);
        buf_format(&text, look.open ? ", %s" : ", begun %s ago", span);
    }
    S_add_with_brief(banner, silent ? MOOD_BAD : look.mood, buf_take(&text), buf_take(&brief));
    buf_release(&state);
}

static const char *S_mode(const struct snapshot *snapshot)
{
    return snapshot->operator_mode ? "operator" : "read-only";
}

/* A plan of keys alone needs no database: then the place is that of Redis, and nothing can run. */
static bool S_is_redis_alone(const struct snapshot *snapshot)
{
    return snapshot->keys_only && snapshot->database.state == SERVER_NONE;
}

size_t banner_parts(const struct snapshot *snapshot, struct banner_part parts[BANNER_PARTS])
{
    struct banner banner = {.parts = parts};
    S_add_environment(&banner, snapshot);
    if (S_is_redis_alone(snapshot)) {
        S_add_where(&banner, &snapshot->redis);
    } else {
        S_add_where(&banner, &snapshot->database);
        S_add_server(&banner, &snapshot->database, "PostgreSQL", "PG");
    }
    S_add_server(&banner, &snapshot->redis, "Redis", "Redis");
    S_add_part(&banner, MOOD_BAD, str_dup(snapshot->redis.alarms ? snapshot->redis.alarms : ""));
    S_add_age(&banner, snapshot);
    if (!S_is_redis_alone(snapshot))
        S_add_run(&banner, snapshot);
    S_add_part(&banner, snapshot->operator_mode ? MOOD_ACTIVE : MOOD_DIM,
               str_dup(S_mode(snapshot)));
    return banner.count;
}

void banner_release(struct banner_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(parts[i].text);
        free(parts[i].brief);
        parts[i].text = parts[i].brief = NULL;
    }
}

/* ---- JSON ---- */

static void S_put_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, text && *text ? table_text_json(text) : json_null());
}

static void S_put_number(json_t *object, const char *key, int64_t number)
{
    json_object_set_new(object, key, number >= 0 ? json_integer(number) : json_null());
}

static void S_put_moment(json_t *object, const char *key, int64_t at)
{
    char moment[21];
    if (at > 0)
        clock_format_iso(at, moment);
    json_object_set_new(object, key, at > 0 ? json_string(moment) : json_null());
}

static void S_put_percent(json_t *object, const char *key, double percent)
{
    json_object_set_new(object, key, percent >= 0 ? json_real(percent) : json_null());
}

static const char *S_state_name(enum server_state state)
{
    static const char *const names[] = {
        [SERVER_NONE] = "none", [SERVER_CONNECTING] = "connecting",
        [SERVER_UP] = "up",     [SERVER_DOWN] = "down",
        [SERVER_LEFT] = "left",
    };
    return names[state];
}

static json_t *S_server_json(const struct server_view *server)
{
    json_t *object = json_object();
    S_put_text(object, "state", S_state_name(server->state));
    S_put_text(object, "where", server->where);
    S_put_text(object, "role", server->role);
    S_put_text(object, "version", server->version);
    S_put_text(object, "trouble", server->trouble);
    S_put_moment(object, "answered_at", server->answered_at);
    return object;
}

static json_t *S_redis_json(const struct server_view *redis)
{
    json_t *object = S_server_json(redis);
    S_put_number(object, "clients", redis->clients);
    S_put_number(object, "memory", redis->memory);
    S_put_number(object, "keys", redis->keys);
    S_put_percent(object, "memory_percent", redis->memory_share);
    S_put_percent(object, "hit_rate", redis->hit_rate);
    S_put_text(object, "alarms", redis->alarms);
    return object;
}

static json_t *S_run_json(const struct snapshot *snapshot)
{
    const struct run_view *run = &snapshot->run;
    if (!run->present)
        return json_null();
    const struct step_view *step = snapshot_step(snapshot);
    json_t *object = json_object();
    S_put_number(object, "id", run->id);
    S_put_text(object, "plan", run->plan);
    S_put_text(object, "verb", run->verb);
    S_put_text(object, "mode", run->mode);
    S_put_text(object, "state", run->state);
    S_put_text(object, "step", step ? step->name : NULL);
    S_put_text(object, "waits", step ? step->waits : NULL);
    S_put_text(object, "trouble", run->trouble);
    S_put_text(object, "who", run->who);
    S_put_moment(object, "since", run->since);
    S_put_number(object, "batch_ms", run->batch_ms);
    json_object_set_new(object, "sleep",
                        run->sleep >= 0 ? json_real((double)run->sleep / 100) : json_null());
    json_object_set_new(object, "asked", asked_json(run));
    json_object_set_new(object, "alive", json_boolean(run->alive));
    return object;
}

json_t *banner_json(const struct snapshot *snapshot)
{
    json_t *object = json_object();
    S_put_moment(object, "at", snapshot->at);
    S_put_text(object, "environment", snapshot->environment);
    S_put_text(object, "mode", S_mode(snapshot));
    S_put_text(object, "plan", snapshot->plan);
    S_put_text(object, "plan_title", snapshot->plan_title);
    json_object_set_new(object, "postgresql", S_server_json(&snapshot->database));
    json_object_set_new(object, "redis", S_redis_json(&snapshot->redis));
    S_put_number(object, "journal_version",
                 snapshot->has_journal ? snapshot->journal_version : UNKNOWN);
    json_object_set_new(object, "run", S_run_json(snapshot));
    return object;
}
