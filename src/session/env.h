/*
 * env: every environment name of the documents the plans come from, in one table.
 *
 * For each name: the plan it belongs to, what it means, whether it is a secret. A value comes from
 * the process's environment or from --env-file (which wins); two names of one thing that disagree
 * are a conflict, shown by `tenantdeck env` and refused where it matters.
 */
#ifndef TD_ENV_H
#define TD_ENV_H

#include "err.h"

enum env_meaning {
    ENV_DATABASE_URL,
    ENV_DATABASE_HOST,
    ENV_DATABASE_PORT,
    ENV_DATABASE_USER,
    ENV_DATABASE_PASSWORD,
    ENV_TENANT_DATABASE_URL,
    ENV_REDIS_PROVIDER,
    ENV_REDIS_HOST,
    ENV_REDIS_PORT,
    ENV_REDIS_USER,
    ENV_REDIS_PASSWORD,
    ENV_REDIS_TLS,
    ENV_REDIS_CACERT,
    ENV_REDIS_CERT,
    ENV_REDIS_KEY,
    ENV_REDIS_SNI,
    ENV_REST_URL,
    ENV_REST_TOKEN,
    ENV_TTL_ORGANIZATION,
    ENV_TTL_SESSION,
    ENV_TTL_USER,
    ENV_DEFAULT_TENANT,
    ENV_DEFAULT_ORGANIZATION,
    ENV_DEFAULT_ORGANIZATION_ID,
    ENV_TENANT_ISOLATION,
    ENV_CACHE,    /* whether the service caches at all, and how: each name its own thing */
    ENV_RUN_MODE, /* NODE_ENV, APPLICATION_ENV: which of several URLs a service takes */
    ENV_SERVICE,  /* the service's own business: each name its own thing, listed and never used */
    ENV_MEANINGS,
};

struct env_name {
    const char *name;
    const char *plan; /* "mentoring", "chat", "tenants", "registry", "sessions"; more with blanks */
    enum env_meaning meaning;
    bool secret;      /* the whole value is masked; a URL only loses its password */
    const char *mode; /* counts only in this run mode: "production"; NULL: in all */
    const char *note; /* what it does, and what reads it */
};

extern const struct env_name env_names[];
extern const size_t env_name_count;

enum env_source { ENV_UNSET, ENV_PROCESS, ENV_FILE };

struct env_entry {
    enum env_source source;
    char *value; /* NULL when unset */
    int line;    /* in the file */
};

struct env {
    char *file;                /* of --env-file; NULL: none */
    struct env_entry *entries; /* one for each of env_names */
};

/* KEY=VALUE lines as dotenv reads them: export, 'single', "double" with \n, # comments. */
bool env_read(const char *file, struct env *out, struct err *err);
void env_release(struct env *env);

/*
 * The value that wins for a meaning under a plan (NULL: any): file before process, then the order
 * of the table. NULL when none is set. Two that disagree: ERR_REFUSED, naming both.
 */
bool env_pick(const struct env *env, enum env_meaning meaning, const char *plan, const char **value,
              struct err *err);

/* Do the names know this plan? A site's own plan they do not. */
bool env_knows_plan(const char *plan);
/* "production", "test" or "development" (the default), as the services tell it; may conflict. */
bool env_run_mode(const struct env *env, const char **mode, struct err *err);

/* The value as it may be shown: secrets as "********", the password of a URL likewise; yours. */
char *env_masked(const struct env_name *name, const char *value);
const char *env_meaning_name(enum env_meaning meaning);
const char *env_source_name(enum env_source source);
/* The index of the entry that wins for the same meaning and plan; -1: none is set. */
int env_winner(const struct env *env, size_t index);
/* Another name of the same meaning and plan is set to something else. */
bool env_conflicts(const struct env *env, size_t index);
/* It is set, and the run mode (NODE_ENV) lets it count. */
bool env_counts(const struct env *env, size_t index);

#endif
