/* plan_locate: where plan files are looked for, by name. Opens none of them. See plan.h. */
#include "plan.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".plan"

enum { PLACES = 3 };

/* The directories, in the order of precedence; an unset one is NULL. The strings are yours. */
static void S_list_places(char *places[static PLACES])
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const char *data = getenv("TENANTDECK_DATADIR");
    places[0] = str_dup(".");
    places[1] = NULL;
    if (config && config[0])
        places[1] = str_format("%s/tenantdeck/plans", config);
    else if (home && home[0])
        places[1] = str_format("%s/.config/tenantdeck/plans", home);
    places[2] = str_format("%s/plans", data && data[0] ? data : TD_DATADIR);
}

static void S_free_places(char *places[static PLACES])
{
    for (size_t i = 0; i < PLACES; i++)
        free(places[i]);
}

/* "./mentoring.plan" reads worse than "mentoring.plan", so the working directory has no prefix. */
static char *S_path_in(const char *place, const char *file)
{
    return str_is(place, ".") ? str_dup(file) : str_format("%s/%s", place, file);
}

static char *S_find_by_name(char *places[static PLACES], const char *name)
{
    char *file = str_format("%s" SUFFIX, name), *found = NULL;
    for (size_t i = 0; i < PLACES && !found; i++) {
        char *path = places[i] ? S_path_in(places[i], file) : NULL;
        if (path && access(path, F_OK) == 0)
            found = path;
        else
            free(path);
    }
    free(file);
    return found;
}

static bool S_not_found(char *places[static PLACES], const char *name, struct err *err)
{
    struct buf list = {0};
    for (size_t i = 0; i < PLACES; i++)
        if (places[i])
            buf_format(&list, "%s%s", list.len ? ", " : "",
                       i ? places[i] : "the working directory");
    err_set(err, ERR_USAGE, "there is no plan '%s' in %s", name, buf_text(&list));
    buf_release(&list);
    return err_hint(err, "'tenantdeck plan list' shows those there are; a path with a '/' is taken "
                         "as it is");
}

bool plan_locate(const char *name, char **path, struct err *err)
{
    if (!name[0])
        return err_set(err, ERR_USAGE, "the name of the plan is empty");
    if (strchr(name, '/') || str_ends(name, SUFFIX)) {
        if (access(name, F_OK) != 0)
            return err_set(err, ERR_USAGE, "there is no plan file '%s'", name);
        *path = str_dup(name);
        return true;
    }
    char *places[PLACES];
    S_list_places(places);
    *path = S_find_by_name(places, name);
    bool found = *path || S_not_found(places, name, err);
    S_free_places(places);
    return found;
}

/* ---- listing ---- */

struct found_plan {
    char *name; /* of the file, without its suffix */
    char *path;
};

struct found_plans {
    struct found_plan *list;
    size_t count, cap;
};

static bool S_is_found(const struct found_plans *found, const char *name)
{
    for (size_t i = 0; i < found->count; i++)
        if (str_is(found->list[i].name, name))
            return true;
    return false;
}

/* A plan that an earlier place has hides one of the same name, as plan_locate() has it. */
static void S_add_place(struct found_plans *found, const char *place)
{
    DIR *dir = opendir(place);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        size_t len = strlen(entry->d_name);
        if (!str_ends(entry->d_name, SUFFIX) || len == strlen(SUFFIX))
            continue;
        char *name = str_ndup(entry->d_name, len - strlen(SUFFIX));
        if (S_is_found(found, name)) {
            free(name);
            continue;
        }
        found->list = mem_room(found->list, found->count, &found->cap, sizeof(*found->list));
        found->list[found->count++] =
            (struct found_plan){.name = name, .path = S_path_in(place, entry->d_name)};
    }
    if (dir)
        closedir(dir);
}

static int S_by_name(const void *a, const void *b)
{
    return strcmp(((const struct found_plan *)a)->name, ((const struct found_plan *)b)->name);
}

void plan_each_installed(void (*each)(void *ctx, const char *path), void *ctx)
{
    struct found_plans found = {0};
    char *places[PLACES];
    S_list_places(places);
    for (size_t i = 0; i < PLACES; i++)
        if (places[i])
            S_add_place(&found, places[i]);
    S_free_places(places);
    if (found.count)
        qsort(found.list, found.count, sizeof(*found.list), S_by_name);
    for (size_t i = 0; i < found.count; i++) {
        each(ctx, found.list[i].path);
        free(found.list[i].path);
        free(found.list[i].name);
    }
    free(found.list);
}
