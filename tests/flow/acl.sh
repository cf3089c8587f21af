#!/bin/bash
# acl: each user of data/acl/users.acl can do what its verbs do, and is refused what is another's, with a
# sentence that names the ACL. Tried on a real server, over TCP with a password.
set -u
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/cluster.sh"
. "$TD_SRCDIR/tests/redis_verbs.sh"

work=$(mktemp -d /tmp/td-test-XXXXXX)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work
port=$((20000 + ($$ + 7001) % 12000))
place=127.0.0.1:$port/0
td_start_redis "$port"
export REDIS_PASSWORD=secret

# set_users COMMAND...: as a DBA puts them to use: the file's lines, each with a password of one's own.
set_users() {
    grep -v '^$' "$TENANTDECK_DATADIR/acl/users.acl" | while read -r _ name rules; do
        # shellcheck disable=SC2086
        set -f
        "$@" acl setuser "$name" $rules
        "$@" acl setuser "$name" on ">$REDIS_PASSWORD"
    done
}
set_users td_redis >"$work/said"
is "$(grep -c OK "$work/said") $(grep -cv OK "$work/said")" '8 0' 'the server takes all four users'
is "$(td_redis acl getuser td_observer | grep -c resetkeys)" 0 'and knows their rules'
is "$(grep -cE '@all.*(\+@|\+keys|\+flushdb|\+flushall|\+monitor|\+config|\+debug|\+evalsha|\+function|\+del |\+acl)' "$TENANTDECK_DATADIR/acl/users.acl")" 0 \
    'none may do what no verb needs'

# Each with a state of its own: a clear that was refused half-way is not gone on with by another user.
as() { # USER VERB...
    local user=$1
    shift
    tried=$((tried + 1))
    td_said=$(XDG_STATE_HOME=$work/state.$tried "$TENANTDECK" -r "redis://$user@127.0.0.1:$port" -p sessions "$@" </dev/null 2>&1)
    td_got=$?
}
refused() { # USER VERB...
    as "$@"
    [ "$td_got" -ne 0 ] && grep -q 'the Redis user may not do this (it says: NOPERM' <<<"$td_said"
    ok $? "$1 is refused: ${*:2}" || td_note "exit status $td_got: $td_said"
}
may() { # USER VERB...
    as "$@"
    [ "$td_got" -le 1 ] && ! grep -q NOPERM <<<"$td_said"
    ok $? "$1 may: ${*:2}" || td_note "exit status $td_got: $td_said"
}
keys=td_redis # reaches all of them
fresh() {
    for n in ${!sockets[*]}; do at "$n" flushall; done >"$work/said"
    load_keys "$keys"
    case $1 in 'cache restore'*) "$keys" del cache:t:users:1 && "$keys" del cache_tags:t:a ;; esac >"$work/said"
}

sockets=("$TD_REDIS_SOCKET") tried=0 letters='o c s m'
declare -A users=([o]=td_observer [c]=td_cache [s]=td_session [m]=td_migration)
is "$(redis_verbs_left_out)" '' 'no verb on keys is left out here'
fresh ''
as td_migration cache clear --pattern 'cache*:t:*' --undo-file "$work/undo" --yes
while IFS='~' read -r allowed _ verb; do
    verb=${verb//FILE/"$work/undo"} verb=${verb//PLACE/"$place"}
    eval "words=($verb)"
    fresh "$verb"
    before=$(td_digest)
    for letter in $letters; do
        [[ $allowed == *$letter* ]] || refused "${users[$letter]}" "${words[@]}"
    done
    [[ $allowed == ocsm ]] || is "$(td_digest)" "$before" 'and has changed nothing'
    for letter in $letters; do
        [[ $allowed == *$letter* ]] || continue
        may "${users[$letter]}" "${words[@]}"
        [ "$(td_digest)" = "$before" ] || fresh "$verb"
    done
done < <(redis_verbs)

refused td_observer log monitor 1 --yes
REDIS_PASSWORD=wrong as td_observer session list
like "$td_said" WRONGPASS 'a wrong password is told as one'

# ---- in a cluster, where keys are led to, moved and touched by other commands ----

start_cluster $((6500 + $$ % 800 * 4)) 3
port=$cluster_port place=127.0.0.1:$cluster_port/0 keys=everywhere
for n in 0 1 2; do set_users at "$n"; done >"$work/said"
fresh ''
as td_migration cache clear --pattern 'cache*:t:*' --undo-file "$work/undo_of_cluster" --yes
while IFS='~' read -r allowed _ verb; do
    verb=${verb//FILE/"$work/undo_of_cluster"} verb=${verb//PLACE/"$place"}
    eval "words=($verb)"
    for letter in $letters; do
        [[ $allowed == *$letter* ]] || continue
        fresh "$verb"
        may "${users[$letter]}" "${words[@]}"
    done
done < <(redis_verbs)

done_testing
