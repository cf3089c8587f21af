#!/bin/bash
# console: what the console costs while it looks, beside pg_activity on the same server.
#
#     tests/bench/console.sh BUILD_DIR [SECONDS]
#
# Prints for each round and program: milliseconds to the first full frame, bytes sent to an 80x24
# terminal per idle refresh of 2 s, resident memory, and processor milliseconds per minute at idle.
# The rounds are interleaved. pg_activity is Debian's package; without it there is no rival.
set -u
export TD_BUILDDIR=${1:?usage: tests/bench/console.sh BUILD_DIR [SECONDS]}
seconds=${2:-20}
TD_SRCDIR=$(cd "$(dirname "$0")/../.." && pwd)
TD_BUILDDIR=$(cd "$TD_BUILDDIR" && pwd)
. "$TD_SRCDIR/tests/lib.sh"
export LC_ALL=C.UTF-8

# measure NAME MARKER COMMAND...: the marker stands in the program's first full frame.
measure() {
    local name=$1 marker=$2 script
    shift 2
    script=$(mktemp)
    printf '%s\n' "wait $marker" lap 'count 4000' usage "count $((seconds * 1000))" usage \
        'signal TERM' end >"$script"
    "$TD_BUILDDIR/tests/screen/pty" 80x24 "$script" "$@" |
        awk -v name="$name" -v seconds="$seconds" '
            $1 == "lap" { frame = $2 }
            $1 == "bytes" { bytes = $2 }
            $1 == "memory" { memory = $2 }
            $1 == "cpu" { spent = $2 - cpu; cpu = $2 }
            END { printf "%-12s %6d ms to a full frame %7.0f bytes a refresh %7d kB %6.0f ms cpu a minute\n",
                  name, frame, bytes / (seconds / 2), memory, spent * 60 / seconds }'
    rm -f "$script"
}

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
