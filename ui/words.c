/* words: see words.h. */
#include "words.h"

#include <stdlib.h>
#include <string.h>

static void S_add(struct words *words, struct buf *word)
{
    words->words = mem_room(words->words, words->count, &words->cap, sizeof(*words->words));
    words->words[words->count++] = buf_take(word);
}

/* Reads up to the closing quote; says where it is, or NULL when there is none. */
static const char *S_read_quoted(const char *at, char quote, struct buf *word)
{
    for (; *at && *at != quote; at++) {
        if (quote == '"' && *at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        buf_add_char(word, *at);
    }
    return *at ? at : NULL;
}

bool words_split(const char *line, struct words *out, struct err *err)
{
    struct buf word = {0};
    bool inside = false;
    *out = (struct words){0};
    for (const char *at = line; *at; at++) {
        if (*at == ' ' || *at == '\t') {
            if (inside)
                S_add(out, &word);
            inside = false;
            continue;
        }
        inside = true;
        if (*at == '\'' || *at == '"') {
            const char *quote = at;
            at = S_read_quoted(at + 1, *quote, &word);
            if (!at) {
                buf_release(&word);
                words_release(out);
                return err_set(err, ERR_USAGE, "a quote is not closed: %s", quote);
            }
        } else {
            at += *at == '\\' && at[1];
            buf_add_char(&word, *at);
        }
    }
    if (inside)
        S_add(out, &word);
    buf_release(&word);
    return true;
}

void words_release(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->words[i]);
    free(words->words);
    *words = (struct words){0};
}
