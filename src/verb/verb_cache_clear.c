/*
 * verb_cache_clear: removes keys by tenant, organization, type, namespace, key, pattern or tag, or
 * empties a Redis database, and says what it has proved: each key that it removed was asked for
 * again by name, or, with --prove, a second walk has found none.
 *
 * What is about to happen is kept before it happens (verb_cache_change.h), so that the same command
 * goes on after a kill.
 */
#include "keytag.h"
#include "verb_cache.h"
#include "verb_cache_change.h"
#include "verbs.h"

#include "clock.h"
#include "failpoint.h"
#include "verb_launch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct clear {
    struct verb_call *call;
    struct verb_cache cache;
    struct keyclear work;
    struct keytag tags;
    struct buf exact;
    const char *tag;
    char *undo_path; /* absolute; NULL */
    bool all;
    bool sealed; /* the undo file is whole already: of one that was killed after that */
    struct verb_change change;
    int64_t left;
};

/* ---- what was chosen ---- */

static bool S_check_options(const struct verb_call *call, struct err *err)
{
    static const char *const chosen[] = {"tenant", "org", "type", "namespace", "pattern", "key"};
    const char *tag = verb_given(call, "tag");
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(chosen); i++)
        count += verb_given(call, chosen[i]) != NULL;
    size_t allowed = tag && verb_given(call, "tenant") ? 1 : 0;
    if (verb_given(call, "all") && (count || tag))
        return err_set(err, ERR_USAGE, "'--all' means every key, so nothing else is chosen");
    if (tag && count > allowed)
        return err_set(err, ERR_USAGE, "'--tag' goes with '--tenant' alone");
    if (verb_given(call, "key") && count > 1)
        return err_set(err, ERR_USAGE, "'--key' means one key, so nothing else is chosen");
    if (count || tag || verb_given(call, "all"))
        return true;
    err_set(err, ERR_USAGE, "nothing was chosen to be removed");
    return err_hint(err,
                    "say --tenant, --org, --type, --namespace, --pattern, --key, --tag or --all");
}

/* A single key is known by name; so is the set of a tag, and no walk is needed for either. */
static bool S_begin_choice(struct clear *c, struct err *err)
{
    const char *key = verb_given(c->call, "key");
    c->tag = verb_given(c->call, "tag");
    c->all = verb_given(c->call, "all") != NULL;
    bool free_choice = c->all || c->tag || key;
    if (!verb_cache_begin(c->call, free_choice, &c->cache, err))
        return false;
    if (c->tag) /* whose tag is told by the set's name, and needs no plan */
        c->cache.choice.tenant = NULL;
    if (key) {
        buf_add_mem(&c->exact, key, strlen(key) + 1);
        c->work.exact = &c->exact;
        c->work.exact_count = 1;
    }
    return true;
}

static bool S_absolute(const char *path, char **out, struct err *err)
{
    char here[PATH_MAX];
    if (*path == '/') {
        *out = str_dup(path);
        return true;
    }
    if (!getcwd(here, sizeof(here)))
        return err_set(err, ERR_FAILED, "the working directory is not known");
    *out = str_format("%s/%s", here, path);
    return true;
}

static void S_on_progress(void *ctx, const struct keyclear *work)
{
    verb_cache_progress(ctx, "clearing", keyspace_seen(work->keyspace), work->chosen);
}

static bool S_begin(struct clear *c, struct err *err)
{
    const char *undo = verb_given(c->call, "undo-file");
    if (!S_check_options(c->call, err) ||
        !verb_cache_number(c->call, "rate", 1, 10000000, &c->work.rate, err) ||
        (undo && !S_absolute(undo, &c->undo_path, err)) || !S_begin_choice(c, err))
        return false;
    c->work.keyspace = c->cache.keyspace;
    c->work.choice = &c->cache.choice;
    c->work.prove = verb_given(c->call, "prove") || c->all;
    c->work.match = c->cache.match;
    c->work.progress = S_on_progress;
    c->work.ctx = &c->cache;
    keyclear_begin(&c->work);
    FAILPOINT_STEP("clear");
    return true;
}

