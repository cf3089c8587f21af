/* memory: see memory.h. */
#include "memory.h"

#include "file.h"
#include "ini.h"
#include "wholefile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "layout"

/* ---- what is kept ---- */

static void S_tell_pane(const struct pane *pane, struct buf *out)
{
    const struct table_def *def = pane->def;
    bool usual = pane->by.sort == def->default_sort && !pane->by.descending;
    if (usual && !pane_count_off(pane))
        return;
    buf_format(out, "[pane \"%s\"]\n", def->name);
    if (!usual)
        buf_format(out, "    sort = %s\n    descending = %s\n",
                   pane->by.sort < 0 ? "none" : def->columns[pane->by.sort].name,
                   pane->by.descending ? "yes" : "no");
    for (size_t i = 0; i < def->column_count; i++)
        if (pane->off[i])
            buf_format(out, "    hide = %s\n", def->columns[i].name);
}

static char *S_tell(const struct panes *panes)
{
    struct buf text = {0};
    buf_format(&text,
               "# How the console was left. It may be deleted.\n[console]\n    zoomed = %s\n",
               panes->zoomed ? "yes" : "no");
    for (size_t i = 0; i < TABLE_COUNT; i++)
        S_tell_pane(&panes->panes[i], &text);
    return buf_take(&text);
}

/* ---- reading ---- */

/* What a file says of a pane, until all of it is known to be right. */
struct remembered {
    int sort;
    bool descending, said_sort;
    bool *off;
};

static bool S_take_yes(const struct ini *ini, const struct ini_entry *entry, bool *out,
                       struct err *err)
{
    *out = str_is(entry->value, "yes");
    return *out || str_is(entry->value, "no") ||
           ini_error(ini, entry->line, err, "'%s' is yes or no", entry->key);
}

static int S_column(const struct table_def *def, const char *name)
{
    for (size_t i = 0; i < def->column_count; i++)
        if (str_is(def->columns[i].name, name))
            return (int)i;
    return -1;
}

static bool S_take_of_pane(const struct ini *ini, const struct ini_entry *entry,
                           const struct table_def *def, struct remembered *out, struct err *err)
{
    int column = S_column(def, entry->value);
    if (str_is(entry->key, "descending"))
        return S_take_yes(ini, entry, &out->descending, err);
    if (str_is(entry->key, "sort") && (column >= 0 || str_is(entry->value, "none"))) {
        out->sort = column;
        out->said_sort = true;
        return true;
    }
    if (str_is(entry->key, "hide") && column > 0) {
        out->off[column] = true;
        return true;
    }
    return ini_error(ini, entry->line, err, "'%s = %s' means nothing in the pane '%s'", entry->key,
                     entry->value, def->name);
}

static bool S_take_of_console(const struct ini *ini, const struct ini_entry *entry, bool *zoomed,
                              struct err *err)
{
    if (str_is(entry->key, "zoomed"))
        return S_take_yes(ini, entry, zoomed, err);
    return ini_error(ini, entry->line, err, "'%s = %s' means nothing in it", entry->key,
                     entry->value);
}

static bool S_read_section(const struct ini *ini, const struct ini_section *section,
                           struct remembered *panes, bool *zoomed, struct err *err)
{
    const struct table_def *def =
        str_is(section->name, "pane") && section->label ? table_find(section->label) : NULL;
    bool ok = def || str_is(section->name, "console") ||
              ini_error(ini, section->line, err, "there is no such section");
    for (size_t i = 0; ok && i < section->count; i++)
        ok = def ? S_take_of_pane(ini, &section->entries[i], def, &panes[def - table_defs], err)
                 : S_take_of_console(ini, &section->entries[i], zoomed, err);
    return ok;
}

static void S_use(struct panes *panes, const struct remembered *remembered)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        struct pane *pane = &panes->panes[i];
        if (remembered[i].said_sort) {
            pane->by.sort = remembered[i].sort;
            pane->by.descending = remembered[i].descending;
        }
        memcpy(pane->off, remembered[i].off, pane->def->column_count * sizeof(*pane->off));
    }
}

static bool S_parse(const char *path, const struct file *file, struct panes *panes, struct err *err)
{
    struct remembered remembered[TABLE_COUNT] = {0};
    bool zoomed = panes->zoomed;
    struct ini *ini = NULL;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        remembered[i].off = mem_array(table_defs[i].column_count, sizeof(bool));
    bool ok = ini_parse(path, buf_text(&file->text), file->text.len, &ini, err);
    for (size_t i = 0; ok && i < ini->count; i++)
        ok = S_read_section(ini, &ini->sections[i], remembered, &zoomed, err);
    if (ok) {
        S_use(panes, remembered);
        panes->zoomed = zoomed;
    }
    for (size_t i = 0; i < TABLE_COUNT; i++)
        free(remembered[i].off);
    ini_free(ini);
    return ok;
}

static bool S_read(const char *path, struct file *out, struct err *err)
{
    if (!file_read(path, out, err))
        return false;
    if (!out->others_write)
        return true;
    file_release(out);
    return err_set(err, ERR_FAILED, "others may change '%s'", path);
}

bool memory_recall(struct panes *panes, struct err *err)
{
    char *directory, *path;
    struct file file = {0};
    struct err unused = {0};
    bool ok = true;
    /* Without a home there is nothing to remember, and nobody has lost anything. */
    if (!state_directory("console", &directory, &unused))
        return true;
    path = str_format("%s/" FILE_NAME, directory);
    if (access(path, F_OK) == 0) {
        ok = S_read(path, &file, err) && S_parse(path, &file, panes, err);
        file_release(&file);
    }
    free(path);
    free(directory);
    return ok;
}

/* ---- writing ---- */

static bool S_is_there(const char *directory, const char *text)
{
    char *path = str_format("%s/" FILE_NAME, directory);
    struct file file = {0};
    struct err unused = {0};
    bool same = access(path, F_OK) == 0 && S_read(path, &file, &unused) &&
                str_is(buf_text(&file.text), text);
    file_release(&file);
    free(path);
    return same;
}

bool memory_keep(const struct panes *panes, struct err *err)
{
    char *directory, *text;
    struct err unused = {0};
    if (!state_directory("console", &directory, &unused))
        return true;
    text = S_tell(panes);
    bool ok = S_is_there(directory, text) ||
              (private_directory(directory, err) &&
               wholefile_write(directory, FILE_NAME, text, strlen(text), err));
    free(text);
    free(directory);
    return ok;
}
