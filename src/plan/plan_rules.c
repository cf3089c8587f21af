/* plan_rules: see plan_rules.h. */
#include "plan_rules.h"
#include "plan_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- single values ---- */

/* The n of varchar(n); 0: it is something else. */
static int64_t S_varchar_length(const char *type)
{
    int64_t length = 0;
    if (!str_starts(type, "varchar(") || !str_ends(type, ")"))
        return 0;
    const char *digits = type + strlen("varchar(");
    char *number = str_ndup(digits, strlen(digits) - 1);
    bool good = str_to_int(number, &length);
    free(number);
    return good ? length : 0;
}

bool plan_type_fits(const char *type, struct err *err)
{
    enum { LONGEST = 10485760 }; /* what PostgreSQL allows */
    int64_t length = S_varchar_length(type);
    return str_is(type, "text") || str_is(type, "uuid") || (length >= 1 && length <= LONGEST) ||
           err_set(err, ERR_FAILED, "'%s' is not varchar(n), text or uuid", type);
}

/* 8-4-4-4-12, the one form of a uuid that everybody writes. */
static bool S_is_uuid(const char *code)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool is = strlen(code) == strlen(form);
    for (size_t i = 0; is && form[i]; i++)
        is = form[i] == '-' ? code[i] == '-' : isxdigit((unsigned char)code[i]) != 0;
    return is;
}

bool plan_code_fits(const struct plan_column *column, const char *code)
{
    int64_t limit = S_varchar_length(column->type), characters = 0;
    for (const char *s = code; *s; s++)
        characters += ((unsigned char)*s & 0xc0) != 0x80; /* a UTF-8 continuation counts not */
    return (!limit || characters <= limit) && (!str_is(column->type, "uuid") || S_is_uuid(code));
}

static bool S_segment_fits(const char *segment, size_t len, const char *pattern, struct err *err)
{
    static const char *const placeholders[] = {"{org}", "{tenant}", "{id}", "{type}",
                                               "{namespace}"};
    if (len == 0)
        return err_set(err, ERR_FAILED, "'%s' has nothing between two colons", pattern);
    for (size_t i = 0; i < ARRAY_LEN(placeholders); i++)
        if (strlen(placeholders[i]) == len && memcmp(segment, placeholders[i], len) == 0)
            return true;
    for (size_t i = 0; i < len; i++) {
        if (segment[i] == '{' || segment[i] == '}')
            return err_set(
                err, ERR_FAILED,
                "'%.*s' is no placeholder: {org}, {tenant}, {type}, {namespace} or {id}, "
                "as a whole segment",
                (int)len, segment);
        if (strchr("*?[]\\", segment[i]))
            return err_set(err, ERR_FAILED, "'%c' in '%s': the only wildcard is a last segment '*'",
                           segment[i], pattern);
    }
    return true;
}

static bool S_twice(const char *pattern, const char *placeholder)
{
    const char *first = strstr(pattern, placeholder);
    return first && strstr(first + 1, placeholder);
}

bool plan_pattern_fits(const char *pattern, struct err *err)
{
    bool literal = false;
    if (!pattern[0])
        return err_set(err, ERR_FAILED, "it is empty");
    for (const char *s = pattern; s; s = strchr(s, ':') ? strchr(s, ':') + 1 : NULL) {
        size_t len = strcspn(s, ":");
        if (len == 1 && *s == '*' && !s[1])
            break;
        if (!S_segment_fits(s, len, pattern, err))
            return false;
        literal |= *s != '{';
    }
    if (!literal)
        return err_set(err, ERR_FAILED, "'%s' has no fixed part, it would fit foreign keys too",
                       pattern);
    bool typed = strstr(pattern, "{type}") && strstr(pattern, "{namespace}");
    if (typed || S_twice(pattern, "{org}") || S_twice(pattern, "{tenant}") ||
        S_twice(pattern, "{id}") || S_twice(pattern, "{type}") || S_twice(pattern, "{namespace}"))
        return err_set(err, ERR_FAILED, "'%s' has the same placeholder twice", pattern);
    return true;
}

/* ---- columns ---- */

static bool S_is_column(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->column_count; i++)
        if (str_is(plan->columns[i].name, name))
            return true;
    return false;
}

