/*
 * session: what a face was opened on: servers, plan, environment label, and what it may do.
 *
 * Filled from the command line, the deck, --env-file and the environment, in this order of
 * precedence (session.c). Owns its strings. Nothing is connected yet.
 */
#ifndef TD_SESSION_H
#define TD_SESSION_H

#include "env.h"
#include "pg.h"
#include "plan.h"
#include "redis.h"

struct session {
    bool has_database; /* false: a plan of kind cache, and no database was named */
    struct pg_target database;
    bool has_redis;
    bool spares_redis; /* one is named, and not asked: the answer is for somebody in a hurry */
    struct redis_target redis;
    struct plan *plan;  /* NULL: none was named and none could be guessed */
    char *plan_hash;    /* of its files when a console was opened; NULL: it was read just now */
    char *environment;  /* "" without a deck */
    char *colour;       /* of the label: "red", "yellow", "green", "blue", "" */
    char *theme;        /* of the console: "default", "mono", "contrast" */
    bool operator_mode; /* --operator: verbs that change things are allowed */
    int refresh_ms;
    struct env env;
};

/* What the command line gave; NULL where it gave nothing. */
struct session_options {
    const char *database, *redis, *plan, *deck, *env_file;
    bool operator_mode;
    int refresh_ms;   /* 0: not given */
    bool no_database; /* whatever the environment names: the demo has its own servers alone */
};

/* With `needs_plan` a plan that is named nowhere is an error; else plan stays NULL. */
bool session_open(const struct session_options *options, bool needs_plan, struct session *out,
                  struct err *err);
/* Only the names of env.h, for who wants to see why session_open() refuses. */
bool session_open_names(const struct session_options *options, struct session *out,
                        struct err *err);
void session_release(struct session *session);

/* "PROD", "production", in any case. */
bool environment_is_production(const char *environment);

/* Asks a person for a secret: yours, to str_wipe(); NULL: nobody is there, or they said no. */
typedef char *session_ask_fn(void *ctx, const char *prompt);

/*
 * Connects to the database and, when the server wants a password and there is somebody to ask
 * (`ask` may be NULL), asks once and keeps it in the session for the connections to come.
 */
bool session_connect(struct session *session, struct loop *loop, const struct pg_options *options,
                     session_ask_fn *ask, void *ask_ctx, struct pg **out, struct err *err);

#endif
