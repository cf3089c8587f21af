/*
 * keyundo: see keyundo.h. The file: a line of JSON; records of key length, dump length (4 bytes
 * each) and end (8 bytes), then key and dump; a record of length MARK_END with the number of
 * records and the SHA-256 of all bytes before it. Numbers have their lowest byte first.
 */
#include "keyundo.h"

#include "clock.h"
#include "failpoint.h"
#include "wholefile.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 16, SUM = 32, RESTORE_BATCH = 100 };

#define MARK_END 0xffffffffu

struct keyundo {
    char *path, *part;
    int fd;
    EVP_MD_CTX *digest;
    struct buf unwritten;
    int64_t count;
};

/* ---- numbers ---- */

static void S_put(char *at, uint64_t n, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (char)(n >> (8 * i) & 0xff);
}

static uint64_t S_get(const char *at, int bytes)
{
    uint64_t n = 0;
    for (int i = 0; i < bytes; i++)
        n |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return n;
}

/* ---- a file in memory ---- */

struct view {
    const char *bytes;
    size_t len;
};

struct record {
    const char *key, *dump;
    size_t key_len, dump_len;
    int64_t ends_at;
};

static bool S_map_open(int fd, const char *path, struct view *out, struct err *err)
{
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0)
        return err_set(err, ERR_FAILED, "'%s' could not be read: %s", path, strerror(errno));
    void *bytes =
        info.st_size ? mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (bytes == MAP_FAILED)
        return err_set(err, ERR_FAILED, "'%s' holds no keys of a clear", path);
    *out = (struct view){bytes, (size_t)info.st_size};
    return true;
}

static bool S_map(const char *path, struct view *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *out = (struct view){0};
    bool ok = S_map_open(fd, path, out, err);
    if (fd >= 0)
        close(fd);
    return ok;
}

static void S_unmap(struct view *view)
{
    if (view->bytes)
        munmap((void *)view->bytes, view->len);
    *view = (struct view){0};
}

/* The record at `*at`, which moves behind it; false: there is none, or not all of it. */
static bool S_record(const struct view *view, size_t *at, struct record *out)
{
    if (view->len - *at < HEAD)
        return false;
    const char *head = view->bytes + *at;
    uint64_t key_len = S_get(head, 4), dump_len = S_get(head + 4, 4);
    if (key_len == MARK_END || view->len - *at - HEAD < key_len + dump_len)
        return false;
    *out = (struct record){.key = head + HEAD,
                           .key_len = key_len,
                           .dump = head + HEAD + key_len,
                           .dump_len = dump_len,
                           .ends_at = (int64_t)S_get(head + 8, 8)};
    *at += HEAD + key_len + dump_len;
    return true;
}

/* The first line; `*at` is behind it. */
static bool S_head(const struct view *view, const char *path, char **server, size_t *at,
                   struct err *err)
{
    const char *end = memchr(view->bytes, '\n', view->len);
    json_t *head = end ? json_loadb(view->bytes, (size_t)(end - view->bytes), 0, NULL) : NULL;
    const char *format = json_string_value(json_object_get(head, "format"));
    bool ok = str_is(format, "tenantdeck keys 1");
    if (ok) {
        *server = str_dup(json_string_value(json_object_get(head, "server")));
        *at = (size_t)(end - view->bytes) + 1;
    }
    json_decref(head);
    return ok || err_set(err, ERR_FAILED, "'%s' is no file of removed keys", path);
}

/* ---- writing ---- */

static bool S_trouble(const struct keyundo *undo, const char *what, struct err *err)
{
    return err_set(err, ERR_FAILED, "'%s' could not be %s: %s", undo->part, what, strerror(errno));
}

static bool S_write(struct keyundo *undo, struct err *err)
{
    if (!wholefile_write_all(undo->fd, buf_text(&undo->unwritten), undo->unwritten.len))
        return S_trouble(undo, "written", err);
    EVP_DigestUpdate(undo->digest, buf_text(&undo->unwritten), undo->unwritten.len);
    buf_clear(&undo->unwritten);
    return true;
}

static bool S_begin_new(struct keyundo *undo, const char *server, struct err *err)
{
    char at[21];
    if (!wholefile_begin(undo->part, &undo->fd, err))
        return false;
    clock_format_iso(clock_wall(), at);
    json_t *head =
        json_pack("{s:s, s:s, s:s}", "format", "tenantdeck keys 1", "server", server, "at", at);
    char *line = json_dumps(head, JSON_COMPACT | JSON_ENSURE_ASCII);
    buf_format(&undo->unwritten, "%s\n", line);
    free(line);
    json_decref(head);
    return keyundo_sync(undo, err);
}

