/*
 * run: one execution of a plan's steps, as the steps see it.
 *
 * A step never speaks to the journal or to the worker directly: it gets this context. A transaction
 * is opened by run_begin(), which fences it: the epoch of the lease is matched and locked FOR
 * SHARE, so a worker that wakes after its lease was taken commits nothing. run_mark() and
 * run_keep() join that transaction; so rows, checkpoint and undo record are there together or not
 * at all.
 *
 * Events, findings, progress and failures go over a second connection, so that a rollback cannot
 * erase its own report.
 */
#ifndef TD_RUN_H
#define TD_RUN_H

#include "kind.h"
#include "pg.h"
#include "session.h"

#include <jansson.h>
#include <sys/types.h>

enum { RUN_LOCK_TIMEOUT_MS = 500 }; /* nobody waits longer behind a lock that we want */

/* A server that is lost so long is given up; a resume goes on where the run stands. */
enum { RUN_LOST_FOR_MS = 600000 };

enum run_mode { MODE_ONLINE, MODE_WINDOW, RUN_MODES };
const char *run_mode_name(enum run_mode mode); /* "online", "window" */

struct step { /* a step of this run */
    const struct step_def *def;
    int64_t id; /* tenantdeck.step */
    int ordinal;
    char *state;         /* as the journal had it when the run was claimed */
    int64_t done, total; /* rows; -1: not known */
    int64_t done_before; /* what an earlier worker of this run had done of it */
};

struct run_tally { /* of the findings of the checks under way */
    int pass, warn, fail, unknown;
    char *first; /* the first failure: subject and message; NULL: none */
};

struct throttle;

struct run {
    struct loop *loop;
    struct session *session;
    const struct plan *plan;
    char *document; /* the plan as JSON: $1 of every statement that generates others */
    enum run_mode mode;
    json_t *options; /* what the verb was told; the journal keeps it for a resume */

    struct pg *work;        /* changes the data */
    struct pg *control;     /* heartbeat, events, requests, failures */
    struct pg *lock;        /* holds the runner's lock, and is idle */
    char *socket_directory; /* of the server; NULL: it is reached by a network */

    int64_t id, plan_id, epoch;
    char generation[37];
    char *verb; /* "migrate", "rollback", "validate", "run STEP" */
    struct step *steps;
    size_t step_count;
    struct step *step; /* the one under way; NULL between steps */

    struct throttle *throttle;
    int64_t told_batch_ms, told_sleep; /* its pace, as the journal has it */
    struct timer *pulse;
    struct answer *answers; /* to requests, not sent yet; control.c */
    size_t answer_count, answer_cap;
    int64_t last_request; /* the newest that was taken up */
    int64_t rate_at, rate_done;
    double rate;                /* rows a second, lately; -1: not known */
    char *waits_for;            /* shown while it waits: a lock, lag; NULL */
    bool paused;                /* somebody asked */
    bool stop_wanted;           /* at the next border */
    bool aborted;               /* at once: what is under way was cancelled */
    bool fenced;                /* somebody else has the lease: nothing more may be written */
    bool holding;               /* before that step, until somebody says resume */
    bool control_opens;         /* the control connection was lost and is being opened */
    struct err control_trouble; /* why it could not be, the last time */
    struct timer *silence;      /* silence.c */
    int64_t silent_ms;          /* since the control connection was heard */
    bool answering;             /* the first of `answers` is under way */
    bool locked, lock_opens;    /* runner_lock.c */
    char *hold_before;          /* the step to wait before; NULL: none */
    struct run_tally tally;
    bool skipped; /* the step under way has nothing to do; `reason` says why */
    char *reason;
};

/* ---- the work connection ---- */

/* One statement, no retry. `*out` may be NULL. */
bool run_query(struct run *run, const char *sql, const char *const *values, int count,
               struct pg_result **out, struct err *err);
bool run_begin(struct run *run, struct err *err); /* fenced; lock waits are bounded */
bool run_commit(struct run *run, struct err *err);
void run_rollback(struct run *run);
/*
 * How long locks are waited for by `statement`, outside a transaction: one that makes nobody wait
 * may wait as long as it takes. NULL: by all others, as usual.
 */
