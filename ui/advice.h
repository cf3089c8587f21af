/*
 * advice: what to do next, in the console's words: ':migrate' where the shell is told 'tenantdeck
 * migrate'.
 *
 * The core names the command line's way in all that it says. Whatever of that reaches the screen
 * comes through here: the reader's text, a pane's cells and its empty words, the line at the
 * bottom.
 */
#ifndef TD_ADVICE_H
#define TD_ADVICE_H

/* What cannot be said behind a ':' stays as it is; yours. */
char *advice_here(const char *text);

#endif
