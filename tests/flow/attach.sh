#!/bin/bash
# attach: looking on, and speaking to a worker at work: from the command line and from a console, which
# may leave, be killed or be told to quit without touching the run.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"

pty=$TD_BUILDDIR/tests/screen/pty
td_begin_migration 0.05
mkdir "$work/home"
export HOME=$work/home XDG_CONFIG_HOME=$work/home

# ---- how a run stands ----

# begins WORDS...: a new database and a run in it that waits before step fill.
begins() {
    td_fresh subject
    said=$(td_on subject migrate --no-backup --hold fill --detach "$@")
    td_until 60 td_waits_before fill || td_bail "the run does not wait before 'fill': $said"
}

# ends STATE: the newest run comes to that end, and its worker goes.
ends() {
    td_until 60 td_state_is "$1" && td_until 20 td_no_worker subject
}

# on_terminal WORDS... <SCRIPT: the program on a terminal of its own, with the words and the database.
on_terminal() {
    cat >"$work/script"
    (cd "$work" && "$pty" 80x24 "$work/script" "$TENANTDECK" -d dbname=subject -p ./mentoring.plan "$@" 2>&1)
}

restored='modes restored
screen restored
cursor restored
paste restored'

# ---- looking on ----

begins
like "$said" "^run 1 is at work; 'tenantdeck attach' looks on$" 'a worker is launched, and not waited for'
td_on subject attach >"$work/attached" &
attached=$!
td_until 20 grep -q "waits: held before this step, until 'resume'" "$work/attached"
ok $? 'attach tells what has happened, and why it waits' || td_note "$(tail -n 3 "$work/attached")"
shown=$(td_on subject status steps)
like "$shown" 'run 1 migrate online, held before fill' 'status says so in its first line'
like "$shown" "^Steps: fill waits: held before this step, until 'resume', " 'and above the steps'
is "$(td_on subject status steps --json | grep -c '"waits": "held before this step')" 1 'and in JSON'

# ---- speaking to it ----

like "$(td_on subject throttle lag=5s pages=16)" '^run 1: the limits are now: lag 5000 ms.* pages 16, sleep 0$' 'limits are set'
exits 2 'one that there is not is refused at once' td_on subject throttle nonsense=1
exits 2 'so is a word without a value' td_on subject throttle lag
is "$(td_ask subject "SELECT count(*) FROM tenantdeck.request WHERE verb = 'throttle'")" 1 'and never sent'
is "$(td_on subject hold keys)" "run 1: the run waits before that step, until 'resume'" 'it shall hold elsewhere'
is "$(td_on subject resume)" 'run 1: the run goes on' 'resume lets it go on'
td_until 60 td_waits_before keys
ok $? 'up to that step'
is "$(td_on subject resume --json | grep -c '"answer": "the run goes on"')" 1 'an answer in JSON'
ends 'done'
ok $? 'it comes to its end' || td_note "$(td_on subject attach | tail -n 3)"
wait "$attached"
is $? 0 'who looks on leaves with it, and with its exit status'
like "$(tail -n 1 "$work/attached")" 'run 1 is done' 'having seen the end'
exits 4 'a run that is over cannot be paused' td_on subject pause
like "$td_said" "run 1 is over: done, so there is nobody to ask" 'and the sentence says why'
exits 2 'there is no run 99' td_on subject attach --run 99

# ---- pause, stop, abort ----

# Somebody who lets nobody write keeps the fill at one table for as long as we want.
begins
mkfifo "$work/locker"
psql -X -q -d subject <"$work/locker" >"$work/locked" 2>&1 &
exec 8>"$work/locker"
echo 'BEGIN; LOCK TABLE public.feedbacks IN SHARE MODE; SELECT true AS locked;' >&8
td_until 10 grep -q locked "$work/locked"
is "$(td_on subject resume)" 'run 1: the run goes on' 'once more'
waits_for_lock() {
    td_ask subject "SELECT throttled FROM tenantdeck.step WHERE name = 'fill'" | grep -q 'lock'
}
td_until 30 waits_for_lock
ok $? 'a lock of somebody else is waited for'
like "$(td_on subject status steps)" '^Steps: fill waits: to fill .feedbacks.: ' 'which is said above the steps'
is "$(td_on subject pause)" 'run 1: the run pauses at the border of what is under way' 'pause is answered'
td_until 30 td_state_is paused
ok $? 'and obeyed' || td_note "$(td_run_state)"
pause_is_shown() {
    td_on subject status steps | grep -q 'run 1 migrate online, paused at fill,'
}
td_until 20 pause_is_shown
ok $? 'status knows the pause'
is "$(td_on subject resume)" 'run 1: the run goes on' 'resume ends it'
td_until 30 waits_for_lock
is "$(td_on subject stop)" 'run 1: the run stops at the border of what is under way, and can be resumed' \
    'stop is answered'
ends stopped
ok $? 'and obeyed'
exits 1 'attach then tells the end' td_on subject attach
like "$td_said" 'run 1 is stopped: stopped, as asked' 'which was asked for'
like "$(td_on subject status)" 'run 1 migrate online, stopped (at|before) ' 'status says where'
echo 'ROLLBACK;' >&8
exec 8>&-
exits 0 'the same command goes on to the end' td_on subject migrate --no-backup
is "$(td_ask subject 'SELECT max(id) FROM tenantdeck.run')" 1 'with the same run'

