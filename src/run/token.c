/* token: see token.h. */
#include "token.h"

#include "plan_hash.h"
#include "sql.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void run_token_digest(const char *text, size_t length, char out[static TOKEN_HASH_SIZE])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    EVP_Digest(text, length, sum, &bytes, EVP_sha256(), NULL);
    for (unsigned i = 0; i < bytes && 2 * i + 2 < TOKEN_HASH_SIZE; i++)
        sprintf(out + (size_t)2 * i, "%02x", sum[i]);
}

static bool S_read_text(struct pg *pg, const char *statement, const char *value, char *out,
                        size_t size, struct err *err)
{
    const char *values[] = {value};
    struct pg_result *result;
    if (!pg_run(pg, sql_get(statement), values, value ? 1 : 0, &result, err))
        return false;
    snprintf(out, size, "%s", pg_text(result, 0, 0));
    pg_result_free(result);
    return true;
}

/*
 * Files that cannot be read are told by whoever needs them; a rollback does without the mapping's.
 */
static void S_read_plan(const struct plan *plan, char *out)
{
    char *hash = NULL;
    struct err ignored = {0};
    if (plan && !plan_hash(plan, &hash, &ignored))
        hash = str_dup("unreadable");
    snprintf(out, TOKEN_HASH_SIZE, "%s", hash ? hash : "");
    free(hash);
}

/* Without a journal nothing has been done, and nobody has claimed anything. */
static bool S_read_steps(struct pg *pg, const char *name, struct run_token *out, struct err *err)
{
    struct journal_state journal;
    if (!journal_look(pg, &journal, err))
        return false;
    bool readable = journal.exists && journal.version == JOURNAL_VERSION && journal.may_read;
    snprintf(out->generation, sizeof(out->generation), "%s", journal.identity);
    snprintf(out->steps, sizeof(out->steps), "0 ");
    return !readable || !name ||
           S_read_text(pg, "token_steps", name, out->steps, sizeof(out->steps), err);
}

bool run_token_take(struct pg *pg, const struct plan *plan, struct run_token *out, struct err *err)
{
    *out = (struct run_token){0};
    S_read_plan(plan, out->plan);
    out->taken = S_read_text(pg, "token_ground", NULL, out->ground, sizeof(out->ground), err) &&
                 S_read_steps(pg, plan ? plan->name : NULL, out, err);
    return out->taken;
}

bool run_token_refuse(const char *what, struct err *err)
{
    err_set(err, ERR_REFUSED, "nothing was done: since it was asked about, %s changed", what);
    return err_hint(err, "ask again, and look at what would be done now");
}

/* A journal that is made in between is fine, as long as nobody has used it. */
static bool S_check_steps(const struct run_token *then, const struct run_token *now,
                          struct err *err)
{
    if (*then->generation && !str_is(then->generation, now->generation))
        return run_token_refuse("the journal has", err);
    return str_is(then->steps, now->steps) ||
           run_token_refuse("another run has begun or ended, and the steps have", err);
}

bool run_token_check_steps(struct pg *pg, const char *name, const struct run_token *token,
                           struct err *err)
{
    struct run_token now = {0};
    return S_read_steps(pg, name, &now, err) && S_check_steps(token, &now, err);
}

bool run_token_check(struct pg *pg, const struct plan *plan, const struct run_token *token,
                     struct err *err)
{
    struct run_token now;
    if (!run_token_take(pg, plan, &now, err))
        return false;
    if (!str_is(token->plan, now.plan))
        return run_token_refuse("the plan's files have", err);
    if (!str_is(token->ground, now.ground))
        return run_token_refuse("the database or the role has", err);
    return S_check_steps(token, &now, err);
}
