/*
 * actions_cache: what keys do about tenants and keys in Redis: deeper from a row to what it has,
 * one by one, and the verbs of the cache for what the cursor is on. The verbs ask and do, as on the
 * command line; here it is only said what is meant.
 */
#include "console_state.h"
#include "key_glob.h"
#include "key_template.h"
#include "service_keys.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the cursor is on ---- */

struct meant {
    const char *tenant, *type;    /* NULL: any */
    const struct plan_keys *keys; /* of the plan: the template; NULL: none */
    const struct key_view *key;   /* one key; NULL */
    bool unclaimed;               /* keys of no template */
    bool rows;                    /* of a table, which are nothing in Redis */
    bool nothing;                 /* there is no row */
};

static const struct level *S_level(const struct console *console)
{
    return drill_top(&console->panes.drills[console->panes.focus]);
}

static const struct plan_keys *S_find_keys(const struct console *console, const char *name)
{
    const struct plan *plan = console->session->plan;
    for (size_t i = 0; plan && name && i < plan->key_count; i++)
        if (str_is(plan->keys[i].name, name))
            return &plan->keys[i];
    return NULL;
}

static void S_mean_type(const struct console *console, const char *name, struct meant *out)
{
    out->keys = S_find_keys(console, name);
    out->unclaimed = !out->keys;
    out->type = out->keys ? name : NULL;
}

static void S_mean_in_level(const struct console *console, const struct level *level, size_t row,
                            struct meant *out)
{
    out->tenant = level->tenant;
    if (level->kind == DRILL_KEYS) {
        out->type = level->type;
        out->keys = S_find_keys(console, level->type);
        out->unclaimed = level->unclaimed;
        out->key = &level->snapshot->listed[row];
        return;
    }
    const struct holding_view *holding = &level->snapshot->holdings[row];
    out->rows = !holding->in_redis;
    if (holding->in_redis)
        S_mean_type(console, holding->name, out);
}

static struct meant S_mean(const struct console *console)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    const struct level *level = S_level(console);
    struct meant meant = {0};
    size_t row;
    if (!pane_row(panes_focused_of(&console->panes), &row)) {
        meant.nothing = true;
        return meant;
    }
    if (level)
        S_mean_in_level(console, level, row, &meant);
    else if (console->panes.focus == TABLE_CACHE)
        S_mean_type(console, snapshot->keys[row].name, &meant);
    else if (snapshot->tenants[row].organizations >= 0)
        meant.tenant = snapshot->tenants[row].code;
    else
        meant.nothing = true;
    return meant;
}

/* ---- deeper ---- */

static void S_changed(void *ctx)
{
    struct console *console = ctx;
    console->wishes |= WISH_REDRAW;
}

static void S_open_level(struct console *console, enum drill_kind kind, const struct meant *meant)
{
    const struct drill_choice choice = {
        .tenant = meant->tenant, .type = meant->type, .unclaimed = meant->unclaimed};
    const struct drill_ground ground = {.loop = console->loop,
                                        .session = console->session,
                                        .snapshot = sampler_snapshot(console->sampler),
                                        .changed = S_changed,
                                        .ctx = console};
    drill_open(&console->panes.drills[console->panes.focus], kind,
               table_defs[console->panes.focus].title, &choice, &ground);
}

/* As one word of a line, whatever is in it. */
static void S_add_word(struct buf *line, const char *option, const char *word)
{
    buf_format(line, " %s\"", option);
    for (const char *c = word; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_add_char(line, '\\');
        buf_add_char(line, *c);
    }
    buf_add_char(line, '"');
}

static unsigned S_say_line(struct console *console, struct buf *line)
{
    unsigned wishes = verbline_run(console, buf_text(line));
    buf_release(line);
    return wishes;
}

static unsigned S_show_key(struct console *console, const struct key_view *key)
{
    struct buf line = {0};
    if (strlen(key->key) != key->length)
        return console_say(console, MOOD_WARN,
                           "its name has a NUL in it: no command line can say it");
    buf_add(&line, *key->key == '-' ? "cache peek --" : "cache peek");
    S_add_word(&line, "", key->key);
    return S_say_line(console, &line);
}

