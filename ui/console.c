/*
 * console: see console.h. Opens and closes the console, turns the loop, obeys wishes, draws.
 *
 * The order of a turn: what came from servers, keyboard, timers and signals is handled and only
 * leaves wishes; then rows are put in order, once; then the screen is drawn, once.
 */
#include "advice.h"
#include "clock.h"
#include "console_state.h"
#include "memory.h"
#include "script.h"
#include "signals.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_LINES = 4, MESSAGE_MS = 6000, PATIENCE_MS = 300 };

/* ---- drawing ---- */

static void S_draw_too_small(void)
{
    char *sentence = str_format("window too small: %dx%d, %dx%d is needed", screen_cols(),
                                screen_lines(), LAYOUT_LEAST_COLS, LAYOUT_LEAST_LINES);
    struct wrapped wrapped = {0};
    wrap_text(&wrapped, sentence, screen_cols());
    for (size_t i = 0; i < wrapped.count; i++)
        wrap_put(&wrapped, i, (int)i, 0, screen_cols(), 0, (struct style){.bold = true});
    wrap_release(&wrapped);
    free(sentence);
}

/* One for each binding; yours. */
static bool *S_find_barred(const struct console *console)
{
    bool *barred = mem_array(binding_count, sizeof(*barred));
    for (size_t i = 0; i < binding_count; i++)
        barred[i] = action_barred(console, bindings[i].action) != NULL;
    return barred;
}

static unsigned S_place(const struct console *console)
{
    if (console->sheet.open)
        return console->sheet.has_text ? IN_SHEET : IN_QUESTION;
    if (console->reader.open)
        return IN_READER | (console->guides ? IN_GUIDE : 0U);
    const struct level *level = drill_top(&console->panes.drills[console->panes.focus]);
    if (level)
        return level->kind == DRILL_KEYS ? IN_KEYS : IN_HOLDINGS;
    return 1U << console->panes.focus;
}

static void S_draw_bar(const struct console *console, int y)
{
    if (y < 0)
        return;
    if (console->message) {
        wrap_sentence(console->message, console->message_mood, MESSAGE_LINES, y + 1);
        return;
    }
    bool *barred = S_find_barred(console);
    keys_draw_bar(y, S_place(console), barred);
    free(barred);
}

/* A search or the name of a file may be asked for while the sheet is open. */
static void S_draw_last_lines(const struct console *console, int bar)
{
    int y = screen_lines() - 1;
    if (!console->prompt.open) {
        S_draw_bar(console, console->sheet.open ? bar : y);
        return;
    }
    S_draw_bar(console, bar);
    prompt_draw(&console->prompt, y);
}

static void S_draw_sheet(struct console *console)
{
    int bar;
    sheet_draw(&console->sheet, console->layout.body, console->layout.frame, screen_lines(),
               !console->prompt.open, &bar);
    S_draw_last_lines(console, bar);
}

static void S_hear(void *ctx)
{
    struct console *console = ctx;
    console->hearing = NULL;
    screen_forget_keys();
    sheet_hear(&console->sheet);
    console->wishes |= WISH_REDRAW;
}

static void S_draw(struct console *console);

/*
 * What was typed before the question can have been read is no answer to it. A script needs no time.
 */
static void S_await_reading(struct console *console)
{
    screen_forget_keys();
    if (!console->patience_ms) {
        sheet_hear(&console->sheet);
        S_draw(console);
        return;
    }
    if (console->hearing)
        loop_cancel(console->hearing);
    console->hearing = loop_after(console->loop, console->patience_ms, S_hear, console);
}

/* A sheet with a text has all of it for itself: what is under it would show between its lines. */
static void S_draw_body(struct console *console, const struct snapshot *snapshot)
{
    if (console->sheet.has_text)
        return;
    if (console->reader.open)
        reader_draw(&console->reader, console->layout.body, console->layout.frame);
    else
        panes_draw_bodies(&console->panes, &console->layout, snapshot);
}

static void S_draw(struct console *console)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    screen_begin();
    /* A list below a pane has the whole window: it is looked into, and not across. */
    bool below = drill_top(&console->panes.drills[console->panes.focus]) != NULL;
    const struct layout_wish wish = {.focus = console->panes.focus,
                                     .zoomed = console->panes.zoomed || below,
                                     .keys_only = snapshot->keys_only};
    layout_make(screen_lines(), screen_cols(), &wish, &console->layout);
    if (console->layout.too_small) {
        S_draw_too_small();
    } else {
        panes_draw_banner(0, snapshot, console->session->colour);
        panes_draw_tabs(1, &console->panes, snapshot);
        S_draw_body(console, snapshot);
        if (console->sheet.open)
            S_draw_sheet(console);
        else
            S_draw_last_lines(console, -1);
    }
    screen_end();
    /* Nobody has read the question of a sheet that was not drawn, or is still on its way. */
    if (!console->layout.too_small && !console->prompt.open && !screen_is_behind() &&
        sheet_was_shown(&console->sheet))
        S_await_reading(console);
}

