#!/bin/bash
# preflight: each thing that can stand in the way of a migration is really put there, and is found;
# and it passes when it is not there. What needs no program is asked of the SQL itself, by psql.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../server.sh"

work=$(mktemp -d /tmp/preflight.XXXXXX)
chmod 755 "$work" # the archive command of the server looks into it
trap 'end_sessions; rm -rf "$work"' EXIT
start_primary wal_level=logical max_prepared_transactions=4 max_connections=40 archive_mode=on \
    "archive_command='test ! -e $work/broken'" autovacuum=off autovacuum_naptime=1s
td_load_demo 0.01
cp "$TD_SRCDIR/data/plans/mentoring.plan" "$work"
printf '%s\n' organization_id,organization_code,tenant_code 1,default_org,default_tenant \
    >"$work/data_codes.csv"
"$TENANTDECK" -p "$work/mentoring.plan" plan show --json >"$work/plan.json"

# The statements as psql can run them; what the text of a check says about time can be changed.
statement() {
    "$TENANTDECK" sql "$1" | sed -e '/^--/d' -e "s/\$1::jsonb/(:'plan'::jsonb -> 'definition')/" \
        -e "s/\$2::text/:'mode'::text/" ${changed:+-e "$changed"}
}

# ask STATEMENT [MODE [ROLE]]: a finding a line: VERDICT GROUP/NAME SUBJECT: MESSAGE | SAMPLES | FIX.
# Those that have to be asked for are asked for, with the same rights. Nothing is committed, since
# that may have to wait for a standby.
ask() {
    {
        printf '\\set plan `cat %s`\n' "$work/plan.json"
        echo "BEGIN; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL row_security = off;"
        echo "CREATE TEMPORARY TABLE found AS"
        statement "$1"
        cat <<'END'
CREATE TEMPORARY TABLE answered (place int, verdict text, count bigint, message text, samples jsonb);
ALTER TABLE pg_temp.found ADD place serial;
SELECT format('INSERT INTO pg_temp.answered SELECT %s, * FROM (%s) AS a', place, query)
  FROM pg_temp.found WHERE verdict IS NULL
\gexec
SELECT coalesce(f.verdict, a.verdict) || ' ' || f.check_group || '/' || f.check_name || ' '
       || f.subject || ': ' || coalesce(f.message, a.message)
       || coalesce(' | ' || coalesce(f.samples, a.samples)::text, '') || coalesce(' | ' || f.fix, '')
  FROM pg_temp.found f LEFT JOIN pg_temp.answered a USING (place)
 ORDER BY f.place;
ROLLBACK;
END
    } >"$work/ask.sql"
    PGAPPNAME='tenantdeck asks' psql -X -q -At -v ON_ERROR_STOP=1 -v mode="${2:-online}" \
        -U "${3:-postgres}" -d mentoring -f "$work/ask.sql" 2>&1
}

preflight() {
    found=$(ask check_preflight "${1:-online}" "${2:-postgres}")
}

traffic() {
    found=$(ask check_traffic "${1:-online}" "${2:-postgres}")
}

# One after the other: ALTER SYSTEM and COMMIT stand in no transaction.
does() {
    said=$(psql -X -q -At -v ON_ERROR_STOP=1 -d "$TD_DATABASE" -f - <<<"$1" 2>&1) ||
        td_bail "$1 says: $said"
}

# finds REGEX COMMAND...: asks, and is true when it is found; for what takes the server a moment.
finds() {
    "${@:2}"
    grep -qE -- "$1" <<<"$found"
}

# ---- nothing in the way ----

preflight
clean=$found
is "$(grep -vc '^pass ' <<<"$clean")" 0 'a superuser on a quiet server: every check passes'
is "$(wc -l <<<"$clean")" 17 'and says so'
like "$clean" '^pass server/version PostgreSQL 15.*: the server is one of PostgreSQL 14 to 17$' \
    'the version is named'
like "$clean" "^pass rights/owner postgres: 26 tables of the plan belong to 'postgres'" \
    'whose tables they are, too'