static void S_end(struct clear *c)
{
    verb_change_release(&c->change);
    keytag_release(&c->tags);
    if (c->work.by_template)
        keyclear_end(&c->work);
    keyundo_free(c->work.undo);
    verb_cache_end(&c->cache);
    buf_release(&c->exact);
    free(c->undo_path);
}

static char *S_describe(const struct clear *c)
{
    struct buf text = {0};
    const char *key = verb_given(c->call, "key"), *tenant = verb_given(c->call, "tenant");
    if (c->tag)
        buf_format(&text, "tag '%s'%s%s%s", c->tag, tenant ? " of tenant '" : "",
                   tenant ? tenant : "", tenant ? "'" : "");
    else if (key)
        buf_format(&text, "key '%s'", key);
    else
        key_choice_describe(&c->cache.choice, &text);
    return buf_take(&text);
}

/* ---- counting ---- */

static bool S_count(struct clear *c, struct err *err)
{
    bool ok =
        c->tag ? keytag_run(&c->work, verb_given(c->call, "tenant"), c->tag, false, &c->tags, err)
               : keyclear_count(&c->work, err);
    verb_cache_wipe(&c->cache);
    return ok;
}

static void S_add_templates(const struct clear *c, struct buf *out)
{
    const struct plan *plan = c->cache.choice.plan;
    size_t begun = out->len;
    for (size_t i = 0; plan && !c->tag && i <= plan->key_count; i++)
        if (c->work.by_template[i])
            buf_format(out, "%s%lld %s", out->len > begun ? ", " : " (",
                       (long long)c->work.by_template[i],
                       i < plan->key_count ? plan->keys[i].name : "of no template");
    if (out->len > begun)
        buf_add_char(out, ')');
}

static void S_add_samples(const char *title, const json_t *samples, struct buf *out)
{
    size_t i;
    const json_t *sample;
    json_array_foreach(samples, i, sample)
    {
        buf_format(out, "%s  ", i ? "" : title);
        verb_cache_add_sample(out, json_string_value(sample));
    }
    if (json_array_size(samples))
        buf_add_char(out, '\n');
}

static void S_tell_count(struct clear *c)
{
    struct buf out = {0}, clean = {0};
    char *what = S_describe(c);
    buf_format(&out, "%s: keys of %s: ", keyspace_name(c->cache.keyspace), what);
    text_count(&out, c->work.chosen);
    S_add_templates(c, &out);
    buf_add_char(&out, '\n');
    S_add_samples("for example", c->work.samples, &out);
    if (c->work.foreign)
        buf_format(&out, "keys of others that %s: %lld\n",
                   c->all ? "are there" : "fit as well, and stay", (long long)c->work.foreign);
    S_add_samples("for example", c->work.foreign_samples, &out);
    if (c->tag)
        buf_format(&out,
                   "tag sets: %lld; members whose entry is gone: %lld; members that belong to "
                   "others, and stay: %lld\n",
                   (long long)c->tags.sets, (long long)c->tags.dangling,
                   (long long)c->tags.strangers);
    text_clean_lines(&clean, buf_text(&out), out.len);
    fputs(buf_text(&clean), c->call->out);
    fflush(c->call->out);
    free(what);
    buf_release(&out);
    buf_release(&clean);
}

static bool S_is_proved(const struct clear *c)
{
    return c->tag || keyclear_is_proved(&c->work);
}

/* At what it was looked afterwards: at all that was meant, or at what was removed. */
static const char *S_proof(const struct clear *c)
{
    return S_is_proved(c) ? "all" : "removed";
}

