/*
 * verb_cache_invalidate: something has changed, so the keys that hold it go. One shot, for scripts
 * and hooks: keys that can be told by name are removed without a look at any other.
 *
 * Which keys hold what is the plan's to say (`events` of its [keys]). And cache warm, which is the
 * step of that name.
 */
#include "keyclear.h"
#include "text.h"
#include "verb_cache.h"
#include "verb_cache_change.h"
#include "verbs.h"

#include "verb_launch.h"

#include <stdlib.h>
#include <string.h>

struct invalidation {
    struct verb_call *call;
    struct keyspace *keyspace;
    const char *event, *code, *id;
    const char *tenant; /* of the code, by --tenant or the mapping; NULL: not known */
    struct tally *tally;
    int64_t removed, left, found;
    size_t templates, by_name;
    bool acts;
};

static bool S_has(const struct plan_keys *keys, const char *placeholder)
{
    return strstr(keys->pattern, placeholder) != NULL;
}

/*
 * What the event means for one template. Where it tells no organization, the code is a tenant's;
 * but one organization's event is not a whole tenant's, unless it names the very thing.
 */
static bool S_choose(const struct invalidation *v, const struct plan_keys *keys,
                     struct key_choice *choice)
{
    if (keys->foreign || !plan_names_has(&keys->events, v->event))
        return false;
    *choice = (struct key_choice){.plan = v->call->session->plan,
                                  .event = v->event,
                                  .type = keys->name,
                                  .id = S_has(keys, "{id}") ? v->id : NULL};
    if (S_has(keys, "{org}")) {
        choice->organization = v->code;
        choice->tenant = S_has(keys, "{tenant}") ? v->tenant : NULL;
        return true;
    }
    if (!S_has(keys, "{tenant}"))
        return false;
    choice->tenant = v->tenant ? v->tenant : v->code;
    return !v->tenant || str_is(v->tenant, v->code) || choice->id;
}

/* What of one template would go, with some of it. */
static void S_tell_choice(const struct invalidation *v, const struct key_choice *choice,
                          const struct keyclear *clear)
{
    fprintf(v->call->out, "%s: %lld\n", choice->type, (long long)clear->chosen);
    verb_cache_print_samples(v->call, clear->samples);
}

static bool S_run_choice(struct invalidation *v, struct key_choice *choice, struct err *err)
{
    struct buf exact = {0}, glob = {0};
    struct key_glob match = {0};
    size_t count;
    if (!key_choice_begin(choice, err))
        return false;
    struct keyclear clear = {.keyspace = v->keyspace, .choice = choice};
    int64_t left = 0;
    if (key_choice_exact(choice, &exact, &count)) {
        clear.exact = &exact;
        clear.exact_count = count;
        v->by_name++;
    } else if (key_choice_glob(choice, &glob)) {
        match = (struct key_glob){glob.text, glob.len};
        clear.match = &match;
    }
    keyclear_begin(&clear);
    bool ok = v->acts ? keyclear_remove(&clear, err) && keyclear_verify(&clear, &left, err)
                      : keyclear_count(&clear, err);
    v->found += clear.chosen;
    v->removed += clear.removed;
    v->left += left;
    v->templates++;
    if (ok && !v->acts && !v->call->json)
        S_tell_choice(v, choice, &clear);
    keyclear_end(&clear);
    key_choice_end(choice);
    buf_release(&exact);
    buf_release(&glob);
    return ok;
}

static void S_find_tenant(struct invalidation *v)
{
    v->tally = tally_new(v->call->session->plan);
    int64_t tenant = tally_of_organization(v->tally, v->code);
    v->tenant = verb_given(v->call, "tenant");
    if (!v->tenant && tenant >= 0 && tally_is_known(v->tally, (size_t)tenant))
        v->tenant = tally_code(v->tally, (size_t)tenant);
}

static void S_answer(const struct invalidation *v)
{
    if (v->call->json) {
        json_t *answer =
            json_pack("{s:I, s:I, s:I}", "templates", (json_int_t)v->templates, "by_name",
                      (json_int_t)v->by_name, "found", (json_int_t)v->found);
        if (v->acts)
            json_object_update_new(answer,
                                   json_pack("{s:I, s:I}", "removed", (json_int_t)v->removed,
                                             "left", (json_int_t)v->left));
        verb_answer(v->call, answer);
    } else if (v->acts) {
        fprintf(v->call->out, "keys removed: %lld; there again: %lld\n", (long long)v->removed,
                (long long)v->left);
    } else {
        fprintf(v->call->out, "keys that would be removed: %lld\n", (long long)v->found);
    }
}

static void S_note(const struct invalidation *v)
{
    char *raw = str_format("%s: event '%s' of '%s'%s%s: keys removed: %lld; there again: %lld",
                           keyspace_name(v->keyspace), v->event, v->code, v->id ? ", id " : "",
                           v->id ? v->id : "", (long long)v->removed, (long long)v->left);
    char *text = text_cleaned(raw);
    verb_change_tell(v->call, v->left ? "warn" : "info", text);
    free(text);
    free(raw);
}

static bool S_check_event(const struct verb_call *call, struct err *err)
{
    const struct plan *plan = call->session->plan;
    static const char *const events[] = {"organization", "session", "profile"};
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        known |= str_is(call->args[0], events[i]);
    if (!known)
        return err_set(err, ERR_USAGE, "'%s' is no event: organization, session and profile are",
                       call->args[0]);
    for (size_t i = 0; i < plan->key_count; i++)
        if (plan_names_has(&plan->keys[i].events, call->args[0]))
            return true;
    err_set(err, ERR_REFUSED, "no [keys] of plan '%s' has the event '%s'", plan->name,
            call->args[0]);
    return err_hint(err, "add 'events = %s' to those that go stale", call->args[0]);
}

static bool S_invalidate(struct verb_call *call, bool acts, struct err *err)
{
    const struct plan *plan = call->session->plan;
    struct invalidation v = {.call = call,
                             .acts = acts,
                             .event = call->args[0],
                             .code = call->args[1],
                             .id = call->arg_count > 2 ? call->args[2] : NULL};
    if (!S_check_event(call, err))
        return false;
    S_find_tenant(&v);
    bool ok = keyspace_open_for(call->loop, &call->session->redis, &v.keyspace, err);
    if (ok)
        keyspace_pace(v.keyspace, 100);
    for (size_t i = 0; ok && i < plan->key_count; i++) {
        struct key_choice choice;
        if (S_choose(&v, &plan->keys[i], &choice))
            ok = S_run_choice(&v, &choice, err);
    }
    if (ok) {
        S_answer(&v);
        if (!verb_given(call, "dry-run"))
            S_note(&v);
        call->findings = v.left > 0;
    }
    keyspace_free(v.keyspace);
    tally_free(v.tally);
    return ok;
}

bool verb_cache_invalidate_tell(struct verb_call *call, struct err *err)
{
    return call->yes || call->json || S_invalidate(call, false, err);
}

bool verb_cache_invalidate(struct verb_call *call, struct err *err)
{
    return S_invalidate(call, !verb_given(call, "dry-run"), err);
}

static void S_mean_step(struct verb_call *call)
{
    static const char *const step[] = {"cache-warm"};
    call->args = step;
    call->arg_count = ARRAY_LEN(step);
}

bool verb_cache_warm_tell(struct verb_call *call, struct err *err)
{
    S_mean_step(call);
    return verb_run_step_tell(call, err);
}

bool verb_cache_warm(struct verb_call *call, struct err *err)
{
    S_mean_step(call);
    return verb_run_step(call, err);
}