traffic
is "$(grep -vc '^pass ' <<<"$found")" 0 'nor is anybody in the way'
is "$(wc -l <<<"$found")" 13 'which is said as well'
traffic window
is "$(grep -vc '^pass ' <<<"$found")" 0 'in a window neither'
like "$found" '^pass sessions/application mentoring: no other session is there' \
    'where the application has to be gone'

# ---- the server ----

changed="s/current_setting('server_version_num')::int AS version/130011 AS version/" preflight
like "$found" '^fail server/version .* older than PostgreSQL 14' 'PostgreSQL 13 is too old'
changed="s/current_setting('server_version_num')::int AS version/180001 AS version/" preflight
like "$found" '^warn server/version .*newer than PostgreSQL 17.*rehearse' 'PostgreSQL 18 is too new'
does "ALTER DATABASE mentoring CONNECTION LIMIT 1; ALTER ROLE postgres IN DATABASE mentoring
      SET idle_in_transaction_session_timeout = '2s'; ALTER SYSTEM SET full_page_writes = off;
      SELECT pg_reload_conf()"
td_until 10 finds 'full_page_writes is off' preflight
like "$found" '^warn server/durability .*full_page_writes is off: a crash' \
    'what makes a crash fatal is told'
like "$found" '^warn server/defaults postgres: .*idle_in_transaction_session_timeout = 2000.*ALTER ROLE postgres IN DATABASE mentoring SET' \
    'a default that would end our transactions is told, with what changes it'
like "$found" '^pass server/connections' 'a limit that does not bind a superuser does not count'
does "ALTER SYSTEM RESET full_page_writes; SELECT pg_reload_conf();
      ALTER ROLE postgres IN DATABASE mentoring RESET ALL;
      ALTER DATABASE mentoring CONNECTION LIMIT -1;
      ALTER ROLE postgres SET statement_timeout = '1min'"
td_until 10 finds 'pass server/durability' preflight
like "$found" '^pass server/defaults postgres: our sessions set these .* statement_timeout = 60000' \
    'one that our sessions set by themselves passes'
does 'ALTER ROLE postgres RESET ALL'

# ---- the rights of a role ----

does "CREATE ROLE worker LOGIN CONNECTION LIMIT 1; CREATE ROLE app"
preflight online worker
like "$found" "^fail rights/owner postgres: 26 .*'worker' is no member.*ALTER TABLE public.sessions OWNER TO worker;" \
    'tables of a superuser would have to change hands'
like "$found" '^fail rights/schema public: .*lacks CREATE on the schema.*GRANT CREATE ON SCHEMA public TO worker;$' \
    'the missing GRANT on the schema is named'
like "$found" '^fail rights/database mentoring: .*GRANT CREATE ON DATABASE mentoring TO worker;$' \
    'that on the database, too'
like "$found" '^fail rights/user table user_extensions: .*GRANT SELECT ON public.user_extensions TO worker;$' \
    'and that on the users'
like "$found" '^fail server/connections mentoring: 0 more .*the limit of the role' \
    'a limit that binds the role counts'
like "$found" "^pass rights/triggers stay quiet worker: 'worker' may not .* no trigger .* needs it" \
    'session_replication_role is not missed where there are no triggers'

does "ALTER ROLE worker CONNECTION LIMIT -1;
      DO \$\$ DECLARE t regclass; BEGIN
          FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
                      AND relkind = 'r'
          LOOP EXECUTE format('ALTER TABLE %s OWNER TO app', t); END LOOP; END \$\$"
preflight online worker
like "$found" "^fail rights/owner app: 26 .*no member.*\| GRANT app TO worker;$" \
    'tables of another role need a membership'
does 'GRANT app TO worker; ALTER ROLE worker NOINHERIT'
preflight online worker
like "$found" "^fail rights/owner app: .*does not inherit.*\| ALTER ROLE worker INHERIT;$" \
    'one without its rights is not enough'
