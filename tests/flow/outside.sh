#!/bin/sh
# Commands of somebody else as steps: what they do, say, leave behind and fail at is what the journal
# has; what they do not do is not believed; nothing of them outlives its time or its worker.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d)
service=$work/service
mark=td-outside-$$
mkdir -p "$service/up"
# Whatever of it is left must not stay, however this script ends.
end_marked() {
    for pid in $(pgrep -f "$mark"); do
        kill -KILL "$pid"
    done
}
trap 'end_marked; rm -rf "$work"' EXIT
td_start_postgres
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME

td_psql "CREATE TABLE public.t (id int PRIMARY KEY, org text NOT NULL);
         CREATE TABLE public.sequelize_meta (name varchar(255) PRIMARY KEY);
         INSERT INTO public.t VALUES (1, '1')"
printf 'key,tenant_code\n1,one\n' >"$work/codes.csv"

# plan SERVICE-LINES OUTSIDE-LINES: a plan whose step `schema` runs what the lines say.
plan() {
    cat >"$work/site.plan" <<PLAN
[plan]
    name = site
    kind = columns
[mapping]
    file = codes.csv
    key = key
[column "tenant_code"]
    type = text
[table "t"]
    from = own org
[service]
    $1
[outside "schema"]
$2
PLAN
}

# script NAME: an executable of the service, from stdin.
script() {
    { echo '#!/bin/sh' && cat; } >"$service/$1"
    chmod +x "$service/$1"
}

td() {
    "$TENANTDECK" -d "$TD_DATABASE" -p "$work/site.plan" --operator --yes "$@" </dev/null
}

# Its process, as the journal has it: exit code, signal, whether its end was seen.
child() {
    td_psql "SELECT COALESCE(exit_code::text, '-') || ' ' || COALESCE(signal::text, '-') || ' '
                    || (ended_at IS NOT NULL)
               FROM tenantdeck.child WHERE kind = 'process' ORDER BY id DESC LIMIT 1"
}

gone() {
    ! pgrep -f "$mark"
}

plan '' '    command = ./nothing'
runs 'the step before is done' td preflight

# ---- no folder ----

runs 'without a folder the run goes on' td run schema
like "$(td_step schema)" "^skipped: the plan names no service folder, so './nothing' is not run" \
    'and the step is skipped, with the reason'
plan "folder = $work/elsewhere" '    command = ./nothing'
exits 1 'a folder that is not there is an error' td run schema
like "$(td_step schema)" "failed: the service's folder '$work/elsewhere' is not there, so nothing was run" \
    'which says so'
is "$(td_psql "SELECT count(*) FROM tenantdeck.child WHERE kind = 'process'")" 0 'nothing was begun'

# ---- what the plan shows ----

plan 'folder = service' '    command = npx "a b" \"two words\"
    undo = ./undo
    failure = ERROR:
    timeout = 2 min
[throttle]
    lag = 10 s'
shown=$(td plan show)
like "$shown" '^Command of step schema$' 'plan show names the command of a step'
like "$shown" '^  runs +npx a b "two words"$' 'word by word'
like "$shown" '^  undo +./undo$' 'with what takes it back'
like "$shown" "^  fails +when it says 'ERROR:'\$" 'what betrays a failure'
like "$shown" "^  in +$work/service, at most 120 s\$" 'where it runs and for how long'
like "$shown" '^  10000 ms of lag of a replica$' 'and the limits'
like "$("$TENANTDECK" plan show mentoring)" \
    'unique tenant_code, value, organization_id, replacing unique_value_org_id' \
    'and which index a key replaces'
like "$("$TENANTDECK" plan show chat)" 'index tenant_code, named idx_users_tenant_code' 'or is named'

# ---- how it goes ----

