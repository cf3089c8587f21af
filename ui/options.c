/* options: see options.h. */
#include "options.h"

#include "secret.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CODE = 256 }; /* what getopt answers for known[0]; letters lie below */

bool options_hide_secrets(int argc, char **argv)
{
    bool found = false;
    for (int i = 1; i < argc; i++) {
        if (!secret_inside(argv[i]))
            continue;
        char *shown = argv[i], *masked = secret_masked(shown);
        size_t len = strlen(shown);
        argv[i] = str_dup(shown);
        mem_wipe(shown, len);
        memcpy(shown, masked, strlen(masked) < len ? strlen(masked) : len);
        free(masked);
        found = true;
    }
    return found;
}

/* ---- which there are ---- */

static int S_index(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->known_count; i++)
        if (str_is(options->known[i]->name, name))
            return (int)i;
    return -1;
}

static void S_know(struct options *options, const struct verb_option *list, size_t count)
{
    for (size_t i = 0; i < count && list[i].name; i++) {
        if (S_index(options, list[i].name) >= 0)
            continue;
        if (options->known_count == OPTIONS_MAX)
            die("the table of verbs has more than %d options", OPTIONS_MAX);
        options->known[options->known_count++] = &list[i];
    }
}

static void S_know_all(struct options *options)
{
    S_know(options, common_options, common_option_count);
    for (size_t i = 0; i < verb_count(); i++)
        S_know(options, verb_at(i)->options, VERB_OPTIONS);
}

/* ---- reading ---- */

static int S_argument(const struct verb_option *option)
{
    if (!option->arg)
        return no_argument;
    return *option->arg == '[' ? optional_argument : required_argument;
}

static void S_for_getopt(const struct options *options, struct option *longs, char *letters)
{
    *letters++ = ':'; /* so that a missing value can be told from an unknown option */
    for (size_t i = 0; i < options->known_count; i++) {
        const struct verb_option *option = options->known[i];
        longs[i] = (struct option){option->name, S_argument(option), NULL, FIRST_CODE + (int)i};
        if (option->letter)
            *letters++ = option->letter;
        if (option->letter && option->arg)
            *letters++ = ':';
    }
    *letters = '\0';
}

static int S_index_of_code(const struct options *options, int code)
{
    if (code >= FIRST_CODE)
        return code - FIRST_CODE;
    for (size_t i = 0; i < options->known_count; i++)
        if (options->known[i]->letter == code)
            return (int)i;
    return -1;
}

static bool S_bad_option(const struct options *options, int code, const char *given,
                         struct err *err)
{
    int index = optopt ? S_index_of_code(options, optopt) : -1;
    if (code == ':')
        err_set(err, ERR_USAGE, "'--%s' wants a value: %s", options->known[index]->name,
                options->known[index]->arg);
    else if (optopt >= FIRST_CODE)
        err_set(err, ERR_USAGE, "'--%s' takes no value", options->known[index]->name);
    else if (optopt)
        err_set(err, ERR_USAGE, "'-%c' is no option", optopt);
    else
        err_set(err, ERR_USAGE, "'%.*s' is no option", (int)strcspn(given, "="), given);
    return err_hint(err, "'tenantdeck help' lists them");
}

static bool S_take(struct options *options, int code, struct err *err)
{
    int index = S_index_of_code(options, code);
    const struct verb_option *option = options->known[index];
    const char *value = option->arg && optarg ? optarg : "";
    const char *before = options->values[index];
    /* -d twice: one of them is a mistake, and nobody can tell which. */
    if (option->arg && before && !str_is(before, value))
        return err_set(err, ERR_USAGE, "'--%s' is given twice, and differently", option->name);
    options->values[index] = value;
    return true;
}

bool options_read(int argc, char **argv, struct options *out, struct err *err)
{
    struct option longs[OPTIONS_MAX + 1] = {0};
    char letters[2 * OPTIONS_MAX + 2];
    int code;
    *out = (struct options){0};
    S_know_all(out);
    S_for_getopt(out, longs, letters);
    opterr = 0;
    optind = 0; /* glibc's way to begin anew */
    while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (code == '?' || code == ':')
            return S_bad_option(out, code, argv[optind - 1], err);
        if (!S_take(out, code, err))
            return false;
    }
    out->word_count = (size_t)(argc - optind);
    out->words = mem_array(out->word_count, sizeof(*out->words));
    for (size_t i = 0; i < out->word_count; i++)
        out->words[i] = argv[optind + (int)i];
    return true;
}

void options_release(struct options *options)
{
    free(options->words);
    *options = (struct options){0};
}

const char *options_value(const struct options *options, const char *name)
{
    int index = S_index(options, name);
    if (index < 0)
        die("the table of verbs has no option '%s'", name);
    return options->values[index];
}

bool options_want_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc && !str_is(argv[i], "--"); i++)
        if (str_is(argv[i], "--json"))
            return true;
    return false;
}

/* ---- whose they are ---- */

static bool S_has(const struct verb_option *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count && list[i].name; i++)
        if (str_is(list[i].name, name))
            return true;
    return false;
}

bool options_for_verb(const struct options *options, const struct verb *verb,
                      const struct verb *outer, struct verb_call *call, struct err *err)
{
    for (size_t i = 0; i < options->known_count; i++) {
        const char *name = options->known[i]->name;
        if (!options->values[i] || S_has(common_options, common_option_count, name) ||
            S_has(verb->options, VERB_OPTIONS, name) ||
            (outer && S_has(outer->options, VERB_OPTIONS, name)))
            continue;
        err_set(err, ERR_USAGE, "'%s' has no option '--%s'", verb->name, name);
        return err_hint(err, "'tenantdeck help %s' lists those it has", verb->name);
    }
    for (size_t i = 0; i < VERB_OPTIONS && verb->options[i].name; i++)
        call->option_values[i] = options_value(options, verb->options[i].name);
    return true;
}
