#!/bin/bash
# acl: each user of data/acl/users.acl can do what its verbs do, and is refused what is another's, with a
# sentence that names the ACL. Tried on a real server, over TCP with a password.
set -u
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d /tmp/td-test-XXXXXX)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work
port=$((20000 + ($$ + 7001) % 20000))
td_start_redis "$port"
export REDIS_PASSWORD=secret

# As a DBA puts them to use: the file's lines, each with a password of one's own.
grep -v '^$' "$TENANTDECK_DATADIR/acl/users.acl" | while read -r _ name rules; do
    # shellcheck disable=SC2086
    set -f
    td_redis acl setuser "$name" $rules
    td_redis acl setuser "$name" on ">$REDIS_PASSWORD"
done >"$work/said"
is "$(grep -c OK "$work/said") $(grep -cv OK "$work/said")" '8 0' 'the server takes all four users'
is "$(td_redis acl getuser td_observer | grep -c resetkeys)" 0 'and knows their rules'
is "$(grep -cE '@all.*(\+@|\+keys|\+flushdb|\+flushall|\+monitor|\+config|\+debug|\+evalsha|\+function|\+del |\+acl)' "$TENANTDECK_DATADIR/acl/users.acl")" 0 \
    'none may do what no verb needs'

as() { # USER VERB...
    local user=$1
    shift
    "$TENANTDECK" -r "redis://$user@127.0.0.1:$port" -p sessions "$@"
}
refused() { # USER VERB...
    td_said=$(as "$@" 2>&1)
    td_got=$?
    { [ "$td_got" -eq 4 ] || { [ "$td_got" -eq 1 ] && [ "$*" = "td_observer cache test --yes" ]; }; } &&
        grep -q 'the Redis user may not do this (it says: NOPERM' <<<"$td_said"
    ok $? "$1 is refused: ${*:2}" || td_note "exit status $td_got: $td_said"
}
may() { # USER VERB...
    runs "$1 may: ${*:2}" as "$@"
}
name=127.0.0.1:$port/0

id=$(as td_session session create --tenant t --user u --yes)
is $? 0 'td_session may: session create'
runs 'td_cache may: cache set' as td_cache cache set k '"v"' --tenant t --tags a --yes
td_redis hset cache_metrics:t hits 1 >/dev/null
td_redis set legacy:key x >/dev/null

for user in td_observer td_session td_migration; do
    may $user session list
    may $user session show "$id"
    may $user session check
    may $user plan check
done
may td_migration cache get k --tenant t
may td_observer cache get k --tenant t
may td_observer cache metrics
may td_observer status
may td_observer cache counts
may td_cache cache get k --tenant t
may td_cache cache metrics
may td_cache cache tags a --tenant t --dry-run

before=$(td_redis --raw keys '*' | sort)
refused td_observer session create --tenant t --user u --yes
refused td_observer session touch "$id" --yes
refused td_observer session end "$id" --confirm="$name"
refused td_observer cache set k 1 --tenant t --yes
refused td_observer cache delete k --tenant t --yes
refused td_observer cache tags a --tenant t --yes
refused td_observer cache test --yes
refused td_cache session create --tenant t --user u --yes
refused td_cache session show "$id" --tenant t
refused td_cache session end "$id" --tenant t --confirm="$name"
refused td_session cache bench --yes
refused td_session cache set k 1 --tenant t --yes
refused td_session cache get k --tenant t
refused td_migration cache bench --yes
is "$(td_redis --raw keys '*' | sort)" "$before" 'who was refused has changed nothing'

may td_session session touch "$id" --yes
td_redis sadd user_sessions:t:u over >/dev/null
may td_session session sweep --yes
is "$(td_redis smembers user_sessions:t:u)" "$id" 'and it was done'
may td_session session end "$id" --confirm="$name"
is "$(td_redis exists "session:t:$id")" 0 'and it was done'
may td_cache cache test --yes
may td_cache cache bench --count 5 --yes
may td_cache cache tags a --tenant t --yes
is "$(td_redis exists cache:t:generic:k)" 0 'and it was done'
runs 'td_cache may: cache set' as td_cache cache set k '"v"' --tenant t --yes
may td_cache cache delete k --tenant t --yes

# ---- what walks and removes many ----

for key in cache:m:u:1 session:m:s1 org:m:profile; do td_redis set "$key" v EX 900; done >/dev/null
XDG_STATE_HOME=$work/observer refused td_observer cache clear --tenant m --yes
XDG_STATE_HOME=$work/session refused td_session cache clear --key cache:m:u:1 --yes
is "$(td_redis exists cache:m:u:1 session:m:s1)" 2 'and nothing is removed'
may td_cache cache clear --tenant m --type cache --yes
may td_migration cache clear --tenant m --undo-file="$work/undo" --yes
is "$(td_redis keys '*:m:*')" '' 'and it was done'
may td_migration cache restore "$work/undo" --yes
is "$(td_redis keys '*:m:*' | grep -c .)" 2 'and taken back'

is "$(REDIS_PASSWORD=wrong as td_observer session list 2>&1 | grep -c WRONGPASS)" 1 'a wrong password is told as one'

done_testing
