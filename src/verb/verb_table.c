/*
 * verb_table: everything the program can be told to do, and every option. Data only.
 *
 * Help, completion, manual page, command line and console read it; so nothing is written twice.
 * The order is the order of the help.
 */
#include "verbs.h"

/* clang-format off */
#define ONE_KIND(kind) (1u << (kind))

static const char S_look[] = "Look", S_plan[] = "Plan", S_change[] = "Change", S_about[] = "About";

const struct verb_option common_options[] = {
    {"database", "CONNINFO", "the database: a URL, key=value words, or its bare name", 'd'},
    {"redis", "URL", "Redis: redis://[user[:password]@]host[:port][/db] or unix://path", 'r'},
    {"plan", "PLAN", "the plan: a name of 'plan list', or a path", 'p'},
    {"deck", "FILE", "the deck that names all three; else $TENANTDECK_DECK, else ~/.config/tenantdeck/deck.conf", 0},
    {"env-file", "FILE", "reads the services' environment names from a .env file", 0},
    {"operator", NULL, "the console may change things; without it, it only looks", 0},
    {"json", NULL, "answers in JSON, errors too", 0},
    {"yes", NULL, "answers y to a question about something that can be taken back", 'y'},
    {"verbose", NULL, "shows on stderr each statement that is sent, and its time", 'v'},
    {"refresh", "SECONDS", "the pause between two looks at the servers (2)", 0},
    {"ascii", NULL, "draws with ASCII alone", 0},
    {"mono", NULL, "the console uses no colour, as with NO_COLOR set", 0},
    {"script", "FILE", "the console takes its keys from a file and prints its screens", 0},
    {"size", "COLSxLINES", "the size of that console's screen (80x24)", 0},
    {"version", NULL, "prints the version", 'V'},
    {"help", NULL, "prints the help, of a verb when one is named", 'h'},
};
const size_t common_option_count = ARRAY_LEN(common_options);

#define TABLE_OPTIONS \
    {"sort", "COLUMN", "sorts by a column; -COLUMN: the largest first", 0}, \
    {"filter", "TEXT", "shows only rows that contain the text", 0}

#define DEMO_OPTIONS \
    {"scale", "N", "the size of the sample; 1 is 20,000 sessions (1)", 0}, \
    {"dirty", NULL, "plants the defects that the checks must find", 0}