plan 'folder = service' '    command = ./good "a b" \"two words\"'
script good <<'EOS'
pwd; echo "$# words, the last is $3"; echo 'postgres://me:geheim@host/db' >&2; cat
EOS
runs 'a command that ends well' td run schema
like "$(td_step schema)" '^done: $' 'is done'
is "$(child)" '0 - true' 'its exit code is kept'
like "$(td_events schema)" "info $service\$" 'it ran in the folder of the service'
like "$(td_events schema)" '3 words, the last is two words' 'words are what the plan quotes'
like "$(td_events schema)" 'postgres://me:\*+@host/db' 'what it says is there, without passwords'
unlike "$(td_psql 'SELECT * FROM tenantdeck.event'; cat "$work"/state/tenantdeck/log/*)" geheim \
    'which are nowhere'

plan 'folder = service' '    command = ./tells'
script tells <<'EOS'
env >environment
EOS
(export PGPASSWORD=canary-1 REDISCLI_AUTH=canary-2 FREE=yes && td run schema) >"$work/said" 2>&1
is "$(grep -c '^FREE=yes$' "$service/environment")" 1 'it gets our environment'
is "$(grep -c canary "$service/environment")" 0 'but no password that is ours alone'

plan 'folder = service' '    command = ./bad'
script bad <<'EOS'
echo 'cannot open config.json'; exit 3
EOS
exits 1 'a command that fails, fails the run' td run schema
like "$(td_step schema)" "failed: './bad' failed: exit code 3; its last words: cannot open config.json" \
    'with its code and its last words'
is "$(child)" '3 - true' 'the code is kept'

script bad <<'EOS'
kill -SEGV $$
EOS
exits 1 'one that dies of a signal fails' td run schema
like "$(td_step schema)" 'failed: .*signal 11' 'which is named'
is "$(child)" '- 11 true' 'and kept'

plan 'folder = service' '    command = no-such-command'
exits 1 'one that is not there fails' td run schema
like "$(td_step schema)" "'no-such-command' cannot be run: No such file" 'and says so'

plan 'folder = service' '    command = ./liar
    failure = ERROR:
    failure = could not'
script liar <<'EOS'
echo fine; echo 'ERROR: null value in column tenant_code'; echo 'Seeding is done'; exit 0
EOS
exits 1 'exit code 0 is not believed when the output betrays it' td run schema
like "$(td_step schema)" "ended with exit code 0, but said 'ERROR:': ERROR: null value" 'the line is shown'

# ---- too much, too long, too clever ----

plan 'folder = service' '    command = ./flood'
script flood <<'EOS'
yes 'a line of a command that talks and talks' | head -c 100000000; echo; echo the end
EOS
runs '100 MB of output' td run schema
like "$(td_step schema)" '^done' 'are no trouble'
lines=$(td_events schema | wc -l)
is "$([ "$lines" -gt 20 ] && [ "$lines" -lt 2000 ] && echo few)" few "some of it is logged ($lines lines)"
like "$(td_events schema)" '^info the end$' 'its end among it'
like "$(td_events schema)" '\([0-9]{4,} lines were left out here\)' 'what is left out is told'

plan 'folder = service' "    command = ./hang $mark
    timeout = 1"
script hang <<'EOS'
trap '' TERM
(trap '' TERM; setsid "$0.more" "$1" & while :; do read x </dev/zero; done) &
echo hangs
while :; do read x </dev/zero; done
EOS
script hang.more <<'EOS'
trap '' TERM
while :; do read x </dev/zero; done
EOS
exits 1 'a command that hangs fails' td run schema
like "$(td_step schema)" 'its time was up after' 'when its time is up'
is "$(child)" '- 9 true' 'it was killed in the end'
runs 'with all that it had started' gone

plan 'folder = service' "    command = ./daemon $mark"
script daemon <<'EOS'
setsid "$0.more" "$1" &
echo started
EOS
script daemon.more <<'EOS'
while :; do sleep 0.1; done
EOS
runs 'a command that leaves a daemon behind, with our pipe' td run schema
like "$(td_step schema)" '^done' 'is done when it is done'
like "$(td_events schema)" 'warn it has left processes behind, which were not ended: [0-9]+' 'the daemon is told of'
end_marked

