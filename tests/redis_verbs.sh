# redis_verbs.sh: every verb on keys, as one types it on a sample of its own, with what it says and which
# users of data/acl may say it. Sourced after lib.sh, by the tests that try them all.

# load_keys COMMAND...: the sample, through a redis-cli that reaches all keys of an empty Redis.
load_keys() {
    local now
    now=$(date +%s)000
    "$@" >"$work/loaded" 2>&1 <<REDIS
SET session:t:s1 '{"sessionId":"s1","tenantId":"t","userId":"u","createdAt":$now,"lastAccessedAt":$now}' EX 5000
SADD user_sessions:t:u s1 over
ZADD session_activity:t:s1 1 1:created
SET cache:t:users:1 '{"data":{"name":"Ann"},"createdAt":$now,"expiresAt":$((now + 500000)),"version":1,"tags":["a"]}' EX 500
SADD cache_tags:t:a cache:t:users:1
HSET cache_metrics:t hits 3 misss 1
SET org:t:profile x
SET user:t:profile:7 x EX 50
SET other x
REDIS
    [ "$(grep -cE '^(OK|[0-9]+)$' "$work/loaded")" = 9 ] || td_note "the sample is not loaded: $(cat "$work/loaded")"
}

# Users by their letters: o td_observer, c td_cache, s td_session, m td_migration. What a verb says is an
# extended expression. PLACE is the name of the Redis, FILE an undo file of what --pattern 'cache*:t:*' means.
redis_verbs() {
    cat <<'VERBS'
ocsm~Redis ([0-9.]+|up)~status cache
ocsm~ up +~nodes
ocsm~^15 checks:|^23 checks:~plan check
ocsm~^9 keys~cache counts
ocsm~org:t:profile~cache keys 'org:t:*'
ocm~^type +string~cache peek cache:t:users:1
ocm~"name": "Ann"~cache get cache:t:users:1
ocm~^t +75 +3 +1 ~cache metrics --tenant t
ocm~keys that live longer than the policy: 1~cache ttl --type 'organization profiles'
ocm~^cache .*1 +0 +0 +0~cache ttl --drift --type cache
ocm~keys .*: 1~cache clear --key cache:t:users:1 --dry-run
cm~policy.s time: 1; looked at anew, and still wrong: 0~cache ttl --set --type 'organization profiles' --yes
cm~keys removed: 1; there again: 0~cache invalidate profile t --yes
cm~removed: 1; looked for anew: none is left~cache clear --key cache:t:users:1 --yes
cm~removed: 1 of 1 .*none is there~cache clear --tenant t --type cache --yes
cm~removed: 1; looked for anew: none is left~cache clear --tag a --tenant t --yes
cm~keys restored, and found there: 2 of 2~cache restore FILE --yes
-~removed: 9; looked for anew: none is left~cache clear --all --foreign --confirm=PLACE
m~no key has the old code, none says it~cache rekey t t2 --yes
cm~1 were there and are gone~cache tags a --tenant t --yes
cm~is set, for 60 s~cache set k 1 --tenant t --ttl 60 --tags a --yes
cm~^deleted~cache delete cache:t:users:1 --yes
c~all passed~cache test --yes
c~MGET~cache bench --count 2 --yes
osm~s1~session list
osm~left +1h~session show s1
osm~warn +sessions +members~session check
s~^sess_~session create --tenant t --user v --yes
s~touched; it ends in~session touch s1 --metadata '{"page":"profile"}' --yes
sm~1 members were taken out of 1 sets~session sweep --yes
sm~1 session has ended~session end s1 --tenant t --confirm=PLACE
VERBS
}

# Of what the program offers, what none of them is. To warm takes a database as well.
redis_verbs_left_out() {
    "$TENANTDECK" help | grep -oE '^  (cache|session) [a-z]+' | sed 's/^  //' | sort -u >"$work/offered"
    { redis_verbs | cut -d'~' -f3 | cut -d' ' -f1,2 && echo 'cache warm'; } | sort -u | comm -23 "$work/offered" -
}
