/* together: see together.h. */
#include "together.h"

#include <stdlib.h>
#include <string.h>

static void S_add_word(struct together *together, const char *word)
{
    together->words = mem_room(together->words, together->word_count, &together->word_cap,
                               sizeof(*together->words));
    together->words[together->word_count++] = str_dup(word);
}

void together_add(struct together *together, const char *first, ...)
{
    va_list words;
    va_start(words, first);
    for (const char *word = first; word; word = va_arg(words, const char *))
        S_add_word(together, word);
    va_end(words);
    together->ends =
        mem_room(together->ends, together->count, &together->end_cap, sizeof(*together->ends));
    together->ends[together->count++] = together->word_count;
}

void together_release(struct together *together)
{
    for (size_t i = 0; i < together->word_count; i++)
        free(together->words[i]);
    free(together->words);
    free(together->ends);
    *together = (struct together){0};
}

/* What EXEC has answered: nothing (a watched key had changed), or an answer to each command. */
struct S_outcome {
    bool answered, done;
    char *fault; /* of the first command that went wrong; NULL: none did */
};

static void S_read_exec(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_outcome *outcome = ctx;
    if (err)
        return;
    outcome->answered = true;
    outcome->done = redis_type(reply) == REDIS_ARRAY;
    for (size_t i = 0; outcome->done && i < redis_length(reply); i++)
        if (redis_type(redis_at(reply, i)) == REDIS_FAULT && !outcome->fault)
            outcome->fault = str_dup(redis_text(redis_at(reply, i)));
}

static bool S_send_all(const struct together *together, struct keyspace *keyspace, struct err *err)
{
    for (size_t i = 0, at = 0; i < together->count; at = together->ends[i++])
        if (!keyspace_send(keyspace, (int)(together->ends[i] - at),
                           (const char *const *)together->words + at, NULL, NULL, NULL, err))
            return false;
    return true;
}

static bool S_do_at_once(const struct together *together, struct keyspace *keyspace, bool *done,
                         struct err *err)
{
    static const char *const multi[] = {"MULTI"}, *const exec[] = {"EXEC"};
    struct S_outcome outcome = {0};
    bool ok = keyspace_send(keyspace, 1, multi, NULL, NULL, NULL, err) &&
              S_send_all(together, keyspace, err) &&
              keyspace_send(keyspace, 1, exec, NULL, S_read_exec, &outcome, err) &&
              keyspace_settle(keyspace, err);
    if (ok && outcome.fault)
        ok = err_set(err, ERR_FAILED, "Redis says: %s", outcome.fault);
    if (ok && !outcome.done && !done)
        ok = err_set(err, ERR_FAILED, "the answer to EXEC is no list of answers");
    if (done)
        *done = outcome.done;
    free(outcome.fault);
    return ok;
}

/* Each has been answered before the next is sent: that is the order which the caller relies on. */
static bool S_do_one_by_one(const struct together *together, struct keyspace *keyspace,
                            struct err *err)
{
    for (size_t i = 0, at = 0; i < together->count; at = together->ends[i++])
        if (!keyspace_send(keyspace, (int)(together->ends[i] - at),
                           (const char *const *)together->words + at, NULL, NULL, NULL, err) ||
            !keyspace_settle(keyspace, err))
            return false;
    return true;
}

bool together_do(struct together *together, struct keyspace *keyspace, bool *done, struct err *err)
{
    bool ok = keyspace_has_multi(keyspace) ? S_do_at_once(together, keyspace, done, err)
                                           : S_do_one_by_one(together, keyspace, err);
    if (done && !keyspace_has_multi(keyspace))
        *done = ok;
    together_release(together);
    return ok;
}
