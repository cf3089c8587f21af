#!/bin/bash
# console: what the console costs while it looks, beside pg_activity on the same server.
#
#     tests/bench/console.sh BUILD_DIR [SECONDS [TENANTS [TABLES]]]
#
# Prints for each round and program: milliseconds to the first full frame, bytes sent to an 80x24
# terminal per idle refresh of 2 s, resident memory, and processor milliseconds per minute at idle.
# The rounds are interleaved. pg_activity is Debian's package; without it there is no rival.
# Then the milliseconds of a fill beside no console, beside one whose terminal takes all, and beside one
# that takes 1 kB a second. Then how long a key takes: while the database is stopped for SECONDS (20), and with TENANTS
# (10,000) times TABLES (100), scrolled through.
set -u
export TD_BUILDDIR=${1:?usage: tests/bench/console.sh BUILD_DIR [SECONDS [TENANTS [TABLES]]]}
seconds=${2:-20} tenants=${3:-10000} tables=${4:-100}
TD_SRCDIR=$(cd "$(dirname "$0")/../.." && pwd)
TD_BUILDDIR=$(cd "$TD_BUILDDIR" && pwd)
. "$TD_SRCDIR/tests/lib.sh"
export LC_ALL=C.UTF-8
work=$(mktemp -d /tmp/td-bench-XXXXXX)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_STATE_HOME=$work/state

# on_terminal <SCRIPT COMMAND...: what the pseudo terminal says.
on_terminal() {
    cat >"$work/script"
    "$TD_BUILDDIR/tests/screen/pty" 80x24 "$work/script" "$@"
}

# measure NAME MARKER COMMAND...: the marker stands in the program's first full frame.
measure() {
    local name=$1 marker=$2
    shift 2
    printf '%s\n' "wait $marker" lap 'count 4000' usage "count $((seconds * 1000))" usage \
        'signal TERM' end | on_terminal "$@" |
        awk -v name="$name" -v seconds="$seconds" '
            $1 == "lap" { frame = $2 }
            $1 == "bytes" { bytes = $2 }
            $1 == "memory" { memory = $2 }
            $1 == "cpu" { spent = $2 - cpu; cpu = $2 }
            END { printf "%-12s %6d ms to a full frame %7.0f bytes a refresh %7d kB %6.0f ms cpu a minute\n",
                  name, frame, bytes / (seconds / 2), memory, spent * 60 / seconds }'
}

tell_strokes() {
    awk -v what="$1" '$1 == "strokes" { printf "%-34s %5d keys: p50 %s ms, p99 %s ms, max %s ms\n", what, $2, $4, $6, $8 }
        $1 == "memory" { memory = $2 } END { printf "%-34s %d kB\n", "", memory }'
}

# ---- at idle ----

td_start_postgres
td_start_redis
td_load_demo 1
rows=$("$TENANTDECK" -d mentoring -p mentoring status tables | grep -o '[0-9,]* rows' | head -n 1)
for round in 1 2 3; do
    measure tenantdeck "$rows" "$TENANTDECK" -d mentoring -r "$TD_REDIS" -p mentoring
    if command -v pg_activity >/dev/null; then
        measure pg_activity 'RUNNING QUERIES' pg_activity -d mentoring --no-db-size
    else
        echo "pg_activity: not installed"
    fi
done

# ---- a run beside a slow terminal ----

cp "$TENANTDECK_DATADIR"/plans/mentoring* "$work"
{ echo organization_id,organization_code,tenant_code
  td_psql "SELECT organization_id || ',org_' || organization_id || ',tenant_1' FROM organization_extension"; } \
    >"$work/data_codes.csv"
psql -X -q -d postgres -c 'CREATE DATABASE prepared TEMPLATE mentoring'
"$TENANTDECK" -d prepared -p "$work/mentoring.plan" migrate --yes --no-backup --to columns >"$work/said" 2>&1 ||
    cat "$work/said"

# filled NAME SCRIPT-LINE: the fill of a fresh copy, while a console is open whose terminal is so.
filled() {
    local console= begun
    psql -X -q -d postgres -c 'DROP DATABASE IF EXISTS beside WITH (FORCE)' -c 'CREATE DATABASE beside TEMPLATE prepared'
    if [ -n "$2" ]; then
        printf '%s\n' 'wait quit' "$2" 'signal TERM' >"$work/beside"
        "$TD_BUILDDIR/tests/screen/pty" 80x24 "$work/beside" "$TENANTDECK" -d beside -p "$work/mentoring.plan" --refresh 0.2 \
            >"$work/beside.said" 2>&1 &
        console=$!
        sleep 2
    fi
    begun=$(date +%s%3N)
    "$TENANTDECK" -d beside -p "$work/mentoring.plan" run fill --yes >"$work/said" 2>&1 || cat "$work/said"
    echo "fill $1: $(($(date +%s%3N) - begun)) ms"
    [ -z "$console" ] || { kill "$console"; wait "$console"; } 2>/dev/null
}
for round in 1 2 3; do
    filled 'alone' ''
    filled 'beside a console' 'count 600000'
    filled 'beside a console at 1 kB/s' 'slow 1000 600000 \x0c1\x0c2'
done

# ---- while the database is stopped ----

postmaster=$(cat "$PGHOST/server")
stop="kill -STOP $postmaster \$(pgrep -P $postmaster)"
go="kill -CONT $postmaster \$(pgrep -P $postmaster)"
printf '%s\n' "wait $rows" "run $stop" "strokes $((seconds * 10)) 100 jjkk" usage "run $go" 'signal TERM' end |
    on_terminal "$TENANTDECK" -d mentoring -r "$TD_REDIS" -p mentoring |
    tell_strokes "the database stopped for ${seconds} s"

# ---- many tenants, many tables ----

{ echo organization_id,tenant_code
  seq "$tenants" | sed 's/.*/&,tenant_&/'; } >"$work/codes.csv"
{ cat <<'EOF'
[plan]
    name = many
    kind = columns
    title = Many tenants in many tables
[mapping]
    file = codes.csv
    key = organization_id
    tenant = tenant_code
[column "tenant_code"]
    type = varchar(255)
    role = tenant
EOF
  seq "$tables" | sed 's/.*/[table "t&"]\n    from = own organization_id/'; } >"$work/many.plan"
psql -X -q -d postgres -c 'CREATE DATABASE many'
seq "$tables" | sed "s/.*/CREATE TABLE t& AS SELECT i AS id, i::text AS organization_id FROM \
generate_series(1, $tenants) AS i; ALTER TABLE t& ADD PRIMARY KEY (id);/" |
    psql -X -q -v ON_ERROR_STOP=1 -d many -f -
psql -X -q -d many -c ANALYZE
pages=$((seconds * 10))
printf '%s\n' "wait tables" 'send 3z' 'send C' 'wait counted' 'send G' "wait $tenants" \
    "strokes $pages 50 \\x02" usage "strokes $pages 50 jk" usage 'send /tenant_77\r' "strokes $pages 50 nN" usage \
    'signal TERM' end |
    on_terminal "$TENANTDECK" -d many -p "$work/many.plan" | tell_strokes "$tenants tenants x $tables tables"