plan 'folder = service' '    command = ./asks'
script asks <<'EOS'
read answer || echo 'nobody answers'
EOS
runs 'a command that asks' td run schema
like "$(td_events schema)" 'nobody answers' 'gets no answer, and does not wait'

# ---- migrations ----

touch "$service/up/1-a.js" "$service/up/2-b.js" "$service/up/notes.txt"
migrations="folder = service
    migrations = up"
plan "$migrations" '    command = ./migrate'
td_psql "INSERT INTO public.sequelize_meta VALUES ('0-gone.js')"
exits 1 'migrations finds what is pending' td migrations
is "$td_said" 'unknown  0-gone.js
pending  1-a.js
pending  2-b.js

as sequelize_meta tells: 0 up, 2 pending, 1 unknown: run, and without a file now' \
    'and what was run, and is no more in the folder'
td_psql "DELETE FROM public.sequelize_meta"
td_psql "ALTER TABLE public.sequelize_meta RENAME TO elsewhere"
exits 1 'without the table' td migrations
like "$td_said" '^no table of migrations in this database' 'all is pending'
td_psql "ALTER TABLE public.elsewhere RENAME TO sequelize_meta"
script migrate <<EOS
echo 'ran nothing'
EOS
exits 1 'a command that does not run what is pending fails' td run schema
like "$(td_step schema)" 'in this database 2 migrations are still pending: 1-a.js, 2-b.js' 'and both are named'

script migrate <<EOS
psql -X -q -d '$TD_DATABASE' -c "INSERT INTO public.sequelize_meta VALUES ('1-a.js'), ('2-b.js')
                                  ON CONFLICT DO NOTHING" \\
    -c 'CREATE TABLE IF NOT EXISTS public.fresh (id int)'
EOS
runs 'one that does, is done' td run schema
like "$(td_events schema)" '2 migrations were pending, now 0 are' 'which the database says'
like "$(td_events schema)" 'catalog, added: table public.fresh' 'with what it changed in the catalog'
is "$(td_psql "SELECT object_type || ' ' || object || ' ' || state FROM tenantdeck.undo")" \
    'restore schema kept' 'without an undo it needs a restore'
runs 'then migrations finds nothing' td migrations
is "$(td --json migrations | jq -c '[.tables, .summary, .migrations[0]]')" \
    '["sequelize_meta",{"up":2,"pending":0,"unknown":0},{"name":"1-a.js","state":"up"}]' 'which is JSON, too'
plan "folder = $work/elsewhere
    migrations = up" '    command = ./migrate'
exits 1 'a folder of migrations that is not there is an error' td migrations
like "$td_said" "'$work/elsewhere/up', cannot be read" 'with its path'
plan 'migrations = up' '    command = ./migrate'
runs 'a plan without the folder' td migrations
like "$td_said" 'which are pending is not known' 'does not know what is pending'
plan "$migrations" '    command = ./migrate'
runs 'a second time nothing is pending' td run schema
unlike "$(td_events schema)" 'catalog,' 'and nothing changes'

runs 'it is taken back by itself' td rollback --confirm=mentoring
is "$(td_psql "SELECT state FROM tenantdeck.undo WHERE object_type = 'restore'")" dropped \
    'as far as that goes: what needs a restore is given up, and not undone'
like "$(td_psql "SELECT text FROM tenantdeck.event WHERE severity = 'warn' AND source = 'undo'")" \
    '^not taken back: schema' 'which is told'
plan "$migrations" "    command = ./migrate
    undo = ./migrate-undo --name 2-b.js"
script migrate-undo <<EOS
[ "\$*" = '--name 2-b.js' ] || exit 1
psql -X -q -d '$TD_DATABASE' -c "DELETE FROM public.sequelize_meta WHERE name = '2-b.js'" \\
    -c 'DROP TABLE public.fresh'
