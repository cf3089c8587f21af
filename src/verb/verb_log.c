/*
 * verb_log: the events of the journal, page by page, and as they come. A file's lines are in
 * verb_log_file.c.
 */
#include "verb_log.h"

#include "clock.h"
#include "journal.h"
#include "sql.h"
#include "verbs.h"

#include <string.h>

enum { LINES = 20, PAGE = 500, WAIT_MS = 500, NUMBERS = 4 };

/* ---- the order ---- */

static bool S_read_lines(const char *text, int64_t *out, struct err *err)
{
    *out = LINES;
    if (str_is(text, "all"))
        *out = -1;
    else if (text && (!str_to_int(text, out) || *out < 0))
        return err_set(err, ERR_USAGE, "'--lines' wants a number or 'all', not '%s'", text);
    return true;
}

static bool S_read_order(const struct verb_call *call, struct log_order *out, struct err *err)
{
    const char *level = verb_option(call, "level"), *run = verb_option(call, "run");
    *out = (struct log_order){.follow = verb_option(call, "follow"),
                              .step = verb_option(call, "step"),
                              .table = verb_option(call, "table"),
                              .grep = verb_option(call, "grep")};
    if (level && !logline_level(level, &out->least))
        return err_set(err, ERR_USAGE, "'--level' is debug, info, warn or error, not '%s'", level);
    if (run && (!str_to_int(run, &out->run) || out->run < 1))
        return err_set(err, ERR_USAGE, "'--run' wants the number of a run, not '%s'", run);
    return S_read_lines(verb_option(call, "lines"), &out->lines, err);
}

/* ---- printing ---- */

static void S_print(const struct verb_call *call, const struct pg_result *events, int row)
{
    char time[9];
    struct buf line = {0};
    const char *step = pg_text(events, row, pg_col(events, "step"));
    const char *source = *step ? step : pg_text(events, row, pg_col(events, "source"));
    const char *text = pg_text(events, row, pg_col(events, "text"));
    clock_format_time(pg_int(events, row, pg_col(events, "at")), time);
    buf_format(&line, "%s %-5s ", time, pg_text(events, row, pg_col(events, "severity")));
    size_t start = line.len;
    text_clean(&line, source, strlen(source));
    for (size_t width = text_width(line.text + start); width < 8; width++)
        buf_add_char(&line, ' ');
    buf_add(&line, "  ");
    text_clean(&line, text, strlen(text));
    fprintf(call->out, "%s\n", buf_text(&line));
    buf_release(&line);
}

static json_t *S_number_or_null(const struct pg_result *events, int row, const char *column)
{
    int col = pg_col(events, column);
    return pg_null(events, row, col) ? json_null() : json_integer(pg_int(events, row, col));
}

static json_t *S_json(const struct pg_result *events, int row)
{
    char time[21];
    int step = pg_col(events, "step");
    clock_format_iso(pg_int(events, row, pg_col(events, "at")), time);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "at", time, "severity",
                     pg_text(events, row, pg_col(events, "severity")), "source",
                     verb_json_text(pg_text(events, row, pg_col(events, "source"))), "run",
                     S_number_or_null(events, row, "run"), "step",
                     verb_json_text(pg_null(events, row, step) ? NULL : pg_text(events, row, step)),
                     "text", verb_json_text(pg_text(events, row, pg_col(events, "text"))));
}

/* `all` is NULL while it follows: then one object a line. */
static void S_show(const struct verb_call *call, const struct pg_result *events, json_t *all)
{
    for (int row = 0; row < pg_rows(events); row++) {
        if (!call->json) {
            S_print(call, events, row);
            continue;
        }
        json_t *event = S_json(events, row);
        if (all) {
            json_array_append_new(all, event);
            continue;
        }
        json_dumpf(event, call->out, JSON_COMPACT | JSON_ENSURE_ASCII);
        fputc('\n', call->out);
        json_decref(event);
    }
    fflush(call->out);
}

/* ---- pages ---- */

static bool S_page(struct pg *pg, const struct log_order *order, const char *statement,
                   int64_t after, int64_t most, struct pg_result **out, struct err *err)
{
    struct number_text first = number_text(after), limit = number_text(most),
                       run = number_text(order->run);
    const char *values[] = {first.text,  NULL,         limit.text,  severity_name(order->least),
                            order->step, order->table, order->grep, order->run ? run.text : NULL};
    return pg_run(pg, sql_get(statement), values, ARRAY_LEN(values), out, err);
}

