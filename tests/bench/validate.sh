#!/bin/bash
# tests/bench/validate.sh BUILD_DIR [SCALE...]: how long validate takes over all tables of the sample, so many
# times its size (9 is about a million rows), with all checks. Beside it what psql needs, one table after
# the other, to count the rows (PostgreSQL reads an index for that, and no code), and to count the codes
# (which reads each row once, as anything must that looks at them). Prints figures with the load of the
# machine; fails at nothing, since milliseconds are no test.
set -eu
TD_BUILDDIR=$1 rounds=3
shift
[ $# -gt 0 ] || set -- 1 9
TD_SRCDIR=$(cd "$(dirname "$0")/../.." && pwd)
export TD_BUILDDIR TD_SRCDIR
. "$TD_SRCDIR/tests/lib.sh"
. "$TD_SRCDIR/tests/migration.sh"
TD_POSTGRES_OPTIONS='-c shared_buffers=1GB -c max_wal_size=4GB -c maintenance_work_mem=512MB'
td_start_postgres
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
cp "$TD_SRCDIR"/data/plans/* "$work"

seconds() {
    begun=$(date +%s.%N)
    "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
    echo "$begun $(date +%s.%N)" | awk '{ printf "%.2f", $2 - $1 }'
}

# each_table EXPRESSIONS: a file with one SELECT for each table of the plan that has the codes.
each_table() {
    psql -X -At -d subject -v expressions="$1" <<'SQL'
SELECT format('SELECT %s FROM public.%I;', :'expressions', c.relname)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_code'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
SQL
}

asked() {
    psql -X -q -At -d subject -f "$work/$1.sql"
}

for scale in "$@"; do
    PGOPTIONS='-c client_min_messages=warning' psql -X -q -d postgres \
        -c 'DROP DATABASE IF EXISTS subject WITH (FORCE)' -c 'CREATE DATABASE subject'
    "$TENANTDECK" -d dbname=subject --operator --yes demo load --scale "$scale" >"$work/said" 2>&1 ||
        { cat "$work/said" >&2; exit 1; }
    psql -X -q -d subject -c 'VACUUM ANALYZE'
    PGDATABASE=subject td_codes >"$work/data_codes.csv"
    td_on subject migrate --no-backup --window >"$work/said" || { cat "$work/said" >&2; exit 1; }
    psql -X -q -d subject -c 'VACUUM ANALYZE'
    each_table 'count(*)' >"$work/rows.sql"
    each_table 'count(*), count(tenant_code), count(organization_code)' >"$work/codes.sql"
    echo "validate: $(asked rows | awk '{ n += $1 } END { print n }') rows in $(wc -l <"$work/rows.sql") tables"
    for round in $(seq "$rounds"); do
        rows=$(seconds asked rows) codes=$(seconds asked codes) whole=$(seconds td_on subject validate)
        # What of it was the reading, without the program's start, its claim and its end.
        step=$(psql -X -At -d subject -c "SELECT round(extract(epoch FROM ended_at - started_at), 2)
                                            FROM tenantdeck.step WHERE name = 'validate' ORDER BY id DESC LIMIT 1")
        echo "$round $rows $codes $whole $step $(cut -d' ' -f1 /proc/loadavg)" |
            awk '{ printf "%5d rows %.2f s, codes %.2f s, validate %.2f s (its step %.2f s): %.1f of rows, %.1f of codes; load %s\n",
                          $1, $2, $3, $4, $5, $4 / $2, $4 / $3, $6 }'
    done
done
