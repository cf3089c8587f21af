/* advice: see advice.h. */
#include "advice.h"

#include "verb.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define SHELL "'tenantdeck"

/* The verb that begins there, when the console has it as well. */
static bool S_is_sayable(const char *line)
{
    struct words words = {0};
    struct err unused = {0};
    size_t used;
    char *typed = str_ndup(line, strcspn(line, "'"));
    bool ok = words_split(typed, &words, &unused);
    const struct verb *verb =
        ok ? verb_find((const char *const *)words.words, words.count, &used, &unused) : NULL;
    ok = verb && verb->run;
    words_release(&words);
    free(typed);
    return ok;
}

/* A line may have been broken there. */
static const char *S_skip_blanks(const char *at)
{
    return at + strspn(at, " \n");
}

char *advice_here(const char *text)
{
    struct buf out = {0};
    for (const char *at; (at = strstr(text, SHELL));) {
        const char *line = S_skip_blanks(at + strlen(SHELL));
        bool sayable = line > at + strlen(SHELL) && S_is_sayable(line);
        buf_add_mem(&out, text, (size_t)(at - text));
        buf_add(&out, sayable ? "':" : SHELL);
        text = sayable ? line : at + strlen(SHELL);
    }
    buf_add(&out, text);
    return buf_take(&out);
}
