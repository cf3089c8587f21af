/* key_choice: see key_choice.h. */
#include "key_choice.h"

#include <stdlib.h>
#include <string.h>

bool key_is_queue(const char *key, size_t len)
{
    return len >= 5 && memcmp(key, "bull:", 5) == 0;
}

/* ---- what can be meant ---- */

static bool S_has_placeholder(const char *pattern, const char *placeholder)
{
    return strstr(pattern, placeholder) != NULL;
}

static bool S_has_segment(const char *pattern)
{
    return S_has_placeholder(pattern, "{type}") || S_has_placeholder(pattern, "{namespace}");
}

/* Can keys of this template be chosen at all? */
static bool S_is_eligible(const struct key_choice *choice, const struct plan_keys *keys)
{
    const char *pattern = keys->pattern;
    bool has_org = S_has_placeholder(pattern, "{org}");
    bool has_tenant = S_has_placeholder(pattern, "{tenant}");
    if (choice->event && !plan_names_has(&keys->events, choice->event))
        return false;
    if (choice->tenant && !has_tenant && !(has_org && choice->organizations))
        return false;
    if (choice->organization && !has_org)
        return false;
    if (choice->namespace && !S_has_segment(pattern))
        return false;
    if (choice->id && !S_has_placeholder(pattern, "{id}"))
        return false;
    return !choice->type || str_is(keys->name, choice->type) || S_has_segment(pattern);
}

static bool S_names_keys(const struct key_choice *choice)
{
    return choice->tenant || choice->organization || choice->type || choice->namespace ||
           choice->id || choice->event;
}

bool key_choice_is_all(const struct key_choice *choice)
{
    return !S_names_keys(choice) && !choice->pattern.text;
}

static bool S_explain_type(const struct key_choice *choice, struct err *err)
{
    struct buf names = {0};
    for (size_t i = 0; i < choice->plan->key_count; i++)
        buf_format(&names, "%s'%s'", i ? ", " : "", choice->plan->keys[i].name);
    if (choice->type)
        err_set(err, ERR_USAGE, "no [keys] of plan '%s' has the name '%s' and what else was chosen",
                choice->plan->name, choice->type);
    else
        err_set(err, ERR_USAGE, "no [keys] of plan '%s' tells what was chosen", choice->plan->name);
    err_hint(err, "there are %.400s", buf_text(&names));
    buf_release(&names);
    return false;
}

bool key_choice_begin(struct key_choice *choice, struct err *err)
{
    bool any = false;
    if (S_names_keys(choice) && !choice->plan) {
        err_set(err, ERR_USAGE, "whose keys are whose is told by a plan, and none is named");
        return err_hint(err, "say -p NAME, or choose with --pattern or --key");
    }
    if (!S_names_keys(choice) && !choice->pattern.text && !choice->everything)
        return err_set(err, ERR_USAGE, "nothing was chosen");
    for (size_t i = 0; choice->plan && i < choice->plan->key_count; i++)
        any |= S_is_eligible(choice, &choice->plan->keys[i]);
    if (S_names_keys(choice) && !any)
        return S_explain_type(choice, err);
    choice->index = key_index_new(choice->plan);
    return true;
}

void key_choice_end(struct key_choice *choice)
{
    key_index_free(choice->index);
    choice->index = NULL;
}

/* ---- one key ---- */

static bool S_same(const char *text, size_t len, const char *wanted)
{
    return text && strlen(wanted) == len && memcmp(text, wanted, len) == 0;
}

static bool S_is_of_tenant(const struct key_choice *choice, const struct key_owner *owner)
{
    if (!choice->tenant)
        return true;
    if (owner->tenant)
        return S_same(owner->tenant, owner->tenant_len, choice->tenant);
    if (!owner->organization || !choice->organizations)
        return false;
    char *code = key_part(owner->organization, owner->organization_len);
    bool its = map_get(choice->organizations, code) != MAP_NONE;
    free(code);
    return its;
}

static bool S_is_meant(const struct key_choice *choice, size_t template,
                       const struct key_owner *owner)
{
    if (!S_names_keys(choice))
        return true;
    if (template >= choice->plan->key_count)
        return false;
    const struct plan_keys *keys = &choice->plan->keys[template];
    if (choice->event && !plan_names_has(&keys->events, choice->event))
        return false;
    if (choice->type && !str_is(keys->name, choice->type) &&
        !S_same(owner->type, owner->type_len, choice->type))
        return false;
    if (choice->namespace && !S_same(owner->type, owner->type_len, choice->namespace))
        return false;
    if (choice->organization &&
        !S_same(owner->organization, owner->organization_len, choice->organization))
        return false;
    return (!choice->id || S_same(owner->id, owner->id_len, choice->id)) &&
           S_is_of_tenant(choice, owner);
}

