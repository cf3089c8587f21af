/*
 * verb_entry: the verbs on single entries of the service's cache, and on all that carry a tag. They
 * count nothing in the service's metrics: its hit rate shall tell of its own reads.
 */
#include "cache_entry.h"
#include "clock.h"
#include "login.h"
#include "service_keys.h"
#include "verb_session.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

enum { TAGS_MOST = 64 };

static const char S_default_namespace[] = "generic"; /* as the service has it */

/* ---- which entry ---- */

struct S_name { /* release it */
    char *tenant, *name_space, *key, *whole;
};

static void S_release_name(struct S_name *name)
{
    free(name->tenant);
    free(name->name_space);
    free(name->key);
    free(name->whole);
}

/* "cache:org_1:users:user_456", as SCAN and the Cache pane have it. */
static bool S_read_whole(const char *text, struct S_name *out, struct err *err)
{
    char *colon = NULL;
    if (service_key_cut(FAMILY_CACHE, text, strlen(text), &out->tenant, &out->name_space))
        colon = strchr(out->name_space, ':');
    if (!colon) {
        err_set(err, ERR_USAGE, "'%s' is no cache:TENANT:NAMESPACE:KEY", text);
        return err_hint(err, "say --tenant and --namespace with a KEY, or the whole key");
    }
    out->key = str_dup(colon + 1);
    *colon = '\0';
    return true;
}

static bool S_read_name(const struct verb_call *call, struct S_name *out, struct err *err)
{
    const char *tenant, *name_space = verb_option(call, "namespace"), *key = call->args[0];
    *out = (struct S_name){0};
    if (!session_tenant(call, &tenant, err))
        return false;
    if (!tenant && !name_space) {
        if (!S_read_whole(key, out, err))
            return false;
    } else if (!tenant) {
        return err_set(err, ERR_USAGE, "'--namespace' wants --tenant");
    } else {
        out->tenant = str_dup(tenant);
        out->name_space = str_dup(name_space ? name_space : S_default_namespace);
        out->key = str_dup(key);
    }
    out->whole = service_cache_key(out->tenant, out->name_space, out->key);
    return service_name_fits("namespace", out->name_space, err) &&
           service_name_fits("tenant", out->tenant, err) &&
           (*out->key || err_set(err, ERR_USAGE, "the key is empty")) &&
           (text_is_utf8(out->whole, strlen(out->whole)) ||
            err_set(err, ERR_USAGE, "the key is no valid UTF-8"));
}

/* ---- cache get ---- */

static void S_print_json(FILE *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    struct buf clean = {0};
    if (text)
        text_clean_lines(&clean, text, strlen(text));
    fprintf(out, "%s\n", buf_text(&clean));
    buf_release(&clean);
    free(text);
}

static void S_print_tags(FILE *out, const json_t *tags)
{
    struct buf list = {0};
    size_t i;
    json_t *tag;
    json_array_foreach(tags, i, tag)
    {
        const char *text = json_string_value(tag);
        buf_add(&list, i ? ", " : "");
        text_clean(&list, text ? text : "?", text ? strlen(text) : 1);
    }
    if (list.len)
        fprintf(out, "  tags      %s\n", buf_text(&list));
    buf_release(&list);
}

static void S_print_entry(const struct verb_call *call, const struct cache_entry *entry,
                          const json_t *shown)
{
    static const char *const shapes[] = {[ENTRY_FULL] = "an entry",
                                         [ENTRY_SHORT] = "an entry of the short shape",
                                         [ENTRY_PLAIN] = "JSON",
                                         [ENTRY_TEXT] = "text",
                                         [ENTRY_WRONG] = "no string, so no entry"};
    char *key = text_cleaned(entry->key), left[16];
    clock_format_span(entry->ttl_ms, left);
    fprintf(call->out, "  key       %s\n  holds     %s\n", key, shapes[entry->shape]);
    fprintf(call->out, "  left      %s\n", entry->ttl_ms < 0 ? "it never ends" : left);
    if (entry->since >= 0) {
        char moment[21];
        clock_format_iso(entry->since, moment);
        fprintf(call->out, "  set       %s\n", moment);
    }
    if (cache_entry_is_over(entry, clock_wall()))
        fprintf(call->out, "  trouble   its own time is over: the service takes it for a miss\n");
    if (entry->shape == ENTRY_FULL)
        S_print_tags(call->out, json_object_get(entry->value, "tags"));
    if (shown)
        S_print_json(call->out, shown);
    else if (entry->text)
        fprintf(call->out, "%s\n", entry->text);
    free(key);
}

