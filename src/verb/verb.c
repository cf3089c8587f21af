/*
 * verb: finds a verb by its words, and the guards that stand before every one of them.
 *
 * The table itself is in verb_table.c; what the verbs do is in verb_show.c and its neighbours.
 */
#include "verb.h"

#include <stdlib.h>
#include <string.h>

enum { VERB_TIMEOUT_MS = 60000, VERB_LOCK_MS = 2000 };

/* ---- finding ---- */

static size_t S_word_count(const char *name)
{
    size_t n = 1;
    for (const char *c = name; *c; c++)
        n += *c == ' ';
    return n;
}

static char *S_join(const char *const *words, size_t count)
{
    struct buf b = {0};
    for (size_t i = 0; i < count; i++)
        buf_format(&b, "%s%s", i ? " " : "", words[i]);
    return buf_take(&b);
}

static bool S_starts_with_name(const char *const *words, size_t count, const char *name, size_t n)
{
    if (n > count)
        return false;
    char *start = S_join(words, n);
    bool same = str_is(start, name);
    free(start);
    return same;
}

/*
 * How many letters must change to make one word of the other, the neighbours swapped counted once.
 */
static size_t S_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), rows = la + 1, cols = lb + 1;
    size_t *d = mem_array(rows * cols, sizeof(*d));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            size_t best = i ? d[(i - 1) * cols + j] + 1 : j;
            if (i && j) {
                size_t left = d[i * cols + j - 1] + 1;
                size_t diagonal = d[(i - 1) * cols + j - 1] + (a[i - 1] != b[j - 1]);
                best = left < best ? left : best;
                best = diagonal < best ? diagonal : best;
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                    d[(i - 2) * cols + j - 2] + 1 < best)
                    best = d[(i - 2) * cols + j - 2] + 1;
            }
            d[i * cols + j] = best;
        }
    size_t distance = d[rows * cols - 1];
    free(d);
    return distance;
}

static const struct verb *S_nearest(const char *const *words, size_t count)
{
    const struct verb *nearest = NULL;
    size_t best = 3; /* further away than two letters is another word, not a slip */
    for (size_t i = 0; i < verb_count(); i++) {
        size_t n = S_word_count(verb_at(i)->name);
        if (n > count)
            continue;
        char *typed = S_join(words, n);
        size_t distance = strlen(typed) < 128 ? S_distance(typed, verb_at(i)->name) : best;
        free(typed);
        if (distance < best) {
            best = distance;
            nearest = verb_at(i);
        }
    }
    return nearest;
}

/* "plan" alone: which words may follow it. */
static void S_list_followers(struct buf *out, const char *first)
{
    size_t len = strlen(first);
    for (size_t i = 0; i < verb_count(); i++)
        if (str_starts(verb_at(i)->name, first) && verb_at(i)->name[len] == ' ')
            buf_format(out, "%s%s", out->len ? ", " : "", verb_at(i)->name + len + 1);
}

static void S_explain(const char *const *words, size_t count, struct err *err)
{
    struct buf followers = {0};
    S_list_followers(&followers, words[0]);
    const struct verb *nearest = S_nearest(words, count);
    if (followers.len && count == 1)
        err_set(err, ERR_USAGE, "'%s' wants one of these after it: %s", words[0], followers.text);
    else if (followers.len)
        err_set(err, ERR_USAGE, "'%s %s' is no verb", words[0], words[1]);
    else
        err_set(err, ERR_USAGE, "'%s' is no verb", words[0]);
    if (nearest)
        err_hint(err, "did you mean '%s'?", nearest->name);
    else if (followers.len && count > 1)
        err_hint(err, "after '%s' comes one of these: %s", words[0], followers.text);
    else
        err_hint(err, "'tenantdeck help' lists all verbs");
    buf_release(&followers);
}

const struct verb *verb_find(const char *const *words, size_t count, size_t *used, struct err *err)
{
    const struct verb *found = NULL;
    *used = 0;
    for (size_t i = 0; i < verb_count(); i++) {
        size_t n = S_word_count(verb_at(i)->name);
        if (n > *used && S_starts_with_name(words, count, verb_at(i)->name, n)) {
            found = verb_at(i);
            *used = n;
        }
    }
    if (!found && count)
        S_explain(words, count, err);
    else if (!found)
        err_set(err, ERR_USAGE, "no verb was given");
    return found;
}

