/*
 * snapshot: one moment of the whole system, as the panes and the command line show it.
 *
 * Made by the sampler, then never changed; one arena, freed whole. No pointer leads from here into
 * a view. Figures that are not known are -1, never 0. Texts are raw and are cleaned by table.c.
 */
#ifndef TD_SNAPSHOT_H
#define TD_SNAPSHOT_H

#include "base.h"

enum { UNKNOWN = -1 };

enum server_state {
    SERVER_NONE,
    SERVER_CONNECTING,
    SERVER_UP,
    SERVER_DOWN,
    SERVER_LEFT, /* not asked: something else wants it for itself; `trouble` says what */
};

struct server_view {
    enum server_state state;
    const char *where;   /* "mentoring@localhost" or "localhost:6379/0" */
    const char *version; /* "15.18"; "" while unknown */
    const char *role;    /* database role, or the Redis user */
    const char *trouble; /* why it is down; NULL when it is up, unless some nodes are down */
    const char *hint;    /* what to do about it; NULL */
    int64_t answered_at; /* wall clock of the last answer; UNKNOWN: never */
    bool asking;         /* a question is under way: the age says how long it has waited */
    int64_t clients, memory, keys; /* Redis INFO; UNKNOWN */
    double memory_share, hit_rate; /* likewise, in percent: of its limit, of the reads */
    const char *alarms;            /* "memory 84 %": which of the plan's alarms ring; "": none */
};

struct count_view { /* a figure with what is known about it */
    int64_t value;  /* UNKNOWN: not counted and no estimate */
    bool exact;
    int64_t at; /* wall clock of the counting, or of the statistics behind an estimate */
};

struct fill_view { /* a table of the plan */
    const char *name;
    const char *source;                /* "user created_by": in the plan's words */
    bool missing;                      /* the database has no such table */
    bool optional;                     /* … and the plan says that is fine */
    bool has_tenant, has_organization; /* the columns are there */
    bool wants_organization;           /* the plan gives it an organization code */
    struct count_view rows, with_tenant, with_organization;
    int64_t bytes;           /* heap and indexes; UNKNOWN */
    bool counting;           /* an exact count of it is under way or waits */
    const char *primary_key; /* "id", "tenant_code, id"; "" if it has none */
};

struct tenant_view {
    const char *code;
    int64_t organizations;  /* in the mapping */
    struct count_view rows; /* over all tables of the plan */
    double share;           /* of all rows, 0 to 100; UNKNOWN */
    int64_t keys;           /* in Redis; UNKNOWN */
    struct tenant_table {   /* its rows per table, in the plan's order; NULL until counted */
        const char *table;
        int64_t rows;
    } * tables;
    size_t table_count;
    const char **codes; /* its organization codes */
    size_t code_count;
    struct tenant_keys { /* its keys in Redis by template, of the last whole pass */
        const char *name;
        int64_t keys, ttl;             /* ttl: the plan's policy in seconds; 0: none */
        int64_t without_ttl, over_ttl; /* UNKNOWN */
    } * kinds;
    size_t kind_count;
};

enum step_state {
    STEP_WAITS,
    STEP_RUNS,
    STEP_PAUSED,
    STEP_DONE,
    STEP_FAILED,
    STEP_UNDONE,
    STEP_SKIPPED
};

struct step_view {
    const char *name, *type, *does, *undo;
    enum step_state state;
    bool current;        /* the run of the banner said so, and not one before it */
    int64_t done, total; /* rows; UNKNOWN */
    int64_t rate;        /* rows a second, lately; UNKNOWN */
    int64_t started_at, ended_at;
    const char *trouble; /* of a failed step */
    const char *waits;   /* why it waits just now; NULL: it does not */
};

enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL, VERDICT_UNKNOWN };

struct check_view {
    const char *group;   /* "plan", "mapping", "structure", ... */
    const char *name;    /* what was asked: "foreign keys"; NULL: the group says it */
    const char *subject; /* a table, a file */
    enum verdict verdict;
    const char *message; /* one sentence */
    const char *detail;  /* more lines: an example, the remedy; or NULL */
    const char *samples; /* a JSON array; NULL */
    const char *query;   /* the SQL that found it, which psql runs as it is; NULL */
    const char *fix;     /* SQL that would mend it; NULL */
    int64_t run;         /* that asked it; 0: the console did, by itself */
    int64_t count;       /* rows concerned; UNKNOWN */
    int64_t at;
};

enum { VERDICTS = VERDICT_UNKNOWN + 1 };

