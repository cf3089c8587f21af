#!/bin/bash
# redis_faults: what a Redis can have: it is full, read-only, loading, cannot save, takes no more clients,
# was restarted empty, is away. Each is told in a sentence with what to do, and no count becomes 0.
. "$(dirname "$0")/../lib.sh"
work=$(mktemp -d /tmp/td-faults-XXXXXX)
trap 'rm -rf "$work"' EXIT
unset REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USERNAME REDIS_TLS REDIS_PROVIDER

port=$((24000 + $$ % 5000)) url=redis://127.0.0.1:$((24000 + $$ % 5000))
plan=$TENANTDECK_DATADIR/plans/sessions.plan
TD_REDIS_OPTIONS='--enable-debug-command local --enable-protected-configs local --maxmemory-policy noeviction'
td_start_redis "$port"
seq 300 | sed 's/.*/SET session:t:k& v EX 5000/' | td_redis >"$work/said"

coproc ASK { "$TD_BUILDDIR/tests/flow/ask" "$url" 2>&1; }
ask() {
    echo "$*" >&"${ASK[1]}"
    read -r -t 30 answer <&"${ASK[0]}"
    echo "$answer"
}

read -r -t 30 answer <&"${ASK[0]}"
is "$(ask SET k v)" OK 'a healthy one writes'

# ---- what it says ----

# What the banner says of it, before anybody has tried to write.
banner() {
    timeout 30 "$TENANTDECK" -r "$url" -p sessions --json status | jq -r '.banner.redis | .state + ": " + (.alarms // "")'
}

is "$(banner)" 'up: ' 'nothing rings'
td_redis CONFIG SET maxmemory 1 >"$work/said"
like "$(banner)" '^up: full: takes no writes, memory ' 'who looks on sees that it is full'
like "$(ask SET k v)" 'reached its memory limit and takes no more writes .it says: OOM' 'it is full'
td_redis CONFIG SET maxmemory 0 >"$work/said"
td_redis REPLICAOF 127.0.0.1 1 >"$work/said"
is "$(banner)" 'up: a replica: takes no writes' 'who looks on sees what it is'
like "$(ask SET k v)" 'is a replica, and takes no writes .it says: READONLY' 'it takes no writes'
td_redis CONFIG SET replica-serve-stale-data no >"$work/said"
like "$(ask GET k)" 'has lost its primary .it says: MASTERDOWN' 'it has lost its primary'
td_redis CONFIG SET replica-serve-stale-data yes >"$work/said"
td_redis REPLICAOF NO ONE >"$work/said"
td_redis CONFIG SET min-replicas-to-write 1 >"$work/said"
like "$(ask SET k v)" 'fewer replicas than min-replicas-to-write wants .it says: NOREPLICAS' 'it has too few replicas'
td_redis CONFIG SET min-replicas-to-write 0 >"$work/said"
td_redis ACL SETUSER default -set >"$work/said"
like "$(ask SET k v)" 'user may not do this .it says: NOPERM' 'the user may not'
td_redis ACL SETUSER default +set >"$work/said"
mkdir -p "$work/gone" && chmod 777 "$work" "$work/gone"
td_redis CONFIG SET dir "$work/gone" >"$work/said"
rmdir "$work/gone"
td_redis CONFIG SET save '1 1' >"$work/said"
td_redis BGSAVE >"$work/said"
td_until 20 bash -c "redis-cli -s '$TD_REDIS_SOCKET' INFO persistence | grep -q rdb_last_bgsave_status:err"
like "$(ask SET k v)" 'cannot save its data to disk, so it refuses writes .it says: MISCONF' 'it cannot save'
td_redis CONFIG SET save '' >"$work/said"
td_redis CONFIG SET stop-writes-on-bgsave-error no >"$work/said"
td_redis CONFIG SET dir /tmp >"$work/said"

# Reading 300 keys back takes 1.5 seconds: in between it answers everybody with LOADING.
td_redis CONFIG SET dir "$(dirname "$TD_REDIS_SOCKET")" >"$work/said"
td_redis CONFIG SET loading-process-events-interval-bytes 1024 key-load-delay 5000 >"$work/said"
(td_redis DEBUG RELOAD >"$work/reloaded" 2>&1 &)
td_until 10 bash -c "redis-cli -s '$TD_REDIS_SOCKET' PING 2>&1 | grep -q LOADING"
like "$(ask GET k)" 'reading its data from disk .it says: LOADING' 'it is loading'
td_said=$(timeout 30 "$TENANTDECK" -r "$url" -p sessions cache counts 2>&1)
like "$td_said" 'reading its data from disk' 'who comes now is told, too'
like "$td_said" 'hint: wait until it is ready' 'and waits'
td_until 30 bash -c "redis-cli -s '$TD_REDIS_SOCKET' PING 2>&1 | grep -q PONG"
td_redis CONFIG SET key-load-delay 0 >"$work/said"
eval "exec ${ASK[1]}>&-"
wait "$ASK_PID" 2>/dev/null

