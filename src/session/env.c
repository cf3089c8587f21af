/*
 * env: see env.h; the table itself stands in env_names.c.
 *
 * Only these names are looked at; nothing else of the environment is read, kept or shown here.
 */
#include "env.h"

#include "file.h"
#include "secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const S_meanings[ENV_MEANINGS] = {
    [ENV_DATABASE_URL] = "database",
    [ENV_DATABASE_HOST] = "database host",
    [ENV_DATABASE_PORT] = "database port",
    [ENV_DATABASE_USER] = "database user",
    [ENV_DATABASE_PASSWORD] = "database password",
    [ENV_TENANT_DATABASE_URL] = "tenant registry",
    [ENV_REDIS_PROVIDER] = "Redis provider",
    [ENV_REDIS_HOST] = "Redis host",
    [ENV_REDIS_PORT] = "Redis port",
    [ENV_REDIS_USER] = "Redis user",
    [ENV_REDIS_PASSWORD] = "Redis password",
    [ENV_REDIS_TLS] = "Redis TLS",
    [ENV_REDIS_CACERT] = "Redis CA",
    [ENV_REDIS_CERT] = "Redis client certificate",
    [ENV_REDIS_KEY] = "Redis client key",
    [ENV_REDIS_SNI] = "Redis certificate name",
    [ENV_REST_URL] = "Redis over HTTP",
    [ENV_REST_TOKEN] = "Redis token",
    [ENV_TTL_ORGANIZATION] = "organization TTL",
    [ENV_TTL_SESSION] = "session TTL",
    [ENV_TTL_USER] = "user TTL",
    [ENV_DEFAULT_TENANT] = "default tenant",
    [ENV_DEFAULT_ORGANIZATION] = "default organization",
    [ENV_DEFAULT_ORGANIZATION_ID] = "default organization id",
    [ENV_TENANT_ISOLATION] = "tenant isolation",
    [ENV_CACHE] = "cache",
    [ENV_RUN_MODE] = "run mode",
    [ENV_SERVICE] = "service",
};

const char *env_meaning_name(enum env_meaning meaning)
{
    return S_meanings[meaning];
}

const char *env_source_name(enum env_source source)
{
    switch (source) {
    case ENV_PROCESS:
        return "environment";
    case ENV_FILE:
        return "env-file";
    case ENV_UNSET:
        break;
    }
    return "unset";
}

/* ---- reading ---- */

static int S_index_of(const char *name, size_t len)
{
    for (size_t i = 0; i < env_name_count; i++)
        if (strlen(env_names[i].name) == len && strncmp(env_names[i].name, name, len) == 0)
            return (int)i;
    return -1;
}

static void S_set(struct env *env, int index, enum env_source source, char *value, int line)
{
    struct env_entry *entry = &env->entries[index];
    str_wipe(entry->value);
    *entry = (struct env_entry){.source = source, .value = value, .line = line};
}

static void S_read_process(struct env *env)
{
    for (size_t i = 0; i < env_name_count; i++) {
        const char *value = getenv(env_names[i].name);
        /* An empty value is what `NAME= command` leaves behind: it means unset. */
        if (value && *value)
            S_set(env, (int)i, ENV_PROCESS, str_dup(value), 0);
    }
}

struct S_scan {
    const char *path, *at, *end;
    int line;
};

static void S_skip_blanks(struct S_scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r'))
        scan->at++;
}

static void S_skip_line(struct S_scan *scan)
{
    while (scan->at < scan->end && *scan->at != '\n')
        scan->at++;
    if (scan->at < scan->end) {
        scan->at++;
        scan->line++;
    }
}

static bool S_scan_error(const struct S_scan *scan, struct err *err, const char *sentence)
{
    return err_set(err, ERR_FAILED, "%s:%d: %s", scan->path, scan->line, sentence);
}