static unsigned S_show_table(struct console *console, const char *name)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    struct buf text = {0};
    for (size_t i = 0; i < snapshot->fill_count; i++)
        if (str_is(snapshot->fills[i].name, name))
            table_defs[TABLE_TABLES].detail(snapshot, i, &text);
    char *title = str_format("%s: %s", table_defs[TABLE_TABLES].title, name);
    action_show(console, title, &text);
    free(title);
    return WISH_REDRAW;
}

/*
 * Where Enter goes deeper: from a tenant to what it has, from there to keys, from a key to its
 * value.
 */
bool action_deepens(const struct console *console)
{
    enum table_id focus = console->panes.focus;
    return S_level(console) || focus == TABLE_TENANTS || focus == TABLE_CACHE;
}

unsigned action_deepen(struct console *console)
{
    struct meant meant = S_mean(console);
    const struct level *level = S_level(console);
    size_t row;
    if (!pane_row(panes_focused_of(&console->panes), &row))
        return console_say(console, MOOD_WARN, "there is no row to open");
    if (meant.nothing)
        return console_say(
            console, MOOD_WARN,
            "these rows are no tenant's of the mapping; i tells what is known of them");
    if (meant.key)
        return S_show_key(console, meant.key);
    if (meant.rows)
        return S_show_table(console, level->snapshot->holdings[row].name);
    bool of_tenant = !level && console->panes.focus == TABLE_TENANTS;
    if (!of_tenant && sampler_snapshot(console->sampler)->redis.state != SERVER_UP)
        return console_say(console, MOOD_WARN,
                           "Redis does not answer, so its keys cannot be listed");
    S_open_level(console, of_tenant ? DRILL_HOLDINGS : DRILL_KEYS, &meant);
    return WISH_REDRAW;
}

/* ---- what can be done with it ---- */

static const char *S_event(const struct meant *meant)
{
    const struct plan_names *events = meant->keys ? &meant->keys->events : NULL;
    return events && events->count ? events->names[0] : NULL;
}

/* `tenant` and `id` are yours. */
static bool S_cut_session(const struct meant *meant, char **tenant, char **id)
{
    return meant->key &&
           service_key_cut(FAMILY_SESSION, meant->key->key, meant->key->length, tenant, id);
}

static bool S_is_session(const struct meant *meant)
{
    char *tenant, *id;
    if (!S_cut_session(meant, &tenant, &id))
        return false;
    free(tenant);
    free(id);
    return true;
}

static const char *S_unfit(const struct meant *meant, enum action action)
{
    bool foreign = meant->keys && meant->keys->foreign;
    if (meant->nothing)
        return "there is nothing under the cursor that could be meant";
    if (meant->rows)
        return "these are rows of a table; the verbs of the cache are about keys";
    if (foreign)
        return "these keys are another program's: they are counted, never changed";
    if (meant->unclaimed && !meant->key)
        return "these keys fit no template of the plan: each can be removed by itself, from their "
               "list";
    if (meant->key && strlen(meant->key->key) != meant->key->length)
        return "its name has a NUL in it: no command line can say it";
    if (action == ACT_KEYS_TTL && meant->keys && meant->keys->ttl <= 0)
        return "the plan sets no time to live for these keys";
    if (action == ACT_KEYS_TTL && meant->unclaimed)
        return "no template of the plan says how long it may live";
    if (action == ACT_KEYS_STALE && !S_event(meant))
        return "no event of the plan makes these keys stale ('events' of its [keys])";
    if (action == ACT_LOGIN_END && !S_is_session(meant))
        return "this key is no session";
    return NULL;
}

static const char *S_no_warming(const struct console *console)
{
    const struct plan *plan = console->session->plan;
    if (plan && plan->kind == PLAN_COLUMNS)
        return NULL;
    return "this plan has no warming queries: they are a matter of plans of kind columns";
}

