/*
 * plan: a file that says what is to be migrated, as a struct.
 *
 * A plan says what, never how: no conditions, no expressions, no SQL. plan_read() refuses all that
 * it does not know, with file:line; whether the plan fits a live database is plan_check.h's
 * question. tenantdeck-plan(5) describes the format.
 */
#ifndef TD_PLAN_H
#define TD_PLAN_H

#include "csvmap.h"
#include "err.h"

enum plan_kind { PLAN_COLUMNS, PLAN_IMPORT, PLAN_REGISTRY, PLAN_CACHE, PLAN_KINDS };

/* Where a row finds its codes. */
enum plan_source {
    FROM_OWN,      /* own COLUMN: a column of its own holds the mapping's key */
    FROM_USER,     /* user COLUMN: by the user it names, and that user's organization */
    FROM_PARENT,   /* parent TABLE.COLUMN by COLUMN: what its parent row has */
    FROM_CONSTANT, /* constant: the mapping's default */
    PLAN_SOURCES,
};

/* What becomes of a row whose source is NULL, '0' or leads nowhere. */
enum plan_orphans { ORPHANS_REFUSE, ORPHANS_DEFAULT, ORPHANS_PARK, PLAN_ORPHANS };

struct plan_names { /* a list of column names */
    const char **names;
    size_t count;
};

struct plan_key {     /* primary key, unique, index: its columns */
    const char *name; /* of the index, NULL: chosen from table and columns */
    /* A unique index or constraint that goes, and whose WHERE the new one takes over; or NULL. */
    const char *replaces;
    struct plan_names columns;
    int line;
};

struct plan_reference { /* foreign key = tenant_code session_id -> sessions tenant_code id */
    struct plan_names columns;
    const char *table;
    struct plan_names target;
    int line;
};

struct plan_table {
    const char *name;
    int line;
    bool optional; /* no error when the database does not have it */
    enum plan_source source;
    const char *source_column;                /* NULL for FROM_CONSTANT */
    const char *parent_table, *parent_column; /* FROM_PARENT */
    enum plan_orphans orphans;
    struct plan_names columns;   /* which of the plan's columns it gets */
    struct plan_names not_null;  /* which of them become NOT NULL */
    struct plan_key primary_key; /* count 0: stays as it is */
    struct plan_key *uniques, *indexes;
    size_t unique_count, index_count;
    struct plan_reference *references;
    size_t reference_count;
};

enum plan_column_role { ROLE_TENANT, ROLE_ORGANIZATION, PLAN_ROLES };

struct plan_column {
    const char *name; /* "tenant_code" */
    const char *type; /* "varchar(255)" */
    enum plan_column_role role;
    int line;
};

struct plan_keys { /* [keys "sessions"]: Redis keys the plan knows */
    const char *name;
    const char *pattern;  /* "sessions:{org}:*": {org}, {tenant}, {id} stand for one segment */
    int64_t ttl;          /* seconds; 0: no policy */
    const char *ttl_name; /* an environment name that gives the policy when it is set; NULL: none */
    const char *row_table, *row_column; /* where the {id} is a row's; NULL: not told */
    struct plan_names events; /* "organization", …: when such a thing changes, they are stale */
    bool foreign;             /* foreign = true: never touched (bull:*) */
    int line;
};

struct plan_outside {     /* [outside "schema"]: a step that is a command of somebody else */
    const char *step;     /* "schema", "dependencies", "schema-new", "seed" */
    const char *folder;   /* where it runs; NULL: nobody knows where, and the step is skipped */
    const char **command; /* its words, ended by NULL; no shell ever sees them */
    const char **undo;    /* likewise; NULL: only a restore takes it back */
    const char **failure; /* texts of its output that betray a failure in spite of exit 0 */
    int64_t timeout;      /* seconds */
    int line;
};

struct plan_file {    /* a .sql file beside the plan: [functions], [views], [warm "name"] */
    const char *name; /* of [warm "name"]; else NULL */
    const char *path;
    struct file_trust trust;
    const char *key; /* of [warm]: the Redis keys to set, "tenant:{tenant}:..."; else NULL */
    int64_t ttl;     /* of [warm]: seconds; 0: the keys do not expire */
    int line;
};

