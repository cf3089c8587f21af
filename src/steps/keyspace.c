/* keyspace: see keyspace.h. */
#include "keyspace_parts.h"

#include "clock.h"
#include "key_choice.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPEN_MS = 10000,
    PATIENCE_MS = 30000, /* for the next answer; Redis itself takes less than one */
    AGAIN_TIMES = 6,     /* attempts to connect again, */
    AGAIN_MS = 250,      /* … after so long, and twice as long each time */
};

/* ---- commands and answers ---- */

/* Redis fails alone: what stands in PostgreSQL stands, and this step can be done later. */
bool keyspace_advise(const struct keyspace *keyspace, struct err *err)
{
    char text[sizeof(err->text)];
    snprintf(text, sizeof(text), "%s", err->text);
    if (err->kind == ERR_LOST && keyspace->run)
        snprintf(err->text, sizeof(err->text),
                 "%.700s; what was done in PostgreSQL stays, and once Redis answers, 'tenantdeck "
                 "run %s' does this step alone",
                 text, keyspace->run->step->def->name);
    return false;
}

static void S_take_answer(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    struct sent sent = *(struct sent *)ctx;
    struct keyspace *keyspace = sent.keyspace;
    bool told = err && sent.may_fail && err->kind != ERR_LOST;
    keyspace->sent_first = (keyspace->sent_first + 1) % KEYSPACE_BATCH;
    keyspace->sent_count--;
    if (err && !told && keyspace->trouble.kind == ERR_NONE)
        keyspace->trouble = *err;
    if (sent.done)
        sent.done(sent.ctx, reply, err);
}

/* Makes room for one more; NULL with err: it cannot be sent. */
static struct sent *S_next(struct keyspace *keyspace, redis_done_fn *done, void *ctx,
                           struct err *err)
{
    if (keyspace->sent_count == KEYSPACE_BATCH && !keyspace_settle(keyspace, err))
        return NULL;
    if (!redis_is_up(keyspace->redis)) {
        err_set(err, ERR_LOST, "the connection to Redis was lost");
        keyspace_advise(keyspace, err);
        return NULL;
    }
    size_t at = (keyspace->sent_first + keyspace->sent_count++) % KEYSPACE_BATCH;
    struct sent *sent = &keyspace->sent[at];
    *sent = (struct sent){.keyspace = keyspace, .done = done, .ctx = ctx};
    return sent;
}

bool keyspace_send(struct keyspace *keyspace, int argc, const char *const *argv,
                   const size_t *lengths, redis_done_fn *done, void *ctx, struct err *err)
{
    struct sent *sent = S_next(keyspace, done, ctx, err);
    if (sent)
        redis_send(keyspace->redis, argc, argv, lengths, S_take_answer, sent);
    return sent != NULL;
}

bool keyspace_try(struct keyspace *keyspace, int argc, const char *const *argv,
                  const size_t *lengths, redis_done_fn *done, void *ctx, struct err *err)
{
    struct sent *sent = S_next(keyspace, done, ctx, err);
    if (!sent)
        return false;
    sent->may_fail = true;
    redis_send(keyspace->redis, argc, argv, lengths, S_take_answer, sent);
    return true;
}

bool keyspace_send_node(struct keyspace *keyspace, size_t node, int argc, const char *const *argv,
                        const size_t *lengths, redis_done_fn *done, void *ctx, struct err *err)
{
    struct sent *sent = S_next(keyspace, done, ctx, err);
    if (sent)
        redis_send_node(keyspace->redis, node, argc, argv, lengths, S_take_answer, sent);
    return sent != NULL;
}

bool keyspace_send_named(struct keyspace *keyspace, const char *node, int argc,
                         const char *const *argv, const size_t *lengths, redis_done_fn *done,
                         void *ctx, struct err *err)
{
    struct sent *sent = S_next(keyspace, done, ctx, err);
    if (sent)
        redis_send_named(keyspace->redis, node, argc, argv, lengths, S_take_answer, sent);
    return sent != NULL;
}

