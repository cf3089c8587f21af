#!/bin/sh
# The corners that a worker can be driven into: a connection lost while another one is being opened, a
# lock session that ends alone, words of a server that were cut in the middle of a letter, a request
# just after a signal, a run that is taken up again with other steps. None of them makes it deaf, and
# none makes it say what is not.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"
td_begin_migration 0.02

is_over() {
    case $(td_run_state) in "done" | failed | stopped | undone) return 0 ;; esac
    return 1
}

is_answered() {
    [ "$(td_ask subject 'SELECT count(*) FROM tenantdeck.request WHERE answered_at IS NULL')" = 0 ]
}

# A session that keeps a row, so that the fill waits at a known place until it is let go.
keep_row() {
    (psql -X -q -d subject -c 'BEGIN' -c 'SELECT FROM sessions WHERE id = 7 FOR UPDATE' -c 'SELECT pg_sleep(600)' \
        >/dev/null 2>&1 &)
    td_until 10 is_kept
}

is_kept() {
    [ "$(td_ask subject "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")" = 1 ]
}

let_go() {
    td_ask subject "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'" \
        >/dev/null
}

waits() {
    [ "$(td_ask subject "SELECT count(*) FROM tenantdeck.event WHERE text LIKE 'waits %'")" -gt 0 ]
}

session_pids() {
    td_ask subject "SELECT pid FROM pg_stat_activity WHERE application_name = 'tenantdeck $1'"
}

begin_and_wait() {
    td_fresh subject
    keep_row
    td_on subject migrate --no-backup --detach "$@" >/dev/null
    td_until 60 waits || td_bail 'the fill did not come to the row that is kept'
}

# slow_row SECONDS: whoever changes it takes so long.
slow_row() {
    td_fresh subject
    td_ask subject "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql
                        AS 'BEGIN PERFORM pg_sleep($1); RETURN NEW; END';
                    CREATE TRIGGER slowly BEFORE UPDATE ON sessions FOR EACH ROW WHEN (OLD.id = 7)
                        EXECUTE FUNCTION slowly();
                    ALTER TABLE sessions ENABLE ALWAYS TRIGGER slowly"
}

sleeps() {
    [ "$(td_ask subject "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")" = 1 ]
}

# ---- a connection that is lost while another is being opened ----

slow_row 4
td_on subject migrate --no-backup --detach >/dev/null
td_until 60 sleeps
postmaster=$(head -n 1 "$(td_ask subject 'SHOW data_directory')/postmaster.pid")
sessions="$(session_pids control) $(session_pids fill)"
kill -STOP "$postmaster"
# shellcheck disable=SC2086 # several
kill $sessions
PGCONNECT_TIMEOUT=2 psql -X -q -d subject -c '' >/dev/null 2>&1
kill -CONT "$postmaster"
td_until 30 is_over
is "$(td_run_state)" 'done' 'two who open the same connection again do not wait for each other for ever' ||
    td_note "$(td_ask subject 'SELECT severity, text FROM tenantdeck.event ORDER BY id DESC LIMIT 6')"
kill "$(td_ask subject 'SELECT pid FROM tenantdeck.lease')" 2>/dev/null

# ---- the lock's session alone ----

begin_and_wait
kill "$(session_pids lock)"
td_on subject run columns --detach >"$work/said"
is $? 5 'a worker whose lock session has ended is not taken over while it beats' || td_note "$(tail -n 3 "$work/said")"
is_locked() {
    [ "$(td_ask subject "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")" = 1 ]
}
td_until 10 is_locked
ok $? 'and it takes its lock again, without anything that was done'
is_noted() {
    [ "$(td_ask subject "SELECT count(*) FROM tenantdeck.lease l JOIN pg_stat_activity a
                          ON a.pid = l.backend_pid AND a.backend_start = l.backend_start")" = 1 ]
}
td_until 10 is_noted
ok $? 'and says so in its lease'
let_go
td_until 60 is_over
is "$(td_run_state)" 'done' 'and comes to its end'

# ---- a server that lets nobody in any more ----

