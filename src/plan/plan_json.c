/* plan_json: see plan_json.h. Members are named as in plan.h, and written one by one. */
#include "plan_json.h"

#include <jansson.h>
#include <stdlib.h>

static void S_put(json_t *object, const char *key, const char *value)
{
    json_object_set_new(object, key, value ? json_string(value) : json_null());
}

static json_t *S_names_json(const struct plan_names *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++)
        json_array_append_new(list, json_string(names->names[i]));
    return list;
}

static json_t *S_key_json(const struct plan_key *key)
{
    json_t *object = json_object();
    S_put(object, "name", key->name);
    S_put(object, "replaces", key->replaces);
    json_object_set_new(object, "columns", S_names_json(&key->columns));
    return object;
}

static json_t *S_keys_json(const struct plan_key *keys, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, S_key_json(&keys[i]));
    return list;
}

static json_t *S_references_json(const struct plan_table *t)
{
    json_t *list = json_array();
    for (size_t i = 0; i < t->reference_count; i++) {
        json_t *object = json_object();
        json_object_set_new(object, "columns", S_names_json(&t->references[i].columns));
        S_put(object, "table", t->references[i].table);
        json_object_set_new(object, "target", S_names_json(&t->references[i].target));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *S_table_json(const struct plan_table *t)
{
    json_t *object = json_object();
    S_put(object, "name", t->name);
    json_object_set_new(object, "optional", json_boolean(t->optional));
    S_put(object, "source", plan_source_name(t->source));
    S_put(object, "source_column", t->source_column);
    S_put(object, "parent_table", t->parent_table);
    S_put(object, "parent_column", t->parent_column);
    S_put(object, "orphans", plan_orphans_name(t->orphans));
    json_object_set_new(object, "columns", S_names_json(&t->columns));
    json_object_set_new(object, "not_null", S_names_json(&t->not_null));
    json_object_set_new(object, "primary_key", S_key_json(&t->primary_key));
    json_object_set_new(object, "uniques", S_keys_json(t->uniques, t->unique_count));
    json_object_set_new(object, "indexes", S_keys_json(t->indexes, t->index_count));
    json_object_set_new(object, "references", S_references_json(t));
    return object;
}

static json_t *S_column_json(const struct plan_column *column)
{
    json_t *object = json_object();
    S_put(object, "name", column->name);
    S_put(object, "type", column->type);
    S_put(object, "role", plan_role_name(column->role));
    return object;
}

static json_t *S_mapping_json(const struct plan *plan)
{
    json_t *object = json_object();
    S_put(object, "key_column", plan->mapping.shape.key_column);
    S_put(object, "organization_column", plan->mapping.shape.organization_column);
    S_put(object, "tenant_column", plan->mapping.shape.tenant_column);
    S_put(object, "default_key", plan->mapping.default_key);
    S_put(object, "default_organization", plan->mapping.default_organization);
    S_put(object, "default_tenant", plan->mapping.default_tenant);
    S_put(object, "user_table", plan->mapping.user_table);
    S_put(object, "user_column", plan->mapping.user_column);
    S_put(object, "user_key", plan->mapping.user_key);
    return object;
}

static json_t *S_redis_json(const struct plan_keys *keys)
{
    json_t *object = json_object();
    S_put(object, "name", keys->name);
    S_put(object, "pattern", keys->pattern);
    json_object_set_new(object, "ttl", keys->ttl ? json_integer(keys->ttl) : json_null());
    json_object_set_new(object, "foreign", json_boolean(keys->foreign));
    if (keys->row_table)
        json_object_set_new(
            object, "row",
            json_pack("{s:s, s:s}", "table", keys->row_table, "column", keys->row_column));
    return object;
}

static json_t *S_sessions_json(const struct plan_sessions *sessions)
{
    json_t *object = json_object();
    json_object_set_new(object, "per_user", json_integer(sessions->per_user));
    json_object_set_new(object, "fixed", json_boolean(sessions->fixed));
    return object;
}

static json_t *S_alarms_json(const struct plan_alarms *alarms)
{
    json_t *object = json_object();
    json_object_set_new(object, "memory", json_integer(alarms->memory));
    json_object_set_new(object, "clients", json_integer(alarms->clients));
    json_object_set_new(object, "hit_rate", json_integer(alarms->hit_rate));
    return object;
}

/*
 * Without the title: it is for people, and a database of another encoding may not know its letters.
 */
char *plan_to_json(const struct plan *plan)
{
    json_t *object = json_object(), *columns = json_array(), *tables = json_array(),
           *keys = json_array();
    S_put(object, "name", plan->name);
    S_put(object, "kind", plan_kind_name(plan->kind));
    S_put(object, "schema", plan->schema);
    json_object_set_new(object, "distribute", json_boolean(plan->distribute));
    json_object_set_new(object, "bearing", S_names_json(&plan->bearing));
    json_object_set_new(object, "ignored", S_names_json(&plan->ignored));
    json_object_set_new(object, "mapping", S_mapping_json(plan));
    for (size_t i = 0; i < plan->column_count; i++)
        json_array_append_new(columns, S_column_json(&plan->columns[i]));
    json_object_set_new(object, "columns", columns);
    for (size_t i = 0; i < plan->table_count; i++)
        json_array_append_new(tables, S_table_json(&plan->tables[i]));
    json_object_set_new(object, "tables", tables);
    for (size_t i = 0; i < plan->key_count; i++)
        json_array_append_new(keys, S_redis_json(&plan->keys[i]));
    json_object_set_new(object, "keys", keys);
    if (plan->kind == PLAN_CACHE)
        json_object_set_new(object, "sessions", S_sessions_json(&plan->sessions));
    json_object_set_new(object, "alarms", S_alarms_json(&plan->alarms));
    char *text = json_dumps(object, JSON_COMPACT);
    char *copy = str_dup(text ? text : "{}");
    free(text);
    json_decref(object);
    return copy;
}
