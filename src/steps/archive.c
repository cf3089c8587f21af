/* archive: see archive.h. */
#include "archive.h"

#include "file.h"
#include "map.h"
#include "text.h"
#include "wholefile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1024 * 1024, FORMAT = 1 };

bool archive_directory(const char *named, char **out, struct err *err)
{
    *out = str_dup(named);
    return *out || state_directory("backups", out, err);
}

void archive_release(struct archive *archive)
{
    free(archive->directory);
    free(archive->name);
    json_decref(archive->facts);
    *archive = (struct archive){0};
}

char *archive_path(const struct archive *archive, const char *suffix)
{
    return str_format("%s/%s%s", archive->directory, archive->name, suffix);
}

const char *archive_text(const struct archive *archive, const char *fact)
{
    return json_string_value(json_object_get(archive->facts, fact));
}

int64_t archive_number(const struct archive *archive, const char *fact)
{
    const json_t *value = json_object_get(archive->facts, fact);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

int64_t archive_rows(const struct archive *archive)
{
    int64_t rows = 0;
    size_t i;
    json_t *table;
    json_array_foreach(json_object_get(archive->facts, "tables"), i, table) rows +=
        json_integer_value(json_object_get(table, "rows"));
    return rows;
}

const char *archive_state(const struct archive *archive)
{
    char *path = archive_path(archive, ".dump");
    struct stat dump;
    bool there = stat(path, &dump) == 0;
    free(path);
    return !there                                            ? "missing"
           : dump.st_size == archive_number(archive, "size") ? "whole"
                                                             : "damaged";
}

/* ---- digests ---- */

static void S_to_hex(EVP_MD_CTX *digest, char out[static SHA256_HEX])
{
    unsigned char sha256[32];
    if (EVP_DigestFinal_ex(digest, sha256, NULL) != 1)
        die("SHA-256 is not available in this OpenSSL");
    for (size_t i = 0; i < sizeof(sha256); i++)
        snprintf(out + 2 * i, 3, "%02x", sha256[i]);
}

static EVP_MD_CTX *S_new_digest(void)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        die("SHA-256 is not available in this OpenSSL");
    return digest;
}

/* A dump can be large; between two pieces the loop does what is due, heartbeats above all. */
bool archive_digest(struct loop *loop, const char *path, char out[static SHA256_HEX], int64_t *size,
                    struct err *err)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_FAILED, "'%s' could not be opened: %s", path, strerror(errno));
    EVP_MD_CTX *digest = S_new_digest();
    char *piece = mem_new(PIECE);
    ssize_t n;
    *size = 0;
    while ((n = read(fd, piece, PIECE)) > 0 || (n < 0 && errno == EINTR)) {
        EVP_DigestUpdate(digest, piece, n > 0 ? (size_t)n : 0);
        *size += n > 0 ? n : 0;
        loop_turn(loop, 0);
    }
    int trouble = errno;
    S_to_hex(digest, out);
    EVP_MD_CTX_free(digest);
    free(piece);
    close(fd);
    return n == 0 ||
           err_set(err, ERR_FAILED, "'%s' could not be read: %s", path, strerror(trouble));
}

/* ---- the JSON ---- */

/* Of what it says, not of how it is laid out: a person may have formatted it anew. */
static void S_checksum(const json_t *facts, char out[static SHA256_HEX])
{
    json_t *rest = json_copy((json_t *)facts);
    json_object_del(rest, "checksum");
    char *text = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    EVP_MD_CTX *digest = S_new_digest();
    EVP_DigestUpdate(digest, text, strlen(text));
    S_to_hex(digest, out);
    EVP_MD_CTX_free(digest);
    free(text);
    json_decref(rest);
}

