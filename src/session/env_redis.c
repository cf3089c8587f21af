/*
 * env_redis: see env_servers.h; the Redis that the names of env.h speak of. Reads values only.
 *
 * REDIS_PROVIDER decides between the two blocks of names that the documents show side by side:
 * upstash (UPSTASH_REDIS_REST_*) and elasticache (REDIS_*). Where it is not set, one block alone
 * must be; where a URL in REDIS_HOST says one thing and a name beside it another, one is wrong.
 */
#include "env_servers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct redis_names {
    const char *provider, *host, *port, *user, *password, *tls, *rest_url;
};

static const char *S_word(const struct plan *plan)
{
    return plan && env_knows_plan(plan->name) ? plan->name : NULL;
}

static bool S_read_names(const struct env *env, const char *word, struct redis_names *names,
                         struct err *err)
{
    *names = (struct redis_names){0};
    return env_pick(env, ENV_REDIS_PROVIDER, word, &names->provider, err) &&
           env_pick(env, ENV_REDIS_HOST, word, &names->host, err) &&
           env_pick(env, ENV_REDIS_PORT, word, &names->port, err) &&
           env_pick(env, ENV_REDIS_USER, word, &names->user, err) &&
           env_pick(env, ENV_REDIS_PASSWORD, word, &names->password, err) &&
           env_pick(env, ENV_REDIS_TLS, word, &names->tls, err) &&
           env_pick(env, ENV_REST_URL, word, &names->rest_url, err);
}

/* ---- the secrets and certificates, for an address from anywhere ---- */

static bool S_fill(const struct env *env, enum env_meaning meaning, const char *word, char **slot,
                   struct err *err)
{
    const char *value;
    if (*slot)
        return true;
    if (!env_pick(env, meaning, word, &value, err))
        return false;
    *slot = str_dup(value);
    return true;
}

bool env_redis_fill(const struct env *env, const struct plan *plan, struct redis_target *target,
                    struct err *err)
{
    const char *word = S_word(plan);
    /*
     * Who may open a unix socket is settled by its mode; no password of another server goes there.
     */
    if (target->rest) /* whichever plan it is that asks: no other name has a token for HTTP */
        word = NULL;
    enum env_meaning secret = target->rest ? ENV_REST_TOKEN : ENV_REDIS_PASSWORD;
    if (!target->path && !S_fill(env, secret, word, &target->password, err))
        return false;
    if (!target->tls && !target->rest)
        return true;
    return S_fill(env, ENV_REDIS_CACERT, word, &target->cacert, err) &&
           S_fill(env, ENV_REDIS_CERT, word, &target->cert, err) &&
           S_fill(env, ENV_REDIS_KEY, word, &target->key, err) &&
           S_fill(env, ENV_REDIS_SNI, word, &target->tls_name, err);
}

/* ---- REDIS_* ---- */

static bool S_disagree(const char *name, struct err *err)
{
    err_set(err, ERR_REFUSED, "'%s' and the address in 'REDIS_HOST' disagree", name);
    return err_hint(err, "unset one of them, or say with -r which Redis is meant");
}

static bool S_read_tls(const char *text, bool *tls, struct err *err)
{
    static const char *const yes[] = {"true", "1", "yes", "on"}, *const no[] = {"false", "0", "no",
                                                                                "off"};
    for (size_t i = 0; text && i < ARRAY_LEN(yes); i++) {
        *tls = strcasecmp(text, yes[i]) == 0;
        if (*tls || strcasecmp(text, no[i]) == 0)
            return true;
    }
    *tls = false;
    return !text || err_set(err, ERR_REFUSED, "'REDIS_TLS' is true or false, not '%s'", text);
}

static bool S_read_port(const char *text, int *port, struct err *err)
{
    int64_t n = 6379;
    if (text && (!str_to_int(text, &n) || n < 1 || n > 65535))
        return err_set(err, ERR_REFUSED, "'REDIS_PORT' is no port: '%s'", text);
    *port = (int)n;
    return true;
}

