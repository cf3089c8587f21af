/*
 * actions_mend: what keys do about steps that shall be taken back and checks that have failed. The
 * verbs do it, as on the command line; here it is only said which step or which finding is meant.
 */
#include "archive.h"
#include "console_state.h"

#include <stdlib.h>

static const char *S_step(const struct console *console)
{
    size_t row;
    return pane_row(&console->panes.panes[TABLE_STEPS], &row)
               ? sampler_snapshot(console->sampler)->steps[row].name
               : NULL;
}

static unsigned S_say(struct console *console, char *line)
{
    unsigned wishes = verbline_run(console, line);
    free(line);
    return wishes;
}

/* ---- taking back ---- */

const char *action_undo_barred(const struct console *console)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    if (snapshot->database.state != SERVER_UP)
        return "the database does not answer";
    return snapshot->run.present ? NULL : "nothing was run here yet, so nothing can be taken back";
}

/* b guides through all of it, B asks about what came after the step under the cursor. */
unsigned action_undo(struct console *console, int key)
{
    const char *step = S_step(console);
    if (key == 'b')
        return verbline_run(console, "rollback");
    return step ? S_say(console, str_format("rollback --to %s", step))
                : console_say(console, MOOD_WARN, "there is no step under the cursor");
}

/* ---- the guide of a rollback ---- */

const char *action_choose_barred(const struct console *console)
{
    return console->session->operator_mode ? NULL
                                           : "this console only looks; open it with --operator";
}

/* Which step, is to be said: the one under the cursor of Steps stands there already. */
static unsigned S_ask_step(struct console *console, const char *option)
{
    const char *step = S_step(console);
    char *line = str_format("rollback --%s=%s", option, step ? step : "");
    console->question = ASKS_COMMAND;
    prompt_open(&console->prompt, ":", line, &console->commands);
    free(line);
    return WISH_REDRAW;
}

static bool S_is_of(const char *directory, const struct archive_entry *entry, const char *database)
{
    struct archive archive = {0};
    struct err unused = {0};
    bool is_of = entry->finished && archive_read(directory, entry->name, &archive, &unused) &&
                 str_is(archive_text(&archive, "database"), database);
    archive_release(&archive);
    return is_of;
}

/* The newest of this database that was finished; NULL: there is none that could be found. */
static char *S_newest_backup(const struct console *console)
{
    struct archive_entry *entries = NULL;
    struct err unused = {0};
    char *directory = NULL, *name = NULL;
    char *database = pg_target_database(&console->session->database);
    size_t count = 0;
    if (archive_directory(NULL, &directory, &unused))
        archive_list(directory, &entries, &count, &unused);
    for (size_t i = count; i-- > 0 && !name;)
        if (S_is_of(directory, &entries[i], database))
            name = str_dup(entries[i].name);
    archive_list_free(entries, count);
    free(directory);
    free(database);
    return name;
}

/* Which backup, is to be seen before it is asked about, and can be another one. */
static unsigned S_ask_backup(struct console *console)
{
    char *name = S_newest_backup(console),
         *line = str_format("backup restore %s", name ? name : "");
    console->question = ASKS_COMMAND;
    prompt_open(&console->prompt, ":", line, &console->commands);
    if (!name)
        console->prompt.offers = str_dup("no backup is here: 'backup list' looks for them");
    free(line);
    free(name);
    return WISH_REDRAW;
}

unsigned action_choose(struct console *console, int key)
{
    if (key == 'R')
        return S_ask_backup(console);
    if (action_undo_barred(console))
        return console_say(console, MOOD_WARN, "%s", action_undo_barred(console));
    switch (key) {
    case 'a':
        return verbline_run(console, "rollback --all");
    case 't':
        return S_ask_step(console, "to");
    case 'o':
        return S_ask_step(console, "only");
    default:
        return verbline_run(console, "rollback --preserve-data");
    }
}

/* ---- mending ---- */

/* As one word of a line, whatever the database calls it. */
static char *S_quoted(const char *group, const char *subject)
{
    char *whole = subject ? str_format("%s:%s", group, subject) : str_dup(group);
    struct buf out = {0};
    buf_add_char(&out, '"');
    for (const char *c = whole; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_add_char(&out, '\\');
        buf_add_char(&out, *c);
    }
    buf_add_char(&out, '"');
    free(whole);
    return buf_take(&out);
}

static unsigned S_mend(struct console *console)
{
    const struct snapshot *snapshot = sampler_snapshot(console->sampler);
    size_t row;
    if (!pane_row(panes_focused(&console->panes), &row))
        return console_say(console, MOOD_WARN, "there is no check under the cursor");
    const struct check_view *check = check_of_row(snapshot, row);
    if (check && !check->run)
        return console_say(console, MOOD_WARN,
                           "the console asked that by itself: fix goes by what a validation found");
    if (check && check->verdict == VERDICT_PASS)
        return console_say(console, MOOD_WARN, "nothing is wrong with it");
    char *what =
        check ? S_quoted(check->group, check->subject) : S_quoted(snapshot->groups[row].name, NULL);
    char *line = str_format("fix %s", what);
    free(what);
    return S_say(console, line);
}

const char *action_mend_barred(const struct console *console)
{
    return sampler_snapshot(console->sampler)->database.state == SERVER_UP
               ? NULL
               : "the database does not answer";
}

/* v asks again, m and M mend one or all, e writes them into a file that is still to be named. */
unsigned action_mend(struct console *console, int key)
{
    switch (key) {
    case 'v':
        return verbline_run(console, "validate");
    case 'm':
        return S_mend(console);
    case 'M':
        return verbline_run(console, "fix");
    default:
        console->question = ASKS_COMMAND;
        prompt_open(&console->prompt, ":", "findings --output=", &console->commands);
        return WISH_REDRAW;
    }
}
