/*
 * session: see session.h. Decides what wins: the command line before the deck, the deck before
 * --env-file, and that before the environment.
 */
#include "session.h"

#include "deck.h"
#include "env_servers.h"
#include "plan_rules.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { CONNECT_MS = 10000, REFRESH_MS = 2000 };

/* ---- the plan ---- */

/* The one plan of the working directory; NULL when there is none or more than one. */
static char *S_only_plan_here(void)
{
    glob_t found = {0};
    char *path = NULL;
    if (glob("*.plan", 0, NULL, &found) == 0 && found.gl_pathc == 1)
        path = str_format("./%s", found.gl_pathv[0]);
    globfree(&found);
    return path;
}

/*
 * A plan has commands and SQL to be run: nobody shall run a stranger's for having stood where it
 * lies.
 */
static bool S_check_found(const struct plan *plan, struct err *err)
{
    const struct file_trust trust = {.found = true, .owner = geteuid()};
    if (file_check_trust("plan", plan->path, &plan->whose, &trust, err))
        return true;
    return err_hint(err, "name another with -p; or read this one, and name it by its path: -p "
                         "./NAME.plan");
}

/* `found`: nobody has named it. */
static bool S_open_plan(const char *name, bool found, struct session *out, struct err *err)
{
    char *path = NULL;
    bool ok = plan_locate(name, &path, err) && plan_read(path, &out->plan, err);
    bool here = ok && !strchr(path, '/') && !str_is(path, name); /* by its name alone */
    free(path);
    return ok && (!(found || here) || S_check_found(out->plan, err));
}

static bool S_choose_plan(const struct session_options *options, const struct deck *deck,
                          bool needed, struct session *out, struct err *err)
{
    const char *given = options->plan ? options->plan : deck->plan;
    char *name = given ? str_dup(given) : S_only_plan_here();
    bool ok = true;
    if (name)
        ok = S_open_plan(name, !given, out, err);
    else if (needed) {
        ok = err_set(err, ERR_USAGE, "no plan is named, and this needs one");
        err_hint(err,
                 "say -p NAME ('tenantdeck plan list' shows them), or 'plan = NAME' in a deck");
    }
    free(name);
    return ok;
}

/* ---- the database ---- */

static bool S_libpq_names_one(void)
{
    static const char *const names[] = {"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE",
                                        "PGUSER"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return true;
    }
    return false;
}

static bool S_choose_database(const struct session_options *options, const struct deck *deck,
                              struct session *out, struct err *err)
{
    out->has_database = !options->no_database;
    if (options->no_database) {
        out->database.conninfo = str_dup("");
        return true;
    }
    const char *given = options->database ? options->database : deck->conninfo;
    if (given) {
        out->database.conninfo = str_dup(given);
        return true;
    }
    if (!env_database(&out->env, out->plan, &out->database, err))
        return false;
    if (out->database.conninfo)
        return true;
    /* A plan that only looks at Redis must not drag in whatever listens on this host. */
    out->has_database = !out->plan || out->plan->kind != PLAN_CACHE || S_libpq_names_one();
    out->database.conninfo = str_dup("");
    return true;
}

/* ---- Redis ---- */

static void S_prefer(char **slot, const char *value)
{
    if (!*slot)
        *slot = str_dup(value);
}

/*
 * What stands in the address goes before the deck's other lines, and those before the environment.
 */
static bool S_complete_redis(const struct session_options *options, const struct deck *deck,
                             struct session *out, struct err *err)
{
    struct redis_target *redis = &out->redis;
    if (!options->redis && !redis->path)
        S_prefer(&redis->password, deck->redis_password);
    if (!options->redis) {
        S_prefer(&redis->cacert, deck->redis_cacert);
        S_prefer(&redis->cert, deck->redis_cert);
        S_prefer(&redis->key, deck->redis_key);
        S_prefer(&redis->tls_name, deck->redis_sni);
    }
    return env_redis_fill(&out->env, out->plan, redis, err);
}

static bool S_choose_redis(const struct session_options *options, const struct deck *deck,
                           struct session *out, struct err *err)
{
    const char *url = options->redis ? options->redis : deck->redis_url;
    if (!url)
        return env_redis(&out->env, out->plan, &out->redis, &out->has_redis, err) &&
               (!out->has_redis || redis_target_check(&out->redis, err));
    if (!redis_target_parse(url, &out->redis, err))
        return false;
    out->has_redis = true;
    return S_complete_redis(options, deck, out, err) && redis_target_check(&out->redis, err);
}

/* ---- the default codes ---- */

