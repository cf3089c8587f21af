/*
 * redis_cluster: sends each command to the node that has its slot, and follows when slots move.
 *
 * One link for each node, opened when it is first needed. Answers are handed out in the order of
 * the questions, so one that came too early waits. What happens in a cluster, and what comes of it:
 *
 *   MOVED                   the command goes where it says; the map is read anew
 *   ASK                     the command alone goes there, behind ASKING
 *   TRYAGAIN, CLUSTERDOWN   the command is sent again, for a few seconds
 *   a node that cannot be reached: what was never sent is tried for a few seconds, while the map
 *                           is read anew: perhaps a replica takes over
 *   a connection that breaks: what was sent may have been done, so it is told as an error
 *   no node answers         all is lost
 */
#include "redis_cluster.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    REDIRECTS_MAX = 8,
    PERSIST_MS = 5000, /* a command that meets a cluster in motion is tried for so long, */
    AGAIN_MS = 150,    /* with such pauses, and up to as much again by chance */
    SILENT_MS = 15000, /* a node that owes an answer for so long is given up */
    LOOK_MS = 1000,
};

struct question {
    struct redis_cluster *cluster;
    struct member *member; /* the one that must answer, or whom the last redirect named; or NULL */
    bool fixed;            /* to this member and no other */
    int slot;              /* -1: of no key */
    char *bytes;
    size_t len;
    bool asking, parked;
    int redirects;
    int64_t since;
    redis_done_fn *done;
    void *ctx;

    struct question *next;      /* in the order of the questions, */
    struct question *next_wait; /* and among those that wait for a link */
    bool answered;              /* too early: */
    struct redis_reply *reply;
    struct err *err;
};

static void S_dispatch(struct question *question);

/* ---- handing out, in order ---- */

static void S_free_question(struct question *question)
{
    mem_wipe(question->bytes, question->len); /* a value may be somebody's session */
    free(question->bytes);
    redis_reply_free(question->reply);
    free(question->err);
    free(question);
}

static void S_pop(struct redis_cluster *cluster)
{
    cluster->first = cluster->first->next;
    if (!cluster->first)
        cluster->last = NULL;
    cluster->pending--;
}

/* A callback may ask more, or close everything: so the ring is in order before each. */
static void S_hand_out(struct redis_cluster *cluster)
{
    while (cluster->first && cluster->first->answered) {
        struct question *question = cluster->first;
        S_pop(cluster);
        if (question->done)
            question->done(question->ctx, question->reply, question->err);
        S_free_question(question);
    }
}

static void S_keep_error(struct question *question, const struct err *err)
{
    question->answered = true;
    question->err = mem_new(sizeof(*question->err));
    *question->err = *err;
}

/* The reply is borrowed: only what comes too early is copied. */
static void S_finish(struct question *question, const struct redis_reply *reply)
{
    struct redis_cluster *cluster = question->cluster;
    if (question != cluster->first) {
        question->answered = true;
        question->reply = redis_reply_copy(reply);
        return;
    }
    S_pop(cluster);
    if (question->done)
        question->done(question->ctx, reply, NULL);
    S_free_question(question);
    S_hand_out(cluster);
}

static void S_fail(struct question *question, const struct err *err)
{
    S_keep_error(question, err);
    S_hand_out(question->cluster);
}

/* ---- again, a little later ---- */

static void S_unpark(void *arg)
{
    struct redis_cluster *cluster = arg;
    cluster->again = NULL;
    struct question *list = cluster->parked;
    cluster->parked = NULL;
    while (list) { /* dispatching calls nobody back: the links tell from the loop */
        struct question *question = list;
        list = question->next_wait;
        question->parked = false;
        S_dispatch(question);
    }
    S_hand_out(cluster);
}

