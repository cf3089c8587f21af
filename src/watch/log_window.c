/* log_window: see log_window.h. */
#include "log_window.h"

#include <stdlib.h>
#include <string.h>

void note_release(struct note *note)
{
    free(note->source);
    free(note->step);
    free(note->text);
}

static void S_drop(struct log_window *window, size_t from, size_t count)
{
    if (!count)
        return;
    for (size_t i = from; i < from + count; i++)
        note_release(&window->events[i]);
    memmove(window->events + from, window->events + from + count,
            (window->count - from - count) * sizeof(*window->events));
    window->count -= count;
}

void log_window_reset(struct log_window *window)
{
    S_drop(window, 0, window->count);
    window->back = window->from_start = window->grows_back = false;
    window->wish = LOG_STAYS;
}

void log_window_release(struct log_window *window)
{
    log_window_reset(window);
    free(window->events);
    free(window->step);
    free(window->table);
}

void log_window_narrow(struct log_window *window, enum severity least, const char *step,
                       const char *table)
{
    char *new_step = str_dup(step), *new_table = str_dup(table);
    free(window->step);
    free(window->table);
    window->least = least;
    window->step = new_step;
    window->table = new_table;
    log_window_reset(window);
}

bool log_window_is_narrow(const struct log_window *window)
{
    return window->least > SEVERITY_DEBUG || window->step || window->table;
}

/* ---- growing ---- */

static void S_make_room(struct log_window *window, size_t at, size_t count)
{
    if (window->count + count > window->cap) {
        window->cap = window->count + count;
        window->events = mem_grow(window->events, window->cap * sizeof(*window->events));
    }
    if (count)
        memmove(window->events + at + count, window->events + at,
                (window->count - at) * sizeof(*window->events));
}

static void S_insert(struct log_window *window, size_t at, const struct note *notes, size_t count)
{
    S_make_room(window, at, count);
    if (count)
        memcpy(window->events + at, notes, count * sizeof(*notes));
    window->count += count;
}

void log_window_append(struct log_window *window, struct note *notes, size_t count)
{
    bool asked = window->wish == LOG_NEWER;
    size_t most = window->grows_back || asked ? LOG_MOST : LOG_PAGE;
    S_insert(window, window->count, notes, count);
    if (asked) {
        window->wish = LOG_STAYS;
        window->back = count == LOG_PAGE;
    }
    if (window->count <= most)
        return;
    size_t over = window->count - most;
    if (window->grows_back && !asked) { /* who reads the beginning keeps it */
        S_drop(window, most, over);
        window->back = true;
    } else {
        S_drop(window, 0, over);
        window->from_start = false;
    }
}

void log_window_prepend(struct log_window *window, struct note *notes, size_t count)
{
    window->wish = LOG_STAYS;
    window->grows_back = true;
    window->from_start = count < LOG_PAGE;
    S_insert(window, 0, notes, count);
    if (window->count > LOG_MOST) {
        S_drop(window, LOG_MOST, window->count - LOG_MOST);
        window->back = true;
    }
}

void log_window_begin(struct log_window *window, struct note *notes, size_t count)
{
    log_window_reset(window);
    S_insert(window, 0, notes, count);
    window->from_start = window->grows_back = true;
    window->back = count == LOG_PAGE;
}

int64_t log_window_first(const struct log_window *window)
{
    return window->count ? window->events[0].id : 0;
}

int64_t log_window_last(const struct log_window *window)
{
    return window->count ? window->events[window->count - 1].id : 0;
}
