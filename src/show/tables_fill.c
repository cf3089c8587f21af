/*
 * tables_fill: the table of the plan's tables: how many rows each has and how many lack a code.
 *
 * A table whose column is not there yet has surely no row with a code: that is a true 0, in
 * contrast to a column that is there and was not counted, which is unknown.
 */
#include "cell.h"
#include "detail.h"
#include "tables_parts.h"

enum {
    FILL_TABLE,
    FILL_ROWS,
    FILL_TENANT,
    FILL_ORGANIZATION,
    FILL_MISSING,
    FILL_PERCENT,
    FILL_BAR,
    FILL_COUNTED,
    FILL_SIZE,
    FILL_KEY,
    FILL_SOURCE,
    FILL_STATE,
    FILL_END
};
_Static_assert((int)FILL_END == (int)FILL_COLUMNS, "tables_parts.h counts the columns");

const struct column fill_columns[FILL_COLUMNS] = {
    [FILL_TABLE] = {"table", "TABLE", "name of the table", TEXT_LEFT, 23, 3, 1},
    [FILL_ROWS] = {"rows", "ROWS", "its rows", TEXT_RIGHT, 9, 0, 2},
    [FILL_TENANT] = {"with_tenant", "TENANT", "rows with a tenant code", TEXT_RIGHT, 9, 0, 6},
    [FILL_ORGANIZATION] = {"with_organization", "ORG",
                           "rows with an organization code; nothing where the plan wants none",
                           TEXT_RIGHT, 9, 0, 7},
    [FILL_MISSING] = {"missing", "MISSING", "rows that lack a code the plan wants", TEXT_RIGHT, 9,
                      0, 3},
    [FILL_PERCENT] = {"percent", "%", "share of the rows that have all their codes", TEXT_RIGHT, 5,
                      0, 4},
    [FILL_BAR] = {"filled", "FILLED", "the same share as a bar", TEXT_LEFT, 8, 4, 5},
    [FILL_COUNTED] = {"counted", "AGE", "how old the figures are", TEXT_RIGHT, 8, 0, 8},
    [FILL_SIZE] = {"bytes", "SIZE", "heap and indexes", TEXT_RIGHT, 7, 0, 9},
    [FILL_KEY] = {"primary_key", "KEY", "columns of the primary key", TEXT_LEFT, 15, 2, 10},
    [FILL_SOURCE] = {"source", "SOURCE", "where a row finds its codes", TEXT_LEFT, 18, 2, 11},
    [FILL_STATE] = {"state", "STATE", "the same in a word", TEXT_LEFT, 9, 0, 12},
};

/* ---- what follows from the figures ---- */

static bool S_lacks_column(const struct fill_view *fill)
{
    return !fill->has_tenant || (fill->wants_organization && !fill->has_organization);
}

static struct count_view S_none_of(const struct fill_view *fill)
{
    return (struct count_view){.value = 0, .exact = true, .at = fill->rows.at};
}

/* Rows with all the codes that the plan wants: as many as the less complete code has. */
static struct count_view S_complete(const struct fill_view *fill)
{
    const struct count_view *tenant = &fill->with_tenant, *organization = &fill->with_organization;
    if (S_lacks_column(fill))
        return S_none_of(fill);
    if (!fill->wants_organization)
        return *tenant;
    struct count_view less = tenant->value < organization->value ? *tenant : *organization;
    less.exact = tenant->exact && organization->exact;
    less.at = tenant->at < organization->at ? tenant->at : organization->at;
    return less;
}

static struct count_view S_missing(const struct fill_view *fill)
{
    struct count_view complete = S_complete(fill);
    struct count_view missing = {.value = UNKNOWN};
    if (fill->rows.value < 0 || complete.value < 0)
        return missing;
    missing.value = fill->rows.value - complete.value;
    missing.exact = fill->rows.exact && complete.exact;
    missing.at = complete.at < fill->rows.at ? complete.at : fill->rows.at;
    /* Two estimates need not agree with each other. */
    if (missing.value < 0)
        missing.value = 0;
    return missing;
}

static double S_percent(const struct fill_view *fill)
{
    if (S_lacks_column(fill))
        return 0;
    struct count_view complete = S_complete(fill);
    return cell_percent(&complete, &fill->rows);
}

static bool S_percent_is_estimate(const struct fill_view *fill)
{
    return !S_lacks_column(fill) && S_percent(fill) >= 0 &&
           !(S_complete(fill).exact && fill->rows.exact);
}

static const char *S_state(const struct fill_view *fill)
{
    if (fill->missing)
        return "not there";
    if (S_lacks_column(fill))
        return "no column";
    double percent = S_percent(fill);
    return percent < 0 ? "unknown" : percent >= 100 ? "filled" : percent > 0 ? "partly" : "empty";
}

