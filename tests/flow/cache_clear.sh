#!/bin/sh
# `cache clear` and `cache restore`: what is chosen goes and all else stays, byte for byte; what is
# kept in a file comes back; a kill is gone on from; others' keys and a whole database are guarded.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
td_start_redis
td_codes_csv 1,o1,acme 2,o2,acme 3,o3,beta
td_columns_plan site <<'PLAN'
[table "t"]
    from = own org
[keys "sessions"]
    pattern = session:{tenant}:*
[keys "cache"]
    pattern = cache:{tenant}:{namespace}:*
[keys "organizations"]
    pattern = org:{org}:*
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
SET session:acme:1 one EX 1000
SET session:acmex:1 x
SET "session:a*:1" star
SET session:ab:1 x
SET "session:a\\:1" back
SET "session:[b]:1" x
SET session:b:1 x
HSET cache:acme:users:1 a b c d
ZADD cache:acme:jobs:1 1 a 2 b
SET cache:beta:users:1 x
SET cache:z:[b]:1 x
SET "cache:acme:users:\x00\xff\n:1" "\x00\x01"
SET org:o1:details x
SET org:o2:details x
SET org:o3:details x
SET theirs:acme:1 x
SET bull:queue:1 x
SET other x
REDIS
}

# gone NAME KEY...: these keys are gone, and all others are there.
gone() {
    gone_name=$1
    shift
    td_redis --no-raw KEYS '*' | sed 's/^ *[0-9]*) //' | sort >"$work/after"
    is "$(sort "$work/before" | comm -23 - "$work/after" | tr '\n' ' ')" "$*${1:+ }" "$gone_name"
}

# clears NAME WHAT-IS-GONE ARGUMENT...
clears() {
    clears_name=$1 wanted=$2
    shift 2
    load
    td_redis --no-raw KEYS '*' | sed 's/^ *[0-9]*) //' | sort >"$work/before"
    runs "$clears_name" td --yes cache clear "$@"
    gone '... and nothing else' $wanted
}

clears 'a tenant, with its organizations' \
    '"cache:acme:jobs:1" "cache:acme:users:1" "cache:acme:users:\x00\xff\n:1" "org:o1:details" "org:o2:details" "session:acme:1"' \
    --tenant=acme
like "$td_said" 'keys of tenant .acme. removed: 6 of 6 that one full walk has met; asked for by name: none is there; keys of others that stay: 1$' \
    'it says what it did, and what it has proved'
clears 'with a second walk' '"session:acme:1"' --tenant=acme --type=sessions --prove
like "$td_said" 'removed: 1; looked for anew: none is left' 'which is said'
clears 'a tenant whose code is a wildcard' '"session:a*:1"' --tenant='a*'
clears 'a tenant with a backslash' '"session:a\\:1"' --tenant='a\'
clears 'a tenant in brackets' '"session:[b]:1"' --tenant='[b]'
clears 'and where the server sifts' '"cache:z:[b]:1"' --tenant=z --namespace='[b]'
clears 'a namespace of a tenant' '"cache:acme:users:1" "cache:acme:users:\x00\xff\n:1"' --tenant=acme --namespace=users
clears 'an organization' '"org:o2:details"' --org=o2
clears 'a type' '"org:o1:details" "org:o2:details" "org:o3:details"' --type=organizations
clears 'a key' '"session:ab:1"' --key=session:ab:1
clears 'a key of letters that are a pattern' '' --key='session:a?:1'
clears 'a pattern, as Redis reads it' '"session:[b]:1" "session:ab:1" "session:b:1"' --pattern='session:*b*:1'
clears 'others, when it is said' '"theirs:acme:1"' --pattern='theirs:*' --foreign
clears 'but not before' '' --pattern='*:*1' --tenant=nobody
like "$(td --yes cache clear --pattern='theirs:*')" 'keys of others that stay: 1' 'and they are told'
exits 2 'nothing is chosen' td --yes cache clear
exits 4 'nobody has said yes' td cache clear --tenant=acme
exits 4 'nor to all by --yes' td --yes cache clear --all

# ---- looking first ----

