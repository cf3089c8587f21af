#!/bin/bash
# The keys of the panes Cache and Tenants: from a row to its keys and one of them, and the verbs of the
# cache for what is under the cursor, each asked about with counts and samples before it does anything.
set -u
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
export HOME=$work NO_COLOR=1
unset CACHE_TTL_SESSION_DATA
td_start_redis
td_cache_plan 86400 <<'PLAN'
[keys "profiles"]
    pattern = profile:{tenant}:{id}
    ttl = 100
    events = profile
[keys "queues"]
    pattern = q:*
    foreign = true
PLAN

load() {
    td_redis flushall >/dev/null
    {
        for i in 1 2 3; do echo "SET profile:acme:$i a"; done
        echo 'SET profile:beta:1 b EX 50'
        echo 'SET q:1 x'
        echo 'SET stray x'
        echo 'SET "profile:acme:\xff\x1b[2J\"\\ x" odd EX 50'
        echo 'SET "profile:acme:n\x00l" odd EX 50'
        echo "SET session:acme:s1 '{\"sessionId\":\"s1\",\"tenantId\":\"acme\",\"userId\":\"u\"}' EX 5000"
        echo 'SADD user_sessions:acme:u s1'
    } | td_redis >/dev/null
}

# play NAME OPTIONS -- LINE...: the console is played so; what it says goes to $work/said
play() {
    local name=$1
    local -a options=()
    shift
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    printf '%s\n' 'clock 2026-01-31T12:00:00Z' settle "$@" >"$work/script"
    (cd "$work" && timeout 60 "$TENANTDECK" -r "$TD_REDIS" -p ./site.plan ${options[@]+"${options[@]}"} \
        --script script --size 100x24) >"$work/said" 2>&1
    ok $? "$name" || td_note "$(cat "$work/said")"
}

# ---- from a row to its keys ----

load
play 'keys are listed, and one is shown' -- 'key / ' 'type profiles' 'key Enter Enter' 'wait 6 keys' \
    'expect 5 Cache: profiles' 'expect never' 'expect 1m40s' 'dump list' 'key Down Enter' 'wait exit 0' \
    'expect key     profile:acme:2' 'key Esc' 'dump again' 'key Esc' 'expect 5 Cache ─'
unlike "$(cat "$work/said")" $'\e' 'no key speaks to the terminal'

play 'bytes that are no text lead to the key all the same' -- 'key / ' 'type profiles' 'key Enter Enter' \
    'wait 6 keys' 'key /' 'type [2J' 'key Enter Enter' 'wait exit 0' 'expect odd'
play 'a name with a NUL is refused, and says why' -- 'key / ' 'type profiles' 'key Enter Enter' \
    'wait 6 keys' 'key /' 'type acme:n' 'key Enter Enter' 'expect NUL'
play 'keys of no template are listed' -- 'key End Enter' 'wait keys of no template' 'wait stray'

for i in $(seq 700); do echo "SET profile:many:$i x EX 60"; done | td_redis >/dev/null
play 'of many it is the first, and says so' -- 'key / ' 'type profiles' 'key Enter Enter' \
    'wait the first 500 keys' 'expect of the keyspace seen'

# ---- what can be done, and what not ----

load
play 'who only looks changes nothing' -- 'key / ' 'type profiles' 'key Enter x' 'expect --operator' \
    'key Enter' 'wait 6 keys' 'key x' 'expect --operator' 'key t' 'expect --operator'
is "$(td_redis dbsize)" 10 'all keys are there'
play 'keys of others are left alone' --operator -- 'key / ' 'type queues' 'key Enter x' 'expect another program'
play 'what is no session is not ended' --operator -- 'key / ' 'type profiles' 'key Enter Enter' 'wait 6 keys' \
    'key E' 'expect no session' 'key v'  'wait y/N' 'reject nothing was done' 'key Esc' 'expect nothing was done'

play 'a No is a No' --operator -- 'key / ' 'type profiles' 'key Enter x' 'wait y/N' 'expect profiles' 'key Enter' \
    'expect nothing was done'
is "$(td_redis dbsize)" 10 'and nothing has gone'

play 'times are set where they are missing' --operator -- 'key / ' 'type profiles' 'key Enter t' 'wait y/N' \
    "expect would get the policy's time: 3" 'expect profile:acme:1' 'type y' 'key Enter' 'wait exit 0' 'key Esc'
like "$(td_redis ttl profile:acme:1)" '^(9[0-9]|100)$' 'the server has them'

play 'one key goes, and the list knows' --operator -- 'key / ' 'type profiles' 'key Enter Enter' 'wait 6 keys' \
    'key Down x' 'wait y/N' "expect profile:acme:2" 'type y' 'key Enter' 'wait exit 0' 'key Esc' 'wait 5 keys' \
    'reject profile:acme:2' 'expect profile:acme:1'
is "$(td_redis exists profile:acme:2 profile:acme:1 profile:beta:1)" 2 'and no other went'

play 'an event takes what is stale' --operator -- 'key / ' 'type profiles' 'key Enter Enter' 'wait 5 keys' \
    'key v' 'wait y/N' 'expect profiles: 1' 'type y' 'key Enter' 'wait exit 0'
is "$(td_redis exists profile:acme:1 profile:acme:3)" 1 'of that one'

play 'a type goes into a file' --operator -- 'key / ' 'type profiles' 'key Enter u' 'type kept.undo' 'key Enter' \
    'wait y/N' 'type y' 'key Enter' 'wait exit 0'
is "$(td_redis --raw keys 'profile:*' | grep -ac .)" 0 'and is gone'
play 'and comes back' --operator -- 'key U' 'type kept.undo' 'key Enter' 'wait y/N' 'expect keys in' 'type y' 'key Enter' \
    'wait exit 0'
is "$(td_redis --raw keys 'profile:*' | grep -ac .)" 4 'all of it'

play 'a session ends by the name of its Redis' --operator -- 'key / ' 'type sessions' 'key Enter Enter' \
    'wait 1 key' 'key E' 'wait 1 session will end' 'wait type /' "type $TD_REDIS_SOCKET/0" 'key Enter' 'wait exit 0'
is "$(td_redis exists session:acme:s1)" 0 'and is over'

done_testing
