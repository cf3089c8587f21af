#!/bin/sh
# `cache rekey`: a tenant's keys get another code, with all that says it, and nothing else changes;
# the same the other way round takes it back; a kill is gone on from.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
td_start_redis
cat >"$work/site.plan" <<'PLAN'
[plan]
    name = site
    kind = cache
[keys "sessions"]
    pattern = session:{tenant}:*
[keys "cache"]
    pattern = cache:{tenant}:*
[keys "tags"]
    pattern = cache_tags:{tenant}:*
[keys "activity"]
    pattern = session_activity:{tenant}:*
[keys "organizations"]
    pattern = org:{org}:*
[keys "queues"]
    pattern = bull:{tenant}:*
[keys "others"]
    pattern = theirs:{tenant}:*
    foreign = true
PLAN

td() {
    "$TENANTDECK" -r "$TD_REDIS" -p "$work/site.plan" "$@" </dev/null
}

load() {
    td_redis FLUSHALL >"$work/said"
    td_redis >"$work/said" <<'REDIS'
SET session:old:s1 "{ \"tenantId\" : \"old\",\"n\":1.0e3, \"big\":12345678901234567890,\"x\":{\"tenantId\":\"old\"},\"organizationId\":\"old\"}" EX 1000
SET session:old:s2 "{\"tenantId\":\"o\\u006cd\",\"name\":\"old\"}"
SET session:old:s3 "{\"tenantId\":\"other\"}"
SET session:old:s4 "no JSON, \"tenantId\":\"old\""
SET "cache:old:u:\x00\xff\n1" "\x00\xff"
SET "cache:old:old:old" old EX 500
HSET cache:old:h f old
ZADD session_activity:old:s1 1 "1:created"
SADD cache_tags:old:user cache:old:old:old "cache:old:u:\x00\xff\n1" cache:other:x nonsense
EXPIRE cache_tags:old:user 700
SET session:older:s1 "{\"tenantId\":\"old\"}"
SET session:ol*:s1 x
SET org:old:details x
SET theirs:old:1 x
SET bull:old:1 x
SET cache:third:1 "{\"tenantId\":\"old\"}"
REDIS
}

load
before=$(td_digest)
like "$(td cache rekey old new --dry-run)" 'would get the code .new.: 9$' 'a dry run counts'
is "$(td_digest)" "$before" 'and changes nothing'
escape=$(printf '\033')
unlike "$(td cache rekey "old$escape[2J" "new$escape[2J" --dry-run)" "$escape" 'and says what was typed in harmless letters'
exits 2 'a code with a colon' td --yes cache rekey old 'n:w'
exits 4 'nobody has said yes' td cache rekey old new

runs 'a tenant gets another code' td --yes cache rekey old 'n"w*'
like "$td_said" '^keys moved: 9; values that say the new code: 2; members of sets: 2$' 'it says how many'
like "$td_said" 'looked at anew: no key has the old code, none says it; keys of the new one: 9' 'and looks anew'
is "$(td_redis --raw GET 'session:n"w*:s1')" \
    '{ "tenantId" : "n\"w*","n":1.0e3, "big":12345678901234567890,"x":{"tenantId":"old"},"organizationId":"n\"w*"}' \
    'a value says the new code, and is else the same to the byte'
is "$(td_redis --raw GET 'session:n"w*:s2')" '{"tenantId":"n\"w*","name":"old"}' 'also where it was written with escapes'
is "$(td_redis --raw GET 'session:n"w*:s3') $(td_redis --raw GET 'session:n"w*:s4')" \
    '{"tenantId":"other"} no JSON, "tenantId":"old"' 'what says something else stays'
is "$(td_redis --no-raw SMEMBERS 'cache_tags:n"w*:user' | sed 's/^ *[0-9]*) //' | sort | tr '\n' ' ')" \
    '"cache:n\"w*:old:old" "cache:n\"w*:u:\x00\xff\n1" "cache:other:x" "nonsense" ' \
    'and a set has the new names of its members, and the others as they were'
for key in 'session:n"w*:s1 1000' 'cache:n"w*:old:old 500' 'cache_tags:n"w*:user 700'; do
    ttl=$(td_redis TTL "${key% *}")
    [ "$ttl" -gt $((${key#* } - 100)) ] && [ "$ttl" -le "${key#* }" ]
    ok $? "${key%%:*} keeps its time"
done
is "$(td_redis EXISTS session:older:s1 'session:ol*:s1' org:old:details theirs:old:1 bull:old:1 cache:third:1)" 6 \
    'keys of others are where they were'
runs 'the other way round' td --yes cache rekey 'n"w*' old
# One value had been written with an escape, which is the one byte sequence that is not as before.
td_redis SET session:old:s2 '{"tenantId":"o\u006cd","name":"old"}' KEEPTTL >"$work/said"
is "$(td_digest)" "$before" 'takes it back, byte for byte'

td_redis SET session:new:s1 mine >"$work/said"
exits 4 'a code that has keys is refused' td --yes cache rekey old new
is "$(td_redis GET session:new:s1) $(td_redis EXISTS session:old:s1)" 'mine 1' 'and nothing was moved'
runs 'an organization' td --yes cache rekey old neworg --organizations
is "$(td_redis EXISTS org:neworg:details session:old:s1)" 2 'has keys of its own'

if grep -q TENANTDECK_FAILPOINT "$TENANTDECK"; then
    for point in K2:1 K3:2 K4:1 K4:3; do
        td_redis FLUSHALL >"$work/said"
        td_redis EVAL "for n = 1, 300 do
            redis.call('SET', 'session:old:' .. n, '{\"tenantId\":\"old\",\"n\":' .. n .. '}', 'EX', 900)
            redis.call('SADD', 'cache_tags:old:t', 'cache:old:' .. n) end" 0 >"$work/said"
        TENANTDECK_FAILPOINT=rekey:$point td --yes cache rekey old new >"$work/said" 2>&1
        exits 4 "killed at $point, another is refused" td --yes cache rekey new old
        runs 'the same goes on' td --yes cache rekey old new
        is "$(td_redis EVAL "local n = 0
            for _, k in ipairs(redis.call('KEYS', 'session:new:*')) do
                if redis.call('GET', k):find('\"tenantId\":\"new\"', 1, true) and redis.call('TTL', k) > 800 then n = n + 1 end
            end
            for _, m in ipairs(redis.call('SMEMBERS', 'cache_tags:new:t')) do
                if m:find('cache:new:', 1, true) == 1 then n = n + 1 end
            end
            return n .. ' ' .. redis.call('DBSIZE')" 0)" '600 301' 'to its end'
    done
fi
done_testing
