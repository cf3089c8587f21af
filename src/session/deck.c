/* deck: see deck.h. Opens nothing but the deck and the password file it names. */
#include "deck.h"

#include "file.h"
#include "ini.h"
#include "secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *deck_locate(const char *option)
{
    if (option)
        return str_dup(option);
    const char *named = getenv("TENANTDECK_DECK");
    if (named && *named)
        return str_dup(named);
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *path = NULL;
    if (config && *config == '/')
        path = str_format("%s/tenantdeck/deck.conf", config);
    else if (home && *home)
        path = str_format("%s/.config/tenantdeck/deck.conf", home);
    if (path && access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

bool deck_refresh(const char *text, int *ms)
{
    char *end;
    errno = 0;
    double seconds = strtod(text, &end);
    if (errno || end == text || *end || !(seconds >= 0.1 && seconds <= 3600))
        return false;
    *ms = (int)(seconds * 1000 + 0.5);
    return true;
}

/* A path in the deck: from its own directory, unless it is absolute or a mere name. */
static char *S_beside(const struct deck *deck, const char *path)
{
    const char *slash = strrchr(deck->path, '/');
    if (*path == '/' || !slash)
        return str_dup(path);
    if (str_starts(path, "./"))
        path += 2;
    return str_format("%.*s/%s", (int)(slash - deck->path), deck->path, path);
}

static bool S_keep(char **slot, const char *value)
{
    str_wipe(*slot);
    *slot = str_dup(value);
    return true;
}

/* ---- the keys ---- */

typedef bool S_key_fn(struct deck *deck, const struct ini *ini, const struct ini_entry *entry,
                      struct err *err);

static bool S_take_environment(struct deck *deck, const struct ini *ini,
                               const struct ini_entry *entry, struct err *err)
{
    if (!*entry->value || strlen(entry->value) > 16)
        return ini_error(ini, entry->line, err, "'environment' wants a word of 1 to 16 letters");
    return S_keep(&deck->environment, entry->value);
}

static bool S_take_colour(struct deck *deck, const struct ini *ini, const struct ini_entry *entry,
                          struct err *err)
{
    static const char *const colours[] = {"red", "yellow", "green", "blue"};
    for (size_t i = 0; i < ARRAY_LEN(colours); i++)
        if (str_is(entry->value, colours[i]))
            return S_keep(&deck->colour, entry->value);
    return ini_error(ini, entry->line, err, "'colour' is red, yellow, green or blue, not '%s'",
                     entry->value);
}

static bool S_take_theme(struct deck *deck, const struct ini *ini, const struct ini_entry *entry,
                         struct err *err)
{
    static const char *const themes[] = {"default", "mono", "contrast"};
    for (size_t i = 0; i < ARRAY_LEN(themes); i++)
        if (str_is(entry->value, themes[i]))
            return S_keep(&deck->theme, entry->value);
    return ini_error(ini, entry->line, err, "'theme' is default, mono or contrast, not '%s'",
                     entry->value);
}

static bool S_take_plan(struct deck *deck, const struct ini *ini, const struct ini_entry *entry,
                        struct err *err)
{
    if (!*entry->value)
        return ini_error(ini, entry->line, err, "'plan' wants a name or the path of a plan");
    free(deck->plan);
    bool is_path = strchr(entry->value, '/') || str_ends(entry->value, ".plan");
    deck->plan = is_path ? S_beside(deck, entry->value) : str_dup(entry->value);
    return true;
}

static bool S_take_refresh(struct deck *deck, const struct ini *ini, const struct ini_entry *entry,
                           struct err *err)
{
    if (!deck_refresh(entry->value, &deck->refresh_ms))
        return ini_error(ini, entry->line, err,
                         "'refresh' wants seconds from 0.1 to 3600, not '%s'", entry->value);
    return true;
}

static bool S_take_conninfo(struct deck *deck, const struct ini *ini, const struct ini_entry *entry,
                            struct err *err)
{
    if (!*entry->value)
        return ini_error(ini, entry->line, err,
                         "'conninfo' wants a URL or libpq's key=value words");
    return S_keep(&deck->conninfo, entry->value);
}

static bool S_take_redis_url(struct deck *deck, const struct ini *ini,
                             const struct ini_entry *entry, struct err *err)
{
    if (!strstr(entry->value, "://"))
        return ini_error(ini, entry->line, err,
                         "'url' wants redis://, rediss://, unix:// or https://");
    return S_keep(&deck->redis_url, entry->value);
}

static bool S_take_redis_path(struct deck *deck, const struct ini *ini,
                              const struct ini_entry *entry, struct err *err)
{
    char **slot = str_is(entry->key, "cacert") ? &deck->redis_cacert
                  : str_is(entry->key, "cert") ? &deck->redis_cert
                                               : &deck->redis_key;
    if (!*entry->value)
        return ini_error(ini, entry->line, err, "'%s' wants the path of a PEM file", entry->key);
    free(*slot);
    *slot = S_beside(deck, entry->value);
    return true;
}

static bool S_take_redis_sni(struct deck *deck, const struct ini *ini,
                             const struct ini_entry *entry, struct err *err)
{
    if (!*entry->value)
        return ini_error(ini, entry->line, err, "'sni' wants the name in the server's certificate");
    return S_keep(&deck->redis_sni, entry->value);
}

static bool S_take_password_file(struct deck *deck, const struct ini *ini,
                                 const struct ini_entry *entry, struct err *err)
{
    struct file file;
    char *path = S_beside(deck, entry->value);
    bool ok = file_read(path, &file, err);
    if (!ok) {
        err_context(err, "%s:%d", ini->path, entry->line);
        goto out;
    }
    if (file.others_read || file.others_write) {
        ok = err_set(err, ERR_REFUSED, "%s:%d: others may read or change the password file '%s'",
                     ini->path, entry->line, path);
        err_hint(err, "chmod 600 '%s', and think of the password as known", path);
    } else {
        str_wipe(deck->redis_password);
        deck->redis_password =
            str_ndup(buf_text(&file.text), strcspn(buf_text(&file.text), "\r\n"));
    }
    file_release(&file);
out:
    free(path);
    return ok;
}

static const struct S_key {
    const char *section, *label, *key;
    S_key_fn *take;
} S_keys[] = {
    {"deck", NULL, "environment", S_take_environment},
    {"deck", NULL, "colour", S_take_colour},
    {"deck", NULL, "theme", S_take_theme},
    {"deck", NULL, "plan", S_take_plan},
    {"deck", NULL, "refresh", S_take_refresh},
    {"database", "main", "conninfo", S_take_conninfo},
    {"redis", "main", "url", S_take_redis_url},
    {"redis", "main", "password-file", S_take_password_file},
    {"redis", "main", "cacert", S_take_redis_path},
    {"redis", "main", "cert", S_take_redis_path},
    {"redis", "main", "key", S_take_redis_path},
    {"redis", "main", "sni", S_take_redis_sni},
};

/* ---- reading ---- */

static bool S_section_is(const struct S_key *key, const struct ini_section *section)
{
    bool same_label = key->label ? str_is(key->label, section->label) : !section->label;
    return str_is(key->section, section->name) && same_label;
}

static bool S_section_is_known(const struct ini_section *section)
{
    for (size_t i = 0; i < ARRAY_LEN(S_keys); i++)
        if (S_section_is(&S_keys[i], section))
            return true;
    return false;
}

static bool S_take_entry(struct deck *deck, const struct ini *ini,
                         const struct ini_section *section, const struct ini_entry *entry,
                         struct err *err)
{
    for (const struct ini_entry *other = section->entries; other < entry; other++)
        if (str_is(other->key, entry->key))
            return ini_error(ini, entry->line, err, "'%s' stands here twice (line %d, too)",
                             entry->key, other->line);
    for (size_t i = 0; i < ARRAY_LEN(S_keys); i++)
        if (S_section_is(&S_keys[i], section) && str_is(S_keys[i].key, entry->key))
            return S_keys[i].take(deck, ini, entry, err);
    return ini_error(ini, entry->line, err, "'%s' is not known in [%s]", entry->key, section->name);
}

static bool S_take_section(struct deck *deck, const struct ini *ini,
                           const struct ini_section *section, struct err *err)
{
    if (!S_section_is_known(section)) {
        ini_error(ini, section->line, err, "[%s%s%s%s] is not known in a deck", section->name,
                  section->label ? " \"" : "", section->label ? section->label : "",
                  section->label ? "\"" : "");
        return err_hint(err, "a deck has [deck], [database \"main\"] and [redis \"main\"]");
    }
    for (size_t i = 0; i < section->count; i++)
        if (!S_take_entry(deck, ini, section, &section->entries[i], err))
            return false;
    return true;
}

static bool S_check_trust(const struct deck *deck, const struct file *file, struct err *err)
{
    if (!file->others_write)
        return true;
    err_set(err, ERR_REFUSED, "others may change the deck '%s', so it is not trusted", deck->path);
    return err_hint(err, "it must belong to you or root: chmod go-w '%s'", deck->path);
}

static bool S_check_secrecy(const struct deck *deck, const struct file *file, struct err *err)
{
    bool secret = secret_inside(deck->conninfo) || secret_inside(deck->redis_url);
    if (secret && file->others_read) {
        err_set(err, ERR_REFUSED, "the deck '%s' holds a password, and others may read it",
                deck->path);
        return err_hint(err, "chmod 600 '%s', or keep the password in ~/.pgpass", deck->path);
    }
    return true;
}

bool deck_read(const char *path, struct deck *out, struct err *err)
{
    struct file file;
    struct ini *ini = NULL;
    bool ok = false;
    *out = (struct deck){0};
    if (!file_read(path, &file, err)) {
        err_context(err, "deck");
        return false;
    }
    out->path = str_dup(path);
    out->environment = str_dup("");
    out->colour = str_dup("");
    if (!S_check_trust(out, &file, err) ||
        !ini_parse(path, buf_text(&file.text), file.text.len, &ini, err))
        goto out;
    for (size_t i = 0; i < ini->count; i++)
        if (!S_take_section(out, ini, &ini->sections[i], err))
            goto out;
    if ((out->redis_password || out->redis_cacert || out->redis_cert || out->redis_key ||
         out->redis_sni) &&
        !out->redis_url) {
        err_set(err, ERR_FAILED, "%s: '%s' stands in [redis] without a 'url'", path,
                out->redis_password ? "password-file" : "a certificate");
        goto out;
    }
    ok = S_check_secrecy(out, &file, err);
out:
    ini_free(ini);
    file_release(&file);
    if (!ok)
        deck_release(out);
    return ok;
}

void deck_release(struct deck *deck)
{
    free(deck->path);
    free(deck->environment);
    free(deck->colour);
    free(deck->theme);
    free(deck->plan);
    str_wipe(deck->conninfo);
    str_wipe(deck->redis_url);
    str_wipe(deck->redis_password);
    free(deck->redis_cacert);
    free(deck->redis_cert);
    free(deck->redis_key);
    free(deck->redis_sni);
    *deck = (struct deck){0};
}