static json_t *S_json(const struct clear *c, bool acted)
{
    json_t *answer = json_pack("{s:b, s:I, s:I, s:O}", "changed", acted && c->work.removed > 0,
                               "chosen", (json_int_t)c->work.chosen, "foreign",
                               (json_int_t)c->work.foreign, "samples", c->work.samples);
    const struct plan *plan = c->cache.choice.plan;
    json_t *types = json_object();
    for (size_t i = 0; plan && i <= plan->key_count; i++)
        if (c->work.by_template[i])
            json_object_set_new(types, i < plan->key_count ? plan->keys[i].name : "(no template)",
                                json_integer(c->work.by_template[i]));
    json_object_set_new(answer, "types", types);
    if (acted) {
        json_object_set_new(answer, "removed", json_integer(c->work.removed));
        json_object_set_new(answer, "left", json_integer(c->left));
        json_object_set_new(answer, "resumed", json_boolean(c->change.resumed));
        json_object_set_new(answer, "verified", json_boolean(c->left == 0));
        json_object_set_new(answer, "looked", json_string(S_proof(c)));
    }
    if (c->undo_path)
        json_object_set_new(answer, "undo_file", verb_json_text(c->undo_path));
    if (c->tag) {
        json_object_set_new(answer, "sets", json_integer(c->tags.sets));
        json_object_set_new(answer, "dangling", json_integer(c->tags.dangling));
        json_object_set_new(answer, "strangers", json_integer(c->tags.strangers));
    }
    return answer;
}

/* ---- removing ---- */

static json_t *S_order(const struct clear *c)
{
    static const char *const names[] = {"tenant", "org", "type", "namespace", "pattern",
                                        "key",    "tag", "all",  "foreign"};
    json_t *order = verb_change_order(c->call, names, ARRAY_LEN(names));
    if (c->undo_path)
        json_object_set_new(order, "undo_file", verb_json_text(c->undo_path));
    return order;
}

static bool S_require_ours(struct clear *c, struct err *err)
{
    if (!c->all || c->cache.choice.foreign)
        return true;
    if (!keyclear_count(&c->work, err))
        return false;
    verb_cache_wipe(&c->cache);
    if (!c->work.foreign)
        return true;
    err_set(err, ERR_REFUSED,
            "there are keys of others in %s: %lld, '%s' for one; nothing was removed",
            keyspace_name(c->cache.keyspace), (long long)c->work.foreign,
            json_string_value(json_array_get(c->work.foreign_samples, 0)));
    return err_hint(err, "choose what is to go, or say --foreign as well: then they are lost, too");
}

/* Keys that are to come back by a file have to be taken one by one; else the server forgets all. */
static bool S_flush_all(struct clear *c, struct err *err)
{
    static const char *const flush[] = {"FLUSHDB", "ASYNC"};
    int64_t size = 0;
    if (!keyspace_measure(c->cache.keyspace, &size, err))
        return false;
    for (size_t node = 0; node < keyspace_nodes(c->cache.keyspace); node++)
        if (!keyspace_send_node(c->cache.keyspace, node, ARRAY_LEN(flush), flush, NULL, NULL, NULL,
                                err))
            return false;
    c->work.removed = c->work.chosen = size > 0 ? size : 0;
    return keyspace_settle(c->cache.keyspace, err);
}

static bool S_remove(struct clear *c, struct err *err)
{
    bool ok;
    c->work.stop = verb_cache_heed(&c->cache);
    if (c->tag)
        ok = keytag_run(&c->work, verb_given(c->call, "tenant"), c->tag, true, &c->tags, err);
    else if (c->all && !c->work.undo)
        ok = S_flush_all(c, err);
    else
        ok = keyclear_remove(&c->work, err);
    verb_cache_wipe(&c->cache);
    FAILPOINT("K5");
    return ok && (!c->work.undo || keyundo_finish(c->work.undo, err));
}

/* A fresh look, by other commands than those that removed. */
static bool S_verify(struct clear *c, struct err *err)
{
    if (c->tag) {
        struct keytag after = {0};
        struct keyclear look = {.keyspace = c->work.keyspace, .choice = c->work.choice};
        keyclear_begin(&look);
        bool ok = keytag_run(&look, verb_given(c->call, "tenant"), c->tag, false, &after, err);
        c->left = look.chosen + after.dangling;
        keyclear_end(&look);
        keytag_release(&after);
        return ok;
    }
    return keyclear_verify(&c->work, &c->left, err);
}

