/*
 * verb_table: everything the program can be told to do, and every option. Data only.
 *
 * Help, completion, manual page, command line and console read it; so nothing is written twice.
 * The order is the order of the help.
 */
#include "verbs.h"

#include "tables.h"

/* clang-format off */
#define ONE_KIND(kind) (1u << (kind))

static const char S_look[] = "Look", S_plan[] = "Plan", S_run[] = "Run", S_steer[] = "Steer", S_change[] = "Change", S_about[] = "About", S_cache[] = "Cache";
static const char S_sessions[] = "Sessions and caches";

const struct verb_option common_options[] = {
    {"database", "CONNINFO", "the database: a URL, key=value words, or its bare name", 'd'},
    {"redis", "URL", "Redis: redis://[user[:password]@]host[:port][/db], rediss:// (TLS), unix://path or https:// (Upstash)", 'r'},
    {"plan", "PLAN", "the plan: a name of 'plan list', or a path", 'p'},
    {"deck", "FILE", "the deck that names all three; else $TENANTDECK_DECK, else ~/.config/tenantdeck/deck.conf", 0},
    {"env-file", "FILE", "reads the services' environment names from a .env file", 0},
    {"operator", NULL, "the console may change things; without it, it only looks", 0},
    {"json", NULL, "answers in JSON, errors too", 0},
    {"yes", NULL, "answers y to a question about something that can be taken back", 'y'},
    {"confirm", "[=NAME]", "the database's name, for what cannot be taken back; alone: asks at the terminal", 0},
    {"verbose", NULL, "shows on stderr each statement that is sent, and its time", 'v'},
    {"refresh", "SECONDS", "the pause between two looks at the servers (2)", 0},
    {"ascii", NULL, "draws with ASCII alone", 0},
    {"mono", NULL, "the console uses no colour, as with NO_COLOR set", 0},
    {"theme", "NAME", "the console's looks: default, mono, or contrast (nothing dim, on black)", 0},
    {"mouse", NULL, "the console takes the mouse: tabs, rows, headings and the wheel", 0},
    {"script", "FILE", "the console takes its keys from a file and prints its screens", 0},
    {"size", "COLSxLINES", "the size of that console's screen (80x24)", 0},
    {"version", NULL, "prints the version", 'V'},
    {"help", NULL, "prints the help, of a verb when one is named", 'h'},
};
const size_t common_option_count = ARRAY_LEN(common_options);

#define TABLE_OPTIONS \
    {"sort", "COLUMN", "sorts by a column; -COLUMN: the largest first", 0}, \
    {"filter", "TEXT", "shows only rows that contain the text, or as in 'missing>0'", 0}

#define SCALE_OPTION {"scale", "N", "the size of the sample; 1 is 20,000 sessions (1)", 0}
#define DEMO_OPTIONS \
    SCALE_OPTION, \
    {"dirty", NULL, "plants the defects that the checks must find", 0}

#define RUN_OPTION {"run", "N", "that run; else the one that is open, or the newest", 0}

#define MODE_OPTIONS \
    {"window", NULL, "the application is stopped: tables may be locked and rewritten", 0}, \
    {"online", NULL, "beside the application (this is the default)", 0}, \
    {"busy", NULL, "with --window: goes on though sessions of others are there", 0}, \
    {"takeover", NULL, "ends the session of a worker that gives no sign of life", 0}

#define WORKER_OPTIONS \
    {"dry-run", NULL, "prints every statement that would run, and changes nothing", 0}, \
    {"detach", NULL, "does not wait for the end", 0}, \
    {"triggers", NULL, "lets the application's triggers fire while rows are filled", 0}, \
    {"lanes", "N", "batches at the same time (2); 1: builds and checks one by one, too", 0}, \
    {"batch-ms", "MS", "how long a batch should take (500)", 0}

#define TENANT_OPTION {"tenant", "T", "only what is this tenant's", 0}
#define NAMESPACE_OPTION {"namespace", "NS", "the namespace (generic)", 0}
#define REVEAL_OPTION {"reveal", NULL, "shows secrets, too", 0}
#define DRY_OPTION {"dry-run", NULL, "says what would be done, and changes nothing", 0}

#define ORIGIN_OPTIONS \
    {"address", "IP", "where the user comes from", 0}, \
    {"agent", "TEXT", "with which browser", 0}

#define RUN_ONLY_OPTION {"run", "N", "only of that run", 0}

#define STARTED_OPTION {"started", "TIME", "when the session began, as 'blockers --json' has it", 0}

#define CHOICE_OPTIONS \
    {"tenant", "CODE", "keys of that tenant, and of its organizations by the mapping", 0}, \
    {"org", "CODE", "keys of that organization", 0}, \
    {"type", "NAME", "keys of that [keys] of the plan, or of that {type}", 0}, \
    {"namespace", "NAME", "keys of that {namespace} or {type}", 0}, \
    {"pattern", "GLOB", "keys that fit, as in Redis: * ? [a-z], and \\\\ before what is itself", 0}

#define SHARE_OPTION {"share", "PERCENT", "how much of the time it may be at work (100)", 0}

#define DIRECTORY_OPTION \
    {"directory", "DIR", "where they are kept (~/.local/state/tenantdeck/backups)", 0}

