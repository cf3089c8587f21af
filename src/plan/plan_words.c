/* plan_words: see plan_words.h. Knows nothing of sections and keys. */
#include "plan_words.h"

#include <string.h>

/* PostgreSQL cuts longer names off without an error, and then two of them may become one. */
enum { NAME_MAX_BYTES = 63 };

void *plan_room(struct arena *arena, void *array, size_t count, size_t size)
{
    if (count & (count - 1))
        return array;
    void *grown = arena_array(arena, count ? count * 2 : 1, size);
    if (count)
        memcpy(grown, array, count * size);
    return grown;
}

void plan_names_add(struct arena *arena, struct plan_names *names, const char *name)
{
    names->names = plan_room(arena, names->names, names->count, sizeof(*names->names));
    names->names[names->count++] = name;
}

bool plan_name_fits(const char *name, struct err *err)
{
    size_t len = strlen(name);
    if (len == 0)
        return err_set(err, ERR_FAILED, "a name is empty");
    if (len > NAME_MAX_BYTES)
        return err_set(err, ERR_FAILED, "the name '%s' has %zu bytes, PostgreSQL keeps only %d",
                       name, len, NAME_MAX_BYTES);
    return true;
}

/* ---- cutting ---- */

static bool S_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool S_cut_quoted(struct arena *arena, const char **at, const char **out, struct err *err)
{
    struct buf name = {0};
    const char *s = *at + 1;
    for (; *s && (*s != '"' || s[1] == '"'); s++) {
        if (*s == '"')
            s++;
        buf_add_char(&name, *s);
    }
    *out = arena_str(arena, buf_text(&name));
    buf_release(&name);
    if (*s != '"')
        return err_set(err, ERR_FAILED, "the quote before '%s' is never closed", *out);
    *at = s + 1;
    return true;
}

static bool S_cut_bare(struct arena *arena, const char **at, const char **out, struct err *err)
{
    const char *s = *at;
    while (*s && !S_is_blank(*s) && *s != '.' && *s != '"')
        s++;
    *out = arena_strn(arena, *at, (size_t)(s - *at));
    if (s == *at)
        return err_set(err, ERR_FAILED, "a dot stands where a name was expected");
    *at = s;
    return true;
}

static bool S_cut_one(struct arena *arena, const char **at, struct plan_word *word, struct err *err)
{
    word->quoted = **at == '"';
    if (word->quoted ? !S_cut_quoted(arena, at, &word->text, err)
                     : !S_cut_bare(arena, at, &word->text, err))
        return false;
    if (**at && !S_is_blank(**at) && **at != '.')
        return err_set(err, ERR_FAILED, "a blank is missing after '%s'", word->text);
    return true;
}

bool plan_words_cut(struct arena *arena, const char *value, struct plan_words *out, struct err *err)
{
    const char *at = value;
    *out = (struct plan_words){0};
    for (;;) {
        bool joined = out->count && *at == '.';
        if (joined)
            at++;
        else
            while (S_is_blank(*at))
                at++;
        if (!*at && !joined)
            return true;
        out->list = plan_room(arena, out->list, out->count, sizeof(*out->list));
        struct plan_word *word = &out->list[out->count];
        word->joined = joined;
        if (!S_cut_one(arena, &at, word, err))
            return false;
        out->count++;
    }
}

/* ---- commands ---- */

/*
 * A command that was copied from a terminal must not be run as something else than it looks like.
 */
static bool S_is_for_a_shell(const char *word, bool first)
{
    static const char *const operators[] = {"|", "||", "&", "&&", "<", ">", ">>", "2>", "2>&1"};
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (str_is(word, operators[i]))
            return true;
    return strpbrk(word, "$`") || str_starts(word, "~") || (first && strchr(word, '='));
}

static bool S_cut_argument(struct arena *arena, const char **at, bool first, const char **out,
                           struct err *err)
{
    if (**at == '"')
        return S_cut_quoted(arena, at, out, err);
    size_t len = strcspn(*at, " \t\r\n\"");
    *out = arena_strn(arena, *at, len);
    *at += len;
    if (!S_is_for_a_shell(*out, first))
        return true;
    err_set(err, ERR_FAILED, "'%s' means something to a shell only, and none is asked", *out);
    return err_hint(err,
                    "write a script and name that, or quote the word to hand it over as it is");
}

