/* drill: see drill.h. */
#include "drill.h"

#include "child.h"
#include "clock.h"
#include "tables.h"

#include <stdlib.h>
#include <string.h>

enum { WITHIN_S = 5, LIMIT = 500, ANSWER_MOST = 4 << 20 };

/* ---- a tenant's rows and keys ---- */

static const struct tenant_view *S_find_tenant(const struct snapshot *snapshot, const char *code)
{
    for (size_t i = 0; i < snapshot->tenant_count; i++)
        if (str_is(snapshot->tenants[i].code, code))
            return &snapshot->tenants[i];
    return NULL;
}

static void S_add_holdings(struct snapshot *to, const struct snapshot *from,
                           const struct tenant_view *tenant)
{
    size_t tables = tenant->tables ? tenant->table_count : 0;
    to->holdings = arena_array(to->arena, tables + tenant->kind_count, sizeof(*to->holdings));
    for (size_t i = 0; i < tables; i++)
        to->holdings[to->holding_count++] = (struct holding_view){
            .name = arena_str(to->arena, tenant->tables[i].table),
            .count = {.value = tenant->tables[i].rows, .exact = true, .at = tenant->rows.at}};
    for (size_t i = 0; i < tenant->kind_count; i++) {
        const struct tenant_keys *keys = &tenant->kinds[i];
        to->holdings[to->holding_count++] = (struct holding_view){
            .name = arena_str(to->arena, keys->name),
            .in_redis = true,
            .count = {.value = keys->keys, .exact = true, .at = from->census.at},
            .ttl = keys->ttl,
            .without_ttl = keys->without_ttl,
            .over_ttl = keys->over_ttl};
    }
}

static struct snapshot *S_new_snapshot(const struct snapshot *from)
{
    struct arena *arena = arena_new();
    struct snapshot *snapshot = arena_alloc(arena, sizeof(*snapshot));
    snapshot->arena = arena;
    snapshot->at = from->at;
    snapshot->census = from->census;
    snapshot->census.trouble = NULL; /* that is the console's */
    return snapshot;
}

static void S_take_snapshot(struct level *level, struct snapshot *snapshot)
{
    struct snapshot *old = level->snapshot;
    level->snapshot = snapshot;
    pane_arrange(&level->pane, snapshot);
    snapshot_free(old);
}

static void S_refresh_level(struct level *level, const struct snapshot *from)
{
    struct snapshot *snapshot;
    const struct tenant_view *tenant;
    if (level->kind == DRILL_KEYS) {
        level->snapshot->at = from->at; /* its age goes on */
        return;
    }
    snapshot = S_new_snapshot(from);
    tenant = S_find_tenant(from, level->tenant);
    if (tenant)
        S_add_holdings(snapshot, from, tenant);
    S_take_snapshot(level, snapshot);
}

/* ---- the list of keys ---- */

static int S_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* The key's very bytes: as a text, or in hex where no text of JSON could hold them. */
static const char *S_read_name(struct arena *arena, const json_t *object, size_t *length)
{
    const char *hex = json_string_value(json_object_get(object, "hex"));
    const char *text = json_string_value(json_object_get(object, "key"));
    struct buf bytes = {0};
    for (size_t i = 0; hex && S_digit(hex[i]) >= 0 && S_digit(hex[i + 1]) >= 0; i += 2)
        buf_add_char(&bytes, (char)(S_digit(hex[i]) << 4 | S_digit(hex[i + 1])));
    if (!hex)
        buf_add(&bytes, text ? text : "");
    *length = bytes.len;
    const char *name = arena_strn(arena, buf_text(&bytes), bytes.len);
    buf_release(&bytes);
    return name;
}

static int64_t S_number(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);
    return json_is_integer(number) ? json_integer_value(number) : UNKNOWN;
}

static struct key_view S_read_key(struct arena *arena, const json_t *object)
{
    int64_t ttl_ms = S_number(object, "ttl_ms"), policy = S_number(object, "policy");
    struct key_view key = {.type =
                               arena_str(arena, json_string_value(json_object_get(object, "type"))),
                           .endless = json_is_true(json_object_get(object, "endless")),
                           .ttl = ttl_ms < 0 ? UNKNOWN : ttl_ms / 1000,
                           .policy = policy > 0 ? policy : 0,
                           .bytes = S_number(object, "bytes")};
    key.key = S_read_name(arena, object, &key.length);
    return key;
}

static void S_take_answer(struct level *level, const json_t *answer)
{
    struct snapshot *snapshot = S_new_snapshot(level->snapshot);
    const json_t *keys = json_object_get(answer, "keys");
    size_t count = json_array_size(keys);
    snapshot->listed = arena_array(snapshot->arena, count, sizeof(*snapshot->listed));
    for (size_t i = 0; i < count; i++)
        snapshot->listed[snapshot->listed_count++] =
            S_read_key(snapshot->arena, json_array_get(keys, i));
    snapshot->at = clock_wall();
    snapshot->listing =
        (struct listing_view){.listed = true,
                              .more = json_is_true(json_object_get(answer, "more")),
                              .seen = json_number_value(json_object_get(answer, "seen")),
                              .at = snapshot->at};
    S_take_snapshot(level, snapshot);
}

