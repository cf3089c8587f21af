/* tables_tenant: the table of tenants: how much of the rows and keys belongs to each. */
#include "cell.h"
#include "detail.h"
#include "tables_parts.h"

enum {
    TENANT_CODE,
    TENANT_ORGANIZATIONS,
    TENANT_ROWS,
    TENANT_SHARE,
    TENANT_BAR,
    TENANT_KEYS,
    TENANT_LARGEST,
    TENANT_END
};
_Static_assert((int)TENANT_END == (int)TENANT_COLUMNS, "tables_parts.h counts the columns");

const struct column tenant_columns[TENANT_COLUMNS] = {
    [TENANT_CODE] = {"tenant", "TENANT", "tenant code of the mapping", TEXT_LEFT, 17, 3, 1},
    [TENANT_ORGANIZATIONS] = {"organizations", "ORGS", "its organizations in the mapping",
                              TEXT_RIGHT, 5, 0, 5},
    [TENANT_ROWS] = {"rows", "ROWS", "its rows in all tables of the plan", TEXT_RIGHT, 9, 0, 2},
    [TENANT_SHARE] = {"share", "%", "its share of all rows", TEXT_RIGHT, 5, 0, 3},
    [TENANT_BAR] = {"share_bar", "SHARE", "the same share as a bar", TEXT_LEFT, 8, 4, 6},
    [TENANT_KEYS] = {"keys", "KEYS", "its keys in Redis", TEXT_RIGHT, 9, 0, 4},
    [TENANT_LARGEST] = {"largest_table", "LARGEST TABLE", "where most of its rows are", TEXT_LEFT,
                        23, 1, 7},
};

size_t tenant_rows(const struct snapshot *snapshot)
{
    return snapshot->tenant_count;
}

/* Rows whose organization stands in no mapping form a row of their own, without organizations. */
static bool S_is_mapped(const struct tenant_view *tenant)
{
    return tenant->organizations >= 0;
}

static const char *S_find_largest(const struct tenant_view *tenant)
{
    const struct tenant_table *largest = NULL;
    for (size_t i = 0; tenant->tables && i < tenant->table_count; i++)
        if (tenant->tables[i].rows > (largest ? largest->rows : 0))
            largest = &tenant->tables[i];
    return largest ? largest->table : NULL;
}

static void S_set_share(const struct tenant_view *tenant, enum cell_kind kind, struct cell *out)
{
    cell_set_real(out, kind, tenant->share);
    out->estimate = tenant->share >= 0 && !tenant->rows.exact;
    out->mood = kind == CELL_BAR ? MOOD_ACTIVE : MOOD_PLAIN;
}

void tenant_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct tenant_view *tenant = &snapshot->tenants[row];
    switch (column) {
    case TENANT_CODE:
        cell_set_text(out, tenant->code);
        break;
    case TENANT_ORGANIZATIONS:
        if (S_is_mapped(tenant))
            cell_set_number(out, CELL_COUNT, tenant->organizations);
        break;
    case TENANT_ROWS:
        cell_set_count(out, &tenant->rows);
        break;
    case TENANT_SHARE:
        S_set_share(tenant, CELL_PERCENT, out);
        break;
    case TENANT_BAR:
        S_set_share(tenant, CELL_BAR, out);
        break;
    case TENANT_KEYS:
        if (snapshot->redis.state != SERVER_NONE)
            cell_set_number(out, CELL_COUNT, tenant->keys);
        break;
    case TENANT_LARGEST:
        cell_set_text(out, S_find_largest(tenant));
        break;
    }
}

struct totals {
    size_t tenants;
    int64_t organizations;
    struct count_view rows, unmapped;
};

static void S_add_to(struct count_view *sum, const struct count_view *rows)
{
    if (sum->value >= 0)
        sum->value = rows->value < 0 ? UNKNOWN : sum->value + rows->value;
    sum->exact = sum->exact && rows->exact;
}

static struct totals S_total(const struct snapshot *snapshot)
{
    struct totals totals = {.rows.exact = true, .unmapped.exact = true};
    for (size_t i = 0; i < snapshot->tenant_count; i++) {
        const struct tenant_view *tenant = &snapshot->tenants[i];
        S_add_to(&totals.rows, &tenant->rows);
        if (!S_is_mapped(tenant)) {
            S_add_to(&totals.unmapped, &tenant->rows);
            continue;
        }
        totals.tenants++;
        totals.organizations += tenant->organizations;
    }
    return totals;
}

