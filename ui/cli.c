/* cli: see cli.h. */
#include "cli.h"

#include "askpass.h"
#include "console.h"
#include "deck.h"
#include "demo.h"
#include "options.h"
#include "plan_hash.h"
#include "secret.h"
#include "verb_help.h"
#include "verbs.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct cli {
    struct options options;
    struct session_options wanted;
    struct loop *loop;
    struct demo *demo;
    char *demo_deck;
    bool json, findings;
    bool says_yes; /* the demo shows everything, and asks nobody */
};

static bool S_given(const struct cli *cli, const char *option)
{
    return options_value(&cli->options, option) != NULL;
}

/* ---- the terminal ---- */

static bool S_has_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* What reads a pipe has no width, so nothing is cut for it unless COLUMNS says so. */
static int S_width(void)
{
    enum { LEAST = 20, MOST = 1000, OF_A_TERMINAL = 80 };
    struct winsize size;
    int64_t columns;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= LEAST)
        return size.ws_col;
    if (str_to_int(getenv("COLUMNS"), &columns) && columns >= LEAST && columns <= MOST)
        return (int)columns;
    return isatty(STDOUT_FILENO) ? OF_A_TERMINAL : 0;
}

static bool S_is_ascii(const struct cli *cli)
{
    return S_given(cli, "ascii") || !str_is(nl_langinfo(CODESET), "UTF-8");
}

/* ---- what is said ---- */

/* Servers send several lines at times; the later ones are indented. */
static void S_complain(const char *start, const char *text)
{
    struct buf clean = {0};
    text_clean_lines(&clean, text, strlen(text));
    fputs(start, stderr);
    for (const char *line = buf_text(&clean); *line;) {
        size_t len = strcspn(line, "\n");
        fprintf(stderr, "%.*s\n", (int)len, line);
        line += len + strspn(line + len, "\n ");
        fputs(*line ? "    " : "", stderr);
    }
    buf_release(&clean);
}

static void S_report_json(const struct err *err)
{
    json_t *error =
        json_pack("{s:s, s:o, s:o, s:o}", "kind", err_kind_name(err->kind), "message",
                  verb_json_text(err->text), "hint", verb_json_text(*err->hint ? err->hint : NULL),
                  "sqlstate", verb_json_text(*err->sqlstate ? err->sqlstate : NULL));
    json_t *answer = json_pack("{s:b, s:o}", "ok", false, "error", error);
    json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    fputc('\n', stdout);
    json_decref(answer);
}

/* What was typed stands in many a sentence, and may hold a password. */
static void S_mask(char *text, size_t size)
{
    char *masked = secret_masked(text);
    snprintf(text, size, "%s", masked);
    free(masked);
}

static int S_report(const struct err *err, bool json)
{
    struct err shown = *err;
    S_mask(shown.text, sizeof(shown.text));
    S_mask(shown.hint, sizeof(shown.hint));
    if (json) {
        S_report_json(&shown);
    } else {
        fflush(stdout); /* so that a shared terminal shows both in their order */
        S_complain("tenantdeck: ", shown.text);
        if (*shown.hint)
            S_complain("  hint: ", shown.hint);
    }
    return err_exit_code(err->kind);
}

/* --verbose: what is sent is itself valid SQL, so that it can be copied out. */
static void S_trace(void *ctx, const char *purpose, const char *sql, double ms,
                    const struct err *err)
{
    (void)ctx;
    struct buf text = {0};
    text_clean_lines(&text, sql, strlen(sql));
    fprintf(stderr, "-- %s, %.1f ms%s\n%s\n", purpose, ms, err ? ", failed" : "", buf_text(&text));
    if (err)
        S_complain("-- ", err->text);
    buf_release(&text);
}

static void S_warn_of_secret(void)
{
    fprintf(stderr, "tenantdeck: a password on the command line is visible to everybody on this "
                    "host for a moment\n"
                    "  hint: keep it in ~/.pgpass, a service file, a deck, or PGPASSWORD\n");
}

/* ---- one verb ---- */

static bool S_open_session(struct cli *cli, const struct verb *verb, struct session *out,
                           struct err *err)
{
    if (verb->needs)
        return session_open(&cli->wanted, verb->needs & NEEDS_PLAN, out, err);
    return session_open_names(&cli->wanted, out, err);
}