/* ---- cells ---- */

size_t fill_rows(const struct snapshot *snapshot)
{
    return snapshot->fill_count;
}

static void S_set_rows(const struct fill_view *fill, struct cell *out)
{
    if (fill->missing) {
        cell_set_absent(out, "not there");
        out->mood = fill->optional ? MOOD_DIM : MOOD_BAD;
        return;
    }
    cell_set_count(out, &fill->rows);
    out->mood = fill->counting ? MOOD_ACTIVE : MOOD_PLAIN;
}

static void S_set_code(const struct fill_view *fill, bool wanted, bool there,
                       const struct count_view *count, struct cell *out)
{
    if (fill->missing || !wanted)
        return;
    if (!there)
        cell_set_absent(out, "-");
    else
        cell_set_count(out, count);
}

static void S_set_missing(const struct fill_view *fill, struct cell *out)
{
    struct count_view missing = S_missing(fill);
    if (fill->missing)
        return;
    cell_set_count(out, &missing);
    if (missing.value == 0 && missing.exact)
        out->mood = S_lacks_column(fill) ? MOOD_PLAIN : MOOD_GOOD;
    else if (missing.value > 0 && !S_lacks_column(fill))
        out->mood = MOOD_WARN;
}

static void S_set_share(const struct fill_view *fill, enum cell_kind kind, struct cell *out)
{
    if (fill->missing)
        return;
    cell_set_real(out, kind, S_percent(fill));
    out->estimate = S_percent_is_estimate(fill);
    out->mood = out->real >= 100 ? MOOD_GOOD : kind == CELL_BAR ? MOOD_ACTIVE : MOOD_PLAIN;
}

static void S_set_counted(const struct fill_view *fill, struct cell *out)
{
    struct count_view missing = S_missing(fill);
    int64_t at = missing.value >= 0 ? missing.at : fill->rows.value >= 0 ? fill->rows.at : UNKNOWN;
    if (at > 0)
        cell_set_number(out, CELL_AGE, at);
    else if (fill->counting)
        cell_set_absent(out, "counting");
    if (fill->counting)
        out->mood = MOOD_ACTIVE;
}

static void S_set_key(const struct fill_view *fill, struct cell *out)
{
    cell_set_text(out, fill->primary_key);
    if (out->kind == CELL_TEXT || fill->missing)
        return;
    cell_set_absent(out, "none");
    out->mood = MOOD_WARN;
}

void fill_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct fill_view *fill = &snapshot->fills[row];
    switch (column) {
    case FILL_TABLE:
        cell_set_text(out, fill->name);
        break;
    case FILL_ROWS:
        S_set_rows(fill, out);
        break;
    case FILL_TENANT:
        S_set_code(fill, true, fill->has_tenant, &fill->with_tenant, out);
        break;
    case FILL_ORGANIZATION:
        S_set_code(fill, fill->wants_organization, fill->has_organization, &fill->with_organization,
                   out);
        break;
    case FILL_MISSING:
        S_set_missing(fill, out);
        break;
    case FILL_PERCENT:
        S_set_share(fill, CELL_PERCENT, out);
        break;
    case FILL_BAR:
        S_set_share(fill, CELL_BAR, out);
        break;
    case FILL_COUNTED:
        S_set_counted(fill, out);
        break;
    case FILL_SIZE:
        if (!fill->missing)
            cell_set_number(out, CELL_BYTES, fill->bytes);
        break;
    case FILL_KEY:
        S_set_key(fill, out);
        break;
    case FILL_SOURCE:
        cell_set_text(out, fill->source);
        break;
    case FILL_STATE:
        cell_set_text(out, S_state(fill));
        break;
    }
    if (fill->missing && fill->optional)
        out->mood = MOOD_DIM;
}

/* ---- the title ---- */

struct totals {
    size_t there, absent, counting, uncounted;
    bool ready;                    /* every table has the column, and is counted or estimated */
    struct count_view rows;        /* of the tables whose rows are known */
    struct count_view base, coded; /* rows and coded rows, where both are known */
};

static void S_add_to(struct count_view *sum, const struct count_view *count)
{
    sum->value += count->value;
    sum->exact = sum->exact && count->exact;
}

static void S_add_fill(struct totals *totals, const struct fill_view *fill)
{
    struct count_view coded = fill->has_tenant ? fill->with_tenant : S_none_of(fill);
    totals->ready &=
        fill->missing || (fill->has_tenant && fill->rows.value >= 0 && coded.value >= 0);
    totals->absent += fill->missing;
    totals->there += !fill->missing;
    totals->counting += fill->counting;
    if (fill->missing)
        return;
    if (fill->rows.value < 0) {
        totals->uncounted++;
        return;
    }
    S_add_to(&totals->rows, &fill->rows);
    if (coded.value < 0)
        return;
    S_add_to(&totals->base, &fill->rows);
    S_add_to(&totals->coded, &coded);
}

