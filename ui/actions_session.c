/*
 * actions_session: what the pane of blockers can do to the session under its cursor. The verbs do
 * it, as on the command line; here it is only said which session is meant, by pid and start.
 */
#include "console_state.h"

#include <stdlib.h>

static const struct blocker_view *S_meant(const struct console *console)
{
    const struct pane *pane = &console->panes.panes[TABLE_BLOCKERS];
    size_t row;
    return pane_row(pane, &row) ? &sampler_snapshot(console->sampler)->blockers[row] : NULL;
}

const char *action_session_barred(const struct console *console, enum action action)
{
    const struct blocker_view *session = S_meant(console);
    if (!session)
        return "there is no session";
    if (!console->session->operator_mode)
        return "this console only looks: open it with --operator to end a session";
    if (session->ours)
        return "this is a session of tenantdeck itself: 'pause', 'stop' and 'abort' end a run";
    if (session->pid < 0)
        return "a prepared transaction has no session: ROLLBACK PREPARED is for whoever made it";
    if (!session->started)
        return "this role is not shown what the session does: it needs pg_read_all_stats";
    if (str_is(session->kind, "walsender"))
        return "this is a walsender: a replica, a backup or a subscriber reads from it";
    if (action == ACT_CANCEL_STATEMENT && session->state && str_starts(session->state, "idle"))
        return "the session is idle, so there is no statement to cancel; K ends it";
    return NULL;
}

unsigned action_session(struct console *console, enum action action)
{
    const struct blocker_view *session = S_meant(console);
    char *line = str_format("blockers %s %lld --started='%s'",
                            action == ACT_END_SESSION ? "terminate" : "cancel",
                            (long long)session->pid, session->started);
    unsigned wishes = verbline_run(console, line);
    free(line);
    return wishes;
}
