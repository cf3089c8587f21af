/* guide: see guide.h. */
#include "guide.h"

#include "archive.h"
#include "clock.h"
#include "plan_json.h"
#include "sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- what is found now ---- */

static const char *S_or_null(struct arena *arena, const struct pg_result *list, int row,
                             const char *column)
{
    int col = pg_col(list, column);
    return pg_null(list, row, col) ? NULL : arena_str(arena, pg_text(list, row, col));
}

/* As long as it took before; else, where something is built again, as long as it took to do. */
static void S_estimate(struct guide_step *step, const struct pg_result *list, int row)
{
    int64_t doing = pg_int(list, row, pg_col(list, "doing_ms")),
            undoing = pg_int(list, row, pg_col(list, "undoing_ms"));
    step->as_before = undoing >= 0;
    step->ms = undoing;
    if (undoing < 0)
        step->ms = pg_bool(list, row, pg_col(list, "is_outside")) ? GUIDE_UNKNOWN
                   : pg_bool(list, row, pg_col(list, "builds"))   ? doing
                                                                  : GUIDE_MOMENTS;
}

static void S_take_step(struct guide *guide, const struct pg_result *list, const char *name)
{
    int row = 0;
    while (row < pg_rows(list) && !str_is(pg_text(list, row, pg_col(list, "name")), name))
        row++;
    if (row == pg_rows(list))
        return;
    struct guide_step *step = &guide->steps[guide->step_count++];
    *step = (struct guide_step){
        .name = name,
        .state = S_or_null(guide->arena, list, row, "state"),
        .objects = S_or_null(guide->arena, list, row, "objects"),
        .needs = S_or_null(guide->arena, list, row, "needs"),
        .run = pg_int(list, row, pg_col(list, "run")),
        .ended_at = pg_int(list, row, pg_col(list, "ended_at")),
    };
    S_estimate(step, list, row);
}

static bool S_read_steps(struct pg *pg, const struct plan *plan, struct guide *guide,
                         struct err *err)
{
    const char *values[] = {plan->name};
    const struct step_def **defs;
    size_t count = kind_every_step(plan, guide->arena, &defs);
    struct pg_result *list;
    if (!pg_run(pg, sql_get("undo_steps"), values, 1, &list, err))
        return false;
    guide->steps = arena_array(guide->arena, count, sizeof(*guide->steps));
    for (size_t i = 0; i < count; i++)
        S_take_step(guide, list, defs[i]->name);
    pg_result_free(list);
    return true;
}

static bool S_read_found(struct pg *pg, const char *document, struct guide *guide, struct err *err)
{
    const char *values[] = {document};
    struct pg_result *found;
    if (!pg_run(pg, sql_get("undo_found"), values, 1, &found, err))
        return false;
    guide->tables = pg_int(found, 0, pg_col(found, "tables"));
    guide->columns = pg_int(found, 0, pg_col(found, "columns"));
    guide->wanted = pg_int(found, 0, pg_col(found, "wanted"));
    guide->run = S_or_null(guide->arena, found, 0, "run");
    pg_result_free(found);
    return true;
}

/* ---- the backup ---- */

static int64_t S_age(const char *taken_at)
{
    struct tm at = {0};
    const char *end = taken_at ? strptime(taken_at, "%Y-%m-%dT%H:%M:%S", &at) : NULL;
    return end ? clock_wall() - (int64_t)timegm(&at) * 1000 : GUIDE_UNKNOWN;
}

static bool S_is_whole(const char *path, int64_t size)
{
    FILE *dump = fopen(path, "re");
    bool whole = dump && fseeko(dump, 0, SEEK_END) == 0 && ftello(dump) == size;
    if (dump)
        fclose(dump);
    return whole;
}

