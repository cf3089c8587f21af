#!/bin/bash
# cache_api: entries of the service's cache are read without a trace, set and deleted in the service's
# own shape, invalidated by tags and by nothing else; its counters are added up rightly, the alarms of a
# plan ring; the test and the bench leave no key, also when they are killed.
set -u
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../service.sh"

port=$((20000 + $$ % 12000))
td_begin_service "$port"

# ---- set and get ----

runs 'an entry is set' td cache set user_456 '{"name":"John Doe","token":"canary-1"}' --tenant org_123 \
    --namespace users --ttl 3600 --tags user,profile --yes
td_redis get cache:org_123:users:user_456 >"$work/value"
is "$(field data.name <"$work/value") $(field version <"$work/value") $(field tags <"$work/value")" \
    'John Doe 1 ["user", "profile"]' "in the service's own shape"
is $(($(field expiresAt <"$work/value") - $(field createdAt <"$work/value"))) 3600000 'with its own end'
ttl=$(td_redis ttl cache:org_123:users:user_456)
[ "$ttl" -gt 3590 ] && [ "$ttl" -le 3600 ]
ok $? 'which is that of its key'
is "$(td_redis smembers cache_tags:org_123:user)" cache:org_123:users:user_456 'its tags name it'
td cache set short text --tenant org_123 --tags user --ttl 10 --yes >/dev/null
[ "$(td_redis ttl cache_tags:org_123:user)" -gt 3500 ]
ok $? 'a tag lives as long as the longest of its entries, and not as the last'
is "$(td_redis get cache:org_123:generic:short | field data)" text 'what is no JSON is a text'
td cache set n 12 --tenant org_123 --text --yes >/dev/null
is "$(td cache get n --tenant org_123 --json | python3 -c 'import json,sys; print(repr(json.load(sys.stdin)["data"]))')" \
    "'12'" 'and so is all with --text'
is "$(td_redis ttl cache:org_123:generic:n | sed 's/359[0-9]/3600/')" 3600 "the plan's hour is the default"
is "$(td cache set a 1 --tenant t --namespace list --yes | grep -o '600 s')" '600 s' 'of lists its ten minutes'

before=$(everything)
shown=$(td cache get cache:org_123:users:user_456)
like "$shown" '"name": "John Doe"' 'an entry is shown by its whole key'
like "$shown" 'tags +user, profile' 'with its tags'
unlike "$shown" canary-1 'without its secrets'
like "$(td cache get user_456 --tenant org_123 --namespace users --reveal)" canary-1 'unless they are asked for'
is "$(everything)" "$before" 'nothing is written by that, and nothing counted'
exits 1 'what is not there is an error' td cache get none --tenant org_123
exits 2 'a namespace with a colon is refused' td cache get k --tenant t --namespace a:b
td cache set tokens '{"note":"Bearer canary-2","list":["eyJcanary-3"],"author":"plain"}' --tenant masks --yes >"$work/said"
shown=$(td cache get tokens --tenant masks)
unlike "$shown" canary 'a token is masked whatever its member is called, in a list as well'
like "$shown" '"author": "plain"' 'and what is none is shown'
td cache delete tokens --tenant masks --yes >"$work/said"
exits 2 'half a key is refused' td cache get cache:org_123
exits 4 'without a yes nothing is set' td cache set k v --tenant t

td_redis rpush cache:org_123:generic:alist 1 >/dev/null
exits 4 'what is no string is not replaced' td cache set alist v --tenant org_123 --yes
like "$td_said" 'is a list and no string' 'and is told'
like "$(td cache get alist --tenant org_123)" 'no string' 'it can be looked at'
td_redis set cache:org_123:generic:tc '{"data":{"x":1},"timestamp":1000,"ttl":5}' EX 500 >/dev/null
like "$(td cache get tc --tenant org_123)" 'its own time is over: the service takes it for a miss' \
    'an entry that is over by its own words is told'
printf 'SET cache:org_123:generic:hostile "\\x1b[2J\\xff{"\n' | td_redis >/dev/null
unlike "$(td cache get hostile --tenant org_123)" $'\x1b' 'no escape reaches the terminal'
td cache set 'k:with|odd *?[x]' '"é"' --tenant 'org*' --tags 't*' --yes >/dev/null
is "$(td cache get 'cache:org*:generic:k:with|odd *?[x]' --json | field data)" é 'odd letters are letters'