static bool S_check_part(const struct keyundo *undo, const char *of, const char *server,
                         struct err *err)
{
    struct stat info;
    bool ours = fstat(undo->fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
                !(info.st_mode & (S_IRWXG | S_IRWXO));
    if (!ours)
        return err_set(err, ERR_REFUSED,
                       "'%s' was not left by a clear of yours: others may read what would be "
                       "written into it",
                       undo->part);
    return str_is(of, server) ||
           err_set(err, ERR_REFUSED, "'%s' has keys of '%s', and this is '%s'", undo->part,
                   of ? of : "?", server);
}

/* What a kill has cut off at its end was never counted on: its key was not removed yet. */
static bool S_go_on(struct keyundo *undo, const char *server, struct err *err)
{
    struct view view = {0};
    struct record record;
    char *of = NULL;
    size_t at = 0;
    undo->fd = open(undo->part, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    bool ok = S_map_open(undo->fd, undo->part, &view, err) &&
              S_head(&view, undo->part, &of, &at, err) && S_check_part(undo, of, server, err);
    while (ok && S_record(&view, &at, &record))
        undo->count++;
    if (ok && ftruncate(undo->fd, (off_t)at) < 0)
        ok = S_trouble(undo, "gone on with", err);
    if (ok)
        EVP_DigestUpdate(undo->digest, view.bytes, at);
    S_unmap(&view);
    free(of);
    return ok;
}

/* One that was killed when all was in the file: there is nothing left to go into it. */
static bool S_is_whole(const char *path, const char *server, struct err *err)
{
    int64_t keys;
    char *of = NULL;
    bool ok = keyundo_check(path, &keys, &of, err) &&
              (str_is(of, server) ||
               err_set(err, ERR_REFUSED, "'%s' is there already, of '%s', and stays as it is", path,
                       of ? of : "?"));
    free(of);
    return ok;
}

bool keyundo_begin(const char *path, const char *server, bool again, struct keyundo **out,
                   struct err *err)
{
    *out = NULL;
    if (again && access(path, F_OK) == 0)
        return S_is_whole(path, server, err);
    struct keyundo *undo = mem_new(sizeof(*undo));
    undo->path = str_dup(path);
    undo->part = str_format("%s.part", path);
    undo->fd = -1;
    undo->digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(undo->digest, EVP_sha256(), NULL);
    bool ok = access(path, F_OK) < 0 ||
              err_set(err, ERR_REFUSED, "'%s' is there already, and stays as it is", path);
    if (ok && again && access(undo->part, F_OK) == 0)
        ok = S_go_on(undo, server, err);
    else if (ok)
        ok = S_begin_new(undo, server, err);
    if (!ok) {
        keyundo_free(undo);
        return false;
    }
    *out = undo;
    return true;
}

bool keyundo_add(struct keyundo *undo, const char *key, size_t len, int64_t ends_at,
                 const char *dump, size_t dump_len, struct err *err)
{
    enum { WRITE_AT = 1024 * 1024 };
    char head[HEAD];
    S_put(head, len, 4);
    S_put(head + 4, dump_len, 4);
    S_put(head + 8, (uint64_t)ends_at, 8);
    buf_add_mem(&undo->unwritten, head, HEAD);
    buf_add_mem(&undo->unwritten, key, len);
    buf_add_mem(&undo->unwritten, dump, dump_len);
    undo->count++;
    return undo->unwritten.len < WRITE_AT || S_write(undo, err);
}

bool keyundo_sync(struct keyundo *undo, struct err *err)
{
    return S_write(undo, err) && (fdatasync(undo->fd) == 0 || S_trouble(undo, "written", err));
}

bool keyundo_finish(struct keyundo *undo, struct err *err)
{
    char end[HEAD + SUM];
    unsigned char sum[EVP_MAX_MD_SIZE];
    if (!S_write(undo, err))
        return false;
    EVP_DigestFinal_ex(undo->digest, sum, NULL);
    S_put(end, MARK_END, 4);
    S_put(end + 4, 0, 4);
    S_put(end + 8, (uint64_t)undo->count, 8);
    memcpy(end + HEAD, sum, SUM);
    buf_add_mem(&undo->unwritten, end, sizeof(end));
    EVP_DigestInit_ex(undo->digest, EVP_sha256(), NULL);
    return keyundo_sync(undo, err) && wholefile_settle(undo->part, undo->path, err);
}

void keyundo_free(struct keyundo *undo)
{
    if (!undo)
        return;
    if (undo->fd >= 0)
        close(undo->fd);
    EVP_MD_CTX_free(undo->digest);
    buf_release(&undo->unwritten);
    free(undo->path);
    free(undo->part);
    free(undo);
}

int64_t keyundo_count(const struct keyundo *undo)
{
    return undo->count;
}

/* ---- reading ---- */

/* Whole, and as it was written: else nothing of it is used. */
static bool S_check(const struct view *view, const char *path, int64_t *keys, char **server,
                    size_t *first, struct err *err)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    struct record record;
    size_t at;
    *keys = 0;
    if (!S_head(view, path, server, &at, err))
        return false;
    *first = at;
    while (S_record(view, &at, &record))
        ++*keys;
    EVP_Digest(view->bytes, at, sum, NULL, EVP_sha256(), NULL);
    const char *end = view->bytes + at;
    if (view->len - at == HEAD + SUM && S_get(end, 4) == MARK_END &&
        (int64_t)S_get(end + 8, 8) == *keys && memcmp(end + HEAD, sum, SUM) == 0)
        return true;
    free(*server);
    *server = NULL;
    err_set(err, ERR_FAILED, "'%s' is not whole, or was changed: nothing of it was restored", path);
    return err_hint(err, "a clear that was cut off makes it whole when it is said again");
}

bool keyundo_check(const char *path, int64_t *keys, char **server, struct err *err)
{
    struct view view;
    size_t first;
    bool ok = S_map(path, &view, err) && S_check(&view, path, keys, server, &first, err);
    S_unmap(&view);
    return ok;
}

struct answer { /* what came of one record */
    struct keyundo_result *result;
    const struct record *record;
    bool back;
};

static void S_take_restored(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct answer *answer = ctx;
    (void)reply;
    answer->back = !err;
    if (err && strstr(err->text, "BUSYKEY")) {
        answer->result->there++;
    } else if (err) {
        if (!answer->result->refused++)
            snprintf(answer->result->first, sizeof(answer->result->first), "%.250s", err->text);
    }
}

static bool S_send_restore(struct keyspace *keyspace, struct answer *answer, struct err *err)
{
    const struct record *record = answer->record;
    int64_t left = record->ends_at < 0 ? 0 : record->ends_at - clock_wall();
    char ttl[24];
    if (record->ends_at >= 0 && left <= 0) {
        answer->result->over++;
        return true;
    }
    snprintf(ttl, sizeof(ttl), "%lld", (long long)left);
    const char *argv[] = {"RESTORE", record->key, ttl, record->dump};
    const size_t lengths[] = {7, record->key_len, strlen(ttl), record->dump_len};
    return keyspace_try(keyspace, ARRAY_LEN(argv), argv, lengths, S_take_restored, answer, err);
}

/* What was restored is asked for, each key anew: an OK alone is no proof. */
static bool S_look(struct keyspace *keyspace, const struct answer *answers, size_t count,
                   int64_t *found, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *argv[] = {"EXISTS", answers[i].record ? answers[i].record->key : NULL};
        if (!answers[i].back)
            continue;
        const size_t lengths[] = {6, answers[i].record->key_len};
        if (!keyspace_send(keyspace, ARRAY_LEN(argv), argv, lengths, keyspace_count_yes, found,
                           err))
            return false;
    }
    return keyspace_settle(keyspace, err);
}

