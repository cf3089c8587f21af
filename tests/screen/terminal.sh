#!/bin/bash
# terminal: the console on a pseudo terminal: the terminal is given back however it ends, pasted
# text and unknown sequences are no keys, an idle refresh sends little, and a silent or lost
# database leaves the keyboard alive.
set -u
. "$(dirname "$0")/../lib.sh"

pty=$TD_BUILDDIR/tests/screen/pty
work=$(mktemp -d /tmp/td-test-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home"
export HOME=$work/home XDG_CONFIG_HOME=$work/home
unset DATABASE_URL DEV_DATABASE_URL PROD_DATABASE_URL REDIS_HOST NODE_ENV APPLICATION_ENV NO_COLOR

td_start_postgres
td_start_redis
td_load_demo 0.05
servers=(-d "$TD_DATABASE" -r "$TD_REDIS" -p mentoring)

# terminal OPTION... <SCRIPT: what pty says about the console under this script.
terminal() {
    cat >"$work/script"
    XDG_STATE_HOME=${state:-$(mktemp -d "$work/state-XXXXXX")} "$pty" 80x24 "$work/script" "$TENANTDECK" "${servers[@]}" "$@" 2>&1
}

restored='modes restored
screen restored
cursor restored
paste restored'

printf '%s\n' 'clock 2026-01-31T12:00:00Z' settle 'key :' 'type plan list' 'key Enter' 'wait exit 0' >"$work/script"
runs 'a verb ends well also under a parent that ignores the ends of its children' \
    env --ignore-signal=CHLD "$TENANTDECK" -p mentoring --script "$work/script"

# ---- given back ----

is "$(printf '%s\n' 'wait quit' 'send q' end | terminal)" "exit 0
$restored" 'q leaves and gives the terminal back'
is "$(printf '%s\n' 'wait quit' 'send :q\r' end | terminal)" "exit 0
$restored" ':q does, too'
is "$(printf '%s\n' 'wait quit' 'signal TERM' end | terminal)" "exit 0
$restored" 'so does SIGTERM'
is "$(printf '%s\n' 'wait quit' 'signal HUP' end | terminal)" "exit 0
$restored" 'and SIGHUP'
for crash in SEGV ABRT; do
    said=$(printf '%s\n' 'wait quit' "signal $crash" end | terminal)
    is "$(tail -n 4 <<<"$said")" "$restored" "a crash ($crash) gives it back"
    unlike "$said" '^exit 0' "and is not taken for a success"
done
is "$(printf '%s\n' 'wait quit' 'send :status\r' 'wait exit 0' 'signal TERM' end | terminal)" "exit 0
$restored" 'with the output of a verb on it'
# Only a job of a shell can be stopped at all; this one says `fg` at once.
cat >"$work/job.sh" <<'END'
set -m
sh -c 'echo $$ >"$0"; exec "$@"' "$@"
echo "stopped with $?"
fg >/dev/null
END
# job FILE LINE...: stopped by a signal and continued, and then these lines; its number is in the file.
job() {
    local file=$1
    shift
    printf '%s\n' 'wait quit' "run kill -TSTP \$(cat $file)" 'wait stopped with 148' 'wait quit' "$@" end >"$work/script"
    "$pty" 80x24 "$work/script" bash "$work/job.sh" "$file" "$TENANTDECK" "${servers[@]}" 2>&1
}
is "$(job "$work/job" 'send q')" "exit 0
$restored" 'it can be stopped from elsewhere, and goes on'
is "$(job "$work/job" "run kill -SEGV \$(cat $work/job)" | tail -n 4)" "$restored" 'and gives the terminal back after that, too'
# Less memory than a screen of that size wants: the program dies of itself, in the middle of drawing.
# A sanitizer wants memory of its own, and would die first.
if nm -D "$TENANTDECK" | grep -q __asan; then
    skip 'so does running out of memory' 'the sanitizer takes it first'
else
    said=$(printf '%s\n' 'wait quit' "run prlimit --pid \$TD_PID --as=1" 'size 500x200' end | terminal)
    is "$(tail -n 4 <<<"$said")" "$restored" 'so does running out of memory'
    unlike "$said" '^exit 0' 'and is not taken for a success'
fi

# ---- how it was left ----

state=$work/kept layout=$work/kept/tenantdeck/console/layout
is "$(printf '%s\n' 'wait quit' 'send >>>>>>s-' 'wait is hidden' 'send z' 'send q' end | terminal)" "exit 0
$restored" 'an order, a hidden column and the zoom'
is "$(sed 1d "$layout")" '[console]
    zoomed = yes
[pane "tables"]
    sort = percent
    descending = no
    hide = percent' 'are remembered'
is "$(stat -c %a "$layout")" 600 'for nobody else to read'
is "$(printf '%s\n' 'wait 1 column hidden' 'send +' 'wait all columns' 'send q' end | terminal)" "exit 0
$restored" 'and are there the next time'
for bad in '[pane "tables"]
    hide = nothing' '[pane' "$(head -c 3000 /dev/urandom | base64)"; do
    printf '%s\n' "$bad" >"$layout"
    is "$(printf '%s\n' 'wait how the console was left is not known' 'send q' end | terminal)" \
        "exit 0
$restored" 'a file that means nothing is left out of account, with a sentence'
done
chmod 666 "$layout"
is "$(printf '%s\n' "wait others may change" 'send q' end | terminal)" "exit 0
$restored" 'and so is one that others may change'
state=

# ---- terminals that are none ----

for term in dumb nosuchterm; do
    said=$(printf '%s\n' end >"$work/script" && "$pty" 80x24 "$work/script" env "TERM=$term" \
        "$TENANTDECK" "${servers[@]}" 2>&1)
    is "$said" "exit 1
$restored" "TERM=$term is refused"
done

for term in vt100 screen tmux xterm; do
    is "$(printf '%s\n' 'wait quit' 'send :\x0c' 'wait :' 'send \x03q' end |
        TD_TERM=$term terminal)" "exit 0
$restored" "TERM=$term is fine"
done
is "$(printf '%s\n' 'wait 2 Tables' 'wait quit' 'send q' end | LC_ALL=C terminal)" "exit 0
$restored" 'without UTF-8 there are lines of ASCII'
said=$("$TENANTDECK" "${servers[@]}" 2>&1 </dev/null)
like "$said" 'there is no terminal to open the console on' 'without a terminal there is a sentence'
like "$said" "hint: name a verb: 'tenantdeck status'" 'and a hint'

# ---- the clipboard and the mouse ----

copied=$(printf 'question_sets' | base64)
is "$(printf '%s\n' 'wait quit' 'send /question_sets\r>y' "wait ]52;c;$copied" 'wait clipboard' 'send q' end |
    terminal)" "exit 0
