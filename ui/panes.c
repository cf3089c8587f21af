/* panes: see panes.h. */
#include "panes.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

enum { SILENT_MS = 5000 };

/* ---- what a tab wears when something wants to be looked at ---- */

struct mark {
    size_t count;
    enum mood mood;
};

static struct mark S_mark_steps(const struct snapshot *snapshot)
{
    struct mark mark = {.mood = MOOD_BAD};
    for (size_t i = 0; i < snapshot->step_count; i++)
        mark.count += snapshot->steps[i].state == STEP_FAILED;
    return mark;
}

static struct mark S_mark_tables(const struct snapshot *snapshot)
{
    struct mark mark = {.mood = MOOD_BAD};
    for (size_t i = 0; i < snapshot->fill_count; i++)
        mark.count += snapshot->fills[i].missing && !snapshot->fills[i].optional;
    return mark;
}

static struct mark S_mark_validation(const struct snapshot *snapshot)
{
    struct mark failures = {.mood = MOOD_BAD}, warnings = {.mood = MOOD_WARN};
    for (size_t i = 0; i < snapshot->check_count; i++) {
        failures.count += snapshot->checks[i].verdict == VERDICT_FAIL;
        warnings.count += snapshot->checks[i].verdict == VERDICT_WARN;
    }
    return failures.count ? failures : warnings;
}

static struct mark S_mark_blockers(const struct snapshot *snapshot)
{
    struct mark mark = {.mood = MOOD_WARN, .count = (size_t)snapshot->blockers_more};
    for (size_t i = 0; i < snapshot->blocker_count; i++)
        mark.count += snapshot->blockers[i].blocked_by != NULL;
    return mark;
}

static struct mark S_mark_nodes(const struct snapshot *snapshot)
{
    struct mark mark = {.mood = MOOD_BAD};
    for (size_t i = 0; i < snapshot->node_count; i++)
        mark.count += snapshot->nodes[i].trouble != NULL;
    return mark;
}

static const struct {
    bool database, redis; /* whose silence makes it old */
    struct mark (*mark)(const struct snapshot *snapshot);
} S_infos[TABLE_COUNT] = {
    [TABLE_STEPS] = {.database = true, .mark = S_mark_steps},
    [TABLE_TABLES] = {.database = true, .mark = S_mark_tables},
    [TABLE_TENANTS] = {.database = true},
    [TABLE_VALIDATION] = {.database = true, .mark = S_mark_validation},
    [TABLE_CACHE] = {.redis = true},
    [TABLE_BLOCKERS] = {.database = true, .mark = S_mark_blockers},
    [TABLE_NODES] = {.mark = S_mark_nodes},
};

/* ---- the panes ---- */

void panes_init(struct panes *panes, enum table_id first)
{
    *panes = (struct panes){.focus = first};
    for (size_t i = 0; i < TABLE_COUNT; i++)
        pane_init(&panes->panes[i], &table_defs[i]);
}

void panes_release(struct panes *panes)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        pane_release(&panes->panes[i]);
        drill_release(&panes->drills[i]);
    }
}

void panes_arrange(struct panes *panes, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        pane_arrange(&panes->panes[i], snapshot);
        drill_arrange(&panes->drills[i]);
    }
}

void panes_refresh(struct panes *panes, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        pane_arrange(&panes->panes[i], snapshot);
        drill_refresh(&panes->drills[i], snapshot);
    }
}

const struct pane *panes_focused_of(const struct panes *panes)
{
    const struct level *level = drill_top(&panes->drills[panes->focus]);
    return level ? &level->pane : &panes->panes[panes->focus];
}

struct pane *panes_focused(struct panes *panes)
{
    struct level *level = drill_top(&panes->drills[panes->focus]);
    return level ? &level->pane : &panes->panes[panes->focus];
}

const struct snapshot *panes_snapshot(const struct panes *panes, const struct snapshot *snapshot)
{
    const struct level *level = drill_top(&panes->drills[panes->focus]);
    return level ? level->snapshot : snapshot;
}

/* ---- banner and tabs ---- */

/* Production stays as red as the banner has it, whatever the deck says. */
static enum mood S_label_mood(enum mood mood, const char *colour)
{
    static const struct {
        const char *colour;
        enum mood mood;
    } colours[] = {
        {"red", MOOD_BAD}, {"yellow", MOOD_WARN}, {"green", MOOD_GOOD}, {"blue", MOOD_ACTIVE}};
    for (size_t i = 0; i < ARRAY_LEN(colours) && mood != MOOD_BAD; i++)
        if (str_is(colours[i].colour, colour))
            return colours[i].mood;
    return mood;
}