# ---- delete, and tags ----

like "$(td cache delete cache:org_123:users:user_456 --yes)" '^deleted' 'an entry is deleted'
is "$(td_redis exists cache:org_123:users:user_456 cache_tags:org_123:profile)" 0 'and taken out of its tags'
like "$(td cache delete cache:org_123:users:user_456 --yes)" 'there was none' 'twice is told'

td_redis flushall >/dev/null
for n in 1 2 3; do
    td cache set "k$n" $n --tenant org_1 --tags user,all --yes
    td cache set "k$n" $n --tenant org_2 --tags user --yes
done >/dev/null
td cache set other 1 --tenant org_1 --tags all --yes >/dev/null
td_redis sadd cache_tags:org_1:user cache:org_1:gone:x cache:org_2:generic:k1 session:org_1:s1 >/dev/null
td_redis set session:org_1:s1 x EX 99 >/dev/null
before=$(everything)
like "$(td cache tags user --tenant org_1 --dry-run)" '4 entries carry it, and would go' 'a dry run counts'
is "$(everything)" "$before" 'and changes nothing'
said=$(td cache tags user --tenant org_1 --yes)
is $? 1 'a tag that names what is none of its tenant'\''s is a finding'
like "$said" '3 were there and are gone' 'what carried it is gone'
like "$said" 'cache:org_2:generic:k1' 'and the strangers are named'
is "$(td_redis keys 'cache:org_1:*')" cache:org_1:generic:other 'what did not carry it stays'
is "$(td_redis exists cache:org_2:generic:k1 session:org_1:s1)" 2 'another tenant'\''s entry and a session stay'
is "$(td_redis smembers cache_tags:org_1:user | sort | tr '\n' ' ')" 'cache:org_2:generic:k1 session:org_1:s1 ' \
    'what is dangling has left the set'
exits 2 'tags want a tenant' td cache tags user --yes
td_redis set cache_tags:org_1:odd x >/dev/null
exits 4 'a tag that is no set is refused' td cache tags odd --tenant org_1 --yes

# ---- metrics and alarms ----

td_redis hset cache_metrics:org_1 hits 90 misss 25 misses 5 sets 7 deletes 2 errors 1 >/dev/null
td_redis expire cache_metrics:org_1 3000 >/dev/null
td_redis hset cache_metrics:org_2 hits x >/dev/null
td_redis set cache_metrics:odd x >/dev/null
td cache metrics --json >"$work/metrics"
is $? 0 'no alarm rings'
is "$(field tenants.0.hits <"$work/metrics") $(field tenants.0.misses <"$work/metrics") $(field tenants.0.hit_rate <"$work/metrics")" \
    '90 30 75.0' 'both spellings of a miss are counted'
is "$(field tenants.1.hits <"$work/metrics")" 0 'what is no number is 0'
like "$(td cache metrics --tenant org_1)" 'org_1 +75 +90 +30 +7 +2 +1' 'one tenant can be asked for'
like "$(td cache metrics)" '1 keys of that name hold no counters' 'what is no hash is told'

