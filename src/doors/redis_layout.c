/* redis_layout: see redis_layout.h. */
#include "redis_layout.h"

#include <stdlib.h>
#include <string.h>

/* ---- the words of an answer ---- */

/*
 * A line is "ID ADDRESS FLAGS PRIMARY PING PONG EPOCH LINK SLOT...". A slot is "7", "0-5", or, on
 * the line of the node that answers alone, "[7->-ID]" (is given away) or "[7-<-ID]" (comes here).
 */
enum { WORD_ID, WORD_ADDRESS, WORD_FLAGS, WORD_EPOCH = 6, WORDS = 8 };

struct words {
    char *line; /* owned, cut up */
    char *word[WORDS];
    char *slots; /* the rest; NULL: none */
};

static bool S_cut(const char *line, size_t len, struct words *out)
{
    *out = (struct words){.line = str_ndup(line, len)};
    char *rest = out->line;
    size_t i = 0;
    while (i < WORDS && rest)
        out->word[i++] = strsep(&rest, " ");
    out->slots = rest;
    if (i == WORDS)
        return true;
    free(out->line);
    return false;
}

/* Calls for the line of the node that answers (`id` NULL), or of another. False: there is none. */
static bool S_find_line(const char *text, const char *id, struct words *out)
{
    for (const char *line = text; line && *line;) {
        size_t len = strcspn(line, "\n");
        if (S_cut(line, len, out)) {
            if (id ? str_is(out->word[WORD_ID], id)
                   : strstr(out->word[WORD_FLAGS], "myself") != NULL)
                return true;
            free(out->line);
        }
        line += len + (line[len] == '\n');
    }
    return false;
}

/* "10.0.0.1:7000@17000,host" is "10.0.0.1:7000"; yours. */
static char *S_address(const char *word)
{
    char *address = str_ndup(word, strcspn(word, "@,"));
    char *colon = strrchr(address, ':');
    if (colon && colon != address && memchr(address, ':', (size_t)(colon - address))) {
        char *v6 = str_format("[%.*s]%s", (int)(colon - address), address, colon);
        free(address);
        address = v6;
    }
    return address;
}

/*
 * One that the cluster has lost sight of is ":0"; it is still named where slots are on their way.
 */
static bool S_can_be_reached(const char *address)
{
    const char *colon = strrchr(address, ':');
    int64_t port;
    return colon && colon != address && str_to_int(colon + 1, &port) && port >= 1 && port <= 65535;
}

/* ---- slots ---- */

static void S_add_move(struct redis_layout *layout, int slot, const char *from, const char *to)
{
    for (size_t i = 0; i < layout->move_count; i++)
        if (layout->moves[i].slot == slot && str_is(layout->moves[i].from, from) &&
            str_is(layout->moves[i].to, to))
            return; /* the other end has told of it */
    layout->moves =
        mem_room(layout->moves, layout->move_count, &layout->move_cap, sizeof(*layout->moves));
    layout->moves[layout->move_count++] =
        (struct redis_move){.slot = slot, .from = str_dup(from), .to = str_dup(to)};
}

/* Two claim it while the news goes round: it went from the older epoch to the younger one. */
static void S_claim(struct redis_layout *layout, size_t node, int slot)
{
    uint16_t other = layout->owner[slot];
    if (other == LAYOUT_NOBODY) {
        layout->owner[slot] = (uint16_t)node;
        return;
    }
    bool younger = layout->nodes[node].epoch > layout->nodes[other].epoch;
    S_add_move(layout, slot, layout->nodes[younger ? other : node].name,
               layout->nodes[younger ? node : other].name);
    layout->owner[slot] = younger ? (uint16_t)node : other;
}

static bool S_is_slot(int64_t slot)
{
    return slot >= 0 && slot < REDIS_SLOTS;
}

static bool S_read_range(struct redis_layout *layout, size_t node, char *word)
{
    int64_t first, last;
    char *dash = strchr(word, '-');
    if (dash)
        *dash = '\0';
    if (!str_to_int(word, &first) || !S_is_slot(first))
        return false;
    last = first;
    if (dash && (!str_to_int(dash + 1, &last) || !S_is_slot(last)))
        return false;
    for (int64_t slot = first; slot <= last; slot++)
        S_claim(layout, node, (int)slot);
    return true;
}

/*
 * The name of the node with this id: a primary that was asked, or an address to be reached; yours.
 */
static char *S_name_of(const struct redis_layout *layout, const char *text, const char *id)
{
    struct words words;
    for (size_t i = 0; i < layout->node_count; i++)
        if (str_is(layout->nodes[i].id, id))
            return str_dup(layout->nodes[i].name);
    if (!S_find_line(text, id, &words))
        return NULL;
    char *name = S_address(words.word[WORD_ADDRESS]);
    free(words.line);
    if (S_can_be_reached(name))
        return name;
    free(name);
    return NULL;
}

/* "[7->-ID]" or "[7-<-ID]" */
static bool S_read_move(struct redis_layout *layout, const struct layout_node *node, char *word)
{
    int64_t slot;
    char *arrow = strstr(word, "->-"), *back = strstr(word, "-<-"), *at = arrow ? arrow : back;
    char *end = at ? strchr(at, ']') : NULL;
    if (!end)
        return false;
    *at = *end = '\0';
    char *other = S_name_of(layout, node->text, at + 3);
    bool ok = other && str_to_int(word + 1, &slot) && S_is_slot(slot);
    if (ok)
        S_add_move(layout, (int)slot, arrow ? node->name : other, arrow ? other : node->name);
    free(other);
    return ok;
}

