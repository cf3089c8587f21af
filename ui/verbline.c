/*
 * verbline: what becomes of a line that names a verb, typed after ':' or made by a key.
 *
 * It is checked by the table of verbs; one that changes something is asked about on the sheet,
 * whose text the verb itself writes in a child; and what was answered with Yes runs in a child,
 * too, with its output in the reader. A worker is launched by such a child and stays when it ends.
 */
#include "console_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- the verb at work ---- */

static void S_heard(void *ctx, const char *bytes, size_t length)
{
    struct console *console = ctx;
    if (console->child_as.steers) {
        buf_add_mem(&console->answer, bytes, length);
        return;
    }
    reader_add(&console->reader, bytes, length);
    console->wishes |= WISH_REDRAW;
}

/* The worker is at work: what it does is in the panes. */
static void S_show_run(struct console *console)
{
    char *said = str_dup(buf_text(&console->reader.text));
    said[strcspn(said, "\n;")] = '\0';
    console_say(console, MOOD_GOOD, "%s; the panes show it, and it goes on without this console",
                said);
    free(said);
    reader_close(&console->reader);
    console->panes.focus = TABLE_STEPS;
    pane_follow(panes_focused(&console->panes), sampler_snapshot(console->sampler), true);
    console->wishes |= WISH_REFRESH | WISH_REDRAW;
}

static char *S_tell_status(int status)
{
    return status < 0 ? str_format("ended by signal %d", -status) : str_format("exit %d", status);
}

