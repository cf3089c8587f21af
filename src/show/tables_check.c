/*
 * tables_check: the table of what was checked and found. First a row for each group of checks,
 * which sums it up, then the checks themselves; of both the worst stands first.
 */
#include "cell.h"
#include "findings.h"
#include "tables.h"
#include "tables_parts.h"

enum {
    CHECK_VERDICT,
    CHECK_GROUP,
    CHECK_SUBJECT,
    CHECK_COUNT,
    CHECK_MESSAGE,
    CHECK_AGE,
    CHECK_NAME,
    CHECK_END
};
_Static_assert((int)CHECK_END == (int)CHECK_COLUMNS, "tables_parts.h counts the columns");
_Static_assert((int)CHECK_VERDICT == (int)CHECK_DEFAULT_SORT, "the worst stands first");

const struct column check_columns[CHECK_COLUMNS] = {
    [CHECK_VERDICT] = {"verdict", "VERDICT", "pass, warn, fail, or unknown: could not be checked",
                       TEXT_LEFT, 9, 0, 1},
    [CHECK_GROUP] = {"group", "GROUP", "what kind of check", TEXT_LEFT, 14, 0, 5},
    [CHECK_SUBJECT] = {"subject", "SUBJECT", "the table or file it is about", TEXT_LEFT, 22, 1, 2},
    [CHECK_COUNT] = {"count", "ROWS", "rows concerned", TEXT_RIGHT, 7, 0, 4},
    [CHECK_MESSAGE] = {"message", "MESSAGE", "what was found", TEXT_LEFT, 25, 6, 3},
    [CHECK_AGE] = {"checked", "AGE", "how long ago it was checked", TEXT_RIGHT, 6, 0, 6},
    [CHECK_NAME] = {"check", "CHECK", "what was asked; empty where a group is summed up", TEXT_LEFT,
                    32, 0, 7},
};

static const struct {
    const char *mark;
    enum mood mood;
    int64_t rank;
} S_looks[] = {
    [VERDICT_FAIL] = {"✗", MOOD_BAD, 0},
    [VERDICT_WARN] = {"!", MOOD_WARN, 1},
    [VERDICT_UNKNOWN] = {"?", MOOD_WARN, 2},
    [VERDICT_PASS] = {"✓", MOOD_GOOD, 3},
};

enum { CHECKS_RANK = 10, PASSES_RANK = 20 };

size_t check_rows(const struct snapshot *snapshot)
{
    return snapshot->group_count + snapshot->check_count;
}

const struct check_view *check_of_row(const struct snapshot *snapshot, size_t row)
{
    return row < snapshot->group_count ? NULL : &snapshot->checks[row - snapshot->group_count];
}

/* What passes stands last, summed up or not, so that it does not push down what does not. */
static void S_set_verdict(struct cell *out, enum verdict verdict, bool sums_up)
{
    int64_t rank = S_looks[verdict].rank + (sums_up ? 0 : CHECKS_RANK) +
                   (verdict == VERDICT_PASS ? PASSES_RANK : 0);
    cell_set_word(out, S_looks[verdict].mark, verdict_name(verdict), rank);
    out->mood = S_looks[verdict].mood;
}

static void S_group_cell(const struct check_group *group, size_t column, struct cell *out)
{
    switch (column) {
    case CHECK_VERDICT:
        S_set_verdict(out, group->worst, true);
        break;
    case CHECK_GROUP:
        cell_set_text(out, group->name);
        break;
    case CHECK_SUBJECT:
        cell_set_text(out, group->title);
        break;
    case CHECK_MESSAGE:
        cell_set_text(out, group->summary);
        break;
    case CHECK_AGE:
        if (group->at > 0)
            cell_set_number(out, CELL_AGE, group->at);
        break;
    }
}

void check_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct check_view *check = check_of_row(snapshot, row);
    if (!check) {
        S_group_cell(&snapshot->groups[row], column, out);
        return;
    }
    switch (column) {
    case CHECK_VERDICT:
        S_set_verdict(out, check->verdict, false);
        break;
    case CHECK_GROUP:
        cell_set_text(out, check->group);
        break;
    case CHECK_NAME:
        if (check->name)
            cell_set_text(out, check->name);
        break;
    case CHECK_SUBJECT:
        cell_set_text(out, check->subject);
        break;
    case CHECK_COUNT:
        /* A check of a file or of a definition concerns no rows at all. */
        if (check->count >= 0)
            cell_set_number(out, CELL_COUNT, check->count);
        break;
    case CHECK_MESSAGE:
        cell_set_text(out, check->message);
        break;
    case CHECK_AGE:
        if (check->at > 0)
            cell_set_number(out, CELL_AGE, check->at);
        break;
    }
}

void check_summary(const struct snapshot *snapshot, struct buf *out)
{
    static const enum verdict order[] = {VERDICT_FAIL, VERDICT_WARN, VERDICT_UNKNOWN, VERDICT_PASS};
    size_t counts[ARRAY_LEN(S_looks)] = {0};
    if (!snapshot->check_count)
        return;
    for (size_t i = 0; i < snapshot->check_count; i++)
        counts[snapshot->checks[i].verdict]++;
    buf_format(out, "%zu %s", snapshot->check_count,
               snapshot->check_count == 1 ? "check" : "checks");
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (counts[order[i]])
            buf_format(out, ", %zu %s", counts[order[i]], verdict_name(order[i]));
}

void check_detail(const struct snapshot *snapshot, size_t row, struct buf *out)
{
    const struct check_view *check = check_of_row(snapshot, row);
    if (check)
        findings_detail(snapshot, check, out);
    else
        findings_group(snapshot, &snapshot->groups[row], out);
}