does 'ALTER ROLE worker INHERIT; GRANT CREATE ON SCHEMA public TO worker;
      GRANT CREATE ON DATABASE mentoring TO worker'
preflight online worker
is "$(grep -vc '^pass ' <<<"$found")" 0 'with what was named, all passes'

does "ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY"
preflight online worker
like "$found" '^pass rights/row security' 'a policy does not bind the owner'
does 'ALTER TABLE public.sessions FORCE ROW LEVEL SECURITY'
preflight online worker
like "$found" "^fail rights/row security public: policies of 1 tables bind 'worker'.*\"sessions\".*\| ALTER TABLE public.sessions NO FORCE ROW LEVEL SECURITY;$" \
    'unless it is forced'
does 'ALTER ROLE worker BYPASSRLS'
preflight online worker
like "$found" '^pass rights/row security' 'BYPASSRLS gets around it'
does 'ALTER ROLE worker NOBYPASSRLS; ALTER TABLE public.sessions NO FORCE ROW LEVEL SECURITY;
      ALTER TABLE public.issues OWNER TO postgres; GRANT SELECT ON public.issues TO worker;
      ALTER TABLE public.issues ENABLE ROW LEVEL SECURITY'
preflight online worker
like "$found" '^fail rights/row security .*"issues".*\| ALTER ROLE worker BYPASSRLS;$' \
    "a table of somebody else needs BYPASSRLS"
does 'ALTER TABLE public.issues DISABLE ROW LEVEL SECURITY; ALTER TABLE public.issues OWNER TO app;
      ALTER TABLE public.sessions DISABLE ROW LEVEL SECURITY'

# ---- what fires ----

does "CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER \"Touch it\" BEFORE UPDATE ON public.sessions
          FOR EACH ROW EXECUTE FUNCTION public.touch();
      CREATE TRIGGER on_insert BEFORE INSERT ON public.sessions
          FOR EACH ROW EXECUTE FUNCTION public.touch()"
preflight online worker
like "$found" "^fail rights/triggers stay quiet worker: .*so 1 triggers would fire.*--triggers lets them.*\"sessions: Touch it\".*\| GRANT SET ON PARAMETER session_replication_role TO worker;$" \
    'a trigger that would fire is named, with the GRANT that quiets it'
does 'GRANT SET ON PARAMETER session_replication_role TO worker'
preflight online worker
like "$found" "^pass rights/triggers stay quiet worker: 'worker' may set" 'which does'
preflight
like "$found" "^pass rights/triggers stay quiet postgres: 'postgres' may set" 'a superuser needs none'
changed="s/current_setting('server_version_num')::int AS version/140011 AS version/" preflight online worker
like "$found" "^fail rights/triggers stay quiet worker: .*may not set.*before PostgreSQL 15" \
    'in PostgreSQL 14 nothing but a superuser helps'
like "$found" '^pass surroundings/triggers that fire always' 'none fires always yet'
for always in ALWAYS REPLICA; do
    does "ALTER TABLE public.sessions ENABLE $always TRIGGER \"Touch it\""
    preflight
    like "$found" '^warn surroundings/triggers that fire always .*1 triggers.*\| ALTER TABLE public.sessions DISABLE TRIGGER "Touch it";$' \
        "one that is ENABLE $always is named"
done
does 'DROP TRIGGER "Touch it" ON public.sessions;
      CREATE RULE instead AS ON UPDATE TO public.issues DO INSTEAD NOTHING'
preflight
like "$found" '^pass surroundings/triggers that fire always' 'and is not when it has gone'
like "$found" '^fail surroundings/rules public: 1 rules.*"issues: instead".*\| ALTER TABLE public.issues DISABLE RULE instead;$' \
    'a rule in place of an UPDATE is found'
does "DROP RULE instead ON public.issues;
      CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
      CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION public.watch()"
preflight
like "$found" '^pass surroundings/rules' 'and is not when it has gone'
like "$found" '^warn surroundings/event triggers .*1 event triggers.*"guard: ddl_command_start calls watch".*\| ALTER EVENT TRIGGER guard DISABLE;$' \
    'an event trigger is named'
