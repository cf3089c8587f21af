/*
 * verb_migrations: the verb migrations: which of the service's own migrations this database has,
 * and which are still pending. It only reads; whoever wants them run has the steps schema and
 * schema-new.
 */
#include "verbs.h"

#include "sequelize.h"

#include <stdlib.h>

static void S_print_list(const struct verb_call *call, const struct sequelize *state)
{
    for (size_t i = 0; i < state->count; i++) {
        char *name = text_cleaned(state->list[i].name);
        fprintf(call->out, "%-8s %s\n", sequelize_state_name(state->list[i].state), name);
        free(name);
    }
}

static void S_print(const struct verb_call *call, const struct sequelize *state)
{
    char *tables = text_cleaned(state->tables ? state->tables : "");
    S_print_list(call, state);
    if (!state->tables)
        fprintf(call->out, "%sno table of migrations in this database: none was ever run here\n",
                state->count ? "\n" : "");
    else
        fprintf(call->out, "%sas %s tells: %zu up", state->count ? "\n" : "", tables,
                state->counts[SEQUELIZE_UP]);
    if (state->tables && state->has_folder)
        fprintf(call->out, ", %zu pending, %zu unknown: run, and without a file now\n",
                state->counts[SEQUELIZE_PENDING], state->counts[SEQUELIZE_UNKNOWN]);
    else if (state->tables)
        fputc('\n', call->out);
    if (!state->has_folder)
        fprintf(call->out, "which are pending is not known, since the plan names no folder of "
                           "migrations, or no service folder\n");
    free(tables);
}

static json_t *S_json(const struct sequelize *state)
{
    json_t *list = json_array();
    for (size_t i = 0; i < state->count; i++)
        json_array_append_new(list,
                              json_pack("{s:o, s:s}", "name", verb_json_text(state->list[i].name),
                                        "state", sequelize_state_name(state->list[i].state)));
    return json_pack("{s:o, s:{s:I, s:o, s:o}, s:o}", "tables", verb_json_text(state->tables),
                     "summary", "up", (json_int_t)state->counts[SEQUELIZE_UP], "pending",
                     state->has_folder ? json_integer((json_int_t)state->counts[SEQUELIZE_PENDING])
                                       : json_null(),
                     "unknown",
                     state->has_folder ? json_integer((json_int_t)state->counts[SEQUELIZE_UNKNOWN])
                                       : json_null(),
                     "migrations", list);
}

bool verb_migrations(struct verb_call *call, struct err *err)
{
    const struct plan *plan = call->session->plan;
    struct sequelize state;
    struct pg *pg = NULL;
    struct arena *arena = arena_new();
    bool ok = verb_connect(call, &pg, err) &&
              sequelize_read(pg, plan->schema, plan->migrations, arena, &state, err);
    pg_free(pg);
    if (ok && call->json)
        verb_answer(call, S_json(&state));
    else if (ok)
        S_print(call, &state);
    call->findings = ok && state.counts[SEQUELIZE_PENDING] > 0;
    arena_free(arena);
    return ok;
}
