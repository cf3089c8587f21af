/*
 * verb_metrics: `cache metrics`: what the service counts of its cache, and how the server does,
 * with the plan's alarms.
 */
#include "cache_metrics.h"
#include "redis_load.h"
#include "tables.h"
#include "verb_session.h"
#include "verbs.h"

#include <stdlib.h>

struct S_rows {
    struct arena *arena;
    struct metrics_view *list;
    size_t count, cap;
};

static void S_take(void *ctx, const struct cache_metrics *metrics)
{
    struct S_rows *rows = ctx;
    rows->list = mem_room(rows->list, rows->count, &rows->cap, sizeof(*rows->list));
    rows->list[rows->count++] =
        (struct metrics_view){.tenant = arena_str(rows->arena, metrics->tenant),
                              .hits = metrics->hits,
                              .misses = metrics->misses,
                              .sets = metrics->sets,
                              .deletes = metrics->deletes,
                              .errors = metrics->errors,
                              .ttl = metrics->ttl_ms >= 0 ? metrics->ttl_ms / 1000 : UNKNOWN};
}

/* ---- the servers: one, or each primary of a cluster ---- */

struct S_server {
    struct redis_load load;
    struct buf alarms;
};

struct S_servers { /* those that there were when they were asked: a cluster may have others later */
    struct S_server *list;
    size_t count;
};

static void S_read_info(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct S_server *server = ctx;
    redis_load_read(err ? "" : redis_text(reply), &server->load);
}

static bool S_ask_servers(struct keyspace *keyspace, const struct plan *plan, struct S_servers *out,
                          struct err *err)
{
    static const char *const info[] = {"INFO"};
    struct err trouble = {
        0}; /* a provider may not offer INFO, an ACL forbid it: the rest is told */
    out->count = keyspace_nodes(keyspace);
    out->list = mem_array(out->count, sizeof(*out->list));
    for (size_t i = 0; i < out->count; i++)
        if (!keyspace_send_node(keyspace, i, 1, info, NULL, S_read_info, &out->list[i], err))
            return false;
    if (!keyspace_settle(keyspace, &trouble) && trouble.kind == ERR_LOST) {
        *err = trouble;
        return false;
    }
    for (size_t i = 0; plan && i < out->count; i++)
        redis_load_alarms(&out->list[i].load, &plan->alarms, &out->list[i].alarms);
    return true;
}

static json_t *S_figure(int64_t figure)
{
    return figure >= 0 ? json_integer(figure) : json_null();
}

static json_t *S_percent(double percent)
{
    return percent >= 0 ? json_real(percent) : json_null();
}

static json_t *S_server_json(const char *name, const struct S_server *server)
{
    const struct redis_load *load = &server->load;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "server",
                     verb_json_text(name), "memory", S_figure(load->memory), "limit",
                     S_figure(load->limit), "memory_percent", S_percent(redis_load_memory(load)),
                     "connections", S_figure(load->clients), "hits", S_figure(load->hits), "misses",
                     S_figure(load->misses), "hit_rate", S_percent(redis_load_hit_rate(load)),
                     "evicted", S_figure(load->evicted), "alarms",
                     server->alarms.len ? json_string(buf_text(&server->alarms)) : json_null());
}

static void S_add_count(struct buf *out, int64_t figure)
{
    if (figure < 0)
        buf_add_char(out, '?');
    else
        text_count(out, figure);
}

static void S_print_server(FILE *out, const char *name, const struct S_server *server)
{
    const struct redis_load *load = &server->load;
    double memory = redis_load_memory(load), hit_rate = redis_load_hit_rate(load);
    struct buf line = {0};
    buf_format(&line, "%s: memory ", name);
    if (load->memory < 0)
        buf_add_char(&line, '?');
    else
        text_bytes(&line, load->memory);
    if (memory >= 0)
        buf_format(&line, memory < 0.1 ? " (<0.1 %%)" : " (%.1f %%)", memory);
    buf_add(&line, ", connections ");
    S_add_count(&line, load->clients);
    buf_add(&line, ", hits ");
    S_add_count(&line, load->hits);
    buf_add(&line, ", misses ");
    S_add_count(&line, load->misses);
    if (hit_rate >= 0)
        buf_format(&line, " (%.1f %% hits)", hit_rate);
    buf_add(&line, ", evicted ");
    S_add_count(&line, load->evicted);
    fprintf(out, "%s\n", buf_text(&line));
    if (server->alarms.len)
        fprintf(out, "ALARM at %s: %s\n", name, buf_text(&server->alarms));
    buf_release(&line);
}

/* ---- the verb ---- */

static char *S_server_name(const struct keyspace *keyspace, const struct S_servers *servers,
                           size_t node)
{
    return servers->count == 1 ? str_dup(keyspace_name(keyspace))
                               : str_format("%s, node %zu", keyspace_name(keyspace), node + 1);
}

static void S_show(struct verb_call *call, const struct keyspace *keyspace,
                   const struct S_servers *servers, const struct snapshot *snapshot)
{
    struct arrange_by by = verb_arrange(call, &metrics_table);
    json_t *list = json_array();
    struct buf text = {0};
    for (size_t i = 0; i < servers->count; i++) {
        char *name = S_server_name(keyspace, servers, i);
        call->findings |= servers->list[i].alarms.len > 0;
        if (call->json)
            json_array_append_new(list, S_server_json(name, &servers->list[i]));
        else
            S_print_server(call->out, name, &servers->list[i]);
        free(name);
    }
    if (call->json) {
        verb_answer(call, json_pack("{s:O, s:o}", "servers", list, "tenants",
                                    table_json(&metrics_table, snapshot, &by)));
    } else {
        table_print(&text, &metrics_table, snapshot, &by, call->width, call->ascii);
        fprintf(call->out, "\n%s", buf_text(&text));
    }
    buf_release(&text);
    json_decref(list);
}

bool verb_cache_metrics(struct verb_call *call, struct err *err)
{
    const struct table_def *def = &metrics_table;
    struct snapshot snapshot = {.keys_only = true};
    struct keyspace *keyspace = NULL;
    const char *tenant;
    int64_t wrong = 0;
    if (!verb_check_sort(call, &def, 1, err) || !session_tenant(call, &tenant, err) ||
        !session_open_keys(call, &keyspace, err))
        return false;
    struct S_rows rows = {.arena = arena_new()};
    struct S_servers servers = {0};
    bool ok = S_ask_servers(keyspace, call->session->plan, &servers, err) &&
              cache_metrics_read(keyspace, tenant, S_take, &rows, &wrong, err);
    snapshot.metrics = rows.list;
    snapshot.metrics_count = rows.count;
    if (ok)
        S_show(call, keyspace, &servers, &snapshot);
    if (ok && wrong && !call->json)
        fprintf(call->out, "%lld keys of that name hold no counters\n", (long long)wrong);
    for (size_t i = 0; i < servers.count; i++)
        buf_release(&servers.list[i].alarms);
    free(servers.list);
    free(rows.list);
    arena_free(rows.arena);
    keyspace_free(keyspace);
    return ok;
}