/* False: it has been tried for long enough. */
static bool S_park(struct question *question)
{
    struct redis_cluster *cluster = question->cluster;
    if (question->fixed || cluster->over || clock_ms() - question->since > PERSIST_MS)
        return false;
    question->parked = true;
    question->member = NULL;
    question->asking = false;
    question->next_wait = cluster->parked;
    cluster->parked = question;
    if (!cluster->again)
        cluster->again =
            loop_after(cluster->loop, AGAIN_MS + random() % AGAIN_MS, S_unpark, cluster);
    return true;
}

/* ---- answers ---- */

/* "MOVED 1754 10.0.0.1:7000": the member it names, which is made when it is new; NULL: none. */
static struct member *S_redirected(struct question *question, const char *text)
{
    const char *address = strrchr(text, ' ');
    const char *colon = address ? strrchr(address, ':') : NULL;
    int64_t port;
    if (!colon || !str_to_int(colon + 1, &port) || port < 1 || port > 65535)
        return NULL;
    char *host = str_ndup(address + 1, (size_t)(colon - address) - 1);
    const char *spoken =
        *host ? host : question->member->target.host; /* "itself", by another port */
    struct member *member =
        spoken ? redis_member_at(question->cluster, spoken, (int)port) : question->member;
    free(host);
    return member;
}

static bool S_follow(struct question *question, const char *text, bool asking)
{
    if (question->fixed || ++question->redirects > REDIRECTS_MAX)
        return false;
    struct member *member = S_redirected(question, text);
    if (!member)
        return false;
    question->member = member;
    question->asking = asking;
    if (!asking) {
        question->cluster->owner[question->slot] = member;
        redis_cluster_want_survey(question->cluster);
    }
    S_dispatch(question);
    return true;
}

/* Is the answer one about the cluster, which it is ours to act on? */
static bool S_follow_fault(struct question *question, const char *text)
{
    if (question->cluster->over)
        return false;
    if (str_starts(text, "MOVED "))
        return S_follow(question, text, false);
    if (str_starts(text, "ASK "))
        return S_follow(question, text, true);
    if (str_starts(text, "TRYAGAIN"))
        return S_park(question);
    if (!str_starts(text, "CLUSTERDOWN"))
        return false;
    redis_cluster_want_survey(question->cluster);
    return S_park(question);
}

static void S_on_answer(void *arg, const struct redis_reply *reply, const struct err *err)
{
    struct question *question = arg;
    if (reply && !err) {
        S_finish(question, reply);
        return;
    }
    if (reply && S_follow_fault(question, redis_text(reply)))
        return;
    struct err told = *err;
    if (!reply && !question->cluster->over)
        redis_cluster_want_survey(question->cluster);
    if (!question->cluster->over)
        err_context(&told, "node %s", question->member->name);
    S_fail(question, &told);
}

/* ---- sending ---- */

static void S_ship(struct question *question)
{
    static const char asking[] = "*1\r\n$6\r\nASKING\r\n";
    struct redis_link *link = question->member->link;
    if (question->asking)
        redis_link_send(link, asking, sizeof(asking) - 1, false, NULL, NULL);
    redis_link_send(link, question->bytes, question->len, true, S_on_answer, question);
}

static void S_look(void *arg);

static void S_watch_silence(struct redis_cluster *cluster)
{
    if (!cluster->look)
        cluster->look = loop_after(cluster->loop, LOOK_MS, S_look, cluster);
}

/* A node that has stopped in the middle breaks no connection. */
static void S_look(void *arg)
{
    struct redis_cluster *cluster = arg;
    cluster->look = NULL;
    for (size_t i = 0; i < cluster->known_count && !cluster->over; i++) {
        struct redis_link *link = cluster->known[i]->link;
        if (redis_link_is_up(link) && redis_link_silence_ms(link) > SILENT_MS)
            redis_link_close(link);
    }
    if (!cluster->over && cluster->pending)
        S_watch_silence(cluster);
}

