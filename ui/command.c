/* command: see command.h. */
#include "command.h"

#include "options.h"
#include "secret.h"
#include "verb.h"

#include <stdlib.h>
#include <string.h>

/* ---- running ---- */

/* getopt moves the words about, so it gets its own array of them. */
static bool S_read_options(const struct command *command, char ***argv, struct options *out,
                           struct err *err)
{
    size_t count = command->words.count;
    *argv = mem_array(count + 2, sizeof(**argv));
    (*argv)[0] = (char *)"tenantdeck";
    if (count)
        memcpy(*argv + 1, command->words.words, count * sizeof(**argv));
    return options_read((int)count + 1, *argv, out, err);
}

static size_t S_option_index(const struct verb *verb, const char *name)
{
    size_t i = 0;
    while (i < VERB_OPTIONS && verb->options[i].name && !str_is(verb->options[i].name, name))
        i++;
    return i < VERB_OPTIONS && verb->options[i].name ? i : VERB_OPTIONS;
}

/*
 * The panes follow a run better than the text of a verb could, so nothing here waits for its end.
 */
static bool S_detach(struct verb_call *call)
{
    size_t detach = S_option_index(call->verb, "detach");
    if (detach == VERB_OPTIONS || verb_call_effect(call) == READS)
        return false;
    call->option_values[detach] = "";
    return true;
}

/* What decides which servers and which plan are meant was decided when the console was opened. */
static bool S_check_common(const struct options *options, struct err *err)
{
    static const char *const allowed[] = {"json", "yes", "ascii"};
    for (size_t i = 0; i < common_option_count; i++) {
        const char *name = common_options[i].name;
        bool fine = !options_value(options, name);
        for (size_t j = 0; j < ARRAY_LEN(allowed); j++)
            fine |= str_is(allowed[j], name);
        if (!fine) {
            err_set(err, ERR_USAGE,
                    "'--%s' cannot be given here: the console was opened without it", name);
            return err_hint(err, "leave the console and give it on the command line");
        }
    }
    return true;
}

static bool S_prepare(const struct command *command, const struct options *options,
                      struct verb_call *call, struct err *err)
{
    size_t used;
    const struct verb *verb = verb_find(options->words, options->word_count, &used, err);
    if (!verb || !S_check_common(options, err))
        return false;
    *call = (struct verb_call){.verb = verb,
                               .session = command->session,
                               .args = options->words + used,
                               .arg_count = options->word_count - used,
                               .width = command->width,
                               .ascii = command->ascii,
                               .json = options_value(options, "json"),
                               .yes = command->yes || options_value(options, "yes")};
    call->confirmed = command->confirmed;
    return options_for_verb(options, verb, NULL, call, err) && verb_allowed(call, err);
}

/*
 * "run the plan's steps on this database in mentoring@db1? …"; what a sheet says is not said again.
 */
static char *S_tell_question(const struct verb_call *call, bool launches)
{
    struct buf text = {0};
    const struct verb *verb = call->verb;
    size_t window = S_option_index(verb, "window"), dry = S_option_index(verb, "dry-run");
    bool destructive = verb_call_effect(call) == DESTRUCTIVE;
    char *where = verb_place(call);
    buf_format(&text, "%s in %s%s", verb->question, where,
               destructive ? "; to go on, type its name" : "?");
    if (!verb->tell && launches && window < VERB_OPTIONS)
        buf_add(&text, call->option_values[window]
                           ? " With --window: tables are locked and rewritten."
                           : " Beside the application, with short locks.");
    if (!verb->tell && launches && dry < VERB_OPTIONS)
        buf_add(&text, " --dry-run prints each statement, 'rollback' takes it back.");
    free(where);
    return buf_take(&text);
}

static void S_look_ahead(const struct verb_call *call, struct command_outlook *out)
{
    enum verb_effect effect = verb_call_effect(call);
    out->acts = effect != READS;
    out->alone = call->verb->alone && out->acts ? call->verb->name : NULL;
    if (effect == READS || (effect == REVERSIBLE && call->yes))
        return;
    out->question = S_tell_question(call, out->launches);
    out->name = effect == DESTRUCTIVE ? verb_confirmation(call) : NULL;
    out->tells = call->verb->tell != NULL;
    out->prints = S_option_index(call->verb, "dry-run") < VERB_OPTIONS && !verb_is_of_redis(call);
    /* One that wants the database for itself asks the server from beside it. */
    out->needs_database =
        (call->verb->needs & NEEDS_DATABASE) && !verb_is_of_redis(call) && !call->verb->alone;
}

