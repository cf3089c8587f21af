/*
 * actions_log: what keys do to the log: which events it has (severity, step, table), and the pages
 * of it that come when somebody moves beyond what is held.
 */
#include "console_state.h"

#include <stdlib.h>
#include <string.h>

static const struct event_view *S_meant(const struct console *console)
{
    size_t row;
    return pane_row(&console->panes.panes[TABLE_LOG], &row)
               ? &sampler_snapshot(console->sampler)->events[row]
               : NULL;
}

/* ---- older and newer ---- */

/* Up at the first that is held asks for what was before it, and so on. */
static void S_move_up(struct console *console, bool to_first)
{
    const struct pane *pane = &console->panes.panes[TABLE_LOG];
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    bool older = snapshot->has_journal && !snapshot->events_from_start;
    if (older && to_first) {
        sampler_log_first(console->sampler);
        console_say(console, MOOD_PLAIN, "the beginning of the log is fetched");
    } else if (older && pane->cursor == 0) {
        sampler_log_older(console->sampler);
        console_say(console, MOOD_PLAIN, "older events are fetched");
    } else if (pane->cursor == 0 && snapshot->event_count) {
        console_say(console, MOOD_PLAIN, "this is the beginning of the log");
    }
}

static void S_move_down(struct console *console, bool to_last)
{
    const struct pane *pane = &console->panes.panes[TABLE_LOG];
    if (!sampler_snapshot(console->sampler)->events_back)
        return;
    if (to_last) {
        sampler_log_live(console->sampler);
    } else if (pane->cursor + 1 >= pane->shown.count) {
        sampler_log_newer(console->sampler);
        console_say(console, MOOD_PLAIN, "newer events are fetched");
    }
}

void action_log_move(struct console *console, enum action action)
{
    if (action == ACT_UP || action == ACT_PAGE_UP || action == ACT_FIRST)
        S_move_up(console, action == ACT_FIRST);
    else
        S_move_down(console, action == ACT_LAST);
}

/* ---- which events ---- */

static unsigned S_narrow(struct console *console)
{
    const struct log_choice *log = &console->log;
    sampler_log_narrow(console->sampler, log->least, log->step, log->table);
    pane_follow(&console->panes.panes[TABLE_LOG], sampler_snapshot(console->sampler), true);
    const char *narrow = sampler_snapshot(console->sampler)->events_narrow;
    return WISH_ARRANGE |
           console_say(console, MOOD_PLAIN, "the log shows %s", narrow ? narrow : "all events");
}

static unsigned S_next_level(struct console *console)
{
    enum severity *least = &console->log.least;
    *least = *least == SEVERITY_ERROR ? SEVERITY_DEBUG : (enum severity)(*least + 1);
    return S_narrow(console);
}

static unsigned S_toggle(struct console *console, char **choice, const char *found,
                         const char *none)
{
    if (!*choice && !found)
        return console_say(console, MOOD_WARN, "%s", none);
    char *chosen = *choice ? NULL : str_dup(found);
    free(*choice);
    *choice = chosen;
    return S_narrow(console);
}

/* The table of the plan that the event speaks of: the longest name in it, for names hold names. */
static const char *S_find_table(const struct console *console, const struct event_view *event)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    const char *found = NULL;
    for (size_t i = 0; event && i < snapshot->fill_count; i++)
        if (strstr(event->text, snapshot->fills[i].name) &&
            (!found || strlen(snapshot->fills[i].name) > strlen(found)))
            found = snapshot->fills[i].name;
    return found;
}

unsigned action_log(struct console *console, enum action action)
{
    struct log_choice *log = &console->log;
    const struct event_view *event = S_meant(console);
    switch (action) {
    case ACT_LOG_LEVEL:
        return S_next_level(console);
    case ACT_LOG_STEP:
        return S_toggle(console, &log->step, event ? event->step : NULL,
                        "this event belongs to no step");
    default:
        return S_toggle(console, &log->table, S_find_table(console, event),
                        "this event speaks of no table of the plan");
    }
}

bool action_log_widen(struct console *console)
{
    struct log_choice *log = &console->log;
    if (log->least == SEVERITY_DEBUG && !log->step && !log->table)
        return false;
    log_choice_release(log);
    S_narrow(console);
    return true;
}

void log_choice_release(struct log_choice *choice)
{
    free(choice->step);
    free(choice->table);
    *choice = (struct log_choice){0};
}