/* One sentence: what the worker has answered, or why it has not. */
static void S_show_answer(struct console *console, int status)
{
    char *said = str_dup(buf_text(&console->answer));
    for (char *c = said; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    console_say(console, status == 0 ? MOOD_GOOD : MOOD_BAD, "%s", said);
    free(said);
    console->wishes |= WISH_REFRESH | WISH_REDRAW;
}

/* A verb that had the database for itself may have left another one in its place. */
static void S_forget_child(struct console *console)
{
    bool alone = console->child_as.alone != NULL;
    console->child = NULL;
    console->child_as = (struct manner){0};
    if (alone)
        console_look_anew(console);
}

static void S_ended(void *ctx, int status)
{
    struct console *console = ctx;
    const struct manner as = console->child_as;
    S_forget_child(console);
    if (as.steers) {
        S_show_answer(console, status);
        return;
    }
    reader_end(&console->reader);
    if (as.launches && status == 0) {
        S_show_run(console);
        return;
    }
    char *remark = S_tell_status(status);
    reader_remark(&console->reader,
                  status == 0   ? MOOD_GOOD
                  : status == 1 ? MOOD_WARN
                                : MOOD_BAD,
                  remark);
    free(remark);
    console->wishes |= console->child_changes ? WISH_REFRESH | WISH_REDRAW : WISH_REDRAW;
}

void verbline_end(struct console *console)
{
    if (!console->child)
        return;
    child_end(console->child);
    S_forget_child(console);
}

unsigned verbline_busy(struct console *console)
{
    return console_say(console, MOOD_WARN, "%s",
                       console->child_as.acts
                           ? "the verb still runs, and changes something; Ctrl-C ends it"
                           : "the verb still runs; Esc ends it");
}

/* Statements, and what a program shall read, are shown as they are. */
static bool S_is_verbatim(const struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (str_is(words->words[i], "sql") || str_is(words->words[i], "--dry-run") ||
            str_is(words->words[i], "--json"))
            return true;
    return false;
}

static unsigned S_start(struct console *console, const char *line, const struct manner *as)
{
    struct err err = {0};
    const struct child_ears ears = {.heard = S_heard, .ended = S_ended, .ctx = console};
    char *title = str_format(":%s", line);
    verbline_end(console);
    buf_clear(&console->answer);
    if (as->steers) {
        console_say(console, MOOD_ACTIVE, "%s: asked; the worker answers at its next pulse", line);
    } else {
        const struct words *words = &console->command.words;
        console->guides = words->count && str_is(words->words[0], "rollback");
        reader_open(&console->reader, title);
        console->reader.verbatim = S_is_verbatim(words);
        reader_remark(&console->reader, MOOD_ACTIVE, "running");
        console->reader.follows = as->follows;
    }
    if (as->alone)
        sampler_let_go(console->sampler, as->alone);
    console->child_as = *as;
    console->child = child_start(console->loop, command_work, &console->command, &ears, &err);
    free(title);
    if (console->child)
        return WISH_REDRAW;
    S_forget_child(console);
    return console_say(console, MOOD_BAD, "%s", err.text);
}

/* ---- the sheet's text ---- */

static void S_end_sheet(struct console *console)
{
    child_end(console->sheet_child);
    console->sheet_child = NULL;
    sheet_close(&console->sheet);
    free(console->asked);
    free(console->ground);
    console->asked = console->ground = NULL;
    console->has_ground = false;
}

static void S_outline_heard(void *ctx, const char *bytes, size_t length)
{
    struct console *console = ctx;
    sheet_add(&console->sheet, SHEET_OUTLINE, bytes, length);
    console->wishes |= WISH_REDRAW;
}

static void S_sql_heard(void *ctx, const char *bytes, size_t length)
{
    struct console *console = ctx;
    sheet_add(&console->sheet, SHEET_SQL, bytes, length);
    console->wishes |= WISH_REDRAW;
}

/* It can be answered by then: what it says is looked at by whoever wants to. */
static void S_sql_ended(void *ctx, int status)
{
    struct console *console = ctx;
    console->sheet_child = NULL;
    sheet_end(&console->sheet, SHEET_SQL);
    if (status != 0)
        reader_remark(&console->sheet.reader, MOOD_WARN, "not all of the SQL could be had");
    console->wishes |= WISH_REDRAW;
}

static bool S_write_side(struct console *console, enum command_part part,
                         const struct child_ears *ears, struct err *err)
{
    console->command.part = part;
    console->command.token = console->token;
    console->sheet_child = child_start(console->loop, command_work, &console->command, ears, err);
    console->command.part = COMMAND_RUN;
    return console->sheet_child != NULL;
}

static void S_outline_ended(void *ctx, int status)
{
    struct console *console = ctx;
    struct err ignored = {0};
    const struct child_ears ears = {.heard = S_sql_heard, .ended = S_sql_ended, .ctx = console};
    console->sheet_child = NULL;
    console->wishes |= WISH_REDRAW;
    sheet_end(&console->sheet, SHEET_OUTLINE);
    if (status != 0) {
        char *remark = S_tell_status(status);
        sheet_fail(&console->sheet, remark);
        free(remark);
        return;
    }
    sheet_ready(&console->sheet, console->token->warns);
    if (console->sheet.has_sql)
        S_write_side(console, COMMAND_SQL, &ears, &ignored);
}

/* ---- asking ---- */

/* What the answer is about: where it changes, it was given to another question. */
static char *S_tell_ground(const struct console *console)
{
    const struct server_view *database = &sampler_snapshot(console->sampler)->database;
    if (database->state != SERVER_UP)
        return NULL;
    return str_format("%s, role %s", database->where ? database->where : "",
                      database->role ? database->role : "");
}

static bool S_is_down(const struct console *console)
{
    return sampler_snapshot(console->sampler)->database.state == SERVER_DOWN;
}

static unsigned S_ask(struct console *console, const char *line,
                      const struct command_outlook *outlook)
{
    struct err err = {0};
    const struct child_ears ears = {
        .heard = S_outline_heard, .ended = S_outline_ended, .ctx = console};
    char *title = str_format("Before it begins: %s", line);
    S_end_sheet(console);
    *console->token = (struct run_token){0};
    console->asked = str_dup(line);
    console->has_ground = outlook->needs_database;
    console->ground = outlook->needs_database ? S_tell_ground(console) : NULL;
    if (outlook->needs_database && S_is_down(console)) {
        free(title);
        return verbline_refuse(console, "the database does not answer");
    }
    sheet_open(&console->sheet, &(struct sheet_plan){.title = title,
                                                     .question = outlook->question,
                                                     .name = outlook->name,
                                                     .has_text = outlook->tells,
                                                     .has_sql = outlook->tells && outlook->prints});
    free(title);
    if (outlook->tells && !S_write_side(console, COMMAND_TELL, &ears, &err))
        return verbline_refuse(console, err.text);
    return WISH_REDRAW;
}

static bool S_prepare(struct console *console, const char *line, struct command_outlook *outlook,
                      struct err *err)
{
    struct command *command = &console->command;
    words_release(&command->words);
    *command = (struct command){.session = console->session,
                                .width = layout_inside(console->layout.body, FRAME_ALL).width - 2,
                                .ascii = screen_is_ascii()};
    return words_split(line, &command->words, err) && command_check(command, outlook, err);
}

void verbline_open(struct console *console)
{
    void *page = mmap(NULL, sizeof(*console->token), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        die("a page of memory could not be had");
    console->token = page;
}

static unsigned S_say_refused(struct console *console, const struct err *err)
{
    return console_say(console, MOOD_BAD, "%s%s%s", err->text, *err->hint ? "; " : "", err->hint);
}

static unsigned S_run(struct console *console, const char *line, bool steers, bool asks)
{
    struct command_outlook outlook = {0};
    struct err err = {0};
    unsigned wishes;
    if (!S_prepare(console, line, &outlook, &err))
        return S_say_refused(console, &err);
    const struct manner as = {.acts = outlook.acts && !steers,
                              .launches = outlook.launches,
                              .follows = outlook.follows || outlook.acts,
                              .steers = steers,
                              .alone = outlook.alone};
    console->command.yes = outlook.question && !asks;
    console->asked_as = as;
    wishes =
        outlook.question && asks ? S_ask(console, line, &outlook) : S_start(console, line, &as);
    command_outlook_release(&outlook);
    return wishes;
}

unsigned verbline_run(struct console *console, const char *line)
{
    if (console->child && console->child_as.acts)
        return verbline_busy(console);
    return S_run(console, line, false, true);
}

unsigned verbline_steer(struct console *console, const char *line, bool asks)
{
    /* Before the child of the last verb goes: what it says then is not an answer to this one. */
    verbline_end(console);
    return S_run(console, line, true, asks);
}

/* ---- the answer ---- */

unsigned verbline_refuse(struct console *console, const char *why)
{
    /* `why` may be the sheet's. */
    unsigned wishes = console_say(console, MOOD_WARN, "nothing was done: %s", why);
    S_end_sheet(console);
    return wishes;
}

static unsigned S_begin(struct console *console)
{
    console->child_changes = true;
    char *line = console->asked, *name = console->sheet.name;
    bool told = console->sheet.has_text;
    console->asked = console->sheet.name = NULL;
    S_end_sheet(console);
    console->command.yes = !name;
    console->command.confirmed = name;
    console->command.token = told ? console->token : NULL;
    unsigned wishes = S_start(console, line, &console->asked_as);
    console->command.confirmed = NULL;
    free(name);
    free(line);
    return wishes;
}

unsigned verbline_hear(struct console *console, int key, bool by_hand)
{
    const char *why;
    switch (sheet_key(&console->sheet, key, by_hand, &why)) {
    case SHEET_STAYS:
        return WISH_REDRAW;
    case SHEET_YES:
        return S_begin(console);
    case SHEET_NO:
        break;
    }
    /* It could not have been answered: its own text has said why. */
    if (console->sheet.failed) {
        S_end_sheet(console);
        return WISH_REDRAW;
    }
    console->swallows = true;
    return verbline_refuse(console, why);
}

void verbline_watch(struct console *console)
{
    if (!console->has_ground)
        return;
    char *ground = S_tell_ground(console);
    if (console->ground ? !ground : S_is_down(console))
        verbline_refuse(console, "the database does not answer any more");
    else if (console->ground && !str_is(ground, console->ground))
        verbline_refuse(console, "the database is another one now, or the role is");
    else if (!console->ground)
        console->ground = str_dup(ground);
    free(ground);
}

void verbline_close(struct console *console)
{
    verbline_end(console);
    S_end_sheet(console);
    words_release(&console->command.words);
    buf_release(&console->answer);
    munmap(console->token, sizeof(*console->token));
}
