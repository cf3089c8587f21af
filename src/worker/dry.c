/* dry: see dry.h. The generators are those of the steps themselves. */
#include "dry.h"

#include "files.h"
#include "fill.h"
#include "plan_json.h"
#include "sql.h"
#include "steps.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct printing {
    struct pg *pg;
    const struct plan *plan;
    char *document;
    enum run_mode mode;
    const struct dry_scope *scope;
    FILE *out;
    struct dry_tally *tally; /* of the step that is printed; NULL: nobody asks */
};

static void S_weigh(const struct printing *p, const char *takes)
{
    struct dry_tally *tally = p->tally;
    size_t i = 0;
    if (!tally)
        return;
    tally->statements++;
    while (i < tally->lock_count && strncmp(tally->locks[i].takes, takes, DRY_LOCK_SIZE - 1) != 0)
        i++;
    if (i == DRY_LOCKS)
        i--;
    if (i == tally->lock_count)
        snprintf(tally->locks[tally->lock_count++].takes, DRY_LOCK_SIZE, "%s", takes);
    tally->locks[i].statements++;
}

static void S_weigh_unit(const struct printing *p, const struct pg_result *list, int row,
                         bool batch)
{
    int rows = pg_col(list, "rows");
    if (!p->tally)
        return;
    p->tally->batched += batch;
    p->tally->rewritten += !batch;
    p->tally->rows += pg_null(list, row, rows) ? 0 : pg_int(list, row, rows);
}

/* A name in a comment: one line, whatever it is made of. */
static void S_comment(const struct printing *p, const char *format, const char *a, const char *b)
{
    char *text = str_format("%s%s%s", a, format, b), *clean = text_cleaned(text);
    fprintf(p->out, "-- %s\n", clean);
    free(clean);
    free(text);
}

void dry_statement(FILE *out, const char *statement)
{
    struct buf text = {0};
    size_t len = strlen(statement);
    while (len && (statement[len - 1] == '\n' || statement[len - 1] == ';'))
        len--;
    if (isatty(fileno(out)))
        text_clean_lines(&text, statement, len);
    else
        buf_add_mem(&text, statement, len);
    fprintf(out, "%s;\n", buf_text(&text));
    buf_release(&text);
}

static bool S_is_among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(names[i], name))
            return true;
    return false;
}

static bool S_wants_unit(const struct printing *p, const struct pg_result *list, int row)
{
    return !p->scope->units || S_is_among(p->scope->units, p->scope->unit_count,
                                          pg_text(list, row, pg_col(list, "unit")));
}

static void S_count(const struct printing *p)
{
    if (p->scope->statements)
        ++*p->scope->statements;
}

static void S_print_item(const struct printing *p, const struct pg_result *list, int row)
{
    const char *statement = pg_text(list, row, pg_col(list, "statement"));
    bool alone = pg_bool(list, row, pg_col(list, "alone"));
    if (pg_bool(list, row, pg_col(list, "done")) || !S_wants_unit(p, list, row))
        return;
    S_count(p);
    if (!p->out)
        return;
    S_comment(p, ": ", pg_text(list, row, pg_col(list, "unit")),
              pg_text(list, row, pg_col(list, "part")));
    S_comment(p, alone ? "outside of a transaction; takes " : "takes ", "",
              pg_text(list, row, pg_col(list, "takes")));
    if (!*statement)
        return;
    dry_statement(p->out, statement);
    S_weigh(p, pg_text(list, row, pg_col(list, "takes")));
}

static const char *S_preparation(const char *how)
{
    return str_is(how, "batch")
               ? "once for each connection: tenantdeck_batch, which is executed instead of the "
                 "batch below in all passes but the sweeps"
               : "before, in a transaction of its own: the ALTER TABLE with the codes in it, kept "
                 "in the session as tenantdeck.rewrite; two tables are done at a time";
}

static void S_print_unit(const struct printing *p, const struct pg_result *list, int row)
{
    const char *how = pg_text(list, row, pg_col(list, "how"));
    if (pg_bool(list, row, pg_col(list, "done")) || str_is(how, "nothing"))
        return;
    S_comment(p, ": ", pg_text(list, row, pg_col(list, "unit")), how);
    if (!pg_null(list, row, pg_col(list, "prepare"))) {
        S_comment(p, "", "", S_preparation(how));
        dry_statement(p->out, pg_text(list, row, pg_col(list, "prepare")));
    }
    if (str_is(how, "batch"))
        S_comment(p, "", "",
                  "for each batch: $1 plan, $2 epoch, $3 step, $4 part, $5 and $6 the "
                  "range of blocks, $7 and $8 the share of their rows");
    S_weigh_unit(p, list, row, str_is(how, "batch"));
    dry_statement(p->out, pg_text(list, row, pg_col(list, "statement")));
    S_weigh(p, str_is(how, "batch") ? "ROW EXCLUSIVE and the rows of one batch, while it runs"
                                    : "ACCESS EXCLUSIVE, while the table is rewritten");
    if (pg_null(list, row, pg_col(list, "tidy")))
        return;
    dry_statement(p->out, pg_text(list, row, pg_col(list, "tidy")));
    S_weigh(p, "SHARE UPDATE EXCLUSIVE, while the table is vacuumed");
}