size_t keyspace_nodes(const struct keyspace *keyspace)
{
    return redis_nodes(keyspace->redis);
}

bool keyspace_is_aborted(const struct keyspace *keyspace)
{
    return keyspace->run && keyspace->run->aborted;
}

static size_t S_awaited(const struct keyspace *keyspace)
{
    return redis_pending(keyspace->redis) - redis_held(keyspace->redis);
}

bool keyspace_arrive(struct keyspace *keyspace, struct err *err)
{
    size_t left = S_awaited(keyspace);
    int64_t since = clock_ms();
    while (left && !keyspace_is_aborted(keyspace)) {
        loop_turn(keyspace->loop, KEYSPACE_LOOK_MS);
        if (S_awaited(keyspace) < left)
            since = clock_ms();
        left = S_awaited(keyspace);
        if (left && clock_ms() - since > PATIENCE_MS)
            redis_close(keyspace->redis);
    }
    if (left) /* nobody waits for them any more */
        redis_close(keyspace->redis);
    struct err trouble = keyspace->trouble;
    err_clear(&keyspace->trouble);
    if (keyspace_is_aborted(keyspace))
        return err_set(err, ERR_FAILED, "aborted, as asked");
    if (trouble.kind == ERR_NONE)
        return true;
    *err = trouble;
    return keyspace_advise(keyspace, err);
}

bool keyspace_settle(struct keyspace *keyspace, struct err *err)
{
    redis_hold(keyspace->redis, false);
    return keyspace_arrive(keyspace, err);
}

static void S_keep_answer(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err)
        *(struct redis_reply **)ctx = redis_reply_copy(reply);
}

bool keyspace_ask(struct keyspace *keyspace, int argc, const char *const *argv,
                  const size_t *lengths, struct redis_reply **out, struct err *err)
{
    struct redis_reply *answer = NULL;
    if (keyspace_send(keyspace, argc, argv, lengths, S_keep_answer, &answer, err) &&
        keyspace_settle(keyspace, err)) {
        *out = answer;
        return true;
    }
    redis_reply_free(answer);
    return false;
}

void keyspace_count_yes(void *count, const struct redis_reply *reply, const struct err *err)
{
    if (err)
        return;
    *(int64_t *)count += redis_type(reply) == REDIS_INTEGER ? redis_int(reply) > 0
                                                            : redis_type(reply) == REDIS_STATUS;
}

/* ---- the connection ---- */

static void S_read_identity(void *ctx, const struct redis_reply *reply, const struct err *err)
{
    if (!err)
        *(char **)ctx = redis_info_text(redis_text(reply), "run_id");
}

static bool S_ask_identity(struct keyspace *keyspace, char **identity, struct err *err)
{
    static const char *const info[] = {"INFO", "server"};
    *identity = NULL; /* what an ACL forbids to ask stays unknown */
    if (redis_is_cluster(keyspace->redis))
        return true;
    return keyspace_try(keyspace, ARRAY_LEN(info), info, NULL, S_read_identity, identity, err) &&
           keyspace_settle(keyspace, err);
}

static bool S_open(struct keyspace *keyspace, struct err *err)
{
    return redis_open(keyspace->redis, OPEN_MS, err)
               ? S_ask_identity(keyspace, &keyspace->identity, err)
               : keyspace_advise(keyspace, err);
}

static bool S_open_one(struct run *run, struct loop *loop, const struct redis_target *target,
                       struct keyspace **out, struct err *err)
{
    struct keyspace *keyspace = mem_new(sizeof(*keyspace));
    keyspace->run = run;
    keyspace->loop = loop;
    keyspace->redis = redis_new(loop, target);
    keyspace->name = redis_target_describe(target);
    keyspace->share = KEYSPACE_SHARE;
    keyspace->size = -1;
    keyspace->rest = target->rest != NULL;
    if (!S_open(keyspace, err)) {
        keyspace_free(keyspace);
        return false;
    }
    *out = keyspace;
    return true;
}

