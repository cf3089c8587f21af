/* prompt: see prompt.h. */
#include "prompt.h"

#include "screen.h"

#include <stdlib.h>
#include <string.h>

enum { HISTORY_MOST = 200, LINE_MOST = 4000 };

/* ---- history ---- */

void history_add(struct history *history, const char *line)
{
    if (!*line || (history->count && str_is(history->lines[history->count - 1], line)))
        return;
    if (history->count == HISTORY_MOST) {
        free(history->lines[0]);
        memmove(history->lines, history->lines + 1, --history->count * sizeof(*history->lines));
    }
    history->lines =
        mem_room(history->lines, history->count, &history->cap, sizeof(*history->lines));
    history->lines[history->count++] = str_dup(line);
}

void history_release(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        free(history->lines[i]);
    free(history->lines);
    *history = (struct history){0};
}

static enum prompt_news S_recall(struct prompt *prompt, bool older)
{
    struct history *history = prompt->history;
    if (!history || (older ? prompt->recalled == 0 : prompt->recalled == history->count))
        return PROMPT_STAYS;
    if (prompt->recalled == history->count) {
        free(prompt->draft);
        prompt->draft = str_dup(buf_text(&prompt->text));
    }
    prompt->recalled += older ? -1 : 1;
    bool back = prompt->recalled == history->count;
    prompt_replace(prompt, back ? prompt->draft : history->lines[prompt->recalled]);
    return PROMPT_CHANGED;
}

/* ---- the line ---- */

void prompt_open(struct prompt *prompt, const char *label, const char *text,
                 struct history *history)
{
    prompt_close(prompt);
    prompt->open = true;
    prompt->label = label;
    prompt->history = history;
    prompt->recalled = history ? history->count : 0;
    prompt_replace(prompt, text);
}

void prompt_close(struct prompt *prompt)
{
    buf_release(&prompt->text);
    free(prompt->draft);
    free(prompt->offers);
    *prompt = (struct prompt){0};
}

void prompt_replace(struct prompt *prompt, const char *text)
{
    buf_clear(&prompt->text);
    buf_add(&prompt->text, text);
    prompt->at = prompt->text.len;
}

static size_t S_before(const struct prompt *prompt, size_t at)
{
    const char *text = buf_text(&prompt->text);
    while (at > 0 && ((unsigned char)text[--at] & 0xc0) == 0x80) {
    }
    return at;
}

static size_t S_after(const struct prompt *prompt, size_t at)
{
    size_t used = 0;
    if (at < prompt->text.len)
        text_next(prompt->text.text + at, prompt->text.len - at, &used);
    return at + used;
}

static size_t S_word_before(const struct prompt *prompt, size_t at)
{
    const char *text = buf_text(&prompt->text);
    while (at > 0 && text[at - 1] == ' ')
        at--;
    while (at > 0 && text[at - 1] != ' ')
        at--;
    return at;
}

static enum prompt_news S_cut(struct prompt *prompt, size_t from, size_t to)
{
    if (from == to)
        return PROMPT_STAYS;
    char *text = prompt->text.text;
    memmove(text + from, text + to, prompt->text.len - to + 1);
    prompt->text.len -= to - from;
    prompt->at = from;
    return PROMPT_CHANGED;
}

static enum prompt_news S_insert(struct prompt *prompt, const char *bytes, size_t length)
{
    if (!length || prompt->text.len + length > LINE_MOST)
        return PROMPT_STAYS;
    char *tail = str_dup(buf_text(&prompt->text) + prompt->at);
    if (prompt->text.text)
        prompt->text.text[prompt->at] = '\0';
    prompt->text.len = prompt->at;
    buf_add_mem(&prompt->text, bytes, length);
    buf_add(&prompt->text, tail);
    prompt->at += length;
    free(tail);
    return PROMPT_CHANGED;
}

static size_t S_encode(int32_t rune, char out[4])
{
    size_t length = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    for (size_t i = length; i-- > 1; rune >>= 6)
        out[i] = (char)(0x80 | (rune & 0x3f));
    out[0] = (char)(leads[length] | rune);
    return length;
}