does 'ALTER EVENT TRIGGER guard DISABLE'
preflight
like "$found" '^pass surroundings/event triggers' 'one that is disabled is none'
does 'DROP EVENT TRIGGER guard'

# ---- extensions ----

does 'DROP EXTENSION pg_trgm CASCADE'
preflight
like "$found" '^warn extensions/pg_trgm pg_trgm: .*though the server has it.*\| CREATE EXTENSION pg_trgm WITH SCHEMA public;$' \
    'a missing extension is told, with how to get it'
changed="s/given.is_distributed/true/g" preflight
like "$found" '^fail extensions/citus citus: the plan distributes .*shared_preload_libraries' \
    'so is Citus, where the plan wants it'

# ---- sessions ----

in_session idler BEGIN 'SELECT FROM public.sessions LIMIT 1'
idler=$(td_psql "SELECT pid FROM pg_stat_activity WHERE application_name = 'idler'")
traffic
like "$found" '^pass sessions/long transactions' 'a transaction that has just begun is none'
td_until 20 finds '^warn sessions/long transactions' traffic
like "$found" "^warn sessions/long transactions mentoring: 1 transactions .*\"age\": \"00:00:0.*\"pid\": $idler.*\"role\": \"postgres\".*\"locks\": \"sessions\".*\"application\": \"idler\"" \
    'one that waits for its client is: who, how old, on which table'
traffic online worker
like "$found" '^unknown sessions/long transactions .*1 sessions do not tell.*\| GRANT pg_read_all_stats TO worker;$' \
    'to a role that is not shown it, that is not known'
like "$found" '^warn sessions/sight worker' 'and why'
traffic window worker
like "$found" "^fail sessions/application mentoring: 1 other sessions are still there: idler as 'postgres' \(1\)" \
    'in a window the application is in the way, and named'
traffic online
like "$found" '^pass sessions/application' 'online it is not'
end_session idler
does 'GRANT pg_read_all_stats TO worker'
traffic window worker
is "$(grep -vc '^pass ' <<<"$found")" 0 'nothing is left of it, and the role sees that'

in_session worker_of_app BEGIN 'SELECT 1'
changed="s/interval '1 minute'/interval '0'/; s/interval '5 seconds'/interval '1 day'/" traffic
unlike "$found" '^warn sessions/long transactions' 'who waits for its client is not taken for one at work'
end_session worker_of_app
psql -X -q -d mentoring -c 'SELECT pg_advisory_lock(1), pg_sleep(600)' >"$work/sleep" 2>&1 &
td_until 10 td_psql "SELECT 1 / count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
changed="s/interval '1 minute'/interval '0'/" traffic
like "$found" '^warn sessions/long transactions .*"state": "active"' 'a statement that takes long is found'
does "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
wait

does "BEGIN; SELECT 1; PREPARE TRANSACTION 'harmless'"
traffic
like "$found" "^warn sessions/prepared transactions mentoring: 1 transactions .* 0 of them.*ROLLBACK PREPARED 'harmless';" \
    'a prepared transaction is found'
does "BEGIN; LOCK TABLE public.sessions IN ROW EXCLUSIVE MODE; PREPARE TRANSACTION 'it''s'"
traffic
like "$found" "^fail sessions/prepared transactions mentoring: 2 transactions .* 1 of them.*ROLLBACK PREPARED 'it''s';" \
    'one with a lock on a table of the plan is a failure'
does "ROLLBACK PREPARED 'harmless'"
does "ROLLBACK PREPARED 'it''s'"
traffic
like "$found" '^pass sessions/prepared transactions' 'and none is left'

in_session pg_dump 'BEGIN' 'LOCK TABLE public.sessions IN ACCESS SHARE MODE'
traffic
like "$found" '^warn sessions/running dumps mentoring: 1 sessions.*"application": "pg_dump"' 'a running dump is found'
like "$found" '^pass sessions/locked tables' 'its locks alone are weak'
end_session pg_dump
in_session locker 'BEGIN' 'LOCK TABLE public.sessions IN SHARE MODE'
traffic
like "$found" '^warn sessions/locked tables public: 1 tables.*"lock": "ShareLock".*"table": "sessions"' \
    'a strong lock is found, and whose it is'
