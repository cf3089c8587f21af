/*
 * deck: the file that names the servers, the plan and the environment label a console opens on.
 *
 * --deck FILE, else $TENANTDECK_DECK, else ~/.config/tenantdeck/deck.conf when it is there. What it
 * does not know is refused with file:line, so that a misspelt word cannot open the wrong database.
 * A deck that others could change is refused; so is one that holds a password and that others may
 * read. Relative paths in it start at the deck's own directory.
 */
#ifndef TD_DECK_H
#define TD_DECK_H

#include "err.h"

struct deck {
    char *path;
    char *environment;    /* "PROD"; "" when it does not say */
    char *colour;         /* "red", "yellow", "green", "blue", "" */
    char *theme;          /* "default", "mono", "contrast"; NULL: does not say */
    char *plan;           /* name or path; NULL */
    int refresh_ms;       /* 0: does not say */
    char *conninfo;       /* of [database "main"]; NULL */
    char *redis_url;      /* of [redis "main"]; NULL */
    char *redis_password; /* out of its password-file; NULL */
    char *redis_cacert;   /* a path; NULL, and so with the next */
    char *redis_cert, *redis_key;
    char *redis_sni; /* the name that the certificate must have; NULL */
};

/* Where the deck is: yours; NULL when none was named and the usual place has none. */
char *deck_locate(const char *option);

bool deck_read(const char *path, struct deck *out, struct err *err);
void deck_release(struct deck *deck);

/* "2", "0.5": seconds of --refresh and `refresh =`, as milliseconds; from 0.1 to 3600. */
bool deck_refresh(const char *text, int *ms);

#endif
