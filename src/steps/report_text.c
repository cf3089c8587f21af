/*
 * report_text: the document of a report in words, in CSV and in JSON. Pure: asks nobody, and every
 * foreign byte is cleaned on its way out.
 */
#include "report.h"

#include "clock.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

static const char *S_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static bool S_has(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return value && !json_is_null(value);
}

static void S_clean(struct buf *out, const char *text)
{
    text_clean(out, text, strlen(text));
}

static void S_count(struct buf *out, const json_t *object, const char *name)
{
    if (S_has(object, name))
        text_count(out, json_integer_value(json_object_get(object, name)));
    else
        buf_add(out, "-");
}

static void S_span(struct buf *out, const json_t *object)
{
    char span[16] = "-";
    if (S_has(object, "ms"))
        clock_format_span(json_integer_value(json_object_get(object, "ms")), span);
    buf_add(out, span);
}

/* ---- words ---- */

static void S_line(struct buf *out, const char *name, const char *value)
{
    if (!*value)
        return;
    buf_format(out, "%-12s ", name);
    S_clean(out, value);
    buf_add_char(out, '\n');
}

static void S_head(struct buf *out, const json_t *document)
{
    const json_t *run = json_object_get(document, "run");
    const json_t *plan = json_object_get(document, "plan");
    const json_t *database = json_object_get(document, "database");
    buf_format(out, "Run %lld of plan ", (long long)json_integer_value(json_object_get(run, "id")));
    S_clean(out, S_text(plan, "name"));
    buf_add(out, "\n\n");
    S_line(out, "Plan", S_text(plan, "title"));
    S_line(out, "Hash", S_text(plan, "hash"));
    S_line(out, "Database", S_text(database, "name"));
    S_line(out, "Server", S_text(database, "server"));
    S_line(out, "Verb", S_text(run, "verb"));
    S_line(out, "Mode", S_text(run, "mode"));
    S_line(out, "State", S_text(run, "state"));
    S_line(out, "Who", S_text(run, "who"));
    S_line(out, "From", S_text(run, "ssh_client"));
    S_line(out, "Role", S_text(run, "role"));
    S_line(out, "Program", S_text(run, "program"));
    S_line(out, "Begun", S_text(run, "started_at"));
    S_line(out, "Ended", S_text(run, "ended_at"));
    buf_format(out, "%-12s ", "Took");
    S_span(out, run);
    buf_add_char(out, '\n');
    S_line(out, "Trouble", S_text(run, "trouble"));
    S_line(out, "Log", S_text(run, "log_file"));
    S_line(out, "Written", S_text(database, "written_at"));
}

static void S_column(struct buf *out, struct buf *cell, size_t width, enum text_align align)
{
    struct buf clean = {0};
    S_clean(&clean, buf_text(cell));
    if (text_width(buf_text(&clean)) < width)
        text_pad(out, buf_text(&clean), width, align, false);
    else
        buf_add(out, buf_text(&clean)); /* a report cuts nothing off */
    buf_add_char(out, ' ');
    buf_clear(cell);
    buf_release(&clean);
}

static void S_step(struct buf *out, const json_t *step)
{
    struct buf cell = {0};
    buf_format(&cell, "%lld", (long long)json_integer_value(json_object_get(step, "ordinal")));
    S_column(out, &cell, 3, TEXT_RIGHT);
    buf_add(&cell, S_text(step, "name"));
    S_column(out, &cell, 14, TEXT_LEFT);
    buf_add(&cell, S_text(step, "state"));
    S_column(out, &cell, 8, TEXT_LEFT);
    S_count(&cell, step, "done");
    S_column(out, &cell, 14, TEXT_RIGHT);
    if (S_has(step, "rate"))
        buf_format(&cell, "%.0f/s", json_number_value(json_object_get(step, "rate")));
    S_column(out, &cell, 11, TEXT_RIGHT);
    S_span(&cell, step);
    S_column(out, &cell, 8, TEXT_RIGHT);
    buf_add(&cell, S_text(step, "started_at"));
    S_column(out, &cell, 20, TEXT_LEFT);
    buf_add_char(out, '\n');
    if (S_has(step, "trouble")) {
        buf_add(out, "      ");
        S_clean(out, S_text(step, "trouble"));
        if (S_has(step, "sqlstate")) {
            buf_add(out, " (SQLSTATE ");
            S_clean(out, S_text(step, "sqlstate"));
            buf_add_char(out, ')');
        }
        buf_add_char(out, '\n');
    }
    buf_release(&cell);
}

