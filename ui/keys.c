/* keys: see keys.h. */
#include "keys.h"

#include <stdlib.h>
#include <string.h>

#define AT(table) (1 << TABLE_##table)
#define IN_ALL (IN_PANES | IN_READER)
#define IN_KEYED (AT(TENANTS) | AT(CACHE) | IN_LEVELS) /* where rows have keys in Redis */
#define IN_ASKING (IN_SHEET | IN_QUESTION)

const struct binding bindings[] = {
    {ACT_UP, IN_ALL, {K_UP, 'k'}, "Up k", "one row up", NULL},
    {ACT_DOWN, IN_ALL, {K_DOWN, 'j'}, "Down j", "one row down", NULL},
    {ACT_PAGE_UP, IN_ALL, {K_PAGE_UP, K_CTRL('b')}, "PgUp Ctrl-B", "one page up", NULL},
    {ACT_PAGE_DOWN, IN_ALL, {K_PAGE_DOWN, K_CTRL('f')}, "PgDn Ctrl-F", "one page down", NULL},
    {ACT_CHOOSE, IN_GUIDE, {'a'}, "a", "takes all of it back", "all"},
    {ACT_CHOOSE, IN_GUIDE, {'t'}, "t", "takes back what came after a step", "to"},
    {ACT_CHOOSE, IN_GUIDE, {'o'}, "o", "takes one step back", "one"},
    {ACT_CHOOSE, IN_GUIDE, {'p'}, "p", "takes all back but the data", "preserve"},
    {ACT_GUIDE,
     IN_GUIDE,
     {'d'},
     "d",
     "each statement that would be sent; changes nothing",
     "dry run"},
    {ACT_CHOOSE, IN_GUIDE, {'R'}, "R", "puts a backup in the database's place", "restore"},
    {ACT_GUIDE, IN_GUIDE, {'b'}, "b", "the guide again, as things are now", NULL},
    {ACT_PAGE_DOWN, IN_READER, {' '}, "Space", "one page down", "page"},
    {ACT_FIRST, IN_ALL, {K_HOME, 'g'}, "Home g", "to the first row", NULL},
    {ACT_LAST, IN_ALL, {K_END, 'G'}, "End G", "to the last row", NULL},
    {ACT_NEXT_PANE, IN_PANES, {K_TAB}, "Tab", "to the next pane", NULL},
    {ACT_PREVIOUS_PANE, IN_PANES, {K_BACKTAB}, "Shift-Tab", "to the pane before", NULL},
    {ACT_SCROLL_RIGHT,
     IN_ALL | IN_SHEET,
     {K_RIGHT},
     "Right",
     "scrolls to the right, to what has no room",
     NULL},
    {ACT_SCROLL_LEFT, IN_ALL | IN_SHEET, {K_LEFT}, "Left", "scrolls back to the left", NULL},
    {ACT_WRAP, IN_READER, {'z'}, "z", "cuts long lines, or wraps them again", NULL},
    {ACT_PANE, IN_ALL, {0}, "1 to 8", "to this pane", NULL},
    {ACT_OPEN,
     IN_TOPS & ~(AT(TENANTS) | AT(CACHE)),
     {K_ENTER},
     "Enter",
     "opens all that is known of the row",
     "open"},
    {ACT_OPEN, AT(TENANTS), {K_ENTER}, "Enter", "its rows per table, its keys per type", "open"},
    {ACT_OPEN, AT(CACHE), {K_ENTER}, "Enter", "its keys, one by one", "keys"},
    {ACT_OPEN, IN_HOLDINGS, {K_ENTER}, "Enter", "its keys, one by one; or the table", "open"},
    {ACT_OPEN, IN_KEYS, {K_ENTER}, "Enter", "the key: type, time, memory, what it holds", "show"},
    {ACT_KEYS_CLEAR, IN_KEYED, {'x'}, "x", "removes the keys of this row", "clear"},
    {ACT_KEYS_KEEP, IN_KEYED, {'u'}, "u", "the same, and keeps them in an undo file", "undo file"},
    {ACT_KEYS_TTL, IN_KEYED, {'t'}, "t", "keys that live too long get the plan's time", "ttl"},
    {ACT_KEYS_STALE, AT(CACHE) | IN_KEYS, {'v'}, "v", "an event: removes what is stale", "stale"},
    {ACT_KEYS_WARM, AT(CACHE), {'W'}, "W", "sets what is asked for most: warms", "warm"},
    {ACT_KEYS_RESTORE, AT(CACHE), {'U'}, "U", "brings back what an undo file has", "restore"},
    {ACT_LOGIN_END, IN_KEYS, {'E'}, "E", "ends this session", "end"},
    {ACT_TELL, AT(TENANTS) | AT(CACHE), {'i'}, "i", "tells all that is known of the row", "info"},
    {ACT_BACK,
     IN_READER,
     {K_ESC, 'q'},
     "Esc q",
     "back to the panes; ends a verb that only looks",
     "back"},
    {ACT_MEND, AT(VALIDATION), {'v'}, "v", "validates now", "validate"},
    {ACT_MEND, AT(VALIDATION), {'m'}, "m", "mends this one, or this group", "mend"},
    {ACT_MEND, AT(VALIDATION), {'M'}, "M", "mends all that decides nothing about data", "mend all"},
    {ACT_MEND, AT(VALIDATION), {'e'}, "e", "writes all findings: a .json, .csv or text", "export"},
    {ACT_FOLLOW, AT(LOG), {' '}, "Space", "stops following the end, or follows it again", "pause"},
    {ACT_FOLLOW_END, AT(LOG), {'F'}, "F", "to the end, and follows it", "follow"},
    {ACT_PAUSE, AT(STEPS), {'p'}, "p", "the run waits at the next border, or goes on", "pause"},
    {ACT_STOP, AT(STEPS), {'t'}, "t", "the run ends at the next border", "stop"},
    {ACT_RUN_STEP, AT(STEPS), {'x'}, "x", "runs this step", "run"},
    {ACT_RUN_TO, AT(STEPS), {'u'}, "u", "runs all steps up to this one", "up to"},
    {ACT_RUN_ALL, AT(STEPS), {'M'}, "M", "migrates: runs all steps", "all"},
    {ACT_HOLD, AT(STEPS), {'h'}, "h", "the run waits before this step", "hold"},
    {ACT_UNDO, AT(STEPS), {'b'}, "b", "guides through a rollback; changes nothing", "undo"},
    {ACT_UNDO, AT(STEPS), {'B'}, "B", "takes back what came after this step", "undo to"},
    {ACT_HOLD_NOT, AT(STEPS), {'H'}, "H", "the run waits before no step any more", NULL},
    {ACT_FASTER, AT(STEPS), {']'}, "]", "longer batches: the run is faster", NULL},
    {ACT_SLOWER, AT(STEPS), {'['}, "[", "shorter batches: others wait less for the run", NULL},
    {ACT_SLEEP_LESS, AT(STEPS), {'}'}, "}", "sleeps less between batches", NULL},
    {ACT_SLEEP_MORE,
     AT(STEPS),
     {'{'},
     "{",
     "sleeps longer between batches: others have more of the server",
     NULL},
    {ACT_ABORT, AT(STEPS), {'A'}, "A", "cancels what is under way, and ends the run", NULL},
    {ACT_SEARCH, IN_ALL, {'/'}, "/", "searches a text in any column, in any case", "search"},
    {ACT_SEARCH_NEXT, IN_ALL, {'n'}, "n", "to the next that was searched for", NULL},
    {ACT_SEARCH_PREVIOUS, IN_ALL, {'N'}, "N", "to the one before", NULL},
    {ACT_FILTER, IN_PANES, {'f'}, "f", "shows only rows with a text in them", "filter"},
    {ACT_LOG_LEVEL,
     AT(LOG),
     {'l'},
     "l",
     "only info or worse, warnings or worse, errors, all",
     "level"},
    {ACT_LOG_STEP, AT(LOG), {'t'}, "t", "only events of this one's step, or all again", "step"},
    {ACT_LOG_TABLE,
     AT(LOG),
     {'T'},
     "T",
     "only events about this one's table, or all again",
     "table"},
    {ACT_CANCEL_STATEMENT, AT(BLOCKERS), {'C'}, "C", "cancels what this session runs", "cancel"},
    {ACT_END_SESSION, AT(BLOCKERS), {'K'}, "K", "ends this session", "end"},
    {ACT_COLUMN_NEXT, IN_PANES, {'>'}, ">", "chooses the next column: for s, f, - and y", NULL},
    {ACT_COLUMN_PREVIOUS, IN_PANES, {'<'}, "<", "chooses the column before", NULL},
    {ACT_COLUMN_HIDE, IN_PANES, {'-'}, "-", "hides the chosen column", NULL},
    {ACT_COLUMNS_ALL, IN_PANES, {'+'}, "+", "shows the hidden columns again", NULL},
    {ACT_SORT,
     IN_PANES & ~(AT(LOG) | AT(BLOCKERS)),
     {'s'},
     "s",
     "sorts by the chosen column, or the next",
     "sort"},
    {ACT_SORT_REVERSE, IN_PANES, {'S'}, "S", "turns the order round", NULL},
    {ACT_COMMAND, IN_ALL, {':'}, ":", "runs a verb, as on the command line", "verb"},
    {ACT_COUNT, AT(TABLES), {'c'}, "c", "counts the rows of this table exactly", "count"},
    {ACT_COUNT_ALL, AT(TABLES) | AT(TENANTS), {'C'}, "C", "counts all tables exactly", "all"},
    {ACT_COUNT_STOP, AT(TABLES) | AT(TENANTS), {'X'}, "X", "stops the counting", "stop"},
    {ACT_ZOOM, IN_PANES, {'z'}, "z", "gives the pane the whole window, or takes it back", "zoom"},
    {ACT_BACK, IN_LEVELS, {K_ESC}, "Esc", "back to where it was opened", "back"},
    {ACT_BACK, IN_TOPS, {K_ESC}, "Esc", "takes back filter, scrolling, column, zoom", NULL},
    {ACT_REFRESH, IN_PANES, {'r'}, "r", "asks the servers now", NULL},
    {ACT_WRITE, IN_ALL, {'w'}, "w", "writes what is shown into a file", "write"},
    {ACT_COPY, IN_ALL, {'y'}, "y", "copies the row, or its chosen cell, or the text", NULL},
    {ACT_COPY_FILE, IN_PANES, {'Y'}, "Y", "writes the row, or its chosen cell, into a file", NULL},
    {ACT_HELP, IN_ALL, {'?', K_F1}, "? F1", "this help", "help"},
    {ACT_REDRAW, IN_ALL, {K_CTRL('l')}, "Ctrl-L", "draws the whole screen again", NULL},
    {ACT_SUSPEND, IN_ALL, {K_CTRL('z')}, "Ctrl-Z", "back to the shell, until 'fg'", NULL},
    {ACT_QUIT, IN_PANES, {'q', K_CTRL('c')}, "q Ctrl-C", "leaves; what runs goes on", "quit"},
    {ACT_BACK, IN_READER, {K_CTRL('c')}, "Ctrl-C", "the same; ends any verb that still runs", NULL},
    {ACT_TURN, IN_SHEET, {K_TAB}, "Tab", "the exact SQL, or the outline again", "SQL"},
    {ACT_UP, IN_SHEET, {K_UP}, "Up", "one line up", NULL},
    {ACT_DOWN, IN_SHEET, {K_DOWN}, "Down", "one line down", NULL},
    {ACT_PAGE_UP, IN_SHEET, {K_PAGE_UP}, "PgUp", "one page up", NULL},
    {ACT_PAGE_DOWN, IN_SHEET, {K_PAGE_DOWN}, "PgDn", "one page down", "page"},
    {ACT_FIRST, IN_SHEET, {K_HOME}, "Home", "to its beginning", NULL},
    {ACT_LAST, IN_SHEET, {K_END}, "End", "to its end", NULL},
    {ACT_SEARCH, IN_SHEET, {K_CTRL('f')}, "Ctrl-F", "searches in it", "search"},
    {ACT_SEARCH_NEXT, IN_SHEET, {K_CTRL('n')}, "Ctrl-N", "to the next that was searched for", NULL},
    {ACT_SEARCH_PREVIOUS, IN_SHEET, {K_CTRL('p')}, "Ctrl-P", "to the one before", NULL},
    {ACT_WRITE, IN_SHEET, {K_CTRL('s')}, "Ctrl-S", "writes it into a file", "save"},
    {ACT_BACK, IN_ASKING, {K_ESC}, "Esc", "No", "no"},
    {ACT_REDRAW, IN_ASKING, {K_CTRL('l')}, "Ctrl-L", "draws the whole screen again", NULL},
    {ACT_SUSPEND, IN_ASKING, {K_CTRL('z')}, "Ctrl-Z", "No, and back to the shell", NULL},
};
const size_t binding_count = ARRAY_LEN(bindings);

