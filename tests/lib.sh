# lib.sh: what every test script sources: private servers, and results in TAP.
#
#     . "$(dirname "$0")/../lib.sh"
#     td_start_postgres
#     td_load_demo 0.1 dirty
#     is "$(td_psql 'SELECT 1')" 1 'the server answers'
#     done_testing
#
# Plain sh, so that a script may be sh or bash. A server's keeper ends it and removes its directory
# when the script is gone, however that happens; so a script may set traps of its own.

# Where things are: tests/run says so; a script that is started by hand takes ./build.
TD_SRCDIR=${TD_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
TD_BUILDDIR=${TD_BUILDDIR:-$TD_SRCDIR/build}
TENANTDECK=${TENANTDECK:-$TD_BUILDDIR/tenantdeck}
TENANTDECK_DATADIR=${TENANTDECK_DATADIR:-$TD_SRCDIR/data}
export TD_SRCDIR TD_BUILDDIR TENANTDECK TENANTDECK_DATADIR
unset TENANTDECK_DECK
LC_ALL=C.UTF-8
export LC_ALL

td_count=0
td_failures=0

# ---- results ----

# The lines of a text as diagnostics.
td_note() {
    printf '%s\n' "$1" | sed 's/^/# /'
}

# ok STATUS NAME: passes with 0, as in `command; ok $? 'it works'`.
ok() {
    td_count=$((td_count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $td_count - $2"
    else
        td_failures=$((td_failures + 1))
        echo "not ok $td_count - $2"
        return 1
    fi
}

# runs NAME COMMAND...: passes when the command succeeds; shows what it said when it does not.
runs() {
    td_name=$1
    shift
    td_said=$("$@" 2>&1)
    ok $? "$td_name" || { td_note "$* said:" && td_note "$td_said"; return 1; }
}

# exits STATUS NAME COMMAND...: passes when the command ends with this exit status.
exits() {
    td_wanted=$1 td_name=$2
    shift 2
    td_said=$("$@" 2>&1)
    td_got=$?
    [ "$td_got" -eq "$td_wanted" ]
    ok $? "$td_name" || { td_note "exit status $td_got, not $td_wanted; it said:" &&
        td_note "$td_said"; return 1; }
}

# is GOT WANTED NAME
is() {
    [ "$1" = "$2" ]
    ok $? "$3" || { td_note "got:  $1" && td_note "want: $2"; return 1; }
}

# like TEXT REGEX NAME, with the extended expressions of grep; unlike is the opposite.
like() {
    printf '%s\n' "$1" | grep -qE -- "$2"
    ok $? "$3" || { td_note "got: $1" && td_note "which does not match: $2"; return 1; }
}

unlike() {
    ! printf '%s\n' "$1" | grep -qE -- "$2"
    ok $? "$3" || { td_note "got: $1" && td_note "which matches: $2"; return 1; }
}

# skip NAME WHY: counts as skipped.
skip() {
    td_count=$((td_count + 1))
    echo "ok $td_count - $1 # SKIP $2"
}

# The script's last line: without it the script counts as one that died.
done_testing() {
    echo "1..$td_count"
    [ "$td_failures" -eq 0 ]
}

td_bail() {
    td_note "$1"
    echo "Bail out! $(printf '%s' "$1" | head -n 1)"
    exit 1
}

# td_until SECONDS COMMAND...: waits until the command succeeds, and not longer.
td_until() {
    td_tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        td_tries=$((td_tries - 1))
        [ "$td_tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

# ---- servers ----

# As root the servers run as another user: PostgreSQL insists. They end with their keeper.
td_run_server() {
    if [ "$(id -u)" -eq 0 ]; then
        exec setpriv --reuid=postgres --regid=postgres --clear-groups --pdeathsig QUIT -- "$@"
    else
        exec setpriv --pdeathsig QUIT -- "$@"
    fi
}

# td_keep DIRECTORY STOP-SIGNAL COMMAND...: runs the server until the script has ended or the server
# has, and cleans up. Called in a process of its own that the script's `wait` does not know.
td_keep() {
    trap '' INT HUP
    td_kept=$1 td_stop_signal=$2
    shift 2
    td_run_server "$@" >"$td_kept/log" 2>&1 &
    td_server=$!
    echo "$td_server" >"$td_kept/server"
    while kill -0 $$ && kill -0 "$td_server"; do
        sleep 0.1
    done 2>/dev/null
    kill -s "$td_stop_signal" "$td_server" 2>/dev/null
    wait "$td_server"
    rm -rf "$td_kept"
}

td_new_directory() {
    td_made=$(mktemp -d /tmp/td-test-XXXXXX) || td_bail 'no directory could be made under /tmp'
    [ "$(id -u)" -ne 0 ] || chown postgres: "$td_made"
    td_directories="${td_directories:-} $td_made"
}

# PostgreSQL's programs that Debian keeps out of the path.
td_pg_program() {
    command -v "$1" && return
    for td_found in $(printf '%s\n' /usr/lib/postgresql/*/bin/"$1" | sort -t/ -k5 -rn); do
        echo "$td_found" && return
    done
}

# td_start_postgres [PORT]: a cluster of its own; PGHOST, PGPORT, PGUSER then lead to it, and
# TD_DATABASE is the URL of its database `mentoring`. With a port it listens on 127.0.0.1, too.
td_start_postgres() {
    td_new_directory
    PGHOST=$td_made PGPORT=${1:-5432} PGUSER=postgres PGDATABASE=mentoring
    export PGHOST PGPORT PGUSER PGDATABASE
    unset PGPASSWORD PGSERVICE PGPASSFILE PGOPTIONS DATABASE_URL
    (td_run_server "$(td_pg_program initdb)" -D "$PGHOST/data" -U postgres --auth=trust -E UTF8 \
        --locale=C.UTF-8 --no-sync --no-instructions) >"$PGHOST/initdb.log" 2>&1 ||
        td_bail "initdb failed: $(cat "$PGHOST/initdb.log")"
    (td_keep "$PGHOST" INT "$(td_pg_program postgres)" -D "$PGHOST/data" \
        -c listen_addresses="${1:+127.0.0.1}" -c port="$PGPORT" \
        -c unix_socket_directories="$PGHOST" -c fsync=off -c full_page_writes=off ${TD_POSTGRES_OPTIONS:-} \
        </dev/null >/dev/null 2>&1 &)
    td_until 30 psql -X -q -d postgres -c 'CREATE DATABASE mentoring' ||
        td_bail "PostgreSQL does not answer: $(cat "$PGHOST/log")"
    TD_DATABASE="postgresql://postgres@/mentoring?host=$PGHOST&port=$PGPORT"
    export TD_DATABASE
}

# From version 7 on a server refuses DEBUG, which td_digest needs, unless it is told otherwise.
td_redis_allows() {
    redis-server --version | grep -qE 'v=[0-6]\.' || echo '--enable-debug-command local'
}

# td_start_redis [PORT]: TD_REDIS is its URL, TD_REDIS_SOCKET its socket. With a port it listens on
# 127.0.0.1, too; one below 32768, since those above are given to whoever connects to somewhere.
td_start_redis() {
    td_new_directory
    TD_REDIS_SOCKET=$td_made/redis.sock
    TD_REDIS=unix://$TD_REDIS_SOCKET
    export TD_REDIS_SOCKET TD_REDIS
    (td_keep "$td_made" TERM "$(command -v redis-server)" --port "${1:-0}" --bind 127.0.0.1 \
        --unixsocket "$TD_REDIS_SOCKET" --unixsocketperm 700 --save '' --appendonly no \
        --dir "$td_made" $(td_redis_allows) ${TD_REDIS_OPTIONS:-} </dev/null >/dev/null 2>&1 &)
    td_until 30 redis-cli -s "$TD_REDIS_SOCKET" ping ||
        td_bail "Redis does not answer: $(cat "$td_made/log")"
}

# td_load_demo [SCALE [dirty]]: the sample, as the program itself loads it.
td_load_demo() {
    set -- --scale "${1:-0.1}" ${2:+--dirty}
    [ -z "${TD_REDIS:-}" ] || set -- -r "$TD_REDIS" "$@"
    td_said=$("$TENANTDECK" -d "$TD_DATABASE" --operator --yes demo load "$@" 2>&1) ||
        td_bail "the sample could not be loaded: $td_said"
    # A backend tells the server's counters of its changes when it ends, a little after its client.
    td_until 30 td_is_alone || td_bail 'the loading session does not end'
}

td_is_alone() {
    [ "$(td_psql "SELECT count(*) FROM pg_stat_activity
                   WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")" = 0 ]
}

# td_psql SQL...: what it answers, unaligned, without headings; errors on the same stream.
td_psql() {
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$TD_DATABASE" -c "$1" 2>&1
}

td_redis() {
    redis-cli -s "$TD_REDIS_SOCKET" "$@"
}

# All that Redis holds, as one number. Without an answer no two of them are alike.
td_digest() {
    td_redis DEBUG DIGEST | grep -xE '[0-9a-f]{40}' || echo "Redis tells no digest at $(date +%s%N)"
}

# ---- what a run has left in the journal ----

# td_step NAME: what became of it in the last run that had it, and why.
td_step() {
    td_psql "SELECT s.state || ': ' || COALESCE(s.trouble, '') FROM tenantdeck.step s
              WHERE s.name = '$1' ORDER BY s.run DESC LIMIT 1"
}

# td_events [SOURCE]: the log of the last run, or what one source has said in it.
td_events() {
    td_psql "SELECT e.severity || ' ' || e.text FROM tenantdeck.event e
              WHERE e.run = (SELECT max(id) FROM tenantdeck.run) ${1:+AND e.source = '$1'} ORDER BY e.id"
}

# td_done_before PLAN STEPS: a run that somebody else has made, with these steps done, where what comes
# before is not what is tried. STEPS are parted by commas. Says the SQL.
td_done_before() {
    cat <<SQL
INSERT INTO tenantdeck.plan (name, hash, kind, text, document)
VALUES ('$1', repeat('0', 64), 'columns', 'before', '{}');
INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program, ended_at)
SELECT m.generation, p.id, 'migrate', 'online', 'done', 'hand', 'here', 'psql', clock_timestamp() + interval '1 second'
  FROM tenantdeck.meta m, tenantdeck.plan p;
INSERT INTO tenantdeck.step (run, ordinal, name, type, state)
SELECT r.id, s.place, s.name, 'once', 'done'
  FROM tenantdeck.run r, unnest('{$2}'::text[]) WITH ORDINALITY AS s (name, place);
SQL
}

# Ends what this script has started, and waits for it; at the end of the script it is not needed.
td_stop() {
    for td_made in ${td_directories:-}; do
        kill -s INT "$(cat "$td_made/server" 2>/dev/null)" 2>/dev/null
    done
    for td_made in ${td_directories:-}; do
        td_until 20 test ! -e "$td_made" || td_note "the server in '$td_made' does not end"
    done
    td_directories=
}