static bool S_check_columns(const struct plan *plan, const struct ini *ini, struct err *err)
{
    for (size_t i = 0; i < plan->column_count; i++)
        for (size_t j = 0; j < i; j++)
            if (plan->columns[i].role == plan->columns[j].role)
                return ini_error(ini, plan->columns[i].line, err,
                                 "columns '%s' and '%s' have the same role, %s",
                                 plan->columns[j].name, plan->columns[i].name,
                                 plan_role_name(plan->columns[i].role));
    if (plan->kind != PLAN_COLUMNS || plan_find_column(plan, ROLE_TENANT))
        return true;
    ini_error(ini, 1, err, "no [column] has the role 'tenant'");
    return err_hint(err, "add [column \"tenant_code\"] with type = varchar(255)");
}

/* ---- mapping ---- */

static bool S_check_default(const struct plan *plan, enum plan_column_role role, const char *code,
                            const struct ini *ini, struct err *err)
{
    const struct plan_column *column = plan_find_column(plan, role);
    if (!column || !code || (code[0] && plan_code_fits(column, code)))
        return true;
    return ini_error(ini, plan->mapping.line, err, "[mapping] default %s '%s' does not fit %s",
                     plan_role_name(role), code, column->type);
}

static bool S_apply_mapping(struct plan *plan, const struct ini *ini, struct err *err)
{
    struct csvmap_shape *shape = &plan->mapping.shape;
    const struct plan_column *organization = plan_find_column(plan, ROLE_ORGANIZATION);
    if (!plan->mapping.path)
        return true;
    if (!shape->tenant_column)
        shape->tenant_column = plan_find_column(plan, ROLE_TENANT)->name;
    if (organization && !shape->organization_column)
        shape->organization_column = organization->name;
    if (!organization && shape->organization_column)
        return ini_error(ini, plan->mapping.line, err,
                         "[mapping] names the organization column '%s', but no [column] has the "
                         "role 'organization'",
                         shape->organization_column);
    if (plan->mapping.default_tenant && organization && !plan->mapping.default_organization)
        return ini_error(ini, plan->mapping.line, err,
                         "[mapping] 'default' lacks the organization: KEY ORGANIZATION TENANT");
    if (plan->mapping.default_organization && !organization)
        return ini_error(ini, plan->mapping.line, err,
                         "[mapping] 'default' has an organization, and no [column] has that role; "
                         "it is TENANT alone");
    return S_check_default(plan, ROLE_TENANT, plan->mapping.default_tenant, ini, err) &&
           S_check_default(plan, ROLE_ORGANIZATION, plan->mapping.default_organization, ini, err);
}

/* ---- tables ---- */

/* A table gets all columns unless it says which; only the tenant's becomes NOT NULL by itself. */
static void S_apply_defaults(const struct plan *plan, struct plan_table *t)
{
    if (!t->columns.count)
        for (size_t i = 0; i < plan->column_count; i++)
            plan_names_add(plan->arena, &t->columns, plan->columns[i].name);
    if (!t->not_null.count)
        plan_names_add(plan->arena, &t->not_null, plan_find_column(plan, ROLE_TENANT)->name);
}

/* The first of `names` that is not in `allowed`; NULL: they all are. */
static const char *S_first_outside(const struct plan_names *names, const struct plan_names *allowed)
{
    for (size_t i = 0; i < names->count; i++)
        if (!plan_names_has(allowed, names->names[i]))
            return names->names[i];
    return NULL;
}

static bool S_check_own_columns(const struct plan *plan, const struct plan_table *t,
                                const struct ini *ini, struct err *err)
{
    const char *tenant = plan_find_column(plan, ROLE_TENANT)->name;
    for (size_t i = 0; i < t->columns.count; i++)
        if (!S_is_column(plan, t->columns.names[i]))
            return ini_error(ini, t->line, err,
                             "table '%s' wants column '%s', which has no [column]", t->name,
                             t->columns.names[i]);
    if (!plan_names_has(&t->columns, tenant))
        return ini_error(ini, t->line, err, "table '%s' does not get '%s'", t->name, tenant);
    const char *outside = S_first_outside(&t->not_null, &t->columns);
    if (outside)
        return ini_error(ini, t->line, err,
                         "table '%s': 'not null' names '%s', which it does not get from this plan",
                         t->name, outside);
    if (t->source_column && S_is_column(plan, t->source_column))
        return ini_error(ini, t->line, err,
                         "table '%s' would take its codes from '%s', which the "
                         "plan fills itself",
                         t->name, t->source_column);
    return true;
}

