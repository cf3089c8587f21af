/*
 * archive_check: whether a dump is whole, by its size, its SHA-256 and its table of contents. Reads
 * only; what is in the tables is proved by a restore.
 */
#include "archive.h"

#include "map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct S_checker {
    const struct archive *archive;
    const char *path;
    struct loop *loop;
    struct run *run;
    archive_judge_fn *judge;
    void *ctx;
};

static bool S_say(const struct S_checker *checker, const char *check, bool passed, char *message)
{
    checker->judge(checker->ctx, check, passed ? "pass" : "fail", message);
    free(message);
    return passed;
}

static bool S_fail(const struct S_checker *checker, const char *check, const struct err *err)
{
    return S_say(checker, check, false, str_dup(err->text));
}

/* ---- size and contents ---- */

static bool S_check_size(const struct S_checker *checker)
{
    struct stat info;
    int64_t wanted = archive_number(checker->archive, "size");
    if (lstat(checker->path, &info) < 0 || !S_ISREG(info.st_mode))
        return S_say(checker, "file", false, str_format("there is no dump at '%s'", checker->path));
    bool same = info.st_size == wanted && wanted > 0;
    return S_say(checker, "file", same,
                 same ? str_format("the dump has its %lld bytes", (long long)wanted)
                      : str_format("the dump has %lld bytes, and had %lld when it was made",
                                   (long long)info.st_size, (long long)wanted));
}

static bool S_check_digest(const struct S_checker *checker)
{
    char digest[SHA256_HEX];
    int64_t size;
    struct err err = {0};
    if (!archive_digest(checker->loop, checker->path, digest, &size, &err))
        return S_fail(checker, "sha256", &err);
    bool same = str_is(archive_text(checker->archive, "sha256"), digest);
    return S_say(checker, "sha256", same,
                 str_dup(same ? "every byte is as it was written"
                              : "its bytes are no longer those that were written"));
}

/* ---- the table of contents ---- */

/* By OID, as pg_restore lists them: names of tables may hold anything, blanks and newlines too. */
struct S_contents {
    struct map entries;
    bool inside; /* of a line that comes in pieces */
};

static const char *S_kind(const char *what)
{
    if (str_starts(what, "TABLE DATA "))
        return "data";
    if (str_starts(what, "TABLE ATTACH "))
        return NULL;
    return str_starts(what, "TABLE ") || str_starts(what, "FOREIGN TABLE ") ? "table" : NULL;
}

/* "214; 1259 16385 TABLE public sessions owner", "3342; 0 16385 TABLE DATA public …" */
static void S_hear_entry(void *ctx, const char *line, size_t len, bool whole)
{
    struct S_contents *contents = ctx;
    bool first = !contents->inside;
    contents->inside = !whole;
    if (!first)
        return;
    char start[64];
    unsigned id, class, oid;
    int used = 0;
    snprintf(start, sizeof(start), "%.*s", (int)(len < sizeof(start) ? len : sizeof(start)), line);
    if (sscanf(start, "%u; %u %u %n", &id, &class, &oid, &used) != 3 || !used)
        return;
    const char *kind = S_kind(start + used);
    if (!kind)
        return;
    char key[32];
    snprintf(key, sizeof(key), "%s %u", kind, oid);
    map_put(&contents->entries, key, 1);
}

static bool S_has(const struct S_contents *contents, const char *kind, const json_t *table)
{
    char key[32];
    snprintf(key, sizeof(key), "%s %lld", kind,
             (long long)json_integer_value(json_object_get(table, "oid")));
    return map_get(&contents->entries, key) != MAP_NONE;
}

static void S_list_missing(const struct S_contents *contents, const json_t *tables,
                           struct buf *missing)
{
    size_t i;
    json_t *table;
    json_array_foreach((json_t *)tables, i, table)
    {
        bool is_there = S_has(contents, "table", table);
        bool has_data =
            !json_is_true(json_object_get(table, "holds_rows")) || S_has(contents, "data", table);
        if (!is_there || !has_data)
            buf_format(missing, "%s'%s'%s", missing->len ? ", " : "",
                       json_string_value(json_object_get(table, "name")),
                       is_there ? " (its data)" : "");
    }
}

static bool S_judge_contents(const struct S_checker *checker, const struct S_contents *contents)
{
    struct buf missing = {0};
    const json_t *tables = json_object_get(checker->archive->facts, "tables");
    size_t count = json_array_size(tables);
    S_list_missing(contents, tables, &missing);
    bool complete = count > 0 && !missing.len;
    char *message = missing.len ? str_format("the dump does not have %s", missing.text)
                    : count > 1
                        ? str_format("pg_restore finds all %zu tables, with their data", count)
                    : count ? str_dup("pg_restore finds the one table, with its data")
                            : str_dup("the dump is of a database without any table");
    buf_release(&missing);
    return S_say(checker, "contents", complete, message);
}

static bool S_check_contents(const struct S_checker *checker)
{
    struct S_contents contents = {0};
    struct pgtool tool = {0};
    struct err err = {0};
    const char *words[] = {"--list", checker->path, NULL};
    const struct pgtool_job job = {.loop = checker->loop,
                                   .tool = &tool,
                                   .words = words,
                                   .run = checker->run,
                                   .line = S_hear_entry,
                                   .ctx = &contents};
    int major = (int)archive_number(checker->archive, "pg_dump_major");
    bool ok =
        pgtool_find(checker->loop, "pg_restore", major, &tool, &err) && pgtool_run(&job, &err);
    ok = ok ? S_judge_contents(checker, &contents) : S_fail(checker, "contents", &err);
    map_release(&contents.entries);
    pgtool_release(&tool);
    return ok;
}

bool archive_check(const struct archive *archive, const char *path, struct loop *loop,
                   struct run *run, archive_judge_fn *judge, void *ctx)
{
    const struct S_checker checker = {archive, path, loop, run, judge, ctx};
    if (S_check_size(&checker) && S_check_digest(&checker))
        return S_check_contents(&checker);
    judge(ctx, "contents", "unknown", "the dump is damaged, so its contents were not looked at");
    return false;
}
