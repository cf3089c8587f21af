/*
 * verb_cache_counts: whose the keys in Redis are, how many, how large, how long they live.
 *
 * One walk fills a ledger, which is told by template, by type or by tenant. What was sampled is
 * marked and has its error; what was stopped half-way says how much it has seen and ends with 1.
 */
#include "verb_cache.h"
#include "verbs.h"

#include "cell.h"
#include "clock.h"
#include "keycount.h"
#include "orphans.h"
#include "snapshot.h"
#include "tables.h"
#include "verb_launch.h"

#include <stdlib.h>
#include <string.h>

struct counts {
    struct verb_call *call;
    struct verb_cache cache;
    struct keycount found;
    struct orphans orphans;
    struct snapshot *snapshot; /* with the rows that are shown, and nothing else */
    int64_t unknown_keys, unknown_owners;
};

/* ---- rows by template or by type ---- */

struct figures { /* of some types together */
    struct ledger_type sum;
    int64_t error, bytes;
    bool unweighed;
};

static void S_add_type(struct figures *f, const struct ledger_type *type)
{
    int64_t error, bytes = ledger_bytes(&type->weight, type->keys, &error);
    f->sum.keys += type->keys;
    f->sum.timed += type->timed;
    f->sum.endless += type->timed ? type->endless * type->keys / type->timed : 0;
    f->sum.over += type->timed ? type->over * type->keys / type->timed : 0;
    f->sum.weight.keys += type->weight.keys;
    f->unweighed |= bytes < 0;
    f->bytes += bytes;
    f->error += error;
}

static struct keys_view S_keys_view(const struct counts *c, const struct figures *f,
                                    const char *name, size_t template)
{
    const struct plan *plan = c->call->session->plan;
    const struct plan_keys *keys = plan && template <plan->key_count ? &plan->keys[template] : NULL;
    bool timed = f->sum.timed || !f->sum.keys;
    return (struct keys_view){.name = name,
                              .pattern = keys ? keys->pattern : "",
                              .keys = f->sum.keys,
                              .without_ttl = timed ? f->sum.endless : UNKNOWN,
                              .over_ttl = timed ? f->sum.over : UNKNOWN,
                              .bytes = f->unweighed ? UNKNOWN : f->bytes,
                              .bytes_error = f->unweighed ? 0 : f->error,
                              .bytes_exact = f->sum.weight.keys == f->sum.keys,
                              .ttl_sampled = f->sum.timed < f->sum.keys,
                              .tenants = f->sum.owners,
                              .ttl = keys ? keys->ttl : 0,
                              .foreign = keys && keys->foreign};
}

static const char *S_type_name(const struct counts *c, const struct ledger_type *type)
{
    const struct plan *plan = c->call->session->plan;
    if (!plan || type->template >= plan->key_count)
        return plan ? "(no template)" : "(no plan)";
    const char *name = plan->keys[type->template].name;
    return type->name ? arena_format(c->snapshot->arena, "%s: %s", name, type->name) : name;
}

static int64_t S_count_owners(const struct counts *c, size_t template)
{
    const struct ledger_owner *owners;
    const struct ledger_cell *cells;
    const struct ledger_type *types;
    size_t owner_count = key_ledger_owners(c->found.ledger, &owners);
    size_t cell_count = key_ledger_cells(c->found.ledger, &cells);
    key_ledger_types(c->found.ledger, &types);
    bool *seen = mem_array(owner_count, sizeof(*seen));
    int64_t count = 0;
    for (size_t i = 0; i < cell_count; i++) {
        if (types[cells[i].type].template != template || !cells[i].owner || seen[cells[i].owner])
            continue;
        seen[cells[i].owner] = true;
        count++;
    }
    free(seen);
    return count;
}

static void S_add_row(struct counts *c, const struct figures *f, const char *name, size_t template)
{
    c->snapshot->keys[c->snapshot->keys_count++] = S_keys_view(c, f, name, template);
}

