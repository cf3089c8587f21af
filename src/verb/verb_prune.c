/* verb_prune: the verb backup prune. Which backups go and how is in prune.h. */
#include "verbs.h"

#include "prune.h"

#include <stdlib.h>
#include <string.h>

enum { KEEP = 3, KEEP_MAX = 10000 };

static bool S_read(const struct verb_call *call, struct prune_plan *plan, struct err *err)
{
    const char *given = verb_option(call, "keep");
    int64_t keep = KEEP;
    char *directory = NULL;
    if (given && (!str_to_int(given, &keep) || keep < 1 || keep > KEEP_MAX))
        return err_set(err, ERR_USAGE, "'--keep' wants a number from 1 to %d, not '%s'", KEEP_MAX,
                       given);
    char *database = pg_target_database(&call->session->database);
    bool ok = archive_directory(verb_option(call, "directory"), &directory, err) &&
              prune_read(directory, database, (size_t)keep, plan, err);
    free(directory);
    free(database);
    return ok;
}

static void S_print(struct verb_call *call, const struct prune_plan *plan)
{
    struct buf line = {0};
    for (size_t i = 0; i < plan->count; i++) {
        buf_add(&line, "goes: ");
        text_clean(&line, plan->goes[i], strlen(plan->goes[i]));
        buf_add_char(&line, '\n');
    }
    buf_format(&line, "%zu go, ", plan->count);
    text_bytes(&line, plan->bytes);
    buf_format(&line, "; %zu of this database stay; %zu others are left alone\n", plan->kept,
               plan->others);
    fputs(buf_text(&line), call->out);
    fflush(call->out);
    buf_release(&line);
}

bool verb_backup_prune_tell(struct verb_call *call, struct err *err)
{
    struct prune_plan plan;
    if (!S_read(call, &plan, err))
        return false;
    if (!call->json)
        S_print(call, &plan);
    prune_release(&plan);
    return true;
}

static void S_answer(struct verb_call *call, const struct prune_plan *plan, size_t removed)
{
    json_t *names = json_array();
    for (size_t i = 0; i < plan->count; i++)
        json_array_append_new(names, verb_json_text(plan->goes[i]));
    verb_answer(call, json_pack("{s:o, s:I, s:I, s:I, s:I}", "goes", names, "removed",
                                (json_int_t)removed, "bytes", (json_int_t)plan->bytes, "kept",
                                (json_int_t)plan->kept, "others", (json_int_t)plan->others));
}

bool verb_backup_prune(struct verb_call *call, struct err *err)
{
    struct prune_plan plan;
    size_t removed = 0;
    bool dry = verb_option(call, "dry-run") != NULL;
    if (!S_read(call, &plan, err))
        return false;
    bool ok = dry || prune_run(&plan, call->loop, &removed, err);
    if (ok && call->json)
        S_answer(call, &plan, removed);
    else if (ok && dry)
        S_print(call, &plan);
    else if (ok)
        fprintf(call->out, "%zu backups were removed\n", removed);
    prune_release(&plan);
    return ok;
}