static void S_show_entry(struct verb_call *call, const struct cache_entry *entry)
{
    json_t *shown = !entry->data || verb_option(call, "reveal") ? json_incref(entry->data)
                                                                : login_masked(entry->data);
    const json_t *tags = entry->shape == ENTRY_FULL ? json_object_get(entry->value, "tags") : NULL;
    if (!call->json) {
        S_print_entry(call, entry, shown);
        json_decref(shown);
        return;
    }
    json_t *data = shown ? shown : entry->text ? verb_json_text(entry->text) : json_null();
    verb_answer(call,
                json_pack("{s:o, s:o, s:o, s:b, s:o}", "key", verb_json_text(entry->key), "ttl_ms",
                          entry->ttl_ms >= 0 ? json_integer(entry->ttl_ms) : json_null(), "tags",
                          tags ? json_deep_copy(tags) : json_array(), "over",
                          cache_entry_is_over(entry, clock_wall()), "data", data));
}

bool verb_cache_get(struct verb_call *call, struct err *err)
{
    struct S_name name;
    struct keyspace *keyspace = NULL;
    struct cache_entry entry = {0};
    bool ok = S_read_name(call, &name, err) && session_open_keys(call, &keyspace, err) &&
              cache_entry_get(keyspace, name.whole, &entry, err);
    if (ok && entry.shape == ENTRY_NONE)
        ok = err_set(err, ERR_FAILED, "there is no '%s'", name.whole);
    if (ok)
        S_show_entry(call, &entry);
    cache_entry_release(&entry);
    keyspace_free(keyspace);
    S_release_name(&name);
    return ok;
}

/* ---- cache set ---- */

static bool S_read_ttl(const struct verb_call *call, const char *key, int64_t *ttl, struct err *err)
{
    const char *text = verb_option(call, "ttl");
    *ttl = service_ttl(call->session->plan, key, SERVICE_CACHE_TTL);
    return !text || (str_to_int(text, ttl) && *ttl >= 1 && *ttl <= PLAN_TTL_MOST) ||
           err_set(err, ERR_USAGE, "'--ttl' wants seconds from 1 to %d, not '%s'", PLAN_TTL_MOST,
                   text);
}

/* JSON as it stands; anything else, and all with --text, is a text. */
static bool S_read_data(const struct verb_call *call, json_t **out, struct err *err)
{
    const char *text = call->args[1];
    *out = verb_option(call, "text") ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
    if (!*out)
        *out = json_string(text);
    return *out || err_set(err, ERR_USAGE, "the value is no valid UTF-8");
}

static bool S_read_tags(const struct verb_call *call, char **text, const char **tags, size_t *count,
                        struct err *err)
{
    const char *given = verb_option(call, "tags");
    *text = str_dup(given);
    if (given && !text_is_utf8(given, strlen(given)))
        return err_set(err, ERR_USAGE, "'--tags' is no valid UTF-8");
    char *rest = *text, *tag;
    while ((tag = strsep(&rest, ",")) != NULL) {
        if (!*tag)
            continue;
        if (*count == TAGS_MOST)
            return err_set(err, ERR_USAGE, "'--tags' names more than %d", TAGS_MOST);
        tags[(*count)++] = tag;
    }
    return true;
}

static void S_tell_set(struct verb_call *call, const struct S_name *name,
                       const struct cache_order *order)
{
    char *key = text_cleaned(name->whole);
    if (call->json)
        verb_answer(call, json_pack("{s:o, s:I, s:I}", "key", verb_json_text(name->whole), "ttl",
                                    (json_int_t)order->ttl, "tags", (json_int_t)order->tag_count));
    else
        fprintf(call->out, "%s is set, for %lld s\n", key, (long long)order->ttl);
    free(key);
}

