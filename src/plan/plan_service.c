/*
 * plan_service: the values that say with what the steps are done: the service's folder and
 * commands, the .sql files beside the plan, and how much load the database is to bear.
 *
 * Paths are made whole here as far as the plan's own place tells; what hangs on [service] waits for
 * plan_rules.c, since that section may come later. No file is looked at.
 */
#include "plan_rules.h"
#include "plan_values.h"
#include "plan_words.h"

#include <string.h>

/* ---- paths ---- */

static bool S_take_path(struct plan_reader *r, const char **out, struct err *err)
{
    if (!plan_take_text(r, out, err))
        return false;
    if ((*out)[0] != '~')
        return true;
    err_set(err, ERR_FAILED, "'%s': nobody expands the '~'", *out);
    return err_hint(err, "write the whole path, or one that begins where the plan is");
}

/* A path is relative to the plan, wherever somebody stands who reads it. */
static bool S_take_path_beside(struct plan_reader *r, const char **out, struct err *err)
{
    const char *slash = strrchr(r->plan->path, '/');
    if (!S_take_path(r, out, err))
        return false;
    if ((*out)[0] != '/' && slash)
        *out = arena_format(r->plan->arena, "%.*s/%s", (int)(slash - r->plan->path), r->plan->path,
                            *out);
    return true;
}

static bool S_take_sql(struct plan_reader *r, const char **out, struct err *err)
{
    if (!str_ends(r->value, ".sql"))
        return err_set(err, ERR_FAILED, "'%s' is no .sql file", r->value);
    return S_take_path_beside(r, out, err);
}

/* ---- [service] ---- */

bool plan_take_service_folder(struct plan_reader *r, struct err *err)
{
    return S_take_path_beside(r, &r->plan->service, err);
}

bool plan_take_service_migrations(struct plan_reader *r, struct err *err)
{
    return S_take_path(r, &r->plan->migrations, err);
}

/* ---- [outside "STEP"] ---- */

enum { TIMEOUT_DEFAULT = 3600, TIMEOUT_LONGEST = 7 * 86400, FAILURE_LONGEST = 200 };

bool plan_begin_outside(struct plan_reader *r, const char *label, struct err *err)
{
    static const char *const steps[] = {"schema", "dependencies", "schema-new", "seed"};
    struct plan *plan = r->plan;
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        known |= str_is(label, steps[i]);
    if (!known)
        return err_set(err, ERR_FAILED,
                       "'%s' is no step that runs a command: schema, dependencies, schema-new or "
                       "seed",
                       label);
    for (size_t i = 0; i < plan->outside_count; i++)
        if (str_is(plan->outsides[i].step, label))
            return err_set(err, ERR_FAILED, "[outside \"%s\"] was there before", label);
    plan->outsides =
        plan_room(plan->arena, plan->outsides, plan->outside_count, sizeof(*plan->outsides));
    r->outside = &plan->outsides[plan->outside_count++];
    *r->outside = (struct plan_outside){.step = arena_str(plan->arena, label),
                                        .failure = arena_array(plan->arena, 1, sizeof(char *)),
                                        .timeout = TIMEOUT_DEFAULT,
                                        .line = r->line};
    return true;
}

bool plan_take_outside_command(struct plan_reader *r, struct err *err)
{
    return plan_words_command(r->plan->arena, r->value, &r->outside->command, err);
}

bool plan_take_outside_undo(struct plan_reader *r, struct err *err)
{
    return plan_words_command(r->plan->arena, r->value, &r->outside->undo, err);
}

bool plan_take_outside_folder(struct plan_reader *r, struct err *err)
{
    return S_take_path(r, &r->outside->folder, err);
}

bool plan_take_outside_failure(struct plan_reader *r, struct err *err)
{
    const char *text = NULL;
    size_t count = 0;
    if (!plan_take_text(r, &text, err))
        return false;
    if (strlen(text) > FAILURE_LONGEST)
        return err_set(err, ERR_FAILED, "it is longer than %d bytes", FAILURE_LONGEST);
    if (strchr(text, '\n'))
        return err_set(err, ERR_FAILED, "it holds a newline, and output is read by lines");
    while (r->outside->failure[count])
        count++;
    const char **list = arena_array(r->plan->arena, count + 2, sizeof(*list));
    memcpy(list, r->outside->failure, count * sizeof(*list));
    list[count] = text;
    r->outside->failure = list;
    return true;
}

/* ---- numbers and their units ---- */

/* "250 ms" in milliseconds; a bare number counts `bare` each, and 0 forbids it. */
static bool S_take_span(struct plan_reader *r, int64_t bare, int64_t longest, int64_t *out,
                        struct err *err)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
    size_t len = strspn(r->value, "0123456789");
    const char *number = arena_strn(r->plan->arena, r->value, len);
    const char *unit = r->value + len + strspn(r->value + len, " \t");
    int64_t each = unit[0] ? 0 : bare, count = 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_is(unit, units[i].name))
            each = units[i].ms;
    if (!str_to_int(number, &count) || !each)
        return err_set(err, ERR_FAILED, "'%s' is not a number and its unit: ms, s, min or h%s",
                       r->value, bare ? "; a bare number is seconds" : "");
    if (count < 1 || count > longest / each)
        return err_set(err, ERR_FAILED, "'%s' is out of reach: from 1 ms to %lld s", r->value,
                       (long long)longest / 1000);
    *out = count * each;
    return true;
}

