#!/bin/sh
# `cache counts`: whose keys there are, in figures that redis-cli can check; hostile keys; what is
# seen of the keyspace is said; nothing is touched.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
td_start_redis
td_cache_plan 3600 <<'PLAN'
[keys "cache"]
    pattern = cache:{tenant}:{namespace}:*
    ttl = 600
[keys "organizations"]
    pattern = org:{org}:{type}
[keys "job queues"]
    pattern = bull:*
    foreign = true
PLAN

td() {
    "$TENANTDECK" -r "$TD_REDIS" -p "$work/site.plan" "$@" </dev/null
}

# figure PROGRAM JSON-PATH...: of the answer of a call with --json, by jq-like paths of python.
figure() {
    python3 -c 'import json, sys
answer = json.load(open(sys.argv[1]))
print(eval(sys.argv[2], {"a": answer}))' "$work/json" "$1"
}

is "$(td cache counts --json >"$work/json"; figure 'a["census"]["keys"], a["census"]["complete"]')" \
    '(0, True)' 'an empty Redis has no keys, and that is the whole of it'
{
    for n in $(seq 300); do
        printf 'SET session:acme:s%d %s EX 3000\nSET session:b*:s%d x\nSET cache:acme:users:%d x EX 9000\n' \
            "$n" "value$n" "$n" "$n"
        printf 'SET cache:acme:jobs:%d x EX 60\nSET org:o1:t%d x\n' "$n" "$((n % 3))"
    done
    printf 'SET "session:\\x1b[2J\\n:x" x EX 50\nSET "" x\nSET "\\x00\\xff" x\nSET bull:q:1 x\nSET session::x x\n'
    printf 'SET "session:\\x00:x" x\nSET session:b:s1 x\nSET session: x\n'
} | td_redis >"$work/said"
before=$(td_digest)
td cache counts --json >"$work/json"
row='{r["name"]: r for r in a["cache"]}'
is "$(figure "[($row)[n]['keys'] for n in ('sessions', 'cache', 'organizations', 'job queues', '(no template)')]")" \
    '[603, 600, 3, 1, 4]' 'every key is counted under the first template that fits it'
is "$(figure "[($row)['sessions'][f] for f in ('without_ttl', 'over_ttl', 'tenants')]")" '[302, 0, 5]' \
    'with those that never end, and their tenants'
is "$(figure "[($row)['cache'][f] for f in ('without_ttl', 'over_ttl')]")" '[0, 300]' \
    'and those that live longer than the policy'
is "$(figure 'a["census"]["keys"], a["census"]["size_before"], a["census"]["seen"]')" \
    "(1211, $(td_redis DBSIZE), 100.0)" 'as many as the server has'
is "$(figure 'a["census"]["ttl"]["1m"], a["census"]["ttl"]["1h"], a["census"]["ttl"]["6h"], a["census"]["ttl"]["endless"]')" \
    '(301, 300, 300, 310)' 'by how long they live'
is "$(figure 'sum(r["bytes"] for r in a["cache"])')" \
    "$(td_redis --raw EVAL "local sum = 0
        for _, key in ipairs(redis.call('KEYS', '*')) do sum = sum + redis.call('MEMORY', 'USAGE', key) end
        return sum" 0)" 'their memory is what the server says'

td cache counts --by=tenant --json >"$work/json"
is "$(figure '[(h["code"], h["keys"], h["types"]) for h in a["holders"][:4]]')" \
    "[('acme', 900, 3), ('b*', 300, 1), ('(nobody)', 5, 2), ('o1', 3, 3)]" 'by tenant'
td_redis EVAL "redis.call('SET', 'session:acme\\0x:1', 'x')" 0 >"$work/said"
td cache counts --by=tenant --json >"$work/json"
is "$(figure '[(h["code"], h["keys"]) for h in a["holders"] if h["code"].startswith("acme")]')" \
    "[('acme', 900), ('acme\\\\x00x', 1)]" 'a code does not end at a NUL, to be another'
td_redis EVAL "redis.call('DEL', 'session:acme\\0x:1')" 0 >"$work/said"
td cache counts --by=type --json >"$work/json"
is "$(figure 'sorted((r["name"], r["keys"]) for r in a["cache"] if r["name"].startswith(("cache", "org")))')" \
    "[('cache: jobs', 300), ('cache: users', 300), ('organizations: t0', 1), ('organizations: t1', 1), ('organizations: t2', 1)]" \
    'by type, with each text of a {type} or {namespace}'
