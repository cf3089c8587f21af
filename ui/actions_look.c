/*
 * actions_look: what keys do to how things are looked at: columns chosen, hidden and scrolled, long
 * lines cut, and what is shown carried away to the clipboard.
 */
#include "clipboard.h"
#include "console_state.h"

#include <stdlib.h>
#include <string.h>

enum { SCROLL_STEP = 8 };

/* ---- columns ---- */

static unsigned S_choose(struct console *console, int step)
{
    struct pane *pane = panes_focused(&console->panes);
    pane_choose(pane, step);
    if (pane->chosen < 0)
        return console_say(console, MOOD_PLAIN, "no column is chosen");
    const struct column *column = &pane->def->columns[pane->chosen];
    return console_say(console, MOOD_PLAIN, "%s: %s; s sort, f filter, - hide, y copy",
                       column->name, column->note);
}

static unsigned S_hide(struct console *console)
{
    struct pane *pane = panes_focused(&console->panes);
    if (pane->chosen < 0)
        return console_say(console, MOOD_WARN, "no column is chosen yet: > and < do");
    const char *name = pane->def->columns[pane->chosen].name;
    if (!pane_hide_chosen(pane))
        return console_say(console, MOOD_WARN,
                           "the first column stays: it says what a row is about");
    return console_say(console, MOOD_PLAIN, "'%s' is hidden; + shows all columns again", name);
}

static unsigned S_show_all(struct console *console)
{
    struct pane *pane = panes_focused(&console->panes);
    if (!pane_count_off(pane))
        return console_say(console, MOOD_PLAIN,
                           "no column is hidden by hand; Right scrolls to more");
    pane_show_all(pane);
    return console_say(console, MOOD_PLAIN, "all columns are shown again, as many as have room");
}

static unsigned S_scroll(struct console *console, int columns)
{
    struct reader *reader = action_reader(console);
    if (reader)
        reader_scroll(reader, columns);
    else
        pane_scroll(panes_focused(&console->panes), columns);
    return WISH_REDRAW;
}

/* ---- copying ---- */

static unsigned S_copy(struct console *console)
{
    struct buf text = {0};
    struct err err = {0};
    if (environment_is_production(console->session->environment))
        return console_say(
            console, MOOD_WARN,
            "nothing was copied: under %s nothing goes to a clipboard; w and Y write "
            "to a file",
            console->session->environment);
    if (console->reader.open)
        buf_add(&text, buf_text(&console->reader.text));
    else if (!pane_copy(panes_focused(&console->panes), action_snapshot(console), &text))
        return console_say(console, MOOD_WARN, "there is no row to copy");
    if (!clipboard_put(buf_text(&text), text.len, &err))
        console_say(console, MOOD_WARN, "nothing was copied: %s", err.text);
    else
        console_say(console, MOOD_PLAIN,
                    "sent to the terminal's clipboard, %zu bytes, if the terminal allows that",
                    text.len);
    buf_release(&text);
    return WISH_REDRAW;
}

unsigned action_look(struct console *console, enum action action)
{
    switch (action) {
    case ACT_COLUMN_NEXT:
        return S_choose(console, 1);
    case ACT_COLUMN_PREVIOUS:
        return S_choose(console, -1);
    case ACT_COLUMN_HIDE:
        return S_hide(console);
    case ACT_COLUMNS_ALL:
        return S_show_all(console);
    case ACT_SCROLL_LEFT:
        return S_scroll(console, -SCROLL_STEP);
    case ACT_SCROLL_RIGHT:
        return S_scroll(console, SCROLL_STEP);
    case ACT_WRAP:
        reader_cut_lines(&console->reader, !console->reader.cut_lines);
        return WISH_REDRAW;
    case ACT_COPY:
        return S_copy(console);
    default:
        return 0;
    }
}

/* ---- completing the name of a column ---- */

static size_t S_same(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] && a[i] == b[i])
        i++;
    return i;
}

void action_complete_filter(struct console *console)
{
    const struct table_def *def = panes_focused(&console->panes)->def;
    const char *text = buf_text(&console->prompt.text), *blank = strrchr(text, ' ');
    const char *word = blank ? blank + 1 : text;
    const struct column *first = NULL;
    struct buf offers = {0};
    size_t found = 0, common = 0;
    for (size_t i = 0; i < def->column_count; i++) {
        const char *name = def->columns[i].name;
        if (!str_starts(name, word))
            continue;
        common = first ? S_same(first->name, name) < common ? S_same(first->name, name) : common
                       : strlen(name);
        first = first ? first : &def->columns[i];
        buf_format(&offers, "%s%s", found++ ? "  " : "", name);
    }
    if (found) {
        const char *op = found > 1 ? "" : first->align == TEXT_RIGHT ? ">" : ":";
        char *line =
            str_format("%.*s%.*s%s", (int)(word - text), text, (int)common, first->name, op);
        prompt_replace(&console->prompt, line);
        free(line);
    }
    console->prompt.offers = found > 1 ? buf_take(&offers) : NULL;
    buf_release(&offers);
}
