/*
 * parts: what the sampler has learned so far, part by part, each as old as its last answer.
 *
 * probes.c lists what is asked, gather.c turns answers into parts, assemble.c turns parts into a
 * snapshot; only the sampler holds them. Nothing outside of these includes this file.
 */
#ifndef TD_PARTS_H
#define TD_PARTS_H

#include "census.h"
#include "log_window.h"
#include "nodes.h"
#include "pg.h"
#include "redis_load.h"
#include "session.h"
#include "snapshot.h"
#include "tally.h"

enum count_state { COUNT_IDLE, COUNT_WANTED, COUNT_RUNNING };

struct fact { /* about one table of the plan */
    bool exists, has_tenant, has_organization;
    int64_t rows, with_tenant, with_organization; /* estimates of the server; UNKNOWN */
    int64_t estimated_at;                         /* when it last looked; UNKNOWN */
    int64_t pages, bytes;
    char *changes;     /* its counters of changes and its file: equal means no row has changed */
    char *primary_key; /* "id, user_id" */
    char *count_sql;   /* the statement that counts it exactly, made by the server */

    enum count_state count_state;
    int64_t counted_at; /* UNKNOWN: never */
    int64_t counted_rows, counted_tenant, counted_organization;
    char *counted_changes; /* `changes` before that count began */
    int64_t asked_at;      /* wall clock, when the count under way began */
    char *asked_changes;   /* `changes` at that time */
    int64_t filled;        /* rows that the fill under way has done; UNKNOWN: none is */
    int64_t filled_at;     /* when the journal said so */
    bool filled_all;       /* it is done with this table */
    bool by_request;       /* somebody asked: no limit of size or time */
    bool given_up;         /* it failed, or took too long unasked: not again by itself */
};

struct server { /* one of the two servers, as the banner tells it */
    enum server_state state;
    char *where, *version, *role, *trouble;
    char *hint;          /* what to do about the trouble; NULL or "" */
    int64_t answered_at; /* wall clock; UNKNOWN: never */
    int64_t asked_at;    /* monotonic; UNKNOWN: nothing is under way */
    int64_t clients, memory, keys;
    struct redis_load load; /* of Redis alone */
};

enum { NOTES_KEPT = 200 };

struct part_list { /* rows of one answer, replaced as a whole by the next */
    struct arena *arena;
    void *rows;
    size_t count;
};

struct parts {
    const struct session *session;
    char *plan_json;
    struct tally *tally;   /* NULL without a plan */
    struct census *census; /* never NULL */
    struct nodes *nodes;   /* of Redis; never NULL */

    struct server database, redis;
    struct fact *facts; /* one for each table of the plan */
    size_t fact_count;

    bool has_journal, may_read_journal;
    int64_t journal_version;
    struct run_view run; /* its strings are in run_arena */
    struct arena *run_arena;
    struct part_list asked;    /* struct asked_view, of the run */
    struct part_list steps;    /* struct step_view, of the run */
    struct part_list checks;   /* struct check_view, of check_plan */
    struct part_list mapping;  /* struct check_view, of the mapping file */
    struct part_list findings; /* struct check_view, of the journal */
    int64_t findings_event;    /* the newest event when they were asked for */

    struct part_list blockers; /* struct blocker_view, in the order of the tree */
    int64_t blockers_more, blockers_at;
    struct part_list workers; /* struct node_view, of Citus */

    struct log_window log; /* of the journal */
    int64_t last_event;
    struct note *notes; /* of the console, oldest first */
    size_t note_count;
};

void parts_init(struct parts *parts, const struct session *session);
void parts_release(struct parts *parts);
void parts_note(struct parts *parts, enum severity severity, const char *source, const char *text);

/* Each takes the answer to the statement it is named after. */
void gather_server(struct parts *parts, const struct pg_result *result);
void gather_tables(struct parts *parts, const struct pg_result *result);
void gather_plan_check(struct parts *parts, const struct pg_result *result);
void gather_journal_look(struct parts *parts, const struct pg_result *result);
void gather_journal_overview(struct parts *parts, const struct pg_result *result);
void gather_journal_asked(struct parts *parts, const struct pg_result *result);
void gather_journal_steps(struct parts *parts, const struct pg_result *result);
void gather_journal_fill(struct parts *parts, const struct pg_result *result);
void gather_journal_events(struct parts *parts, const struct pg_result *result);
void gather_journal_newer(struct parts *parts, const struct pg_result *result);
void gather_journal_first(struct parts *parts, const struct pg_result *result);
void gather_journal_older(struct parts *parts, const struct pg_result *result);
void gather_journal_findings(struct parts *parts, const struct pg_result *result);
void gather_blockers(struct parts *parts, const struct pg_result *result);
void gather_blockers_children(struct parts *parts, const struct pg_result *result);
void gather_nodes_citus(struct parts *parts, const struct pg_result *result);
/* An exact count of one table: rows (key, tenant, rows, with_tenant, with_organization). */
void gather_count(struct parts *parts, size_t table, const struct pg_result *result);
/* What the nodes have said becomes the figures of the one Redis of the banner. */
void gather_redis(struct parts *parts);

/*
 * The step of the run that fills the tables, when it has begun and not come to its end; else NULL.
 */
const struct step_view *parts_filling(const struct parts *parts);
/* The count of this table is exact, and no row has changed since. */
bool fact_is_counted(const struct fact *fact);

struct snapshot *assemble(const struct parts *parts);

#endif