static void S_rows_by_template(struct counts *c)
{
    const struct plan *plan = c->call->session->plan;
    const struct ledger_type *types;
    size_t type_count = key_ledger_types(c->found.ledger, &types);
    size_t templates = plan ? plan->key_count : 0;
    c->snapshot->keys = arena_array(c->snapshot->arena, templates + 1, sizeof(*c->snapshot->keys));
    for (size_t t = 0; t <= templates; t++) {
        struct figures f = {0};
        for (size_t i = 0; i < type_count; i++)
            if (types[i].template == t)
                S_add_type(&f, &types[i]);
        f.sum.owners = S_count_owners(c, t);
        if (f.sum.keys || t < templates)
            S_add_row(c, &f,
                      t < templates ? plan->keys[t].name
                      : plan        ? "(no template)"
                                    : "(no plan)",
                      t);
    }
}

static void S_rows_by_type(struct counts *c)
{
    const struct ledger_type *types;
    size_t count = key_ledger_types(c->found.ledger, &types);
    c->snapshot->keys = arena_array(c->snapshot->arena, count, sizeof(*c->snapshot->keys));
    for (size_t i = 0; i < count; i++) {
        struct figures f = {.sum.owners = types[i].owners};
        S_add_type(&f, &types[i]);
        S_add_row(c, &f, S_type_name(c, &types[i]), types[i].template);
    }
}

/* ---- rows by tenant ---- */

enum {
    HOLDER_CODE,
    HOLDER_KIND,
    HOLDER_KNOWN,
    HOLDER_KEYS,
    HOLDER_TYPES,
    HOLDER_BYTES,
    HOLDER_ERROR,
    HOLDER_COLUMNS
};

static const struct column S_holder_columns[HOLDER_COLUMNS] = {
    [HOLDER_CODE] = {"code", "WHOSE", "code of the tenant or organization", TEXT_LEFT, 24, 3, 1},
    [HOLDER_KIND] = {"kind", "KIND", "tenant, or organization of no known tenant", TEXT_LEFT, 12, 0,
                     5},
    [HOLDER_KNOWN] = {"known", "KNOWN", "whether the plan's mapping has it", TEXT_LEFT, 5, 0, 3},
    [HOLDER_KEYS] = {"keys", "KEYS", "its keys", TEXT_RIGHT, 10, 0, 2},
    [HOLDER_TYPES] = {"types", "TYPES", "of how many types they are", TEXT_RIGHT, 5, 0, 6},
    [HOLDER_BYTES] = {"bytes", "MEMORY", "memory of its keys and values", TEXT_RIGHT, 8, 0, 4},
    [HOLDER_ERROR] = {"bytes_error", "+/-", "how far off the memory may be, 95 times of 100",
                      TEXT_RIGHT, 8, 0, 7},
};

static size_t S_holder_rows(const struct snapshot *snapshot)
{
    return snapshot->holder_count;
}

static void S_holder_cell(const struct snapshot *snapshot, size_t row, size_t column,
                          struct cell *out)
{
    const struct holder_view *holder = &snapshot->holders[row];
    bool part = !snapshot->census.complete;
    switch (column) {
    case HOLDER_CODE:
        cell_set_text(out, *holder->code ? holder->code : "(nobody)");
        break;
    case HOLDER_KIND:
        cell_set_text(out, holder->kind);
        break;
    case HOLDER_KNOWN:
        cell_set_text(out, holder->known);
        out->mood = str_is(holder->known, "no") ? MOOD_WARN : MOOD_PLAIN;
        break;
    case HOLDER_KEYS:
        cell_set_number(out, CELL_COUNT, holder->keys);
        out->estimate = part;
        break;
    case HOLDER_TYPES:
        cell_set_number(out, CELL_COUNT, holder->types);
        break;
    case HOLDER_BYTES:
        cell_set_number(out, CELL_BYTES, holder->bytes);
        out->estimate = holder->bytes >= 0 && (part || !holder->bytes_exact);
        break;
    case HOLDER_ERROR:
        if (holder->bytes >= 0 && !holder->bytes_exact)
            cell_set_number(out, CELL_BYTES, holder->bytes_error);
        break;
    }
}

