/*
 * redis: the door to Redis: one server, a cluster of them, or one behind HTTP (Upstash).
 *
 * A `struct redis` lives in a loop and never blocks. Commands are queued and pipelined: any number
 * may be under way, and replies come back in the order of the questions, whichever node of a
 * cluster gave them. Values are binary safe. hiredis formats and parses; bytes travel through
 * wire.h. After a connect, AUTH, CLIENT SETNAME and SELECT are sent before anything else.
 */
#ifndef TD_REDIS_H
#define TD_REDIS_H

#include "err.h"
#include "loop.h"

struct redis;
struct redis_reply;

/*
 * Where to: redis://[user[:password]@]host[:port][/db], rediss:// for the same over TLS,
 * unix://path[?db=N], or https://host for Upstash, whose token is the password.
 */
struct redis_target {
    char *path; /* of a unix socket; else NULL */
    char *rest; /* the URL of a server behind HTTP; else NULL */
    char *host;
    int port;
    char *user;     /* NULL: none */
    char *password; /* NULL: none; never in a URL that is shown */
    int db;
    bool tls;
    char *cacert;   /* a file or directory of certificates to trust; NULL: the system's */
    char *cert;     /* our own certificate, for a server that wants one; NULL: none */
    char *key;      /* … and its key; NULL: it stands in the file of the certificate */
    char *tls_name; /* the name that the server's certificate must have; NULL: the host's */
};

bool redis_target_parse(const char *url, struct redis_target *target, struct err *err);
/* Contradictions that only show when all is known: a client certificate without TLS. */
bool redis_target_check(const struct redis_target *target, struct err *err);
void redis_target_release(struct redis_target *target);
/* A copy for one node of a cluster; yours to release. */
void redis_target_for(const struct redis_target *base, const char *host, int port,
                      const char *tls_name, struct redis_target *out);
/* "localhost:6379/0", without a password; yours to free. */
char *redis_target_describe(const struct redis_target *target);

struct redis *redis_new(struct loop *loop, const struct redis_target *target); /* borrows it */
void redis_free(struct redis *redis); /* NULL is fine; pending callbacks are not called */

typedef void redis_connected_fn(void *ctx, const struct err *err);
void redis_connect(struct redis *redis, int timeout_ms, redis_connected_fn *connected, void *ctx);
bool redis_open(struct redis *redis, int timeout_ms, struct err *err);
bool redis_is_up(const struct redis *redis);
void redis_close(struct redis *redis); /* pending callbacks get ERR_LOST */

/*
 * One of reply and err is set, borrowed for the call. An error reply of the server ("-ERR …")
 * arrives as err; the connection stays up then.
 */
typedef void redis_done_fn(void *ctx, const struct redis_reply *reply, const struct err *err);

/*
 * `lengths` NULL: the arguments are C strings. The connection must be up. In a cluster the key of
 * the command decides which node gets it; a command about a whole server (SCAN, DBSIZE, FLUSHDB)
 * is refused there, since one node would answer for all: redis_send_node() is for those.
 */
void redis_send(struct redis *redis, int argc, const char *const *argv, const size_t *lengths,
                redis_done_fn *done, void *ctx);
/*
 * Waits while the loop turns. `*out` is yours, redis_reply_free(), and NULL when it failed; pass
 * NULL when it does not matter.
 */
bool redis_run(struct redis *redis, int argc, const char *const *argv, struct redis_reply **out,
               struct err *err);
size_t redis_pending(const struct redis *redis); /* commands that have no answer yet */

/*
 * What is sent from now on waits, and leaves in one go with the first command that is sent after
 * the hold is let go, or at the latest then. A cluster, whose commands go many ways, holds nothing.
 */
void redis_hold(struct redis *redis, bool hold);
/* Sends at once what was not sent yet, before one who is busy comes to turn the loop. */
void redis_flush(struct redis *redis);
size_t redis_held(const struct redis *redis); /* of those without an answer: not even sent yet */