bool plan_words_command(struct arena *arena, const char *value, const char ***out, struct err *err)
{
    const char **list = NULL, *at = value;
    size_t count = 0;
    for (;;) {
        while (S_is_blank(*at))
            at++;
        list = plan_room(arena, list, count, sizeof(*list));
        if (!*at)
            break;
        if (!S_cut_argument(arena, &at, count == 0, &list[count], err))
            return false;
        if (*at && !S_is_blank(*at))
            return err_set(err, ERR_FAILED, "a blank is missing after '%s'", list[count]);
        count++;
    }
    *out = list; /* the room for one more is NULL, and ends it */
    return (count && list[0][0]) || err_set(err, ERR_FAILED, "the command is missing");
}

/* ---- taking ---- */

static const struct plan_word *S_peek(const struct plan_words *words)
{
    return words->next < words->count ? &words->list[words->next] : NULL;
}

static bool S_is_keyword(const struct plan_word *word, const char *keyword)
{
    return word && !word->quoted && !word->joined && str_is(word->text, keyword);
}

bool plan_words_accept(struct plan_words *words, const char *keyword)
{
    bool is = S_is_keyword(S_peek(words), keyword);
    words->next += is;
    return is;
}

static bool S_followed_by_dot(const struct plan_words *words)
{
    return words->next + 1 < words->count && words->list[words->next + 1].joined;
}

bool plan_words_name(struct plan_words *words, const char *what, const char **out, struct err *err)
{
    const struct plan_word *word = S_peek(words);
    if (!word || S_is_keyword(word, "->"))
        return err_set(err, ERR_FAILED, "%s is missing%s%s", what, words->next ? " after " : "",
                       words->next ? words->list[words->next - 1].text : "");
    if (S_followed_by_dot(words)) {
        err_set(err, ERR_FAILED, "'%s.%s' is not the name of %s", word->text,
                words->list[words->next + 1].text, what);
        return err_hint(err, "a name that holds a dot is written in double quotes");
    }
    if (!plan_name_fits(word->text, err))
        return false;
    *out = word->text;
    words->next++;
    return true;
}

bool plan_words_joined(struct plan_words *words, const char **table, const char **column,
                       struct err *err)
{
    const struct plan_word *word = S_peek(words);
    if (!word || !S_followed_by_dot(words))
        return err_set(err, ERR_FAILED, "TABLE.COLUMN was expected%s%s%s", word ? ", not '" : "",
                       word ? word->text : "", word ? "'" : "");
    *table = word->text;
    words->next++;
    return plan_name_fits(*table, err) && plan_words_name(words, "a column", column, err);
}

static bool S_at_keyword(const struct plan_words *words, const char *const *keywords)
{
    for (; keywords && *keywords; keywords++)
        if (S_is_keyword(S_peek(words), *keywords))
            return true;
    return false;
}

bool plan_words_names(struct arena *arena, struct plan_words *words, const char *what,
                      const char *const *keywords, struct plan_names *out, struct err *err)
{
    do {
        const char *name = NULL;
        if (S_at_keyword(words, keywords))
            return err_set(err, ERR_FAILED, "%s is missing before '%s'", what, S_peek(words)->text);
        if (!plan_words_name(words, what, &name, err))
            return false;
        if (plan_names_has(out, name))
            return err_set(err, ERR_FAILED, "'%s' stands there twice", name);
        plan_names_add(arena, out, name);
    } while (S_peek(words) && !S_at_keyword(words, keywords));
    return true;
}

bool plan_words_end(const struct plan_words *words, struct err *err)
{
    const struct plan_word *word = S_peek(words);
    return !word || err_set(err, ERR_FAILED, "'%s' is too much", word->text);
}

/* ---- guessing ---- */

enum { GUESS_MAX = 40 };

/* How many letters must be put in, taken out or changed to make `b` of `a`. */
static size_t S_distance(const char *a, const char *b)
{
    size_t row[GUESS_MAX + 1], width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t changed = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            size_t shifted = (diagonal < row[j] ? diagonal : row[j]) + 1;
            row[j + 1] = changed < shifted ? changed : shifted;
        }
    }
    return row[width];
}

const char *plan_nearest(const char *word, const char *const *known, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 1; /* further away is no typing error */
    for (size_t i = 0; i < count; i++) {
        if (strlen(word) > GUESS_MAX || strlen(known[i]) > GUESS_MAX)
            continue;
        size_t distance = S_distance(word, known[i]);
        if (distance <= best_distance && (!best || distance < best_distance)) {
            best = known[i];
            best_distance = distance;
        }
    }
    return best;
}
