#!/bin/bash
# reshard: what a Redis Cluster answers while its slots move or are missing (TRYAGAIN, CLUSTERDOWN) is
# tried again for a while and then told; and of keys that move one by one while they are walked none
# is missed, and none counted twice.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../cluster.sh"
work=$(mktemp -d /tmp/td-reshard-XXXXXX)
trap 'rm -rf "$work"' EXIT
td_start_postgres
td_psql 'CREATE TABLE public.logins (id text PRIMARY KEY)' >"$work/said"
cat >"$work/rows.plan" <<'PLAN'
[plan]
    name = rows
    kind = cache
[keys "sessions"]
    pattern = session:{tenant}:{id}
    ttl = 86400
    row = logins.id
PLAN
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
unset REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USERNAME REDIS_TLS REDIS_PROVIDER
start_cluster $((6500 + $$ % 800 * 4)) 3 1
url=redis://127.0.0.1:$cluster_port

plan=sessions
deck() {
    timeout 60 "$TENANTDECK" -p "$plan" -r "$url" --yes "$@" </dev/null
}

# All sessions of the user x stand in one slot.
slot=$(at 0 CLUSTER KEYSLOT '{x}')
from=$((slot * 3 / 16384))
to=$(((from + 1) % 3))
{ seq 300 | sed 's/.*/SET session:t:{x}& v EX 5000/'
  seq 6000 | sed 's/.*/SET session:t:k& v EX 5000/'; } >"$work/keys"
everywhere <"$work/keys" >"$work/said" 2>&1

# ---- a command of several keys, of which some have moved ----

coproc ASK { "$TD_BUILDDIR/tests/flow/ask" "$url"; }
ask() {
    echo "$*" >&"${ASK[1]}"
    read -r -t 30 answer <&"${ASK[0]}"
    echo "$answer"
}
read -r -t 30 answer <&"${ASK[0]}"
open_slot "$slot" "$from" "$to" >"$work/said"
at "$from" MIGRATE 127.0.0.1 $((cluster_port + to)) 'session:t:{x}1' 0 5000 >"$work/said"
like "$(at "$from" MGET 'session:t:{x}1' 'session:t:{x}2' 2>&1)" TRYAGAIN 'two keys of a slot are at both ends'
since=$SECONDS
like "$(ask MGET 'session:t:{x}1' 'session:t:{x}2')" 'the cluster moves these keys at the moment.*TRYAGAIN' \
    'which is told, since it does not pass'
[ $((SECONDS - since)) -ge 4 ] && [ $((SECONDS - since)) -lt 20 ]
ok $? 'after it has been tried again for a while, and no longer'
(td_until 10 sh -c "redis-cli -s '${sockets[$from]}' INFO errorstats | grep -q 'TRYAGAIN:count=[0-9][0-9]'"
    at "$from" MIGRATE 127.0.0.1 $((cluster_port + to)) 'session:t:{x}2' 0 5000 >"$work/moved") &
is "$(ask MGET 'session:t:{x}1' 'session:t:{x}2')" '(2)' 'and answered when it does pass'
wait $!

# ---- a slot that is on its way all the time ----

move_keys "$slot" "$from" "$to" 150
[ "$(at "$from" CLUSTER COUNTKEYSINSLOT "$slot")" -gt 100 ]
ok $? 'half of the slot has moved'
runs 'keys are counted' deck cache counts
like "$td_said" '^6,300 keys' 'at both ends, each once'
like "$td_said" 'on their way from node to node, read at both ends and counted once: 1' 'which is said'
is "$(deck cache counts --json | jq -c '.census | [.keys, .complete, .slots_moving, .slots_moved]')" \
    '[6300,true,1,0]' 'also in JSON'
like "$(deck status cache 2>&1)" 'slots of the cluster are on their way' \
    'the console does not call its own count whole'

# ---- a slot that moves while the walk is under way ----

