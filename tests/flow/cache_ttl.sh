#!/bin/sh
# `cache ttl` and `cache invalidate`: what lives too long is found, and never made to live longer;
# what went stale goes, by name where it has one.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
unset CACHE_TTL_SESSION_DATA CACHE_TTL_ORG_DATA
td_start_redis
td_codes_csv 1,o1,acme 2,o2,acme 3,o3,beta
td_columns_plan site <<'PLAN'
[table "t"]
    from = own org
[keys "one session"]
    pattern = tenant:{tenant}:sessions:{id}
    events = session
[keys "profiles"]
    pattern = tenant:{tenant}:org:{org}:mentor:{id}
    ttl = 100
    events = profile
[keys "sessions"]
    pattern = sessions:{org}:*
    ttl = 7200
    ttl name = CACHE_TTL_SESSION_DATA
    events = session
[keys "organizations"]
    pattern = org:{org}:*
    ttl = 86400
    ttl name = CACHE_TTL_ORG_DATA
    events = organization
PLAN

td() {
    "$TENANTDECK" -r "$TD_REDIS" -p "$work/site.plan" "$@" </dev/null
}

# row NAME: policy, keys, without an end, over, of the last answer in JSON.
row() {
    python3 -c 'import json, sys
for r in json.load(open(sys.argv[1]))["policy"]:
    if r["name"] == sys.argv[2]:
        print(r["ttl"], r["keys"], r["without_ttl"], r["over_ttl"], r["drift"])' "$work/json" "$1"
}

load() {
    now=$(date +%s)
    td_redis FLUSHALL >"$work/said"
    td_redis >"$work/said" <<REDIS
SET sessions:o1:endless x
SET sessions:o1:long x EX 90000
SET sessions:o1:right x EX 7000
SET sessions:o1:short x EX 5
SET "sessions:o2:\x00\xff" x
SET org:o1:a x EX 86000
SET org:o1:says "{\"data\": 1, \"expiresAt\": ${now}000}" EX 5000
SET org:o1:agrees "{\"data\": 1, \"expiresAt\": $((now + 5000))000}" EX 5000
SADD org:o3:set a b
SET bull:x:1 x
SET tenant:acme:sessions:7 x
SET tenant:acme:sessions:8 x
SET tenant:beta:sessions:7 x
SET tenant:acme:org:o1:mentor:7 x EX 50
SET tenant:acme:org:o1:mentor:8 x EX 50
SET tenant:acme:org:o2:mentor:7 x EX 50
REDIS
}

# ---- the policy ----

load
before=$(td_digest)
exits 1 'keys that break the policy are a finding' td cache ttl
td cache ttl --drift --json >"$work/json"
is "$(row sessions)" '7200 5 2 1 0' 'those without an end, and those that end too late'
is "$(row organizations)" '86400 4 1 0 1' 'a value that says another end than its key'
is "$(row 'one session')" 'None 3 None None 0' 'without a policy nothing is too long'
CACHE_TTL_SESSION_DATA=6000 td cache ttl --json >"$work/json"
is "$(row sessions)" '6000 5 2 2 None' 'the environment gives the policy'
for value in soon 9223372036854775807; do
    exits 2 "unless it is no number of seconds: $value" \
        env CACHE_TTL_SESSION_DATA=$value "$TENANTDECK" -r "$TD_REDIS" -p "$work/site.plan" cache ttl
done
is "$(td_digest)" "$before" 'nothing was changed by looking'
exits 4 'to set it somebody has to say yes' td cache ttl --set
td --yes cache ttl --set --dry-run >"$work/said" 2>&1
is "$(td_redis TTL sessions:o1:endless)" -1 'a dry run sets nothing'