static void S_add_figure(struct buf *out, const struct count_view *count, const char *one,
                         const char *many)
{
    const struct cell cell = {.kind = count->value < 0 ? CELL_UNKNOWN : CELL_COUNT,
                              .number = count->value,
                              .estimate = !count->exact};
    buf_add(out, out->len ? ", " : "");
    cell_text(out, &cell, 0, true, 0);
    buf_format(out, " %s", count->value == 1 ? one : many);
}

void tenant_summary(const struct snapshot *snapshot, struct buf *out)
{
    struct totals totals = S_total(snapshot);
    struct count_view tenants = {.value = (int64_t)totals.tenants, .exact = true};
    struct count_view organizations = {.value = totals.organizations, .exact = true};
    if (!snapshot->tenant_count)
        return;
    S_add_figure(out, &tenants, "tenant", "tenants");
    S_add_figure(out, &organizations, "organization", "organizations");
    S_add_figure(out, &totals.rows, "row", "rows");
    if (totals.unmapped.value)
        S_add_figure(out, &totals.unmapped, "of them unmapped", "of them unmapped");
}

static void S_list_codes(const struct tenant_view *tenant, struct buf *out)
{
    if (!tenant->code_count)
        return;
    detail_say(out, "Its organization codes:");
    for (size_t i = 0; i < tenant->code_count; i++)
        detail_name(out, tenant->codes[i]);
}

static void S_list_tables(const struct tenant_view *tenant, struct buf *out)
{
    if (!tenant->tables) {
        detail_say(out, "Its rows per table were not counted yet.");
        return;
    }
    detail_say(out, "Its rows per table:");
    for (size_t i = 0; i < tenant->table_count; i++)
        detail_item(out, tenant->tables[i].table, tenant->tables[i].rows);
}

/* "12 never expire, 3 over 2h", "all within 2h", "all expire". */
static void S_tell_times(const struct tenant_keys *kind, struct buf *out)
{
    struct buf policy = {0};
    const struct cell ttl = {.kind = CELL_SECONDS, .number = kind->ttl};
    if (kind->ttl > 0)
        cell_text(&policy, &ttl, 0, true, 0);
    const char *span = buf_text(&policy);
    if (kind->without_ttl < 0 || kind->over_ttl < 0) {
        buf_add(out, "expiry not known");
    } else if (!kind->without_ttl && !kind->over_ttl) {
        buf_format(out, "%s%s", *span ? "all within " : "all expire", span);
    }
    if (kind->without_ttl > 0) {
        text_count(out, kind->without_ttl);
        buf_add(out, kind->without_ttl == 1 ? " never expires" : " never expire");
    }
    if (kind->over_ttl > 0) {
        buf_add(out, out->len ? ", " : "");
        text_count(out, kind->over_ttl);
        buf_format(out, " over %s", span);
    }
    if (kind->without_ttl > 0 && !kind->over_ttl && *span)
        buf_format(out, "; policy %s", span);
    buf_release(&policy);
}

static void S_list_kind(const struct tenant_keys *kind, struct buf *out)
{
    struct buf times = {0};
    S_tell_times(kind, &times);
    detail_item_with(out, kind->name, kind->keys, buf_text(&times));
    buf_release(&times);
}

static void S_list_keys(const struct tenant_view *tenant, struct buf *out)
{
    if (!tenant->kind_count)
        return;
    detail_say(out, "Its keys in Redis per template, and how long they live; "
                    ":cache counts --tenant tells more:");
    for (size_t i = 0; i < tenant->kind_count; i++)
        S_list_kind(&tenant->kinds[i], out);
}

void tenant_detail(const struct snapshot *snapshot, size_t row, struct buf *out)
{
    const struct tenant_view *tenant = &snapshot->tenants[row];
    detail_text(out, "tenant", tenant->code);
    if (S_is_mapped(tenant))
        detail_number(out, "organizations", tenant->organizations);
    detail_count(out, "rows", &tenant->rows, snapshot->at);
    detail_percent(out, "share", tenant->share, tenant->rows.exact, "all rows");
    if (snapshot->redis.state == SERVER_NONE)
        detail_text(out, "keys in Redis", "no Redis is open");
    else
        detail_number(out, "keys in Redis", tenant->keys);
    if (!S_is_mapped(tenant))
        detail_say(out,
                   "No tenant of the mapping has these rows: their organization is missing in\n"
                   "it, or leads to nobody.");
    S_list_codes(tenant, out);
    S_list_tables(tenant, out);
    S_list_keys(tenant, out);
}
