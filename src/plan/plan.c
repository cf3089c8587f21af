/*
 * plan: see plan.h. Walks through the file by the tables of plan_values.c and puts file:line on
 * every error; what must hold between sections is plan_rules.c's matter.
 */
#include "plan.h"
#include "ini.h"
#include "plan_rules.h"
#include "plan_values.h"
#include "plan_words.h"

enum { KNOWN_MAX = 64 }; /* sections, or keys of one section, that a suggestion chooses from */

/* Puts file:line in front of an error that was made without them; the hint stays. */
static bool S_place(const struct ini *ini, int line, const struct err *inner, struct err *err)
{
    ini_error(ini, line, err, "%s", inner->text);
    return err_hint(err, "%s", inner->hint);
}

static bool S_unknown(const struct ini *ini, int line, const char *what, const char *word,
                      const char *const *known, size_t count, struct err *err)
{
    ini_error(ini, line, err, "%s '%s' is not known", what, word);
    const char *nearest = plan_nearest(word, known, count);
    if (nearest)
        return err_hint(err, "did you mean '%s'?", nearest);
    return err_hint(err, "tenantdeck-plan(5) lists all sections and keys");
}

static const struct plan_section_def *S_find_section(const struct ini *ini,
                                                     const struct ini_section *s, struct err *err)
{
    const char *known[KNOWN_MAX];
    size_t count = 0;
    for (size_t i = 0; i < plan_section_def_count; i++) {
        const struct plan_section_def *def = &plan_section_defs[i];
        if (str_is(def->name, s->name))
            return def;
        if (count < KNOWN_MAX)
            known[count++] = def->name;
    }
    S_unknown(ini, s->line, "section", s->name, known, count, err);
    return NULL;
}

static const struct plan_key_def *S_find_key(const struct ini *ini, const char *section,
                                             const struct ini_entry *e, struct err *err)
{
    const char *known[KNOWN_MAX];
    size_t count = 0;
    for (size_t i = 0; i < plan_key_def_count; i++) {
        const struct plan_key_def *def = &plan_key_defs[i];
        if (!str_is(def->section, section))
            continue;
        if (str_is(def->key, e->key))
            return def;
        if (count < KNOWN_MAX)
            known[count++] = def->key;
    }
    S_unknown(ini, e->line, "key", e->key, known, count, err);
    return NULL;
}

static bool S_check_repeats(const struct ini *ini, const struct ini_section *s, size_t at,
                            const struct plan_key_def *def, struct err *err)
{
    for (size_t i = 0; i < at && !def->repeats; i++)
        if (str_is(s->entries[i].key, def->key))
            return ini_error(ini, s->entries[at].line, err,
                             "'%s' stands in this section twice, first in line %d", def->key,
                             s->entries[i].line);
    return true;
}

static bool S_check_required(const struct ini *ini, const struct ini_section *s, struct err *err)
{
    for (size_t i = 0; i < plan_key_def_count; i++) {
        const struct plan_key_def *def = &plan_key_defs[i];
        if (!def->required || !str_is(def->section, s->name) || ini_value(s, def->key))
            continue;
        return s->label ? ini_error(ini, s->line, err, "[%s \"%s\"] has no '%s'", s->name, s->label,
                                    def->key)
                        : ini_error(ini, s->line, err, "[%s] has no '%s'", s->name, def->key);
    }
    return true;
}

static bool S_begin(struct plan_reader *r, const struct plan_section_def *def,
                    const struct ini_section *s, struct err *err)
{
    if (def->labelled != (s->label != NULL))
        return err_set(err, ERR_FAILED, "[%s] %s", s->name,
                       def->labelled ? "needs a name in quotes" : "takes no name");
    if (def->labelled && !plan_name_fits(s->label, err))
        return false;
    if (!(def->kinds & (1U << r->plan->kind)))
        return err_set(err, ERR_FAILED, "a plan of kind '%s' has no use for [%s]",
                       plan_kind_name(r->plan->kind), s->name);
    r->line = s->line;
    return !def->begin || def->begin(r, s->label, err);
}