static bool S_check_source(const struct plan *plan, const struct plan_table *t,
                           const struct ini *ini, struct err *err)
{
    bool by_file = t->source == FROM_OWN || t->source == FROM_USER;
    if (by_file && !plan->mapping.path)
        return ini_error(ini, t->line, err, "table '%s' needs a [mapping], and there is none",
                         t->name);
    if (t->source == FROM_USER && !plan->mapping.user_table)
        return ini_error(ini, t->line, err,
                         "table '%s' finds its codes by user, but [mapping] has no 'users'",
                         t->name);
    bool by_default = t->source == FROM_CONSTANT || t->orphans == ORPHANS_DEFAULT;
    if (by_default && !plan->mapping.default_tenant)
        return ini_error(ini, t->line, err,
                         "table '%s' needs the mapping's default, but [mapping] has no 'default'",
                         t->name);
    return true;
}

static bool S_check_parent(const struct plan *plan, const struct plan_table *t,
                           const struct ini *ini, struct err *err)
{
    const struct plan_table *parent = plan_find_table(plan, t->parent_table);
    if (!parent)
        return ini_error(ini, t->line, err, "the parent '%s' of table '%s' is not in the plan",
                         t->parent_table, t->name);
    const char *missing = S_first_outside(&t->columns, &parent->columns);
    if (missing)
        return ini_error(ini, t->line, err,
                         "table '%s' would take '%s' from its parent '%s', which does not get it",
                         t->name, missing, parent->name);
    /* In a chain without a cycle there are at most as many steps as tables. */
    for (size_t steps = 0; parent && parent->source == FROM_PARENT; steps++) {
        if (parent == t || steps > plan->table_count)
            return ini_error(ini, t->line, err, "table '%s' is its own ancestor", t->name);
        parent = plan_find_table(plan, parent->parent_table);
    }
    return true;
}

/* ---- keys of a table ---- */

/* Which of the columns that the plan makes stand in `names` without being in `allowed`. */
static const char *S_planned_outside(const struct plan *plan, const struct plan_names *names,
                                     const struct plan_names *allowed)
{
    for (size_t i = 0; i < names->count; i++)
        if (S_is_column(plan, names->names[i]) && !plan_names_has(allowed, names->names[i]))
            return names->names[i];
    return NULL;
}

static bool S_check_key(const struct plan *plan, const struct plan_table *t,
                        const struct plan_key *key, const struct ini *ini, struct err *err)
{
    const char *outside = S_planned_outside(plan, &key->columns, &t->columns);
    return !outside || ini_error(ini, key->line, err,
                                 "'%s' is a column that table '%s' does not get", outside, t->name);
}

static bool S_same_names(const struct plan_names *a, const struct plan_names *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = str_is(a->names[i], b->names[i]);
    return same;
}

/*
 * Two indexes on the same columns cost twice and serve once; a WHERE taken over tells them apart.
 */
static bool S_are_twins(const struct plan_key *a, const struct plan_key *b)
{
    return S_same_names(&a->columns, &b->columns) && !a->replaces == !b->replaces &&
           (!a->replaces || str_is(a->replaces, b->replaces));
}

static const struct plan_key *S_key_at(const struct plan_table *t, size_t i)
{
    if (i == 0)
        return &t->primary_key;
    return i <= t->unique_count ? &t->uniques[i - 1] : &t->indexes[i - 1 - t->unique_count];
}

static bool S_check_keys(const struct plan *plan, const struct plan_table *t, const struct ini *ini,
                         struct err *err)
{
    size_t count = 1 + t->unique_count + t->index_count;
    const char *nullable = S_planned_outside(plan, &t->primary_key.columns, &t->not_null);
    if (nullable)
        return ini_error(ini, t->primary_key.line, err,
                         "'%s' is in the primary key of '%s', but not in its 'not null'", nullable,
                         t->name);
    for (size_t i = 0; i < count; i++) {
        const struct plan_key *key = S_key_at(t, i);
        if (!S_check_key(plan, t, key, ini, err))
            return false;
        for (size_t j = 0; j < i; j++)
            if (S_are_twins(key, S_key_at(t, j)))
                return ini_error(ini, key->line, err,
                                 "these columns in this order have an index already, from line %d",
                                 S_key_at(t, j)->line);
    }
    return true;
}

