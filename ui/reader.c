/* reader: see reader.h. */
#include "reader.h"

#include "advice.h"
#include "frame.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST = 2 * 1024 * 1024, LINE_MOST = 64 * 1024, WIDEST = LINE_MOST };

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
    char *whole = str_ndup(reader->pending.text, length);
    char *here = reader->verbatim ? str_dup(whole) : advice_here(whole);
    text_clean_lines(&reader->text, here, strlen(here));
    free(here);
    free(whole);
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

/* The line that begins where the top line began, or has that place in it, when lines change. */
static void S_find_top_again(struct reader *reader, const char *start)
{
    size_t line = 0;
    while (line + 1 < reader->lines.count && reader->lines.lines[line + 1].start <= start)
        line++;
    reader->top = line;
}

void reader_cut_lines(struct reader *reader, bool cut)
{
    reader->cut_lines = cut;
    reader->shift = 0;
    reader->width = reader->width ? -1 : 0;
}

void reader_scroll(struct reader *reader, int columns)
{
    if (columns > 0 && !reader->cut_lines)
        reader_cut_lines(reader, true);
    reader->shift += columns;
    if (reader->shift < 0)
        reader->shift = 0;
}

/* The lines are borrowed from the text, which is elsewhere once something was added to it. */
static void S_wrap_again(struct reader *reader)
{
    int width = reader->cut_lines ? WIDEST : reader->inside;
    if (reader->width == width || !reader->inside)
        return;
    bool moved = reader->top < reader->lines.count && reader->width;
    const char *start = moved ? reader->lines.lines[reader->top].start : NULL;
    wrap_text(&reader->lines, buf_text(&reader->text), width);
    reader->width = width;
    if (moved)
        S_find_top_again(reader, start);
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
    S_wrap_again(reader);
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

/* No further than the end of the longest line that is on the screen. */
static void S_limit_shift(struct reader *reader, int width)
{
    int widest = 0;
    for (size_t i = 0; i < reader->page && reader->top + i < reader->lines.count; i++) {
        int here = wrap_width(&reader->lines, reader->top + i);
        widest = here > widest ? here : widest;
    }
    int most = widest > width ? widest - width : 0;
    reader->shift = reader->shift < most ? reader->shift : most;
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

/* What goes on beyond an edge has a mark there. */
static void S_draw_line(const struct reader *reader, size_t line, struct box box,
                        struct style style)
{
    int width = wrap_width(&reader->lines, line);
    struct style mark = {.mood = MOOD_ACTIVE, .bold = true};
    wrap_put(&reader->lines, line, box.y, box.x, box.width, reader->shift, style);
    if (width > reader->shift + box.width)
        screen_put(box.y, box.x + box.width, 1, screen_is_ascii() ? ">" : "›", mark);
    if (reader->shift && width)
        screen_put(box.y, box.x - 1, 1, screen_is_ascii() ? "<" : "‹", mark);
}

void reader_draw(struct reader *reader, struct box box, enum layout_frame frame)
{
    struct box inside = layout_inside(box, frame);
    reader->inside = inside.width > 2 ? inside.width - 2 : 1;
    S_wrap_again(reader);
    reader->page = inside.height > 0 ? (size_t)inside.height : 1;
    size_t last = S_last_top(reader);
    if (reader->follows || reader->top > last)
        reader->top = last;
    S_limit_shift(reader, inside.width - 2);
    S_draw_frame(reader, box, frame);
    for (size_t i = 0; i < reader->page && reader->top + i < reader->lines.count; i++) {
        bool found = reader->wanted && S_line_has(reader, reader->top + i, reader->wanted);
        S_draw_line(reader, reader->top + i,
                    (struct box){inside.y + (int)i, inside.x + 1, 1, inside.width - 2},
                    (struct style){.bold = found, .mood = found ? MOOD_ACTIVE : MOOD_PLAIN});
    }
}
