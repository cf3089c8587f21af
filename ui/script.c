/* script: see script.h. */
#include "script.h"

#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = 10000, TURN_MS = 50 };

/* ---- waiting ---- */

static bool S_screen_has(const char *text)
{
    struct buf screen = {0};
    screen_dump(&screen);
    bool has = strstr(buf_text(&screen), text) != NULL;
    buf_release(&screen);
    return has;
}

static bool S_fail_with_screen(struct err *err, const char *what, const char *text)
{
    struct buf screen = {0};
    screen_dump(&screen);
    fprintf(stderr, "%s", buf_text(&screen));
    buf_release(&screen);
    return err_set(err, ERR_FAILED, "%s '%s'", what, text);
}

static bool S_wait(struct console *console, const char *text, struct err *err)
{
    int64_t end = clock_ms() + PATIENCE_MS;
    while (!S_screen_has(text)) {
        if (clock_ms() > end)
            return S_fail_with_screen(err, "the screen never had", text);
        console_turn(console, TURN_MS);
    }
    return true;
}

static bool S_settle(struct console *console, const char *unused, struct err *err)
{
    int64_t end = clock_ms() + PATIENCE_MS;
    (void)unused;
    while (!sampler_settled(console->sampler) || console->sheet_child) {
        if (clock_ms() > end)
            return S_fail_with_screen(err, "the servers did not answer in time on the screen", "");
        console_turn(console, TURN_MS);
    }
    console_turn(console, 0);
    return true;
}

/* ---- keys ---- */

static bool S_key(struct console *console, const char *names, struct err *err)
{
    while (*names) {
        size_t length = strcspn(names, " ");
        char *name = str_ndup(names, length);
        int key = keys_named(name);
        if (!key)
            err_set(err, ERR_USAGE, "no key is called '%s'", name);
        free(name);
        if (!key)
            return false;
        console_press(console, key);
        console_obey(console);
        names += length;
        names += strspn(names, " ");
    }
    return true;
}

static bool S_type(struct console *console, const char *text, struct err *err)
{
    (void)err;
    size_t left = strlen(text), used;
    for (; left; text += used, left -= used)
        console_press(console, text_next(text, left, &used));
    console_obey(console);
    return true;
}

static bool S_paste(struct console *console, const char *text, struct err *err)
{
    (void)err;
    console_paste(console, text);
    console_obey(console);
    return true;
}

static bool S_click(struct console *console, const char *place, struct err *err)
{
    struct mouse_event event = {0};
    char tail;
    if (sscanf(place, "%d %d%c", &event.x, &event.y, &tail) != 2)
        return err_set(err, ERR_USAGE, "'click' wants a column and a line from 0, not '%s'", place);
    console_point(console, &event);
    console_obey(console);
    return true;
}

static bool S_wheel(struct console *console, const char *direction, struct err *err)
{
    const struct mouse_event event = {.wheel = str_is(direction, "up") ? -1 : 1};
    if (!str_is(direction, "up") && !str_is(direction, "down"))
        return err_set(err, ERR_USAGE, "'wheel' goes up or down, not '%s'", direction);
    console_point(console, &event);
    console_obey(console);
    return true;
}

/* ---- the screen ---- */

static bool S_expect(struct console *console, const char *text, struct err *err)
{
    (void)console;
    return S_screen_has(text) || S_fail_with_screen(err, "the screen has no", text);
}

static bool S_reject(struct console *console, const char *text, struct err *err)
{
    (void)console;
    return !S_screen_has(text) || S_fail_with_screen(err, "the screen has", text);
}

static bool S_read_size(const char *text, int *cols, int *lines, struct err *err)
{
    char tail;
    return (sscanf(text, "%dx%d%c", cols, lines, &tail) == 2 && *cols > 0 && *lines > 0) ||
           err_set(err, ERR_USAGE, "a size is COLSxLINES, not '%s'", text);
}

/* A picture in another size leaves an open question open; a window that changes does not. */
static void S_take_size(struct console *console, int cols, int lines)
{
    screen_resize(lines, cols);
    console->wishes |= WISH_REDRAW;
    console_obey(console);
}

static bool S_resize(struct console *console, const char *size, struct err *err)
{
    int cols, lines;
    if (!S_read_size(size, &cols, &lines, err))
        return false;
    console_resized(console);
    S_take_size(console, cols, lines);
    return true;
}

