/* tables_metrics: the counters of the service's cache per tenant, which `cache metrics` shows. */
#include "cell.h"
#include "tables.h"

enum {
    METRICS_TENANT,
    METRICS_RATE,
    METRICS_HITS,
    METRICS_MISSES,
    METRICS_SETS,
    METRICS_DELETES,
    METRICS_ERRORS,
    METRICS_TTL,
    METRICS_END
};

static const struct column S_columns[METRICS_END] = {
    [METRICS_TENANT] = {"tenant", "TENANT", "whose cache it is", TEXT_LEFT, 17, 1, 1},
    [METRICS_RATE] = {"hit_rate", "HIT %", "hits of all reads", TEXT_RIGHT, 5, 0, 2},
    [METRICS_HITS] = {"hits", "HITS", "reads that found their entry", TEXT_RIGHT, 9, 0, 3},
    [METRICS_MISSES] = {"misses", "MISSES",
                        "reads that did not, by either name that the service gives it", TEXT_RIGHT,
                        9, 0, 4},
    [METRICS_SETS] = {"sets", "SETS", "entries that were set", TEXT_RIGHT, 9, 0, 5},
    [METRICS_DELETES] = {"deletes", "DELETES", "entries that were deleted", TEXT_RIGHT, 9, 0, 6},
    [METRICS_ERRORS] = {"errors", "ERRORS", "calls that failed", TEXT_RIGHT, 7, 0, 7},
    [METRICS_TTL] = {"ttl", "LEFT", "until it counts from 0 again", TEXT_RIGHT, 6, 0, 8},
};

static size_t S_rows(const struct snapshot *snapshot)
{
    return snapshot->metrics_count;
}

static void S_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct metrics_view *metrics = &snapshot->metrics[row];
    const int64_t figures[] = {[METRICS_HITS] = metrics->hits,
                               [METRICS_MISSES] = metrics->misses,
                               [METRICS_SETS] = metrics->sets,
                               [METRICS_DELETES] = metrics->deletes,
                               [METRICS_ERRORS] = metrics->errors};
    switch (column) {
    case METRICS_TENANT:
        cell_set_text(out, metrics->tenant);
        break;
    case METRICS_RATE:
        if (metrics->hits + metrics->misses > 0)
            cell_set_real(out, CELL_PERCENT,
                          100.0 * (double)metrics->hits /
                              (double)(metrics->hits + metrics->misses));
        break;
    case METRICS_TTL:
        if (metrics->ttl >= 0)
            cell_set_number(out, CELL_SECONDS, metrics->ttl);
        else
            cell_set_absent(out, "never");
        break;
    default:
        cell_set_number(out, CELL_COUNT, figures[column]);
        break;
    }
    if (column == METRICS_ERRORS && metrics->errors > 0)
        out->mood = MOOD_WARN;
}

const struct table_def metrics_table = {
    .name = "metrics",
    .title = "Cache metrics",
    .note = "What the service counts of its cache, per tenant.",
    .empty = "No tenant has counters: the service begins them when it uses its cache, and they are "
             "gone a day after it did so last.",
    .columns = S_columns,
    .column_count = METRICS_END,
    .rows = S_rows,
    .cell = S_cell,
    .default_sort = METRICS_TENANT,
};
