#!/bin/sh
# The steps on Redis: what the plan's templates know is removed and set, all else is never touched;
# whoever writes meanwhile is told of; a Redis that is down fails its step alone.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
td_start_postgres
port=$((31000 + $$ % 1500))
td_start_redis "$port"

td_psql "CREATE TABLE public.t (id text PRIMARY KEY, org text NOT NULL, tenant_code text,
                                organization_code text, v text);
         INSERT INTO public.t SELECT n, '1', 'north', 'n1', 'value ' || n
                                FROM generate_series(1, 1234) AS n"
td_codes_csv 1,n1,north 2,s1,south

# plan WARM-LINES
plan() {
    td_columns_plan site <<PLAN
[table "t"]
    from = own org
[keys "queue"]
    pattern = tenant:{tenant}:queue:*
    foreign = true
[keys "things"]
    pattern = tenant:{tenant}:org:{org}:thing:{id}
    ttl = 600
[keys "rest of a tenant"]
    pattern = tenant:{tenant}:*
[keys "before"]
    pattern = org:{org}:*
    ttl = 60
$1
PLAN
}

td() {
    "$TENANTDECK" -d "$TD_DATABASE" -r "$TD_REDIS" -p "$work/site.plan" --operator --yes "$@" </dev/null
}

# What comes before in a plan is not what is tried here.
plan ''
runs 'the journal is made' td journal create
td_psql "INSERT INTO tenantdeck.mapping VALUES ('site', '1', 'n1', 'north'), ('site', '2', 's1', 'south');
         $(td_done_before site preflight,mapping,integrity,columns,fill,confirm,not-null,keys,indexes)"

# ---- cache-clear ----

load() {
    td_redis FLUSHALL >"$work/said"
    for n in $(seq 1500); do
        printf 'SET tenant:north:org:n1:thing:%d v EX 500\nSET org:s1:%d v\n' "$n" "$n"
    done | td_redis >"$work/said"
    td_redis >"$work/said" <<'REDIS'
SET "org:*:glob [a]? \x00\n\xff:x" v
SET tenant:north:queue:1 v
SET tenant:north:queue:2:deep v
SET tenant: v
SET org v
SET nobody:knows v
SET "org::empty" v
REDIS
}

load
runs 'the keys are removed' td run cache-clear
is "$(td_redis --no-raw KEYS '*' | sed 's/^ *[0-9]*) //' | sort)" '"nobody:knows"
"org"
"org::empty"
"tenant:"
"tenant:north:queue:1"
"tenant:north:queue:2:deep"' 'but those of others, and those of no template'
like "$(td_step cache-clear)" '^done: $' 'the step is done'
like "$(td_events redis)" '^info .*: keys to remove: 3001 \(1500 things, 1501 before\); keys that stay: 6 \(2 queue, 4 of no template\)$' \
    'what it would do was said before'
like "$(td_events redis)" '^info .*: keys removed: 3001; left of the plan.s: 0; others that stay: 6$' \
    'and what was done, after a second count'
runs 'a second time' td run cache-clear
like "$(td_events redis)" 'keys removed: 0;' 'there is nothing left to do'

load
redis-cli -s "$TD_REDIS_SOCKET" -r -1 SET org:live:key v >"$work/writer" 2>&1 &
writer=$!
runs 'while a service writes' td run cache-clear
kill "$writer"
wait "$writer" 2>/dev/null
like "$(td_events redis)" '^warn .*: keys removed: 300[12]; there again, written by services meanwhile: 1 \(1 before\)$' \
    'its key is told of, and is no failure'

load
td_redis ACL SETUSER default -unlink >"$work/said"
exits 1 'without the right to remove' td run cache-clear
like "$(td_step cache-clear)" '^failed: .*NOPERM' 'the step fails'
is "$(td_redis DBSIZE)" 3007 'and nothing is gone'
td_redis ACL SETUSER default +unlink >"$work/said"
runs 'with the right it goes on' td run cache-clear
is "$(td_redis DBSIZE)" 6 'to its end'

plan '[keys "mails"]
    pattern = {namespace}:mail:{id}'
td_redis MSET news:mail:1 v bull:mail:1 v >"$work/said"
runs 'a template that any job queue fits' td run cache-clear
is "$(td_redis EXISTS news:mail:1) $(td_redis EXISTS bull:mail:1)" '0 1' 'makes no job queue ours'
td_redis DEL bull:mail:1 >"$work/said"
plan ''

