#!/bin/bash
# What the verbs of the cache change, in a Redis Cluster of three primaries and over TLS: keys of one
# tenant lie on all of them, and are counted, removed, restored and renamed as on one server.
. "$(dirname "$0")/../lib.sh"
work=$(mktemp -d /tmp/td-cluster-XXXXXX)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
unset REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USERNAME REDIS_TLS REDIS_PROVIDER

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -subj /CN=cluster -days 2 \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -out "$work/cert.pem" 2>"$work/openssl.log" ||
    td_bail "no certificate: $(cat "$work/openssl.log")"
chmod 755 "$work" && chmod 644 "$work"/*.pem
base=$((16000 + $$ % 1000 * 4)) sockets=()
for n in 0 1 2; do
    TD_REDIS_OPTIONS="--cluster-enabled yes --cluster-port $((base + 8000 + n)) --tls-port $((base + 4000 + n))
        --tls-cert-file $work/cert.pem --tls-key-file $work/key.pem --tls-ca-cert-file $work/cert.pem
        --tls-auth-clients no --tls-cluster yes"
    td_start_redis $((base + n))
    sockets+=("$TD_REDIS_SOCKET")
done

# at NODE COMMAND...
at() {
    local socket=${sockets[$1]}
    shift
    redis-cli -s "$socket" "$@"
}

at 0 CLUSTER ADDSLOTSRANGE 0 5000 >"$work/said"
at 1 CLUSTER ADDSLOTSRANGE 5001 10000 >"$work/said"
at 2 CLUSTER ADDSLOTSRANGE 10001 16383 >"$work/said"
for n in 1 2; do at 0 CLUSTER MEET 127.0.0.1 $((base + 4000 + n)) $((base + 8000 + n)) >"$work/said"; done
settled() {
    for n in 0 1 2; do
        at "$n" CLUSTER INFO | grep -q '^cluster_known_nodes:3' &&
            at "$n" CLUSTER INFO | grep -q '^cluster_state:ok' || return 1
    done
}
td_until 30 settled || td_bail "the cluster does not come up: $(at 0 CLUSTER NODES)"

deck() {
    timeout 60 "$TENANTDECK" -p sessions -r "rediss://localhost:$((base + 4000))?cacert=$work/cert.pem" --yes "$@" </dev/null
}

everything() {
    redis-cli -c -p "$base" "$@"
}

size() {
    echo $(($(at 0 DBSIZE) + $(at 1 DBSIZE) + $(at 2 DBSIZE)))
}

load() {
    for n in 0 1 2; do at "$n" FLUSHALL; done >"$work/said"
    { seq 300 | sed 's/.*/SET session:acme:& "{\\"tenantId\\":\\"acme\\"}" EX 5000/'
      seq 300 | sed 's/.*/SET cache:acme:users:& x/'
      seq 100 | sed 's/.*/SET session:beta:& x EX 5000/'
      echo 'SADD cache_tags:acme:user cache:acme:users:1 cache:acme:users:2 cache:acme:users:3'
      echo 'SET bull:q:1 x'; } | everything >"$work/said" 2>&1
}

load
is "$(size)" 702 'the keys lie on three nodes'
deck cache counts --by=tenant --json >"$work/json"
is "$(python3 -c 'import json, sys
print([(h["code"], h["keys"]) for h in json.load(open(sys.argv[1]))["holders"]])' "$work/json")" \
    "[('acme', 601), ('beta', 100), ('(nobody)', 1)]" 'and are counted by tenant'
runs 'a tenant is cleared' deck cache clear --tenant=acme --undo-file="$work/undo"
like "$td_said" 'removed: 601 of 601 that one full walk has met; asked for by name: none is there' 'on every node'
is "$(size)" 101 'and nobody else'
like "$(deck cache restore "$work/undo")" 'found there: 601 of 601' 'all comes back'
is "$(size)" 702 'to every node'
runs 'a tag is cleared' deck cache clear --tag=user --tenant=acme
is "$(size) $(everything EXISTS cache:acme:users:1)" '698 0' 'with its set'
exits 1 'the policy is asked for' deck cache ttl
runs 'and set' deck cache ttl --set
ttl=$(everything TTL cache:acme:users:9)
[ "$ttl" -gt 3000 ] && [ "$ttl" -le 3600 ]
ok $? 'on every key'
# Each server has an order of its own in sets and hashes, so that no two tell them in the same bytes.
{ for n in $(seq 20); do
      echo "SADD user_sessions:acme:u$n $(seq -s ' ' -f 'sess_%g' 9)"
      echo "HSET cache:acme:hash$n $(seq -s ' ' -f 'field%g' 280)"
  done; } | everything >"$work/said" 2>&1
runs 'a tenant gets another code' deck cache rekey acme apex
like "$td_said" 'keys moved: 637; values that say the new code: 300' 'though its keys change their nodes'
is "$(size) $(everything GET session:apex:7)" '738 {"tenantId":"apex"}' 'and is whole'
is "$(for n in $(seq 20); do echo "SCARD user_sessions:apex:u$n" && echo "HLEN cache:apex:hash$n"; done | everything | grep -v Redirected | sort | uniq -c | tr -s ' ' | tr '\n' ';')" \
    ' 20 140; 20 9;' 'sets and hashes, too'
ttl=$(everything TTL session:apex:7)
[ "$ttl" -gt 4900 ] && [ "$ttl" -le 5000 ]
ok $? 'with its time'
everything SET session:beta:1 '{"tenantId":"beta","n":1}' EX 5000 >"$work/said"
everything SET session:gamma:1 '{"tenantId":"gamma","n":2}' EX 5000 >"$work/said"
exits 4 'a code that has keys already is refused' deck cache rekey beta gamma
is "$(everything GET session:beta:1) $(everything GET session:gamma:1)" \
    '{"tenantId":"beta","n":1} {"tenantId":"gamma","n":2}' 'and nothing is changed'
everything DEL session:gamma:1 >"$work/said"
exits 4 'all is refused while others have keys' deck cache clear --all --confirm="localhost:$((base + 4000))/0"
is "$(size)" 738 'and nothing is removed'
done_testing
