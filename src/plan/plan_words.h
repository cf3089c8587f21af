/*
 * plan_words: cuts the values of a plan into words, and words into names of the database.
 *
 * Words are parted by blanks. A name is taken as it stands, upper and lower case included; one that
 * holds a blank, a dot or a quote is written in "double quotes", with "" for a quote inside. A dot
 * outside of quotes joins a table and a column. Errors here have no file:line: plan.c puts it on.
 */
#ifndef TD_PLAN_WORDS_H
#define TD_PLAN_WORDS_H

#include "plan.h"

struct plan_word {
    const char *text;
    bool quoted; /* so it is a name, whatever it says */
    bool joined; /* a dot stands between the word before and this one */
};

struct plan_words {
    struct plan_word *list;
    size_t count, next; /* `next` is the first that nobody has taken yet */
};

bool plan_words_cut(struct arena *arena, const char *value, struct plan_words *out,
                    struct err *err);

/* Takes the next word if it is this unquoted keyword. */
bool plan_words_accept(struct plan_words *words, const char *keyword);
/* Takes one name; `what` says which ("a column") when there is none. */
bool plan_words_name(struct plan_words *words, const char *what, const char **out, struct err *err);
/* Takes TABLE.COLUMN. */
bool plan_words_joined(struct plan_words *words, const char **table, const char **column,
                       struct err *err);
/*
 * Takes names up to the end or to one of the keywords (NULL ends them; NULL: none), at least one,
 * and adds them to `out`, where none may stand twice.
 */
bool plan_words_names(struct arena *arena, struct plan_words *words, const char *what,
                      const char *const *keywords, struct plan_names *out, struct err *err);
/* Nothing may be left. */
bool plan_words_end(const struct plan_words *words, struct err *err);

/*
 * The words of a command: parted by blanks, one with blanks in "double quotes", "" for a quote
 * inside; a dot is a letter. What only a shell would understand (a pipe, a variable) is refused
 * where no quotes say that it is meant as it stands. `*out` ends with NULL.
 */
bool plan_words_command(struct arena *arena, const char *value, const char ***out, struct err *err);

bool plan_name_fits(const char *name, struct err *err); /* 1 to 63 bytes */
void plan_names_add(struct arena *arena, struct plan_names *names, const char *name);

/* The one of `known` that `word` was probably meant to be; NULL when none is near. */
const char *plan_nearest(const char *word, const char *const *known, size_t count);

/* Room for one more in an array of the arena: it doubles whenever `count` is a power of two. */
void *plan_room(struct arena *arena, void *array, size_t count, size_t size);

#endif
