#!/bin/bash
# tests/bench/redis.sh BUILD_DIR [KEYS [ROUNDS]]: the census and a clear against what one types with
# redis-cli, interleaved on one server, and what another client feels meanwhile (`make check-programs`
# builds the pulse that asks). Prints seconds, ratios and percentiles; fails at nothing, since
# milliseconds are no test. Both walk as fast as they may: no --share, no --rate.
set -eu
TD_BUILDDIR=$(cd "$1" && pwd) keys=${2:-1000000} rounds=${3:-3}
TD_SRCDIR=$(cd "$(dirname "$0")/../.." && pwd)
export TD_BUILDDIR TD_SRCDIR
. "$TD_SRCDIR/tests/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
td_start_redis

# 1,000 tenants with 8 types each; every tenth key is a form of the guide, which the clear removes.
fill() {
    td_redis FLUSHALL >/dev/null
    for from in $(seq 0 100000 $((keys - 1))); do
        td_redis EVAL "local types = {'sessions:%d', 'org:o1:forms:%d:a', 'org:o1:organizations:%d', 'org:o2:mentor:%d',
                'org:o2:mentee:%d', 'org:o3:entityTypes:model:m:%d', 'mentor:%d', 'mentee:%d'}
            for n = ARGV[1], ARGV[1] + 99999 do
                local key = n % 10 == 0 and 'forms:t' .. n % 1000 .. ':' .. n
                         or 'tenant:t' .. n % 1000 .. ':' .. types[n % 8 + 1]:format(n)
                redis.call('SET', key, string.rep('v', 20 + n % 100), 'EX', 3600 + n % 80000)
            end" 0 "$from" >/dev/null
    done
}

ours() {
    "$TENANTDECK" -r "$TD_REDIS" -p mentoring --yes "$@" </dev/null
}

rival_census() {
    td_redis --scan | awk -F: '{ count[$2 " " $1 " " $3 " " $5]++ } END { for (one in count) print one, count[one] }'
}

rival_clear() {
    td_redis --scan --pattern 'forms:*' | xargs redis-cli -s "$TD_REDIS_SOCKET" DEL
}

# seconds COMMAND...: how long it took, as a decimal number.
seconds() {
    begun=$(date +%s.%N)
    "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
    echo "$begun $(date +%s.%N)" | awk '{ printf "%.3f", $2 - $1 }'
}

# pulse: p50, p99 and the worst of another client's GETs, in milliseconds.
pulse() {
    "$TD_BUILDDIR/tests/bench/pulse" "$TD_REDIS_SOCKET" 10000
}

# beside COMMAND...: the same while the command runs over and over.
beside() {
    (while :; do "$@"; done) >"$work/said" 2>&1 &
    busy=$!
    pulse
    pkill -P "$busy" 2>/dev/null || true
    kill "$busy" 2>/dev/null || true
    wait "$busy" 2>/dev/null || true
}

echo "$keys keys; seconds"
echo 'round   rival census   ours   ratio   rival clear   ours   ratio'
for round in $(seq "$rounds"); do
    fill; rival_c=$(seconds rival_census) census=$(seconds ours cache counts)
    rival_d=$(seconds rival_clear)
    fill; clear=$(seconds ours cache clear --pattern='forms:*')
    echo "$round $rival_c $census $rival_d $clear" |
        awk '{ printf "%5d %14.2f %6.2f %7.2f %13.2f %6.2f %7.2f\n", $1, $2, $3, $3 / $2, $4, $5, $5 / $4 }'
done
fill
echo "another client's GET: p50, p99 and worst in ms; load $(cut -d' ' -f1 /proc/loadavg)"
echo 'round              alone    beside redis-cli --scan     beside cache counts'
for round in $(seq "$rounds"); do
    printf '%5d   %s     %s     %s\n' "$round" "$(pulse)" "$(beside td_redis --scan)" "$(beside ours cache counts)"
done
