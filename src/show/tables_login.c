/* tables_login: the table of the service's sessions, which `session list` shows and no pane. */
#include "cell.h"
#include "clock.h"
#include "tables.h"

enum {
    LOGIN_TENANT,
    LOGIN_USER,
    LOGIN_ID,
    LOGIN_EMAIL,
    LOGIN_ADDRESS,
    LOGIN_CREATED,
    LOGIN_USED,
    LOGIN_TTL,
    LOGIN_TROUBLE,
    LOGIN_END
};

static const struct column S_columns[LOGIN_END] = {
    [LOGIN_TENANT] = {"tenant", "TENANT", "whose key it is", TEXT_LEFT, 10, 1, 2},
    [LOGIN_USER] = {"user", "USER", "who is logged in", TEXT_LEFT, 10, 1, 3},
    [LOGIN_ID] = {"id", "ID", "its id, which is as good as the login itself", TEXT_LEFT, 29, 2, 1},
    [LOGIN_EMAIL] = {"email", "EMAIL", "the user's address of mail", TEXT_LEFT, 16, 2, 9},
    [LOGIN_ADDRESS] = {"address", "ADDRESS", "where the user came from", TEXT_LEFT, 12, 1, 8},
    [LOGIN_CREATED] = {"created", "AGE", "how long ago it began", TEXT_RIGHT, 6, 0, 7},
    [LOGIN_USED] = {"used", "USED", "how long ago it was used", TEXT_RIGHT, 6, 0, 6},
    [LOGIN_TTL] = {"ttl", "LEFT", "until it ends, unless it is used", TEXT_RIGHT, 6, 0, 4},
    [LOGIN_TROUBLE] = {"trouble", "TROUBLE", "what is wrong with it", TEXT_LEFT, 10, 2, 5},
};

static size_t S_rows(const struct snapshot *snapshot)
{
    return snapshot->login_count;
}

static void S_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct login_view *login = &snapshot->logins[row];
    const char *const texts[] = {[LOGIN_TENANT] = login->tenant,
                                 [LOGIN_USER] = login->user,
                                 [LOGIN_ID] = login->id,
                                 [LOGIN_EMAIL] = login->email,
                                 [LOGIN_ADDRESS] = login->address};
    out->mood = login->trouble ? MOOD_BAD : MOOD_PLAIN;
    switch (column) {
    case LOGIN_CREATED:
        cell_set_number(out, CELL_AGE, login->created_at);
        break;
    case LOGIN_USED:
        cell_set_number(out, CELL_AGE, login->used_at);
        break;
    case LOGIN_TTL:
        if (login->ttl >= 0)
            cell_set_number(out, CELL_SECONDS, login->ttl);
        else
            cell_set_absent(out, "never");
        break;
    case LOGIN_TROUBLE:
        cell_set_text(out, login->trouble);
        break;
    default:
        cell_set_text(out, texts[column]);
        break;
    }
}

static void S_summary(const struct snapshot *snapshot, struct buf *out)
{
    if (!snapshot->login_count)
        return;
    text_count(out, (int64_t)snapshot->login_count);
    buf_add(out, snapshot->login_count == 1 ? " session" : " sessions");
}

const struct table_def login_table = {
    .name = "sessions",
    .title = "Sessions",
    .note = "The sessions that the service keeps in Redis, one a row.",
    .empty = "There is none.",
    .columns = S_columns,
    .column_count = LOGIN_END,
    .rows = S_rows,
    .cell = S_cell,
    .summary = S_summary,
    .default_sort = LOGIN_USED,
};