end_session locker
traffic
is "$(grep -vc '^pass ' <<<"$found")" 0 'nobody is left'

# ---- autovacuum, as it really comes ----

does "ALTER TABLE public.sessions SET (autovacuum_enabled = on, autovacuum_vacuum_threshold = 1,
          autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100,
          autovacuum_vacuum_cost_limit = 1);
      DELETE FROM public.session_attendees; UPDATE public.sessions SET title = title;
      ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf()"
td_until 60 finds 'autovacuum: VACUUM [A-Z ]*public.sessions' traffic
like "$found" '^warn sessions/autovacuum public: autovacuum works on .*; it gives way.*autovacuum: VACUUM [A-Z ]*public.sessions' \
    'autovacuum at work is found'
does "ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf();
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
td_until 20 finds '^pass sessions/autovacuum' traffic
ok $? 'and is not when it is through'
does "CREATE PROCEDURE public.burn() LANGUAGE plpgsql AS 'BEGIN
          FOR i IN 1 .. 100100 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END'"
does 'SET synchronous_commit = off; CALL public.burn()'
does 'ALTER TABLE public.sessions SET (autovacuum_freeze_max_age = 100000);
      ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf()'
td_until 60 finds 'gives way to nobody' traffic
like "$found" '^warn sessions/autovacuum public: .* on one at least to prevent wraparound: that gives way to nobody.*\(to prevent wraparound\)' \
    'one that prevents wraparound is marked'
does "ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf();
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
changed="s/current_setting('autovacuum_freeze_max_age')::bigint/100000/"
td_until 20 finds 'so old that autovacuum will come' traffic
changed=
like "$found" '^warn sessions/autovacuum public: [0-9]+ tables .*so old .*VACUUM \(FREEZE\) public.sessions;' \
    'what is due soon is told before it comes'
changed='s/> 1600000000/> 100000/' preflight
like "$found" '^fail server/transaction numbers mentoring: .* 10[0-9],[0-9]+ old' \
    'the age of the database is weighed'

# ---- replicas, slots, archive, subscribers ----

does "SELECT pg_create_physical_replication_slot('forgotten', true)"
traffic
like "$found" "^warn replication/slots mentoring: 1 replication slots.*until the disk is full.*\"forgotten\".*SELECT pg_drop_replication_slot\('forgotten'\);" \
    'a slot that nobody uses is found'
does "SELECT pg_drop_replication_slot('forgotten')"
traffic
like "$found" '^pass replication/slots' 'and is not when it was dropped'

like "$found" '^pass replication/archive mentoring: WAL is archived' 'the archive follows'
# A new file of WAL, which wakes the archiver.
next_file() {
    does 'CREATE TABLE IF NOT EXISTS public.pulse (); DROP TABLE public.pulse; SELECT pg_switch_wal()'
}
touch "$work/broken"
next_file
td_until 60 finds '^fail replication/archive' traffic
like "$found" '^fail replication/archive mentoring: archiving fails, the last time at .* with [0-9A-F]{24}; about [1-9][0-9]* files wait' \
    'and is found when it fails'
rm "$work/broken"
next_file
td_until 60 finds '^pass replication/archive' traffic
ok $? 'until it is mended'
does "ALTER SYSTEM SET archive_command = ''; SELECT pg_reload_conf()"
td_until 10 finds '^warn replication/archive .*no command or library' traffic
ok $? 'an archive without a command is told'
does "ALTER SYSTEM RESET archive_command; SELECT pg_reload_conf()"

