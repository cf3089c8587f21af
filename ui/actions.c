/*
 * actions: what keys and confirmed prompts do to the console. Nothing here draws: an action
 * answers what it wishes to be done.
 */
#include "console_state.h"
#include "help.h"
#include "wholefile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct snapshot *S_snapshot(const struct console *console)
{
    return sampler_snapshot(console->sampler);
}

const struct snapshot *action_snapshot(const struct console *console)
{
    return panes_snapshot(&console->panes, S_snapshot(console));
}

static struct pane *S_pane(struct console *console)
{
    return panes_focused(&console->panes);
}

struct reader *action_reader(struct console *console)
{
    if (console->sheet.open)
        return console->sheet.has_text ? &console->sheet.reader : NULL;
    return console->reader.open ? &console->reader : NULL;
}

/* ---- what is not possible ---- */

static bool S_is_counting(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->fill_count; i++)
        if (snapshot->fills[i].counting)
            return true;
    return false;
}

const char *action_barred(const struct console *console, enum action action)
{
    const struct snapshot *snapshot = S_snapshot(console);
    const struct pane *pane = panes_focused_of(&console->panes);
    switch (action) {
    case ACT_COUNT:
    case ACT_COUNT_ALL:
        if (snapshot->database.state != SERVER_UP)
            return "nothing can be counted: the database does not answer";
        return snapshot->fill_count ? NULL : "nothing can be counted: no plan with tables is open";
    case ACT_COUNT_STOP:
        return S_is_counting(snapshot) ? NULL : "nothing is being counted";
    case ACT_CANCEL_STATEMENT:
    case ACT_END_SESSION:
        return action_session_barred(console, action);
    case ACT_OPEN:
    case ACT_TELL:
        return (pane->def->detail || action_deepens(console)) && pane->shown.count
                   ? NULL
                   : "there is no row to open";
    case ACT_KEYS_CLEAR:
    case ACT_KEYS_KEEP:
    case ACT_KEYS_TTL:
    case ACT_KEYS_STALE:
    case ACT_KEYS_WARM:
    case ACT_KEYS_RESTORE:
    case ACT_LOGIN_END:
        return action_cache_barred(console, action);
    case ACT_UNDO:
        return action_undo_barred(console);
    case ACT_GUIDE:
        return action_undo_barred(console);
    case ACT_CHOOSE:
        return action_choose_barred(console);
    case ACT_MEND:
        return action_mend_barred(console);
    case ACT_RUN_STEP:
    case ACT_RUN_TO:
    case ACT_RUN_ALL:
    case ACT_PAUSE:
    case ACT_HOLD:
    case ACT_HOLD_NOT:
    case ACT_STOP:
    case ACT_ABORT:
    case ACT_FASTER:
    case ACT_SLOWER:
    case ACT_SLEEP_LESS:
    case ACT_SLEEP_MORE:
        return runkeys_barred(console, action);
    case ACT_TURN:
        return console->sheet.has_sql ? NULL : "there is no other side";
    case ACT_SEARCH_NEXT:
    case ACT_SEARCH_PREVIOUS:
        return console->wanted ? NULL : "nothing was searched for yet: / does";
    default:
        return NULL;
    }
}

/* ---- moving ---- */

static long S_page(size_t page)
{
    return page > 1 ? (long)page - 1 : 1;
}

static unsigned S_move_in_reader(struct reader *reader, enum action action)
{
    switch (action) {
    case ACT_UP:
        reader_move(reader, -1);
        break;
    case ACT_DOWN:
        reader_move(reader, 1);
        break;
    case ACT_PAGE_UP:
        reader_move(reader, -S_page(reader->page));
        break;
    case ACT_PAGE_DOWN:
        reader_move(reader, S_page(reader->page));
        break;
    case ACT_FIRST:
        reader_move_to(reader, 0);
        break;
    default:
        reader_move_to(reader, SIZE_MAX);
    }
    return WISH_REDRAW;
}

