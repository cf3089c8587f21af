#!/bin/bash
# redis_cluster: a Redis Cluster is one keyspace: every primary is walked, commands go where their key
# lives and follow it when it moves, over TLS and with a password on every node; and what cannot be
# seen is never counted as nothing.
. "$(dirname "$0")/../lib.sh"
work=$(mktemp -d /tmp/td-cluster-XXXXXX)
trap 'rm -rf "$work"' EXIT
unset REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USERNAME REDIS_TLS REDIS_PROVIDER

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -subj /CN=cluster -days 2 \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -out "$work/cert.pem" 2>"$work/openssl.log" ||
    td_bail "no certificate: $(cat "$work/openssl.log")"
chmod 755 "$work" && chmod 644 "$work"/*.pem

# ---- three primaries, and a replica of the third ----

password=canary-cluster
export REDISCLI_AUTH=$password REDIS_PASSWORD=$password
base=$((12000 + $$ % 1000 * 4)) sockets=() directories=()
for n in 0 1 2 3; do
    TD_REDIS_OPTIONS="--cluster-enabled yes --cluster-port $((base + 8000 + n)) --cluster-node-timeout 1500
        --requirepass $password --masterauth $password --tls-port $((base + 4000 + n))
        --tls-cert-file $work/cert.pem --tls-key-file $work/key.pem --tls-ca-cert-file $work/cert.pem
        --tls-auth-clients no --tls-cluster yes --tls-replication yes --repl-diskless-sync-delay 0"
    td_start_redis $((base + n))
    sockets+=("$TD_REDIS_SOCKET") directories+=("$td_made")
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
for n in 1 2 3; do at 0 CLUSTER MEET 127.0.0.1 $((base + 4000 + n)) $((base + 8000 + n)) >"$work/said"; done

# settled COUNT: every node knows of so many, and the cluster is whole.
settled() {
    local n
    for n in 0 1 2 ${2:-3}; do
        at "$n" CLUSTER INFO | grep -q "^cluster_known_nodes:$1" &&
            at "$n" CLUSTER INFO | grep -q '^cluster_state:ok' || return 1
    done
}

td_until 30 settled 4 || td_bail "the cluster does not come up: $(at 0 CLUSTER NODES)"
at 3 CLUSTER REPLICATE "$(at 2 CLUSTER MYID)" >"$work/said"
td_until 30 bash -c "redis-cli -s '${sockets[3]}' INFO replication | grep -q master_link_status:up" ||
    td_bail 'the replica does not follow'

seq 900 | sed 's/.*/SET session:t:k& v EX 5000/' >"$work/keys"
redis-cli -c -p "$base" <"$work/keys" >"$work/said" 2>&1

deck() {
    timeout 60 "$TENANTDECK" -p sessions "$@"
}

url=redis://127.0.0.1:$base
is "$(($(at 0 DBSIZE) + $(at 1 DBSIZE) + $(at 2 DBSIZE)))" 900 'its keys lie on three nodes'
for n in 0 1 2 3; do
    runs "asked at node $n" deck -r "redis://127.0.0.1:$((base + n))" cache counts
    like "$td_said" '900 keys' 'all keys are counted'
done
runs 'over TLS' deck -r "rediss://localhost:$((base + 4000))?cacert=$work/cert.pem" cache counts
like "$td_said" '900 keys' 'on every node'
exits 4 'a database other than 0' deck -r "$url/3" cache counts
like "$td_said" 'a cluster has only database 0' 'is refused, in a sentence'
exits 3 'a wrong password' env REDIS_PASSWORD=wrong timeout 60 "$TENANTDECK" -r "$url" -p sessions cache counts
like "$td_said" 'user or password is wrong' 'is told'

# ---- the nodes ----

# That there is a replica goes round among the nodes by and by.
replica_is_known() {
    deck -r "$url" nodes | grep -q 'replica *up'
}
td_until 20 replica_is_known
runs 'the nodes' deck -r "$url" nodes
like "$td_said" "^127.0.0.1:$base +primary +up +5,001 " 'with their slots'
like "$td_said" "^127.0.0.1:$((base + 3)) +replica +up " 'and the replica'
is "$(deck -r "$url" --json nodes | jq '[.nodes[] | select(.role == "primary") | .keys] | add')" 900 'and their keys'
is "$(deck -r "$url" --json status nodes | jq .banner.redis.keys)" 900 'which the banner adds up'

# ---- keys that move ----

# One connection that read the map before anything moves.
coproc ASK { "$TD_BUILDDIR/tests/flow/ask" "$url"; }
ask() {
    echo "$*" >&"${ASK[1]}"
    read -r -t 30 answer <&"${ASK[0]}"
    echo "$answer"
}

