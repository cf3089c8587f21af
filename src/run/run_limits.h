/*
 * run_limits: what the throttle holds against what, and the sentence that comes of it.
 *
 * Knows no server: figures are told, so every case can be tried. A figure that the server does not
 * tell holds nobody up, unless a person has named its limit: then it waits, and says why.
 */
#ifndef TD_RUN_LIMITS_H
#define TD_RUN_LIMITS_H

#include "plan.h"

enum { LIMIT_OFF = -1, FIGURE_UNKNOWN = -1, USUAL_PATIENCE_MS = 30000 };

struct limit {
    int64_t most; /* it waits while there is more than that; LIMIT_OFF: never */
    bool named;   /* in the plan or by a person, not by default */
};

struct limits {
    struct limit lag_ms;  /* of the slowest replica */
    struct limit waiters; /* sessions that wait for locks of ours, each for more than a second */
    struct limit active;  /* sessions at work */
    struct limit archive; /* WAL files that wait for the archiver */
    /*
     * How long a fill waits, in all, for transactions that see the rows as they were; see
     * fill_wait.h.
     */
    struct limit patience_ms;
    bool asks_query, asks_file;
    bool held; /* by hand */
    int64_t batch_ms, pages;
    int64_t sleep; /* after a batch: hundredths of the time that it took */
};

struct figures {
    int64_t replicas, lag_ms;
    char replica[64]; /* the slowest one */
    int64_t waiters, waiter_pid, waited_ms;
    int64_t active, archive;
    const char *query;    /* its path; NULL: there is none */
    char query_says[256]; /* why it wants us to wait; "": it does not */
    const char *file;     /* its path; NULL: there is none */
    char file_says[256];
};

/* Those of the plan; where it names none, what is sensible. */
void limits_begin(struct limits *limits, const struct plan_limits *plan);
/*
 * Changes one while the run goes on: 'lag', 'patience' and 'batch' take a number of seconds or one
 * with its unit ("10", "500ms"), 'waiters', 'active', 'archive' and 'pages' a number; 'off' takes a
 * limit away; 'batch' and 'pages' also take "*2" and "/2" of what they are; 'sleep' takes how many
 * times as long as a batch took it sleeps after it ("0.5"), and "+0.5" and "-0.5"; 'query', 'file'
 * and 'hold' take 'on' or 'off'. What it does not know changes nothing.
 */
bool limits_set(struct limits *limits, const char *name, const char *value, struct err *err);
/* All of them in a line: "lag 10s, waiters 0, active off, …"; yours. */
char *limits_words(const struct limits *limits);

/* Writes why to wait, with figure and limit; false: there is no reason. */
bool limits_judge(const struct limits *limits, const struct figures *figures, char *reason,
                  size_t size);

#endif
