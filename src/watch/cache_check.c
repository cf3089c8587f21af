/* cache_check: see cache_check.h. Talks to no server. */
#include "cache_check.h"

#include "clock.h"
#include "key_template.h"
#include "redis.h"
#include "redis_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OF_THE_SERVER = 4 }; /* checks, beside one for each template */

struct checking {
    const struct plan *plan;
    const char *info;
    struct arena *arena;
    struct check_view *checks;
    size_t count;
};

static void S_say(struct checking *c, const char *group, const char *subject, enum verdict verdict,
                  const char *message)
{
    c->checks[c->count++] = (struct check_view){.group = group,
                                                .subject = arena_str(c->arena, subject),
                                                .verdict = verdict,
                                                .message = arena_str(c->arena, message),
                                                .count = UNKNOWN,
                                                .at = clock_wall()};
}

/* ---- the templates ---- */

/* A key that the pattern fits: no other template would be told by its letters. */
static char *S_example(const char *pattern)
{
    struct buf key = {0};
    for (const char *s = pattern; *s; s++) {
        if (*s == '{') {
            buf_add(&key, "\x01");
            s = strchr(s, '}');
        } else {
            buf_add(&key, *s == '*' ? "\x01:\x01" : (char[]){*s, '\0'});
        }
    }
    return buf_take(&key);
}

static const struct plan_keys *S_hidden_by(const struct plan *plan, size_t at)
{
    struct key_owner owner;
    const struct plan_keys *by = NULL;
    char *key = S_example(plan->keys[at].pattern);
    for (size_t i = 0; i < at && !by; i++)
        if (key_template_match(plan->keys[i].pattern, key, strlen(key), &owner))
            by = &plan->keys[i];
    free(key);
    return by;
}

static void S_check_template(struct checking *c, size_t at)
{
    const struct plan_keys *keys = &c->plan->keys[at], *by = S_hidden_by(c->plan, at);
    if (by)
        S_say(c, "keys", keys->name, VERDICT_FAIL,
              arena_format(c->arena,
                           "no key is ever counted here: the template '%s' before it, %s, fits all "
                           "of them",
                           by->name, by->pattern));
    else if (!keys->ttl && !keys->foreign)
        S_say(c, "keys", keys->name, VERDICT_WARN,
              "its keys have no policy: the section has no 'ttl'");
    else
        S_say(c, "keys", keys->name, VERDICT_PASS, "can be reached");
}

/* ---- the server ---- */

static void S_check_version(struct checking *c)
{
    char *version = redis_info_text(c->info, "redis_version");
    int major = 0, minor = 0;
    if (version)
        sscanf(version, "%d.%d", &major, &minor);
    bool known = major > 6 || (major == 6 && minor >= 2);
    S_say(c, "server", "version",
          !version ? VERDICT_UNKNOWN
          : known  ? VERDICT_PASS
                   : VERDICT_FAIL,
          !version ? "INFO does not tell it"
                   : arena_format(c->arena, "Redis %s%s", version,
                                  known ? "" : ": 6.2 is the oldest that this is made for"));
    free(version);
}

static void S_check_role(struct checking *c)
{
    char *role = redis_info_text(c->info, "role");
    bool replica = str_is(role, "slave");
    S_say(c, "server", "role",
          !role     ? VERDICT_UNKNOWN
          : replica ? VERDICT_WARN
                    : VERDICT_PASS,
          !role     ? "INFO does not tell it"
          : replica ? "it is a replica, which takes no writes: name its primary with -r"
                    : "it is a primary");
    free(role);
}

/* What it does when memory runs out decides whether people are logged out, or cannot log in. */
static void S_check_memory(struct checking *c)
{
    char *policy = redis_info_text(c->info, "maxmemory_policy");
    int64_t limit = redis_info_int(c->info, "maxmemory");
    enum verdict verdict = VERDICT_PASS;
    const char *message;
    if (!policy || limit < 0) {
        verdict = VERDICT_UNKNOWN;
        message = "INFO does not tell maxmemory and its policy";
    } else if (!limit) {
        verdict = VERDICT_WARN;
        message = "maxmemory is not set: it grows until the host has no more, and is killed";
    } else if (str_is(policy, "noeviction")) {
        message = "noeviction: when it is full, writes fail with OOM, and nobody can log in";
    } else {
        verdict = VERDICT_WARN;
        message = arena_format(c->arena,
                               "%s: when it is full, keys go before their time, sessions too, and "
                               "their users are logged out",
                               policy);
    }
    S_say(c, "server", "maxmemory", verdict, message);
    free(policy);
}

static void S_check_alarms(struct checking *c)
{
    struct redis_load load;
    struct buf alarms = {0};
    redis_load_read(c->info, &load);
    redis_load_alarms(&load, &c->plan->alarms, &alarms);
    S_say(c, "server", "alarms",
          !*c->info    ? VERDICT_UNKNOWN
          : alarms.len ? VERDICT_WARN
                       : VERDICT_PASS,
          !*c->info    ? "INFO tells none of what they watch"
          : alarms.len ? buf_text(&alarms)
                       : "none of the plan rings");
    buf_release(&alarms);
}

size_t cache_check(const struct plan *plan, const char *info, struct arena *arena,
                   struct check_view **out)
{
    struct checking c = {.plan = plan, .info = info, .arena = arena};
    c.checks = arena_array(arena, plan->key_count + OF_THE_SERVER, sizeof(*c.checks));
    for (size_t i = 0; i < plan->key_count; i++)
        S_check_template(&c, i);
    S_check_version(&c);
    S_check_role(&c);
    S_check_memory(&c);
    S_check_alarms(&c);
    *out = c.checks;
    return c.count;
}
