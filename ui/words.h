/* words: takes a typed line apart into words, with quotes as a shell has them, and nothing else. */
#ifndef TD_WORDS_H
#define TD_WORDS_H

#include "err.h"

struct words {
    char **words;
    size_t count, cap;
};

/* 'as it is', "with \" and \\", and \x outside of quotes; an open quote is an error. */
bool words_split(const char *line, struct words *out, struct err *err);
void words_release(struct words *words);

#endif
