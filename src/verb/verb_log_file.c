/* verb_log_file: the end of a file, a server's log for one, and what is written to it. */
#include "verb_log.h"

#include "tail.h"

#include <stdlib.h>
#include <string.h>

struct printer {
    struct verb_call *call;
    const struct log_order *order;
    enum severity severity; /* of the line before, which goes on in one that names none */
    json_t *all;            /* NULL: one object a line */
};

static bool S_is_wanted(const struct printer *printer, const char *line)
{
    const struct log_order *order = printer->order;
    return printer->severity >= order->least && (!order->table || strstr(line, order->table)) &&
           (!order->grep || strcasestr(line, order->grep));
}

static void S_print(struct printer *printer, const char *line, size_t length)
{
    FILE *out = printer->call->out;
    if (printer->call->json) {
        json_t *object = json_pack("{s:s, s:o}", "severity", severity_name(printer->severity),
                                   "text", verb_json_text(line));
        if (printer->all) {
            json_array_append_new(printer->all, object);
            return;
        }
        json_dumpf(object, out, JSON_COMPACT | JSON_ENSURE_ASCII);
        fputc('\n', out);
        json_decref(object);
        return;
    }
    struct buf clean = {0};
    text_clean(&clean, line, length);
    fprintf(out, "%s\n", buf_text(&clean));
    buf_release(&clean);
}

static void S_take(struct printer *printer, const char *raw, size_t length)
{
    char *line = str_ndup(raw, length);
    logline_severity(raw, length, &printer->severity);
    if (S_is_wanted(printer, line))
        S_print(printer, raw, length);
    free(line);
}

static void S_take_lines(struct printer *printer, struct tail *tail)
{
    const char *line;
    size_t length;
    while (!ferror(printer->call->out) && tail_line(tail, &line, &length))
        S_take(printer, line, length);
}

static void S_tell_news(const struct printer *printer, enum tail_news news)
{
    static const char *const said[] = {
        [TAIL_CUT] = "-- the file was cut; it goes on from its beginning --",
        [TAIL_ROTATED] = "-- the file was rotated; the new one goes on --",
        [TAIL_GONE] = "-- the file is gone; one of its name is waited for --",
    };
    if (news != TAIL_SAME && !printer->call->json)
        fprintf(printer->call->out, "%s\n", said[news]);
}

static void S_follow(struct printer *printer, struct tail *tail)
{
    const char *line;
    size_t length;
    do {
        enum tail_news news = tail_look(tail);
        /* The line that the old file ended with will not be ended any more. */
        if ((news == TAIL_ROTATED || news == TAIL_CUT) && tail_rest(tail, &line, &length))
            S_take(printer, line, length);
        S_tell_news(printer, news);
        S_take_lines(printer, tail);
    } while (log_wait(printer->call));
}

bool log_of_file(struct verb_call *call, const struct log_order *order, const char *path,
                 struct err *err)
{
    struct tail *tail;
    const char *line;
    size_t length;
    struct printer printer = {.call = call, .order = order, .severity = SEVERITY_INFO};
    if (order->step || order->run)
        return err_set(err, ERR_USAGE, "a file knows of no step and no run: leave out '--%s'",
                       order->step ? "step" : "run");
    if (!tail_open(path, order->lines, &tail, err))
        return false;
    printer.all = call->json && !order->follow ? json_array() : NULL;
    S_take_lines(&printer, tail);
    if (order->follow)
        S_follow(&printer, tail);
    else if (tail_rest(tail, &line, &length))
        S_take(&printer, line, length);
    if (printer.all)
        verb_answer(call, json_pack("{s:O}", "lines", printer.all));
    json_decref(printer.all);
    tail_free(tail);
    return true;
}
