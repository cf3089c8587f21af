/* tables_check: the table of what was checked and found; the worst stands first. */
#include "cell.h"
#include "detail.h"
#include "tables_parts.h"

enum {
    CHECK_VERDICT,
    CHECK_GROUP,
    CHECK_SUBJECT,
    CHECK_COUNT,
    CHECK_MESSAGE,
    CHECK_AGE,
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

size_t check_rows(const struct snapshot *snapshot)
{
    return snapshot->check_count;
}

void check_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct check_view *check = &snapshot->checks[row];
    switch (column) {
    case CHECK_VERDICT:
        cell_set_word(out, S_looks[check->verdict].mark, verdict_name(check->verdict),
                      S_looks[check->verdict].rank);
        out->mood = S_looks[check->verdict].mood;
        break;
    case CHECK_GROUP:
        cell_set_text(out, check->group);
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
    const struct check_view *check = &snapshot->checks[row];
    detail_text(out, "verdict", verdict_name(check->verdict));
    detail_text(out, "group", check->group);
    detail_text(out, "subject", check->subject);
    if (check->count >= 0)
        detail_number(out, "rows concerned", check->count);
    detail_moment(out, "checked", check->at, snapshot->at);
    if (check->message && *check->message)
        buf_add_char(out, '\n');
    detail_lines(out, check->message);
    if (check->detail && *check->detail)
        buf_add_char(out, '\n');
    detail_lines(out, check->detail);
    if (check->verdict == VERDICT_UNKNOWN)
        detail_say(out, "Unknown means that it could not be checked, not that it is well.");
}