/* What was seen afterwards, and not more: a walk knows nothing of keys that are new since. */
static void S_add_proof(const struct clear *c, struct buf *text)
{
    int64_t by_itself = c->work.chosen - c->work.removed;
    if (!S_is_proved(c)) {
        buf_add(text, " of ");
        text_count(text, c->work.chosen);
        buf_add(text, " that one full walk has met");
    }
    if (!S_is_proved(c) && by_itself > 0)
        buf_add(text, " (the others ended by themselves)");
    if (c->left) {
        buf_add(text, "; there after all, written since: ");
        text_count(text, c->left);
    } else {
        buf_add(text, S_is_proved(c) ? "; looked for anew: none is left"
                                     : "; asked for by name: none is there");
    }
}

/* What was done and what was seen afterwards; yours. */
static char *S_result(const struct clear *c)
{
    char *what = S_describe(c);
    struct buf text = {0};
    buf_format(&text, "%s: keys of %s removed: ", keyspace_name(c->cache.keyspace), what);
    text_count(&text, c->work.removed);
    S_add_proof(c, &text);
    if (c->work.foreign && !c->all)
        buf_format(&text, "; keys of others that stay: %lld", (long long)c->work.foreign);
    if (c->tags.strangers)
        buf_format(&text, "; members of the sets that belong to others, and stay: %lld",
                   (long long)c->tags.strangers);
    if (c->change.resumed)
        buf_add(&text, "; what was removed before it was cut off is not counted here");
    if (c->undo_path)
        buf_format(&text, "; 'tenantdeck cache restore %s' brings them back", c->undo_path);
    free(what);
    return buf_take(&text);
}

/* A line for people, of text that may hold anything. */
static void S_say(const struct clear *c, const char *text)
{
    char *clean = text_cleaned(text);
    if (!c->call->json)
        fprintf(c->call->out, "%s\n", clean);
    free(clean);
}

static bool S_begin_change(struct clear *c, struct err *err)
{
    const char *server = keyspace_name(c->cache.keyspace);
    if (!verb_change_begin(c->call, server, "clear", S_order(c), &c->change, err))
        return false;
    char *what = S_describe(c);
    char *text = str_format("%s: will remove the keys of %s%s%s", server, what,
                            c->change.before ? "; " : "", c->change.before ? c->change.before : "");
    verb_change_note(&c->change, "info", text);
    free(text);
    free(what);
    if (!c->undo_path)
        return true;
    if (!keyundo_begin(c->undo_path, server, c->change.resumed, &c->work.undo, err)) {
        struct err ignored = {0};
        if (!c->change.resumed) /* nothing of it has begun */
            verb_change_end(&c->change, "refused", &ignored);
        return false;
    }
    c->sealed = !c->work.undo;
    c->work.prove |= c->sealed; /* nobody knows any more which keys those were */
    return true;
}

static json_t *S_counts(const struct clear *c)
{
    return json_pack("{s:I, s:I}", "found", (json_int_t)c->work.chosen, "removed",
                     (json_int_t)c->work.removed);
}

/* Intent, act, confirmation: each is kept before the next begins, so a kill between any two leaves
 * what the same command again goes on with. */
static bool S_clear(struct clear *c, struct err *err)
{
    if (!S_require_ours(c, err) || !S_begin_change(c, err))
        return false;
    FAILPOINT("K2");
    if (!c->sealed && (!S_remove(c, err) || !verb_change_acted(&c->change, S_counts(c), err)))
        return false;
    FAILPOINT("K6");
    if (!S_verify(c, err))
        return false;
    FAILPOINT("K7");
    char *result = S_result(c);
    bool ok = verb_change_end(&c->change, result, err);
    if (ok) {
        verb_change_note(&c->change, c->left ? "warn" : "info", result);
        S_say(c, result);
    }
    free(result);
    c->call->findings = c->left > 0;
    return ok;
}

bool verb_cache_clear_tell(struct verb_call *call, struct err *err)
{
    struct clear c = {.call = call};
    bool told = call->yes || call->json || (call->confirmed && *call->confirmed);
    if (told || verb_given(call, "abandon"))
        return true;
    bool ok = S_begin(&c, err) && S_count(&c, err);
    if (ok)
        S_tell_count(&c);
    S_end(&c);
    return ok;
}

