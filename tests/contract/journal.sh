#!/bin/sh
# The journal's schema: everything in it is explained, nothing in it cascades, what must stay as it
# was written stays so, and it can be made by many at once.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
td_start_postgres

ask() {
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$database" -c "$1" 2>&1
}

# ---- twenty at once, then one more ----

database=many
createdb "$database"
for i in $(seq 20); do
    { "$TENANTDECK" -d "dbname=$database" --yes journal create >"$work/$i" 2>&1
      echo "exit $?" >>"$work/$i"; } &
done
wait
is "$(cat "$work"/* | grep -c '^exit 0$')" 20 'twenty at once make the journal without an error'
is "$(ask 'SELECT count(*) FROM tenantdeck.meta')" 1 'and there is one'
is "$(ask "SELECT count(*) FROM tenantdeck.event WHERE text = 'the journal was made'")" 1 \
    'made once'
before=$(ask 'SELECT generation, upgraded_at FROM tenantdeck.meta')
"$TENANTDECK" -d "dbname=$database" --yes journal create >"$work/again"
ok $? 'once more is no error'
is "$(ask 'SELECT generation, upgraded_at FROM tenantdeck.meta')" "$before" 'and changes nothing'

# ---- what the schema must have ----

is "$(ask "SELECT c.relname FROM pg_class c
            WHERE c.relnamespace = 'tenantdeck'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
              AND obj_description(c.oid, 'pg_class') IS NULL")" '' 'every table has a comment'
is "$(ask "SELECT c.relname || '.' || a.attname
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'tenantdeck'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
              AND a.attnum > 0 AND NOT a.attisdropped
              AND col_description(c.oid, a.attnum) IS NULL")" '' 'every column has a comment'
is "$(ask "SELECT p.proname FROM pg_proc p
            WHERE p.pronamespace = 'tenantdeck'::regnamespace
              AND (obj_description(p.oid, 'pg_proc') IS NULL
                   OR NOT 'search_path=pg_catalog, pg_temp' = ANY (COALESCE(p.proconfig, '{}')))")" \
    '' 'every function has a comment and a fixed search path'
is "$(ask "SELECT conname FROM pg_constraint
            WHERE connamespace = 'tenantdeck'::regnamespace AND contype = 'f'
              AND (confdeltype <> 'a' OR confupdtype <> 'a')")" '' 'no foreign key cascades'
is "$(ask "SELECT c.relname FROM pg_class c
            WHERE c.relnamespace = 'tenantdeck'::regnamespace AND c.relkind = 'r'
              AND NOT EXISTS (SELECT 1 FROM pg_constraint k
                               WHERE k.conrelid = c.oid AND k.contype = 'p')")" '' \
    'every table has a primary key'
is "$(ask "SELECT a.attrelid::regclass || '.' || a.attname
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'tenantdeck'::regnamespace AND c.relkind = 'r'
              AND a.attname = 'id' AND (a.attidentity = '' OR a.atttypid <> 'bigint'::regtype)")" \
    '' 'every id is a bigint identity'
is "$(ask "SELECT string_agg(c.relname, ' ') FROM pg_class c
            WHERE c.relnamespace = 'tenantdeck'::regnamespace AND c.relacl::text ~ '[{,]=[a-zA-Z]'")" \
    '' 'nothing is open to everybody'

# ---- what is written once ----

ask "INSERT INTO tenantdeck.plan (name, hash, kind, text, document)
     VALUES ('p', repeat('0', 64), 'columns', '', '{}');
     INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program)
     SELECT m.generation, p.id, 'migrate', 'online', 'running', 'anna', 'bastion1', '0'
       FROM tenantdeck.plan p, tenantdeck.meta m;
     INSERT INTO tenantdeck.step (run, ordinal, name, type) SELECT id, 1, 'keys', 'once'
       FROM tenantdeck.run;
     INSERT INTO tenantdeck.undo (generation, plan, run, step, ordinal, object_type, object,
                                  definition, statement)
     SELECT r.generation, 'p', r.id, s.id, 1, 'table constraint', 'k on public.t',
            'PRIMARY KEY (id)', 'ALTER ...'
       FROM tenantdeck.run r, tenantdeck.step s" >"$work/rows"
is "$(cat "$work/rows")" '' 'a run can be written'

record_again="INSERT INTO tenantdeck.undo (generation, plan, run, step, ordinal, object_type, object,
                                  statement)
     SELECT generation, plan, run, step, (SELECT max(ordinal) + 1 FROM tenantdeck.undo), object_type,
            object, 'something else' FROM tenantdeck.undo WHERE id = 1"
is "$(ask "$record_again ON CONFLICT DO NOTHING RETURNING id")" '' \
    'the second undo record of an object is passed over'
