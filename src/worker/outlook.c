/* outlook: see outlook.h. */
#include "outlook.h"

#include "clock.h"
#include "dry.h"
#include "kind.h"
#include "logind.h"
#include "sql.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct took { /* how long a step has taken before; ms -1: it never came to its end here */
    int64_t ms, rows, run;
    char at[16];
};

struct sheet {
    const struct outlook *o;
    struct dry_tally *tallies;
    struct took *took;
    struct buf out;
};

/* ---- what the catalog and the journal know ---- */

static size_t S_find(const struct outlook *o, const char *name)
{
    size_t i = 0;
    while (i < o->count && !str_is(o->defs[i]->name, name))
        i++;
    return i;
}

static bool S_has_journal(struct pg *pg, bool *has, struct err *err)
{
    struct journal_state journal;
    if (!journal_look(pg, &journal, err))
        return false;
    *has = journal.exists && journal.version == JOURNAL_VERSION && journal.may_read;
    return true;
}

static bool S_read_times(struct pg *pg, struct sheet *s, struct err *err)
{
    const char *values[] = {s->o->plan->name, run_mode_name(s->o->mode)};
    struct pg_result *times;
    bool has;
    for (size_t i = 0; i < s->o->count; i++)
        s->took[i].ms = -1;
    if (!S_has_journal(pg, &has, err))
        return false;
    if (!has)
        return true;
    if (!pg_run(pg, sql_get("outlook_times"), values, ARRAY_LEN(values), &times, err))
        return false;
    for (int row = 0; row < pg_rows(times); row++) {
        size_t at = S_find(s->o, pg_text(times, row, 0));
        if (at == s->o->count)
            continue;
        s->took[at] = (struct took){.ms = pg_int(times, row, 1),
                                    .rows = pg_int(times, row, 2),
                                    .run = pg_int(times, row, 3)};
        snprintf(s->took[at].at, sizeof(s->took[at].at), "%s", pg_text(times, row, 4));
    }
    pg_result_free(times);
    return true;
}

static bool S_weigh(struct pg *pg, struct sheet *s, char *sql, struct err *err)
{
    const char **steps = mem_array(s->o->count + 1, sizeof(*steps));
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    for (size_t i = 0; i < s->o->count; i++)
        steps[i] = s->o->defs[i]->name;
    const struct dry_scope scope = {
        .steps = steps, .step_count = s->o->count, .tallies = s->tallies};
    bool ok = dry_print(pg, s->o->plan, s->o->mode, &scope, memory, err);
    fclose(memory);
    if (ok)
        run_token_digest(text, length, sql);
    free(text);
    free(steps);
    return ok;
}

/* ---- a step ---- */

static bool S_is_done(const char *state)
{
    return str_is(state, "done") || str_is(state, "skipped");
}

static void S_begin_line(struct sheet *s, const char *label)
{
    buf_format(&s->out, "  %-7s ", label);
}

/* Who has to wait while such a lock is held: PostgreSQL's own table of conflicts. */
static const char *S_tell_waiters(const char *takes)
{
    static const struct {
        const char *lock, *who;
    } locks[] = {
        {"ACCESS EXCLUSIVE", "readers and writers wait"},
        {"SHARE ROW EXCLUSIVE", "writers wait"},
        {"SHARE UPDATE EXCLUSIVE", "nobody who reads or writes waits"},
        {"EXCLUSIVE", "writers wait"},
        {"SHARE", "writers wait"},
        {"ROW EXCLUSIVE", "only writers of the same rows wait"},
        {"ACCESS SHARE", "nobody who reads or writes waits"},
    };
    for (size_t i = 0; i < ARRAY_LEN(locks); i++)
        if (str_starts(takes, locks[i].lock))
            return locks[i].who;
    return NULL;
}

static void S_tell_lock(struct sheet *s, const struct dry_lock *lock, const char *label)
{
    const char *who = S_tell_waiters(lock->takes);
    char span[16];
    S_begin_line(s, label);
    buf_format(&s->out, "%s", lock->takes);
    if (str_starts(lock->takes, "ROW EXCLUSIVE")) {
        clock_format_span(s->o->batch_ms, span);
        buf_format(&s->out, ", about %s", span);
    }
    buf_format(&s->out, " (%zu)", lock->statements);
    buf_format(&s->out, "%s%s\n", who ? ": " : "", who ? who : "");
}