static bool S_check_references(const struct plan *plan, const struct plan_table *t,
                               const struct ini *ini, struct err *err)
{
    for (size_t i = 0; i < t->reference_count; i++) {
        const struct plan_reference *key = &t->references[i];
        const struct plan_table *target = plan_find_table(plan, key->table);
        if (!target)
            return ini_error(ini, key->line, err,
                             "the foreign key points to table '%s', which is not in the plan",
                             key->table);
        const char *outside = S_planned_outside(plan, &key->columns, &t->columns);
        if (!outside)
            outside = S_planned_outside(plan, &key->target, &target->columns);
        if (outside)
            return ini_error(ini, key->line, err,
                             "'%s' is a column that one of the two tables does "
                             "not get",
                             outside);
    }
    return true;
}

static bool S_check_table(const struct plan *plan, const struct plan_table *t,
                          const struct ini *ini, struct err *err)
{
    if (plan_names_has(&plan->ignored, t->name))
        return ini_error(ini, t->line, err, "table '%s' is in [plan] 'ignore' too", t->name);
    return S_check_own_columns(plan, t, ini, err) && S_check_source(plan, t, ini, err) &&
           (t->source != FROM_PARENT || S_check_parent(plan, t, ini, err)) &&
           S_check_keys(plan, t, ini, err) && S_check_references(plan, t, ini, err);
}

static bool S_apply_tables(struct plan *plan, const struct ini *ini, struct err *err)
{
    if (plan->kind == PLAN_COLUMNS && !plan->table_count)
        return ini_error(ini, 1, err, "the plan has no [table]");
    for (size_t i = 0; i < plan->table_count; i++)
        S_apply_defaults(plan, &plan->tables[i]);
    for (size_t i = 0; i < plan->table_count; i++)
        if (!S_check_table(plan, &plan->tables[i], ini, err))
            return false;
    return true;
}

/* ---- Redis keys ---- */

static bool S_check_patterns(const struct plan *plan, const struct ini *ini, struct err *err)
{
    for (size_t i = 0; i < plan->key_count; i++) {
        const struct plan_keys *keys = &plan->keys[i];
        if (keys->foreign && (keys->ttl || keys->ttl_name))
            return ini_error(ini, keys->line, err,
                             "keys '%s' are foreign and never touched, so they can have no '%s'",
                             keys->name, keys->ttl ? "ttl" : "ttl name");
        if (keys->row_table && (keys->foreign || !strstr(keys->pattern, "{id}")))
            return ini_error(ini, keys->line, err, "keys '%s' have a 'row', and %s", keys->name,
                             keys->foreign ? "are foreign" : "no {id} in their pattern");
        for (size_t j = 0; j < i; j++)
            if (str_is(keys->pattern, plan->keys[j].pattern))
                return ini_error(ini, keys->line, err, "keys '%s' have the pattern of keys '%s'",
                                 keys->name, plan->keys[j].name);
    }
    return true;
}

/* ---- the service ---- */

static const char *S_in_service(const struct plan *plan, const char *path)
{
    if (!path || path[0] == '/')
        return path;
    return plan->service ? arena_format(plan->arena, "%s/%s", plan->service, path) : NULL;
}

/* A command without a folder runs in the service's; where that is not told, nowhere. */
static void S_apply_service(struct plan *plan)
{
    plan->migrations = S_in_service(plan, plan->migrations);
    for (size_t i = 0; i < plan->outside_count; i++) {
        struct plan_outside *outside = &plan->outsides[i];
        outside->folder = outside->folder ? S_in_service(plan, outside->folder) : plan->service;
    }
}

/* ---- all of it ---- */

bool plan_rules_apply(struct plan *plan, const struct ini *ini, struct err *err)
{
    if (!plan->schema)
        plan->schema = "public";
    if (!plan->title)
        plan->title = plan->name;
    if (!plan->sessions.per_user)
        plan->sessions.per_user = PLAN_SESSIONS_PER_USER;
    S_apply_service(plan);
    return S_check_columns(plan, ini, err) && S_apply_mapping(plan, ini, err) &&
           S_apply_tables(plan, ini, err) && S_check_patterns(plan, ini, err);
}
