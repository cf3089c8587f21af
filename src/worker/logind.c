/*
 * logind: see logind.h. Reads what systemd-logind reads: logind.conf and its drop-ins, of which a
 * file in /etc stands before one of the same name in /run and /usr/lib, and the last word counts.
 *
 * By logind.conf(5) whoever is excluded is spared, and where KillOnlyUsers names anybody it alone
 * decides, whatever KillUserProcesses says. Lingering keeps the user's manager and what runs below
 * it; it keeps no process of a session's scope.
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
    char *only, *but; /* KillOnlyUsers, KillExcludeUsers: names parted by blanks; NULL: not set */
};

/* What is no boolean changes nothing, as with logind. */
static void S_take_boolean(const char *value, bool *out)
{
    static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"};
    static const char *const no[] = {"0", "no", "n", "false", "f", "off"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (strcasecmp(yes[i], value) == 0)
            *out = true;
        if (strcasecmp(no[i], value) == 0)
            *out = false;
    }
}

/* A list goes on where it is set again; set to nothing it begins anew, and is empty. */
static void S_take_list(const char *value, char **list)
{
    char *longer =
        str_format("%s%s%s", *value && *list ? *list : "", *value && *list ? " " : "", value);
    free(*list);
    *list = longer;
}

static char *S_trimmed(const char *text, size_t length)
{
    for (; length && (*text == ' ' || *text == '\t'); length--)
        text++;
    while (length && strchr(" \t\r", text[length - 1]))
        length--;
    return str_ndup(text, length);
}

static void S_take_setting(struct setting *setting, const char *name, const char *value)
{
    if (str_is(name, "KillUserProcesses"))
        S_take_boolean(value, &setting->kills);
    else if (str_is(name, "KillOnlyUsers"))
        S_take_list(value, &setting->only);
    else if (str_is(name, "KillExcludeUsers"))
        S_take_list(value, &setting->but);
}

/* The file as it is shipped shows, behind a '#', what the program was built with. */
static void S_take_line(struct setting *setting, const char *line)
{
    const char *equals = strchr(line, '=');
    if (!equals)
        return;
    char *name = S_trimmed(line, (size_t)(equals - line));
    char *value = S_trimmed(equals + 1, strlen(equals + 1));
    if (str_is(name, "#KillUserProcesses"))
        S_take_boolean(value, &setting->kills);
    else
        S_take_setting(setting, name, value);
    free(value);
    free(name);
}

static void S_take_file(struct setting *setting, const char *path)
{
    struct err ignored = {0};
    struct file file;
    bool ours = false; /* inside of [Login] */
    if (!file_read(path, &file, &ignored))
        return;
    char *rest = file.text.text;
    for (char *line; rest && (line = strsep(&rest, "\n"));) {
        char *text = S_trimmed(line, strlen(line));
        ours = *text == '[' ? str_is(text, "[Login]") : ours;
        if (ours)
            S_take_line(setting, text);
        free(text);
    }
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
    for (const char *at = list; at && *name && (at = strstr(at, name)); at += length)
        if ((at == list || strchr(" \t", at[-1])) && (!at[length] || strchr(" \t", at[length])))
            return true;
    return false;
}

static bool S_kills(const struct setting *setting, const char *name)
{
    if (S_lists(setting->but ? setting->but : "root", name))
        return false;
    return setting->only && *setting->only ? S_lists(setting->only, name) : setting->kills;
}

static bool S_lingers(const char *root, const char *name)
{
    char *path = str_format("%s/var/lib/systemd/linger/%s", root, name);
    bool lingers = access(path, F_OK) == 0;
    free(path);
    return lingers;
}

/*
 * "…/user@1000.service/app.slice/run-1.scope": also a scope of its own ends with the manager above
 * it.
 */
enum logind_verdict logind_judges(const char *root, const char *name, const char *cgroup)
{
    struct setting setting = {0};
    if (strstr(cgroup, "/user@"))
        return S_lingers(root, name) ? LOGIND_SPARES : LOGIND_ENDS_MANAGER;
    if (!strstr(cgroup, "/session-") || !strstr(cgroup, ".scope"))
        return LOGIND_SPARES;
    S_read(&setting, root);
    bool kills = S_kills(&setting, name);
    free(setting.only);
    free(setting.but);
    return kills ? LOGIND_ENDS_SESSION : LOGIND_SPARES;
}

bool logind_owner(const char *cgroup, uid_t *uid)
{
    static const char slice[] = "/user-";
    const char *at = strstr(cgroup, slice);
    char *end = NULL;
    unsigned long number = at ? strtoul(at + strlen(slice), &end, 10) : 0;
    *uid = (uid_t)number;
    return end && end > at + strlen(slice) && str_starts(end, ".slice");
}

enum logind_verdict logind_ask(void)
{
    struct err ignored = {0};
    struct file file;
    uid_t uid;
    if (!file_read("/proc/self/cgroup", &file, &ignored))
        return LOGIND_SPARES;
    const struct passwd *user = logind_owner(buf_text(&file.text), &uid) ? getpwuid(uid) : NULL;
    enum logind_verdict verdict =
        user ? logind_judges("", user->pw_name, buf_text(&file.text)) : LOGIND_SPARES;
    file_release(&file);
    return verdict;
}
