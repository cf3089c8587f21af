#!/bin/sh
# The script of the roles: it may be run again, gives what the manual says and no more, and leaves
# alone what it must not touch. What a role may do is asked of the server by trying, as that role.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
td_start_postgres
createdb granted
"$TENANTDECK" sql grants >"$work/grants.sql"

grants() {
    psql -X -q -v ON_ERROR_STOP=1 -f "$work/grants.sql" "$@" -d granted 2>&1
}

# As a role: `as NAME SQL`.
as() {
    psql -X -q -At -v ON_ERROR_STOP=1 -d "dbname=granted user=$1" -c "$2" 2>&1
}
me=$(psql -X -At -d granted -c 'SELECT current_user')

as "$me" 'CREATE ROLE application LOGIN;
    CREATE TABLE public.sessions (id int PRIMARY KEY, title text);
    CREATE TABLE public."Odd ""name" (id int PRIMARY KEY);
    CREATE TABLE public.of_root (id int PRIMARY KEY);
    ALTER TABLE public.sessions OWNER TO application;
    ALTER TABLE public."Odd ""name" OWNER TO application' >"$work/made"
is "$(cat "$work/made")" '' 'there are tables to speak of'

like "$(grants)" 'no journal yet' 'without a journal it says so'
"$TENANTDECK" -d 'dbname=granted' --yes journal create >"$work/created"
ok $? 'the journal is made'
first=$(grants)
unlike "$first" 'ERROR|no journal yet' 'with one it goes through'
like "$first" 'tables belong to a superuser' 'a superuser who owns tables is named'
is "$(grants)" "$first" 'and so it does a second time'

# ---- stage 1 ----

is "$(as "$me" "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles
                 WHERE rolname LIKE 'td\\_%' AND rolcanlogin AND NOT rolsuper AND NOT rolcreatedb
                   AND NOT rolcreaterole AND NOT rolbypassrls")" 'td_observer td_oncall td_worker' \
    'there are three roles without attributes'
is "$(as td_observer 'SELECT count(*) FROM tenantdeck.meta')" 1 'the observer reads the journal'
like "$(as td_observer "BEGIN READ WRITE;
                        INSERT INTO tenantdeck.event (severity, source, text)
                        VALUES ('info', 'x', 'x')")" 'permission denied' \
    'and cannot write, even when it takes back its read-only setting'
like "$(as td_observer 'SELECT * FROM public.sessions')" 'permission denied' \
    'it sees no row of the application'
is "$(as td_observer "SELECT pg_has_role('pg_monitor', 'USAGE')")" t 'it sees the statistics'

is "$(as td_worker "INSERT INTO tenantdeck.event (severity, source, text)
                    VALUES ('info', 'worker', 'hello') RETURNING role")" td_worker \
    'the worker writes the log'
like "$(as td_worker "UPDATE tenantdeck.event SET text = ''")" 'permission denied' \
    'but cannot change it'
like "$(as td_worker 'UPDATE tenantdeck.meta SET version = 9')" 'permission denied' \
    'nor the version of the journal'
is "$(as td_worker 'SET ROLE application; ALTER TABLE public.sessions ADD tenant_code text')" '' \
    'it may change the tables as their owner'
like "$(as td_worker "SET ROLE \"$me\"")" 'permission denied' 'and become no superuser'
"$TENANTDECK" -d 'dbname=granted user=td_worker' --yes journal create >"$work/worker" 2>&1
ok $? 'the program takes it for a worker'

as "$me" "INSERT INTO tenantdeck.plan (name, hash, kind, text, document)
          VALUES ('small', repeat('0', 64), 'columns', '', '{\"tables\": [{\"name\": \"sessions\"}]}');
          INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program)
          SELECT generation, 1, 'migrate', 'online', 'running', 'a', 'b', '0' FROM tenantdeck.meta" \
    >"$work/run"
is "$(as td_oncall "INSERT INTO tenantdeck.request (run, verb, who) VALUES (1, 'pause', 'anna')")" '' \
    'the on-call may ask a run to pause'
like "$(as td_oncall "INSERT INTO tenantdeck.request (run, verb, role) VALUES (1, 'stop', 'boss')")" \
    'permission denied' 'but not in the name of another role'
is "$(as td_oncall "SELECT pg_has_role('pg_signal_backend', 'USAGE')")" t 'it may end a blocker'
is "$(as td_oncall 'SELECT count(*) FROM tenantdeck.request')" 1 'and sees what the observer sees'

# ---- stage 2 and 3 ----

like "$(grants -v stage=2 -v columns=none_such)" 'run the step columns first' \
    'stage 2 wants the columns'
unlike "$(grants -v stage=2 -v plan=small)" 'ERROR' 'stage 2 goes through'
unlike "$(grants -v stage=2 -v plan=small)" 'ERROR' 'and a second time'
unlike "$(grants -v stage=3)" 'ERROR' 'stage 3 goes through'
like "$(as td_worker 'SET ROLE application')" 'permission denied' \
    'afterwards the worker is no longer the owner'
as "$me" 'GRANT SELECT ON public.of_root TO td_worker' >"$work/again"
unlike "$(grants -v stage=1)$(grants -v stage=2)$(grants -v stage=3)" 'ERROR' \
    'all of it once more, for all tables'
is "$(as "$me" "SELECT has_table_privilege('td_worker', 'public.of_root', 'SELECT')")" t \
    'what others have granted stays'

# ---- what is asked for ----

unlike "$(grants -v data=on -v triggers=on)" 'ERROR' 'rows and triggers can be asked for'
is "$(as td_observer 'SELECT count(*) FROM public.sessions')" 0 'then the observer may count'
if [ "$(as "$me" "SELECT current_setting('server_version_num')::int >= 150000")" = t ]; then
    is "$(as td_worker 'SET session_replication_role = replica')" '' \
        'and the worker may silence triggers'
fi
unlike "$(grants -v observer='the "watcher"' -v worker=w2 -v oncall=o2 -v plan=small)" 'ERROR' \
    'any names will do'
is "$(as 'the\ \"watcher\"' 'SELECT count(*) > 0 FROM tenantdeck.run' 2>&1 | tail -n 1)" t \
    'and mean what they say'

# ---- what is refused, as a whole ----

for refused in 'stage=7' "worker=$me" 'plan=none_such' 'schema=none_such' 'owner=none_such' \
    'observer=td_worker'; do
    name=refused_$(echo "$refused" | tr -c 'a-z\n' _)
    like "$(grants -v "$refused" -v oncall="$name")" 'ERROR' "refused: $refused"
    is "$(as "$me" "SELECT count(*) FROM pg_roles WHERE rolname = '$name'")" 0 \
        'and nothing was done'
done

done_testing