begins
is "$(td_on subject abort)" 'run 1: what is under way is cancelled, and the run ends' 'abort is answered'
ends stopped
ok $? 'and obeyed'

# ---- Ctrl-C of somebody who follows ----

begins
seen=$(printf '%s\n' "wait held before" 'send \x03' 'wait you left; run 1 goes on' "wait attach" end | on_terminal attach)
like "$seen" '^exit 1$' 'Ctrl-C leaves, and says that the run goes on'
is "$(td_run_state)" held 'it does'
td_on subject stop >"$work/said"
ends stopped
seen=$(printf '%s\n' "wait not-null' is done" 'wait held before' 'send \x03' 'wait you left; run 1 goes on' end |
    on_terminal --yes migrate --no-backup --hold keys)
like "$seen" '^exit 1$' 'from the command that began it as well'
is "$(td_run_state)" held 'and it goes on'
td_on subject resume >"$work/said"
ends 'done'
ok $? 'to the end'

# ---- from a console ----

td_fresh subject
is "$(printf '%s\n' 'wait quit' 'send :migrate --no-backup\r' 'wait this console only looks' \
    'send :pause\r' 'wait this console only looks' 'send q' end | on_terminal)" "exit 0
$restored" 'a console that only looks refuses, with the reason'
is "$(printf '%s\n' 'wait quit' 'send :migrate --no-backup\r' 'wait in subject@local?' 'wait y/N' 'send \r' \
    'wait nothing was done' 'send :migrate --no-backup\r' 'wait y/N' 'send n\r' 'wait nothing was done' \
    'send :migrate --no-backup\r' 'wait y/N' 'send \e' 'wait nothing was done' \
    'send :migrate --no-backup\r' 'wait y/N' 'send \e[200~y\r\e[201~' 'wait pasted text is no answer' \
    'send :migrate --no-backup\r' 'wait y/N' 'size 100x30' 'wait the window changed' \
    'send :rollback --all\r' 'wait has never been run here' 'send \e' 'wait organization_extension' 'send q' end | on_terminal --operator)" "exit 0
$restored" 'Enter, n, Esc, a paste and a new window size are a No'
is "$(td_ask subject "SELECT to_regclass('tenantdeck.run') IS NULL")" t 'and nothing was begun'

seen=$(printf '%s\n' 'wait quit' 'send :migrate --no-backup --hold fill\r' 'wait y/N' 'type y' 'send \r' 'wait run 1 is at work' \
    'wait held before fill' 'signal KILL' end | on_terminal --operator --refresh 0.5)
like "$seen" '^signal 9$' 'y launches the worker, the panes follow it, and the console is killed'
td_until 5 td_state_is held && ! td_no_worker subject
ok $? 'the run goes on without it'

goes_on="run 1 goes on without this console; 'tenantdeck attach' looks on"
seen=$(printf '%s\n' 'wait held before fill' 'send q' $'wait \e[?1049l' "wait $goes_on" end | on_terminal)
is "$seen" "exit 0
$restored" 'q says that the run goes on, when the terminal has been given back'

seen=$(printf '%s\n' 'wait held before fill' 'send 1' 'wait waits: held' 'send \r' 'wait Why it waits' 'send q' \
    'send :hold keys\r' 'wait y/N' 'type y' 'send \r' 'wait the run waits before that step' 'wait exit 0' 'send q' \
    'send :resume --yes\r' 'wait the run goes on' 'wait exit 0' 'send q' 'wait held before keys' \
    'send :stop\r' 'wait y/N' 'type y' 'send \r' 'wait the run stops' 'wait exit 0' 'send q' 'wait stopped before keys' 'send q' end |
    on_terminal --operator --refresh 0.5)
is "$seen" "exit 0
$restored" 'another console holds it elsewhere, lets it go on and stops it'
ends stopped
is "$(td_on subject migrate --no-backup | tail -n 1 | grep -c 'run 1 is done')" 1 'and it comes to its end'

# ---- what changes while somebody looks ----

cat >"$work/events" <<'END'
psql -X -q -d subject -c "INSERT INTO tenantdeck.event (severity, source, text)
    VALUES ('info', 'worker', 'the first of two'), ('error', 'worker', 'the second of two')"
END
seen=$(printf '%s\n' 'wait quit' 'send 6' 'wait run 1 is done' 'send  ' 'wait paused' "run sh $work/events" \
    'wait 2 new below' 'send F' 'wait the second of two' 'send q' end | on_terminal --refresh 0.5)
is "$seen" "exit 0
$restored" 'a log that is paused counts what is new below'

cat >"$work/broken" <<END
cd "$work" && psql -X -q -d subject -c "UPDATE public.feedbacks SET tenant_code = 'nobody'
    WHERE id = (SELECT min(id) FROM public.feedbacks)"
"$TENANTDECK" -d dbname=subject -p ./mentoring.plan validate >"$work/validated" 2>&1
[ \$? -eq 1 ]
END
seen=$(printf '%s\n' 'wait quit' 'send 4' 'wait pass' "run sh $work/broken" 'wait  fail' 'send /other codes\r' 'send \r' \
    'wait verdict            fail' 'wait samples' 'send q' 'wait export' 'send q' end | on_terminal --refresh 0.5)
is "$seen" "exit 0
$restored" 'what validate finds is in the pane as soon as it is found'

done_testing