const char *verb_option(const struct verb_call *call, const char *name)
{
    for (size_t i = 0; i < VERB_OPTIONS; i++)
        if (str_is(call->verb->options[i].name, name))
            return call->option_values[i];
    die("verb '%s' asks for an option '%s' that its row in the table does not have",
        call->verb->name, name);
}

/* ---- guards ---- */

static bool S_check_form(const struct verb_call *call, struct err *err)
{
    const struct verb *verb = call->verb;
    if (call->arg_count > (size_t)verb->max_args) {
        err_set(err, ERR_USAGE, "'%s' has no use for '%s'", verb->name, call->args[verb->max_args]);
        return err_hint(err, "usage: %s%s%s", verb->name, *verb->args ? " " : "", verb->args);
    }
    if (call->arg_count < (size_t)verb->min_args) {
        err_set(err, ERR_USAGE, "'%s' wants %s", verb->name, verb->args);
        return err_hint(err, "'tenantdeck help %s' tells more", verb->name);
    }
    if (call->json && !verb->json)
        return err_set(err, ERR_USAGE, "'%s' has no answer in JSON", verb->name);
    return true;
}

static bool S_check_plan(const struct verb_call *call, struct err *err)
{
    const struct plan *plan = call->session->plan;
    if (!(call->verb->needs & NEEDS_PLAN))
        return true;
    if (!plan) {
        err_set(err, ERR_USAGE, "'%s' needs a plan, and none is named", call->verb->name);
        return err_hint(err, "say -p NAME; 'tenantdeck plan list' shows the names");
    }
    if (call->verb->kinds & (1u << plan->kind))
        return true;
    err_set(err, ERR_REFUSED, "'%s' has no use for plan '%s', which is of kind '%s'",
            call->verb->name, plan->name, plan_kind_name(plan->kind));
    return err_hint(err, "name another plan with -p");
}

static bool S_check_servers(const struct verb_call *call, struct err *err)
{
    const struct session *session = call->session;
    unsigned needs = call->verb->needs;
    if (needs & NEEDS_SERVER)
        needs |= session->plan && session->plan->kind == PLAN_CACHE ? NEEDS_REDIS : NEEDS_DATABASE;
    if ((needs & NEEDS_REDIS) && !session->has_redis) {
        err_set(err, ERR_USAGE, "'%s' needs Redis, and none is named", call->verb->name);
        return err_hint(err, "say -r redis://HOST:PORT, or name it in a deck or with REDIS_HOST");
    }
    if ((needs & NEEDS_DATABASE) && !session->has_database) {
        err_set(err, ERR_USAGE, "'%s' needs a database, and none is named", call->verb->name);
        return err_hint(err, "say -d with a URL, key=value words or a database's name");
    }
    return true;
}

bool verb_allowed(const struct verb_call *call, struct err *err)
{
    if (!call->verb->run) {
        err_set(err, ERR_REFUSED, "'%s' brings its own servers, so it cannot be done from here",
                call->verb->name);
        return err_hint(err, "leave, and say 'tenantdeck %s'", call->verb->name);
    }
    if (!S_check_form(call, err) || !S_check_plan(call, err) || !S_check_servers(call, err))
        return false;
    if (verb_call_effect(call) == READS || call->session->operator_mode)
        return true;
    err_set(err, ERR_REFUSED, "'%s' changes something, and this console only looks",
            call->verb->name);
    return err_hint(err, "leave, and open it again with --operator");
}

static bool S_has_option(const struct verb_call *call, const char *name)
{
    for (size_t i = 0; i < VERB_OPTIONS; i++)
        if (str_is(call->verb->options[i].name, name) && call->option_values[i])
            return true;
    return false;
}

enum verb_effect verb_call_effect(const struct verb_call *call)
{
    const struct verb *verb = call->verb;
    if (S_has_option(call, "dry-run") || (verb->acts && !S_has_option(call, verb->acts)))
        return READS;
    if (verb->weigh)
        return verb->weigh(call);
    return verb->destroys && S_has_option(call, verb->destroys) ? DESTRUCTIVE : verb->effect;
}

bool verb_is_of_redis(const struct verb_call *call)
{
    return (call->verb->needs & (NEEDS_REDIS | NEEDS_DATABASE)) == NEEDS_REDIS;
}

char *verb_place(const struct verb_call *call)
{
    return verb_is_of_redis(call) ? redis_target_describe(&call->session->redis)
                                  : pg_target_describe(&call->session->database);
}