bool run_set_patience(struct run *run, const char *statement, struct err *err);

/* The checkpoint of what was done in the open transaction. A second one of the same name fails. */
bool run_mark(struct run *run, const char *unit, const char *part, const char *next, int64_t rows,
              struct err *err);
/* The same for an item that may be done anew, since only the catalog tells whether it is done. */
bool run_mark_again(struct run *run, const char *unit, const char *part, struct err *err);
/* Is there a checkpoint of this name, of this step? */
bool run_is_marked(struct run *run, const char *unit, const char *part, bool *marked,
                   struct err *err);

struct undo_record {
    const char *type, *object; /* as in pg_identify_object() */
    const char *definition;    /* what it was; NULL: it did not exist */
    const char *statement;     /* what restores it */
    bool alone;                /* outside of a transaction */
};
/* Writes it in the open transaction; the first one of an object stays. */
bool run_keep(struct run *run, const struct undo_record *record, struct err *err);

/*
 * Calls `attempt` until it succeeds, or fails with what is on no retry list. In between it waits,
 * longer each time and never at the same moment as others, and says so; a lost connection is
 * opened again. `what` completes "waits to …". False as well when a person asked to stop.
 */
typedef bool run_attempt_fn(struct run *run, void *ctx, struct err *err);
bool run_try(struct run *run, run_attempt_fn *attempt, void *ctx, const char *what,
             struct err *err);

/* One more connection for work beside the first, noted in the journal as ours; yours to free. */
bool run_connect(struct run *run, const char *purpose, struct pg **out, struct err *err);

/* ---- the border between two pieces of work ---- */

/*
 * Obeys what people asked (pause, stop, hold, abort) and waits while the throttle says so. False
 * when the run is to end here: stop, abort, or the fence is lost.
 */
bool run_breathe(struct run *run, struct err *err);
/* Would it wait, or end the run? Then whoever has several things under way begins no other. */
bool run_is_hindered(const struct run *run);
/* Waits while the loop turns, at most so long; returns early when somebody asks something. */
void run_wait(struct run *run, int64_t ms);

/* Why it waits, for the screen and the journal; NULL: it does not. */
void run_waits_for(struct run *run, const char *reason);

/* Its socket's directory has gone: it will not come back. */
bool run_server_is_gone(const struct run *run);

void run_progress(struct run *run, int64_t done, int64_t total);

/* The lease is still ours, asked just now: before a pipeline that no transaction fences. */
bool run_holds(struct run *run, struct err *err);
/* This step has nothing to do here; returns true, so that a step says `return run_skip(...)`. */
bool run_skip(struct run *run, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- what is told ---- */

/* severity: "debug", "info", "warn", "error"; source: "worker", "database", "redis", a command */
void run_say(struct run *run, const char *severity, const char *source, const char *format, ...)
    PRINTF_LIKE(4, 5);

struct finding {
    const char *group, *name, *subject;
    const char *verdict;  /* "pass", "warn", "fail", "unknown" */
    const char *severity; /* how bad it would be: "info", "warn", "error" */
    int64_t count;        /* -1: not known */
    const char *message;
    const char *samples, *query, *fix; /* samples: a JSON array; each may be NULL */
};
bool run_find(struct run *run, const struct finding *finding, struct err *err);
/*
 * False, with the sentence: the lease was taken, as a statement has just shown that matches the
 * epoch.
 */
bool run_fence_lost(struct run *run, struct err *err);
/* A figure that a later step compares with; the first of a name stays. */
bool run_measure(struct run *run, const char *unit, const char *name, int64_t value,
                 struct err *err);

/* ---- commands of somebody else, noted so that a resume never starts a second one ---- */

bool run_child_begins(struct run *run, pid_t pid, const char *command, int64_t *child,
                      struct err *err);
/* status as of waitpid() */
bool run_child_ended(struct run *run, int64_t child, int status, struct err *err);

/* ---- options ---- */

const char *run_option(const struct run *run, const char *name); /* NULL: not given */
bool run_flag(const struct run *run, const char *name);
/*
 * Is the run about this table? Most are about all; the option "units" names those that one mends.
 */
bool run_wants_unit(const struct run *run, const char *unit);

#endif
