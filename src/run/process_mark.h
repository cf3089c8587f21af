/*
 * process_mark: what process.c and process_identity.c know together: the mark that everything
 * carries which one of our children has started.
 */
#ifndef TD_PROCESS_MARK_H
#define TD_PROCESS_MARK_H

#include "process.h"

#define PROCESS_MARK_NAME "TENANTDECK_CHILD"
enum { PROCESS_MARK_SIZE = 64 };

/* "TENANTDECK_CHILD=812:7411", as it stands in the environment. */
void process_mark(const struct process_identity *identity, char out[static PROCESS_MARK_SIZE]);

/* To all of the family; how many they were. */
size_t process_signal(const struct process_identity *identity, int number);

#endif
