/* err: see err.h. */
#include "err.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

/* One row a kind: its name in --json and the exit code that tells it to a script. */
static const struct {
    const char *name;
    int exit_code;
} S_kinds[] = {
    [ERR_NONE] = {"none", 0},   [ERR_FAILED] = {"failed", 1}, [ERR_USAGE] = {"usage", 2},
    [ERR_RETRY] = {"retry", 1}, [ERR_LOST] = {"lost", 3},     [ERR_REFUSED] = {"refused", 4},
    [ERR_HELD] = {"held", 5},   [ERR_BUG] = {"bug", 1},
};

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    err_clear(err);
    err->kind = kind;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    text_end_whole(err->text);
    return false;
}

bool err_context(struct err *err, const char *format, ...)
{
    struct buf joined = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&joined, format, args);
    va_end(args);
    buf_format(&joined, ": %s", err->text);
    snprintf(err->text, sizeof(err->text), "%s", joined.text);
    text_end_whole(err->text);
    buf_release(&joined);
    return false;
}

bool err_hint(struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof(err->hint), format, args);
    va_end(args);
    text_end_whole(err->hint);
    return false;
}

void err_clear(struct err *err)
{
    err->kind = ERR_NONE;
    err->sqlstate[0] = err->text[0] = err->hint[0] = '\0';
}

const char *err_kind_name(enum err_kind kind)
{
    return S_kinds[kind].name;
}

int err_exit_code(enum err_kind kind)
{
    return S_kinds[kind].exit_code;
}