static unsigned S_move_in_pane(struct console *console, enum action action)
{
    struct pane *pane = S_pane(console);
    if (console->panes.focus == TABLE_LOG)
        action_log_move(console, action);
    const struct snapshot *snapshot = action_snapshot(console);
    switch (action) {
    case ACT_UP:
        pane_move(pane, snapshot, -1);
        break;
    case ACT_DOWN:
        pane_move(pane, snapshot, 1);
        break;
    case ACT_PAGE_UP:
        pane_move(pane, snapshot, -S_page(pane->page));
        break;
    case ACT_PAGE_DOWN:
        pane_move(pane, snapshot, S_page(pane->page));
        break;
    case ACT_FIRST:
        pane_move_to(pane, snapshot, 0);
        if (console->panes.focus == TABLE_LOG)
            pane_forget(pane);
        break;
    default:
        pane_move_to(pane, snapshot, SIZE_MAX);
    }
    return WISH_REDRAW;
}

unsigned action_focus(struct console *console, int pane)
{
    console->panes.focus = (enum table_id)((pane + TABLE_COUNT) % TABLE_COUNT);
    return WISH_REDRAW;
}

/* A verb that has changed something has perhaps changed what is listed. */
static void S_list_again(struct console *console)
{
    if (console->child_changes)
        drill_list_again(&console->panes.drills[console->panes.focus]);
    console->child_changes = false;
}

static unsigned S_go_back(struct console *console, int key)
{
    struct pane *pane = S_pane(console);
    if (console->sheet.open)
        return verbline_hear(console, K_ESC, true);
    if (console->child && console->child_as.acts && key != K_CTRL('c'))
        return verbline_busy(console);
    if (console->reader.open) {
        verbline_end(console);
        reader_close(&console->reader);
        S_list_again(console);
    } else if (*pane->filter) {
        pane_filter(pane, "");
        return WISH_ARRANGE;
    } else if (console->panes.focus == TABLE_LOG && action_log_widen(console)) {
        return WISH_ARRANGE;
    } else if (pane->shift) {
        pane->shift = 0;
    } else if (pane->chosen >= 0) {
        pane->chosen = -1;
    } else if (drill_back(&console->panes.drills[console->panes.focus])) {
        return WISH_REDRAW;
    } else {
        console->panes.zoomed = false;
    }
    return WISH_REDRAW;
}

/* ---- looking closer ---- */

void action_show(struct console *console, const char *title, struct buf *text)
{
    console->guides = false;
    reader_open(&console->reader, title);
    reader_add(&console->reader, buf_text(text), text->len);
    reader_end(&console->reader);
    buf_release(text);
}

static unsigned S_tell_row(struct console *console)
{
    const struct pane *pane = S_pane(console);
    size_t row;
    if (!pane_row(pane, &row) || !pane->def->detail)
        return console_say(console, MOOD_WARN, "there is no row to open; z gives the whole window");
    struct buf text = {0};
    char *subject = pane_subject(pane, S_snapshot(console), row);
    char *title = str_format("%s: %s", pane->def->title, subject);
    pane->def->detail(S_snapshot(console), row, &text);
    action_show(console, title, &text);
    free(title);
    free(subject);
    return WISH_REDRAW;
}

static unsigned S_open_help(struct console *console)
{
    if (console->child)
        return verbline_busy(console);
    struct buf text = {0};
    char *title = console->reader.open ? str_dup("Help: texts")
                                       : str_format("Help: %s", S_pane(console)->def->title);
    if (console->reader.open)
        help_of_reader(&text, console->guides);
    else if (drill_top(&console->panes.drills[console->panes.focus]))
        help_of_level(&text, drill_top(&console->panes.drills[console->panes.focus]));
    else
        help_of_pane(&text, console->panes.focus, S_snapshot(console)->step_count > 0);
    action_show(console, title, &text);
    free(title);
    return WISH_REDRAW;
}

/* ---- searching and sorting ---- */

