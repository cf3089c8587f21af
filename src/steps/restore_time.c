/*
 * restore_time: how long a restore will take, from what is written of those that were made here.
 *
 * The same backup tells best, another one of the same database by its size; where neither was ever
 * restored the time that the dump took is told as what it is, and no figure is made of it.
 */
#include "clock.h"
#include "restore_parts.h"
#include "text.h"

#include <string.h>

struct S_took { /* the latest of its kind; ms 0: there is none */
    int64_t ms, size;
    char at[21];
};

struct S_search {
    const char *server, *database, *sha256;
    struct S_took same, other;
};

static void S_note(void *ctx, const struct restore_log *log)
{
    struct S_search *search = ctx;
    const json_t *swap = json_object_get(log->done, "swap");
    const char *at = json_string_value(json_object_get(swap, "at"));
    int64_t ms = json_integer_value(json_object_get(swap, "ms"));
    if (ms <= 0 || !at || !str_is(restore_log_text(log, "server"), search->server) ||
        !str_is(restore_log_text(log, "database"), search->database))
        return;
    bool same = str_is(restore_log_text(log, "sha256"), search->sha256);
    struct S_took *took = same ? &search->same : &search->other;
    if (strcmp(at, took->at) < 0)
        return;
    *took = (struct S_took){.ms = ms, .size = json_integer_value(json_object_get(swap, "size"))};
    snprintf(took->at, sizeof(took->at), "%s", at);
}

static char *S_tell_same(const struct S_took *took)
{
    char span[16];
    clock_format_span(took->ms, span);
    return str_format("~%s, as this backup's restore took at %s", span, took->at);
}

static char *S_tell_other(const struct S_took *took, int64_t size)
{
    char span[16], then[16];
    struct buf text = {0};
    clock_format_span((int64_t)((double)took->ms * (double)size / (double)took->size), span);
    clock_format_span(took->ms, then);
    buf_format(&text, "~%s, by its size: another backup of it, ", span);
    text_bytes(&text, took->size);
    buf_format(&text, ", took %s at %s", then, took->at);
    return buf_take(&text);
}

static char *S_tell_dump(int64_t ms)
{
    char span[16];
    if (ms <= 0)
        return str_dup("unknown: loading takes longer than dumping; its progress is shown");
    clock_format_span(ms, span);
    return str_format("unknown: none was restored here; the backup took %s, and loading takes "
                      "longer; its progress is shown",
                      span);
}

char *restore_time(const char *server, const char *database, const struct archive *archive)
{
    struct S_search search = {
        .server = server, .database = database, .sha256 = archive_text(archive, "sha256")};
    struct err ignored = {0};
    int64_t size = archive_number(archive, "size");
    /* What cannot be read has no time to tell, and keeps nobody from restoring. */
    restore_log_each(RESTORE_ROOM, true, S_note, &search, &ignored);
    if (search.same.ms)
        return S_tell_same(&search.same);
    if (search.other.size > 0 && size > 0)
        return S_tell_other(&search.other, size);
    return S_tell_dump(archive_number(archive, "ms"));
}