/* Always the same sizes, from 1x1 to 500x200; afterwards the screen is as large as before. */
static bool S_storm(struct console *console, const char *count, struct err *err)
{
    int64_t left;
    uint32_t seed = 1;
    int cols = screen_cols(), lines = screen_lines();
    if (!str_to_int(count, &left))
        return err_set(err, ERR_USAGE, "'storm' wants a number, not '%s'", count);
    for (; left > 0; left--) {
        seed = seed * 1103515245 + 12345;
        S_take_size(console, 1 + (int)((seed >> 16) % 500), 1 + (int)((seed >> 8) % 200));
    }
    S_take_size(console, cols, lines);
    return true;
}

static void S_print(const char *name)
{
    struct buf screen = {0};
    screen_dump(&screen);
    printf("--- %s %dx%d\n%s", name, screen_cols(), screen_lines(), buf_text(&screen));
    buf_release(&screen);
}

static bool S_dump(struct console *console, const char *name, struct err *err)
{
    (void)console;
    (void)err;
    S_print(name);
    return true;
}

/* What stands there in each size that matters; afterwards the screen is as large as before. */
static bool S_dumps(struct console *console, const char *name, struct err *err)
{
    static const int sizes[][2] = {{80, 24}, {60, 15}, {160, 45}};
    int cols = screen_cols(), lines = screen_lines();
    (void)err;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        S_take_size(console, sizes[i][0], sizes[i][1]);
        S_print(name);
    }
    S_take_size(console, cols, lines);
    return true;
}

static bool S_styles(struct console *console, const char *name, struct err *err)
{
    struct buf styles = {0};
    (void)console;
    (void)err;
    screen_dump_styles(&styles);
    printf("--- %s styles\n%s", name, buf_text(&styles));
    buf_release(&styles);
    return true;
}

static bool S_freeze(const char *moment, struct err *err)
{
    struct tm parts = {0};
    const char *end = strptime(moment, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (!end || *end)
        return err_set(err, ERR_USAGE, "'clock' wants a time as 2026-01-31T12:00:00Z, not '%s'",
                       moment);
    clock_freeze((int64_t)timegm(&parts) * 1000);
    return true;
}

static bool S_clock(struct console *console, const char *moment, struct err *err)
{
    sampler_refresh(console->sampler);
    return S_freeze(moment, err);
}

/* ---- the file ---- */

static const struct {
    const char *name;
    bool (*run)(struct console *console, const char *rest, struct err *err);
} S_commands[] = {
    {"clock", S_clock},   {"settle", S_settle}, {"key", S_key},       {"type", S_type},
    {"paste", S_paste},   {"wait", S_wait},     {"expect", S_expect}, {"reject", S_reject},
    {"resize", S_resize}, {"dump", S_dump},     {"dumps", S_dumps},   {"styles", S_styles},
    {"storm", S_storm},   {"click", S_click},   {"wheel", S_wheel},
};

static bool S_run_line(struct console *console, const char *line, struct err *err)
{
    size_t length = strcspn(line, " ");
    const char *rest = line + length + strspn(line + length, " ");
    if (!*line || *line == '#')
        return true;
    for (size_t i = 0; i < ARRAY_LEN(S_commands); i++)
        if (strlen(S_commands[i].name) == length && strncmp(S_commands[i].name, line, length) == 0)
            return S_commands[i].run(console, rest, err);
    return err_set(err, ERR_USAGE, "'%s' is no command of a script", line);
}

static bool S_open(const char *path, FILE **out, struct err *err)
{
    *out = fopen(path, "r");
    return *out ||
           err_set(err, ERR_FAILED, "script '%s' cannot be read: %s", path, strerror(errno));
}

bool script_begin(const char *path, struct err *err)
{
    FILE *file;
    char *line = NULL;
    size_t size = 0;
    bool ok = S_open(path, &file, err);
    while (ok && getline(&line, &size, file) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (!*line || *line == '#')
            continue;
        ok = !str_starts(line, "clock ") || S_freeze(line + strlen("clock "), err);
        break;
    }
    free(line);
    if (file)
        fclose(file);
    return ok;
}

bool script_run(struct console *console, const char *path, struct err *err)
{
    FILE *file;
    char *line = NULL;
    size_t size = 0;
    int number = 0;
    bool ok = S_open(path, &file, err);
    while (ok && !(console->wishes & WISH_LEAVE) && getline(&line, &size, file) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        number++;
        ok = S_run_line(console, line, err) || err_context(err, "%s:%d", path, number);
    }
    free(line);
    if (file)
        fclose(file);
    return ok;
}