const char *action_cache_barred(const struct console *console, enum action action)
{
    if (!action_deepens(console))
        return "there are no keys here";
    if (sampler_snapshot(console->sampler)->redis.state != SERVER_UP)
        return "Redis does not answer";
    if (!console->session->operator_mode)
        return "this console only looks: open it with --operator to change keys";
    if (action == ACT_KEYS_RESTORE)
        return NULL;
    if (action == ACT_KEYS_WARM)
        return S_no_warming(console);
    struct meant meant = S_mean(console);
    return S_unfit(&meant, action);
}

static void S_add_choice(struct buf *line, const struct meant *meant)
{
    if (meant->tenant)
        S_add_word(line, "--tenant=", meant->tenant);
    if (meant->type)
        S_add_word(line, "--type=", meant->type);
}

/* The rest is to be typed: a name of a file, a code. */
static unsigned S_ask_rest(struct console *console, struct buf *line)
{
    console->question = ASKS_COMMAND;
    prompt_open(&console->prompt, ":", buf_text(line), &console->commands);
    buf_release(line);
    return WISH_REDRAW;
}

static unsigned S_clear(struct console *console, const struct meant *meant, bool keeps)
{
    struct buf line = {0};
    buf_add(&line, "cache clear");
    if (meant->key)
        S_add_word(&line, "--key=", meant->key->key);
    else
        S_add_choice(&line, meant);
    if (!keeps)
        return S_say_line(console, &line);
    buf_add(&line, " --undo-file=");
    return S_ask_rest(console, &line);
}

static unsigned S_set_times(struct console *console, const struct meant *meant)
{
    struct buf line = {0}, glob = {0};
    buf_add(&line, "cache ttl --set");
    S_add_choice(&line, meant);
    if (meant->key) {
        key_glob_quote(&glob, meant->key->key, meant->key->length);
        S_add_word(&line, "--pattern=", buf_text(&glob));
    }
    buf_release(&glob);
    return S_say_line(console, &line);
}

/* Whose the key is; without a key, that is to be typed. */
static unsigned S_invalidate(struct console *console, const struct meant *meant)
{
    struct key_owner owner = {0};
    struct buf line = {0};
    buf_format(&line, "cache invalidate %s", S_event(meant));
    if (meant->key)
        key_template_match(meant->keys->pattern, meant->key->key, meant->key->length, &owner);
    if (!owner.organization && !owner.tenant) {
        buf_add_char(&line, ' ');
        return S_ask_rest(console, &line);
    }
    char *code = owner.organization ? str_ndup(owner.organization, owner.organization_len)
                                    : str_ndup(owner.tenant, owner.tenant_len);
    S_add_word(&line, "", code);
    free(code);
    if (owner.id) {
        char *id = str_ndup(owner.id, owner.id_len);
        S_add_word(&line, "", id);
        free(id);
    }
    return S_say_line(console, &line);
}

static unsigned S_end_login(struct console *console, const struct meant *meant)
{
    char *tenant, *id;
    struct buf line = {0};
    if (!S_cut_session(meant, &tenant, &id))
        return console_say(console, MOOD_WARN, "this key is no session");
    buf_add(&line, "session end");
    S_add_word(&line, "", id);
    S_add_word(&line, "--tenant=", tenant);
    free(tenant);
    free(id);
    return S_say_line(console, &line);
}

unsigned action_cache(struct console *console, enum action action)
{
    struct meant meant = S_mean(console);
    struct buf line = {0};
    switch (action) {
    case ACT_KEYS_CLEAR:
        return S_clear(console, &meant, false);
    case ACT_KEYS_KEEP:
        return S_clear(console, &meant, true);
    case ACT_KEYS_TTL:
        return S_set_times(console, &meant);
    case ACT_KEYS_STALE:
        return S_invalidate(console, &meant);
    case ACT_LOGIN_END:
        return S_end_login(console, &meant);
    case ACT_KEYS_WARM:
        return verbline_run(console, "cache warm");
    default:
        buf_add(&line, "cache restore ");
        return S_ask_rest(console, &line);
    }
}
