/* rows_look: what looks, and what has to do with plans: the groups Look and Plan. Data only. */
#include "rows.h"

#include "tables.h"

/* clang-format off */
#define RUN_ONLY_OPTION {"run", "N", "only of that run", 0}

static const struct verb S_rows[] = {
    {
        .name = "status", .args = "[TABLE...]", .max_args = TABLE_COUNT, .group = "Look",
        .summary = "the banner and the tables of the console",
        .manual =
            "Asks the servers once and prints what the console would show: the banner, then the "
            "tables steps, tables, tenants, validation, cache, log, blockers and nodes, or those "
            "that are named.\n\n"
            "A figure with ~ is an estimate of the server. With --exact every table of the plan "
            "is counted first, which reads it whole.\n\n"
            "The exit status is 1 when Redis is named and does not answer, and when --exact could "
            "not count a table; the log says why.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_status,
        .options = {{"exact", NULL, "counts every table of the plan first", 0}, TABLE_OPTIONS},
    },
    {
        .name = "findings", .args = "", .group = "Look",
        .summary = "what the checks have found, and what would mend it",
        .manual = "The table validation of status: first a row for each group of checks, then the checks, the worst "
                  "first. With --long all that is known of each: the rows, the SQL that found it, "
                  "the SQL that would mend it, and whether 'fix' does. Into a file it is written "
                  "at length, as JSON or CSV where the name ends so; the file can be read by its "
                  "owner alone, and replaces none.\n\n"
                  "The exit status is 1 when a check has failed.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true, .run = verb_findings,
        .options = {{"long", NULL, "all that is known of each", 0},
                    {"csv", NULL, "answers in CSV", 0},
                    {"output", "FILE", "writes a file instead", 0}},
    },
    {
        .name = "tenant show", .args = "CODE", .min_args = 1, .max_args = 1, .group = "Look",
        .summary = "what belongs to one tenant",
        .manual = "Its organizations, its rows in each table of the plan, and how many of its keys each template has "
                  "in Redis. A figure with ~ is not of this moment; with --exact every table is "
                  "counted first. The keys are those of one whole walk through Redis.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .run = verb_tenant_show,
        .options = {{"exact", NULL, "counts every table of the plan first", 0}},
    },
    {
        .name = "cache peek", .args = "KEY", .min_args = 1, .max_args = 1, .group = "Look",
        .summary = "one key as it is, without a trace",
        .manual = "Looks at any key without leaving a trace: no time to live is extended, nothing is deleted, and "
                  "from Redis 7.2 on not even the time of its last use changes (CLIENT NO-TOUCH). "
                  "Of a string it shows the first 1,024 bytes, of anything else the first 20 "
                  "members.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_peek,
    },
    {
        .name = "tenant list", .args = "", .group = "Look",
        .summary = "the tenants of the mapping, with rows and keys",
        .manual = "The table tenants of status: each tenant of the mapping with its organizations, its "
                  "rows in all tables of the plan, its share of them, and its keys in Redis.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .run = verb_tenant_list,
        .options = {{"exact", NULL, "counts every table of the plan first", 0}, TABLE_OPTIONS},
    },
    {
        .name = "cache counts", .args = "", .group = "Look",
        .summary = "whose the keys in Redis are, how many, how large",
        .manual = "Walks the keyspace once, with SCAN, and counts the keys of each template of the plan (or, with "
                  "--by, of each type, or of each tenant): how many, how many never expire, how "
                  "many live longer than the plan's policy, how much memory they take. It changes "
                  "nothing and touches no TTL. A page of SCAN is as large as the server is quick "
                  "with it, and --share bounds the time that the walk is at work.\n\n"
                  "Memory and expiry are asked of a sample of each tenant and type when there are "
                  "many keys; such figures have a ~, and the memory an error that holds 95 times "
                  "of 100. --exact asks every key. A key that the server hands out twice, as it "
                  "may while it shrinks its table, is counted once: the last 32,768 keys are "
                  "remembered, and a repeat comes sooner. A lost connection is taken up again "
                  "where it was. Ctrl-C ends the walk: what was seen by then is shown as a part, "
                  "with its share of the keyspace.\n\n"
                  "Where a database is named, the tenants and organizations of the keys are "
                  "looked for among the codes that step mapping has loaded there, and the {id} of "
                  "a template with a `row` in its table: keys without one are told, with some of "
                  "them, and the exit status is 1.\n\n"
                  "The exit status is 1 when the walk was stopped.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_counts,
        .options = {{"by", "WHAT", "template, type or tenant (template)", 0},
                    {"exact", NULL, "asks every key for its memory and expiry, not a sample", 0},
                    CHOICE_OPTIONS, SHARE_OPTION, TABLE_OPTIONS},
    },
    {
        .name = "cache keys", .args = "[PATTERN]", .max_args = 1, .group = "Look",
        .summary = "some keys, each with its type, time and memory",
        .manual = "Lists keys that fit the pattern, as Redis reads it, or that are otherwise chosen, 100 at the most or as "
                  "many as --limit says; whether there are more is said, and with --within it "
                  "looks no longer than so many seconds. No value is read, and no time to live "
                  "touched. With --rows those of them whose rows the database does not have are "
                  "told, as by 'cache counts'.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_keys,
        .options = {CHOICE_OPTIONS, {"limit", "N", "lists N at the most (100)", 0},
                    {"unclaimed", NULL, "only keys that fit no [keys] of the plan", 0},
                    {"rows", NULL, "looks for their rows in the database", 0},
                    {"within", "SECONDS", "looks no longer than so", 0}, SHARE_OPTION},
    },
    {
        .name = "log", .args = "[FILE]", .max_args = 1, .group = "Look",
        .summary = "what happened, newest last; or the end of a file",
        .manual =
            "The events of the journal: the last 20, or as many as --lines says, of every run or "
            "of one. --level warn leaves out what is less than a warning, --table those whose "
            "text does not name it, --grep those without a text, in any case. With --follow it "
            "stays and prints what comes, until it is interrupted; with --json then one object a "
            "line.\n\n"
            "With FILE it is the end of that file, a PostgreSQL server's log for one, and "
            "--follow goes on with it when it is rotated or begun anew. Its severities are known "
            "from the words that PostgreSQL and most others write, also in csvlog and jsonlog; a "
            "line without one belongs to the line before it.\n\n"
            "Whatever is in it is shown, and not obeyed by the terminal.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_log,
        .options = {{"follow", NULL, "stays and prints what comes", 'f'},
                    {"lines", "N", "only the last N, or 'all' (20)", 'n'},
                    {"level", "LEVEL", "debug, info, warn or error: that, or worse", 0},
                    {"step", "STEP", "only of that step", 0},
                    {"table", "TABLE", "only what names that table", 0},
                    {"grep", "TEXT", "only what contains the text, in any case", 0},
                    RUN_ONLY_OPTION},
    },
    {
        .name = "log monitor", .args = "[SECONDS]", .max_args = 1, .group = "Look", .effect = REVERSIBLE,
        .summary = "every command that Redis is sent, for a few seconds",
        .manual =
            "Redis's MONITOR, on a connection of its own, for 5 seconds or as long as said, at "
            "most 60, and at most 10,000 lines. It costs the server up to half of what it could "
            "do, and shows what all clients send, keys and values; so it is asked before. "
            "Passwords in AUTH, HELLO, CONFIG, ACL and MIGRATE are masked; a line ends after 300 "
            "characters.\n\n"
            "A Redis Cluster or a REST service has none.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_monitor,
        .question = "listen to every command", .tell = verb_monitor_tell,
    },
    {
        .name = "nodes", .args = "", .group = "Look",
        .summary = "the servers behind Redis and Citus, and how each is",
        .manual =
            "One Redis server, or the primaries and replicas of a Redis Cluster with their slots, "
            "keys, memory and connections, each as of its own last answer; and the coordinator "
            "and workers of Citus with their shards. A figure with ~ is what a node that does not "
            "answer has said last.\n\n"
            "The exit status is 1 when one of them is down.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_nodes,
        .options = {TABLE_OPTIONS},
    },
    {
        .name = "blockers", .args = "", .group = "Look",
        .summary = "who waits for whom, as a tree",
        .manual =
            "The sessions that wait for a lock, and those they wait for: whoever is in the way on "
            "top, those that wait below. Asked of the lock table alone: no table is touched. The "
            "sessions of tenantdeck itself are marked. A session that waits for several stands "
            "below one of them, WAITS FOR names all; those that wait for each other in a circle "
            "are told so. A prepared transaction is in it, too. A role without pg_read_all_stats "
            "is not shown what the sessions of others do.\n\n"
            "The exit status is 1 when somebody waits.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .json = true, .run = verb_blockers,
        .options = {TABLE_OPTIONS},
    },
    {
        .name = "journal status", .args = "", .group = "Look",
        .summary = "whether the database has a journal",
        .manual = "Tells whether schema tenantdeck is there, its version, and whether this role could "
                  "create it.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .json = true, .run = verb_journal_status,
    },
    {
        .name = "plan list", .args = "", .group = "Plan",
        .summary = "the plans that can be named with -p",
        .manual = "Lists the plans of the working directory, of ~/.config/tenantdeck/plans, and those "
                  "that are installed. One that cannot be read is listed with the reason.",
        .kinds = ALL_KINDS, .json = true, .run = verb_plan_list,
    },
    {
        .name = "plan show", .args = "[PLAN]", .max_args = 1, .group = "Plan",
        .summary = "what a plan says, and its steps with their undo",
        .manual = "Prints the plan as it was understood: its mapping, its tables and where each row finds "
                  "its codes, its Redis keys, and the steps it expands into, each with its undo.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_plan_show,
    },
    {
        .name = "plan check", .args = "", .group = "Plan",
        .summary = "whether the plan fits the database",
        .manual = "Compares the plan with the live catalog: unknown tables and columns, tables that carry "
                  "a tenant-bearing column and stand in no plan, keys that would not be unique, "
                  "foreign keys that could not hold, and the mapping file itself. It only reads "
                  "the catalog, so it is cheap on any database.\n\n"
                  "Of a plan of kind cache it asks whether each template can be reached at all, "
                  "and Redis for its version, its role, its limit of memory and what it does "
                  "there, and the plan's alarms.\n\n"
                  "The exit status is 1 when a check fails.",
        .needs = NEEDS_SERVER | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS) | ONE_KIND(PLAN_CACHE),
        .json = true, .run = verb_plan_check,
        .options = {TABLE_OPTIONS},
    },
    {
        .name = "plan sql", .args = "[STEP...]", .max_args = 8, .group = "Plan",
        .summary = "every statement that a run would send, in order",
        .manual = "Prints, over a read-only connection, what 'migrate' or a step would send to this database as it "
                  "is now, byte for byte, or of the steps that are named. What is done already is "
                  "not printed.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_plan_sql,
        .options = {{"window", NULL, "as with the application stopped", 0}},
    },
    {
        .name = "migrations", .args = "", .group = "Plan",
        .summary = "the service's own migrations: up, pending, unknown",
        .manual = "Compares the table in which Sequelize notes what it has run with the folder of migrations that "
                  "the plan's section service names. Up: it was run. Pending: its file is there, "
                  "and it was not. Unknown: it was run, and its file is gone, so nobody can take "
                  "it back. They are run by the steps schema and schema-new.\n\n"
                  "The exit status is 1 when one is pending.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .run = verb_migrations,
    },
    {
        .name = "env", .args = "", .group = "Plan",
        .summary = "the services' environment names, and who wins",
        .manual = "Lists every environment name that the migrations' documents and the services' code "
                  "know: its value (secrets masked), where it comes from, which of several wins, "
                  "and which disagree.\n\n"
                  "The exit status is 1 when two names of one thing disagree.",
        .kinds = ALL_KINDS, .json = true, .run = verb_env,
    },
};
/* clang-format on */

const struct verb_rows rows_look = {S_rows, ARRAY_LEN(S_rows)};