bool keyspace_open(struct run *run, struct keyspace **out, struct err *err)
{
    return S_open_one(run, run->loop, &run->session->redis, out, err);
}

bool keyspace_open_for(struct loop *loop, const struct redis_target *target, struct keyspace **out,
                       struct err *err)
{
    return S_open_one(NULL, loop, target, out, err);
}

static void S_release_page(struct page *page)
{
    free(page->cursor);
    free(page->next);
    free(page->lengths);
    buf_release(&page->keys);
}

void keyspace_free(struct keyspace *keyspace)
{
    if (!keyspace)
        return;
    redis_free(keyspace->redis);
    free(keyspace->name);
    free(keyspace->identity);
    S_release_page(&keyspace->page);
    S_release_page(&keyspace->ahead);
    redis_layout_release(&keyspace->layout);
    free(keyspace);
}

void keyspace_rest(struct keyspace *keyspace, int64_t ms)
{
    loop_rest(keyspace->loop, ms);
}

bool keyspace_again(struct keyspace *keyspace, struct err *err)
{
    char *identity = NULL;
    bool open = false;
    if (redis_is_cluster(keyspace->redis))
        return err_set(err, ERR_LOST, "a walk through a cluster begins anew");
    for (int attempt = 0; !open && attempt < AGAIN_TIMES; attempt++) {
        keyspace_rest(keyspace, AGAIN_MS << attempt);
        open = redis_open(keyspace->redis, OPEN_MS, err);
    }
    if (!open || !S_ask_identity(keyspace, &identity, err))
        return false;
    bool same = !keyspace->identity || str_is(identity, keyspace->identity);
    free(identity);
    err_clear(err);
    return same || err_set(err, ERR_LOST,
                           "%s was restarted meanwhile, and what was counted before means nothing "
                           "now: begin anew",
                           keyspace->name);
}

const char *keyspace_name(const struct keyspace *keyspace)
{
    return keyspace->name;
}

bool keyspace_is_cluster(const struct keyspace *keyspace)
{
    return redis_is_cluster(keyspace->redis);
}

bool keyspace_has_multi(const struct keyspace *keyspace)
{
    return !keyspace->rest && !redis_is_cluster(keyspace->redis);
}

/* ---- keys ---- */

size_t keyspace_template(const struct plan *plan, const char *key, size_t len,
                         struct key_owner *owner)
{
    size_t i = 0;
    while (i < plan->key_count && !key_template_match(plan->keys[i].pattern, key, len, owner))
        i++;
    bool queue = i < plan->key_count && !plan->keys[i].foreign && key_is_queue(key, len);
    return queue ? plan->key_count : i;
}

void keyspace_sample(json_t *samples, const char *key, size_t len)
{
    if (json_array_size(samples) >= KEYSPACE_SAMPLES)
        return;
    struct buf shown = {0};
    text_clean(&shown, key, len);
    json_array_append_new(samples, json_string(buf_text(&shown)));
    buf_release(&shown);
}

bool keyspace_ask_int(struct keyspace *keyspace, const char *command, const char *key,
                      int64_t *answer, struct err *err)
{
    const char *const argv[] = {command, key};
    struct redis_reply *reply = NULL;
    if (!keyspace_ask(keyspace, 2, argv, NULL, &reply, err))
        return false;
    *answer = redis_int(reply);
    redis_reply_free(reply);
    return true;
}

bool keyspace_check_type(struct keyspace *keyspace, const char *key, const char *wanted,
                         struct err *err)
{
    const char *const argv[] = {"TYPE", key};
    struct redis_reply *reply = NULL;
    if (!keyspace_ask(keyspace, 2, argv, NULL, &reply, err))
        return false;
    bool fits = str_is(redis_text(reply), wanted) || str_is(redis_text(reply), "none");
    if (!fits)
        err_set(err, ERR_REFUSED, "'%s' is a %s and no %s, so nothing was written", key,
                redis_text(reply), wanted);
    redis_reply_free(reply);
    return fits;
}
