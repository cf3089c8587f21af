/* verb_report: the verb report: what the journal knows of a run, in words, JSON or CSV. */
#include "verbs.h"

#include "journal.h"
#include "report.h"

#include <stdlib.h>

static bool S_check(const struct verb_call *call, struct err *err)
{
    const char *run = verb_option(call, "run");
    int64_t number;
    if (run && (!str_to_int(run, &number) || number < 1))
        return err_set(err, ERR_USAGE, "'--run' wants the number of a run, not '%s'", run);
    return !(call->json && verb_option(call, "csv")) ||
           err_set(err, ERR_USAGE, "'--json' and '--csv' cannot both be the answer");
}

static bool S_check_journal(struct pg *pg, struct err *err)
{
    struct journal_state state;
    if (!journal_look(pg, &state, err))
        return false;
    if (!state.exists)
        return err_set(err, ERR_FAILED, "database '%s' has no journal, so nothing was ever run",
                       state.database);
    return state.version >= JOURNAL_VERSION ||
           (err_set(err, ERR_REFUSED, "the journal in database '%s' is of version %lld",
                    state.database, (long long)state.version),
            err_hint(err, "'tenantdeck journal create' brings it up to date"));
}

static void S_print(struct verb_call *call, const json_t *document)
{
    struct buf text = {0};
    if (verb_option(call, "csv"))
        report_csv(&text, document);
    else
        report_text(&text, document);
    fputs(buf_text(&text), call->out);
    buf_release(&text);
}

bool verb_report(struct verb_call *call, struct err *err)
{
    const struct plan *plan = call->session->plan;
    json_t *document = NULL;
    struct pg *pg = NULL;
    bool ok = S_check(call, err) && verb_connect(call, &pg, err) && S_check_journal(pg, err) &&
              report_read(pg, verb_option(call, "run"), plan ? plan->name : NULL, &document, err);
    pg_free(pg);
    if (ok && call->json)
        verb_answer(call, json_pack("{s:O}", "report", document));
    else if (ok)
        S_print(call, document);
    json_decref(document);
    return ok;
}
