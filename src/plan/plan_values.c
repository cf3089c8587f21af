/* plan_values: see plan_values.h. How a value is cut into words is plan_words.c's matter. */
#include "plan_values.h"
#include "plan_rules.h"
#include "plan_words.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

/* ---- values of one word ---- */

typedef const char *name_fn(int value);

/* One of the names of an enum; `name` tells them. */
static bool S_take_choice(const char *value, name_fn *name, int count, int *out, struct err *err)
{
    struct buf list = {0};
    for (*out = 0; *out < count; ++*out)
        if (str_is(value, name(*out)))
            return true;
    for (int i = 0; i < count; i++)
        buf_format(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", name(i));
    err_set(err, ERR_FAILED, "'%s' is not one of %s", value, buf_text(&list));
    buf_release(&list);
    return false;
}

bool plan_take_bool(const char *value, bool *out, struct err *err)
{
    *out = str_is(value, "true");
    return *out || str_is(value, "false") ||
           err_set(err, ERR_FAILED, "'%s' is neither true nor false", value);
}

bool plan_take_text(struct plan_reader *r, const char **out, struct err *err)
{
    if (!r->value[0])
        return err_set(err, ERR_FAILED, "it is empty");
    *out = arena_str(r->plan->arena, r->value);
    return true;
}

/* The value as words; the caller takes them, then asks plan_words_end(). */
static bool S_cut(struct plan_reader *r, struct plan_words *words, struct err *err)
{
    return plan_words_cut(r->plan->arena, r->value, words, err);
}

static bool S_take_name(struct plan_reader *r, const char *what, const char **out, struct err *err)
{
    struct plan_words words;
    return S_cut(r, &words, err) && plan_words_name(&words, what, out, err) &&
           plan_words_end(&words, err);
}

static bool S_take_names(struct plan_reader *r, const char *what, struct plan_names *out,
                         struct err *err)
{
    struct plan_words words;
    return S_cut(r, &words, err) &&
           plan_words_names(r->plan->arena, &words, what, NULL, out, err) &&
           plan_words_end(&words, err);
}

/* The names of the enums, behind one type of function. */
static const char *S_kind_name(int value)
{
    return plan_kind_name((enum plan_kind)value);
}

static const char *S_source_name(int value)
{
    return plan_source_name((enum plan_source)value);
}

static const char *S_orphans_name(int value)
{
    return plan_orphans_name((enum plan_orphans)value);
}

static const char *S_role_name(int value)
{
    return plan_role_name((enum plan_column_role)value);
}

/* ---- [plan] ---- */

/* The name is part of file names and of the journal, so it is kept plain. */
static bool S_plan_name(struct plan_reader *r, struct err *err)
{
    const char *name = r->value;
    bool plain = islower((unsigned char)name[0]) && strlen(name) <= 40;
    for (const char *s = name; plain && *s; s++)
        plain = islower((unsigned char)*s) || isdigit((unsigned char)*s) || *s == '-' || *s == '_';
    if (!plain)
        return err_set(err, ERR_FAILED,
                       "'%s' is no name for a plan: up to 40 of a-z, 0-9, '-' and '_', a letter "
                       "first",
                       name);
    return plan_take_text(r, &r->plan->name, err);
}

static bool S_plan_kind(struct plan_reader *r, struct err *err)
{
    int kind = 0;
    if (!S_take_choice(r->value, S_kind_name, PLAN_KINDS, &kind, err))
        return false;
    r->plan->kind = (enum plan_kind)kind;
    return true;
}

static bool S_plan_title(struct plan_reader *r, struct err *err)
{
    return plan_take_text(r, &r->plan->title, err);
}

static bool S_plan_schema(struct plan_reader *r, struct err *err)
{
    return S_take_name(r, "a schema", &r->plan->schema, err);
}

static bool S_plan_distribute(struct plan_reader *r, struct err *err)
{
    return plan_take_bool(r->value, &r->plan->distribute, err);
}

static bool S_plan_bearing(struct plan_reader *r, struct err *err)
{
    return S_take_names(r, "a column", &r->plan->bearing, err);
}

static bool S_plan_ignore(struct plan_reader *r, struct err *err)
{
    return S_take_names(r, "a table", &r->plan->ignored, err);
}

/* ---- [mapping] ---- */

/* Whoever wrote the plan may have written what it calls for as well. */
struct file_trust plan_trust(const struct plan_reader *r)
{
    return (struct file_trust){.found = !strchr(r->value, '/'), .owner = r->plan->whose.owner};
}

/*
 * A plan is often read where it was installed, and its mapping lies where the administrator works;
 * a file beside the plan wins, so that a site's own pair stays a pair.
 */
static bool S_mapping_file(struct plan_reader *r, struct err *err)
{
    const char *file = NULL, *slash = strrchr(r->plan->path, '/');
    if (!plan_take_text(r, &file, err))
        return false;
    if (file[0] != '/' && slash) {
        char *beside = arena_format(r->plan->arena, "%.*s/%s", (int)(slash - r->plan->path),
                                    r->plan->path, file);
        if (access(beside, F_OK) == 0 || access(file, F_OK) != 0)
            file = beside;
    }
    r->plan->mapping.path = file;
    r->plan->mapping.shape.trust = plan_trust(r);
    return true;
}

static bool S_mapping_key(struct plan_reader *r, struct err *err)
{
    return plan_take_text(r, &r->plan->mapping.shape.key_column, err);
}

static bool S_mapping_organization(struct plan_reader *r, struct err *err)
{
    return plan_take_text(r, &r->plan->mapping.shape.organization_column, err);
}

static bool S_mapping_tenant(struct plan_reader *r, struct err *err)
{
    return plan_take_text(r, &r->plan->mapping.shape.tenant_column, err);
}

/* KEY ORGANIZATION TENANT, or TENANT alone in a plan without an organization column. */
static bool S_mapping_default(struct plan_reader *r, struct err *err)
{
    struct plan_words words;
    if (!S_cut(r, &words, err))
        return false;
    if (words.count != 1 && words.count != 3)
        return err_set(err, ERR_FAILED,
                       "it is KEY ORGANIZATION TENANT, or TENANT alone where there is no "
                       "organization column");
    const struct plan_word *w = words.list;
    for (size_t i = 0; i < words.count; i++)
        if (w[i].joined || !w[i].text[0])
            return err_set(err, ERR_FAILED,
                           "a code is not empty, and one that holds a dot is written in double "
                           "quotes");
    if (words.count == 3) {
        r->plan->mapping.default_key = w[0].text;
        r->plan->mapping.default_organization = w[1].text;
    }
    r->plan->mapping.default_tenant = w[words.count - 1].text;
    return true;
}

static bool S_mapping_users(struct plan_reader *r, struct err *err)
{
    struct plan_words words;
    return S_cut(r, &words, err) &&
           plan_words_joined(&words, &r->plan->mapping.user_table, &r->plan->mapping.user_column,
                             err) &&
           plan_words_name(&words, "a column", &r->plan->mapping.user_key, err) &&
           plan_words_end(&words, err);
}

/* ---- [column "NAME"] ---- */

static bool S_column_type(struct plan_reader *r, struct err *err)
{
    return plan_type_fits(r->value, err) && plan_take_text(r, &r->column->type, err);
}

static bool S_column_role(struct plan_reader *r, struct err *err)
{
    int role = 0;
    if (!S_take_choice(r->value, S_role_name, PLAN_ROLES, &role, err))
        return false;
    r->column->role = (enum plan_column_role)role;
    return true;
}

/* ---- [table "NAME"] ---- */

static bool S_table_parent(struct plan_table *t, struct plan_words *words, struct err *err)
{
    return plan_words_joined(words, &t->parent_table, &t->parent_column, err) &&
           (plan_words_accept(words, "by") ||
            err_set(err, ERR_FAILED, "it is parent TABLE.COLUMN by COLUMN; the 'by' is missing")) &&
           plan_words_name(words, "a column", &t->source_column, err);
}

static bool S_table_from(struct plan_reader *r, struct err *err)
{
    struct plan_table *t = r->table;
    struct plan_words words;
    if (!S_cut(r, &words, err))
        return false;
    int source = 0;
    const char *first = words.count ? words.list[0].text : "";
    if (!S_take_choice(first, S_source_name, PLAN_SOURCES, &source, err))
        return false;
    words.next++;
    t->source = (enum plan_source)source;
    if (t->source == FROM_PARENT && !S_table_parent(t, &words, err))
        return false;
    if ((t->source == FROM_OWN || t->source == FROM_USER) &&
        !plan_words_name(&words, "a column", &t->source_column, err))
        return false;
    return plan_words_end(&words, err);
}

static bool S_table_orphans(struct plan_reader *r, struct err *err)
{
    int orphans = 0;
    if (!S_take_choice(r->value, S_orphans_name, PLAN_ORPHANS, &orphans, err))
        return false;
    r->table->orphans = (enum plan_orphans)orphans;
    return true;
}

static bool S_table_optional(struct plan_reader *r, struct err *err)
{
    return plan_take_bool(r->value, &r->table->optional, err);
}

static bool S_table_columns(struct plan_reader *r, struct err *err)
{
    return S_take_names(r, "a column", &r->table->columns, err);
}

static bool S_table_not_null(struct plan_reader *r, struct err *err)
{
    return S_take_names(r, "a column", &r->table->not_null, err);
}

/* COLUMN... [named INDEX] [replacing INDEX] */
static bool S_take_key(struct plan_reader *r, struct plan_key *key, struct err *err)
{
    static const char *const keywords[] = {"named", "replacing", NULL};
    struct plan_words words;
    key->line = r->line;
    if (!S_cut(r, &words, err) ||
        !plan_words_names(r->plan->arena, &words, "a column", keywords, &key->columns, err))
        return false;
    if (plan_words_accept(&words, "named") && !plan_words_name(&words, "an index", &key->name, err))
        return false;
    if (plan_words_accept(&words, "replacing") &&
        !plan_words_name(&words, "an index", &key->replaces, err))
        return false;
    return plan_words_end(&words, err);
}

static bool S_refuse_replacing(const struct plan_key *key, struct err *err)
{
    return !key->replaces ||
           err_set(err, ERR_FAILED,
                   "'replacing' is for 'unique' alone: a primary key takes the place "
                   "of the old one anyway, ordinary indexes stay");
}

static bool S_table_primary_key(struct plan_reader *r, struct err *err)
{
    return S_take_key(r, &r->table->primary_key, err) &&
           S_refuse_replacing(&r->table->primary_key, err);
}

static bool S_table_unique(struct plan_reader *r, struct err *err)
{
    struct plan_table *t = r->table;
    t->uniques = plan_room(r->plan->arena, t->uniques, t->unique_count, sizeof(*t->uniques));
    return S_take_key(r, &t->uniques[t->unique_count++], err);
}

static bool S_table_index(struct plan_reader *r, struct err *err)
{
    struct plan_table *t = r->table;
    t->indexes = plan_room(r->plan->arena, t->indexes, t->index_count, sizeof(*t->indexes));
    struct plan_key *key = &t->indexes[t->index_count++];
    return S_take_key(r, key, err) && S_refuse_replacing(key, err);
}

static bool S_table_foreign_key(struct plan_reader *r, struct err *err)
{
    static const char *const arrow[] = {"->", NULL};
    struct plan_table *t = r->table;
    struct arena *arena = r->plan->arena;
    t->references = plan_room(arena, t->references, t->reference_count, sizeof(*t->references));
    struct plan_reference *key = &t->references[t->reference_count++];
    key->line = r->line;
    struct plan_words words;
    if (!S_cut(r, &words, err) ||
        !plan_words_names(arena, &words, "a column", arrow, &key->columns, err))
        return false;
    if (!plan_words_accept(&words, "->"))
        return err_set(err, ERR_FAILED, "it is COLUMN... -> TABLE COLUMN...; the '->' is missing");
    if (!plan_words_name(&words, "a table", &key->table, err) ||
        !plan_words_names(arena, &words, "a column", NULL, &key->target, err))
        return false;
    return key->columns.count == key->target.count ||
           err_set(err, ERR_FAILED, "%zu columns point to %zu", key->columns.count,
                   key->target.count);
}

/* ---- [keys "NAME"] ---- */

static bool S_keys_pattern(struct plan_reader *r, struct err *err)
{
    return plan_pattern_fits(r->value, err) && plan_take_text(r, &r->keys->pattern, err);
}

bool plan_take_ttl(struct plan_reader *r, int64_t *out, struct err *err)
{
    if (str_to_int(r->value, out) && *out >= 1 && *out <= PLAN_TTL_MOST)
        return true;
    return err_set(err, ERR_FAILED, "'%s' is not a number of seconds from 1 to %d", r->value,
                   PLAN_TTL_MOST);
}

static bool S_keys_ttl(struct plan_reader *r, struct err *err)
{
    return plan_take_ttl(r, &r->keys->ttl, err) ||
           err_hint(err, "keys without a policy have no 'ttl' line");
}

static bool S_keys_ttl_name(struct plan_reader *r, struct err *err)
{
    if (!r->value[0] ||
        strspn(r->value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(r->value))
        return err_set(err, ERR_FAILED, "'%s' is no name of the environment", r->value);
    return plan_take_text(r, &r->keys->ttl_name, err);
}

static bool S_keys_events(struct plan_reader *r, struct err *err)
{
    static const char *const known[] = {"organization", "session", "profile"};
    struct plan_words words;
    if (!plan_words_cut(r->plan->arena, r->value, &words, err))
        return false;
    for (size_t i = 0; i < words.count; i++) {
        const char *word = words.list[i].text;
        bool is_known = false;
        for (size_t k = 0; k < ARRAY_LEN(known); k++)
            is_known |= str_is(word, known[k]);
        if (!is_known)
            return err_set(err, ERR_FAILED,
                           "'%s' is no event: organization, session and profile are", word);
        plan_names_add(r->plan->arena, &r->keys->events, word);
    }
    return words.count || err_set(err, ERR_FAILED, "it names no event");
}

static bool S_keys_row(struct plan_reader *r, struct err *err)
{
    struct plan_words words;
    return S_cut(r, &words, err) &&
           plan_words_joined(&words, &r->keys->row_table, &r->keys->row_column, err) &&
           plan_words_end(&words, err);
}

static bool S_keys_foreign(struct plan_reader *r, struct err *err)
{
    return plan_take_bool(r->value, &r->keys->foreign, err);
}

/* ---- the table of sections and keys: what it does not hold is refused ---- */

const struct plan_key_def plan_key_defs[] = {
    {"plan", "name", .required = true, .take = S_plan_name},
    {"plan", "kind", .required = true, .take = S_plan_kind},
    {"plan", "title", .take = S_plan_title},
    {"plan", "schema", .take = S_plan_schema},
    {"plan", "distribute", .take = S_plan_distribute},
    {"plan", "bearing", .repeats = true, .take = S_plan_bearing},
    {"plan", "ignore", .repeats = true, .take = S_plan_ignore},
    {"mapping", "file", .required = true, .take = S_mapping_file},
    {"mapping", "key", .required = true, .take = S_mapping_key},
    {"mapping", "organization", .take = S_mapping_organization},
    {"mapping", "tenant", .take = S_mapping_tenant},
    {"mapping", "default", .take = S_mapping_default},
    {"mapping", "users", .take = S_mapping_users},
    {"column", "type", .required = true, .take = S_column_type},
    {"column", "role", .take = S_column_role},
    {"table", "from", .required = true, .take = S_table_from},
    {"table", "orphans", .take = S_table_orphans},
    {"table", "optional", .take = S_table_optional},
    {"table", "columns", .take = S_table_columns},
    {"table", "not null", .take = S_table_not_null},
    {"table", "primary key", .take = S_table_primary_key},
    {"table", "unique", .repeats = true, .take = S_table_unique},
    {"table", "index", .repeats = true, .take = S_table_index},
    {"table", "foreign key", .repeats = true, .take = S_table_foreign_key},
    {"keys", "pattern", .required = true, .take = S_keys_pattern},
    {"keys", "ttl", .take = S_keys_ttl},
    {"keys", "ttl name", .take = S_keys_ttl_name},
    {"keys", "events", .take = S_keys_events},
    {"keys", "row", .take = S_keys_row},
    {"keys", "foreign", .take = S_keys_foreign},
    {"service", "folder", .take = plan_take_service_folder},
    {"service", "migrations", .take = plan_take_service_migrations},
    {"outside", "command", .required = true, .take = plan_take_outside_command},
    {"outside", "folder", .take = plan_take_outside_folder},
    {"outside", "undo", .take = plan_take_outside_undo},
    {"outside", "failure", .repeats = true, .take = plan_take_outside_failure},
    {"outside", "timeout", .take = plan_take_outside_timeout},
    {"functions", "file", .repeats = true, .required = true, .take = plan_take_function},
    {"views", "file", .repeats = true, .required = true, .take = plan_take_view},
    {"warm", "file", .required = true, .take = plan_take_warm_file},
    {"warm", "key", .required = true, .take = plan_take_warm_key},
    {"warm", "ttl", .take = plan_take_warm_ttl},
    {"sessions", "per user", .take = plan_take_sessions_per_user},
    {"sessions", "sliding", .take = plan_take_sessions_sliding},
    {"alarms", "memory", .take = plan_take_alarm_memory},
    {"alarms", "connections", .take = plan_take_alarm_clients},
    {"alarms", "hit rate", .take = plan_take_alarm_hit_rate},
    {"throttle", "batch", .take = plan_take_batch},
    {"throttle", "pages", .take = plan_take_pages},
    {"throttle", "sleep", .take = plan_take_sleep},
    {"throttle", "lag", .take = plan_take_lag},
    {"throttle", "waiters", .take = plan_take_waiters},
    {"throttle", "active", .take = plan_take_active},
    {"throttle", "archive", .take = plan_take_archive},
    {"throttle", "patience", .take = plan_take_patience},
    {"throttle", "query", .take = plan_take_limit_query},
    {"throttle", "file", .take = plan_take_limit_file},
};
const size_t plan_key_def_count = ARRAY_LEN(plan_key_defs);

static bool S_begin_table(struct plan_reader *r, const char *label, struct err *err)
{
    struct plan *plan = r->plan;
    if (plan_find_table(plan, label))
        return err_set(err, ERR_FAILED, "table '%s' was there before", label);
    plan->tables = plan_room(plan->arena, plan->tables, plan->table_count, sizeof(*plan->tables));
    r->table = &plan->tables[plan->table_count++];
    r->table->name = arena_str(plan->arena, label);
    r->table->line = r->line;
    return true;
}

static bool S_begin_column(struct plan_reader *r, const char *label, struct err *err)
{
    struct plan *plan = r->plan;
    for (size_t i = 0; i < plan->column_count; i++)
        if (str_is(plan->columns[i].name, label))
            return err_set(err, ERR_FAILED, "column '%s' was there before", label);
    plan->columns =
        plan_room(plan->arena, plan->columns, plan->column_count, sizeof(*plan->columns));
    r->column = &plan->columns[plan->column_count++];
    r->column->name = arena_str(plan->arena, label);
    r->column->line = r->line;
    r->column->role = str_starts(label, "org") ? ROLE_ORGANIZATION : ROLE_TENANT;
    return true;
}

static bool S_begin_keys(struct plan_reader *r, const char *label, struct err *err)
{
    struct plan *plan = r->plan;
    for (size_t i = 0; i < plan->key_count; i++)
        if (str_is(plan->keys[i].name, label))
            return err_set(err, ERR_FAILED, "keys '%s' were there before", label);
    plan->keys = plan_room(plan->arena, plan->keys, plan->key_count, sizeof(*plan->keys));
    r->keys = &plan->keys[plan->key_count++];
    r->keys->name = arena_str(plan->arena, label);
    r->keys->line = r->line;
    return true;
}

static bool S_begin_mapping(struct plan_reader *r, const char *label, struct err *err)
{
    (void)label, (void)err;
    r->plan->mapping.line = r->line;
    return true;
}

const struct plan_section_def plan_section_defs[] = {
    {"plan", false, (1U << PLAN_KINDS) - 1, NULL},
    {"mapping", false, 1U << PLAN_COLUMNS, S_begin_mapping},
    {"column", true, 1U << PLAN_COLUMNS, S_begin_column},
    {"table", true, 1U << PLAN_COLUMNS, S_begin_table},
    {"keys", true, (1U << PLAN_KINDS) - 1, S_begin_keys},
    {"service", false, 1U << PLAN_COLUMNS, NULL},
    {"outside", true, 1U << PLAN_COLUMNS, plan_begin_outside},
    {"functions", false, 1U << PLAN_COLUMNS, NULL},
    {"views", false, 1U << PLAN_COLUMNS, NULL},
    {"warm", true, 1U << PLAN_COLUMNS, plan_begin_warm},
    {"throttle", false, 1U << PLAN_COLUMNS, NULL},
    {"sessions", false, 1U << PLAN_CACHE, NULL},
    {"alarms", false, (1U << PLAN_KINDS) - 1, NULL},
};
const size_t plan_section_def_count = ARRAY_LEN(plan_section_defs);
