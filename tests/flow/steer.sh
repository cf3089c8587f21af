#!/bin/bash
# steer: what was asked of a worker is seen until it has come about, by everybody who looks on: a pause at
# the border of what is under way, one that is not heard yet, a hold before a step.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"

pty=$TD_BUILDDIR/tests/screen/pty
td_begin_migration 0.05
mkdir "$work/home"
export HOME=$work/home XDG_CONFIG_HOME=$work/home

# steps REGEX: what `status` says above the steps.
steps() {
    td_on subject status steps | grep '^Steps: ' | grep -qE -- "$1"
}

asked() {
    td_on subject status steps --json | tr -d ' \n' | grep -oE '"asked":\[[^]]*\]'
}

# ---- a hold, seen until it has come about ----

td_fresh subject
said=$(td_on subject migrate --no-backup --hold fill --detach)
td_until 60 td_waits_before fill || td_bail "the run does not wait before 'fill': $said"
is "$(asked)" '"asked":[]' 'what has come about is not asked for any more'
td_on subject hold keys >"$work/said"
td_until 10 steps 'fill waits: held .*, holds before keys, '
ok $? 'a hold before a later step stands above the steps'
like "$(asked)" '"verb":"hold","step":"keys","who":"[^"]+@[^"]+","at":"[0-9TZ:-]+","heard":true' 'and in JSON'
like "$(td_on subject log)" "hold keys was asked for by .*: the run waits before that step, until 'resume'" \
    'the log tells who asked for what, and what the worker said'
td_on subject resume >"$work/said"
td_until 60 td_waits_before keys
is "$(asked)" '"asked":[]' 'until it is reached'

# ---- a pause that comes at the border of a statement that takes its time ----

# A backend that stands still makes any statement as long as we want.
backend=$(td_ask subject "SELECT pid FROM pg_stat_activity WHERE application_name = 'tenantdeck work'
                             AND datname = current_database()")
kill -STOP "$backend"
td_on subject resume >"$work/said"
td_until 20 steps '^Steps: keys '
is "$(td_on subject pause)" 'run 1: the run pauses at the border of what is under way' 'pause is answered'
td_until 10 steps '^Steps: pause asked for by .+@.+ [0-9.ms]+ ago, comes at the next border, keys '
ok $? 'and stands above the steps while it has not come about' || td_note "$(td_on subject status steps)"
like "$(td_on subject status steps | head -n 1)" 'run 1 migrate online, keys pausing, ' 'and in the first line'
like "$(asked)" '"verb":"pause","step":null,"who":"[^"]+","at":"[^"]+","heard":true' 'and in JSON'
seen=$(printf '%s\n' 'wait pause asked for by' 'send \x03' 'wait you left' end >"$work/script" &&
    cd "$work" && "$pty" 80x24 "$work/script" "$TENANTDECK" -d dbname=subject -p ./mentoring.plan attach 2>&1)
like "$seen" '^exit 1$' 'whoever attaches sees it as well'
seen=$(printf '%s\n' 'wait keys pausing' 'wait pause asked for by' 'send q' end >"$work/script" &&
    cd "$work" && "$pty" 80x24 "$work/script" "$TENANTDECK" -d dbname=subject -p ./mentoring.plan 2>&1)
like "$seen" '^exit 0$' 'and whoever opens a console'
kill -CONT "$backend"
td_until 30 td_state_is paused
ok $? 'it comes at the border'
td_until 10 steps '^Steps: keys waits: paused, as asked'
is "$(asked)" '"asked":[]' 'and is not asked for any more'

# ---- nobody hears it ----

worker=$(td_ask subject 'SELECT pid FROM tenantdeck.run')
kill -STOP "$worker"
td_ask subject "INSERT INTO tenantdeck.request (run, verb, argument, who) VALUES (1, 'stop', '{}', E'ben\e[2J@here')"
like "$(td_on subject status steps | grep '^Steps: ')" \
    '^Steps: stop asked for by ben.*@here [0-9]s ago, not heard yet, keys waits: paused' \
    'what the worker has not heard is told to be so'
unlike "$(td_on subject status steps)" "$(printf '\033')" 'and a name steers no terminal'
kill -CONT "$worker"
td_until 30 td_state_is stopped
ok $? 'until it hears it'
td_until 20 td_no_worker subject
is "$(asked)" '"asked":[]' 'of a run that is over nothing is asked'

# ---- a pace ----

# The server notes when each batch ended and how long it took: with sleep 1 they take half of the time at
# the most, whatever else the machine does.
td_fresh subject
psql -X -q -d subject -c "ALTER SYSTEM SET log_line_prefix = '%a %n '" -c 'SELECT pg_reload_conf()' \
    -c 'ALTER DATABASE subject SET log_min_duration_statement = 0' >"$work/said"
exits 2 'a ratio that is none is refused' td_on subject migrate --no-backup --sleep 11
said=$(td_on subject migrate --no-backup --hold fill --lanes 1 --batch-ms 10 --sleep 0.5 --detach)
td_until 60 td_waits_before fill || td_bail "the run does not wait before 'fill': $said"
steps 'fill waits: held .*, sleep 0.5, '
ok $? 'the ratio that a run began with stands above the steps' || td_note "$(td_on subject status steps)"
like "$(td_on subject throttle sleep=+0.5)" '^run 1: the limits are now: .*, sleep 1$' 'it sleeps longer'
psql -X -q -d subject -c "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END'" \
    -c 'CREATE TRIGGER slow AFTER UPDATE ON public.sessions EXECUTE FUNCTION public.slow()' \
    -c 'ALTER TABLE public.sessions ENABLE ALWAYS TRIGGER slow' >"$work/said"
td_on subject hold confirm >"$work/said"
td_on subject resume >"$work/said"
td_until 60 td_waits_before confirm
is "$(td_ask subject "SELECT value FROM tenantdeck.measure WHERE name = 'sleep'")" 100 'the journal knows its pace'
like "$(td_on subject status steps --json | tr -d ' \n')" '"batch_ms":10,"sleep":1.0' 'and so does JSON'
batches=$(grep -E '^tenantdeck fill [0-9.]+ LOG:  duration: [0-9.]+ ms  execute' "$PGHOST/log" |
    awk '$6 >= 50 { at = $3 * 1000; if (!n++) first = at - $6; last = at; sum += $6 }
         END { printf "%d of %d %%\n", n, n ? 100 * sum / (last - first) : 0 }')
like "$batches" '^([5-9]|[1-9][0-9]+) of ([1-9]|[1-4][0-9]|5[0-5]) %$' 'the batches take half of the time'
td_note "batches of the slow table: $batches"
td_on subject stop >"$work/said"
td_until 20 td_no_worker subject

done_testing