static void S_forget_message(struct console *console)
{
    free(console->message);
    console->message = NULL;
    if (console->fades)
        loop_cancel(console->fades);
    console->fades = NULL;
}

static void S_fade(void *ctx)
{
    struct console *console = ctx;
    console->fades = NULL;
    S_forget_message(console);
    console->wishes |= WISH_REDRAW;
}

unsigned console_say(struct console *console, enum mood mood, const char *format, ...)
{
    va_list args;
    struct buf text = {0};
    va_start(args, format);
    buf_vformat(&text, format, args);
    va_end(args);
    S_forget_message(console);
    char *here = advice_here(buf_text(&text));
    console->message = text_cleaned(here);
    free(here);
    console->message_mood = mood;
    /* A refusal stays until somebody has seen it; a script has all the time it wants. */
    if (console->keyboard && mood != MOOD_WARN && mood != MOOD_BAD)
        console->fades = loop_after(console->loop, MESSAGE_MS, S_fade, console);
    buf_release(&text);
    return WISH_REDRAW;
}

/* ---- wishes ---- */

static void S_arrange(struct console *console)
{
    panes_arrange(&console->panes, sampler_snapshot(console->sampler));
    console->wishes = (console->wishes & ~(unsigned)WISH_ARRANGE) | WISH_REDRAW;
}

void console_obey(struct console *console)
{
    if (console->wishes & WISH_REFRESH)
        sampler_refresh(console->sampler);
    if (console->wishes & WISH_ARRANGE)
        S_arrange(console);
    /*
     * A terminal that is slow gets the next frame when it has taken this one, and no other between.
     */
    if ((console->wishes & WISH_REDRAW) && !screen_is_behind())
        S_draw(console);
    console->wishes &= screen_is_behind() ? WISH_LEAVE | WISH_REDRAW : WISH_LEAVE;
    if (console->slow)
        loop_rewatch(console->slow, screen_behind_fd(), screen_is_behind() ? POLLOUT : 0);
}

void console_turn(struct console *console, int max_ms)
{
    loop_turn(console->loop, max_ms);
    console_obey(console);
}

/* ---- keys ---- */

static unsigned S_hear_prompt(struct console *console, enum prompt_news news)
{
    char *line;
    switch (news) {
    case PROMPT_DONE:
        return action_answer(console);
    case PROMPT_LEFT:
        prompt_close(&console->prompt);
        if (console->question != ASKS_FILTER)
            return WISH_REDRAW;
        pane_filter(panes_focused(&console->panes), "");
        return WISH_ARRANGE;
    case PROMPT_CHANGED:
        if (console->question != ASKS_FILTER)
            return WISH_REDRAW;
        pane_filter(panes_focused(&console->panes), buf_text(&console->prompt.text));
        return WISH_ARRANGE;
    case PROMPT_COMPLETE:
        if (console->question == ASKS_COMMAND) {
            command_complete(buf_text(&console->prompt.text), &line, &console->prompt.offers);
            prompt_replace(&console->prompt, line);
            free(line);
        } else if (console->question == ASKS_FILTER) {
            action_complete_filter(console);
            pane_filter(panes_focused(&console->panes), buf_text(&console->prompt.text));
            return WISH_ARRANGE;
        }
        return WISH_REDRAW;
    case PROMPT_STAYS:
        break;
    }
    return WISH_REDRAW;
}

/* Rows are put in order before the next key: it may be about the row that is then under it. */
static void S_wish(struct console *console, unsigned wishes)
{
    console->wishes |= wishes;
    if (wishes & WISH_ARRANGE)
        S_arrange(console);
}

void console_press(struct console *console, int key)
{
    console_press_timed(console, key, true);
}

void console_press_timed(struct console *console, int key, bool by_hand)
{
    bool had_message = console->message != NULL;
    console->arrived = true;
    console->swallows &= !by_hand;
    if (console->swallows)
        return;
    S_forget_message(console);
    if (had_message)
        S_wish(console, WISH_REDRAW);
    if (console->prompt.open)
        S_wish(console, S_hear_prompt(console, prompt_key(&console->prompt, key)));
    else if (console->sheet.open && keys_find(key, S_place(console)) == ACT_NONE)
        S_wish(console, verbline_hear(console, key, by_hand));
    else
        S_wish(console, action_do(console, keys_find(key, S_place(console)), key));
}

