/*
 * resolve: see resolve.h.
 *
 * A look-up cannot be called off once it has begun, so what it works on is shared by two holders,
 * the loop and the thread; whoever lets go last frees it.
 */
#include "resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What the resolver's thread shares with us: lives until both have let go of it. */
struct lookup {
    atomic_int holders;
    char *host;
    char port[12];
    int wake_fd;
    int failure; /* of getaddrinfo() */
    struct addrinfo *found;
};

struct resolve {
    struct loop *loop;
    struct lookup *lookup;
    struct watch *watch;
    resolve_fn *done;
    void *ctx;
};

static void S_let_go(struct lookup *lookup)
{
    if (atomic_fetch_sub(&lookup->holders, 1) > 1)
        return;
    if (lookup->found)
        freeaddrinfo(lookup->found);
    close(lookup->wake_fd);
    free(lookup->host);
    free(lookup);
}

static void *S_look_up(void *arg)
{
    struct lookup *lookup = arg;
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    lookup->failure = getaddrinfo(lookup->host, lookup->port, &want, &lookup->found);
    uint64_t one = 1;
    ssize_t written = write(lookup->wake_fd, &one, sizeof(one));
    if (written != sizeof(one))
        die("a finished name look-up could not wake the loop");
    S_let_go(lookup);
    return NULL;
}

static void S_finish(void *arg, short revents)
{
    (void)revents;
    struct resolve *resolve = arg;
    struct lookup *lookup = resolve->lookup;
    resolve_fn *done = resolve->done;
    void *ctx = resolve->ctx;
    loop_unwatch(resolve->watch);
    free(resolve);
    struct err err = {0};
    if (lookup->failure) {
        err_set(&err, ERR_LOST, "the host name '%s' could not be resolved: %s", lookup->host,
                gai_strerror(lookup->failure));
        err_hint(&err, "check the name, or the machine's resolver (getent hosts %s)", lookup->host);
    }
    done(ctx, lookup->failure ? NULL : lookup->found, lookup->failure ? &err : NULL);
    S_let_go(lookup);
}

static bool S_start_thread(struct lookup *lookup)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int failure = pthread_create(&thread, &attributes, S_look_up, lookup);
    pthread_attr_destroy(&attributes);
    return failure == 0;
}

struct resolve *resolve_start(struct loop *loop, const char *host, int port, resolve_fn *done,
                              void *ctx)
{
    struct lookup *lookup = mem_new(sizeof(*lookup));
    lookup->holders = 2;
    lookup->host = str_dup(host);
    snprintf(lookup->port, sizeof(lookup->port), "%d", port);
    lookup->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lookup->wake_fd < 0)
        die("no descriptor for a name look-up: error %d", errno);
    struct resolve *resolve = mem_new(sizeof(*resolve));
    *resolve = (struct resolve){.loop = loop, .lookup = lookup, .done = done, .ctx = ctx};
    resolve->watch = loop_watch(loop, lookup->wake_fd, POLLIN, S_finish, resolve);
    if (!S_start_thread(lookup))
        die("no thread for a name look-up: the machine's limit of processes is reached");
    return resolve;
}

void resolve_cancel(struct resolve *resolve)
{
    if (!resolve)
        return;
    loop_unwatch(resolve->watch);
    S_let_go(resolve->lookup);
    free(resolve);
}