/*
 * MONITOR: from its answer on `each` hears, as a status, every command that the server is sent,
 * until the connection is closed; nothing else can be sent on it. A cluster has no such thing.
 */
bool redis_monitor(struct redis *redis, redis_done_fn *each, void *ctx, struct err *err);

/* ---- nodes: who holds the keys ---- */

enum { REDIS_SLOTS = 16384 };

struct redis_node {
    const char *name;    /* "10.0.0.1:7000"; of a single server as redis_target_describe() */
    const char *primary; /* of a replica: the name of its primary; else NULL */
    int slots;           /* … that it serves, or its primary does; 0 for a single server */
    const char *ranges;  /* "0-5460 7000"; "" for a single server */
};

bool redis_is_cluster(const struct redis *redis);
/*
 * The primaries come first, and together have all keys that can be reached; a single server is one.
 * The numbering of the primaries holds until redis_topology() changes; a view and its texts until
 * the loop turns.
 */
size_t redis_nodes(const struct redis *redis);   /* primaries */
size_t redis_members(const struct redis *redis); /* primaries and replicas */
const struct redis_node *redis_node(const struct redis *redis, size_t node);
/*
 * Another number each time that slots have moved or a primary has changed: a SCAN that was begun
 * before has no meaning after.
 */
unsigned redis_topology(const struct redis *redis);
/*
 * Slots that nobody serves: their keys can be neither counted nor changed. 0 for a single server.
 */
int redis_uncovered(const struct redis *redis);

/* To one node, which is asked for nothing else: it is told as an error when that node is away. */
void redis_send_node(struct redis *redis, size_t node, int argc, const char *const *argv,
                     const size_t *lengths, redis_done_fn *done, void *ctx);
/*
 * The same by name, whatever number it has by now; also to one that serves no slots yet. In a
 * single server the name is not looked at.
 */
void redis_send_named(struct redis *redis, const char *name, int argc, const char *const *argv,
                      const size_t *lengths, redis_done_fn *done, void *ctx);
bool redis_run_node(struct redis *redis, size_t node, int argc, const char *const *argv,
                    struct redis_reply **out, struct err *err);
/* Reads the map of a cluster anew; `connected` is told when it is there. No cluster: at once. */
void redis_survey(struct redis *redis, redis_connected_fn *surveyed, void *ctx);
bool redis_run_survey(struct redis *redis, struct err *err);

/* The slot of a key, 0 to 16383: CRC16 of its {tag} or of the whole. */
unsigned redis_slot(const char *key, size_t len);
/*
 * One command with many keys ("UNLINK", "EXISTS", "TOUCH"): sent once, or in a cluster once for
 * each slot among them. `done` hears each answer; returns how many there will be.
 */
size_t redis_send_keys(struct redis *redis, const char *command, size_t count,
                       const char *const *keys, const size_t *lengths, redis_done_fn *done,
                       void *ctx);

/* ---- replies ---- */

enum redis_type { REDIS_NIL, REDIS_STRING, REDIS_STATUS, REDIS_INTEGER, REDIS_ARRAY, REDIS_FAULT };

enum redis_type redis_type(const struct redis_reply *reply);
const char *redis_text(const struct redis_reply *reply); /* "" unless string or status */
size_t redis_length(const struct redis_reply *reply);    /* bytes of the text, or elements */
int64_t redis_int(const struct redis_reply *reply);      /* of an integer; a string is read */
const struct redis_reply *redis_at(const struct redis_reply *array, size_t i);
struct redis_reply *redis_reply_copy(const struct redis_reply *reply); /* yours */
void redis_reply_free(struct redis_reply *reply);                      /* of a copy; NULL is fine */

/* The value of `field:` in the text of INFO, as a number; -1 when it is not there. */
int64_t redis_info_int(const char *info, const char *field);
/* The same as text, yours to free; NULL when it is not there. */
char *redis_info_text(const char *info, const char *field);

#endif
