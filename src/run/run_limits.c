/* run_limits: see run_limits.h. */
#include "run_limits.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LAG_MS = 10000,
    WAITERS = 0,
    ARCHIVED_FILES = 50,
    BATCH_MS = 500,
    BATCH_LONGEST_MS = 60000,
    PAGES = 32,
    LAG_LONGEST_MS = 86400000,
    COUNT_MOST = 1000000,
    FACTOR_MOST = 100,
};

/* ---- from the plan ---- */

static struct limit S_of_plan(int64_t named, int64_t usual)
{
    return (struct limit){.most = named ? named : usual, .named = named != 0};
}

void limits_begin(struct limits *limits, const struct plan_limits *plan)
{
    *limits = (struct limits){
        .lag_ms = S_of_plan(plan->lag_ms, LAG_MS),
        .waiters = S_of_plan(plan->waiters, WAITERS),
        .active = S_of_plan(plan->active, LIMIT_OFF),
        .archive = S_of_plan(plan->archive, ARCHIVED_FILES),
        .patience_ms = S_of_plan(plan->patience_ms, USUAL_PATIENCE_MS),
        .asks_query = plan->query != NULL,
        .asks_file = plan->file != NULL,
        .batch_ms = plan->batch_ms ? plan->batch_ms : BATCH_MS,
        .pages = plan->pages ? plan->pages : PAGES,
        .sleep = plan->sleep,
    };
}

/* ---- by a person ---- */

enum entry_type {
    ENTRY_SPAN_LIMIT,
    ENTRY_COUNT_LIMIT,
    ENTRY_SPAN,
    ENTRY_COUNT,
    ENTRY_RATIO,
    ENTRY_SWITCH
};

static const struct entry {
    const char *name;
    enum entry_type type;
    size_t offset;
    int64_t least, most;
} S_entries[] = {
    {"lag", ENTRY_SPAN_LIMIT, offsetof(struct limits, lag_ms), 0, LAG_LONGEST_MS},
    {"waiters", ENTRY_COUNT_LIMIT, offsetof(struct limits, waiters), 0, COUNT_MOST},
    {"active", ENTRY_COUNT_LIMIT, offsetof(struct limits, active), 0, COUNT_MOST},
    {"archive", ENTRY_COUNT_LIMIT, offsetof(struct limits, archive), 0, COUNT_MOST},
    {"patience", ENTRY_SPAN_LIMIT, offsetof(struct limits, patience_ms), 0, LAG_LONGEST_MS},
    {"query", ENTRY_SWITCH, offsetof(struct limits, asks_query), 0, 1},
    {"file", ENTRY_SWITCH, offsetof(struct limits, asks_file), 0, 1},
    {"hold", ENTRY_SWITCH, offsetof(struct limits, held), 0, 1},
    {"batch", ENTRY_SPAN, offsetof(struct limits, batch_ms), 1, BATCH_LONGEST_MS},
    {"pages", ENTRY_COUNT, offsetof(struct limits, pages), 1, COUNT_MOST},
    {"sleep", ENTRY_RATIO, offsetof(struct limits, sleep), 0, PLAN_SLEEP_MOST},
};

static bool S_is_span(const struct entry *entry)
{
    return entry->type == ENTRY_SPAN_LIMIT || entry->type == ENTRY_SPAN;
}

static bool S_is_limit(const struct entry *entry)
{
    return entry->type == ENTRY_SPAN_LIMIT || entry->type == ENTRY_COUNT_LIMIT;
}

/* "10", "10s", "500ms", "2min" in milliseconds. */
static bool S_span(const char *text, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits + strspn(text + digits, " ");
    char *number = str_ndup(text, digits);
    int64_t count;
    bool ok = str_to_int(number, &count) && count <= LAG_LONGEST_MS;
    free(number);
    for (size_t i = 0; ok && i < ARRAY_LEN(units); i++)
        if (str_is(unit, units[i].name)) {
            *ms = count * units[i].ms;
            return true;
        }
    return false;
}

