#!/bin/sh
# What may happen to a worker beside being killed: many at once, sessions that are ended, a server that
# crashes, a worker that sleeps while another takes over. Every time the migration ends right, and
# once.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"
td_start_postgres
td_load_demo 0.05
td_prepare_migration
psql -X -q -d postgres -c 'ALTER DATABASE mentoring RENAME TO pristine'

# A session that keeps a row, so that the fill waits at a known place until it is let go.
keep_row() {
    (psql -X -q -d "$1" -c 'BEGIN' -c 'SELECT FROM sessions WHERE id = 7 FOR UPDATE' -c 'SELECT pg_sleep(600)' \
        >/dev/null 2>&1 &)
    td_until 10 is_kept "$1"
}

is_kept() {
    [ "$(td_ask "$1" "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'
                         AND datname = current_database()")" = 1 ]
}

let_go() {
    td_ask "$1" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'
                    AND datname = current_database()" >/dev/null
}

in_fill() {
    [ "$(td_ask "$1" "SELECT state FROM tenantdeck.step WHERE name = 'fill' AND state = 'runs'")" = runs ]
}

waits() {
    [ "$(td_ask "$1" "SELECT count(*) FROM tenantdeck.event WHERE text LIKE 'waits %'")" -gt 0 ]
}

last_state() {
    td_ask "$1" 'SELECT state FROM tenantdeck.run ORDER BY id DESC LIMIT 1'
}

is_over() {
    case $(last_state "$1") in "done" | failed | stopped) return 0 ;; esac
    return 1
}

# ends_well DATABASE NAME: the run comes to its end, the result is right, and nothing is left.
ends_well() {
    td_until 120 is_over "$1"
    is "$(last_state "$1")" 'done' "$2: the run comes to its end" ||
        td_note "$(td_ask "$1" 'SELECT severity, text FROM tenantdeck.event ORDER BY id DESC LIMIT 6')"
    td_on "$1" validate >"$work/said"
    ok $? "$2: and is right" || td_note "$(tail -n 3 "$work/said")"
    td_until 30 td_no_worker "$1"
    is "$(td_leftovers "$1")" '' "$2: and nothing is left over"
}

# ---- many at once ----

td_fresh subject
td_on subject journal create >/dev/null
for i in $(seq 20); do
    (td_on subject migrate --no-backup --hold columns --detach >"$work/many.$i"
     echo "exit $?" >>"$work/many.$i") &
done
wait
is "$(cat "$work"/many.* | grep -c '^exit 0$')" 1 'of twenty at once one begins'
is "$(cat "$work"/many.* | grep -c '^exit 5$')" 19 'and nineteen are told that it is held'
like "$(cat "$work"/many.*)" "holds the plan 'mentoring' since" 'by whom, and since when'
is_held() {
    [ "$(last_state subject)" = held ]
}
td_until 60 is_held
td_on subject resume >/dev/null
ends_well subject 'many at once'

# ---- sessions that somebody ends ----

td_fresh subject
td_on subject migrate --no-backup --to columns >/dev/null # they would wait for that row as well
keep_row subject
td_on subject migrate --no-backup --detach >/dev/null
td_until 60 in_fill subject
for purpose in work control lock; do
    td_ask subject "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE application_name = 'tenantdeck $purpose' AND datname = current_database()" >/dev/null
done
td_ask subject "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tenantdeck %'
                   AND datname = current_database() AND pid <> pg_backend_pid()" >/dev/null
let_go subject
ends_well subject 'its sessions ended'

# ---- a person's answer to a lock that is kept ----

td_fresh subject
keep_row subject
td_on subject migrate --no-backup --detach >/dev/null
td_until 60 waits subject
ok $? 'a row that is kept is told as what is waited for'
is "$(is_kept subject && echo there)" there 'and whoever keeps it is left alone'
like "$(td_on subject stop)" 'stops at the border' 'a waiting worker still hears'
td_until 30 is_over subject
is "$(last_state subject)" stopped 'and stops'
let_go subject
td_on subject migrate --no-backup >/dev/null
ends_well subject 'stopped and begun again'

# ---- a worker that sleeps while another takes over ----

td_fresh subject
keep_row subject
td_on subject migrate --no-backup --detach >/dev/null
td_until 60 waits subject
sleeper=$(td_ask subject 'SELECT pid FROM tenantdeck.lease')
kill -STOP "$sleeper"
td_on subject migrate --no-backup --takeover >"$work/said"
is $? 5 'a worker that gave a sign of life just now is not taken over'
is_silent() {
    [ "$(td_ask subject "SELECT clock_timestamp() - max(at) > interval '16 seconds' FROM tenantdeck.heartbeat")" = t ]
}
td_until 30 is_silent
# Those of a worker that sleeps are not ended by the server, which cannot know; at takeover they go.
asleep=$(td_ask subject "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE datname = 'subject'
                            AND application_name IN ('tenantdeck work', 'tenantdeck fill')")
like "$asleep" '^[0-9]' 'of its sessions some are there'
like "$(td_on subject migrate --no-backup)" 'say --takeover' 'one that is silent is told of'
let_go subject
td_on subject migrate --no-backup --takeover >"$work/said"
ok $? 'and is taken over when somebody says so' || td_note "$(tail -n 4 "$work/said")"
is "$(td_ask subject "SELECT count(*) FROM pg_stat_activity WHERE pid IN (${asleep:-0})")" 0 'and are ended'
epoch=$(td_ask subject 'SELECT epoch FROM tenantdeck.lease')
kill -CONT "$sleeper"
is_gone() {
    ! kill -0 "$sleeper" 2>/dev/null
}
td_until 60 is_gone
ok $? 'the sleeper ends when it wakes'
is "$(td_ask subject "SELECT count(*) FROM tenantdeck.checkpoint c JOIN tenantdeck.lease l ON c.epoch < l.epoch
                       WHERE c.at > l.claimed_at")" 0 'and has written nothing'
is "$(td_ask subject 'SELECT epoch FROM tenantdeck.lease')" "$epoch" 'nor claimed anything'
ends_well subject 'taken over'

# ---- a server that crashes ----

data=$PGHOST/again
(td_run_server "$(td_pg_program initdb)" -D "$data" -U postgres --auth=trust -E UTF8 --locale=C.UTF-8 \
    --no-sync --no-instructions) >/dev/null 2>&1
control() {
    (td_run_server "$(td_pg_program pg_ctl)" -D "$data" -w -l "$PGHOST/again.log" \
        -o "-c listen_addresses= -c port=5433 -c unix_socket_directories=$PGHOST" "$@") >/dev/null 2>&1
}
trap 'control -m immediate stop; rm -rf "$work"' EXIT
control start
pg_dump -d pristine | PGPORT=5433 psql -X -q -d postgres -c 'CREATE DATABASE pristine' >/dev/null
pg_dump -d pristine | PGPORT=5433 psql -X -q -d pristine >/dev/null
PGPORT=5433
td_fresh subject
td_on subject migrate --no-backup --to columns >/dev/null # they would wait for that row as well
keep_row subject
td_on subject migrate --no-backup --detach >/dev/null
td_until 60 in_fill subject
control -m immediate stop
control start
ok $? 'the server crashed and is there again'
ends_well subject 'its server crashed'

done_testing