static void S_steps(struct buf *out, const json_t *document)
{
    size_t i;
    json_t *step;
    buf_format(out, "\nSteps\n\n%3s %-14s %-8s %14s %11s %8s %s\n", "", "STEP", "STATE", "DONE",
               "RATE", "TIME", "BEGUN");
    json_array_foreach(json_object_get(document, "steps"), i, step) S_step(out, step);
}

static void S_samples(struct buf *out, const json_t *finding)
{
    size_t i;
    json_t *sample;
    json_array_foreach(json_object_get(finding, "samples"), i, sample)
    {
        char *text = json_is_string(sample)
                         ? str_dup(json_string_value(sample))
                         : json_dumps(sample, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        buf_add(out, "        ");
        S_clean(out, text ? text : "?");
        buf_add_char(out, '\n');
        free(text);
    }
}

static void S_finding(struct buf *out, const json_t *finding)
{
    buf_format(out, "%-8s", S_text(finding, "verdict"));
    S_clean(out, S_text(finding, "group"));
    buf_add(out, ", ");
    S_clean(out, S_text(finding, "subject"));
    buf_add(out, ": ");
    S_clean(out, S_text(finding, "message"));
    if (S_has(finding, "count")) {
        buf_add(out, " (");
        S_count(out, finding, "count");
        buf_add_char(out, ')');
    }
    buf_add_char(out, '\n');
    S_samples(out, finding);
    if (S_has(finding, "fix") && !str_is(S_text(finding, "verdict"), "pass")) {
        buf_add(out, "        fix: ");
        S_clean(out, S_text(finding, "fix"));
        buf_add_char(out, '\n');
    }
}

/* What is wrong comes first; that something was looked at and is right is told as well. */
static void S_findings(struct buf *out, const json_t *document)
{
    static const char *const order[] = {"fail", "unknown", "warn", "pass"};
    const json_t *verdicts = json_object_get(document, "verdicts");
    size_t i;
    json_t *finding;
    buf_add(out, "\nFindings: ");
    for (size_t v = 0; v < ARRAY_LEN(order); v++) {
        buf_format(out, "%s%s ", v ? ", " : "", order[v]);
        S_count(out, verdicts, order[v]);
    }
    buf_add(out, "\n\n");
    for (size_t v = 0; v < ARRAY_LEN(order); v++)
        json_array_foreach(json_object_get(document, "findings"), i,
                           finding) if (str_is(S_text(finding, "verdict"), order[v]))
            S_finding(out, finding);
}

static void S_troubles(struct buf *out, const json_t *document)
{
    const json_t *troubles = json_object_get(document, "troubles");
    struct buf cell = {0};
    size_t i;
    json_t *event;
    buf_add(out, "\nErrors and retries: ");
    S_count(out, troubles, "errors");
    buf_add(out, " errors, ");
    S_count(out, troubles, "warnings");
    buf_add(out, " warnings\n\n");
    json_array_foreach(json_object_get(troubles, "newest"), i, event)
    {
        buf_add(&cell, S_text(event, "at"));
        S_column(out, &cell, 0, TEXT_LEFT);
        buf_add(&cell, S_text(event, "severity"));
        S_column(out, &cell, 5, TEXT_LEFT);
        S_clean(out, S_text(event, "step"));
        buf_add(out, S_has(event, "step") ? ": " : "");
        S_clean(out, S_text(event, "text"));
        buf_add_char(out, '\n');
    }
    buf_release(&cell);
}

static void S_undo(struct buf *out, const json_t *document)
{
    struct buf cell = {0};
    size_t i;
    json_t *step;
    buf_add(out, "\nUndo records\n\n");
    if (!json_array_size(json_object_get(document, "undo")))
        buf_add(out, "none: this run changed nothing that it could take back\n");
    json_array_foreach(json_object_get(document, "undo"), i, step)
    {
        buf_add(&cell, S_text(step, "step"));
        S_column(out, &cell, 14, TEXT_LEFT);
        S_count(out, step, "kept");
        buf_add(out, " kept, ");
        S_count(out, step, "undone");
        buf_add(out, " undone, ");
        S_count(out, step, "dropped");
        buf_add(out, " given up\n");
    }
    buf_release(&cell);
}

static void S_commands(struct buf *out, const json_t *document)
{
    size_t i;
    json_t *command;
    if (json_array_size(json_object_get(document, "commands")))
        buf_add(out, "\nCommands of others\n\n");
    json_array_foreach(json_object_get(document, "commands"), i, command)
    {
        S_clean(out, S_text(command, "command"));
        if (S_has(command, "signal"))
            buf_format(out, ": signal %lld\n",
                       (long long)json_integer_value(json_object_get(command, "signal")));
        else if (S_has(command, "exit_code"))
            buf_format(out, ": exit %lld\n",
                       (long long)json_integer_value(json_object_get(command, "exit_code")));
        else
            buf_add(out, ": its end was not seen\n");
    }
}

static void S_left_to_do(struct buf *out, const json_t *document)
{
    size_t i;
    json_t *what;
    buf_add(out, "\nStill to do\n\n");
    if (!json_array_size(json_object_get(document, "left_to_do")))
        buf_add(out, "nothing\n");
    json_array_foreach(json_object_get(document, "left_to_do"), i, what)
    {
        buf_add(out, "- ");
        S_clean(out, json_string_value(what));
        buf_add_char(out, '\n');
    }
}

void report_text(struct buf *out, const json_t *document)
{
    S_head(out, document);
    S_steps(out, document);
    S_findings(out, document);
    S_troubles(out, document);
    S_undo(out, document);
    S_commands(out, document);
    S_left_to_do(out, document);
}

/* ---- CSV ---- */

static void S_csv_value(struct buf *out, const json_t *value)
{
    if (json_is_null(value))
        return;
    if (json_is_string(value)) {
        text_csv(out, json_string_value(value));
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    if (json_is_number(value))
        buf_add(out, text);
    else
        text_csv(out, text);
    free(text);
}

static void S_csv_line(struct buf *out, const char *section, size_t number, const char *name,
                       const json_t *value)
{
    text_csv(out, section);
    buf_format(out, ",%zu,", number);
    text_csv(out, name);
    buf_add_char(out, ',');
    S_csv_value(out, value);
    buf_add(out, "\r\n");
}

static void S_csv_section(struct buf *out, const char *section, size_t number, const json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;
    if (!value)
        return;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, name, member)
        {
            if (json_is_array(member) && !str_is(name, "samples"))
                S_csv_section(out, section, number, member);
            else
                S_csv_line(out, section, number, name, member);
        }
    } else if (json_is_array(value)) {
        json_array_foreach((json_t *)value, i, member) S_csv_section(out, section, i + 1, member);
    } else {
        S_csv_line(out, section, number, "text", value);
    }
}

void report_csv(struct buf *out, const json_t *document)
{
    static const char *const sections[] = {"run",      "plan",      "database", "steps",
                                           "findings", "verdicts",  "troubles", "undo",
                                           "commands", "left_to_do"};
    buf_add(out, "\"section\",\"number\",\"name\",\"value\"\r\n");
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        S_csv_section(out, sections[i], 1, json_object_get(document, sections[i]));
}

void report_json(struct buf *out, const json_t *document)
{
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    buf_format(out, "%s\n", text);
    free(text);
}