static void S_take_backup(struct guide *guide, const char *directory, const char *name,
                          const char *database)
{
    struct archive archive = {0};
    struct err ignored = {0};
    if (archive_read(directory, name, &archive, &ignored) &&
        str_is(archive_text(&archive, "database"), database)) {
        char *path = archive_path(&archive, ".dump");
        guide->backup.path = arena_str(guide->arena, path);
        guide->backup.taken_at = arena_str(guide->arena, archive_text(&archive, "taken_at"));
        guide->backup.age_ms = S_age(guide->backup.taken_at);
        guide->backup.whole = S_is_whole(path, archive_number(&archive, "size"));
        free(path);
    }
    archive_release(&archive);
}

/* A directory that cannot be read is one without a backup that would help. */
static void S_find_backup(struct pg *pg, const char *named, struct guide *guide)
{
    struct err ignored = {0};
    struct archive_entry *entries = NULL;
    struct pg_result *database;
    size_t count = 0;
    char *directory = NULL;
    if (!archive_directory(named, &directory, &ignored))
        return;
    guide->backup.directory = arena_str(guide->arena, directory);
    if (archive_list(directory, &entries, &count, &ignored) &&
        pg_run(pg, sql_get("undo_database"), NULL, 0, &database, &ignored)) {
        for (size_t i = 0; i < count; i++)
            if (entries[i].finished)
                S_take_backup(guide, directory, entries[i].name, pg_text(database, 0, 0));
        pg_result_free(database);
    }
    archive_list_free(entries, count);
    free(directory);
}

bool guide_read(struct pg *pg, const struct plan *plan, const struct undo_choice *choice,
                const char *backup_directory, struct guide *out, struct err *err)
{
    *out = (struct guide){.arena = arena_new(), .choice = *choice, .rows = GUIDE_UNKNOWN};
    char *document = plan_to_json(plan);
    bool ok = undo_read(pg, plan, choice, out->arena, &out->undo, err) &&
              S_read_steps(pg, plan, out, err) && S_read_found(pg, document, out, err);
    if (ok)
        S_find_backup(pg, backup_directory, out);
    free(document);
    return ok;
}

/* ---- rows written since ---- */

/* One that takes too long, or that we may not read, is not known; the others are. */
static bool S_ask(struct pg *pg, const char *query, struct pg_result **answer, const char **trouble,
                  struct arena *arena, struct err *err)
{
    struct err failure = {0};
    *answer = NULL;
    if (pg_run(pg, query, NULL, 0, answer, &failure))
        return true;
    if (failure.kind == ERR_LOST) {
        *err = failure;
        return false;
    }
    *trouble = str_is(failure.sqlstate, "57014") ? "it took too long to find out"
                                                 : arena_str(arena, failure.text);
    return true;
}

static bool S_count_loss(struct pg *pg, struct guide *guide, const struct pg_result *list, int row,
                         struct err *err)
{
    struct guide_loss loss = {.table = arena_str(guide->arena, pg_text(list, row, 0)),
                              .rows = GUIDE_UNKNOWN};
    struct pg_result *answer;
    if (!S_ask(pg, pg_text(list, row, 1), &answer, &loss.trouble, guide->arena, err))
        return false;
    if (answer)
        loss.rows = pg_int(answer, 0, 0);
    pg_result_free(answer);
    if (loss.rows != 0)
        guide->losses[guide->loss_count++] = loss;
    guide->rows = guide->rows < 0 || loss.rows < 0 ? GUIDE_UNKNOWN : guide->rows + loss.rows;
    return true;
}

bool guide_count_losses(struct pg *pg, const struct plan *plan, struct guide *guide,
                        struct err *err)
{
    char *document = plan_to_json(plan);
    const char *values[] = {document};
    struct pg_result *list;
    bool ok = pg_run(pg, sql_get("undo_rows_since"), values, 1, &list, err);
    free(document);
    if (!ok)
        return false;
    int count = pg_rows(list);
    guide->counted = count > 0;
    guide->rows = count ? 0 : GUIDE_UNKNOWN;
    guide->losses = arena_array(guide->arena, (size_t)count, sizeof(*guide->losses));
    for (int row = 0; ok && row < count; row++)
        ok = S_count_loss(pg, guide, list, row, err);
    pg_result_free(list);
    return ok;
}

