/*
 * verb_plan: the verbs that read plans: list, show, check. Only `check` asks a server.
 */
#include "verbs.h"

#include "cache_check.h"
#include "kind.h"
#include "plan_check.h"
#include "plan_json.h"
#include "sql.h"
#include "tables.h"
#include "verb_help.h"

#include <stdlib.h>
#include <string.h>

enum { REDIS_OPEN_MS = 10000 };

/* ---- plan list ---- */

struct S_listing {
    struct verb_call *call;
    json_t *plans;
};

static void S_list_json(json_t *plans, const char *path, const struct plan *plan,
                        const struct err *err)
{
    if (plan)
        json_array_append_new(plans,
                              json_pack("{s:o, s:s, s:o, s:o}", "name", verb_json_text(plan->name),
                                        "kind", plan_kind_name(plan->kind), "title",
                                        verb_json_text(plan->title), "path", verb_json_text(path)));
    else
        json_array_append_new(plans, json_pack("{s:o, s:o}", "path", verb_json_text(path),
                                               "trouble", verb_json_text(err->text)));
}

static void S_list_one(void *ctx, const char *path)
{
    struct S_listing *listing = ctx;
    struct err err = {0};
    struct plan *plan = NULL;
    bool ok = plan_read(path, &plan, &err);
    S_list_json(listing->plans, path, ok ? plan : NULL, &err);
    if (!listing->call->json) {
        char *text = text_cleaned(!ok ? err.text : plan->title ? plan->title : "");
        char *name = text_cleaned(ok ? plan->name : "(unreadable)");
        fprintf(listing->call->out, "%-14s %-9s %s\n", name, ok ? plan_kind_name(plan->kind) : "",
                text);
        free(name);
        free(text);
    }
    plan_free(plan);
}

bool verb_plan_list(struct verb_call *call, struct err *err)
{
    (void)err;
    struct S_listing listing = {.call = call, .plans = json_array()};
    plan_each_installed(S_list_one, &listing);
    if (call->json)
        verb_answer(call, json_pack("{s:O}", "plans", listing.plans));
    else if (!json_array_size(listing.plans))
        fprintf(call->out, "no plan is installed, and none is here\n");
    json_decref(listing.plans);
    return true;
}

/* ---- plan show ---- */

static void S_print_list(FILE *out, const struct plan_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        fprintf(out, "%s%s", i ? ", " : "", names->names[i]);
}

static void S_print_names(FILE *out, const char *title, const struct plan_names *names)
{
    if (!names->count)
        return;
    fprintf(out, "  %s ", title);
    S_print_list(out, names);
    fputc('\n', out);
}

static void S_print_key(FILE *out, const char *title, const struct plan_key *key)
{
    if (!key->columns.count)
        return;
    fprintf(out, "  %s ", title);
    S_print_list(out, &key->columns);
    if (key->name)
        fprintf(out, ", named %s", key->name);
    if (key->replaces)
        fprintf(out, ", replacing %s", key->replaces);
    fputc('\n', out);
}

static void S_print_reference(FILE *out, const struct plan_reference *reference)
{
    fputs("  foreign key ", out);
    S_print_list(out, &reference->columns);
    fprintf(out, " -> %s (", reference->table);
    S_print_list(out, &reference->target);
    fputs(")\n", out);
}

static void S_print_source(FILE *out, const struct plan_table *table)
{
    fprintf(out, "  codes from %s", plan_source_name(table->source));
    if (table->source == FROM_PARENT)
        fprintf(out, " %s.%s by %s", table->parent_table, table->parent_column,
                table->source_column);
    else if (table->source_column)
        fprintf(out, " %s", table->source_column);
    fprintf(out, ", orphans: %s%s\n", plan_orphans_name(table->orphans),
            table->optional ? ", may be missing" : "");
}

static void S_print_table(FILE *out, const struct plan_table *table)
{
    fprintf(out, "\n%s\n", table->name);
    S_print_source(out, table);
    S_print_names(out, "gets", &table->columns);
    S_print_names(out, "not null", &table->not_null);
    S_print_key(out, "primary key", &table->primary_key);
    for (size_t i = 0; i < table->unique_count; i++)
        S_print_key(out, "unique", &table->uniques[i]);
    for (size_t i = 0; i < table->index_count; i++)
        S_print_key(out, "index", &table->indexes[i]);
    for (size_t i = 0; i < table->reference_count; i++)
        S_print_reference(out, &table->references[i]);
}