EOS
td_psql "DELETE FROM public.sequelize_meta; DROP TABLE public.fresh"
runs 'a command with an undo' td run schema
is "$(td_psql "SELECT object_type || ' ' || statement || ' ' || alone FROM tenantdeck.undo
                WHERE state = 'kept'")" \
    'command ["./migrate-undo","--name","2-b.js"] true' 'has it in the journal'
runs 'is taken back by it' td rollback --confirm=mentoring
is "$(td_psql 'SELECT name FROM public.sequelize_meta')" 1-a.js 'as it says'
is "$(td_psql "SELECT to_regclass('public.fresh') IS NULL")" t 'with what it had made'

# ---- people, and the death of a worker ----

plan 'folder = service' "    command = ./slow $mark"
script slow <<EOS
echo began >>'$work/begun'
[ -e '$work/quick' ] && exit 0
"\$0.more" "\$1" &
wait
EOS
script slow.more <<'EOS'
trap '' TERM
while :; do sleep 0.1; done
EOS
begun() {
    [ "$(wc -l <"$work/begun")" -eq "$1" ] && [ "$(pgrep -fc "$mark")" -ge 2 ]
}
: >"$work/begun"
runs 'a slow command' td run schema --detach
runs 'begins' td_until 20 begun 1
runs 'is ended by abort' td abort
runs 'at once' td_until 20 gone
td_until 20 test "$(td_step schema | cut -c1-6)" != 'runs: '
like "$(td_step schema)" 'aborted, as asked' 'which the step says'
like "$(child)" '^- 15 true' 'and the journal knows'

runs 'a slow command again' td run schema --detach
runs 'begins again' td_until 20 begun 2
kill -KILL "$(td_psql 'SELECT pid FROM tenantdeck.run ORDER BY id DESC LIMIT 1')"
touch "$work/quick"
runs 'after its worker was killed, the next one' td run schema
runs 'ends first what lived on' gone
is "$(wc -l <"$work/begun")" 3 'and then begins'
like "$(td_step schema)" '^done' 'and comes to its end'
like "$(td_events schema)" "warn './slow $mark' was begun at .*, and nobody saw how it ended" 'which is told'
is "$(td_psql "SELECT count(*) FROM tenantdeck.child WHERE kind = 'process' AND ended_at IS NULL")" 0 \
    'no command is left open in the journal'

# ---- what the server still does for a command that is gone ----

# An ALTER TABLE that lasts until the test lets it go: its default waits for a lock that the test has.
td_psql "CREATE TABLE public.slowly (id int); INSERT INTO public.slowly VALUES (1);
         CREATE FUNCTION public.slow() RETURNS int LANGUAGE plpgsql
             AS 'BEGIN PERFORM pg_advisory_lock(4711); PERFORM pg_advisory_unlock(4711); RETURN 1; END'"
script alters <<EOS
echo began >>'$work/begun'
exec psql -X -q -d '$TD_DATABASE' -c '/* of 8.8 */ alter
    TABLE public.slowly ADD COLUMN IF NOT EXISTS made int DEFAULT public.slow()'
EOS
hold() {
    (PGAPPNAME=holder psql -X -q -d "$TD_DATABASE" -c 'SELECT pg_advisory_lock(4711)' -c 'SELECT pg_sleep(600)' \
        >/dev/null 2>&1 &)
    td_until 10 is_at_work "application_name = 'holder' AND wait_event = 'PgSleep'"
}
let_go() {
    td_psql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'" >/dev/null
}
is_at_work() {
    [ "$(td_psql "SELECT count(*) FROM pg_stat_activity WHERE $1")" = 1 ]
}
alters="application_name LIKE 'tenantdeck-child%' AND wait_event = 'advisory'"
waits_for_server() {
    td_psql "SELECT throttled FROM tenantdeck.step ORDER BY id DESC LIMIT 1" | grep -q '^for the server to end'
}
is_state() {
    td_step schema | grep -q "^$1: "
}
begin_alter() {
    : >"$work/begun"
    td_psql "ALTER TABLE public.slowly DROP COLUMN IF EXISTS made"
    hold
    td run schema --detach >"$work/said" 2>&1
    td_until 20 is_at_work "$alters"
}