bool archive_write(const struct archive *archive, struct err *err)
{
    char checksum[SHA256_HEX];
    json_object_set_new(archive->facts, "format", json_integer(FORMAT));
    S_checksum(archive->facts, checksum);
    json_object_set_new(archive->facts, "checksum", json_string(checksum));
    char *text = json_dumps(archive->facts, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    char *file = str_format("%s.json", archive->name);
    bool ok = wholefile_write(archive->directory, file, text, strlen(text), err);
    free(file);
    free(text);
    return ok;
}

static void S_name(const char *directory, const char *word, struct archive *out)
{
    const char *slash = strrchr(word, '/'), *file = slash ? slash + 1 : word;
    size_t len = strlen(file);
    if (str_ends(file, ".dump") || str_ends(file, ".json"))
        len -= strlen(".dump");
    out->directory =
        slash ? str_ndup(word, (size_t)(slash - word) + (slash == word)) : str_dup(directory);
    out->name = str_ndup(file, len);
}

static bool S_parse(const char *path, const struct buf *text, struct archive *out, struct err *err)
{
    char checksum[SHA256_HEX];
    json_error_t where;
    out->facts = json_loadb(buf_text(text), text->len, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(out->facts))
        return err_set(err, ERR_FAILED, "'%s' is damaged: line %d: %s", path, where.line,
                       where.text);
    S_checksum(out->facts, checksum);
    if (!str_is(archive_text(out, "checksum"), checksum))
        return err_set(err, ERR_FAILED, "'%s' is damaged: its checksum does not agree", path);
    if (archive_number(out, "format") != FORMAT)
        return err_set(err, ERR_REFUSED, "'%s' is of a newer tenantdeck", path);
    return true;
}

bool archive_read(const char *directory, const char *word, struct archive *out, struct err *err)
{
    struct file file = {0};
    *out = (struct archive){0};
    S_name(directory, word, out);
    char *path = archive_path(out, ".json");
    bool ok = file_read(path, &file, err);
    if (!ok)
        err_hint(err, "'tenantdeck backup list' shows what there is; a dump without its .json was "
                      "not finished");
    ok = ok && S_parse(path, &file.text, out, err);
    file_release(&file);
    free(path);
    if (!ok)
        archive_release(out);
    return ok;
}

/* ---- the directory ---- */

static int S_by_age(const void *a, const void *b)
{
    const struct archive_entry *one = a, *two = b;
    size_t la = strlen(one->name), lb = strlen(two->name), stamp = strlen("YYYYMMDD_HHMMSS");
    /* Names end with the time. */
    int order = strcmp(one->name + (la > stamp ? la - stamp : 0),
                       two->name + (lb > stamp ? lb - stamp : 0));
    return order ? order : strcmp(one->name, two->name);
}

static bool S_is_finished(const char *directory, const char *name)
{
    char *json = str_format("%s/%s.json", directory, name);
    bool there = access(json, F_OK) == 0;
    free(json);
    return there;
}

/* The name of a backup when the file is one of its two; a dump and its JSON count once. */
static char *S_name_of(const char *directory, const char *file)
{
    size_t len = strlen(file);
    if (str_ends(file, ".json") && *file != '.')
        return str_ndup(file, len - strlen(".json"));
    if (str_ends(file, ".dump.part"))
        return str_ndup(file, len - strlen(".dump.part"));
    if (!str_ends(file, ".dump"))
        return NULL;
    char *name = str_ndup(file, len - strlen(".dump"));
    if (!S_is_finished(directory, name))
        return name;
    free(name);
    return NULL;
}

bool archive_list(const char *directory, struct archive_entry **out, size_t *count, struct err *err)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    size_t cap = 0;
    *out = NULL;
    *count = 0;
    if (!dir)
        return errno == ENOENT ||
               err_set(err, ERR_FAILED, "'%s' could not be read: %s", directory, strerror(errno));
    while ((entry = readdir(dir))) {
        char *name = S_name_of(directory, entry->d_name);
        if (!name)
            continue;
        *out = mem_room(*out, *count, &cap, sizeof(**out));
        (*out)[(*count)++] =
            (struct archive_entry){.name = name, .finished = S_is_finished(directory, name)};
    }
    closedir(dir);
    if (*count)
        qsort(*out, *count, sizeof(**out), S_by_age);
    return true;
}

void archive_list_free(struct archive_entry *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i].name);
    free(list);
}
