/*
 * process_mark: what process.c and process_identity.c know together: the mark that everything
 * carries which one of our children has started, and the name of its sessions.
 */
#ifndef TD_PROCESS_MARK_H
#define TD_PROCESS_MARK_H

#include "process.h"

#define PROCESS_MARK_NAME "TENANTDECK_CHILD"
enum { PROCESS_MARK_SIZE = 64 };

/* "TENANTDECK_CHILD=812:7411", as it stands in the environment. */
void process_mark(const struct process_identity *identity, char out[static PROCESS_MARK_SIZE]);

/*
 * How the sessions of the command are called in the server, by libpq and by whoever else heeds
 * PGAPPNAME: "PGAPPNAME=tenantdeck-child 812:7411 schema of mentoring". The server keeps 63 bytes
 * of it, and only those of ASCII that can be seen. By that name it is no session of this program
 * itself ("tenantdeck …"): it may be waited for, seen by preflight, and cancelled by a person.
 */
enum { PROCESS_SESSION_SIZE = sizeof("PGAPPNAME=") + 63 };
void process_session(const struct process_identity *identity, const char *title,
                     char out[static PROCESS_SESSION_SIZE]);

/* To all of the family; how many they were. */
size_t process_signal(const struct process_identity *identity, int number);

#endif