void console_paste(struct console *console, const char *raw)
{
    S_forget_message(console);
    if (console->sheet.open && !console->prompt.open)
        S_wish(console, verbline_refuse(console, "pasted text is no answer"));
    else if (console->prompt.open)
        S_wish(console, S_hear_prompt(console, prompt_paste(&console->prompt, raw)));
    else
        S_wish(console, console_say(console, MOOD_WARN,
                                    "pasted text is no key, so nothing was done; : or / first"));
}

/* ---- what comes from outside ---- */

static void S_keyboard_ready(void *ctx, short revents)
{
    struct console *console = ctx;
    int key;
    while ((key = screen_key()) != K_NONE) {
        if (key == K_PASTE)
            console_paste(console, screen_pasted());
        else if (key == K_MOUSE)
            console_point(console, screen_mouse());
        else
            console_press_timed(console, key,
                                typing_is_by_hand(&console->typing, clock_ms(), key == K_ENTER));
        if (console->wishes & WISH_LEAVE)
            return;
    }
    /* The terminal has gone; poll() would wake us for ever. */
    if (revents & (POLLHUP | POLLERR | POLLNVAL))
        console->wishes |= WISH_LEAVE;
}

/* Who answers has to have read the question as it stands. */
void console_resized(struct console *console)
{
    if (console->sheet.open)
        verbline_refuse(console, "the window changed; ask again");
}

void console_put_aside(struct console *console)
{
    if (console->sheet.open)
        verbline_refuse(console, "the console was put aside; ask again");
    screen_suspend();
}

static void S_terminal_takes(void *ctx, short revents)
{
    struct console *console = ctx;
    screen_catch_up();
    if (revents & (POLLHUP | POLLERR | POLLNVAL))
        console->wishes |= WISH_LEAVE;
}

static void S_signals_arrived(void *ctx, unsigned news)
{
    struct console *console = ctx;
    if (news & NEWS_RESIZED)
        screen_measure();
    if (news & (NEWS_RESIZED | NEWS_CONTINUED))
        console_resized(console);
    if (news & NEWS_STOPPED)
        console_put_aside(console);
    if (news & NEWS_CONTINUED)
        screen_resume();
    console->wishes |= news & NEWS_LEAVE ? WISH_LEAVE : WISH_REDRAW;
}

/*
 * Whoever comes while a run is at work comes for the run, unless a key has said otherwise by then.
 */
static void S_show_run_at_work(struct console *console, const struct snapshot *snapshot)
{
    if (console->arrived || !snapshot->run.present)
        return;
    console->arrived = true;
    if (!snapshot->run.alive)
        return;
    console->panes.focus = TABLE_STEPS;
    pane_follow(panes_focused(&console->panes), snapshot, true);
}

/*
 * "run 3 is done: 17 of 22 done, 4 skipped, left for later: release", "run 1 is failed at keys: …"
 */
static void S_say_ended(struct console *console, const struct snapshot *snapshot)
{
    const struct run_view *run = &snapshot->run;
    const struct step_view *step = snapshot_step(snapshot);
    bool well = str_is(run->state, "done") || str_is(run->state, "undone");
    bool over = well || str_is(run->state, "failed") || str_is(run->state, "stopped");
    struct buf steps = {0};
    table_defs[TABLE_STEPS].summary(snapshot, &steps);
    if (!over)
        console_say(
            console, MOOD_BAD,
            "run %lld gives no sign of life any more; what it has done stands, and the same "
            "command goes on",
            (long long)run->id);
    else
        console_say(console, well ? MOOD_GOOD : MOOD_WARN, "run %lld is %s%s%s: %s",
                    (long long)run->id, run->state, step && !well ? " at " : "",
                    step && !well ? step->name : "",
                    !well && run->trouble ? run->trouble : buf_text(&steps));
    buf_release(&steps);
}

/*
 * Whoever saw it at work shall not have to find out that it is over; what was checked before is
 * old.
 */
static void S_watch_run(struct console *console, const struct snapshot *snapshot)
{
    const struct run_view *run = &snapshot->run;
    bool at_work = run->present && run->alive;
    bool ended = !at_work && run->present && run->id == console->at_work;
    if (at_work || ended)
        console->at_work = at_work ? run->id : 0;
    if (!ended)
        return;
    console->wishes |= WISH_REFRESH;
    if (!console->sheet.open)
        S_say_ended(console, snapshot);
}

