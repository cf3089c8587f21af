/*
 * rows_change: backups, journal, samples, and the program itself: the groups Change and About. Data
 * only.
 */
#include "rows.h"

/* clang-format off */
#define SCALE_OPTION {"scale", "N", "the size of the sample; 1 is 20,000 sessions (1)", 0}
#define DEMO_OPTIONS \
    SCALE_OPTION, \
    {"dirty", NULL, "plants the defects that the checks must find", 0}

#define DIRECTORY_OPTION \
    {"directory", "DIR", "where they are kept (~/.local/state/tenantdeck/backups)", 0}

static const struct verb S_rows[] = {
    {
        .name = "backup create", .args = "", .group = "Change",
        .summary = "dumps the database, and checks the dump",
        .manual = "Runs pg_dump (custom format) without schema tenantdeck, and counts the rows of the plan's tables, "
                  "or of all without a plan, in the very snapshot that is dumped. The dump has "
                  "its name only when it is on the disk and pg_restore finds every table in it "
                  "with its data; beside it stands a JSON file with all that is known of it. Both "
                  "can be read by their owner alone.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = REVERSIBLE, .json = true,
        .question = "dump the database", .run = verb_backup_create, .options = {DIRECTORY_OPTION},
    },
    {
        .name = "backup list", .args = "", .group = "Change",
        .summary = "the backups on this host",
        .manual = "Lists them by age, the newest last, with what their JSON says. A dump whose size has changed is "
                  "damaged; one without JSON was not finished; a restore that was cut off is "
                  "named.\n\n"
                  "The exit status is 1 when one is not whole.",
        .kinds = ALL_KINDS, .json = true, .run = verb_backup_list, .options = {DIRECTORY_OPTION},
    },
    {
        .name = "backup verify", .args = "[NAME]", .max_args = 1, .group = "Change",
        .summary = "whether a backup is whole, and of this database",
        .manual = "Of the named one, or of the newest: its size, its SHA-256, that pg_restore finds every table in "
                  "it with its data, and that it is of the database that is named. The server is "
                  "not asked.\n\n"
                  "The exit status is 1 when it is not.",
        .needs = SHOWS_ALL, .kinds = ALL_KINDS, .json = true, .run = verb_backup_verify,
        .options = {DIRECTORY_OPTION},
    },
    {
        .name = "backup prune", .args = "", .group = "Change",
        .summary = "removes the backups that are no longer wanted",
        .manual = "The newest whole backups of this database stay, three of them or as many as --keep says; the "
                  "older ones go. Backups of other databases, unfinished or damaged ones, and one "
                  "that a restore still wants are left alone. The newest is read and checked "
                  "first, as by 'backup verify'; when it is not in order, nothing goes. With "
                  "--dry-run it only says what would go.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = DESTRUCTIVE, .json = true,
        .question = "this removes backups", .tell = verb_backup_prune_tell, .run = verb_backup_prune,
        .options = {DIRECTORY_OPTION,
                    {"keep", "N", "how many whole ones stay (3)", 0},
                    {"dry-run", NULL, "removes nothing, says what would go", 0}},
    },
    {
        .name = "backup restore", .args = "[NAME]", .max_args = 1, .group = "Change",
        .summary = "puts a backup in the database's place",
        .manual =
            "Loads it into a new database, compares every table's rows with the figures of the "
            "backup, carries over owner, grants and settings of the database, and only then swaps "
            "the two names in one transaction. The old database stays under another name, and the "
            "statements that drop it or take the restore back are printed. While sessions are "
            "connected to the database it is refused; nobody is disconnected.\n\n"
            "The triggers that fill new rows are left out of a backup that was taken while they "
            "were there. Each intent and each result is written to a file in "
            "~/.local/state/tenantdeck/restores. After a kill the same command goes on, or begins "
            "anew what was not whole; --abandon gives it up. The restored database gets a new "
            "journal: old runs cannot be resumed in it.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = DESTRUCTIVE, .json = true,
        .question = "replace the database by a backup", .alone = true, .tell = verb_backup_restore_tell,
        .run = verb_backup_restore,
        .options = {DIRECTORY_OPTION,
                    {"jobs", "N", "tables and indexes that are loaded at the same time (2)", 0},
                    {"force", NULL, "though it is of another database or server", 0},
                    {"abandon", NULL, "gives up a restore that was cut off", 0}},
    },
    {
        .name = "journal create", .args = "", .group = "Change",
        .summary = "makes the journal, or brings it up to date",
        .manual = "Creates schema tenantdeck in the database, or upgrades it. It holds what was run, by "
                  "whom, and how to take it back; tenantdeck-journal(7) describes it. No table of "
                  "the application is touched. DROP SCHEMA tenantdeck CASCADE takes it back.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = REVERSIBLE, .json = true,
        .question = "create or upgrade the journal, schema tenantdeck,", .run = verb_journal_create,
    },
    {
        .name = "demo load", .args = "", .group = "Change",
        .summary = "loads the sample into an empty database",
        .manual = "Loads the sample of demo into servers that run already, to rehearse on them. Refused "
                  "unless the database has no table of its own and Redis no key.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .effect = REVERSIBLE, .json = true,
        .question = "load the sample", .run = verb_demo_load, .options = {DEMO_OPTIONS},
    },
    {
        .name = "demo", .args = "[VERB...]", .max_args = 16, .group = "About",
        .summary = "private servers with sample data, gone afterwards",
        .manual = "Starts a private PostgreSQL and Redis with sample data, on unix sockets in a directory "
                  "of their own, and opens the console on them. Without a terminal it goes "
                  "through the whole migration instead: plan check, migrate, status. With a verb "
                  "after it, it runs that verb on them. However it ends, servers and directory "
                  "are gone afterwards.",
        .kinds = ALL_KINDS, .options = {DEMO_OPTIONS},
    },
    {
        .name = "demo sessions", .args = "[VERB...]", .max_args = 16, .group = "About",
        .summary = "the same with sessions and caches in Redis alone",
        .manual = "Starts a private Redis with the sessions and caches of six tenants, and opens the console on it under "
                  "the plan sessions. The sample has what the checks are for: sessions that say "
                  "another tenant, users over the limit, sets that name what is over, keys "
                  "without an end. Without a terminal it goes through the verbs that look. Gone "
                  "when it ends, as the demo is.",
        .kinds = ALL_KINDS, .options = {{"scale", "N", "the size of the sample; 1 is 1,500 sessions (1)", 0}},
    },
    {
        .name = "sql", .args = "[NAME]", .max_args = 1, .group = "About",
        .summary = "every statement that is ever sent, or one of them",
        .manual = "Without a name it lists all statements with their notes. With one it prints the "
                  "statement as it is sent; psql runs it, since names are its :\"variables\".",
        .kinds = ALL_KINDS, .json = true, .run = verb_sql,
    },
    {
        .name = "completion bash", .args = "", .group = "About",
        .summary = "the completion script for bash",
        .manual = "Prints the script; an installed tenantdeck has it in place already.",
        .kinds = ALL_KINDS, .run = verb_completion_bash,
    },
    {
        .name = "help", .args = "[VERB]", .max_args = 2, .group = "About",
        .summary = "this help, or what there is to know of a verb",
        .manual = "Prints the list of verbs and options, or the description of one verb.",
        .kinds = ALL_KINDS, .run = verb_help,
        .options = {{"man", NULL, "prints the verbs and options as sections of a manual page", 0}},
    },
};
/* clang-format on */

const struct verb_rows rows_change = {S_rows, ARRAY_LEN(S_rows)};
