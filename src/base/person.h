/* person: who works here, for those who read the journal later. */
#ifndef TD_PERSON_H
#define TD_PERSON_H

/* "ann@db1"; of a user without a name "uid 1000@db1". Yours. */
char *person_here(void);

#endif