bool command_check(const struct command *command, struct command_outlook *out, struct err *err)
{
    char **argv = NULL;
    struct options options = {0};
    struct verb_call call;
    *out = (struct command_outlook){0};
    bool ok =
        S_read_options(command, &argv, &options, err) && S_prepare(command, &options, &call, err);
    if (ok) {
        out->launches = S_detach(&call) && !call.json;
        size_t follow = S_option_index(call.verb, "follow");
        out->follows = follow < VERB_OPTIONS && call.option_values[follow];
        S_look_ahead(&call, out);
    }
    options_release(&options);
    free(argv);
    return ok;
}

void command_outlook_release(struct command_outlook *outlook)
{
    free(outlook->question);
    free(outlook->name);
    *outlook = (struct command_outlook){0};
}

static bool S_do_part(const struct command *command, struct verb_call *call, struct err *err)
{
    enum command_part part = command->part;
    if (part == COMMAND_TELL)
        return verb_tell(call, command->token, err);
    if (part == COMMAND_SQL)
        call->option_values[S_option_index(call->verb, "dry-run")] = "";
    else {
        S_detach(call);
        call->token = command->token;
    }
    return verb_run(call, err);
}

/* What was typed stands in many a sentence, and may hold a password. */
static void S_report(FILE *out, const char *label, const char *raw)
{
    char *masked = secret_masked(raw);
    fprintf(out, "%s%s\n", label, masked);
    free(masked);
}

int command_work(void *ctx, FILE *out)
{
    const struct command *command = ctx;
    char **argv = NULL;
    struct options options = {0};
    struct verb_call call;
    struct err err = {0};
    bool ok =
        S_read_options(command, &argv, &options, &err) && S_prepare(command, &options, &call, &err);
    if (ok) {
        call.out = out;
        call.loop = loop_new();
        ok = S_do_part(command, &call, &err);
    }
    if (!ok) {
        S_report(out, "", err.text);
        if (*err.hint)
            S_report(out, "  hint: ", err.hint);
    }
    /* The process ends here, so nothing is put away. */
    return !ok ? err_exit_code(err.kind) : call.findings ? 1 : 0;
}

/* ---- completing ---- */

struct candidates {
    struct buf common; /* what all of them begin with */
    struct buf offers;
    size_t count;
};

static void S_offer(struct candidates *candidates, const char *name, const char *prefix)
{
    if (!str_starts(name, prefix))
        return;
    if (candidates->count++ == 0) {
        buf_add(&candidates->common, name);
    } else {
        size_t same = 0;
        const char *common = buf_text(&candidates->common);
        while (common[same] && common[same] == name[same])
            same++;
        candidates->common.text[same] = '\0';
        candidates->common.len = same;
        buf_add(&candidates->offers, "  ");
    }
    buf_add(&candidates->offers, name);
}

static void S_offer_verbs(struct candidates *candidates, const char *prefix)
{
    for (size_t i = 0; i < verb_count(); i++)
        if (verb_at(i)->run)
            S_offer(candidates, verb_at(i)->name, prefix);
}

static void S_offer_options(struct candidates *candidates, const char *text, const char *prefix)
{
    struct words words;
    struct err err = {0};
    size_t used;
    if (!words_split(text, &words, &err))
        return;
    const struct verb *verb = verb_find((const char *const *)words.words, words.count, &used, &err);
    for (size_t i = 0; verb && i < VERB_OPTIONS && verb->options[i].name; i++)
        S_offer(candidates, verb->options[i].name, prefix);
    if (verb && verb->json)
        S_offer(candidates, "json", prefix);
    words_release(&words);
}

void command_complete(const char *text, char **line, char **offers)
{
    struct candidates candidates = {0};
    const char *blank = strrchr(text, ' '), *last = blank ? blank + 1 : text;
    size_t kept = 0;
    text += strspn(text, " ");
    if (str_starts(last, "--")) {
        S_offer_options(&candidates, text, last + 2);
        kept = (size_t)(last + 2 - text);
    } else {
        S_offer_verbs(&candidates, text);
    }
    *line = candidates.count ? str_format("%.*s%s%s", (int)kept, text, buf_text(&candidates.common),
                                          candidates.count == 1 ? " " : "")
                             : str_dup(text);
    *offers = candidates.count == 1 ? str_dup("") : buf_take(&candidates.offers);
    buf_release(&candidates.common);
    buf_release(&candidates.offers);
}