bool verb_cache_set(struct verb_call *call, struct err *err)
{
    struct S_name name;
    struct keyspace *keyspace = NULL;
    const char *tags[TAGS_MOST];
    char *tag_text = NULL;
    struct cache_order order = {.tags = tags};
    bool ok = S_read_name(call, &name, err) && S_read_ttl(call, name.whole, &order.ttl, err) &&
              S_read_data(call, &order.data, err) &&
              S_read_tags(call, &tag_text, tags, &order.tag_count, err) &&
              session_open_keys(call, &keyspace, err);
    order.tenant = name.tenant;
    order.name_space = name.name_space;
    order.key = name.key;
    ok = ok && cache_entry_set(keyspace, &order, err);
    if (ok)
        S_tell_set(call, &name, &order);
    json_decref(order.data);
    free(tag_text);
    keyspace_free(keyspace);
    S_release_name(&name);
    return ok;
}

/* ---- cache delete ---- */

bool verb_cache_delete(struct verb_call *call, struct err *err)
{
    struct S_name name;
    struct keyspace *keyspace = NULL;
    bool was = false;
    bool ok = S_read_name(call, &name, err) && session_open_keys(call, &keyspace, err) &&
              cache_entry_delete(keyspace, name.tenant, name.whole, &was, err);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:o, s:b}", "key", verb_json_text(name.whole), "was", was));
    else if (ok)
        fprintf(call->out, was ? "deleted\n" : "there was none\n");
    keyspace_free(keyspace);
    S_release_name(&name);
    return ok;
}

/* ---- cache tags ---- */

static void S_print_tag(const struct verb_call *call, const char *tag,
                        const struct tag_result *result, bool dry)
{
    char *name = text_cleaned(tag);
    size_t i;
    json_t *sample;
    fprintf(call->out, "%s: %lld entries carry it, ", name,
            (long long)(result->members - result->strangers));
    fprintf(call->out, dry ? "and would go\n" : "%lld were there and are gone\n",
            (long long)result->removed);
    if (result->again)
        fprintf(call->out, "  %lld of them have been set again meanwhile\n",
                (long long)result->again);
    if (result->strangers)
        fprintf(call->out, "  %lld are no cache keys of this tenant, and are left alone:\n",
                (long long)result->strangers);
    json_array_foreach(result->samples, i, sample)
        fprintf(call->out, "    %s\n", json_string_value(sample));
    free(name);
}

static json_t *S_tag_json(const char *tag, const struct tag_result *result)
{
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:O}", "tag", verb_json_text(tag), "members",
                     (json_int_t)result->members, "removed", (json_int_t)result->removed, "again",
                     (json_int_t)result->again, "strangers", (json_int_t)result->strangers,
                     "samples", result->samples);
}

static bool S_invalidate(struct verb_call *call, struct keyspace *keyspace, const char *tenant,
                         bool dry, json_t *answer, struct err *err)
{
    for (size_t i = 0; i < call->arg_count; i++) {
        struct tag_result result;
        if (!cache_tag_invalidate(keyspace, tenant, call->args[i], dry, &result, err))
            return false;
        call->findings |= result.strangers > 0;
        if (call->json)
            json_array_append_new(answer, S_tag_json(call->args[i], &result));
        else
            S_print_tag(call, call->args[i], &result, dry);
        json_decref(result.samples);
    }
    return true;
}

bool verb_cache_tags(struct verb_call *call, struct err *err)
{
    const char *tenant;
    struct keyspace *keyspace = NULL;
    bool dry = verb_option(call, "dry-run") != NULL;
    if (!session_tenant(call, &tenant, err))
        return false;
    if (!tenant)
        return err_set(err, ERR_USAGE, "'cache tags' wants --tenant: tags are each tenant's own");
    if (!session_open_keys(call, &keyspace, err))
        return false;
    json_t *answer = json_array();
    bool ok = S_invalidate(call, keyspace, tenant, dry, answer, err);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:b, s:O}", "dry_run", dry, "tags", answer));
    json_decref(answer);
    keyspace_free(keyspace);
    return ok;
}