$restored" 'y hands the chosen cell to the clipboard'
printf '[deck]\n    environment = PROD\n' >"$work/prod.conf"
chmod 600 "$work/prod.conf"
is "$(printf '%s\n' 'wait quit' 'send y' 'wait nothing was copied' 'send q' end |
    terminal --deck "$work/prod.conf")" "exit 0
$restored" 'but not under PROD'
said=$(printf '%s\n' 'wait 1000h' 'wait quit' 'send \e[<0;27;2M\e[<0;27;2m' 'wait SHARE' 'signal SEGV' end |
    terminal --mouse)
is "$(tail -n 4 <<<"$said")" "$restored" 'the mouse goes to a tab, where it was asked for, and is let go of'
is "$(printf '%s\n' 'wait quit' 'send \e[<0;27;2M\e[<0;27;2m' 'send :' 'wait :' 'send \x03q' end |
    terminal)" "exit 0
$restored" 'and means nothing where it was not'

# ---- names that want to steer the terminal ----

td_psql "CREATE TABLE U&\"\\001B]52;c;b3duZWQ=\\0007\" (organization_id text);
         CREATE TABLE U&\"\\001B[2J\\009B31m\\202E\" (organization_id text)" >/dev/null
td_redis set cache:t:generic:k $'\e]52;c;b3duZWQ=\a\xff\xfe\xe2\x80\xae' >/dev/null
is "$(printf '%s\n' 'wait quit' 'send 4zfx1b\r' 'wait hidden' 'wait x1b' \
    'send \e:plan check\r' 'wait exit' 'send \x1b:cache get cache:t:generic:k\r' 'wait x1b' 'wait exit 0' 'send w/\e]52;c;x\r' \
    'never ]52;c;b3duZWQ=\x07' 'never \e]52' 'never \x9b' 'never \xe2\x80\xae' 'signal TERM' end | terminal)" \
    "exit 0
$restored" 'steer nothing: not from a table, not from a verb, not from Redis'

# ---- a terminal that takes nothing ----

