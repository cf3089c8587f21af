/* sequelize: see sequelize.h. Reads only; nothing here runs a migration. */
#include "sequelize.h"

#include "sql.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *sequelize_state_name(enum sequelize_state state)
{
    static const char *const names[SEQUELIZE_STATES] = {
        [SEQUELIZE_UP] = "up",
        [SEQUELIZE_PENDING] = "pending",
        [SEQUELIZE_UNKNOWN] = "unknown",
    };
    return names[state];
}

/* ---- the two sides ---- */

struct S_side { /* names, sorted bytewise, without doubles */
    const char **names;
    size_t count, cap;
};

static void S_add(struct S_side *side, const char *name)
{
    side->names = mem_room(side->names, side->count, &side->cap, sizeof(*side->names));
    side->names[side->count++] = name;
}

static int S_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void S_sort(struct S_side *side)
{
    size_t kept = 0;
    if (side->count)
        qsort(side->names, side->count, sizeof(*side->names), S_compare);
    for (size_t i = 0; i < side->count; i++)
        if (!i || strcmp(side->names[i], side->names[i - 1]) != 0)
            side->names[kept++] = side->names[i];
    side->count = kept;
}

/* What sequelize-cli takes for a migration: scripts, but no bare type declarations. */
static bool S_is_migration(const char *name)
{
    static const char *const endings[] = {".js", ".cjs", ".ts", ".cts"};
    bool is = false;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        is |= str_ends(name, endings[i]);
    return is && name[0] != '.' && !str_ends(name, ".d.ts");
}

static bool S_read_folder(const char *folder, struct arena *arena, struct S_side *files,
                          struct err *err)
{
    struct dirent *entry;
    DIR *directory = opendir(folder);
    if (!directory) {
        err_set(err, ERR_FAILED, "the folder of the migrations, '%s', cannot be read: %s", folder,
                strerror(errno));
        return err_hint(err, "'migrations' in [service] of the plan says where they are");
    }
    while ((entry = readdir(directory)))
        if (S_is_migration(entry->d_name))
            S_add(files, arena_str(arena, entry->d_name));
    closedir(directory);
    S_sort(files);
    return true;
}

static bool S_read_rows(struct pg *pg, const char *statement, struct arena *arena,
                        struct S_side *rows, struct err *err)
{
    struct pg_result *result;
    if (!pg_run(pg, statement, NULL, 0, &result, err))
        return err_context(err, "the migrations that were run");
    for (int i = 0; i < pg_rows(result); i++)
        if (!pg_null(result, i, 1))
            S_add(rows, arena_str(arena, pg_text(result, i, 1)));
    pg_result_free(result);
    S_sort(rows);
    return true;
}

static bool S_read_tables(struct pg *pg, const char *schema, struct arena *arena,
                          struct S_side *rows, struct sequelize *out, struct err *err)
{
    struct pg_result *result;
    const char *values[] = {schema};
    if (!pg_run(pg, sql_get("sequelize_names"), values, 1, &result, err))
        return err_context(err, "the table of migrations");
    bool ok = true;
    if (!pg_null(result, 0, 0)) {
        out->tables = arena_str(arena, pg_text(result, 0, 1));
        ok = S_read_rows(pg, pg_text(result, 0, 0), arena, rows, err);
    }
    pg_result_free(result);
    return ok;
}

/* ---- put together ---- */

static void S_note(struct sequelize *out, const char *name, enum sequelize_state state)
{
    out->list[out->count++] = (struct sequelize_migration){.name = name, .state = state};
    out->counts[state]++;
}

/* Both sides are sorted: whoever is behind is alone with its name. */
static void S_merge(const struct S_side *files, const struct S_side *rows, struct sequelize *out)
{
    size_t f = 0, r = 0;
    while (f < files->count || r < rows->count) {
        int order = f >= files->count  ? 1
                    : r >= rows->count ? -1
                                       : strcmp(files->names[f], rows->names[r]);
        if (order < 0)
            S_note(out, files->names[f], SEQUELIZE_PENDING);
        else
            S_note(out, rows->names[r],
                   order == 0 || !out->has_folder ? SEQUELIZE_UP : SEQUELIZE_UNKNOWN);
        f += order <= 0;
        r += order >= 0;
    }
}

bool sequelize_read(struct pg *pg, const char *schema, const char *folder, struct arena *arena,
                    struct sequelize *out, struct err *err)
{
    struct S_side files = {0}, rows = {0};
    *out = (struct sequelize){.has_folder = folder != NULL};
    bool ok = (!folder || S_read_folder(folder, arena, &files, err)) &&
              S_read_tables(pg, schema, arena, &rows, out, err);
    if (ok) {
        out->list = arena_array(arena, files.count + rows.count, sizeof(*out->list));
        S_merge(&files, &rows, out);
    }
    free(files.names);
    free(rows.names);
    return ok;
}

char *sequelize_names_in(const struct sequelize *state, enum sequelize_state which, size_t most)
{
    struct buf text = {0};
    size_t shown = 0;
    for (size_t i = 0; i < state->count && shown < most; i++)
        if (state->list[i].state == which)
            buf_format(&text, "%s%s", shown++ ? ", " : "", state->list[i].name);
    if (state->counts[which] > shown)
        buf_format(&text, " and %zu more", state->counts[which] - shown);
    return buf_take(&text);
}
