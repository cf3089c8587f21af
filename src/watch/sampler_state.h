/*
 * sampler_state: what the sampler is made of, for its two files: sampler.c asks and publishes,
 * sampler_count.c counts exactly. Nobody else includes this.
 */
#ifndef TD_SAMPLER_STATE_H
#define TD_SAMPLER_STATE_H

#include "parts.h"
#include "sampler.h"

enum { CONNECT_MS = 5000 }; /* for one attempt */

/* A server that may be away: when to try again. */
struct link {
    struct timer *retry;
    int pause_ms;
    bool tried; /* the first attempt has ended, well or not */
    bool left;  /* it is not to be asked */
};

struct sampler {
    struct loop *loop;
    const struct session *session;
    sampler_fn *fresh;
    void *ctx;
    struct parts parts;
    struct snapshot *snapshot;
    struct timer *tick;

    struct pg *quick;
    struct link database;
    size_t probe; /* of the round under way */
    bool in_round;
    bool round_done;   /* one round has ended since the start or the last refresh */
    int64_t *asked_at; /* of each probe, monotonic; 0: never on this connection */
    char **said;       /* the last trouble of each, which is told once */
    bool hurry;        /* the next round asks all of them, due or not; */
    bool hurrying;     /* this one does */
    bool restart_log;  /* the log is wanted otherwise than the round under way has asked for it */

    struct pg *slow;
    size_t counting; /* the table under way, or fact_count */
    bool slow_connecting;
    char *slow_said;     /* why it could not be opened; told once */
    struct timer *limit; /* ends a count that nobody asked for */

    struct redis *redis;
    struct link cache;
    bool info_done;
    int64_t restart_seen; /* of nodes_restarted_at() */
    char *info_said, *census_said;
    int64_t census_begun_at, census_ended_at; /* monotonic; 0: never */
    struct timer *look;                       /* until the end of a census was shown */
};

/* ---- sampler.c ---- */

void sampler_publish(struct sampler *s);
/* Trouble that is new is told in the log; `*said` keeps what was told. */
void sampler_note_trouble(struct sampler *s, char **said, const char *source, const char *what,
                          const struct err *err);

/* ---- sampler_count.c ---- */

void sampler_count_next(struct sampler *s); /* begins the next count that is wanted, if it may */

#endif
