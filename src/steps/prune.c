/* prune: see prune.h. */
#include "prune.h"

#include "restore_log.h"
#include "wholefile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- choosing ---- */

struct S_wanted {
    const char *name;
    bool is;
};

static void S_look_at_restore(void *ctx, const struct restore_log *log)
{
    struct S_wanted *wanted = ctx;
    wanted->is |= str_is(restore_log_text(log, "backup"), wanted->name);
}

/* A restore that was cut off goes on from its backup. */
static bool S_is_wanted(const char *name, bool *is, struct err *err)
{
    struct S_wanted wanted = {.name = name};
    bool ok = restore_log_each(RESTORE_ROOM, false, S_look_at_restore, &wanted, err);
    *is = wanted.is;
    return ok;
}

/* `*size` is -1 unless it is whole and of this database. */
static void S_weigh(const char *directory, const struct archive_entry *entry, const char *database,
                    int64_t *size)
{
    struct archive archive = {0};
    struct err ignored = {0};
    *size = -1;
    if (!entry->finished || !archive_read(directory, entry->name, &archive, &ignored))
        return;
    if (str_is(archive_text(&archive, "database"), database) &&
        str_is(archive_state(&archive), "whole"))
        *size = archive_number(&archive, "size");
    archive_release(&archive);
}

static bool S_choose(const struct archive_entry *entries, size_t count, const char *database,
                     size_t keep, struct prune_plan *out, struct err *err)
{
    out->goes = mem_array(count + 1, sizeof(*out->goes));
    for (size_t i = count; i-- > 0;) {
        int64_t size;
        bool wanted = false;
        S_weigh(out->directory, &entries[i], database, &size);
        if (size >= 0 && out->kept < keep) {
            if (out->kept++ == 0)
                out->newest = str_dup(entries[i].name);
            continue;
        }
        if (size >= 0 && !S_is_wanted(entries[i].name, &wanted, err))
            return false;
        if (size < 0 || wanted) {
            out->others++;
            continue;
        }
        memmove(out->goes + 1, out->goes, out->count * sizeof(*out->goes));
        out->goes[0] = str_dup(entries[i].name);
        out->count++;
        out->bytes += size;
    }
    return true;
}

bool prune_read(const char *directory, const char *database, size_t keep, struct prune_plan *out,
                struct err *err)
{
    struct archive_entry *entries = NULL;
    size_t count = 0;
    *out = (struct prune_plan){.directory = str_dup(directory)};
    bool ok = archive_list(directory, &entries, &count, err) &&
              S_choose(entries, count, database, keep, out, err);
    archive_list_free(entries, count);
    if (!ok)
        prune_release(out);
    return ok;
}

void prune_release(struct prune_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->goes[i]);
    free(plan->goes);
    free(plan->newest);
    free(plan->directory);
    *plan = (struct prune_plan){0};
}

/* ---- removing ---- */

static void S_judge(void *ctx, const char *check, const char *verdict, const char *message)
{
    char **fault = ctx;
    if (str_is(verdict, "pass") || *fault)
        return;
    *fault = str_format("%s: %s", check, message);
}

static bool S_check_newest(const struct prune_plan *plan, struct loop *loop, struct err *err)
{
    struct archive archive = {0};
    char *fault = NULL;
    if (!archive_read(plan->directory, plan->newest, &archive, err))
        return false;
    char *path = archive_path(&archive, ".dump");
    bool ok = archive_check(&archive, path, loop, NULL, S_judge, &fault);
    if (!ok) {
        err_set(err, ERR_REFUSED, "nothing was removed: the newest backup, '%s', is not whole (%s)",
                plan->newest, fault ? fault : "it could not be checked");
        err_hint(err, "'tenantdeck backup create' makes a good one");
    }
    archive_release(&archive);
    free(path);
    free(fault);
    return ok;
}

/*
 * The JSON first: what is left of a removal that is cut off is listed as unfinished, never as
 * whole.
 */
static bool S_remove(const char *directory, const char *name, struct err *err)
{
    static const char *const suffixes[] = {".json", ".dump"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char *path = str_format("%s/%s%s", directory, name, suffixes[i]);
        bool ok = unlink(path) == 0 || errno == ENOENT ||
                  err_set(err, ERR_FAILED, "'%s' could not be removed: %s", path, strerror(errno));
        free(path);
        if (!ok)
            return false;
    }
    return true;
}

bool prune_run(const struct prune_plan *plan, struct loop *loop, size_t *removed, struct err *err)
{
    *removed = 0;
    if (plan->count && !S_check_newest(plan, loop, err))
        return false;
    while (*removed < plan->count && S_remove(plan->directory, plan->goes[*removed], err))
        (*removed)++;
    return *removed == plan->count;
}
