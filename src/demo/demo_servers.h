/*
 * demo_servers: the guard, a process that keeps a private PostgreSQL and Redis for its owner.
 *
 * It runs in a process of its own and may therefore wait. It knows its owner as a pipe: at its end
 * of file, whatever caused it, the guard stops both servers, removes their directory and exits. A
 * sweeper, which keeps our own rights, waits for that and removes what is ours.
 */
#ifndef TD_DEMO_SERVERS_H
#define TD_DEMO_SERVERS_H

#include "err.h"

#include <sys/types.h>

struct demo_servers {
    const char *directory;           /* exists, is empty, and belongs to `user` */
    const char *state;               /* exists, is empty, and is ours: logs, backups, reports */
    char *initdb, *postgres, *redis; /* initdb and postgres NULL: Redis alone */
    bool change_user;                /* we are root, and PostgreSQL refuses to be */
    uid_t user;
    gid_t group;
};

/* Finds the programs, and the user to run them as. */
bool demo_servers_find(struct demo_servers *out, bool redis_alone, struct err *err);
void demo_servers_release(struct demo_servers *servers);

/*
 * What the guard tells through `report`, in lines: '+' and a sentence on what goes on, '=' when
 * both servers answer; or '-' and why it failed, up to the end of file.
 */
enum { REPORT_PROGRESS = '+', REPORT_READY = '=', REPORT_FAILURE = '-' };

/* The whole life of the guard; called in a child process. */
_Noreturn void demo_servers_guard(const struct demo_servers *servers, int owner, int report);

#endif