static bool S_refuse(const struct entry *entry, const char *value, struct err *err)
{
    if (entry->type == ENTRY_SWITCH)
        err_set(err, ERR_USAGE, "'%s' is 'on' or 'off', not '%s'", entry->name, value);
    else if (entry->type == ENTRY_RATIO)
        err_set(err, ERR_USAGE, "'%s' takes a number from %lld to %lld, as 0.5 or 1, not '%s'",
                entry->name, (long long)entry->least / 100, (long long)entry->most / 100, value);
    else if (S_is_span(entry))
        err_set(err, ERR_USAGE, "'%s' takes from %lld ms to %lld s%s, not '%s'", entry->name,
                (long long)entry->least, (long long)entry->most / 1000,
                S_is_limit(entry) ? ", or 'off'" : "", value);
    else
        err_set(err, ERR_USAGE, "'%s' takes a number from %lld to %lld%s, not '%s'", entry->name,
                (long long)entry->least, (long long)entry->most,
                S_is_limit(entry) ? ", or 'off'" : "", value);
    return err_hint(err, "the limits stay as they were");
}

/* "*2" and "/2" of what it is now, within what it may be. */
static bool S_is_factor(const struct entry *entry, const char *value, int64_t now, int64_t *out)
{
    int64_t factor;
    if (S_is_limit(entry) || entry->type == ENTRY_RATIO || (*value != '*' && *value != '/') ||
        !str_to_int(value + 1, &factor) || factor < 1 || factor > FACTOR_MOST)
        return false;
    *out = *value == '*' ? now * factor : now / factor;
    *out = *out < entry->least ? entry->least : *out > entry->most ? entry->most : *out;
    return true;
}

/* "0.5", or "+0.5" and "-0.5" of what it is now, within what it may be. */
static bool S_take_ratio(const struct entry *entry, const char *value, int64_t *place,
                         struct err *err)
{
    bool adds = *value == '+' || *value == '-';
    int64_t ratio;
    if (str_is(value, "off"))
        value = "0";
    if (!str_to_hundredths(value + adds, &ratio) || ratio > entry->most)
        return S_refuse(entry, value, err);
    if (adds)
        ratio = *place + (*value == '+' ? ratio : -ratio);
    *place = ratio < entry->least ? entry->least : ratio > entry->most ? entry->most : ratio;
    return true;
}

static bool S_take(struct limits *limits, const struct entry *entry, const char *value,
                   struct err *err)
{
    void *place = (char *)limits + entry->offset;
    int64_t number = LIMIT_OFF;
    bool is_off = str_is(value, "off");
    if (entry->type == ENTRY_SWITCH) {
        if (!is_off && !str_is(value, "on"))
            return S_refuse(entry, value, err);
        *(bool *)place = !is_off;
        return true;
    }
    if (entry->type == ENTRY_RATIO)
        return S_take_ratio(entry, value, place, err);
    if (S_is_factor(entry, value, *(const int64_t *)place, &number)) {
        *(int64_t *)place = number;
        return true;
    }
    if (!(is_off && S_is_limit(entry))) {
        bool read = S_is_span(entry) ? S_span(value, &number) : str_to_int(value, &number);
        if (!read || number < entry->least || number > entry->most)
            return S_refuse(entry, value, err);
    }
    if (S_is_limit(entry))
        *(struct limit *)place = (struct limit){.most = number, .named = true};
    else
        *(int64_t *)place = number;
    return true;
}

static const struct entry *S_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(S_entries); i++)
        if (str_is(S_entries[i].name, name))
            return &S_entries[i];
    return NULL;
}

bool limits_set(struct limits *limits, const char *name, const char *value, struct err *err)
{
    const struct entry *entry = S_find(name);
    if (entry)
        return S_take(limits, entry, value ? value : "", err);
    err_set(err, ERR_USAGE, "the throttle has no '%s'", name);
    struct buf known = {0};
    for (size_t i = 0; i < ARRAY_LEN(S_entries); i++)
        buf_format(&known, "%s%s", i ? ", " : "", S_entries[i].name);
    err_hint(err, "there are %s", buf_text(&known));
    buf_release(&known);
    return false;
}

