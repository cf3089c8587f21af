#!/bin/sh
# A server that says nothing any more, and does not break its connections either, holds no worker for
# ever: not while it is held, nor while it waits for a lock or for a command; and one whose server was
# killed says until when it waits. What is left is what a kill leaves: the next command goes on.
. "$(dirname "$0")/../lib.sh"

grep -q TENANTDECK_HURRY "$TENANTDECK" || {
    skip 'a server that says nothing any more' 'this program was built without failpoints'
    done_testing
    exit
}

work=$(mktemp -d)
mark=td-silence-$$
trap 'end_left; rm -rf "$work"' EXIT
end_left() {
    kill $(cat "$work/"*/proxy.pid 2>/dev/null) $(pgrep -f "$mark") 2>/dev/null
}
td_start_postgres
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME

mkdir "$work/service"
printf '#!/bin/sh\nwhile :; do sleep 1; done\n' >"$work/service/$mark"
chmod +x "$work/service/$mark"
printf 'key,tenant_code\n1,one\n' >"$work/codes.csv"
cat >"$work/site.plan" <<'PLAN'
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
PLAN
{
    cat "$work/site.plan"
    printf '%s\n' '[service]' "    folder = $work/service" '[outside "schema"]' "    command = ./$mark"
} >"$work/asked.plan"
td_psql "CREATE TABLE public.t (id int PRIMARY KEY, org text NOT NULL); INSERT INTO public.t VALUES (1, '1')"
for name in held locked asked killed; do
    psql -X -q -d postgres -c "CREATE DATABASE $name TEMPLATE mentoring"
done

# Between us and the server, until there is a file 'mute': then all stays open, and nothing passes.
cat >"$work/proxy.py" <<'PY'
import os, select, socket, sys
here, there, mute = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(here)
listener.listen(64)
pairs, kept = {}, []
while True:
    muted = os.path.exists(mute)
    for ready in select.select([listener] + ([] if muted else list(pairs)), [], [], 0.05)[0]:
        if ready is listener:
            ours = listener.accept()[0]
            kept.append(ours)
            if not muted:
                server = socket.socket(socket.AF_UNIX)
                server.connect(there)
                pairs[ours], pairs[server] = server, ours
        elif ready in pairs:
            data = ready.recv(65536)
            if data:
                pairs[ready].sendall(data)
            else:
                other = pairs.pop(ready)
                pairs.pop(other, None)
                ready.close(), other.close()
PY
# proxy NAME: in a directory of that name, which is the host that leads through it.
proxy() {
    mkdir "$work/$1"
    python3 "$work/proxy.py" "$work/$1/.s.PGSQL.5432" "$PGHOST/.s.PGSQL.5432" "$work/$1/mute" 2>"$work/$1/said" &
    echo $! >"$work/$1/proxy.pid"
    td_until 20 test -S "$work/$1/.s.PGSQL.5432" || td_bail "no proxy: $(cat "$work/$1/said")"
}
proxy silent
proxy broken

# begin HOST PLAN DATABASE WORDS...: a worker that waits the 400th part of its time for a server that is lost.
begin() {
    host=$work/$1 plan=$work/$2.plan database=$3
    shift 3
    TENANTDECK_HURRY=400 "$TENANTDECK" -d "postgresql://postgres@/$database?host=$host&port=5432" \
        -p "$plan" --operator --yes migrate --no-backup --detach "$@" </dev/null >"$work/$database.said" 2>&1 ||
        td_note "$(cat "$work/$database.said")"
}

ask() {
    psql -X -q -At -d "$1" -c "$2" 2>&1
}

# is_so DATABASE SQL: of its run.
is_so() {
    [ "$(ask "$1" "SELECT $2 FROM tenantdeck.run r")" = t ]
}

worker() {
    ask "$1" 'SELECT pid FROM tenantdeck.run'
}

gone() {
    ! kill -0 "$1" 2>/dev/null
}

log_of() {
    cat "$XDG_STATE_HOME/tenantdeck/log/"*"-$1.log" 2>&1
}

# ---- nothing passes any more ----

begin silent site held --hold integrity
psql -X -q -d locked -c "BEGIN; LOCK TABLE public.t; SELECT pg_sleep(600) /* $mark */" >"$work/locked.out" 2>&1 &
begin silent site locked
begin silent asked asked
begin broken site killed --hold integrity
runs 'one worker is held before a step' td_until 30 is_so held "state = 'held'"
runs 'one waits for a lock' td_until 30 is_so locked \
    "EXISTS (SELECT FROM tenantdeck.event e WHERE e.text LIKE 'waits to %')"
runs 'one for a command' td_until 30 pgrep -f "/$mark\$"
(TENANTDECK_HURRY=400 "$TENANTDECK" -d "postgresql://postgres@/held?host=$work/silent&port=5432" \
    -p "$work/site.plan" attach </dev/null
 echo "exit $?") >"$work/attach.out" 2>&1 &
runs 'and one is followed' td_until 30 grep -q 'held before this step' "$work/attach.out"
held=$(worker held) locked=$(worker locked) asked=$(worker asked)
touch "$work/silent/mute"
runs 'who follows it is let go, since the connection is lost' td_until 30 grep -q '^exit 3$' "$work/attach.out"
like "$(cat "$work/attach.out")" "run 1 may go on: 'tenantdeck attach' looks on again" 'and what to do'
for name in held locked asked; do
    eval "pid=\$$name"
    runs "the worker that was $name ends, though no connection breaks" td_until 30 gone "$pid"
    like "$(log_of "$pid")" 'PostgreSQL has given no answer for .*, so this worker ends' 'and its log says why'
done
commandless() {
    ! pgrep -f "/$mark\$"
}
runs 'its command goes with it' td_until 10 commandless

psql -X -q -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'locked'" >/dev/null
exits 0 'what is left is gone on with' "$TENANTDECK" -d dbname=locked -p "$work/site.plan" --operator --yes \
    migrate --no-backup --takeover
is "$(ask locked 'SELECT state FROM tenantdeck.run')" 'done' 'to its end'

# ---- the server is killed, and its socket's directory stays ----

runs 'another is held' td_until 30 is_so killed "state = 'held'"
pid=$(worker killed)
kill -KILL "$(cat "$PGHOST/server")"
runs 'the worker of a server that was killed ends' td_until 30 gone "$pid"
like "$(log_of "$pid")" 'was lost: .*; it is waited for until [0-9:]{8}, or until somebody says stop' \
    'and has said until when it waits'
done_testing