/* Marks only, and calls nobody: the caller hands out when it is done with its own lists. */
static void S_unreachable(struct question *question, const struct err *err)
{
    struct err told = *err;
    if (S_park(question))
        return;
    err_context(&told, "node %s", question->member->name);
    S_keep_error(question, &told);
}

static void S_on_link(void *arg, const struct err *err)
{
    struct member *member = arg;
    struct redis_cluster *cluster = member->cluster;
    struct question *list = member->waiting;
    member->waiting = NULL;
    if (err)
        redis_cluster_want_survey(cluster);
    while (list) {
        struct question *question = list;
        list = question->next_wait;
        if (err)
            S_unreachable(question, err);
        else
            S_ship(question);
    }
    redis_member_told(member, err);
    S_hand_out(cluster);
}

void redis_member_reach(struct member *member)
{
    if (redis_link_is_down(member->link))
        redis_link_connect(member->link, member->cluster->timeout_ms, S_on_link, member);
}

static void S_wait_for_link(struct question *question)
{
    struct question **at = &question->member->waiting;
    while (*at)
        at = &(*at)->next_wait;
    question->next_wait = NULL;
    *at = question;
    redis_member_reach(question->member);
}

static void S_dispatch(struct question *question)
{
    struct redis_cluster *cluster = question->cluster;
    struct err err = {0};
    if (!question->member)
        question->member = cluster->owner[question->slot];
    if (!question->member) {
        redis_cluster_want_survey(cluster);
        if (S_park(question))
            return;
        err_set(&err, ERR_RETRY, "slot %d of the cluster is served by no node", question->slot);
        err_hint(&err, "CLUSTER INFO and 'tenantdeck nodes' say which nodes are missing");
        S_keep_error(question, &err);
        return;
    }
    S_watch_silence(cluster);
    if (redis_link_is_up(question->member->link))
        S_ship(question);
    else
        S_wait_for_link(question);
}

static void S_send(struct redis_cluster *cluster, int slot, struct member *member,
                   const char *bytes, size_t len, redis_done_fn *done, void *ctx)
{
    struct question *question = mem_new(sizeof(*question));
    *question = (struct question){.cluster = cluster,
                                  .member = member,
                                  .fixed = member != NULL,
                                  .slot = slot,
                                  .bytes = str_ndup(bytes, len),
                                  .len = len,
                                  .since = clock_ms(),
                                  .done = done,
                                  .ctx = ctx};
    if (cluster->last)
        cluster->last->next = question;
    else
        cluster->first = question;
    cluster->last = question;
    cluster->pending++;
    S_dispatch(question);
}

void redis_cluster_send(struct redis_cluster *cluster, int slot, size_t node, const char *bytes,
                        size_t len, redis_done_fn *done, void *ctx)
{
    S_send(cluster, slot, slot < 0 ? cluster->members[node] : NULL, bytes, len, done, ctx);
}

void redis_cluster_send_named(struct redis_cluster *cluster, const char *name, const char *bytes,
                              size_t len, redis_done_fn *done, void *ctx)
{
    S_send(cluster, -1, redis_member_named(cluster, name), bytes, len, done, ctx);
}

size_t redis_cluster_pending(const struct redis_cluster *cluster)
{
    return cluster->pending;
}

/* ---- the end ---- */

void redis_cluster_fail(struct redis_cluster *cluster, const struct err *err)
{
    cluster->over = true;
    redis_cluster_stop_survey(cluster, err);
    for (size_t i = 0; i < cluster->known_count; i++)
        redis_link_close(cluster->known[i]->link);
    for (struct question *question = cluster->first; question; question = question->next)
        if (!question->answered)
            S_keep_error(question, err);
    cluster->parked = NULL;
    for (size_t i = 0; i < cluster->known_count; i++)
        cluster->known[i]->waiting = NULL;
    S_hand_out(cluster);
}

void redis_cluster_forget_questions(struct redis_cluster *cluster)
{
    while (cluster->first) {
        struct question *question = cluster->first;
        S_pop(cluster);
        S_free_question(question);
    }
}
