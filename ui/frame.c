/* frame: see frame.h. */
#include "frame.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct lines { /* what a border is made of */
    const char *across, *down, *top_left, *top_right, *bottom_left, *bottom_right;
};

static const struct lines *S_find_lines(void)
{
    static const struct lines ascii = {"-", "|", "+", "+", "+", "+"};
    static const struct lines thin = {"─", "│", "┌", "┐", "└", "┘"};
    return screen_is_ascii() ? &ascii : &thin;
}

static struct style S_border_style(bool focused)
{
    return (struct style){.mood = focused ? MOOD_ACTIVE : MOOD_DIM, .bold = focused};
}

static void S_draw_across(int y, int x, int width, struct style style)
{
    const struct lines *lines = S_find_lines();
    struct buf text = {0};
    for (int i = 0; i < width; i++)
        buf_add(&text, lines->across);
    screen_put(y, x, width, buf_text(&text), style);
    buf_release(&text);
}

static void S_draw_border(struct box box, struct style style)
{
    const struct lines *lines = S_find_lines();
    int right = box.x + box.width - 1, bottom = box.y + box.height - 1;
    S_draw_across(bottom, box.x, box.width, style);
    for (int y = box.y + 1; y < bottom; y++) {
        screen_put(y, box.x, 1, lines->down, style);
        screen_put(y, right, 1, lines->down, style);
    }
    screen_put(box.y, box.x, 1, lines->top_left, style);
    screen_put(box.y, right, 1, lines->top_right, style);
    screen_put(bottom, box.x, 1, lines->bottom_left, style);
    screen_put(bottom, right, 1, lines->bottom_right, style);
}

/* " text " from `x` on, at most up to `end`; says where it ended. */
static int S_put_label(int y, int x, int end, const char *text, struct style style)
{
    if (!*text || end - x < 4)
        return x;
    struct buf label = {0};
    buf_add_char(&label, ' ');
    size_t room = (size_t)(end - x - 2), wide = text_width(text);
    text_pad(&label, text, wide < room ? wide : room, TEXT_LEFT, screen_is_ascii());
    buf_add_char(&label, ' ');
    x += screen_put(y, x, end - x, buf_text(&label), style);
    buf_release(&label);
    return x;
}

/* The same, ending at `end`; says where it began, which is `end` when there was no room for it. */
static int S_put_label_right(int y, int start, int end, const char *text, struct style style)
{
    int x = end - (int)text_width(text) - 2;
    if (!*text || x < start)
        return end;
    S_put_label(y, x, end, text, style);
    return x;
}

/*
 * Cut figures would be wrong figures: they drop part by part, from the right. A part that begins
 * with a letter is a sentence, and may lose its end.
 */
static char *S_fit_figures(const char *figures, int room)
{
    char *text = str_dup(figures), *cut;
    while ((int)text_width(text) > room && (cut = strstr(text, ", "))) {
        for (char *comma = cut; (comma = strstr(comma, ", ")); comma++)
            cut = comma;
        *cut = '\0';
    }
    if ((int)text_width(text) <= room)
        return text;
    struct buf fitted = {0};
    if (isalpha((unsigned char)*text) && room > 0)
        text_pad(&fitted, text, (size_t)room, TEXT_LEFT, screen_is_ascii());
    free(text);
    return buf_take(&fitted);
}

static void S_draw_top(struct box box, int inset, bool focused, const char *right,
                       const struct frame_texts *texts)
{
    int start = box.x + inset, end = box.x + box.width - inset;
    end = S_put_label_right(box.y, start + (int)text_width(texts->title) + 3, end, right,
                            (struct style){.dim = !focused});
    start = S_put_label(box.y, start, end, texts->title,
                        (struct style){.mood = focused ? MOOD_ACTIVE : MOOD_PLAIN, .bold = true});
    start = S_put_label(box.y, start, end, texts->remark,
                        (struct style){.mood = texts->remark_mood, .bold = true});
    char *figures = S_fit_figures(texts->figures, end - start - 3);
    S_put_label_right(box.y, start + 1, end, figures, (struct style){.dim = !focused});
    free(figures);
}

void frame_draw(struct box box, enum layout_frame frame, bool focused,
                const struct frame_texts *texts)
{
    struct style style = S_border_style(focused);
    S_draw_across(box.y, box.x, box.width, style);
    if (frame == FRAME_TOP) {
        S_draw_top(box, 0, focused, texts->position, texts);
        return;
    }
    S_draw_border(box, style);
    S_draw_top(box, 1, focused, "", texts);
    int bottom = box.y + box.height - 1, end = box.x + box.width - 1;
    end =
        S_put_label_right(bottom, box.x + 1, end, texts->position, (struct style){.dim = !focused});
    S_put_label(bottom, box.x + 1, end, texts->footer, (struct style){.dim = true});
}
