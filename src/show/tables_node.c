/*
 * tables_node: the table of the servers behind Redis and Citus: who has which part, and how it is.
 *
 * A node that does not answer keeps the figures of its last answer, marked as such, and never 0.
 */
#include "cell.h"
#include "clock.h"
#include "detail.h"
#include "tables_parts.h"

enum {
    NODE_NAME,
    NODE_ROLE,
    NODE_STATE,
    NODE_SLOTS,
    NODE_KEYS,
    NODE_MEMORY,
    NODE_CLIENTS,
    NODE_OF,
    NODE_VERSION,
    NODE_AGE,
    NODE_TROUBLE,
    NODE_END
};
_Static_assert((int)NODE_END == (int)NODE_COLUMNS, "tables_parts.h counts the columns");

const struct column node_columns[NODE_COLUMNS] = {
    [NODE_NAME] = {"name", "NODE", "its address, as the cluster announces it", TEXT_LEFT, 15, 1, 1},
    [NODE_ROLE] = {"role", "ROLE", "primary or replica; coordinator or worker", TEXT_LEFT, 11, 0,
                   3},
    [NODE_STATE] = {"state", "STATE", "up, down, or a replica that has lost its primary", TEXT_LEFT,
                    9, 0, 2},
    [NODE_SLOTS] = {"slots", "SLOTS", "of the cluster's 16384; shards, in Citus", TEXT_RIGHT, 6, 0,
                    5},
    [NODE_KEYS] = {"keys", "KEYS", "in the database that is looked at", TEXT_RIGHT, 9, 0, 6},
    [NODE_MEMORY] = {"bytes", "MEMORY", "what it uses", TEXT_RIGHT, 7, 0, 7},
    [NODE_CLIENTS] = {"clients", "CLIENTS", "connections to it", TEXT_RIGHT, 7, 0, 9},
    [NODE_OF] = {"of", "OF", "the primary of a replica", TEXT_LEFT, 15, 1, 10},
    [NODE_VERSION] = {"version", "VERSION", "of its server", TEXT_LEFT, 7, 0, 11},
    [NODE_AGE] = {"age", "AGE", "how long ago it has answered", TEXT_RIGHT, 5, 0, 8},
    [NODE_TROUBLE] = {"trouble", "TROUBLE", "why it does not answer", TEXT_LEFT, 12, 2, 4},
};

static bool S_is_citus(const struct node_view *node)
{
    return str_is(node->group, "citus");
}

static bool S_is_cut_off(const struct node_view *node)
{
    return node->link && str_is(node->link, "down");
}

size_t node_rows(const struct snapshot *snapshot)
{
    return snapshot->node_count;
}

static void S_set_state(const struct node_view *node, struct cell *out)
{
    if (node->trouble)
        cell_set_word(out, NULL, "down", 0);
    else if (S_is_cut_off(node))
        cell_set_word(out, NULL, "link down", 1);
    else if (node->answered_at < 0)
        cell_set_word(out, NULL, "asked", 2);
    else
        cell_set_word(out, NULL, "up", 3);
}

/* What Citus does not tell of a worker does not apply, rather than being not known. */
static void S_set_figure(const struct node_view *node, enum cell_kind kind, int64_t number,
                         struct cell *out)
{
    if (S_is_citus(node) && number < 0)
        return;
    cell_set_number(out, kind, number);
    out->estimate = number >= 0 && node->trouble;
}

void node_cell(const struct snapshot *snapshot, size_t row, size_t column, struct cell *out)
{
    const struct node_view *node = &snapshot->nodes[row];
    out->mood = node->trouble ? MOOD_BAD : S_is_cut_off(node) ? MOOD_WARN : MOOD_PLAIN;
    switch (column) {
    case NODE_NAME:
        cell_set_text(out, node->name);
        break;
    case NODE_ROLE:
        cell_set_text(out, node->role);
        break;
    case NODE_STATE:
        S_set_state(node, out);
        break;
    case NODE_SLOTS:
        if (!str_is(node->group, "redis"))
            cell_set_number(out, CELL_COUNT, node->slots);
        break;
    case NODE_KEYS:
        S_set_figure(node, CELL_COUNT, node->keys, out);
        break;
    case NODE_MEMORY:
        S_set_figure(node, CELL_BYTES, node->memory, out);
        break;
    case NODE_CLIENTS:
        S_set_figure(node, CELL_COUNT, node->clients, out);
        break;
    case NODE_OF:
        cell_set_text(out, node->of);
        break;
    case NODE_VERSION:
        cell_set_text(out, node->version);
        break;
    case NODE_AGE:
        if (node->answered_at > 0)
            cell_set_number(out, CELL_AGE, node->answered_at);
        break;
    case NODE_TROUBLE:
        cell_set_text(out, node->trouble);
        break;
    }
}

void node_summary(const struct snapshot *snapshot, struct buf *out)
{
    size_t away = 0;
    if (!snapshot->node_count)
        return;
    for (size_t i = 0; i < snapshot->node_count; i++)
        away += snapshot->nodes[i].trouble != NULL;
    buf_format(out, "%zu %s", snapshot->node_count, snapshot->node_count == 1 ? "node" : "nodes");
    if (away)
        buf_format(out, ", %zu down", away);
}

void node_detail(const struct snapshot *snapshot, size_t row, struct buf *out)
{
    const struct node_view *node = &snapshot->nodes[row];
    detail_text(out, "node", node->name);
    detail_text(out, "role", node->role);
    detail_text(out, "of", node->of);
    detail_text(out, "version", node->version);
    detail_text(out, "link to it", node->link);
    if (S_is_citus(node)) {
        detail_number(out, "shards", node->slots);
    } else {
        detail_text(out, "slots", node->ranges);
        detail_number(out, "keys", node->keys);
        detail_bytes(out, "memory", node->memory);
        detail_bytes(out, "its limit", node->memory_limit);
        detail_number(out, "clients", node->clients);
    }
    detail_moment(out, "answered", node->answered_at, snapshot->at);
    if (!node->trouble)
        return;
    detail_say(out, "It does not answer; the figures are those of its last answer:");
    detail_lines(out, node->trouble);
    if (node->hint)
        detail_lines(out, node->hint);
}
