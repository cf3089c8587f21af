# cluster.sh: a Redis Cluster on 127.0.0.1, without TLS. Sourced after lib.sh.

# start_cluster PORT NODES [EMPTY]: primaries at PORT, PORT+1, ..., which share the slots, and behind
# them as many that have none.
start_cluster() {
    cluster_port=$1 cluster_nodes=$2 sockets=() directories=()
    local n all=$(($2 + ${3:-0}))
    for n in $(seq 0 $((all - 1))); do
        TD_REDIS_OPTIONS="--cluster-enabled yes --cluster-port $(($1 + 10000 + n)) --cluster-node-timeout 1500"
        td_start_redis $(($1 + n))
        sockets+=("$TD_REDIS_SOCKET") directories+=("$td_made")
    done
    for n in $(seq 0 $(($2 - 1))); do
        at "$n" CLUSTER ADDSLOTSRANGE $((16384 * n / $2)) $((16384 * (n + 1) / $2 - 1))
    done >"$work/said"
    for n in $(seq 1 $((all - 1))); do
        at 0 CLUSTER MEET 127.0.0.1 $(($1 + n)) $(($1 + 10000 + n))
    done >"$work/said"
    td_until 30 cluster_settled "$all" || td_bail "the cluster does not come up: $(at 0 CLUSTER NODES)"
}

# at NODE COMMAND...
at() {
    local socket=${sockets[$1]}
    shift
    redis-cli -s "$socket" "$@"
}

# Every node knows of all, finds the cluster whole, and has an epoch of its own.
cluster_settled() {
    local n epochs=
    for n in $(seq 0 $(($1 - 1))); do
        at "$n" CLUSTER INFO >"$work/info"
        grep -q "^cluster_known_nodes:$1" "$work/info" && grep -q '^cluster_state:ok' "$work/info" || return 1
        epochs="$epochs $(tr -d '\r' <"$work/info" | sed -n 's/^cluster_my_epoch://p')"
    done
    [ "$(printf '%s\n' $epochs | sort -u | wc -l)" = "$1" ]
}

# Sends it to whoever has the key.
everywhere() {
    redis-cli -c -p "$cluster_port" "$@"
}

# open_slot SLOT FROM TO: it is on its way from now on.
open_slot() {
    at "$3" CLUSTER SETSLOT "$1" IMPORTING "$(at "$2" CLUSTER MYID)" &&
        at "$2" CLUSTER SETSLOT "$1" MIGRATING "$(at "$3" CLUSTER MYID)"
}

# move_keys SLOT FROM TO COUNT: so many of its keys, one by one.
move_keys() {
    at "$2" CLUSTER GETKEYSINSLOT "$1" "$4" | while read -r key; do
        at "$2" MIGRATE 127.0.0.1 $((cluster_port + $3)) "$key" 0 5000
    done >"$work/said"
}

# close_slot SLOT TO: it has arrived.
close_slot() {
    local n id
    id=$(at "$2" CLUSTER MYID)
    for n in "$2" $(seq 0 $((${#sockets[@]} - 1))); do at "$n" CLUSTER SETSLOT "$1" NODE "$id"; done >"$work/said" 2>&1
}
