/* login: see login.h. */
#include "login.h"

#include "secret.h"

#include <ctype.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ID_LETTERS = 9, DEPTH_MOST = 64 };

void login_release(struct login *login)
{
    free(login->tenant);
    free(login->id);
    json_decref(login->value);
    *login = (struct login){0};
}

void login_read(struct login *login, const char *text, size_t len)
{
    json_t *value = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    json_decref(login->value);
    login->value = json_is_object(value) ? value : NULL;
    if (!login->value)
        json_decref(value);
}

/* ---- members ---- */

static char *S_text(const json_t *member)
{
    if (json_is_string(member)) /* what stands behind a NUL is nobody's name */
        return str_dup(json_string_value(member));
    return json_is_integer(member) ? str_format("%lld", (long long)json_integer_value(member))
                                   : NULL;
}

char *login_text(const struct login *login, const char *member)
{
    return S_text(json_object_get(login->value, member));
}

char *login_metadata(const struct login *login, const char *member)
{
    return S_text(json_object_get(json_object_get(login->value, "metadata"), member));
}

int64_t login_moment(const struct login *login, const char *member)
{
    const json_t *moment = json_object_get(login->value, member);
    double ms = json_number_value(moment);
    return json_is_number(moment) && ms > 0 && ms < 1e15 ? (int64_t)ms : LOGIN_UNKNOWN;
}

int64_t login_used_at(const struct login *login)
{
    int64_t accessed = login_moment(login, "lastAccessedAt");
    int64_t active = login_moment(login, "lastActivity");
    return accessed > active ? accessed : active;
}

/* ---- a new one ---- */

char *login_new_id(int64_t now_ms)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    enum { FAIR = 252 }; /* 7 * 36: a byte above it would favour the first letters */
    struct buf id = {0};
    buf_format(&id, "sess_%lld_", (long long)now_ms);
    for (int made = 0; made < ID_LETTERS;) {
        unsigned char byte;
        if (RAND_bytes(&byte, 1) != 1)
            die("the system gives no random bytes, and a session's id must not be guessed");
        if (byte >= FAIR)
            continue;
        buf_add_char(&id, letters[byte % 36]);
        made++;
    }
    return buf_take(&id);
}

static void S_put(json_t *object, const char *member, const char *text)
{
    if (text)
        json_object_set_new(object, member, json_string(text));
}

static json_t *S_list(const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

/* Where it came from stands in its metadata: the service's own type has no other place for it. */
static void S_put_origin(json_t *value, const char *address, const char *agent)
{
    json_t *metadata = json_object_get(value, "metadata");
    if (!address && !agent)
        return;
    if (!json_is_object(metadata)) {
        metadata = json_object();
        json_object_set_new(value, "metadata", metadata);
    }
    S_put(metadata, "ipAddress", address);
    S_put(metadata, "userAgent", agent);
}

static char *S_dump(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    char *copy = str_dup(text ? text : "{}");
    free(text);
    json_decref(value);
    return copy;
}

char *login_compose(const struct login_order *order, const char *id, int64_t now_ms)
{
    json_t *value = json_object();
    S_put(value, "tenantId", order->tenant);
    S_put(value, "userId", order->user);
    S_put(value, "email", order->email ? order->email : "");
    S_put(value, "name", order->name);
    json_object_set_new(value, "roles", S_list(order->roles, order->role_count));
    json_object_set_new(value, "permissions", S_list(order->permissions, order->permission_count));
    S_put(value, "organizationName", order->organization);
    if (order->metadata)
        json_object_set_new(value, "metadata", json_deep_copy(order->metadata));
    S_put_origin(value, order->address, order->agent);
    S_put(value, "sessionId", id);
    json_object_set_new(value, "createdAt", json_integer(now_ms));
    json_object_set_new(value, "lastAccessedAt", json_integer(now_ms));
    json_object_set_new(value, "expiresAt", json_integer(now_ms + order->ttl * 1000));
    return S_dump(value);
}

static void S_put_metadata(json_t *value, json_t *metadata)
{
    json_t *has = json_object_get(value, "metadata");
    if (!metadata)
        return;
    if (json_is_object(has))
        json_object_update(has, metadata);
    else
        json_object_set_new(value, "metadata", json_deep_copy(metadata));
}

char *login_touched(const struct login *login, const char *address, const char *agent,
                    json_t *metadata, int64_t now_ms, int64_t expires_ms)
{
    json_t *value = json_deep_copy(login->value);
    json_object_set_new(value, "lastAccessedAt", json_integer(now_ms));
    if (json_object_get(value, "lastActivity"))
        json_object_set_new(value, "lastActivity", json_integer(now_ms));
    json_object_set_new(value, "expiresAt", json_integer(expires_ms));
    S_put_metadata(value, metadata);
    S_put_origin(value, address, agent);
    return S_dump(value);
}

/* ---- secrets ---- */

static bool S_is_secret(const char *member)
{
    static const char *const words[] = {"password",      "secret",    "token",   "cookie",
                                        "authorization", "apikey",    "api_key", "credential",
                                        "jwt",           "privatekey"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasestr(member, words[i]))
            return true;
    return false;
}

/* What a browser would send as a proof of who it is, whatever the member is called. */
static bool S_is_token(const char *text)
{
    return text && (strncasecmp(text, "Bearer ", 7) == 0 || str_starts(text, "eyJ"));
}

static json_t *S_mask(const json_t *value, int depth)
{
    const char *name;
    json_t *member, *masked;
    size_t i;
    if (depth > DEPTH_MOST)
        return json_string(SECRET_MASK);
    if (json_is_array(value)) {
        masked = json_array();
        json_array_foreach(value, i, member)
            json_array_append_new(masked, S_mask(member, depth + 1));
        return masked;
    }
    if (S_is_token(json_string_value(value)))
        return json_string(SECRET_MASK);
    if (!json_is_object(value))
        return json_deep_copy(value);
    masked = json_object();
    json_object_foreach((json_t *)value, name, member)
    {
        bool hide = S_is_secret(name) && !json_is_null(member);
        json_object_set_new(masked, name,
                            hide ? json_string(SECRET_MASK) : S_mask(member, depth + 1));
    }
    return masked;
}

json_t *login_masked(const json_t *value)
{
    return S_mask(value, 0);
}
