/* gather_blockers: the answers about who waits for whom become a part; nothing is asked here. */
#include "blockers.h"
#include "clock.h"
#include "parts.h"

static const char *S_text(struct arena *arena, const struct pg_result *result, int row,
                          const char *column)
{
    int col = pg_col(result, column);
    return pg_null(result, row, col) ? NULL : arena_str(arena, pg_text(result, row, col));
}

/* The server tells ages by its own clock, so that ours may differ from it. */
static int64_t S_since(const struct pg_result *result, int row, const char *column)
{
    int col = pg_col(result, column);
    return pg_null(result, row, col) ? UNKNOWN : clock_wall() - pg_int(result, row, col);
}

static struct blocker_view S_read(struct arena *arena, const struct pg_result *result, int row)
{
    int pid = pg_col(result, "pid");
    return (struct blocker_view){
        .id = S_text(arena, result, row, "id"),
        .pid = pg_null(result, row, pid) ? UNKNOWN : pg_int(result, row, pid),
        .blocked_by = S_text(arena, result, row, "blocked_by"),
        .mode = S_text(arena, result, row, "mode"),
        .object = S_text(arena, result, row, "object"),
        .database = S_text(arena, result, row, "database"),
        .role = S_text(arena, result, row, "role"),
        .application = S_text(arena, result, row, "application"),
        .client = S_text(arena, result, row, "client"),
        .kind = S_text(arena, result, row, "kind"),
        .state = S_text(arena, result, row, "state"),
        .query = S_text(arena, result, row, "query"),
        .started = S_text(arena, result, row, "started"),
        .ours = pg_bool(result, row, pg_col(result, "ours")) ? "tenantdeck" : NULL,
        .waits_since = S_since(result, row, "waited_ms"),
        .transaction_since = S_since(result, row, "transaction_ms"),
        .statement_since = S_since(result, row, "statement_ms"),
    };
}

void gather_blockers(struct parts *parts, const struct pg_result *result)
{
    size_t count = (size_t)pg_rows(result);
    arena_free(parts->blockers.arena);
    struct arena *arena = arena_new();
    struct blocker_view *rows = arena_array(arena, count, sizeof(*rows));
    for (size_t i = 0; i < count; i++)
        rows[i] = S_read(arena, result, (int)i);
    blockers_arrange(rows, count);
    parts->blockers = (struct part_list){.arena = arena, .rows = rows, .count = count};
    parts->blockers_more = count ? pg_int(result, 0, pg_col(result, "more")) : 0;
    parts->blockers_at = clock_wall();
}

void gather_blockers_children(struct parts *parts, const struct pg_result *result)
{
    struct blocker_view *rows = parts->blockers.rows;
    for (int child = 0; child < pg_rows(result); child++)
        for (size_t i = 0; i < parts->blockers.count; i++)
            if (rows[i].pid == pg_int(result, child, pg_col(result, "pid")) &&
                str_is(rows[i].started, pg_text(result, child, pg_col(result, "started"))))
                rows[i].ours = arena_format(parts->blockers.arena, "run %s",
                                            pg_text(result, child, pg_col(result, "run")));
}
