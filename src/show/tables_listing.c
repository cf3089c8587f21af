/*
 * tables_listing: what stands below a row: what one tenant has, and keys one by one. The console
 * opens them from a tenant or a template; they are no panes of their own.
 */
#include "cell.h"
#include "clock.h"
#include "tables.h"

/* ---- what a tenant has ---- */

enum {
    HOLDING_NAME,
    HOLDING_WHERE,
    HOLDING_COUNT,
    HOLDING_WITHOUT_TTL,
    HOLDING_OVER_TTL,
    HOLDING_TTL,
    HOLDING_END
};

static const struct column S_holding_columns[HOLDING_END] = {
    [HOLDING_NAME] = {"name", "NAME", "the table, or the template of keys", TEXT_LEFT, 22, 2, 1},
    [HOLDING_WHERE] = {"what", "WHAT", "rows in PostgreSQL, or keys in Redis", TEXT_LEFT, 5, 0, 3},
    [HOLDING_COUNT] = {"count", "COUNT", "how many are this tenant's", TEXT_RIGHT, 10, 0, 2},
    [HOLDING_WITHOUT_TTL] = {"without_ttl", "NO TTL", "keys that never expire", TEXT_RIGHT, 7, 0,
                             4},
    [HOLDING_OVER_TTL] = {"over_ttl", "OVER TTL", "keys that live longer than the plan's policy",
                          TEXT_RIGHT, 8, 0, 5},
    [HOLDING_TTL] = {"ttl", "TTL", "the plan's time to live", TEXT_RIGHT, 5, 0, 6},
};

static size_t S_holding_rows(const struct snapshot *snapshot)
{
    return snapshot->holding_count;
}

static void S_set_keys(const struct snapshot *snapshot, int64_t number, struct cell *out)
{
    cell_set_number(out, CELL_COUNT, number);
    out->estimate = number >= 0 && snapshot->census.outdated;
}

static void S_set_bad_keys(const struct snapshot *snapshot, const struct holding_view *holding,
                           int64_t number, struct cell *out)
{
    if (!holding->in_redis)
        return;
    S_set_keys(snapshot, number, out);
    out->mood = holding->ttl > 0 && number > 0 ? MOOD_WARN : MOOD_PLAIN;
}

static void S_holding_cell(const struct snapshot *snapshot, size_t row, size_t column,
                           struct cell *out)
{
    const struct holding_view *holding = &snapshot->holdings[row];
    switch (column) {
    case HOLDING_NAME:
        cell_set_text(out, holding->name);
        break;
    case HOLDING_WHERE:
        cell_set_text(out, holding->in_redis ? "keys" : "rows");
        break;
    case HOLDING_COUNT:
        if (holding->in_redis)
            S_set_keys(snapshot, holding->count.value, out);
        else
            cell_set_count(out, &holding->count);
        break;
    case HOLDING_WITHOUT_TTL:
        S_set_bad_keys(snapshot, holding, holding->without_ttl, out);
        break;
    case HOLDING_OVER_TTL:
        if (holding->ttl > 0)
            S_set_bad_keys(snapshot, holding, holding->over_ttl, out);
        break;
    case HOLDING_TTL:
        if (holding->ttl > 0)
            cell_set_number(out, CELL_SECONDS, holding->ttl);
        break;
    }
}

struct sum {
    size_t places;
    int64_t count; /* UNKNOWN: of one of them it is not known */
};

static void S_add_sum(struct buf *out, const struct sum *sum, const char *place, const char *what)
{
    if (!sum->places)
        return;
    buf_add(out, out->len ? ", " : "");
    if (sum->count < 0)
        buf_add(out, "?");
    else
        text_count(out, sum->count);
    buf_format(out, " %s in %zu %s%s", what, sum->places, place, sum->places == 1 ? "" : "s");
}

