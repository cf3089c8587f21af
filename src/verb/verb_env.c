/*
 * verb_env: shows the table of environment names: value, source, winner, conflicts. Never a secret.
 */
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* '*' wins, '!' disagrees with another, '-' is set and does not count. */
static char S_mark(const struct env *env, size_t i)
{
    if (!env->entries[i].value)
        return ' ';
    if (env_conflicts(env, i))
        return '!';
    return env_winner(env, i) == (int)i ? '*' : '-';
}

static char *S_source(const struct env_entry *entry)
{
    if (entry->source == ENV_FILE)
        return str_format("%s:%d", env_source_name(ENV_FILE), entry->line);
    return str_dup(env_source_name(entry->source));
}

static void S_print_name(const struct verb_call *call, size_t i)
{
    const struct env *env = &call->session->env;
    char *masked = env_masked(&env_names[i], env->entries[i].value);
    char *value = text_cleaned(masked ? masked : ""), *source = S_source(&env->entries[i]);
    char mark = S_mark(env, i);
    fprintf(call->out, "%c %-29s %s%*s%s\n", mark, env_names[i].name, source,
            *value ? 13 - (int)strlen(source) : 0, "", value);
    if (mark != ' ')
        fprintf(call->out, "    %s\n", env_names[i].note);
    free(masked);
    free(value);
    free(source);
}

static void S_print(const struct verb_call *call)
{
    fprintf(call->out, "  %-29s %-12s value\n", "name", "source");
    for (size_t meaning = 0; meaning < ENV_MEANINGS; meaning++) {
        fprintf(call->out, "\n%s\n", env_meaning_name(meaning));
        for (size_t i = 0; i < env_name_count; i++)
            if (env_names[i].meaning == meaning)
                S_print_name(call, i);
    }
    fprintf(call->out, "\n* is used, - is set and does not count, ! disagrees with another name\n");
}

static json_t *S_name_json(const struct env *env, size_t i)
{
    const struct env_entry *entry = &env->entries[i];
    char *masked = env_masked(&env_names[i], entry->value);
    int winner = env_winner(env, i);
    json_t *name =
        json_pack("{s:s, s:s, s:s, s:s?, s:o, s:s, s:b, s:s?, s:b, s:s}", "name", env_names[i].name,
                  "meaning", env_meaning_name(env_names[i].meaning), "plans", env_names[i].plan,
                  "mode", env_names[i].mode, "value", verb_json_text(masked), "source",
                  env_source_name(entry->source), "wins", winner == (int)i, "winner",
                  winner >= 0 ? env_names[winner].name : NULL, "conflict", env_conflicts(env, i),
                  "note", env_names[i].note);
    if (entry->source == ENV_FILE)
        json_object_set_new(name, "line", json_integer(entry->line));
    free(masked);
    return name;
}

bool verb_env(struct verb_call *call, struct err *err)
{
    (void)err;
    const struct env *env = &call->session->env;
    json_t *names = json_array();
    for (size_t i = 0; i < env_name_count; i++) {
        call->findings = call->findings || env_conflicts(env, i);
        json_array_append_new(names, S_name_json(env, i));
    }
    if (call->json)
        verb_answer(call,
                    json_pack("{s:o, s:O}", "env_file", verb_json_text(env->file), "names", names));
    else
        S_print(call);
    json_decref(names);
    return true;
}