static bool S_scan_name(struct S_scan *scan, const char **name, size_t *len, struct err *err)
{
    if ((size_t)(scan->end - scan->at) > 7 && strncmp(scan->at, "export", 6) == 0 &&
        isspace((unsigned char)scan->at[6])) {
        scan->at += 7;
        S_skip_blanks(scan);
    }
    *name = scan->at;
    while (scan->at < scan->end && (isalnum((unsigned char)*scan->at) || strchr("_.-", *scan->at)))
        scan->at++;
    *len = (size_t)(scan->at - *name);
    S_skip_blanks(scan);
    if (!*len || scan->at == scan->end || *scan->at != '=')
        return S_scan_error(scan, err, "a line must be NAME=VALUE or a comment");
    scan->at++;
    S_skip_blanks(scan);
    return true;
}

static bool S_scan_quoted(struct S_scan *scan, struct buf *value, struct err *err)
{
    char quote = *scan->at++;
    int opened = scan->line;
    for (; scan->at < scan->end && *scan->at != quote; scan->at++) {
        bool escape = quote == '"' && *scan->at == '\\' && scan->at + 1 < scan->end;
        /* dotenv knows these two and leaves every other backslash as it is. */
        if (escape && (scan->at[1] == 'n' || scan->at[1] == 'r'))
            buf_add_char(value, *++scan->at == 'n' ? '\n' : '\r');
        else
            buf_add_char(value, *scan->at);
        if (*scan->at == '\n')
            scan->line++;
    }
    if (scan->at == scan->end) {
        scan->line = opened;
        return S_scan_error(scan, err, "the quote that opens here is never closed");
    }
    scan->at++;
    return true;
}

/* Without quotes a '#' ends the value, wherever it stands: so dotenv, and so the services. */
static void S_scan_bare(struct S_scan *scan, struct buf *value)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at != '\n' && *scan->at != '#')
        scan->at++;
    const char *stop = scan->at;
    while (stop > start && isspace((unsigned char)stop[-1]))
        stop--;
    buf_add_mem(value, start, (size_t)(stop - start));
}

static bool S_scan_entry(struct S_scan *scan, struct env *env, struct err *err)
{
    const char *name;
    size_t len;
    struct buf value = {0};
    int line = scan->line;
    if (!S_scan_name(scan, &name, &len, err))
        return false;
    if (scan->at < scan->end && strchr("'\"`", *scan->at)) {
        if (!S_scan_quoted(scan, &value, err)) {
            buf_release(&value);
            return false;
        }
    } else {
        S_scan_bare(scan, &value);
    }
    int index = S_index_of(name, len);
    if (index >= 0 && value.len)
        S_set(env, index, ENV_FILE, buf_take(&value), line);
    mem_wipe(value.text, value.len);
    buf_release(&value);
    return true;
}

static bool S_read_file(struct env *env, const char *path, struct err *err)
{
    struct file file;
    bool ok = false;
    if (!file_read(path, &file, err))
        return false;
    const char *text = buf_text(&file.text);
    struct S_scan scan = {.path = path, .at = text, .end = text + file.text.len, .line = 1};
    if (memchr(text, '\0', file.text.len)) {
        err_set(err, ERR_FAILED, "'%s' is no text: it has a NUL byte", path);
        goto out;
    }
    while (scan.at < scan.end) {
        S_skip_blanks(&scan);
        if (scan.at < scan.end && *scan.at != '\n' && *scan.at != '#' &&
            !S_scan_entry(&scan, env, err))
            goto out;
        S_skip_line(&scan);
    }
    ok = true;
out:
    file_release(&file);
    return ok;
}

bool env_read(const char *file, struct env *out, struct err *err)
{
    *out = (struct env){.file = str_dup(file)};
    out->entries = mem_array(env_name_count, sizeof(*out->entries));
    S_read_process(out);
    if (!file || S_read_file(out, file, err))
        return true;
    env_release(out);
    return false;
}

void env_release(struct env *env)
{
    for (size_t i = 0; env->entries && i < env_name_count; i++)
        str_wipe(env->entries[i].value);
    free(env->entries);
    free(env->file);
    *env = (struct env){0};
}

/* ---- who wins ---- */