static unsigned S_search(struct console *console, bool backwards)
{
    bool wrapped = false, found;
    struct reader *reader = action_reader(console);
    if (reader) {
        found = reader_search(reader, console->wanted, backwards, &wrapped);
    } else {
        enum pane_found what =
            pane_search(S_pane(console), action_snapshot(console), console->wanted, backwards);
        found = what != FOUND_NONE;
        wrapped = what == FOUND_WRAPPED;
    }
    if (!found)
        return console_say(console, MOOD_WARN, "'%s' is not here", console->wanted);
    if (wrapped)
        return console_say(console, MOOD_PLAIN, "'%s': went on from the other end",
                           console->wanted);
    return WISH_REDRAW;
}

static unsigned S_sort(struct console *console, bool reverse)
{
    struct pane *pane = S_pane(console);
    if (reverse)
        pane->by.descending = !pane->by.descending;
    else
        pane_sort_next(pane);
    const char *column = pane->by.sort < 0 ? NULL : pane->def->columns[pane->by.sort].note;
    console_say(console, MOOD_PLAIN, "%s%s, %s", column ? "sorted by " : "in their own order",
                column ? column : "",
                column ? pane->by.descending ? "the largest first" : "the smallest first"
                : pane->by.descending ? "turned round"
                                      : "not sorted");
    return WISH_ARRANGE;
}

/* ---- counting ---- */

static unsigned S_count(struct console *console, bool all)
{
    struct err err = {0};
    size_t row;
    const char *table = NULL;
    if (!all) {
        if (!pane_row(S_pane(console), &row))
            return console_say(console, MOOD_WARN, "there is no row to count");
        table = S_snapshot(console)->fills[row].name;
    }
    /* The call may publish a new snapshot, and the name goes with the old one. */
    char *name = str_dup(table ? table : "all tables");
    bool ok = sampler_count(console->sampler, all ? NULL : name, &err);
    if (ok)
        console_say(console, MOOD_PLAIN, "counting %s exactly; X stops it", name);
    else
        console_say(console, MOOD_BAD, "%s", err.text);
    free(name);
    return WISH_REDRAW;
}

static unsigned S_stop_counting(struct console *console)
{
    sampler_stop_counting(console->sampler);
    return console_say(console, MOOD_PLAIN, "the counting was stopped");
}

/* ---- prompts ---- */

/* A filter of the chosen column is begun; one that is there is gone on with. */
static char *S_begin_filter(const struct pane *pane)
{
    if (*pane->filter || pane->chosen < 0)
        return str_dup(pane->filter);
    const struct column *column = &pane->def->columns[pane->chosen];
    return str_format("%s%s", column->name, column->align == TEXT_RIGHT ? ">" : ":");
}

static unsigned S_ask(struct console *console, enum question question)
{
    static const struct {
        const char *label;
        size_t history; /* offset in struct console; 0: none */
    } kinds[] = {
        [ASKS_SEARCH] = {"/", offsetof(struct console, searches)},
        [ASKS_FILTER] = {"show rows with: ", offsetof(struct console, filters)},
        [ASKS_COMMAND] = {":", offsetof(struct console, commands)},
        [ASKS_FILE] = {"write to file: ", 0},
        [ASKS_ROW_FILE] = {"write this to file: ", 0},
    };
    size_t offset = kinds[question].history;
    struct history *history = offset ? (struct history *)((char *)console + offset) : NULL;
    char *text = question == ASKS_FILTER ? S_begin_filter(S_pane(console)) : str_dup("");
    console->question = question;
    sheet_look_away(&console->sheet);
    prompt_open(&console->prompt, kinds[question].label, text, history);
    free(text);
    return WISH_REDRAW;
}

static unsigned S_take_search(struct console *console, const char *text)
{
    if (*text) {
        free(console->wanted);
        console->wanted = str_dup(text);
    }
    return console->wanted ? S_search(console, false) : WISH_REDRAW;
}