static bool S_has_key(const struct binding *binding, int key)
{
    if (binding->action == ACT_PANE)
        return key >= '1' && key < '1' + TABLE_COUNT;
    for (size_t i = 0; i < BINDING_KEYS && binding->keys[i]; i++)
        if (binding->keys[i] == key)
            return true;
    return false;
}

enum action keys_find(int key, unsigned place)
{
    for (size_t i = 0; i < binding_count; i++)
        if ((bindings[i].where & place) && S_has_key(&bindings[i], key))
            return bindings[i].action;
    return ACT_NONE;
}

int keys_named(const char *name)
{
    static const struct {
        const char *name;
        int key;
    } names[] = {
        {"Up", K_UP},         {"Down", K_DOWN},    {"Left", K_LEFT},
        {"Right", K_RIGHT},   {"PgUp", K_PAGE_UP}, {"PgDn", K_PAGE_DOWN},
        {"Home", K_HOME},     {"End", K_END},      {"Tab", K_TAB},
        {"S-Tab", K_BACKTAB}, {"Enter", K_ENTER},  {"Esc", K_ESC},
        {"Space", ' '},       {"F1", K_F1},        {"Backspace", K_BACKSPACE},
        {"Delete", K_DELETE},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(names[i].name, name))
            return names[i].key;
    if (str_starts(name, "C-") && name[2] >= 'a' && name[2] <= 'z' && !name[3])
        return K_CTRL(name[2]);
    size_t used, length = strlen(name);
    int32_t rune = text_next(name, length, &used);
    return rune >= ' ' && used == length ? rune : K_NONE;
}

