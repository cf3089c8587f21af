/*
 * await: waits until those have ended whom a statement names: sessions of others, at work.
 *
 * Nobody is cancelled. It is over when those of the first look have ended: who came later does no
 * harm. Meanwhile why it waits, and for whom, is on screen and in the journal, and it obeys as at
 * any border.
 */
#ifndef TD_AWAIT_H
#define TD_AWAIT_H

#include "run.h"

struct await {
    const char *statement; /* $1: only those of a list, $2: the plan; answers count, list, names */
    const char *reason;
    const int64_t *waited_ms; /* before this; NULL: it takes as long as it takes */
    int64_t begun_ms;
    char *list;  /* those of the first look */
    char *names; /* of those that are left */
    int64_t count;
};

/* Who is there now: `count`, `list` and `names`. */
bool await_look(struct run *run, struct await *await, struct err *err);
/* Until they have ended, or the patience has: then `count` of them are left. */
bool await_ends(struct run *run, struct await *await, struct err *err);
void await_release(struct await *await);

#endif