static const struct table_def S_holders = {
    .name = "holders",
    .title = "Keys by tenant",
    .note = "Whose keys there are in Redis.",
    .empty = "There is no key.",
    .estimate_note = "from a sample, or of a walk that was stopped",
    .columns = S_holder_columns,
    .column_count = HOLDER_COLUMNS,
    .rows = S_holder_rows,
    .cell = S_holder_cell,
    .default_sort = -1,
};

/* Is there anything that tells tenants from strangers? */
static bool S_may_judge(const struct counts *c)
{
    return c->cache.tally && tally_tenants(c->cache.tally) > 0;
}

/* The tenant of the mapping whose the keys of an owner are; MAP_NONE: of none that is known. */
static int64_t S_tenant_of(const struct counts *c, const struct ledger_owner *owner)
{
    if (!S_may_judge(c))
        return MAP_NONE;
    int64_t tenant = owner->organization ? tally_of_organization(c->cache.tally, owner->code)
                                         : tally_of_tenant(c->cache.tally, owner->code);
    return tenant >= 0 && tally_is_known(c->cache.tally, (size_t)tenant) ? tenant : MAP_NONE;
}

static struct holder_view *S_holder(struct counts *c, const struct ledger_owner *owner,
                                    size_t *of_tenant)
{
    int64_t tenant = S_tenant_of(c, owner);
    if (tenant != MAP_NONE && of_tenant[tenant])
        return &c->snapshot->holders[of_tenant[tenant] - 1];
    struct holder_view *holder = &c->snapshot->holders[c->snapshot->holder_count++];
    holder->code = tenant != MAP_NONE ? tally_code(c->cache.tally, (size_t)tenant) : owner->code;
    holder->kind = !*owner->code                               ? ""
                   : tenant == MAP_NONE && owner->organization ? "organization"
                                                               : "tenant";
    if (S_may_judge(c) && *owner->code)
        holder->known = tenant != MAP_NONE ? "yes" : "no";
    holder->bytes_exact = true;
    if (tenant != MAP_NONE)
        of_tenant[tenant] = c->snapshot->holder_count;
    return holder;
}

static void S_add_cell(struct holder_view *holder, const struct ledger_cell *cell)
{
    int64_t error, bytes = ledger_bytes(&cell->weight, cell->keys, &error);
    holder->keys += cell->keys;
    holder->types++;
    holder->bytes = bytes < 0 || holder->bytes < 0 ? UNKNOWN : holder->bytes + bytes;
    holder->bytes_error += error;
    holder->bytes_exact &= cell->weight.keys == cell->keys;
}

static int S_by_keys(const void *a, const void *b)
{
    const struct holder_view *x = a, *y = b;
    if (x->keys != y->keys)
        return x->keys < y->keys ? 1 : -1;
    return strcmp(x->code, y->code);
}

static void S_rows_by_tenant(struct counts *c)
{
    const struct ledger_owner *owners;
    const struct ledger_cell *cells;
    size_t owner_count = key_ledger_owners(c->found.ledger, &owners);
    size_t cell_count = key_ledger_cells(c->found.ledger, &cells);
    size_t tenants = c->cache.tally ? tally_tenants(c->cache.tally) : 0;
    size_t *of_tenant = mem_array(tenants, sizeof(*of_tenant));
    struct holder_view **of_owner = mem_array(owner_count, sizeof(*of_owner));
    c->snapshot->holders =
        arena_array(c->snapshot->arena, owner_count, sizeof(*c->snapshot->holders));
    for (size_t i = 0; i < owner_count; i++)
        if (owners[i].keys)
            of_owner[i] = S_holder(c, &owners[i], of_tenant);
    for (size_t i = 0; i < cell_count; i++)
        S_add_cell(of_owner[cells[i].owner], &cells[i]);
    qsort(c->snapshot->holders, c->snapshot->holder_count, sizeof(*c->snapshot->holders),
          S_by_keys);
    free(of_owner);
    free(of_tenant);
}