# The keys are obeyed all the same: the file is there before anybody has read a byte.
is "$(printf '%s\n' 'wait quit' 'size 300x100' 'wait quit' 'deaf 60 \x0c' "send w$work/deaf.txt\r" \
    "run i=0; until [ -s $work/deaf.txt ]; do i=\$((i+1)); [ \$i -lt 200 ] || exit 1; sleep 0.05; done" \
    'wait written to' 'send q' end | terminal)" "exit 0
$restored" 'a terminal that takes nothing holds up no key'

# Each Ctrl-L is a whole frame, more than such a line takes in seconds: of fifty of them, what has not
# gone out is forgotten, and not sent afterwards.
said=$(printf '%s\n' 'wait quit' 'slow 1000 5000 \x0cj' "send w$work/slow.txt\r" \
    "run i=0; until [ -s $work/slow.txt ]; do i=\$((i+1)); [ \$i -lt 200 ] || exit 1; sleep 0.05; done" \
    'count 1500' 'send q' end | terminal)
like "$said" '^exit 0' 'a line of 1 kB a second holds up no key' || td_note "$said"
is "$(awk '$1 == "slow" { print $2 < 6000 } $1 == "bytes" { print $2 < 30000 }' <<<"$said")" '1
1' 'and frames that it cannot take are dropped' || td_note "$said"

# ---- pasted and unknown ----

is "$(printf '%s\n' 'wait quit' 'send \e[200~q\r:q\r\e[201~' 'wait nothing was done' \
    'send \e[1;5A\e[24;6~' 'send :' 'send \e[200~status log\rq\e[201~' 'wait status log q' \
    'send \x15status log\r' 'wait exit 0' 'send q' 'wait sort' 'send q' end | terminal)" "exit 0
$restored" 'what is pasted goes into lines alone, and unknown sequences nowhere'

# ---- size and bytes ----

is "$(printf '%s\n' 'wait quit' 'storm 1000' 'size 80x24' 'send \x0c' 'wait Steps' 'wait TABLE' \
    'wait organization_extension' 'wait quit' 'send q' end | terminal)" "exit 0
$restored" 'a thousand sizes in ten seconds do no harm'
is "$(printf '%s\n' 'wait quit' 'size 39x10' 'wait too small' 'size 120x40' 'wait Validation' \
    'send q' end | terminal)" "exit 0
$restored" 'the window may change its size'
bytes=$(printf '%s\n' 'wait quit' 'count 3000' 'count 4000' 'send q' end | terminal --refresh 1 |
    sed -n '2s/bytes //p')
[ "${bytes:-99999}" -le 2000 ]
ok $? 'an idle refresh sends less than 500 bytes' || td_note "four of them sent ${bytes:-nothing}"

# ---- a database that is silent, and one that is lost ----

# What the script of the pseudo terminal runs: the processes that serve the console, held or let
# go, and the database closed to it or open again.
cat >"$work/hold" <<'EOF'
pids=$(psql -X -q -At -d postgres -c "SELECT pid FROM pg_stat_activity
    WHERE application_name LIKE 'tenantdeck%'")
[ -n "$pids" ] && echo "$pids" >"$0.pids" && kill -STOP $pids
EOF
cat >"$work/close" <<'EOF'
psql -X -q -d postgres -c 'ALTER DATABASE mentoring ALLOW_CONNECTIONS false' -c "SELECT
    pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'mentoring'" >"$0.said" 2>&1
EOF
cat >"$work/open" <<'EOF'
psql -X -q -d postgres -c 'ALTER DATABASE mentoring ALLOW_CONNECTIONS true' >"$0.said" 2>&1
EOF

letters=$(printf 'x%.0s' $(seq 70))
is "$(printf '%s\n' 'wait to mentoring' 'send 3' 'wait SHARE' 'send \r' 'wait OVER TTL' "run sh $work/hold" \
    'wait PostgreSQL: no answer for' 'send \e' 'wait SHARE' 'send 2' 'wait no answer for' 'send ?' \
    'wait Help: Tables' 'send q' 'wait sort' "send :$letters" "wait $letters" 'send \x03' "run kill -CONT \$(cat $work/hold.pids)" \
    'send 1' 'wait none has begun' 'send q' end | terminal --refresh 0.5)" "exit 0
$restored" 'a silent database leaves the keys answered, and is said to be silent'
is "$(printf '%s\n' 'wait to mentoring' "run sh $work/close" 'wait PostgreSQL down' 'send 6\x0c' \
    'wait lost' "run sh $work/open" 'wait to mentoring' 'send q' end |
    terminal --refresh 0.5)" "exit 0
$restored" 'a lost database is said to be, and is there again as soon as it lets us'

done_testing
