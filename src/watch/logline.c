/* logline: see logline.h. */
#include "logline.h"

#include <ctype.h>
#include <string.h>

enum { HEAD = 240, CSV_SEVERITY = 11 };

static const struct {
    const char *word;
    enum severity severity;
} S_words[] = {
    {"PANIC", SEVERITY_ERROR},    {"FATAL", SEVERITY_ERROR},  {"ERROR", SEVERITY_ERROR},
    {"CRITICAL", SEVERITY_ERROR}, {"WARNING", SEVERITY_WARN}, {"WARN", SEVERITY_WARN},
    {"NOTICE", SEVERITY_INFO},    {"LOG", SEVERITY_INFO},     {"INFO", SEVERITY_INFO},
    {"DEBUG", SEVERITY_DEBUG},    {"DEBUG1", SEVERITY_DEBUG}, {"DEBUG2", SEVERITY_DEBUG},
    {"DEBUG3", SEVERITY_DEBUG},   {"DEBUG4", SEVERITY_DEBUG}, {"DEBUG5", SEVERITY_DEBUG},
    {"TRACE", SEVERITY_DEBUG},
};

static bool S_find_word(const char *start, size_t length, enum severity *out)
{
    for (size_t i = 0; i < ARRAY_LEN(S_words); i++)
        if (strlen(S_words[i].word) == length && strncasecmp(S_words[i].word, start, length) == 0) {
            *out = S_words[i].severity;
            return true;
        }
    return false;
}

/* In csvlog it is the twelfth field; those before it may be quoted, with commas in them. */
static bool S_read_csv(const char *line, size_t length, enum severity *out)
{
    size_t field = 0, start = 0;
    bool quoted = false;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && line[i] == '"')
            quoted = !quoted;
        if (i < length && (line[i] != ',' || quoted))
            continue;
        if (field++ == CSV_SEVERITY)
            return S_find_word(line + start, i - start, out);
        start = i + 1;
    }
    return false;
}

/* "error_severity":"ERROR" of jsonlog, "level":"error" of many others. */
static bool S_read_json(const char *line, size_t length, enum severity *out)
{
    static const char *const names[] = {"\"error_severity\"", "\"level\"", "\"severity\""};
    for (size_t n = 0; n < ARRAY_LEN(names); n++) {
        const char *at = memmem(line, length, names[n], strlen(names[n])), *end = line + length;
        if (!at)
            continue;
        at += strlen(names[n]);
        while (at < end && (*at == ' ' || *at == ':'))
            at++;
        if (at == end || *at != '"')
            continue;
        const char *close = memchr(at + 1, '"', (size_t)(end - at) - 1);
        if (close && S_find_word(at + 1, (size_t)(close - at) - 1, out))
            return true;
    }
    return false;
}

/* A word in capitals of its own, near the beginning: "ERROR:", "[WARN]"; or level=error. */
static bool S_read_words(const char *line, size_t length, enum severity *out)
{
    size_t head = length < HEAD ? length : HEAD;
    for (size_t i = 0; i < head;) {
        if (!isalpha((unsigned char)line[i])) {
            i++;
            continue;
        }
        size_t end = i;
        while (end < head && isalnum((unsigned char)line[end]))
            end++;
        bool named = i >= 6 && strncmp(line + i - 6, "level=", 6) == 0;
        if ((named || isupper((unsigned char)line[end - 1]) ||
             isdigit((unsigned char)line[end - 1])) &&
            (named || isupper((unsigned char)line[i])) && S_find_word(line + i, end - i, out))
            return true;
        i = end;
    }
    return false;
}

bool logline_severity(const char *line, size_t length, enum severity *out)
{
    if (length && line[0] == '{')
        return S_read_json(line, length, out);
    if (length && isdigit((unsigned char)line[0]) && S_read_csv(line, length, out))
        return true;
    return S_read_words(line, length, out);
}

bool logline_level(const char *name, enum severity *out)
{
    for (enum severity level = SEVERITY_DEBUG; level <= SEVERITY_ERROR; level++)
        if (str_is(severity_name(level), name)) {
            *out = level;
            return true;
        }
    return false;
}
