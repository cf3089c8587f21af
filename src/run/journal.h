/*
 * journal: schema `tenantdeck` in the target database: what was run, by whom, with what result.
 *
 * Only this file writes to it. It is created on demand, carries a version, and is upgraded in
 * steps, each in one transaction; a newer version than this program knows is refused. So is a
 * schema of that name that holds something else: nothing of it is touched.
 */
#ifndef TD_JOURNAL_H
#define TD_JOURNAL_H

#include "pg.h"

enum { JOURNAL_VERSION = 3 }; /* what this program writes and reads */

/* PostgreSQL cuts names at 63 bytes. */
enum { JOURNAL_NAME_SIZE = 64 };

struct journal_state {
    bool exists;
    int64_t version;   /* 0 when it does not exist, or may not be read */
    bool may_create;   /* the role could create or upgrade it */
    char identity[37]; /* of the database's generation, "" when it does not exist */

    bool taken;               /* there is a schema of that name; without `exists` not ours … */
    bool empty;               /* … but nothing stands in it */
    bool may_read, may_write; /* what the role may do in it */
    bool standby;             /* the server takes no changes, so nobody may create or write */
    bool copied;              /* it came here with a copy of another database */
    char owner[JOURNAL_NAME_SIZE]; /* of the schema; "" when there is none */
    char program[32];              /* version of tenantdeck that made or upgraded it; "": unknown */
    char role[JOURNAL_NAME_SIZE], database[JOURNAL_NAME_SIZE]; /* who asked, and where */
};

/* Costs one cheap statement, and needs no right at all. */
bool journal_look(struct pg *pg, struct journal_state *out, struct err *err);

/* False, with the GRANT, where there is one that this role may not read. */
bool journal_is_open(const struct journal_state *state, struct err *err);

/*
 * Creates it or brings it up to JOURNAL_VERSION; safe to call at any time outside of a transaction,
 * and by several at once. A journal that was copied along with its database begins a new
 * generation: the runs of the old one are closed, and none of them is resumed here.
 * Afterwards this role may write to it, or there is an ERR_REFUSED with the GRANT that is missing
 * as the hint.
 */
bool journal_ensure(struct pg *pg, struct err *err);

#endif