/* ---- what else there is to say ---- */

static void S_judge_owners(struct counts *c)
{
    const struct ledger_owner *owners;
    size_t count = key_ledger_owners(c->found.ledger, &owners);
    for (size_t i = 0; S_may_judge(c) && i < count; i++)
        if (owners[i].keys && *owners[i].code && S_tenant_of(c, &owners[i]) == MAP_NONE) {
            c->unknown_owners++;
            c->unknown_keys += owners[i].keys;
        }
}

static int64_t S_sum_spans(const struct counts *c, int64_t spans[LEDGER_SPANS], int64_t *endless)
{
    const struct ledger_type *types;
    size_t count = key_ledger_types(c->found.ledger, &types);
    int64_t timed = 0;
    *endless = 0;
    for (size_t i = 0; i < count; i++) {
        timed += types[i].timed;
        *endless += types[i].endless;
        for (size_t s = 0; s < LEDGER_SPANS; s++)
            spans[s] += types[i].spans[s];
    }
    return timed;
}

static void S_tell_spans(const struct counts *c, struct buf *out)
{
    int64_t spans[LEDGER_SPANS] = {0}, endless, timed = S_sum_spans(c, spans, &endless);
    if (!timed)
        return;
    buf_add(out, "time to live of ");
    text_count(out, timed);
    buf_add(out, timed == key_ledger_keys(c->found.ledger) ? " keys:" : " keys of a sample:");
    for (size_t s = 0; s < LEDGER_SPANS; s++) {
        bool last = s == LEDGER_SPANS - 1;
        if (spans[s])
            buf_format(out, "  %s%s %lld", last ? "" : "up to ", ledger_span_name(s),
                       (long long)spans[s]);
    }
    if (endless)
        buf_format(out, "  without end %lld", (long long)endless);
    buf_add_char(out, '\n');
}

static void S_tell_keys(struct buf *out, const char *title, const struct keycount_key *keys,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *clean = verb_cache_clean(keys[i].key, keys[i].len);
        buf_format(out, "%s  ", i ? "" : title);
        verb_cache_add_sample(out, clean);
        if (keys[i].bytes >= 0) {
            buf_add(out, " (");
            text_bytes(out, keys[i].bytes);
            buf_add_char(out, ')');
        }
        buf_add(out, i + 1 < count ? "," : "\n");
        free(clean);
    }
}

static void S_tell_whole(const struct counts *c, struct buf *out)
{
    const struct keycount *found = &c->found;
    char took[16];
    text_count(out, key_ledger_keys(found->ledger));
    buf_add(out, " keys");
    if (!found->complete) {
        buf_add(out, ", of a walk that was stopped: ");
        percent_text(out, found->seen);
        buf_add(out, " % of the keyspace was seen, the rest is not known");
    }
    if (found->complete && !c->cache.match && found->size_before >= 0 && found->size_after >= 0) {
        buf_add(out, "; the server had ");
        text_count(out, found->size_before);
        buf_add(out, " before and ");
        text_count(out, found->size_after);
        buf_add(out, " after");
    }
    clock_format_span(found->took_ms, took);
    buf_format(out, "; %s", took);
    if (key_ledger_repeats(found->ledger))
        buf_format(out, "; handed out twice and counted once: %lld",
                   (long long)key_ledger_repeats(found->ledger));
    if (found->again)
        buf_format(out, "; the connection was lost and found again: %d", found->again);
    if (found->moving)
        buf_format(out,
                   "; slots that are on their way from node to node, read at both ends and counted "
                   "once: %d",
                   found->moving);
    if (found->repeated)
        buf_format(
            out,
            "; partial: %d slots have moved meanwhile, and keys of theirs are perhaps counted "
            "twice",
            found->repeated);
    if (key_ledger_is_full(found->ledger))
        buf_add(out, "; more tenants or types than are told apart: the rest is '(others)'");
    buf_add_char(out, '\n');
}

