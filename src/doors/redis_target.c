/*
 * redis_target: reads where a Redis is: redis://, rediss://, unix://, https://. Parsing only;
 * nothing is connected.
 */
#include "redis.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { REDIS_PORT = 6379, HTTP_PORT = 80, HTTPS_PORT = 443, REDIS_LAST_DB = 1000000 };

/* Text of a URL with its %41 decoded; NULL when an escape is broken or hides a NUL. */
static char *S_decode(const char *s, size_t len)
{
    struct buf out = {0};
    for (size_t i = 0; i < len; i++) {
        if (s[i] != '%') {
            buf_add_char(&out, s[i]);
            continue;
        }
        bool whole =
            i + 2 < len && isxdigit((unsigned char)s[i + 1]) && isxdigit((unsigned char)s[i + 2]);
        char hex[3] = {whole ? s[i + 1] : '0', whole ? s[i + 2] : '0', '\0'};
        char byte = (char)strtol(hex, NULL, 16);
        if (!byte) {
            mem_wipe(out.text, out.len);
            buf_release(&out);
            return NULL;
        }
        buf_add_char(&out, byte);
        i += 2;
    }
    return buf_take(&out);
}

static bool S_bad(struct err *err, const char *what)
{
    /* The URL itself may hold a password, so it is not repeated. */
    err_set(err, ERR_USAGE, "the Redis address cannot be read: %s", what);
    return err_hint(err, "write redis://[user[:password]@]host[:port][/db], rediss:// for TLS, "
                         "unix://path[?db=N], or https://host for Upstash");
}

static bool S_read_db(const char *s, int *db, struct err *err)
{
    int64_t n;
    if (!str_to_int(s, &n) || n < 0 || n > REDIS_LAST_DB)
        return S_bad(err, "the database is not a number");
    *db = (int)n;
    return true;
}

static bool S_read_user(const char *s, size_t len, struct redis_target *target, struct err *err)
{
    const char *colon = memchr(s, ':', len);
    size_t user = colon ? (size_t)(colon - s) : len;
    if (user && !(target->user = S_decode(s, user)))
        return S_bad(err, "a % escape in the user is broken");
    if (!colon)
        return true;
    target->password = S_decode(colon + 1, len - user - 1);
    return target->password ? true : S_bad(err, "a % escape in the password is broken");
}

static bool S_read_host(const char *s, size_t len, struct redis_target *target, struct err *err)
{
    const char *end = s + len, *port = NULL;
    if (len && s[0] == '[') { /* [::1]:6379 */
        const char *close = memchr(s, ']', len);
        if (!close)
            return S_bad(err, "the ']' of the host is missing");
        target->host = str_ndup(s + 1, (size_t)(close - s) - 1);
        if (close + 1 < end && close[1] != ':')
            return S_bad(err, "only a port may follow the ']' of the host");
        port = close + 1 < end ? close + 2 : NULL;
    } else {
        const char *colon = memchr(s, ':', len);
        target->host = str_ndup(s, colon ? (size_t)(colon - s) : len);
        port = colon ? colon + 1 : NULL;
    }
    if (!*target->host) {
        free(target->host);
        target->host = str_dup("localhost");
    }
    if (!port)
        return true;
    char *digits = str_ndup(port, (size_t)(end - port));
    int64_t n;
    bool good = str_to_int(digits, &n) && n > 0 && n < 65536;
    free(digits);
    if (!good)
        return S_bad(err, "the port is not a number from 1 to 65535");
    target->port = (int)n;
    return true;
}

/* ---- the options of rediss:// ---- */

static char **S_option(struct redis_target *target, const char *name, size_t len)
{
    const struct {
        const char *name;
        char **value;
    } options[] = {{"cacert", &target->cacert},
                   {"cert", &target->cert},
                   {"key", &target->key},
                   {"sni", &target->tls_name}};
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
            return options[i].value;
    return NULL;
}

static bool S_read_options(const char *s, struct redis_target *target, struct err *err)
{
    while (*s) {
        size_t len = strcspn(s, "&"), name = strcspn(s, "=");
        char **value = name < len ? S_option(target, s, name) : NULL;
        if (!value || *value)
            return S_bad(err, "after '?' may stand cacert=, cert=, key= and sni=, each once");
        *value = S_decode(s + name + 1, len - name - 1);
        if (!*value || !**value)
            return S_bad(err, "an option after '?' is empty or broken");
        s += len + (s[len] == '&');
    }
    return true;
}

/* ---- the kinds of address ---- */

static bool S_parse_tcp(const char *rest, struct redis_target *target, struct err *err)
{
    size_t len = strcspn(rest, "/?");
    const char *at = memrchr(rest, '@', len);
    const char *host = at ? at + 1 : rest;
    if (at && !S_read_user(rest, (size_t)(at - rest), target, err))
        return false;
    if (!S_read_host(host, len - (size_t)(host - rest), target, err))
        return false;
    rest += len;
    const char *options = strchr(rest, '?');
    if (options && !target->tls)
        return S_bad(err, "options after '?' are known for rediss:// only");
    if (options && !S_read_options(options + 1, target, err))
        return false;
    char *db = str_ndup(rest, options ? (size_t)(options - rest) : strlen(rest));
    bool ok = !db[0] || !db[1] || S_read_db(db + 1, &target->db, err);
    free(db);
    return ok;
}

