/* tables_log: the table of what happened, the oldest first, as the journal and the console say. */
#include "cell.h"
#include "clock.h"
#include "detail.h"
#include "tables_parts.h"

enum { LOG_TIME, LOG_SEVERITY, LOG_SOURCE, LOG_STEP, LOG_TEXT, LOG_END };
_Static_assert((int)LOG_END == (int)LOG_COLUMNS, "tables_parts.h counts the columns");

const struct column log_columns[LOG_COLUMNS] = {
    [LOG_TIME] = {"time", "TIME", "when", TEXT_LEFT, 8, 0, 3},
    [LOG_SEVERITY] = {"severity", "LEVEL", "debug, info, warn or error", TEXT_LEFT, 5, 0, 2},
    [LOG_SOURCE] = {"source", "SOURCE", "who says so", TEXT_LEFT, 8, 0, 4},
    [LOG_STEP] = {"step", "STEP", "the step of the plan that it belongs to", TEXT_LEFT, 20, 0, 5},
    [LOG_TEXT] = {"text", "TEXT", "what happened", TEXT_LEFT, 34, 1, 1},
};

static const enum mood S_moods[] = {
    [SEVERITY_DEBUG] = MOOD_DIM,
    [SEVERITY_INFO] = MOOD_PLAIN,
    [SEVERITY_WARN] = MOOD_WARN,
    [SEVERITY_ERROR] = MOOD_BAD,
};

size_t log_rows(const struct snapshot *snapshot)
{
    return snapshot->event_count;
}

void log_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct event_view *event = &snapshot->events[row];
    switch (column) {
    case LOG_TIME:
        cell_set_number(out, CELL_TIME, event->at);
        break;
    case LOG_SEVERITY:
        cell_set_word(out, NULL, severity_name(event->severity), -(int64_t)event->severity);
        break;
    case LOG_SOURCE:
        cell_set_text(out, event->source);
        break;
    case LOG_STEP:
        cell_set_text(out, event->step);
        break;
    case LOG_TEXT:
        cell_set_text(out, event->text);
        break;
    }
    out->mood = S_moods[event->severity];
}

void log_summary(const struct snapshot *snapshot, struct buf *out)
{
    size_t counts[ARRAY_LEN(S_moods)] = {0};
    if (!snapshot->event_count)
        return;
    for (size_t i = 0; i < snapshot->event_count; i++)
        counts[snapshot->events[i].severity]++;
    bool whole = !snapshot->has_journal || snapshot->events_from_start;
    buf_format(out, "%zu %s%s", snapshot->event_count,
               snapshot->event_count == 1 ? "event" : "events", whole ? "" : " of more");
    if (counts[SEVERITY_ERROR])
        buf_format(out, ", %zu %s", counts[SEVERITY_ERROR],
                   counts[SEVERITY_ERROR] == 1 ? "error" : "errors");
    if (counts[SEVERITY_WARN])
        buf_format(out, ", %zu %s", counts[SEVERITY_WARN],
                   counts[SEVERITY_WARN] == 1 ? "warning" : "warnings");
}

void log_detail(const struct snapshot *snapshot, size_t row, struct buf *out)
{
    const struct event_view *event = &snapshot->events[row];
    char day[21];
    clock_format_iso(event->at, day);
    detail_moment(out, "when", event->at, snapshot->at);
    detail_text(out, "in UTC", day);
    detail_text(out, "level", severity_name(event->severity));
    detail_text(out, "source", event->source);
    detail_text(out, "step", event->step);
    buf_add_char(out, '\n');
    detail_lines(out, event->text);
}