static void S_snapshot_fresh(void *ctx, const struct snapshot *snapshot)
{
    struct console *console = ctx;
    /* At once: the panes' rows are numbers of rows of the snapshot that goes now. */
    panes_refresh(&console->panes, snapshot);
    S_show_run_at_work(console, snapshot);
    S_watch_run(console, snapshot);
    verbline_watch(console);
    console->wishes |= WISH_REDRAW;
}

/* What was read may be of a database that has another one in its place now. */
void console_look_anew(struct console *console)
{
    sampler_free(console->sampler);
    log_choice_release(&console->log);
    console->sampler = sampler_new(console->loop, console->session, S_snapshot_fresh, console);
    panes_refresh(&console->panes, sampler_snapshot(console->sampler));
    console->wishes |= WISH_REDRAW;
}

/* ---- life ---- */

static bool S_open_screen(struct console *console, const struct console_options *options,
                          struct err *err)
{
    const struct screen_options screen = {.theme = options->theme,
                                          .ascii = options->ascii,
                                          .mouse = options->mouse,
                                          .offscreen = options->script != NULL,
                                          .lines = options->lines ? options->lines : 24,
                                          .cols = options->cols ? options->cols : 80};
    signals_open(console->loop, screen_abandon, S_signals_arrived, console);
    if (!screen_open(&screen, err)) {
        signals_close();
        return false;
    }
    if (options->script)
        return true;
    console->keyboard = loop_watch(console->loop, STDIN_FILENO, POLLIN, S_keyboard_ready, console);
    console->slow = loop_watch(console->loop, screen_behind_fd(), 0, S_terminal_takes, console);
    return true;
}

static void S_close(struct console *console)
{
    verbline_close(console);
    if (console->hearing)
        loop_cancel(console->hearing);
    sampler_free(console->sampler);
    loop_unwatch(console->keyboard);
    loop_unwatch(console->slow);
    screen_close();
    signals_close();
    panes_release(&console->panes);
    reader_close(&console->reader);
    prompt_close(&console->prompt);
    history_release(&console->searches);
    history_release(&console->filters);
    history_release(&console->commands);
    S_forget_message(console);
    free(console->wanted);
    log_choice_release(&console->log);
}

/* Somebody who leaves in the middle of a run shall not think that it ended with the console. */
static char *S_tell_run(const struct snapshot *snapshot)
{
    const struct run_view *run = &snapshot->run;
    return run->present && run->alive
               ? str_format("run %lld goes on without this console; 'tenantdeck attach' looks on",
                            (long long)run->id)
               : NULL;
}

static void S_recall(struct console *console)
{
    struct err trouble = {0};
    if (!memory_recall(&console->panes, &trouble))
        console_say(console, MOOD_WARN, "how the console was left is not known: %s", trouble.text);
}

/* Says why not; NULL: it is remembered. Nobody fails for that. */
static char *S_keep(const struct console *console)
{
    struct err trouble = {0};
    return memory_keep(&console->panes, &trouble)
               ? NULL
               : str_format("how the console was left is not remembered: %s", trouble.text);
}

bool console_run(struct loop *loop, struct session *session, const struct console_options *options,
                 struct err *err)
{
    struct console console = {.loop = loop,
                              .session = session,
                              .wishes = WISH_REDRAW,
                              .patience_ms = options->script ? 0 : PATIENCE_MS};
    bool ok = true;
    if (options->script && !script_begin(options->script, err))
        return false;
    if (!S_open_screen(&console, options, err))
        return false;
    panes_init(&console.panes,
               session->plan && session->plan->kind == PLAN_CACHE ? TABLE_CACHE : TABLE_TABLES);
    S_recall(&console);
    verbline_open(&console);
    console.sampler = sampler_new(loop, session, S_snapshot_fresh, &console);
    panes_arrange(&console.panes, sampler_snapshot(console.sampler));
    console_obey(&console);
    if (options->script)
        ok = script_run(&console, options->script, err);
    while (!options->script && !(console.wishes & WISH_LEAVE))
        console_turn(&console, -1);
    char *farewell = S_tell_run(sampler_snapshot(console.sampler));
    char *forgotten = S_keep(&console);
    S_close(&console);
    if (farewell)
        fprintf(stderr, "%s\n", farewell);
    if (forgotten)
        fprintf(stderr, "%s\n", forgotten);
    free(farewell);
    free(forgotten);
    return ok;
}