/* Upstash: the token comes from elsewhere, so that it stands in no list of processes. */
static bool S_parse_rest(const char *url, struct redis_target *target, struct err *err)
{
    const char *rest = strstr(url, "://") + 3;
    size_t len = strcspn(rest, "/?#");
    if (memchr(rest, '@', len))
        return S_bad(err, "a token does not belong into the address: UPSTASH_REDIS_REST_TOKEN or a "
                          "password-file of the deck is its place");
    if (rest[len] && (rest[len] != '/' || strpbrk(rest + len, "?#")))
        return S_bad(err, "nothing but a path may follow the host");
    target->port = str_starts(url, "https") ? HTTPS_PORT : HTTP_PORT;
    if (!len || !S_read_host(rest, len, target, err))
        return len ? false : S_bad(err, "it has no host");
    bool here = str_is(target->host, "localhost") || str_is(target->host, "127.0.0.1") ||
                str_is(target->host, "::1");
    if (!str_starts(url, "https") && !here)
        return S_bad(err, "http:// would show the token to the network: write https://");
    target->rest = str_dup(url);
    while (str_ends(target->rest, "/"))
        target->rest[strlen(target->rest) - 1] = '\0';
    return true;
}

static bool S_parse_unix(const char *rest, struct redis_target *target, struct err *err)
{
    size_t len = strcspn(rest, "?");
    if (rest[0] != '/')
        return S_bad(err, "the path of a socket starts with '/'");
    target->path = S_decode(rest, len);
    if (!target->path)
        return S_bad(err, "a % escape in the path is broken");
    if (!rest[len])
        return true;
    if (!str_starts(rest + len, "?db="))
        return S_bad(err, "only ?db=N may follow the path");
    return S_read_db(rest + len + 4, &target->db, err);
}

bool redis_target_parse(const char *url, struct redis_target *target, struct err *err)
{
    *target = (struct redis_target){.port = REDIS_PORT};
    bool good;
    if (str_starts(url, "redis://"))
        good = S_parse_tcp(url + strlen("redis://"), target, err);
    else if (str_starts(url, "rediss://")) {
        target->tls = true;
        good = S_parse_tcp(url + strlen("rediss://"), target, err);
    } else if (str_starts(url, "https://") || str_starts(url, "http://"))
        good = S_parse_rest(url, target, err);
    else if (str_starts(url, "unix://"))
        good = S_parse_unix(url + strlen("unix://"), target, err);
    else if (strstr(url, "://"))
        good = S_bad(err, "its scheme is not known");
    else /* as the services write REDIS_HOST: a bare host, or host:port */
        good = S_parse_tcp(url, target, err);
    if (!good)
        redis_target_release(target);
    return good;
}

bool redis_target_check(const struct redis_target *target, struct err *err)
{
    bool certificates = target->cacert || target->cert || target->key || target->tls_name;
    if (certificates && !target->tls && !target->rest) {
        err_set(err, ERR_REFUSED, "certificates are named for a Redis that is asked without TLS");
        return err_hint(err, "write rediss:// (or REDIS_TLS=true), or leave them out");
    }
    if (target->key && !target->cert)
        return err_set(err, ERR_REFUSED, "a key is named for Redis, and no certificate for it");
    if (!target->rest)
        return true;
    if (!target->password) {
        err_set(err, ERR_REFUSED, "Redis over HTTP wants a token, and none is named");
        return err_hint(err, "UPSTASH_REDIS_REST_TOKEN, or a password-file of the deck");
    }
    return true;
}

void redis_target_release(struct redis_target *target)
{
    free(target->path);
    free(target->rest);
    free(target->host);
    free(target->user);
    str_wipe(target->password);
    free(target->cacert);
    free(target->cert);
    free(target->key);
    free(target->tls_name);
    *target = (struct redis_target){0};
}

void redis_target_for(const struct redis_target *base, const char *host, int port,
                      const char *tls_name, struct redis_target *out)
{
    *out = (struct redis_target){.path = str_dup(host ? NULL : base->path),
                                 .host = str_dup(host),
                                 .port = port,
                                 .user = str_dup(base->user),
                                 .password = str_dup(base->password),
                                 .tls = base->tls,
                                 .cacert = str_dup(base->cacert),
                                 .cert = str_dup(base->cert),
                                 .key = str_dup(base->key),
                                 .tls_name = str_dup(base->tls_name ? base->tls_name : tls_name)};
}

char *redis_target_describe(const struct redis_target *target)
{
    if (target->path)
        return str_format("%s/%d", target->path, target->db);
    if (target->rest)
        return str_dup(target->host);
    return str_format("%s:%d/%d", target->host ? target->host : "localhost", target->port,
                      target->db);
}