# ---- who looks on is told the same ----

# sees NAME TEXT...: in a console of 80 columns that was just opened.
sees() {
    local name=$1
    shift
    { printf '%s\n' settle 'key 8' && printf 'wait %s\n' "$@"; } >"$work/script"
    runs "$name" timeout 30 "$TENANTDECK" -r "$url" -p sessions --script "$work/script" --size 80x24
}
td_redis CONFIG SET requirepass canary-1 >"$work/said"
sees 'no password' 'Redis down: Redis wants a password and was given none' password-file
REDIS_PASSWORD=canary-2 sees 'a wrong one' 'Redis down: the Redis user or password is wrong' 'ACL LIST'
redis-cli -s "$TD_REDIS_SOCKET" -a canary-1 --no-auth-warning CONFIG SET requirepass '' >"$work/said"
url=redis://127.0.0.1:1 sees 'no server' 'Redis down: Connection refused' 'is Redis running there'

# ---- no place left ----

td_redis CONFIG SET maxclients 1 >"$work/said"
exec 7<>"/dev/tcp/127.0.0.1/$port" # has it
exits 3 'one client too many' timeout 30 "$TENANTDECK" -r "$url" -p sessions cache counts
like "$td_said" 'no connection left .it says: ERR max number of clients' 'is told why'
like "$td_said" 'hint: see who is connected .*maxclients' 'and what to do'
exec 7>&-
td_until 10 bash -c "redis-cli -s '$TD_REDIS_SOCKET' CONFIG SET maxclients 100 | grep -q OK"

# ---- the console looks on while it goes and comes back empty ----

# Another server under the same address each time: a restart without its data.
restart() {
    "$(command -v redis-server)" --port 0 --unixsocket "$work/redis.sock" --save '' --dir "$work" \
        --daemonize yes --pidfile "$work/pid" >"$work/said" 8>&- && td_until 10 test -s "$work/pid" &&
        td_until 10 redis-cli -s "$work/redis.sock" ping
}

end() {
    kill -9 "$(cat "$work/pid")" && td_until 10 bash -c "! kill -0 $(cat "$work/pid")"
    rm -f "$work/pid" "$work/redis.sock"
}

trap 'kill "$(cat "$work/pid" 2>/dev/null)" 2>/dev/null; rm -rf "$work"' EXIT
restart
seq 300 | sed 's/.*/SET session:t:k& v EX 5000/' | redis-cli -s "$work/redis.sock" >"$work/said"
mkfifo "$work/hold"
"$TD_BUILDDIR/tests/flow/watch" "unix://$work/redis.sock" "$plan" <"$work/hold" >"$work/watched" 2>&1 &
watcher=$!
exec 8>"$work/hold"
seen() {
    grep -qE "$1" "$work/watched"
}

td_until 30 seen '^up keys=300 counted=300 whole$'
ok $? 'the console has counted the keys' || td_note "$(cat "$work/watched")"
end
td_until 30 seen '^down keys=300 counted=300 whole trouble: .*could not be reached'
ok $? 'away: the counts are those of before, and not 0' || td_note "$(cat "$work/watched")"
restart
td_until 30 seen '^up keys=0 counted=300 whole outdated'
ok $? 'back, and empty: what was counted is told to be outdated' || td_note "$(cat "$work/watched")"
td_until 30 seen '^event: .*was restarted: it has 0 keys now, and had 300 before'
ok $? 'and the log says what has happened' || td_note "$(cat "$work/watched")"
td_until 30 seen '^up keys=0 counted=0 whole$'
ok $? 'until it is counted anew' || td_note "$(cat "$work/watched")"
is "$(sed -n '/whole/,$p' "$work/watched" | grep 'counted=0' | head -n 1)" 'up keys=0 counted=0 whole' \
    'and never 0 before'
exec 8>&-
wait "$watcher"
end

done_testing