/* Shows one answer; says how many rows it had, and its last event. */
static bool S_show_page(struct verb_call *call, struct pg *pg, const struct log_order *order,
                        const char *statement, int64_t most, json_t *all, int64_t *last, int *rows,
                        struct err *err)
{
    struct pg_result *events;
    if (!S_page(pg, order, statement, *last, most, &events, err))
        return false;
    *rows = pg_rows(events);
    if (*rows)
        *last = pg_int(events, *rows - 1, pg_col(events, "id"));
    S_show(call, events, all);
    pg_result_free(events);
    return true;
}

/* Everything after `*last`, a page at a time. */
static bool S_show_rest(struct verb_call *call, struct pg *pg, const struct log_order *order,
                        json_t *all, int64_t *last, struct err *err)
{
    int rows;
    do {
        if (!S_show_page(call, pg, order, "journal_events_next", PAGE, all, last, &rows, err))
            return false;
    } while (rows == PAGE && !ferror(call->out));
    return true;
}

static bool S_show_first(struct verb_call *call, struct pg *pg, const struct log_order *order,
                         json_t *all, int64_t *last, struct err *err)
{
    int rows;
    if (order->lines < 0)
        return S_show_rest(call, pg, order, all, last, err);
    return S_show_page(call, pg, order, "journal_events", order->lines, all, last, &rows, err);
}

/* The narrowed page may be empty while the log goes on: from where, the whole log says. */
static bool S_find_end(struct pg *pg, int64_t *last, struct err *err)
{
    const struct log_order all = {0};
    struct pg_result *newest;
    if (*last)
        return true;
    if (!S_page(pg, &all, "journal_events", 0, 1, &newest, err))
        return false;
    if (pg_rows(newest))
        *last = pg_int(newest, 0, pg_col(newest, "id"));
    pg_result_free(newest);
    return true;
}

bool log_wait(struct verb_call *call)
{
    int64_t until = clock_ms() + WAIT_MS;
    fflush(call->out);
    for (int64_t left = WAIT_MS; left > 0 && !ferror(call->out); left = until - clock_ms())
        loop_turn(call->loop, (int)left);
    return !ferror(call->out);
}

static bool S_follow(struct verb_call *call, struct pg *pg, const struct log_order *order,
                     int64_t last, struct err *err)
{
    if (!S_find_end(pg, &last, err))
        return false;
    while (log_wait(call))
        if (!S_show_rest(call, pg, order, NULL, &last, err))
            return false;
    return true;
}

/* ---- the journal ---- */

/* Whoever follows may have come before the first run. */
static bool S_await_journal(struct verb_call *call, struct pg *pg, const struct log_order *order,
                            bool *there, struct err *err)
{
    struct journal_state journal;
    bool told = false;
    for (;;) {
        if (!journal_look(pg, &journal, err))
            return false;
        *there = journal.exists;
        if (journal.exists && !journal.may_read)
            return err_set(err, ERR_REFUSED, "this role may not read the journal");
        if (journal.exists || !order->follow) {
            if (!journal.exists && !call->json)
                fprintf(call->out, "there is no journal: nothing has been run here\n");
            return true;
        }
        if (!told && !call->json)
            fprintf(call->out, "there is no journal yet; it is waited for\n");
        told = true;
        if (!log_wait(call))
            return true;
    }
}

static bool S_of_journal(struct verb_call *call, const struct log_order *order, struct err *err)
{
    struct pg *pg;
    bool there = false;
    int64_t last = 0;
    if (!verb_connect(call, &pg, err))
        return false;
    json_t *all = call->json && !order->follow ? json_array() : NULL;
    bool ok = S_await_journal(call, pg, order, &there, err);
    if (ok && there)
        ok = S_show_first(call, pg, order, all, &last, err);
    if (ok && there && order->follow)
        ok = S_follow(call, pg, order, last, err);
    if (ok && all)
        verb_answer(call, json_pack("{s:O}", "events", all));
    json_decref(all);
    pg_free(pg);
    return ok;
}

bool verb_log(struct verb_call *call, struct err *err)
{
    struct log_order order;
    if (!S_read_order(call, &order, err))
        return false;
    if (call->arg_count)
        return log_of_file(call, &order, call->args[0], err);
    if (call->session->has_database)
        return S_of_journal(call, &order, err);
    err_set(err, ERR_USAGE, "the log is in a database's journal, and no database is named");
    return err_hint(err, "say -d with a URL, key=value words or a database's name; or name a file");
}