/* What it is sent as long as it changes a row; the records of undo are kept before. */
static void S_print_mending(const struct printing *p, const struct pg_result *list, int row)
{
    int settle = pg_col(list, "settle");
    if (!S_wants_unit(p, list, row) || pg_null(list, row, settle))
        return;
    S_count(p);
    if (!p->out)
        return;
    S_comment(p, ": ", pg_text(list, row, pg_col(list, "unit")),
              "rows without codes, or with other codes than the mapping");
    S_comment(p, "", "", "as long as it changes a row: $1 plan, $2 epoch, $3 NULL");
    dry_statement(p->out, pg_text(list, row, settle));
}

static void S_print_check(const struct printing *p, const struct pg_result *list, int row)
{
    int query = pg_col(list, "query");
    if (pg_null(list, row, query))
        return;
    S_comment(p, ": ", pg_text(list, row, pg_col(list, "subject")),
              pg_text(list, row, pg_col(list, "check_name")));
    dry_statement(p->out, pg_text(list, row, query));
    S_weigh(p, "ACCESS SHARE, while it is read");
}

/* A generator that reads the journal cannot answer before there is one. */
static bool S_list(const struct printing *p, const char *generator, struct pg_result **out,
                   struct err *err)
{
    const char *values[] = {p->document, run_mode_name(p->mode)};
    struct err failure = {0};
    *out = NULL;
    if (pg_run(p->pg, sql_get(generator), values, ARRAY_LEN(values), out, &failure))
        return true;
    if (str_is(failure.sqlstate, "42P01") || str_is(failure.sqlstate, "3F000")) {
        if (p->out)
            fprintf(p->out, "-- asks what the journal has noted by then, and there is none yet\n");
        if (p->tally)
            p->tally->listed = false;
        return true;
    }
    *err = failure;
    return false;
}

/* Rows that Citus has spread are not changed where they lie. */
static bool S_print_moves(const struct printing *p, struct err *err)
{
    struct pg_result *list;
    if (!S_list(p, FILL_MOVES, &list, err))
        return false;
    for (int row = 0; list && row < pg_rows(list); row++)
        S_print_item(p, list, row);
    pg_result_free(list);
    return true;
}

static bool S_print_step(const struct printing *p, const struct step_def *def, struct err *err)
{
    const struct step_doer *doer = steps_find(def->name);
    struct pg_result *list = NULL;
    if (p->out)
        fprintf(p->out, "\n-- ---- step %s: %s ----\n", def->name, def->does);
    if (p->tally)
        *p->tally = (struct dry_tally){.listed = doer->generator};
    if (!doer->generator && !p->out)
        return true;
    if (!doer->generator) {
        bool printed, ok = files_print(p->plan, def->name, p->out, &printed, err);
        if (!printed)
            fprintf(p->out, "-- sends no generated statement\n");
        return ok;
    }
    if (!S_list(p, doer->generator, &list, err))
        return false;
    for (int row = 0; list && row < pg_rows(list); row++) {
        if (str_is(def->name, "fill") && p->scope->mends)
            S_print_mending(p, list, row);
        else if (str_is(def->name, "fill"))
            S_print_unit(p, list, row);
        else if (def->type == STEP_VERIFY)
            S_print_check(p, list, row);
        else
            S_print_item(p, list, row);
    }
    pg_result_free(list);
    return !str_is(def->name, "fill") || !p->scope->mends || S_print_moves(p, err);
}

static struct dry_tally *S_find_tally(const struct dry_scope *scope, const char *name)
{
    size_t i = 0;
    while (i < scope->step_count && !str_is(scope->steps[i], name))
        i++;
    return scope->tallies && i < scope->step_count ? &scope->tallies[i] : NULL;
}

static bool S_is_wanted(const char *name, const struct dry_scope *scope)
{
    return scope->steps ? S_is_among(scope->steps, scope->step_count, name)
                        : !str_is(name, "release");
}

bool dry_print(struct pg *pg, const struct plan *plan, enum run_mode mode,
               const struct dry_scope *scope, FILE *out, struct err *err)
{
    struct printing p = {.pg = pg,
                         .plan = plan,
                         .document = plan_to_json(plan),
                         .mode = mode,
                         .scope = scope,
                         .out = out};
    struct arena *arena = arena_new();
    const struct step_def **defs;
    size_t defined = kind_steps(plan, arena, &defs);
    bool ok = true;
    if (out)
        fprintf(out, "-- what a run of plan %s would send, mode %s; nothing was changed\n",
                plan->name, run_mode_name(mode));
    for (size_t i = 0; ok && i < defined; i++) {
        if (!S_is_wanted(defs[i]->name, scope))
            continue;
        p.tally = S_find_tally(scope, defs[i]->name);
        ok = S_print_step(&p, defs[i], err);
    }
    arena_free(arena);
    free(p.document);
    return ok;
}