plan 'folder = service' '    command = ./alters'
runs 'a command whose statement lasts' begin_alter
like "$(td_psql "SELECT application_name FROM pg_stat_activity WHERE $alters")" \
    '^tenantdeck-child [0-9]+:[0-9]+ schema of site$' 'has a session that is named after it'
backend=$(td_psql "SELECT pid FROM pg_stat_activity WHERE $alters")
started_of() {
    td_psql "SELECT backend_start FROM pg_stat_activity WHERE pid = $1"
}
exits 4 'which is not ended from elsewhere while the command lives' \
    td blockers cancel "$backend" --started="$(started_of "$backend")"
like "$td_said" "session $backend is at work for a run of tenantdeck" 'since it is the run'"'"'s'
kill -KILL "$(td_psql 'SELECT pid FROM tenantdeck.run ORDER BY id DESC LIMIT 1')" \
    "$(td_psql "SELECT pid FROM tenantdeck.child WHERE kind = 'process' ORDER BY id DESC LIMIT 1")"
runs 'worker and command are killed, and the same is said again' td run schema --detach
runs 'the server goes on with it, which is waited for' td_until 20 waits_for_server
like "$(td_psql "SELECT throttled FROM tenantdeck.step ORDER BY id DESC LIMIT 1")" \
    "\\(pid $backend of step schema since 20[-0-9]+ [0-9:]+: ALTER TABLE\\)\$" 'shown with pid, time and kind'
is_told() {
    td_events worker | grep -q "info waits for the server to end what a command has begun that is gone (pid $backend "
}
runs 'and told in the journal' td_until 20 is_told
is "$(wc -l <"$work/begun")" 1 'meanwhile the command is not begun again'
runs 'a stop' td stop
runs 'is obeyed' td_until 20 is_state paused
runs 'and the statement is cancelled by nobody' is_at_work "$alters"
runs 'said once more' td run schema --detach
runs 'it waits again' td_until 20 waits_for_server
let_go
runs 'and when the statement has ended, the command is run' td_until 20 is_state 'done'
is "$(wc -l <"$work/begun")" 2 'once more'
is "$(td_psql "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.slowly'::regclass AND attname = 'made'")" \
    1 'over what the first one has done'

runs 'a command whose statement lasts, once more' begin_alter
td abort >/dev/null 2>&1
runs 'is aborted' td_until 20 is_state paused
like "$(td_events schema)" 'warn the server goes on with what the command has begun \(pid [0-9]+ of step schema since .*ALTER TABLE\)' \
    'and what the server still does is told'
td rollback --confirm=mentoring --detach >"$work/said" 2>&1
runs 'taking it back waits for it, too' td_until 20 waits_for_server
backend=$(td_psql "SELECT pid FROM pg_stat_activity WHERE $alters")
runs 'until somebody cancels it' td blockers cancel "$backend" --started="$(started_of "$backend")"
is_undone() {
    [ "$(td_psql 'SELECT state FROM tenantdeck.run ORDER BY id DESC LIMIT 1')" = undone ]
}
runs 'and comes to its end' td_until 20 is_undone
let_go

plan 'folder = service' '    command = ./alters
    timeout = 1'
runs 'a command whose statement outlives its time' begin_alter
runs 'is waited for, since only then the catalog tells' td_until 20 waits_for_server
let_go
runs 'what' td_until 20 is_state failed
like "$(td_events schema)" 'catalog, added: column public.slowly.made integer' 'it has changed'

done_testing
