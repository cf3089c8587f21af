#!/bin/bash
# throttle: a run waits for each thing that it should wait for, says why, and goes on when it is over.
# Waiters, a replica that lags, a broken archive, a silent server are real; tests/flow/probe is the
# part of a worker that looks. It also asks for poolers and disks.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../server.sh"

probe=$TD_BUILDDIR/tests/flow/probe
work=$(mktemp -d /tmp/throttle.XXXXXX)
chmod 755 "$work" # the archive command of the server looks into it
trap 'end_probe; end_sessions; rm -rf "$work"' EXIT

cat >"$work/site.plan" <<'END'
[plan]
    name = site
    kind = columns
[mapping]
    file = codes.csv
    key = id
    default = tenant
[column "tenant_code"]
    type = varchar(20)
[table "things"]
    from = own id
    index = tenant_code id
[throttle]
    query = load.sql
    file = stop
END
printf 'id,tenant_code\n1,tenant\n' >"$work/codes.csv"
echo 'SELECT count(*) FROM public.gate' >"$work/load.sql"

start_primary archive_mode=on "archive_command='test ! -e $work/broken'" autovacuum=off
"$TENANTDECK" -d "$TD_DATABASE" --yes journal create >"$work/journal" 2>&1 ||
    td_bail "no journal: $(cat "$work/journal")"

# One after the other: ALTER SYSTEM stands in no transaction.
does() {
    said=$(psql -X -q -At -v ON_ERROR_STOP=1 -d "$TD_DATABASE" -f - <<<"$1" 2>&1) ||
        td_bail "$1 says: $said"
}

does "CREATE TABLE public.things (id int PRIMARY KEY, n int);
      INSERT INTO public.things SELECT g, 0 FROM generate_series(1, 1000) AS g;
      ANALYZE public.things;
      CREATE TABLE public.gate (id int);
      INSERT INTO tenantdeck.plan (name, hash, kind, text, document)
      VALUES ('site', repeat('0', 64), 'columns', '', '{}');
      INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program)
      SELECT generation, 1, 'migrate', 'online', 'running', 'x', 'x', 'x' FROM tenantdeck.meta;
      INSERT INTO tenantdeck.step (run, ordinal, name, type) VALUES (1, 1, 'fill', 'batch');
      INSERT INTO tenantdeck.lease (plan, epoch, run) VALUES ('site', 1, 1)"

# ---- the probe: its newest reason is the last line of $work/says ----

begin_probe() {
    rm -f "$work/says" # what the probe before has said is no answer of this one
    mkfifo "$work/orders"
    "$probe" throttle "${1:-$TD_DATABASE}" "$work/site.plan" 1 <"$work/orders" >"$work/says" 2>&1 &
    probe_pid=$!
    exec 7>"$work/orders"
    td_until 10 test -s "$work/says" && kill -0 "$probe_pid" ||
        td_bail "the probe does not run: $(cat "$work/says")"
}

end_probe() {
    [ -e "$work/orders" ] || return 0
    exec 7>&-
    wait "$probe_pid"
    probe_exit=$?
    rm -f "$work/orders"
}

newest() {
    tail -n 1 "$work/says"
}

newest_is() {
    newest | grep -qE -- "$1"
}

# waits REGEX NAME [SECONDS]: the probe gives that reason; goes_on NAME: it gives none any more.
waits() {
    td_until "${3:-15}" newest_is "$1"
    like "$(newest)" "$1" "$2"
}

goes_on() {
    waits '^-$' "$1" "${2:-15}"
}

# tell NAME=VALUE: the probe is told, and says what its limits are now.
tell() {
    echo "$1" >&7
    td_until 5 grep -q "^now: .*${1%%=*} ${1#*=}" "$work/says" ||
        td_note "the probe does not obey '$1'"
}

# ---- the query, the file, the hand ----

begin_probe
goes_on 'nothing is in the way at first'
does 'INSERT INTO public.gate VALUES (1), (2)'
waits "^the query '.*/load.sql' answers 2, and neither true nor 0$" "the site's own query can say no"
does 'TRUNCATE public.gate'
goes_on 'and yes again'
does 'ALTER TABLE public.gate RENAME TO closed'
waits "^the query '.*/load.sql' fails: relation \"public.gate\" does not exist$" \
    'when it fails nothing goes on'