bool plan_take_outside_timeout(struct plan_reader *r, struct err *err)
{
    int64_t ms = 0;
    if (!S_take_span(r, 1000, TIMEOUT_LONGEST * 1000LL, &ms, err))
        return false;
    if (ms < 1000)
        return err_set(err, ERR_FAILED, "'%s' is less than a second", r->value);
    r->outside->timeout = ms / 1000;
    return true;
}

static bool S_take_count(struct plan_reader *r, int64_t *out, struct err *err)
{
    enum { MOST = 1000000 };
    return (str_to_int(r->value, out) && *out >= 1 && *out <= MOST) ||
           err_set(err, ERR_FAILED, "'%s' is not a number from 1 to %d", r->value, MOST);
}

/* ---- [functions], [views], [warm "NAME"] ---- */

static bool S_take_file(struct plan_reader *r, struct plan_file **files, size_t *count,
                        struct err *err)
{
    const char *path = NULL;
    if (!S_take_sql(r, &path, err))
        return false;
    for (size_t i = 0; i < *count; i++)
        if (str_is((*files)[i].path, path))
            return err_set(err, ERR_FAILED, "'%s' stands there twice, first in line %d", r->value,
                           (*files)[i].line);
    *files = plan_room(r->plan->arena, *files, *count, sizeof(**files));
    (*files)[(*count)++] =
        (struct plan_file){.path = path, .trust = plan_trust(r), .line = r->line};
    return true;
}

bool plan_take_function(struct plan_reader *r, struct err *err)
{
    return S_take_file(r, &r->plan->functions, &r->plan->function_count, err);
}

bool plan_take_view(struct plan_reader *r, struct err *err)
{
    return S_take_file(r, &r->plan->views, &r->plan->view_count, err);
}

bool plan_begin_warm(struct plan_reader *r, const char *label, struct err *err)
{
    struct plan *plan = r->plan;
    for (size_t i = 0; i < plan->warm_count; i++)
        if (str_is(plan->warms[i].name, label))
            return err_set(err, ERR_FAILED, "[warm \"%s\"] was there before", label);
    plan->warms = plan_room(plan->arena, plan->warms, plan->warm_count, sizeof(*plan->warms));
    r->warm = &plan->warms[plan->warm_count++];
    *r->warm = (struct plan_file){.name = arena_str(plan->arena, label), .line = r->line};
    return true;
}

bool plan_take_warm_file(struct plan_reader *r, struct err *err)
{
    r->warm->trust = plan_trust(r);
    return S_take_sql(r, &r->warm->path, err);
}

bool plan_take_warm_key(struct plan_reader *r, struct err *err)
{
    if (!plan_pattern_fits(r->value, err))
        return false;
    if (str_ends(r->value, ":*") || str_is(r->value, "*"))
        return err_set(err, ERR_FAILED, "'%s' is no key to be set: it ends with '*'", r->value);
    return plan_take_text(r, &r->warm->key, err);
}

bool plan_take_warm_ttl(struct plan_reader *r, struct err *err)
{
    return plan_take_ttl(r, &r->warm->ttl, err) ||
           err_hint(err, "keys that shall not expire have no 'ttl' line");
}

/* ---- [throttle] ---- */

bool plan_take_batch(struct plan_reader *r, struct err *err)
{
    return S_take_span(r, 0, 60000, &r->plan->limits.batch_ms, err);
}

bool plan_take_pages(struct plan_reader *r, struct err *err)
{
    return S_take_count(r, &r->plan->limits.pages, err);
}

bool plan_take_sleep(struct plan_reader *r, struct err *err)
{
    int64_t *sleep = &r->plan->limits.sleep;
    return (str_to_hundredths(r->value, sleep) && *sleep <= PLAN_SLEEP_MOST) ||
           err_set(err, ERR_FAILED, "'%s' is not a number from 0 to %d, as 0.5 or 1", r->value,
                   PLAN_SLEEP_MOST / 100);
}

bool plan_take_lag(struct plan_reader *r, struct err *err)
{
    return S_take_span(r, 0, 86400000, &r->plan->limits.lag_ms, err);
}

bool plan_take_waiters(struct plan_reader *r, struct err *err)
{
    return S_take_count(r, &r->plan->limits.waiters, err);
}

bool plan_take_active(struct plan_reader *r, struct err *err)
{
    return S_take_count(r, &r->plan->limits.active, err);
}

bool plan_take_archive(struct plan_reader *r, struct err *err)
{
    return S_take_count(r, &r->plan->limits.archive, err);
}

bool plan_take_patience(struct plan_reader *r, struct err *err)
{
    return S_take_span(r, 0, 86400000, &r->plan->limits.patience_ms, err);
}

bool plan_take_limit_query(struct plan_reader *r, struct err *err)
{
    r->plan->limits.query_trust = plan_trust(r);
    return S_take_sql(r, &r->plan->limits.query, err);
}

bool plan_take_limit_file(struct plan_reader *r, struct err *err)
{
    return S_take_path_beside(r, &r->plan->limits.file, err);
}