/* What was found before stays, with its age; and why there is nothing newer is said. */
static void S_take_trouble(struct level *level, const char *text)
{
    size_t length = strcspn(text, "\n");
    level->snapshot->listing.trouble =
        length ? arena_strn(level->snapshot->arena, text, length) : "the list could not be had";
}

static void S_heard(void *ctx, const char *bytes, size_t length)
{
    struct level *level = ctx;
    if (level->answer.len + length <= ANSWER_MOST)
        buf_add_mem(&level->answer, bytes, length);
}

static void S_ended(void *ctx, int status)
{
    struct level *level = ctx;
    json_error_t ignored;
    json_t *answer = status == 0 ? json_loads(buf_text(&level->answer), 0, &ignored) : NULL;
    level->child = NULL;
    level->snapshot->listing.asking = false;
    if (answer)
        S_take_answer(level, answer);
    else
        S_take_trouble(level, buf_text(&level->answer));
    json_decref(answer);
    buf_clear(&level->answer);
    level->changed(level->ctx);
}

static void S_add_word(struct words *words, char *word)
{
    words->words = mem_room(words->words, words->count, &words->cap, sizeof(*words->words));
    words->words[words->count++] = word;
}

static void S_list_keys(struct level *level)
{
    struct err err = {0};
    const struct child_ears ears = {.heard = S_heard, .ended = S_ended, .ctx = level};
    child_end(level->child);
    buf_clear(&level->answer);
    level->child = child_start(level->loop, command_work, &level->command, &ears, &err);
    level->snapshot->listing.asking = level->child != NULL;
    level->snapshot->listing.trouble = NULL;
    if (!level->child)
        S_take_trouble(level, err.text);
}

static void S_begin_list(struct level *level, struct session *session)
{
    struct words *words = &level->command.words;
    level->command.session = session;
    S_add_word(words, str_dup("cache"));
    S_add_word(words, str_dup("keys"));
    S_add_word(words, str_dup("--json"));
    S_add_word(words, str_format("--limit=%d", LIMIT));
    S_add_word(words, str_format("--within=%d", WITHIN_S));
    if (level->unclaimed)
        S_add_word(words, str_dup("--unclaimed"));
    if (level->type)
        S_add_word(words, str_format("--type=%s", level->type));
    if (level->tenant)
        S_add_word(words, str_format("--tenant=%s", level->tenant));
    S_list_keys(level);
}

/* ---- levels ---- */

static void S_free_level(struct level *level)
{
    child_end(level->child);
    words_release(&level->command.words);
    buf_release(&level->answer);
    pane_release(&level->pane);
    snapshot_free(level->snapshot);
    free(level->tenant);
    free(level->type);
    free(level->title);
    free(level);
}

static char *S_tell_title(const char *from, const struct drill_choice *choice)
{
    struct buf title = {0};
    buf_format(&title, "%s: ", from);
    if (choice->tenant)
        buf_add(&title, choice->tenant);
    if (choice->type || choice->unclaimed)
        buf_format(&title, "%s%s", choice->tenant ? ", " : "",
                   choice->type ? choice->type : "keys of no template");
    char *clean = text_cleaned(buf_text(&title));
    buf_release(&title);
    return clean;
}

void drill_open(struct drill *drill, enum drill_kind kind, const char *from,
                const struct drill_choice *choice, const struct drill_ground *ground)
{
    if (drill->depth == DRILL_DEPTH)
        return;
    struct level *level = mem_new(sizeof(*level));
    *level = (struct level){.kind = kind,
                            .tenant = str_dup(choice->tenant),
                            .type = str_dup(choice->type),
                            .unclaimed = choice->unclaimed,
                            .title = S_tell_title(from, choice),
                            .loop = ground->loop,
                            .changed = ground->changed,
                            .ctx = ground->ctx};
    pane_init(&level->pane, kind == DRILL_KEYS ? &key_table : &holding_table);
    level->snapshot = S_new_snapshot(ground->snapshot);
    drill->levels[drill->depth++] = level;
    if (kind == DRILL_KEYS)
        S_begin_list(level, ground->session);
    else
        S_refresh_level(level, ground->snapshot);
}

bool drill_back(struct drill *drill)
{
    if (!drill->depth)
        return false;
    S_free_level(drill->levels[--drill->depth]);
    return true;
}

void drill_release(struct drill *drill)
{
    while (drill_back(drill))
        continue;
}

struct level *drill_top(const struct drill *drill)
{
    return drill->depth ? drill->levels[drill->depth - 1] : NULL;
}

void drill_refresh(struct drill *drill, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < drill->depth; i++)
        S_refresh_level(drill->levels[i], snapshot);
}

void drill_list_again(struct drill *drill)
{
    struct level *top = drill_top(drill);
    if (top && top->kind == DRILL_KEYS)
        S_list_keys(top);
}

void drill_arrange(struct drill *drill)
{
    struct level *top = drill_top(drill);
    if (top)
        pane_arrange(&top->pane, top->snapshot);
}

const char *drill_trouble(const struct level *level)
{
    const struct listing_view *listing = &level->snapshot->listing;
    if (listing->asking)
        return "looking through Redis";
    return listing->trouble;
}