does 'ALTER TABLE public.closed RENAME TO gate'
goes_on 'until it does not'
does 'BEGIN; LOCK TABLE public.gate; INSERT INTO public.gate SELECT FROM pg_sleep(3); ROLLBACK' &
waits "^the query '.*/load.sql' fails: canceling statement due to" 'when it hangs it is given up'
wait $!
goes_on 'and asked again'
touch "$work/stop"
waits "^the file '.*/stop' is there$" 'the file holds it'
rm "$work/stop"
goes_on 'while it is there'
mkdir "$work/folder"
ln -s "$work/folder/stop" "$work/stop" # to where nothing is: so it is not there
goes_on 'a link to nothing is none'
rm "$work/stop"
ln -s stop "$work/stop"
waits "^the file '.*/stop' cannot be looked for: " 'a file that cannot be looked for holds it'
rm "$work/stop"
goes_on 'until it can'
tell hold=on
waits "^held by hand, until 'throttle hold=off'$" 'a person holds it'
tell hold=off
goes_on 'and lets it go'
echo 'speed=9' >&7
td_until 5 grep -q '^refused: the throttle has no .speed.$' "$work/says"
ok $? 'what it does not know is refused'

# ---- whoever waits for us ----

# waiter: a session that wants a row which is locked; it ends when it has got it.
wait_for_lock() {
    PGAPPNAME=waiter psql -X -q -d "$TD_DATABASE" -c 'UPDATE public.things SET n = n + 1 WHERE id = 1' \
        >"$work/waiter" 2>&1 &
    td_until 10 td_psql "SELECT 1 / count(*) FROM pg_locks WHERE NOT granted"
    waiter=$(td_psql "SELECT pid FROM pg_stat_activity WHERE application_name = 'waiter'")
}

in_session 'tenantdeck fills' BEGIN 'UPDATE public.things SET n = 0 WHERE id = 1'
wait_for_lock
waits "^a session waits for a lock of ours \(pid $waiter, [1-9][0-9.]* s\)$" \
    'somebody waits for a lock of ours, by the name of our session'
end_session 'tenantdeck fills'
goes_on 'and does not any more'

in_session tool BEGIN 'UPDATE public.things SET n = 0 WHERE id = 1'
wait_for_lock
waits_long() {
    [ "$(td_psql "SELECT count(*) FROM pg_locks WHERE NOT granted
                     AND waitstart < clock_timestamp() - interval '2500 milliseconds'")" -gt 0 ]
}
td_until 10 waits_long
is "$(newest)" - 'who waits for somebody else does not concern us'
does "INSERT INTO tenantdeck.child (run, kind, pid, backend_start, command)
      SELECT 1, 'backend', pid, backend_start, 'pg_dump' FROM pg_stat_activity
       WHERE application_name = 'tool'"
waits "^a session waits for a lock of ours \(pid $waiter, " 'unless that is a child of the run'
does "UPDATE tenantdeck.child SET ended_at = clock_timestamp()"
goes_on 'which has not ended'
end_session tool

# ---- sessions at work ----

tell active=0
goes_on 'our own sessions are not counted'
PGAPPNAME=busy psql -X -q -d "$TD_DATABASE" -c 'SELECT pg_sleep(600)' >"$work/busy" 2>&1 &
waits '^1 sessions are active, limit 0$' 'sessions at work are counted when a limit is set'
does "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'busy'"
goes_on 'until they are through'
tell active=off

# ---- the archive ----

tell archive=2
goes_on 'the archiver follows'
touch "$work/broken"
for file in 1 2 3 4; do
    does "UPDATE public.things SET n = $file WHERE id = 2; SELECT pg_switch_wal()"
done
waits '^[3-9] WAL files wait for the archiver, limit 2$' 'files of WAL that wait are counted'
rm "$work/broken"
does 'UPDATE public.things SET n = 0 WHERE id = 2; SELECT pg_switch_wal()'
goes_on 'until they are archived' 90

# ---- a server that does not answer ----

control=$(td_psql "SELECT pid FROM pg_stat_activity WHERE application_name = 'tenantdeck control'")
kill -STOP "$control"
waits '^the server has not told its load for [5-9] s, limit 5 s$' 'without an answer nothing goes on'
kill -CONT "$control"
goes_on 'and with one it does'
end_probe
is "$probe_exit" 0 'it ends while nothing is under way'

# ---- replicas ----

start_standby r1
td_psql "SELECT 1" >"$work/alive"
begin_probe
tell lag=1
goes_on 'a replica that follows holds nobody'
write() {
    does 'UPDATE public.things SET n = n + 1 WHERE id = 3'
    newest_is "$1"
}
standby_sets() {
    psql -X -q -At -h "$standby" -c "ALTER SYSTEM SET $1" -c 'SELECT pg_reload_conf()' >"$work/set"
}
standby_sets "recovery_min_apply_delay = '1h'"
td_until 20 write '^replica lag '
like "$(newest)" '^replica lag [1-9][0-9.]* s \(r1\), limit 1 s$' 'one that lags does'
standby_sets 'recovery_min_apply_delay = 0'
goes_on 'until it has caught up' 20
receiver=$(psql -X -q -At -h "$standby" -c 'SELECT pid FROM pg_stat_wal_receiver')
kill -STOP "$receiver"
td_until 20 write '^replica lag '
like "$(newest)" '^replica lag [1-9][0-9.]* s \(r1\), limit 1 s$' \
    'one that is silent, of which the server tells no lag, does as well'
