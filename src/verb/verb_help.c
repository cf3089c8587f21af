/*
 * verb_help: see verb_help.h; and the verbs help, completion bash and sql, which need no server.
 *
 * Nothing is said here that the table does not say, but the examples.
 */
#include "verb_help.h"

#include "sql.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

enum { HELP_WIDTH = 80, NAME_WIDTH = 27 };

static const char *const S_examples[][2] = {
    {"tenantdeck demo", "look around on private servers"},
    {"tenantdeck -d mentoring -p mentoring", "open the console, read-only"},
    {"tenantdeck --deck prod.conf status", "where does every table stand"},
    {"tenantdeck -p mentoring plan check --json", "for a script: exit 1 on a FAIL"},
    {"tenantdeck -p mentoring migrate --dry-run", "what would run; nothing changes"},
    {"tenantdeck log -f", "watch from a second window"},
};

/* ---- wrapped text ---- */

void help_wrap(FILE *out, const char *text, int at, int indent, int width)
{
    bool first = true;
    if (width <= 0)
        width = HELP_WIDTH;
    while (*text) {
        size_t len = strcspn(text, " \n");
        if (!first && at + 1 + (int)len > width) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", (int)len, text);
        at += (int)len + !first;
        first = false;
        text += len;
        if (strncmp(text, "\n\n", 2) == 0) {
            fprintf(out, "\n\n%*s", indent, "");
            at = indent;
            first = true;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

/* Lines that are longer than this are hard to read, however wide the terminal is. */
static int S_fit(int width)
{
    return width > 0 && width < HELP_WIDTH ? width : HELP_WIDTH;
}

/* "  name            what it is", the name on a line of its own when it is too long. */
static void S_row(FILE *out, int width, const char *name, const char *note)
{
    int used = fprintf(out, "  %s", name);
    if (used > NAME_WIDTH - 2) {
        fputc('\n', out);
        used = 0;
    }
    fprintf(out, "%*s", NAME_WIDTH - used, "");
    help_wrap(out, note, NAME_WIDTH, NAME_WIDTH, width);
}

static void S_option_row(FILE *out, int width, const struct verb_option *option)
{
    char letter[8] = "    ";
    if (option->letter)
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    char *name =
        str_format("%s--%s%s%s", letter, option->name,
                   option->arg && *option->arg != '[' ? "=" : "", option->arg ? option->arg : "");
    S_row(out, width, name, option->note);
    free(name);
}

/* ---- help ---- */

/* A group may stand in several places of the table, and is told in one. */
static bool S_begins_group(size_t verb)
{
    for (size_t i = 0; i < verb; i++)
        if (str_is(verb_at(i)->group, verb_at(verb)->group))
            return false;
    return true;
}

static void S_verb_rows(FILE *out, int width)
{
    for (size_t g = 0; g < verb_count(); g++) {
        if (!S_begins_group(g))
            continue;
        fprintf(out, "\n%s\n", verb_at(g)->group);
        for (size_t i = g; i < verb_count(); i++) {
            if (!str_is(verb_at(i)->group, verb_at(g)->group))
                continue;
            char *name = str_format("%s%s%s", verb_at(i)->name, *verb_at(i)->args ? " " : "",
                                    verb_at(i)->args);
            S_row(out, width, name, verb_at(i)->summary);
            free(name);
        }
    }
}

void help_overview(FILE *out, int width)
{
    width = S_fit(width);
    fprintf(out, "usage: tenantdeck [OPTION...] [VERB ...]\n\n");
    help_wrap(
        out,
        "Takes a live PostgreSQL and Redis system from single-tenant to multi-tenant, and shows "
        "at every moment where every table stands. Without a verb it opens the console.",
        0, 0, width);
    S_verb_rows(out, width);
    fprintf(out, "\nOptions, before or after the verb\n");
    for (size_t i = 0; i < common_option_count; i++)
        S_option_row(out, width, &common_options[i]);
    fprintf(out, "\nExamples\n");
    for (size_t i = 0; i < ARRAY_LEN(S_examples); i++)
        fprintf(out, "  %-42s %s\n", S_examples[i][0], S_examples[i][1]);
    fputc('\n', out);
    help_wrap(
        out,
        "Exit status: 0 done, 1 findings or failure, 2 usage, 3 connection, 4 refused, 5 held by "
        "another. 'tenantdeck help VERB' tells more; so does tenantdeck(1).",
        0, 0, width);
}

static bool S_has_options(const struct verb *verb)
{
    return verb->options[0].name != NULL;
}

void help_verb(FILE *out, const struct verb *verb, int width)
{
    width = S_fit(width);
    fprintf(out, "usage: tenantdeck %s%s%s%s\n\n", verb->name, *verb->args ? " " : "", verb->args,
            S_has_options(verb) ? " [OPTION...]" : "");
    help_wrap(out, verb->manual, 0, 0, width);
    if (S_has_options(verb))
        fprintf(out, "\nOptions of this verb\n");
    for (size_t i = 0; i < VERB_OPTIONS && verb->options[i].name; i++)
        S_option_row(out, width, &verb->options[i]);
    fputc('\n', out);
    if (verb->effect == REVERSIBLE)
        help_wrap(out,
                  "It changes something that can be taken back, so it asks first; --yes answers.",
                  0, 0, width);
    else if (verb->effect == DESTRUCTIVE)
        help_wrap(
            out,
            (verb->needs & (NEEDS_REDIS | NEEDS_DATABASE)) == NEEDS_REDIS
                ? "It asks for Redis's name to be typed, HOST:PORT/DB as the banner has it; "
                  "without "
                  "a terminal, --confirm=NAME says it. --yes is no answer."
                : "It asks for the database's name to be typed; without a terminal, --confirm=NAME "
                  "says it. --yes is no answer.",
            0, 0, width);
    else if (verb->run)
        help_wrap(out, "It changes nothing.", 0, 0, width);
    if (verb->needs & NEEDS_SERVER)
        help_wrap(out, "It needs a database (-d), or Redis (-r) under a plan of kind cache.", 0, 0,
                  width);
    if (verb->needs & NEEDS_DATABASE)
        help_wrap(out, "It needs a database (-d).", 0, 0, width);
    if (verb->needs & NEEDS_REDIS)
        help_wrap(out, "It needs Redis (-r).", 0, 0, width);
    if (verb->needs & NEEDS_PLAN)
        help_wrap(out, "It needs a plan (-p).", 0, 0, width);
    if (verb->json)
        help_wrap(out, "It answers --json.", 0, 0, width);
}

bool verb_help(struct verb_call *call, struct err *err)
{
    size_t used;
    if (verb_option(call, "man")) {
        help_man(call->out);
        return true;
    }
    if (!call->arg_count) {
        help_overview(call->out, call->width);
        return true;
    }
    const struct verb *verb = verb_find(call->args, call->arg_count, &used, err);
    if (!verb)
        return false;
    if (used < call->arg_count)
        return err_set(err, ERR_USAGE, "'%s' is no word of '%s'", call->args[used], verb->name);
    help_verb(call->out, verb, call->width);
    return true;
}

/* ---- the manual ---- */

/* roff takes a leading dot or quote for a command, '\' for an escape and '-' for a hyphen. */
static void S_roff(FILE *out, const char *text)
{
    bool line_start = true;
    for (const char *c = text; *c; c++) {
        if (line_start && (*c == '.' || *c == '\''))
            fputs("\\&", out);
        if (strncmp(c, "\n\n", 2) == 0)
            fputs("\n.IP", out);
        else if (*c == '\\')
            fputs("\\e", out);
        else if (*c == '-')
            fputs("\\-", out);
        else if (*c == '~')
            fputs("\\(ti", out);
        else
            fputc(*c, out);
        line_start = *c == '\n';
    }
}

static void S_man_option(FILE *out, const struct verb_option *option)
{
    fprintf(out, ".TP\n");
    if (option->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    fprintf(out, "\\fB\\-\\-");
    S_roff(out, option->name);
    fprintf(out, "\\fR");
    if (option->arg && *option->arg == '[')
        fprintf(out, "%s", option->arg);
    else if (option->arg)
        fprintf(out, "=\\fI%s\\fR", option->arg);
    fputc('\n', out);
    S_roff(out, option->note);
    fputc('\n', out);
}

static void S_man_verb(FILE *out, const struct verb *verb)
{
    fprintf(out, ".TP\n\\fB%s\\fR%s\\fI%s\\fR\n", verb->name, *verb->args ? " " : "", verb->args);
    S_roff(out, verb->manual);
    fputc('\n', out);
    if (!S_has_options(verb))
        return;
    fprintf(out, ".RS\n");
    for (size_t i = 0; i < VERB_OPTIONS && verb->options[i].name; i++)
        S_man_option(out, &verb->options[i]);
    fprintf(out, ".RE\n");
}

void help_man(FILE *out)
{
    fprintf(out, ".SH VERBS\n");
    for (size_t g = 0; g < verb_count(); g++) {
        if (!S_begins_group(g))
            continue;
        fprintf(out, ".SS %s\n", verb_at(g)->group);
        for (size_t i = g; i < verb_count(); i++)
            if (str_is(verb_at(i)->group, verb_at(g)->group))
                S_man_verb(out, verb_at(i));
    }
    fprintf(out, ".SH OPTIONS\nOptions may stand before or after the verb.\n");
    for (size_t i = 0; i < common_option_count; i++)
        S_man_option(out, &common_options[i]);
}

/* ---- completion ---- */

static void S_option_words(FILE *out, const struct verb_option *options, size_t count)
{
    for (size_t i = 0; i < count && options[i].name; i++)
        fprintf(out, " --%s%s", options[i].name, options[i].arg ? "=" : "");
}

static void S_next_words(FILE *out, const char *first)
{
    size_t len = strlen(first);
    for (size_t i = 0; i < verb_count(); i++)
        if (str_starts(verb_at(i)->name, first) && verb_at(i)->name[len] == ' ')
            fprintf(out, " %s", verb_at(i)->name + len + 1);
}

/* The n-th different first word of the verbs, NULL after the last; yours. */
static char *S_first_word(size_t n)
{
    for (size_t i = 0; i < verb_count(); i++) {
        size_t len = strcspn(verb_at(i)->name, " ");
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = strcspn(verb_at(j)->name, " ") == len &&
                   strncmp(verb_at(j)->name, verb_at(i)->name, len) == 0;
        if (!seen && n-- == 0)
            return str_ndup(verb_at(i)->name, len);
    }
    return NULL;
}

static void S_first_words(FILE *out)
{
    char *word;
    for (size_t n = 0; (word = S_first_word(n)) != NULL; n++) {
        fprintf(out, " %s", word);
        free(word);
    }
}

static void S_cases(FILE *out)
{
    char *word;
    for (size_t n = 0; (word = S_first_word(n)) != NULL; n++) {
        fprintf(out, "    %s) words=\"", word);
        S_next_words(out, word);
        if (str_is(word, "help") || str_is(word, "demo"))
            S_first_words(out); /* a verb follows these two */
        for (size_t i = 0; i < verb_count(); i++) {
            size_t len = strlen(word);
            if (str_starts(verb_at(i)->name, word) && strchr(" ", verb_at(i)->name[len]))
                S_option_words(out, verb_at(i)->options, VERB_OPTIONS);
        }
        fprintf(out, "\" ;;\n");
        free(word);
    }
}

void help_completion(FILE *out)
{
    fprintf(out, "# bash completion for tenantdeck; printed by 'tenantdeck completion bash'\n"
                 "_tenantdeck()\n{\n"
                 "    local current=${COMP_WORDS[COMP_CWORD]} verb= words= i\n"
                 "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                 "        case ${COMP_WORDS[i]} in\n"
                 "        -d | -r | -p | -n) ((i++)) ;;\n"
                 "        -* | =) ;;\n"
                 "        *) verb=${COMP_WORDS[i]}; break ;;\n"
                 "        esac\n"
                 "    done\n"
                 "    case $verb in\n"
                 "    '') words=\"");
    S_first_words(out);
    fprintf(out, "\" ;;\n");
    S_cases(out);
    fprintf(out, "    esac\n    words+=\"");
    S_option_words(out, common_options, common_option_count);
    fprintf(out, "\"\n"
                 "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                 "    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
                 "}\n"
                 "complete -o default -F _tenantdeck tenantdeck\n");
}

bool verb_completion_bash(struct verb_call *call, struct err *err)
{
    (void)err;
    help_completion(call->out);
    return true;
}

/* ---- sql ---- */

static json_t *S_sql_json(const struct sql_statement *statement, bool with_text)
{
    json_t *object = json_pack("{s:s, s:s, s:i, s:s}", "name", statement->name, "file",
                               statement->file, "line", statement->line, "note", statement->note);
    if (with_text)
        json_object_set_new(object, "text", json_string(statement->text));
    return object;
}

static void S_list_sql(const struct verb_call *call)
{
    for (size_t i = 0; i < sql_statement_count; i++) {
        const struct sql_statement *s = &sql_statements[i];
        fprintf(call->out, "%s%s  (%s:%d)\n    ", i ? "\n" : "", s->name, s->file, s->line);
        help_wrap(call->out, s->note, 4, 4, S_fit(call->width));
    }
}

static void S_print_sql(const struct verb_call *call, const struct sql_statement *statement)
{
    fprintf(call->out, "-- name: %s\n", statement->name);
    for (const char *line = statement->note; *line;) {
        size_t len = strcspn(line, "\n");
        fprintf(call->out, "-- %.*s\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
    fprintf(call->out, "%s%s", statement->text, str_ends(statement->text, "\n") ? "" : "\n");
}

static bool S_one_sql(struct verb_call *call, struct err *err)
{
    const struct sql_statement *statement = sql_find(call->args[0]);
    if (!statement) {
        err_set(err, ERR_USAGE, "there is no statement '%s'", call->args[0]);
        return err_hint(err, "'tenantdeck sql' lists them all");
    }
    if (call->json)
        verb_answer(call, json_pack("{s:o}", "statement", S_sql_json(statement, true)));
    else
        S_print_sql(call, statement);
    return true;
}

bool verb_sql(struct verb_call *call, struct err *err)
{
    if (call->arg_count)
        return S_one_sql(call, err);
    if (!call->json) {
        S_list_sql(call);
        return true;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < sql_statement_count; i++)
        json_array_append_new(list, S_sql_json(&sql_statements[i], false));
    verb_answer(call, json_pack("{s:o}", "statements", list));
    return true;
}