static bool S_read_section(struct plan_reader *r, const struct ini *ini,
                           const struct ini_section *s, struct err *err)
{
    struct err inner = {0};
    const struct plan_section_def *def = S_find_section(ini, s, err);
    if (!def)
        return false;
    if (!S_begin(r, def, s, &inner))
        return S_place(ini, s->line, &inner, err);
    for (size_t i = 0; i < s->count; i++) {
        const struct ini_entry *e = &s->entries[i];
        const struct plan_key_def *key = S_find_key(ini, s->name, e, err);
        if (!key || !S_check_repeats(ini, s, i, key, err))
            return false;
        r->value = e->value;
        r->line = e->line;
        if (!key->take(r, &inner)) {
            err_context(&inner, "'%s'", key->key);
            return S_place(ini, e->line, &inner, err);
        }
    }
    return S_check_required(ini, s, err);
}

static bool S_was_before(const struct ini *ini, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_is(ini->sections[i].name, ini->sections[at].name) && !ini->sections[i].label)
            return true;
    return false;
}

/* [plan] comes first because its kind decides which sections may follow. */
static bool S_check_order(const struct ini *ini, struct err *err)
{
    if (!ini->count || !str_is(ini->sections[0].name, "plan"))
        return ini_error(ini, ini->count ? ini->sections[0].line : 1, err,
                         "a plan begins with [plan]");
    for (size_t i = 1; i < ini->count; i++)
        if (!ini->sections[i].label && S_was_before(ini, i))
            return ini_error(ini, ini->sections[i].line, err, "[%s] was there before",
                             ini->sections[i].name);
    return true;
}

static bool S_read_sections(struct plan *plan, const struct ini *ini, struct err *err)
{
    struct plan_reader r = {.plan = plan};
    if (!S_check_order(ini, err))
        return false;
    for (size_t i = 0; i < ini->count; i++)
        if (!S_read_section(&r, ini, &ini->sections[i], err))
            return false;
    return plan_rules_apply(plan, ini, err);
}

bool plan_read(const char *path, struct plan **out, struct err *err)
{
    struct ini *ini = NULL;
    if (!ini_read(path, &ini, err))
        return false;
    struct arena *arena = arena_new();
    struct plan *plan = arena_alloc(arena, sizeof(*plan));
    plan->arena = arena;
    plan->path = arena_str(arena, path);
    plan->whose = ini->whose;
    bool ok = S_read_sections(plan, ini, err);
    ini_free(ini);
    if (ok)
        *out = plan;
    else
        arena_free(arena);
    return ok;
}

void plan_free(struct plan *plan)
{
    if (plan)
        arena_free(plan->arena);
}

/* ---- asking a plan ---- */

const struct plan_table *plan_find_table(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->table_count; i++)
        if (str_is(plan->tables[i].name, name))
            return &plan->tables[i];
    return NULL;
}

const struct plan_column *plan_find_column(const struct plan *plan, enum plan_column_role role)
{
    for (size_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].role == role)
            return &plan->columns[i];
    return NULL;
}

bool plan_names_has(const struct plan_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (str_is(names->names[i], name))
            return true;
    return false;
}

/* ---- names ---- */

const char *plan_kind_name(enum plan_kind kind)
{
    static const char *const names[PLAN_KINDS] = {
        [PLAN_COLUMNS] = "columns",
        [PLAN_IMPORT] = "import",
        [PLAN_REGISTRY] = "registry",
        [PLAN_CACHE] = "cache",
    };
    return names[kind];
}

const char *plan_source_name(enum plan_source source)
{
    static const char *const names[PLAN_SOURCES] = {
        [FROM_OWN] = "own",
        [FROM_USER] = "user",
        [FROM_PARENT] = "parent",
        [FROM_CONSTANT] = "constant",
    };
    return names[source];
}

const char *plan_orphans_name(enum plan_orphans orphans)
{
    static const char *const names[PLAN_ORPHANS] = {
        [ORPHANS_REFUSE] = "refuse",
        [ORPHANS_DEFAULT] = "default",
        [ORPHANS_PARK] = "park",
    };
    return names[orphans];
}

const char *plan_role_name(enum plan_column_role role)
{
    static const char *const names[PLAN_ROLES] = {
        [ROLE_TENANT] = "tenant",
        [ROLE_ORGANIZATION] = "organization",
    };
    return names[role];
}
