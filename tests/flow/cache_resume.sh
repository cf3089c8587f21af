#!/bin/sh
# A clear that is killed between any two of its steps (intent, act, confirmation) is gone on with by
# the same command: by the journal where there is one, else by a file on the disk. Nobody else may
# begin in between, and a result is told once.
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
