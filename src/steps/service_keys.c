/* service_keys: see service_keys.h. */
#include "service_keys.h"

#include "key_glob.h"
#include "keyspace.h"

#include <string.h>

char *service_key(const char *family, const char *tenant, const char *rest)
{
    return rest ? str_format("%s:%s:%s", family, tenant, rest)
                : str_format("%s:%s", family, tenant);
}

char *service_cache_key(const char *tenant, const char *name_space, const char *key)
{
    return str_format(FAMILY_CACHE ":%s:%s:%s", tenant, name_space, key);
}

bool service_key_cut(const char *family, const char *key, size_t len, char **tenant, char **rest)
{
    size_t head = strlen(family);
    if (memchr(key, '\0', len) || len <= head + 1 || memcmp(key, family, head) != 0 ||
        key[head] != ':')
        return false;
    const char *code = key + head + 1, *end = key + len;
    const char *colon = memchr(code, ':', (size_t)(end - code));
    if (colon == code)
        return false;
    *tenant = str_ndup(code, (size_t)((colon ? colon : end) - code));
    *rest = colon ? str_ndup(colon + 1, (size_t)(end - colon - 1)) : str_dup("");
    return true;
}

bool service_name_fits(const char *what, const char *name, struct err *err)
{
    if (!*name)
        return err_set(err, ERR_USAGE, "the %s is empty", what);
    return !strchr(name, ':') ||
           err_set(err, ERR_USAGE, "the %s '%s' holds a ':', which parts the keys", what, name);
}

void service_glob(struct buf *out, const char *family, const char *tenant)
{
    buf_add(out, family);
    buf_add_char(out, ':');
    if (tenant) {
        key_glob_quote(out, tenant, strlen(tenant));
        buf_add_char(out, ':');
    }
    buf_add_char(out, '*');
}

int64_t service_ttl(const struct plan *plan, const char *key, int64_t otherwise)
{
    struct key_owner owner;
    size_t at = plan ? keyspace_template(plan, key, strlen(key), &owner) : 0;
    return plan && at < plan->key_count && plan->keys[at].ttl ? plan->keys[at].ttl : otherwise;
}
