/*
 * err: what went wrong, as a value.
 *
 * A function that can fail returns bool and takes `struct err *err` last; on success it leaves it
 * untouched. A sentence starts in lower case, has no full stop, and 'quotes' what it speaks of.
 * A good error says what, where, what is unchanged, and in `hint` what to do next.
 *
 * Text in an error may come from a server or a file: it is raw, and is sanitised where it is shown.
 */
#ifndef TD_ERR_H
#define TD_ERR_H

#include "base.h"

enum err_kind {
    ERR_NONE,
    ERR_FAILED,  /* it was tried and did not work, and would not work again */
    ERR_USAGE,   /* the command line asks for something that does not exist */
    ERR_RETRY,   /* a lock, a deadlock, a serialization: the same again may work */
    ERR_LOST,    /* the connection is gone or could not be had */
    ERR_REFUSED, /* it could be done, but must not be: a guard said no */
    ERR_HELD,    /* another runner holds the plan */
    ERR_BUG,     /* the program itself is wrong */
};

struct err {
    enum err_kind kind;
    char sqlstate[6]; /* of a server's error, else "" */
    char text[1024];
    char hint[512];
};

/* Both return false, so that a failure is `return err_set(err, ...)`. `err` is never NULL. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* Puts "context: " in front of what is there already. */
bool err_context(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* What to do next; replaces an earlier hint. Returns false too. */
bool err_hint(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

void err_clear(struct err *err);
const char *err_kind_name(enum err_kind kind); /* as in --json: "failed", "lost", ... */
int err_exit_code(enum err_kind kind);         /* 0 to 5, see tenantdeck(1) */

#endif
