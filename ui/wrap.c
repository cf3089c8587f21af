/* wrap: see wrap.h. */
#include "wrap.h"

#include <stdlib.h>
#include <string.h>

static void S_add_line(struct wrapped *wrapped, const char *start, size_t length, int indent)
{
    wrapped->lines =
        mem_room(wrapped->lines, wrapped->count, &wrapped->cap, sizeof(*wrapped->lines));
    wrapped->lines[wrapped->count++] = (struct wrapped_line){start, length, indent};
}

/* How many bytes of `text` go into this line: up to the last blank that fits, else what fits. */
static size_t S_find_break(const char *text, size_t length, int width)
{
    size_t fits = text_fit(text, (size_t)width);
    if (fits >= length)
        return length;
    size_t at = fits;
    while (at > 0 && text[at] != ' ')
        at--;
    /* A word that is longer than half a line is cut, for a table's row would lose its shape. */
    if (at > fits / 2)
        return at;
    return fits ? fits : 1;
}

/* Under its first word; of an indented line with a label and a gap, under what follows the gap. */
static int S_find_hang(const char *text, size_t length, int width)
{
    enum { LABEL_MOST = 24 };
    int hang = (int)strspn(text, " "), at = hang;
    if (hang > width / 2 || (size_t)hang >= length)
        return 0;
    while (hang && at < LABEL_MOST && (size_t)at + 2 < length && strncmp(text + at, "  ", 2) != 0 &&
           !(text[at] & 0x80))
        at++;
    at += strncmp(text + at, "  ", 2) == 0 ? (int)strspn(text + at, " ") : -at;
    return at > hang && at <= width / 2 && (size_t)at < length ? at : hang;
}

static void S_wrap_line(struct wrapped *wrapped, const char *text, size_t length, int width)
{
    int hang = S_find_hang(text, length, width), indent = 0;
    do {
        size_t taken = S_find_break(text, length, width - indent);
        S_add_line(wrapped, text, taken, indent);
        text += taken;
        length -= taken;
        for (; length && *text == ' '; length--)
            text++;
        indent = hang;
    } while (length);
}

void wrap_text(struct wrapped *wrapped, const char *text, int width)
{
    wrapped->count = 0;
    if (width < 1)
        width = 1;
    while (*text) {
        size_t length = strcspn(text, "\n");
        S_wrap_line(wrapped, text, length, width);
        text += length;
        text += *text == '\n';
    }
}

void wrap_release(struct wrapped *wrapped)
{
    free(wrapped->lines);
    *wrapped = (struct wrapped){0};
}

int wrap_width(const struct wrapped *wrapped, size_t line)
{
    const struct wrapped_line *at = &wrapped->lines[line];
    char *text = str_ndup(at->start, at->length);
    int width = at->indent + (int)text_width(text);
    free(text);
    return width;
}

void wrap_put(const struct wrapped *wrapped, size_t line, int y, int x, int width, int skip,
              struct style style)
{
    const struct wrapped_line *at = &wrapped->lines[line];
    char *text = str_ndup(at->start, at->length);
    int indent = at->indent > skip ? at->indent - skip : 0;
    skip = indent ? 0 : skip - at->indent;
    screen_put_rest(y, x + indent, width - indent, skip, text, style);
    free(text);
}

int wrap_height(const char *sentence, int width, int most)
{
    struct wrapped wrapped = {0};
    wrap_text(&wrapped, sentence, width);
    int height = wrapped.count < (size_t)most ? (int)wrapped.count : most;
    wrap_release(&wrapped);
    return height;
}

void wrap_sentence(const char *sentence, enum mood mood, int most, int end)
{
    int cols = screen_cols(), height = wrap_height(sentence, cols, most);
    struct wrapped wrapped = {0};
    struct buf blank = {0};
    wrap_text(&wrapped, sentence, cols);
    text_pad(&blank, "", (size_t)cols, TEXT_LEFT, screen_is_ascii());
    for (int i = 0; i < height; i++) {
        screen_put(end - height + i, 0, cols, buf_text(&blank), (struct style){0});
        wrap_put(&wrapped, (size_t)i, end - height + i, 0, cols, 0,
                 (struct style){.mood = mood, .bold = true});
    }
    wrap_release(&wrapped);
    buf_release(&blank);
}