/* ---- the key bar ---- */

static bool S_is_kept(enum action action)
{
    return action == ACT_HELP || action == ACT_QUIT || action == ACT_BACK;
}

/* The first of the names: "Enter" of "Enter", "?" of "? F1". */
static char *S_first_name(const struct binding *binding)
{
    return str_ndup(binding->shown, strcspn(binding->shown, " "));
}

static int S_label_width(const struct binding *binding)
{
    return (int)(strcspn(binding->shown, " ") + 1 + strlen(binding->label) + 2);
}

static int S_draw_label(int y, int x, const struct binding *binding, bool barred)
{
    char *name = S_first_name(binding);
    struct style dim = {.mood = MOOD_DIM};
    x += screen_put(y, x, screen_cols(), name,
                    barred ? dim : (struct style){.mood = MOOD_ACTIVE, .bold = true});
    x += 1 + screen_put(y, x + 1, screen_cols(), binding->label, barred ? dim : (struct style){0});
    free(name);
    return x + 2;
}

static bool S_is_shown(const struct binding *binding, unsigned place)
{
    return (binding->where & place) && binding->label;
}

/*
 * Those that are possible come first where there is no room for all; their order stays. Of the
 * others none stands there only because it is short.
 */
static void S_choose(bool *chosen, int room, unsigned place, const bool *barred)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < binding_count; i++) {
            const struct binding *binding = &bindings[i];
            int width = S_is_shown(binding, place) ? S_label_width(binding) : 0;
            if (!width || S_is_kept(binding->action) || barred[i] != (pass == 1))
                continue;
            if (pass == 1 && width > room)
                return;
            chosen[i] = width <= room;
            room -= chosen[i] ? width : 0;
        }
}

