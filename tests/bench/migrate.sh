#!/bin/sh
# tests/bench/migrate.sh BUILD_DIR [ATTENDEES [ROUNDS [few]]]: the migration of two large tables against
# the script that a good DBA writes by hand, interleaved on one server. Prints seconds, ratios and sizes;
# fails at nothing, since milliseconds are no test. With `few` both sides build a key and an index a table
# and nothing else: index builds cost both the same, and so pull every ratio towards 1.
set -eu
TD_BUILDDIR=$1 attendees=${2:-1000000} rounds=${3:-3} few=${4:+true}
TD_SRCDIR=$(cd "$(dirname "$0")/../.." && pwd)
export TD_BUILDDIR TD_SRCDIR
here=$TD_SRCDIR/tests/bench
. "$TD_SRCDIR/tests/lib.sh"
sessions=$((attendees * 3 / 10))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
if [ "$few" ]; then
    grep -Ev '^ +(unique =|index = tenant_code created_by)' "$here/migrate.plan" >"$work/migrate.plan"
else
    cp "$here/migrate.plan" "$work"
fi
{ echo organization_id,organization_code,tenant_code
  for i in $(seq 20); do echo "$i,org_$i,tenant_$((1 + i % 6))"; done; } >"$work/codes.csv"

TD_POSTGRES_OPTIONS='-c shared_buffers=1GB -c max_wal_size=4GB -c maintenance_work_mem=512MB -c work_mem=64MB
 -c fsync=on -c full_page_writes=on'
td_start_postgres
psql -X -q -d postgres -c 'CREATE DATABASE pristine'
psql -X -q -v ON_ERROR_STOP=1 -d pristine -v sessions="$sessions" -v attendees="$attendees" -f "$here/migrate_data.sql"

fresh() {
    PGOPTIONS='-c client_min_messages=warning' psql -X -q -d postgres -c 'DROP DATABASE IF EXISTS subject WITH (FORCE)' \
        -c 'CREATE DATABASE subject TEMPLATE pristine' -c CHECKPOINT
}

size() {
    psql -X -At -d subject -c "SELECT (sum(pg_total_relation_size(oid)) / 1048576)::int FROM pg_class
                                WHERE relname IN ('sessions', 'session_attendees')"
}

# seconds COMMAND...: how long it took, as a decimal number.
seconds() {
    begun=$(date +%s.%N)
    "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
    echo "$begun $(date +%s.%N)" | awk '{ printf "%.2f", $2 - $1 }'
}

rival() {
    psql -X -q -d subject -v few="${few:-false}" -f "$here/migrate_rival.sql" <"$work/codes.csv"
}

ours() {
    "$TENANTDECK" -d dbname=subject -p "$work/migrate.plan" --yes migrate --no-backup "$1"
}

# The steps that the rival has, too: without the checks before and after.
steps() {
    psql -X -At -d subject -c "SELECT round(sum(extract(epoch FROM ended_at - started_at)), 2) FROM tenantdeck.step
        WHERE name IN ('mapping', 'columns', 'fill', 'not-null', 'keys', 'indexes', 'foreign-keys')"
}

echo "$attendees attendees, $sessions sessions; seconds and MB (heap and indexes)"
echo 'round   rival      MB   window: same steps   ratio   whole   ratio      MB   online: same steps   ratio   whole   ratio      MB'
for round in $(seq "$rounds"); do
    fresh; rival=$(seconds rival) rival_size=$(size)
    fresh; window=$(seconds ours --window) window_steps=$(steps) window_size=$(size)
    fresh; online=$(seconds ours --online) online_steps=$(steps) online_size=$(size)
    echo "$round $rival $rival_size $window_steps $window $window_size $online_steps $online $online_size" |
        awk '{ printf "%5d %7.1f %7d %20.1f %7.2f %7.1f %7.2f %7d %20.1f %7.2f %7.1f %7.2f %7d\n", $1, $2, $3,
               $4, $4 / $2, $5, $5 / $2, $6, $7, $7 / $2, $8, $8 / $2, $9 }'
done