read -r -t 30 answer <&"${ASK[0]}"
is "$answer" 'nodes: 3, uncovered slots: 0' 'the map covers all slots'
slot=$(at 0 CLUSTER KEYSLOT session:t:k1)
from=0 to=1
[ "$slot" -le 5000 ] || from=1 to=0
[ "$slot" -le 10000 ] || from=2 to=0
at $to CLUSTER SETSLOT "$slot" IMPORTING "$(at $from CLUSTER MYID)" >"$work/said"
at $from CLUSTER SETSLOT "$slot" MIGRATING "$(at $to CLUSTER MYID)" >"$work/said"
at $from MIGRATE 127.0.0.1 $((base + 4000 + to)) session:t:k1 0 5000 AUTH $password >"$work/said"
like "$(at $from GET session:t:k1 2>&1)" "ASK $slot" 'a key is on its way to another node'
is "$(ask GET session:t:k1)" v 'and is found there'
for n in $to $from 0 1 2; do at "$n" CLUSTER SETSLOT "$slot" NODE "$(at $to CLUSTER MYID)" >"$work/said" 2>&1; done
like "$(at $from GET session:t:k1 2>&1)" "MOVED $slot" 'it has arrived'
is "$(ask GET session:t:k1)" v 'and is found by who knows only the old map'
is "$(ask UNLINK session:t:k1)" 1 'and changed'
like "$(ask MGET session:t:k1 session:t:k2)" 'one command live in different slots.*CROSSSLOT' 'what a cluster cannot do is told'
eval "exec ${ASK[1]}>&-"

# ---- a primary dies while keys are removed, and its replica takes over ----

XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
seq 300 | sed 's/.*/SET cache:t:n:& v EX 900/' | redis-cli -c -p "$base" >"$work/said" 2>&1
at 2 CLIENT PAUSE 60000 WRITE >"$work/said" # its keys are chosen, and wait to be removed
deck -r "$url" --yes cache clear --type=cache >"$work/cleared" 2>&1 &
clearing=$!
td_until 20 bash -c "redis-cli -s '${sockets[2]}' CLIENT LIST | grep -q 'flags=b.*cmd=unlink'"
ok $? 'a clear is at the last node'
kill -9 "$(cat "${directories[2]}/server")"
taken_over() {
    at 3 INFO replication | grep -q '^role:master' && at 0 CLUSTER INFO | grep -q '^cluster_state:ok'
}
# What a count says meanwhile is the whole, or nothing.
told=
counts_until_taken_over() {
    told="$told $(deck -r "$url" cache counts --type=sessions --json 2>&1 | jq -c 'if .ok then [.census.keys, .census.complete] else "error" end')"
    taken_over
}
td_until 30 counts_until_taken_over || td_bail 'the replica does not take over'
is "$(printf '%s\n' $told | grep -vxE '\[899,true\]|"error"')" '' 'no part of the keys is counted as the whole meanwhile'
wait $clearing
cleared=$?
like "$cleared $(cat "$work/cleared")" '^(3|1) .*127.0.0.1:|^0 .*none is there' 'the clear ends as one that was cut off, and names the node, or at its end'
runs 'the same goes on' deck -r "$url" --yes cache clear --type=cache
is "$(($(at 0 DBSIZE) + $(at 1 DBSIZE) + $(at 3 DBSIZE)))" 899 'to its end, and takes nothing else'
runs 'afterwards' deck -r "$url" cache counts
like "$td_said" '899 keys' 'all keys are counted, at the replica that was'
exits 3 'the node that has died' deck -r "redis://127.0.0.1:$((base + 2))" cache counts
like "$td_said" 'could not be reached: Connection refused' 'is told'

# ---- a primary dies, and nobody takes over ----

kill -9 "$(cat "${directories[1]}/server")"
td_said=$(deck -r "$url" cache counts 2>&1)
like "$td_said" "127.0.0.1:$((base + 1)).*(could not be reached|Connection refused)" \
    'a node that is away is named, since its keys cannot be counted'
unlike "$td_said" '^Cache: [0-9]' 'and no part of them is shown as the whole'
exits 1 'the nodes, with one that is down,' deck -r "$url" nodes
like "$td_said" "^127.0.0.1:$((base + 1)) +primary +down " 'say which'
like "$td_said" "^127.0.0.1:$base +primary +up " 'and that the others are up'
is "$(deck -r "$url" --json nodes | jq -c '[.nodes[] | select(.state == "down") | .keys] | unique')" '[null]' \
    'its keys are unknown, and not 0'
is "$(deck -r "$url" --json status nodes | jq .banner.redis.keys)" null 'nor does the banner add them up'
like "$(deck -r "$url" status nodes 2>&1 | head -n 1)" 'Redis: 1 of 3 primaries do not answer' 'which says that one is away'
printf '%s\n' settle 'key 8' 'wait down' 'key / ' "type :$((base + 1))" 'key Enter Enter' 'expect could not be reached' \
    'expect is Redis running there' >"$work/script"
runs 'the console says of the node what to do' deck -r "$url" --script "$work/script" --size 100x30

done_testing