slow_row 2
psql -X -q -d subject -c 'CREATE ROLE runner SUPERUSER LOGIN'
(cd "$work" && "$TENANTDECK" -d 'dbname=subject user=runner' -p ./mentoring.plan --yes migrate --no-backup --detach) >/dev/null
td_until 60 sleeps
psql -X -q -d subject -c 'ALTER ROLE runner NOLOGIN'
sessions=$(session_pids fill)
# shellcheck disable=SC2086 # one for each lane
kill $sessions
is_told() {
    [ "$(td_ask subject "SELECT count(*) FROM tenantdeck.event WHERE text LIKE '%not permitted to log in%'")" -gt 0 ]
}
td_until 30 is_told
PGCONNECT_TIMEOUT=2 psql -X -q -d subject -c 'SELECT pg_sleep(3)' >/dev/null
is "$(td_ask subject "SELECT count(*) < 12 FROM tenantdeck.event WHERE text LIKE '%not permitted to log in%'")" t \
    'who is not let in asks again later each time' ||
    td_note "$(td_ask subject "SELECT count(*) FROM tenantdeck.event")"
psql -X -q -d subject -c 'ALTER ROLE runner LOGIN'
td_until 60 is_over
is "$(td_run_state)" 'done' 'and goes on when it may'

# ---- a request just after a signal ----

slow_row 20
td_on subject migrate --no-backup --detach >/dev/null
td_until 60 sleeps
kill -TERM "$(td_ask subject 'SELECT pid FROM tenantdeck.lease')"
like "$(td_on subject abort)" 'is cancelled' 'whoever sends SIGTERM is heard, and who says abort afterwards, too'
td_until 10 is_over
is "$(td_run_state)" stopped 'and the run has ended'
td_until 10 is_answered
ok $? 'no request is left without an answer'

# ---- words that were cut in the middle of a letter, or are no letters ----

td_fresh subject
td_on subject journal create >/dev/null
td_ask subject "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql
                    AS 'BEGIN RAISE EXCEPTION ''%'', repeat(''ä'', 700); END';
                CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN tag IN ('ALTER TABLE') EXECUTE FUNCTION refuse()"
td_on subject migrate --no-backup >"$work/said"
is $? 1 'a failure whose words are long and not English is told as a failure' || td_note "$(tail -n 3 "$work/said")"
is "$(td_run_state)" failed 'and the journal has it'
is "$(td_ask subject 'SELECT run IS NULL FROM tenantdeck.lease')" t 'and the lease is free'
td_ask subject 'DROP EVENT TRIGGER refuse'

# ---- a connection that is lost behind the server ----

td_ask subject "CREATE OR REPLACE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql
                    AS 'BEGIN RAISE SQLSTATE ''08006'' USING MESSAGE = ''no way to the node''; END';
                CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN tag IN ('ALTER TABLE') EXECUTE FUNCTION refuse()"
td_on subject migrate --no-backup --to columns --detach >"$work/said"
td_until 30 waits
like "$(td_ask subject 'SELECT text FROM tenantdeck.event ORDER BY id DESC LIMIT 3')" '^waits to .*: no way to the node \(try' \
    'what is lost behind the server is waited for, as what it is'
td_ask subject 'DROP EVENT TRIGGER refuse'
td_until 60 is_over
is "$(td_run_state)" 'done' 'until it is there again'
is "$(td_ask subject "SELECT count(*) FROM tenantdeck.event WHERE text LIKE 'the connection to PostgreSQL was lost%'")" 0 \
    'and nobody says that our own connection was'

# ---- where a session came from ----

td_fresh subject
SSH_CONNECTION='UNKNOWN 65535 UNKNOWN 65535' td_on subject preflight >"$work/said"
unlike "$(cat "$work/said")" 'inet' 'an address that is none keeps nobody from beginning'
SSH_CONNECTION='fe80::1%eth0 1 fe80::2%eth0 22' td_on subject preflight >"$work/said"
is "$(td_ask subject 'SELECT host(ssh_client) FROM tenantdeck.run ORDER BY id DESC LIMIT 1')" fe80::1 \
    'and one of the local network is kept'

# ---- a claim that does not come to its end ----

td_fresh subject
psql -X -q -d subject -c 'CREATE ROLE few LOGIN CONNECTION LIMIT 2' \
    -c 'GRANT CREATE ON DATABASE subject TO few'
(cd "$work" && "$TENANTDECK" -d 'dbname=subject user=few' -p ./mentoring.plan --yes preflight) >"$work/said" 2>&1
like "$(cat "$work/said")" 'too many connections' 'who has too few connections is told so'
is "$(td_ask subject "SELECT count(*) FROM tenantdeck.run WHERE state NOT IN ('failed', 'stopped')")" 0 \
    'and no run stays open that nobody runs'

# ---- looking on ----

td_fresh subject
td_on subject preflight >/dev/null
run=$(td_ask subject 'SELECT max(id) FROM tenantdeck.run')
td_ask subject "INSERT INTO tenantdeck.event (run, severity, source, text)
                SELECT $run, 'info', E'\\033[31mred', 'event ' || n FROM generate_series(1, 1200) n"