static struct totals S_total(const struct snapshot *snapshot)
{
    struct totals totals = {
        .ready = true, .rows.exact = true, .base.exact = true, .coded.exact = true};
    for (size_t i = 0; i < snapshot->fill_count; i++)
        S_add_fill(&totals, &snapshot->fills[i]);
    return totals;
}

static void S_add_row_total(struct buf *out, const struct totals *totals)
{
    if (totals->there && totals->uncounted == totals->there) {
        buf_add(out, ", ? rows");
        return;
    }
    buf_add(out, totals->uncounted ? ", over " : ", ");
    if (!totals->rows.exact)
        buf_add_char(out, '~');
    text_count(out, totals->rows.value);
    buf_add(out, totals->rows.value == 1 ? " row" : " rows");
}

static void S_add_percent_total(struct buf *out, const struct totals *totals)
{
    const struct count_view *coded = &totals->coded;
    struct count_view base = totals->base;
    if (!base.value)
        return;
    /* Nothing is nothing, of however many rows; but all is all only of what is known for sure. */
    buf_add(out, coded->exact && (base.exact || !coded->value) ? ", " : ", ~");
    base.exact = base.exact && totals->ready;
    double percent = cell_percent(coded, &base);
    percent_text(out, percent);
    buf_add(out, " % with tenant");
}

void fill_summary(const struct snapshot *snapshot, struct buf *out)
{
    struct totals totals = S_total(snapshot);
    if (!snapshot->fill_count)
        return;
    buf_format(out, "%zu %s", totals.there, totals.there == 1 ? "table" : "tables");
    S_add_row_total(out, &totals);
    S_add_percent_total(out, &totals);
    if (totals.absent)
        buf_format(out, ", %zu not there", totals.absent);
    if (totals.counting)
        buf_format(out, ", counting %zu", totals.counting);
}

/* ---- what Enter opens ---- */

static void S_detail_code(struct buf *out, const char *label, bool wanted, bool there,
                          const struct count_view *count, int64_t now)
{
    if (!wanted)
        detail_text(out, label, "the plan wants none here");
    else if (!there)
        detail_text(out, label, "no column yet");
    else
        detail_count(out, label, count, now);
}

static void S_say_absent(struct buf *out, const struct fill_view *fill)
{
    if (fill->optional)
        detail_say(out, "The database has no such table. The plan calls it optional, so there is\n"
                        "nothing to do.");
    else
        detail_say(out, "The database has no such table, and the plan wants it. Is this the right\n"
                        "database, and the right schema? If the table may be absent, the plan has\n"
                        "to call it optional.");
}

static void S_say_next(struct buf *out, const struct fill_view *fill)
{
    struct count_view missing = S_missing(fill);
    if (fill->counting)
        detail_say(out, "An exact count is under way or waits for its turn.");
    else if (missing.value < 0 || !missing.exact)
        detail_say(out,
                   "Press c to count exactly. The server then reads the whole table once; reads\n"
                   "and writes go on meanwhile, only a change of its definition would wait.");
    if (S_lacks_column(fill))
        detail_say(out, "The step 'columns' adds the missing column, the step 'fill' fills it.");
    else if (missing.value > 0)
        detail_say(out, "The step 'fill' gives these rows their codes, from the source above.");
    else if (missing.value == 0 && missing.exact)
        detail_say(out, "Every row has its codes: nothing to do.");
    if (!fill->primary_key || !*fill->primary_key)
        detail_say(out, "It has no primary key, so its rows cannot be told apart for certain.");
}

void fill_detail(const struct snapshot *snapshot, size_t row, struct buf *out)
{
    const struct fill_view *fill = &snapshot->fills[row];
    struct count_view missing = S_missing(fill);
    int64_t now = snapshot->at;
    detail_text(out, "table", fill->name);
    detail_text(out, "codes from", fill->source);
    if (fill->missing) {
        S_say_absent(out, fill);
        return;
    }
    detail_count(out, "rows", &fill->rows, now);
    S_detail_code(out, "with tenant", true, fill->has_tenant, &fill->with_tenant, now);
    S_detail_code(out, "with organization", fill->wants_organization, fill->has_organization,
                  &fill->with_organization, now);
    detail_count(out, "missing", &missing, now);
    detail_percent(out, "filled", S_percent(fill), !S_percent_is_estimate(fill), "its rows");
    detail_bytes(out, "heap and indexes", fill->bytes);
    detail_text(out, "primary key",
                fill->primary_key && *fill->primary_key ? fill->primary_key : "none");
    S_say_next(out, fill);
}
