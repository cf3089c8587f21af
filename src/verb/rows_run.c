/*
 * rows_run: what runs the plan, takes it back, and steers it: the groups Run and Steer. Data only.
 */
#include "rows.h"

/* clang-format off */
#define RUN_OPTION {"run", "N", "that run; else the one that is open, or the newest", 0}

#define STARTED_OPTION {"started", "TIME", "when the session began, as 'blockers --json' has it", 0}

static const struct verb S_rows[] = {
    {
        .name = "preflight", .args = "", .group = "Run",
        .summary = "whether the migration may begin",
        .manual = "Asks everything that could stop a migration half-way, and changes nothing but the journal: "
                  "versions and rights, the plan against the catalog, long transactions, "
                  "replication, room, and in which state the database is. Each answer is a "
                  "finding in the journal.\n\n"
                  "The exit status is 1 when a check fails.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .run = verb_preflight, .options = {MODE_OPTIONS},
    },
    {
        .name = "migrate", .args = "", .group = "Run", .effect = REVERSIBLE, .json = true,
        .summary = "runs the plan's steps, and proves the result",
        .manual =
            "Begins a worker, which goes through the steps of 'plan show', and follows it until "
            "it is over. The worker is a process of its own: a closed terminal does not reach it, "
            "'attach' looks on again. After a failure, a stop or a kill the same command goes on "
            "where the journal and the catalog say it stands.\n\n"
            "Without --window it works beside the application: short batches, short locks, a "
            "trigger that keeps new rows filled, until 'run release' drops it. With --window the "
            "application is stopped, and each table is rewritten once, in bulk.\n\n"
            "What is done is said to be done only after 'validate' has read it, with other "
            "statements than those that wrote it. 'rollback' takes everything back.",
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
        .name = "run", .args = "STEP", .min_args = 1, .max_args = 1, .group = "Run", .effect = REVERSIBLE,
        .json = true,
        .summary = "runs one step of the plan",
        .manual = "The same as 'migrate', but for one step, and the way to the step release, which 'migrate' "
                  "leaves for later. It is refused while a step before it has not been done; a "
                  "backup, outside commands, the steps of the cache and the report may be left "
                  "out. What is done already is found so and left as it is.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_run_step,
        .question = "run this step on this database", .tell = verb_run_step_tell,
        .options = {{"backup-dir", "DIR", "where the backup goes", 0},
                    {"report-dir", "DIR", "where the report goes", 0},
                    MODE_OPTIONS, WORKER_OPTIONS},
    },
    {
        .name = "validate", .args = "", .group = "Run", .effect = REVERSIBLE, .acts = "fix-issues",
        .summary = "whether the migration is right",
        .manual = "Reads the whole result, with other statements than those that wrote it: structure, "
                  "completeness, every value against the mapping, every child against its parent, "
                  "keys, indexes, foreign keys, rows per tenant, and the keys in Redis. Each "
                  "answer is a finding in the journal.\n\n"
                  "With --fix-issues it is the verb fix: what the last validation found is "
                  "mended, and validated again.\n\n"
                  "The exit status is 1 when a check fails.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .json = true,
        .question = "mend what was found wrong", .tell = verb_validate_tell,
        .run = verb_validate,
        .options = {{"fix-issues", NULL, "mends what the last validation found, as fix does", 0},
                    {"dry-run", NULL, "prints every statement of --fix-issues, and changes nothing", 0},
                    MODE_OPTIONS, {"detach", NULL, "does not wait for the end", 0}},
    },
    {
        .name = "fix", .args = "[WHAT...]", .max_args = 8, .group = "Run", .effect = REVERSIBLE, .json = true,
        .summary = "mends what a validation found wrong",
        .manual = "Goes by the findings of the last 'validate': all of them, or those of a WHAT, which is a group, a "
                  "table, or both as GROUP:TABLE. It brings back what the plan says and the "
                  "database does not have any more, with the statements of the plan's own steps: "
                  "missing columns, triggers, NOT NULL, keys, indexes and foreign keys; indexes "
                  "that a build left invalid; foreign keys that were not proved; rows without "
                  "codes or with other codes than the mapping says. Where Citus has spread a "
                  "table, a row of another tenant is written anew where it belongs and deleted "
                  "where it was, with the rows that lead to it, in one transaction; those tables "
                  "take no writes meanwhile.\n\n"
                  "What would decide about data (rows that belong to nobody, duplicates, types, "
                  "indexes of others) it leaves alone, and says so. What it changes is recorded "
                  "like the change of a step, so that 'rollback' still leads to what was before. "
                  "In the end everything is validated again; the exit status is 1 when something "
                  "is still wrong.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_fix,
        .question = "mend what was found wrong", .tell = verb_fix_tell,
        .options = {MODE_OPTIONS, WORKER_OPTIONS},
    },
    {
        .name = "rollback", .args = "", .group = "Run", .effect = DESTRUCTIVE, .json = true,
        .summary = "guides through taking back what the steps have done",
        .manual = "Without a choice it changes nothing and prints a numbered guide: what is found now, what would be "
                  "taken back in which order and how long that may take, what stays, what only a "
                  "restore takes back, the backup, how many rows were written since and would "
                  "lose their codes, whether all of it can be taken back (the old keys would "
                  "still be unique, nobody has built on what goes, no trigger of the application "
                  "fires), and what can be chosen.\n\n"
                  "A choice (--all, --to, --only, --preserve-data) prints the same guide for just "
                  "that and asks for the database's name; --confirm=NAME alone means all of it. "
                  "It goes backwards through the records that each step wrote before it changed "
                  "anything, and reads each change back from the catalog before it counts. After "
                  "a crash the same command goes on.\n\n"
                  "With --only one step goes alone, which is refused while a step after it stands "
                  "on it. Outside commands are taken back where the plan says how; else they need "
                  "a restore, and are named. Keys that cache-clear has removed do not come back. "
                  "With --dry-run it prints its statements.",
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
        .name = "report", .args = "", .group = "Run",
        .summary = "what a run did, how long it took, what it found",
        .manual = "Of the newest run, or of the one that --run names: the plan and its hash, who ran it where and "
                  "when, its steps with states, rows, rates and times, its findings with samples, "
                  "its errors and retries, what it can take back, and what is still to do. The "
                  "step report of a run writes the same into files.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .json = true, .run = verb_report,
        .options = {RUN_OPTION, {"csv", NULL, "answers in CSV: one line a fact", 0}},
    },
    {
        .name = "blockers cancel", .args = "PID", .min_args = 1, .max_args = 1, .group = "Steer",
        .effect = REVERSIBLE, .json = true, .summary = "cancels the statement of one session",
        .manual =
            "Shows whose session it is and what it does, asks, cancels its statement, and says "
            "what came of it. The session stays. A session that is idle in its transaction has no "
            "statement to cancel.\n\n"
            "Only the session that was shown is meant, by its pid and by when it began: where "
            "nobody is asked (--yes, --json) say --started as 'blockers --json' has it. A session "
            "of tenantdeck or of one of its runs is refused, as are walsenders and the server's "
            "own processes. Of an autovacuum that keeps transaction numbers from wrapping round "
            "it says so. What was done stands in the journal's log.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .run = verb_blockers_signal,
        .question = "cancel what this session runs", .tell = verb_blockers_tell,
        .options = {STARTED_OPTION},
    },
    {
        .name = "blockers terminate", .args = "PID", .min_args = 1, .max_args = 1, .group = "Steer",
        .effect = REVERSIBLE, .json = true, .summary = "ends one session",
        .manual =
            "As 'blockers cancel', but ends the session: what it has not committed is taken back "
            "by the server, and its client has to connect again. It waits until the session is "
            "gone, and says so only then.",
        .needs = NEEDS_DATABASE, .kinds = ALL_KINDS, .run = verb_blockers_signal,
        .question = "end this session", .tell = verb_blockers_tell,
        .options = {STARTED_OPTION},
    },
    {
        .name = "attach", .args = "", .group = "Steer",
        .summary = "looks on while a worker runs",
        .manual = "Shows the events of the run, and on a terminal its progress, until it is over. Ctrl-C leaves; "
                  "the run goes on. The exit status is that of the run.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .json = true, .run = verb_attach,
        .options = {RUN_OPTION},
    },
    {
        .name = "pause", .args = "", .group = "Steer", .effect = REVERSIBLE, .json = true,
        .summary = "the run waits at the next border",
        .manual = "The worker finishes the batch or the statement under way, and waits until 'resume'.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "pause the run", .options = {RUN_OPTION},
    },
    {
        .name = "resume", .args = "", .group = "Steer", .effect = REVERSIBLE, .json = true,
        .summary = "a run that was paused or held goes on",
        .manual = "Ends a 'pause', and lets a run go on that holds before a step. A run that was stopped, or whose "
                  "worker has died, goes on with the command that began it.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "let the run go on", .options = {RUN_OPTION},
    },
    {
        .name = "stop", .args = "", .group = "Steer", .effect = REVERSIBLE, .json = true,
        .summary = "the run ends at the next border",
        .manual = "The worker finishes the batch or the statement under way and ends. The command that began the "
                  "run goes on from there.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "stop the run at the next border", .options = {RUN_OPTION},
    },
    {
        .name = "abort", .args = "", .group = "Steer", .effect = REVERSIBLE, .json = true,
        .summary = "the run ends at once",
        .manual = "What is under way is cancelled and its transaction taken back. The command that began the run "
                  "goes on from there.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "cancel what is under way, and end the run", .options = {RUN_OPTION},
    },
    {
        .name = "hold", .args = "[STEP]", .max_args = 1, .group = "Steer", .effect = REVERSIBLE, .json = true,
        .summary = "the run waits before a step",
        .manual = "Everything before that step is done, then the worker waits until 'resume'. Without a step it "
                  "waits before none.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "let the run wait before that step", .options = {RUN_OPTION},
    },
    {
        .name = "throttle", .args = "NAME=VALUE...", .min_args = 1, .max_args = 8, .group = "Steer",
        .effect = REVERSIBLE, .json = true,
        .summary = "sets the limits of a run at work",
        .manual = "The names are those of the plan's section throttle: batch, lag and patience take a span "
                  "('batch=100ms', 'lag=5s'), pages, waiters, active and archive a number; batch "
                  "and pages also '*2' and '/2' of what they are. 'sleep=1' sleeps after each "
                  "batch as long as it took, so that the batches take half of the time; '+0.5' "
                  "and '-0.5' change what it is. 'off' lets go of a limit. query and file are "
                  "switched on and off, and 'hold=on' makes the fill wait until 'hold=off'. The "
                  "worker answers, and obeys from the next batch on; the plan stays as it is.",
        .needs = NEEDS_DATABASE | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_ask_worker,
        .question = "set these limits", .options = {RUN_OPTION},
    },
};
/* clang-format on */

const struct verb_rows rows_run = {S_rows, ARRAY_LEN(S_rows)};