enum { PLAN_SLEEP_MOST = 1000 }; /* ten times as long as it works */

struct plan_limits {     /* [throttle]; 0 or NULL: no limit */
    int64_t batch_ms;    /* how long one batch should take */
    int64_t pages;       /* of a table, in one batch, at most */
    int64_t sleep;       /* after each batch: hundredths of the time that it took */
    int64_t lag_ms;      /* of the slowest replica */
    int64_t waiters;     /* sessions that wait for a lock */
    int64_t active;      /* sessions at work */
    int64_t archive;     /* WAL files that wait for the archiver */
    int64_t patience_ms; /* with transactions that see the rows as they were */
    const char *query;   /* path of a .sql file whose one value must be true or 0 to go on */
    struct file_trust query_trust;
    const char *file; /* while this file is there, nothing goes on */
};

enum { PLAN_TTL_MOST = 10 * 366 * 86400 }; /* seconds that a key may live by a policy */

enum { PLAN_SESSIONS_PER_USER = 5 }; /* unless the plan says otherwise, or where there is none */

struct plan_sessions { /* [sessions]: how the service keeps who is logged in */
    int64_t per_user;  /* how many one user may have at a time */
    bool fixed;        /* a session ends at its time, whatever its user does; else it slides */
};

struct plan_alarms {  /* [alarms]: what of Redis wants to be looked at; 0: never */
    int64_t memory;   /* percent of its limit that it uses, or more */
    int64_t clients;  /* more connections than these */
    int64_t hit_rate; /* fewer percent of the reads than these found their key */
};

struct plan {
    struct arena *arena;
    const char *path, *name, *title;
    struct file_whose whose; /* of its file */
    enum plan_kind kind;
    const char *schema; /* where its tables are: "public" */
    bool distribute;    /* the tables are to be spread over a Citus cluster, by tenant */
    struct {
        /* Beside the plan file; when there is none, in the working directory. NULL: no mapping. */
        const char *path;
        int line;
        struct csvmap_shape shape;
        const char *default_key, *default_organization, *default_tenant; /* NULL: none */
        /* The table that tells a user's organization: user_extensions.user_id -> organization_id */
        const char *user_table, *user_column, *user_key;
    } mapping;
    struct plan_column *columns;
    size_t column_count;
    struct plan_table *tables;
    size_t table_count;
    struct plan_names ignored; /* tables that carry a tenant-bearing column and get none, said so */
    struct plan_names bearing; /* column names that make a table tenant-bearing, for coverage */
    struct plan_keys *keys;
    size_t key_count;
    const char *service; /* the service's folder; NULL: none, and the outside steps are skipped */
    const char *migrations; /* the folder of its Sequelize migrations; NULL: none is known */
    struct plan_outside *outsides;
    size_t outside_count;
    struct plan_file *functions, *views, *warms;
    size_t function_count, view_count, warm_count;
    struct plan_limits limits;
    struct plan_sessions sessions;
    struct plan_alarms alarms;
};

bool plan_read(const char *path, struct plan **out, struct err *err);
void plan_free(struct plan *plan); /* NULL is fine */

const struct plan_table *plan_find_table(const struct plan *plan, const char *name);
const struct plan_column *plan_find_column(const struct plan *plan, enum plan_column_role role);
bool plan_names_has(const struct plan_names *names, const char *name);

const char *plan_kind_name(enum plan_kind kind);       /* "columns" */
const char *plan_source_name(enum plan_source source); /* "own", "user", "parent", "constant" */
const char *plan_orphans_name(enum plan_orphans orphans);
const char *plan_role_name(enum plan_column_role role); /* "tenant", "organization" */

/*
 * Finds a plan by name ("mentoring") or path ("./site.plan"): the working directory's name.plan,
 * then $XDG_CONFIG_HOME/tenantdeck/plans, then the installed ones (TENANTDECK_DATADIR/plans when
 * that is set, so that a program which is not installed finds its own). `*path` is yours.
 */
bool plan_locate(const char *name, char **path, struct err *err);
/* Calls `each` with the path of every plan that plan_locate() would find by name, sorted. */
void plan_each_installed(void (*each)(void *ctx, const char *path), void *ctx);

#endif