printf '[plan]\nname = alarms\nkind = cache\n[alarms]\nmemory = 80\nconnections = 3\nhit rate = 90\n' >"$work/a.plan"
alarms() {
    "$TENANTDECK" -r "$TD_REDIS" -p "$work/a.plan" "$@"
}
td_redis setrange filler 40000000 x >/dev/null # beside which all else is little
used=$(td_redis info memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p')
td_redis config set maxmemory $((used * 10 / 9)) >/dev/null
td_redis config resetstat >/dev/null
seq 1 1100 | sed 's/^/GET none:/' | td_redis >/dev/null
for n in 1 2 3 4; do
    sleep 60 | td_redis -i 0 >/dev/null 2>&1 &
done
enough() {
    [ "$(td_redis info clients | sed -n 's/^connected_clients:\([0-9]*\).*/\1/p')" -ge 5 ]
}
td_until 20 enough
ok $? 'four clients stay connected'
said=$(alarms cache metrics)
is $? 1 'an alarm is a finding'
like "$said" 'ALARM at .*memory [0-9]+ %, [0-9]+ connections, hit rate [0-9]+ %' 'all three ring'
like "$(alarms status cache | head -n 1)" 'Redis [0-9.]+ +memory [0-9]+ %, [0-9]+ connections, hit rate' \
    'they stand in the banner'
like "$(alarms status --json | field banner.redis.alarms)" 'memory' 'and in its JSON'
like "$(alarms plan check)" 'warn +server +alarms' 'plan check tells them'
printf 'settle\nexpect memory\nexpect connections\ndump banner\n' >"$work/script"
like "$(alarms --script "$work/script" --size 80x24 | sed -n 2p)" 'memory [0-9]+ %' 'and the console shows them, at 80 columns'
kill $(jobs -p) 2>/dev/null
wait 2>/dev/null
td_redis config set maxmemory 0 >/dev/null
td_redis del filler >/dev/null

# ---- test and bench ----

before=$(everything)
said=$(td cache test --yes)
is $? 0 'the test passes'
is "$(grep -c ^pass <<<"$said")" 13 'all of it'
is "$(td cache test --yes --json | field passed)" True 'in JSON, too'
is "$(everything)" "$before" 'and leaves nothing'
td_redis acl setuser half on '>half' '~*' '+@all' '-zadd' >/dev/null
exits 1 'a test that fails is a finding' env REDIS_PASSWORD=half "$TENANTDECK" \
    -r "redis://half@127.0.0.1:$port" cache test --yes
like "$td_said" 'FAIL +session create' 'and says what'
is "$(everything)" "$before" 'it leaves nothing, either'

# Killed while it works: what it has written has a time, and goes by itself.
endless() {
    td_redis --raw keys '*td-*' | while IFS= read -r key; do
        ttl=$(td_redis pttl "$key")
        [ "$ttl" -eq -2 ] || { [ "$ttl" -ge 0 ] && [ "$ttl" -le 60000 ]; } || echo "$key $ttl"
    done
}
caught=0
for n in $(seq 1 60); do
    [ "$caught" -lt 3 ] || break
    { timeout -s KILL "$(printf '0.%03d' $((n * 7)))" "$TENANTDECK" -r "$TD_REDIS" cache test --yes; } >/dev/null 2>&1
    [ -z "$(td_redis keys '*td-test*')" ] || caught=$((caught + 1))
done
[ "$caught" -gt 0 ]
ok $? 'some were killed in the middle'
is "$(endless)" '' 'no key of a killed test has no end'
td_redis --raw keys '*td-test*' | while IFS= read -r key; do td_redis del "$key"; done >/dev/null
said=$(td cache bench --count 20 --yes)
is $? 0 'the bench runs'
for operation in PING SET GET 'MGET \(10 keys\)'; do
    like "$said" "$operation +[0-9.]+ ms +[0-9.]+ ms" "and measures $operation"
done
is "$(everything)" "$before" 'it leaves nothing'
exits 2 'a count that is none is refused' td cache bench --count 0 --yes

# ---- the plan ----

like "$(td plan show)" '5 of one user at the most' 'the plan tells of its sessions'
like "$(td plan show)" '80 % of Redis' 'and of its alarms'
printf '[plan]\nname = h\nkind = cache\n[keys "all"]\npattern = cache:{tenant}:*\nttl = 5\n[keys "lists"]\npattern = cache:{tenant}:list:*\nttl = 5\n' \
    >"$work/h.plan"
exits 1 'a template that no key can reach fails' "$TENANTDECK" -r "$TD_REDIS" -p "$work/h.plan" plan check
like "$td_said" "the template 'all' before it" 'and says which one is before it'
exits 2 'a plan of keys is checked against a Redis' env -u REDIS_HOST "$TENANTDECK" -p sessions plan check
status=$(td status)
for wanted in 'has no steps' 'has no tables' 'has no mapping'; do
    like "$status" "$wanted" "status says that such a plan $wanted"
done
unlike "$status" 'PostgreSQL|no run' 'and speaks of no database'

done_testing
