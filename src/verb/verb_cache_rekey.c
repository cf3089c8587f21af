/*
 * verb_cache_rekey: a tenant or organization gets another code, and its keys go along. It is begun
 * only where the new code has no keys yet: so the same with the two codes changed round takes it
 * back.
 */
#include "keyrename.h"
#include "verb_cache.h"
#include "verb_cache_change.h"
#include "verbs.h"

#include "failpoint.h"
#include "verb_launch.h"

#include <stdlib.h>
#include <string.h>

struct rekey {
    struct verb_call *call;
    struct verb_cache cache;
    struct keyrename work;
    struct verb_change change;
    int64_t found;
};

static bool S_check_codes(const struct verb_call *call, struct err *err)
{
    for (size_t i = 0; i < 2; i++)
        if (!*call->args[i] || strchr(call->args[i], ':'))
            return err_set(err, ERR_USAGE, "'%s' can be no code in a key: it is empty or has a ':'",
                           call->args[i]);
    return !str_is(call->args[0], call->args[1]) ||
           err_set(err, ERR_USAGE, "the two codes are the same");
}

static void S_on_progress(void *ctx, const struct keyrename *work)
{
    verb_cache_progress(ctx, "moving", keyspace_seen(work->keyspace), work->moved);
}

static bool S_begin(struct rekey *r, struct err *err)
{
    if (!S_check_codes(r->call, err) || !verb_cache_begin(r->call, true, &r->cache, err))
        return false;
    r->work = (struct keyrename){.keyspace = r->cache.keyspace,
                                 .plan = r->call->session->plan,
                                 .before = r->call->args[0],
                                 .after = r->call->args[1],
                                 .organization = verb_given(r->call, "organizations") != NULL,
                                 .stop = verb_cache_heed(&r->cache),
                                 .progress = S_on_progress,
                                 .ctx = &r->cache};
    keyrename_begin(&r->work);
    FAILPOINT_STEP("rekey");
    return true;
}

static void S_end(struct rekey *r)
{
    verb_change_release(&r->change);
    if (r->work.batch)
        keyrename_end(&r->work);
    verb_cache_end(&r->cache);
}

static bool S_require_free(const struct rekey *r, struct err *err)
{
    if (!r->work.new || r->change.resumed)
        return true;
    err_set(err, ERR_REFUSED,
            "'%s' has keys already: %lld; with more among them nobody could tell them apart again",
            r->work.after, (long long)r->work.new);
    return err_hint(err, "remove those first ('cache clear'), or choose another code");
}

static json_t *S_order(const struct rekey *r)
{
    return json_pack("{s:o, s:o, s:b}", "from", verb_json_text(r->work.before), "to",
                     verb_json_text(r->work.after), "organization", r->work.organization);
}

/* Names, then what is in them, and then both are looked for anew. */
static bool S_move(struct rekey *r, struct err *err)
{
    return keyrename_move(&r->work, err) && keyrename_rewrite(&r->work, true, err) &&
           verb_change_acted(&r->change,
                             json_pack("{s:I, s:I, s:I}", "moved", (json_int_t)r->work.moved,
                                       "values", (json_int_t)r->work.values, "members",
                                       (json_int_t)r->work.members),
                             err) &&
           keyrename_count(&r->work, err) && keyrename_rewrite(&r->work, false, err);
}

static bool S_is_done(const struct rekey *r)
{
    return !r->work.old && !r->work.stale;
}

static void S_answer(const struct rekey *r)
{
    const struct keyrename *work = &r->work;
    if (r->call->json) {
        verb_answer(r->call,
                    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "found",
                              (json_int_t)r->found, "moved", (json_int_t)work->moved, "values",
                              (json_int_t)work->values, "members", (json_int_t)work->members,
                              "left", (json_int_t)work->old, "stale", (json_int_t)work->stale,
                              "keys", (json_int_t)work->new, "samples", work->samples));
        return;
    }
    fprintf(r->call->out,
            "keys moved: %lld; values that say the new code: %lld; members of sets: %lld\n",
            (long long)work->moved, (long long)work->values, (long long)work->members);
    if (S_is_done(r))
        fprintf(
            r->call->out,
            "looked at anew: no key has the old code, none says it; keys of the new one: %lld\n",
            (long long)work->new);
    else
        fprintf(r->call->out,
                "looked at anew: keys of the old code: %lld, written since, or whose new name is "
                "taken; values and members that say it: %lld\n",
                (long long)work->old, (long long)work->stale);
}

static void S_note(struct rekey *r, bool before)
{
    char *text = before
                     ? str_format("%s: will give the keys of '%s' the code '%s'",
                                  keyspace_name(r->cache.keyspace), r->work.before, r->work.after)
                     : str_format("%s: keys of '%s' that have the code '%s' now: %lld; left: %lld",
                                  keyspace_name(r->cache.keyspace), r->work.before, r->work.after,
                                  (long long)r->work.moved, (long long)r->work.old);
    verb_change_note(&r->change, !before && !S_is_done(r) ? "warn" : "info", text);
    free(text);
}

static bool S_act(struct rekey *r, struct err *err)
{
    if (!verb_change_begin(r->call, keyspace_name(r->cache.keyspace), "rekey", S_order(r),
                           &r->change, err))
        return false;
    if (!S_require_free(r, err)) {
        struct err ignored = {0};
        verb_change_end(&r->change, "refused", &ignored);
        return false;
    }
    S_note(r, true);
    FAILPOINT("K2");
    if (!S_move(r, err) || (S_is_done(r) && !verb_change_end(&r->change, "done", err)))
        return false;
    S_note(r, false);
    verb_cache_wipe(&r->cache);
    S_answer(r);
    r->call->findings = !S_is_done(r);
    return true;
}

static bool S_look(struct rekey *r, struct err *err)
{
    if (!S_require_free(r, err))
        return false;
    if (r->call->json) {
        verb_answer(r->call, json_pack("{s:I, s:I}", "found", (json_int_t)r->work.old, "taken",
                                       (json_int_t)r->work.new));
        return true;
    }
    char *before = text_cleaned(r->work.before), *after = text_cleaned(r->work.after);
    fprintf(r->call->out, "keys of '%s' that would get the code '%s': %lld\n", before, after,
            (long long)r->work.old);
    free(before);
    free(after);
    return true;
}

/* One that was cut off has moved keys already: whether it may go on is told when it is begun. */
bool verb_cache_rekey_tell(struct verb_call *call, struct err *err)
{
    struct rekey r = {.call = call};
    size_t i;
    const json_t *sample;
    if (call->yes || call->json || verb_given(call, "abandon"))
        return true;
    bool ok = S_begin(&r, err) && keyrename_count(&r.work, err);
    if (ok) {
        fprintf(call->out, "keys of '%s' that would get the code '%s', which has %lld: %lld\n",
                r.work.before, r.work.after, (long long)r.work.new, (long long)r.work.old);
        json_array_foreach(r.work.samples, i, sample)
            fprintf(call->out, "  %.200s\n", json_string_value(sample));
    }
    S_end(&r);
    return ok;
}

bool verb_cache_rekey(struct verb_call *call, struct err *err)
{
    struct rekey r = {.call = call};
    if (verb_given(call, "abandon"))
        return verb_change_abandon(call, "rekey", err);
    bool ok = S_begin(&r, err) && keyrename_count(&r.work, err);
    r.found = r.work.old;
    if (ok)
        ok = verb_given(call, "dry-run") ? S_look(&r, err) : S_act(&r, err);
    S_end(&r);
    return ok;
}
