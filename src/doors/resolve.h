/*
 * resolve: looks up a host name without holding the loop.
 *
 * The C library's resolver blocks; here it runs in a thread of its own, which wakes the loop when
 * the answer is there. Used by every connection, since a dead name server must not stop a key.
 */
#ifndef TD_RESOLVE_H
#define TD_RESOLVE_H

#include "err.h"
#include "loop.h"

#include <netdb.h>

struct resolve;

/* One of addresses and err is set; the addresses are borrowed for the call. */
typedef void resolve_fn(void *ctx, const struct addrinfo *addresses, const struct err *err);

struct resolve *resolve_start(struct loop *loop, const char *host, int port, resolve_fn *done,
                              void *ctx);
/* Before it is done: the callback is not called. Afterwards the pointer is gone. NULL is fine. */
void resolve_cancel(struct resolve *resolve);

#endif
