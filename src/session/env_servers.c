/* env_servers: see env_servers.h; the database. Reads values only; opens nothing. */
#include "env_servers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The word that stands for a plan in env_names; NULL (any) for a plan of a site's own name. */
static const char *S_word(const struct plan *plan)
{
    return plan && env_knows_plan(plan->name) ? plan->name : NULL;
}

/* ---- the parts of a URL, to compare them with the names that repeat them ---- */

struct S_parts {
    char *user, *password, *host, *port, *database; /* NULL where the URL has none */
};

static void S_release_parts(struct S_parts *parts)
{
    free(parts->user);
    str_wipe(parts->password);
    free(parts->host);
    free(parts->port);
    free(parts->database);
}

static char *S_decode(const char *s, size_t len)
{
    struct buf out = {0};
    for (size_t i = 0; i < len; i++) {
        bool escape = s[i] == '%' && i + 2 < len && isxdigit((unsigned char)s[i + 1]) &&
                      isxdigit((unsigned char)s[i + 2]);
        if (!escape) {
            buf_add_char(&out, s[i]);
            continue;
        }
        char hex[3] = {s[i + 1], s[i + 2], '\0'};
        buf_add_char(&out, (char)strtol(hex, NULL, 16));
        i += 2;
    }
    return buf_take(&out);
}

static char *S_part(const char *start, const char *end)
{
    return end > start ? S_decode(start, (size_t)(end - start)) : NULL;
}

static void S_read_user(const char *start, const char *at, struct S_parts *out)
{
    const char *colon = memchr(start, ':', (size_t)(at - start));
    out->user = S_part(start, colon ? colon : at);
    if (colon)
        out->password = S_part(colon + 1, at);
}

static void S_read_url(const char *url, struct S_parts *out)
{
    *out = (struct S_parts){0};
    const char *scheme = strstr(url, "://");
    if (!scheme)
        return;
    const char *start = scheme + 3, *end = start + strcspn(start, "/?");
    const char *at = memchr(start, '@', (size_t)(end - start));
    if (at)
        S_read_user(start, at, out);
    const char *host = at ? at + 1 : start;
    const char *bracket = *host == '[' ? memchr(host, ']', (size_t)(end - host)) : NULL;
    const char *from = bracket ? bracket : host;
    const char *colon = memchr(from, ':', (size_t)(end - from));
    out->host = bracket ? S_part(host + 1, bracket) : S_part(host, colon ? colon : end);
    if (colon)
        out->port = S_part(colon + 1, end);
    if (*end == '/')
        out->database = S_part(end + 1, end + 1 + strcspn(end + 1, "?"));
}

/* ---- what disagrees with the URL that was picked ---- */

static size_t S_index_of_value(const struct env *env, const char *value)
{
    size_t i = 0;
    while (i + 1 < env_name_count && env->entries[i].value != value)
        i++;
    return i;
}

static bool S_disagree(const char *name, const char *part, const char *url_name, struct err *err)
{
    err_set(err, ERR_REFUSED, "'%s' and the %s in '%s' disagree", name, part, url_name);
    return err_hint(err, "unset one of them, or say with -d which database is meant");
}

/* Of all that a URL has, only a host is the same in capitals. */
static bool S_same(const char *what, const char *a, const char *b)
{
    return str_is(what, "host") ? strcasecmp(a, b) == 0 : str_is(a, b);
}

