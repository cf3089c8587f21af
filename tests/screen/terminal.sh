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
    "$pty" 80x24 "$work/script" "$TENANTDECK" "${servers[@]}" "$@" 2>&1
}

restored='modes restored
screen restored
cursor restored
paste restored'

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

# ---- terminals that are none ----

for term in dumb nosuchterm; do
    said=$(printf '%s\n' end >"$work/script" && "$pty" 80x24 "$work/script" env "TERM=$term" \
        "$TENANTDECK" "${servers[@]}" 2>&1)
    is "$said" "exit 1
$restored" "TERM=$term is refused"
done

# ---- pasted and unknown ----

is "$(printf '%s\n' 'wait quit' 'send \e[200~q\r:q\r\e[201~' 'wait nothing was done' \
    'send \e[1;5A\e[24;6~' 'send :' 'send \e[200~status log\rq\e[201~' 'wait status log q' \
    'send \x15status log\r' 'wait exit 0' 'send q' 'wait sort' 'send q' end | terminal)" "exit 0
$restored" 'what is pasted goes into lines alone, and unknown sequences nowhere'

# ---- size and bytes ----

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

is "$(printf '%s\n' 'wait to mentoring' "run sh $work/hold" 'wait no answer for' 'send ?' \
    'wait Help: Tables' 'send q' 'wait sort' "run kill -CONT \$(cat $work/hold.pids)" \
    'send 1' 'wait none has begun' 'send q' end | terminal --refresh 0.5)" "exit 0
$restored" 'a silent database leaves the keys answered, and is said to be silent'
is "$(printf '%s\n' 'wait to mentoring' "run sh $work/close" 'wait PostgreSQL down' 'send 6' \
    'wait lost' "run sh $work/open" 'wait to mentoring' 'send q' end |
    terminal --refresh 0.5)" "exit 0
$restored" 'a lost database is said to be, and is there again as soon as it lets us'

done_testing
