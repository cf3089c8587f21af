#!/bin/bash
# The fence, asked by itself: in a run a sign of life tells a worker soon that its lease was taken, which
# hides whether the fence would hold without. Here there is none: what a worker of an earlier epoch says
# is not written, a transaction of its does not begin, and nobody takes the lease under one that has.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d /tmp/fence.XXXXXX)
trap 'rm -rf "$work"' EXIT
td_start_postgres
"$TENANTDECK" -d "$TD_DATABASE" --yes journal create >"$work/said" 2>&1 || td_bail "no journal: $(cat "$work/said")"
cat >"$work/site.plan" <<'END'
[plan]
    name = site
    kind = columns
[mapping]
    file = codes.csv
    key = id
    default = tenant
[column "tenant_code"]
    type = text
    role = tenant
[table "things"]
    from = own id
END
printf 'id,tenant_code\n1,tenant\n' >"$work/codes.csv"
td_psql "INSERT INTO tenantdeck.plan (name, hash, kind, text, document)
         VALUES ('site', repeat('0', 64), 'columns', '', '{}');
         INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program)
         SELECT generation, 1, 'migrate', 'online', 'running', 'x', 'x', 'x' FROM tenantdeck.meta;
         INSERT INTO tenantdeck.step (run, ordinal, name, type) VALUES (1, 1, 'fill', 'batch')" >"$work/said"

# call NAME VALUE...: that statement of the program, and the first row it answers; where it answers none,
# how many it has changed.
call() {
    local name=$1 values
    shift
    values=$(printf ', %s' "$@")
    psql -X -At -v ON_ERROR_STOP=1 -d "$TD_DATABASE" 2>&1 <<SQL | grep -vE '^(SET|PREPARE)$' | head -n 1
SET lock_timeout = '300ms';
PREPARE said AS $("$TENANTDECK" sql "$name" | sed -e '/^--/d');
EXECUTE said (${values#, });
SQL
}
claim() {
    call run_claim "'site'" 1 "'host'" 4711 4712 "'2026-01-31 12:00:00+00'"
}

# ---- the statements ----

is "$(claim)" 1 'the first claim of a plan has epoch 1'
is "$(claim)" 2 'each claim raises it'

# Of epoch 1 no more is heard; 2 is the worker of now.
said_by() {
    call run_state 1 "'paused'" NULL NULL NULL "$1"
    call run_step_state 1 "'runs'" NULL NULL "$1"
    call run_step_progress 1 10 20 "$1"
    call run_event 1 1 "'info'" "'worker'" "'said by $1'" "$1"
    call run_finding 1 1 "'structure'" "'said by $1'" "'t'" "'pass'" "'info'" 0 "'fine'" NULL NULL NULL "$1"
    call run_measure 1 "'t'" "'said by $1'" 5 "$1"
    call run_measure_writes 1 "$1"
    call run_lock_again "'site'" "$1" 4712 "'2026-01-31 12:00:00+00'"
    call run_child_begins 1 1 4713 "'host'" "'00000000-0000-0000-0000-000000000001'" 5 "'said by $1'" "$1"
}
request=$(call run_ask 1 "'pause'" "'{}'" "'anna'")
is "$(said_by 1; call run_answer "$request" "'yes'" 1; call run_give_back "'site'" 1)" 'UPDATE 0
UPDATE 0
UPDATE 0
INSERT 0 0
INSERT 0 0
INSERT 0 0
INSERT 0 0
UPDATE 0
INSERT 0 0
INSERT 0 0
UPDATE 0' 'what a worker of before says is not written'
is "$(td_psql "SELECT count(*) FROM tenantdeck.heartbeat")" 0 'and it has given no sign of life'
like "$(call run_pulse 1 1 "'site'" 1 7 20 -1 NULL)" "^2\|" 'it is told the epoch of now'
is "$(td_psql 'SELECT (SELECT count(*) FROM tenantdeck.heartbeat), done FROM tenantdeck.step')" '0|' \
    'and its sign of life and its progress are not taken'
is "$(call run_epoch_is "'site'" 1) $(call run_epoch_is "'site'" 2)" 'f t' 'who asks for the epoch is told the truth'
is "$(said_by 2 | tr '\n' ' ')" 'UPDATE 1 UPDATE 1 UPDATE 1 INSERT 0 1 INSERT 0 1 INSERT 0 1 INSERT 0 1 2 1 ' \
    'the worker of now is heard'
is "$(td_psql "SELECT epoch FROM tenantdeck.lease")" 2 'and has the lease still'

# ---- the transactions of a worker ----

td_psql 'UPDATE tenantdeck.lease SET epoch = 1' >"$work/said"
: >"$work/says"
mkfifo "$work/words"
"$TD_BUILDDIR/tests/flow/probe" fence "$TD_DATABASE" "$work/site.plan" 1 <"$work/words" >>"$work/says" 2>&1 &
exec 8>"$work/words"

# says WORD: what the worker answers to it.
lines=0
answered() {
    [ "$(wc -l <"$work/says")" -gt "$lines" ]
}
says() {
    lines=$(wc -l <"$work/says")
    echo "$1" >&8
    td_until 20 answered
    tail -n 1 "$work/says"
}
is "$(says begin)" 'begin: yes' 'a worker that has the lease begins a transaction'
like "$(claim)" 'lock timeout' 'and nobody takes the lease until it has ended'
is "$(says commit)" 'commit: yes' 'it ends'
is "$(says holds)" 'holds: yes' 'and it may speak to Redis'
is "$(claim)" 2 'now the lease can be taken'
is "$(says holds)" 'holds: another worker has taken over this plan; this one wrote nothing more' \
    'whoever had it says nothing more to Redis'
is "$(says begin)" 'begin: another worker has taken over this plan; this one wrote nothing more' \
    'and begins no transaction'
exec 8>&-
wait

# ---- a batch of the fill, which is one statement ----

td_psql "CREATE TABLE public.things (id text, tenant_code text);
         INSERT INTO public.things SELECT '1' FROM generate_series(1, 100);
         INSERT INTO tenantdeck.mapping (plan, key, tenant_code) VALUES ('site', '1', 'tenant')" >"$work/said"
"$TENANTDECK" -p "$work/site.plan" plan show --json | jq -c .definition >"$work/definition"
# batch EPOCH, settle EPOCH: sent as the fill sends them. Answer fenced and changed, then the rows that have
# their code, and the checkpoints.
of_fill() {
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$TD_DATABASE" 2>&1 <<END
\set plan \`cat $work/definition\`
PREPARE fill AS $("$TENANTDECK" sql work_fill | sed -e '/^--/d');
EXECUTE fill (:'plan', 'online') \gset
PREPARE batch AS :statement;
PREPARE settle AS :settle;
EXECUTE $1;
SELECT count(tenant_code), (SELECT count(*) FROM tenantdeck.checkpoint) FROM public.things;
END
}
batch() {
    of_fill "batch ('site', $1, 1, 'pass 1 blocks 0-9', '(0,0)', '(10,0)', 0, 100)" | tr '\n' ' '
}
settle() {
    of_fill "settle ('site', $1, NULL)" | tr '\n' ' '
}
is "$(batch 1)" 'f|0 0|0 ' 'a batch of a worker of before fills no row'
is "$(settle 1)" 'f|0 0|0 ' 'nor does it look at rows again'
is "$(batch 2)" 't|100 100|1 ' 'one of the worker of now does, and leaves its checkpoint'
td_psql 'UPDATE public.things SET tenant_code = NULL' >"$work/said"
is "$(settle 2)" 't|100 100|1 ' 'and mends what has lost it'

done_testing