kill -CONT "$receiver"
goes_on 'until it speaks again' 20
end_probe

does "CREATE ROLE worker LOGIN; GRANT USAGE ON SCHEMA tenantdeck TO worker;
      GRANT SELECT ON ALL TABLES IN SCHEMA tenantdeck, public TO worker"
begin_probe "postgresql://worker@/mentoring?host=$PGHOST"
goes_on 'what a role is not shown does not hold it'
tell lag=5
waits '^replica lag is not shown to this role \(GRANT pg_read_all_stats\), limit 5 s$' \
    'unless somebody has named the limit'
tell lag=off
goes_on 'and takes it away'
does 'REVOKE SELECT ON tenantdeck.child FROM worker'
waits '^the server has not told its load for [5-9] s: permission denied for table child, limit 5 s$' \
    'a look that fails is no answer'
end_probe
is "$probe_exit" 0 'it ends all the same'

# ---- disks and poolers ----

finding() {
    td_psql "SELECT concat_ws(' ', verdict, check_group || '/' || check_name, subject || ':', message)
               FROM tenantdeck.finding WHERE check_name = '$1' ORDER BY id DESC LIMIT ${2:-1}"
}

is "$("$probe" disks "$TD_DATABASE" "$work/site.plan" 1; echo "exit $?")" 'exit 0' \
    'there is room for a small table'
like "$(finding disk 2)" '^pass server/disk tablespace pg_default: about [1-9][0-9.]* k?B more are needed, and .* are free$' \
    'on a disk of this host it is known how much'
like "$(finding disk 2)" '^pass server/disk the log: about .* go through it to archive and replicas$' \
    'for the log as well'
"$probe" disks "postgresql://worker@/mentoring?host=$PGHOST" "$work/site.plan" 1 >"$work/said" 2>&1
does 'GRANT INSERT ON tenantdeck.finding TO worker'
is "$("$probe" disks "postgresql://worker@/mentoring?host=$PGHOST" "$work/site.plan" 1; echo "exit $?")" \
    'exit 0' 'a role that is not shown where'
like "$(finding disk 2)" '^unknown server/disk tablespace .*cannot be asked' 'is told that it is not known'

is "$("$probe" pooler "$TD_DATABASE" "$work/site.plan" 1; echo "exit $?")" 'exit 0' \
    'no pooler stands between'
like "$(finding pooler)" '^pass server/pooler mentoring: no pooler' 'which is noted'
if command -v pgbouncer >"$work/which"; then
    for mode in session transaction statement; do
        mkdir -p "$work/$mode"
        printf '%s\n' '[databases]' "mentoring = host=$PGHOST" '[pgbouncer]' 'listen_addr =' \
            "unix_socket_dir = $work/$mode" 'listen_port = 5432' "pool_mode = $mode" \
            'auth_type = any' 'ignore_startup_parameters = extra_float_digits' \
            "logfile = $work/$mode/log" "pidfile = $work/$mode/pid" >"$work/$mode/ini"
        sed -i 's/^mentoring = .*/& user=postgres/' "$work/$mode/ini"
        chown -R postgres: "$work/$mode" 2>"$work/said"
        (td_run_server "$(command -v pgbouncer)" "$work/$mode/ini" >"$work/$mode/out" 2>&1) &
        pooler=$!
        through="postgresql://postgres@/mentoring?host=$work/$mode"
        td_until 10 psql -X -q -d "$through" -c 'SELECT 1'
        said=$("$probe" pooler "$through" "$work/site.plan" 1)
        code=$?
        if [ "$mode" = session ]; then
            is "$code: $said" '0: ' 'a pooler in session mode is let pass'
            like "$(finding pooler)" '^warn server/pooler .*kept our sessions apart' 'with a warning'
        else
            is "$code: ${said%%;*}" "4: refused: $(finding pooler | sed 's/^.*: a pooler/a pooler/')" \
                "a pooler in $mode mode is refused"
            like "$(finding pooler)" '^fail server/pooler .*gives our sessions' 'and noted'
        fi
        kill "$pooler"
        wait "$pooler"
    done
else
    skip 'a pooler in session mode is let pass' 'no pgbouncer'
    skip 'a pooler in transaction mode is refused' 'no pgbouncer'
fi

td_stop
done_testing