bool verb_cache_clear(struct verb_call *call, struct err *err)
{
    struct clear c = {.call = call};
    bool ok;
    if (verb_given(call, "abandon"))
        return verb_change_abandon(call, "clear", err);
    if (verb_given(call, "dry-run")) {
        ok = S_begin(&c, err) && S_count(&c, err);
        if (ok && call->json)
            verb_answer(call, S_json(&c, false));
        else if (ok)
            S_tell_count(&c);
    } else {
        ok = S_begin(&c, err) && S_clear(&c, err);
        if (ok && call->json)
            verb_answer(call, S_json(&c, true));
    }
    S_end(&c);
    return ok;
}

/* ---- restore ---- */

static bool S_check_place(struct verb_call *call, const char *path, const char *server,
                          struct err *err)
{
    char *here = redis_target_describe(&call->session->redis);
    bool same = str_is(here, server) || verb_given(call, "force");
    if (!same)
        err_set(err, ERR_REFUSED, "'%s' has keys of '%s', and this is '%s': nothing was restored",
                path, server ? server : "?", here);
    if (!same)
        err_hint(err, "say --force if they are to go here");
    free(here);
    return same;
}

static void S_tell_restored(struct verb_call *call, const struct keyundo_result *r)
{
    if (call->json) {
        verb_answer(call,
                    json_pack("{s:I, s:I, s:I, s:I, s:I}", "keys", (json_int_t)r->keys, "restored",
                              (json_int_t)r->back, "there", (json_int_t)r->there, "over",
                              (json_int_t)r->over, "refused", (json_int_t)r->refused));
        return;
    }
    fprintf(call->out,
            "keys restored, and found there: %lld of %lld; there again, and left: %lld; whose time "
            "is over: %lld\n",
            (long long)r->back, (long long)r->keys, (long long)r->there, (long long)r->over);
    if (r->refused) {
        char *clean = text_cleaned(r->first);
        fprintf(call->out, "refused by the server: %lld: %s\n", (long long)r->refused, clean);
        free(clean);
    }
}

static bool S_restore(struct verb_call *call, const char *path, struct err *err)
{
    struct keyundo_result result = {0};
    struct keyspace *keyspace = NULL;
    FAILPOINT_STEP("restore");
    bool ok = keyspace_open_for(call->loop, &call->session->redis, &keyspace, err) &&
              keyundo_restore(path, keyspace, &result, err);
    if (ok) {
        char *text =
            str_format("%s: keys of an undo file restored, and found there: %lld of %lld",
                       keyspace_name(keyspace), (long long)result.back, (long long)result.keys);
        S_tell_restored(call, &result);
        verb_change_tell(call, result.refused ? "warn" : "info", text);
        free(text);
    }
    call->findings = ok && result.back + result.there + result.over < result.keys;
    keyspace_free(keyspace);
    return ok;
}

static void S_tell_file(struct verb_call *call, const char *path, int64_t keys, const char *server)
{
    char *text = str_format("keys in '%s': %lld, of %s; its checksum is right", path,
                            (long long)keys, server);
    char *clean = text_cleaned(text);
    fprintf(call->out, "%s\n", clean);
    free(clean);
    free(text);
}

bool verb_cache_restore_tell(struct verb_call *call, struct err *err)
{
    int64_t keys;
    char *server = NULL;
    const char *path = call->args[0];
    bool ok = keyundo_check(path, &keys, &server, err) && S_check_place(call, path, server, err);
    if (ok && !call->json)
        S_tell_file(call, path, keys, server);
    if (ok && !call->json)
        fputs("a key that is there by now stays as it is; one whose time is over is left out\n",
              call->out);
    free(server);
    return ok;
}

bool verb_cache_restore(struct verb_call *call, struct err *err)
{
    int64_t keys;
    char *server = NULL;
    const char *path = call->args[0];
    bool ok = keyundo_check(path, &keys, &server, err) && S_check_place(call, path, server, err);
    if (ok && verb_given(call, "dry-run") && call->json)
        verb_answer(call, json_pack("{s:I, s:o}", "keys", (json_int_t)keys, "server",
                                    verb_json_text(server)));
    else if (ok && verb_given(call, "dry-run"))
        S_tell_file(call, path, keys, server);
    else if (ok)
        ok = S_restore(call, path, err);
    free(server);
    return ok;
}
