/*
 * plan_cache: the values that say how a service uses Redis, beyond the keys themselves: how it
 * keeps its sessions, and at which load of the server somebody wants to be told.
 */
#include "plan_values.h"

enum { MOST = 1000000 };

static bool S_take_number(struct plan_reader *r, int64_t most, const char *what, int64_t *out,
                          struct err *err)
{
    return (str_to_int(r->value, out) && *out >= 1 && *out <= most) ||
           err_set(err, ERR_FAILED, "'%s' is not a number%s from 1 to %lld", r->value, what,
                   (long long)most);
}

bool plan_take_sessions_per_user(struct plan_reader *r, struct err *err)
{
    return S_take_number(r, MOST, "", &r->plan->sessions.per_user, err);
}

bool plan_take_sessions_sliding(struct plan_reader *r, struct err *err)
{
    bool sliding;
    if (!plan_take_bool(r->value, &sliding, err))
        return false;
    r->plan->sessions.fixed = !sliding;
    return true;
}

bool plan_take_alarm_memory(struct plan_reader *r, struct err *err)
{
    return S_take_number(r, 100, " of percent", &r->plan->alarms.memory, err);
}

bool plan_take_alarm_clients(struct plan_reader *r, struct err *err)
{
    return S_take_number(r, MOST, "", &r->plan->alarms.clients, err);
}

bool plan_take_alarm_hit_rate(struct plan_reader *r, struct err *err)
{
    return S_take_number(r, 100, " of percent", &r->plan->alarms.hit_rate, err);
}
