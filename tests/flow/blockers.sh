#!/bin/bash
# blockers: who waits for whom is told as it is, and a signal reaches the one session that was shown, or
# nobody. The sessions are real; what came of a signal is asked of the server.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../server.sh"

work=$(mktemp -d /tmp/blockers.XXXXXX)
trap 'end_sessions; rm -rf "$work"' EXIT
TD_POSTGRES_OPTIONS='-c max_prepared_transactions=4 -c deadlock_timeout=60s' td_start_postgres
td_psql "CREATE TABLE public.things (id int PRIMARY KEY, n int);
         INSERT INTO public.things SELECT g, 0 FROM generate_series(1, 9) AS g;
         CREATE ROLE looker LOGIN; CREATE ROLE oncall LOGIN; CREATE ROLE app LOGIN;
         GRANT pg_monitor, pg_signal_backend TO oncall;
         GRANT ALL ON public.things TO app" >"$work/made"

run() {
    "$TENANTDECK" -d "$TD_DATABASE" "$@" </dev/null 2>&1
}

tree() {
    COLUMNS=160 run blockers
}

pid_of() {
    td_psql "SELECT pid FROM pg_stat_activity WHERE application_name = '$1'"
}

started_of() {
    td_psql "SET timezone = 'UTC'; SELECT backend_start FROM pg_stat_activity WHERE pid = $1" | tail -n 1
}

waiting() {
    [ "$(td_psql "SELECT count(*) FROM pg_locks WHERE NOT granted")" = "$1" ]
}

like "$(COLUMNS=160 run -r redis://127.0.0.1:1 blockers)" '  Redis is not asked  ' 'a Redis that could keep one waiting is not asked, and not called none'
like "$(tree)" '  no Redis  ' 'that there is none is said where there is none'

# waits NAME SQL: a session that has to wait for a lock; how it went is in $work/NAME.out.
waits() {
    before=$(td_psql "SELECT count(*) FROM pg_locks WHERE NOT granted")
    PGAPPNAME=$1 psql -X -q -At -d "$TD_DATABASE" -c "$2" >"$work/$1.out" 2>&1 &
    td_until 20 waiting $((before + 1)) || td_bail "session '$1' does not wait: $(cat "$work/$1.out")"
}

gone() {
    [ -z "$(pid_of "$1")" ]
}

# ---- nobody waits ----

exits 0 'when nobody waits the exit status is 0' run blockers
like "$td_said" 'No session was seen to wait' 'and it says so'

# ---- a tree ----

in_session holder BEGIN 'UPDATE public.things SET n = 1 WHERE id = 1'
waits first 'UPDATE public.things SET n = 2 WHERE id = 1'
waits alter 'ALTER TABLE public.things ADD extra int'
waits reader 'SELECT count(*) FROM public.things'
holder=$(pid_of holder) first=$(pid_of first) alter=$(pid_of alter) reader=$(pid_of reader)

exits 1 'when somebody waits it is 1' run blockers
said=$(tree)
like "$said" '3 wait for 1' 'it counts who waits, and for how many'
like "$said" "^$holder  .* 3 .*idle in tr.* holder .*UPDATE" 'whoever is in the way stands on top'
like "$said" "^└ $first .* row +row of publ.* first " 'who waits for a row stands below, with the row'
like "$said" "^  └ $reader .* AccessShare +public.things .* reader " \
    'who waits for one that waits stands below that one'
json=$(run blockers --json)
is "$(jq -r '.blockers[0] | [.pid, .behind, .blocked_by] | @csv' <<<"$json")" "\"$holder\",3," \
    'JSON has it, too'
is "$(jq -r '.blockers[] | select(.application == "reader").blocked_by' <<<"$json")" "$alter" \
    'with the pids that each waits for'
is "$(jq -r '.blockers[0].started' <<<"$json")" "$(started_of "$holder")" 'and when each session began'

# A role that is not shown what others do says so, and takes nobody for idle.
said=$("$TENANTDECK" -d "${TD_DATABASE/postgres@/looker@}" blockers --json)
is "$(jq -r '.blockers[0] | [.pid, .state, .started] | @csv' <<<"$said")" "\"$holder\",," \
    'without pg_read_all_stats the tree is there, and what is hidden is unknown'

# ---- what is refused ----