/* Those whose statements are no answer of a generator. */
static const char *S_tell_other_locks(const struct step_def *def)
{
    static const struct {
        const char *step, *locks;
    } known[] = {
        {"backup", "ACCESS SHARE on all tables, until the dump is complete: nobody who reads or "
                   "writes waits"},
        {"mapping", "none on a table of yours"},
        {"functions", "none on a table of yours"},
        {"views",
         "ACCESS SHARE on what the views read; ACCESS EXCLUSIVE on the views, for moments"},
        {"cache-clear", "none in the database"},
        {"cache-warm", "ACCESS SHARE on what its queries read: nobody who reads or writes waits"},
        {"report", "none"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_is(known[i].step, def->name))
            return known[i].locks;
    return def->type == STEP_VERIFY
               ? "ACCESS SHARE on what it reads: nobody who reads or writes waits"
               : "what the command takes: unknown";
}

static void S_tell_locks(struct sheet *s, size_t at)
{
    const struct dry_tally *tally = &s->tallies[at];
    for (size_t i = 0; i < tally->lock_count; i++)
        S_tell_lock(s, &tally->locks[i], i ? "" : "locks");
    if (tally->lock_count)
        return;
    S_begin_line(s, "locks");
    bool none = tally->listed && s->o->defs[at]->type != STEP_VERIFY;
    buf_format(&s->out, "%s\n", none ? "none" : S_tell_other_locks(s->o->defs[at]));
}

static void S_tell_rows(struct sheet *s, const struct dry_tally *tally)
{
    if (!tally->batched && !tally->rewritten)
        return;
    S_begin_line(s, "rows");
    buf_add(&s->out, "~");
    text_count(&s->out, tally->rows);
    buf_format(&s->out, " in %zu tables", tally->batched + tally->rewritten);
    if (tally->batched)
        buf_format(&s->out, "; %zu in batches", tally->batched);
    if (tally->rewritten)
        buf_format(&s->out, "; %zu in one statement each", tally->rewritten);
    buf_add_char(&s->out, '\n');
}

/* The time of before, for as many rows as there are now; -1: nobody knows. */
static int64_t S_expect_ms(const struct sheet *s, size_t at)
{
    const struct took *took = &s->took[at];
    const struct dry_tally *tally = &s->tallies[at];
    if (took->ms < 0)
        return -1;
    if (took->rows > 0 && tally->rows > 0)
        return (int64_t)((double)took->ms * (double)tally->rows / (double)took->rows);
    return took->ms;
}

static void S_tell_time(struct sheet *s, size_t at)
{
    const struct took *took = &s->took[at];
    int64_t ms = S_expect_ms(s, at);
    char span[16];
    S_begin_line(s, "time");
    if (ms < 0) {
        buf_add(&s->out, "unknown: its first time in this database\n");
        return;
    }
    clock_format_span(ms, span);
    buf_format(&s->out, "~%s, as in run %lld of %s", span, (long long)took->run, took->at);
    if (took->rows > 0 && s->tallies[at].rows > 0) {
        buf_add(&s->out, ", which had ");
        text_count(&s->out, took->rows);
        buf_add(&s->out, " rows");
    }
    buf_add_char(&s->out, '\n');
}

static void S_tell_step(struct sheet *s, size_t at)
{
    const struct step_def *def = s->o->defs[at];
    const struct dry_tally *tally = &s->tallies[at];
    buf_format(&s->out, "\n%s: %s\n", def->name, def->does);
    if (tally->listed && (tally->statements || def->type != STEP_VERIFY)) {
        S_begin_line(s, "sends");
        buf_format(&s->out, "%zu %s%s\n", tally->statements,
                   tally->statements == 1 ? "statement" : "statements",
                   tally->batched ? ", those of batches many times" : "");
    }
    S_tell_locks(s, at);
    S_tell_rows(s, tally);
    S_tell_time(s, at);
    S_begin_line(s, "undo");
    buf_format(&s->out, "%s\n", def->undo ? def->undo : "it changes nothing that could be undone");
}

/* ---- all of them ---- */

static void S_tell_total_time(struct sheet *s)
{
    int64_t sum = 0;
    size_t unknown = 0;
    char span[16];
    for (size_t i = 0; i < s->o->count; i++) {
        int64_t ms = S_is_done(s->o->states[i]) && s->o->count > 1 ? 0 : S_expect_ms(s, i);
        sum += ms > 0 ? ms : 0;
        unknown += ms < 0;
    }
    S_begin_line(s, "time");
    clock_format_span(sum, span);
    if (unknown == 0)
        buf_format(&s->out, "~%s, as before in this database\n", span);
    else if (sum > 0)
        buf_format(&s->out, "~%s, and what %zu steps take for which it is the first time here\n",
                   span, unknown);
    else
        buf_add(&s->out, "unknown: the first time in this database\n");
}

static void S_tell_logout(struct sheet *s)
{
    static const char *const minds[] = {
        [LOGIND_ENDS_SESSION] =
            "logind ends all processes of this login when you log out (KillUserProcesses or "
            "KillOnlyUsers), and the worker with them; 'loginctl enable-linger' and then "
            "'systemd-run "
            "--user --scope tenantdeck ...' begins it outside of the login\n",
        [LOGIND_ENDS_MANAGER] =
            "what runs here belongs to your own service manager, which ends when you log out for "
            "the "
            "last time, and the worker with it; 'loginctl enable-linger' keeps it\n",
    };
    enum logind_verdict verdict = logind_ask();
    if (verdict == LOGIND_SPARES)
        return;
    S_begin_line(s, "mind");
    buf_add(&s->out, minds[verdict]);
}

/*
 * "22 steps", "4 steps, and 3 that are done already"; of one alone that is done: "1 step, once
 * more".
 */
static void S_tell_count(struct sheet *s)
{
    size_t left = 0, count = s->o->count;
    for (size_t i = 0; i < count; i++)
        left += !S_is_done(s->o->states[i]);
    bool again = count == 1 && left == 0;
    size_t runs = again ? 1 : left;
    buf_format(&s->out, "plan %s in %s: %zu %s", s->o->plan->name, s->o->where, runs,
               runs == 1 ? "step" : "steps");
    if (again)
        buf_add(&s->out, ", once more");
    else if (left < count)
        buf_format(&s->out, ", and %zu that %s done already", count - left,
                   count - left == 1 ? "is" : "are");
    buf_add_char(&s->out, '\n');
}

static void S_tell_whole(struct sheet *s)
{
    char span[16];
    S_tell_count(s);
    S_begin_line(s, "how");
    buf_add(&s->out, s->o->mode == MODE_WINDOW
                         ? "with the application stopped: tables are locked and rewritten\n"
                         : "beside the application: short batches, short locks\n");
    S_begin_line(s, "waits");
    clock_format_span(RUN_LOCK_TIMEOUT_MS, span);
    buf_format(&s->out, "at most %s where others queue behind it, then tries again later\n", span);
    S_tell_total_time(s);
    S_begin_line(s, "undo");
    buf_add(&s->out, "'rollback' takes back what has an undo below, the last step first\n");
    S_tell_logout(s);
}

static void S_tell_done(struct sheet *s)
{
    size_t told = 0;
    for (size_t i = 0; s->o->count > 1 && i < s->o->count; i++)
        if (S_is_done(s->o->states[i]))
            buf_format(&s->out, "%s %s",
                       told++ ? "" : "\ndone before; each looks first what is left to do:",
                       s->o->defs[i]->name);
    if (told)
        buf_add_char(&s->out, '\n');
}

/* Names of tables stand in it. */
static void S_print(const struct buf *text, FILE *out)
{
    struct buf clean = {0};
    text_clean_lines(&clean, buf_text(text), text->len);
    fputs(buf_text(&clean), out);
    buf_release(&clean);
}

bool outlook_print(struct pg *pg, const struct outlook *outlook, FILE *out,
                   char sql[static TOKEN_HASH_SIZE], struct err *err)
{
    struct sheet s = {.o = outlook,
                      .tallies = mem_array(outlook->count + 1, sizeof(*s.tallies)),
                      .took = mem_array(outlook->count + 1, sizeof(*s.took))};
    bool ok = S_weigh(pg, &s, sql, err) && S_read_times(pg, &s, err);
    if (ok) {
        S_tell_whole(&s);
        S_tell_done(&s);
        for (size_t i = 0; i < outlook->count; i++)
            if (!S_is_done(outlook->states[i]) || outlook->count == 1)
                S_tell_step(&s, i);
        S_print(&s.out, out);
    }
    buf_release(&s.out);
    free(s.tallies);
    free(s.took);
    return ok;
}