char *verb_confirmation(const struct verb_call *call)
{
    return verb_is_of_redis(call) ? verb_place(call) : pg_target_database(&call->session->database);
}

/* Who types the name knows which database it is about; an empty one names none. */
static bool S_check_confirmed(const struct verb_call *call, struct err *err)
{
    char *name = verb_confirmation(call);
    bool same = *name && str_is(call->confirmed, name);
    const char *what = verb_is_of_redis(call) ? "Redis" : "database";
    if (!same && call->confirmed && *call->confirmed)
        err_set(err, ERR_REFUSED, "nothing was done: the %s is '%s', and not '%s'", what, name,
                call->confirmed);
    else if (!same)
        err_set(err, ERR_REFUSED, "'%s' changes %s '%s' for good, and nobody typed its name",
                call->verb->name, what, name);
    if (!same)
        err_hint(err, "say --confirm=NAME, or run it at a terminal and type the name");
    free(name);
    return same;
}

static bool S_check_leave(const struct verb_call *call, struct err *err)
{
    if (verb_call_effect(call) == READS)
        return true;
    if (verb_call_effect(call) == DESTRUCTIVE)
        return S_check_confirmed(call, err);
    if (call->yes)
        return true;
    err_set(err, ERR_REFUSED, "'%s' changes something, and nobody said yes", call->verb->name);
    return err_hint(err, "say --yes, or run it at a terminal and answer y");
}

/* ---- what was shown is what runs ---- */

/* A console keeps a plan as it was when it was opened; its files may be others by now. */
static bool S_check_read_plan(const struct session *session, const struct run_token *now,
                              struct err *err)
{
    if (!session->plan_hash || str_is(session->plan_hash, now->plan))
        return true;
    err_set(err, ERR_REFUSED, "the files of plan '%s' have changed since the console was opened",
            session->plan->name);
    return err_hint(err, "leave the console, and open it again");
}

bool verb_tell(struct verb_call *call, struct run_token *token, struct err *err)
{
    struct pg *pg = NULL;
    bool alone = call->verb->alone;
    bool asks = call->session->has_database && !verb_is_of_redis(call) && !alone;
    bool ok = !asks || (verb_connect(call, &pg, err) &&
                        run_token_take(pg, call->session->plan, token, err) &&
                        S_check_read_plan(call->session, token, err));
    pg_free(pg);
    /* One that replaces the database notes by itself, from beside it, what it is about. */
    call->token = token->taken || alone ? token : NULL;
    return ok && call->verb->tell(call, err);
}

static bool S_check_token(struct verb_call *call, struct err *err)
{
    struct pg *pg;
    if (!call->token || !call->token->taken || verb_call_effect(call) == READS)
        return true;
    if (!verb_connect(call, &pg, err))
        return false;
    bool ok = run_token_check(pg, call->session->plan, call->token, err);
    pg_free(pg);
    return ok;
}

bool verb_run(struct verb_call *call, struct err *err)
{
    return verb_allowed(call, err) && S_check_leave(call, err) && S_check_token(call, err) &&
           call->verb->run(call, err);
}

/* ---- what verbs share ---- */

bool verb_connect(struct verb_call *call, struct pg **out, struct err *err)
{
    struct pg_options options = {.purpose = "command line",
                                 .statement_timeout_ms = VERB_TIMEOUT_MS,
                                 .lock_timeout_ms = VERB_LOCK_MS,
                                 .read_only = verb_call_effect(call) == READS};
    return session_connect(call->session, call->loop, &options, call->ask, call->ask_ctx, out, err);
}

json_t *verb_json_text(const char *raw)
{
    if (!raw)
        return json_null();
    json_t *text = json_string(raw);
    if (text)
        return text;
    char *clean = text_cleaned(raw);
    text = json_string(clean);
    free(clean);
    return text;
}

void verb_answer(struct verb_call *call, json_t *answer)
{
    const struct plan *plan = call->session->plan;
    json_t *whole = json_object();
    json_object_set_new(whole, "ok", json_true());
    json_object_set_new(whole, "plan", verb_json_text(plan ? plan->name : NULL));
    json_object_update(whole, answer);
    json_decref(answer);
    /* Not raw: C1 and bidi controls are fine in JSON, and not on a terminal. */
    json_dumpf(whole, call->out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    fputc('\n', call->out);
    json_decref(whole);
}
