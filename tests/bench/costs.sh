#!/bin/bash
# tests/bench/costs.sh BUILD_DIR [ATTENDEES]: what the migration costs beside its speed, on one
# server: its checkpoints and its fence, against the same batches without them; the worst wait of a
# writer by id while it runs online, against the same writer alone; and the memory of its worker.
# Prints figures with the load of the machine; fails at nothing, since milliseconds are no test.
set -eu
TD_BUILDDIR=$1 attendees=${2:-1000000} rounds=3
TD_SRCDIR=$(cd "$(dirname "$0")/../.." && pwd)
export TD_BUILDDIR TD_SRCDIR
here=$TD_SRCDIR/tests/bench
. "$TD_SRCDIR/tests/lib.sh"
pgbench=$(td_pg_program pgbench)
sessions=$((attendees * 3 / 10))
TD_POSTGRES_OPTIONS='-c shared_buffers=1GB -c max_wal_size=4GB -c maintenance_work_mem=512MB -c work_mem=64MB
 -c fsync=on -c full_page_writes=on'
td_start_postgres
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
cp "$here/migrate.plan" "$TD_SRCDIR"/data/plans/* "$work"
{ echo organization_id,organization_code,tenant_code
  for i in $(seq 20); do echo "$i,org_$i,tenant_$((1 + i % 6))"; done; } >"$work/codes.csv"
psql -X -q -d postgres -c 'CREATE DATABASE pristine'
psql -X -q -v ON_ERROR_STOP=1 -d pristine -v sessions="$sessions" -v attendees="$attendees" -f "$here/migrate_data.sql"

fresh() {
    PGOPTIONS='-c client_min_messages=warning' psql -X -q -d postgres -c 'DROP DATABASE IF EXISTS subject WITH (FORCE)' \
        -c "CREATE DATABASE subject TEMPLATE $1" -c CHECKPOINT
}

seconds() {
    begun=$(date +%s.%N)
    "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
    echo "$begun $(date +%s.%N)" | awk '{ printf "%.2f", $2 - $1 }'
}

ours() {
    "$TENANTDECK" -d dbname=subject -p "$work/migrate.plan" --yes "$@"
}

load() {
    cut -d' ' -f1 /proc/loadavg
}

# ---- checkpoints and fence: the batches of the first pass, as the program words them ----

# The batch of `sessions`, prepared as a connection of the fill does it; with "bare" it is the UPDATE alone.
prepared() {
    echo 'SET session_replication_role = replica; SET jit = off; SET synchronous_commit = off;'
    ours plan sql | sed -n '/^-- sessions: batch/,/^-- for each batch/p' | grep -v '^--' >"$work/batch.sql"
    if [ "$1" = bare ]; then
        sed -e 's/ AS WITH fence AS MATERIALIZED ($/ AS/' -e '/^    SELECT l.epoch/,/^), changed AS (/d' \
            -e '/^    RETURNING 1/,/AS changed.;$/c '"';" \
            -e 's/EXISTS (SELECT FROM fence)/$1 IS NOT NULL AND $2 > 0 AND $3 > 0 AND $4 IS NOT NULL/' "$work/batch.sql"
    else
        cat "$work/batch.sql"
    fi
    echo "SELECT format('EXECUTE tenantdeck_batch (''bench'', %s, %s, %L, %L, %L, 0, 100)', l.epoch, s.id, 'bench ' || b,
                        format('(%s,0)', b), format('(%s,0)', b + 32))
            FROM tenantdeck.lease AS l, (SELECT max(id) AS id FROM tenantdeck.step) AS s,
                 generate_series(0, (SELECT relpages FROM pg_class WHERE oid = 'sessions'::regclass), 32) AS b \\gexec"
}

batches() {
    psql -X -q -d subject -o /dev/null -v ON_ERROR_STOP=1 -f "$work/$1.sql"
}

fresh pristine
ours migrate --no-backup --online --to columns >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
prepared bare >"$work/bare.sql"
prepared whole >"$work/whole.sql"
psql -X -q -d postgres -c 'CREATE DATABASE columns TEMPLATE subject'
echo 'journal: the batches of sessions, bare and with fence and checkpoint'
for round in $(seq "$rounds"); do
    fresh columns; bare=$(seconds batches bare)
    fresh columns; whole=$(seconds batches whole)
    echo "$round $bare $whole $(load)" | awk '{ printf "%5d %7.2f s %7.2f s  ratio %.2f  load %s\n", $1, $2, $3, $3 / $2, $4 }'
done

# ---- a writer by id, and the worker's memory ----

cat >"$work/writer.sql" <<SQL
\\set id random(1, $sessions)
UPDATE sessions SET title = title WHERE id = :id;
SQL

# writer SECONDS: 200 updates a second, until it is told to end; its log is in $work/latency.*
writer() {
    rm -f "$work"/latency.*
    (cd "$work" && exec "$pgbench" -n -c 2 -R 200 -T "$1" -f writer.sql -l --log-prefix=latency -d subject) >/dev/null 2>&1
}

waits() {
    cat "$work"/latency.* | awk '{ print ($3 - $7) / 1000 }' | sort -n | # without what it was late itself
        awk '{ t[NR] = $1 } END { if (NR) printf "%d updates, p99 %.1f ms, worst %.1f ms", NR, t[int(NR * .99)], t[NR] }'
}

# The most memory that the worker has had, in kB, as long as it lives.
watch_memory() {
    while sleep 0.2; do
        pid=$(psql -X -At -d subject -c 'SELECT pid FROM tenantdeck.lease' 2>/dev/null) || continue
        [ -z "$pid" ] || awk '/VmHWM/ { print $2 }' "/proc/$pid/status" >>"$work/memory" 2>/dev/null || true
    done
}

if [ -n "$pgbench" ]; then
    echo 'a writer by id, 200 a second'
    fresh pristine
    writer 20
    echo "  alone:            $(waits); load $(load)"
    writer 600 & writing=$!
    watch_memory & watching=$!
    ours migrate --no-backup --online >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
    pkill -TERM -P "$writing" 2>/dev/null || true
    kill "$watching" "$writing" 2>/dev/null || true
    wait "$writing" "$watching" 2>/dev/null || true
    echo "  beside migrate:   $(waits); load $(load)"
    echo "  the worker's memory at most: $(sort -n "$work/memory" | tail -n 1) kB"
fi