/* With `moves` only what stands in brackets, else only the rest. */
static bool S_read_slots(struct redis_layout *layout, size_t node, bool moves)
{
    struct words words;
    bool ok = true;
    if (!S_find_line(layout->nodes[node].text, NULL, &words))
        return false;
    for (char *rest = words.slots, *word; ok && (word = strsep(&rest, " "));) {
        if (!*word || (*word == '[') != moves)
            continue;
        ok = moves ? S_read_move(layout, &layout->nodes[node], word)
                   : S_read_range(layout, node, word);
    }
    free(words.line);
    return ok;
}

/* Who it is: before any slot is read, since moves name the other end by its id. */
static bool S_read_identity(struct layout_node *node)
{
    struct words words;
    if (!S_find_line(node->text, NULL, &words))
        return false;
    node->id = str_dup(words.word[WORD_ID]);
    bool ok = str_to_int(words.word[WORD_EPOCH], &node->epoch);
    free(words.line);
    return ok;
}

bool redis_layout_read(struct redis_layout *layout, struct err *err)
{
    bool ok = true;
    memset(layout->owner, 0xff, sizeof(layout->owner));
    for (size_t i = 0; ok && i < layout->node_count; i++)
        ok = S_read_identity(&layout->nodes[i]);
    for (size_t i = 0; ok && i < layout->node_count; i++)
        ok = S_read_slots(layout, i, false);
    for (size_t i = 0; ok && i < layout->node_count; i++)
        ok = S_read_slots(layout, i, true);
    return ok ||
           err_set(err, ERR_FAILED,
                   "the answer to CLUSTER NODES is no list of nodes, or slots are on their way to "
                   "one whose address nobody knows");
}

/* ---- asking ---- */

static void S_all_told(struct redis_layout *layout)
{
    if (layout->trouble.kind == ERR_NONE)
        redis_layout_read(layout, &layout->trouble);
    layout->done(layout->ctx, layout->trouble.kind == ERR_NONE ? NULL : &layout->trouble);
}

static void S_on_nodes(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct layout_node *node = arg;
    struct redis_layout *layout = node->layout;
    if (err && layout->trouble.kind == ERR_NONE)
        layout->trouble = *err;
    else if (!err)
        node->text = str_dup(redis_text(reply));
    if (!--layout->pending)
        S_all_told(layout);
}

void redis_layout_ask(struct redis *redis, struct redis_layout *layout, redis_connected_fn *done,
                      void *ctx)
{
    static const char *const argv[] = {"CLUSTER", "NODES"};
    redis_layout_release(layout);
    layout->done = done;
    layout->ctx = ctx;
    if (!redis_is_cluster(redis)) {
        done(ctx, NULL);
        return;
    }
    layout->node_count = layout->pending = redis_nodes(redis);
    layout->nodes = mem_array(layout->node_count, sizeof(*layout->nodes));
    for (size_t i = 0; i < layout->node_count; i++)
        layout->nodes[i] =
            (struct layout_node){.layout = layout, .name = str_dup(redis_node(redis, i)->name)};
    for (size_t i = 0; i < layout->node_count; i++)
        redis_send_node(redis, i, ARRAY_LEN(argv), argv, NULL, S_on_nodes, &layout->nodes[i]);
}

void redis_layout_release(struct redis_layout *layout)
{
    for (size_t i = 0; i < layout->node_count; i++) {
        free(layout->nodes[i].name);
        free(layout->nodes[i].id);
        free(layout->nodes[i].text);
    }
    for (size_t i = 0; i < layout->move_count; i++) {
        free(layout->moves[i].from);
        free(layout->moves[i].to);
    }
    free(layout->nodes);
    free(layout->moves);
    *layout = (struct redis_layout){0};
}

/* ---- two of them ---- */

const char *redis_layout_owner(const struct redis_layout *layout, int slot)
{
    uint16_t owner = layout->node_count ? layout->owner[slot] : LAYOUT_NOBODY;
    return owner == LAYOUT_NOBODY ? NULL : layout->nodes[owner].name;
}

static bool S_has_gained(const struct redis_layout *before, const struct redis_layout *after,
                         const char *name)
{
    for (int slot = 0; slot < REDIS_SLOTS; slot++)
        if (str_is(redis_layout_owner(after, slot), name) &&
            !str_is(redis_layout_owner(before, slot), name))
            return true;
    return false;
}

static const struct layout_node *S_same_node(const struct redis_layout *layout, const char *id)
{
    for (size_t i = 0; i < layout->node_count; i++)
        if (str_is(layout->nodes[i].id, id))
            return &layout->nodes[i];
    return NULL;
}

bool redis_layout_is_plain(const struct redis_layout *before, const struct redis_layout *after)
{
    for (size_t i = 0; i < after->node_count; i++) {
        const struct layout_node *node = S_same_node(before, after->nodes[i].id);
        if (node && node->epoch != after->nodes[i].epoch &&
            !S_has_gained(before, after, node->name))
            return false;
    }
    return true;
}

/* A single server owns its slots without a name, and a slot may be nobody's both times. */
static bool S_is_same_owner(const char *before, const char *after)
{
    return before ? str_is(before, after) : !after;
}

bool redis_layout_is_still(const struct redis_layout *before, const struct redis_layout *after)
{
    bool still = !before->move_count && !after->move_count && redis_layout_is_plain(before, after);
    for (int slot = 0; slot < REDIS_SLOTS && still; slot++)
        still = S_is_same_owner(redis_layout_owner(before, slot), redis_layout_owner(after, slot));
    return still;
}
