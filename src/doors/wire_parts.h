/* wire_parts: the kinds of wire behind wire.h. */
#ifndef TD_WIRE_PARTS_H
#define TD_WIRE_PARTS_H

#include "wire.h"

struct wire_kind {
    void (*close)(struct wire *wire);
    void (*want_write)(struct wire *wire, bool wanted);
    ssize_t (*read)(struct wire *wire, void *bytes, size_t size, struct err *err);
    ssize_t (*write)(struct wire *wire, const void *bytes, size_t size, struct err *err);
};

struct wire { /* the beginning of each kind's own struct */
    const struct wire_kind *kind;
};

/* Each with the promises of wire_open(). */
struct wire *wire_socket_open(struct loop *loop, const struct redis_target *target,
                              const struct wire_owner *owner);
struct wire *wire_tls_open(struct loop *loop, const struct redis_target *target,
                           const struct wire_owner *owner);
struct wire *wire_rest_open(struct loop *loop, const struct redis_target *target,
                            const struct wire_owner *owner);

#endif
