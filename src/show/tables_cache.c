/* tables_cache: the table of keys in Redis, by the plan's templates, and whether they expire. */
#include "cell.h"
#include "clock.h"
#include "detail.h"
#include "tables_parts.h"

#include <string.h>

enum {
    CACHE_NAME,
    CACHE_PATTERN,
    CACHE_KEYS,
    CACHE_WITHOUT_TTL,
    CACHE_OVER_TTL,
    CACHE_TTL,
    CACHE_TENANTS,
    CACHE_MEMORY,
    CACHE_ERROR,
    CACHE_SEEN,
    CACHE_AT,
    CACHE_OWNER,
    CACHE_END
};
_Static_assert((int)CACHE_END == (int)CACHE_COLUMNS, "tables_parts.h counts the columns");

const struct column cache_columns[CACHE_COLUMNS] = {
    [CACHE_NAME] = {"name", "NAME", "name of the template in the plan", TEXT_LEFT, 17, 1, 1},
    [CACHE_PATTERN] = {"pattern", "PATTERN", "what its keys look like", TEXT_LEFT, 30, 2, 9},
    [CACHE_KEYS] = {"keys", "KEYS", "how many there are", TEXT_RIGHT, 9, 0, 2},
    [CACHE_WITHOUT_TTL] = {"without_ttl", "NO TTL", "keys that never expire", TEXT_RIGHT, 7, 0, 3},
    [CACHE_OVER_TTL] = {"over_ttl", "OVER TTL", "keys that live longer than the plan's policy",
                        TEXT_RIGHT, 8, 0, 4},
    [CACHE_TTL] = {"ttl", "TTL", "the plan's time to live", TEXT_RIGHT, 5, 0, 5},
    [CACHE_TENANTS] = {"tenants", "TENANTS", "how many tenants or organizations they belong to",
                       TEXT_RIGHT, 7, 0, 10},
    [CACHE_MEMORY] = {"bytes", "MEMORY", "memory of its keys and values", TEXT_RIGHT, 7, 0, 6},
    [CACHE_ERROR] = {"bytes_error", "+/-", "how far off the memory may be, 95 times of 100",
                     TEXT_RIGHT, 7, 0, 7},
    [CACHE_SEEN] = {"seen", "SEEN", "percent of the keyspace that these figures have seen",
                    TEXT_RIGHT, 5, 0, 8},
    [CACHE_AT] = {"counted", "AGE", "how long ago they were counted", TEXT_RIGHT, 6, 0, 11},
    [CACHE_OWNER] = {"owner", "OWNER", "plan, or foreign: keys that are never touched", TEXT_LEFT,
                     7, 0, 12},
};

size_t cache_rows(const struct snapshot *snapshot)
{
    return snapshot->keys_count;
}

static void S_set_figure(const struct snapshot *snapshot, enum cell_kind kind, int64_t number,
                         struct cell *out)
{
    cell_set_number(out, kind, number);
    out->estimate = number >= 0 && (!snapshot->census.complete || snapshot->census.outdated);
}

/* Where no segment is somebody's code, a number of tenants would say nothing. */
static bool S_tells_owner(const struct keys_view *keys)
{
    return keys->pattern && (strstr(keys->pattern, "{org}") || strstr(keys->pattern, "{tenant}"));
}

static const char *S_owner(const struct keys_view *keys)
{
    if (keys->foreign)
        return "foreign";
    return keys->pattern && *keys->pattern ? "plan" : "nobody";
}

/* Where every key was weighed there is no error to tell. */
static void S_set_error(const struct snapshot *snapshot, const struct keys_view *keys,
                        struct cell *out)
{
    if (keys->bytes >= 0 && !keys->bytes_exact)
        S_set_figure(snapshot, CELL_BYTES, keys->bytes_error, out);
    else if (keys->bytes >= 0)
        cell_set_absent(out, "exact");
    else
        cell_set_number(out, CELL_BYTES, UNKNOWN);
}

/* Of the pass that the figures are of: a whole one has seen all, whatever the next is at. */
static double S_seen(const struct snapshot *snapshot)
{
    const struct census_view *census = &snapshot->census;
    if (census->complete)
        return 100;
    return census->seen > 0 ? census->seen : UNKNOWN;
}

void cache_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct keys_view *keys = &snapshot->keys[row];
    switch (column) {
    case CACHE_NAME:
        cell_set_text(out, keys->name);
        break;
    case CACHE_PATTERN:
        cell_set_text(out, keys->pattern);
        break;
    case CACHE_KEYS:
        S_set_figure(snapshot, CELL_COUNT, keys->keys, out);
        break;
    case CACHE_WITHOUT_TTL:
        S_set_figure(snapshot, CELL_COUNT, keys->without_ttl, out);
        out->estimate = out->estimate || (keys->without_ttl >= 0 && keys->ttl_sampled);
        out->mood = keys->ttl > 0 && keys->without_ttl > 0 ? MOOD_WARN : MOOD_PLAIN;
        break;
    case CACHE_OVER_TTL:
        if (keys->ttl > 0)
            S_set_figure(snapshot, CELL_COUNT, keys->over_ttl, out);
        out->estimate =
            out->estimate || (keys->ttl > 0 && keys->over_ttl >= 0 && keys->ttl_sampled);
        out->mood = keys->ttl > 0 && keys->over_ttl > 0 ? MOOD_WARN : MOOD_PLAIN;
        break;
    case CACHE_TTL:
        if (keys->ttl > 0)
            cell_set_number(out, CELL_SECONDS, keys->ttl);
        break;
    case CACHE_TENANTS:
        if (S_tells_owner(keys))
            S_set_figure(snapshot, CELL_COUNT, keys->tenants, out);
        break;
    case CACHE_MEMORY:
        S_set_figure(snapshot, CELL_BYTES, keys->bytes, out);
        out->estimate = out->estimate || (keys->bytes >= 0 && !keys->bytes_exact);
        break;
    case CACHE_ERROR:
        S_set_error(snapshot, keys, out);
        break;
    case CACHE_SEEN:
        cell_set_real(out, CELL_PERCENT, S_seen(snapshot));
        out->mood = snapshot->census.complete ? MOOD_PLAIN : MOOD_WARN;
        break;
    case CACHE_AT:
        if (snapshot->census.complete)
            cell_set_number(out, CELL_AGE, snapshot->census.at);
        out->mood = snapshot->census.outdated ? MOOD_WARN : MOOD_PLAIN;
        break;
    case CACHE_OWNER:
        cell_set_text(out, S_owner(keys));
        break;
    }
    if (keys->foreign)
        out->mood = MOOD_DIM;
}

