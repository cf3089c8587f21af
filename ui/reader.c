/* reader: see reader.h. */
#include "reader.h"

#include "frame.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST = 2 * 1024 * 1024, LINE_MOST = 64 * 1024 };

void reader_open(struct reader *reader, const char *title)
{
    reader_close(reader);
    reader->open = true;
    reader->title = text_cleaned(title);
    reader->remark = str_dup("");
}

void reader_close(struct reader *reader)
{
    free(reader->title);
    free(reader->remark);
    free(reader->wanted);
    buf_release(&reader->text);
    buf_release(&reader->pending);
    wrap_release(&reader->lines);
    *reader = (struct reader){0};
}

/* ---- text in ---- */

/* The older half goes, up to the end of a line, so that this is seldom done. */
static void S_drop_beginning(struct reader *reader)
{
    if (reader->text.len <= TEXT_MOST)
        return;
    size_t drop = reader->text.len / 2;
    drop += strcspn(reader->text.text + drop, "\n");
    drop += drop < reader->text.len;
    memmove(reader->text.text, reader->text.text + drop, reader->text.len - drop + 1);
    reader->text.len -= drop;
    reader->cut = true;
}

static void S_take_pending(struct reader *reader, size_t length)
{
    text_clean_lines(&reader->text, reader->pending.text, length);
    memmove(reader->pending.text, reader->pending.text + length, reader->pending.len - length + 1);
    reader->pending.len -= length;
    S_drop_beginning(reader);
    reader->width = 0;
}

void reader_add(struct reader *reader, const char *raw, size_t length)
{
    /* Whole lines only: a character must not be cleaned in two halves. */
    buf_add_mem(&reader->pending, raw, length);
    const char *last = memrchr(reader->pending.text, '\n', reader->pending.len);
    if (last)
        S_take_pending(reader, (size_t)(last - reader->pending.text) + 1);
    else if (reader->pending.len > LINE_MOST)
        S_take_pending(reader, reader->pending.len);
}

void reader_end(struct reader *reader)
{
    if (reader->pending.len)
        S_take_pending(reader, reader->pending.len);
}

void reader_remark(struct reader *reader, enum mood mood, const char *remark)
{
    free(reader->remark);
    reader->remark = text_cleaned(remark);
    reader->remark_mood = mood;
}

/* ---- moving ---- */

static size_t S_last_top(const struct reader *reader)
{
    return reader->lines.count > reader->page ? reader->lines.count - reader->page : 0;
}

void reader_move_to(struct reader *reader, size_t line)
{
    size_t last = S_last_top(reader);
    reader->top = line < last ? line : last;
    reader->follows = line >= last && line > 0;
}

void reader_move(struct reader *reader, long lines)
{
    long line = (long)reader->top + lines;
    reader_move_to(reader, line > 0 ? (size_t)line : 0);
}

static bool S_line_has(const struct reader *reader, size_t line, const char *wanted)
{
    const struct wrapped_line *at = &reader->lines.lines[line];
    char *text = str_ndup(at->start, at->length);
    bool has = strcasestr(text, wanted) != NULL;
    free(text);
    return has;
}

bool reader_search(struct reader *reader, const char *wanted, bool backwards, bool *wrapped)
{
    size_t count = reader->lines.count;
    char *copy = str_dup(wanted);
    free(reader->wanted);
    reader->wanted = copy;
    for (size_t step = 1; step <= count; step++) {
        size_t at = (backwards ? reader->top + count - step : reader->top + step) % count;
        if (!S_line_has(reader, at, copy))
            continue;
        *wrapped = backwards ? at > reader->top : at <= reader->top;
        reader_move_to(reader, at);
        return true;
    }
    return false;
}

/* ---- drawing ---- */

static void S_wrap_again(struct reader *reader, int width)
{
    if (reader->width == width)
        return;
    wrap_text(&reader->lines, buf_text(&reader->text), width);
    reader->width = width;
}

static void S_draw_frame(const struct reader *reader, struct box box, enum layout_frame frame)
{
    size_t end = reader->top + reader->page;
    char *position =
        str_format("%zu-%zu/%zu", reader->lines.count ? reader->top + 1 : 0,
                   end < reader->lines.count ? end : reader->lines.count, reader->lines.count);
    const struct frame_texts texts = {.title = reader->title,
                                      .remark = reader->remark,
                                      .remark_mood = reader->remark_mood,
                                      .figures = "",
                                      .position = position,
                                      .footer = reader->cut ? "the beginning was dropped" : ""};
    frame_draw(box, frame, true, &texts);
    free(position);
}

void reader_draw(struct reader *reader, struct box box, enum layout_frame frame)
{
    struct box inside = layout_inside(box, frame);
    S_wrap_again(reader, inside.width - 2);
    reader->page = inside.height > 0 ? (size_t)inside.height : 1;
    size_t last = S_last_top(reader);
    if (reader->follows || reader->top > last)
        reader->top = last;
    S_draw_frame(reader, box, frame);
    for (size_t i = 0; i < reader->page && reader->top + i < reader->lines.count; i++) {
        bool found = reader->wanted && S_line_has(reader, reader->top + i, reader->wanted);
        wrap_put(&reader->lines, reader->top + i, inside.y + (int)i, inside.x + 1, inside.width - 2,
                 (struct style){.bold = found, .mood = found ? MOOD_ACTIVE : MOOD_PLAIN});
    }
}