load
before=$(td_digest)
said=$(td cache clear --tenant=acme --dry-run)
like "$said" 'keys of tenant .acme.: 6 \(1 sessions, 3 cache, 2 organizations\)' 'a dry run counts by template'
like "$said" '^for example .*cache:acme:' 'and shows some'
unlike "$said" "$(printf '\377')" 'in harmless letters'
escape=$(printf '\033')
unlike "$(td cache clear --pattern="$escape[2J*" --dry-run)" "$escape" 'what was typed, too'
is "$(td_digest)" "$before" 'and changes nothing'

# ---- what was removed comes back ----

td_redis PEXPIRE session:acme:1 500000 >"$work/said"
td_redis DEL org:o1:details >"$work/said"
before=$(td_digest)
runs 'a clear keeps what it removes' td --yes cache clear --tenant=acme --undo-file="$work/undo"
is "$(stat -c %a "$work/undo")" 600 'in a file for us alone'
exits 4 'whose name must be free' td --yes cache clear --tenant=acme --undo-file="$work/undo"
exits 4 'however often it is said' td --yes cache clear --tenant=acme --undo-file="$work/undo"
like "$(td --yes cache clear --abandon)" 'there is none' 'and nothing of it has begun'
td_redis SET session:acme:2 new >"$work/said"
like "$(td cache restore "$work/undo" --dry-run)" 'keys in .*: 5, of .*checksum is right' 'it can be looked at'
like "$(td --yes cache restore "$work/undo")" '^keys restored, and found there: 5 of 5;' 'and restored'
td_redis DEL session:acme:2 >"$work/said"
is "$(td_digest)" "$before" 'byte for byte'
ttl=$(td_redis PTTL session:acme:1)
[ "$ttl" -gt 400000 ] && [ "$ttl" -le 500000 ]
ok $? 'with the time it had left'
td_redis SET session:acme:1 newer >"$work/said"
like "$(td --yes cache restore "$work/undo")" 'found there: 0 of 5; there again, and left: 5' 'a second time does no harm'
is "$(td_redis GET session:acme:1)" newer 'a newer value stays'
cp "$work/undo" "$work/bent"
printf 'X' | dd of="$work/bent" bs=1 seek=100 conv=notrunc 2>/dev/null
td_redis FLUSHALL >"$work/said"
exits 1 'a file that was changed is refused' td --yes cache restore "$work/bent"
# A byte of the last key's value: all but that one could be restored.
cp "$work/undo" "$work/bent"
printf 'X' | dd of="$work/bent" bs=1 seek=$(($(wc -c <"$work/undo") - 60)) conv=notrunc 2>/dev/null
exits 1 'as is one with a single other byte in a value' td --yes cache restore "$work/bent"
like "$td_said" 'is not whole, or was changed: nothing of it was restored' 'before anything is restored'
head -c 150 "$work/undo" >"$work/short"
exits 1 'so is one that is cut off' td --yes cache restore "$work/short"
is "$(td_redis DBSIZE)" 0 'and nothing of it restored'

# over KEY <FILE: the same undo file, had it been written so long ago that the key's time is over.
over() {
    python3 -c 'import hashlib, sys
wanted, file = sys.argv[1].encode(), sys.stdin.buffer.read()
number = lambda at, bytes: int.from_bytes(file[at:at + bytes], "little")
at = file.index(b"\n") + 1
while number(at, 4) != 0xffffffff:
    key = file[at + 16:at + 16 + number(at, 4)]
    if key == wanted:
        file = file[:at + 8] + (1).to_bytes(8, "little") + file[at + 16:]
    at += 16 + number(at, 4) + number(at + 4, 4)
sys.stdout.buffer.write(file[:at + 16] + hashlib.sha256(file[:at]).digest())' "$1"
}
over session:acme:1 <"$work/undo" >"$work/old"
is "$(td --yes cache restore "$work/old")" \
    'keys restored, and found there: 4 of 5; there again, and left: 0; whose time is over: 1' \
    'a key whose time has come meanwhile is told of'
is "$? $(td_redis EXISTS session:acme:1) $(td_redis DBSIZE)" '0 0 4' 'and does not come back, with or without an end'
td_redis FLUSHALL >"$work/said"

elsewhere() {
    "$TENANTDECK" -r "$TD_REDIS?db=3" -p "$work/site.plan" --yes cache restore "$work/undo" "$@" </dev/null
}
exits 4 'keys of one Redis are not restored into another' elsewhere
like "$td_said" "and this is '.*/3': nothing was restored" 'which it says'
is "$(td_redis -n 3 DBSIZE)" 0 'nor were they'
runs 'unless somebody says so' elsewhere --force
is "$(td_redis -n 3 DBSIZE)" 5 'then they are'
td_redis -n 3 FLUSHDB >"$work/said"

# ---- slowly ----

td_redis EVAL "for n = 1, 900 do redis.call('SET', 'session:slow:' .. n, n) end" 0 >"$work/said"
began=$(date +%s%N)
runs 'a clear goes as fast as it may' td --yes cache clear --tenant=slow --type=sessions --rate=600
[ $(($(date +%s%N) - began)) -ge 1400000000 ]
ok $? 'and not faster'
slow_begins() {
    [ "$(td_redis EVAL "return #redis.call('KEYS', 'session:slow:*')" 0)" -lt 900 ]
}
td_redis EVAL "for n = 1, 900 do redis.call('SET', 'session:slow:' .. n, n) end" 0 >"$work/said"
"$TENANTDECK" -r "$TD_REDIS" -p "$work/site.plan" --yes cache clear --tenant=slow --type=sessions --rate=1 \
    </dev/null >"$work/said" 2>&1 &
slow=$!
td_until 20 slow_begins
kill -INT "$slow"
td_until 20 sh -c "! kill -0 $slow"
ok $? 'Ctrl-C ends one that waits for its next keys'
wait "$slow"
like "$?: $(cat "$work/said")" '^1: .*stopped, as asked' 'which says so'
td --yes cache clear --abandon >"$work/said"

# ---- tags ----

load
td_redis >"$work/said" <<'REDIS'
SADD cache_tags:acme:user cache:acme:users:1 cache:acme:gone:1 cache:beta:users:1 nonsense
SADD cache_tags:acme:userx cache:acme:jobs:1
SADD cache_tags:beta:user cache:beta:users:1
REDIS
td_redis --no-raw KEYS '*' | sed 's/^ *[0-9]*) //' | sort >"$work/before"
said=$(td --yes cache clear --tag=user --tenant=acme)
like "$said" 'keys of tag .user. of tenant .acme. removed: 1; looked for anew: none is left; .*belong to others, and stay: 2' \
    'a tag takes the entries of its own tenant'
gone 'and nothing else' '"cache:acme:users:1"'
is "$(td_redis SMEMBERS cache_tags:acme:user | sort | tr '\n' ' ')" 'cache:beta:users:1 nonsense ' \
    'members without an entry are out of the set, those of others stay'
runs 'a tag of all tenants' td --yes cache clear --tag=user --undo-file="$work/tagged"
is "$(td_redis EXISTS cache:beta:users:1 cache_tags:beta:user)" 0 'entry and set are gone'
runs 'into a file' td --yes cache restore "$work/tagged"
is "$(td_redis EXISTS cache:beta:users:1) $(td_redis SMEMBERS cache_tags:beta:user)" '1 cache:beta:users:1' 'that brings back both'

# ---- everything ----

load
exits 4 'all is refused while others have keys' td cache clear --all --confirm="$TD_REDIS_SOCKET/0"
like "$td_said" "keys of others in .*: 2, '(theirs|bull):" 'whose they are is said'
exits 4 'and without the name of the Redis' td cache clear --all --foreign --confirm=else
td_redis -n 3 SET untouched x >"$work/said"
exits 0 'all of it, with the name' td cache clear --all --foreign --confirm="$TD_REDIS_SOCKET/0"
is "$(td_redis DBSIZE) $(td_redis -n 3 DBSIZE)" '0 1' 'is gone, and no other database'

# ---- a kill, and a service that writes meanwhile ----

if grep -q TENANTDECK_FAILPOINT "$TENANTDECK"; then
    td_redis EVAL "for n = 1, 2000 do redis.call('SET', 'session:acme:' .. n, n, 'EX', 1000) end" 0 >"$work/said"
    before=$(td_digest)
    TENANTDECK_FAILPOINT=clear:K3:4 td --yes cache clear --type=sessions --undo-file="$work/undo2" >"$work/said" 2>&1
    left=$(td_redis DBSIZE)
    [ "$left" -gt 0 ] && [ "$left" -lt 2000 ] && [ ! -e "$work/undo2" ]
    ok $? 'a clear is killed in its middle'
    exits 4 'another one is refused' td --yes cache clear --tenant=beta
    runs 'the same goes on' td --yes cache clear --type=sessions --undo-file="$work/undo2"
    is "$(td_redis DBSIZE)" 0 'to its end'
    runs 'and its file' td --yes cache restore "$work/undo2"
    is "$(td_digest)" "$before" 'has all of both'
fi

load
redis-cli -s "$TD_REDIS_SOCKET" -r -1 SET session:acme:9 v >"$work/writer" 2>&1 &
writer=$!
# The service writes whenever it gets to it: sooner or later between the removal and the look at it.
met_again() {
    td --yes cache clear --tenant=acme >"$work/again" 2>&1
    [ $? -eq 1 ]
}
td_until 30 met_again
ok $? 'a key that is written again is no success'
kill "$writer"
wait "$writer" 2>/dev/null
like "$(cat "$work/again")" 'removed: [0-9]+ of .*; there after all, written since: 1' 'and is told'
done_testing