/* Says where it ended; `x` when there was no room for it. */
static int S_draw_part(int y, int x, const struct banner_part *part, const struct style style)
{
    char *text = style.reverse ? str_format(" %s ", part->text) : str_dup(part->text);
    int room = screen_cols() - x;
    /* The server's troubles are cut rather than dropped: they are why somebody looks. */
    if ((int)text_width(text) <= room || (room > 20 && part->mood == MOOD_BAD))
        x += screen_put(y, x, room, text, style);
    free(text);
    return x;
}

static int S_banner_width(const struct banner_part *parts, size_t count, bool labelled)
{
    int width = labelled ? 2 : 0;
    for (size_t i = 0; i < count; i++)
        width += (int)text_width(parts[i].text) + (i ? 2 : 0);
    return width;
}

/* Until all of it fits, the parts are said in fewer words, the last one first. */
static void S_shorten_banner(struct banner_part *parts, size_t count, bool labelled)
{
    for (size_t i = count; i-- > 0 && S_banner_width(parts, count, labelled) > screen_cols();) {
        if (!parts[i].brief)
            continue;
        free(parts[i].text);
        parts[i].text = parts[i].brief;
        parts[i].brief = NULL;
    }
}

void panes_draw_banner(int y, const struct snapshot *snapshot, const char *colour)
{
    struct banner_part parts[BANNER_PARTS];
    size_t count = banner_parts(snapshot, parts);
    bool labelled = snapshot->environment && *snapshot->environment;
    int x = 0;
    S_shorten_banner(parts, count, labelled);
    for (size_t i = 0; i < count; i++) {
        struct style style = {.mood = parts[i].mood};
        if (labelled && i == 0)
            style = (struct style){
                .mood = S_label_mood(parts[i].mood, colour), .reverse = true, .bold = true};
        int end = S_draw_part(y, x, &parts[i], style);
        if (end == x)
            break;
        x = end + 2;
    }
    banner_release(parts, count);
}

/* How much of the names is shown, from the widest form to the narrowest. */
enum tab_form { TABS_WIDE, TABS_CLOSE, TABS_TIGHT, TABS_SHORT, TABS_DIGITS, TAB_FORMS };

static char *S_tell_tab(enum table_id id, enum tab_form form, bool active)
{
    const char *title = table_defs[id].title;
    int length = form >= TABS_DIGITS && !active ? 0 : form >= TABS_SHORT && !active ? 4 : 99;
    const char *end = form == TABS_TIGHT && !active ? "" : " ";
    return length ? str_format(" %d %.*s%s", (int)id + 1, length, title, end)
                  : str_format(" %d ", (int)id + 1);
}

/* With a blank behind it, as the tab has one; before it, where the tab has none. */
static char *S_tell_mark(enum table_id id, const struct snapshot *snapshot, bool tight,
                         enum mood *mood)
{
    struct mark mark = {0};
    if (S_infos[id].mark)
        mark = S_infos[id].mark(snapshot);
    *mood = mark.mood;
    if (!mark.count)
        return str_dup("");
    return str_format("%s%zu%s%s", tight ? " " : "", mark.count, mark.mood == MOOD_BAD ? "!" : "",
                      tight ? "" : " ");
}

/* Draws when `y` is not negative; says in any case how wide the tabs are, and where each ends. */
static int S_place_tabs(int y, const struct panes *panes, const struct snapshot *snapshot,
                        enum tab_form form, int ends[TABLE_COUNT])
{
    int x = 0;
    for (enum table_id id = 0; id < TABLE_COUNT; id++) {
        bool active = id == panes->focus;
        enum mood mood;
        char *tab = S_tell_tab(id, form, active),
             *mark = S_tell_mark(id, snapshot, form == TABS_TIGHT && !active, &mood);
        struct style style = {.reverse = active, .bold = active};
        struct style marked = {.mood = mood, .reverse = active, .bold = true};
        screen_put(y, x, screen_cols(), tab, style);
        x += (int)text_width(tab);
        screen_put(y, x, screen_cols(), mark, marked);
        x += (int)text_width(mark);
        ends[id] = x;
        x += form == TABS_WIDE ? 1 : 0;
        free(tab);
        free(mark);
    }
    return x;
}

static enum tab_form S_choose_form(const struct panes *panes, const struct snapshot *snapshot)
{
    int ends[TABLE_COUNT];
    enum tab_form form = TABS_WIDE;
    while (form < TABS_DIGITS && S_place_tabs(-1, panes, snapshot, form, ends) > screen_cols() + 1)
        form++;
    return form;
}

void panes_draw_tabs(int y, const struct panes *panes, const struct snapshot *snapshot)
{
    int ends[TABLE_COUNT];
    S_place_tabs(y, panes, snapshot, S_choose_form(panes, snapshot), ends);
}

bool panes_tab_at(const struct panes *panes, const struct snapshot *snapshot, int x,
                  enum table_id *id)
{
    int ends[TABLE_COUNT];
    S_place_tabs(-1, panes, snapshot, S_choose_form(panes, snapshot), ends);
    for (*id = 0; *id < TABLE_COUNT; (*id)++)
        if (x < ends[*id])
            return true;
    return false;
}