/* The name that is typed is kept by the caller: the call only borrows it. */
static bool S_ask_name(struct verb_call *call, char **typed, struct err *err)
{
    bool told = call->confirmed && *call->confirmed;
    if (told || !ask_possible())
        return true; /* the guards of the verb judge it, or say that it is missing */
    char *where = verb_place(call);
    const char *warns = call->token ? call->token->warns : "";
    char *question = str_format("%s%s%s in %s; to go on, type the name of the %s: ", warns,
                                *warns ? ": " : "", call->verb->question, where,
                                verb_is_of_redis(call) ? "Redis as it stands here" : "database");
    *typed = ask_line(question);
    call->confirmed = *typed;
    free(question);
    free(where);
    return (*typed && **typed) || err_set(err, ERR_REFUSED, "nothing was done: no name was typed");
}

static bool S_ask_leave(struct verb_call *call, struct err *err)
{
    if (call->yes || !ask_possible())
        return true;
    char *where = verb_place(call);
    char *question = str_format("%s in %s? y/N ", call->verb->question, where);
    call->yes = ask_yes(question);
    free(question);
    free(where);
    return call->yes || err_set(err, ERR_REFUSED, "nothing was done: the answer was not y");
}

/* Who has said yes already is not told what the question is about. */
static bool S_shall_tell(const struct verb_call *call, enum verb_effect effect)
{
    if (effect == READS || !call->verb->tell)
        return false;
    return effect == DESTRUCTIVE || !call->yes;
}

static bool S_run_call(struct verb_call *call, struct err *err)
{
    /* A verb that somebody typed out is its own leave; --operator is for the keys of a console. */
    call->session->operator_mode |= verb_call_effect(call) != READS;
    struct run_token token = {0};
    char *typed = NULL;
    enum verb_effect effect = verb_call_effect(call);
    bool ok =
        verb_allowed(call, err) && (!S_shall_tell(call, effect) || verb_tell(call, &token, err));
    if (ok && effect == REVERSIBLE)
        ok = S_ask_leave(call, err);
    else if (ok && effect == DESTRUCTIVE)
        ok = S_ask_name(call, &typed, err);
    ok = ok && verb_run(call, err);
    call->confirmed = NULL;
    call->token = NULL;
    free(typed);
    if (!ok)
        return false;
    if (fflush(stdout) != 0 || ferror(stdout))
        return err_set(err, ERR_FAILED, "the output could not be written");
    return true;
}

static bool S_run_verb(struct cli *cli, const struct verb *verb, const struct verb *outer,
                       const char *const *args, size_t count, struct err *err)
{
    struct session session = {0};
    struct verb_call call = {.verb = verb,
                             .loop = cli->loop,
                             .session = &session,
                             .args = args,
                             .arg_count = count,
                             .out = stdout,
                             .width = S_width(),
                             .ascii = S_is_ascii(cli),
                             .json = cli->json,
                             .yes = S_given(cli, "yes") || cli->says_yes,
                             .confirmed = options_value(&cli->options, "confirm"),
                             .ask = ask_possible() ? ask_secret : NULL};
    if (!options_for_verb(&cli->options, verb, outer, &call, err) ||
        !S_open_session(cli, verb, &session, err))
        return false;
    bool ok = S_run_call(&call, err);
    cli->findings |= call.findings;
    session_release(&session);
    return ok;
}

/* ---- the console ---- */

static bool S_read_size(const struct cli *cli, struct console_options *out, struct err *err)
{
    const char *size = options_value(&cli->options, "size");
    char tail;
    if (!size)
        return true;
    if (sscanf(size, "%dx%d%c", &out->cols, &out->lines, &tail) != 2 || out->cols < 20 ||
        out->cols > 1000 || out->lines < 5 || out->lines > 1000)
        return err_set(err, ERR_USAGE, "'--size' wants COLSxLINES, as in 80x24, not '%s'", size);
    return true;
}

/*
 * A server that wants a password must be asked for it before the screen is taken. One that is away
 * is no reason to stay out: the console shows that, and tries again.
 */
static bool S_unlock(struct cli *cli, struct session *session, bool may_ask, struct err *err)
{
    struct pg_options options = {.purpose = "console", .read_only = true};
    struct err trouble = {0};
    const char *known = session->database.password;
    struct pg *pg;
    if (!may_ask || !session->has_database)
        return true;
    if (session_connect(session, cli->loop, &options, ask_secret, NULL, &pg, &trouble)) {
        pg_free(pg);
        return true;
    }
    if (trouble.kind == ERR_LOST && session->database.password == known)
        return true;
    *err = trouble;
    return false;
}

/* NO_COLOR and --mono are about colours alone; else the command line wins over the deck. */
static bool S_read_theme(const struct cli *cli, const struct session *session, enum theme *out,
                         struct err *err)
{
    const char *no_color = getenv("NO_COLOR"), *name = options_value(&cli->options, "theme");
    bool known = false;
    *out = THEME_COLOUR;
    for (enum theme theme = 0; theme < THEMES; theme++)
        if (str_is(theme_names[theme], name ? name : session->theme)) {
            *out = theme;
            known = true;
        }
    if (!known)
        return err_set(err, ERR_USAGE, "'--theme' wants default, mono or contrast, not '%s'", name);
    if (*out == THEME_COLOUR && (S_given(cli, "mono") || (no_color && *no_color)))
        *out = THEME_MONO;
    return true;
}

