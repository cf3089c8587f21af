# server.sh: servers that lib.sh does not start: a primary with settings of its own, and standbys.
# Sourced after lib.sh, by tests of what happens around a database.

# start_primary SETTING...: as td_start_postgres, with settings as in `wal_level=logical`.
start_primary() {
    td_new_directory
    PGHOST=$td_made PGPORT=5432 PGUSER=postgres PGDATABASE=mentoring
    export PGHOST PGPORT PGUSER PGDATABASE
    unset PGPASSWORD PGSERVICE PGPASSFILE PGOPTIONS DATABASE_URL
    (td_run_server "$(td_pg_program initdb)" -D "$PGHOST/data" -U postgres --auth=trust -E UTF8 \
        --locale=C.UTF-8 --no-sync --no-instructions) >"$PGHOST/initdb.log" 2>&1 ||
        td_bail "initdb failed: $(cat "$PGHOST/initdb.log")"
    printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$PGHOST'" \
        "port = $PGPORT" "$@" >>"$PGHOST/data/postgresql.conf"
    (td_keep "$PGHOST" INT "$(td_pg_program postgres)" -D "$PGHOST/data" </dev/null >/dev/null 2>&1 &)
    td_until 30 psql -X -q -d postgres -c 'CREATE DATABASE mentoring' ||
        td_bail "PostgreSQL does not answer: $(cat "$PGHOST/log")"
    TD_DATABASE="postgresql://postgres@/mentoring?host=$PGHOST&port=$PGPORT"
    export TD_DATABASE
}

# start_standby NAME SETTING...: follows the primary; its sockets are in $standby.
start_standby() {
    standby_name=$1
    shift
    td_new_directory
    standby=$td_made
    (td_run_server "$(td_pg_program pg_basebackup)" -D "$standby/data" -h "$PGHOST" -U postgres \
        --checkpoint=fast --no-sync) >"$standby/backup.log" 2>&1 ||
        td_bail "pg_basebackup failed: $(cat "$standby/backup.log")"
    printf '%s\n' "unix_socket_directories = '$standby'" "cluster_name = '$standby_name'" \
        "primary_conninfo = 'host=$PGHOST user=postgres application_name=$standby_name'" \
        "$@" >>"$standby/data/postgresql.conf"
    touch "$standby/data/standby.signal"
    (td_keep "$standby" INT "$(td_pg_program postgres)" -D "$standby/data" </dev/null >/dev/null 2>&1 &)
    td_until 30 psql -X -q -h "$standby" -c 'SELECT 1' ||
        td_bail "the standby does not answer: $(cat "$standby/log")"
}

# in_session NAME SQL...: a session of that application name that has said each SQL when this returns,
# and then waits for end_session NAME; what it was answered is in $work/NAME.out.
in_session() {
    session=$1
    shift
    rm -f "$work/$session.said"
    mkfifo "$work/$session.gate"
    set -- "$@" "\\! touch '$work/$session.said'; cat '$work/$session.gate'"
    for said in "$@"; do
        set -- "$@" -c "$said"
        shift
    done
    PGAPPNAME=$session psql -X -q -At -d "$TD_DATABASE" "$@" >"$work/$session.out" 2>&1 &
    echo $! >"$work/$session.pid"
    td_until 20 test -e "$work/$session.said" ||
        td_bail "session '$session' does not come through: $(cat "$work/$session.out")"
}

end_session() {
    td_until 20 session_ended "$1" || td_note "session '$1' does not end"
    rm -f "$work/$1.gate"
}

# To open the gate for both directions never waits; once may be too early.
session_ended() {
    (: <>"$work/$1.gate") && ! kill -0 "$(cat "$work/$1.pid")" 2>/dev/null &&
        [ "$(td_psql "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1'")" = 0 ]
}

end_sessions() {
    for gate in "$work"/*.gate; do
        gate=${gate##*/}
        [ ! -e "$work/$gate" ] || end_session "${gate%.gate}"
    done
}