/* ---- may it be taken back? ---- */

static void S_judge(struct guide *guide, struct guide_check *check, bool triggers)
{
    if (triggers && str_is(check->name, "triggers stay quiet") && str_is(check->verdict, "fail"))
        check->verdict = "warn";
    size_t *tally = str_is(check->verdict, "pass")   ? &guide->pass
                    : str_is(check->verdict, "warn") ? &guide->warn
                    : str_is(check->verdict, "fail") ? &guide->fail
                                                     : &guide->unknown;
    ++*tally;
}

static bool S_ask_check(struct pg *pg, struct guide *guide, struct guide_check *check,
                        const char *query, struct err *err)
{
    struct pg_result *answer;
    const char *trouble = "the check gave no answer";
    if (!S_ask(pg, query, &answer, &trouble, guide->arena, err))
        return false;
    bool there = answer && pg_rows(answer) == 1;
    check->verdict = there ? S_or_null(guide->arena, answer, 0, "verdict") : "unknown";
    check->message = there ? S_or_null(guide->arena, answer, 0, "message") : trouble;
    check->samples = there ? S_or_null(guide->arena, answer, 0, "samples") : NULL;
    check->count = there ? pg_int(answer, 0, pg_col(answer, "count")) : GUIDE_UNKNOWN;
    pg_result_free(answer);
    return true;
}

static bool S_take_check(struct pg *pg, struct guide *guide, const struct pg_result *list, int row,
                         bool triggers, struct err *err)
{
    struct guide_check *check = &guide->checks[guide->check_count];
    *check = (struct guide_check){
        .verdict = S_or_null(guide->arena, list, row, "verdict"),
        .name = S_or_null(guide->arena, list, row, "check_name"),
        .subject = S_or_null(guide->arena, list, row, "subject"),
        .message = S_or_null(guide->arena, list, row, "message"),
        .samples = S_or_null(guide->arena, list, row, "samples"),
        .fix = S_or_null(guide->arena, list, row, "fix"),
        .count = pg_int(list, row, pg_col(list, "count")),
    };
    if (!check->verdict &&
        !S_ask_check(pg, guide, check, pg_text(list, row, pg_col(list, "query")), err))
        return false;
    S_judge(guide, check, triggers);
    guide->check_count++;
    return true;
}

bool guide_check(struct pg *pg, const struct plan *plan, bool triggers, struct guide *guide,
                 struct err *err)
{
    char *document =
        undo_document(plan, guide->undo.steps, guide->undo.step_count, guide->choice.preserve_data);
    const char *values[] = {document, "online"};
    struct pg_result *list;
    bool ok = pg_run(pg, sql_get("check_undo"), values, ARRAY_LEN(values), &list, err);
    free(document);
    if (!ok)
        return false;
    guide->checks = arena_array(guide->arena, (size_t)pg_rows(list), sizeof(*guide->checks));
    for (int row = 0; ok && row < pg_rows(list); row++)
        ok = S_take_check(pg, guide, list, row, triggers, err);
    pg_result_free(list);
    return ok;
}

/* ---- what is asked of a guide ---- */

const struct guide_step *guide_find(const struct guide *guide, const char *step)
{
    for (size_t i = 0; i < guide->step_count; i++)
        if (str_is(guide->steps[i].name, step))
            return &guide->steps[i];
    return NULL;
}

int64_t guide_time(const struct guide *guide)
{
    int64_t ms = 0;
    for (size_t i = 0; i < guide->undo.step_count; i++) {
        const struct guide_step *step = guide_find(guide, guide->undo.steps[i]);
        if (!step || step->ms < 0)
            return GUIDE_UNKNOWN;
        ms += step->ms;
    }
    return ms;
}