void keys_draw_bar(int y, unsigned place, const bool *barred)
{
    bool chosen[ARRAY_LEN(bindings)] = {false};
    int right = screen_cols(), x = 0;
    for (size_t i = 0; i < binding_count; i++)
        if (S_is_shown(&bindings[i], place) && S_is_kept(bindings[i].action))
            right -= S_label_width(&bindings[i]);
    int kept = right + 1;
    S_choose(chosen, right, place, barred);
    for (size_t i = 0; i < binding_count; i++) {
        const struct binding *binding = &bindings[i];
        if (chosen[i])
            x = S_draw_label(y, x, binding, barred[i]);
        else if (S_is_shown(binding, place) && S_is_kept(binding->action))
            kept = S_draw_label(y, kept, binding, barred[i]);
    }
}

/* ---- the help ---- */

static bool S_is_of_one_pane(const struct binding *binding, unsigned place)
{
    return (place & IN_PANES) && (binding->where & IN_TOPS) != IN_TOPS &&
           !(binding->where & ~IN_PANES);
}

static void S_tell_keys(struct buf *out, unsigned place, bool own, bool labelled)
{
    for (size_t i = 0; i < binding_count; i++)
        if ((bindings[i].where & place) && S_is_of_one_pane(&bindings[i], place) == own &&
            (bindings[i].label != NULL) == labelled)
            buf_format(out, "  %-15s %s\n", bindings[i].shown, bindings[i].note);
}

/* What only this pane has comes first; moving about explains itself. */
void keys_tell(struct buf *out, unsigned place)
{
    size_t before = out->len;
    S_tell_keys(out, place, true, true);
    S_tell_keys(out, place, true, false);
    buf_add(out, out->len > before ? "\n" : "");
    S_tell_keys(out, place, false, true);
    S_tell_keys(out, place, false, false);
}
