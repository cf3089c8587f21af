/* detail: see detail.h. */
#include "detail.h"

#include "clock.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_WIDTH = 19, ITEM_WIDTH = 30, FIGURE_WIDTH = 13 };

static void S_add_label(struct buf *out, const char *label)
{
    buf_format(out, "%-*s", LABEL_WIDTH, label);
}

static void S_add_one_line(struct buf *out, const char *raw)
{
    for (; *raw; raw++)
        buf_add_char(out, *raw == '\n' || *raw == '\r' ? ' ' : *raw);
}

void detail_text(struct buf *out, const char *label, const char *value)
{
    if (!value || !*value)
        return;
    S_add_label(out, label);
    S_add_one_line(out, value);
    buf_add_char(out, '\n');
}

void detail_number(struct buf *out, const char *label, int64_t number)
{
    S_add_label(out, label);
    if (number < 0)
        buf_add(out, "not known");
    else
        text_count(out, number);
    buf_add_char(out, '\n');
}

void detail_bytes(struct buf *out, const char *label, int64_t bytes)
{
    S_add_label(out, label);
    if (bytes < 0)
        buf_add(out, "not known");
    else
        text_bytes(out, bytes);
    buf_add_char(out, '\n');
}

void detail_seconds(struct buf *out, const char *label, int64_t seconds)
{
    const struct cell cell = {.kind = CELL_SECONDS, .number = seconds};
    S_add_label(out, label);
    cell_text(out, &cell, 0, true, 0);
    buf_add_char(out, '\n');
}

void detail_percent(struct buf *out, const char *label, double percent, bool exact, const char *of)
{
    S_add_label(out, label);
    if (percent < 0)
        buf_add(out, "not known");
    else {
        buf_add(out, exact ? "" : "~");
        percent_text(out, percent);
        buf_format(out, " %% of %s", of);
    }
    buf_add_char(out, '\n');
}

void detail_count(struct buf *out, const char *label, const struct count_view *count, int64_t now)
{
    char age[16];
    clock_format_span(now - count->at, age);
    S_add_label(out, label);
    if (count->value < 0)
        buf_add(out, "not counted yet");
    else {
        if (!count->exact)
            buf_add_char(out, '~');
        text_count(out, count->value);
        buf_add(out, count->exact ? ", counted exactly" : ", an estimate");
        if (count->at > 0)
            buf_format(out, count->exact ? " %s ago" : ", %s old", age);
    }
    buf_add_char(out, '\n');
}

void detail_moment(struct buf *out, const char *label, int64_t at, int64_t now)
{
    char time[9], age[16];
    if (at <= 0)
        return;
    clock_format_time(at, time);
    clock_format_span(now - at, age);
    S_add_label(out, label);
    buf_format(out, "%s, %s ago\n", time, age);
}

void detail_lines(struct buf *out, const char *text)
{
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        buf_add(out, "  ");
        buf_add_mem(out, text, len);
        buf_add_char(out, '\n');
        text += len + (text[len] == '\n');
    }
}

void detail_say(struct buf *out, const char *sentence)
{
    buf_format(out, "\n%s\n", sentence);
}

void detail_name(struct buf *out, const char *name)
{
    buf_add(out, "  ");
    S_add_one_line(out, name);
    buf_add_char(out, '\n');
}

void detail_item_with(struct buf *out, const char *name, int64_t number, const char *remark)
{
    /* The name is raw: its width is that of its clean form. */
    char *clean = text_cleaned(name);
    int name_width = (int)text_width(clean);
    struct buf figure = {0};
    if (number < 0)
        buf_add(&figure, "?");
    else
        text_count(&figure, number);
    buf_add(out, "  ");
    S_add_one_line(out, name);
    buf_format(out, "%*s %*s%s%s\n", name_width < ITEM_WIDTH ? ITEM_WIDTH - name_width : 0, "",
               FIGURE_WIDTH, buf_text(&figure), *remark ? "  " : "", remark);
    free(clean);
    buf_release(&figure);
}

void detail_item(struct buf *out, const char *name, int64_t number)
{
    detail_item_with(out, name, number, "");
}
