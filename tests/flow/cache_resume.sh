#!/bin/sh
# What changes keys and is killed between any two of its steps (intent, act, confirmation) is gone on
# with by the same command: by the journal where there is one, else by a file on the disk. Nobody else
# may begin in between, and a result is told once.
. "$(dirname "$0")/../lib.sh"

grep -q TENANTDECK_FAILPOINT "$TENANTDECK" || {
    skip 'a clear that is killed goes on' 'built without failpoints'
    done_testing
    exit
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
td_start_postgres
td_start_redis

td() {
    "$TENANTDECK" -d "$TD_DATABASE" -r "$TD_REDIS" --yes "$@" </dev/null
}

load() {
    td_redis FLUSHALL >"$work/said"
    td_redis EVAL "for n = 1, 1000 do redis.call('SET', 'forms:' .. n, n); redis.call('SET', 'stays:' .. n, n) end" 0 >"$work/said"
}

# change: of the last one its state, attempts and what it counted.
change() {
    td_psql "SELECT CASE WHEN ended_at IS NOT NULL THEN 'ended' WHEN acted IS NOT NULL THEN 'acted' ELSE 'meant' END
                    || ' ' || attempts || COALESCE(' ' || (acted->>'removed'), '') || COALESCE(': ' || result, '')
               FROM tenantdeck.redis_change ORDER BY id DESC LIMIT 1"
}

# no_files: nothing of a change stands on the disk.
no_files() {
    [ -z "$(ls "$work/state/tenantdeck/caches" 2>/dev/null)" ]
}

runs 'the journal is made' td journal create

# killed POINT STATE GONE AGAIN: what the journal has after the kill and after the same command again.
killed() {
    load
    TENANTDECK_FAILPOINT=clear:$1 td cache clear --pattern='forms:*' >"$work/said" 2>&1
    is "$?" 137 "killed at $1"
    like "$(change)" "^$2" '... the journal says how far it was'
    said=$(td cache clear --pattern='forms:*' 2>&1)
    is "$?" 0 '... the same command goes on'
    like "$said" "$3" '... and says what was cut off'
    like "$said" 'removed: [0-9,]+ of .* asked for by name: none is there; what was removed before it was cut off is not counted here$' \
        '... and what it did itself'
    is "$(td_redis EVAL "return #redis.call('KEYS', 'forms:*') .. ' ' .. #redis.call('KEYS', 'stays:*')" 0)" \
        '0 1000' '... and all of it is gone, and nothing else'
    like "$(change)" '^ended 2 [0-9]+: .*keys of pattern .*removed: ' '... which the journal has, once'
}

meant='goes on with what .*@.* began at .*Z, and what was cut off before it was told that all was done'
killed K2:1 'meant 1$' "$meant"
killed K3:4 'meant 1$' "$meant"
killed K5:1 'meant 1$' "$meant"
killed K6:1 'acted 1 1000$' 'cut off when all was done, before it was looked at'
killed K7:1 'acted 1 1000$' 'cut off when all was done, before it was looked at'
no_files
ok $? 'and no file was written'
like "$(td log)" 'keys of pattern .forms:\*. removed: ' 'the log has the results'

# ---- with a file of what goes ----

# kept POINT: the same with an undo file, which is whole afterwards, whenever it was killed.
kept() {
    load
    rm -f "$work/kept" "$work/kept.part"
    TENANTDECK_FAILPOINT=clear:$1 td cache clear --pattern='forms:*' --undo-file="$work/kept" >"$work/said" 2>&1
    is "$?" 137 "killed at $1, with an undo file"
    runs '... the same command goes on' td cache clear --pattern='forms:*' --undo-file="$work/kept"
    is "$(td_redis EVAL "return #redis.call('KEYS', 'forms:*')" 0)" 0 '... and all of it is gone'
    like "$(td cache restore "$work/kept")" '^keys restored, and found there: 1000 of 10[0-9]+; there again, and left: [0-9]+;' \
        '... and all of it comes back'
}
for point in K3:4 K5:1 K6:1 K7:1; do kept $point; done
load
rm -f "$work/kept"
TENANTDECK_FAILPOINT=clear:K5:1 td cache clear --pattern='forms:*' --undo-file="$work/kept" >"$work/said" 2>&1
td_redis SET forms:1 newer >"$work/said"
td cache clear --pattern='forms:*' --undo-file="$work/kept" >"$work/said" 2>&1
td cache restore "$work/kept" >"$work/said"
is "$(td_redis GET forms:1)" newer 'of a key that was removed twice the newer one comes back'

load
TENANTDECK_FAILPOINT=clear:K7:1 td cache clear --pattern='forms:*' --undo-file="$work/gone" >"$work/said" 2>&1
td_redis SET forms:new x >"$work/said"
exits 1 'what was written since the kill' td cache clear --pattern='forms:*' --undo-file="$work/gone"
like "$td_said" 'removed: 0; there after all, written since: 1;' 'is not in the file, so it is told of, and stays'
is "$(td_redis EXISTS forms:new)" 1 'as it was'

load
rm -f "$work/kept" "$work/kept.part"
TENANTDECK_FAILPOINT=clear:K3:4 td cache clear --pattern='forms:*' --undo-file="$work/kept" >"$work/said" 2>&1
chmod 640 "$work/kept.part"
exits 4 'a part that others may read is not written on' td cache clear --pattern='forms:*' --undo-file="$work/kept"
chmod 600 "$work/kept.part"
runs 'one that they may not is' td cache clear --pattern='forms:*' --undo-file="$work/kept"

# ---- who else comes ----

load
TENANTDECK_FAILPOINT=clear:K3:4 td cache clear --pattern='forms:*' >"$work/said" 2>&1
exits 4 'another clear is refused' td cache clear --pattern='stays:*'
like "$td_said" 'was cut off: .*forms:\*' 'and told which one is not at its end'
runs 'it can be given up' td cache clear --abandon
like "$(change)" '^ended 1.*: abandoned$' 'which the journal has'
like "$(td cache clear --abandon)" 'there is none' 'once'
runs 'then another may begin' td cache clear --key=stays:1
td_psql "SELECT pg_advisory_lock(hashtextextended('tenantdeck clear ' || server, 0)), pg_sleep(60)
           FROM tenantdeck.redis_change ORDER BY id DESC LIMIT 1" >"$work/locked" 2>&1 &
td_until 30 td_psql "SELECT 1 / count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
exits 5 'while one is at work, another is held off' td cache clear --key=stays:2
exits 5 'and cannot give it up' td cache clear --abandon
td_psql "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'" >"$work/said"
is "$(td_redis EXISTS stays:1 stays:2)" 1 'and nothing was touched'

# ---- other things that change many keys ----

users() {
    td_redis FLUSHALL >"$work/said"
    td_redis EVAL "for n = 1, 500 do
        redis.call('SET', 'session:t:' .. n, '{\"tenantId\":\"t\",\"n\":' .. n .. '}')
        redis.call('SADD', 'user_sessions:t:' .. n, n, 'over')
        end redis.call('SADD', 'cache_tags:t:a', 'cache:t:n:1', 'cache:t:n:2')" 0 >"$work/said"
}

# Of the keys that fit a pattern: how many, and how many of them have an end.
ends() {
    td_redis EVAL "local ends, keys = 0, redis.call('KEYS', ARGV[1])
        for _, key in ipairs(keys) do if redis.call('TTL', key) > 0 then ends = ends + 1 end end
        return #keys .. ' ' .. ends" 0 "$1"
}

# cut FAILPOINT VERB...: it is killed there, which the journal does not take for an end.
cut() {
    point=$1
    shift
    TENANTDECK_FAILPOINT=$point td -p sessions "$@" >"$work/said" 2>&1
    is "$?" 137 "killed at $point: $*"
}

for point in K2:1 K3:3 K6:1; do
    users
    cut "ttl:$point" cache ttl --set --tenant t
    like "$(change)" '^(meant|acted) 1' '... and has no end in the journal'
    exits 4 '... of another tenant it is refused' td -p sessions cache ttl --set --tenant other
    exits 0 '... the same goes on' td -p sessions cache ttl --set --tenant t
    like "$td_said" 'goes on with what .* began at' '... and says with what'
    is "$(ends '*session*:t:*')" '1000 1000' '... all have an end'
    like "$(change)" '^ended 2: .*still wrong: 0$' '... which the journal has'
done
cut ttl:K2:1 cache ttl --set --tenant t
runs 'it can be given up' td -p sessions cache ttl --set --abandon
for point in K2:1 K3:3 K4:5; do
    users
    cut "rekey:$point" cache rekey t t2
    like "$(change)" '^meant 1$' '... and has no end in the journal'
    runs '... the same goes on' td -p sessions cache rekey t t2
    is "$(ends '*:t:*') $(ends '*:t2:*') $(td_redis SISMEMBER cache_tags:t2:a cache:t2:n:2)" '0 0 1001 0 1' '... to its end'
    is "$(td_redis GET session:t2:7)" '{"tenantId":"t2","n":7}' '... and into the values'
    like "$(change)" '^ended 2: done$' '... which the journal has' || td_note "$(change)"
done

users
before=$(td_digest)
td -p sessions cache clear --tenant t --undo-file="$work/undo" >"$work/said" 2>&1
cut restore:K3:4 cache restore "$work/undo"
[ "$(td_redis DBSIZE)" -gt 0 ] && [ "$(td_redis DBSIZE)" -lt 1001 ]
ok $? '... half-way'
unlike "$(td log)" 'undo file restored' '... and the log does not say that they are back'
runs '... the same does the rest' td cache restore "$work/undo"
is "$(td_digest)" "$before" '... byte for byte'
like "$(td log)" 'keys of an undo file restored, and found there: [0-9]+ of 1001; by ' '... which the log has'
td_redis SREM cache_tags:t:a cache:t:n:1 >"$work/said"
cut sweep:K3:200 session sweep
runs '... the same does the rest' td session sweep
is "$(td_redis EVAL "local n = 0 for i = 1, 500 do n = n + redis.call('SCARD', 'user_sessions:t:' .. i) end return n" 0)" 500 \
    '... and no session has left its set'
is "$(td log | grep -c "members taken out of users' sets")" 1 '... which the log has once'

# ---- without a journal ----

td_psql 'CREATE ROLE looks LOGIN; GRANT USAGE ON SCHEMA tenantdeck TO looks; GRANT SELECT ON ALL TABLES IN SCHEMA tenantdeck TO looks' >"$work/said"
poor() {
    "$TENANTDECK" -d "$(echo "$TD_DATABASE" | sed 's/postgres@/looks@/')" -r "$TD_REDIS" --yes "$@" </dev/null
}
load
TENANTDECK_FAILPOINT=clear:K6:1 poor cache clear --pattern='forms:*' >"$work/said" 2>&1
! no_files
ok $? 'a role that may not write to the journal has a file'
said=$(poor cache clear --pattern='forms:*' 2>&1)
like "$said" 'what was begun here at .*, and was cut off when all was done, before it was looked at' 'and goes on by that'
is "$(td_psql 'SELECT count(*) FROM tenantdeck.redis_change WHERE ended_at IS NULL')" 0 'the journal knows nothing of it'
done_testing
