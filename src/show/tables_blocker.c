/* tables_blocker: the table of who waits for whom, drawn as a tree. */
#include "cell.h"
#include "clock.h"
#include "detail.h"
#include "tables_parts.h"

#include <string.h>

enum {
    BLOCKER_ID,
    BLOCKER_WAITS,
    BLOCKER_BEHIND,
    BLOCKER_MODE,
    BLOCKER_OBJECT,
    BLOCKER_STATE,
    BLOCKER_WHO,
    BLOCKER_ROLE,
    BLOCKER_TRANSACTION,
    BLOCKER_QUERY,
    BLOCKER_BY,
    BLOCKER_STARTED,
    BLOCKER_END
};
_Static_assert((int)BLOCKER_END == (int)BLOCKER_COLUMNS, "tables_parts.h counts the columns");

const struct column blocker_columns[BLOCKER_COLUMNS] = {
    [BLOCKER_ID] = {"pid", "PID", "the session's process; below it, who waits for it", TEXT_LEFT,
                    12, 0, 1},
    [BLOCKER_WAITS] = {"waits", "WAITS", "how long it has waited for a lock", TEXT_RIGHT, 6, 0, 2},
    [BLOCKER_BEHIND] = {"behind", "BEHIND", "how many wait for it, also by way of others",
                        TEXT_RIGHT, 6, 0, 3},
    [BLOCKER_MODE] = {"mode", "LOCK", "that it wants; on top of a tree, that it holds", TEXT_LEFT,
                      15, 0, 7},
    [BLOCKER_OBJECT] = {"object", "OF", "what is locked", TEXT_LEFT, 16, 2, 5},
    [BLOCKER_STATE] = {"state", "STATE", "what the session does", TEXT_LEFT, 11, 1, 6},
    [BLOCKER_WHO] = {"application", "APPLICATION", "its application name; ours are marked",
                     TEXT_LEFT, 11, 1, 8},
    [BLOCKER_ROLE] = {"role", "ROLE", "the role it is connected as", TEXT_LEFT, 9, 1, 9},
    [BLOCKER_TRANSACTION] = {"transaction", "AGE", "of its transaction", TEXT_RIGHT, 6, 0, 10},
    [BLOCKER_QUERY] = {"query", "STATEMENT", "that it runs, or ran last", TEXT_LEFT, 22, 4, 4},
    [BLOCKER_BY] = {"blocked_by", "WAITS FOR", "the sessions that it waits for", TEXT_LEFT, 12, 1,
                    11},
    [BLOCKER_STARTED] = {"started", "SESSION BEGAN", "when; a pid alone may be another's by now",
                         TEXT_LEFT, 29, 0, 12},
};

size_t blocker_rows(const struct snapshot *snapshot)
{
    return snapshot->blocker_count;
}

static bool S_is_top(const struct blocker_view *blocker)
{
    return blocker->depth == 0;
}

/* Deeper ones are not moved in any further: the number has to stay whole. */
static const char *S_branch(int depth)
{
    static const char *const branches[] = {NULL, "└", "  └", "    └"};
    return branches[depth < (int)ARRAY_LEN(branches) ? depth : (int)ARRAY_LEN(branches) - 1];
}

static bool S_sits_idle(const struct blocker_view *blocker)
{
    return blocker->state && str_starts(blocker->state, "idle in transaction");
}

static enum mood S_mood(const struct blocker_view *blocker)
{
    if (blocker->circle)
        return MOOD_BAD;
    if (!S_is_top(blocker))
        return MOOD_PLAIN;
    return blocker->ours ? MOOD_ACTIVE : MOOD_WARN;
}

static void S_set_age(struct cell *out, int64_t since)
{
    if (since >= 0)
        cell_set_number(out, CELL_AGE, since);
}

/* What is not shown to this role is not known; a session without an application name has none. */
static void S_set_seen(const struct blocker_view *blocker, const char *text, struct cell *out)
{
    if (!text && blocker->pid >= 0 && !blocker->started)
        out->kind = CELL_UNKNOWN;
    else
        cell_set_text(out, text);
}