td_on subject attach --run="$run" >"$work/said"
like "$(cat "$work/said")" 'event 1200$' 'all that was said is shown, however much it is'
unlike "$(cat "$work/said")" "$(printf '\033')" 'and nothing of it steers the terminal'

begin_and_wait
(cd "$work" && exec "$TENANTDECK" -d dbname=subject -p ./mentoring.plan attach) >"$work/attached" 2>&1 &
follower=$!
is_attached() {
    [ -s "$work/attached" ] && [ -n "$(session_pids 'command line')" ]
}
td_until 10 is_attached || td_note "$(td_ask subject 'SELECT application_name FROM pg_stat_activity')"
looker=$(session_pids 'command line')
kill -STOP "$looker"
PGCONNECT_TIMEOUT=2 psql -X -q -d subject -c 'SELECT pg_sleep(1)' >/dev/null
kill -INT "$follower"
has_left() {
    ! kill -0 "$follower" 2>/dev/null
}
td_until 5 has_left
ok $? 'who looks on can leave while the server is silent'
kill -CONT "$looker"
kill -KILL "$follower" 2>/dev/null
wait "$follower" 2>/dev/null

td_on subject attach >"$work/attached" 2>&1 &
follower=$!
td_until 10 is_attached
kill -KILL "$(td_ask subject 'SELECT pid FROM tenantdeck.lease')"
let_go
td_on subject preflight >/dev/null
wait "$follower"
is $? 5 'who looks on is told when another run has taken over'
tail -n 2 "$work/attached" | sed 's/^/# /'

# ---- taken up again, with other steps ----

if ! grep -q TENANTDECK_FAILPOINT "$TENANTDECK"; then
    skip 'killed and taken up again' 'this program was built without failpoints'
    done_testing
    exit
fi

# killed_at POINT WORDS...: the worker dies there.
killed_at() {
    TENANTDECK_FAILPOINT=$1
    export TENANTDECK_FAILPOINT
    shift
    td_on subject "$@" --detach >/dev/null
    unset TENANTDECK_FAILPOINT
    td_until 60 td_no_worker subject
}

td_fresh subject
killed_at columns:K1:1 migrate --no-backup
td_on subject migrate --no-backup --to mapping >"$work/said"
ok $? 'a resume that names its last step comes to its end'
is "$(td_ask subject "SELECT count(*) FROM pg_attribute WHERE attrelid = 'sessions'::regclass
                       AND attname = 'tenant_code'")" 0 'and goes no further'

td_fresh subject
killed_at columns:K1:1 migrate --no-backup
echo '# another version of it' >>"$work/mentoring.plan"
td_on subject migrate --no-backup --to mapping >"$work/said"
is "$(td_ask subject "SELECT count(*) || ' ' || count(DISTINCT plan) FROM tenantdeck.run")" '2 2' \
    'a plan that was changed meanwhile is another run, and goes on with none'
sed -i '$d' "$work/mentoring.plan"

td_fresh subject
killed_at columns:K1:1 migrate --no-backup --hold keys
td_on subject migrate --no-backup --detach >/dev/null
td_until 60 td_state_is held
ok $? 'a resume holds before the step that the run was told'
td_on subject stop >/dev/null
td_until 30 td_no_worker subject

td_fresh subject
td_schema subject >"$work/schema"
td_on subject migrate --no-backup >/dev/null
killed_at keys:K1:1 rollback --to columns
td_on subject rollback >"$work/said"
ok $? 'a rollback that was killed is gone on with, and further than was said first' || td_note "$(tail -n 4 "$work/said")"
td_schema subject | cmp -s - "$work/schema"
ok $? 'and nothing of the migration stays' || td_note "$(td_schema subject | diff "$work/schema" - | head -n 8)"

# ---- a server that goes for good ----

slow_row 1
td_on subject migrate --no-backup --detach >/dev/null
td_until 60 sleeps
td_on subject pause >/dev/null
worker=$(td_ask subject 'SELECT pid FROM tenantdeck.lease')
kill -QUIT "$(head -n 1 "$(td_ask subject 'SHOW data_directory')/postmaster.pid")"
mv "$PGHOST" "$PGHOST.gone"
is_ended() {
    ! kill -0 "$worker" 2>/dev/null
}
td_until 60 is_ended
ok $? 'nobody waits for ever to go on with a server that is gone, not even while paused'
mv "$PGHOST.gone" "$PGHOST"

done_testing
