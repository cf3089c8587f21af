/*
 * secret: where a password hides in a connection string, and the string without it.
 *
 * Knows URLs (user:password@, ?password=) and libpq's keywords (password = '…'). It rather masks
 * too much than too little: a string that it cannot read loses all that could be a password.
 */
#ifndef TD_SECRET_H
#define TD_SECRET_H

#include "base.h"

#define SECRET_MASK "********"

bool secret_inside(const char *text);
/* The text with every password replaced by SECRET_MASK; yours. */
char *secret_masked(const char *text);

#endif