struct check_group { /* the checks of one kind, summed up */
    const char *name;
    size_t counts[VERDICTS], total;
    const char *title;   /* "structure: 26 checks" */
    const char *summary; /* "2 fail, 1 unknown, 23 pass" */
    enum verdict worst;
    int64_t at; /* when the oldest of them was checked */
};

enum { KEYS_SAMPLES = 8, KEYS_SAMPLE_BYTES = 512 };

struct keys_view {    /* Redis keys of one template */
    const char *name; /* "sessions", "(no template)" */
    const char *pattern;
    int64_t keys, without_ttl, over_ttl, bytes; /* of those seen; UNKNOWN */
    bool bytes_exact;                           /* every key was weighed; else a sample was */
    int64_t bytes_error; /* how far off they may be, 95 times of 100; 0 when exact */
    /* Of `cache ttl`: keys whose value says another end, UNKNOWN when none was read; what says the
     * policy; one of the keys that break it, or NULL. */
    int64_t drift;
    const char *ttl_from, *sample;
    bool ttl_sampled; /* the expiry of a sample was read; else that of every key */
    int64_t tenants;  /* how many tenants or organizations they belong to; UNKNOWN */
    int64_t ttl;      /* the plan's policy in seconds; 0: none */
    bool foreign;
    const char *samples[KEYS_SAMPLES]; /* some of the keys; raw */
    size_t sample_count;
};

/* What one tenant has: the rows of a table, or the keys of a template. */
struct holding_view {
    const char *name;
    bool in_redis;
    struct count_view count;
    int64_t ttl, without_ttl, over_ttl; /* of keys: as of a template */
};

struct key_view {    /* one key */
    const char *key; /* raw, and ended by a NUL: but it may have others in it */
    size_t length;
    const char *type;
    bool endless;   /* it never expires */
    int64_t ttl;    /* seconds that are left; UNKNOWN, also where it is endless */
    int64_t policy; /* the plan's for it, in seconds; 0: none */
    int64_t bytes;  /* UNKNOWN */
};

struct listing_view {    /* what is known of the list of these */
    bool asking;         /* it is asked for now */
    bool listed;         /* there is an answer */
    bool more;           /* and it is not all of them */
    double seen;         /* how much of the keyspace was looked at for it: 0 to 100 */
    int64_t at;          /* wall clock of the answer */
    const char *trouble; /* why there is none, or no newer one; NULL */
};

struct login_view { /* a session of the service */
    const char *tenant, *user, *id, *email, *address;
    int64_t created_at, used_at; /* wall clock; UNKNOWN */
    int64_t ttl;                 /* seconds that are left; UNKNOWN: it has no end */
    const char *trouble;         /* "says tenant 'x'"; NULL */
};

struct holder_view {   /* Redis keys of one tenant or organization, by `cache counts` */
    const char *code;  /* "": of keys that name nobody */
    const char *kind;  /* "tenant", "organization" */
    const char *known; /* "yes", "no"; NULL: nothing tells */
    int64_t keys, types, bytes, bytes_error;
    bool bytes_exact;
};

struct metrics_view { /* what the service counts of a tenant's cache */
    const char *tenant;
    int64_t hits, misses, sets, deletes, errors;
    int64_t ttl; /* seconds until it begins anew; UNKNOWN: never */
};

struct census_view { /* how much of the keyspace the figures above have seen */
    bool complete;   /* one whole pass: the figures are of `at` */
    double seen;     /* 0 to 100 of the pass under way */
    int64_t at;
    const char *trouble; /* why the last pass could not go on; NULL when it could */
    bool outdated;       /* the server was restarted since */
};

struct node_view {                               /* a server behind Redis or Citus */
    const char *group;                           /* "redis": the only one; "cluster"; "citus" */
    const char *name;                            /* "10.0.0.1:7000" */
    const char *role;                            /* "primary", "replica", "coordinator", "worker" */
    const char *of;                              /* of a replica: its primary; NULL */
    int64_t slots;                               /* or shards; UNKNOWN */
    const char *ranges;                          /* "0-5460"; "" */
    const char *version;                         /* "" while unknown */
    const char *link;                            /* of a replica: "up", "down"; NULL */
    const char *trouble;                         /* why it does not answer; NULL when it does */
    const char *hint;                            /* what to do about it; NULL */
    int64_t keys, memory, memory_limit, clients; /* of its last answer; UNKNOWN */
    int64_t answered_at;                         /* wall clock; UNKNOWN: never */
};