/* ---- the bodies ---- */

static bool S_is_silent(const struct server_view *server, int64_t now)
{
    if (server->state == SERVER_UP)
        return server->asking && server->answered_at > 0 && now - server->answered_at > SILENT_MS;
    return server->state != SERVER_NONE;
}

static const struct server_view *S_find_silent(enum table_id id, const struct snapshot *snapshot)
{
    if (S_infos[id].database && S_is_silent(&snapshot->database, snapshot->at))
        return &snapshot->database;
    if (S_infos[id].redis && S_is_silent(&snapshot->redis, snapshot->at))
        return &snapshot->redis;
    return NULL;
}

static char *S_tell_silence(const struct server_view *server, int64_t now)
{
    char span[16];
    if (server->answered_at <= 0)
        return str_dup("no answer yet");
    clock_format_span(now - server->answered_at, span);
    return str_format("no answer for %s", span);
}

static char *S_tell_trouble(const char *name, const struct server_view *server)
{
    struct buf text = {0};
    if (server->state == SERVER_LEFT)
        return str_format(
            "the database is %s, which wants it for itself; the console comes back to "
            "it when that is over",
            server->trouble);
    buf_format(&text, "%s does not answer", name);
    if (server->trouble && *server->trouble) {
        buf_add(&text, ": ");
        text_clean(&text, server->trouble, strcspn(server->trouble, "\n"));
    }
    if (server->hint) {
        buf_add(&text, "; ");
        text_clean(&text, server->hint, strlen(server->hint));
    }
    buf_add(&text, "; it is asked again and again, and at once with r");
    return buf_take(&text);
}

/* Said instead of the table's own sentence, which would be wrong. */
static char *S_tell_nothing(enum table_id id, const struct snapshot *snapshot,
                            const struct server_view *silent)
{
    if (silent)
        return S_tell_trouble(S_infos[id].database ? "PostgreSQL" : "Redis", silent);
    if (id == TABLE_NODES && S_is_silent(&snapshot->redis, snapshot->at))
        return S_tell_trouble("Redis", &snapshot->redis);
    if (id == TABLE_LOG && snapshot->events_narrow)
        return str_dup("no event is left of those that are wanted; Esc shows all again");
    return NULL;
}

/*
 * A list of keys is as old as it says; what a tenant has is as old as what the servers said last.
 */
static char *S_tell_silence_below(const struct level *level, const struct snapshot *snapshot)
{
    const struct server_view *both[] = {&snapshot->database, &snapshot->redis};
    for (size_t i = 0; level->kind == DRILL_HOLDINGS && i < ARRAY_LEN(both); i++) {
        if (!S_is_silent(both[i], snapshot->at))
            continue;
        char *silence = S_tell_silence(both[i], snapshot->at);
        char *told = str_format("%s: %s", i ? "Redis" : "PostgreSQL", silence);
        free(silence);
        return told;
    }
    return NULL;
}

static void S_draw_level(struct level *level, const struct layout_slot *slot,
                         enum layout_frame frame, const struct snapshot *snapshot)
{
    const char number[] = {(char)('1' + slot->pane), '\0'};
    const char *trouble = drill_trouble(level);
    char *stale = S_tell_silence_below(level, snapshot);
    const struct pane_look look = {.frame = frame,
                                   .focused = true,
                                   .stale = stale,
                                   .remark = trouble,
                                   .nothing = trouble,
                                   .number = number,
                                   .title = level->title};
    pane_draw(&level->pane, level->snapshot, slot->box, &look);
    free(stale);
}

static void S_draw_slot(struct panes *panes, const struct layout_slot *slot,
                        enum layout_frame frame, const struct snapshot *snapshot)
{
    const struct server_view *silent = S_find_silent(slot->pane, snapshot);
    const char number[] = {(char)('1' + slot->pane), '\0'};
    char *stale = silent ? S_tell_silence(silent, snapshot->at) : NULL;
    char *trouble = S_tell_nothing(slot->pane, snapshot, silent);
    const struct pane_look look = {.frame = frame,
                                   .focused = slot->pane == panes->focus,
                                   .stale = stale,
                                   .nothing = trouble,
                                   .number = number};
    pane_draw(&panes->panes[slot->pane], snapshot, slot->box, &look);
    free(stale);
    free(trouble);
}

void panes_draw_bodies(struct panes *panes, const struct layout *layout,
                       const struct snapshot *snapshot)
{
    for (size_t i = 0; i < layout->count; i++) {
        const struct layout_slot *slot = &layout->slots[i];
        struct level *level = drill_top(&panes->drills[slot->pane]);
        if (level && slot->pane == panes->focus)
            S_draw_level(level, slot, layout->frame, snapshot);
        else
            S_draw_slot(panes, slot, layout->frame, snapshot);
    }
}