static void S_print_rest(const struct counts *c)
{
    struct buf out = {0};
    S_tell_whole(c, &out);
    if (c->found.complete)
        S_tell_spans(c, &out);
    if (c->unknown_owners)
        buf_format(&out,
                   "keys of tenants or organizations that the mapping does not know: %lld, of %lld "
                   "of them; --by=tenant lists those\n",
                   (long long)c->unknown_keys, (long long)c->unknown_owners);
    S_tell_keys(&out,
                c->found.asked < key_ledger_keys(c->found.ledger) ? "largest of the sample:"
                                                                  : "largest:",
                c->found.largest, c->found.largest_count < 3 ? c->found.largest_count : 3);
    S_tell_keys(&out, "of no template, for one:", c->found.unclaimed, c->found.unclaimed_count);
    if (c->found.unweighed || c->found.untimed)
        buf_add(&out, "the Redis user may not ask for the memory or the expiry of keys\n");
    orphans_tell(&c->orphans, &out);
    fputs(buf_text(&out), c->call->out);
    buf_release(&out);
}

/* ---- JSON ---- */

static json_t *S_keys_json(const struct keycount_key *keys, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        char *clean = verb_cache_clean(keys[i].key, keys[i].len);
        json_t *key = json_pack("{s:s}", "key", clean);
        if (keys[i].bytes >= 0)
            json_object_set_new(key, "bytes", json_integer(keys[i].bytes));
        json_array_append_new(list, key);
        free(clean);
    }
    return list;
}

static json_t *S_number(int64_t n)
{
    return n < 0 ? json_null() : json_integer(n);
}

static json_t *S_spans_json(const struct counts *c)
{
    int64_t spans[LEDGER_SPANS] = {0}, endless, timed = S_sum_spans(c, spans, &endless);
    json_t *object =
        json_pack("{s:I, s:I}", "asked", (json_int_t)timed, "endless", (json_int_t)endless);
    for (size_t s = 0; s < LEDGER_SPANS; s++)
        json_object_set_new(object, ledger_span_name(s), json_integer(spans[s]));
    return object;
}

static json_t *S_census_json(const struct counts *c)
{
    const struct keycount *found = &c->found;
    return json_pack("{s:b, s:i, s:i, s:f, s:I, s:o, s:o, s:I, s:I, s:b, s:I, s:o, s:o, s:o, s:o}",
                     "complete", found->complete && !found->repeated, "slots_moving", found->moving,
                     "slots_moved", found->repeated, "seen", found->seen, "keys",
                     (json_int_t)key_ledger_keys(found->ledger), "size_before",
                     S_number(found->size_before), "size_after", S_number(found->size_after),
                     "repeats", (json_int_t)key_ledger_repeats(found->ledger), "sampled",
                     (json_int_t)found->asked, "others", key_ledger_is_full(found->ledger),
                     "took_ms", (json_int_t)found->took_ms, "unknown_keys",
                     S_number(S_may_judge(c) ? c->unknown_keys : UNKNOWN), "ttl", S_spans_json(c),
                     "largest", S_keys_json(found->largest, found->largest_count), "unclaimed",
                     S_keys_json(found->unclaimed, found->unclaimed_count));
}

/* ---- the verb ---- */

enum by { BY_TEMPLATE, BY_TYPE, BY_TENANT };