static void S_print_keys(FILE *out, const struct plan *plan)
{
    int width = 0;
    for (size_t i = 0; i < plan->key_count; i++)
        if ((int)strlen(plan->keys[i].name) > width)
            width = (int)strlen(plan->keys[i].name);
    if (plan->key_count)
        fprintf(out, "\nRedis keys\n");
    for (size_t i = 0; i < plan->key_count; i++) {
        const struct plan_keys *keys = &plan->keys[i];
        fprintf(out, "  %-*s  %s", width, keys->name, keys->pattern);
        if (keys->ttl)
            fprintf(out, "  %lld s", (long long)keys->ttl);
        fprintf(out, "%s\n", keys->foreign ? "  foreign: never touched" : "");
    }
}

/* As the plan has it: a word with a blank in quotes. */
static void S_print_words(FILE *out, const char *title, const char *const *words)
{
    if (!words)
        return;
    fprintf(out, "  %-10s", title);
    for (; *words; words++)
        fprintf(out, **words && !strpbrk(*words, " \t\"") ? " %s" : " \"%s\"", *words);
    fputc('\n', out);
}

static void S_print_outside(FILE *out, const struct plan_outside *outside)
{
    fprintf(out, "\nCommand of step %s\n", outside->step);
    S_print_words(out, "runs", (const char *const *)outside->command);
    S_print_words(out, "undo", (const char *const *)outside->undo);
    for (const char **text = outside->failure; *text; text++)
        fprintf(out, "  %-10s when it says '%s'\n", "fails", *text);
    if (outside->folder)
        fprintf(out, "  %-10s %s, at most %lld s\n", "in", outside->folder,
                (long long)outside->timeout);
    else
        fprintf(out, "  %-10s since the plan names no service folder\n", "skipped");
}

static void S_print_files(FILE *out, const char *title, const struct plan_file *files, size_t count)
{
    if (count)
        fprintf(out, "\n%s\n", title);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %s", files[i].path);
        if (files[i].key)
            fprintf(out, " into %s", files[i].key);
        if (files[i].ttl)
            fprintf(out, ", %lld s", (long long)files[i].ttl);
        fputc('\n', out);
    }
}

static void S_print_limit(FILE *out, int64_t value, const char *unit, const char *what)
{
    if (value)
        fprintf(out, "  %lld%s%s\n", (long long)value, unit, what);
}

static void S_print_limits(FILE *out, const struct plan_limits *limits)
{
    static const struct plan_limits none;
    if (memcmp(limits, &none, sizeof(none)) == 0)
        return;
    fprintf(out, "\nLimits\n");
    S_print_limit(out, limits->batch_ms, " ms", " for a batch");
    S_print_limit(out, limits->pages, " pages", " in a batch");
    if (limits->sleep)
        fprintf(out, "  sleeps %g times as long after it\n", (double)limits->sleep / 100);
    S_print_limit(out, limits->lag_ms, " ms", " of lag of a replica");
    S_print_limit(out, limits->waiters, " sessions", " that wait for a lock");
    S_print_limit(out, limits->active, " sessions", " at work");
    S_print_limit(out, limits->archive, " WAL files", " that wait for the archiver");
    S_print_limit(out, limits->patience_ms, " ms",
                  " of patience with transactions that see old rows");
    if (limits->query)
        fprintf(out, "  what %s says\n", limits->query);
    if (limits->file)
        fprintf(out, "  not while %s is there\n", limits->file);
}

/* What a service of this kind keeps of who is logged in, and when somebody wants to be told. */
static void S_print_redis(FILE *out, const struct plan *plan)
{
    const struct plan_alarms *alarms = &plan->alarms;
    if (plan->kind == PLAN_CACHE)
        fprintf(out, "\nSessions\n  %lld of one user at the most; each %s\n",
                (long long)plan->sessions.per_user,
                plan->sessions.fixed ? "ends at its time"
                                     : "gets its whole time again when it is used");
    if (alarms->memory || alarms->clients || alarms->hit_rate)
        fprintf(out, "\nAlarms\n");
    S_print_limit(out, alarms->memory, " %", " of Redis's memory, or more");
    S_print_limit(out, alarms->clients, "", " connections, and one more");
    S_print_limit(out, alarms->hit_rate, " %", " of the reads that find their key, or fewer");
}