void blocker_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct blocker_view *blocker = &snapshot->blockers[row];
    out->mood = S_mood(blocker);
    switch (column) {
    case BLOCKER_ID:
        cell_set_text(out, blocker->id);
        out->mark = S_branch(blocker->depth);
        break;
    case BLOCKER_WAITS:
        S_set_age(out, blocker->waits_since);
        break;
    case BLOCKER_BEHIND:
        if (blocker->behind > 0)
            cell_set_number(out, CELL_COUNT, blocker->behind);
        break;
    case BLOCKER_MODE:
        cell_set_text(out, blocker->mode);
        break;
    case BLOCKER_OBJECT:
        cell_set_text(out, blocker->object);
        break;
    case BLOCKER_STATE:
        S_set_seen(blocker, blocker->state, out);
        if (S_is_top(blocker) && S_sits_idle(blocker))
            out->mood = MOOD_BAD;
        break;
    case BLOCKER_WHO:
        cell_set_text(out, blocker->application);
        out->mark = blocker->ours && blocker->application ? "►" : NULL;
        break;
    case BLOCKER_ROLE:
        cell_set_text(out, blocker->role);
        break;
    case BLOCKER_TRANSACTION:
        S_set_age(out, blocker->transaction_since);
        break;
    case BLOCKER_QUERY:
        S_set_seen(blocker, blocker->query, out);
        break;
    case BLOCKER_BY:
        cell_set_text(out, blocker->blocked_by);
        break;
    case BLOCKER_STARTED:
        S_set_seen(blocker, blocker->started, out);
        break;
    }
}

void blocker_summary(const struct snapshot *snapshot, struct buf *out)
{
    size_t waiting = 0, tops = 0, circles = 0;
    enum { OLD_MS = 10000 };
    for (size_t i = 0; i < snapshot->blocker_count; i++) {
        waiting += snapshot->blockers[i].blocked_by != NULL;
        tops += !snapshot->blockers[i].blocked_by;
        circles += snapshot->blockers[i].circle;
    }
    int64_t all = (int64_t)waiting + snapshot->blockers_more;
    if (snapshot->blocker_count)
        buf_format(out, "%lld %s for %zu", (long long)all, all == 1 ? "waits" : "wait", tops);
    if (snapshot->blockers_more)
        buf_format(out, ", %lld of them not shown", (long long)snapshot->blockers_more);
    if (circles)
        buf_format(out, ", %zu in a circle", circles);
    if (snapshot->blockers_at > 0 && snapshot->at - snapshot->blockers_at > OLD_MS) {
        char age[16];
        clock_format_span(snapshot->at - snapshot->blockers_at, age);
        buf_format(out, "%sseen %s ago", out->len ? ", " : "", age);
    }
}

/* ---- what Enter opens ---- */

static void S_say_age(struct buf *out, const char *label, int64_t since, int64_t now)
{
    char age[16];
    if (since < 0)
        return;
    clock_format_span(now - since, age);
    detail_text(out, label, age);
}

static void S_say_advice(const struct blocker_view *blocker, struct buf *out)
{
    if (blocker->circle)
        detail_say(out,
                   "They wait for each other in a circle. The server finds this by itself after\n"
                   "deadlock_timeout, and ends one of the statements.");
    if (blocker->pid < 0)
        detail_say(out,
                   "A prepared transaction has no session: it keeps its locks, also after a\n"
                   "restart, until COMMIT PREPARED or ROLLBACK PREPARED is said to it. Ask its\n"
                   "transaction manager first.");
    else if (blocker->ours)
        detail_say(out,
                   "This is a session of tenantdeck itself: 'pause', 'stop' or 'abort' end what a\n"
                   "run does; it is not cancelled from here.");
    else if (!blocker->started)
        detail_say(out,
                   "This role is not shown what the session does: it needs pg_read_all_stats.");
    else if (S_is_top(blocker) && S_sits_idle(blocker))
        detail_say(out,
                   "It does nothing and keeps its locks until its transaction ends. There is no\n"
                   "statement to cancel: only the end of the session sets the others free, and\n"
                   "takes back what it has not committed.");
}

void blocker_detail(const struct snapshot *snapshot, size_t row, struct buf *out)
{
    const struct blocker_view *blocker = &snapshot->blockers[row];
    detail_text(out, "session", blocker->id);
    detail_text(out, "ours", blocker->ours);
    detail_text(out, "kind", blocker->kind);
    detail_text(out, "state", blocker->state);
    S_say_age(out, "waits", blocker->waits_since, snapshot->at);
    detail_text(out, "waits for", blocker->blocked_by);
    detail_text(out, blocker->blocked_by ? "wants lock" : "holds lock", blocker->mode);
    detail_text(out, "of", blocker->object);
    detail_number(out, "wait for it", blocker->behind);
    S_say_age(out, "transaction", blocker->transaction_since, snapshot->at);
    S_say_age(out, "statement", blocker->statement_since, snapshot->at);
    detail_text(out, "application", blocker->application);
    detail_text(out, "role", blocker->role);
    detail_text(out, "client", blocker->client);
    detail_text(out, "database", blocker->database);
    detail_text(out, "session began", blocker->started);
    S_say_advice(blocker, out);
    if (blocker->query && *blocker->query) {
        detail_say(out, blocker->state && strcmp(blocker->state, "active") == 0
                            ? "The statement that it runs:"
                            : "The last statement that it ran:");
        detail_lines(out, blocker->query);
    }
}