td cache counts --tenant='b*' --json >"$work/json"
is "$(figure 'a["census"]["keys"]')" 300 'a tenant with a wildcard in its code is one tenant'
td cache counts --namespace=jobs --json >"$work/json"
is "$(figure 'a["census"]["keys"]')" 300 'of a namespace'
td cache counts --pattern='session:[a-b]*:s1' --json >"$work/json"
is "$(figure 'a["census"]["keys"]')" 3 'of a pattern, as Redis reads it'
exits 2 'a plan is wanted for a tenant' "$TENANTDECK" -r "$TD_REDIS" cache counts --tenant=acme

said=$(td cache counts)
unlike "$said" "$(printf '\033')" 'no key steers the terminal'
like "$said" '1,211 keys; the server had 1,211 before and 1,211 after' 'the whole is said to be whole'
like "$(td cache counts --by=tenant)" '^\\x1b\[2J\\n ' 'a hostile code is shown in harmless letters'
is "$(td_digest)" "$before" 'nothing was changed'

# ---- the keys themselves ----

said=$(td cache keys 'session:[b]:*')
like "$said" '^string +no end +[0-9]+ B  session:b:s1$' 'a key is listed with its type, time and memory'
is "$(printf '%s\n' "$said" | wc -l)" 2 'and no other'
like "$(td cache keys --tenant='b*' --limit=7)" 'there are more; --limit' 'a list has an end, and says so'
is "$(td cache keys --tenant='b*' --limit=7 | grep -c 'session:b\*:')" 7 'of so many'
unlike "$(td cache keys)" "$(printf '\033')" 'hostile keys are harmless'
td cache keys --namespace=jobs --limit=1000 --json >"$work/json"
is "$(figure 'len(a["keys"]), a["more"], 0 < a["keys"][0]["ttl_ms"] <= 60000')" '(300, False, True)' 'all of them, when there is room'
is "$(td_digest)" "$before" 'nothing was changed by looking'

# ---- many keys: a sample, and a walk that is stopped ----

td_redis EVAL "for n = 1, 60000 do redis.call('SET', 'session:t' .. n % 100 .. ':' .. n, string.rep('x', n % 50), 'EX', 100) end" 0 \
    >"$work/said"
td cache counts --type=sessions --json >"$work/json"
is "$(figure 'a["census"]["keys"], a["census"]["complete"]')" '(60603, True)' 'keys are exact, however many'
exact=$(td_redis --raw EVAL "local sum = 0
    for _, key in ipairs(redis.call('KEYS', 'session:*')) do sum = sum + redis.call('MEMORY', 'USAGE', key) end
    return sum" 0)
is "$(figure "a['census']['sampled'] < 10000 and a['cache'][0]['bytes_exact'] == False and 0.9 * $exact < a['cache'][0]['bytes'] < 1.1 * $exact")" \
    True 'memory is that of a sample, is said to be so, and is near'
td cache counts --pattern='session:*' --exact --json >"$work/json"
is "$(figure "a['census']['sampled'], sum(r['bytes'] for r in a['cache']) == $exact")" '(60605, True)' 'or of all, when asked'

td_redis CLIENT KILL TYPE normal SKIPME yes >"$work/said"
"$TENANTDECK" -r "$TD_REDIS" -p "$work/site.plan" cache counts --share=1 --json >"$work/json" 2>"$work/trouble" </dev/null &
counting=$!
walking() {
    td_redis CLIENT LIST | grep -q 'name=tenantdeck.*cmd=\(scan\|memory\|pttl\)'
}
td_until 20 walking
td_redis CLIENT KILL TYPE normal SKIPME yes >"$work/said"
td_until 20 walking
ok $? 'a walk whose connection is lost connects again, and goes on'
kill -INT "$counting"
wait "$counting"
is $? 1 'Ctrl-C ends it with 1'
is "$(figure 'a["census"]["complete"], 0 < a["census"]["seen"] < 100, 0 < a["census"]["keys"] < 61211')" \
    '(False, True, True)' 'a part is said to be a part, and of how much'
done_testing
