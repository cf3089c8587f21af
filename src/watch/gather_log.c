/* gather_log: pages of the journal's log become a part; nothing is asked here. */
#include "parts.h"

#include <stdlib.h>

static enum severity S_severity(const char *name)
{
    for (enum severity severity = SEVERITY_DEBUG; severity <= SEVERITY_ERROR; severity++)
        if (str_is(severity_name(severity), name))
            return severity;
    return SEVERITY_INFO;
}

static struct note *S_read(const struct pg_result *result, size_t *count)
{
    *count = (size_t)pg_rows(result);
    struct note *notes = mem_array(*count, sizeof(*notes));
    for (int row = 0; row < pg_rows(result); row++) {
        int step = pg_col(result, "step");
        notes[row] = (struct note){
            .id = pg_int(result, row, pg_col(result, "id")),
            .at = pg_int(result, row, pg_col(result, "at")),
            .severity = S_severity(pg_text(result, row, pg_col(result, "severity"))),
            .source = str_dup(pg_text(result, row, pg_col(result, "source"))),
            .step = pg_null(result, row, step) ? NULL : str_dup(pg_text(result, row, step)),
            .text = str_dup(pg_text(result, row, pg_col(result, "text"))),
        };
    }
    return notes;
}

void gather_journal_events(struct parts *parts, const struct pg_result *result)
{
    size_t count;
    struct note *notes = S_read(result, &count);
    if (!parts->last_event)
        parts->log.from_start = count < LOG_PAGE;
    if (count)
        parts->last_event = notes[count - 1].id;
    log_window_append(&parts->log, notes, count);
    free(notes);
}

void gather_journal_newer(struct parts *parts, const struct pg_result *result)
{
    size_t count;
    struct note *notes = S_read(result, &count);
    log_window_append(&parts->log, notes, count);
    if (!parts->log.back)
        parts->last_event = log_window_last(&parts->log);
    free(notes);
}

void gather_journal_first(struct parts *parts, const struct pg_result *result)
{
    size_t count;
    struct note *notes = S_read(result, &count);
    log_window_begin(&parts->log, notes, count);
    if (!parts->log.back)
        parts->last_event = log_window_last(&parts->log);
    free(notes);
}

void gather_journal_older(struct parts *parts, const struct pg_result *result)
{
    size_t count;
    struct note *notes = S_read(result, &count);
    log_window_prepend(&parts->log, notes, count);
    free(notes);
}