enum key_verdict key_choice_judge(const struct key_choice *choice, const char *key, size_t len,
                                  size_t *template, struct key_owner *owner)
{
    *template = key_index_find(choice->index, key, len, owner);
    if (choice->pattern.text &&
        !key_glob_match(choice->pattern.text, choice->pattern.len, key, len))
        return KEY_LEFT;
    if (!S_is_meant(choice, *template, owner))
        return KEY_LEFT;
    bool of_plan = choice->plan && *template <choice->plan->key_count;
    bool foreign = key_is_queue(key, len) || (of_plan && choice->plan->keys[*template].foreign);
    return foreign && !choice->foreign ? KEY_FOREIGN : KEY_CHOSEN;
}

/* ---- globs ---- */

/* What a placeholder must be, when that is known; the name is with its braces. */
static const char *S_known(const struct key_choice *choice, const struct plan_keys *keys,
                           const char *name, size_t len)
{
    bool by_name = choice->type && str_is(keys->name, choice->type);
    const struct {
        const char *name, *value;
    } known[] = {
        {"{tenant}", choice->tenant},
        {"{org}", choice->organization},
        {"{id}", choice->id},
        {"{type}", choice->namespace ? choice->namespace
                   : by_name         ? NULL
                                     : choice->type},
        {"{namespace}", choice->namespace ? choice->namespace
                        : by_name         ? NULL
                                          : choice->type},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (S_same(name, len, known[i].name))
            return known[i].value;
    return NULL;
}

/* The template with what is known in it; false: some of it is not, and stands as '*'. */
static bool S_fill_in(const struct key_choice *choice, const struct plan_keys *keys, bool quoted,
                      struct buf *out)
{
    bool whole = true;
    for (const char *at = keys->pattern;;) {
        size_t len = strcspn(at, ":");
        const char *value = *at == '{' ? S_known(choice, keys, at, len) : NULL;
        bool open = *at == '{' ? !value : len == 1 && *at == '*' && !at[len];
        size_t value_len = value ? strlen(value) : len;
        whole &= !open;
        if (open)
            buf_add_char(out, '*');
        else if (quoted)
            key_glob_quote(out, value ? value : at, value_len);
        else
            buf_add_mem(out, value ? value : at, value_len);
        if (!at[len])
            return whole;
        buf_add_char(out, ':');
        at += len + 1;
    }
}

/* How much of the beginning of both is the same text without a wildcard. */
static size_t S_common(const char *a, const char *b)
{
    size_t len = 0;
    while (a[len] && a[len] == b[len] && a[len] != '*')
        len++;
    while (len && a[len - 1] == '\\') /* never the half of a quoted letter */
        len--;
    return len;
}

bool key_choice_glob(const struct key_choice *choice, struct buf *out)
{
    struct buf common = {0}, one = {0};
    size_t count = 0, same = 0;
    if (choice->pattern.text)
        buf_add_mem(out, choice->pattern.text, choice->pattern.len);
    for (size_t i = 0; S_names_keys(choice) && i < choice->plan->key_count; i++) {
        if (choice->pattern.text || !S_is_eligible(choice, &choice->plan->keys[i]))
            continue;
        buf_clear(&one);
        S_fill_in(choice, &choice->plan->keys[i], true, &one);
        if (!count++) {
            buf_add(&common, one.text);
            same = common.len;
            continue;
        }
        size_t shared = S_common(common.text, one.text);
        same = shared < same ? shared : same;
    }
    if (count == 1) {
        buf_add(out, common.text);
    } else if (count && same) {
        buf_add_mem(out, common.text, same);
        buf_add_char(out, '*');
    }
    buf_release(&common);
    buf_release(&one);
    return out->len && !str_is(out->text, "*");
}

bool key_choice_exact(const struct key_choice *choice, struct buf *out, size_t *count)
{
    *count = 0;
    if (choice->pattern.text || !S_names_keys(choice))
        return false;
    for (size_t i = 0; i < choice->plan->key_count; i++) {
        if (!S_is_eligible(choice, &choice->plan->keys[i]))
            continue;
        if (!S_fill_in(choice, &choice->plan->keys[i], false, out))
            return false;
        buf_add_char(out, '\0');
        ++*count;
    }
    return *count > 0;
}

void key_choice_describe(const struct key_choice *choice, struct buf *out)
{
    const struct {
        const char *name, *value;
    } parts[] = {
        {"event", choice->event},
        {"tenant", choice->tenant},
        {"organization", choice->organization},
        {"type", choice->type},
        {"namespace", choice->namespace},
        {"id", choice->id},
        {"pattern", choice->pattern.text},
    };
    size_t begun = out->len;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].value)
            buf_format(out, "%s%s '%s'", out->len > begun ? ", " : "", parts[i].name,
                       parts[i].value);
    if (out->len == begun)
        buf_add(out, choice->everything ? "every key" : "nothing");
}
