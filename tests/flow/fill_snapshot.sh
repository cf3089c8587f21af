#!/bin/bash
# The online fill beside transactions that see the rows as they were: for them a trigger finds a parent
# without codes, so a child of theirs would have none. The fill waits for them, says so, and not for ever.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
td_start_postgres

td_columns_plan family '    default = 1 org_a tenant_a' <<'PLAN'
[table "parents"]
    from = own org
[table "children"]
    from = parent parents.id by parent
PLAN
td_codes_csv 1,org_a,tenant_a 2,org_b,tenant_b

sql() { # DATABASE SQL
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "$2" 2>&1
}

on() { # DATABASE WORDS...
    database=$1
    shift
    "$TENANTDECK" -d "postgresql://postgres@/$database?host=$PGHOST&port=$PGPORT" -p "$work/family.plan" \
        --operator --yes "$@" 2>&1
}

fill() { # DATABASE
    on "$1" run fill >"$work/$1.said"
}

# A database up to its columns, and a transaction at $2 that has seen its parents without codes; it goes
# on with what is written to descriptor $3.
begin_in() { # DATABASE LEVEL DESCRIPTOR
    sql postgres "CREATE DATABASE $1"
    sql "$1" "CREATE TABLE parents (id integer PRIMARY KEY, org text);
              INSERT INTO parents SELECT n, n % 2 + 1 FROM generate_series(1, 100) AS n;
              CREATE TABLE children (id integer PRIMARY KEY, parent integer);
              INSERT INTO children SELECT n, n % 100 + 1 FROM generate_series(1, 200) AS n"
    on "$1" migrate --no-backup --to columns >"$work/$1.said" ||
        td_bail "the columns are not there: $(cat "$work/$1.said")"
    mkfifo "$work/$1.words"
    PGAPPNAME=reader psql -X -q -At -d "$1" <"$work/$1.words" >"$work/$1.out" 2>&1 &
    eval "exec $3>'$work/$1.words'"
    echo "BEGIN ISOLATION LEVEL $2; SELECT count(*) FROM parents WHERE tenant_code IS NULL;" >&"$3"
    td_until 20 grep -qx 100 "$work/$1.out" || td_bail "no transaction: $(cat "$work/$1.out")"
}

# waits DATABASE: the fill says whom it waits for.
waits() {
    [ "$(sql "$1" "SELECT throttled ~ '^for transactions that see the rows as they were to end \(pid .*, reader\)$'
                     FROM tenantdeck.step WHERE name = 'fill'")" = t ]
}

begin_in writer 'REPEATABLE READ' 8
fill writer &
filling=$!
td_until 60 waits writer
ok $? 'the fill waits for a transaction that sees the parents without codes'
echo 'INSERT INTO children VALUES (1001, 1) RETURNING tenant_code IS NULL; COMMIT;' >&8
td_until 20 grep -qx t "$work/writer.out"
ok $? 'which writes a child without codes'
wait "$filling"
ok $? 'when that has ended, the fill comes to its end' || td_note "$(cat "$work/writer.said")"
exec 8>&-
is "$(sql writer "SELECT count(*) FROM children c LEFT JOIN parents p ON p.id = c.parent
                   WHERE (c.tenant_code, c.organization_code) IS DISTINCT FROM (p.tenant_code, p.organization_code)
                      OR c.tenant_code IS NULL")" 0 'and the child has the codes of its parent'
unlike "$(cat "$work/writer.said")" 'although' 'of which there is nothing to warn'

begin_in reader 'READ COMMITTED' 9
fill reader
ok $? 'nobody waits for a transaction that sees the rows as they are'
unlike "$(cat "$work/reader.said")" 'although' 'and says nothing of it'
exec 9>&-

begin_in patience 'REPEATABLE READ, READ ONLY' 7
fill patience &
patient=$!
td_until 60 waits patience
ok $? 'it waits as well for one that only reads, since nobody knows that'
has_noted() {
    sql patience 'SELECT text FROM tenantdeck.event' | grep -q '^waits for transactions that see the rows as they were'
}
td_until 60 has_noted
ok $? 'after a while the journal has it, too'
like "$(on patience throttle patience=1s)" 'patience 1000 ms' 'how long can be set while it waits'
wait "$patient"
ok $? 'and then it waits no longer'
like "$(cat "$work/patience.said")" "'children' is gone over although .* \(pid [0-9]+ of postgres, reader\)" \
    'and says whom it has not waited for'
exec 7>&-

done_testing