/*
 * So that it shows when the files become others; those that cannot be read are told by whom needs
 * them.
 */
static void S_note_plan(struct session *session)
{
    struct err ignored = {0};
    if (session->plan)
        plan_hash(session->plan, &session->plan_hash, &ignored);
}

static bool S_open_console(struct cli *cli, struct err *err)
{
    struct session session = {0};
    struct console_options options = {.mouse = S_given(cli, "mouse"),
                                      .ascii = S_is_ascii(cli),
                                      .script = options_value(&cli->options, "script")};
    if (cli->json)
        return err_set(err, ERR_USAGE, "the console has no answer in JSON; name a verb");
    if (!S_read_size(cli, &options, err))
        return false;
    if (!options.script && !S_has_terminal()) {
        err_set(err, ERR_USAGE, "there is no terminal to open the console on");
        return err_hint(err, "name a verb: 'tenantdeck status' prints what it would show");
    }
    if (!session_open(&cli->wanted, false, &session, err))
        return false;
    S_note_plan(&session);
    bool ok = S_read_theme(cli, &session, &options.theme, err) &&
              S_unlock(cli, &session, !options.script, err) &&
              console_run(cli->loop, &session, &options, err);
    session_release(&session);
    return ok;
}

static bool S_check_console_options(const struct cli *cli, struct err *err)
{
    static const char *const of_console[] = {"script", "size"};
    for (size_t i = 0; i < ARRAY_LEN(of_console); i++)
        if (S_given(cli, of_console[i]))
            return err_set(err, ERR_USAGE, "'--%s' is for the console; leave the verb out",
                           of_console[i]);
    return true;
}

/* ---- the demo ---- */

static void S_tell(void *ctx, const char *sentence)
{
    fprintf(ctx, "%s\n", sentence);
    fflush(ctx);
}