char *limits_words(const struct limits *limits)
{
    struct buf words = {0};
    for (size_t i = 0; i < ARRAY_LEN(S_entries); i++) {
        const struct entry *entry = &S_entries[i];
        const void *place = (const char *)limits + entry->offset;
        int64_t number = S_is_limit(entry)             ? ((const struct limit *)place)->most
                         : entry->type == ENTRY_SWITCH ? *(const bool *)place
                                                       : *(const int64_t *)place;
        buf_format(&words, "%s%s ", i ? ", " : "", entry->name);
        if (entry->type == ENTRY_SWITCH)
            buf_add(&words, number ? "on" : "off");
        else if (entry->type == ENTRY_RATIO)
            buf_format(&words, "%g", (double)number / 100);
        else if (number == LIMIT_OFF)
            buf_add(&words, "off");
        else
            buf_format(&words, "%lld%s", (long long)number, S_is_span(entry) ? " ms" : "");
    }
    return buf_take(&words);
}

/* ---- the sentence ---- */

/*
 * "12.4 s", "3 min 10 s" would hide what is compared, so always in seconds; whole ones are short.
 */
static const char *S_seconds(int64_t ms, char out[static 24])
{
    snprintf(out, 24, ms % 1000 ? "%.1f s" : "%.0f s", (double)ms / 1000);
    return out;
}

static bool S_lag(const struct limits *limits, const struct figures *f, char *reason, size_t size)
{
    char figure[24], limit[24];
    S_seconds(limits->lag_ms.most, limit);
    if (limits->lag_ms.most == LIMIT_OFF || !f->replicas)
        return false;
    if (f->lag_ms == FIGURE_UNKNOWN) {
        snprintf(reason, size,
                 "replica lag is not shown to this role (GRANT pg_read_all_stats), limit %s",
                 limit);
        return limits->lag_ms.named;
    }
    snprintf(reason, size, "replica lag %s%s%s%s, limit %s", S_seconds(f->lag_ms, figure),
             f->replica[0] ? " (" : "", f->replica, f->replica[0] ? ")" : "", limit);
    return f->lag_ms > limits->lag_ms.most;
}

static bool S_waiters(const struct limits *limits, const struct figures *f, char *reason,
                      size_t size)
{
    char figure[24];
    S_seconds(f->waited_ms / 100 * 100, figure);
    if (limits->waiters.most == LIMIT_OFF || f->waiters <= limits->waiters.most)
        return false;
    if (f->waiters == 1)
        snprintf(reason, size, "a session waits for a lock of ours (pid %lld, %s)",
                 (long long)f->waiter_pid, figure);
    else
        snprintf(reason, size, "%lld sessions wait for locks of ours (pid %lld for %s), limit %lld",
                 (long long)f->waiters, (long long)f->waiter_pid, figure,
                 (long long)limits->waiters.most);
    return true;
}

static bool S_active(const struct limits *limits, const struct figures *f, char *reason,
                     size_t size)
{
    if (limits->active.most == LIMIT_OFF)
        return false;
    if (f->active == FIGURE_UNKNOWN) {
        snprintf(reason, size,
                 "active sessions are not shown to this role (GRANT pg_read_all_stats), limit %lld",
                 (long long)limits->active.most);
        return limits->active.named;
    }
    snprintf(reason, size, "%lld sessions are active, limit %lld", (long long)f->active,
             (long long)limits->active.most);
    return f->active > limits->active.most;
}

static bool S_archive(const struct limits *limits, const struct figures *f, char *reason,
                      size_t size)
{
    if (limits->archive.most == LIMIT_OFF || f->archive == FIGURE_UNKNOWN)
        return false;
    snprintf(reason, size, "%lld WAL files wait for the archiver, limit %lld",
             (long long)f->archive, (long long)limits->archive.most);
    return f->archive > limits->archive.most;
}

bool limits_judge(const struct limits *limits, const struct figures *f, char *reason, size_t size)
{
    if (limits->held)
        return snprintf(reason, size, "held by hand, until 'throttle hold=off'"), true;
    if (limits->asks_file && f->file_says[0])
        return snprintf(reason, size, "the file '%s' %s", f->file, f->file_says), true;
    if (S_waiters(limits, f, reason, size) || S_lag(limits, f, reason, size) ||
        S_archive(limits, f, reason, size) || S_active(limits, f, reason, size))
        return true;
    if (limits->asks_query && f->query_says[0])
        return snprintf(reason, size, "the query '%s' %s", f->query, f->query_says), true;
    return false;
}
