/* wire_socket: a wire over tcp or a unix socket; see wire_parts.h. It knows no command of Redis. */
#include "wire_parts.h"

#include "resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 8 };

struct address {
    struct sockaddr_storage bytes;
    socklen_t size;
};

struct socket_wire {
    struct wire wire; /* the first: a pointer to one is a pointer to the other */
    struct loop *loop;
    const struct redis_target *target;
    struct wire_owner owner;
    int fd;
    struct watch *watch;
    struct resolve *resolve;
    struct address addresses[ADDRESSES_MAX]; /* of the host name; tried in this order */
    size_t address_count, next_address;
    struct timer *failing; /* tells of a failure from the loop, never from within wire_open() */
    struct err failure;
};

static void S_tell_failure(void *arg)
{
    struct socket_wire *wire = arg;
    wire->failing = NULL;
    wire->owner.opened(wire->owner.ctx, &wire->failure);
}

static void S_fail(struct socket_wire *wire, int error)
{
    char *where = redis_target_describe(wire->target);
    err_set(&wire->failure, ERR_LOST, "Redis at %s could not be reached: %s", where,
            strerror(error));
    if (error == ECONNREFUSED || error == ENOENT)
        err_hint(&wire->failure, "is Redis running there, and is the address right? `redis-cli "
                                 "ping` tells; then check the network and the security group");
    else if (error == EACCES)
        err_hint(&wire->failure, "this user may not open the socket: see unixsocketperm");
    else
        err_hint(&wire->failure, "check the network, and the security group in front of Redis");
    free(where);
    wire->failing = loop_after(wire->loop, 0, S_tell_failure, wire);
}

static void S_try_next(struct socket_wire *wire, int error);

static void S_on_open_socket(void *arg, short revents)
{
    (void)revents;
    struct socket_wire *wire = arg;
    wire->owner.ready(wire->owner.ctx);
}

static void S_on_connected(void *arg, short revents)
{
    (void)revents;
    struct socket_wire *wire = arg;
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    loop_unwatch(wire->watch);
    wire->watch = NULL;
    if (error) {
        S_try_next(wire, error);
        return;
    }
    wire->watch = loop_watch(wire->loop, wire->fd, POLLIN, S_on_open_socket, wire);
    wire->owner.opened(wire->owner.ctx, NULL);
}

static void S_connect(struct socket_wire *wire, int family, const struct sockaddr *address,
                      socklen_t size)
{
    wire->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (wire->fd < 0) {
        S_try_next(wire, errno);
        return;
    }
    int on = 1;
    if (family != AF_UNIX) {
        setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(wire->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
    if (connect(wire->fd, address, size) < 0 && errno != EINPROGRESS) {
        S_try_next(wire, errno);
        return;
    }
    wire->watch = loop_watch(wire->loop, wire->fd, POLLOUT, S_on_connected, wire);
}

/* 'localhost' may be ::1 first, where nobody listens: all addresses are tried before it fails. */
static void S_try_next(struct socket_wire *wire, int error)
{
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
    if (wire->next_address == wire->address_count) {
        S_fail(wire, error);
        return;
    }
    const struct address *address = &wire->addresses[wire->next_address++];
    const struct sockaddr *bytes = (const struct sockaddr *)&address->bytes;
    S_connect(wire, bytes->sa_family, bytes, address->size);
}

static void S_resolved(void *arg, const struct addrinfo *addresses, const struct err *err)
{
    struct socket_wire *wire = arg;
    wire->resolve = NULL;
    if (err) {
        wire->failure = *err;
        wire->failing = loop_after(wire->loop, 0, S_tell_failure, wire);
        return;
    }
    for (const struct addrinfo *a = addresses; a && wire->address_count < ADDRESSES_MAX;
         a = a->ai_next) {
        struct address *address = &wire->addresses[wire->address_count++];
        memcpy(&address->bytes, a->ai_addr, a->ai_addrlen);
        address->size = a->ai_addrlen;
    }
    S_try_next(wire, EADDRNOTAVAIL);
}

static void S_connect_unix(struct socket_wire *wire)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(wire->target->path) >= sizeof(address.sun_path)) {
        S_fail(wire, ENAMETOOLONG);
        return;
    }
    strcpy(address.sun_path, wire->target->path);
    S_connect(wire, AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
}

static void S_close(struct wire *base)
{
    struct socket_wire *wire = (struct socket_wire *)base;
    loop_unwatch(wire->watch);
    resolve_cancel(wire->resolve);
    loop_cancel(wire->failing);
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire);
}

static void S_want_write(struct wire *base, bool wanted)
{
    struct socket_wire *wire = (struct socket_wire *)base;
    loop_rewatch(wire->watch, wire->fd, (short)(POLLIN | (wanted ? POLLOUT : 0)));
}

/* What a socket call has answered, in the words of wire.h. */
static ssize_t S_moved(ssize_t moved, const char *doing, struct err *err)
{
    if (moved >= 0)
        return moved;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return 0;
    err_set(err, ERR_LOST, "the connection to Redis broke while %s: %s", doing, strerror(errno));
    return -1;
}

static ssize_t S_read(struct wire *base, void *bytes, size_t size, struct err *err)
{
    ssize_t moved = recv(((struct socket_wire *)base)->fd, bytes, size, 0);
    if (moved == 0 && size > 0) {
        err_set(err, ERR_LOST, "Redis closed the connection");
        return -1;
    }
    return S_moved(moved, "reading", err);
}

static ssize_t S_write(struct wire *base, const void *bytes, size_t size, struct err *err)
{
    return S_moved(send(((struct socket_wire *)base)->fd, bytes, size, MSG_NOSIGNAL), "writing",
                   err);
}

static const struct wire_kind S_socket = {
    .close = S_close, .want_write = S_want_write, .read = S_read, .write = S_write};

struct wire *wire_socket_open(struct loop *loop, const struct redis_target *target,
                              const struct wire_owner *owner)
{
    struct socket_wire *wire = mem_new(sizeof(*wire));
    *wire = (struct socket_wire){
        .wire.kind = &S_socket, .loop = loop, .target = target, .owner = *owner, .fd = -1};
    if (target->path)
        S_connect_unix(wire);
    else
        wire->resolve = resolve_start(loop, target->host, target->port, S_resolved, wire);
    return &wire->wire;
}