static bool S_check_demo(const struct cli *cli, struct err *err)
{
    static const char *const own[] = {"database", "redis", "deck"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (S_given(cli, own[i]))
            return err_set(err, ERR_USAGE, "'demo' brings its own servers, so leave out '--%s'",
                           own[i]);
    return true;
}

static bool S_is_of_keys(const struct verb *demo)
{
    return str_is(demo->name, "demo sessions");
}

static bool S_start_demo(struct cli *cli, const struct verb *demo, FILE *tell, struct err *err)
{
    struct demo_options options;
    if (!demo_options_read(options_value(&cli->options, "scale"),
                           options_value(&cli->options, "dirty"), &options, err))
        return false;
    options.of_keys = S_is_of_keys(demo);
    if (!demo_start(cli->loop, &options, tell ? S_tell : NULL, tell, &cli->demo, err))
        return false;
    cli->demo_deck = str_format("%s/demo.conf", demo_directory(cli->demo));
    cli->wanted.deck = cli->demo_deck;
    cli->wanted.database = demo_database_url(cli->demo);
    cli->wanted.no_database = !cli->wanted.database;
    cli->wanted.redis = demo_redis_url(cli->demo);
    /* Logs, backups and reports of a demo go when it goes. */
    setenv("XDG_STATE_HOME", demo_state(cli->demo), 1);
    return true;
}

enum { STOPS_MOST = 8, STOP_WORDS = 2 };

/* Without a terminal: the whole migration, or all there is to see of sessions, in words. What the
 * checks find is part of the show. */
static bool S_walk_through(struct cli *cli, const struct verb *demo, struct err *err)
{
    static const char *const migration[STOPS_MOST][STOP_WORDS] = {
        {"plan", "check"}, {"migrate", NULL}, {"status", NULL}};
    static const char *const keys[STOPS_MOST][STOP_WORDS] = {
        {"plan", "check"},    {"status", "cache"}, {"session", "check"}, {"session", "sweep"},
        {"cache", "metrics"}, {"cache", "test"},   {"cache", "bench"}};
    const char *const(*tour)[STOP_WORDS] = S_is_of_keys(demo) ? keys : migration;
    cli->says_yes = true;
    for (size_t i = 0; i < STOPS_MOST && tour[i][0]; i++) {
        size_t used, count = tour[i][1] ? 2 : 1;
        const struct verb *verb = verb_find(tour[i], count, &used, err);
        printf("\n$ tenantdeck %s%s%s\n\n", tour[i][0], count > 1 ? " " : "",
               count > 1 ? tour[i][1] : "");
        if (!S_run_verb(cli, verb, demo, tour[i] + used, count - used, err))
            return false;
    }
    cli->findings = false;
    return true;
}

static bool S_find_inner(const char *const *words, size_t count, const struct verb **inner,
                         size_t *used, struct err *err)
{
    *inner = count ? verb_find(words, count, used, err) : NULL;
    if (count && !*inner)
        return false;
    if (*inner && !(*inner)->run)
        return err_set(err, ERR_USAGE, "'demo' cannot be run in a demo");
    return true;
}

static bool S_run_demo(struct cli *cli, const struct verb *demo, const char *const *words,
                       size_t count, struct err *err)
{
    const struct verb *inner;
    size_t used = 0;
    struct verb_call unused = {0};
    if (!S_check_demo(cli, err) || !S_find_inner(words, count, &inner, &used, err) ||
        !options_for_verb(&cli->options, inner ? inner : demo, demo, &unused, err) ||
        (inner && !S_check_console_options(cli, err)))
        return false;
    bool console = !inner && (S_has_terminal() || S_given(cli, "script"));
    if (!inner && cli->json)
        return err_set(err, ERR_USAGE, "'demo' alone has no answer in JSON; name a verb after it");
    FILE *tell = inner || console ? (isatty(STDERR_FILENO) ? stderr : NULL) : stdout;
    if (!S_start_demo(cli, demo, tell, err))
        return false;
    cli->wanted.operator_mode |= console;
    if (console)
        return S_open_console(cli, err);
    if (inner)
        return S_run_verb(cli, inner, demo, words + used, count - used, err);
    return S_walk_through(cli, demo, err);
}

/* ---- the whole ---- */

static bool S_fill_wanted(struct cli *cli, struct err *err)
{
    const char *refresh = options_value(&cli->options, "refresh");
    cli->wanted = (struct session_options){
        .database = options_value(&cli->options, "database"),
        .redis = options_value(&cli->options, "redis"),
        .plan = options_value(&cli->options, "plan"),
        .deck = options_value(&cli->options, "deck"),
        .env_file = options_value(&cli->options, "env-file"),
        .operator_mode = S_given(cli, "operator"),
    };
    if (refresh && !deck_refresh(refresh, &cli->wanted.refresh_ms))
        return err_set(err, ERR_USAGE, "'--refresh' wants seconds from 0.1 to 3600, not '%s'",
                       refresh);
    return true;
}

static bool S_dispatch(struct cli *cli, struct err *err)
{
    const char *const *words = cli->options.words;
    size_t count = cli->options.word_count, used;
    const struct verb *verb = count ? verb_find(words, count, &used, err) : NULL;
    if (count && !verb)
        return false;
    if (S_given(cli, "help")) {
        if (verb)
            help_verb(stdout, verb, S_width());
        else
            help_overview(stdout, S_width());
        return true;
    }
    if (!verb) {
        struct verb_call unused = {0};
        static const struct verb console = {.name = "the console"};
        return options_for_verb(&cli->options, &console, NULL, &unused, err) &&
               S_open_console(cli, err);
    }
    if (!verb->run)
        return S_run_demo(cli, verb, words + used, count - used, err);
    return S_check_console_options(cli, err) &&
           S_run_verb(cli, verb, NULL, words + used, count - used, err);
}

static int S_finish(struct cli *cli, bool ok, const struct err *err)
{
    demo_stop(cli->demo);
    loop_free(cli->loop);
    free(cli->demo_deck);
    options_release(&cli->options);
    struct err unwritten = {0};
    if (ok && (fflush(stdout) != 0 || ferror(stdout))) {
        err_set(&unwritten, ERR_FAILED, "the output could not be written, or not all of it");
        err_hint(&unwritten, "is there room where it goes?");
        return S_report(&unwritten, false);
    }
    if (!ok)
        return S_report(err, cli->json);
    return cli->findings ? 1 : 0;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = {.json = options_want_json(argc, argv)};
    struct err err = {0};
    if (options_hide_secrets(argc, argv))
        S_warn_of_secret();
    bool ok = options_read(argc, argv, &cli.options, &err) && S_fill_wanted(&cli, &err);
    if (ok && S_given(&cli, "version")) {
        printf("tenantdeck %s\n", PACKAGE_VERSION);
        return S_finish(&cli, true, &err);
    }
    cli.loop = loop_new();
    if (ok && S_given(&cli, "verbose"))
        pg_on_trace(S_trace, NULL);
    ok = ok && S_dispatch(&cli, &err);
    return S_finish(&cli, ok, &err);
}