/* DEFAULT_TENANT_CODE and its like speak for this site; the plan only for the usual one. */
static bool S_choose_default(struct session *out, enum env_meaning meaning,
                             enum plan_column_role role, const char **code, struct err *err)
{
    const char *value = NULL;
    const struct plan_column *column = plan_find_column(out->plan, role);
    if (!*code || !column)
        return true;
    if (!env_pick(&out->env, meaning, out->plan->name, &value, err))
        return false;
    if (value && !plan_code_fits(column, value))
        return err_set(err, ERR_REFUSED, "the %s '%s' does not fit into column '%s' (%s)",
                       env_meaning_name(meaning), value, column->name, column->type);
    if (value)
        *code = arena_str(out->plan->arena, value);
    return true;
}

static bool S_choose_defaults(struct session *out, struct err *err)
{
    if (!out->plan || !env_knows_plan(out->plan->name))
        return true;
    const char **key = &out->plan->mapping.default_key;
    const char *given = NULL;
    if (*key && !env_pick(&out->env, ENV_DEFAULT_ORGANIZATION_ID, out->plan->name, &given, err))
        return false;
    if (given)
        *key = arena_str(out->plan->arena, given);
    return S_choose_default(out, ENV_DEFAULT_TENANT, ROLE_TENANT,
                            &out->plan->mapping.default_tenant, err) &&
           S_choose_default(out, ENV_DEFAULT_ORGANIZATION, ROLE_ORGANIZATION,
                            &out->plan->mapping.default_organization, err);
}

/* ---- the whole ---- */

static bool S_choose(const struct session_options *options, const struct deck *deck,
                     bool needs_plan, struct session *out, struct err *err)
{
    out->environment = str_dup(deck->environment ? deck->environment : "");
    out->colour = str_dup(deck->colour ? deck->colour : "");
    out->theme = str_dup(deck->theme ? deck->theme : "default");
    out->operator_mode = options->operator_mode;
    out->refresh_ms = options->refresh_ms ? options->refresh_ms : deck->refresh_ms;
    if (!out->refresh_ms)
        out->refresh_ms = REFRESH_MS;
    return S_choose_plan(options, deck, needs_plan, out, err) &&
           S_choose_database(options, deck, out, err) && S_choose_redis(options, deck, out, err) &&
           S_choose_defaults(out, err);
}

bool session_open(const struct session_options *options, bool needs_plan, struct session *out,
                  struct err *err)
{
    struct deck deck = {0};
    char *path = deck_locate(options->deck);
    bool ok = session_open_names(options, out, err) && (!path || deck_read(path, &deck, err)) &&
              S_choose(options, &deck, needs_plan, out, err);
    deck_release(&deck);
    free(path);
    if (!ok)
        session_release(out);
    return ok;
}

bool session_open_names(const struct session_options *options, struct session *out, struct err *err)
{
    *out = (struct session){0};
    return env_read(options->env_file, &out->env, err);
}

bool environment_is_production(const char *environment)
{
    return strncasecmp(environment, "prod", strlen("prod")) == 0;
}

void session_release(struct session *session)
{
    pg_target_release(&session->database);
    redis_target_release(&session->redis);
    free(session->plan_hash);
    plan_free(session->plan);
    free(session->environment);
    free(session->colour);
    free(session->theme);
    env_release(&session->env);
    *session = (struct session){0};
}

/* ---- connecting ---- */

static bool S_ask_password(struct session *session, session_ask_fn *ask, void *ask_ctx)
{
    if (!ask)
        return false;
    char *where = pg_target_describe(&session->database);
    char *prompt = str_format("password for %s: ", where);
    char *answer = ask(ask_ctx, prompt);
    free(prompt);
    free(where);
    if (!answer)
        return false;
    str_wipe(session->database.password);
    session->database.password = answer;
    return true;
}

bool session_connect(struct session *session, struct loop *loop, const struct pg_options *options,
                     session_ask_fn *ask, void *ask_ctx, struct pg **out, struct err *err)
{
    struct err first = {0};
    *out = pg_new(loop, &session->database, options);
    if (pg_open(*out, CONNECT_MS, &first))
        return true;
    bool again = pg_wants_password(*out) && S_ask_password(session, ask, ask_ctx);
    /* A connection copies nothing of its target, yet a new one is sure to see the password. */
    pg_free(*out);
    *out = again ? pg_new(loop, &session->database, options) : NULL;
    if (again && pg_open(*out, CONNECT_MS, err))
        return true;
    if (!again)
        *err = first;
    pg_free(*out);
    *out = NULL;
    return false;
}