struct blocker_view {       /* a session that waits for a lock, or that others wait for */
    const char *id;         /* "1234", or "prepared:755": a prepared transaction */
    int64_t pid;            /* UNKNOWN: it has none */
    const char *blocked_by; /* the ids of those it waits for, with blanks; NULL: for nobody */
    int depth;              /* in the tree: 0 is the top, who waits for nobody in it */
    int64_t behind;         /* how many wait for it, also by way of others */
    bool circle;            /* they wait for it in a circle */
    const char *mode;       /* "AccessExclusive", "row": that it wants, or that it holds */
    const char *object;     /* of the lock, in words */
    const char *database, *role, *application, *client, *kind, *state, *query; /* NULL: not shown */
    const char *started; /* when the session began, as the server writes it; NULL: not shown */
    const char *ours; /* "tenantdeck", "run 3": not to be ended from here; NULL: it is not ours */
    int64_t waits_since, transaction_since, statement_since; /* wall clock; UNKNOWN */
};

enum severity { SEVERITY_DEBUG, SEVERITY_INFO, SEVERITY_WARN, SEVERITY_ERROR };

struct event_view {
    int64_t at;
    enum severity severity;
    const char *source; /* "journal", "database", "redis", "console" */
    const char *text;
    const char *step; /* of the run; NULL: none */
};

struct asked_view { /* what somebody has asked of the run, and has not come about yet */
    const char *verb, *step, *who; /* "hold", "keys", "anna@bastion1"; step: NULL for the others */
    int64_t at;
    bool heard; /* the worker has answered, and obeys when it comes to it */
};

struct run_view {
    bool present; /* there is or was one; the rest is then known */
    int64_t id;
    const char *plan, *state, *who; /* "running", "done", …; "anna@bastion1" */
    const char *verb, *mode;        /* "migrate"; "online", "window" */
    const char *trouble;            /* why it failed or stopped; NULL */
    int64_t since;
    bool alive;                     /* its heartbeat is fresh */
    int64_t batch_ms, sleep;        /* its pace; sleep: hundredths of a batch's time; UNKNOWN */
    const struct asked_view *asked; /* what ends it soonest first */
    size_t asked_count;
};

struct snapshot {
    struct arena *arena;
    int64_t at;              /* wall clock */
    const char *environment; /* "PROD", "DEMO"; "" without a deck */
    const char *plan, *plan_title;
    bool keys_only;     /* a plan of kind cache: it has no steps and no tables, and may do without
                           a database */
    bool operator_mode; /* false: read-only */
    struct server_view database, redis;
    bool has_journal;
    int64_t journal_version;
    struct run_view run;
    struct fill_view *fills;
    size_t fill_count;
    struct tenant_view *tenants;
    size_t tenant_count;
    struct step_view *steps;
    size_t step_count;
    struct check_view *checks;
    size_t check_count;
    struct check_group *groups; /* of these checks, in their order; none: they are not summed up */
    size_t group_count;
    struct keys_view *keys;
    size_t keys_count;
    struct census_view census;
    struct holder_view *holders;
    size_t holder_count;
    struct node_view *nodes;
    size_t node_count;
    struct holding_view *holdings; /* only where one tenant is looked into */
    size_t holding_count;
    struct key_view *listed; /* only where keys are listed one by one */
    size_t listed_count;
    struct listing_view listing;
    struct login_view *logins; /* only of the verb that lists them */
    size_t login_count;
    struct metrics_view *metrics; /* likewise */
    size_t metrics_count;
    struct event_view *events; /* oldest first, bounded */
    size_t event_count;
    bool events_back;       /* they are an older stretch: newer ones are not among them */
    bool events_from_start; /* and there are no older ones */
    const char
        *events_narrow; /* "warn or worse, of step fill": what else is left out; NULL: nothing */
    struct blocker_view *blockers; /* in the order of the tree */
    size_t blocker_count;
    int64_t blockers_more; /* sessions that wait, too, and were not looked at */
    int64_t blockers_at;   /* when it was asked; UNKNOWN: never */
};

void snapshot_free(struct snapshot *snapshot); /* NULL is fine */

/*
 * The step that the run is about: under way, held before, failed, or where it was stopped. NULL:
 * the run has come to its end, or there is none.
 */
const struct step_view *snapshot_step(const struct snapshot *snapshot);

const char *step_state_name(enum step_state state);
const char *verdict_name(enum verdict verdict);
const char *severity_name(enum severity severity);

#endif