static bool S_has_word(const char *words, const char *word, size_t len)
{
    for (const char *at = words; (at = strstr(at, word)) != NULL; at++)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

/* Do two names serve a plan in common? */
static bool S_share_plan(const char *a, const char *b)
{
    while (*a) {
        size_t len = strcspn(a, " ");
        char *word = str_ndup(a, len);
        bool shared = S_has_word(b, word, len);
        free(word);
        if (shared)
            return true;
        a += len + (a[len] == ' ');
    }
    return false;
}

bool env_knows_plan(const char *plan)
{
    for (size_t i = 0; i < env_name_count; i++)
        if (S_has_word(env_names[i].plan, plan, strlen(plan)))
            return true;
    return false;
}

/* The mode as NODE_ENV or, without it, APPLICATION_ENV tells; the services' default else. */
static const char *S_mode(const struct env *env)
{
    for (size_t i = 0; i < env_name_count; i++)
        if (env_names[i].meaning == ENV_RUN_MODE && env->entries[i].value)
            return env->entries[i].value;
    return "development";
}

bool env_counts(const struct env *env, size_t index)
{
    const char *mode = env_names[index].mode;
    return env->entries[index].value && (!mode || str_is(mode, S_mode(env)));
}

/* Names of these meanings only share a heading; they never stand for each other. */
static bool S_stands_alone(enum env_meaning meaning)
{
    return meaning == ENV_SERVICE || meaning == ENV_CACHE;
}

/* The first that counts for the meaning, of the best source; -1: none. `plan` NULL: any plan. */
static int S_first(const struct env *env, enum env_meaning meaning, const char *plan)
{
    int found = -1;
    for (size_t i = 0; i < env_name_count; i++) {
        if (env_names[i].meaning != meaning || !env_counts(env, i))
            continue;
        if (plan && !S_share_plan(env_names[i].plan, plan))
            continue;
        if (found < 0 || env->entries[i].source > env->entries[found].source)
            found = (int)i;
    }
    return found;
}

/* Another one that counts, from the same source, and says something else; -1: none. */
static int S_rival(const struct env *env, size_t index, const char *plan)
{
    if (S_stands_alone(env_names[index].meaning) || !env_counts(env, index))
        return -1;
    for (size_t i = 0; i < env_name_count; i++) {
        if (i == index || env_names[i].meaning != env_names[index].meaning || !env_counts(env, i))
            continue;
        if (plan && !S_share_plan(env_names[i].plan, plan))
            continue;
        if (env->entries[i].source == env->entries[index].source &&
            !str_is(env->entries[i].value, env->entries[index].value))
            return (int)i;
    }
    return -1;
}

bool env_pick(const struct env *env, enum env_meaning meaning, const char *plan, const char **value,
              struct err *err)
{
    *value = NULL;
    int first = S_first(env, meaning, plan);
    if (first < 0)
        return true;
    int rival = S_rival(env, (size_t)first, plan);
    if (rival >= 0) {
        err_set(err, ERR_REFUSED, "'%s' and '%s' both name the %s, and they disagree",
                env_names[first].name, env_names[rival].name, env_meaning_name(meaning));
        return err_hint(err, "unset one of them; 'tenantdeck env' shows both");
    }
    *value = env->entries[first].value;
    return true;
}

bool env_run_mode(const struct env *env, const char **mode, struct err *err)
{
    if (!env_pick(env, ENV_RUN_MODE, NULL, mode, err))
        return false;
    if (!*mode)
        *mode = "development";
    return true;
}

int env_winner(const struct env *env, size_t index)
{
    const struct env_name *name = &env_names[index];
    if (S_stands_alone(name->meaning))
        return env_counts(env, index) ? (int)index : -1;
    return S_first(env, name->meaning, name->plan);
}

bool env_conflicts(const struct env *env, size_t index)
{
    return S_rival(env, index, env_names[index].plan) >= 0;
}

char *env_masked(const struct env_name *name, const char *value)
{
    if (!value)
        return NULL;
    return name->secret ? str_dup(SECRET_MASK) : secret_masked(value);
}