static bool S_restore_batch(struct keyspace *keyspace, const struct record *records, size_t count,
                            struct keyundo_result *out, struct err *err)
{
    struct answer answers[RESTORE_BATCH] = {0};
    for (size_t i = 0; i < count; i++) {
        answers[i] = (struct answer){.result = out, .record = &records[i]};
        if (!S_send_restore(keyspace, &answers[i], err))
            return false;
    }
    return keyspace_settle(keyspace, err) && S_look(keyspace, answers, count, &out->back, err);
}

/* Backwards: of a key that was removed twice, the file of a clear that was resumed has both. */
static bool S_restore_all(const struct view *view, size_t first, struct keyspace *keyspace,
                          struct keyundo_result *out, struct err *err)
{
    size_t *places = mem_array((size_t)out->keys, sizeof(*places));
    struct record batch[RESTORE_BATCH];
    size_t at = first, left = 0, count = 0;
    bool ok = true;
    while (left < (size_t)out->keys) {
        places[left] = at;
        if (!S_record(view, &at, &batch[0]))
            break;
        left++;
    }
    while (ok && left) {
        at = places[--left];
        S_record(view, &at, &batch[count++]);
        if (count < RESTORE_BATCH && left)
            continue;
        ok = S_restore_batch(keyspace, batch, count, out, err);
        count = 0;
        FAILPOINT("K3");
    }
    free(places);
    return ok;
}

bool keyundo_restore(const char *path, struct keyspace *keyspace, struct keyundo_result *out,
                     struct err *err)
{
    struct view view;
    char *server = NULL;
    size_t first;
    *out = (struct keyundo_result){0};
    bool ok = S_map(path, &view, err) && S_check(&view, path, &out->keys, &server, &first, err) &&
              S_restore_all(&view, first, keyspace, out, err);
    S_unmap(&view);
    free(server);
    return ok;
}
