/* verb_tenant: what belongs to one tenant: organizations, rows per table, keys per template. */
#include "verbs.h"

#include "clock.h"
#include "sampler.h"
#include "tables.h"

#include <stdlib.h>

enum { CENSUS_MS = 60000, TURN_MS = 200 };

/* Keys of a part of the keyspace would look like all of them. */
static bool S_await_census(struct verb_call *call, const struct sampler *sampler)
{
    int64_t until = clock_ms() + CENSUS_MS;
    while (!sampler_census_done(sampler) && clock_ms() < until)
        loop_turn(call->loop, TURN_MS);
    return sampler_census_done(sampler);
}

static bool S_find(const struct snapshot *snapshot, const char *code, size_t *row, struct err *err)
{
    for (*row = 0; *row < snapshot->tenant_count; ++*row)
        if (str_is(snapshot->tenants[*row].code, code))
            return true;
    err_set(err, ERR_USAGE, "the mapping has no tenant '%s'", code);
    return err_hint(err, "'tenantdeck tenant list' shows those it has");
}

static json_t *S_figure(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

static json_t *S_json(const struct tenant_view *tenant)
{
    json_t *tables = json_object(), *keys = json_object(), *codes = json_array(),
           *times = json_object();
    for (size_t i = 0; tenant->tables && i < tenant->table_count; i++)
        json_object_set_new(tables, tenant->tables[i].table, S_figure(tenant->tables[i].rows));
    for (size_t i = 0; i < tenant->kind_count; i++) {
        const struct tenant_keys *kind = &tenant->kinds[i];
        json_object_set_new(keys, kind->name, json_integer(kind->keys));
        json_object_set_new(times, kind->name,
                            json_pack("{s:o, s:o, s:o}", "ttl",
                                      S_figure(kind->ttl > 0 ? kind->ttl : UNKNOWN), "without_ttl",
                                      S_figure(kind->without_ttl), "over_ttl",
                                      S_figure(kind->over_ttl)));
    }
    for (size_t i = 0; i < tenant->code_count; i++)
        json_array_append_new(codes, verb_json_text(tenant->codes[i]));
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "tenant",
                     verb_json_text(tenant->code), "organizations", codes, "rows",
                     S_figure(tenant->rows.value), "rows_exact", tenant->rows.exact, "tables",
                     tables, "keys", S_figure(tenant->keys), "keys_by_template", keys,
                     "times_by_template", times);
}

static void S_print(struct verb_call *call, const struct snapshot *snapshot, size_t row)
{
    struct buf raw = {0}, clean = {0};
    table_defs[TABLE_TENANTS].detail(snapshot, row, &raw);
    text_clean_lines(&clean, buf_text(&raw), raw.len);
    fputs(buf_text(&clean), call->out);
    buf_release(&raw);
    buf_release(&clean);
}

bool verb_tenant_show(struct verb_call *call, struct err *err)
{
    struct sampler *sampler;
    size_t row;
    if (!verb_sample(call, &sampler, err))
        return false;
    bool ok = verb_count_exactly(call, sampler, err);
    bool counted = ok && S_await_census(call, sampler);
    const struct snapshot *snapshot = sampler_snapshot(sampler);
    ok = ok && S_find(snapshot, call->args[0], &row, err);
    if (ok && call->json)
        verb_answer(call, S_json(&snapshot->tenants[row]));
    else if (ok)
        S_print(call, snapshot, row);
    if (ok && !counted && !call->json)
        fprintf(call->out, "\nRedis could not be walked through in time: its keys are not known\n");
    call->findings = ok && (!counted || snapshot->redis.state == SERVER_DOWN);
    sampler_free(sampler);
    return ok;
}