const struct verb verbs[] = {
    {
        .name = "status", .args = "[TABLE...]", .max_args = TABLE_COUNT, .group = S_look,
        .summary = "the banner and the tables of the console",
        .manual =
            "Asks the servers once and prints what the console would show: the banner, then the tables "
            "steps, tables, tenants, validation, cache, log, blockers and nodes, or those that are named.\n\n"
            "A figure with ~ is an estimate of the server. With --exact every table of the plan is "
            "counted first, which reads it whole.\n\n"
            "The exit status is 1 when Redis is named and does not answer, and when --exact could "
            "not count a table; the log says why.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_status,
        .options = {{"exact", NULL, "counts every table of the plan first", 0}, TABLE_OPTIONS},
    },
    {
        .name = "findings", .args = "", .group = S_look,
        .summary = "what the checks have found, and what would mend it",
        .manual = "The table validation of status: first a row for each group of checks, then the checks, the worst "
                  "first. With --long all that is known of each: the rows, the SQL that found it, the SQL that would "
                  "mend it, and whether 'fix' does. Into a file it is written at length, as JSON or CSV where "
                  "the name ends so; the file can be read by its owner alone, and replaces none.\n\n"
                  "The exit status is 1 when a check has failed.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true, .run = verb_findings,
        .options = {{"long", NULL, "all that is known of each", 0},
                    {"csv", NULL, "answers in CSV", 0},
                    {"output", "FILE", "writes a file instead", 0}},
    },
    {
        .name = "tenant show", .args = "CODE", .min_args = 1, .max_args = 1, .group = S_look,
        .summary = "what belongs to one tenant",
        .manual = "Its organizations, its rows in each table of the plan, and how many of its keys each template has "
                  "in Redis. A figure with ~ is not of this moment; with --exact every table is counted first. "
                  "The keys are those of one whole walk through Redis.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .run = verb_tenant_show,
        .options = {{"exact", NULL, "counts every table of the plan first", 0}},
    },
    {
        .name = "cache peek", .args = "KEY", .min_args = 1, .max_args = 1, .group = S_look,
        .summary = "one key as it is, without a trace",
        .manual = "Looks at any key without leaving a trace: no time to live is extended, nothing is deleted, and "
                  "from Redis 7.2 on not even the time of its last use changes (CLIENT NO-TOUCH). Of a string it "
                  "shows the first 1,024 bytes, of anything else the first 20 members.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_peek,
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
        .summary = "whose the keys in Redis are, how many, how large",
        .manual = "Walks the keyspace once, with SCAN, and counts the keys of each template of the plan (or, with "
                  "--by, of each type, or of each tenant): how many, how many never expire, how many live longer "
                  "than the plan's policy, how much memory they take. It changes nothing and touches no TTL. A "
                  "page of SCAN is as large as the server is quick with it, and --share bounds the time that the "
                  "walk is at work.\n\n"
                  "Memory and expiry are asked of a sample of each tenant and type when there are many keys; "
                  "such figures have a ~, and the memory an error that holds 95 times of 100. --exact asks every "
                  "key. A key that the server hands out twice, as it may while it shrinks its table, is counted "
                  "once: the last 32,768 keys are remembered, and a repeat comes sooner. A lost connection is "
                  "taken up again where it was. Ctrl-C ends the walk: what was seen by then is shown as a part, "
                  "with its share of the keyspace.\n\n"
                  "The exit status is 1 when the walk was stopped.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_counts,
        .options = {{"by", "WHAT", "template, type or tenant (template)", 0},
                    {"exact", NULL, "asks every key for its memory and expiry, not a sample", 0},
                    CHOICE_OPTIONS, SHARE_OPTION, TABLE_OPTIONS},
    },
    {
        .name = "cache keys", .args = "[PATTERN]", .max_args = 1, .group = S_look,
        .summary = "some keys, each with its type, time and memory",
        .manual = "Lists keys that fit the pattern, as Redis reads it, or that are otherwise chosen, 100 at the most or as "
                  "many as --limit says; whether there are more is said. No value is read, and no time to live "
                  "touched.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_keys,
        .options = {CHOICE_OPTIONS, {"limit", "N", "lists N at the most (100)", 0}, SHARE_OPTION},
    },
    {
        .name = "log", .args = "[FILE]", .max_args = 1, .group = S_look,
        .summary = "what happened, newest last; or the end of a file",
        .manual =
            "The events of the journal: the last 20, or as many as --lines says, of every run or of one. --level "
            "warn leaves out what is less than a warning, --table those whose text does not name it, --grep "
            "those without a text, in any case. With --follow it stays and prints what comes, until it is "
            "interrupted; with --json then one object a line.\n\n"
            "With FILE it is the end of that file, a PostgreSQL server's log for one, and --follow goes on with it "
            "when it is rotated or begun anew. Its severities are known from the words that PostgreSQL and most "
            "others write, also in csvlog and jsonlog; a line without one belongs to the line before it.\n\n"
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
        .name = "log monitor", .args = "[SECONDS]", .max_args = 1, .group = S_look, .effect = REVERSIBLE,
        .summary = "every command that Redis is sent, for a few seconds",
        .manual =
            "Redis's MONITOR, on a connection of its own, for 5 seconds or as long as said, at most 60, and at most "
            "10,000 lines. It costs the server up to half of what it could do, and shows what all clients send, "
            "keys and values; so it is asked before. Passwords in AUTH, HELLO, CONFIG, ACL and MIGRATE are masked; "
            "a line ends after 300 characters.\n\nA Redis Cluster or a REST service has none.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_monitor,
        .question = "listen to every command", .tell = verb_monitor_tell,
    },
    {
        .name = "nodes", .args = "", .group = S_look,
        .summary = "the servers behind Redis and Citus, and how each is",
        .manual =
            "One Redis server, or the primaries and replicas of a Redis Cluster with their slots, keys, memory and "
            "connections, each as of its own last answer; and the coordinator and workers of Citus with their "
            "shards. A figure with ~ is what a node that does not answer has said last.\n\n"
            "The exit status is 1 when one of them is down.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_nodes,
        .options = {TABLE_OPTIONS},
    },
    {
        .name = "blockers", .args = "", .group = S_look,
        .summary = "who waits for whom, as a tree",
        .manual =
            "The sessions that wait for a lock, and those they wait for: whoever is in the way on top, those that "
            "wait below. Asked of the lock table alone: no table is touched. The sessions of tenantdeck itself are "
            "marked. A session that waits for several stands below one of them, WAITS FOR names all; those that "
            "wait for each other in a circle are told so. A prepared transaction is in it, too. A role without "
            "pg_read_all_stats is not shown what the sessions of others do.\n\n"
            "The exit status is 1 when somebody waits.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .json = true, .run = verb_blockers,
        .options = {TABLE_OPTIONS},
    },
    {
        .name = "blockers cancel", .args = "PID", .min_args = 1, .max_args = 1, .group = S_steer,
        .effect = REVERSIBLE, .json = true, .summary = "cancels the statement of one session",
        .manual =
            "Shows whose session it is and what it does, asks, cancels its statement, and says what came of it. The "
            "session stays. A session that is idle in its transaction has no statement to cancel.\n\n"
            "Only the session that was shown is meant, by its pid and by when it began: where nobody is asked "
            "(--yes, --json) say --started as 'blockers --json' has it. A session of tenantdeck or of one of its "
            "runs is refused, as are walsenders and the server's own processes. Of an autovacuum that keeps "
            "transaction numbers from wrapping round it says so. What was done stands in the journal's log.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .run = verb_blockers_signal,
        .question = "cancel what this session runs", .tell = verb_blockers_tell,
        .options = {STARTED_OPTION},
    },
    {
        .name = "blockers terminate", .args = "PID", .min_args = 1, .max_args = 1, .group = S_steer,
        .effect = REVERSIBLE, .json = true, .summary = "ends one session",
        .manual =
            "As 'blockers cancel', but ends the session: what it has not committed is taken back by the server, "
            "and its client has to connect again. It waits until the session is gone, and says so only then.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .run = verb_blockers_signal,
        .question = "end this session", .tell = verb_blockers_tell,
        .options = {STARTED_OPTION},
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
                  "is cheap on any database.\n\n"
                  "Of a plan of kind cache it asks whether each template can be reached at all, and Redis for "
                  "its version, its role, its limit of memory and what it does there, and the plan's alarms.\n\n"
                  "The exit status is 1 when a check fails.",
        .needs = NEEDS_SERVER | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS) | ONE_KIND(PLAN_CACHE),
        .json = true, .run = verb_plan_check,
        .options = {TABLE_OPTIONS},
    },
    {
        .name = "plan sql", .args = "[STEP...]", .max_args = 8, .group = S_plan,
        .summary = "every statement that a run would send, in order",
        .manual = "Prints, over a read-only connection, what 'migrate' or a step would send to this database as it "
                  "is now, byte for byte, or of the steps that are named. What is done already is not printed.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_plan_sql,
        .options = {{"window", NULL, "as with the application stopped", 0}},
    },
    {
        .name = "migrations", .args = "", .group = S_plan,
        .summary = "the service's own migrations: up, pending, unknown",
        .manual = "Compares the table in which Sequelize notes what it has run with the folder of migrations that "
                  "the plan's section service names. Up: it was run. Pending: its file is there, and it was not. "
                  "Unknown: it was run, and its file is gone, so nobody can take it back. They are run by "
                  "the steps schema and schema-new.\n\nThe exit status is 1 when one is pending.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .run = verb_migrations,
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
        .name = "preflight", .args = "", .group = S_run,
        .summary = "whether the migration may begin",
        .manual = "Asks everything that could stop a migration half-way, and changes nothing but the journal: "
                  "versions and rights, the plan against the catalog, long transactions, replication, room, "
                  "and in which state the database is. Each answer is a finding in the journal.\n\n"
                  "The exit status is 1 when a check fails.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .run = verb_preflight, .options = {MODE_OPTIONS},
    },
    {
        .name = "migrate", .args = "", .group = S_run, .effect = REVERSIBLE, .json = true,
        .summary = "runs the plan's steps, and proves the result",
        .manual =
            "Begins a worker, which goes through the steps of 'plan show', and follows it until it is over. The "
            "worker is a process of its own: a closed terminal does not reach it, 'attach' looks on again. After "
            "a failure, a stop or a kill the same command goes on where the journal and the catalog say it "
            "stands.\n\n"
            "Without --window it works beside the application: short batches, short locks, a trigger that keeps new "
            "rows filled, until 'run release' drops it. With --window the application is stopped, and each table "
            "is rewritten once, in bulk.\n\n"
            "What is done is said to be done only after 'validate' has read it, with other statements than those "
            "that wrote it. 'rollback' takes everything back.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_migrate,
        .question = "run the plan's steps on this database", .tell = verb_migrate_tell,
        .options = {{"to", "STEP", "ends after that step", 0},
                    {"hold", "STEP", "waits before that step, until 'resume'", 0},
                    {"no-backup", NULL, "makes no backup: there is one, or none is wanted", 0},
                    {"backup-dir", "DIR", "where the backup goes", 0},
                    {"report-dir", "DIR", "where the report goes", 0},
                    MODE_OPTIONS, WORKER_OPTIONS},
    },
    {
        .name = "run", .args = "STEP", .min_args = 1, .max_args = 1, .group = S_run, .effect = REVERSIBLE,
        .json = true,
        .summary = "runs one step of the plan",
        .manual = "The same as 'migrate', but for one step, and the way to the step release, which 'migrate' "
                  "leaves for later. It is refused while a step before it has not been done; a backup, outside "
                  "commands, the steps of the cache and the report may be left out. What is done already is found "
                  "so and left as it is.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_run_step,
        .question = "run this step on this database", .tell = verb_run_step_tell,
        .options = {{"backup-dir", "DIR", "where the backup goes", 0},
                    {"report-dir", "DIR", "where the report goes", 0},
                    MODE_OPTIONS, WORKER_OPTIONS},
    },
    {
        .name = "validate", .args = "", .group = S_run, .effect = REVERSIBLE, .acts = "fix-issues",
        .summary = "whether the migration is right",
        .manual = "Reads the whole result, with other statements than those that wrote it: structure, "
                  "completeness, every value against the mapping, every child against its parent, keys, "
                  "indexes, foreign keys, rows per tenant, and the keys in Redis. Each answer is a finding in "
                  "the journal.\n\nWith --fix-issues it is the verb fix: what the last validation found is "
                  "mended, and validated again.\n\nThe exit status is 1 when a check fails.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .question = "mend what was found wrong", .tell = verb_validate_tell,
        .run = verb_validate,
        .options = {{"fix-issues", NULL, "mends what the last validation found, as fix does", 0},
                    {"dry-run", NULL, "prints every statement of --fix-issues, and changes nothing", 0},
                    MODE_OPTIONS, {"detach", NULL, "does not wait for the end", 0}},
    },
    {
        .name = "fix", .args = "[WHAT...]", .max_args = 8, .group = S_run, .effect = REVERSIBLE, .json = true,
        .summary = "mends what a validation found wrong",
        .manual = "Goes by the findings of the last 'validate': all of them, or those of a WHAT, which is a group, a "
                  "table, or both as GROUP:TABLE. It brings back what the plan says and the database does not have "
                  "any more, with the statements of the plan's own steps: missing columns, triggers, NOT NULL, keys, "
                  "indexes and foreign keys; indexes that a build left invalid; foreign keys that were not proved; "
                  "rows without codes or with other codes than the mapping says.\n\n"
                  "What would decide about data (rows that belong to nobody, duplicates, types, indexes of others) it "
                  "leaves alone, and says so. What it changes is recorded like the change of a step, so that "
                  "'rollback' still leads to what was before. In the end everything is validated again; the exit "
                  "status is 1 when something is still wrong.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_fix,
        .question = "mend what was found wrong", .tell = verb_fix_tell,
        .options = {MODE_OPTIONS, WORKER_OPTIONS},
    },
    {
        .name = "rollback", .args = "", .group = S_run, .effect = DESTRUCTIVE, .json = true,
        .summary = "guides through taking back what the steps have done",
        .manual = "Without a choice it changes nothing and prints a numbered guide: what is found now, what would be "
                  "taken back in which order and how long that may take, what stays, what only a restore takes "
                  "back, the backup, how many rows were written since and would lose their codes, whether all "
                  "of it can be taken back (the old keys would still be unique, nobody has built on what goes, "
                  "no trigger of the application fires), and what can be chosen.\n\n"
                  "A choice (--all, --to, --only, --preserve-data) prints the same guide for just that and asks for "
                  "the database's name; --confirm=NAME alone means all of it. It goes backwards through the records "
                  "that each step wrote before it changed anything, and reads each change back from the catalog "
                  "before it counts. After a crash the same command goes on.\n\n"
                  "With --only one step goes alone, which is refused while a step after it stands on it. Outside "
                  "commands are taken back where the plan says how; else they need a restore, and are named. Keys "
                  "that cache-clear has removed do not come back. With --dry-run it prints its statements.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_rollback,
        .weigh = verb_rollback_weigh,
        .question = "this takes back the migration", .tell = verb_rollback_tell,
        .options = {{"all", NULL, "takes back all of it", 0},
                    {"to", "STEP", "that step stays, and all before it", 0},
                    {"only", "STEP", "takes back that step alone", 0},
                    {"preserve-data", NULL, "the columns stay, with what they hold", 0},
                    {"backup-dir", "DIR", "where the guide looks for the backup", 0},
                    MODE_OPTIONS, WORKER_OPTIONS},
    },
    {
        .name = "report", .args = "", .group = S_run,
        .summary = "what a run did, how long it took, what it found",
        .manual = "Of the newest run, or of the one that --run names: the plan and its hash, who ran it where and "
                  "when, its steps with states, rows, rates and times, its findings with samples, its errors and "
                  "retries, what it can take back, and what is still to do. The step report of a run writes the "
                  "same into files.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .json = true, .run = verb_report,
        .options = {RUN_OPTION, {"csv", NULL, "answers in CSV: one line a fact", 0}},
    },
    {
        .name = "attach", .args = "", .group = S_steer,
        .summary = "looks on while a worker runs",
        .manual = "Shows the events of the run, and on a terminal its progress, until it is over. Ctrl-C leaves; "
                  "the run goes on. The exit status is that of the run.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .json = true, .run = verb_attach,
        .options = {RUN_OPTION},
    },
    {
        .name = "pause", .args = "", .group = S_steer, .effect = REVERSIBLE, .json = true,
        .summary = "the run waits at the next border",
        .manual = "The worker finishes the batch or the statement under way, and waits until 'resume'.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "pause the run", .options = {RUN_OPTION},
    },
    {
        .name = "resume", .args = "", .group = S_steer, .effect = REVERSIBLE, .json = true,
        .summary = "a run that was paused or held goes on",
        .manual = "Ends a 'pause', and lets a run go on that holds before a step. A run that was stopped, or whose "
                  "worker has died, goes on with the command that began it.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "let the run go on", .options = {RUN_OPTION},
    },
    {
        .name = "stop", .args = "", .group = S_steer, .effect = REVERSIBLE, .json = true,
        .summary = "the run ends at the next border",
        .manual = "The worker finishes the batch or the statement under way and ends. The command that began the "
                  "run goes on from there.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "stop the run at the next border", .options = {RUN_OPTION},
    },
    {
        .name = "abort", .args = "", .group = S_steer, .effect = REVERSIBLE, .json = true,
        .summary = "the run ends at once",
        .manual = "What is under way is cancelled and its transaction taken back. The command that began the run "
                  "goes on from there.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "cancel what is under way, and end the run", .options = {RUN_OPTION},
    },
    {
        .name = "hold", .args = "[STEP]", .max_args = 1, .group = S_steer, .effect = REVERSIBLE, .json = true,
        .summary = "the run waits before a step",
        .manual = "Everything before that step is done, then the worker waits until 'resume'. Without a step it "
                  "waits before none.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "let the run wait before that step", .options = {RUN_OPTION},
    },
    {
        .name = "throttle", .args = "NAME=VALUE...", .min_args = 1, .max_args = 8, .group = S_steer,
        .effect = REVERSIBLE, .json = true,
        .summary = "sets the limits of a run at work",
        .manual = "The names are those of the plan's section throttle: batch and lag take a span ('batch=100ms', "
                  "'lag=5s'), pages, waiters, active and archive a number; batch and pages also '*2' and '/2' of "
                  "what they are. 'off' lets go of a limit. query and "
                  "file are switched on and off, and 'hold=on' makes the fill wait until 'hold=off'. The worker "
                  "answers, and obeys from the next batch on; the plan stays as it is.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "set these limits", .options = {RUN_OPTION},
    },
    {
        .name = "cache clear", .args = "", .group = S_cache, .effect = REVERSIBLE, .destroys = "all", .json = true,
        .summary = "removes keys by tenant, type, key, pattern or tag",
        .manual =
            "Removes what is chosen, with UNLINK, and walks anew to see that it is gone: only then it says so. A code "
            "is compared whole, never as a pattern, so that tenant 'a*' is that tenant alone. Keys of templates that "
            "the plan calls foreign, and job queues (bull:*), stay, unless --foreign is said. --tag follows the sets "
            "cache_tags:{tenant}:{tag}, and takes members out whose entry is gone. --all empties the Redis database "
            "(FLUSHDB): it asks for its name, and is refused while keys of others are there.\n\n"
            "With --dry-run it counts and shows some. With --undo-file each key is on the disk, with its end, before "
            "it is removed; 'cache restore' brings them back.\n\n"
            "What is intended is written to a file in ~/.local/state/tenantdeck/caches, and to the log of the journal "
            "where a database with one is named. After a kill the same command goes on; --abandon gives it up.\n\n"
            "The exit status is 1 when keys are there again at the end, written meanwhile.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_clear, .tell = verb_cache_clear_tell,
        .question = "remove these keys",
        .options = {CHOICE_OPTIONS,
                    {"key", "KEY", "this one key", 0},
                    {"tag", "TAG", "the entries with that tag, of --tenant or of all", 0},
                    {"all", NULL, "every key of the Redis database", 0},
                    {"foreign", NULL, "keys of others as well", 0},
                    {"undo-file", "FILE", "keeps in a new file what is removed", 0},
                    {"rate", "N", "removes no more than N keys a second", 0},
                    SHARE_OPTION, DRY_OPTION,
                    {"abandon", NULL, "gives up a clear that was cut off", 0}},
    },
    {
        .name = "cache ttl", .args = "", .group = S_cache, .effect = REVERSIBLE, .acts = "set", .json = true,
        .summary = "keys against the policy of how long they may live",
        .manual =
            "Asks every key of the plan's templates for its time to live, and counts those that never end and those "
            "that live longer than the policy: the `ttl` of their template, or the value of the environment name in "
            "its `ttl name`, such as CACHE_TTL_ORG_DATA. With --drift it reads values as well, and counts those that "
            "say another end (expiresAt) than their key has, by more than a minute.\n\n"
            "With --set such keys get the policy's time. The server compares at that moment, so a shorter time is "
            "never made longer. All of them are looked at anew afterwards.\n\n"
            "The exit status is 1 when keys break the policy, or drift.",
        .needs = NEEDS_REDIS | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_cache_ttl,
        .question = "give these keys the policy's time to live",
        .options = {{"set", NULL, "gives keys that break the policy its time", 0},
                    {"drift", NULL, "reads values, and compares what they say", 0},
                    CHOICE_OPTIONS, SHARE_OPTION, DRY_OPTION},
    },
    {
        .name = "cache invalidate", .args = "EVENT CODE [ID]", .min_args = 2, .max_args = 3, .group = S_cache,
        .effect = REVERSIBLE, .json = true,
        .summary = "removes what went stale with a change, for hooks",
        .manual = "EVENT is organization, session or profile, CODE the organization's, ID the very thing where it is "
                  "known. The keys are those of the plan's templates with that event: of an organization's update "
                  "org:{org}:*, say, of a session's sessions:{org}:*, of a profile's mentors:{org}:* and "
                  "mentees:{org}:*. Its tenant is told by the mapping, or by --tenant. Keys that can be told by name are "
                  "removed without a walk. Afterwards they are looked for anew.\n\n"
                  "The exit status is 1 when some are there again.",
        .needs = NEEDS_REDIS | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_cache_invalidate,
        .question = "remove the keys that went stale",
        .options = {{"tenant", "CODE", "the organization's tenant, where no mapping tells it", 0}, DRY_OPTION},
    },
    {
        .name = "cache warm", .args = "", .group = S_cache, .effect = REVERSIBLE, .json = true,
        .summary = "sets what is asked for most, from the database",
        .manual = "Runs the plan's warming queries and sets what they answer, with the plan's time to live, where no "
                  "key is yet: the step cache-warm, by a worker that is followed until it is over.",
        .needs = NEEDS_DATABASE | NEEDS_REDIS | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_cache_warm,
        .question = "set the keys of the plan's warming queries",
        .options = {MODE_OPTIONS, WORKER_OPTIONS},
    },
    {
        .name = "cache rekey", .args = "OLD NEW", .min_args = 2, .max_args = 2, .group = S_cache,
        .effect = REVERSIBLE, .json = true,
        .summary = "gives a tenant's keys another code",
        .manual =
            "Every key of the plan's templates whose {tenant} is OLD gets NEW in its place (with --organizations: "
            "{org}). In values that are JSON, tenantId, organizationId and their like are changed where they say OLD, "
            "and no other byte is; in sets, the members that are such keys. Each key keeps the time it has left. No "
            "key is overwritten. Then all is looked at anew: no key of OLD may be there, and none may say it.\n\n"
            "It is begun only while NEW has no key. So 'cache rekey NEW OLD' takes it back. After a kill the same "
            "command goes on; --abandon gives it up.\n\n"
            "The exit status is 1 when something says the old code still: it was written meanwhile.",
        .needs = NEEDS_REDIS | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_cache_rekey,
        .question = "give these keys another code",
        .options = {{"organizations", NULL, "the codes are of organizations, not tenants", 0}, SHARE_OPTION, DRY_OPTION,
                    {"abandon", NULL, "gives up one that was cut off", 0}},
    },
    {
        .name = "cache restore", .args = "FILE", .min_args = 1, .max_args = 1, .group = S_cache,
        .effect = REVERSIBLE, .json = true,
        .summary = "brings back what 'cache clear' has kept in a file",
        .manual = "Reads the file whole, against its checksum, before it does anything. A key that is there again "
                  "stays as it is; one whose time has come meanwhile is left out; all others get what time they had "
                  "left. Each restored key is asked for anew.\n\n"
                  "The exit status is 1 when the server refuses some.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_restore,
        .question = "restore the keys of this file",
        .options = {{"force", NULL, "though they are of another Redis", 0}, DRY_OPTION},
    },
    {
        .name = "session list", .args = "", .group = S_sessions,
        .summary = "who is logged in, by the sessions in Redis",
        .manual = "Lists the sessions of the service (session:{tenant}:{id}), those first that were used last: "
                  "of one tenant with --tenant, of one user with --user. A user is known by what the session "
                  "itself says, so one that has dropped out of its user's set is listed, too.\n\n"
                  "To look extends nothing, unlike the service's own list: it reads with MGET and PTTL. An id is as "
                  "good as the login; keep the output to yourself.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_session_list,
        .options = {TENANT_OPTION, {"user", "U", "only those of this user", 0},
                    {"limit", "N", "no more than these (1000)", 0}, TABLE_OPTIONS},
    },
    {
        .name = "session show", .args = "ID", .min_args = 1, .max_args = 1, .group = S_sessions,
        .summary = "one session: whose, since when, until when",
        .manual = "Prints what the session holds. Without --tenant it is looked for in all tenants. Members whose "
                  "name speaks of a password, a token or a secret are masked, and so is what looks like a "
                  "token; --reveal shows them. Nothing is extended.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_session_show,
        .options = {TENANT_OPTION, REVEAL_OPTION},
    },
    {
        .name = "session check", .args = "", .group = S_sessions,
        .summary = "leaks, users over the limit, what has drifted apart",
        .manual = "Reads every session and every set of a user's sessions, and changes none. It fails when a "
                  "session says another tenant than its key (who holds it may see what is another tenant's) "
                  "or has no end. It warns of users with more sessions than the plan's [sessions] allows (5), of sets "
                  "that name sessions that are over or none at all, of sessions that stand in no set, and of an "
                  "expiresAt that is not when the key expires.\n\n"
                  "A session that begins or ends while it is read can be told as missing from its set. "
                  "The exit status is 1 when a check fails.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_session_check,
        .options = {TENANT_OPTION, TABLE_OPTIONS},
    },
    {
        .name = "session create", .args = "", .group = S_sessions, .effect = REVERSIBLE, .json = true,
        .summary = "makes a session as the service makes them",
        .manual = "Writes the session, puts its id into the set of its user and begins its log of activity, all in "
                  "one MULTI; in a cluster, whose keys lie apart, one after the other. Its time is the plan's for "
                  "session:{tenant}:..., or 24 hours. Prints the id. Nobody's oldest session goes when there are more "
                  "than the plan allows: that is said instead.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_session_create,
        .question = "make a session",
        .options = {TENANT_OPTION, {"user", "U", "whose it is", 0},
                    {"email", "ADDRESS", "the user's", 0}, {"name", "NAME", "the user's", 0},
                    {"organization", "NAME", "the tenant's, for people", 0},
                    {"roles", "A,B", "what the user is", 0}, {"permissions", "A,B", "what the user may do", 0},
                    {"metadata", "JSON", "an object of the application's own", 0}, ORIGIN_OPTIONS},
    },
    {
        .name = "session touch", .args = "ID", .min_args = 1, .max_args = 1, .group = S_sessions,
        .effect = REVERSIBLE, .json = true,
        .summary = "extends a session, as if its user had used it",
        .manual = "Sets lastAccessedAt to now and gives the session its whole time again, or leaves its end as it is "
                  "where the plan says 'sliding = false'. It never makes one shorter. All else that it holds stays; "
                  "its id goes back into the set of its user. When the service writes it at the same moment, it "
                  "is read again (WATCH); in a cluster that moment is not guarded.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_session_touch,
        .question = "extend this session", .options = {TENANT_OPTION, ORIGIN_OPTIONS},
    },
    {
        .name = "session end", .args = "[ID]", .max_args = 1, .group = S_sessions, .effect = DESTRUCTIVE,
        .json = true,
        .summary = "ends one session, or all of a user",
        .manual = "Removes the session, its place in the set of its user, and its log of activity. With --user and "
                  "--tenant all sessions of that user: those of the set, and those that say they are the user's and "
                  "stand in no set, which the service itself would leave alone. It looks again until there is none. "
                  "What cannot be taken back is only that people have to log in anew.\n\n"
                  "The exit status is 1 when the set names a session that says it is somebody else's.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_session_end,
        .question = "end these sessions", .tell = verb_session_end_tell,
        .options = {TENANT_OPTION, {"user", "U", "all sessions of this user", 0}, DRY_OPTION},
    },
    {
        .name = "session sweep", .args = "", .group = S_sessions, .effect = REVERSIBLE, .json = true,
        .summary = "takes sessions that are over out of users' sets",
        .manual = "The service leaves them there until somebody lists that user's sessions. A set that is empty "
                  "afterwards is gone. No session is touched.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_session_sweep,
        .question = "take out of the sets what is over", .options = {TENANT_OPTION, DRY_OPTION},
    },
    {
        .name = "cache get", .args = "KEY", .min_args = 1, .max_args = 1, .group = S_sessions,
        .summary = "one entry of the service's cache",
        .manual = "KEY is the whole key, cache:TENANT:NAMESPACE:KEY, or what --tenant and --namespace (generic) "
                  "leave of it. Prints what the entry holds, its tags, and how long it has left; secrets are "
                  "masked as in 'session show'. Unlike the service's own read it extends, deletes and counts "
                  "nothing.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_get,
        .options = {TENANT_OPTION, NAMESPACE_OPTION, REVEAL_OPTION},
    },
    {
        .name = "cache set", .args = "KEY VALUE", .min_args = 2, .max_args = 2, .group = S_sessions,
        .effect = REVERSIBLE, .json = true,
        .summary = "sets an entry, in the service's own shape",
        .manual = "Writes {data, createdAt, expiresAt, version, tags}, and puts the key into the set of each tag; a "
                  "set lives as long as the longest of its entries. VALUE is JSON, or else a text; with --text "
                  "always a text. It lives as long as the plan says, or an hour. What stands there is "
                  "replaced; 'cache delete' takes it back, and the service sets its own again.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_set, .question = "set this entry",
        .options = {TENANT_OPTION, NAMESPACE_OPTION, {"ttl", "SECONDS", "how long it lives", 0},
                    {"tags", "A,B", "by which it can be invalidated", 0},
                    {"text", NULL, "VALUE is a text, though it looks like JSON", 0}},
    },
    {
        .name = "cache delete", .args = "KEY", .min_args = 1, .max_args = 1, .group = S_sessions,
        .effect = REVERSIBLE, .json = true,
        .summary = "removes one entry",
        .manual = "Removes the entry, and its key from the tags that it carries. The service makes it anew when it is "
                  "asked for.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_delete,
        .question = "remove this entry", .options = {TENANT_OPTION, NAMESPACE_OPTION},
    },
    {
        .name = "cache tags", .args = "TAG...", .min_args = 1, .max_args = 16, .group = S_sessions,
        .effect = REVERSIBLE, .json = true,
        .summary = "removes all entries that carry a tag",
        .manual = "Of the tenant of --tenant, tag by tag: the entries go, then their keys out of the set "
                  "cache_tags:TENANT:TAG, and it is looked whether they are gone. A key in the set that is no cache "
                  "key of that tenant is never touched, and told.\n\nThe exit status is 1 when there is such a key.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_tags,
        .question = "remove the entries that carry these tags", .options = {TENANT_OPTION, DRY_OPTION},
    },
    {
        .name = "cache metrics", .args = "", .group = S_sessions,
        .summary = "hits and misses per tenant, the server's load, alarms",
        .manual = "The counters that the service keeps in cache_metrics:{tenant}; its code writes misses as misss, and "
                  "both are counted. Before them the server's memory, connections, hits since it was started (reads "
                  "of ours are among them) and evicted keys, and which of the plan's [alarms] ring; of a cluster, "
                  "each primary's.\n\nThe exit status is 1 when an alarm rings.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_metrics,
        .options = {TENANT_OPTION, TABLE_OPTIONS},
    },
    {
        .name = "cache test", .args = "", .group = S_sessions, .effect = REVERSIBLE, .json = true,
        .summary = "whether this Redis does what the service needs of it",
        .manual = "Goes through what the guide's test page does: the connection, sessions (made, read, listed, "
                  "extended, ended), cache entries (set, read, deleted, expired), tags and metrics; and that one "
                  "tenant sees nothing of another's. It works on keys of two tenants that exist for it alone "
                  "(td-test-...), which live for a minute at most, and looks at its end that none is "
                  "left.\n\nThe exit status is 1 when something fails.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_test,
        .question = "write keys of a test, and remove them",
    },
    {
        .name = "cache bench", .args = "", .group = S_sessions, .effect = REVERSIBLE, .json = true,
        .summary = "how long an answer takes: PING, SET, GET, MGET",
        .manual = "One command at a time, with a millisecond of rest after each, so that the server hardly notices; on "
                  "keys of its own (td-bench-...), which are gone afterwards, or after a minute when it is killed. Prints "
                  "what half of the answers take, what 99 of 100 take, and the worst, beside the guide's figures.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_bench,
        .question = "write keys of a bench, and remove them",
        .options = {{"count", "N", "how often each (200)", 0}},
    },
    {
        .name = "backup create", .args = "", .group = S_change,
        .summary = "dumps the database, and checks the dump",
        .manual = "Runs pg_dump (custom format) without schema tenantdeck, and counts the rows of the plan's tables, "
                  "or of all without a plan, in the very snapshot that is dumped. The dump has its name only when "
                  "it is on the disk and pg_restore finds every table in it with its data; beside it stands a "
                  "JSON file with all that is known of it. Both can be read by their owner alone.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = REVERSIBLE, .json = true,
        .question = "dump the database", .run = verb_backup_create, .options = {DIRECTORY_OPTION},
    },
    {
        .name = "backup list", .args = "", .group = S_change,
        .summary = "the backups on this host",
        .manual = "Lists them by age, the newest last, with what their JSON says. A dump whose size has changed is "
                  "damaged; one without JSON was not finished; a restore that was cut off is named.\n\n"
                  "The exit status is 1 when one is not whole.",
        .kinds = ALL_KINDS, .json = true, .run = verb_backup_list, .options = {DIRECTORY_OPTION},
    },
    {
        .name = "backup verify", .args = "[NAME]", .max_args = 1, .group = S_change,
        .summary = "whether a backup is whole, and of this database",
        .manual = "Of the named one, or of the newest: its size, its SHA-256, that pg_restore finds every table in "
                  "it with its data, and that it is of the database that is named. The server is not asked.\n\n"
                  "The exit status is 1 when it is not.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_backup_verify,
        .options = {DIRECTORY_OPTION},
    },
    {
        .name = "backup prune", .args = "", .group = S_change,
        .summary = "removes the backups that are no longer wanted",
        .manual = "The newest whole backups of this database stay, three of them or as many as --keep says; the "
                  "older ones go. Backups of other databases, unfinished or damaged ones, and one that a restore "
                  "still wants are left alone. The newest is read and checked first, as by 'backup verify'; when it "
                  "is not in order, nothing goes. With --dry-run it only says what would go.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = DESTRUCTIVE, .json = true,
        .question = "this removes backups", .tell = verb_backup_prune_tell, .run = verb_backup_prune,
        .options = {DIRECTORY_OPTION,
                    {"keep", "N", "how many whole ones stay (3)", 0},
                    {"dry-run", NULL, "removes nothing, says what would go", 0}},
    },
    {
        .name = "backup restore", .args = "[NAME]", .max_args = 1, .group = S_change,
        .summary = "puts a backup in the database's place",
        .manual =
            "Loads it into a new database, compares every table's rows with the figures of the backup, carries over "
            "owner, grants and settings of the database, and only then swaps the two names in one transaction. "
            "The old database stays under another name, and the statements that drop it or take the restore back "
            "are printed. While sessions are connected to the database it is refused; nobody is disconnected.\n\n"
            "The triggers that fill new rows are left out of a backup that was taken while they were there. "
            "Each intent and each result is written to a file in ~/.local/state/tenantdeck/restores. After a kill "
            "the same command goes on, or begins anew what was not whole; --abandon gives it up. The restored "
            "database gets a new journal: old runs cannot be resumed in it.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = DESTRUCTIVE, .json = true,
        .question = "replace the database by a backup", .alone = true, .run = verb_backup_restore,
        .options = {DIRECTORY_OPTION,
                    {"jobs", "N", "tables and indexes that are loaded at the same time (2)", 0},
                    {"force", NULL, "though it is of another database or server", 0},
                    {"abandon", NULL, "gives up a restore that was cut off", 0}},
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
                  "of their own, and opens the console on them. Without a terminal it goes through the whole "
                  "migration instead: plan check, migrate, status. With a verb after it, it runs that "
                  "verb on them. However it ends, servers and directory are gone afterwards.",
        .kinds = ALL_KINDS, .options = {DEMO_OPTIONS},
    },
    {
        .name = "demo sessions", .args = "[VERB...]", .max_args = 16, .group = S_about,
        .summary = "the same with sessions and caches in Redis alone",
        .manual = "Starts a private Redis with the sessions and caches of six tenants, and opens the console on it under "
                  "the plan sessions. The sample has what the checks are for: sessions that say another tenant, users "
                  "over the limit, sets that name what is over, keys without an end. Without a terminal it goes "
                  "through the verbs that look. Gone when it ends, as the demo is.",
        .kinds = ALL_KINDS, .options = {{"scale", "N", "the size of the sample; 1 is 1,500 sessions (1)", 0}},
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