/* Names that repeat what the URL says must say the same. */
static bool S_from_url(const struct redis_names *names, bool tls, int port,
                       struct redis_target *out, struct err *err)
{
    if (!redis_target_parse(names->host, out, err))
        return err_context(err, "REDIS_HOST");
    if (names->tls && tls != out->tls && !out->rest)
        return S_disagree("REDIS_TLS", err);
    if (names->port && port != out->port && !out->path)
        return S_disagree("REDIS_PORT", err);
    if (names->user && out->user && !str_is(names->user, out->user))
        return S_disagree("REDIS_USERNAME", err);
    if (names->password && out->password && !str_is(names->password, out->password))
        return S_disagree("REDIS_PASSWORD", err);
    return true;
}

static bool S_from_host(const struct redis_names *names, struct redis_target *out, struct err *err)
{
    bool tls = false;
    int port = 0;
    if (!S_read_tls(names->tls, &tls, err) || !S_read_port(names->port, &port, err))
        return false;
    if (strchr(names->host, ',')) {
        err_set(err, ERR_REFUSED, "'REDIS_HOST' names several nodes, and one is wanted");
        return err_hint(err, "name one node of the cluster: it tells where the others are");
    }
    if (strstr(names->host, "://"))
        return S_from_url(names, tls, port, out, err);
    out->host = str_dup(names->host);
    out->port = port;
    out->tls = tls;
    return true;
}

/* ---- which of the two ---- */

static bool S_missing(const char *provider, const char *name, struct err *err)
{
    err_set(err, ERR_REFUSED, "'REDIS_PROVIDER' is '%s', and '%s' is not set", provider, name);
    return err_hint(err, "set it, or say with -r which Redis is meant; 'tenantdeck env' shows all");
}

static bool S_choose_provider(struct redis_names *names, struct err *err)
{
    bool upstash = str_is(names->provider, "upstash");
    bool elasticache = str_is(names->provider, "elasticache");
    if (names->provider && !upstash && !elasticache)
        return err_set(err, ERR_REFUSED, "'REDIS_PROVIDER' is upstash or elasticache, not '%s'",
                       names->provider);
    if (upstash && !names->rest_url)
        return S_missing(names->provider, "UPSTASH_REDIS_REST_URL", err);
    if (elasticache && !names->host)
        return S_missing(names->provider, "REDIS_HOST", err);
    if (!names->provider && names->host && names->rest_url) {
        err_set(err, ERR_REFUSED,
                "'REDIS_HOST' and 'UPSTASH_REDIS_REST_URL' both name a Redis, and nothing says "
                "which one is meant");
        return err_hint(err, "REDIS_PROVIDER=upstash or elasticache decides; so does -r");
    }
    if (upstash)
        names->host = NULL;
    if (elasticache)
        names->rest_url = NULL;
    return true;
}

static bool S_from_names(const struct redis_names *names, struct redis_target *out, struct err *err)
{
    if (names->host)
        return S_from_host(names, out, err) &&
               (out->user || !names->user || (out->user = str_dup(names->user)) != NULL);
    if (!redis_target_parse(names->rest_url, out, err))
        return err_context(err, "UPSTASH_REDIS_REST_URL");
    return out->rest ? true
                     : err_set(err, ERR_REFUSED,
                               "'UPSTASH_REDIS_REST_URL' is no https:// address: name others with "
                               "-r or REDIS_HOST");
}

bool env_redis(const struct env *env, const struct plan *plan, struct redis_target *out,
               bool *found, struct err *err)
{
    struct redis_names names;
    *found = false;
    *out = (struct redis_target){0};
    if (!S_read_names(env, S_word(plan), &names, err) || !S_choose_provider(&names, err))
        return false;
    if (!names.host && !names.rest_url)
        return true;
    *found = S_from_names(&names, out, err) && env_redis_fill(env, plan, out, err);
    if (!*found)
        redis_target_release(out);
    return *found;
}