static void S_holding_summary(const struct snapshot *snapshot, struct buf *out)
{
    struct sum rows = {0}, keys = {0};
    for (size_t i = 0; i < snapshot->holding_count; i++) {
        const struct holding_view *holding = &snapshot->holdings[i];
        struct sum *sum = holding->in_redis ? &keys : &rows;
        sum->places += holding->count.value != 0;
        sum->count = sum->count < 0 || holding->count.value < 0 ? UNKNOWN
                                                                : sum->count + holding->count.value;
    }
    S_add_sum(out, &rows, "table", "rows");
    S_add_sum(out, &keys, "template", "keys");
}

const struct table_def holding_table = {
    .name = "holdings",
    .title = "What it has",
    .note = "The rows and keys of one tenant: by table, and by template.",
    .empty = "Nothing of it is known: its rows were not counted yet, or it has none.",
    .estimate_note = "counted before Redis was restarted, or estimated by the database",
    .columns = S_holding_columns,
    .column_count = HOLDING_END,
    .rows = S_holding_rows,
    .cell = S_holding_cell,
    .summary = S_holding_summary,
    .default_sort = -1,
};

/* ---- keys ---- */

enum { KEY_NAME, KEY_TYPE, KEY_TTL, KEY_POLICY, KEY_BYTES, KEY_END };

static const struct column S_key_columns[KEY_END] = {
    [KEY_NAME] = {"key", "KEY", "the key", TEXT_LEFT, 24, 5, 1},
    [KEY_TYPE] = {"type", "TYPE", "what it holds", TEXT_LEFT, 6, 0, 3},
    [KEY_TTL] = {"ttl", "LEFT", "until it expires", TEXT_RIGHT, 6, 0, 2},
    [KEY_POLICY] = {"policy", "TTL", "the plan's time to live", TEXT_RIGHT, 5, 0, 5},
    [KEY_BYTES] = {"bytes", "MEMORY", "memory of the key and its value", TEXT_RIGHT, 7, 0, 4},
};

static size_t S_key_rows(const struct snapshot *snapshot)
{
    return snapshot->listed_count;
}

static void S_set_left(const struct key_view *key, struct cell *out)
{
    if (key->endless)
        cell_set_absent(out, "never");
    else
        cell_set_number(out, CELL_SECONDS, key->ttl);
    out->mood = key->policy > 0 && (key->endless || key->ttl > key->policy) ? MOOD_WARN : out->mood;
}

static void S_key_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct key_view *key = &snapshot->listed[row];
    switch (column) {
    case KEY_NAME:
        cell_set_text(out, key->key);
        break;
    case KEY_TYPE:
        cell_set_text(out, key->type);
        break;
    case KEY_TTL:
        S_set_left(key, out);
        break;
    case KEY_POLICY:
        if (key->policy > 0)
            cell_set_number(out, CELL_SECONDS, key->policy);
        break;
    case KEY_BYTES:
        cell_set_number(out, CELL_BYTES, key->bytes);
        break;
    }
}

static void S_key_summary(const struct snapshot *snapshot, struct buf *out)
{
    const struct listing_view *listing = &snapshot->listing;
    char age[16];
    if (!listing->listed)
        return;
    clock_format_span(snapshot->at - listing->at, age);
    if (listing->more)
        buf_add(out, "the first ");
    text_count(out, (int64_t)snapshot->listed_count);
    buf_add(out, snapshot->listed_count == 1 ? " key" : " keys");
    if (listing->more) {
        buf_add(out, ", ");
        percent_text(out, listing->seen);
        buf_add(out, " % of the keyspace seen");
    }
    buf_format(out, ", %s ago", age);
}

const struct table_def key_table = {
    .name = "keys",
    .title = "Keys",
    .note = "Keys one by one, as a short walk through Redis has found them: it ends with 500 of "
            "them, or "
            "after 5 seconds; then there may be more, and that is said.",
    .empty = "There is no such key.",
    .columns = S_key_columns,
    .column_count = KEY_END,
    .rows = S_key_rows,
    .cell = S_key_cell,
    .summary = S_key_summary,
    .default_sort = -1,
};
