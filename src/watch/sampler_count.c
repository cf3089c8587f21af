/*
 * sampler_count: exact counts, one table at a time, on a connection of their own.
 *
 * What nobody asked for is given up when it takes too long; estimates stand then.
 */
#include "clock.h"
#include "sampler_state.h"

#include <stdlib.h>

enum { CHEAP_MS = 2000 }; /* for what nobody asked for: pages are an estimate, too */

static void S_count_failed(struct sampler *s, struct fact *fact, const char *table,
                           const struct err *err)
{
    bool stopped = str_is(err->sqlstate, "57014");
    bool comes_again = err->kind == ERR_RETRY || err->kind == ERR_LOST;
    fact->given_up = !comes_again;
    if (comes_again && !fact->by_request)
        return; /* a lock is in the way for as long as it is: estimates stand meanwhile */
    sampler_note(s, stopped ? SEVERITY_INFO : SEVERITY_WARN, "count",
                 stopped ? "counting '%s' was stopped; estimates stand (%s)"
                         : "'%s' could not be counted: %s",
                 table, err->text);
}

/* It was thought to be small, and is not. */
static void S_too_long(void *arg)
{
    struct sampler *s = arg;
    s->limit = NULL;
    if (s->counting < s->parts.fact_count && !s->parts.facts[s->counting].by_request)
        pg_cancel(s->slow);
}

static void S_on_count(void *arg, const struct pg_result *result, const struct err *err)
{
    struct sampler *s = arg;
    struct fact *fact = &s->parts.facts[s->counting];
    const char *table = s->session->plan->tables[s->counting].name;
    loop_cancel(s->limit);
    s->limit = NULL;
    if (result)
        gather_count(&s->parts, s->counting, result);
    else
        S_count_failed(s, fact, table, err);
    fact->count_state = COUNT_IDLE;
    fact->by_request = false;
    s->counting = s->parts.fact_count;
    sampler_publish(s);
    sampler_count_next(s);
}

static void S_forget_wishes(struct sampler *s)
{
    for (size_t i = 0; i < s->parts.fact_count; i++)
        if (s->parts.facts[i].count_state == COUNT_WANTED) {
            s->parts.facts[i].count_state = COUNT_IDLE;
            s->parts.facts[i].by_request = false;
        }
}

static void S_on_slow_open(void *arg, const struct err *err)
{
    struct sampler *s = arg;
    s->slow_connecting = false;
    /* When the server is away, the quick connection tells; but it may have had the last place. */
    if (!err || s->parts.database.state == SERVER_UP)
        sampler_note_trouble(s, &s->slow_said, "count", "nothing can be counted", err);
    if (!err) {
        sampler_count_next(s);
        return;
    }
    S_forget_wishes(s);
    sampler_publish(s);
}

void sampler_count_next(struct sampler *s)
{
    size_t next = 0;
    while (next < s->parts.fact_count && s->parts.facts[next].count_state != COUNT_WANTED)
        next++;
    bool busy = s->counting != s->parts.fact_count || s->slow_connecting;
    if (next == s->parts.fact_count || busy || s->database.left)
        return;
    if (!pg_is_up(s->slow)) {
        s->slow_connecting = true;
        pg_connect(s->slow, CONNECT_MS, S_on_slow_open, s);
        return;
    }
    s->counting = next;
    struct fact *fact = &s->parts.facts[next];
    fact->count_state = COUNT_RUNNING;
    fact->asked_at = clock_wall();
    free(fact->asked_changes);
    fact->asked_changes = str_dup(fact->changes);
    if (!fact->by_request)
        s->limit = loop_after(s->loop, CHEAP_MS, S_too_long, s);
    pg_query(s->slow, fact->count_sql, NULL, 0, S_on_count, s);
}

static bool S_want_count(struct sampler *s, size_t table)
{
    struct fact *fact = &s->parts.facts[table];
    if (!fact->exists || !fact->count_sql)
        return false;
    fact->by_request = true;
    if (fact->count_state == COUNT_IDLE)
        fact->count_state = COUNT_WANTED;
    return true;
}

bool sampler_count(struct sampler *s, const char *table, struct err *err)
{
    if (!s->session->plan)
        return err_set(err, ERR_REFUSED, "without a plan there is nothing to count");
    if (s->parts.database.state != SERVER_UP)
        return err_set(err, ERR_LOST, "PostgreSQL does not answer: nothing can be counted now");
    bool any = false;
    for (size_t i = 0; i < s->parts.fact_count; i++)
        if (!table || str_is(table, s->session->plan->tables[i].name))
            any = S_want_count(s, i) || any;
    if (!any)
        return err_set(err, ERR_REFUSED, "'%s' is no table that can be counted",
                       table ? table : s->session->plan->name);
    sampler_count_next(s);
    sampler_publish(s);
    return true;
}

void sampler_stop_counting(struct sampler *s)
{
    S_forget_wishes(s);
    pg_cancel(s->slow);
    sampler_publish(s);
}