does "ALTER SYSTEM SET synchronous_standby_names = 'r1'; SELECT pg_reload_conf()"
td_until 10 finds '^fail replication/synchronous standbys .*none is connected: the first batch would hang' traffic
ok $? 'a synchronous standby that is not there is a failure'
start_standby r1
td_until 20 finds '^pass replication/synchronous standbys .*waits for a standby to confirm it \(r1\)' traffic
ok $? 'one that is there passes, and is told'
like "$found" '^pass replication/lag mentoring: 1 replicas follow.*"replica": "r1"' 'a replica that follows passes'
does 'REVOKE pg_read_all_stats FROM worker'
traffic online worker
like "$found" "^unknown replication/lag mentoring: 1 replicas are connected; 'worker' does not see.*GRANT pg_read_all_stats" \
    'to a role that is not shown it, the lag is not known'
like "$found" '^unknown replication/synchronous standbys' 'nor is the standby'
does "ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()"
psql -X -q -At -h "$standby" -c "ALTER SYSTEM SET recovery_min_apply_delay = '1h'" -c 'SELECT pg_reload_conf()' >"$work/delay"
changed="s/interval '10 seconds'/interval '1 second'/"
behind() {
    does 'CREATE TABLE IF NOT EXISTS public.pulse (); DROP TABLE public.pulse'
    finds '^warn replication/lag' traffic
}
td_until 60 behind
changed=
like "$found" '^warn replication/lag mentoring: 1 of 1 replicas are behind, the last one by 00:00:0' \
    'a replica that is behind is found'
found=$(psql -X -q -At -F ' ' -h "$standby" -v plan="$(cat "$work/plan.json")" -v mode=online -d mentoring \
    -f <(statement check_preflight) 2>&1)
like "$found" 'server primary mentoring error fail .*is a standby, and takes no changes' 'a standby is no primary'
exits 4 'and a verb that writes is refused there' "$TENANTDECK" -d "host=$standby dbname=mentoring" -p "$work/mentoring.plan" preflight
like "$td_said" "database 'mentoring' is a standby, and takes no changes; nothing was changed" 'with the reason'
like "$td_said" 'hint: connect to the primary: .*target_session_attrs=primary' 'and what to do'

does "CREATE PUBLICATION everything FOR TABLE public.sessions, public.issues"
traffic
like "$found" '^warn replication/publications public: 2 tables.*stops.*"sessions: everything"' \
    'tables that are published are named'
does 'ALTER TABLE public.issues REPLICA IDENTITY NOTHING'
traffic
like "$found" '^fail replication/publications .*1 published tables .*no replica identity.*\| ALTER TABLE public.issues REPLICA IDENTITY FULL;$' \
    'one whose rows cannot be changed is a failure'
does 'DROP PUBLICATION everything; ALTER TABLE public.issues REPLICA IDENTITY DEFAULT;
      CREATE DATABASE source'
psql -X -q -d source -c 'CREATE TABLE public.issues (id int PRIMARY KEY, user_id varchar)' \
    -c "CREATE PUBLICATION p FOR TABLE public.issues" \
    -c "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')" >"$work/source" 2>&1
does "CREATE SUBSCRIPTION feed CONNECTION 'host=$PGHOST dbname=source' PUBLICATION p
          WITH (create_slot = false, copy_data = false)"
traffic
like "$found" '^warn replication/subscriptions public: 1 tables.*"issues: feed".*\| ALTER SUBSCRIPTION feed DISABLE;$' \
    'tables that get rows from elsewhere are named'
does 'DROP SUBSCRIPTION feed'
traffic
like "$found" '^pass replication/subscriptions' 'and are not when they get none'
like "$found" '^pass replication/publications' 'nor are published ones'

# ---- names that could be taken for SQL ----

does "CREATE ROLE \"o'Brien; DROP TABLE x\" LOGIN"
preflight online "o'Brien; DROP TABLE x"
like "$found" "^fail rights/schema public: 'o'Brien; DROP TABLE x' lacks.*TO \"o'Brien; DROP TABLE x\";$" \
    'a hostile name is quoted where it has to be'
like "$found" "^pass rights/triggers stay quiet o'Brien; DROP TABLE x: 'o'Brien" \
    'and within a query'

td_stop
done_testing