# set NAME: sets the policy, and looks at what became of each key.
set_policy() {
    exits 0 "$1" td --yes cache ttl --set
    like "$td_said" 'keys that got the policy.s time: 4; looked at anew, and still wrong: 0' 'and it is seen to be set'
    ttls=$(for key in endless long right short; do td_redis TTL sessions:o1:$key; done | tr '\n' ' ')
    like "$ttls" '^7(19|200)[0-9]? 7(19|200)[0-9]? (6999|7000|69[0-9]+) [0-5] $' 'no time was made longer'
    is "$(td_redis TTL bull:x:1) $(td_redis TTL tenant:beta:sessions:7)" '-1 -1' 'others were not touched'
}
set_policy 'the policy is set'
load
td_redis ACL SETUSER default -expire >"$work/said"
set_policy 'also where EXPIRE with LT is not to be had'
td_redis ACL SETUSER default +expire >"$work/said"

writers_wait() {
    [ "$(td_redis INFO clients | sed -n 's/^blocked_clients:\([0-9]*\).*/\1/p')" -ge "$1" ]
}
# between NAME: somebody gives a key a short time after we have seen that it has no end.
between() {
    load
    td_redis CLIENT PAUSE 60000 WRITE >"$work/said"
    td_redis PEXPIRE sessions:o1:endless 50000 >"$work/theirs" &
    theirs=$!
    td_until 20 writers_wait 1
    td --yes cache ttl --set >"$work/ours" 2>&1 &
    ours=$!
    td_until 20 writers_wait 2
    ok $? "$1"
    td_redis CLIENT UNPAUSE >"$work/said"
    wait "$theirs" "$ours"
    [ "$(td_redis TTL sessions:o1:endless)" -le 50 ]
    ok $? '... who gave it less meanwhile is right'
}
between 'a key that somebody else sets at the same moment'
td_redis ACL SETUSER default -expire >"$work/said"
between 'the same by a script'
td_redis ACL SETUSER default +expire >"$work/said"

# ---- invalidate ----

# stale NAME WHAT-IS-GONE ARGUMENT...
stale() {
    stale_name=$1 wanted=$2
    shift 2
    load
    td_redis --no-raw KEYS '*' | sed 's/^ *[0-9]*) //' | sort >"$work/before"
    td_redis CONFIG RESETSTAT >"$work/said"
    runs "$stale_name" td --yes cache invalidate "$@"
    td_redis --no-raw KEYS '*' | sed 's/^ *[0-9]*) //' | sort >"$work/after"
    is "$(comm -23 "$work/before" "$work/after" | tr '\n' ' ')" "$wanted" 'removes that, and nothing else'
}

stale 'an organization' '"org:o1:a" "org:o1:agrees" "org:o1:says" ' organization o1
stale 'a profile by its id' '"tenant:acme:org:o1:mentor:7" ' profile o1 7
is "$(td_redis INFO commandstats | grep -c cmdstat_scan)" 0 'is found by name, without a walk'
stale 'profiles of an organization' '"tenant:acme:org:o1:mentor:7" "tenant:acme:org:o1:mentor:8" ' profile o1
stale 'a session' '"sessions:o2:\x00\xff" "tenant:acme:sessions:7" ' session o2 7
stale 'sessions of an organization are not those of its tenant' '"sessions:o2:\x00\xff" ' session o2
stale 'an organization of which there is nothing' '' organization 'o?'
exits 2 'another event' td --yes cache invalidate weather o1
load
before=$(td_digest)
like "$(td cache invalidate organization o1 --dry-run)" 'would be removed: 3' 'a dry run counts'
is "$(td_digest)" "$before" 'and removes nothing'
long=$(printf 'a%.0s' $(seq 192))
td_redis SET "org:o9:$long$(printf '\360\237\230\200\360\237\230\200')" x >"$work/said"
td cache invalidate organization o9 --dry-run >"$work/said"
iconv -f UTF-8 -t UTF-8 "$work/said" >"$work/same"
ok $? 'a key that is cut ends with a whole letter'
like "$(cat "$work/said")" "  org:o9:$long\.\.\.$" 'and says that it is cut'
done_testing
