#!/bin/bash
# The migration as roles that are no superuser: the owner of the tables, and the worker whom the script
# of `sql grants` makes. Each goes there and back, or is refused before anything is written, with the
# GRANT that is missing; and what is made serves the application's role.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"
td_start_postgres
td_load_demo 0.05
td_prepare_migration
unset PGDATABASE
admin() { PGOPTIONS='-c client_min_messages=warning' psql -X -q -v ON_ERROR_STOP=1 -d "$@" >"$work/admin" 2>&1 ||
    td_bail "$(cat "$work/admin")"; }
admin postgres -c 'CREATE ROLE app LOGIN' -c 'ALTER DATABASE mentoring RENAME TO owned' -c 'ALTER DATABASE owned OWNER TO app'
admin owned -c "DO \$\$ DECLARE o record; BEGIN
    FOR o IN SELECT oid::regclass AS name, CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind
               FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') LOOP
        EXECUTE format('ALTER %s %s OWNER TO app', o.kind, o.name);
    END LOOP; END \$\$" -c 'GRANT USAGE, CREATE ON SCHEMA public TO app'
version=$(td_ask owned "SELECT current_setting('server_version_num')::int")

copy() { admin postgres -c "DROP DATABASE IF EXISTS \"$1\" WITH (FORCE)" -c "CREATE DATABASE \"$1\" TEMPLATE \"$2\" OWNER app"; }
picture() { td_schema "$1" && td_rows "$1"; }
remember() { picture "$1" >"$work/before"; }
same() {
    picture "$1" >"$work/after"
    cmp -s "$work/before" "$work/after"
    ok $? "$2" || td_note "$(diff "$work/before" "$work/after" | head -n 20)"
}

# on ROLE DATABASE WORDS...: what it said is in $work/said.
on() {
    local role=$1 database=$2
    shift 2
    (cd "$work" && "$TENANTDECK" -d "dbname=$database user=$role" -p ./mentoring.plan --yes --confirm="$database" \
        "$@") >"$work/said" 2>&1
}
does() { # NAME ROLE DATABASE WORDS...
    local name=$1
    shift
    on "$@"
    ok $? "$name" || td_note "$(grep -v ' info ' "$work/said" | tail -n 8)"
}
# refused STATUS NAME REGEX ROLE DATABASE WORDS...: with that reason, and nothing was changed
refused() {
    local status=$1 name=$2 reason=$3
    shift 3
    on "$@"
    is $? "$status" "$name: refused"
    like "$(cat "$work/said"; td_ask "$2" "SELECT message || ' | ' || fix FROM tenantdeck.finding
        WHERE verdict = 'fail' AND run = (SELECT max(id) FROM tenantdeck.run)" 2>/dev/null)" "$reason" "$name: with what is missing"
    same "$2" "$name: and nothing was changed"
}
there_and_back() { # NAME ROLE DATABASE [OPTION...]
    local name=$1 role=$2 database=$3 mode
    shift 3
    for mode in --online --window; do
        does "$name, $mode: the migration comes to its end" "$role" "$database" migrate --no-backup $mode "$@"
        is "$(td_ask "$database" "SELECT count(*) FROM session_attendees a JOIN sessions s ON s.id = a.session_id
                                   WHERE a.tenant_code IS DISTINCT FROM s.tenant_code")" 0 "$name, $mode: the rows are right"
        [ $mode = --window ] || serves "$name" "$database"
        does "$name, $mode: it is found right" "$role" "$database" validate
        does "$name, $mode: all of it is taken back" "$role" "$database" rollback
        same "$database" "$name, $mode: definitions and rows are those of before"
    done
}
# The application's role knows nothing of the journal, and its rows get their codes all the same.
serves() {
    is "$(psql -X -q -At -d "dbname=$2 user=app" -c "BEGIN;
        INSERT INTO session_attendees (id, mentee_id, session_id, time_zone, created_at, updated_at)
        SELECT 990000, 'new', id, 'x', now(), now() FROM sessions WHERE tenant_code = 'elevate_tenant' ORDER BY id LIMIT 1
        RETURNING tenant_code; ROLLBACK" 2>&1)" elevate_tenant "$1: what the application writes gets its codes"
}

# ---- the owner of the tables ----

PGDATABASE=owned td_codes >"$work/data_codes.csv"
copy subject owned
remember subject
does 'the owner: preflight lets it begin' app subject preflight
like "$(td_ask subject "SELECT message FROM tenantdeck.finding WHERE check_name = 'triggers stay quiet'")" \
    "'app' may not set session_replication_role, and no trigger .* needs it" 'the owner: what it may not is told'
there_and_back 'the owner' app subject

copy triggered owned
admin triggered -c "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := now(); RETURN NEW; END'" \
    -c 'CREATE TRIGGER touch BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION touch()'
copy subject triggered
remember subject
refused 1 'triggers that would fire' \
    "'app' may not set session_replication_role, so 1 triggers would fire while rows are filled; --triggers lets them.*GRANT SET ON PARAMETER session_replication_role TO app;" \
    app subject migrate --no-backup
does 'triggers that may fire: --triggers' app subject migrate --no-backup --triggers
is "$(td_ask subject "SELECT count(*) FROM sessions WHERE updated_at < now() - interval '1 hour'")" 0 \
    'triggers that may fire: have fired'
if [ "$version" -ge 150000 ]; then
    copy subject triggered
    remember subject
    admin subject -c 'GRANT SET ON PARAMETER session_replication_role TO app'
    there_and_back 'with the GRANT that was named' app subject
    admin subject -c 'REVOKE SET ON PARAMETER session_replication_role FROM app'
fi

# ---- the worker of `sql grants` ----

"$TENANTDECK" sql grants >"$work/grants.sql"
copy subject owned
remember subject
admin subject -c 'CREATE ROLE td_worker LOGIN'
refused 4 'a role without any right' 'GRANT CREATE ON DATABASE "subject" TO "td_worker"' td_worker subject migrate --no-backup
"$TENANTDECK" -d dbname=subject --yes journal create >"$work/said" 2>&1
refused 4 'a role that cannot read the journal' 'GRANT USAGE ON SCHEMA tenantdeck TO "td_worker".*sql grants' \
    td_worker subject migrate --no-backup
refused 4 'nor is it told that a step has not been done' "may not read the journal in database 'subject'" \
    td_worker subject run release
admin subject -v stage=1 -f "$work/grants.sql"
remember subject
there_and_back 'the worker' td_worker subject

for right in 'REVOKE app FROM td_worker|GRANT app TO td_worker;' \
    'REVOKE CREATE ON SCHEMA tenantdeck FROM td_worker|lacks CREATE on schema tenantdeck.*GRANT CREATE ON SCHEMA tenantdeck TO td_worker;'; do
    admin subject -c "${right%%|*}"
    remember subject
    refused 1 "the worker, after ${right%%|*}" "${right#*|}" td_worker subject migrate --no-backup
    admin subject -v stage=1 -f "$work/grants.sql"
done
admin subject -c 'REVOKE CREATE ON SCHEMA tenantdeck FROM td_worker'
does 'the worker, in a window: makes no trigger, and needs no place for one' td_worker subject migrate --no-backup --window

done_testing
