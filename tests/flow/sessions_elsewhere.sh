#!/bin/bash
# sessions_elsewhere: the verbs on sessions and caches do the same over TLS, in a cluster of three
# primaries, where there is no MULTI over its servers, and behind Upstash's HTTP.
set -u
. "$(dirname "$0")/../lib.sh"
work=$(mktemp -d /tmp/td-test-XXXXXX)
stubs=
trap 'kill $stubs 2>/dev/null; rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work
unset REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USERNAME REDIS_TLS REDIS_PROVIDER SSL_CERT_FILE SSL_CERT_DIR \
    UPSTASH_REDIS_REST_URL UPSTASH_REDIS_REST_TOKEN KV_REST_API_URL KV_REST_API_TOKEN http_proxy https_proxy
base=$((20000 + $$ % 9000))

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -subj /CN=localhost -days 2 \
    -addext 'subjectAltName=DNS:localhost' -out "$work/cert.pem" 2>"$work/openssl.log" ||
    td_bail "no certificate: $(cat "$work/openssl.log")"
chmod 755 "$work" && chmod 644 "$work/key.pem"

more=5 # sessions of one user, after the first

# at NAME PLACE COMMAND...: the whole round, by the command that reaches this Redis.
at() {
    local name=$1 place=$2 id
    shift 2
    runs "$name: cache test passes" "$@" cache test --yes
    id=$("$@" session create --tenant 'o*1' --user u --yes) || td_note "$id"
    for _ in $(seq "$more"); do "$@" session create --tenant 'o*1' --user u --yes; done >"$work/said"
    [ "$more" -lt 5 ] || like "$(cat "$work/said")" 'has 6 sessions now' "$name: who has too many is told"
    is "$("$@" session list --tenant 'o*1' | grep -c 'sess_')" $((more + 1)) "$name: they are listed"
    like "$("$@" session show "$id" 2>&1)" 'left +23h' "$name: one is found without its tenant"
    runs "$name: one is touched" "$@" session touch "$id" --tenant 'o*1' --yes
    runs "$name: a check passes" "$@" session check
    [ "$more" -lt 5 ] || like "$td_said" 'limit \(1\)' "$name: and finds the user over the limit"
    "$@" cache set a 1 --tenant t --tags x,y --yes >"$work/said" && "$@" cache set b 1 --tenant t --tags y --yes >"$work/said"
    like "$("$@" cache tags x --tenant t --yes 2>&1)" '1 were there and are gone' "$name: a tag removes what carries it"
    like "$("$@" cache get b --tenant t 2>&1)" 'tags +y' "$name: and no more"
    runs "$name: the rest is deleted" "$@" cache delete b --tenant t --yes
    runs "$name: the bench runs" "$@" cache bench --count 3 --yes
    runs "$name: metrics are read" "$@" cache metrics
    like "$("$@" session end --user u --tenant 'o*1' --confirm="$place" 2>&1)" "$((more + 1)) sessions have ended" \
        "$name: all sessions of a user end"
    like "$("$@" session list 2>&1)" 'There is none' "$name: none is left"
}

# meanwhile NAME PORT COMMAND...: what happens to a session between our look at it and our write. The
# server that has it lets reads through and keeps writes waiting, ours and the service's.
meanwhile() {
    local name=$1 port=$2 id key value
    shift 2
    id=$("$@" session create --tenant t --user u --yes)
    key=session:t:$id
    redis-cli -c -p "$port" PEXPIRE "$key" 1500 >"$work/said"
    port=$(redis-cli -p "$port" GET "$key" 2>&1 | sed -n 's/^MOVED .*://p' | grep . || echo "$port")
    redis-cli -p "$port" CLIENT PAUSE 2000 WRITE >"$work/said"
    exits 1 "$name: a session that ends while it is touched" "$@" session touch "$id" --tenant t --yes
    like "$td_said" 'has ended meanwhile|there is no session' "$name: stays ended"
    is "$(redis-cli -p "$port" EXISTS "$key")" 0 "$name: and is not there"
    id=$("$@" session create --tenant t --user u --yes)
    key=session:t:$id
    port=$(redis-cli -p "$port" GET "$key" 2>&1 | sed -n 's/^MOVED .*://p' | grep . || echo "$port")
    value=$(redis-cli -p "$port" GET "$key" | sed 's/^{/{"basket": 7, /')
    redis-cli -p "$port" CLIENT PAUSE 2000 WRITE >"$work/said"
    redis-cli -p "$port" SET "$key" "$value" KEEPTTL >"$work/said" &
    td_until 10 sh -c "redis-cli -p $port CLIENT LIST | grep -q 'cmd=set .*flags=b\|flags=b.*cmd=set'"
    runs "$name: a session that the service writes while it is touched" "$@" session touch "$id" --tenant t --yes
    wait $!
    is "$(redis-cli -p "$port" GET "$key" | jq -c '[.basket, .lastAccessedAt > .createdAt]')" '[7,true]' \
        "$name: keeps what the service has written, and is touched"
    "$@" session end --user u --tenant t --yes --confirm="$place" >"$work/said" 2>&1
}

# ---- TLS ----

TD_REDIS_OPTIONS="--tls-port $((base + 1)) --tls-cert-file $work/cert.pem --tls-key-file $work/key.pem
    --tls-ca-cert-file $work/cert.pem --tls-auth-clients no"
td_start_redis "$base"
at TLS "localhost:$((base + 1))/0" timeout 60 "$TENANTDECK" -r "rediss://localhost:$((base + 1))?cacert=$work/cert.pem"

# ---- Upstash, in front of the same server ----

"$TD_BUILDDIR/tests/flow/upstash" "$((base + 2))" "$TD_REDIS_SOCKET" token "$work/cert.pem" "$work/key.pem" >"$work/asked" 2>&1 &
stubs=$!
td_until 10 bash -c ": </dev/tcp/127.0.0.1/$((base + 2))" || td_bail 'the stub does not listen'
upstash() {
    REDIS_PROVIDER=upstash UPSTASH_REDIS_REST_URL=https://localhost:$((base + 2)) UPSTASH_REDIS_REST_TOKEN=token \
        REDIS_TLS_CACERT=$work/cert.pem timeout 60 "$TENANTDECK" "$@"
}
more=1 # each command is a request, and a program of its own
at Upstash localhost upstash
place=localhost meanwhile Upstash "$base" upstash
more=5

# ---- a cluster ----

ports=
for n in 3 4 5; do
    TD_REDIS_OPTIONS="--cluster-enabled yes --cluster-port $((base + 10000 + n)) --cluster-node-timeout 2000"
    td_start_redis $((base + n))
    ports="$ports 127.0.0.1:$((base + n))"
done
# shellcheck disable=SC2086
redis-cli --cluster create $ports --cluster-yes >"$work/said" 2>&1 || td_bail "no cluster: $(cat "$work/said")"
whole() {
    for n in 3 4 5; do
        redis-cli -p $((base + n)) cluster info | grep -q cluster_state:ok || return 1
    done
}
td_until 30 whole || td_bail 'the cluster does not come up'
at cluster "127.0.0.1:$((base + 3))/0" timeout 60 "$TENANTDECK" -r "redis://127.0.0.1:$((base + 3))"
place=127.0.0.1:$((base + 3))/0 meanwhile cluster $((base + 3)) timeout 60 "$TENANTDECK" -r "redis://127.0.0.1:$((base + 3))"
like "$(timeout 20 "$TENANTDECK" -r "redis://127.0.0.1:$((base + 3))" cache metrics)" 'node 3' 'cluster: each primary tells its load'

done_testing
