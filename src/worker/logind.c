/*
 * logind: see logind.h. Reads what systemd-logind reads: logind.conf and its drop-ins, of which a file
 * in /etc stands before one of the same name in /run and /usr/lib, and the last word counts.
 */
#include "logind.h"

#include "file.h"

#include <glob.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const S_homes[] = {"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
                                      "/usr/lib/systemd"};

struct setting {
    bool kills;
    char *only, *but; /* KillOnlyUsers, KillExcludeUsers: names parted by blanks; NULL */
};

static bool S_is_true(const char *value)
{
    static const char *const words[] = {"1", "yes", "y", "true", "t", "on"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(words[i], value) == 0)
            return true;
    return false;
}

static char *S_trimmed(const char *text, size_t length)
{
    for (; length && (*text == ' ' || *text == '\t'); length--)
        text++;
    while (length && strchr(" \t\r", text[length - 1]))
        length--;
    return str_ndup(text, length);
}

static void S_take_line(struct setting *setting, char *line)
{
    char *equals = strchr(line, '=');
    if (!equals)
        return;
    char *name = S_trimmed(line, (size_t)(equals - line));
    char *value = S_trimmed(equals + 1, strlen(equals + 1));
    char **list = str_is(name, "KillOnlyUsers")      ? &setting->only
                  : str_is(name, "KillExcludeUsers") ? &setting->but
                                                     : NULL;
    if (str_is(name, "KillUserProcesses"))
        setting->kills = S_is_true(value);
    if (list) {
        free(*list);
        *list = value;
        value = NULL;
    }
    free(value);
    free(name);
}

static void S_take_file(struct setting *setting, const char *path)
{
    struct err ignored = {0};
    struct file file;
    if (!file_read(path, &file, &ignored))
        return;
    char *rest = file.text.text;
    for (char *line; rest && (line = strsep(&rest, "\n"));)
        S_take_line(setting, line);
    file_release(&file);
}

static const char *S_base(const char *path)
{
    return strrchr(path, '/') + 1;
}

static bool S_is_masked(char **earlier, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(S_base(earlier[i]), S_base(path)))
            return true;
    return false;
}

static int S_compare(const void *a, const void *b)
{
    return strcmp(S_base(*(char *const *)a), S_base(*(char *const *)b));
}

static void S_take_drop_ins(struct setting *setting, const char *root)
{
    glob_t found = {0};
    for (size_t i = 0; i < ARRAY_LEN(S_homes); i++) {
        char *pattern = str_format("%s%s/logind.conf.d/*.conf", root, S_homes[i]);
        glob(pattern, i ? GLOB_APPEND : 0, NULL, &found);
        free(pattern);
    }
    size_t count = 0;
    char **files = mem_array(found.gl_pathc + 1, sizeof(*files));
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (!S_is_masked(files, count, found.gl_pathv[i]))
            files[count++] = found.gl_pathv[i];
    qsort(files, count, sizeof(*files), S_compare);
    for (size_t i = 0; i < count; i++)
        S_take_file(setting, files[i]);
    free(files);
    globfree(&found);
}

static void S_read(struct setting *setting, const char *root)
{
    for (size_t i = 0; i < ARRAY_LEN(S_homes); i++) {
        char *path = str_format("%s%s/logind.conf", root, S_homes[i]);
        bool there = access(path, R_OK) == 0;
        if (there)
            S_take_file(setting, path);
        free(path);
        if (there)
            break;
    }
    S_take_drop_ins(setting, root);
}

static bool S_lists(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at && (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

/* root is left out unless it is named, as logind does it. */
static bool S_is_meant(const struct setting *setting, const char *name)
{
    const char *but = setting->but ? setting->but : "root";
    if (setting->only && *setting->only)
        return S_lists(setting->only, name) && !S_lists(but, name);
    return !S_lists(but, name);
}

bool logind_judges(const char *root, const char *name, const char *cgroup)
{
    struct setting setting = {0};
    char *linger = str_format("%s/var/lib/systemd/linger/%s", root, name);
    /* Only what stands in a session's scope goes with it. */
    bool in_session = strstr(cgroup, "/session-") && strstr(cgroup, ".scope");
    bool lingers = access(linger, F_OK) == 0;
    S_read(&setting, root);
    bool kills = in_session && setting.kills && !lingers && S_is_meant(&setting, name);
    free(linger);
    free(setting.only);
    free(setting.but);
    return kills;
}

bool logind_would_kill(void)
{
    struct err ignored = {0};
    struct file file;
    const struct passwd *user = getpwuid(geteuid());
    if (!user || !file_read("/proc/self/cgroup", &file, &ignored))
        return false;
    bool kills = logind_judges("", user->pw_name, buf_text(&file.text));
    file_release(&file);
    return kills;
}