static void S_add_sum(struct buf *out, int64_t sum, const char *what)
{
    buf_add(out, ", ");
    text_count(out, sum);
    buf_format(out, " %s", what);
}

static void S_add_census(struct buf *out, const struct snapshot *snapshot)
{
    char age[16];
    if (snapshot->census.complete) {
        clock_format_span(snapshot->at - snapshot->census.at, age);
        buf_format(out, ", counted %s ago%s", age,
                   snapshot->census.outdated ? ", before Redis was restarted" : "");
        if (snapshot->census.trouble)
            buf_add(out, ", and not since: see the log");
        return;
    }
    buf_add(out, ", first pass: ");
    percent_text(out, snapshot->census.seen);
    buf_add(out, " % of the keys seen");
}

void cache_summary(const struct snapshot *snapshot, struct buf *out)
{
    int64_t total = 0, without_ttl = 0, over_ttl = 0;
    if (!snapshot->keys_count)
        return;
    for (size_t i = 0; i < snapshot->keys_count; i++) {
        const struct keys_view *keys = &snapshot->keys[i];
        total += keys->keys > 0 ? keys->keys : 0;
        if (keys->foreign || keys->ttl <= 0)
            continue;
        without_ttl += keys->without_ttl > 0 ? keys->without_ttl : 0;
        over_ttl += keys->over_ttl > 0 ? keys->over_ttl : 0;
    }
    if (!snapshot->census.complete && snapshot->census.seen <= 0) {
        buf_add(out, snapshot->redis.state == SERVER_NONE ? "no Redis is named"
                     : snapshot->census.trouble           ? snapshot->census.trouble
                                                          : "not counted yet");
        return;
    }
    text_count(out, total);
    buf_add(out, total == 1 ? " key" : " keys");
    if (without_ttl)
        S_add_sum(out, without_ttl, "without TTL");
    if (over_ttl)
        S_add_sum(out, over_ttl, "over TTL");
    S_add_census(out, snapshot);
}

static void S_say_pattern(const struct keys_view *keys, struct buf *out)
{
    if (!keys->pattern || !*keys->pattern) {
        detail_say(out, "These keys fit no template of the plan. They are counted, never touched;\n"
                        "if they belong to the application, give them a [keys] section.");
        return;
    }
    detail_say(out, "In a pattern {org}, {tenant} and {id} stand for one segment between two\n"
                    "colons, and * at the end for the rest.");
    if (keys->foreign)
        detail_say(out, "The plan calls these keys foreign: another program owns them, and they\n"
                        "are counted, never changed, never cleared.");
}

static void S_say_policy(const struct keys_view *keys, struct buf *out)
{
    if (!str_is(S_owner(keys), "plan"))
        return;
    if (keys->ttl <= 0)
        detail_say(out, "The plan sets no time to live for them, so none lives too long.");
    else if (keys->without_ttl > 0 || keys->over_ttl > 0)
        detail_say(out, "Keys without an expiry stay until somebody deletes them, with what they\n"
                        "held before the migration; those over the policy stay longer than the\n"
                        "plan wants.");
    else if (keys->without_ttl == 0 && keys->over_ttl == 0)
        detail_say(out, "All of them expire within the plan's time to live.");
}

static void S_list_samples(const struct keys_view *keys, struct buf *out)
{
    if (!keys->sample_count)
        return;
    detail_say(out, "Some of the keys; :cache peek KEY shows one, and touches nothing:");
    for (size_t i = 0; i < keys->sample_count; i++)
        detail_name(out, keys->samples[i]);
}

void cache_detail(const struct snapshot *snapshot, size_t row, struct buf *out)
{
    const struct keys_view *keys = &snapshot->keys[row];
    detail_text(out, "keys", keys->name);
    detail_text(out, "pattern", keys->pattern);
    detail_text(out, "owner", S_owner(keys));
    detail_number(out, "how many", keys->keys);
    if (S_tells_owner(keys))
        detail_number(out, "tenants", keys->tenants);
    detail_bytes(out, "memory", keys->bytes);
    if (keys->bytes >= 0 && !keys->bytes_exact)
        detail_bytes(out, "give or take", keys->bytes_error);
    if (keys->ttl > 0)
        detail_seconds(out, "time to live", keys->ttl);
    else
        detail_text(out, "time to live", "the plan sets none");
    detail_number(out, "without expiry", keys->without_ttl);
    if (keys->ttl > 0)
        detail_number(out, "over the policy", keys->over_ttl);
    if (snapshot->census.complete)
        detail_moment(out, "counted", snapshot->census.at, snapshot->at);
    else
        detail_percent(out, "seen so far", snapshot->census.seen, true, "the keys");
    S_say_pattern(keys, out);
    S_say_policy(keys, out);
    S_list_samples(keys, out);
}