static enum prompt_news S_type(struct prompt *prompt, int key)
{
    char bytes[4];
    if (key < ' ' || key >= K_FIRST || (key >= 0x7f && key < 0xa0))
        return PROMPT_STAYS;
    return S_insert(prompt, bytes, S_encode(key, bytes));
}

static enum prompt_news S_put_cursor(struct prompt *prompt, size_t at)
{
    prompt->at = at;
    return PROMPT_STAYS;
}

enum prompt_news prompt_key(struct prompt *prompt, int key)
{
    free(prompt->offers);
    prompt->offers = NULL;
    switch (key) {
    case K_ENTER:
        return PROMPT_DONE;
    case K_ESC:
    case K_CTRL('c'):
    case K_CTRL('g'):
        return PROMPT_LEFT;
    case K_TAB:
        return PROMPT_COMPLETE;
    case K_UP:
    case K_CTRL('p'):
        return S_recall(prompt, true);
    case K_DOWN:
    case K_CTRL('n'):
        return S_recall(prompt, false);
    case K_LEFT:
    case K_CTRL('b'):
        return S_put_cursor(prompt, S_before(prompt, prompt->at));
    case K_RIGHT:
    case K_CTRL('f'):
        return S_put_cursor(prompt, S_after(prompt, prompt->at));
    case K_HOME:
    case K_CTRL('a'):
        return S_put_cursor(prompt, 0);
    case K_END:
    case K_CTRL('e'):
        return S_put_cursor(prompt, prompt->text.len);
    case K_BACKSPACE:
        /* Back over the label leaves the prompt, as in vi. */
        return prompt->text.len ? S_cut(prompt, S_before(prompt, prompt->at), prompt->at)
                                : PROMPT_LEFT;
    case K_DELETE:
    case K_CTRL('d'):
        return S_cut(prompt, prompt->at, S_after(prompt, prompt->at));
    case K_CTRL('w'):
        return S_cut(prompt, S_word_before(prompt, prompt->at), prompt->at);
    case K_CTRL('u'):
        return S_cut(prompt, 0, prompt->at);
    case K_CTRL('k'):
        return S_cut(prompt, prompt->at, prompt->text.len);
    default:
        return S_type(prompt, key);
    }
}

enum prompt_news prompt_paste(struct prompt *prompt, const char *raw)
{
    struct buf line = {0};
    size_t left = strlen(raw), used;
    for (; left; raw += used, left -= used) {
        int32_t rune = text_next(raw, left, &used);
        if (rune == '\n' || rune == '\r' || rune == '\t')
            buf_add_char(&line, ' ');
        else if (rune >= ' ' && !(rune >= 0x7f && rune < 0xa0))
            buf_add_mem(&line, raw, used);
    }
    enum prompt_news news = S_insert(prompt, buf_text(&line), line.len);
    buf_release(&line);
    return news;
}

/* ---- drawing ---- */

void prompt_draw(const struct prompt *prompt, int y)
{
    struct buf clean = {0}, before = {0};
    text_clean(&clean, buf_text(&prompt->text), prompt->text.len);
    text_clean(&before, buf_text(&prompt->text), prompt->at);
    int start = screen_put(y, 0, screen_cols(), prompt->label, (struct style){.bold = true});
    int room = screen_cols() - start - 1, cursor = (int)text_width(buf_text(&before));
    /* A line that is too long shows the part around the cursor. */
    size_t hidden = cursor > room ? text_fit(buf_text(&clean), (size_t)(cursor - room)) : 0;
    int shift = cursor > room ? cursor - room : 0;
    int end = start + screen_put(y, start, room, buf_text(&clean) + hidden, (struct style){0});
    if (prompt->offers)
        screen_put(y, end + 3, screen_cols(), prompt->offers, (struct style){.mood = MOOD_DIM});
    screen_cursor(y, start + cursor - shift);
    buf_release(&clean);
    buf_release(&before);
}