static void S_tell_shown(struct console *console, struct buf *out)
{
    struct pane *pane = S_pane(console);
    const struct sheet *sheet = &console->sheet;
    if (sheet->open)
        buf_add(out, buf_text(&sheet->texts[sheet->side]));
    else if (console->question == ASKS_ROW_FILE && pane_copy(pane, action_snapshot(console), out))
        buf_add_char(out, '\n');
    else if (console->reader.open)
        buf_format(out, "%s\n\n%s", console->reader.title, buf_text(&console->reader.text));
    else
        table_print(out, pane->def, action_snapshot(console), &pane->by, 0, screen_is_ascii());
}

static unsigned S_take_file(struct console *console, const char *path)
{
    struct buf text = {0};
    if (!*path)
        return WISH_REDRAW;
    S_tell_shown(console, &text);
    /* Names of tenants are nobody else's business, and no file of anybody's is replaced. */
    if (wholefile_new(path, buf_text(&text), text.len))
        console_say(console, MOOD_GOOD, "written to '%s'", path);
    else if (errno == EEXIST)
        console_say(console, MOOD_BAD, "'%s' exists already, and was left as it is", path);
    else
        console_say(console, MOOD_BAD, "'%s' could not be written: %s", path, strerror(errno));
    buf_release(&text);
    return WISH_REDRAW;
}

/* ---- verbs ---- */

static unsigned S_take_command(struct console *console, const char *line)
{
    line += strspn(line, " ");
    if (!*line)
        return WISH_REDRAW;
    bool leaves = str_is(line, "q") || str_is(line, "quit");
    bool moves = line[0] >= '1' && line[0] < '1' + TABLE_COUNT && !line[1];
    if ((leaves || moves) && console->child && console->child_as.acts)
        return verbline_busy(console);
    if (leaves)
        return WISH_LEAVE;
    if (moves) {
        verbline_end(console);
        reader_close(&console->reader);
        return action_focus(console, line[0] - '1');
    }
    return verbline_run(console, line);
}

unsigned action_answer(struct console *console)
{
    char *text = str_dup(buf_text(&console->prompt.text));
    unsigned wishes = WISH_REDRAW;
    if (console->prompt.history)
        history_add(console->prompt.history, text);
    prompt_close(&console->prompt);
    switch (console->question) {
    case ASKS_SEARCH:
        wishes = S_take_search(console, text);
        break;
    case ASKS_COMMAND:
        wishes = S_take_command(console, text);
        break;
    case ASKS_FILE:
    case ASKS_ROW_FILE:
        wishes = S_take_file(console, text);
        break;
    case ASKS_FILTER:
        break; /* it took effect with each letter */
    }
    free(text);
    return wishes;
}

/* A text that is only read is closed on the way; one that is still being written is not. */
static unsigned S_go_to_pane(struct console *console, int pane)
{
    if (console->reader.open && console->child)
        return verbline_busy(console);
    if (console->reader.open)
        reader_close(&console->reader);
    return action_focus(console, pane);
}

/* ---- all of them ---- */

