/* wire: see wire.h. Picks the kind of wire that a target asks for. */
#include "wire_parts.h"

struct wire *wire_open(struct loop *loop, const struct redis_target *target,
                       const struct wire_owner *owner)
{
    if (target->rest)
        return wire_rest_open(loop, target, owner);
    if (target->tls)
        return wire_tls_open(loop, target, owner);
    return wire_socket_open(loop, target, owner);
}

void wire_close(struct wire *wire)
{
    if (wire)
        wire->kind->close(wire);
}

void wire_want_write(struct wire *wire, bool wanted)
{
    wire->kind->want_write(wire, wanted);
}

ssize_t wire_read(struct wire *wire, void *bytes, size_t size, struct err *err)
{
    return wire->kind->read(wire, bytes, size, err);
}

ssize_t wire_write(struct wire *wire, const void *bytes, size_t size, struct err *err)
{
    return wire->kind->write(wire, bytes, size, err);
}