# meanwhile COMMAND...: cache-clear begins, and is held before its first keys go while the command runs.
meanwhile() {
    load
    before=$(td_psql "SELECT count(*) FROM tenantdeck.event WHERE text LIKE '%: keys to remove: %'")
    td_redis CLIENT PAUSE 60000 WRITE >"$work/said"
    td run cache-clear --detach >"$work/worker" 2>&1
    td_until 30 begun "$before" || td_bail "cache-clear does not begin: $(cat "$work/worker")"
    "$@" >"$work/said"
    td_redis CLIENT UNPAUSE >"$work/said"
}

begun() {
    [ "$(td_psql "SELECT count(*) FROM tenantdeck.event WHERE text LIKE '%: keys to remove: %'")" -gt "$1" ]
}

meanwhile td_psql "UPDATE tenantdeck.lease SET epoch = epoch + 1"
runs 'a worker whose lease was taken ends' \
    td_until 30 grep -q 'another worker has taken over' "$work"/state/tenantdeck/log/*
[ "$(td_redis DBSIZE)" -ge 2907 ]
ok $? 'after the one pipeline that was under way, at the most'
runs 'the next one' td_until 30 td run cache-clear
is "$(td_redis DBSIZE)" 6 'removes the rest'
failed() {
    td_step cache-clear | grep -q ^failed
}
meanwhile td_redis CLIENT KILL TYPE normal
runs 'a connection that is lost fails the step' td_until 30 failed
like "$(td_step cache-clear)" "once Redis answers, 'tenantdeck run cache-clear' does this" 'which says what to do'
runs 'and when it is done' td_until 30 td run cache-clear
is "$(td_redis DBSIZE)" 6 'nothing is left'

runs 'without a Redis the run goes on' \
    "$TENANTDECK" -d "$TD_DATABASE" -p "$work/site.plan" --operator --yes run cache-clear
like "$(td_step cache-clear)" '^skipped: no Redis is named' 'and the step is skipped, with the reason'
exits 1 'a Redis that is down' \
    "$TENANTDECK" -d "$TD_DATABASE" -r "unix://$work/none.sock" -p "$work/site.plan" --yes run cache-clear
like "$td_said" 'Redis at .*none.sock.* could not be reached' 'is an error'
like "$td_said" "what was done in PostgreSQL stays, and once Redis answers, 'tenantdeck run cache-clear' does this step alone" \
    'that says what to do'

# ---- cache-warm ----

warm() {
    plan "[warm \"things\"]
    file = warm.sql
    key = ${1:-tenant:{tenant\}:org:{org\}:thing:{id\}}
    ttl = 300"
    cat >"$work/warm.sql"
}

td_redis FLUSHALL >"$work/said"
td_redis SET tenant:north:org:n1:thing:7 'fresher' >"$work/said"
td_psql "INSERT INTO public.t VALUES ('a:b', '1', 'north', 'n1', 'x'), ('none', '1', 'north', 'n1', NULL),
                                     ('lost', '1', NULL, 'n1', 'x')"
warm <<'SQL'
-- What is asked for most; it's; one query.
SELECT tenant_code AS tenant, organization_code AS org, id, v || E'\n\u00e9' AS value FROM :"schema".t;
SQL
runs 'the cache is warmed' td run cache-warm
like "$(td_step cache-warm)" '^done: $' 'the step is done'
is "$(td_redis DBSIZE)" 1234 'a key for each row that makes one'
is "$(td_redis --raw GET tenant:north:org:n1:thing:1234)" 'value 1234
é' 'has the value of its row'
ttl=$(td_redis TTL tenant:north:org:n1:thing:1234)
[ "$ttl" -gt 200 ] && [ "$ttl" -le 300 ]
ok $? 'and ends when the plan says'
is "$(td_redis GET tenant:north:org:n1:thing:7)" fresher 'a key that a service has set stays'
like "$(td_events redis)" "info .*: warming 'things': keys set: 1233; there already, and left: 1" 'the log has it'
like "$(td_events redis)" "warn .*: rows that make no key.*: 3," 'and the rows that make none'
runs 'a second time' td run cache-warm
like "$(td_events redis)" "keys set: 0; there already, and left: 1234" 'they are found there'

# no_warmth NAME TEXT
no_warmth() {
    td_redis FLUSHALL >"$work/said"
    exits 1 "$1" td run cache-warm
    like "$(td_step cache-warm)" "$2" 'which says so'
    is "$(td_redis DBSIZE) $(td_psql 'SELECT count(*) FROM public.t')" '0 1237' 'and nothing is written'
}

warm <<'SQL'
SELECT 1; DELETE FROM public.t
SQL
no_warmth 'two statements' 'warm.sql:1: a warming file holds one query'
warm <<'SQL'
WITH gone AS (DELETE FROM public.t RETURNING *)
SELECT tenant_code AS tenant, organization_code AS org, id, v AS value FROM gone
SQL
no_warmth 'a query that writes' 'warm.sql:1: .*(read-only|data-modifying|DECLARE CURSOR|cannot open)'
warm <<'SQL'
DELETE FROM public.t
SQL
no_warmth 'what is no query' 'warm.sql:1: .*cannot open'
warm <<'SQL'
SELECT tenant_code AS tenant, organization_code AS org, id, v AS worth FROM :"schema".t
SQL
no_warmth 'a column without a use' "named like column 'worth'"
warm <<'SQL'
SELECT tenant_code AS tenant, id, v AS value FROM :"schema".t
SQL
no_warmth 'a placeholder without a column' "no column for the key's \{org\}"
warm 'tenant:{tenant}:queue:{id}' <<'SQL'
SELECT 'north' AS tenant, 1 AS id, 'x' AS value
SQL
no_warmth 'keys of others' "the key 'tenant:north:queue:1' would be one of others"
warm 'alone:{id}' <<'SQL'
SELECT 1 AS id, 'x' AS value
SQL
no_warmth 'keys that nobody would find again' "the key 'alone:1' fits no \[keys\]"

# ---- the verbs, as the Redis user of a migration ----

noted() {
    td_psql "SELECT text FROM tenantdeck.event WHERE source = 'redis' ORDER BY id DESC LIMIT 3"
}

# shellcheck disable=SC2046
(set -f && td_redis ACL SETUSER $(sed -n 's/^user \(td_migration .*\)/\1/p' "$TENANTDECK_DATADIR/acl/users.acl") on '>secret') >"$work/said"
mover() {
    REDIS_PASSWORD=secret "$TENANTDECK" -d "$TD_DATABASE" -r "redis://td_migration@127.0.0.1:$port" -p "$work/site.plan" \
        --operator --yes "$@" </dev/null
}

td_redis FLUSHALL >"$work/said"
warm <<'SQL'
SELECT tenant_code AS tenant, organization_code AS org, id, v AS value FROM :"schema".t WHERE v IS NOT NULL
SQL
runs 'the verb warms as the step does' mover cache warm
is "$(td_redis DBSIZE) $(td_redis GET tenant:north:org:n1:thing:1234)" '1234 value 1234' 'with a key for each row'
ttl=$(td_redis TTL tenant:north:org:n1:thing:1234)
[ "$ttl" -gt 200 ] && [ "$ttl" -le 300 ]
ok $? 'that ends when the plan says'
like "$(td_events redis)" "info .*: warming 'things': keys set: 1234; there already, and left: 0" 'and the journal has it'
runs 'again, as JSON' mover --json cache warm
load
runs 'its step clears' mover run cache-clear
is "$(td_redis DBSIZE)" 6 'what is the plan.s'
load
td_redis SET tenant:north:endless v >"$work/said"
runs 'a tenant is cleared' mover cache clear --tenant=north --undo-file="$work/undo"
is "$(td_redis DBSIZE)" 1507 'by the verb'
like "$(noted)" "keys of tenant 'north' removed: 1,501 " 'and the journal has it'
runs 'is restored' mover cache restore "$work/undo"
is "$(td_redis DBSIZE)" 3008 'all of it'
like "$(noted)" 'of an undo file restored, and found there: 1501 of 1501' 'and the journal has it'
runs 'gets another code' mover cache rekey north nord
is "$(td_redis EXISTS tenant:nord:org:n1:thing:7)" 1 'in its keys'
like "$(noted)" 'north.*nord' 'and the journal has it'
runs 'gets the times of the policy' mover cache ttl --set
is "$(td_redis TTL org:s1:7)" 60 'where its keys had none'
like "$(noted)" 'got the policy.s time to live: 15[0-9][0-9]' 'and the journal has it'
td_redis ACL SETUSER td_migration -renamenx >"$work/said"
exits 4 'without a right' mover cache rekey nord north
like "$td_said" "the right '\\+renamenx' is missing: ACL SETUSER" 'a code is not changed, and the right is named'
mover cache rekey --abandon nord north >"$work/said" 2>&1
td_redis ACL SETUSER td_migration -unlink >"$work/said"
exits 4 'without one of its rights' mover cache clear --tenant=nord
like "$td_said" "the right '\+unlink' is missing: ACL SETUSER" 'which is named'
td_redis ACL SETUSER td_migration +unlink resetkeys '~cache:*' >"$work/said"
exits 4 'without the right to its keys' mover cache clear --tenant=nord
like "$td_said" "none of the user's patterns" 'that is said'

# ---- what an event of the guide makes stale ----

guide() {
    "$TENANTDECK" -d "$TD_DATABASE" -r "$TD_REDIS" -p mentoring --operator --yes "$@" </dev/null
}
td_redis FLUSHALL >"$work/said"
for key in org:example_org:settings org:other:settings sessions:example_org:upcoming sessions:other:x \
    mentors:example_org:active mentees:example_org:active forms:example_org:1 tenant:t:org:example_org:mentor:7; do
    td_redis SET "$key" v EX 500
done >"$work/said"
left() {
    td_redis KEYS '*' | sort | tr '\n' ' '
}
runs 'an organization has changed' guide cache invalidate organization example_org
is "$(left)" 'forms:example_org:1 mentees:example_org:active mentors:example_org:active org:other:settings sessions:example_org:upcoming sessions:other:x tenant:t:org:example_org:mentor:7 ' \
    'its data are gone, and nobody else.s'
like "$(noted)" "event 'organization' of 'example_org': keys removed: 1; there again: 0" 'and the journal has it'
runs 'a session has changed' guide cache invalidate session example_org
runs 'a profile has changed' guide cache invalidate profile example_org
is "$(left)" 'forms:example_org:1 org:other:settings sessions:other:x ' 'so is what they make stale'
like "$(noted)" "event 'profile' of 'example_org': keys removed: 3; there again: 0" 'and the journal has it'

# ---- what validate says of the keys ----

td_redis FLUSHALL >"$work/said"

plan ''
td_redis >"$work/said" <<'REDIS'
SET tenant:north:org:n1:thing:1 v EX 500
SET tenant:north:org:n1:thing:2 v EX 5000
SET tenant:north:org:n1:thing:3 v
SET tenant:north:org:s1:thing:4 v EX 5
SET tenant:ghost:org:n1:thing:5 v EX 5
SET tenant:south:other v
SET tenant:south:queue:1 v
SET org:n1:x v EX 50
SET "nobody\x1b[2J" v
REDIS
td validate >"$work/said" 2>&1

# found NAME SUBJECT: verdict, count, samples, message.
found() {
    td_psql "SELECT verdict, count, COALESCE(samples::text, ''), message FROM tenantdeck.finding
              WHERE run = (SELECT max(run) FROM tenantdeck.finding)
                AND check_group = 'cache' AND check_name = '$1' AND subject ~ '$2'"
}

like "$(found cache_ttl '^things$')" \
    '^warn\|2\|.*thing:[23].*\|keys of .*: 5; without an end: 1; beyond the policy.s 600 s: 1$' \
    'keys that stay too long'
like "$(found cache_ttl '^before$')" '^pass\|1\|\|keys of .*: 1; without an end: 0; beyond the policy.s 60 s: 0$' 'and those that do not'
like "$(found cache_ttl '^rest')" '^pass\|1\|' 'or that have no policy'
like "$(found cache_foreign '^queue$')" '^pass\|1\|\|keys of .*: 1; .*not touched$' 'keys of others'
is "$(found cache_codes .)" \
    'warn|1|["tenant:ghost:org:n1:thing:5"]|keys with a tenant or an organization that the mapping does not know: 1' \
    'a tenant that nobody knows'
like "$(found cache_isolation .)" '^warn\|1\|\["tenant:north:org:s1:thing:4"\]' \
    'an organization under the wrong tenant'
like "$(found cache_old_layout .)" '^warn\|1\|\["org:n1:x"\]\|.*without tenants' 'keys of the layout before'
like "$(found cache_unclaimed .)" '^warn\|1\|\["nobody\\\\x1b\[2J"\]' 'and of no template, in harmless letters'
is "$(td_redis DBSIZE)" 9 'none of which was touched'
"$TENANTDECK" -d "$TD_DATABASE" -r "unix://$work/none.sock" -p "$work/site.plan" validate >"$work/said" 2>&1
like "$(found cache_keys .)" '^unknown\|.*could not be reached' 'a Redis that is down leaves it unknown'

done_testing