const struct verb verbs[] = {
    {
        .name = "status", .args = "[TABLE...]", .max_args = 6, .group = S_look,
        .summary = "the banner and the tables of the console",
        .manual =
            "Asks the servers once and prints what the console would show: the banner, then the tables "
            "steps, tables, tenants, validation, cache and log, or those that are named.\n\n"
            "A figure with ~ is an estimate of the server. With --exact every table of the plan is "
            "counted first, which reads it whole.\n\n"
            "The exit status is 1 when Redis is named and does not answer, and when --exact could "
            "not count a table; the log says why.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_status,
        .options = {{"exact", NULL, "counts every table of the plan first", 0}, TABLE_OPTIONS},
    },
    {
        .name = "tenant list", .args = "", .group = S_look,
        .summary = "the tenants of the mapping, with rows and keys",
        .manual = "The table tenants of status: each tenant of the mapping with its organizations, its "
                  "rows in all tables of the plan, its share of them, and its keys in Redis.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .run = verb_tenant_list,
        .options = {{"exact", NULL, "counts every table of the plan first", 0}, TABLE_OPTIONS},
    },
    {
        .name = "cache counts", .args = "", .group = S_look,
        .summary = "the keys in Redis, counted by template",
        .manual = "Walks the whole keyspace once, with SCAN and in small pieces, and counts the keys of "
                  "each template of the plan: how many, how many never expire, how many live longer than "
                  "the plan's policy, and how much memory they take. Nothing is changed, no TTL touched.",
        .needs = NEEDS_REDIS | NEEDS_PLAN, .kinds = ALL_KINDS, .json = true, .run = verb_cache_counts,
        .options = {TABLE_OPTIONS},
    },
    {
        .name = "log", .args = "", .group = S_look,
        .summary = "what happened, newest last",
        .manual = "The events of the journal and of the servers. With --follow it stays and prints "
                  "what comes, until it is interrupted; with --json then one object a line.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .json = true, .run = verb_log,
        .options = {{"follow", NULL, "stays and prints what comes", 'f'},
                    {"lines", "N", "only the last N (20)", 'n'}},
    },
    {
        .name = "journal status", .args = "", .group = S_look,
        .summary = "whether the database has a journal",
        .manual = "Tells whether schema tenantdeck is there, its version, and whether this role could "
                  "create it.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .json = true, .run = verb_journal_status,
    },
    {
        .name = "plan list", .args = "", .group = S_plan,
        .summary = "the plans that can be named with -p",
        .manual = "Lists the plans of the working directory, of ~/.config/tenantdeck/plans, and those "
                  "that are installed. One that cannot be read is listed with the reason.",
        .kinds = ALL_KINDS, .json = true, .run = verb_plan_list,
    },
    {
        .name = "plan show", .args = "[PLAN]", .max_args = 1, .group = S_plan,
        .summary = "what a plan says, and its steps with their undo",
        .manual = "Prints the plan as it was understood: its mapping, its tables and where each row finds "
                  "its codes, its Redis keys, and the steps it expands into, each with its undo.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_plan_show,
    },
    {
        .name = "plan check", .args = "", .group = S_plan,
        .summary = "whether the plan fits the database",
        .manual = "Compares the plan with the live catalog: unknown tables and columns, tables that carry "
                  "a tenant-bearing column and stand in no plan, keys that would not be unique, foreign "
                  "keys that could not hold, and the mapping file itself. It only reads the catalog, so it "
                  "is cheap on any database.\n\nThe exit status is 1 when a check fails.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .run = verb_plan_check,
        .options = {TABLE_OPTIONS},
    },
    {
        .name = "env", .args = "", .group = S_plan,
        .summary = "the services' environment names, and who wins",
        .manual = "Lists every environment name that the migrations' documents and the services' code "
                  "know: its value (secrets masked), where it comes from, which of several wins, and "
                  "which disagree.\n\nThe exit status is 1 when two names of one thing disagree.",
        .kinds = ALL_KINDS, .json = true, .run = verb_env,
    },
    {
        .name = "journal create", .args = "", .group = S_change,
        .summary = "makes the journal, or brings it up to date",
        .manual = "Creates schema tenantdeck in the database, or upgrades it. It holds what was run, by "
                  "whom, and how to take it back; tenantdeck-journal(7) describes it. No table of the "
                  "application is touched. DROP SCHEMA tenantdeck CASCADE takes it back.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = REVERSIBLE, .json = true,
        .question = "create or upgrade the journal, schema tenantdeck,", .run = verb_journal_create,
    },
    {
        .name = "demo load", .args = "", .group = S_change,
        .summary = "loads the sample into an empty database",
        .manual = "Loads the sample of demo into servers that run already, to rehearse on them. Refused "
                  "unless the database has no table of its own and Redis no key.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = REVERSIBLE, .json = true,
        .question = "load the sample", .run = verb_demo_load, .options = {DEMO_OPTIONS},
    },
    {
        .name = "demo", .args = "[VERB...]", .max_args = 16, .group = S_about,
        .summary = "private servers with sample data, gone afterwards",
        .manual = "Starts a private PostgreSQL and Redis with sample data, on unix sockets in a directory "
                  "of their own, and opens the console on them. Without a terminal it prints plan check "
                  "and status instead. With a verb after it, it runs that verb on them. However it ends, "
                  "servers and directory are gone afterwards.",
        .kinds = ALL_KINDS, .options = {DEMO_OPTIONS},
    },
    {
        .name = "sql", .args = "[NAME]", .max_args = 1, .group = S_about,
        .summary = "every statement that is ever sent, or one of them",
        .manual = "Without a name it lists all statements with their notes. With one it prints the "
                  "statement as it is sent; psql runs it, since names are its :\"variables\".",
        .kinds = ALL_KINDS, .json = true, .run = verb_sql,
    },
    {
        .name = "completion bash", .args = "", .group = S_about,
        .summary = "the completion script for bash",
        .manual = "Prints the script; an installed tenantdeck has it in place already.",
        .kinds = ALL_KINDS, .run = verb_completion_bash,
    },
    {
        .name = "help", .args = "[VERB]", .max_args = 2, .group = S_about,
        .summary = "this help, or what there is to know of a verb",
        .manual = "Prints the list of verbs and options, or the description of one verb.",
        .kinds = ALL_KINDS, .run = verb_help,
        .options = {{"man", NULL, "prints the verbs and options as sections of a manual page", 0}},
    },
};
/* clang-format on */

const size_t verb_count = ARRAY_LEN(verbs);
