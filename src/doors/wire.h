/*
 * wire: bytes to and from a Redis server, without blocking: tcp, a unix socket, TLS, or HTTP.
 *
 * Opening walks through the name look-up and the connect by itself, in the loop; then the owner is
 * told once whether it is open, and afterwards each time bytes may move. The kinds of wire differ
 * in how they open and move bytes, not in what they promise here; a cluster is several wires. What
 * the bytes mean is the business of redis_link.c.
 */
#ifndef TD_WIRE_H
#define TD_WIRE_H

#include "redis.h"

#include <sys/types.h>

struct wire;

struct wire_owner {
    void (*opened)(void *ctx, const struct err *err); /* once; err NULL: bytes may be written */
    void (*ready)(void *ctx); /* something can be read, or what was wanted can be written */
    void *ctx;
};

/*
 * Never fails at once: what goes wrong is told to `opened` from the loop. The target is borrowed.
 */
struct wire *wire_open(struct loop *loop, const struct redis_target *target,
                       const struct wire_owner *owner);
void wire_close(struct wire *wire); /* NULL is fine; the owner hears no more */

/* Be told also when bytes can be written. */
void wire_want_write(struct wire *wire, bool wanted);

/* Bytes moved; 0: none at the moment; -1: the connection is gone, and err says why. */
ssize_t wire_read(struct wire *wire, void *bytes, size_t size, struct err *err);
ssize_t wire_write(struct wire *wire, const void *bytes, size_t size, struct err *err);

#endif