is "$(ask 'SELECT statement FROM tenantdeck.undo')" 'ALTER ...' 'and the first one stays'
like "$(ask "UPDATE tenantdeck.undo SET statement = 'x'")" 'written once' 'it cannot be changed'
like "$(ask "SET session_replication_role = replica;
             UPDATE tenantdeck.undo SET definition = NULL")" 'written once' \
    'not while triggers are silenced, either'
like "$(ask 'DELETE FROM tenantdeck.undo')" 'written once' 'it cannot be deleted'
like "$(ask 'TRUNCATE tenantdeck.undo')" 'written once' 'it cannot be truncated'
is "$(ask "UPDATE tenantdeck.undo SET state = 'undone', settled_at = clock_timestamp(), settled_by = run
           RETURNING state")" 'undone' 'it can be settled'
like "$(ask "UPDATE tenantdeck.undo SET state = 'kept', settled_at = NULL, settled_by = NULL")" \
    'written once' 'once'
is "$(ask "$record_again RETURNING statement")" 'something else' \
    'what was restored may be changed, and recorded, anew'
like "$(ask "UPDATE tenantdeck.event SET text = ''")" 'written once' 'an event cannot be changed'
like "$(ask 'DELETE FROM tenantdeck.event')" 'written once' 'an event cannot be deleted'
like "$(ask 'TRUNCATE tenantdeck.event')" 'written once' 'events cannot be truncated'

checkpoint="INSERT INTO tenantdeck.checkpoint (step, unit, part, rows, epoch)
            SELECT id, 'sessions', 'blocks 0-31', 900, 1 FROM tenantdeck.step"
is "$(ask "$checkpoint")" '' 'a batch is noted'
like "$(ask "$checkpoint")" 'checkpoint_pkey' 'and cannot be committed twice'

# ---- words that the program knows ----

like "$(ask "UPDATE tenantdeck.step SET state = 'running'")" 'step_state_check' \
    'a state that the program does not know is refused'
for state in waits runs paused "done" failed undone skipped; do
    is "$(ask "UPDATE tenantdeck.step SET state = '$state' RETURNING state")" "$state" \
        "a step can be '$state'"
    grep -q "\"$state\"" "$TD_SRCDIR/src/watch/snapshot.c"
    ok $? "and the program calls it '$state' too"
done
like "$(psql -X -At -d "$database" -c 'LISTEN tenantdeck' -c "INSERT INTO tenantdeck.request (run, verb)
           VALUES (1, 'pause')" 2>&1)" 'notification "tenantdeck" with payload "1 pause"' \
    'a request is announced'

# ---- a schema that somebody else has prepared runs nothing with our rights ----

trap_call="CREATE FUNCTION tenantdeck.spring() RETURNS text LANGUAGE plpgsql AS \$\$
           BEGIN EXECUTE 'ALTER ROLE trapper SUPERUSER'; RETURN 'x'; END \$\$"
sprung="SELECT rolsuper FROM pg_roles WHERE rolname = 'trapper'"

database=trapped
createdb "$database"
ask "CREATE ROLE trapper LOGIN; GRANT CREATE ON DATABASE $database TO trapper"
"$TENANTDECK" -d "dbname=$database user=trapper" --yes journal create >"$work/trap"
ok $? 'another role makes a journal'
"$TENANTDECK" -d "dbname=$database" journal status >"$work/trap"
like "$(cat "$work/trap")" 'version [0-9]' 'and a superuser may look at it'
ask "SET ROLE trapper; $trap_call;
     CREATE OR REPLACE FUNCTION tenantdeck.server_identity() RETURNS bigint LANGUAGE sql
         AS 'SELECT tenantdeck.spring(); SELECT 1::bigint';
     UPDATE tenantdeck.meta SET database_oid = 1" >"$work/trap"
"$TENANTDECK" -d "dbname=$database" --yes journal create >"$work/trap" 2>&1
is "$?" 4 'but does not renew it, since its functions are not its own'
like "$(cat "$work/trap")" "belongs to 'trapper'" 'and is told whose it is'
is "$(ask "$sprung")" f 'and nothing was called'
ask "SET ROLE trapper; DROP TABLE tenantdeck.event CASCADE;
     CREATE VIEW tenantdeck.event AS SELECT 1::bigint AS id, now() AS at, 1::bigint AS run,
         1::bigint AS step, 'info' AS severity, 'x' AS source, tenantdeck.spring() AS text" \
    >"$work/trap"
"$TENANTDECK" -d "dbname=$database" log >"$work/trap" 2>&1
ok $? 'a view in the place of a table is no error'
"$TENANTDECK" -d "dbname=$database" journal status >"$work/trap" 2>&1
like "$(cat "$work/trap")" 'something else' 'but then it is no journal'
is "$(ask "$sprung")" f 'and the view is not read'

done_testing