static void S_print_means(FILE *out, const struct plan *plan)
{
    for (size_t i = 0; i < plan->outside_count; i++)
        S_print_outside(out, &plan->outsides[i]);
    S_print_files(out, "Functions from", plan->functions, plan->function_count);
    S_print_files(out, "Views from", plan->views, plan->view_count);
    S_print_files(out, "Keys to be warmed", plan->warms, plan->warm_count);
    S_print_limits(out, &plan->limits);
    S_print_redis(out, plan);
}

static void S_print_steps(FILE *out, const struct step_def *const *steps, size_t count, int width)
{
    enum { NAMES = 25 };
    if (count)
        fprintf(out, "\nSteps\n");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %-13s %-8s ", steps[i]->name, step_type_name(steps[i]->type));
        help_wrap(out, steps[i]->does, NAMES, NAMES, width);
        if (!steps[i]->undo)
            continue;
        fprintf(out, "  %-13s %-8s ", "", "undo");
        help_wrap(out, steps[i]->undo, NAMES, NAMES, width);
    }
}

static void S_print_plan(FILE *out, const struct plan *plan, const struct step_def *const *steps,
                         size_t count, int width)
{
    fprintf(out, "%s: %s\n", plan->name, plan->title ? plan->title : "");
    fprintf(out, "kind %s, file %s\n", plan_kind_name(plan->kind), plan->path);
    if (plan->mapping.path)
        fprintf(out, "mapping %s\n", plan->mapping.path);
    for (size_t i = 0; i < plan->table_count; i++)
        S_print_table(out, &plan->tables[i]);
    S_print_keys(out, plan);
    S_print_means(out, plan);
    S_print_steps(out, steps, count, width);
}

/* A plan is a file, so its words pass the sanitiser before they reach a terminal: all at once. */
static void S_print_plan_clean(const struct verb_call *call, const struct plan *plan,
                               const struct step_def *const *steps, size_t count)
{
    char *raw = NULL;
    size_t len;
    struct buf clean = {0};
    FILE *out = open_memstream(&raw, &len);
    if (!out)
        die("out of memory: a plan could not be printed");
    S_print_plan(out, plan, steps, count, call->width);
    fclose(out);
    text_clean_lines(&clean, raw, len);
    fputs(buf_text(&clean), call->out);
    buf_release(&clean);
    free(raw);
}

static json_t *S_steps_json(const struct step_def *const *steps, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "name", steps[i]->name,
                                              "type", step_type_name(steps[i]->type), "does",
                                              steps[i]->does, "undo", steps[i]->undo));
    return list;
}

static void S_answer_plan(struct verb_call *call, const struct plan *plan,
                          const struct step_def *const *steps, size_t count)
{
    char *text = plan_to_json(plan);
    json_t *definition = json_loads(text, 0, NULL);
    verb_answer(call,
                json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "plan", verb_json_text(plan->name),
                          "kind", plan_kind_name(plan->kind), "title", verb_json_text(plan->title),
                          "path", verb_json_text(plan->path), "definition",
                          definition ? definition : json_null(), "steps",
                          S_steps_json(steps, count)));
    free(text);
}

static bool S_read_named(const char *name, struct plan **out, struct err *err)
{
    char *path = NULL;
    bool ok = plan_locate(name, &path, err) && plan_read(path, out, err);
    free(path);
    return ok;
}

bool verb_plan_show(struct verb_call *call, struct err *err)
{
    struct plan *named = NULL;
    if (call->arg_count && !S_read_named(call->args[0], &named, err))
        return false;
    const struct plan *plan = named ? named : call->session->plan;
    if (!plan) {
        err_set(err, ERR_USAGE, "no plan is named");
        return err_hint(err, "'tenantdeck plan list' shows those there are");
    }
    struct arena *arena = arena_new();
    const struct step_def **steps;
    size_t count = kind_steps(plan, arena, &steps);
    if (call->json)
        S_answer_plan(call, plan, steps, count);
    else
        S_print_plan_clean(call, plan, steps, count);
    arena_free(arena);
    plan_free(named);
    return true;
}