exits 4 'nobody said yes' run blockers terminate "$holder"
like "$td_said" "'holder' as 'postgres' from local" 'whose session it is was shown'
like "$td_said" 'it ran last: UPDATE public.things' 'with what it ran'
like "$td_said" '2 wait for it directly' 'and how many wait'
exits 4 '--yes alone does not say which session' run blockers terminate "$holder" --yes
like "$td_said" "say --started='$(started_of "$holder" | tr + .)'" 'and it says how'
exits 4 'a session that began at another time is another' \
    run blockers terminate "$holder" --yes --started='2020-01-01 00:00:00+00'
like "$td_said" 'another one by now' 'which it says'
exits 4 'an idle session has nothing to cancel' \
    run blockers cancel "$holder" --yes --started="$(started_of "$holder")"
like "$td_said" 'no statement that could be cancelled' 'which it says as well'
exits 4 'there is no such session' run blockers cancel 2147483647 --yes --started=x
exits 2 'a word is no pid' run blockers cancel holder --yes --started=x
checkpointer=$(td_psql "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
exits 4 'the server itself is left alone' run blockers terminate "$checkpointer" --yes --started=x
like "$td_said" 'checkpointer' 'by its name'
exits 4 'a role without the right is told so' \
    "$TENANTDECK" -d "${TD_DATABASE/postgres@/looker@}" blockers terminate "$holder" --yes --started=x
exits 4 'a superuser is beyond pg_signal_backend' \
    "$TENANTDECK" -d "${TD_DATABASE/postgres@/oncall@}" blockers terminate "$holder" --yes \
    --started="$(started_of "$holder")"
like "$td_said" 'only a superuser may' 'and it says why'
is "$(pid_of holder)" "$holder" 'after all that the session is there'

# The verb has looked before; what is sent then must find the very same session.
signal() {
    psql -X -q -At -d "$TD_DATABASE" -c "PREPARE said AS $("$TENANTDECK" sql "$1" | sed -e '/^--/d' -e 's/;$//')" \
        -c "EXECUTE said ($2, '2020-01-01 00:00:00+00')"
}
is "$(signal blockers_terminate "$holder")$(signal blockers_cancel "$alter")" '' \
    'a pid that another session has got meanwhile is sent nothing'
is "$(pid_of holder) $(pid_of alter)" "$holder $alter" 'both are there'

PGAPPNAME='tenantdeck fills' psql -X -q -At -d "$TD_DATABASE" -c 'SELECT pg_sleep(600)' >"$work/ours" 2>&1 &
is_here() {
    [ -n "$(pid_of "$1")" ]
}
td_until 20 is_here 'tenantdeck fills'
ours=$(pid_of 'tenantdeck fills')
exits 4 'a session of our own is not ended' \
    run blockers terminate "$ours" --yes --started="$(started_of "$ours")"
like "$td_said" 'one of tenantdeck itself' 'and it says so'
td_psql "SELECT pg_terminate_backend($ours)" >"$work/made"

TD_DATABASE="$TD_DATABASE&replication=database" in_session sender IDENTIFY_SYSTEM
sender=$(pid_of sender)
exits 4 'a walsender is not ended' run blockers terminate "$sender" --yes --started="$(started_of "$sender")"
like "$td_said" 'is a walsender: a replica, a backup or a subscriber' 'and it says why'
is "$(pid_of sender)" "$sender" 'it goes on'
end_session sender

# ---- cancel: the session stays, its statement does not ----

run journal create --yes >"$work/journal" || td_bail "no journal: $(cat "$work/journal")"
exits 0 'a statement that waits is cancelled' \
    run blockers cancel "$alter" --yes --started="$(started_of "$alter")"
like "$td_said" "session $alter (is gone|has ended its statement)" 'and what came of it is told'
td_until 20 gone alter
like "$(cat "$work/alter.out")" 'canceling statement due to user request' 'its client was told'
td_until 20 gone reader
is "$(cat "$work/reader.out")" 9 'who waited behind it has gone on'
is "$(pid_of first)" "$first" 'and nobody else was touched'
is "$(td_psql "SELECT count(*) FROM tenantdeck.event WHERE source = 'blockers'
                  AND text LIKE '''alter'' as ''postgres'' was told to cancel%'")" 1 'the journal says who it was'

# A child of a run bears its own name; the journal knows it.
td_psql "INSERT INTO tenantdeck.plan (name, hash, kind, text, document)
         VALUES ('site', repeat('0', 64), 'columns', '', '{}');
         INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program)
         SELECT generation, 1, 'migrate', 'online', 'running', 'x', 'x', 'x' FROM tenantdeck.meta;
         INSERT INTO tenantdeck.child (run, kind, pid, backend_start, command)
         SELECT 1, 'backend', pid, backend_start, 'pg_dump' FROM pg_stat_activity WHERE pid = $holder" \
    >"$work/made"
exits 4 'a child of a run is not ended' \
    run blockers terminate "$holder" --yes --started="$(started_of "$holder")"
like "$td_said" 'at work for a run of tenantdeck' 'and it says so'
td_psql 'UPDATE tenantdeck.child SET ended_at = clock_timestamp()' >"$work/made"

# ---- the same from the console ----

waits second 'SELECT 1 FROM public.things WHERE id = 1 FOR UPDATE'
cat >"$work/cancel.script" <<END
settle
key 7 z
wait $(pid_of second)
key /
type second
key Enter C
wait y/N:
expect 'second' as 'postgres'
type y
key Enter
wait exit 0
END
exits 0 'a key cancels what the session under the cursor runs' run --operator --script "$work/cancel.script"
td_until 20 gone second
like "$(cat "$work/second.out")" 'canceling statement due to user request' 'and no other'
is "$(pid_of holder)" "$holder" 'whoever it waited for is there'

# ---- terminate: gone, and taken back ----

exits 0 'a session is ended' run blockers terminate "$holder" --yes --json \
    --started="$(started_of "$holder")"
is "$(jq -r '[.gone, .pid] | @csv' <<<"$td_said")" "true,$holder" 'and it is gone'
td_until 20 gone first
is "$(td_psql 'SELECT n FROM public.things WHERE id = 1')" 2 'what it had not committed was taken back'
end_session holder

# ---- prepared transactions, circles, hostile texts ----

td_psql "BEGIN; UPDATE public.things SET n = 5 WHERE id = 2; PREPARE TRANSACTION 'left behind'" >"$work/made"
waits waiter 'UPDATE public.things SET n = 6 WHERE id = 2'
said=$(tree)
like "$said" '^prepared:[0-9]+ .* prepared .*left behind' 'a prepared transaction is in the tree, by its name'
like "$said" "^└ $(pid_of waiter) " 'with whoever waits for it'
td_psql "ROLLBACK PREPARED 'left behind'" >"$work/made"
td_until 20 gone waiter

in_session left BEGIN 'UPDATE public.things SET n = 7 WHERE id = 3'
waits right $'UPDATE /* \e]52;c;eA==\a \u202egnp \xc2\x9b */ public.things SET n = 8 WHERE id = 3'
said=$(COLUMNS=300 run blockers)
like "$said" 'UPDATE /\* \\x1b\]52;c;eA==\\x07 \\u202egnp \\x9b' 'a statement that steers terminals is shown'
unlike "$said" $'\xe2\x80\xae|\x1b|\x07|\xc2\x9b' 'and not obeyed'
said=$(run blockers cancel "$(pid_of right)")
unlike "$said" $'\xe2\x80\xae|\x1b|\x07|\xc2\x9b' 'nor where it is shown before the question'
waits forger $'UPDATE public.things SET n = 9 WHERE id = 3 /*\nsession 1: \'cron\' as \'nobody\'\n*/'
said=$(run blockers cancel "$(pid_of forger)")
is "$(grep -c '^session' <<<"$said")" 1 'a statement of several lines writes none of ours before the question'
like "$said" "^    session 1: 'cron'" 'its lines stand further in'
end_session left

waits_in_circle() {
    { echo 'BEGIN; UPDATE public.things SET n = 1 WHERE id = '"$2"';'
      echo '\! touch '"$work/$1.ready"'; until test -e '"$work/$3.ready"'; do sleep 0.05; done'
      echo 'UPDATE public.things SET n = 2 WHERE id = '"$4"';'; } >"$work/$1.sql"
    PGAPPNAME=$1 psql -X -q -d "$TD_DATABASE" -f "$work/$1.sql" >"$work/$1.out" 2>&1 &
}
td_until 20 waiting 0
waits_in_circle one 5 two 6
waits_in_circle two 6 one 5
td_until 20 waiting 2
said=$(tree)
like "$said" '2 in a circle' 'a circle is told to be one'
like "$said" "^$(pid_of one) |^$(pid_of two) " 'and one of them stands on top'
run blockers terminate "$(pid_of one)" --yes --started="$(started_of "$(pid_of one)")" >"$work/made"
td_until 20 gone two
ok $? 'to end one of them sets the other free'

done_testing