static bool S_read_by(const struct verb_call *call, enum by *by, struct err *err)
{
    static const char *const names[] = {
        [BY_TEMPLATE] = "template", [BY_TYPE] = "type", [BY_TENANT] = "tenant"};
    const char *given = verb_given(call, "by");
    *by = BY_TEMPLATE;
    for (size_t i = 0; given && i < ARRAY_LEN(names); i++)
        if (str_is(given, names[i])) {
            *by = (enum by)i;
            return true;
        }
    return !given ||
           err_set(err, ERR_USAGE, "'--by' wants template, type or tenant, not '%s'", given);
}

static void S_on_progress(void *ctx, const struct keyspace *keyspace, const struct keycount *count)
{
    verb_cache_progress(ctx, "counting", keyspace_seen(keyspace), key_ledger_keys(count->ledger));
}

static void S_compare(void *ctx, const char *key, size_t len)
{
    orphans_take(ctx, key, len);
}

static void S_compare_anew(void *ctx)
{
    orphans_forget(ctx);
}

static bool S_count(struct counts *c, struct err *err)
{
    const struct keycount_order order = {
        .plan = c->call->session->plan,
        .match = c->cache.match,
        .choice = key_choice_is_all(&c->cache.choice) ? NULL : &c->cache.choice,
        .exact = verb_given(c->call, "exact") != NULL,
        .share = c->cache.share,
        .progress = S_on_progress,
        .ctx = &c->cache,
        .each = c->orphans.rows ? S_compare : NULL,
        .anew = S_compare_anew,
        .each_ctx = &c->orphans,
        .stop = verb_cache_heed(&c->cache)};
    bool ok = keycount_run(c->cache.keyspace, &order, &c->found, err);
    orphans_finish(&c->orphans);
    verb_cache_wipe(&c->cache);
    return ok;
}

static void S_make_rows(struct counts *c, enum by by)
{
    struct arena *arena = arena_new();
    c->snapshot = arena_alloc(arena, sizeof(*c->snapshot));
    c->snapshot->arena = arena;
    c->snapshot->at = clock_wall();
    c->snapshot->census = (struct census_view){.complete = c->found.complete && !c->found.repeated,
                                               .seen = c->found.seen,
                                               .at = c->snapshot->at};
    S_judge_owners(c);
    if (by == BY_TENANT)
        S_rows_by_tenant(c);
    else if (by == BY_TYPE)
        S_rows_by_type(c);
    else
        S_rows_by_template(c);
}

static void S_answer(struct counts *c, const struct table_def *def)
{
    struct arrange_by by = verb_arrange(c->call, def);
    if (c->call->json) {
        json_t *answer = json_object();
        json_object_set_new(answer, def->name, table_json(def, c->snapshot, &by));
        json_object_set_new(answer, "census", S_census_json(c));
        json_object_set_new(answer, "orphans", orphans_json(&c->orphans));
        verb_answer(c->call, answer);
        return;
    }
    struct buf text = {0};
    table_print(&text, def, c->snapshot, &by, c->call->width, c->call->ascii);
    fputs(buf_text(&text), c->call->out);
    buf_release(&text);
    S_print_rest(c);
}

bool verb_cache_counts(struct verb_call *call, struct err *err)
{
    struct counts c = {.call = call};
    enum by by = BY_TEMPLATE;
    if (!S_read_by(call, &by, err))
        return false;
    const struct table_def *def = by == BY_TENANT ? &S_holders : &table_defs[TABLE_CACHE];
    bool ok = verb_check_sort(call, &def, 1, err) && verb_cache_begin(call, true, &c.cache, err);
    if (ok) {
        orphans_begin(call, &c.orphans);
        ok = S_count(&c, err);
    }
    if (ok) {
        S_make_rows(&c, by);
        S_answer(&c, def);
        call->findings = !c.found.complete || c.found.repeated || orphans_count(&c.orphans) > 0;
        snapshot_free(c.snapshot);
    }
    orphans_end(&c.orphans);
    keycount_release(&c.found);
    verb_cache_end(&c.cache);
    return ok;
}