/* DB_HOST and its like repeat what the URL says: when they say otherwise, one of them is wrong. */
static bool S_check_db_names(const struct env *env, size_t url, const struct S_parts *parts,
                             struct err *err)
{
    const struct {
        enum env_meaning meaning;
        const char *what, *value;
    } pairs[] = {{ENV_DATABASE_HOST, "host", parts->host},
                 {ENV_DATABASE_PORT, "port", parts->port},
                 {ENV_DATABASE_USER, "user", parts->user},
                 {ENV_DATABASE_PASSWORD, "password", parts->password}};
    for (size_t p = 0; p < ARRAY_LEN(pairs); p++)
        for (size_t i = 0; pairs[p].value && i < env_name_count; i++) {
            const struct env_entry *entry = &env->entries[i];
            if (env_names[i].meaning != pairs[p].meaning ||
                entry->source != env->entries[url].source)
                continue;
            if (!S_same(pairs[p].what, entry->value, pairs[p].value))
                return S_disagree(env_names[i].name, pairs[p].what, env_names[url].name, err);
        }
    return true;
}

/* libpq's own names stand in the same environment: the same law. A file goes before both. */
static bool S_check_libpq_names(const struct env *env, size_t url, const struct S_parts *parts,
                                struct err *err)
{
    const struct {
        const char *name, *what, *value;
    } pairs[] = {{"PGHOST", "host", parts->host},
                 {"PGPORT", "port", parts->port},
                 {"PGUSER", "user", parts->user},
                 {"PGDATABASE", "database", parts->database}};
    if (env->entries[url].source != ENV_PROCESS)
        return true;
    for (size_t p = 0; p < ARRAY_LEN(pairs); p++) {
        const char *set = getenv(pairs[p].name);
        if (set && *set && pairs[p].value && !S_same(pairs[p].what, set, pairs[p].value))
            return S_disagree(pairs[p].name, pairs[p].what, env_names[url].name, err);
    }
    return true;
}

static bool S_check_url(const struct env *env, const char *url, struct err *err)
{
    struct S_parts parts;
    size_t index = S_index_of_value(env, url);
    S_read_url(url, &parts);
    bool ok =
        S_check_db_names(env, index, &parts, err) && S_check_libpq_names(env, index, &parts, err);
    S_release_parts(&parts);
    return ok;
}

/* ---- the database ---- */

static void S_add_keyword(struct buf *out, const char *key, const char *value)
{
    if (!value)
        return;
    buf_format(out, "%s%s='", out->len ? " " : "", key);
    for (const char *c = value; *c; c++) {
        if (*c == '\'' || *c == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *c);
    }
    buf_add_char(out, '\'');
}

/* The guide's DB_* names have no name for the database itself: libpq's PGDATABASE decides. */
static bool S_from_parts(const struct env *env, const char *word, struct pg_target *out,
                         struct err *err)
{
    const char *host, *port, *user, *password;
    if (!env_pick(env, ENV_DATABASE_HOST, word, &host, err) ||
        !env_pick(env, ENV_DATABASE_PORT, word, &port, err) ||
        !env_pick(env, ENV_DATABASE_USER, word, &user, err) ||
        !env_pick(env, ENV_DATABASE_PASSWORD, word, &password, err))
        return false;
    if (!host && !port && !user && !password)
        return true;
    struct buf words = {0};
    S_add_keyword(&words, "host", host);
    S_add_keyword(&words, "port", port);
    S_add_keyword(&words, "user", user);
    if (!getenv("PGDATABASE") && str_is(word, "mentoring"))
        S_add_keyword(&words, "dbname", "mentoring");
    out->conninfo = buf_take(&words);
    out->password = str_dup(password);
    return true;
}

bool env_database(const struct env *env, const struct plan *plan, struct pg_target *out,
                  struct err *err)
{
    const char *mode, *url = NULL, *word = S_word(plan);
    if (!env_run_mode(env, &mode, err))
        return false;
    if (plan && plan->kind == PLAN_REGISTRY &&
        !env_pick(env, ENV_TENANT_DATABASE_URL, word, &url, err))
        return false;
    if (!url && !env_pick(env, ENV_DATABASE_URL, word, &url, err))
        return false;
    if (!url)
        return S_from_parts(env, word, out, err);
    if (!S_check_url(env, url, err))
        return false;
    out->conninfo = str_dup(url);
    return true;
}
