/*
 * verb_change: the verbs that change something. verb_run() has seen to it that somebody said yes.
 */
#include "verbs.h"

#include "demo.h"
#include "journal.h"

#include <errno.h>
#include <stdlib.h>

enum { REDIS_OPEN_MS = 10000 };

bool verb_journal_create(struct verb_call *call, struct err *err)
{
    struct journal_state before, after;
    struct pg *pg;
    if (!verb_connect(call, &pg, err))
        return false;
    bool ok =
        journal_look(pg, &before, err) && journal_ensure(pg, err) && journal_look(pg, &after, err);
    pg_free(pg);
    if (!ok)
        return false;
    bool changed = !before.exists || before.version != after.version ||
                   !str_is(before.identity, after.identity);
    if (call->json)
        verb_answer(call, json_pack("{s:b, s:{s:I, s:s}}", "changed", changed, "journal", "version",
                                    (json_int_t)after.version, "identity", after.identity));
    else
        fprintf(call->out, "journal version %lld: %s\n", (long long)after.version,
                !before.exists                    ? "created"
                : before.version != after.version ? "upgraded"
                : changed                         ? "begins a new generation in this copy"
                                                  : "was there already");
    return true;
}

bool demo_options_read(const char *scale, const char *dirty, struct demo_options *out,
                       struct err *err)
{
    *out = (struct demo_options){.scale = 1, .dirty = dirty != NULL};
    if (!scale)
        return true;
    char *end;
    errno = 0;
    out->scale = strtod(scale, &end);
    if (!errno && end != scale && !*end && out->scale >= 0.001 && out->scale <= 1000)
        return true;
    return err_set(err, ERR_USAGE, "'--scale' wants a number from 0.001 to 1000, not '%s'", scale);
}

bool verb_demo_load(struct verb_call *call, struct err *err)
{
    struct demo_options options;
    struct redis *redis = NULL;
    struct pg *pg = NULL;
    bool ok =
        demo_options_read(verb_option(call, "scale"), verb_option(call, "dirty"), &options, err) &&
        verb_connect(call, &pg, err);
    if (ok && call->session->has_redis) {
        redis = redis_new(call->loop, &call->session->redis);
        ok = redis_open(redis, REDIS_OPEN_MS, err);
    }
    ok = ok && demo_load(pg, redis, &options, err);
    redis_free(redis);
    pg_free(pg);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:b, s:f}", "loaded", true, "scale", options.scale));
    else if (ok)
        fprintf(call->out,
                "the sample is loaded; 'tenantdeck -p mentoring plan check' looks at it\n");
    return ok;
}