unsigned action_do(struct console *console, enum action action, int key)
{
    const char *reason = action_barred(console, action);
    if (reason && action != ACT_OPEN)
        return console_say(console, MOOD_WARN, "%s", reason);
    switch (action) {
    case ACT_NONE:
        return 0;
    case ACT_UP:
    case ACT_DOWN:
    case ACT_PAGE_UP:
    case ACT_PAGE_DOWN:
    case ACT_FIRST:
    case ACT_LAST:
        return action_reader(console) ? S_move_in_reader(action_reader(console), action)
                                      : S_move_in_pane(console, action);
    case ACT_NEXT_PANE:
        return action_focus(console, (int)console->panes.focus + 1);
    case ACT_PREVIOUS_PANE:
        return action_focus(console, (int)console->panes.focus - 1);
    case ACT_PANE:
        return S_go_to_pane(console, key - '1');
    case ACT_OPEN:
        return action_deepens(console) ? action_deepen(console) : S_tell_row(console);
    case ACT_TELL:
        return S_tell_row(console);
    case ACT_ZOOM:
        console->panes.zoomed = !console->panes.zoomed;
        return WISH_REDRAW;
    case ACT_BACK:
        return S_go_back(console, key);
    case ACT_SEARCH:
        return S_ask(console, ASKS_SEARCH);
    case ACT_SEARCH_NEXT:
        return S_search(console, false);
    case ACT_SEARCH_PREVIOUS:
        return S_search(console, true);
    case ACT_FILTER:
        return S_ask(console, ASKS_FILTER);
    case ACT_SORT:
        return S_sort(console, false);
    case ACT_SORT_REVERSE:
        return S_sort(console, true);
    case ACT_COLUMN_NEXT:
    case ACT_COLUMN_PREVIOUS:
    case ACT_COLUMN_HIDE:
    case ACT_COLUMNS_ALL:
    case ACT_SCROLL_LEFT:
    case ACT_SCROLL_RIGHT:
    case ACT_WRAP:
    case ACT_COPY:
        return action_look(console, action);
    case ACT_COPY_FILE:
        return S_ask(console, ASKS_ROW_FILE);
    case ACT_COUNT:
        return S_count(console, false);
    case ACT_COUNT_ALL:
        return S_count(console, true);
    case ACT_COUNT_STOP:
        return S_stop_counting(console);
    case ACT_RUN_STEP:
    case ACT_RUN_TO:
    case ACT_RUN_ALL:
    case ACT_PAUSE:
    case ACT_HOLD:
    case ACT_HOLD_NOT:
    case ACT_STOP:
    case ACT_ABORT:
    case ACT_FASTER:
    case ACT_SLOWER:
    case ACT_SLEEP_LESS:
    case ACT_SLEEP_MORE:
        return runkeys_do(console, action);
    case ACT_TURN:
        sheet_turn(&console->sheet);
        return WISH_REDRAW;
    case ACT_FOLLOW:
        pane_follow(S_pane(console), S_snapshot(console), !S_pane(console)->follows);
        return WISH_REDRAW;
    case ACT_LOG_LEVEL:
    case ACT_LOG_STEP:
    case ACT_LOG_TABLE:
        return action_log(console, action);
    case ACT_FOLLOW_END:
        sampler_log_live(console->sampler);
        pane_follow(S_pane(console), S_snapshot(console), true);
        return WISH_REDRAW;
    case ACT_CANCEL_STATEMENT:
    case ACT_END_SESSION:
        return action_session(console, action);
    case ACT_KEYS_CLEAR:
    case ACT_KEYS_KEEP:
    case ACT_KEYS_TTL:
    case ACT_KEYS_STALE:
    case ACT_KEYS_WARM:
    case ACT_KEYS_RESTORE:
    case ACT_LOGIN_END:
        return action_cache(console, action);
    case ACT_UNDO:
        return action_undo(console, key);
    case ACT_GUIDE:
        return verbline_run(console, key == 'd' ? "rollback --all --dry-run" : "rollback");
    case ACT_CHOOSE:
        return action_choose(console, key);
    case ACT_MEND:
        return action_mend(console, key);
    case ACT_REFRESH:
        drill_list_again(&console->panes.drills[console->panes.focus]);
        return WISH_REFRESH | console_say(console, MOOD_PLAIN, "the servers are asked again");
    case ACT_WRITE:
        return S_ask(console, ASKS_FILE);
    case ACT_COMMAND:
        return S_ask(console, ASKS_COMMAND);
    case ACT_HELP:
        return S_open_help(console);
    case ACT_REDRAW:
        screen_repaint();
        return WISH_REDRAW;
    case ACT_SUSPEND:
        console_put_aside(console);
        return WISH_REDRAW;
    case ACT_QUIT:
        return WISH_LEAVE;
    }
    return 0;
}