/* ---- plan check ---- */

/*
 * The mapping's checks and the catalog's, as one snapshot, which is what tables are printed from.
 */
static bool S_check(struct verb_call *call, struct pg *pg, struct snapshot *out, struct err *err)
{
    struct pg_result *result = NULL;
    char *plan = plan_to_json(call->session->plan);
    const char *values[] = {plan};
    bool ok = pg_run(pg, sql_get("check_plan"), values, 1, &result, err);
    free(plan);
    if (!ok)
        return err_context(err, "plan check");
    struct check_view *mapping, *catalog;
    size_t m = plan_check_mapping(call->session->plan, out->arena, &mapping);
    size_t c = plan_check_read(result, out->arena, &catalog);
    pg_result_free(result);
    out->checks = arena_array(out->arena, m + c, sizeof(*out->checks));
    for (size_t i = 0; i < m + c; i++)
        out->checks[i] = i < m ? mapping[i] : catalog[i - m];
    out->check_count = m + c;
    return true;
}

/* Of every further node of a cluster only what depends on the server. */
static void S_add_node(const struct plan *plan, const char *name, const char *info,
                       struct snapshot *out)
{
    struct check_view *checks;
    size_t count = cache_check(plan, info, out->arena, &checks);
    struct check_view *all = arena_array(out->arena, out->check_count + count, sizeof(*all));
    bool further = out->check_count > 0;
    if (further)
        memcpy(all, out->checks, out->check_count * sizeof(*all));
    for (size_t i = 0; i < count; i++) {
        if (str_is(checks[i].group, "server"))
            checks[i].subject = arena_format(out->arena, "%s of %s", checks[i].subject, name);
        else if (further)
            continue; /* about the plan, and said already */
        all[out->check_count++] = checks[i];
    }
    out->checks = all;
}

/* A provider may not offer INFO, an ACL forbid it: what it would tell is not known then. */
static bool S_ask_info(struct redis *redis, size_t node, struct redis_reply **out, struct err *err)
{
    static const char *const info[] = {"INFO"};
    struct err refused = {0};
    if (redis_run_node(redis, node, ARRAY_LEN(info), info, out, &refused))
        return true;
    if (refused.kind == ERR_LOST)
        *err = refused;
    return refused.kind != ERR_LOST;
}

/* What there is to ask of a plan of kind cache: the plan itself, and one INFO of each server. */
static bool S_check_cache(struct verb_call *call, struct snapshot *out, struct err *err)
{
    const struct plan *plan = call->session->plan;
    struct redis *redis = redis_new(call->loop, &call->session->redis);
    bool ok = redis_open(redis, REDIS_OPEN_MS, err);
    for (size_t node = 0; ok && node < redis_nodes(redis); node++) {
        struct redis_reply *reply = NULL;
        char *name = str_dup(redis_node(redis, node)->name); /* it may have another number later */
        ok = S_ask_info(redis, node, &reply, err);
        const char *info = reply ? redis_text(reply) : "";
        if (ok && redis_is_cluster(redis))
            S_add_node(plan, name, info, out);
        else if (ok)
            out->check_count = cache_check(plan, info, out->arena, &out->checks);
        redis_reply_free(reply);
        free(name);
    }
    redis_free(redis);
    return ok;
}

static bool S_check_catalog(struct verb_call *call, struct snapshot *out, struct err *err)
{
    struct pg *pg;
    if (!verb_connect(call, &pg, err))
        return false;
    bool ok = S_check(call, pg, out, err);
    pg_free(pg);
    return ok;
}

bool verb_plan_check(struct verb_call *call, struct err *err)
{
    bool of_keys = call->session->plan->kind == PLAN_CACHE;
    struct snapshot snapshot = {.plan = call->session->plan->name,
                                .plan_title = "",
                                .environment = call->session->environment};
    const struct table_def *def = &table_defs[TABLE_VALIDATION];
    if (!verb_check_sort(call, &def, 1, err))
        return false;
    snapshot.arena = arena_new();
    bool ok = of_keys ? S_check_cache(call, &snapshot, err) : S_check_catalog(call, &snapshot, err);
    if (ok)
        verb_show_checks(call, &snapshot, false);
    arena_free(snapshot.arena);
    return ok;
}
