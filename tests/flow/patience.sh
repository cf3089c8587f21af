#!/bin/bash
# patience: an index that is built CONCURRENTLY waits for transactions that were there before it, makes
# nobody wait meanwhile, says whom it waits for, and is built once, there and back.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
td_start_postgres

td_columns_plan things <<'PLAN'
[table "things"]
    from = own org
    not null = tenant_code
    primary key = tenant_code id
    index = tenant_code org
PLAN
td_codes_csv 1,org_a,tenant_a 2,org_b,tenant_b
td_psql "CREATE TABLE public.things (id integer PRIMARY KEY, org text);
         INSERT INTO public.things SELECT n, n % 2 + 1 FROM generate_series(1, 100) AS n" >"$work/said"

on() {
    "$TENANTDECK" -d "$TD_DATABASE" -p "$work/things.plan" --operator --yes "$@" 2>&1
}

# holds FILE: a transaction that has changed a row, until its descriptor 8 says more.
holds() {
    mkfifo "$work/$1"
    psql -X -q -At -d "$TD_DATABASE" <"$work/$1" >"$work/$1.out" 2>&1 &
    exec 8>"$work/$1"
    echo 'BEGIN; UPDATE public.things SET org = org WHERE id = 1; SELECT pg_backend_pid();' >&8
    td_until 20 grep -q . "$work/$1.out" || td_bail "no transaction: $(cat "$work/$1.out")"
    holder=$(cat "$work/$1.out")
}

# waits STEP: it says for whom, and a writer beside it gets through.
waits() {
    [ "$(td_psql "SELECT throttled FROM tenantdeck.step WHERE name = '$1' AND ended_at IS NULL ORDER BY id DESC LIMIT 1")" = \
        "for transactions of others to end (pid $holder)" ]
}

# leftovers: how often an index was built that nobody has any more, or a leftover was met.
leftovers() {
    td_psql "SELECT count(*) FROM tenantdeck.event WHERE text LIKE '%leftover%' OR text LIKE 'waits to %'"
}

on migrate --no-backup --to not-null >"$work/said" || td_bail "not so far: $(cat "$work/said")"
holds there
on migrate --no-backup --to indexes >"$work/migrated" &
running=$!
td_until 60 waits keys
ok $? 'a key waits for a transaction of before, and says so'
like "$(on status steps)" "keys waits: for transactions of others to end \\(pid $holder\\)" 'status says so as well'
PGOPTIONS='-c lock_timeout=2s' td_psql 'UPDATE public.things SET org = org WHERE id = 2' >"$work/wrote"
is "$(cat "$work/wrote")" '' 'a writer gets through meanwhile'
echo 'COMMIT;' >&8
wait "$running"
is $? 0 'it is built when that transaction has ended' || td_note "$(tail -n 3 "$work/migrated")"
is "$(leftovers)" 0 'once, and nothing was thrown away'

holds back
on rollback --confirm="$(td_psql 'SELECT current_database()')" >"$work/undone" &
running=$!
td_until 60 waits indexes
ok $? 'an index that goes waits as well'
echo 'COMMIT;' >&8
wait "$running"
is $? 0 'and goes' || td_note "$(tail -n 3 "$work/undone")"
is "$(leftovers)" 0 'at the first attempt'
is "$(td_psql "SELECT string_agg(indexdef, '; ') FROM pg_indexes WHERE tablename = 'things'")" \
    'CREATE UNIQUE INDEX things_pkey ON public.things USING btree (id)' 'the old key is there again, alone'
done_testing