# scanned COUNT: the nodes have been asked for more pages than that.
pages() {
    for n in 0 1 2; do at "$n" INFO commandstats | sed -n 's/^cmdstat_scan:calls=\([0-9]*\).*/\1/p'; done | paste -sd+ | bc
}
scanned() {
    [ "$(pages)" -gt "$1" ]
}

# counted_while COMMAND...: `$counted` is what a slow count says during which this is done, and `$compared`
# how many of the keys were held against their rows, of which there is none.
counted_while() {
    local before
    for n in 0 1 2; do at "$n" CONFIG RESETSTAT; done >"$work/said"
    plan=$work/rows.plan deck -d "$TD_DATABASE" cache counts --share=2 --json >"$work/counted" 2>"$work/errors" &
    td_until 20 scanned 8 || td_note 'no walk begins'
    "$@"
    wait $!
    counted=$(jq -c '.census | [.keys, .complete]' "$work/counted")
    compared=$(jq -c '.orphans.findings[0] | [.asked, .missing]' "$work/counted")
}
arrives() {
    move_keys "$slot" "$from" "$to" 1000
    close_slot "$slot" "$to"
}
counted_while arrives
is "$counted" '[6300,true]' 'a slot that arrives while keys are counted is counted once'
begins() {
    open_slot "$slot" "$to" 3 >"$work/said"
    move_keys "$slot" "$to" 3 100
}
counted_while begins
is "$counted" '[6300,true]' 'so is one that begins to move, to a node that had no slots'
is "$compared" '[6300,6300]' 'and each key is held against its row once, though the count began anew'
is "$(at 3 DBSIZE)" 100 'of which that has some keys now'
comes_and_goes() {
    move_keys "$slot" "$to" 3 1000
    close_slot "$slot" 3
    open_slot "$slot" 3 "$to" >"$work/said"
    move_keys "$slot" 3 "$to" 1000
    close_slot "$slot" "$to"
}
counted_while comes_and_goes
case $counted in
'[6300,true]') ok 0 'a slot that goes and comes back is counted, or the count is refused' ;;
*) like "$(cat "$work/counted" "$work/errors")" 'has moved keys between its nodes' \
    'a slot that goes and comes back is counted, or the count is refused' ;;
esac

# ---- what is removed, is removed wherever it is ----

open_slot "$slot" "$to" "$from" >"$work/said"
move_keys "$slot" "$to" "$from" 100
runs 'keys are removed while their slot moves' deck cache clear --pattern='session:t:{x}*'
like "$td_said" 'removed: 300 .*none is (left|there)' 'at both ends'
is "$(($(at 0 DBSIZE) + $(at 1 DBSIZE) + $(at 2 DBSIZE) + $(at 3 DBSIZE)))" 6000 'and nothing else'
close_slot "$slot" "$from"

# ---- a primary is gone, and nobody takes over ----

alive=$(((to + 1) % 3)) key=
for n in $(seq 100); do
    [ $(($(at 0 CLUSTER KEYSLOT "session:t:k$n") * 3 / 16384)) -eq "$alive" ] && key=session:t:k$n && break
done
kill -STOP "$(cat "${directories[$to]}/server")"
down() {
    at "$alive" GET "$key" 2>&1 | grep -q CLUSTERDOWN
}
td_until 30 down || td_bail 'the cluster does not notice'
like "$(ask GET "$key")" 'the cluster is not complete, so it serves no keys.*CLUSTERDOWN' \
    'that the cluster is down is told'
(td_until 20 sh -c "redis-cli -s '${sockets[$alive]}' INFO errorstats | grep -q 'CLUSTERDOWN:count=[0-9][0-9]'"
    kill -CONT "$(cat "${directories[$to]}/server")") &
is "$(ask GET "$key")" v 'a cluster that is whole again in time answers, and nobody has noticed'
wait $!
kill -CONT "$(cat "${directories[$to]}/server")"
eval "exec ${ASK[1]}>&-"
done_testing
